//! Namespaces in a folder: one file each, replaced whole.
//!
//! Three names stand for each namespace. `<name>.json` is what readers see; it is only ever put in place complete, by a
//! rename, so readers need no lock. `<name>.lock` is held by the one who writes. `<name>.new` is what that one writes
//! first; whatever a crash leaves there is overwritten by the next.

mod written;

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::grant::check_namespace;
use super::{NamespaceChanges, NamespaceError, Namespaces};

/// How long a commit waits for others that are writing. Each takes milliseconds; only one that was stopped takes longer.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often it looks whether they have finished.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// Namespaces in a folder that nobody else may look into.
///
/// Any number of processes on one machine may use it at the same time. It must lie on a file system that keeps what it
/// is told to keep and has locks, which network file systems may not.
#[derive(Clone, Debug)]
pub struct FolderOfNamespaces {
    folder: PathBuf,
}

impl FolderOfNamespaces {
    /// Uses that folder; creates it, for its owner alone, if it is not there.
    ///
    /// # Errors
    /// If it cannot be created, or others may look into it.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, NamespaceError> {
        let folder = folder.into();
        make_private(&folder)?;
        Ok(Self { folder })
    }

    /// Makes all changes or none, on top of what others have changed since. When it returns, they outlast a crash of
    /// the machine.
    ///
    /// # Errors
    /// If the name cannot be one, the quota is exceeded, or the changes cannot be kept. Then nothing has changed,
    /// except where the system could not tell whether a write came through.
    pub fn commit(&self, changes: &NamespaceChanges) -> Result<(), NamespaceError> {
        let namespace = &changes.namespace;
        check_namespace(namespace)?;
        let _lock = self.lock(namespace)?;
        let mut values = self.values(namespace)?;
        changes.apply(&mut values)?;
        self.replace(namespace, values)
    }

    /// A file of a namespace. The name was checked, so it is no path.
    fn file(&self, namespace: &str, ending: &str) -> PathBuf {
        self.folder.join(format!("{namespace}.{ending}"))
    }

    /// What the namespace's file holds.
    fn values(&self, namespace: &str) -> Result<BTreeMap<String, Vec<u8>>, NamespaceError> {
        let path = self.file(namespace, "json");
        match fs::read(&path) {
            Ok(bytes) => written::read(&path, namespace, &bytes),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(BTreeMap::new()),
            Err(error) => Err(NamespaceError::Unusable { path, error }),
        }
    }

    /// Puts the values in place, so that they are there whole after a crash, or not at all.
    fn replace(&self, namespace: &str, values: BTreeMap<String, Vec<u8>>) -> Result<(), NamespaceError> {
        let (new, path) = (self.file(namespace, "new"), self.file(namespace, "json"));
        let bytes = written::write(&path, namespace, values)?;
        let write = || {
            let mut file = for_the_owner_alone().write(true).create(true).truncate(true).open(&new)?;
            file.write_all(&bytes)?;
            file.sync_all()
        };
        write().map_err(|error| NamespaceError::Unusable { path: new.clone(), error })?;
        let put_in_place = || {
            fs::rename(&new, &path)?;
            keep_names(&self.folder)
        };
        put_in_place().map_err(|error| NamespaceError::Unusable { path, error })
    }

    /// Waits until nobody else writes to the namespace. The lock ends with the file, also if the process dies.
    fn lock(&self, namespace: &str) -> Result<File, NamespaceError> {
        let path = self.file(namespace, "lock");
        let unusable = |error| NamespaceError::Unusable { path: path.clone(), error };
        let file = for_the_owner_alone().write(true).create(true).truncate(false).open(&path).map_err(unusable)?;
        let begun = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::Error(error)) => return Err(unusable(error)),
                Err(TryLockError::WouldBlock) if begun.elapsed() >= PATIENCE => {
                    return Err(NamespaceError::Busy { path, waited: PATIENCE });
                }
                Err(TryLockError::WouldBlock) => thread::sleep(LOOK_EVERY),
            }
        }
    }
}

impl Namespaces for FolderOfNamespaces {
    fn read(&self, namespace: &str) -> Result<BTreeMap<String, Vec<u8>>, NamespaceError> {
        check_namespace(namespace)?;
        self.values(namespace)
    }
}

/// Creates the folder if it is not there, for its owner alone; refuses one that others can look into.
fn make_private(folder: &Path) -> Result<(), NamespaceError> {
    let unusable = |error| NamespaceError::Unusable { path: folder.to_owned(), error };
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
        builder.mode(0o700);
        builder.create(folder).map_err(unusable)?;
        let mode = fs::metadata(folder).map_err(unusable)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(NamespaceError::Shared { path: folder.to_owned(), mode });
        }
    }
    #[cfg(not(unix))]
    builder.create(folder).map_err(unusable)?;
    Ok(())
}

/// New files are their owner's alone.
fn for_the_owner_alone() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Makes the names in a folder outlast a crash, as `sync_all` does with what is in a file.
#[cfg(unix)]
fn keep_names(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// The system does that by itself.
#[cfg(not(unix))]
fn keep_names(_: &Path) -> io::Result<()> {
    Ok(())
}

//! A store of namespaces in a folder: one file for each, always replaced as a whole.
//!
//! Each namespace has up to three files. Readers use `<name>.json`, which is put in place complete, by a rename, so they need no
//! lock. A writer locks `<name>.lock`, and writes `<name>.new` first; the next writer overwrites what a crash leaves there.
//!
//! The file holds a version, the name of the namespace, the values, and a digest over all three. The digest is no seal: anybody
//! who can write to the folder can write another one. It turns a file that was cut off, edited by hand or copied from another
//! namespace into an error that names the file.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use lockgate_domain::Digest;
use serde::{Deserialize, Serialize};

use super::super::base64_bytes::Base64Bytes;
use super::changes::NamespaceChanges;
use super::namespaces::{NamespaceError, Namespaces, check_namespace};

/// The version of the file that is written, and the only one that is read.
const VERSION: u64 = 1;
/// How long a commit waits for other writers. A write takes milliseconds, unless its process is stopped.
const PATIENCE: Duration = Duration::from_secs(10);
/// The interval in which a waiting commit tries to get the lock.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// A store of namespaces in a folder that other users have no access to.
///
/// Any number of processes on one machine may use it at the same time. Its file system needs a reliable `fsync` and file
/// locks, which network file systems may lack.
#[derive(Clone, Debug)]
pub struct FolderOfNamespaces {
    folder: PathBuf,
}

impl FolderOfNamespaces {
    /// Opens the folder, or creates it with mode 0700.
    ///
    /// # Errors
    /// If it cannot be created, or other users have access to it.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, NamespaceError> {
        let folder = folder.into();
        make_private(&folder)?;
        Ok(Self { folder })
    }

    /// Stores all changes or none, on top of the current values. When it returns, they survive a crash of the machine.
    ///
    /// # Errors
    /// If the name is invalid, the quota is exceeded, or the changes cannot be stored. Nothing has changed then, except where
    /// the system failed while it replaced the file.
    pub fn commit(&self, changes: &NamespaceChanges) -> Result<(), NamespaceError> {
        let namespace = &changes.namespace;
        check_namespace(namespace)?;
        let _lock = self.lock(namespace)?;
        let mut values = self.values(namespace)?;
        changes.apply(&mut values)?;
        self.replace(namespace, values)
    }

    /// The path of a file of a namespace, whose name is valid and so cannot be a path itself.
    fn file(&self, namespace: &str, ending: &str) -> PathBuf {
        self.folder.join(format!("{namespace}.{ending}"))
    }

    /// The values in the file of a namespace.
    fn values(&self, namespace: &str) -> Result<BTreeMap<String, Vec<u8>>, NamespaceError> {
        let path = self.file(namespace, "json");
        match fs::read(&path) {
            Ok(bytes) => decode(&path, namespace, &bytes),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(BTreeMap::new()),
            Err(error) => Err(NamespaceError::Unusable { path, error }),
        }
    }

    /// Replaces the file of a namespace, so that a crash leaves the old values or the new ones.
    fn replace(&self, namespace: &str, values: BTreeMap<String, Vec<u8>>) -> Result<(), NamespaceError> {
        let (new, path) = (self.file(namespace, "new"), self.file(namespace, "json"));
        let bytes = encode(&path, namespace, values)?;
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

    /// Waits for the lock of the namespace. It is released when the file is closed, even if the process dies.
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

/// Creates the folder with mode 0700, or refuses one that other users have access to.
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

/// Options with mode 0600 for new files.
fn for_the_owner_alone() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Makes the names in a folder survive a crash, as `sync_all` does for the content of a file.
#[cfg(unix)]
fn keep_names(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Other systems do that by themselves.
#[cfg(not(unix))]
fn keep_names(_: &Path) -> io::Result<()> {
    Ok(())
}

/// The values that the digest of a file covers, as canonical JSON.
#[derive(Serialize)]
struct DigestedValues<'a> {
    version: u64,
    namespace: &'a str,
    values: &'a BTreeMap<String, Base64Bytes>,
}

/// The file of a namespace.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NamespaceFile<'a> {
    version: u64,
    namespace: Cow<'a, str>,
    values: BTreeMap<String, Base64Bytes>,
    digest: Digest,
}

/// The version of a file, which every version has.
#[derive(Deserialize)]
struct FileVersion {
    version: u64,
}

/// The bytes of the file with these values.
fn encode(path: &Path, namespace: &str, values: BTreeMap<String, Vec<u8>>) -> Result<Vec<u8>, NamespaceError> {
    let values = values.into_iter().map(|(key, value)| (key, Base64Bytes(value))).collect();
    let digest = digest(path, namespace, &values)?;
    let file = NamespaceFile { version: VERSION, namespace: Cow::Borrowed(namespace), values, digest };
    let mut bytes = serde_json::to_vec_pretty(&file).map_err(|error| damaged(path, error))?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// The values in the bytes of a file.
fn decode(path: &Path, namespace: &str, bytes: &[u8]) -> Result<BTreeMap<String, Vec<u8>>, NamespaceError> {
    let FileVersion { version } = serde_json::from_slice(bytes).map_err(|error| damaged(path, error))?;
    if version != VERSION {
        return Err(NamespaceError::OfAnotherVersion { path: path.to_owned(), version });
    }
    let file: NamespaceFile<'_> = serde_json::from_slice(bytes).map_err(|error| damaged(path, error))?;
    if file.namespace != namespace {
        return Err(damaged(path, format_args!("it was written for the namespace `{}`", file.namespace)));
    }
    if file.digest != digest(path, namespace, &file.values)? {
        return Err(damaged(path, "its content does not match its digest"));
    }
    Ok(file.values.into_iter().map(|(key, content)| (key, content.0)).collect())
}

fn digest(path: &Path, namespace: &str, values: &BTreeMap<String, Base64Bytes>) -> Result<Digest, NamespaceError> {
    Digest::of_canonical(&DigestedValues { version: VERSION, namespace, values }).map_err(|error| damaged(path, error))
}

fn damaged(path: &Path, reason: impl ToString) -> NamespaceError {
    NamespaceError::Damaged { path: path.to_owned(), reason: reason.to_string() }
}

//! The directory of the cache. Other users have no access to it or to the key in it.

use std::fs::{self, DirBuilder};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::seal::SealKey;

/// The name of the file that holds the key.
const KEY: &str = "seal.key";

/// Why a directory cannot be used as a cache.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CacheError {
    /// The directory or a file in it cannot be created, read or written.
    #[error("the cache `{}` cannot be used: {error}", .path.display())]
    Unusable {
        /// The directory or the file.
        path: PathBuf,
        /// The error of the system.
        error: io::Error,
    },
    /// Other users can read or write the directory.
    #[error(
        "the cache `{}` is open to others (mode {mode:o}): who can write there can run code here, so make it private \
         with `chmod 700`",
        .path.display()
    )]
    Shared {
        /// The directory.
        path: PathBuf,
        /// The permissions of the directory.
        mode: u32,
    },
    /// The system has no random numbers for the key. The message is the system's.
    #[error("the system has no random numbers for the key of the cache: {0}")]
    NoRandomness(String),
}

/// Creates the directory with mode 0700, or refuses one that other users have access to.
pub(super) fn make_private(directory: &Path) -> Result<(), CacheError> {
    let unusable = |error| CacheError::Unusable { path: directory.to_owned(), error };
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
        builder.mode(0o700);
        builder.create(directory).map_err(unusable)?;
        let mode = fs::metadata(directory).map_err(unusable)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(CacheError::Shared { path: directory.to_owned(), mode });
        }
    }
    #[cfg(not(unix))]
    builder.create(directory).map_err(unusable)?;
    Ok(())
}

/// The key in the directory; a new one if there is none or it is damaged.
pub(super) fn key(directory: &Path) -> Result<SealKey, CacheError> {
    let path = directory.join(KEY);
    let unusable = |error| CacheError::Unusable { path: path.clone(), error };
    match fs::read(&path) {
        Ok(bytes) => {
            if let Ok(key) = bytes.try_into() {
                return Ok(key);
            }
            tracing::warn!(file = %path.display(), "the key of the cache is damaged; the cache starts empty");
            fs::remove_file(&path).map_err(unusable)?;
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(unusable(error)),
    }
    let mut key = [0; 64];
    getrandom::fill(&mut key).map_err(|error| CacheError::NoRandomness(error.to_string()))?;
    // Created for its owner alone, and put in place whole. If another process was faster, its key is the key.
    let mut file = tempfile::NamedTempFile::new_in(directory).map_err(unusable)?;
    file.write_all(&key).map_err(unusable)?;
    match file.persist_noclobber(&path) {
        Ok(_) => Ok(key),
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => {
            let bytes = fs::read(&path).map_err(unusable)?;
            bytes.try_into().map_err(|_| unusable(ErrorKind::InvalidData.into()))
        }
        Err(error) => Err(unusable(error.error)),
    }
}

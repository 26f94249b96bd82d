//! The directory of the cache: nobody else's, with a key in it that nobody else can read.

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
    /// It cannot be created, read or written.
    #[error("the cache `{}` cannot be used: {error}", .path.display())]
    Unusable {
        /// The directory, or the file in it.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Others can read or write it.
    #[error(
        "the cache `{}` is open to others (mode {mode:o}): who can write there can run code here, so make it private \
         with `chmod 700`",
        .path.display()
    )]
    Shared {
        /// The directory.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// There is no randomness to make a key of.
    #[error("there is no randomness to make the key of the cache of: {0}")]
    NoRandomness(String),
}

/// Creates the directory if it is not there, for its owner alone; refuses one that others can look into.
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

/// The key in the directory; a new one if there is none, or one that cannot be.
pub(super) fn key(directory: &Path) -> Result<SealKey, CacheError> {
    let path = directory.join(KEY);
    let unusable = |error| CacheError::Unusable { path: path.clone(), error };
    match fs::read(&path) {
        Ok(bytes) => {
            if let Ok(key) = bytes.try_into() {
                return Ok(key);
            }
            tracing::warn!(file = %path.display(), "the key of the cache is damaged: it begins anew");
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

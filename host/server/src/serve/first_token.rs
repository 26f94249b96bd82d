//! The first administrator's token: shown once to a person, or left in a file of the data folder where nobody watches.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::auth::token::Secret;

/// The name of the file in the data folder.
const FILE: &str = "first-administrator.token";

/// The token that an endpoint issues when it starts for the first time.
#[derive(Debug)]
pub struct FirstToken {
    secret: Secret,
    file: PathBuf,
}

impl FirstToken {
    pub(super) fn new(secret: Secret, data: &Path) -> Self {
        Self { secret, file: data.join(FILE) }
    }

    /// Its text, to be shown.
    pub fn expose(&self) -> &str {
        self.secret.expose()
    }

    /// Where [`write`](Self::write) puts it.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Writes the token, with a line end, to a new file in the data folder that its owner alone can read. A file of an
    /// earlier ledger gives way to it.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(&self) -> io::Result<()> {
        match fs::remove_file(&self.file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&self.file)?;
        writeln!(file, "{}", self.secret.expose())?;
        file.sync_all()
    }
}

//! The data folder of a server: the ledger in it, and its key.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use lockgate_ledger::{KeyFile, LogSource as _, SqliteOptions, SqliteStorage};

use crate::diagnostic::{Diagnostic, InvalidInput};
use crate::input::not_found;

/// The data folder that is used if none is given.
pub(crate) const USUAL_DATA: &str = "lockgate-data";
/// The file of the ledger in a data folder.
pub(crate) const LEDGER: &str = "ledger.db";
/// The file with the ledger's signing key in a data folder.
const KEY: &str = "ledger.key";

/// The first bytes of every SQLite file.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

#[derive(Debug, clap::Args)]
pub(crate) struct DataArguments {
    /// The data folder of the server.
    #[arg(long, value_name = "FOLDER", default_value = USUAL_DATA)]
    data: PathBuf,
}

impl DataArguments {
    /// Opens the ledger read-only. It needs no key, and a server may be running.
    pub(crate) fn read_only(&self) -> anyhow::Result<SqliteStorage> {
        open_to_read(&self.existing_path()?)
    }

    /// Opens the ledger for writing, and its key. A server may be running.
    pub(crate) fn to_write(&self) -> anyhow::Result<(SqliteStorage, KeyFile)> {
        let path = self.existing_path()?;
        let name = self.read_only()?.head()?.key.name().to_owned();
        let key = self.key();
        let storage = key.open(&path, &name, SqliteOptions::default())?;
        Ok((storage, key))
    }

    /// The file of the ledger, which must exist.
    fn existing_path(&self) -> anyhow::Result<PathBuf> {
        let path = self.path();
        self.key().refuse_gone(&path)?;
        if path.is_file() {
            return Ok(path);
        }
        let diagnostic = match self.data.is_dir() {
            true => not_found(&path, "ledger"),
            false => Diagnostic::error(format!("data folder not found: `{}`", self.data.display())),
        };
        Err(InvalidInput::from(diagnostic.help("give the data folder of the server with `--data <folder>`")).into())
    }

    /// The file of the ledger.
    pub(crate) fn path(&self) -> PathBuf {
        self.data.join(LEDGER)
    }

    /// The file with the key that signs.
    pub(crate) fn key(&self) -> KeyFile {
        KeyFile::new(self.data.join(KEY))
    }
}

/// The file of the ledger at a path, which is that file or a data folder.
pub(crate) fn file_of(path: &Path) -> PathBuf {
    if path.is_dir() { path.join(LEDGER) } else { path.to_owned() }
}

/// Opens the ledger in a file read-only. It needs no key, and a server may be running.
///
/// # Errors
/// If the file does not exist, is not a ledger, or cannot be opened.
pub(crate) fn open_to_read(path: &Path) -> anyhow::Result<SqliteStorage> {
    SqliteStorage::refuse_gone(path)?;
    check_is_ledger(path)?;
    SqliteStorage::open_read_only(path).with_context(|| format!("`{}`", path.display()))
}

/// Checks that the file exists and looks like an SQLite database.
fn check_is_ledger(path: &Path) -> anyhow::Result<()> {
    if path.is_dir() {
        let diagnostic = Diagnostic::error(format!("`{}` is a folder, not a ledger file", path.display()));
        return Err(InvalidInput::from(diagnostic.help("give a data folder with `--data <folder>`")).into());
    }
    if !path.exists() {
        let diagnostic = not_found(path, "ledger");
        let help = "give the data folder of a server with `--data <folder>`";
        return Err(InvalidInput::from(diagnostic.help(help)).into());
    }
    let mut start = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAGIC.len() as u64).read_to_end(&mut start));
    read.with_context(|| format!("cannot read the ledger `{}`", path.display()))?;
    // A new database may be empty: its contents are still in the write-ahead log beside it.
    if !start.is_empty() && start != MAGIC {
        let diagnostic = Diagnostic::error(format!("`{}` is not a ledger", path.display()));
        let note = "it does not start like an SQLite database: it is another file, or its first bytes were changed";
        return Err(InvalidInput::from(diagnostic.note(note)).into());
    }
    Ok(())
}

//! The data folder of a server: the ledger in it, and its key.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use lockgate_ledger::{KeyFile, Source as _, SqliteOptions, SqliteStorage};

use crate::diagnostic::{Diagnostic, InvalidInput};
use crate::input::not_found;

/// The data folder, if none is named.
pub(crate) const USUAL_DATA: &str = "lockgate-data";
/// The name of the ledger in it.
pub(crate) const LEDGER: &str = "ledger.db";
/// The name of the file with the key that the ledger is signed with.
const KEY: &str = "ledger.key";

/// What every SQLite file begins with.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// Which ledger.
#[derive(Debug, clap::Args)]
pub(crate) struct DataArguments {
    /// The data folder of the server.
    #[arg(long, value_name = "FOLDER", default_value = USUAL_DATA)]
    data: PathBuf,
}

impl DataArguments {
    /// The ledger, to read only: a server may run, and no key is needed.
    pub(crate) fn read_only(&self) -> anyhow::Result<SqliteStorage> {
        open_to_read(&self.there()?)
    }

    /// The ledger, to write, and its key. A server may run beside it.
    pub(crate) fn to_write(&self) -> anyhow::Result<(SqliteStorage, KeyFile)> {
        let path = self.there()?;
        let name = self.read_only()?.head()?.key.name().to_owned();
        let key = self.key();
        let storage = key.open(&path, &name, SqliteOptions::default())?;
        Ok((storage, key))
    }

    /// Where the ledger is. One that is not there is never made here.
    fn there(&self) -> anyhow::Result<PathBuf> {
        let path = self.path();
        self.key().refuse_gone(&path)?;
        if path.is_file() {
            return Ok(path);
        }
        let diagnostic = match self.data.is_dir() {
            true => not_found(&path, "ledger"),
            false => Diagnostic::error(format!("there is no data folder at `{}`", self.data.display())),
        };
        Err(InvalidInput::from(diagnostic.help("name the data folder of the server with `--data`")).into())
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

/// The file of a ledger: itself, or the one in a data folder.
pub(crate) fn file_of(path: &Path) -> PathBuf {
    if path.is_dir() { path.join(LEDGER) } else { path.to_owned() }
}

/// A ledger, to read only: a server may run on it, and no key is needed.
///
/// # Errors
/// If there is none, or it cannot be opened.
pub(crate) fn open_to_read(path: &Path) -> anyhow::Result<SqliteStorage> {
    SqliteStorage::refuse_gone(path)?;
    seems_a_ledger(path)?;
    SqliteStorage::open_read_only(path).with_context(|| format!("`{}`", path.display()))
}

/// Whether the file is there, and a database. One that is something else was named by mistake.
fn seems_a_ledger(path: &Path) -> anyhow::Result<()> {
    if path.is_dir() {
        let diagnostic = Diagnostic::error(format!("the ledger `{}` is a folder", path.display()));
        return Err(InvalidInput::from(diagnostic.help("name a data folder with `--data`")).into());
    }
    if !path.exists() {
        let diagnostic = not_found(path, "ledger");
        let help = "name the data folder of a server, or the file of a ledger";
        return Err(InvalidInput::from(diagnostic.help(help)).into());
    }
    let mut begins = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAGIC.len() as u64).read_to_end(&mut begins));
    read.with_context(|| format!("the ledger `{}` cannot be read", path.display()))?;
    // A file that was only just made may be empty: all of it stands in the write-ahead log beside it.
    if !begins.is_empty() && begins != MAGIC {
        let diagnostic = Diagnostic::error(format!("`{}` is not a ledger", path.display()));
        let note = "it does not begin as an SQLite database does: it is another file, or its first bytes were changed";
        return Err(InvalidInput::from(diagnostic.note(note)).into());
    }
    Ok(())
}

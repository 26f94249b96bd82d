//! `lockgate ledger`: for those who look after the file that everything is kept in.

mod accept_loss;
mod backup;
mod forget;
mod info;
mod rotate;

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Subcommand;
use lockgate_ledger::{KeyFile, Source as _, SqliteOptions, SqliteStorage};

use crate::args::Global;
use crate::command::audit::seems_a_ledger;
use crate::diagnostic::{Diagnostic, InvalidInput};
use crate::exit::Exit;
use crate::input::not_found;

/// The data folder, if none is named.
pub(crate) const USUAL_DATA: &str = "lockgate-data";
/// The name of the ledger in it.
pub(crate) const LEDGER: &str = "ledger.db";
/// The name of the file with the key that the ledger is signed with.
const KEY: &str = "ledger.key";

/// What to do with a ledger.
#[derive(Debug, Subcommand)]
pub(crate) enum Ledger {
    /// Says what a ledger holds, and how much of it.
    Info(info::Info),
    /// Copies a ledger while it is in use, and checks the copy.
    Backup(backup::Backup),
    /// Deletes what is old: the bytes of snapshots and evidence, and what is remembered of requests. Every proof stays.
    Forget(forget::Forget),
    /// Goes on with a ledger that has lost something, for example with a backup in its place, and writes into the log what
    /// was lost.
    AcceptLoss(accept_loss::AcceptLoss),
    /// Has the ledger signed with a new key from now on, also by a server that runs.
    RotateKey(rotate::RotateKey),
}

impl Ledger {
    /// Does it.
    pub(crate) fn run(self, global: &Global) -> anyhow::Result<Exit> {
        match self {
            Self::Info(command) => command.run(),
            Self::Backup(command) => command.run(),
            Self::Forget(command) => command.run(),
            Self::AcceptLoss(command) => command.run(global),
            Self::RotateKey(command) => command.run(global),
        }
    }
}

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

    fn path(&self) -> PathBuf {
        self.data.join(LEDGER)
    }

    fn key(&self) -> KeyFile {
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

/// A file that must not be there yet.
fn new_file(path: &Path) -> Result<(), InvalidInput> {
    match path.exists() {
        true => Err(Diagnostic::error(format!("`{}` exists already", path.display()))
            .help("name another file: a backup never takes the place of one")
            .into()),
        false => Ok(()),
    }
}

//! Where a log is read from: a data folder, the file itself, or a server that runs.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use lockgate_ledger::{Source, SqliteStorage};

use super::server_log::ServerLog;
use crate::command::ledger::{LEDGER, USUAL_DATA, open_to_read};
use crate::diagnostic::{Diagnostic, InvalidInput};
use crate::input::not_found;
use crate::server::ServerArguments;

/// What every SQLite file begins with.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// Where the log is. Nothing that a server says is believed unchecked.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Where the log is")]
pub(super) struct SourceArguments {
    /// The data folder of a server, whether it runs or not. Without any of these: `./lockgate-data`.
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["server", "token_file"])]
    data: Option<PathBuf>,
    /// The file of a ledger, for example a backup.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["data", "server", "token_file"])]
    file: Option<PathBuf>,
    #[command(flatten)]
    server: ServerArguments,
}

/// A log that can be read.
pub(super) enum Opened {
    /// A file.
    File {
        /// What reads it.
        storage: SqliteStorage,
        /// Where it is.
        path: PathBuf,
    },
    /// A server.
    Server(ServerLog),
}

impl SourceArguments {
    /// Opens it, to read only.
    ///
    /// # Errors
    /// If what was said is wrong ([`InvalidInput`]), or the file cannot be opened.
    pub(super) fn open(&self) -> anyhow::Result<Opened> {
        if self.data.is_none()
            && self.file.is_none()
            && let Some(client) = self.server.client()?
        {
            return Ok(Opened::Server(ServerLog::new(client)));
        }
        let path = match (&self.file, &self.data) {
            (Some(file), _) => file.clone(),
            (None, data) => data.as_deref().unwrap_or(Path::new(USUAL_DATA)).join(LEDGER),
        };
        let storage = open_to_read(&path)?;
        Ok(Opened::File { storage, path })
    }
}

impl Opened {
    /// What can be read of it.
    pub(super) fn source(&self) -> &dyn Source {
        match self {
            Self::File { storage, .. } => storage,
            Self::Server(log) => log,
        }
    }

    /// Where it is, for people.
    pub(super) fn name(&self) -> String {
        match self {
            Self::File { path, .. } => path.display().to_string(),
            Self::Server(log) => log.address().to_owned(),
        }
    }
}

/// Whether the file is there, and a database. One that is something else was named by mistake.
pub(crate) fn seems_a_ledger(path: &Path) -> anyhow::Result<()> {
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

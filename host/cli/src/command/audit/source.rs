//! Where a log is read from: a data folder, the file itself, or a server that runs.

use std::path::{Path, PathBuf};

use lockgate_ledger::{Source, SqliteStorage};

use super::server_log::ServerLog;
use crate::data_folder::{LEDGER, USUAL_DATA, open_to_read};
use crate::server::ServerArguments;

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

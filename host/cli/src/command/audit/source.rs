//! The options that say where the log is: a data folder, a file, or a running server.

use std::path::{Path, PathBuf};

use lockgate_ledger::{LogSource, SqliteStorage};

use super::server_log::ServerLog;
use crate::data_folder::{LEDGER, USUAL_DATA, open_to_read};
use crate::server::ServerArguments;

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Source of the log")]
pub(super) struct LogSourceArguments {
    /// The data folder of a server, which may be running [default: lockgate-data].
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["server", "token_file"])]
    data: Option<PathBuf>,
    /// The file of a ledger, for example a backup.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["data", "server", "token_file"])]
    file: Option<PathBuf>,
    #[command(flatten)]
    server: ServerArguments,
}

/// An open log, for reading.
pub(super) enum OpenLog {
    File { storage: SqliteStorage, path: PathBuf },
    Server(ServerLog),
}

impl LogSourceArguments {
    /// Opens the log read-only.
    ///
    /// # Errors
    /// If the options are invalid, or the file cannot be opened.
    pub(super) fn open(&self) -> anyhow::Result<OpenLog> {
        if self.data.is_none()
            && self.file.is_none()
            && let Some(client) = self.server.client()?
        {
            return Ok(OpenLog::Server(ServerLog::new(client)));
        }
        let path = match (&self.file, &self.data) {
            (Some(file), _) => file.clone(),
            (None, data) => data.as_deref().unwrap_or(Path::new(USUAL_DATA)).join(LEDGER),
        };
        let storage = open_to_read(&path)?;
        Ok(OpenLog::File { storage, path })
    }
}

impl OpenLog {
    pub(super) fn source(&self) -> &dyn LogSource {
        match self {
            Self::File { storage, .. } => storage,
            Self::Server(log) => log,
        }
    }

    /// The file or the address, for people.
    pub(super) fn name(&self) -> String {
        match self {
            Self::File { path, .. } => path.display().to_string(),
            Self::Server(log) => log.address().to_owned(),
        }
    }
}

//! Where a log is read from: a data folder, the file itself, or a server that runs.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use lockgate_ledger::{Source, SqliteStorage};
use lockgate_server::api::audit::RemoteSource;

use crate::command::ledger::{LEDGER, USUAL_DATA, open_to_read};
use crate::diagnostic::{Diagnostic, InvalidInput};
use crate::input::{not_found, read_text};

/// How large a file with a token may be.
const LARGEST_TOKEN: u64 = 64 << 10;
/// What every SQLite file begins with.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// Where the log is.
#[derive(Debug, clap::Args)]
pub(super) struct SourceArguments {
    /// The data folder of a server, whether it runs or not. Without any of these: `./lockgate-data`.
    #[arg(long, value_name = "FOLDER", help_heading = "Where the log is")]
    data: Option<PathBuf>,
    /// The file of a ledger, for example a backup.
    #[arg(long, value_name = "FILE", conflicts_with = "data", help_heading = "Where the log is")]
    file: Option<PathBuf>,
    /// A server that runs, for example `https://deploy.example.com`. Nothing that it says is believed unchecked.
    #[arg(long, value_name = "URL", conflicts_with_all = ["data", "file"], help_heading = "Where the log is")]
    server: Option<String>,
    /// A file with the token for the server, which has to have the right to audit. Of entries that belong to none of its
    /// teams, the server hands out the hashes alone.
    #[arg(long, value_name = "FILE", requires = "server", help_heading = "Where the log is")]
    token_file: Option<PathBuf>,
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
    Server {
        /// What asks it.
        remote: RemoteSource,
        /// Its address.
        address: String,
    },
}

impl SourceArguments {
    /// Opens it, to read only.
    ///
    /// # Errors
    /// If what was said is wrong ([`InvalidInput`]), or the file cannot be opened.
    pub(super) fn open(&self) -> anyhow::Result<Opened> {
        if let Some(address) = &self.server {
            let token = self.token_file.as_deref().map(read_token).transpose()?;
            let remote = RemoteSource::new(address, token)
                .map_err(|error| InvalidInput::from(Diagnostic::error(error.to_string())))?;
            return Ok(Opened::Server { remote, address: address.clone() });
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
            Self::Server { remote, .. } => remote,
        }
    }

    /// Where it is, for people.
    pub(super) fn name(&self) -> String {
        match self {
            Self::File { path, .. } => path.display().to_string(),
            Self::Server { address, .. } => address.clone(),
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

fn read_token(path: &Path) -> anyhow::Result<String> {
    let token = read_text(path, "token", LARGEST_TOKEN)?.text.trim().to_owned();
    if token.contains(char::is_whitespace) {
        let diagnostic = Diagnostic::error(format!("`{}` holds more than a token", path.display()));
        return Err(InvalidInput::from(diagnostic.help("write the token into it, and nothing else")).into());
    }
    Ok(token)
}

//! What an auditor trusts: a key, and checkpoints that they kept.

use std::path::{Path, PathBuf};

use lockgate_ledger::note::{Checkpoint, Note, VerifyingKey};

use crate::diagnostic::{Diagnostic, InvalidInput};
use crate::input::read_text;

/// The largest file with a key or a checkpoint, in bytes.
const LARGEST: u64 = 64 << 10;
/// The start of a signing key.
const PRIVATE: &str = "PRIVATE+KEY+";

#[derive(Debug, clap::Args)]
pub(super) struct KeyArguments {
    /// A public key that the log has or had: `<name>+<id>+<base64>`, as `lockgate audit key` prints it. Get it from somebody
    /// you trust.
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// A file with the public key.
    #[arg(long, value_name = "FILE", conflicts_with = "key")]
    key_file: Option<PathBuf>,
}

impl KeyArguments {
    /// The key, if one was given.
    ///
    /// # Errors
    /// If it is invalid.
    pub(super) fn read(&self) -> Result<Option<VerifyingKey>, InvalidInput> {
        match (&self.key, &self.key_file) {
            (Some(text), _) => parsed(text.trim(), "`--key`").map(Some),
            (None, Some(path)) => {
                let source = read_text(path, "key", LARGEST)?;
                parsed(source.text.trim(), &format!("`{}`", source.name)).map(Some)
            }
            (None, None) => Ok(None),
        }
    }

    /// The key.
    ///
    /// # Errors
    /// If none was given, or it is invalid.
    pub(super) fn required(&self) -> Result<VerifyingKey, InvalidInput> {
        let missing = || {
            Diagnostic::error("a public key is required")
                .help("give the public key of the log with `--key` or `--key-file`")
                .note("get it from somebody you trust, and not from the sender of the proof")
                .into()
        };
        self.read()?.ok_or_else(missing)
    }
}

fn parsed(text: &str, place: &str) -> Result<VerifyingKey, InvalidInput> {
    if text.starts_with(PRIVATE) {
        let diagnostic = Diagnostic::error(format!("{place} is a signing key, and the public key is needed"));
        return Err(diagnostic
            .note("keep the signing key secret: with it, anybody can forge the log")
            .help("print the public key with `lockgate audit key`")
            .into());
    }
    text.parse().map_err(|error| Diagnostic::error(format!("{place}: {error}")).into())
}

/// Reads a checkpoint, without verifying it.
///
/// # Errors
/// If the file cannot be read or has no checkpoint.
pub(super) fn read_checkpoint(path: &Path) -> Result<String, InvalidInput> {
    let source = read_text(path, "checkpoint", LARGEST)?;
    let wrong = |error: String| {
        InvalidInput::from(
            Diagnostic::error(format!("`{}`: {error}", source.name))
                .help("give the complete output of `lockgate audit checkpoint`"),
        )
    };
    let note = Note::parse(&source.text).map_err(|error| wrong(error.to_string()))?;
    Checkpoint::parse(note.text()).map_err(|error| wrong(error.to_string()))?;
    Ok(source.text.clone())
}

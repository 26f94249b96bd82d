//! What somebody brings along who believes nobody: a key, and checkpoints that they kept.

use std::path::{Path, PathBuf};

use lockgate_ledger::note::{Checkpoint, Note, VerifyingKey};

use crate::diagnostic::{Diagnostic, InvalidInput};
use crate::input::read_text;

/// How large a file with a key or a checkpoint may be.
const LARGEST: u64 = 64 << 10;
/// What a signing key begins with.
const PRIVATE: &str = "PRIVATE+KEY+";

/// The key that is trusted.
#[derive(Debug, clap::Args)]
pub(super) struct KeyArguments {
    /// A verifying key of the log, from any time: `<name>+<id>+<base64>`, as `lockgate audit key` prints it.
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// A file with the verifying key.
    #[arg(long, value_name = "FILE", conflicts_with = "key")]
    key_file: Option<PathBuf>,
}

impl KeyArguments {
    /// The key, if one was handed in.
    ///
    /// # Errors
    /// If it is none.
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

    /// The key, which has to be there.
    ///
    /// # Errors
    /// If it is not, or is none.
    pub(super) fn required(&self) -> Result<VerifyingKey, InvalidInput> {
        let missing = || {
            Diagnostic::error("a proof proves nothing without a key")
                .help("hand in the verifying key of the log with `--key` or `--key-file`")
                .note("take it from somebody whom you trust, and not from whoever sent the proof")
                .into()
        };
        self.read()?.ok_or_else(missing)
    }
}

fn parsed(text: &str, place: &str) -> Result<VerifyingKey, InvalidInput> {
    if text.starts_with(PRIVATE) {
        let diagnostic = Diagnostic::error(format!("{place} is the key that signs, not the one that verifies"));
        return Err(diagnostic
            .note("whoever has it can write a history of their own")
            .help("`lockgate audit key` prints the verifying key")
            .into());
    }
    text.parse().map_err(|error| Diagnostic::error(format!("{place}: {error}")).into())
}

/// A checkpoint that was kept: the signed note. It is not verified here.
///
/// # Errors
/// If there is no such file, or it holds no checkpoint.
pub(super) fn read_checkpoint(path: &Path) -> Result<String, InvalidInput> {
    let source = read_text(path, "checkpoint", LARGEST)?;
    let wrong = |error: String| {
        InvalidInput::from(
            Diagnostic::error(format!("`{}`: {error}", source.name))
                .help("hand in what `lockgate audit checkpoint` printed, to the last line end"),
        )
    };
    let note = Note::parse(&source.text).map_err(|error| wrong(error.to_string()))?;
    Checkpoint::parse(note.text()).map_err(|error| wrong(error.to_string()))?;
    Ok(source.text.clone())
}

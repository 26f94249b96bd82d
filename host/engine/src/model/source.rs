//! The text of a model and where it comes from.

use std::io::Read as _;
use std::path::{Path, PathBuf};

/// A model larger than this is a mistake: people could not read it.
pub const LARGEST_SOURCE: u64 = 1024 * 1024;

/// Why a file could not be read as text.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// Not there, or not allowed.
    #[error("cannot read `{}`: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: std::io::Error,
    },
    /// Larger than [`LARGEST_SOURCE`].
    #[error("`{}` is larger than {} bytes, the most that a deployment model may have", path.display(), LARGEST_SOURCE)]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// Not UTF-8.
    #[error(
        "`{}` is not UTF-8: the byte 0x{byte:02x} at line {line}, column {column} (offset {offset}) does not belong to \
         any character; save the file as UTF-8",
        path.display()
    )]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// The first byte that is wrong.
        byte: u8,
        /// Its line, from 1.
        line: usize,
        /// Its column, from 1, in characters.
        column: usize,
        /// How many bytes come before it.
        offset: usize,
    },
}

/// A place in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
}

/// The text of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// What findings call it: usually the path as the user wrote it.
    pub name: String,
    /// All of it.
    pub text: String,
}

impl Source {
    /// A text that is already there.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into() }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// If it cannot be read, is larger than [`LARGEST_SOURCE`], or is not UTF-8.
    pub fn read(path: &Path) -> Result<Self, SourceError> {
        let unreadable = |reason| SourceError::Unreadable { path: path.to_owned(), reason };
        let mut bytes = Vec::new();
        let file = std::fs::File::open(path).map_err(unreadable)?;
        file.take(LARGEST_SOURCE + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        if bytes.len() as u64 > LARGEST_SOURCE {
            return Err(SourceError::TooLarge { path: path.to_owned() });
        }
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Self { name: path.display().to_string(), text }),
            Err(error) => {
                let offset = error.utf8_error().valid_up_to();
                let bytes = error.into_bytes();
                let byte = bytes.get(offset).copied().unwrap_or_default();
                let before = String::from_utf8_lossy(bytes.get(..offset).unwrap_or_default());
                let Position { line, column } = position(&before, offset);
                Err(SourceError::NotUtf8 { path: path.to_owned(), byte, line, column, offset })
            }
        }
    }

    /// The line and the column of a byte; of the end of the text, if it lies behind that.
    pub fn position(&self, offset: usize) -> Position {
        position(&self.text, offset)
    }
}

fn position(text: &str, offset: usize) -> Position {
    let before = text.get(..text.floor_char_boundary(offset)).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    Position {
        line: before.bytes().filter(|byte| *byte == b'\n').count() + 1,
        column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
    }
}

//! The text of a model and its origin.

use std::io::Read as _;
use std::path::{Path, PathBuf};

/// The largest model, in bytes. Nobody could read a larger one.
pub const LARGEST_SOURCE: u64 = 1024 * 1024;

/// Why a file could not be read as text.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The file is missing, or may not be read.
    #[error("cannot read `{}`: {reason}", path.display())]
    Unreadable {
        path: PathBuf,
        /// The error of the operating system.
        reason: std::io::Error,
    },
    /// The file is larger than [`LARGEST_SOURCE`].
    #[error("`{}` is larger than {} bytes, the most that a deployment model may have", path.display(), LARGEST_SOURCE)]
    TooLarge { path: PathBuf },
    /// The file is not UTF-8.
    #[error(
        "`{}` is not UTF-8: the byte 0x{byte:02x} at line {line}, column {column} (offset {offset}) does not belong to \
         any character; save the file as UTF-8",
        path.display()
    )]
    NotUtf8 {
        path: PathBuf,
        /// The first invalid byte.
        byte: u8,
        /// The line of the byte, from 1.
        line: usize,
        /// The column of the byte, from 1, in characters.
        column: usize,
        /// The number of bytes before it.
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
    /// The name in findings: usually the path as the user wrote it.
    pub name: String,
    pub text: String,
}

impl Source {
    /// The source of a text in memory.
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

    /// The line and the column of a byte, or of the end of the text if the byte lies behind it.
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

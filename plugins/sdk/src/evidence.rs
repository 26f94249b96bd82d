//! Reading evidence: files that others attest.

use std::fmt;

use serde::Deserialize;

pub use crate::bindings::lockgate::host::snapshot::ReadError;
use crate::json::{self, NotJson};
use crate::types::Evidence;
use crate::{PluginError, Pointer};

impl ReadError {
    /// The error for people.
    pub fn in_words(&self) -> String {
        match self {
            Self::NotGranted(name) => format!("`{name}` is not granted to this plugin"),
            Self::Unknown(name) => format!("nobody says anything about `{name}`"),
            Self::TooLarge(limit) => format!("it is larger than {limit} bytes, the most that can be read at once"),
            Self::Failed(why) => why.clone(),
        }
    }
}

impl From<ReadError> for PluginError {
    /// The plugin cannot answer without it: `snapshot-unreadable`.
    fn from(error: ReadError) -> Self {
        Self::new("snapshot-unreadable", error.in_words())
    }
}

/// Why a piece of evidence cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadableEvidence {
    /// The name of the evidence.
    pub name: String,
    /// The place of the mistake in its content; the root if it is not JSON at all.
    pub pointer: Pointer,
    /// What is wrong at this place.
    pub message: String,
}

impl fmt::Display for UnreadableEvidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "evidence `{}`", self.name)?;
        if self.pointer != Pointer::root() {
            write!(f, " at `{}`", self.pointer)?;
        }
        write!(f, ": {}", self.message)
    }
}

impl std::error::Error for UnreadableEvidence {}

/// A piece of evidence with its bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct EvidenceFile {
    /// Its name, digest and media type, and where it comes from.
    pub head: Evidence,
    /// Its bytes, as they were submitted.
    pub content: Vec<u8>,
}

impl EvidenceFile {
    /// Reads the content as one JSON text. Skips a byte order mark at its beginning.
    ///
    /// # Errors
    /// If it is not JSON, has a key twice in one object, or does not fit the type. The error names the first place.
    pub fn json<'a, T: Deserialize<'a>>(&'a self) -> Result<T, UnreadableEvidence> {
        json::read(&self.content).map_err(|NotJson { pointer, message }| UnreadableEvidence {
            name: self.head.name.clone(),
            pointer,
            message,
        })
    }

    /// Reads the content as text.
    ///
    /// # Errors
    /// If it is not UTF-8.
    pub fn text(&self) -> Result<&str, UnreadableEvidence> {
        std::str::from_utf8(&self.content).map_err(|error| UnreadableEvidence {
            name: self.head.name.clone(),
            pointer: Pointer::root(),
            message: format!("not UTF-8 from byte {} on", error.valid_up_to()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_told_in_words() {
        let said = |error: ReadError| {
            let PluginError { code, message, .. } = error.into();
            assert_eq!(code, "snapshot-unreadable");
            message
        };
        assert_eq!(said(ReadError::NotGranted("kpis".to_owned())), "`kpis` is not granted to this plugin");
        assert_eq!(said(ReadError::Unknown("kpis".to_owned())), "nobody says anything about `kpis`");
        assert_eq!(said(ReadError::TooLarge(5)), "it is larger than 5 bytes, the most that can be read at once");
        assert_eq!(said(ReadError::Failed("name a section".to_owned())), "name a section");
    }
}

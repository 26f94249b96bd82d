//! Reading evidence: files that others attest.

use std::fmt;

use serde::Deserialize;

use crate::Pointer;
pub use crate::bindings::lockgate::host::snapshot::ReadError;
use crate::json::{self, NotJson};
use crate::types::Evidence;

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

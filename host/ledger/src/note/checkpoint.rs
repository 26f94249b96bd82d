//! The statement that a log signs: its name, its size and its root.

use crate::tree::{Hash, MAX_SIZE};

/// A text is not a checkpoint. The message says what is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a checkpoint: {0}")]
pub struct MalformedCheckpoint(&'static str);

/// The head of a log at one size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The name of the log.
    pub origin: String,
    /// The number of entries.
    pub size: u64,
    /// The root of the tree over the entries.
    pub root: Hash,
}

impl Checkpoint {
    /// The text that is signed.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, self.root)
    }

    /// Reads the text of a note.
    ///
    /// # Errors
    /// If the text is not a checkpoint. Lines after the third are allowed and ignored.
    pub fn parse(text: &str) -> Result<Self, MalformedCheckpoint> {
        let mut lines = text.strip_suffix('\n').ok_or(MalformedCheckpoint("its last line does not end"))?.split('\n');
        let origin = lines.next().filter(|origin| !origin.is_empty()).ok_or(MalformedCheckpoint("it names no log"))?;
        let size = lines.next().and_then(decimal).ok_or(MalformedCheckpoint("its second line is not a size"))?;
        let root = lines.next().and_then(|root| root.parse().ok());
        let root = root.ok_or(MalformedCheckpoint("its third line is not a hash"))?;
        if lines.any(str::is_empty) {
            return Err(MalformedCheckpoint("it has an empty line"));
        }
        Ok(Self { origin: origin.to_owned(), size, root })
    }
}

/// Reads a number as checkpoints and proofs write it: decimal, without leading zeros, and not larger than a tree can
/// be.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|&number| plain && number <= MAX_SIZE)
}

//! Signed notes (c2sp.org/signed-note) and the checkpoints in them (c2sp.org/tlog-checkpoint).
//!
//! Texts that any tool for transparency logs reads. Nothing here does I/O: keys come in as text, from
//! [`KeyFile`](crate::KeyFile) for one that signs.

mod checkpoint;
mod key;
mod signed;

pub use checkpoint::{Checkpoint, MalformedCheckpoint};
pub use key::{InvalidKey, SigningKey, VerifyingKey};
pub use signed::{Note, NoteError};

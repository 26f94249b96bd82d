//! Signed notes (c2sp.org/signed-note) and the checkpoints in them (c2sp.org/tlog-checkpoint).
//!
//! Any tool for transparency logs reads these texts. Nothing here does I/O: keys come in as text, and signing keys from
//! [`KeyFile`](crate::KeyFile).

mod checkpoint;
mod key;
mod signed;

pub use checkpoint::{Checkpoint, MalformedCheckpoint};
pub use key::{InvalidKey, SigningKey, VerifyingKey};
pub use signed::{Note, NoteError};

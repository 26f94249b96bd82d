//! The hostile guests under `tests/hostile/`: what each does, and the failure that it must meet.
//!
//! A guest is a file, so that the next one needs no code: it says what it is, what must come of it, and either what is
//! special about it in the frame of [`Guest`](crate::Guest), or a whole component as WAT, or the name of an attack of
//! the guest that is written in Rust. What a file means is decided here alone; the test and the bench run what comes
//! out.

mod file;
mod peer;
mod run;

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use lockgate_runtime::{Grants, Limits};

pub use file::Unreadable;
pub use peer::Peer;
pub use run::{Loud, Met, Range};

use crate::repository;

/// A hostile guest, ready to be let loose.
#[derive(Clone, Debug)]
pub struct Hostile {
    /// Its file's name, without the extension.
    pub name: String,
    /// What it tries, in a sentence.
    pub what: String,
    /// Where it must be stopped, and how.
    pub must: Met,
    /// What the message must hold; nothing if any will do.
    pub says: String,
    /// The component.
    pub component: Arc<[u8]>,
    /// Its settings.
    pub settings: serde_json::Value,
    /// What it is granted.
    pub grants: Grants,
    /// What each call of it may use.
    pub limits: Limits,
    /// What `describe` and `configure` may use.
    pub setup: Limits,
    /// Whom it may ask over HTTP. Its settings then name the URL.
    pub peer: Option<Peer>,
    /// Whether it may read the directory `files`, in which lie the file `open` and a link `out` to a file outside.
    pub files: bool,
    /// What is done to its file in the cache, once it lies there.
    pub damage: Option<Damage>,
}

/// What is done to a compiled plugin in the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Damage {
    /// Its second half is cut off.
    Truncated,
    /// The last byte of its machine code is another.
    Flipped,
    /// It was written by another host, which has another key.
    Forged,
    /// It is the genuine file of another plugin.
    AnotherPlugins,
}

/// Where the files lie, below the repository.
pub const FOLDER: &str = "tests/hostile";

/// What is known of a guest without making it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its file's name, without the extension.
    pub name: String,
    /// What it tries, in a sentence.
    pub what: String,
    /// Where it must be stopped, and how.
    pub must: Met,
}

/// All of them, by name; none is made.
///
/// # Errors
/// A file cannot be read, or is no hostile guest.
pub fn list() -> Result<Vec<Listed>, Unreadable> {
    files()?.iter().map(|path| file::list(path)).collect()
}

/// Those that must meet what is `wanted`, by name.
///
/// # Errors
/// As [`list`]; or a component cannot be made of one.
pub fn corpus(wanted: impl Fn(&Met) -> bool) -> Result<Vec<Hostile>, Unreadable> {
    files()?.iter().filter_map(|path| file::read(path, &wanted).transpose()).collect()
}

/// The files, by name.
fn files() -> Result<Vec<PathBuf>, Unreadable> {
    let folder = repository(FOLDER);
    let entries = fs::read_dir(&folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let entries = entries.map_err(|error| Unreadable::new(&folder, &error))?;
    let mut files: Vec<_> = entries.into_iter().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    Ok(files)
}

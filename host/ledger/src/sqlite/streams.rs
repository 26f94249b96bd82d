//! The versions of streams, as far as this process knows them, so that a database need not be asked for each.

use std::collections::HashMap;
use std::hash::Hash;

use parking_lot::{Mutex, MutexGuard};

/// How much is remembered of each.
const REMEMBERED: usize = 65_536;
/// Of which streams the versions are remembered, by the length of their names in bytes: whoever asks for streams that do
/// not exist is not to fill the memory.
const LONGEST: usize = 256;

/// The last known versions, for whoever can do with those. Other processes may have written since: what comes of it is
/// found when it is to be written, under SQLite's lock.
#[derive(Default)]
pub(super) struct Streams(Mutex<HashMap<String, u64>>);

impl Streams {
    /// The last known versions, if all of them are known.
    pub(super) fn versions(&self, streams: &[&str]) -> Option<Vec<u64>> {
        let known = self.lock();
        streams.iter().map(|stream| known.get(*stream).copied()).collect()
    }

    /// Takes note of versions. They only grow: what is known to be newer stays.
    pub(super) fn learn<'s>(&self, versions: impl Iterator<Item = (&'s str, u64)>) {
        let mut known = self.lock();
        for (stream, version) in versions.filter(|(stream, _)| stream.len() <= LONGEST) {
            match known.get_mut(stream) {
                Some(last) => *last = version.max(*last),
                None => insert(&mut known, stream.to_owned(), version),
            }
        }
    }

    /// Somebody else has written, or nobody knows.
    pub(super) fn forget(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, u64>> {
        self.0.lock()
    }
}

/// Remembers one more, and forgets all others where they are too many.
pub(super) fn insert<K: Eq + Hash, V>(known: &mut HashMap<K, V>, key: K, value: V) {
    if known.len() >= REMEMBERED {
        known.clear();
    }
    known.insert(key, value);
}

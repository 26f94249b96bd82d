//! The versions of streams that this process knows, so that it need not query the database for each.

use std::collections::HashMap;
use std::hash::Hash;

use parking_lot::{Mutex, MutexGuard};

/// How many streams are remembered.
const REMEMBERED: usize = 65_536;
/// The longest stream name, in bytes, whose version is remembered. Clients that ask for streams that do not exist must
/// not fill the memory.
const LONGEST: usize = 256;

/// The last known versions, for callers that can use those. Other processes may have written since. The write itself,
/// under SQLite's lock, notices an old version.
#[derive(Default)]
pub(super) struct Streams(Mutex<HashMap<String, u64>>);

impl Streams {
    /// The last known versions, if all of them are known.
    pub(super) fn versions(&self, streams: &[&str]) -> Option<Vec<u64>> {
        let known = self.lock();
        streams.iter().map(|stream| known.get(*stream).copied()).collect()
    }

    /// Records versions. Versions only grow, so a newer known version stays.
    pub(super) fn learn<'s>(&self, versions: impl Iterator<Item = (&'s str, u64)>) {
        let mut known = self.lock();
        for (stream, version) in versions.filter(|(stream, _)| stream.len() <= LONGEST) {
            match known.get_mut(stream) {
                Some(last) => *last = version.max(*last),
                None => insert(&mut known, stream.to_owned(), version),
            }
        }
    }

    /// Forgets all versions, because another process has written or the state is unknown.
    pub(super) fn forget(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, u64>> {
        self.0.lock()
    }
}

/// Adds one item. Forgets all others first if there are too many.
pub(super) fn insert<K: Eq + Hash, V>(known: &mut HashMap<K, V>, key: K, value: V) {
    if known.len() >= REMEMBERED {
        known.clear();
    }
    known.insert(key, value);
}

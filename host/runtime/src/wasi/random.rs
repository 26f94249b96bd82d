//! Random numbers that are the same in every replay.
//!
//! They are SHA-256 in counter mode, seeded by the digest of the snapshot: evenly distributed, and only as secret as the
//! snapshot. A plugin that needs a secret has to get one in its settings.

use lockgate_domain::{DigestError, Snapshot};
use sha2::{Digest as _, Sha256};

const BLOCK: usize = 32;

/// A stream of random bytes.
#[derive(Debug)]
pub(super) struct SnapshotRandom {
    seed: [u8; BLOCK],
    block: u64,
    left: Vec<u8>,
    /// Whether a snapshot seeded it.
    pub(super) is_of_snapshot: bool,
}

impl SnapshotRandom {
    /// The stream of a snapshot; without a snapshot, in `describe` and `configure`, always the same stream.
    pub(super) fn of(snapshot: Option<&Snapshot>) -> Result<Self, DigestError> {
        let mut seed = Sha256::new_with_prefix("lockgate wasi random 1\n");
        if let Some(snapshot) = snapshot {
            seed.update(snapshot.digest()?.text());
        }
        Ok(Self { seed: seed.finalize().into(), block: 0, left: Vec::new(), is_of_snapshot: snapshot.is_some() })
    }

    /// The next bytes.
    pub(super) fn bytes(&mut self, count: usize) -> Vec<u8> {
        while self.left.len() < count {
            let block = Sha256::new_with_prefix(self.seed).chain_update(self.block.to_le_bytes()).finalize();
            self.left.extend_from_slice(&block);
            self.block += 1;
        }
        let later = self.left.split_off(count);
        std::mem::replace(&mut self.left, later)
    }

    /// The next eight bytes as a number.
    pub(super) fn number(&mut self) -> u64 {
        self.bytes(8).iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use super::*;

    #[test]
    fn the_stream_does_not_depend_on_how_it_is_asked() {
        let mut at_once = SnapshotRandom::of(None).unwrap();
        let mut in_pieces = SnapshotRandom::of(None).unwrap();
        let pieces: Vec<u8> = [0, 1, 31, 32, 33, 3].into_iter().flat_map(|count| in_pieces.bytes(count)).collect();
        assert_eq!(at_once.bytes(100), pieces);
    }

    #[test]
    fn a_number_is_eight_bytes_lowest_first() {
        let bytes = SnapshotRandom::of(None).unwrap().bytes(8);
        assert_eq!(SnapshotRandom::of(None).unwrap().number().to_le_bytes().as_slice(), bytes);
    }
}

//! The hashes of RFC 6962: SHA-256 with a prefix that tells leaves from inner nodes.

use lockgate_domain::merkle::Hash;
use sha2::{Digest as _, Sha256};

/// The hash of a leaf.
pub fn leaf_hash(leaf: &[u8]) -> Hash {
    let mut hasher = LeafHasher::new();
    hasher.update(leaf);
    hasher.finish()
}

/// Hashes a leaf part by part.
#[derive(Clone, Debug)]
pub(crate) struct LeafHasher(Sha256);

impl LeafHasher {
    pub(crate) fn new() -> Self {
        Self(Sha256::new_with_prefix([0]))
    }

    pub(crate) fn update(&mut self, part: &[u8]) {
        self.0.update(part);
    }

    pub(crate) fn finish(self) -> Hash {
        Hash::from_bytes(self.0.finalize().into())
    }
}

pub(super) fn parent_hash(left: &Hash, right: &Hash) -> Hash {
    let children = Sha256::new_with_prefix([1]).chain_update(left.as_bytes()).chain_update(right.as_bytes());
    Hash::from_bytes(children.finalize().into())
}

pub(super) fn empty_root() -> Hash {
    Hash::from_bytes(Sha256::digest([]).into())
}

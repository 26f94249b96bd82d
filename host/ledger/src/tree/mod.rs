//! The RFC 6962 Merkle tree, as far as a log that is stored elsewhere needs it: hashing, growing at the right edge, and
//! knowing which stored nodes a root or a proof is made of.
//!
//! Nothing here reads or writes. Storages hold only *complete* subtrees, because only those never change again; hashes
//! above the right edge are computed on demand. Nodes are numbered as in the array-based trees of RFC 9420, and as
//! `ct-merkle` numbers them: leaf `i` is node `2 * i`, and an odd number is an inner node.

mod hash;
mod path;

pub use hash::leaf_hash;
pub use lockgate_domain::merkle::{Hash, MalformedHash};
pub use path::{CompleteNodes, consistency_path, inclusion_path, root_of};

pub(crate) use hash::LeafHasher;
use hash::{empty_root, parent_hash};

/// The largest size of a tree: sizes and indexes stay exact in every JSON reader.
pub const MAX_SIZE: u64 = 1 << 53;

/// The right edge of a tree: all that is needed to append to it and to compute its root, at most one hash for each bit
/// of its size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    peaks: Vec<Hash>,
}

impl Frontier {
    /// The edge of the empty tree.
    pub fn empty() -> Self {
        Self { size: 0, peaks: Vec::new() }
    }

    /// The edge of a tree of this size, given its [peaks](Self::peak_nodes) in order. None if their number is wrong.
    pub fn new(size: u64, peaks: Vec<Hash>) -> Option<Self> {
        (size <= MAX_SIZE && peaks.len() == size.count_ones() as usize).then_some(Self { size, peaks })
    }

    /// The nodes whose hashes make the edge of a tree of this size, from the left.
    pub fn peak_nodes(size: u64) -> Vec<u64> {
        path::complete_subtrees(0, size)
    }

    /// The inner nodes that a leaf completes: those that [`Self::push`] hands out after the leaf itself.
    pub fn completed_by(leaf: u64) -> impl Iterator<Item = u64> {
        (1..=leaf.trailing_ones()).map(move |level| path::node(level, leaf >> level))
    }

    /// How many leaves the tree has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf. Calls `completed` for every node that is now complete: first the leaf, then upwards.
    pub fn push(&mut self, leaf: Hash, mut completed: impl FnMut(u64, Hash)) {
        let mut hash = leaf;
        let mut level = 0;
        completed(path::node(level, self.size), hash);
        while self.size >> level & 1 == 1 {
            // There is one peak for each bit that is set, so there is one here.
            let Some(left) = self.peaks.pop() else { break };
            hash = parent_hash(&left, &hash);
            level += 1;
            completed(path::node(level, self.size >> level), hash);
        }
        self.peaks.push(hash);
        self.size += 1;
    }

    /// The root of the tree.
    pub fn root(&self) -> Hash {
        root_of(&self.peaks)
    }
}

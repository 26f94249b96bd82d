//! Finds the nodes that a root or a proof consists of.
//!
//! `ct-merkle` names the nodes of a proof. Some of them lie on the right edge and are not complete, so each becomes a
//! [`CompleteNodes`]: the complete nodes that it consists of.

use ct_merkle::{indices_for_consistency_proof, indices_for_inclusion_proof};

use super::{Hash, MAX_SIZE, empty_root, parent_hash};

/// One hash of a proof, as the complete nodes whose [`root_of`] it is, from the left.
pub type CompleteNodes = Vec<u64>;

/// The number of the node at a level (leaves are at 0), counted from the left.
pub(super) fn node(level: u32, position: u64) -> u64 {
    (position << (level + 1)) + (1 << level) - 1
}

/// The complete subtrees that cover the leaves from `start` up to before `end`, from the left. `start` must be a
/// multiple of the largest of them, as it is wherever a tree splits.
pub(super) fn complete_subtrees(start: u64, end: u64) -> Vec<u64> {
    let mut nodes = Vec::new();
    let mut at = start;
    while at < end {
        let level = (end - at).ilog2();
        nodes.push(node(level, at >> level));
        at += 1 << level;
    }
    nodes
}

/// The root over complete subtrees that shrink from left to right.
pub fn root_of(peaks: &[Hash]) -> Hash {
    match peaks.split_last() {
        Some((last, others)) => others.iter().rev().fold(*last, |right, left| parent_hash(left, &right)),
        None => empty_root(),
    }
}

/// The complete nodes that a node of a tree of this size consists of.
fn fold(node: u64, size: u64) -> CompleteNodes {
    let level = node.trailing_ones();
    let start = node >> (level + 1) << level;
    let end = start.saturating_add(1 << level);
    complete_subtrees(start, end.min(size))
}

/// The hashes of the proof that leaf `index` is in the tree of size `size`, from the leaf upwards (RFC 6962, 2.1.1).
/// None if the leaf is not in the tree.
pub fn inclusion_path(index: u64, size: u64) -> Option<Vec<CompleteNodes>> {
    if index >= size || size > MAX_SIZE {
        return None;
    }
    Some(indices_for_inclusion_proof(size, index).into_iter().map(|node| fold(node, size)).collect())
}

/// The hashes of the proof that the tree of size `older` is a prefix of that of size `newer` (RFC 6962, 2.1.2). None if
/// `older` is larger, or 0: then there is nothing to prove.
pub fn consistency_path(older: u64, newer: u64) -> Option<Vec<CompleteNodes>> {
    if older == 0 || older > newer || newer > MAX_SIZE {
        return None;
    }
    Some(indices_for_consistency_proof(older, newer - older).into_iter().map(|node| fold(node, newer)).collect())
}

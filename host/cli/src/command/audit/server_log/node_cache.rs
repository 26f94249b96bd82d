//! A cache for the hashes of inner nodes, filled by requests for many nodes. An audit asks for them one by one, in the
//! order in which they become complete, and would otherwise send a request for each entry.

use std::collections::HashMap;

use lockgate_ledger::Error;
use lockgate_ledger::tree::{Frontier, Hash};

/// The nodes that the last request brought.
#[derive(Default)]
pub(super) struct NodeCache {
    /// The number of entries in the log, as far as is known.
    size: u64,
    hashes: HashMap<u64, Hash>,
}

impl NodeCache {
    /// Records the size of the log.
    pub(super) fn grow(&mut self, size: u64) {
        self.size = self.size.max(size);
    }

    /// The hashes, if all of them are in the cache.
    pub(super) fn all(&self, nodes: &[u64]) -> Option<Vec<Hash>> {
        nodes.iter().map(|node| self.hashes.get(node).copied()).collect()
    }

    /// One hash.
    pub(super) fn one(&self, node: u64) -> Result<Hash, Error> {
        let none = || Error::NotFound(format!("the node {node} is not in the tree, or not complete yet"));
        self.hashes.get(&node).copied().ok_or_else(none)
    }

    /// This node, and those that an audit asks for next: at most `most` in all.
    pub(super) fn following(&self, node: u64, most: usize) -> Vec<u64> {
        let level = node.trailing_ones();
        let mut nodes = vec![node];
        if level == 0 {
            return nodes;
        }
        // The last entry below the node, which completed it.
        let last = (node >> (level + 1) << level).saturating_add((1 << level) - 1);
        for leaf in last..self.size {
            for completed in Frontier::completed_by(leaf) {
                if nodes.len() == most {
                    return nodes;
                }
                if completed != node {
                    nodes.push(completed);
                }
            }
        }
        nodes
    }

    /// Replaces the nodes in the cache.
    pub(super) fn keep(&mut self, hashes: HashMap<u64, Hash>) {
        self.hashes = hashes;
    }
}

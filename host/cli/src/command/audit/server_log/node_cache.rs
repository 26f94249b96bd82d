//! The hashes of inner nodes, as many at a time as one request brings. An audit asks for them one by one, in the order in which they
//! become complete, and would otherwise ask the server once for each entry.

use std::collections::HashMap;

use lockgate_ledger::Error;
use lockgate_ledger::tree::{Frontier, Hash};

/// The nodes that the last request brought.
#[derive(Default)]
pub(super) struct NodeCache {
    /// How many entries the log has, as far as is known.
    size: u64,
    hashes: HashMap<u64, Hash>,
}

impl NodeCache {
    /// Notes how large the log is.
    pub(super) fn grow(&mut self, size: u64) {
        self.size = self.size.max(size);
    }

    /// The hashes, if all of them are here.
    pub(super) fn all(&self, nodes: &[u64]) -> Option<Vec<Hash>> {
        nodes.iter().map(|node| self.hashes.get(node).copied()).collect()
    }

    /// One hash.
    pub(super) fn one(&self, node: u64) -> Result<Hash, Error> {
        let none = || Error::NotFound(format!("the node {node} is not in the tree, or not complete yet"));
        self.hashes.get(&node).copied().ok_or_else(none)
    }

    /// That node, and those that an audit asks for next: at most `most` in all.
    pub(super) fn following(&self, node: u64, most: usize) -> Vec<u64> {
        let level = node.trailing_ones();
        let mut nodes = vec![node];
        if level == 0 {
            return nodes;
        }
        // The last entry below it: with that one it was complete.
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

    /// Replaces the nodes that were here.
    pub(super) fn keep(&mut self, hashes: HashMap<u64, Hash>) {
        self.hashes = hashes;
    }
}

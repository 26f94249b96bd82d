//! The tree against the vectors of Certificate Transparency and against `ct-merkle`'s tree in memory.

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use lockgate_ledger::tree::{Frontier, Hash, consistency_path, inclusion_path, leaf_hash, root_of};
use proptest::prelude::*;
use sha2::Sha256;
use std::collections::HashMap;

/// A tree with all complete nodes at hand, as a storage has them.
fn grown(leaves: &[Vec<u8>]) -> (Frontier, HashMap<u64, Hash>) {
    let (mut frontier, mut nodes) = (Frontier::empty(), HashMap::new());
    for leaf in leaves {
        frontier.push(leaf_hash(leaf), |node, hash| assert!(nodes.insert(node, hash).is_none(), "{node} twice"));
    }
    (frontier, nodes)
}

fn hex(hash: Hash) -> String {
    hash.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
}

fn bytes(folds: Vec<Vec<u64>>, nodes: &HashMap<u64, Hash>) -> Vec<u8> {
    let hash = |fold: &Vec<u64>| root_of(&fold.iter().map(|node| nodes[node]).collect::<Vec<_>>());
    folds.iter().flat_map(|fold| *hash(fold).as_bytes()).collect()
}

#[test]
fn roots_are_those_of_the_reference_implementation_of_certificate_transparency() {
    let leaves = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
    let leaves: Vec<Vec<u8>> = leaves.into_iter().map(unhex).collect();
    let roots = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    for (size, root) in roots.into_iter().enumerate() {
        assert_eq!(hex(grown(&leaves[..size]).0.root()), root);
    }
}

#[test]
fn there_is_no_path_to_what_is_not_in_the_tree() {
    assert_eq!(inclusion_path(0, 0), None);
    assert_eq!(inclusion_path(5, 5), None);
    assert_eq!(inclusion_path(0, u64::MAX), None);
    assert_eq!(consistency_path(0, 5), None);
    assert_eq!(consistency_path(6, 5), None);
    assert_eq!(consistency_path(1, u64::MAX), None);
    assert_eq!(inclusion_path(0, 1), Some(vec![]));
    assert_eq!(consistency_path(5, 5), Some(vec![]));
}

#[test]
fn a_frontier_with_the_wrong_number_of_peaks_is_none() {
    assert_eq!(Frontier::new(3, vec![leaf_hash(b"")]), None);
    assert_eq!(Frontier::new(0, vec![]), Some(Frontier::empty()));
}

fn leaves(most: usize) -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop::collection::vec(prop::collection::vec(any::<u8>(), 0..8), 1..most)
}

proptest! {
    #![proptest_config(lockgate_repeat::Repeat::new(64, 3200).property())]

    #[test]
    fn root_and_proofs_are_those_of_a_tree_in_memory(leaves in leaves(70), index in any::<prop::sample::Index>()) {
        let mut reference = MemoryBackedTree::<Sha256, Vec<u8>>::new();
        leaves.iter().for_each(|leaf| reference.push(leaf.clone()));
        let (frontier, nodes) = grown(&leaves);
        prop_assert_eq!(frontier.root().as_bytes().to_vec(), reference.root().as_bytes().to_vec());

        let (size, index) = (leaves.len(), index.index(leaves.len()));
        let path = bytes(inclusion_path(index as u64, size as u64).unwrap(), &nodes);
        let expected = reference.prove_inclusion(index);
        prop_assert_eq!(path.as_slice(), expected.as_bytes());

        let older = index + 1;
        let between = bytes(consistency_path(older as u64, size as u64).unwrap(), &nodes);
        let expected = reference.prove_consistency(size - older);
        prop_assert_eq!(between.as_slice(), expected.as_bytes());
    }

    #[test]
    fn a_frontier_can_be_put_down_and_taken_up_anywhere(leaves in leaves(70), at in any::<prop::sample::Index>()) {
        let (whole, _) = grown(&leaves);
        let (first, second) = leaves.split_at(at.index(leaves.len()));
        let (_, nodes) = grown(first);
        let size = first.len() as u64;
        let peaks = Frontier::peak_nodes(size).iter().map(|node| nodes[node]).collect();
        let mut again = Frontier::new(size, peaks).unwrap();
        second.iter().for_each(|leaf| again.push(leaf_hash(leaf), |_, _| {}));
        prop_assert_eq!(again, whole);
    }
}

#[test]
fn the_nodes_that_a_leaf_completes_can_be_told_without_the_tree() {
    let mut frontier = Frontier::empty();
    for leaf in 0..300 {
        let mut completed = Vec::new();
        frontier.push(leaf_hash(&[]), |node, _| completed.push(node));
        let expected: Vec<u64> = [2 * leaf].into_iter().chain(Frontier::completed_by(leaf)).collect();
        assert_eq!(completed, expected);
    }
}

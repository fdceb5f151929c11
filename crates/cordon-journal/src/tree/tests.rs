#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "tests stop at the first surprise"
)]

use std::collections::BTreeMap;
use std::convert::Infallible;

use proptest::prelude::*;

use super::*;

/// RFC 9162 §2.1.1, word for word.
fn reference(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Hash::of_nothing(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            Hash::of_node(&reference(left), &reference(right))
        }
    }
}

struct Kept(BTreeMap<(u8, u64), Hash>);

impl Nodes for Kept {
    type Error = Infallible;
    fn node(&self, level: u8, index: u64) -> Result<Hash, Infallible> {
        Ok(self.0[&(level, index)])
    }
}

fn leaf(number: u64) -> Hash {
    Hash::of_leaf(&number.to_be_bytes())
}

fn build(size: u64) -> (Vec<Hash>, Frontier, Kept) {
    let mut frontier = Frontier::default();
    let mut kept = Kept(BTreeMap::new());
    let leaves: Vec<Hash> = (0..size).map(leaf).collect();
    for leaf in &leaves {
        frontier.push_with(*leaf, |level, index, hash| {
            kept.0.insert((level, index), hash);
        });
    }
    (leaves, frontier, kept)
}

#[test]
fn roots_of_frontier_and_nodes_are_those_of_the_definition() {
    for size in 0..130 {
        let (leaves, frontier, kept) = build(size);
        let expect = reference(&leaves);
        assert_eq!(frontier.root(), expect, "{size}");
        assert_eq!(root(&kept, size), Ok(expect), "{size}");
        assert_eq!(frontier.peaks().len() as u32, size.count_ones());
        assert_eq!(Frontier::new(size, frontier.peaks().to_vec()), Some(frontier));
    }
    assert_eq!(Frontier::new(3, vec![]), None);
}

#[test]
fn every_leaf_of_every_small_tree_is_proved_and_nothing_else_is() {
    for size in 1..70 {
        let (leaves, _, kept) = build(size);
        let root = reference(&leaves);
        for index in 0..size {
            let path = prove_inclusion(&kept, index, size).unwrap().unwrap();
            assert!(is_included(&leaf(index), index, size, &path, &root), "{index} of {size}");
            assert!(!is_included(&leaf(index + 1), index, size, &path, &root));
            assert!(!is_included(&leaf(index), index, size, &path, &Hash::ZERO));
            if size > 1 {
                assert!(!is_included(&leaf(index), index ^ 1, size, &path, &root));
                assert!(!is_included(&leaf(index), index, size, &path[1..], &root));
            }
            let mut longer = path.clone();
            longer.push(Hash::ZERO);
            assert!(!is_included(&leaf(index), index, size, &longer, &root));
        }
        assert_eq!(prove_inclusion(&kept, size, size), Ok(None));
    }
}

#[test]
fn every_beginning_of_every_small_tree_is_proved_and_nothing_else_is() {
    for new in 1..70 {
        let (leaves, _, kept) = build(new);
        let new_root = reference(&leaves);
        for old in 1..=new {
            let old_root = reference(&leaves[..usize::try_from(old).unwrap()]);
            let path = prove_consistency(&kept, old, new).unwrap().unwrap();
            assert!(is_consistent((old, &old_root), (new, &new_root), &path), "{old} of {new}");
            assert!(!is_consistent((old, &Hash::ZERO), (new, &new_root), &path));
            assert!(!is_consistent((old, &old_root), (new, &Hash::ZERO), &path));
            if old < new {
                assert!(!is_consistent((old, &old_root), (new, &new_root), &path[1..]));
                assert!(!is_consistent((new, &new_root), (old, &old_root), &path));
            }
        }
        assert_eq!(prove_consistency(&kept, 0, new), Ok(None));
    }
}

proptest! {
    #[test]
    fn proofs_hold_in_larger_trees(size in 70u64..5_000, at in any::<prop::sample::Index>()) {
        let (leaves, frontier, kept) = build(size);
        let index = at.index(leaves.len()) as u64;
        let path = prove_inclusion(&kept, index, size).unwrap().unwrap();
        prop_assert!(is_included(&leaf(index), index, size, &path, &frontier.root()));
        let old = index + 1;
        let old_root = root(&kept, old).unwrap();
        let path = prove_consistency(&kept, old, size).unwrap().unwrap();
        prop_assert!(is_consistent((old, &old_root), (size, &frontier.root()), &path));
    }
}

#[test]
fn leaves_appended_at_once_are_as_one_by_one() {
    let leaves: Vec<Hash> = (0..1_300u32).map(|n| Hash::of_leaf(&n.to_be_bytes())).collect();
    for first in [0, 1, 2, 3, 255, 256, 300, 512] {
        for count in [0, 1, 2, 3, 7, 8, 255, 256, 257, 700] {
            let (before, rest) = leaves.split_at(first);
            let (mut alone, mut at_once) = (Frontier::default(), Frontier::default());
            before.iter().for_each(|leaf| alone.push(*leaf));
            at_once.extend(before);
            rest.iter().take(count).for_each(|leaf| alone.push(*leaf));
            at_once.extend(rest.split_at(count).0);
            assert_eq!(at_once, alone, "{first} {count}");
        }
    }
}

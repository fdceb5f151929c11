//! The Merkle tree over the records of a stream: roots, and proofs that others can check.
//!
//! Source: RFC 9162 §2.1.

use crate::hash::Hash;

/// Levels of the largest subtree that is computed at once; bounds the room for it.
const SUBTREE_LEVELS: u32 = 8;

/// The hashes of the complete subtrees that a tree of any size is made of, the largest first; all
/// that is needed to append to it.
/// # Shape
/// One hash for each bit that is set in `size`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    peaks: Vec<Hash>,
}

impl Frontier {
    /// Makes a frontier of its parts, if their number fits the size.
    #[must_use]
    pub fn new(size: u64, peaks: Vec<Hash>) -> Option<Self> {
        let fits = usize::try_from(size.count_ones()).is_ok_and(|count| count == peaks.len());
        fits.then_some(Self { size, peaks })
    }

    /// Gives the number of leaves.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Gives the hashes, the largest subtree first.
    #[must_use]
    pub fn peaks(&self) -> &[Hash] {
        &self.peaks
    }

    /// Appends a leaf.
    pub fn push(&mut self, leaf: Hash) {
        self.push_with(leaf, |_, _, _| ());
    }

    /// Appends a leaf and hands out every subtree that it completes: level, index, hash.
    pub fn push_with(&mut self, leaf: Hash, mut each: impl FnMut(u8, u64, Hash)) {
        let mut hash = leaf;
        let mut index = self.size;
        let mut level = 0;
        each(level, index, hash);
        while index & 1 == 1 {
            let Some(left) = self.peaks.pop() else { break };
            hash = Hash::of_node(&left, &hash);
            index >>= 1;
            level += 1;
            each(level, index, hash);
        }
        self.peaks.push(hash);
        self.size += 1;
    }

    /// Appends leaves: whole subtrees at once, where they fit.
    pub fn extend(&mut self, mut leaves: &[Hash]) {
        let mut room = Vec::new();
        while !leaves.is_empty() {
            let fits = self.size.trailing_zeros().min(leaves.len().ilog2()).min(SUBTREE_LEVELS);
            let Some((whole, rest)) = leaves.split_at_checked(1 << fits) else { return };
            leaves = rest;
            room.clear();
            room.extend_from_slice(whole);
            let mut hash = reduce(&mut room);
            let mut index = self.size >> fits;
            while index & 1 == 1 {
                let Some(left) = self.peaks.pop() else { break };
                hash = Hash::of_node(&left, &hash);
                index >>= 1;
            }
            self.peaks.push(hash);
            self.size += 1 << fits;
        }
    }

    /// Gives the root.
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev();
        let Some(mut root) = peaks.next().copied() else { return Hash::of_nothing() };
        for left in peaks {
            root = Hash::of_node(left, &root);
        }
        root
    }
}

/// Gives the root of a complete subtree, over a power of two of hashes.
fn reduce(hashes: &mut Vec<Hash>) -> Hash {
    while hashes.len() > 1 {
        let mut done = 0;
        for from in (0..hashes.len()).step_by(4) {
            match hashes.get(from..) {
                Some([a, b, c, d, ..]) => {
                    let [left, right] = Hash::of_nodes([[a, b], [c, d]]);
                    for (to, hash) in hashes.iter_mut().skip(done).zip([left, right]) {
                        *to = hash;
                    }
                    done += 2;
                }
                Some([a, b, ..]) => {
                    let node = Hash::of_node(a, b);
                    hashes.iter_mut().skip(done).take(1).for_each(|to| *to = node);
                    done += 1;
                }
                Some(_) | None => break,
            }
        }
        hashes.truncate(done);
    }
    hashes.first().copied().unwrap_or(Hash::of_nothing())
}

/// Hashes of complete subtrees, wherever they are kept.
pub trait Nodes {
    /// Why a hash cannot be had.
    type Error;

    /// Gives the hash of the complete subtree over leaves `index << level` to
    /// `(index + 1 << level) - 1`.
    /// # Errors
    /// If it cannot be read.
    fn node(&self, level: u8, index: u64) -> Result<Hash, Self::Error>;
}

/// Gives the largest power of two that is smaller than `n`.
/// # Shape
/// 2 ≤ `n`
fn split(n: u64) -> u64 {
    1 << (u64::BITS - 1 - (n - 1).leading_zeros())
}

/// Gives the root over leaves `start` to `end - 1`, where `start` is a multiple of a power of two
/// not smaller than their number, or the subtree is one of a larger tree's right edge.
fn root_of<N: Nodes>(nodes: &N, start: u64, end: u64) -> Result<Hash, N::Error> {
    let count = end - start;
    if count == 0 {
        return Ok(Hash::of_nothing());
    }
    if count.is_power_of_two() {
        let level = u8::try_from(count.trailing_zeros()).unwrap_or(63);
        return nodes.node(level, start >> level);
    }
    let middle = start + split(count);
    let left = root_of(nodes, start, middle)?;
    let right = root_of(nodes, middle, end)?;
    Ok(Hash::of_node(&left, &right))
}

/// Gives the root of the tree of the first `size` leaves.
/// # Errors
/// If a hash cannot be read.
pub fn root<N: Nodes>(nodes: &N, size: u64) -> Result<Hash, N::Error> {
    root_of(nodes, 0, size)
}

/// Proves that a leaf is in the tree of the first `size` leaves.
/// # Shape
/// Nothing if `index` is not smaller than `size`; the hashes go from the leaf to the root.
/// # Errors
/// If a hash cannot be read.
/// # Source
/// RFC 9162 §2.1.3.1.
pub fn prove_inclusion<N: Nodes>(
    nodes: &N,
    index: u64,
    size: u64,
) -> Result<Option<Vec<Hash>>, N::Error> {
    if index >= size {
        return Ok(None);
    }
    let (mut start, mut end) = (0, size);
    let mut path = Vec::new();
    while end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            path.push(root_of(nodes, middle, end)?);
            end = middle;
        } else {
            path.push(root_of(nodes, start, middle)?);
            start = middle;
        }
    }
    path.reverse();
    Ok(Some(path))
}

/// Proves that the tree of the first `old` leaves is the beginning of that of the first `new`.
/// # Shape
/// Nothing unless 0 < `old` ≤ `new`.
/// # Errors
/// If a hash cannot be read.
/// # Source
/// RFC 9162 §2.1.4.1.
pub fn prove_consistency<N: Nodes>(
    nodes: &N,
    old: u64,
    new: u64,
) -> Result<Option<Vec<Hash>>, N::Error> {
    if old == 0 || old > new {
        return Ok(None);
    }
    let (mut start, mut end) = (0, new);
    let mut path = Vec::new();
    // `old` is measured from `start`; once it fills the subtree, that subtree's hash is known.
    let mut is_whole = true;
    let mut rest = old;
    while rest != end - start {
        let middle = start + split(end - start);
        if rest <= middle - start {
            path.push(root_of(nodes, middle, end)?);
            end = middle;
        } else {
            path.push(root_of(nodes, start, middle)?);
            rest -= middle - start;
            start = middle;
            is_whole = false;
        }
    }
    if !is_whole {
        path.push(root_of(nodes, start, end)?);
    }
    path.reverse();
    Ok(Some(path))
}

/// Says whether a proof shows that `leaf` is number `index` in the tree of `size` leaves with this
/// root.
/// # Source
/// RFC 9162 §2.1.3.2.
#[must_use]
pub fn is_included(leaf: &Hash, index: u64, size: u64, path: &[Hash], root: &Hash) -> bool {
    if index >= size {
        return false;
    }
    let (mut place, mut last) = (index, size - 1);
    let mut hash = *leaf;
    for sibling in path {
        if last == 0 {
            return false;
        }
        if place & 1 == 1 || place == last {
            hash = Hash::of_node(sibling, &hash);
            while place & 1 == 0 && place != 0 {
                place >>= 1;
                last >>= 1;
            }
        } else {
            hash = Hash::of_node(&hash, sibling);
        }
        place >>= 1;
        last >>= 1;
    }
    last == 0 && hash == *root
}

/// Says whether a proof shows that the tree of size `old` is the beginning of that of size `new`.
/// # Source
/// RFC 9162 §2.1.4.2.
#[must_use]
pub fn is_consistent(
    (old, old_root): (u64, &Hash),
    (new, new_root): (u64, &Hash),
    path: &[Hash],
) -> bool {
    if old > new {
        return false;
    }
    if old == new {
        return path.is_empty() && old_root == new_root;
    }
    if old == 0 {
        return path.is_empty() && *old_root == Hash::of_nothing();
    }
    let mut rest = path.iter();
    let seed = if old.is_power_of_two() { Some(old_root) } else { rest.next() };
    let Some(seed) = seed else { return false };
    let (mut place, mut last) = (old - 1, new - 1);
    while place & 1 == 1 {
        place >>= 1;
        last >>= 1;
    }
    let (mut first, mut second) = (*seed, *seed);
    for hash in rest {
        if last == 0 {
            return false;
        }
        if place & 1 == 1 || place == last {
            first = Hash::of_node(hash, &first);
            second = Hash::of_node(hash, &second);
            while place & 1 == 0 && place != 0 {
                place >>= 1;
                last >>= 1;
            }
        } else {
            second = Hash::of_node(&second, hash);
        }
        place >>= 1;
        last >>= 1;
    }
    last == 0 && first == *old_root && second == *new_root
}

#[cfg(test)]
mod tests;

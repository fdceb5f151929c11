//! The limit of the machine: how fast one core reads memory.

use std::hint::black_box;

use crate::clock::once;

/// Larger than any cache, so that it is memory that is read.
const BYTES: usize = 256 << 20;

/// Reads memory from one end to the other.
/// # Units
/// Gigabytes in a second, one figure a round.
#[must_use]
pub(super) fn read_rate(rounds: usize) -> Vec<f64> {
    let memory: Vec<u64> = (0_u64..).take(BYTES / 8).collect();
    let sum = || memory.iter().fold(0_u64, |sum, word| sum.wrapping_add(*word));
    let round = |_| {
        let (_, ms) = once(|| black_box(sum()));
        BYTES as f64 / ms / 1e6
    };
    (0..rounds).map(round).collect()
}

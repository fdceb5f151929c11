//! How time is taken.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// Gives a duration in milliseconds.
#[must_use]
pub fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// Gives the value at a share of sorted values.
/// # Units
/// `permille`: 500 is the median.
#[must_use]
pub fn quantile(sorted: &[f64], permille: usize) -> f64 {
    let last = sorted.len().saturating_sub(1);
    sorted.get(last * permille / 1000).copied().unwrap_or(f64::NAN)
}

/// Gives the median.
#[must_use]
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    quantile(&sorted, 500)
}

/// Runs something once and gives what it made and the milliseconds it took.
pub fn once<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let start = Instant::now();
    let made = black_box(work());
    (made, ms(start.elapsed()))
}

/// Times each question by itself; reading the clock and an answer's end of life are part of it, so
/// that what takes less than the clock is overstated, never understated.
/// # Shape
/// Sorted.
/// # Units
/// Nanoseconds.
pub fn each<Q, T>(questions: &[Q], mut ask: impl FnMut(&Q) -> T) -> Vec<f64> {
    let mut samples = Vec::with_capacity(questions.len());
    for question in questions {
        let start = Instant::now();
        drop(black_box(ask(black_box(question))));
        samples.push(start.elapsed().as_secs_f64() * 1e9);
    }
    samples.sort_by(f64::total_cmp);
    samples
}

/// Times batches of questions, and gives the time of one question in each batch.
/// # Shape
/// Sorted.
/// # Units
/// Nanoseconds.
pub fn batches<Q, T>(questions: &[Q], size: usize, mut ask: impl FnMut(&Q) -> T) -> Vec<f64> {
    let mut samples = Vec::new();
    for batch in questions.chunks_exact(size.max(1)) {
        let start = Instant::now();
        for question in batch {
            drop(black_box(ask(black_box(question))));
        }
        samples.push(start.elapsed().as_secs_f64() * 1e9 / batch.len() as f64);
    }
    samples.sort_by(f64::total_cmp);
    samples
}

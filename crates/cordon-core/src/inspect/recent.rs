//! Counts events in a span of time, in a fixed room.

use cordon_model::Mono;

pub(super) const NS_PER_S: u64 = 1_000_000_000;

/// Remembers when the last `N` events were.
#[derive(Debug, Clone, Copy)]
pub struct Recent<const N: usize> {
    times: [Option<Mono>; N],
    next: usize,
}

impl<const N: usize> Default for Recent<N> {
    fn default() -> Self {
        Self { times: [None; N], next: 0 }
    }
}

impl<const N: usize> Recent<N> {
    /// Remembers an event; says whether it and the `N` − 1 before it fall into one span.
    /// # Units
    /// `span_s`: seconds.
    pub fn push(&mut self, now: Mono, span_s: u64) -> bool {
        if let Some(slot) = self.times.get_mut(self.next) {
            *slot = Some(now);
        }
        self.next = (self.next + 1) % N.max(1);
        // What is overwritten next is the oldest of the last N.
        let oldest = self.times.get(self.next).copied().flatten();
        oldest.is_some_and(|time| now.0.saturating_sub(time.0) < span_s.saturating_mul(NS_PER_S))
    }

    /// Says how many of the last `N` events fall into the span that ends now.
    #[must_use]
    pub fn count(&self, now: Mono, span_s: u64) -> usize {
        let span = span_s.saturating_mul(NS_PER_S);
        self.times.iter().flatten().filter(|time| now.0.saturating_sub(time.0) < span).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: u64) -> Mono {
        Mono(s * NS_PER_S)
    }

    #[test]
    fn the_third_in_a_minute_is_one_too_many() {
        let mut recent = Recent::<3>::default();
        assert!(!recent.push(at(0), 60));
        assert!(!recent.push(at(30), 60));
        assert!(recent.push(at(59), 60));
        assert!(!recent.push(at(90), 60), "30, 59 and 90: the span is half open");
        assert_eq!(recent.count(at(95), 60), 2);
    }
}

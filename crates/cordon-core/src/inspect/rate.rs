//! Holds events to so many in a span of time, in a fixed room.

use cordon_model::Mono;

use super::recent::NS_PER_S;

/// Remembers when events were let through, and lets no more through than may be in one span.
///
/// Up to `N` in a span are counted one by one. More are counted in groups, so that a few more than
/// allowed may pass: less than one in `N / 2`.
#[derive(Debug, Clone, Copy)]
pub struct Rate<const N: usize> {
    /// When the first of each group was let through.
    times: [Option<Mono>; N],
    next: usize,
    /// How many of the present group have been let through.
    filled: u32,
}

impl<const N: usize> Default for Rate<N> {
    fn default() -> Self {
        Self { times: [None; N], next: 0, filled: 0 }
    }
}

impl<const N: usize> Rate<N> {
    /// Lets an event through, unless there were `max` in the span that ends now; one that is not let
    /// through does not count.
    /// # Units
    /// `span_s`: seconds.
    /// # Errors
    /// The seconds after which there is room again, at least one.
    pub fn admit(&mut self, now: Mono, span_s: u64, max: u32) -> Result<(), u64> {
        let room = u32::try_from(N).unwrap_or(u32::MAX).max(1);
        let group = max.div_ceil(room).max(1);
        if self.filled == 0 || self.filled >= group {
            let groups = usize::try_from(max.div_ceil(group)).unwrap_or(N).min(N);
            if groups == 0 {
                return Err(span_s.max(1));
            }
            // `groups` places before the one that is taken next.
            let back = (self.next + N - groups) % N.max(1);
            if let Some(oldest) = self.times.get(back).copied().flatten() {
                let free = oldest.0.saturating_add(span_s.saturating_mul(NS_PER_S));
                if let Some(wait) = free.checked_sub(now.0).filter(|wait| *wait > 0) {
                    return Err(wait.div_ceil(NS_PER_S));
                }
            }
            if let Some(slot) = self.times.get_mut(self.next) {
                *slot = Some(now);
            }
            self.next = (self.next + 1) % N.max(1);
            self.filled = 0;
        }
        self.filled += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(max: u32, events: &[(u64, u32)]) -> Vec<u32> {
        let mut rate = Rate::<8>::default();
        let at = |ms: u64| Mono(ms * (NS_PER_S / 1000));
        let mut passed = |&(ms, count): &(u64, u32)| {
            let all = 0..count;
            u32::try_from(all.filter(|_| rate.admit(at(ms), 60, max).is_ok()).count())
                .unwrap_or(u32::MAX)
        };
        events.iter().map(&mut passed).collect()
    }

    #[test]
    fn one_more_than_may_be_in_a_minute_is_not_let_through() {
        assert_eq!(passed(3, &[(0, 2), (30_000, 5), (59_999, 1), (60_000, 5)]), [2, 1, 0, 2]);
        assert_eq!(passed(8, &[(0, 9), (59_999, 1), (60_000, 9)]), [8, 0, 8]);
        assert_eq!(passed(1, &[(0, 1), (1, 1), (60_001, 2)]), [1, 0, 1]);
        assert_eq!(passed(0, &[(0, 2), (600_000, 1)]), [0, 0]);
    }

    #[test]
    fn more_than_there_is_room_for_are_counted_in_groups() {
        assert_eq!(passed(80, &[(0, 200), (30_000, 9), (60_000, 200)]), [80, 0, 80]);
        assert_eq!(passed(20, &[(0, 50)]), [21]);
    }

    #[test]
    fn says_when_there_is_room_again() {
        let mut rate = Rate::<8>::default();
        let at = |s: u64| Mono(s * NS_PER_S);
        assert_eq!(rate.admit(at(10), 60, 2), Ok(()));
        assert_eq!(rate.admit(at(20), 60, 2), Ok(()));
        assert_eq!(rate.admit(at(25), 60, 2), Err(45));
        assert_eq!(rate.admit(Mono(70 * NS_PER_S - 1), 60, 2), Err(1));
        assert_eq!(rate.admit(at(70), 60, 2), Ok(()));
        assert_eq!(rate.admit(at(70), 60, 2), Err(10));
    }
}

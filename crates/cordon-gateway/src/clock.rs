//! The clocks of the machine, read in one place.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use cordon_journal::journal::Moment;
use cordon_model::{Mono, Now, WallMs};

/// Both clocks; whoever has a copy reads the same.
#[derive(Debug, Clone)]
pub struct Clock {
    start: Instant,
    offset_s: Arc<AtomicU64>,
}

impl Clock {
    /// Starts the monotonic clock.
    /// # Units
    /// `offset_s`: seconds that are added to both clocks.
    #[must_use]
    pub fn start(offset_s: u64) -> Self {
        Self { start: Instant::now(), offset_s: Arc::new(AtomicU64::new(offset_s)) }
    }

    /// Moves both on, for everybody who reads them; gives by how much they are moved altogether.
    /// # Units
    /// Seconds.
    pub fn advance(&self, seconds: u32) -> u64 {
        let seconds = u64::from(seconds);
        self.offset_s.fetch_add(seconds, Ordering::AcqRel).saturating_add(seconds)
    }

    /// Reads both.
    #[must_use]
    pub fn moment(&self) -> Moment {
        let ms = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let offset_ms = self.offset_s.load(Ordering::Acquire).saturating_mul(1_000);
        let mono = u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        Moment {
            mono: Mono(mono.saturating_add(offset_ms.saturating_mul(1_000_000))),
            wall: WallMs(u64::try_from(ms).unwrap_or(u64::MAX).saturating_add(offset_ms)),
        }
    }

    /// Reads both, as a state machine takes them.
    #[must_use]
    pub fn now(&self) -> Now {
        let Moment { mono, wall } = self.moment();
        Now { mono, wall: wall.wall() }
    }
}

#[cfg(test)]
mod tests;

//! How much at once, how long to wait, when to try again.

use cordon_model::Mono;

/// Nanoseconds of a millisecond.
pub const MS: u64 = 1_000_000;

/// The limits of one exporter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes of a batch; a single record may be larger.
    pub batch_bytes_max: u64,
    /// Most records of a batch.
    pub batch_records_max: usize,
    /// How long a batch waits for more records.
    pub fill_ms: u64,
    /// Most batches that are sent and not acknowledged; at least 1.
    pub window_batches_max: usize,
    /// How often acknowledgements are asked for.
    pub poll_ms: u64,
    /// When a batch that is not acknowledged is sent again.
    pub ack_ms: u64,
    /// The first wait after a fault; each further one is twice as long.
    pub retry_ms_min: u64,
    /// The longest wait after a fault.
    pub retry_ms_max: u64,
    /// The wait after a refusal, and while no record can be set aside.
    pub refused_ms: u64,
    /// From when on waiting records are an alarm.
    pub lag_s: u64,
    /// How many records in a row are set aside before it is taken for a refusal.
    pub rejected_in_row_max: u32,
}

impl Limits {
    /// Gives the moment so many milliseconds later.
    pub(super) fn after(&self, from: Mono, ms: u64) -> Mono {
        Mono(from.0.saturating_add(ms.saturating_mul(MS)))
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            batch_bytes_max: 1_000_000,
            batch_records_max: 1_000,
            fill_ms: 1_000,
            window_batches_max: 8,
            poll_ms: 1_000,
            ack_ms: 120_000,
            retry_ms_min: 500,
            retry_ms_max: 60_000,
            refused_ms: 60_000,
            lag_s: 900,
            rejected_in_row_max: 20,
        }
    }
}

/// The waits after faults.
#[derive(Debug)]
pub(super) struct Pace {
    seed: u64,
    faults: u32,
    until: Option<Mono>,
}

impl Pace {
    pub(super) fn new(seed: u64) -> Self {
        // A generator that starts at zero stays there.
        Self { seed: seed | 1, faults: 0, until: None }
    }

    pub(super) fn until(&self) -> Option<Mono> {
        self.until
    }

    pub(super) fn is_waiting(&mut self, now: Mono) -> bool {
        if self.until.is_some_and(|until| now >= until) {
            self.until = None;
        }
        self.until.is_some()
    }

    pub(super) fn reset(&mut self) {
        self.faults = 0;
        self.until = None;
    }

    pub(super) fn wait(&mut self, now: Mono, ms: u64) {
        self.until = Some(Mono(now.0.saturating_add(ms.saturating_mul(MS))));
    }

    /// Waits twice as long as the last time, and up to half of that less, by chance.
    pub(super) fn fail(&mut self, now: Mono, limits: &Limits) {
        let doubled = 1_u64.checked_shl(self.faults.min(32)).unwrap_or(u64::MAX);
        self.faults = self.faults.saturating_add(1);
        let longest = limits.retry_ms_min.saturating_mul(doubled).min(limits.retry_ms_max).max(1);
        // Marsaglia's xorshift64: even enough for a jitter.
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        let less = self.seed % (longest / 2 + 1);
        self.wait(now, longest - less);
    }
}

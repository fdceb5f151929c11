//! Clocks of the records: which may not go back.

use cordon_model::{Mono, WallMs};

use crate::record::Stamp;

use super::fault::{Place, Wrong};

/// How far the wall clock of a record may be behind those before it.
/// # Units
/// Milliseconds.
pub(super) const SLACK_MS: u64 = 1_000;

/// What the records so far say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reading {
    /// The latest time since the clock was last set back.
    pub(super) latest: WallMs,
    pub(super) mono: Mono,
    pub(super) run: u32,
}

/// The clocks, record by record.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Clock {
    pub(super) reading: Option<Reading>,
    pub(super) first: Option<Stamp>,
    pub(super) earliest: Option<WallMs>,
    pub(super) last: Option<WallMs>,
}

/// The wall clock went back; a record of that may excuse it.
#[derive(Debug, Clone)]
pub(super) struct Rollback {
    pub(super) place: Place,
    pub(super) by_ms: u64,
    pub(super) run: u32,
    /// The monotonic clock at the record before, if of the same run.
    pub(super) since: Option<Mono>,
    pub(super) mono: Mono,
}

/// What went back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Back {
    Wall { by_ms: u64, since: Option<Mono> },
    Other(Wrong),
}

impl Clock {
    /// Begins with what the records before say.
    pub(super) fn after(reading: Option<Reading>) -> Self {
        Self { reading, ..Self::default() }
    }

    /// Says whether the clocks of these records go on from those before.
    pub(super) fn continues(&self, before: &Reading) -> bool {
        self.first.is_none_or(|first| (before.run, before.mono) <= (first.run, first.mono))
            && self.first.is_none_or(|first| before.run <= first.run)
            && self.earliest.is_none_or(|time| time.0.saturating_add(SLACK_MS) >= before.latest.0)
    }

    /// Takes the stamp of the next record.
    pub(super) fn step(&mut self, stamp: &Stamp) -> Option<Back> {
        self.first = self.first.or(Some(*stamp));
        self.earliest = Some(self.earliest.map_or(stamp.time, |time| time.min(stamp.time)));
        self.last = Some(stamp.time);
        let Some(before) = self.reading else {
            self.reading = Some(Reading { latest: stamp.time, mono: stamp.mono, run: stamp.run });
            return None;
        };
        let by_ms = before.latest.0.saturating_sub(stamp.time.0);
        let is_back = by_ms > SLACK_MS;
        let latest = if is_back { stamp.time } else { before.latest.max(stamp.time) };
        self.reading = Some(Reading { latest, mono: stamp.mono, run: stamp.run });
        if stamp.run < before.run {
            return Some(Back::Other(Wrong::RunRollback));
        }
        if stamp.run == before.run && stamp.mono < before.mono {
            return Some(Back::Other(Wrong::MonoRollback));
        }
        let since = (stamp.run == before.run).then_some(before.mono);
        is_back.then_some(Back::Wall { by_ms, since })
    }
}

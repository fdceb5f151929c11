//! What the journal says of itself in its evidence stream: that the clock was set, that the time of
//! segments was over.
//!
//! It is read without verifying it; the evidence stream has a report of its own.

use std::path::Path;

use cordon_model::Mono;
use cordon_model::event::{JournalNote, Retention, What};

use crate::record::Record;

use super::clock::{Rollback, SLACK_MS};
use super::records::Records;

/// What a note looks like within a record.
const NOTE: &[u8] = b"\"what\":{\"journal\":{";
/// Where in a record a note begins at the latest: behind the hash, the time and the point.
const NOTE_BYTES_MAX: usize = 256;
/// Most notes that are kept.
const NOTES_MAX: usize = 65_536;

/// That the clock was set.
#[derive(Debug, Clone, Copy)]
struct Step {
    by_ms: i64,
    mono: Mono,
    run: u32,
}

/// What the evidence stream says.
#[derive(Debug, Default)]
pub(super) struct Notes {
    steps: Vec<Step>,
    expired: Vec<(u64, u64)>,
}

impl Notes {
    /// Reads the notes about a stream; nothing if the folder holds no segment.
    pub(super) fn read(evidence: &Path, stream: Option<Retention>) -> Option<Self> {
        let mut records = Records::open(evidence).ok().filter(|records| !records.is_empty())?;
        let mut notes = Self::default();
        while let Some((_, _, line)) = records.next() {
            let beginning = line.get(..NOTE_BYTES_MAX.min(line.len())).unwrap_or_default();
            if memchr::memmem::find(beginning, NOTE).is_none() {
                continue;
            }
            let Ok(Record { event, mono, run, .. }) = Record::decode(line) else { continue };
            let What::Journal(note) = event.what else { continue };
            match *note {
                JournalNote::ClockStep { by_ms } if notes.steps.len() < NOTES_MAX => {
                    notes.steps.push(Step { by_ms, mono, run });
                }
                JournalNote::Expire { first, last, stream: of }
                    if Some(of) == stream && notes.expired.len() < NOTES_MAX =>
                {
                    notes.expired.push((first, last));
                }
                JournalNote::ClockStep { .. }
                | JournalNote::Expire { .. }
                | JournalNote::Export { .. }
                | JournalNote::Hold { .. }
                | JournalNote::Lose { .. }
                | JournalNote::Recover { .. }
                | JournalNote::Release { .. }
                | JournalNote::Restart { .. }
                | JournalNote::Start { .. } => {}
            }
        }
        Some(notes)
    }

    /// Says whether the time of a record, and so of all before it, was over.
    pub(super) fn has_expired(&self, seq: u64) -> bool {
        self.expired.iter().any(|(first, last)| (*first..=*last).contains(&seq))
    }

    /// Says whether the clock was set back at this place and by this much.
    pub(super) fn excuses(&self, back: &Rollback) -> bool {
        let ms = |mono: Mono| mono.0 / 1_000_000;
        self.steps.iter().any(|step| {
            let by_ms = step.by_ms.unsigned_abs();
            let elapsed_ms = back.since.map(|since| ms(back.mono).saturating_sub(ms(since)));
            let most = elapsed_ms
                .map_or(u64::MAX, |more| back.by_ms.saturating_add(more).saturating_add(SLACK_MS));
            let is_near = ms(step.mono).saturating_add(SLACK_MS) >= back.since.map_or(0, ms)
                && ms(step.mono) <= ms(back.mono).saturating_add(SLACK_MS);
            step.by_ms < 0
                && step.run == back.run
                && by_ms.saturating_add(SLACK_MS) >= back.by_ms
                && by_ms <= most
                && is_near
        })
    }
}

//! Whose journal it is, and how it is kept.

use std::fmt;
use std::sync::Arc;

use cordon_model::event::Clock as ClockState;
use cordon_model::note::Signer;
use cordon_model::{HospitalId, Label, Mono, WallMs, WriterId};

use crate::disk::{Disk, Machine};

/// Both clocks at one moment, finely enough for records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Moment {
    /// For order and durations.
    pub mono: Mono,
    /// For people.
    pub wall: WallMs,
}

/// The clock of the machine, or of a test.
pub type Clock = dyn Fn() -> Moment + Send + Sync;

/// Whose journal it is, and how it is kept.
pub struct Options {
    /// The hospital.
    pub hospital: HospitalId,
    /// Who writes.
    pub writer: WriterId,
    /// The key that signs heads; its name does not matter.
    pub signer: Signer,
    /// The version of the program.
    pub version: Label,
    /// The boot of the machine.
    pub boot: Label,
    /// How far its clock can be trusted.
    pub clock_state: ClockState,
    /// The clock.
    pub clock: Box<Clock>,
    /// The disk.
    pub disk: Arc<dyn Disk>,
    /// The bounds.
    pub limits: Limits,
    /// What becomes of a stream that was tampered with.
    pub on_damage: OnDamage,
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("writer", &self.writer).finish_non_exhaustive()
    }
}

impl Options {
    /// Takes the usual bounds, on the machine's disk.
    #[must_use]
    pub fn new(
        hospital: HospitalId,
        writer: WriterId,
        signer: Signer,
        version: Label,
        boot: Label,
        clock: Box<Clock>,
    ) -> Self {
        Self {
            hospital,
            writer,
            signer,
            version,
            boot,
            clock_state: ClockState { last_sync: None, offset_ms: 0, synced: false },
            clock,
            disk: Arc::new(Machine),
            limits: Limits::default(),
            on_damage: OnDamage::Refuse,
        }
    }
}

/// The bounds of a journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of events that wait in one stream, with their frames.
    pub queue_bytes_max: usize,
    /// Bytes after which a segment is sealed.
    pub segment_bytes: u64,
    /// Milliseconds after which a segment is sealed.
    pub segment_age_ms: u64,
    /// Bytes that are allocated ahead in the evidence stream: what can still be written on a full
    /// disk. The other streams keep a quarter of it.
    pub reserve_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            queue_bytes_max: 32 << 20,
            segment_bytes: 64 << 20,
            segment_age_ms: 86_400_000,
            reserve_bytes: 8 << 20,
        }
    }
}

/// What becomes of a stream that was tampered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnDamage {
    /// The journal is not opened.
    Refuse,
    /// The stream is set aside under another name, untouched, and a new one begins whose first record
    /// says so: an enforcement point must go on recording.
    SetAside,
}

//! What cordon records about itself: its journal, its alarms, its health.

use serde::{Deserialize, Serialize};

use crate::{DeviceState, Label, Tier, WallMs, WriterId};

use super::{Actor, Clock, Kind, Retention};

/// How grave something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// For the record.
    Info,
    /// When there is time.
    Low,
    /// Today.
    Medium,
    /// Now.
    High,
    /// Now, and wake somebody.
    Critical,
}

impl Severity {
    /// Gives the name that records use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// Records that could not be written, by kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lost {
    /// How many.
    pub count: u64,
    /// When the first was lost.
    pub first: WallMs,
    /// When the last was lost.
    pub last: WallMs,
}

/// The journal speaks of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "snake_case", deny_unknown_fields)]
pub enum JournalNote {
    /// The wall clock was set while the writer ran.
    ClockStep {
        /// By how much, in milliseconds; negative: back.
        by_ms: i64,
    },
    /// Segments were deleted because their time was over, or a spool had no room for them.
    Expire {
        /// The first record that was deleted.
        first: u64,
        /// The last record that was deleted.
        last: u64,
        /// In which stream.
        stream: Retention,
    },
    /// Records were handed out.
    Export {
        /// By whom.
        by: Option<Actor>,
        /// How many.
        records: u64,
        /// Where to: the name of the exporter.
        to: Label,
    },
    /// Nothing older than this may be deleted.
    Hold {
        /// By whom.
        by: Actor,
        /// Its name.
        name: Label,
    },
    /// Records could not be written and were counted instead.
    Lose {
        /// Of which kind.
        kind: Label,
        /// How many, and when.
        lost: Lost,
        /// Why: `queue-full`, `disk-full`, `disk-failed`.
        why: Label,
    },
    /// The writer found an unfinished end and repaired it.
    Recover {
        /// Bytes behind the last signed head that were dropped; nothing of them had been
        /// acknowledged. They are kept beside the segment.
        dropped_bytes: u64,
        /// Whole records among them. Nobody had signed them, so the writer does not either.
        dropped_records: u64,
    },
    /// A hold was lifted.
    Release {
        /// By whom.
        by: Actor,
        /// Its name.
        name: Label,
    },
    /// The chain before could not be continued: it was set aside, and a new one begins.
    Restart {
        /// The number of the record at which the old chain is broken.
        broken_at: u64,
    },
    /// The writer started.
    Start {
        /// The boot of the machine.
        boot: Label,
        /// Its clock.
        clock: Clock,
        /// Its version.
        version: Label,
        /// Its name.
        writer: WriterId,
    },
}

impl JournalNote {
    /// Makes the note on records of one kind that were lost.
    #[must_use]
    pub fn lose(kind: Kind, why: &Label, lost: Lost) -> Option<Self> {
        Some(Self::Lose { kind: Label::new(kind.name()).ok()?, lost, why: why.clone() })
    }
}

/// Whether an alarm is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AlarmState {
    /// It is over.
    Clear,
    /// It is on.
    Raise,
}

/// An alarm of cordon about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alarm {
    /// About what: the name of a point, a node, an exporter.
    pub about: Label,
    /// Which alarm: `journal-full`, `siem-lag`, `clock-off`.
    pub alarm: Label,
    /// How grave.
    pub severity: Severity,
    /// On or over.
    pub state: AlarmState,
    /// The figure that led to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<u64>,
}

/// How an enforcement point is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Health {
    /// Seconds until its policy counts as stale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_ttl_s: Option<u64>,
    /// How many of its devices are in which state.
    pub devices: Vec<DeviceCount>,
    /// The generation of policy that it enforces.
    pub generation: u64,
    /// The longest silence of a lifeline flow since the last report, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifeline_gap_ms: Option<u64>,
    /// The decision nodes that it does not reach.
    pub nodes_down: Vec<WriterId>,
    /// The decision nodes that it reaches.
    pub nodes_up: Vec<WriterId>,
    /// Seconds since its policy was confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_age_s: Option<u64>,
    /// Until when its own certificate is valid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<WallMs>,
}

/// How many devices of a tier are in a state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceCount {
    /// How many.
    pub count: u64,
    /// In which state.
    pub state: DeviceState,
    /// Of which tier.
    pub tier: Tier,
}

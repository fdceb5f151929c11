//! What was found, what was done about it, and who looked.

use serde::{Deserialize, Serialize};

use crate::{
    DeviceId, DeviceState, Evidence, Label, Mac, Operation, SegmentId, Tier, Transport, Vlan,
    WallMs,
};

use super::{Actor, EventId, Party, Severity};

/// What was done at once about what was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingAction {
    /// The act was stopped.
    Blocked,
    /// The device was contained.
    Contained,
    /// The device was isolated.
    Isolated,
    /// It was noted.
    Observed,
}

impl FindingAction {
    /// Gives the name that records use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Blocked => "blocked",
            Self::Contained => "contained",
            Self::Isolated => "isolated",
            Self::Observed => "observed",
        }
    }
}

/// Where a finding stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingStatus {
    /// It is closed.
    Close,
    /// It is new.
    New,
    /// It is known, and there is more of it.
    Update,
}

/// Something about a device, or about a stranger, that somebody should know.
///
/// What was seen on the wire and whom the plan takes it for are kept apart: an odd act of a known
/// device is not the same as a stranger on its port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// What was done at once.
    pub action: FindingAction,
    /// Bytes that were attempted and did not pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempted_bytes: Option<u64>,
    /// Milliseconds from the first packet of it to the finding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detection_ms: Option<u64>,
    /// The device that is blamed, if one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceId>,
    /// What its DHCP client asks for, by number and in order: a fingerprint of its kind.
    /// # Source
    /// RFC 2132 §9.8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dhcp: Option<Label>,
    /// Whom it called, or wanted to.
    pub dst: Party,
    /// How much it proves.
    pub evidence: Evidence,
    /// The fingerprint of its TLS hello.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ja4: Option<Label>,
    /// The name under which all records about this finding go.
    pub name: Label,
    /// What it tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<Operation>,
    /// The MAC address that the plan expects there, if another was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned_mac: Option<Mac>,
    /// The rule of detection, for example `unlisted-destination`.
    pub rule: Label,
    /// The records it rests on.
    pub seen_in: Vec<EventId>,
    /// The segment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment: Option<SegmentId>,
    /// Who it is, as seen on the wire.
    pub src: Party,
    /// Where the finding stands.
    pub status: FindingStatus,
    /// The port of the gateway or switch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub switch_port: Option<Label>,
    /// The tier of the device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<Tier>,
    /// Over TCP or UDP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transport: Option<Transport>,
    /// Time to live or hop limit of its first packet, as it arrived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u8>,
    /// The VLAN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vlan: Option<Vlan>,
}

/// A device went from one state to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateChange {
    /// The records that led to it.
    pub because: Vec<EventId>,
    /// Who ordered it; two people for an isolation in RED.
    pub by: Vec<Actor>,
    /// The device.
    pub device: DeviceId,
    /// Its state before.
    pub from: DeviceState,
    /// The incident that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<Label>,
    /// Why, in one word: `unlisted-destination`, `false-alarm`, `probation-over`.
    pub reason: Label,
    /// Milliseconds from the first violating packet until this state was enforced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since_violation_ms: Option<u64>,
    /// The tier of the device.
    pub tier: Tier,
    /// Its state now.
    pub to: DeviceState,
}

/// What happened to an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IncidentAction {
    /// It was closed.
    Close,
    /// It was opened.
    Open,
    /// It was changed.
    Update,
}

/// An incident: findings that belong together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Incident {
    /// What happened to it.
    pub action: IncidentAction,
    /// Who did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Actor>,
    /// The device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceId>,
    /// The findings.
    pub findings: Vec<EventId>,
    /// Its name.
    pub name: Label,
    /// How it ended: `false-alarm`, `remediated`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Label>,
    /// How grave.
    pub severity: Severity,
    /// The tier of the device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<Tier>,
}

/// What happened to a review.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReviewAction {
    /// It is done.
    Close,
    /// It is due.
    Open,
    /// It is late.
    Overdue,
}

/// A person has to look at something, or has looked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Review {
    /// What happened.
    pub action: ReviewAction,
    /// Who looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Actor>,
    /// By when it must be done.
    pub due: WallMs,
    /// The records to look at.
    pub of: Vec<EventId>,
    /// What came of it: `justified`, `unjustified`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Label>,
    /// What has to be looked at: `emergency`, `finding`, `weekly-log`.
    pub subject: Label,
}

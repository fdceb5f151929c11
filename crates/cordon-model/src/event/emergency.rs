//! Clinical emergency mode: the key at the nurse station, and what it opened.

use serde::{Deserialize, Serialize};

use crate::{BadgeId, DeviceId, Label, Operation, PointId, Tier, Transport, WallMs, ZoneId};

use super::{Answer, Party};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EmergencyAction {
    /// A badge was shown.
    Badge,
    /// A command passed towards a device.
    Command,
    /// The switch is in fault.
    Fault,
    /// A flow that emergency mode allowed ended.
    FlowClose,
    /// A flow that emergency mode allowed began.
    FlowOpen,
    /// A rule was relaxed.
    Relax,
    /// Emergency mode began.
    Start,
    /// Emergency mode ended.
    Stop,
    /// The line of the switch was cut or bridged.
    Tamper,
}

impl EmergencyAction {
    /// Gives the name that records use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Badge => "badge",
            Self::Command => "command",
            Self::Fault => "fault",
            Self::FlowClose => "flow-close",
            Self::FlowOpen => "flow-open",
            Self::Relax => "relax",
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Tamper => "tamper",
        }
    }
}

/// Which condition was true when the key was turned; none is a finding for the review.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trigger {
    /// Authentication failed for several devices.
    AuthFailed,
    /// No decision node could be reached.
    PdpUnreachable,
    /// The network of the unit was not reachable.
    SegmentationFailed,
}

/// Why emergency mode ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExpiryReason {
    /// The key was turned back.
    KeyOff,
    /// A new activation took its place.
    Superseded,
    /// Thirty minutes were over.
    Timer,
}

/// How far the clock of the point could be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clock {
    /// When it was last set by a time server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_sync: Option<WallMs>,
    /// How far it was off then, in milliseconds.
    pub offset_ms: i64,
    /// Whether it is kept in time.
    pub synced: bool,
}

/// One step of an emergency, with all that a reviewer asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Emergency {
    /// What happened.
    pub action: EmergencyAction,
    /// The number of the activation at its station.
    pub activation: u64,
    /// The badges that were shown so far.
    pub badges: Vec<BadgeId>,
    /// Bytes towards the device.
    pub bytes_down: u64,
    /// Bytes from the device.
    pub bytes_up: u64,
    /// The clock of the point.
    pub clock: Clock,
    /// The device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceId>,
    /// Whether it is a drill: nothing is opened.
    pub drill: bool,
    /// Who was called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dst: Option<Party>,
    /// Why it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiry: Option<ExpiryReason>,
    /// The point that the key is wired to.
    pub gateway: PointId,
    /// The generation of the policy in force.
    pub generation: u64,
    /// The serial number of the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_serial: Option<Label>,
    /// The verb.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<Operation>,
    /// Who called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub src: Option<Party>,
    /// The nurse station.
    pub station: Label,
    /// The tier of the device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<Tier>,
    /// Over TCP or UDP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transport: Option<Transport>,
    /// Which conditions were true.
    pub triggers: Vec<Trigger>,
    /// What the policy would have answered without the key: exactly what the bypass allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub without_emergency: Option<Answer>,
    /// The zone that was opened.
    pub zone: ZoneId,
}

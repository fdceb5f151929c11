//! Profiles: what a device type may do, and within which bounds.

use serde::{Deserialize, Serialize};

use super::Inspection;
use crate::diagnostic::Place;
use crate::{Direction, Operation, Tier};

/// How badly a patient or a building depends on a device type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Impact {
    /// Keeps a patient alive, or watches over it minute by minute.
    LifeSupport,
    /// Gives therapy or a diagnosis.
    Therapy,
    /// Supports the work of care.
    Workflow,
    /// Keeps people safe in the building.
    LifeSafety,
    /// Runs the building.
    Facility,
}

/// Bounds on what a flow may carry; crossing one is a violation.
/// # Units
/// Bytes and counts, in the names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Envelope {
    /// Bytes one connection may carry, both ways together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_per_connection_max: Option<u64>,
    /// Bytes one minute may carry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_per_minute_max: Option<u64>,
    /// Connections, or exchanges on UDP, in one minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connections_per_minute_max: Option<u32>,
}

/// One thing a device type may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// The service, by identifier or by role.
    pub service: String,
    /// Who opens it.
    pub direction: Direction,
    /// The verbs; at least one, all of the service's protocol.
    pub operations: Vec<Operation>,
    /// The device's own port, for a flow that the other side opens.
    pub device_port: Option<u16>,
    /// Whether it is a lifeline.
    pub lifeline: bool,
    /// How often it is expected.
    /// # Units
    /// Seconds.
    pub cadence_s: Option<u32>,
    /// API calls per minute.
    pub api_rate_per_minute: Option<u32>,
    /// Its bounds.
    pub envelope: Envelope,
    /// What its messages are held to.
    pub inspection: Inspection,
    /// The standard or the document it comes from.
    pub source: Option<String>,
    /// Where it is declared.
    pub place: Place,
}

/// What a device type's maker declares towards other devices (RFC 8520); never permitted, shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerFlow {
    /// Which peers, in the words of the MUD file.
    pub peers: String,
    /// Who opens it.
    pub direction: Direction,
    /// Where it is declared.
    pub place: Place,
}

/// What a device type may do.
#[derive(Debug, Clone)]
pub struct Profile {
    /// Its name, for people.
    pub name: String,
    /// The group it is counted in, for example `patient-monitors`.
    pub umbrella: String,
    /// The tier its devices declare.
    pub tier: Tier,
    /// How badly a patient depends on it.
    pub impact: Impact,
    /// The words under which imports know the type, lower case.
    pub aliases: Vec<String>,
    /// What it may do.
    pub flows: Vec<Flow>,
    /// What its maker declares towards other devices.
    pub peers: Vec<PeerFlow>,
    /// Where it is declared.
    pub place: Place,
}

//! The hospital's own estate: policy, inventory, attestation, certificates.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::digest::Sha256Digest;
use crate::{Attestation, DeviceId, Label, Mac, PointId, ProfileId, SegmentId, Tier, WallMs};

use super::Actor;

/// What happened to policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PolicyAction {
    /// A point enforces it.
    Activate,
    /// It was signed and numbered.
    Publish,
    /// It was refused.
    Refuse,
}

impl PolicyAction {
    /// Gives the name that records use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Activate => "activate",
            Self::Publish => "publish",
            Self::Refuse => "refuse",
        }
    }
}

/// What the proofs said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProofResult {
    /// A counter-example was found.
    Failed,
    /// They were not asked.
    NotRun,
    /// Every invariant holds.
    Proved,
}

/// Policy was published, activated or refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyChange {
    /// What happened.
    pub action: PolicyAction,
    /// How many enforcement points got a new bundle.
    pub bundles: u64,
    /// Who approved.
    pub by: Vec<Actor>,
    /// The generation.
    pub generation: u64,
    /// The digest of plan and policy; where a point activates or refuses, that of its sealed bundle.
    pub policy: Sha256Digest,
    /// What the proofs said.
    pub proof: ProofResult,
    /// Why it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Label>,
}

/// What happened to a device of the inventory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InventoryAction {
    /// An attribute changed.
    Change,
    /// It was enrolled.
    Enroll,
    /// It is in another place.
    Move,
    /// It was taken out of service.
    Retire,
    /// It was seen.
    See,
}

impl InventoryAction {
    /// Gives the name that records use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Change => "change",
            Self::Enroll => "enroll",
            Self::Move => "move",
            Self::Retire => "retire",
            Self::See => "see",
        }
    }
}

/// A device came, moved, changed or went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inventory {
    /// What happened.
    pub action: InventoryAction,
    /// Its address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// Who did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Actor>,
    /// The device.
    pub device: DeviceId,
    /// Its MAC address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<Mac>,
    /// The enforcement point before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub point: Option<PointId>,
    /// What type it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<ProfileId>,
    /// Its segment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment: Option<SegmentId>,
    /// Its tier.
    pub tier: Tier,
}

/// The firmware of a device was attested.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attested {
    /// The device.
    pub device: DeviceId,
    /// How: `tpm-quote`, `readout`, `fingerprint`.
    pub method: Label,
    /// What it says.
    pub now: Attestation,
    /// What the last one said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Attestation>,
    /// The tier of the device.
    pub tier: Tier,
}

/// What happened to a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CertificateAction {
    /// It ran out.
    Expire,
    /// It was issued.
    Issue,
    /// It was renewed.
    Renew,
    /// It was revoked.
    Revoke,
    /// It will run out soon.
    Warn,
}

impl CertificateAction {
    /// Gives the name that records use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Expire => "expire",
            Self::Issue => "issue",
            Self::Renew => "renew",
            Self::Revoke => "revoke",
            Self::Warn => "warn",
        }
    }
}

/// A certificate was issued, renewed or revoked, or ran out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// What happened.
    pub action: CertificateAction,
    /// The device that holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceId>,
    /// The digest of the certificate.
    pub fingerprint: Sha256Digest,
    /// Who issued it.
    pub issuer: Label,
    /// Until when it is valid.
    pub not_after: WallMs,
    /// From when it is valid.
    pub not_before: WallMs,
    /// Its serial number, hexadecimal.
    pub serial: Label,
    /// The tier of the device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<Tier>,
}

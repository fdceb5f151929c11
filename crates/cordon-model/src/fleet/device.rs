//! Devices, one row of `devices.csv` each, and what people decided about single ones.

use std::net::{Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

use super::SegmentAttachment;
use crate::diagnostic::Place;
use crate::{BuildingId, DeviceId, Eui64, Mac, PointId, ProfileId, SegmentId, Tier, UnitId};

/// How a device is attached to the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Attachment {
    /// A key in a TPM: certificate, mutual TLS, attestation.
    Tpm,
    /// A key in software: certificate and mutual TLS, no attestation.
    SoftwareKey,
    /// No cryptography: behind a gateway that holds its credential.
    Legacy,
}

impl Attachment {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Tpm, Self::SoftwareKey, Self::Legacy];

    /// Gives the name that files and policies use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Tpm => "tpm",
            Self::SoftwareKey => "software-key",
            Self::Legacy => "legacy",
        }
    }

    /// Says which kind of segment such a device lives in.
    #[must_use]
    pub fn segment(self) -> SegmentAttachment {
        match self {
            Self::Tpm | Self::SoftwareKey => SegmentAttachment::Native,
            Self::Legacy => SegmentAttachment::Gateway,
        }
    }
}

/// A tier that somebody set by hand, against classification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TierOverride {
    /// Whose tier.
    pub device: DeviceId,
    /// The tier.
    pub tier: Tier,
    /// Who decided.
    pub who: String,
    /// Why.
    pub why: String,
    /// The last day on which it holds, as `YYYY-MM-DD`.
    pub until: String,
    /// Where it is declared.
    pub place: Place,
}

/// One row of `devices.csv`.
#[derive(Debug, Clone)]
pub struct Device {
    /// Its identifier.
    pub id: DeviceId,
    /// Its type.
    pub profile: ProfileId,
    /// Its tier as declared.
    pub tier: Tier,
    /// Its maker, as the inventory spells it.
    pub vendor: String,
    /// Its model.
    pub model: String,
    /// Its serial number.
    pub serial: String,
    /// Its MAC address.
    pub mac: Mac,
    /// Its IPv4 address.
    pub ip: Ipv4Addr,
    /// Its IPv6 address.
    pub ipv6: Option<Ipv6Addr>,
    /// How it names itself in HL7 OBX-18.
    pub eui64: Option<Eui64>,
    /// Its DICOM application entity title.
    pub ae_title: Option<String>,
    /// Its HL7 MSH-3.
    pub hl7_application: Option<String>,
    /// Its HL7 MSH-4.
    pub hl7_facility: Option<String>,
    /// Its BACnet device instance.
    pub bacnet_instance: Option<u32>,
    /// Where it is.
    pub building: BuildingId,
    /// On which floor.
    pub floor: i16,
    /// In which unit.
    pub unit: UnitId,
    /// Its segment.
    pub segment: SegmentId,
    /// Its gateway and access port, for a legacy device.
    pub gateway: Option<(PointId, u16)>,
    /// How it is attached.
    pub attachment: Attachment,
    /// Whether it goes on with its therapy without a network.
    pub autonomous: bool,
    /// Whether people's safety in the building depends on it.
    pub life_safety: bool,
    /// Firmware version.
    pub firmware: String,
    /// SHA-256 of the firmware, 64 hexadecimal digits.
    pub firmware_sha256: String,
    /// What else the inventory knows of its attack surface.
    pub exposure: Exposure,
    /// The row.
    pub line: usize,
}

/// What an inventory, an MDS2 form or a scan says about a device's attack surface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Exposure {
    /// Its operating system gets no more patches.
    pub unsupported_os: bool,
    /// Somebody can log in from afar.
    pub remote_access: bool,
    /// It has a vulnerability that is known to be used (for example CISA KEV).
    pub known_exploited: bool,
}

//! The network: zones, segments, and the services and gateways in them.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::diagnostic::Place;
use crate::{BuildingId, Endpoint, PointId, Protocol, SegmentId, Tier, Transport, Vlan, ZoneId};

/// The purpose of a zone; guardrails speak about these and never about a hospital's own names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ZoneKind {
    /// Services of patient care.
    Clinical,
    /// Services of nursing work.
    Operations,
    /// Building automation.
    Facility,
    /// Names, time, addresses.
    Infrastructure,
    /// The networks devices live in.
    Devices,
    /// Where a quarantined device may be repaired from.
    Quarantine,
    /// Where new devices wait.
    Onboarding,
    /// Devices that nobody registered.
    Unmanaged,
    /// cordon's own management plane.
    Management,
    /// Offices, web proxies, mail.
    Corporate,
    /// Everything else.
    Internet,
}

impl ZoneKind {
    /// Every kind.
    pub const ALL: [Self; 11] = [
        Self::Clinical,
        Self::Operations,
        Self::Facility,
        Self::Infrastructure,
        Self::Devices,
        Self::Quarantine,
        Self::Onboarding,
        Self::Unmanaged,
        Self::Management,
        Self::Corporate,
        Self::Internet,
    ];

    /// Gives the name that files and policies use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Clinical => "clinical",
            Self::Operations => "operations",
            Self::Facility => "facility",
            Self::Infrastructure => "infrastructure",
            Self::Devices => "devices",
            Self::Quarantine => "quarantine",
            Self::Onboarding => "onboarding",
            Self::Unmanaged => "unmanaged",
            Self::Management => "management",
            Self::Corporate => "corporate",
            Self::Internet => "internet",
        }
    }

    /// Says whether devices have business there at all; the guardrails hold the same list.
    #[must_use]
    pub fn is_for_devices(self) -> bool {
        matches!(self, Self::Clinical | Self::Operations | Self::Facility | Self::Infrastructure)
    }
}

/// A set of addresses with one purpose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    /// The purpose.
    pub kind: ZoneKind,
    /// The networks; empty for the zone of everything else.
    pub networks: Vec<IpNet>,
}

/// Whether a segment's devices speak for themselves or through gateways.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SegmentAttachment {
    /// Devices with keys of their own.
    Native,
    /// Devices behind gateways.
    Gateway,
}

impl SegmentAttachment {
    /// Gives the name that files and policies use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Gateway => "gateway",
        }
    }
}

/// A micro-segment: one tier, one building, one kind of attachment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Its VLAN.
    pub vlan: Vlan,
    /// The tier of its devices.
    pub tier: Tier,
    /// The building of its devices.
    pub building: BuildingId,
    /// How its devices are attached.
    pub attachment: SegmentAttachment,
    /// Its networks: one IPv4, perhaps one IPv6.
    pub networks: Vec<IpNet>,
    /// Its firewall.
    pub firewall: PointId,
    /// The firewall's interface towards the devices.
    pub interface: String,
}

/// A segment that no device of the plan lives in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceSegment {
    /// Its VLAN.
    pub vlan: Vlan,
    /// What it is for.
    pub purpose: ZoneKind,
    /// Its networks.
    pub networks: Vec<IpNet>,
}

/// Who looks into a flow's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Inspector {
    /// HL7 v2 over MLLP.
    Hl7,
    /// DICOM upper layer.
    Dicom,
    /// Modbus/TCP.
    Modbus,
    /// BACnet/IP.
    Bacnet,
    /// HTTP/1.1 heads.
    Http,
}

/// A named endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Its name, for people.
    pub name: String,
    /// What profiles may call it besides its identifier; several services may share a role.
    pub role: Option<String>,
    /// The zone it is in.
    pub zone: ZoneId,
    /// That zone's kind.
    pub kind: ZoneKind,
    /// Its addresses; at least one.
    pub addresses: Vec<IpAddr>,
    /// Its port.
    pub port: u16,
    /// Its transport protocol.
    pub transport: Transport,
    /// What is spoken there.
    pub protocol: Protocol,
    /// Who looks into it.
    pub inspector: Option<Inspector>,
    /// Its DICOM application entity title.
    pub ae_title: Option<String>,
    /// The HL7 application that it is: MSH-5 of what it receives.
    pub hl7_application: Option<String>,
    /// The HL7 facility that it is: MSH-6 of what it receives.
    pub hl7_facility: Option<String>,
    /// The names by which a TLS client may call it, in lower case; any when there are none.
    pub host_names: Vec<String>,
    /// The buildings it serves; empty for all.
    pub buildings: Vec<BuildingId>,
    /// The guard before it.
    pub guard: Option<PointId>,
    /// Where it is declared.
    pub place: Place,
}

impl Service {
    /// Says whether the service is meant for a building.
    #[must_use]
    pub fn serves(&self, building: &BuildingId) -> bool {
        self.buildings.is_empty() || self.buildings.contains(building)
    }

    /// Says whether the service is at an endpoint.
    #[must_use]
    pub fn is_at(&self, endpoint: &Endpoint) -> bool {
        self.port == endpoint.port
            && self.transport == endpoint.transport
            && self.addresses.contains(&endpoint.address)
    }
}

/// A gateway with access ports for devices that cannot do cryptography.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gateway {
    /// Where it is.
    pub building: BuildingId,
    /// The segment it extends; gives its tier.
    pub segment: SegmentId,
    /// How many access ports it has.
    pub ports: u16,
    /// The interface of port 1 is this prefix followed by `1`, and so on.
    pub port_interface: String,
    /// The interface towards the segment.
    pub uplink_interface: String,
    /// Where it is declared.
    pub place: Place,
}

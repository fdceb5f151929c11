//! A hospital as its people describe it: buildings, segments, services, gateways, profiles, devices.
//!
//! Invariant: a [`Hospital`] comes out of [`crate::hospital::load`] and nowhere else, so every
//! reference in it resolves and every identity in it is unique.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::diagnostic::Place;
use crate::{
    BuildingId, DeviceId, Direction, Endpoint, Eui64, HospitalId, Mac, Operation, PointId,
    ProfileId, Protocol, SegmentId, ServiceId, Target, Tier, Transport, UnitId, Vlan, ZoneId,
};

/// A whole hospital.
#[derive(Debug, Clone)]
pub struct Hospital {
    /// Its identifier.
    pub id: HospitalId,
    /// Its name, for people.
    pub name: String,
    /// Age after which a bundle counts as stale.
    /// # Units
    /// Seconds.
    pub bundle_age_max_s: u32,
    /// Its buildings.
    pub buildings: BTreeMap<BuildingId, Building>,
    /// Its units.
    pub units: BTreeMap<UnitId, Unit>,
    /// What each tier tolerates and how fast cordon answers for it.
    pub tiers: BTreeMap<Tier, TierPlan>,
    /// Its zones.
    pub zones: BTreeMap<ZoneId, Zone>,
    /// Its micro-segments.
    pub segments: BTreeMap<SegmentId, Segment>,
    /// Segments that no device of the plan lives in: quarantine, onboarding and so on.
    pub service_segments: BTreeMap<SegmentId, ServiceSegment>,
    /// Its services.
    pub services: BTreeMap<ServiceId, Service>,
    /// Its gateways.
    pub gateways: BTreeMap<PointId, Gateway>,
    /// What each device type may do.
    pub profiles: BTreeMap<ProfileId, Profile>,
    /// Its devices, in the order of the identifier.
    pub devices: Vec<Device>,
    /// Tier overrides that are on record.
    pub overrides: Vec<TierOverride>,
    /// The hospital's own policies.
    pub policies: Vec<PolicyFile>,
    /// What must hold, whatever the policies say.
    pub invariants: Vec<PolicyFile>,
}

/// A building.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Building {
    /// Its name, for people.
    pub name: String,
    /// Its lowest and its highest floor.
    pub floors: (i16, i16),
}

/// How much a unit's patients depend on its devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Care {
    /// Intensive care, operating rooms, emergency.
    Critical,
    /// Wards.
    Acute,
    /// Out-patients, diagnostics.
    General,
    /// No patients: plant rooms, offices.
    Technical,
}

/// A care unit or a technical area.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// Its name, for people.
    pub name: String,
    /// Where it is.
    pub building: BuildingId,
    /// On which floor.
    pub floor: i16,
    /// How much its patients depend on its devices.
    pub care: Care,
}

/// How a tier answers a compromise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Response {
    /// Contain in place: everything but lifelines is cut.
    Contain,
    /// Contain, then quarantine.
    Quarantine,
    /// Write down and have a person look.
    LogAndReview,
}

/// What a tier tolerates and how fast cordon answers for it.
/// # Units
/// Seconds; deadlines count from the first violating packet and are upper bounds, not delays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TierPlan {
    /// How long clinical network function may be lost.
    pub tolerated_downtime_s: u32,
    /// People know by then.
    pub alert_within_s: u32,
    /// The device is contained or quarantined by then.
    pub contain_within_s: u32,
    /// What is done.
    pub response: Response,
}

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
        matches!(
            self,
            Self::Clinical | Self::Operations | Self::Facility | Self::Infrastructure
        )
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

/// One file of Cedar text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyFile {
    /// Its path, relative to the hospital directory.
    pub path: String,
    /// Its text.
    pub text: String,
}

impl Hospital {
    /// A hospital of which nothing is known yet but its policies.
    pub(crate) fn empty(
        id: HospitalId,
        policies: Vec<PolicyFile>,
        invariants: Vec<PolicyFile>,
    ) -> Self {
        Self {
            id,
            name: String::new(),
            bundle_age_max_s: 0,
            buildings: BTreeMap::new(),
            units: BTreeMap::new(),
            tiers: BTreeMap::new(),
            zones: BTreeMap::new(),
            segments: BTreeMap::new(),
            service_segments: BTreeMap::new(),
            services: BTreeMap::new(),
            gateways: BTreeMap::new(),
            profiles: BTreeMap::new(),
            devices: Vec::new(),
            overrides: Vec::new(),
            policies,
            invariants,
        }
    }

    /// Finds a device by its identifier.
    #[must_use]
    pub fn device(&self, id: &str) -> Option<&Device> {
        let at = self.devices.binary_search_by(|device| device.id.as_str().cmp(id)).ok()?;
        self.devices.get(at)
    }

    /// Gives the zone an address is in: the longest network that holds it, else the internet.
    #[must_use]
    pub fn zone_of(&self, address: IpAddr) -> (Option<&ZoneId>, ZoneKind) {
        let mut best: Option<(&ZoneId, &Zone, u8)> = None;
        for (id, zone) in &self.zones {
            for network in zone.networks.iter().filter(|network| network.contains(&address)) {
                if best.is_none_or(|(_, _, length)| network.prefix_len() > length) {
                    best = Some((id, zone, network.prefix_len()));
                }
            }
        }
        match best {
            Some((id, zone, _)) => (Some(id), zone.kind),
            None if stays_on_the_link(address) => (None, ZoneKind::Devices),
            None if self.segments.values().any(|s| s.networks.iter().any(|n| n.contains(&address))) => {
                (None, ZoneKind::Devices)
            }
            None => (None, ZoneKind::Internet),
        }
    }

    /// Gives the services a flow of a device in `building` means: by identifier, else by role.
    pub fn resolve<'a>(
        &'a self,
        flow: &'a Flow,
        building: &'a BuildingId,
    ) -> impl Iterator<Item = (&'a ServiceId, &'a Service)> {
        let by_id = self.services.get_key_value(flow.service.as_str());
        let by_role = self.services.iter().filter(move |(_, service)| {
            by_id.is_none()
                && service.role.as_deref() == Some(&flow.service)
                && service.serves(building)
        });
        by_id.into_iter().chain(by_role)
    }

    /// Says who is at an endpoint: a service, a device, or nobody known.
    #[must_use]
    pub fn target_at(&self, endpoint: Endpoint) -> Target {
        if let Some((id, _)) = self.services.iter().find(|(_, service)| service.is_at(&endpoint)) {
            return Target::Service(id.clone());
        }
        match self.device_at(endpoint.address) {
            Some(device) => Target::Device(device.id.clone()),
            None => Target::Address(endpoint),
        }
    }

    /// Finds the device with an address.
    /// # Shape
    /// A scan of all devices; callers with many questions build an index of their own.
    #[must_use]
    pub fn device_at(&self, address: IpAddr) -> Option<&Device> {
        self.devices.iter().find(|device| match address {
            IpAddr::V4(v4) => device.ip == v4,
            IpAddr::V6(v6) => device.ipv6 == Some(v6),
        })
    }
}

/// Says whether an address never leaves the link it is used on: multicast, broadcast, link-local.
/// # Source
/// RFC 6890 §2.2; RFC 4291 §2.4.
#[must_use]
pub fn stays_on_the_link(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            v4.is_multicast() || v4.is_broadcast() || v4.is_link_local() || v4.is_unspecified()
        }
        IpAddr::V6(v6) => v6.is_multicast() || v6.is_unicast_link_local() || v6.is_unspecified(),
    }
}

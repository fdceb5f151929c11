//! The compiled policy of one enforcement point: everything it needs, and no choices left.
//!
//! STORED: version 2; version 1 is read as well. The encoding is JSON in the order of the fields below, without white space;
//! `testdata/stored/` of cordon-policy keeps one file of every version that was ever written.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use crate::fleet::{Envelope, Inspection, Inspector, TierPlan, ZoneKind};
use crate::{
    DeviceId, Direction, Endpoint, Eui64, FailAction, Failure, HospitalId, Mac, Operation, PointId,
    Posture, PostureSet, ProfileId, Protocol, RuleId, ServiceId, Tier, Transport,
};

/// The version that this code writes.
pub const VERSION: u32 = 2;
/// The oldest version that this code reads: what it lacks is absent.
pub const VERSION_OLDEST: u32 = 1;

/// What an enforcement point stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// A gateway with legacy devices on its access ports.
    Access,
    /// The firewall of a micro-segment.
    Segment,
    /// The guard before one or more services.
    Service,
}

impl Role {
    /// Gives the name of the role.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Segment => "segment",
            Self::Service => "service",
        }
    }
}

/// The compiled policy of one enforcement point.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bundle {
    /// The version of this encoding.
    pub version: u32,
    /// Whose policy it is.
    pub hospital: HospitalId,
    /// Who enforces it.
    pub point: PointId,
    /// What the point stands for.
    pub role: Role,
    /// Its number; a point accepts none that is not greater than the one in force.
    pub number: u64,
    /// The digest of the bundle it replaces.
    pub parent: Option<String>,
    /// Age after which it is stale, counted from the last word of a decision point.
    /// # Units
    /// Seconds.
    pub age_max_s: u32,
    /// The interfaces of the point.
    pub interfaces: Interfaces,
    /// What each tier at this point tolerates, and what failures do to it.
    pub tiers: Vec<TierRules>,
    /// The services that its flows reach.
    pub services: Vec<BundleService>,
    /// The sets of postures that flows refer to.
    pub postures: Vec<PostureSet>,
    /// The flow lists that devices refer to; devices of one kind share one.
    pub flow_lists: Vec<Vec<BundleFlow>>,
    /// The devices, in the order of the identifier.
    pub devices: Vec<BundleDevice>,
}

/// The interfaces of an enforcement point.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interfaces {
    /// Towards the services.
    pub uplink: String,
    /// Towards the devices: a name, or the prefix of numbered access ports.
    pub devices: String,
}

/// A tier's rules at one enforcement point.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TierRules {
    /// The tier.
    pub tier: Tier,
    /// What it tolerates and how fast it is answered for.
    pub plan: TierPlan,
    /// What each failure does to it.
    pub failures: Vec<(Failure, FailAction)>,
}

/// A service as an enforcement point sees it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BundleService {
    /// Its identifier.
    pub id: ServiceId,
    /// Its zone's kind.
    pub kind: ZoneKind,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// Its port.
    pub port: u16,
    /// Its transport protocol.
    pub transport: Transport,
    /// What is spoken there.
    pub protocol: Protocol,
    /// Its DICOM application entity title. Since version 2.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ae_title: Option<String>,
    /// The HL7 application that it is: MSH-5 of what it receives. Since version 2.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub hl7_application: Option<String>,
    /// The HL7 facility that it is: MSH-6 of what it receives. Since version 2.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub hl7_facility: Option<String>,
    /// The names by which a TLS client may call it, in lower case; any when there are none. Since
    /// version 2.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub host_names: Vec<String>,
}

/// One permitted flow.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BundleFlow {
    /// The service: its place in [`Bundle::services`].
    pub service: usize,
    /// Who opens it.
    pub direction: Direction,
    /// The device's own port, for a flow that the service opens.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub device_port: Option<u16>,
    /// The verbs that may pass.
    pub operations: Vec<Operation>,
    /// The postures in which they may: a place in [`Bundle::postures`].
    pub postures: usize,
    /// The hours of the day, UTC, in which they may: bit 0 is midnight; absent when all of them.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub hours: Option<u32>,
    /// The rules that permit it.
    pub rules: Vec<RuleId>,
    /// Whether the device's profile declares it; others exist in emergency mode only.
    pub declared: bool,
    /// Whether it is a lifeline.
    pub lifeline: bool,
    /// Who looks into it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub inspector: Option<Inspector>,
    /// API calls per minute.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub api_rate_per_minute: Option<u32>,
    /// How often it is expected.
    /// # Units
    /// Seconds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cadence_s: Option<u32>,
    /// Its bounds.
    pub envelope: Envelope,
    /// What its messages are held to. Since version 2.
    #[serde(skip_serializing_if = "Inspection::is_empty", default)]
    pub inspection: Inspection,
}

impl BundleFlow {
    /// Says whether the flow may happen in an hour of the day, UTC.
    #[must_use]
    pub fn is_open_at(&self, hour: u8) -> bool {
        self.hours.is_none_or(|hours| hours >> (hour % 24) & 1 == 1)
    }
}

/// A device as an enforcement point knows it: what it must look like on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundleDevice {
    /// Its identifier.
    pub id: DeviceId,
    /// Its type.
    pub profile: ProfileId,
    /// Its tier.
    pub tier: Tier,
    /// Its MAC address.
    pub mac: Mac,
    /// Its IPv4 address.
    pub ip: Ipv4Addr,
    /// Its IPv6 address.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ipv6: Option<Ipv6Addr>,
    /// Its access port, behind a gateway.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub port: Option<u16>,
    /// How it names itself in HL7 OBX-18.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub eui64: Option<Eui64>,
    /// Its DICOM application entity title.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ae_title: Option<String>,
    /// Its HL7 MSH-3.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub hl7_application: Option<String>,
    /// Its HL7 MSH-4.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub hl7_facility: Option<String>,
    /// Its BACnet device instance.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub bacnet_instance: Option<u32>,
    /// Its flows: a place in [`Bundle::flow_lists`].
    pub flow_list: usize,
}

impl BundleDevice {
    /// Gives its addresses.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> + Clone + use<> {
        [Some(IpAddr::V4(self.ip)), self.ipv6.map(IpAddr::V6)].into_iter().flatten()
    }
}

/// Says why a bundle cannot be executed although it could be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// Another version.
    #[error("the bundle has version {0}, and this program reads {VERSION_OLDEST} to {VERSION}")]
    Version(u32),
    /// A reference leads nowhere.
    #[error("{what} {index} does not exist in the bundle of `{point}`")]
    Dangling {
        /// The bundle.
        point: PointId,
        /// What was referred to.
        what: &'static str,
        /// The place that was named.
        index: usize,
    },
}

impl Bundle {
    /// Checks what serde cannot: the version and every reference.
    /// # Errors
    /// [`BundleError`] names the first reference that leads nowhere.
    pub fn check(&self) -> Result<(), BundleError> {
        if !(VERSION_OLDEST..=VERSION).contains(&self.version) {
            return Err(BundleError::Version(self.version));
        }
        let dangling =
            |what, index| Err(BundleError::Dangling { point: self.point.clone(), what, index });
        for flow in self.flow_lists.iter().flatten() {
            if flow.service >= self.services.len() {
                return dangling("service", flow.service);
            }
            if flow.postures >= self.postures.len() {
                return dangling("posture set", flow.postures);
            }
        }
        for device in &self.devices {
            if device.flow_list >= self.flow_lists.len() {
                return dangling("flow list", device.flow_list);
            }
        }
        Ok(())
    }

    /// Gives the flows of a device.
    pub fn flows_of<'a>(
        &'a self,
        device: &BundleDevice,
    ) -> impl Iterator<Item = (&'a BundleFlow, &'a BundleService, &'a PostureSet)> {
        self.flow_lists.get(device.flow_list).into_iter().flatten().filter_map(|flow| {
            Some((flow, self.services.get(flow.service)?, self.postures.get(flow.postures)?))
        })
    }
}

/// Where a flow is found on the wire, seen from the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowKey {
    /// The device's address.
    pub device: IpAddr,
    /// The other side's address.
    pub peer: IpAddr,
    /// The port that is listened on: the service's, or the device's when the service opens.
    pub port: u16,
    /// The transport protocol.
    pub transport: Transport,
    /// Who opens it.
    pub direction: Direction,
}

/// Finds the flow of a packet; built once per bundle, asked for every new connection.
#[derive(Debug)]
pub struct FlowIndex<'a> {
    flows: FxHashMap<FlowKey, Vec<(&'a BundleFlow, &'a PostureSet)>>,
    keys: Vec<FlowKey>,
}

impl<'a> FlowIndex<'a> {
    /// Indexes a bundle.
    #[must_use]
    pub fn new(bundle: &'a Bundle) -> Self {
        let mut flows: FxHashMap<FlowKey, Vec<_>> = FxHashMap::default();
        let mut keys = Vec::new();
        for device in &bundle.devices {
            for (flow, service, postures) in bundle.flows_of(device) {
                for key in flow_keys(device, flow, service) {
                    flows.entry(key).or_default().push((flow, postures));
                    keys.push(key);
                }
            }
        }
        keys.sort_unstable();
        keys.dedup();
        Self { flows, keys }
    }

    /// Finds the flow that permits an operation in a posture.
    #[must_use]
    pub fn permits(
        &self,
        key: &FlowKey,
        operation: Operation,
        posture: Posture,
        hour: u8,
    ) -> Option<&'a BundleFlow> {
        self.flows.get(key)?.iter().find_map(|(flow, postures)| {
            let listed = flow.operations.contains(&operation)
                && postures.contains(posture)
                && flow.is_open_at(hour);
            listed.then_some(*flow)
        })
    }

    /// Gives the keys, in their order.
    pub fn keys(&self) -> impl Iterator<Item = &FlowKey> {
        self.keys.iter()
    }
}

/// Gives the places on the wire where a device's flow is found: address families never mix.
pub fn flow_keys(
    device: &BundleDevice,
    flow: &BundleFlow,
    service: &BundleService,
) -> impl Iterator<Item = FlowKey> {
    let (ip, ipv6, direction) = (device.ip, device.ipv6, flow.direction);
    let (service_port, device_port, transport) =
        (service.port, flow.device_port, service.transport);
    service.addresses.clone().into_iter().filter_map(move |peer| {
        let own = match peer {
            IpAddr::V4(_) => IpAddr::V4(ip),
            IpAddr::V6(_) => IpAddr::V6(ipv6?),
        };
        let port = match direction {
            Direction::Out => service_port,
            Direction::In => device_port?,
        };
        Some(FlowKey { device: own, peer, port, transport, direction })
    })
}

impl FlowKey {
    /// Makes the key of a connection that `device` opens, or that is opened towards it.
    #[must_use]
    pub fn new(device: IpAddr, direction: Direction, peer: IpAddr, listening: Endpoint) -> Self {
        let Endpoint { port, transport, .. } = listening;
        Self { device, peer, port, transport, direction }
    }
}

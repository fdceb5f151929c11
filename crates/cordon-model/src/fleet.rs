//! A hospital as its people describe it: places, network, services, profiles, devices.
//!
//! Invariant: a [`Hospital`] comes out of [`crate::hospital::load`] and nowhere else, so every
//! reference in it resolves and every identity in it is unique.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::{
    BuildingId, Endpoint, HospitalId, PointId, ProfileId, SegmentId, ServiceId, Target, Tier,
    UnitId, ZoneId,
};

mod device;
mod inspection;
mod places;
mod profile;
mod zone;

pub use device::{Attachment, Device, Exposure, TierOverride};
pub use inspection::{
    AddressRange, BacnetRules, DicomRules, Hl7Rules, Inspection, ModbusRules, ModbusTable,
    WriteRange,
};
pub use places::{Building, Care, Unit};
pub use profile::{Envelope, Flow, Impact, PeerFlow, Profile};
pub use zone::{
    Gateway, Inspector, Segment, SegmentAttachment, Service, ServiceSegment, Zone, ZoneKind,
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
            None if self
                .segments
                .values()
                .any(|s| s.networks.iter().any(|n| n.contains(&address))) =>
            {
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

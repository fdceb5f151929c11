//! The bundle in force, with its devices found by name, address, MAC address and port.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use cordon_model::bundle::{BundleDevice, BundleFlow, BundleService, FlowKey, Role};
use cordon_model::event::{Event, Party, What};
use cordon_model::{
    Bundle, DeviceId, Direction, Mac, Now, PointId, PostureSet, Transport, WallMs, nft,
};

use super::Effect;

/// A flow of a device with what it refers to.
pub(super) type Listed<'a> = (&'a BundleFlow, &'a BundleService, &'a PostureSet);

/// A bundle and the ways into it.
#[derive(Debug)]
pub(super) struct Roll {
    bundle: Arc<Bundle>,
    by_id: BTreeMap<DeviceId, usize>,
    by_address: BTreeMap<IpAddr, usize>,
    by_mac: BTreeMap<Mac, usize>,
    by_port: BTreeMap<u16, usize>,
    /// Whether its rules change with the hour.
    pub(super) is_hourly: bool,
}

impl Roll {
    pub(super) fn new(bundle: &Arc<Bundle>) -> Self {
        let mut roll = Self {
            by_id: BTreeMap::new(),
            by_address: BTreeMap::new(),
            by_mac: BTreeMap::new(),
            by_port: BTreeMap::new(),
            is_hourly: nft::depends_on_hour(bundle),
            bundle: Arc::clone(bundle),
        };
        for (place, device) in bundle.devices.iter().enumerate() {
            roll.by_id.insert(device.id.clone(), place);
            roll.by_mac.entry(device.mac).or_insert(place);
            for address in device.addresses() {
                roll.by_address.entry(address).or_insert(place);
            }
            if let Some(port) = device.port {
                roll.by_port.entry(port).or_insert(place);
            }
        }
        roll
    }

    pub(super) fn bundle(&self) -> &Arc<Bundle> {
        &self.bundle
    }

    /// Makes a record of what this point saw.
    pub(super) fn record(&self, now: Now, what: What) -> Effect {
        record(now, Some(self.bundle.point.clone()), what)
    }

    pub(super) fn device(&self, id: &DeviceId) -> Option<&BundleDevice> {
        self.by_id.get(id).and_then(|place| self.bundle.devices.get(*place))
    }

    /// Finds the device that the plan has at an address.
    pub(super) fn at(&self, address: IpAddr) -> Option<&BundleDevice> {
        self.by_address.get(&address).and_then(|place| self.bundle.devices.get(*place))
    }

    /// Finds the device that the plan has behind an access port.
    pub(super) fn behind(&self, interface: &str) -> Option<&BundleDevice> {
        let number = interface.strip_prefix(self.bundle.interfaces.devices.as_str())?;
        let place = self.by_port.get(&number.parse().ok()?)?;
        self.bundle.devices.get(*place)
    }

    /// Finds the device that has a MAC address, where the point sees the devices' own.
    pub(super) fn with_mac(&self, mac: Mac) -> Option<&BundleDevice> {
        if !self.sees_mac() {
            return None;
        }
        self.by_mac.get(&mac).and_then(|place| self.bundle.devices.get(*place))
    }

    /// Says whether frames still carry the devices' own MAC addresses.
    pub(super) fn sees_mac(&self) -> bool {
        match self.bundle.role {
            Role::Access => true,
            Role::Segment | Role::Service => false,
        }
    }

    /// Gives the flows of the bundle that are found at a place on the wire.
    pub(super) fn flows<'a>(&'a self, key: &FlowKey) -> impl Iterator<Item = Listed<'a>> {
        let key = *key;
        let device = self.at(key.device);
        let flows = device.into_iter().flat_map(|device| self.bundle.flows_of(device));
        flows.filter(move |(flow, service, _)| {
            let port = match flow.direction {
                Direction::Out => Some(service.port),
                Direction::In => flow.device_port,
            };
            flow.direction == key.direction
                && service.transport == key.transport
                && port == Some(key.port)
                && service.addresses.contains(&key.peer)
        })
    }

    /// Names one end of a conversation: what was seen, and what the plan takes it for.
    pub(super) fn party(
        &self,
        address: Option<IpAddr>,
        port: Option<u16>,
        transport: Option<Transport>,
    ) -> Party {
        let device = address.and_then(|address| self.at(address)).map(|device| device.id.clone());
        let service = self.bundle.services.iter().find(|service| {
            device.is_none()
                && Some(service.port) == port
                && Some(service.transport) == transport
                && address.is_some_and(|address| service.addresses.contains(&address))
        });
        let service = service.map(|service| service.id.clone());
        Party { address, device, mac: None, port, service }
    }

    /// Names the caller and the called of a flow.
    pub(super) fn parties(&self, key: &FlowKey, opener_port: u16) -> (Party, Party) {
        let (opener, listener) = match key.direction {
            Direction::Out => (key.device, key.peer),
            Direction::In => (key.peer, key.device),
        };
        let transport = Some(key.transport);
        let called = self.party(Some(listener), Some(key.port), transport);
        (Party { service: None, ..self.party(Some(opener), Some(opener_port), None) }, called)
    }

    /// Says whether a device may do in this bundle what it may do in another. Devices of one kind
    /// share a list, so the lists that were compared are remembered.
    pub(super) fn is_alike(
        &self,
        other: &Self,
        id: &DeviceId,
        compared: &mut BTreeMap<(usize, usize), bool>,
    ) -> bool {
        let (Some(here), Some(there)) = (self.device(id), other.device(id)) else { return false };
        let place = |device: &BundleDevice| (device.ip, device.ipv6, device.tier);
        let lists = (here.flow_list, there.flow_list);
        let is_same = *compared.entry(lists).or_insert_with(|| {
            let flows = |roll: &Self, device| roll.bundle.flows_of(device).map(resolved).collect();
            let (ours, theirs): (Vec<_>, Vec<_>) = (flows(self, here), flows(other, there));
            ours == theirs
        });
        place(here) == place(there) && is_same
    }
}

/// Gives a flow with what it refers to, whatever its place.
fn resolved((flow, service, postures): Listed<'_>) -> (BundleFlow, BundleService, PostureSet) {
    (BundleFlow { service: 0, postures: 0, ..flow.clone() }, service.clone(), *postures)
}

/// Makes a record.
pub(super) fn record(now: Now, point: Option<PointId>, what: What) -> Effect {
    Effect::Record(Event { at: WallMs(now.wall.0.saturating_mul(1_000)), point, what })
}

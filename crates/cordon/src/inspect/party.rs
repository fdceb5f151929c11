//! Whose conversation it is, and what holds for it: by the hospital's plan, or without one.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use cordon_core::inspect::{DeviceIdentity, PeerIdentity, Salt, Subject};
use cordon_model::bundle::{BundleDevice, BundleFlow, BundleService, FlowKey, Role, flow_keys};
use cordon_model::fleet::Inspection;
use cordon_model::{
    Bundle, Direction, Operation, OperationClass, OperationSet, Posture, Protocol, Tier, Transport,
};
use cordon_policy::compile::compile;
use cordon_policy::explain::in_service;
use rustc_hash::FxHashMap;

use crate::directory::Evaluated;

/// No identifier is kept beyond a run, so nobody gains by trying hashes out.
static SALT: Salt = Salt([0; 32]);

/// The two ends of a conversation; `client` opened it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Ends {
    pub(super) transport: Transport,
    pub(super) client: (IpAddr, u16),
    pub(super) server: (IpAddr, u16),
}

/// What a hospital's plan says of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// There is no plan.
    Unplanned,
    /// The plan lists the flow.
    Listed,
    /// The plan knows the device and not the flow.
    NoFlow,
    /// Neither side is a device of the plan.
    NoDevice,
}

/// Whose conversation it is.
#[derive(Debug, Clone)]
pub(super) struct Party<'p> {
    pub(super) standing: Standing,
    pub(super) device: Option<&'p BundleDevice>,
    /// The device's address; without a plan that of the one who opened the conversation.
    pub(super) address: IpAddr,
    pub(super) flows: Vec<&'p BundleFlow>,
    /// The service on the other side, by the plan.
    pub(super) service: Option<&'p BundleService>,
    /// What is to be spoken, by the plan.
    pub(super) protocol: Option<Protocol>,
    pub(super) subject: Subject<'p>,
}

impl Party<'_> {
    /// Names the rules that permit an operation; for an answer, those of the whole flow.
    pub(super) fn rules(&self, operation: Option<Operation>) -> Vec<&str> {
        let permits = |flow: &&&BundleFlow| match operation {
            Some(operation) => flow.operations.contains(&operation),
            None => true,
        };
        let rules = self.flows.iter().filter(permits).flat_map(|flow| &flow.rules);
        let mut rules: Vec<&str> = rules.map(|rule| rule.as_str()).collect();
        rules.sort_unstable();
        rules.dedup();
        rules
    }
}

/// What conversations are held to.
#[derive(Debug)]
pub(super) struct Plan {
    tier: Tier,
    rules: Inspection,
    permitted: OperationSet,
    hospital: Option<Hospital>,
}

#[derive(Debug)]
struct Hospital {
    bundles: Vec<Arc<Bundle>>,
    /// By address: the bundle, the device in it, and what the device is like in service.
    devices: FxHashMap<IpAddr, (usize, usize, Posture)>,
}

impl Plan {
    /// Makes what holds without a hospital: any operation but those that change how a device works.
    pub(super) fn without_hospital(tier: Tier) -> Self {
        let usual = |operation: &Operation| operation.class() != OperationClass::Maintenance;
        Self {
            tier,
            rules: Inspection::default(),
            permitted: Operation::all().filter(usual).collect(),
            hospital: None,
        }
    }

    /// Takes what a hospital's bundles hold.
    pub(super) fn of(read: &Evaluated) -> Self {
        let compiled = compile(&read.hospital, &read.book, &read.engine);
        let postures: BTreeMap<_, _> =
            read.hospital.devices.iter().map(|device| (&device.id, in_service(device))).collect();
        let mut hospital = Hospital { bundles: Vec::new(), devices: FxHashMap::default() };
        // A guard knows the flows of its services only; every device has a firewall.
        for bundle in compiled.bundles.values().filter(|bundle| bundle.role != Role::Service) {
            let number = hospital.bundles.len();
            hospital.bundles.push(Arc::clone(bundle));
            for (place, device) in bundle.devices.iter().enumerate() {
                let Some(posture) = postures.get(&device.id) else { continue };
                let addresses = [Some(IpAddr::V4(device.ip)), device.ipv6.map(IpAddr::V6)];
                for address in addresses.into_iter().flatten() {
                    hospital.devices.insert(address, (number, place, *posture));
                }
            }
        }
        Self { hospital: Some(hospital), ..Self::without_hospital(Tier::Green) }
    }

    /// Finds whose conversation it is.
    /// # Units
    /// `hour`: of the day, UTC.
    pub(super) fn party(&self, ends: &Ends, hour: u8) -> Party<'_> {
        let Some(hospital) = &self.hospital else {
            return self.stranger(ends, Standing::Unplanned);
        };
        let found = [(Direction::Out, ends.client.0), (Direction::In, ends.server.0)]
            .into_iter()
            .find_map(|(direction, address)| Some((direction, hospital.device(address)?)));
        let Some((direction, (bundle, device, posture))) = found else {
            return self.stranger(ends, Standing::NoDevice);
        };
        let (own, peer) = match direction {
            Direction::Out => (ends.client.0, ends.server.0),
            Direction::In => (ends.server.0, ends.client.0),
        };
        let (port, transport) = (ends.server.1, ends.transport);
        let key = FlowKey { device: own, peer, port, transport, direction };
        let (mut flows, mut service) = (Vec::new(), None);
        for (flow, at, postures) in bundle.flows_of(device) {
            let is_open = postures.contains(posture) && flow.is_open_at(hour);
            if is_open && flow_keys(device, flow, at).any(|place| place == key) {
                flows.push(flow);
                service = service.or(Some(at));
            }
        }
        self.device(device, own, direction, flows, service)
    }

    fn device<'p>(
        &'p self,
        device: &'p BundleDevice,
        address: IpAddr,
        opened: Direction,
        flows: Vec<&'p BundleFlow>,
        service: Option<&'p BundleService>,
    ) -> Party<'p> {
        let operations = |flow: &&'p BundleFlow| flow.operations.clone();
        let permitted = flows.iter().flat_map(operations).collect();
        let lifelines = flows.iter().filter(|flow| flow.lifeline).flat_map(operations).collect();
        let subject = Subject {
            tier: device.tier,
            opened,
            // What is wrong with a conversation that is not listed is that, and nothing else.
            permitted: if flows.is_empty() { OperationSet::all() } else { permitted },
            lifelines,
            identity: DeviceIdentity::of(device),
            peer: service.map(PeerIdentity::of).unwrap_or_default(),
            rules: flows.first().map_or(&self.rules, |flow| &flow.inspection),
            api_rate_per_minute: flows.iter().filter_map(|flow| flow.api_rate_per_minute).min(),
            patient: None,
            salt: &SALT,
        };
        Party {
            standing: if flows.is_empty() { Standing::NoFlow } else { Standing::Listed },
            device: Some(device),
            address,
            flows,
            service,
            protocol: service.map(|service| service.protocol),
            subject,
        }
    }

    /// Makes the party of a conversation without a device of a plan: who opened it is the device.
    fn stranger(&self, ends: &Ends, standing: Standing) -> Party<'_> {
        Party {
            standing,
            device: None,
            address: ends.client.0,
            flows: Vec::new(),
            service: None,
            protocol: None,
            subject: Subject {
                tier: self.tier,
                opened: Direction::Out,
                permitted: self.permitted,
                lifelines: OperationSet::default(),
                identity: DeviceIdentity::default(),
                peer: PeerIdentity::default(),
                rules: &self.rules,
                api_rate_per_minute: None,
                patient: None,
                salt: &SALT,
            },
        }
    }
}

impl Hospital {
    fn device(&self, address: IpAddr) -> Option<(&Bundle, &BundleDevice, Posture)> {
        let (bundle, device, posture) = self.devices.get(&address)?;
        let bundle = self.bundles.get(*bundle)?;
        Some((bundle, bundle.devices.get(*device)?, *posture))
    }
}

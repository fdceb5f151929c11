//! What the bundle in force says of a conversation: whose it is, and what holds for it now.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use cordon_core::inspect::{DeviceIdentity, PeerIdentity, Salt, Subject, Way};
use cordon_model::bundle::{BundleDevice, BundleFlow, BundleService, FlowKey, flow_keys};
use cordon_model::fleet::{Envelope, Inspection};
use cordon_model::{
    Bundle, DeviceId, Direction, Operation, OperationSet, Posture, Protocol, RuleId, Tier,
    Transport,
};

/// A bundle, made ready for the proxies: posture and hour are applied.
#[derive(Debug)]
pub struct Rules {
    bundle: Arc<Bundle>,
    salt: Salt,
    entries: Vec<Entry>,
    index: BTreeMap<FlowKey, usize>,
}

/// The flows of one key that are open now, as one.
#[derive(Debug)]
struct Entry {
    key: FlowKey,
    device: usize,
    service: usize,
    /// Places in the device's list.
    flows: Vec<usize>,
    permitted: OperationSet,
    lifelines: OperationSet,
    api_rate_per_minute: Option<u32>,
    is_inspected: bool,
    /// Those of the flows that are declared, each once.
    envelopes: BTreeSet<Envelope>,
    is_emergency: bool,
}

impl Rules {
    /// Makes the rules of a bundle for the postures of its devices and an hour of the day, UTC.
    #[must_use]
    pub fn new(
        bundle: &Arc<Bundle>,
        posture: &dyn Fn(&DeviceId) -> Posture,
        hour: u8,
        salt: Salt,
    ) -> Self {
        let mut rules =
            Self { bundle: Arc::clone(bundle), salt, entries: Vec::new(), index: BTreeMap::new() };
        for (place, device) in bundle.devices.iter().enumerate() {
            let posture = posture(&device.id);
            let flows = bundle.flow_lists.get(device.flow_list).into_iter().flatten().enumerate();
            for (number, flow) in flows {
                let postures = bundle.postures.get(flow.postures);
                let is_open = postures.is_some_and(|postures| postures.contains(posture))
                    && flow.is_open_at(hour);
                if is_open {
                    rules.add((place, device), (number, flow), posture.emergency);
                }
            }
        }
        rules
    }

    fn add(
        &mut self,
        device: (usize, &BundleDevice),
        flow: (usize, &BundleFlow),
        is_emergency: bool,
    ) {
        let bundle = Arc::clone(&self.bundle);
        let Some(service) = bundle.services.get(flow.1.service) else { return };
        for key in flow_keys(device.1, flow.1, service) {
            let next = self.entries.len();
            let place = *self.index.entry(key).or_insert(next);
            if place == next {
                self.entries.push(Entry {
                    key,
                    device: device.0,
                    service: flow.1.service,
                    flows: Vec::new(),
                    permitted: OperationSet::default(),
                    lifelines: OperationSet::default(),
                    api_rate_per_minute: None,
                    is_inspected: false,
                    envelopes: BTreeSet::new(),
                    is_emergency,
                });
            }
            if let Some(entry) = self.entries.get_mut(place) {
                entry.join(flow.0, flow.1);
            }
        }
    }

    /// Finds what holds for a conversation; nothing, when no open flow is there.
    #[must_use]
    pub fn party(self: &Arc<Self>, key: &FlowKey) -> Option<Party> {
        let entry = *self.index.get(key)?;
        let found = self.entries.get(entry)?;
        self.bundle.devices.get(found.device)?;
        self.bundle.services.get(found.service)?;
        Some(Party { rules: Arc::clone(self), entry })
    }

    /// Finds what holds for a conversation between two addresses, whichever of them is the device.
    #[must_use]
    pub fn between(
        self: &Arc<Self>,
        opener: IpAddr,
        listener: IpAddr,
        port: u16,
        transport: Transport,
    ) -> Option<Party> {
        let key = |device, peer, direction| FlowKey { device, peer, port, transport, direction };
        self.party(&key(opener, listener, Direction::Out))
            .or_else(|| self.party(&key(listener, opener, Direction::In)))
    }

    /// Finds what holds for a conversation that other rules allowed; nothing, unless it can go on as
    /// the same: the same device and service, and the same is spoken.
    #[must_use]
    pub fn successor(self: &Arc<Self>, of: &Party) -> Option<Party> {
        let next = self.party(of.key()?)?;
        let is_same = next.device()?.id == of.device()?.id
            && next.service()?.id == of.service()?.id
            && next.protocol() == of.protocol()
            && next.is_inspected() == of.is_inspected();
        is_same.then_some(next)
    }
}

impl Entry {
    fn join(&mut self, number: usize, flow: &BundleFlow) {
        self.flows.push(number);
        for operation in &flow.operations {
            self.permitted.insert(*operation);
            if flow.lifeline {
                self.lifelines.insert(*operation);
            }
        }
        self.api_rate_per_minute = match (self.api_rate_per_minute, flow.api_rate_per_minute) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        self.is_inspected |= flow.inspector.is_some();
        if flow.declared {
            self.envelopes.insert(flow.envelope);
        }
    }
}

/// Whose conversation it is, by the bundle in force when it was judged last.
#[derive(Debug, Clone)]
pub struct Party {
    rules: Arc<Rules>,
    entry: usize,
}

/// What is checked when a flow names nothing.
static NOTHING: Inspection = Inspection { hl7: None, dicom: None, modbus: None, bacnet: None };

impl Party {
    fn entry(&self) -> Option<&Entry> {
        self.rules.entries.get(self.entry)
    }

    /// Gives the flow's key; none never happens.
    #[must_use]
    pub fn key(&self) -> Option<&FlowKey> {
        Some(&self.entry()?.key)
    }

    /// Says who opened the conversation.
    #[must_use]
    pub fn opened(&self) -> Direction {
        self.key().map_or(Direction::Out, |key| key.direction)
    }

    /// Gives which way goes what the one who opened says, or the other.
    #[must_use]
    pub fn way(&self, is_opener: bool) -> Way {
        if is_opener == (self.opened() == Direction::Out) { Way::FromDevice } else { Way::ToDevice }
    }

    /// Gives the device.
    #[must_use]
    pub fn device(&self) -> Option<&BundleDevice> {
        self.rules.bundle.devices.get(self.entry()?.device)
    }

    /// Gives the service.
    #[must_use]
    pub fn service(&self) -> Option<&BundleService> {
        self.rules.bundle.services.get(self.entry()?.service)
    }

    /// Gives what is spoken.
    #[must_use]
    pub fn protocol(&self) -> Protocol {
        self.service().map_or(Protocol::Opaque, |service| service.protocol)
    }

    /// Says whether a TLS client may call the service by a name; a service without names may be
    /// called by any, and a device that is called has none here.
    /// # Source
    /// RFC 6066 §3: host names, compared without regard to case.
    #[must_use]
    pub fn is_called(&self, name: &str) -> bool {
        let called = self.service().filter(|_| self.opened() == Direction::Out);
        called.is_none_or(|service| {
            let mut names = service.host_names.iter();
            names.len() == 0 || names.any(|one| one.eq_ignore_ascii_case(name))
        })
    }

    /// Says whether a lifeline goes here.
    #[must_use]
    pub fn is_lifeline(&self) -> bool {
        self.entry().is_some_and(|entry| !entry.lifelines.is_empty())
    }

    /// Says whether the bundle wants somebody to look into it.
    #[must_use]
    pub fn is_inspected(&self) -> bool {
        self.entry().is_some_and(|entry| entry.is_inspected)
    }

    /// Gives the hospital.
    #[must_use]
    pub fn hospital(&self) -> &str {
        self.rules.bundle.hospital.as_str()
    }

    /// Gives how many bytes one connection may carry, both ways together; nothing where that is not
    /// bounded, where a lifeline goes, and in an emergency.
    ///
    /// As in the kernel, flows that share a key may each use all that they were given.
    #[must_use]
    pub fn bytes_max(&self) -> Option<u64> {
        let entry = self.entry()?;
        if entry.is_emergency || self.is_lifeline() || entry.envelopes.is_empty() {
            return None;
        }
        let mut bounds = entry.envelopes.iter().map(|envelope| envelope.bytes_per_connection_max);
        bounds.try_fold(0u64, |sum, bound| Some(sum.saturating_add(bound?)))
    }

    fn flows(&self) -> impl Iterator<Item = &BundleFlow> {
        let list =
            self.device().and_then(|device| self.rules.bundle.flow_lists.get(device.flow_list));
        let places = self.entry().map(|entry| entry.flows.as_slice()).unwrap_or_default();
        places.iter().filter_map(move |place| list.and_then(|list| list.get(*place)))
    }

    /// Names the rules that permit an operation; for an answer, those of the whole flow.
    #[must_use]
    pub fn rules(&self, operation: Option<Operation>) -> Vec<RuleId> {
        let permits = |flow: &&BundleFlow| {
            operation.is_none_or(|operation| flow.operations.contains(&operation))
        };
        let mut rules: Vec<RuleId> =
            self.flows().filter(permits).flat_map(|flow| flow.rules.iter().cloned()).collect();
        rules.sort_unstable();
        rules.dedup();
        rules
    }

    /// Gives what inspection is told.
    #[must_use]
    pub fn subject(&self) -> Option<Subject<'_>> {
        let (entry, device) = (self.entry()?, self.device()?);
        let service = self.service();
        Some(Subject {
            tier: device.tier,
            opened: entry.key.direction,
            permitted: entry.permitted,
            lifelines: entry.lifelines,
            identity: DeviceIdentity::of(device),
            peer: service.map(PeerIdentity::of).unwrap_or_default(),
            rules: self.flows().next().map_or(&NOTHING, |flow| &flow.inspection),
            api_rate_per_minute: entry.api_rate_per_minute,
            patient: None,
            salt: &self.rules.salt,
        })
    }

    /// Gives the device's tier.
    #[must_use]
    pub fn tier(&self) -> Option<Tier> {
        Some(self.device()?.tier)
    }
}

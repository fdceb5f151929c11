//! The plain value behind the text: flow lists, and the columns of postures that open them.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::num::{NonZeroU32, NonZeroU64};

use crate::bundle::{BundleDevice, BundleFlow, BundleService, FlowKey, Role, TierRules, flow_keys};
use crate::fleet::Envelope;
use crate::tier::fail_action;
use crate::{Bundle, DeviceState, FailAction, Failure, Mac, Posture, PostureSet, Protocol, Tier};

use super::{default_posture, sees_mac};

/// What the kernel of one enforcement point knows in one hour of the day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KernelSets {
    /// The flows, each in one list: those that are open in the same postures stand together.
    pub lists: Vec<FlowList>,
    /// The columns, in the order of the first posture of each.
    pub columns: Vec<Column>,
    /// The column of each posture, in the order of [`Posture::index`].
    pub column_of: [usize; Posture::COUNT],
    /// The keys of flows that an inspector looks into.
    pub inspected: BTreeSet<FlowKey>,
    /// Of those, the keys that the kernel forwards whatever happens, and copies to an inspector: on
    /// them a device whose lifelines outlive every state but ISOLATED has a lifeline.
    pub copied: BTreeSet<FlowKey>,
    /// Of those, the other keys with a lifeline: a proxy takes them, and the kernel forwards them
    /// when no proxy is alive.
    pub taken: BTreeSet<FlowKey>,
    /// Of those, the keys without a lifeline: closed when no proxy is alive.
    pub closed: BTreeSet<FlowKey>,
    /// Keys that nobody inspects and that close all the same when no proxy is alive: those without a
    /// lifeline, of devices of a tier that closes when the process is down, or that keeps what is
    /// declared and this is not. Leases are renewed all the same.
    pub shut: BTreeSet<FlowKey>,
    /// What may be opened and carried in one minute; keys with a lifeline have no limits.
    pub limits: BTreeMap<FlowKey, Limits>,
    /// Where each address may come from.
    pub bindings: BTreeSet<Binding>,
    /// Where a device may renew its lease, whatever its column; empty at a service guard.
    pub dhcp_servers: BTreeSet<IpAddr>,
}

/// What one device may do on one key in one minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections it may open, or datagrams the opening side may send.
    pub connections_per_minute_max: Option<NonZeroU32>,
    /// Bytes it may carry, both ways together, with IP headers.
    pub bytes_per_minute_max: Option<NonZeroU64>,
}

/// Flows that are open in the same postures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowList {
    /// The postures.
    pub postures: PostureSet,
    /// The flows, as keys on the wire.
    pub flows: BTreeSet<FlowKey>,
}

/// Postures that permit the same flows for every device of the bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// `normal`, `contained`, `isolated`, `emergency`, or `column-N` for the others.
    pub name: String,
    /// The postures.
    pub postures: PostureSet,
    /// The lists that are open: places in [`KernelSets::lists`].
    pub lists: BTreeSet<usize>,
}

/// Where an address may come from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Binding {
    /// The interface.
    pub interface: String,
    /// The MAC address, where the point sees the device's own.
    pub mac: Option<Mac>,
    /// The address.
    pub address: IpAddr,
}

impl KernelSets {
    /// Takes from a bundle what the kernel shall know in an hour of the day, UTC.
    #[must_use]
    pub fn new(bundle: &Bundle, hour: u8) -> Self {
        let mut open: BTreeMap<FlowKey, PostureSet> = BTreeMap::new();
        let mut inspected = BTreeSet::new();
        let mut lifelines: BTreeMap<FlowKey, Tier> = BTreeMap::new();
        let (mut shut, mut kept) = (BTreeSet::new(), BTreeSet::new());
        let mut envelopes: BTreeMap<FlowKey, BTreeSet<Envelope>> = BTreeMap::new();
        for (device, flow, service, postures) in open_flows(bundle, hour) {
            for key in flow_keys(device, flow, service) {
                let known = open.entry(key).or_default();
                *known = known.union(postures);
                if flow.inspector.is_some() {
                    inspected.insert(key);
                }
                let action = when_down(&bundle.tiers, device.tier);
                let closes = action == FailAction::Close
                    || action == FailAction::DeclaredPairs && !flow.declared;
                let is_kept = service.protocol == Protocol::Dhcp || flow.lifeline;
                let keys = if closes && !is_kept { &mut shut } else { &mut kept };
                keys.insert(key);
                if flow.lifeline {
                    lifelines.insert(key, device.tier);
                }
                if flow.declared {
                    envelopes.entry(key).or_default().insert(flow.envelope);
                }
            }
        }
        shut.retain(|key| !inspected.contains(key) && !kept.contains(key));
        let lists = lists(&open);
        let (columns, column_of) = columns(&lists, bundle.role);
        let of_kind = |wanted: Option<bool>| {
            let protects = |key| lifelines.get(key).map(|tier| tier.protects_lifelines());
            inspected.iter().filter(move |key| protects(key) == wanted).copied().collect()
        };
        Self {
            copied: of_kind(Some(true)),
            taken: of_kind(Some(false)),
            closed: of_kind(None),
            shut,
            limits: limits(&envelopes, &lifelines),
            lists,
            columns,
            column_of,
            inspected,
            bindings: bundle.devices.iter().flat_map(|device| bindings(bundle, device)).collect(),
            dhcp_servers: dhcp_servers(bundle),
        }
    }

    /// Says whether the kernel lets a flow pass in a posture: at least one operation is permitted.
    #[must_use]
    pub fn permits(&self, key: &FlowKey, posture: Posture) -> bool {
        self.column(posture).is_some_and(|column| self.flows(column).any(|set| set.contains(key)))
    }

    /// Says whether a flow of the bundle passes in a posture, at every address of its service.
    #[must_use]
    pub fn permits_flow(
        &self,
        device: &BundleDevice,
        flow: &BundleFlow,
        service: &BundleService,
        posture: Posture,
    ) -> bool {
        let mut keys = flow_keys(device, flow, service).peekable();
        keys.peek().is_some() && keys.all(|key| self.permits(&key, posture))
    }

    /// Gives the column of a posture.
    #[must_use]
    pub fn column(&self, posture: Posture) -> Option<&Column> {
        self.columns.get(*self.column_of.get(posture.index())?)
    }

    /// Gives the column of a name.
    #[must_use]
    pub fn column_named(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Gives the flows that a column opens, list by list.
    pub fn flows<'a>(&'a self, column: &'a Column) -> impl Iterator<Item = &'a BTreeSet<FlowKey>> {
        column.lists.iter().filter_map(|list| self.lists.get(*list)).map(|list| &list.flows)
    }
}

/// Gives what becomes of a tier when the enforcement process is down; one whose lifelines are
/// protected is never closed, whatever the table of a bundle says.
fn when_down(rules: &[TierRules], tier: Tier) -> FailAction {
    if tier.protects_lifelines() {
        return FailAction::LifelinesByKernel;
    }
    let row = rules.iter().find(|row| row.tier == tier);
    let mut listed = row.into_iter().flat_map(|row| &row.failures);
    let listed = listed.find(|(failure, _)| *failure == Failure::ProcessDown);
    listed.map_or_else(|| fail_action(tier, Failure::ProcessDown), |(_, action)| *action)
}

/// Gives the flows of a bundle that are ever open in an hour, with the device of each.
pub(super) fn open_flows(
    bundle: &Bundle,
    hour: u8,
) -> impl Iterator<Item = (&BundleDevice, &BundleFlow, &BundleService, &PostureSet)> {
    bundle.devices.iter().flat_map(move |device| {
        bundle
            .flows_of(device)
            .filter(move |(flow, _, postures)| {
                flow.is_open_at(hour) && !flow.operations.is_empty() && !postures.is_empty()
            })
            .map(move |(flow, service, postures)| (device, flow, service, postures))
    })
}

/// Sums up the envelopes of each key that has no lifeline.
///
/// Flows that share a key cannot be told apart here, so each may use all that it was given. Flows
/// of one profile entry come with the same envelope, which counts once.
fn limits(
    envelopes: &BTreeMap<FlowKey, BTreeSet<Envelope>>,
    lifelines: &BTreeMap<FlowKey, Tier>,
) -> BTreeMap<FlowKey, Limits> {
    let free = envelopes.iter().filter(|(key, _)| !lifelines.contains_key(key));
    let limits = free.filter_map(|(key, envelopes)| {
        let connections = envelopes.iter().map(|envelope| envelope.connections_per_minute_max);
        let bytes = envelopes.iter().map(|envelope| envelope.bytes_per_minute_max);
        let limits = Limits {
            connections_per_minute_max: connections.collect::<Option<Vec<u32>>>().and_then(|all| {
                NonZeroU32::new(all.into_iter().fold(0, u32::saturating_add).max(1))
            }),
            bytes_per_minute_max: bytes.collect::<Option<Vec<u64>>>().and_then(|all| {
                NonZeroU64::new(all.into_iter().fold(0, u64::saturating_add).max(1))
            }),
        };
        let none =
            limits.connections_per_minute_max.is_none() && limits.bytes_per_minute_max.is_none();
        (!none).then_some((*key, limits))
    });
    limits.collect()
}

/// Puts flows that are open in the same postures together; those open in most come first.
fn lists(open: &BTreeMap<FlowKey, PostureSet>) -> Vec<FlowList> {
    let mut by_postures: BTreeMap<(Reverse<u32>, PostureSet), BTreeSet<FlowKey>> = BTreeMap::new();
    for (key, postures) in open {
        by_postures.entry((Reverse(postures.len()), *postures)).or_default().insert(*key);
    }
    let lists = by_postures.into_iter();
    lists.map(|((_, postures), flows)| FlowList { postures, flows }).collect()
}

/// Puts postures that open the same lists together.
fn columns(lists: &[FlowList], role: Role) -> (Vec<Column>, [usize; Posture::COUNT]) {
    let mut columns: Vec<Column> = Vec::new();
    let mut known: BTreeMap<BTreeSet<usize>, usize> = BTreeMap::new();
    let mut column_of = [0; Posture::COUNT];
    for posture in Posture::all() {
        let opened = lists.iter().enumerate().filter(|(_, list)| list.postures.contains(posture));
        let opened: BTreeSet<usize> = opened.map(|(place, _)| place).collect();
        let place = *known.entry(opened).or_insert_with_key(|opened| {
            let name = format!("column-{}", columns.len());
            columns.push(Column { name, postures: PostureSet::default(), lists: opened.clone() });
            columns.len() - 1
        });
        if let Some(column) = columns.get_mut(place) {
            column.postures.insert(posture);
        }
        if let Some(slot) = column_of.get_mut(posture.index()) {
            *slot = place;
        }
    }
    // From the last to the first: where two fall into one column, the first gives the name.
    for (name, posture) in well_known(role).into_iter().rev() {
        let place = column_of.get(posture.index()).copied();
        if let Some(column) = place.and_then(|place| columns.get_mut(place)) {
            name.clone_into(&mut column.name);
        }
    }
    (columns, column_of)
}

/// Gives the postures that have names of their own.
fn well_known(role: Role) -> [(&'static str, Posture); 4] {
    let normal = default_posture(role);
    [
        ("normal", normal),
        ("contained", Posture { state: DeviceState::Contained, ..normal }),
        ("isolated", Posture { state: DeviceState::Isolated, ..normal }),
        ("emergency", Posture { emergency: true, ..normal }),
    ]
}

/// Gives the bindings of a device; none for a device of an access gateway without a port.
fn bindings(bundle: &Bundle, device: &BundleDevice) -> impl Iterator<Item = Binding> {
    let prefix = &bundle.interfaces.devices;
    let interface = match (bundle.role, device.port) {
        (Role::Access, port) => port.map(|port| format!("{prefix}{port}")),
        (Role::Segment | Role::Service, _) => Some(prefix.clone()),
    };
    let mac = sees_mac(bundle.role).then_some(device.mac);
    let addresses = device.addresses();
    interface.into_iter().flat_map(move |interface| {
        addresses.clone().map(move |address| Binding { interface: interface.clone(), mac, address })
    })
}

fn dhcp_servers(bundle: &Bundle) -> BTreeSet<IpAddr> {
    if bundle.role == Role::Service {
        return BTreeSet::new();
    }
    let servers = bundle.services.iter().filter(|service| service.protocol == Protocol::Dhcp);
    servers.flat_map(|service| service.addresses.iter().copied()).collect()
}

//! From the engine's table to one bundle per enforcement point.
//!
//! Invariant: the same hospital gives the same bytes, whatever was compiled before.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cordon_model::bundle::{
    self, Bundle, BundleDevice, BundleFlow, BundleService, Interfaces, Role, TierRules,
};
use cordon_model::fleet::{Envelope, Flow, Profile, TierPlan};
use cordon_model::tier::fail_action;
use cordon_model::{Device, Failure, Hospital, PointId, PostureSet, ServiceId, Tier};
use rustc_hash::FxHashMap;

use crate::engine::{Engine, Grant, Relation};
use crate::rulebook::Rulebook;

/// What a class of devices may do, with postures and services still in full.
#[derive(Debug)]
struct ClassFlows {
    flows: Vec<(ServiceId, PostureSet, BundleFlow)>,
}

/// Every enforcement point's bundle.
#[derive(Debug, Clone, Default)]
pub struct Compiled {
    /// The bundles; number 1 and no parent until they are sealed.
    pub bundles: BTreeMap<PointId, Arc<Bundle>>,
}

/// An enforcement point and whom it enforces for.
#[derive(Debug, Clone)]
pub struct Point {
    /// What it stands for.
    pub role: Role,
    /// Its interfaces.
    pub interfaces: Interfaces,
    /// The services it stands before, for a guard.
    pub guarded: BTreeSet<ServiceId>,
    /// The places of its devices in the hospital; of all devices, for a guard.
    pub devices: Vec<usize>,
}

/// Lists the enforcement points of a hospital.
#[must_use]
pub fn points(hospital: &Hospital) -> BTreeMap<PointId, Point> {
    let mut points = BTreeMap::new();
    for (id, gateway) in &hospital.gateways {
        let interfaces = Interfaces {
            uplink: gateway.uplink_interface.clone(),
            devices: gateway.port_interface.clone(),
        };
        points.insert(id.clone(), Point::new(Role::Access, interfaces));
    }
    for segment in hospital.segments.values() {
        let interfaces =
            Interfaces { uplink: "uplink0".to_owned(), devices: segment.interface.clone() };
        points.insert(segment.firewall.clone(), Point::new(Role::Segment, interfaces));
    }
    for (id, service) in &hospital.services {
        let Some(guard) = &service.guard else { continue };
        let interfaces =
            Interfaces { uplink: "uplink0".to_owned(), devices: "segments0".to_owned() };
        points
            .entry(guard.clone())
            .or_insert_with(|| Point::new(Role::Service, interfaces))
            .guarded
            .insert(id.clone());
    }
    for (place, device) in hospital.devices.iter().enumerate() {
        let firewall = hospital.segments.get(&device.segment).map(|segment| &segment.firewall);
        let gateway = device.gateway.as_ref().map(|(id, _)| id);
        for id in firewall.into_iter().chain(gateway) {
            if let Some(point) = points.get_mut(id) {
                point.devices.push(place);
            }
        }
    }
    points
}

impl Point {
    fn new(role: Role, interfaces: Interfaces) -> Self {
        Self { role, interfaces, guarded: BTreeSet::new(), devices: Vec::new() }
    }
}

/// Compiles every bundle.
#[must_use]
pub fn compile(hospital: &Hospital, book: &Rulebook, engine: &Engine) -> Compiled {
    let compiler = Compiler::new(hospital, book, engine);
    let points = points(hospital);
    let bundles =
        points.iter().map(|(id, point)| (id.clone(), Arc::new(compiler.bundle(id, point))));
    Compiled { bundles: bundles.collect() }
}

/// Brings engine and bundles up to date with a change of devices, touching only what it must.
/// # Shape
/// As [`recompile`]; the engine is built again only when a device is of a class not seen before.
#[must_use]
pub fn update(
    hospital: &Hospital,
    book: &Rulebook,
    engine: &mut Engine,
    previous: &Compiled,
    changed: &[&Device],
) -> Compiled {
    let mut now = changed.iter().filter_map(|device| hospital.device(device.id.as_str()));
    let admitted = now.all(|device| engine.admit(hospital, device));
    if !admitted {
        *engine = Engine::build(hospital, book);
    }
    recompile(hospital, book, engine, previous, changed)
}

/// Compiles only what a change of devices touches; the plan, the profiles and the rules are the
/// ones that `previous` was compiled from.
/// # Shape
/// `changed`: the devices that were added, altered or removed, as they are after the change and as
/// they were before it.
#[must_use]
pub fn recompile(
    hospital: &Hospital,
    book: &Rulebook,
    engine: &Engine,
    previous: &Compiled,
    changed: &[&Device],
) -> Compiled {
    let compiler = Compiler::new(hospital, book, engine);
    let mut touched: BTreeSet<&PointId> = BTreeSet::new();
    for device in changed {
        touched.extend(hospital.segments.get(&device.segment).map(|segment| &segment.firewall));
        touched.extend(device.gateway.as_ref().map(|(id, _)| id));
        touched.extend(hospital.services.values().filter_map(|service| service.guard.as_ref()));
    }
    let mut bundles = previous.bundles.clone();
    for (id, point) in points(hospital) {
        if touched.contains(&id) || !bundles.contains_key(&id) {
            bundles.insert(id.clone(), Arc::new(compiler.bundle(&id, &point)));
        }
    }
    Compiled { bundles }
}

struct Compiler<'a> {
    hospital: &'a Hospital,
    engine: &'a Engine,
    classes: Vec<ClassFlows>,
}

impl<'a> Compiler<'a> {
    fn new(hospital: &'a Hospital, book: &'a Rulebook, engine: &'a Engine) -> Self {
        let mut profiles: Vec<Option<&Profile>> = vec![None; engine.class_count()];
        for device in &hospital.devices {
            let slot = engine.class_of(&device.id).and_then(|class| profiles.get_mut(class));
            if let Some(slot) = slot {
                *slot = hospital.profiles.get(&device.profile);
            }
        }
        let classes = profiles
            .iter()
            .zip(&engine.grants)
            .map(|(profile, grants)| class_flows(hospital, book, engine, *profile, grants))
            .collect();
        Self { hospital, engine, classes }
    }

    fn bundle(&self, id: &PointId, point: &Point) -> Bundle {
        let hospital = self.hospital;
        let all = 0..hospital.devices.len();
        let places: Vec<usize> =
            if point.role == Role::Service { all.collect() } else { point.devices.clone() };
        let mut draft = Draft::default();
        let mut tiers = BTreeSet::new();
        let mut devices = Vec::new();
        for device in places.into_iter().filter_map(|place| hospital.devices.get(place)) {
            let Some(class) = self.engine.class_of(&device.id) else { continue };
            let Some(flow_list) = self.flow_list(class, point, &mut draft) else { continue };
            tiers.insert(device.tier);
            devices.push(bundle_device(device, point.role, flow_list));
        }
        let (services, postures, flow_lists) = draft.finish(hospital);
        Bundle {
            version: bundle::VERSION,
            hospital: hospital.id.clone(),
            point: id.clone(),
            role: point.role,
            number: 1,
            parent: None,
            age_max_s: hospital.bundle_age_max_s,
            interfaces: point.interfaces.clone(),
            tiers: tiers.into_iter().filter_map(|tier| tier_rules(hospital, tier)).collect(),
            services,
            postures,
            flow_lists,
            devices,
        }
    }

    /// Gives the number of a class's flow list at a point; none at a guard that it never passes.
    fn flow_list(&self, class: usize, point: &Point, draft: &mut Draft) -> Option<usize> {
        if let Some(known) = draft.by_class.get(&class) {
            return *known;
        }
        let flows = self.classes.get(class)?.flows.iter();
        let here: Vec<_> = flows
            .filter(|(service, ..)| point.role != Role::Service || point.guarded.contains(service))
            .collect();
        let number = if here.is_empty() && point.role == Role::Service {
            None
        } else {
            draft.lists.push(here.into_iter().cloned().collect());
            Some(draft.lists.len() - 1)
        };
        draft.by_class.insert(class, number);
        number
    }
}

/// A bundle whose services and postures have no numbers yet.
#[derive(Default)]
struct Draft {
    by_class: FxHashMap<usize, Option<usize>>,
    lists: Vec<Vec<(ServiceId, PostureSet, BundleFlow)>>,
}

impl Draft {
    fn finish(
        self,
        hospital: &Hospital,
    ) -> (Vec<BundleService>, Vec<PostureSet>, Vec<Vec<BundleFlow>>) {
        let used: BTreeSet<&ServiceId> = self.lists.iter().flatten().map(|(id, ..)| id).collect();
        let sets: BTreeSet<PostureSet> =
            self.lists.iter().flatten().map(|(_, set, _)| *set).collect();
        let places: BTreeMap<&ServiceId, usize> =
            used.iter().enumerate().map(|(place, id)| (*id, place)).collect();
        let postures: Vec<PostureSet> = sets.into_iter().collect();
        let lists = self
            .lists
            .iter()
            .map(|list| {
                let numbered = list.iter().map(|(id, set, flow)| BundleFlow {
                    service: places.get(id).copied().unwrap_or(usize::MAX),
                    postures: postures.binary_search(set).unwrap_or(usize::MAX),
                    ..flow.clone()
                });
                let mut numbered: Vec<BundleFlow> = numbered.collect();
                numbered.sort();
                numbered
            })
            .collect();
        let services = used.iter().filter_map(|id| {
            let service = hospital.services.get(*id)?;
            Some(BundleService {
                id: (*id).clone(),
                kind: service.kind,
                addresses: service.addresses.clone(),
                port: service.port,
                transport: service.transport,
                protocol: service.protocol,
                ae_title: service.ae_title.clone(),
                hl7_application: service.hl7_application.clone(),
                hl7_facility: service.hl7_facility.clone(),
                host_names: service.host_names.clone(),
            })
        });
        (services.collect(), postures, lists)
    }
}

fn tier_rules(hospital: &Hospital, tier: Tier) -> Option<TierRules> {
    let plan: TierPlan = *hospital.tiers.get(&tier)?;
    let failures = Failure::ALL.map(|failure| (failure, fail_action(tier, failure))).to_vec();
    Some(TierRules { tier, plan, failures })
}

fn bundle_device(device: &Device, role: Role, flow_list: usize) -> BundleDevice {
    BundleDevice {
        id: device.id.clone(),
        profile: device.profile.clone(),
        tier: device.tier,
        mac: device.mac,
        ip: device.ip,
        ipv6: device.ipv6,
        port: device.gateway.as_ref().map(|(_, port)| *port).filter(|_| role == Role::Access),
        eui64: device.eui64,
        ae_title: device.ae_title.clone(),
        hl7_application: device.hl7_application.clone(),
        hl7_facility: device.hl7_facility.clone(),
        bacnet_instance: device.bacnet_instance,
        flow_list,
    }
}

/// Joins the grants of a class into flows: verbs of one service with one answer stand together.
fn class_flows(
    hospital: &Hospital,
    book: &Rulebook,
    engine: &Engine,
    profile: Option<&Profile>,
    grants: &[Grant],
) -> ClassFlows {
    let ids: Vec<&ServiceId> = hospital.services.keys().collect();
    let mut joined: BTreeMap<(ServiceId, PostureSet, BundleFlow), Vec<cordon_model::Operation>> =
        BTreeMap::new();
    for grant in grants {
        let Some(id) = ids.get(grant.service) else { continue };
        let Some(service) = hospital.services.get(*id) else { continue };
        let Some(row) = engine.rows.get(grant.row) else { continue };
        let declared = match grant.relation {
            Relation::Declared { flow, .. } => profile.and_then(|profile| profile.flows.get(flow)),
            Relation::OtherOperation | Relation::Unlisted => None,
        };
        if declared.is_none() && grant.direction == cordon_model::Direction::In {
            continue; // no port is known on which the device would listen
        }
        for (postures, hours) in by_hour(&row.permitted) {
            let flow = BundleFlow {
                service: 0,
                direction: grant.direction,
                device_port: declared.and_then(|flow| flow.device_port),
                operations: Vec::new(),
                postures: 0,
                hours,
                rules: engine.names(&row.rules),
                declared: declared.is_some(),
                lifeline: matches!(grant.relation, Relation::Declared { lifeline: true, .. }),
                inspector: service.inspector,
                api_rate_per_minute: api_rate(book, &row.rules, declared, grant),
                cadence_s: declared.and_then(|flow| flow.cadence_s),
                envelope: declared.map_or_else(Envelope::default, |flow| flow.envelope),
                inspection: declared.map(|flow| flow.inspection.clone()).unwrap_or_default(),
            };
            joined.entry(((*id).clone(), postures, flow)).or_default().push(grant.operation);
        }
    }
    let flows = joined.into_iter().map(|((id, postures, mut flow), operations)| {
        flow.operations = operations;
        (id, postures, flow)
    });
    ClassFlows { flows: flows.collect() }
}

/// Groups the hours that permit the same postures; no mask when all hours are alike.
fn by_hour(permitted: &[PostureSet]) -> Vec<(PostureSet, Option<u32>)> {
    if let [one] = permitted {
        return vec![(*one, None)];
    }
    let mut groups: BTreeMap<PostureSet, u32> = BTreeMap::new();
    for (hour, set) in permitted.iter().enumerate().filter(|(_, set)| !set.is_empty()) {
        *groups.entry(*set).or_default() |= 1 << hour;
    }
    groups.into_iter().map(|(set, hours)| (set, Some(hours))).collect()
}

/// The smaller of what the profile and the rules grant; alarms are never limited.
fn api_rate(
    book: &Rulebook,
    rules: &[usize],
    declared: Option<&Flow>,
    grant: &Grant,
) -> Option<u32> {
    use cordon_model::{OperationClass, Protocol};
    if grant.operation.protocol() != Protocol::Http
        || grant.operation.class() == OperationClass::Alarm
    {
        return None;
    }
    let granted =
        rules.iter().filter_map(|r| book.rules.get(*r)).filter_map(|r| r.api_rate_per_minute);
    granted.chain(declared.and_then(|flow| flow.api_rate_per_minute)).min()
}

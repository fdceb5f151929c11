//! Classes: devices that no rule tells apart, and what a profile says about an act.

use std::collections::{BTreeMap, BTreeSet};

use cordon_model::fleet::Care;
use cordon_model::{BuildingId, Device, Direction, Hospital, Operation, Service, ServiceId};
use rustc_hash::FxHashMap;

use super::Relation;
use crate::mention::{Mentions, Scope, Scopes};

/// Texts as numbers, so that keys are short.
#[derive(Debug, Default)]
pub(super) struct Words {
    numbers: FxHashMap<String, u32>,
}

impl Words {
    pub(super) fn number(&mut self, text: &str) -> u32 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = u32::try_from(self.numbers.len()).unwrap_or(u32::MAX);
        self.numbers.insert(text.to_owned(), number);
        number
    }
}

/// Gives a fact about a device by its path in the schema; `None` for a path the schema lacks.
pub(super) fn device_fact<'a>(
    hospital: &'a Hospital,
    device: &'a Device,
    path: &str,
) -> Option<&'a str> {
    let segment = hospital.segments.get(&device.segment)?;
    let unit = hospital.units.get(&device.unit)?;
    Some(match path {
        "tier" => device.tier.name(),
        "type" => device.profile.as_str(),
        "building" => device.building.as_str(),
        "segment" => device.segment.as_str(),
        "segment.tier" => segment.tier.name(),
        "segment.building" => segment.building.as_str(),
        "segment.attachment" => segment.attachment.name(),
        "unit" => device.unit.as_str(),
        "unit.building" => unit.building.as_str(),
        "unit.care" => match unit.care {
            Care::Critical => "critical",
            Care::Acute => "acute",
            Care::General => "general",
            Care::Technical => "technical",
        },
        "attachment" => device.attachment.name(),
        "autonomous" => {
            if device.autonomous {
                "true"
            } else {
                "false"
            }
        }
        "gateway" => device.gateway.as_ref().map_or("", |(gateway, _)| gateway.as_str()),
        _ => return None,
    })
}

/// Gives a fact about a service by its path in the schema; `None` for a path the schema lacks.
pub(super) fn service_fact(service: &Service, path: &str) -> Option<String> {
    Some(match path {
        "zone" => service.zone.to_string(),
        "kind" => service.kind.name().to_owned(),
        "protocol" => service.protocol.name().to_owned(),
        "port" => service.port.to_string(),
        "everywhere" => service.buildings.is_empty().to_string(),
        "buildings" => {
            let mut ids: Vec<&str> = service.buildings.iter().map(BuildingId::as_str).collect();
            ids.sort_unstable();
            ids.join(",")
        }
        _ => return None,
    })
}

/// What a rule reads and whom its scope admits.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) mentions: Mentions,
    /// `None` when the scope was not understood: then the rule is asked about everybody.
    pub(super) scopes: Option<Scopes>,
    /// Device paths in the order of the key.
    pub(super) device_paths: Vec<String>,
    /// Service paths in the order of the key.
    pub(super) service_paths: Vec<String>,
}

impl Reading {
    /// Says whether the scope admits a device, as far as devices of one class are alike.
    pub(super) fn admits_device(&self, device: &Device) -> bool {
        self.scopes.as_ref().is_none_or(|scopes| match &scopes.principal {
            Scope::Type(kind) => kind.as_deref().is_none_or(|kind| kind == "Device"),
            Scope::Is { kind, id } => kind == "Device" && id == device.id.as_str(),
            Scope::In { of, kind, id } => {
                of.as_deref().is_none_or(|of| of == "Device")
                    && match kind.as_str() {
                        "Device" => id == device.id.as_str(),
                        "Segment" => id == device.segment.as_str(),
                        "Unit" => id == device.unit.as_str(),
                        "DeviceType" => id == device.profile.as_str(),
                        _ => false,
                    }
            }
        })
    }

    /// Says whether the scope admits a service.
    pub(super) fn admits_service(&self, id: &ServiceId, service: &Service) -> bool {
        self.scopes.as_ref().is_none_or(|scopes| match &scopes.resource {
            Scope::Type(kind) => kind.as_deref().is_none_or(|kind| kind == "Service"),
            Scope::Is { kind, id: named } => kind == "Service" && named == id.as_str(),
            Scope::In { of, kind, id: named } => {
                of.as_deref().is_none_or(|of| of == "Service")
                    && match kind.as_str() {
                        "Service" => named == id.as_str(),
                        "Zone" => named == service.zone.as_str(),
                        _ => false,
                    }
            }
        })
    }

    /// Says whether the rule speaks about devices that connect at all.
    pub(super) fn is_about_connecting(&self) -> bool {
        self.scopes.as_ref().is_none_or(|scopes| {
            let device = !matches!(&scopes.principal, Scope::Type(Some(kind)) if kind != "Device");
            let service = !matches!(&scopes.resource, Scope::Type(Some(kind)) if kind != "Service");
            scopes.action && device && service
        })
    }

    /// The scope names one device or a group of them.
    pub(super) fn principal_group(&self) -> Option<(&str, &str)> {
        match &self.scopes.as_ref()?.principal {
            Scope::Type(_) => None,
            Scope::Is { kind, id } | Scope::In { kind, id, .. } => Some((kind, id)),
        }
    }
}

/// By what the rules tell devices apart.
#[derive(Debug, Default)]
struct Separation {
    /// The facts that some rule reads.
    paths: BTreeSet<String>,
    /// Rules whose scope names no device and no group.
    general: Vec<usize>,
    /// The other rules, by the entity that their scope names.
    grouped: FxHashMap<(String, String), Vec<usize>>,
    /// Devices that conditions name.
    named: BTreeSet<String>,
    /// Some rule may tell every device from every other.
    everyone: bool,
}

impl Separation {
    fn new(readings: &[Reading]) -> Self {
        let mut separation = Self::default();
        let about = readings.iter().enumerate().filter(|(_, r)| r.is_about_connecting());
        for (rule, reading) in about {
            separation.paths.extend(reading.device_paths.iter().cloned());
            separation.everyone |= reading.scopes.is_none() || reading.mentions.principal_itself;
            let devices = reading.mentions.literals.iter().filter(|(kind, _)| kind == "Device");
            separation.named.extend(devices.map(|(_, id)| id.clone()));
            match reading.principal_group() {
                Some((kind, id)) => {
                    let group = (kind.to_owned(), id.to_owned());
                    separation.grouped.entry(group).or_default().push(rule);
                }
                None => separation.general.push(rule),
            }
        }
        separation
    }

    /// Gives the rules whose scope may admit a device, in order.
    fn rules_of(&self, device: &Device) -> Vec<usize> {
        let mut rules = self.general.clone();
        let groups = [
            ("Device", device.id.as_str()),
            ("Segment", device.segment.as_str()),
            ("Unit", device.unit.as_str()),
            ("DeviceType", device.profile.as_str()),
        ];
        if !self.grouped.is_empty() {
            for (kind, id) in groups {
                let more = self.grouped.get(&(kind.to_owned(), id.to_owned()));
                rules.extend(more.into_iter().flatten());
            }
            rules.sort_unstable();
        }
        rules
    }

    /// Says whether a device shares its class with no other.
    fn is_alone(&self, device: &Device) -> bool {
        self.everyone || self.named.contains(device.id.as_str())
    }
}

/// What decides which class a device belongs to.
#[derive(Debug)]
pub(super) struct Traits {
    pub(super) key: Vec<u32>,
    /// The facts of the device that some rule reads.
    pub(super) facts: BTreeMap<String, u32>,
    /// The rules whose scope may admit the device, in order.
    pub(super) rules: Vec<usize>,
}

/// Sorts devices into classes; kept with the table, so that a changed device finds its class.
#[derive(Debug)]
pub(super) struct Sorter {
    pub(super) words: Words,
    separation: Separation,
    numbers: FxHashMap<Vec<u32>, u32>,
}

impl Sorter {
    pub(super) fn new(readings: &[Reading]) -> Self {
        let separation = Separation::new(readings);
        Self { words: Words::default(), separation, numbers: FxHashMap::default() }
    }

    pub(super) fn traits(&mut self, hospital: &Hospital, device: &Device) -> Traits {
        let rules = self.separation.rules_of(device);
        let mut facts = BTreeMap::new();
        for path in &self.separation.paths {
            let text = device_fact(hospital, device, path).unwrap_or(device.id.as_str());
            facts.insert(path.clone(), self.words.number(text));
        }
        let alone = self.separation.is_alone(device);
        let mut key = vec![
            self.words.number(device.profile.as_str()),
            self.words.number(device.building.as_str()),
            if alone { self.words.number(device.id.as_str()) } else { u32::MAX },
        ];
        key.extend(facts.values());
        key.extend(rules.iter().filter_map(|rule| u32::try_from(*rule).ok()));
        Traits { key, facts, rules }
    }

    /// Gives the number of the class with a key; a new number for a new key.
    pub(super) fn number(&mut self, key: Vec<u32>) -> u32 {
        let next = u32::try_from(self.numbers.len()).unwrap_or(u32::MAX);
        *self.numbers.entry(key).or_insert(next)
    }

    /// Gives the number of the class with a key, if there is one.
    pub(super) fn known(&self, key: &[u32]) -> Option<u32> {
        self.numbers.get(key).copied()
    }
}

/// Says what a device's profile says about an act on a service.
#[must_use]
pub fn relation(
    hospital: &Hospital,
    device: &Device,
    service: &ServiceId,
    direction: Direction,
    operation: Operation,
) -> Relation {
    let Some(profile) = hospital.profiles.get(&device.profile) else { return Relation::Unlisted };
    let mut found = Relation::Unlisted;
    for (number, flow) in profile.flows.iter().enumerate() {
        let named = hospital.resolve(flow, &device.building).any(|(id, _)| id == service);
        if !named {
            continue;
        }
        let declares = flow.direction == direction && flow.operations.contains(&operation);
        found = match (found, declares) {
            (Relation::Declared { flow, lifeline: true }, _) => {
                return Relation::Declared { flow, lifeline: true };
            }
            (Relation::Declared { .. }, true) if flow.lifeline => {
                Relation::Declared { flow: number, lifeline: true }
            }
            (Relation::Declared { .. }, _) => found,
            (_, true) => Relation::Declared { flow: number, lifeline: flow.lifeline },
            (_, false) => Relation::OtherOperation,
        };
    }
    found
}

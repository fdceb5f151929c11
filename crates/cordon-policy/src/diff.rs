//! What an edit changes: verdicts gained and lost, grouped, with counts.

use std::collections::{BTreeMap, BTreeSet};

use cordon_model::{Direction, Hospital, Operation, PostureSet, ServiceId};
use serde::Serialize;

use crate::engine::Engine;
use crate::words;

/// Verdicts of one kind that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The device type.
    pub kind: String,
    /// Its tier.
    pub tier: String,
    /// The service.
    pub service: String,
    /// Who opens it.
    pub direction: String,
    /// The verbs; `hl7.*` when all of a protocol are meant.
    pub operations: Vec<String>,
    /// In which postures, in words.
    pub postures: String,
    /// How many devices.
    pub devices: usize,
    /// One of them.
    pub example: String,
}

/// The difference between two hospitals.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Permitted now, denied before.
    pub gained: Vec<Change>,
    /// Denied now, permitted before.
    pub lost: Vec<Change>,
    /// Devices that are only in the second hospital.
    pub devices_added: Vec<String>,
    /// Devices that are only in the first.
    pub devices_removed: Vec<String>,
}

impl Difference {
    /// Says whether nothing differs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The postures that are permitted, hour by hour.
type Hours = [PostureSet; 24];
type Verdicts = BTreeMap<(ServiceId, Direction, Operation), Hours>;
/// Type, tier, service, direction, verb, postures, and the hours as a mask: bit 0 is midnight.
type Key = (String, String, ServiceId, Direction, Operation, PostureSet, u32);

/// The mask of all hours.
const ALL_DAY: u32 = 0x00ff_ffff;

/// Compares two hospitals, device by device.
#[must_use]
pub fn diff(old: (&Hospital, &Engine), new: (&Hospital, &Engine)) -> Difference {
    let mut old_verdicts: Vec<Option<Verdicts>> = vec![None; old.1.class_count()];
    let mut new_verdicts: Vec<Option<Verdicts>> = vec![None; new.1.class_count()];
    let mut known: BTreeMap<(Option<usize>, Option<usize>), (Verdicts, Verdicts)> = BTreeMap::new();
    let mut gained: BTreeMap<Key, (usize, String)> = BTreeMap::new();
    let mut lost: BTreeMap<Key, (usize, String)> = BTreeMap::new();
    let mut difference = Difference::default();
    let ids: BTreeSet<&str> =
        old.0.devices.iter().chain(&new.0.devices).map(|device| device.id.as_str()).collect();
    for id in ids {
        let (before, after) = (old.0.device(id), new.0.device(id));
        let class = |engine: &Engine, device: Option<&cordon_model::Device>| {
            device.and_then(|device| engine.class_of(&device.id))
        };
        let pair = (class(old.1, before), class(new.1, after));
        match (before, after) {
            (None, Some(_)) => difference.devices_added.push(id.to_owned()),
            (Some(_), None) => difference.devices_removed.push(id.to_owned()),
            (Some(_), Some(_)) | (None, None) => {}
        }
        let (more, less) = known.entry(pair).or_insert_with(|| {
            let was = verdicts(old, pair.0, &mut old_verdicts);
            let is = verdicts(new, pair.1, &mut new_verdicts);
            (minus(&is, &was), minus(&was, &is))
        });
        if let Some(device) = after.or(before) {
            let kind = (device.profile.to_string(), device.tier.name().to_owned());
            count(&mut gained, &kind, more, id);
            count(&mut lost, &kind, less, id);
        }
    }
    difference.gained = changes(gained);
    difference.lost = changes(lost);
    difference
}

fn verdicts(
    of: (&Hospital, &Engine),
    class: Option<usize>,
    known: &mut [Option<Verdicts>],
) -> Verdicts {
    let Some(class) = class else { return Verdicts::new() };
    if let Some(Some(verdicts)) = known.get(class) {
        return verdicts.clone();
    }
    let ids: Vec<&ServiceId> = of.0.services.keys().collect();
    let mut verdicts = Verdicts::new();
    for grant in of.1.grants.get(class).into_iter().flatten() {
        let (Some(id), Some(row)) = (ids.get(grant.service), of.1.rows.get(grant.row)) else {
            continue;
        };
        let mut hours = [row.permitted.first().copied().unwrap_or_default(); 24];
        for (hour, set) in hours.iter_mut().zip(&row.permitted) {
            *hour = *set;
        }
        verdicts.insert(((*id).clone(), grant.direction, grant.operation), hours);
    }
    if let Some(slot) = known.get_mut(class) {
        *slot = Some(verdicts.clone());
    }
    verdicts
}

/// What is in the first and not in the second.
fn minus(first: &Verdicts, second: &Verdicts) -> Verdicts {
    let rest = first.iter().map(|(key, hours)| {
        let mut hours = *hours;
        for (hour, other) in hours.iter_mut().zip(second.get(key).into_iter().flatten()) {
            *hour = hour.difference(other);
        }
        (key.clone(), hours)
    });
    rest.filter(|(_, hours)| hours.iter().any(|set| !set.is_empty())).collect()
}

/// Groups the hours with the same postures.
fn by_postures(hours: &Hours) -> BTreeMap<PostureSet, u32> {
    let mut groups: BTreeMap<PostureSet, u32> = BTreeMap::new();
    for (hour, set) in hours.iter().enumerate().filter(|(_, set)| !set.is_empty()) {
        *groups.entry(*set).or_default() |= 1 << hour;
    }
    groups
}

fn count(
    changes: &mut BTreeMap<Key, (usize, String)>,
    kind: &(String, String),
    verdicts: &Verdicts,
    example: &str,
) {
    for ((service, direction, operation), hours) in verdicts {
        for (set, mask) in by_postures(hours) {
            let (kind, tier) = kind.clone();
            let key = (kind, tier, service.clone(), *direction, *operation, set, mask);
            changes.entry(key).or_insert_with(|| (0, example.to_owned())).0 += 1;
        }
    }
}

/// Puts verbs together that changed alike.
fn changes(counted: BTreeMap<Key, (usize, String)>) -> Vec<Change> {
    let mut joined: BTreeMap<(Key, usize, String), Vec<Operation>> = BTreeMap::new();
    for ((kind, tier, service, direction, operation, set, mask), (devices, example)) in counted {
        let Some(any) = operation.protocol().operations().next() else { continue };
        let key = ((kind, tier, service, direction, any, set, mask), devices, example);
        joined.entry(key).or_default().push(operation);
    }
    let change = |((key, devices, example), operations): ((Key, usize, String), Vec<Operation>)| {
        let (kind, tier, service, direction, _, set, mask) = key;
        Change {
            kind,
            tier,
            service: service.to_string(),
            direction: direction.name().to_owned(),
            operations: words::operations(&operations),
            postures: when(&set, mask),
            devices,
            example,
        }
    };
    joined.into_iter().map(change).collect()
}

/// Says in which postures, and at which hours when not at all of them.
fn when(set: &PostureSet, mask: u32) -> String {
    let postures = words::postures(set);
    if mask == ALL_DAY { postures } else { format!("{postures}, {}", words::hours(mask)) }
}

//! Translation validation: Cedar, the engine's table, the bundles and the kernel sets say the same.
//!
//! One device stands for each class; every service, direction, operation and posture is a cell.
//! The table and the bundle are compared as sets of postures, so no cell is left out.

use std::collections::BTreeMap;
use std::sync::Arc;

use cordon_model::bundle::{Bundle, BundleDevice, FlowKey, Role, flow_keys};
use cordon_model::{
    Act, Device, Direction, Hospital, Mono, Now, Operation, Posture, PostureSet, ServiceId, Target,
    Wall,
};
use serde::Serialize;

use crate::compile::Compiled;
use crate::oracle::Oracle;
use crate::{Engine, Rulebook};
use cordon_model::nft::KernelSets;

/// The hours at which policies that name hours are compared.
const HOURS: [u8; 2] = [3, 15];
/// Disagreements are kept up to this many.
const DISAGREEMENTS_MAX: usize = 100;

/// What was compared and what disagreed.
#[derive(Debug, Default, Serialize)]
pub struct Tally {
    /// Classes of devices.
    pub classes: usize,
    /// Cells in which table and bundle were compared.
    pub bundle_cells: usize,
    /// Cells in which bundle and kernel sets were compared.
    pub kernel_cells: usize,
    /// Cells in which Cedar and the table were compared.
    pub cedar_cells: usize,
    /// What disagreed, in words.
    pub disagreements: Vec<String>,
}

impl Tally {
    fn disagree(&mut self, words: String) {
        if self.disagreements.len() < DISAGREEMENTS_MAX {
            self.disagreements.push(words);
        }
    }
}

struct Verifier<'a> {
    hospital: &'a Hospital,
    engine: &'a Engine,
    oracle: Oracle<'a>,
    every: u32,
    turn: u32,
    tally: Tally,
}

/// Compares every cell; Cedar itself is asked about every `every`-th.
#[must_use]
pub fn verify(
    hospital: &Hospital,
    book: &Rulebook,
    engine: &Engine,
    compiled: &Compiled,
    every: u32,
    progress: &mut dyn FnMut(),
) -> Tally {
    let mut seen = BTreeMap::new();
    for device in &hospital.devices {
        if let Some(class) = engine.class_of(&device.id) {
            seen.entry(class).or_insert(device);
        }
    }
    let mut verifier = Verifier {
        hospital,
        engine,
        oracle: Oracle::new(hospital, book),
        every: every.max(1),
        turn: 0,
        tally: Tally { classes: seen.len(), ..Tally::default() },
    };
    for device in seen.values() {
        verifier.device(device, compiled);
        progress();
    }
    for bundle in compiled.bundles.values() {
        verifier.kernel(bundle);
    }
    verifier.tally
}

impl Verifier<'_> {
    fn device<'c>(&mut self, device: &Device, compiled: &'c Compiled) {
        let home = |bundle: &'c Arc<Bundle>| {
            let place = bundle.devices.binary_search_by(|other| other.id.cmp(&device.id)).ok()?;
            Some((bundle.as_ref(), bundle.devices.get(place)?))
        };
        let homes: Vec<(&Bundle, &BundleDevice)> =
            compiled.bundles.values().filter_map(home).collect();
        for (id, service) in &self.hospital.services {
            for operation in service.protocol.operations() {
                for direction in Direction::ALL {
                    let permitted = self.engine.permitted(&device.id, id, direction, operation);
                    self.cedar(device, id, direction, operation);
                    for bundle in &homes {
                        self.bundle(*bundle, id, direction, operation, &permitted);
                    }
                }
            }
        }
    }

    fn cedar(
        &mut self,
        device: &Device,
        id: &ServiceId,
        direction: Direction,
        operation: Operation,
    ) {
        for hour in HOURS {
            let now = Now { mono: Mono(0), wall: Wall(u64::from(hour) * 3_600) };
            for posture in Posture::all() {
                self.turn += 1;
                if self.turn < self.every {
                    continue;
                }
                self.turn = 0;
                let act = Act {
                    device: device.id.clone(),
                    target: Target::Service(id.clone()),
                    direction,
                    operation,
                };
                let fast = self.engine.decide(&act, posture, now);
                let meant = self.oracle.decide(&act, posture, now);
                self.tally.cedar_cells += 1;
                let mut fast_rules = fast.rules().to_vec();
                fast_rules.sort();
                let same = fast.is_permit() == meant.is_permit() && fast_rules == meant.rules();
                if !same {
                    self.tally
                        .disagree(format!("{act} {posture:?}: table {fast:?}, Cedar {meant:?}"));
                }
            }
        }
    }

    fn bundle(
        &mut self,
        (bundle, entry): (&Bundle, &BundleDevice),
        id: &ServiceId,
        direction: Direction,
        operation: Operation,
        permitted: &PostureSet,
    ) {
        let guarded = bundle.role == Role::Service;
        if guarded
            && self.hospital.services.get(id).and_then(|s| s.guard.as_ref()) != Some(&bundle.point)
        {
            return;
        }
        let mut compiled = PostureSet::default();
        for (flow, service, postures) in bundle.flows_of(entry) {
            if service.id == *id
                && flow.direction == direction
                && flow.operations.contains(&operation)
            {
                compiled = compiled.union(postures);
            }
        }
        self.tally.bundle_cells += Posture::COUNT;
        if compiled != *permitted {
            self.tally.disagree(format!(
                "{} {direction} {id} {operation} at {}: table permits {}, bundle {}",
                entry.id,
                bundle.point,
                crate::words::postures(permitted),
                crate::words::postures(&compiled)
            ));
        }
    }

    /// The kernel sees no operations: a flow is in its sets when some operation of it is permitted.
    fn kernel(&mut self, bundle: &Bundle) {
        for hour in HOURS {
            let sets = KernelSets::new(bundle, hour);
            let mut lists: Vec<Option<&BundleDevice>> = vec![None; bundle.flow_lists.len()];
            for device in &bundle.devices {
                if let Some(slot) = lists.get_mut(device.flow_list) {
                    slot.get_or_insert(device);
                }
            }
            for device in lists.into_iter().flatten() {
                self.kernel_device(bundle, &sets, device, hour);
            }
        }
    }

    fn kernel_device(
        &mut self,
        bundle: &Bundle,
        sets: &KernelSets,
        device: &BundleDevice,
        hour: u8,
    ) {
        let mut wanted: BTreeMap<FlowKey, PostureSet> = BTreeMap::new();
        for (flow, service, postures) in bundle.flows_of(device) {
            let open = if flow.is_open_at(hour) { *postures } else { PostureSet::default() };
            for key in flow_keys(device, flow, service) {
                let entry = wanted.entry(key).or_default();
                *entry = entry.union(&open);
            }
        }
        for (key, postures) in wanted {
            for posture in Posture::all() {
                self.tally.kernel_cells += 1;
                let kernel = sets.permits(&key, posture);
                if kernel != postures.contains(posture) {
                    self.tally.disagree(format!(
                        "{} {key:?} {posture:?} at {}: bundle {}, kernel {kernel}",
                        device.id,
                        bundle.point,
                        postures.contains(posture)
                    ));
                }
            }
        }
    }
}

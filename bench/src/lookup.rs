//! `lookup`: what an enforcement point pays to find the flow of a new connection.

use anyhow::Context as _;
use cordon_model::bundle::{Bundle, FlowIndex, FlowKey, Role, flow_keys};
use cordon_model::{Operation, Posture};
use cordon_policy::Engine;
use cordon_policy::compile::{Compiled, compile};

use crate::clock::{batches, quantile};
use crate::example;
use crate::figure::{Figures, Target};
use crate::question::Chance;
use crate::run::Args;

const GROUP: &str = "lookup";
/// Lookups in one batch: long against the clock, short against a time slice.
const BATCH: usize = 256;

/// A lookup.
#[derive(Debug, Clone, Copy)]
pub struct Lookup {
    /// The flow's key.
    pub key: FlowKey,
    /// The verb.
    pub operation: Operation,
    /// What is known of the device.
    pub posture: Posture,
}

/// Draws lookups; every other one names a port on which nothing is permitted.
#[must_use]
pub fn lookups(bundle: &Bundle, count: usize) -> Vec<Lookup> {
    let mut known = Vec::new();
    for device in &bundle.devices {
        for (flow, service, _) in bundle.flows_of(device) {
            for key in flow_keys(device, flow, service) {
                known.extend(flow.operations.iter().map(|operation| (key, *operation)));
            }
        }
    }
    let mut chance = Chance::new(3);
    let draw = |number: usize| {
        let (mut key, operation) = *chance.pick(&known)?;
        if number % 2 == 1 {
            key.port ^= 0x4000;
        }
        Some(Lookup { key, operation, posture: chance.posture()? })
    };
    (0..count).filter_map(draw).collect()
}

/// Finds the bundle of a role with the most devices.
#[must_use]
pub fn largest(compiled: &Compiled, role: Role) -> Option<&Bundle> {
    let of_role = compiled.bundles.values().filter(|bundle| bundle.role == role);
    of_role.max_by_key(|bundle| bundle.devices.len()).map(AsRef::as_ref)
}

/// Measures.
/// # Errors
/// When the hospital is not sound or has no enforcement point of a role.
pub fn measure(args: &Args, figures: &mut Figures) -> anyhow::Result<()> {
    let hospital = example::load(&example::sources(&args.directory())?)?;
    let book = example::rules(&hospital)?;
    let compiled = compile(&hospital, &book, &Engine::build(&hospital, &book));
    for role in [Role::Access, Role::Segment, Role::Service] {
        let bundle = largest(&compiled, role)
            .with_context(|| format!("the hospital has no {} bundle", role.name()))?;
        one(args, bundle, figures);
    }
    Ok(())
}

fn one(args: &Args, bundle: &Bundle, figures: &mut Figures) {
    let index = FlowIndex::new(bundle);
    let asked = lookups(bundle, if args.quick { 50_000 } else { 500_000 });
    let what = format!(
        "{} {}, {} devices, {} keys",
        bundle.role.name(),
        bundle.point,
        bundle.devices.len(),
        index.keys().count()
    );
    let (mut p50, mut p99) = (Vec::new(), Vec::new());
    for _ in 0..args.rounds() {
        let ask = |one: &Lookup| index.permits(&one.key, one.operation, one.posture, 12).is_some();
        let taken = batches(&asked, BATCH, ask);
        p50.push(quantile(&taken, 500));
        p99.push(quantile(&taken, 990));
    }
    let goal = (bundle.role != Role::Service).then_some(Target::AtMost(100.0));
    figures.add(GROUP, format!("p50 of batches, {what}"), "ns", &p50, goal);
    figures.add(GROUP, format!("p99 of batches, {what}"), "ns", &p99, None);
}

//! What only shows when policy and profiles meet: lifelines that policy forbids, flows that nothing
//! ever permits, inspection that nobody can do.

use std::collections::BTreeSet;

use cordon_model::fleet::Flow;
use cordon_model::{
    Act, Device, DeviceState, Hospital, Mono, Now, Posture, PostureSet, Report, ServiceId,
    Severity, Target, Tier, Wall,
};

use crate::engine::{Engine, Grant, Relation};
use crate::rulebook::Rulebook;

/// Checks every class of devices.
pub fn check(hospital: &Hospital, book: &Rulebook, engine: &Engine, report: &mut Report) {
    let mut classes = BTreeSet::new();
    let mut blamed = BTreeSet::new();
    for device in &hospital.devices {
        let Some(profile) = hospital.profiles.get(&device.profile) else { continue };
        if !classes.insert(engine.class_of(&device.id)) {
            continue;
        }
        for (number, flow) in profile.flows.iter().enumerate() {
            let here = (device.profile.as_str(), number, device.tier);
            // One blame of each kind for a flow; a warning in one class hides no error in another.
            let found = check_flow((hospital, book, engine), device, flow);
            for (severity, label, message, help) in found {
                if blamed.insert((here, severity)) {
                    report.push(label, severity, flow.place.clone(), message, &help);
                }
            }
        }
    }
    check_inspection(hospital, book, engine, report);
}

/// How bad something is, its label, its message and its remedy.
type Blame = (Severity, &'static str, String, String);

/// Gives everything that is wrong with a flow of a class.
fn check_flow(
    (hospital, book, engine): (&Hospital, &Rulebook, &Engine),
    device: &Device,
    flow: &Flow,
) -> Vec<Blame> {
    let mut found = Vec::new();
    for (id, _) in hospital.resolve(flow, &device.building) {
        for operation in &flow.operations {
            let (direction, operation) = (flow.direction, *operation);
            let hours = engine.permitted_by_hour(&device.id, id, direction, operation);
            let act = Act {
                device: device.id.clone(),
                target: Target::Service(id.clone()),
                direction,
                operation,
            };
            let missing = |needed: fn(&Device, &Flow, Posture) -> bool| {
                (0u8..).zip(hours).find_map(|(hour, set)| {
                    let cut = |p: &Posture| needed(device, flow, *p) && !set.contains(*p);
                    Posture::all().find(cut).map(|posture| (posture, hour))
                })
            };
            if let Some((posture, hour)) = missing(is_needed) {
                let (message, help) =
                    cut_lifeline((book, engine), device.tier, &act, posture, hour);
                found.push((Severity::Error, "lifeline-forbidden", message, help));
            } else if let Some((posture, hour)) = missing(is_kept_contained) {
                let (message, help) =
                    cut_lifeline((book, engine), device.tier, &act, posture, hour);
                found.push((Severity::Warning, "lifeline-not-kept", message, help));
            } else if hours.iter().all(PostureSet::is_empty) {
                let message = format!(
                    "the profile declares {operation} with `{id}`, but no policy ever permits it to {}",
                    device.tier
                );
                let help = "permit it in policies/, or remove it from the profile".to_owned();
                found.push((Severity::Warning, "never-permitted", message, help));
            }
        }
    }
    found
}

/// Says which lifeline is cut where, and by which rule.
fn cut_lifeline(
    (book, engine): (&Rulebook, &Engine),
    tier: Tier,
    act: &Act,
    posture: Posture,
    hour: u8,
) -> (String, String) {
    let now = Now { mono: Mono(0), wall: Wall(u64::from(hour) * 3_600) };
    let decision = engine.decide(act, posture, now);
    let rules = decision.rules().iter().filter_map(|id| book.rule(id.as_str()));
    let forbids: Vec<String> = rules
        .filter(|rule| !rule.permits())
        .map(|rule| format!("`{}` ({}:{})", rule.id, rule.place.file, rule.place.line))
        .collect();
    let mode = if posture.emergency { ", emergency mode" } else { "" };
    let (why, help) = match forbids.as_slice() {
        [] => (
            "no policy permits it".to_owned(),
            "permit it in policies/: a lifeline outlives containment".to_owned(),
        ),
        some => (
            format!("forbidden by {}", some.join(", ")),
            "narrow that policy: a forbid wins over every permit".to_owned(),
        ),
    };
    let message = format!(
        "a lifeline of {tier} is cut: {act} in state {}, identity {}, attestation {}{mode}, at {hour:02}:00 UTC: {why}",
        posture.state, posture.identity, posture.attestation
    );
    (message, help)
}

/// A contained ORANGE or YELLOW device that proved its identity should keep its lifelines.
fn is_kept_contained(device: &Device, flow: &Flow, posture: Posture) -> bool {
    let normal = Posture { state: DeviceState::Normal, ..posture };
    posture.state == DeviceState::Contained
        && matches!(device.tier, Tier::Orange | Tier::Yellow)
        && is_needed(device, flow, normal)
}

/// Says whether a lifeline has to be there in a posture: always for RED and GREEN-LS but when
/// isolated, in normal service for the others.
fn is_needed(device: &Device, flow: &Flow, posture: Posture) -> bool {
    use cordon_model::{Attestation, Identity};
    if !flow.lifeline || posture.state == DeviceState::Isolated {
        return false;
    }
    device.tier.protects_lifelines()
        || (posture.state == DeviceState::Normal
            && matches!(posture.identity, Identity::Certificate | Identity::GatewayBound)
            && matches!(posture.attestation, Attestation::Passed | Attestation::Unable))
}

fn check_inspection(hospital: &Hospital, book: &Rulebook, engine: &Engine, report: &mut Report) {
    let ids: Vec<&ServiceId> = hospital.services.keys().collect();
    let mut seen = BTreeSet::new();
    for grant in engine.grants.iter().flatten().filter(|grant| grant.relation_is_declared()) {
        let Some(id) = ids.get(grant.service) else { continue };
        let Some(service) = hospital.services.get(*id) else { continue };
        let rules = engine.rows.get(grant.row).map(|row| row.rules.as_slice()).unwrap_or_default();
        let asks = rules.iter().filter_map(|rule| book.rules.get(*rule)).find(|rule| rule.inspect);
        if let (Some(rule), None, true) = (asks, service.inspector, seen.insert(*id)) {
            let message =
                format!("policy `{}` asks for inspection, `{id}` has no inspector", rule.id);
            let help = "add `inspector` to the service, or drop `@inspect` from the policy";
            report.error("no-inspector", service.place.clone(), message, help);
        }
    }
}

impl Grant {
    fn relation_is_declared(&self) -> bool {
        matches!(self.relation, Relation::Declared { .. })
    }
}

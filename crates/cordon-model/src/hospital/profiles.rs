//! `profiles/*.toml` and the MUD files they name: what each device type may do.

use std::collections::BTreeMap;

use toml::Spanned;

use super::blame::{Blame, Gaps, hint};
use super::{Sources, limits, raw};
use crate::diagnostic::{Place, Report, SourceText};
use crate::fleet::{Flow, Hospital, Profile, Service};
use crate::{Direction, Operation, ProfileId, ServiceId};

mod inspect;
mod mud;

/// Reads every profile into the hospital, whose services are known by now.
pub(super) fn load(
    sources: &Sources,
    hospital: &mut Hospital,
    gaps: &mut Gaps,
    report: &mut Report,
) {
    let mut profiles = BTreeMap::new();
    let mut none = true;
    for path in sources.paths("profiles", ".toml") {
        none = false;
        let stem = path.strip_prefix("profiles/").and_then(|name| name.strip_suffix(".toml"));
        let stem = stem.unwrap_or_default();
        let id = ProfileId::new(stem);
        if let Err(error) = &id {
            let message = format!("`{stem}` is not an identifier: {error}");
            report.error("malformed-id", Place::file(path), message, "rename the file");
        }
        let source = sources.text(path, report);
        let profile = source.and_then(|source| profile(sources, &source, hospital, gaps, report));
        if profile.as_ref().is_some_and(|profile| !hospital.tiers.contains_key(&profile.tier)) {
            gaps.note(stem);
        }
        match (id, profile) {
            (Ok(id), Some(profile)) => {
                profiles.insert(id, profile);
            }
            _ => gaps.note(stem),
        }
    }
    if none {
        let message = "there is no profile, so no device has a type".to_owned();
        let help = "add `profiles/TYPE.toml`; `cordon init DIR` writes commented ones";
        report.error("missing-file", Place::file("profiles"), message, help);
    }
    hospital.profiles = profiles;
}

fn profile(
    sources: &Sources,
    source: &SourceText<'_>,
    hospital: &Hospital,
    gaps: &mut Gaps,
    report: &mut Report,
) -> Option<Profile> {
    let mut blame = Blame { source, report, gaps };
    let raw: raw::Profile = raw::read(&raw::PROFILE_LISTS, &mut blame)?;
    let tier = *raw.tier.get_ref();
    if !hospital.tiers.contains_key(&tier) && !blame.gaps.cover_plan() {
        let message = format!("the plan has no tier {tier}");
        let help = format!("add `[tiers.{}]` to hospital.toml", tier.key());
        blame.error("missing-tier", &raw.tier, message, &help);
    }
    if let Some(first) = raw.flows.get(limits::FLOWS_MAX) {
        over_limit(raw.flows.len(), &first.get_ref().service, &mut blame);
        return None;
    }
    let mut flows: Vec<Flow> =
        raw.flows.iter().filter_map(|flow| self::flow(flow, hospital, &mut blame)).collect();
    let mut peers = Vec::new();
    if let Some(mud) = &raw.mud {
        (flows, peers) = mud::add(flows, sources, mud, hospital, &mut blame);
        if flows.len() > limits::FLOWS_MAX {
            over_limit(flows.len(), &mud.file, &mut blame);
            return None;
        }
    }
    Some(Profile {
        name: raw.name,
        umbrella: raw.umbrella,
        tier,
        impact: raw.impact,
        aliases: raw.aliases.iter().map(|alias| alias.to_lowercase()).collect(),
        flows,
        peers,
        place: blame.place(&raw.tier),
    })
}

fn over_limit(flows: usize, at: &Spanned<String>, blame: &mut Blame<'_, '_>) {
    let message = format!("{flows} flows; at most {} are read", limits::FLOWS_MAX);
    blame.error("over-limit", at, message, "name roles in place of single services");
}

/// Gives the services that a name means anywhere in the hospital: by identifier, else by role.
fn named<'a>(hospital: &'a Hospital, name: &str) -> Vec<(&'a ServiceId, &'a Service)> {
    match hospital.services.get_key_value(name) {
        Some(found) => vec![found],
        None => hospital.services.iter().filter(|(_, s)| s.role.as_deref() == Some(name)).collect(),
    }
}

fn flow(
    spanned: &Spanned<raw::Flow>,
    hospital: &Hospital,
    blame: &mut Blame<'_, '_>,
) -> Option<Flow> {
    let raw = spanned.get_ref();
    let found = service_named(&raw.service, hospital, blame);
    let services = found.clone().unwrap_or_default();
    let operations = operations(raw, &services, blame);
    if raw.operations.is_empty() {
        let message = format!("the flow to `{}` names no operation", raw.service.get_ref());
        let verbs: Vec<_> = services
            .iter()
            .flat_map(|(_, s)| s.protocol.operations())
            .map(Operation::name)
            .collect();
        blame.error("no-operation", &raw.service, message, &format!("name some of {verbs:?}"));
    }
    match (raw.direction, raw.device_port) {
        (Direction::In, None | Some(0)) => {
            let message = "the other side opens this flow, so the device listens".to_owned();
            let help = "add `device-port`, the device's own port";
            blame.error("missing-port", &raw.service, message, help);
        }
        (Direction::Out, Some(_)) => {
            let message = "the device opens this flow, so it has no listening port".to_owned();
            let help = "remove `device-port`, or say `direction = \"in\"`";
            blame.error("needless-port", &raw.service, message, help);
        }
        (Direction::In, Some(_)) | (Direction::Out, None) => {}
    }
    let inspection = inspect::rules(raw.inspect.as_ref(), &services, blame);
    no_forbidden_zone(&raw.service, &services, blame);
    found?;
    Some(Flow {
        service: raw.service.get_ref().clone(),
        direction: raw.direction,
        operations,
        device_port: raw.device_port,
        lifeline: raw.lifeline,
        cadence_s: raw.cadence_s,
        api_rate_per_minute: raw.api_rate_per_minute,
        envelope: raw.envelope,
        inspection,
        source: raw.source.clone(),
        place: blame.place(&raw.service),
    })
}

fn service_named<'a>(
    name: &Spanned<String>,
    hospital: &'a Hospital,
    blame: &mut Blame<'_, '_>,
) -> Option<Vec<(&'a ServiceId, &'a Service)>> {
    let services = named(hospital, name.get_ref());
    if !services.is_empty() {
        return Some(services);
    }
    if blame.gaps.cover(name.get_ref()) {
        return None;
    }
    let ids = hospital.services.keys().map(ToString::to_string);
    let roles = hospital.services.values().filter_map(|service| service.role.clone());
    let otherwise = "declare the service in hospital.toml first";
    let help = hint(blame.report, name.get_ref(), ids.chain(roles), otherwise);
    let message = format!("there is no service, and no role, `{}`", name.get_ref());
    blame.error("unknown-reference", name, message, &help);
    None
}

/// Reads a verb or blames it.
fn operation(text: &Spanned<String>, blame: &mut Blame<'_, '_>) -> Option<Operation> {
    let found = raw::operation(text.get_ref());
    if found.is_none() {
        let names = Operation::all().map(|operation| operation.name().to_owned());
        let otherwise = "`cordon schema` lists the operations";
        let help = hint(blame.report, text.get_ref(), names, otherwise);
        let message = format!("`{}` is not an operation", text.get_ref());
        blame.error("unknown-operation", text, message, &help);
    }
    found
}

fn operations(
    raw: &raw::Flow,
    services: &[(&ServiceId, &Service)],
    blame: &mut Blame<'_, '_>,
) -> Vec<Operation> {
    let mut operations = Vec::new();
    for text in &raw.operations {
        let Some(operation) = operation(text, blame) else { continue };
        if let Some((id, service)) =
            services.iter().find(|(_, service)| service.protocol != operation.protocol())
        {
            let message =
                format!("`{id}` speaks {}, not {}", service.protocol, operation.protocol());
            blame.error("wrong-protocol", text, message, "use a verb of the service's protocol");
            continue;
        }
        operations.push(operation);
    }
    operations.sort();
    operations.dedup();
    operations
}

/// Devices reach services of some zones only, in any state.
fn no_forbidden_zone(
    name: &Spanned<String>,
    services: &[(&ServiceId, &Service)],
    blame: &mut Blame<'_, '_>,
) {
    for (id, service) in services.iter().filter(|(_, service)| !service.kind.is_for_devices()) {
        let message = format!("`{id}` is in a zone of kind `{}`", service.kind.name());
        let help = "no device reaches such a zone, in any state; remove it here";
        blame.error("forbidden-zone", name, message, help);
    }
}

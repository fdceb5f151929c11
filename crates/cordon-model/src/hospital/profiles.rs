//! `profiles/*.toml` and the MUD files they name: what each device type may do.

use std::collections::BTreeMap;

use toml::Spanned;

use super::blame::{Blame, nearest, syntax};
use super::{Sources, limits, raw};
use crate::diagnostic::{Place, Report, SourceText};
use crate::fleet::{Envelope, Flow, Hospital, PeerFlow, Profile, Service};
use crate::mud::{self, MudPeer, MudPorts};
use crate::{Direction, Operation, ProfileId, ServiceId};

/// Reads every profile into the hospital, whose services are known by now.
pub(super) fn load(sources: &Sources, hospital: &mut Hospital, report: &mut Report) {
    let mut profiles = BTreeMap::new();
    for path in sources.paths("profiles", ".toml") {
        let Some(source) = sources.text(path, report) else { continue };
        let stem = path.trim_start_matches("profiles/").trim_end_matches(".toml");
        let id = match ProfileId::new(stem) {
            Ok(id) => id,
            Err(error) => {
                let message = format!("the file's name is not an identifier: {error}");
                let help = "rename the file";
                report.error("malformed-id", Place::file(path), message, help);
                continue;
            }
        };
        if let Some(profile) = profile(sources, &source, hospital, report) {
            profiles.insert(id, profile);
        }
    }
    if profiles.is_empty() {
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
    report: &mut Report,
) -> Option<Profile> {
    let raw: raw::Profile = match toml::from_str(source.text()) {
        Ok(raw) => raw,
        Err(error) => {
            syntax(source, &error, report);
            return None;
        }
    };
    let mut blame = Blame { source, report };
    let tier = *raw.tier.get_ref();
    if !hospital.tiers.contains_key(&tier) {
        let message = format!("the plan has no tier {tier}");
        let help = format!("add `[tiers.{}]` to hospital.toml", tier.key());
        blame.error("missing-tier", &raw.tier, message, &help);
    }
    let mut flows: Vec<Flow> =
        raw.flows.iter().filter_map(|flow| self::flow(flow, hospital, &mut blame)).collect();
    let mut peers = Vec::new();
    if let Some(mud) = &raw.mud {
        from_mud(sources, mud, hospital, &mut blame, &mut flows, &mut peers);
    }
    if flows.len() > limits::FLOWS_MAX {
        let message = format!("{} flows; at most {} are read", flows.len(), limits::FLOWS_MAX);
        blame.error("over-limit", &raw.tier, message, "name roles in place of single services");
        return None;
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
    let services = service_named(&raw.service, hospital, blame)?;
    let operations = operations(raw, &services, blame);
    if raw.operations.is_empty() {
        let message = format!("the flow to `{}` names no operation", raw.service.get_ref());
        let verbs: Vec<_> =
            services.iter().flat_map(|(_, s)| s.protocol.operations()).map(Operation::name).collect();
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
    for (id, service) in services.iter().filter(|(_, service)| !service.kind.is_for_devices()) {
        let message = format!("`{id}` is in a zone of kind `{}`", service.kind.name());
        let help = "no device reaches such a zone, in any state; remove the flow";
        blame.error("forbidden-zone", &raw.service, message, help);
    }
    Some(Flow {
        service: raw.service.get_ref().clone(),
        direction: raw.direction,
        operations,
        device_port: raw.device_port,
        lifeline: raw.lifeline,
        cadence_s: raw.cadence_s,
        api_rate_per_minute: raw.api_rate_per_minute,
        envelope: raw.envelope,
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
    let ids = hospital.services.keys().map(ToString::to_string);
    let roles = hospital.services.values().filter_map(|service| service.role.clone());
    let help = match nearest(name.get_ref(), ids.chain(roles)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "declare the service in hospital.toml first".to_owned(),
    };
    let message = format!("there is no service, and no role, `{}`", name.get_ref());
    blame.error("unknown-reference", name, message, &help);
    None
}

fn operations(
    raw: &raw::Flow,
    services: &[(&ServiceId, &Service)],
    blame: &mut Blame<'_, '_>,
) -> Vec<Operation> {
    let mut operations = Vec::new();
    for text in &raw.operations {
        let Some(operation) = raw::operation(text.get_ref()) else {
            let names = Operation::all().map(|operation| operation.name().to_owned());
            let help = match nearest(text.get_ref(), names) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "`cordon schema` lists the operations".to_owned(),
            };
            let message = format!("`{}` is not an operation", text.get_ref());
            blame.error("unknown-operation", text, message, &help);
            continue;
        };
        if let Some((id, service)) =
            services.iter().find(|(_, service)| service.protocol != operation.protocol())
        {
            let message = format!("`{id}` speaks {}, not {}", service.protocol, operation.protocol());
            blame.error("wrong-protocol", text, message, "use a verb of the service's protocol");
            continue;
        }
        operations.push(operation);
    }
    operations.sort();
    operations.dedup();
    operations
}

/// Turns a maker's MUD file into flows to this hospital's services.
/// # Source
/// RFC 8520 §3, §8.
fn from_mud(
    sources: &Sources,
    raw: &raw::Mud,
    hospital: &Hospital,
    blame: &mut Blame<'_, '_>,
    flows: &mut Vec<Flow>,
    peers: &mut Vec<PeerFlow>,
) {
    let path = format!("profiles/{}", raw.file.get_ref());
    if !sources.files.contains_key(&path) {
        let message = format!("`{path}` is missing");
        blame.error("missing-file", &raw.file, message, "put the MUD file beside the profile");
        return;
    }
    let Some(text) = sources.text(&path, blame.report) else { return };
    let file = match mud::parse(text.text()) {
        Ok(file) => file,
        Err(errors) => {
            for error in errors {
                let place = text.place(error.span.clone());
                let help = "ask the maker for a file in the form of RFC 8520";
                blame.report.error(error.label(), place, error.to_string(), help);
            }
            return;
        }
    };
    let operations: Vec<Operation> =
        raw.operations.iter().filter_map(|text| raw::operation(text.get_ref())).collect();
    for flow in mud::flows(&file) {
        let place = blame.place(&raw.file);
        let Some(services) = services_of(&flow, raw, hospital, blame) else {
            let peers_text = peer_words(flow.peer);
            peers.push(PeerFlow { peers: peers_text, direction: flow.direction, place });
            continue;
        };
        let device_port = flow.port.and_then(MudPorts::single).filter(|_| flow.direction == Direction::In);
        if flow.direction == Direction::In && device_port.is_none() {
            let message = format!("`{}` opens more than one port of the device", flow.ace);
            let help = "a flow towards a device needs one port; ask the maker for the exact one";
            blame.report.error("mud-ports", place, message, help);
            continue;
        }
        for (id, service) in services {
            let fits = flow.transport.is_none_or(|t| t == service.transport)
                && (flow.direction == Direction::In || flow.port.is_none_or(|p| p.contains(service.port)));
            if !fits {
                continue;
            }
            let verbs: Vec<Operation> = service
                .protocol
                .operations()
                .filter(|verb| operations.is_empty() || operations.contains(verb))
                .collect();
            flows.push(Flow {
                service: id.to_string(),
                direction: flow.direction,
                operations: verbs,
                device_port,
                lifeline: false,
                cadence_s: None,
                api_rate_per_minute: None,
                envelope: Envelope::default(),
                source: Some(format!("RFC 8520 {} ({})", file.mud_url, flow.ace)),
                place: place.clone(),
            });
        }
    }
}

/// Names peers in the words of RFC 8520.
fn peer_words(peer: &MudPeer) -> String {
    match peer {
        MudPeer::Any => "any".to_owned(),
        MudPeer::LocalNetworks => "local-networks".to_owned(),
        MudPeer::SameManufacturer => "same-manufacturer".to_owned(),
        MudPeer::Manufacturer(authority) => format!("manufacturer {authority}"),
        MudPeer::Model(uri) => format!("model {uri}"),
        MudPeer::Controller(class) => format!("controller {class}"),
        MudPeer::MyController => "my-controller".to_owned(),
        MudPeer::DnsName(name) => name.clone(),
        MudPeer::Network(network) => network.to_string(),
    }
}

/// Gives what an abstraction stands for here; `None` when it stands for other devices.
fn services_of<'a>(
    flow: &mud::MudFlow<'_>,
    raw: &raw::Mud,
    hospital: &'a Hospital,
    blame: &mut Blame<'_, '_>,
) -> Option<Vec<(&'a ServiceId, &'a Service)>> {
    let (what, key, names) = match flow.peer {
        MudPeer::Any
        | MudPeer::SameManufacturer
        | MudPeer::Manufacturer(_)
        | MudPeer::Model(_) => return None,
        MudPeer::MyController => ("my-controller", "", Some(&raw.my_controller)),
        MudPeer::LocalNetworks => ("local-networks", "", Some(&raw.local_networks)),
        MudPeer::Controller(class) => {
            ("controllers", class.as_str(), raw.controllers.get(class.as_str()))
        }
        MudPeer::DnsName(name) => ("names", name.as_str(), raw.names.get(name.as_str())),
        MudPeer::Network(network) => {
            let inside = |service: &Service| service.addresses.iter().any(|a| network.contains(a));
            return Some(hospital.services.iter().filter(|(_, s)| inside(s)).collect());
        }
    };
    let names = names.map(Vec::as_slice).unwrap_or_default();
    if names.is_empty() {
        let message = format!("the MUD file uses `{what}` {key}, which means nothing here yet");
        let help = format!("say in `[mud]` which services `{what}` stands for");
        blame.error("mud-unmapped", &raw.file, message, &help);
    }
    Some(names.iter().filter_map(|name| service_named(name, hospital, blame)).flatten().collect())
}

//! From a maker's MUD file to flows to this hospital's services.
//!
//! Source: RFC 8520 §3, §8.

use std::collections::{BTreeMap, BTreeSet};

use toml::Spanned;

use super::super::blame::Blame;
use super::super::{Sources, raw};
use super::{no_forbidden_zone, operation, service_named};
use crate::diagnostic::SourceText;
use crate::fleet::{Envelope, Flow, Hospital, Inspection, PeerFlow, Service};
use crate::mud::{self, MudFile, MudFlow, MudPeer, MudPorts};
use crate::{Direction, Operation, ServiceId};

type Services<'a> = Vec<(&'a ServiceId, &'a Service)>;

/// What the words of a MUD file mean in this hospital.
struct Meaning<'a> {
    my_controller: Services<'a>,
    local_networks: Services<'a>,
    controllers: BTreeMap<&'a str, Services<'a>>,
    names: BTreeMap<&'a str, Services<'a>>,
    /// The verbs that may be used; all of the service's protocol when the profile names none.
    operations: Option<Vec<Operation>>,
}

/// Adds the flows that the file declares, and what it declares towards other devices.
pub(super) fn add(
    mut flows: Vec<Flow>,
    sources: &Sources,
    raw: &raw::Mud,
    hospital: &Hospital,
    blame: &mut Blame<'_, '_>,
) -> (Vec<Flow>, Vec<PeerFlow>) {
    let mut peers = Vec::new();
    let meaning = meaning(raw, hospital, blame);
    let Some(file) = file(sources, raw, blame) else { return (flows, peers) };
    unmapped(&file, raw, blame);
    for flow in mud::flows(&file) {
        let place = blame.place(&raw.file);
        let Some(services) = services_of(&flow, &meaning, hospital) else {
            let peers_text = peer_words(flow.peer);
            peers.push(PeerFlow { peers: peers_text, direction: flow.direction, place });
            continue;
        };
        let device_port =
            flow.port.and_then(MudPorts::single).filter(|_| flow.direction == Direction::In);
        if flow.direction == Direction::In && device_port.is_none() {
            let message = format!("`{}` opens more than one port of the device", flow.ace);
            let help = "a flow towards a device needs one port; ask the maker for the exact one";
            blame.error("mud-ports", &raw.file, message, help);
            continue;
        }
        for (id, service) in services.into_iter().filter(|(_, service)| fits(&flow, service)) {
            let operations = operations(&flow, id, service, &meaning, raw, blame);
            flows.push(Flow {
                service: id.to_string(),
                direction: flow.direction,
                operations,
                device_port,
                lifeline: false,
                cadence_s: None,
                api_rate_per_minute: None,
                envelope: Envelope::default(),
                inspection: Inspection::default(),
                source: Some(format!("RFC 8520 {} ({})", file.mud_url, flow.ace)),
                place: place.clone(),
            });
        }
    }
    (flows, peers)
}

fn file(sources: &Sources, raw: &raw::Mud, blame: &mut Blame<'_, '_>) -> Option<MudFile> {
    let path = format!("profiles/{}", raw.file.get_ref());
    if !sources.files.contains_key(&path) {
        let message = format!("`{path}` is missing");
        blame.error("missing-file", &raw.file, message, "put the MUD file beside the profile");
        return None;
    }
    let text: SourceText<'_> = sources.text(&path, blame.report)?;
    match mud::parse(text.text()) {
        Ok(file) => Some(file),
        Err(errors) => {
            for error in errors {
                let place = text.place(error.span.clone());
                let help = "ask the maker for a file in the form of RFC 8520";
                let whole = error.path.is_empty();
                let message = if whole { error.fault.to_string() } else { error.to_string() };
                blame.report.error(error.label(), place, message, help);
            }
            None
        }
    }
}

fn meaning<'a>(
    raw: &'a raw::Mud,
    hospital: &'a Hospital,
    blame: &mut Blame<'_, '_>,
) -> Meaning<'a> {
    let mut services = |names: &[Spanned<String>]| {
        let mut found = Vec::new();
        for name in names {
            let services = service_named(name, hospital, blame).unwrap_or_default();
            no_forbidden_zone(name, &services, blame);
            found.extend(services);
        }
        found
    };
    let my_controller = services(&raw.my_controller);
    let local_networks = services(&raw.local_networks);
    let controllers = raw.controllers.iter().map(|(k, v)| (k.as_str(), services(v))).collect();
    let names = raw.names.iter().map(|(k, v)| (k.as_str(), services(v))).collect();
    let verbs = raw.operations.iter().filter_map(|text| operation(text, blame)).collect();
    let operations = (!raw.operations.is_empty()).then_some(verbs);
    Meaning { my_controller, local_networks, controllers, names, operations }
}

/// Blames each word of the file that the profile gives no meaning, once.
fn unmapped(file: &MudFile, raw: &raw::Mud, blame: &mut Blame<'_, '_>) {
    let mut said = BTreeSet::new();
    for flow in mud::flows(file) {
        let (key, means_nothing) = match flow.peer {
            MudPeer::Any
            | MudPeer::SameManufacturer
            | MudPeer::Manufacturer(_)
            | MudPeer::Model(_)
            | MudPeer::Network(_) => continue,
            MudPeer::MyController => ("my-controller", raw.my_controller.is_empty()),
            MudPeer::LocalNetworks => ("local-networks", raw.local_networks.is_empty()),
            MudPeer::Controller(class) => {
                ("controllers", raw.controllers.get(class.as_str()).is_none_or(Vec::is_empty))
            }
            MudPeer::DnsName(name) => {
                ("names", raw.names.get(name.as_str()).is_none_or(Vec::is_empty))
            }
        };
        let words = peer_words(flow.peer);
        if means_nothing && said.insert(words.clone()) {
            let message = format!("the MUD file uses `{words}`, which means nothing here yet");
            let help = format!("say in `{key}` of `[mud]` which services it stands for");
            blame.error("mud-unmapped", &raw.file, message, &help);
        }
    }
}

fn fits(flow: &MudFlow<'_>, service: &Service) -> bool {
    flow.transport.is_none_or(|transport| transport == service.transport)
        && (flow.direction == Direction::In
            || flow.port.is_none_or(|ports| ports.contains(service.port)))
}

fn operations(
    flow: &MudFlow<'_>,
    id: &ServiceId,
    service: &Service,
    meaning: &Meaning<'_>,
    raw: &raw::Mud,
    blame: &mut Blame<'_, '_>,
) -> Vec<Operation> {
    let allowed = |verb: &Operation| meaning.operations.as_ref().is_none_or(|o| o.contains(verb));
    let verbs: Vec<Operation> = service.protocol.operations().filter(allowed).collect();
    // When all of them are unknown, that has been said already.
    if verbs.is_empty() && meaning.operations.as_ref().is_some_and(|o| !o.is_empty()) {
        let message = format!(
            "`operations` names nothing that `{id}` understands ({}), and `{}` leads there",
            service.protocol, flow.ace
        );
        let help = "add a verb of that protocol to `operations` of `[mud]`";
        blame.error("no-operation", &raw.file, message, help);
    }
    verbs
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

/// Gives the services that the other side means here; `None` when it means other devices.
fn services_of<'a>(
    flow: &MudFlow<'_>,
    meaning: &Meaning<'a>,
    hospital: &'a Hospital,
) -> Option<Services<'a>> {
    let services = match flow.peer {
        MudPeer::Any | MudPeer::SameManufacturer | MudPeer::Manufacturer(_) | MudPeer::Model(_) => {
            return None;
        }
        MudPeer::MyController => Some(&meaning.my_controller),
        MudPeer::LocalNetworks => Some(&meaning.local_networks),
        MudPeer::Controller(class) => meaning.controllers.get(class.as_str()),
        MudPeer::DnsName(name) => meaning.names.get(name.as_str()),
        MudPeer::Network(network) => {
            let inside = |service: &Service| service.addresses.iter().any(|a| network.contains(a));
            return Some(hospital.services.iter().filter(|(_, s)| inside(s)).collect());
        }
    };
    Some(services.cloned().unwrap_or_default())
}

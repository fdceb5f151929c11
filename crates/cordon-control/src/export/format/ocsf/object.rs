//! Objects that several classes of OCSF share: devices, endpoints, users, rules.

use std::net::IpAddr;

use cordon_model::event::{Actor, Party};
use cordon_model::{BadgeId, DeviceId, Transport, Vlan};
use serde_json::{Map, Value, json};

use crate::export::format::traffic::{Course, Ends};

/// A device of the hospital.
/// # Source
/// OCSF 1.8 device: `type_id` 7 is IOT.
pub(super) fn device(id: &DeviceId) -> Value {
    json!({ "uid": id.as_str(), "name": id.as_str(), "type_id": 7, "type": "IOT" })
}

/// An enforcement point.
/// # Source
/// OCSF 1.8 device: `type_id` 9 is Firewall.
pub(super) fn point(name: &str) -> Value {
    json!({ "uid": name, "name": name, "type_id": 9, "type": "Firewall" })
}

/// One end of a conversation; none if nothing is known of it.
/// # Source
/// OCSF 1.8 network_endpoint.
pub(super) fn endpoint(party: &Party, vlan: Option<Vlan>) -> Option<Value> {
    let mut out = Map::new();
    let mut add = |name: &str, value: Value| out.insert(name.to_owned(), value);
    if let Some(address) = party.address {
        add("ip", json!(address.to_string()));
    }
    if let Some(port) = party.port {
        add("port", json!(port));
    }
    if let Some(service) = &party.service {
        add("svc_name", json!(service.as_str()));
    }
    if let Some(vlan) = vlan {
        add("vlan_uid", json!(vlan.to_string()));
    }
    if let Some(id) = &party.device {
        add("uid", json!(id.as_str()));
        add("type_id", json!(7));
        add("type", json!("IOT"));
    }
    if let Some(mac) = party.mac {
        add("mac", json!(mac.to_string()));
    }
    let has_name = party.address.is_some() || party.device.is_some() || party.service.is_some();
    if !has_name {
        // A port or a VLAN alone is nobody; a MAC address is, but the schema wants a name.
        let mac = party.mac?;
        add("name", json!(mac.to_string()));
    }
    Some(Value::Object(out))
}

/// An end of which nothing is known, where the schema wants one.
pub(super) fn unknown_endpoint() -> Value {
    json!({ "name": "unknown" })
}

/// How two ends are connected.
/// # Source
/// OCSF 1.8 network_connection_info; IANA protocol numbers.
pub(super) fn connection(ends: &Ends) -> Value {
    let (direction, name) = match ends.course() {
        Course::Unknown => (0, "Unknown"),
        Course::Inbound => (1, "Inbound"),
        Course::Outbound => (2, "Outbound"),
        Course::Inside => (3, "Lateral"),
    };
    let mut out = json!({ "direction_id": direction, "direction": name });
    let Some(members) = out.as_object_mut() else { return out };
    if let Some(transport) = ends.transport {
        let number = match transport {
            Transport::Tcp => 6,
            Transport::Udp => 17,
        };
        members.insert("protocol_name".into(), json!(transport.name()));
        members.insert("protocol_num".into(), json!(number));
    }
    if let Some(address) = ends.src.address.or(ends.dst.address) {
        let version = match address {
            IpAddr::V4(_) => 4,
            IpAddr::V6(_) => 6,
        };
        members.insert("protocol_ver_id".into(), json!(version));
    }
    out
}

/// A person by badge.
/// # Source
/// OCSF 1.8 user: `type_id` 1 is User.
pub(super) fn person(badge: &BadgeId) -> Value {
    json!({ "uid": badge.as_str(), "name": badge.as_str(), "type_id": 1, "type": "User" })
}

/// Whoever did something; devices, nodes and points are users of the type System.
/// # Source
/// OCSF 1.8 user: `type_id` 3 is System.
pub(super) fn user(actor: &Actor) -> Value {
    match actor {
        Actor::Person(it) => {
            let mut out = person(&it.badge);
            if let Some(members) = out.as_object_mut() {
                members.insert("groups".into(), json!([{ "name": it.role.as_str() }]));
            }
            out
        }
        Actor::Device(_) | Actor::Node(_) | Actor::Point(_) => system(&actor.to_string()),
    }
}

/// A machine as a user.
/// # Source
/// OCSF 1.8 user: `type_id` 3 is System.
pub(super) fn system(name: &str) -> Value {
    json!({ "uid": name, "name": name, "type_id": 3, "type": "System" })
}

/// The user, where nobody is known.
/// # Source
/// OCSF 1.8 user: `type_id` 0 is Unknown.
pub(super) fn nobody() -> Value {
    json!({ "name": "unknown", "type_id": 0, "type": "Unknown" })
}

/// A rule by its name.
/// # Source
/// OCSF 1.8 firewall_rule.
pub(super) fn rule(name: &str) -> Value {
    json!({ "name": name, "uid": name })
}

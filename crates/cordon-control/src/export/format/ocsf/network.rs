//! Conversations: 4001 Network Activity.
//!
//! Source: OCSF 1.8 network_activity, network_traffic, security_control, firewall_rule.

use cordon_model::event::{
    Decided, Effect, Emergency, EmergencyAction, FlowSummary, Inspected, MessageVerdict,
};
use cordon_model::{RuleId, Vlan};
use serde_json::{Map, Value, json};

use super::{Class, Draft, HOST, SECURITY_CONTROL, long, object};
use crate::export::format::traffic::Ends;

const NETWORK: Class = Class::new(4, "Network Activity", 1, "Network Activity");

/// Who called whom, and how.
/// # Source
/// OCSF 1.8 network_activity: one of the ends is wanted.
fn ends(draft: &mut Draft<'_>, ends: &Ends, vlan: Option<Vlan>) {
    let (src, dst) = (object::endpoint(&ends.src, vlan), object::endpoint(&ends.dst, None));
    if src.is_none() && dst.is_none() {
        draft.add("src_endpoint", object::unknown_endpoint());
    }
    for (name, end) in [("src_endpoint", src), ("dst_endpoint", dst)] {
        if let Some(end) = end {
            draft.add(name, end);
        }
    }
    draft.add("connection_info", object::connection(ends));
    if let Some(device) = &draft.outline.device {
        let device = object::device(device);
        draft.profile(HOST);
        draft.add("device", device);
    }
    let protocol = draft.outline.protocol;
    draft.text("app_protocol_name", protocol);
}

/// Whether it could happen.
/// # Source
/// OCSF 1.8 security_control `action_id`, `disposition_id`.
fn control(draft: &mut Draft<'_>, is_allowed: bool, is_alert: bool) {
    draft.profile(SECURITY_CONTROL);
    let (action, name) = if is_allowed { (1, "Allowed") } else { (2, "Denied") };
    let (disposition, disposition_name) = match (is_allowed, is_alert) {
        (false, _) => (2, "Blocked"),
        (true, true) => (19, "Alert"),
        (true, false) => (1, "Allowed"),
    };
    draft.add("action_id", action);
    draft.add("action", name);
    draft.add("disposition_id", disposition);
    draft.add("disposition", disposition_name);
    draft.add("is_alert", is_alert);
    draft.status(is_allowed);
    let reason = draft.outline.reason.clone();
    draft.text("status_detail", reason);
}

fn rule(draft: &mut Draft<'_>, rules: &[RuleId]) {
    if let Some(rule) = rules.first() {
        draft.add("firewall_rule", object::rule(rule.as_str()));
    }
}

/// # Source
/// OCSF 1.8 network_traffic.
fn traffic(sent: u64, received: u64, packets: Option<u64>) -> Value {
    let mut out = Map::new();
    out.insert("bytes".into(), long(sent.saturating_add(received)));
    out.insert("bytes_in".into(), long(received));
    out.insert("bytes_out".into(), long(sent));
    if let Some(packets) = packets {
        out.insert("packets".into(), long(packets));
    }
    Value::Object(out)
}

/// A flow over an interval.
pub(super) fn flow(draft: &mut Draft<'_>, it: &FlowSummary) {
    let is_allowed = it.action == Effect::Permit;
    let (activity, name) = if is_allowed { (6, "Traffic") } else { (5, "Refuse") };
    draft.is(NETWORK, activity, name);
    let both = Ends { src: it.src.clone(), dst: it.dst.clone(), transport: Some(it.transport) };
    ends(draft, &both, it.vlan);
    control(draft, is_allowed, false);
    rule(draft, std::slice::from_ref(&it.rule));
    let (sent, received) =
        both.as_called(it.device.as_ref(), it.bytes_from_device, it.bytes_to_device);
    draft.add("traffic", traffic(sent, received, Some(it.packets)));
    draft.add("start_time", long(it.first.0));
    draft.add("end_time", long(it.last.0));
    draft.add("duration", long(it.last.0.saturating_sub(it.first.0)));
}

/// A decision: the conversation may begin, or may not.
pub(super) fn decision(draft: &mut Draft<'_>, it: &Decided) {
    let is_allowed = it.answer.effect == Effect::Permit;
    let (activity, name) = if is_allowed { (1, "Open") } else { (5, "Refuse") };
    draft.is(NETWORK, activity, name);
    ends(draft, &Ends::of_act(&it.act), None);
    control(draft, is_allowed, false);
    rule(draft, &it.answer.rules);
    let mut policy = json!({
        "is_applied": true,
        "name": format!("generation {}", it.generation),
        "version": it.generation.to_string(),
    });
    if let (Some(digest), Some(members)) = (&it.policy, policy.as_object_mut()) {
        members.insert("uid".into(), json!(digest.to_string()));
    }
    draft.add("policy", policy);
}

/// A message that an inspector judged.
pub(super) fn message(draft: &mut Draft<'_>, it: &Inspected) {
    let is_allowed = it.verdict != MessageVerdict::Block;
    let (activity, name) = if is_allowed { (6, "Traffic") } else { (5, "Refuse") };
    draft.is(NETWORK, activity, name);
    let both = Ends { src: it.src.clone(), dst: it.dst.clone(), transport: Some(it.transport) };
    ends(draft, &both, None);
    control(draft, is_allowed, it.page || it.verdict == MessageVerdict::PassFlag);
    rule(draft, &it.rules);
    draft.add("traffic", json!({ "bytes": long(it.bytes), "bytes_out": long(it.bytes) }));
}

/// A flow or a command that only emergency mode allowed.
pub(super) fn emergency(draft: &mut Draft<'_>, it: &Emergency) {
    let (activity, name) = match it.action {
        EmergencyAction::FlowOpen => (1, "Open"),
        EmergencyAction::FlowClose => (2, "Close"),
        EmergencyAction::Badge
        | EmergencyAction::Command
        | EmergencyAction::Fault
        | EmergencyAction::Relax
        | EmergencyAction::Start
        | EmergencyAction::Stop
        | EmergencyAction::Tamper => (6, "Traffic"),
    };
    draft.is(NETWORK, activity, name);
    let both = Ends {
        src: it.src.clone().unwrap_or_default(),
        dst: it.dst.clone().unwrap_or_default(),
        transport: it.transport,
    };
    ends(draft, &both, None);
    control(draft, true, !it.drill);
    let (sent, received) = both.as_called(it.device.as_ref(), it.bytes_up, it.bytes_down);
    draft.add("traffic", traffic(sent, received, None));
    if let Some(badge) = it.badges.last() {
        draft.profile(HOST);
        draft.add("actor", json!({ "user": object::person(badge) }));
    }
}

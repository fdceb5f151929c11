//! Findings: 2004 Detection Finding, 2005 Incident Finding.
//!
//! Source: OCSF 1.8 detection_finding, incident_finding, finding_info, evidences.

use cordon_model::Evidence;
use cordon_model::event::{
    Actor, Emergency, EmergencyAction, EventId, Finding, FindingAction, FindingStatus, Incident,
    IncidentAction,
};
use serde_json::{Map, Value, json};

use super::{Class, Draft, HOST, SECURITY_CONTROL, long, object};
use crate::export::format::traffic::Ends;

const DETECTION: Class = Class::new(2, "Findings", 4, "Detection Finding");
const INCIDENT: Class = Class::new(2, "Findings", 5, "Incident Finding");

/// What was done, by action and disposition.
/// # Source
/// OCSF 1.8 security_control `action_id`, `disposition_id`.
fn control(draft: &mut Draft<'_>, action: FindingAction) {
    let (action, name, disposition, disposition_name) = match action {
        FindingAction::Blocked => (2, "Denied", 2, "Blocked"),
        FindingAction::Contained => (2, "Denied", 3, "Quarantined"),
        FindingAction::Isolated => (2, "Denied", 4, "Isolated"),
        FindingAction::Observed => (3, "Observed", 15, "Detected"),
    };
    draft.profile(SECURITY_CONTROL);
    draft.add("action_id", action);
    draft.add("action", name);
    draft.add("disposition_id", disposition);
    draft.add("disposition", disposition_name);
}

/// # Source
/// OCSF 1.8 detection_finding `confidence_id`; finding_info.analytic `type_id` 1 Rule,
/// 3 Statistical.
fn confidence(evidence: Evidence) -> (u64, &'static str) {
    match evidence {
        Evidence::E0 | Evidence::E1 => (1, "Low"),
        Evidence::E2 => (2, "Medium"),
        Evidence::E3 | Evidence::E4 => (3, "High"),
    }
}

/// # Source
/// OCSF 1.8 detection_finding `status_id`.
fn life(draft: &mut Draft<'_>, status: FindingStatus) {
    let (activity, activity_name, status, status_name) = match status {
        FindingStatus::New => (1, "Create", 1, "New"),
        FindingStatus::Update => (2, "Update", 2, "In Progress"),
        FindingStatus::Close => (3, "Close", 4, "Resolved"),
    };
    draft.is(DETECTION, activity, activity_name);
    draft.add("status_id", status);
    draft.add("status", status_name);
}

/// Something that was found.
pub(super) fn finding(draft: &mut Draft<'_>, it: &Finding) {
    life(draft, it.status);
    control(draft, it.action);
    let (confidence, name) = confidence(it.evidence);
    draft.add("confidence_id", confidence);
    draft.add("confidence", name);
    draft.add("is_alert", it.evidence >= Evidence::E2 && it.status != FindingStatus::Close);
    let (kind, kind_name) = match it.evidence {
        Evidence::E1 | Evidence::E2 => (3, "Statistical"),
        Evidence::E0 | Evidence::E3 | Evidence::E4 => (1, "Rule"),
    };
    let mut info = json!({
        "analytic": {
            "name": it.rule.as_str(),
            "type": kind_name,
            "type_id": kind,
            "uid": it.rule.as_str(),
        },
        "title": draft.outline.title,
        "types": [it.rule.as_str()],
        "uid": it.name.as_str(),
    });
    if let Some(members) = info.as_object_mut() {
        if it.status == FindingStatus::New {
            members.insert("created_time".into(), long(draft.item.event.at.0));
        }
        if !it.seen_in.is_empty() {
            members.insert("related_events".into(), related(&it.seen_in));
        }
    }
    draft.add("finding_info", info);
    if let Some(device) = &it.device {
        draft.add("device", object::device(device));
    }
    if let Some(evidence) = evidence(it) {
        draft.add("evidences", vec![evidence]);
    }
}

fn related(ids: &[EventId]) -> Value {
    ids.iter().map(|id| json!({ "uid": id.to_string() })).collect()
}

fn evidence(it: &Finding) -> Option<Value> {
    let ends = Ends { src: it.src.clone(), dst: it.dst.clone(), transport: it.transport };
    let mut out = Map::new();
    if let Some(src) = object::endpoint(&it.src, it.vlan) {
        out.insert("src_endpoint".into(), src);
    }
    if let Some(dst) = object::endpoint(&it.dst, None) {
        out.insert("dst_endpoint".into(), dst);
    }
    if it.transport.is_some() {
        out.insert("connection_info".into(), object::connection(&ends));
    }
    if out.is_empty() {
        return None;
    }
    if let Some(ja4) = &it.ja4 {
        let print = json!([{ "type": "JA4", "type_id": 1, "value": ja4.as_str() }]);
        out.insert("ja4_fingerprint_list".into(), print);
    }
    Some(Value::Object(out))
}

/// A step of an emergency that is no flow; every step of one activation has the same finding.
pub(super) fn emergency(draft: &mut Draft<'_>, it: &Emergency) {
    let status = match it.action {
        EmergencyAction::Stop => FindingStatus::Close,
        EmergencyAction::Fault | EmergencyAction::Start | EmergencyAction::Tamper => {
            FindingStatus::New
        }
        EmergencyAction::Badge
        | EmergencyAction::Command
        | EmergencyAction::FlowClose
        | EmergencyAction::FlowOpen
        | EmergencyAction::Relax => FindingStatus::Update,
    };
    life(draft, status);
    draft.add("is_alert", !it.drill && status == FindingStatus::New);
    // A fault or a cut line is its own matter, whatever activation runs.
    let uid = match it.action {
        EmergencyAction::Fault | EmergencyAction::Tamper => draft.item.id.to_string(),
        EmergencyAction::Badge
        | EmergencyAction::Command
        | EmergencyAction::FlowClose
        | EmergencyAction::FlowOpen
        | EmergencyAction::Relax
        | EmergencyAction::Start
        | EmergencyAction::Stop => format!("{}/{}", it.station, it.activation),
    };
    let info = json!({
        "analytic": { "name": "emergency-key", "type": "Rule", "type_id": 1 },
        "title": draft.outline.title,
        "types": ["emergency"],
        "uid": uid,
    });
    draft.add("finding_info", info);
    draft.add("device", object::point(it.gateway.as_str()));
    let users: Vec<Value> =
        it.badges.iter().map(|badge| json!({ "user": object::person(badge) })).collect();
    if !users.is_empty() {
        draft.add("evidences", users);
    }
}

/// An incident.
/// # Source
/// OCSF 1.8 incident_finding `status_id`, `verdict_id`; an assignee or a group is wanted.
pub(super) fn incident(draft: &mut Draft<'_>, it: &Incident) {
    let (activity, activity_name, status, status_name) = match it.action {
        IncidentAction::Open => (1, "Create", 1, "New"),
        IncidentAction::Update => (2, "Update", 2, "In Progress"),
        IncidentAction::Close => (3, "Close", 5, "Closed"),
    };
    draft.is(INCIDENT, activity, activity_name);
    draft.add("status_id", status);
    draft.add("status", status_name);
    draft.add("desc", it.name.as_str());
    draft.add("assignee_group", json!({ "name": "security" }));
    if let Some(by) = &it.by {
        draft.profile(HOST);
        draft.add("actor", json!({ "user": object::user(by) }));
        if let Actor::Person(_) = by {
            draft.add("assignee", object::user(by));
        }
    }
    if let Some(device) = &it.device {
        draft.profile(HOST);
        draft.add("device", object::device(device));
    }
    // The schema wants a finding; where none is named, the incident stands for itself.
    let findings: Vec<Value> = if it.findings.is_empty() {
        vec![json!({ "title": draft.outline.title, "uid": it.name.as_str() })]
    } else {
        it.findings.iter().map(|id| json!({ "uid": id.to_string() })).collect()
    };
    draft.add("finding_info_list", findings);
    if let Some(outcome) = &it.outcome {
        let (verdict, name) = match outcome.as_str() {
            "false-alarm" => (1, "False Positive"),
            "remediated" => (2, "True Positive"),
            other => (99, other),
        };
        draft.add("verdict_id", verdict);
        draft.add("verdict", name);
    }
}

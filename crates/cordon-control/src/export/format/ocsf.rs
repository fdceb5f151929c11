//! OCSF 1.8: each record as one event of the Open Cybersecurity Schema Framework.
//!
//! | event | class | activity |
//! |---|---|---|
//! | finding | 2004 Detection Finding | 1 create, 2 update, 3 close |
//! | emergency: start, stop, badge, fault, tamper | 2004, alert | 1, 3, 2, 1, 1 |
//! | emergency: rule relaxed | 3003 Authorize Session | 1 assign privileges |
//! | emergency: flow, command | 4001 Network Activity | 1 open, 2 close, 6 traffic |
//! | incident | 2005 Incident Finding | 1 create, 2 update, 3 close |
//! | flow, message, decision | 4001 Network Activity | 1 open, 5 refuse, 6 traffic |
//! | authentication | 3002 Authentication | 1 logon |
//! | certificate | 3004 Entity Management | 1 create, 3 update, 11 deactivate, 99 |
//! | inventory: enrolled, retired | 3004 Entity Management | 6 enroll, 7 unenroll |
//! | inventory: seen, changed, moved | 5001 Device Inventory Info | 2 collect, 1 log |
//! | attestation | 5019 Device Config State Change | 1 log |
//! | state: contained, isolated, or back from it | 7001 Remediation Activity | 1 isolate, 3 restore, 99 |
//! | state: any other change | 5019 Device Config State Change | 1 log |
//! | policy | 6003 API Activity | 1 create, 3 update |
//! | alarm | 6008 Application Error | 1 general error, 99 clear |
//! | journal | 1008 Event Log Activity | 2 delete, 3 export, 6 start, 8 restart, 99 |
//! | health, review | 0 Base Event | 99 |
//!
//! Tier, zone, segment, evidence and the whole of `what` stand under `unmapped`; so do the hashes of
//! the record, by the names of the `record_integrity` profile, which is new in 1.9. Nothing is used
//! that 1.9 added (`attestation_list`, `updated_entity`, `initiator_id`, `notes`, `uid_numeric`,
//! `encoding_id` of a fingerprint …), and nothing that was deprecated by then.
//!
//! Source: OCSF 1.8 base_event, metadata.

mod device;
mod finding;
mod identity;
mod network;
mod object;
mod program;

use cordon_model::event::{EmergencyAction, InventoryAction, Severity};
use cordon_model::{DeviceState, What};
use serde_json::{Map, Value, json};

use super::outline::Outline;
use super::{Item, PRODUCT, VENDOR, VERSION};

/// The version of the schema that events claim.
pub const SCHEMA_VERSION: &str = "1.8.0";

/// A class of events: its number inside its category, its names.
/// # Source
/// OCSF 1.8 categories; class_uid = category_uid × 1000 + uid.
#[derive(Debug, Clone, Copy)]
struct Class {
    category: u64,
    category_name: &'static str,
    uid: u64,
    name: &'static str,
}

impl Class {
    const fn new(category: u64, category_name: &'static str, uid: u64, name: &'static str) -> Self {
        Self { category, category_name, uid, name }
    }
}

const BASE_EVENT: Class = Class::new(0, "Uncategorized", 0, "Base Event");

/// The profiles that an event may name.
/// # Source
/// OCSF 1.8 profiles.
const HOST: &str = "host";
const SECURITY_CONTROL: &str = "security_control";

/// An event while it is being made.
struct Draft<'a> {
    item: &'a Item<'a>,
    outline: &'a Outline,
    out: Map<String, Value>,
    profiles: Vec<&'static str>,
}

impl Draft<'_> {
    fn add(&mut self, name: &str, value: impl Into<Value>) {
        self.out.insert(name.to_owned(), value.into());
    }

    fn text(&mut self, name: &str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.add(name, value.to_string());
        }
    }

    /// Says what the event is.
    /// # Source
    /// OCSF 1.8 base_event: type_uid = class_uid × 100 + activity_id.
    fn is(&mut self, class: Class, activity: u64, activity_name: &str) {
        let class_uid = class.category * 1_000 + class.uid;
        self.add("category_uid", class.category);
        self.add("category_name", class.category_name);
        self.add("class_uid", class_uid);
        self.add("class_name", class.name);
        self.add("activity_id", activity);
        self.add("activity_name", activity_name);
        self.add("type_uid", class_uid * 100 + activity);
        self.add("type_name", format!("{}: {activity_name}", class.name));
    }

    /// Adds attributes of a profile, and names the profile.
    fn profile(&mut self, profile: &'static str) {
        if !self.profiles.contains(&profile) {
            self.profiles.push(profile);
        }
    }

    /// Says whether it came off.
    /// # Source
    /// OCSF 1.8 base_event `status_id`.
    fn status(&mut self, is_success: bool) {
        self.add("status_id", if is_success { 1 } else { 2 });
        self.add("status", if is_success { "Success" } else { "Failure" });
    }
}

/// Writes the record as one OCSF event, in one line without its end.
/// # Source
/// OCSF 1.8.
#[must_use]
pub fn line(item: &Item<'_>) -> String {
    super::canonical(event(item))
}

/// Makes the OCSF event of a record.
/// # Source
/// OCSF 1.8.
#[must_use]
pub fn event(item: &Item<'_>) -> Value {
    let outline = Outline::of(item.event);
    let mut draft = Draft { item, outline: &outline, out: Map::new(), profiles: Vec::new() };
    draft.add("message", outline.title.as_str());
    draft.add("time", long(item.event.at.0));
    let (severity, name) = severity(outline.severity);
    draft.add("severity_id", severity);
    draft.add("severity", name);
    class(&mut draft, &item.event.what);
    let metadata = metadata(&draft);
    draft.add("metadata", metadata);
    let unmapped = unmapped(item, &outline);
    draft.add("unmapped", unmapped);
    Value::Object(draft.out)
}

fn class(draft: &mut Draft<'_>, what: &What) {
    match what {
        What::Alarm(it) => program::alarm(draft, it),
        What::Authentication(it) => identity::authentication(draft, it),
        What::Attestation(it) => device::attestation(draft, it),
        What::Certificate(it) => identity::certificate(draft, it),
        What::Decision(it) => network::decision(draft, it),
        What::Emergency(it) => match it.action {
            EmergencyAction::Command | EmergencyAction::FlowClose | EmergencyAction::FlowOpen => {
                network::emergency(draft, it);
            }
            EmergencyAction::Relax => identity::relax(draft, it),
            EmergencyAction::Badge
            | EmergencyAction::Fault
            | EmergencyAction::Start
            | EmergencyAction::Stop
            | EmergencyAction::Tamper => finding::emergency(draft, it),
        },
        What::Finding(it) => finding::finding(draft, it),
        What::Flow(it) => network::flow(draft, it),
        What::Health(_) => base(draft, "Report"),
        What::Incident(it) => finding::incident(draft, it),
        What::Inventory(it) => match it.action {
            InventoryAction::Enroll | InventoryAction::Retire => identity::inventory(draft, it),
            InventoryAction::Change | InventoryAction::Move | InventoryAction::See => {
                device::inventory(draft, it);
            }
        },
        What::Journal(it) => program::journal(draft, it),
        What::Message(it) => network::message(draft, it),
        What::Policy(it) => program::policy(draft, it),
        What::Review(_) => base(draft, "Review"),
        What::State(it) => {
            if is_cut_off(it.from) || is_cut_off(it.to) {
                device::remediation(draft, it);
            } else {
                device::state(draft, it);
            }
        }
    }
}

fn is_cut_off(state: DeviceState) -> bool {
    matches!(state, DeviceState::Contained | DeviceState::Isolated)
}

/// What no class of the schema is about: how a point is, and that a person has to look.
/// # Source
/// OCSF 1.8 base_event: for events that the schema does not define otherwise.
fn base(draft: &mut Draft<'_>, name: &str) {
    draft.is(BASE_EVENT, 99, name);
    if let Some(point) = &draft.item.event.point {
        let device = object::point(point.as_str());
        draft.profile(HOST);
        draft.add("device", device);
    }
}

/// # Source
/// OCSF 1.8 metadata: `uid` names the event, `logged_time` is when it was written down.
fn metadata(draft: &Draft<'_>) -> Value {
    let item = draft.item;
    let mut metadata = json!({
        "event_code": draft.outline.signature,
        "log_name": item.id.stream.name(),
        "log_provider": PRODUCT,
        "logged_time": long(item.time.0),
        "original_event_uid": item.id.to_string(),
        "product": { "name": PRODUCT, "vendor_name": VENDOR, "version": VERSION },
        "reporter": { "name": item.seen_by(), "hostname": item.host },
        "uid": item.id.to_string(),
        "version": SCHEMA_VERSION,
    });
    let Some(members) = metadata.as_object_mut() else { return metadata };
    if let Some(case) = &draft.outline.case {
        members.insert("correlation_uid".into(), json!(case));
    }
    if !draft.profiles.is_empty() {
        members.insert("profiles".into(), json!(draft.profiles));
    }
    metadata
}

/// # Source
/// OCSF 1.9 record_integrity: the names of the hash and of the chain.
fn unmapped(item: &Item<'_>, outline: &Outline) -> Value {
    let mut unmapped = Map::new();
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            unmapped.insert(name.to_owned(), Value::String(value));
        }
    };
    add("tier", outline.tier.map(|it| it.to_string()));
    add("segment", outline.segment.as_ref().map(ToString::to_string));
    add("zone", outline.zone.as_ref().map(ToString::to_string));
    add("evidence", outline.evidence.map(|it| it.to_string()));
    let attestation = json!({
        "chain_uid": format!("{}/{}", item.id.writer, item.id.stream),
        "fingerprint": { "algorithm": "SHA-256", "algorithm_id": 3, "value": item.hash },
        "prev_event": {
            "fingerprint": { "algorithm": "SHA-256", "algorithm_id": 3, "value": item.after },
            "uid": previous(item),
        },
    });
    unmapped.insert("attestation_list".into(), Value::Array(vec![attestation]));
    // An event has no map with foreign keys and no number that JSON lacks: this cannot fail.
    unmapped.insert("what".into(), serde_json::to_value(&item.event.what).unwrap_or_default());
    Value::Object(unmapped)
}

fn previous(item: &Item<'_>) -> Option<String> {
    let mut id = item.id.clone();
    id.seq = id.seq.checked_sub(1)?;
    Some(id.to_string())
}

/// A number as `long_t`, which has a sign.
/// # Source
/// OCSF 1.8 dictionary `long_t`.
fn long(number: u64) -> Value {
    Value::from(i64::try_from(number).unwrap_or(i64::MAX))
}

/// # Source
/// OCSF 1.8 base_event `severity_id`.
fn severity(severity: Severity) -> (u64, &'static str) {
    match severity {
        Severity::Info => (1, "Informational"),
        Severity::Low => (2, "Low"),
        Severity::Medium => (3, "Medium"),
        Severity::High => (4, "High"),
        Severity::Critical => (5, "Critical"),
    }
}

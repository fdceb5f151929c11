//! The fields of each model of Splunk's Common Information Model.
//!
//! Source: Splunk CIM 5.0 §Alerts, §Authentication, §Certificates, §Change, §Intrusion Detection,
//! §Network Traffic.

use cordon_model::What;
use cordon_model::event::{
    Alarm, AlarmState, Certificate, CertificateAction, InventoryAction, JournalNote, Outcome,
    Party, PolicyAction, ReviewAction, Severity,
};
use serde_json::{Map, Value, json};

use super::SourceType;
use crate::export::format::outline::{Outline, Verdict, party_name};
use crate::export::format::{Item, PRODUCT, VENDOR};

/// Gives the word of the models for a severity.
/// # Source
/// Splunk CIM 5.0 §Alerts; Splunk CIM 5.0 §Intrusion Detection.
pub(super) fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "informational",
        Severity::Low => "low",
        Severity::Medium => "medium",
        Severity::High => "high",
        Severity::Critical => "critical",
    }
}

struct Fields(Map<String, Value>);

impl Fields {
    fn add(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }

    fn text(&mut self, name: &str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.add(name, value.to_string());
        }
    }
}

/// Gives the object `event`.
pub(super) fn event(item: &Item<'_>, outline: &Outline, sourcetype: SourceType) -> Value {
    let mut out = Fields(Map::new());
    common(item, outline, &mut out);
    match sourcetype {
        SourceType::Alert => alert(item, outline, &mut out),
        SourceType::Auth => authentication(item, outline, &mut out),
        SourceType::Cert => {
            if let What::Certificate(it) = &item.event.what {
                certificate(item, it, &mut out);
            }
        }
        SourceType::Change => change(item, outline, &mut out),
        SourceType::Finding => finding(outline, &mut out),
        SourceType::Flow => flow(outline, &mut out),
        SourceType::Health => {}
    }
    // An event has no map with foreign keys and no number that JSON lacks: this cannot fail.
    out.add("record", serde_json::to_value(item.event).unwrap_or_default());
    Value::Object(out.0)
}

fn common(item: &Item<'_>, outline: &Outline, out: &mut Fields) {
    out.text("uid", Some(item.id));
    out.add("vendor_product", format!("{VENDOR} {PRODUCT}"));
    out.add("dvc", item.seen_by());
    out.add("signature_id", outline.signature.as_str());
    out.add("severity", severity(outline.severity));
    out.add("message", outline.title.as_str());
    out.text("case", outline.case.as_ref());
    out.text("device", outline.device.as_ref());
    out.text("reason", outline.reason.as_ref());
    out.text("tier", outline.tier);
    out.text("user", outline.user.as_ref());
    out.text("user_role", outline.role.as_ref());
    out.add("record_hash", item.hash);
    out.add("recorded", item.time.0);
}

fn ends(outline: &Outline, out: &mut Fields) {
    let end = |party: &Party| party_name(party);
    out.text("src", end(&outline.src));
    out.text("src_ip", outline.src.address);
    out.text("src_mac", outline.src.mac);
    out.text("dest", end(&outline.dst));
    out.text("dest_ip", outline.dst.address);
    out.text("dest_mac", outline.dst.mac);
    for (name, port) in [("src_port", outline.src.port), ("dest_port", outline.dst.port)] {
        if let Some(port) = port {
            out.add(name, port);
        }
    }
    out.text("transport", outline.transport);
    out.text("app", outline.protocol);
    out.text("operation", outline.operation);
}

fn action(outline: &Outline) -> &'static str {
    outline.verdict.unwrap_or(Verdict::Allowed).name()
}

/// # Source
/// Splunk CIM 5.0 §Intrusion Detection.
fn finding(outline: &Outline, out: &mut Fields) {
    ends(outline, out);
    out.add("action", action(outline));
    out.add("ids_type", "network");
    out.add("category", outline.evidence.map_or("inspection", |evidence| evidence.name()));
    // A message names its reasons; the first word of them is as good as the rule of a finding.
    let signature = outline.evidence.and(outline.rule.as_ref()).or(outline.reason.as_ref());
    out.add("signature", signature.unwrap_or(&outline.signature).as_str());
    if let Some(bytes) = outline.attempted_bytes {
        out.add("attempted_bytes", bytes);
    }
    out.text("vlan", outline.vlan);
}

/// # Source
/// Splunk CIM 5.0 §Network Traffic.
fn flow(outline: &Outline, out: &mut Fields) {
    ends(outline, out);
    out.add("action", action(outline));
    out.text("rule", outline.rule.as_ref());
    out.text("vlan", outline.vlan);
    out.text("protocol", (outline.src.address.or(outline.dst.address)).map(|_| "ip"));
    let numbers = [
        ("bytes_in", outline.bytes_in),
        ("bytes_out", outline.bytes_out),
        ("packets", outline.packets),
    ];
    for (name, number) in numbers {
        if let Some(number) = number {
            out.add(name, number);
        }
    }
    if let (Some(sent), Some(received)) = (outline.bytes_out, outline.bytes_in) {
        out.add("bytes", sent.saturating_add(received));
    }
}

/// # Source
/// Splunk CIM 5.0 §Authentication.
fn authentication(item: &Item<'_>, outline: &Outline, out: &mut Fields) {
    ends(outline, out);
    out.add("app", PRODUCT);
    out.add("action", outline.outcome.unwrap_or(Outcome::Failure).name());
    let What::Authentication(it) = &item.event.what else { return };
    out.add("authentication_method", it.method.as_str());
    out.add("dest", it.to.as_ref().map_or_else(|| item.seen_by(), |point| point.as_str()));
    let user = outline.user.clone().or_else(|| party_name(&it.party));
    out.add("user", user.unwrap_or_else(|| "unknown".to_owned()));
}

/// # Source
/// Splunk CIM 5.0 §Change: `action` and `object_category` have closed lists of words.
fn change(item: &Item<'_>, outline: &Outline, out: &mut Fields) {
    let (action, kind, category) = match &item.event.what {
        What::Attestation(_) => ("modified", "attestation", "device"),
        What::Inventory(it) => match it.action {
            InventoryAction::Enroll => ("created", "inventory", "device"),
            InventoryAction::Retire => ("deleted", "inventory", "device"),
            InventoryAction::See => ("read", "inventory", "device"),
            InventoryAction::Change | InventoryAction::Move => ("modified", "inventory", "device"),
        },
        What::Journal(it) => (journal(it), "auditing", "audit-log"),
        What::Policy(it) => match it.action {
            PolicyAction::Publish => ("created", "policy", "policy"),
            PolicyAction::Activate | PolicyAction::Refuse => ("modified", "policy", "policy"),
        },
        What::Review(it) => match it.action {
            ReviewAction::Open => ("created", "review", "review"),
            ReviewAction::Close | ReviewAction::Overdue => ("modified", "review", "review"),
        },
        What::State(_) => ("modified", "state", "device"),
        What::Alarm(_)
        | What::Authentication(_)
        | What::Certificate(_)
        | What::Decision(_)
        | What::Emergency(_)
        | What::Finding(_)
        | What::Flow(_)
        | What::Health(_)
        | What::Incident(_)
        | What::Message(_) => ("modified", "other", "other"),
    };
    ends(outline, out);
    out.add("action", action);
    out.add("change_type", kind);
    out.add("object_category", category);
    out.add("object", object(item, outline));
    out.add("result", outline.title.as_str());
    out.add("status", outline.outcome.unwrap_or(Outcome::Success).name());
    let user = outline.user.as_deref().unwrap_or(item.host);
    out.add("user", user);
}

fn object(item: &Item<'_>, outline: &Outline) -> String {
    let device = outline.device.as_ref().map(ToString::to_string);
    match &item.event.what {
        What::Policy(it) => it.policy.to_string(),
        What::Review(it) => it.subject.to_string(),
        What::Alarm(_)
        | What::Attestation(_)
        | What::Authentication(_)
        | What::Certificate(_)
        | What::Decision(_)
        | What::Emergency(_)
        | What::Finding(_)
        | What::Flow(_)
        | What::Health(_)
        | What::Incident(_)
        | What::Inventory(_)
        | What::Journal(_)
        | What::Message(_)
        | What::State(_) => {
            device.unwrap_or_else(|| format!("{}/{}", item.id.writer, item.id.stream))
        }
    }
}

fn journal(note: &JournalNote) -> &'static str {
    match note {
        JournalNote::Expire { .. } => "deleted",
        JournalNote::Export { .. } => "read",
        JournalNote::Start { .. } => "started",
        JournalNote::Restart { .. } => "cleared",
        JournalNote::Lose { .. } => "stopped",
        JournalNote::ClockStep { .. }
        | JournalNote::Hold { .. }
        | JournalNote::Recover { .. }
        | JournalNote::Release { .. } => "modified",
    }
}

/// # Source
/// Splunk CIM 5.0 §Alerts: `type` is alarm, alert, event, task or warning.
fn alert(item: &Item<'_>, outline: &Outline, out: &mut Fields) {
    ends(outline, out);
    out.add("app", PRODUCT);
    out.add("body", outline.title.as_str());
    out.add("signature", outline.signature.as_str());
    out.add("severity_id", cim_severity_id(outline.severity));
    out.text("id", outline.case.as_ref());
    let alarm = match &item.event.what {
        What::Alarm(it) => Some(it),
        What::Attestation(_)
        | What::Authentication(_)
        | What::Certificate(_)
        | What::Decision(_)
        | What::Emergency(_)
        | What::Finding(_)
        | What::Flow(_)
        | What::Health(_)
        | What::Incident(_)
        | What::Inventory(_)
        | What::Journal(_)
        | What::Message(_)
        | What::Policy(_)
        | What::Review(_)
        | What::State(_) => None,
    };
    out.add("type", if alarm.is_some() { "alarm" } else { "alert" });
    let src = || outline.device.as_ref().map_or(item.seen_by(), |device| device.as_str());
    out.add("src", alarm.map_or_else(src, |it| it.about.as_str()));
    if let Some(it) = alarm {
        out.add("status", alarm_state(it));
    }
    out.text("zone", outline.zone.as_ref());
}

fn alarm_state(alarm: &Alarm) -> &'static str {
    match alarm.state {
        AlarmState::Clear => "cleared",
        AlarmState::Raise => "raised",
    }
}

fn cim_severity_id(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "1",
        Severity::Low => "2",
        Severity::Medium => "3",
        Severity::High => "4",
        Severity::Critical => "5",
    }
}

/// # Source
/// Splunk CIM 5.0 §Certificates: times in seconds.
fn certificate(item: &Item<'_>, it: &Certificate, out: &mut Fields) {
    out.add("action", it.action.name());
    out.add("ssl_serial", it.serial.as_str());
    out.add("ssl_issuer", it.issuer.as_str());
    out.add("ssl_issuer_common_name", it.issuer.as_str());
    out.text("ssl_subject_common_name", it.device.as_ref());
    out.add("ssl_hash", it.fingerprint.digits());
    out.add("ssl_start_time", it.not_before.0 / 1_000);
    out.add("ssl_end_time", it.not_after.0 / 1_000);
    let now = item.event.at;
    let is_valid = it.action != CertificateAction::Revoke
        && (it.not_before.0..it.not_after.0).contains(&now.0);
    out.add("ssl_is_valid", json!(is_valid));
    out.text("dest", it.device.as_ref());
}

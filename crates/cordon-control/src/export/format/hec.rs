//! Splunk: objects for the HTTP Event Collector, with the field names of the Common Information Model.
//!
//! | source type | kinds | model |
//! |---|---|---|
//! | `cordon:finding` | finding; message blocked or remarked | Intrusion Detection |
//! | `cordon:flow` | flow; decision; message passed; emergency flows and commands | Network Traffic |
//! | `cordon:auth` | authentication | Authentication |
//! | `cordon:change` | attestation, inventory, journal, policy, review, state | Change |
//! | `cordon:alert` | alarm, incident, the rest of emergency | Alerts |
//! | `cordon:cert` | certificate | Certificates |
//! | `cordon:health` | health | none |
//!
//! What an allow list decides belongs to Network Traffic, what an inspector finds to Intrusion
//! Detection. The names need no add-on; which source types carry which tags is set in Splunk.
//! `record` is the event as it was recorded, so nothing is left out.
//!
//! Source: Splunk HTTP Event Collector §Format events; Splunk CIM 5.0.

mod cim;

use std::fmt::Write;

use cordon_model::event::{EmergencyAction, MessageVerdict};
use cordon_model::{Label, What};
use serde_json::{Map, Value, json};

use super::Item;
use super::outline::Outline;

/// The `source` of every object.
const SOURCE: &str = "cordon";

/// A source type: what Splunk knows the fields of an event by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SourceType {
    /// CIM Alerts.
    Alert,
    /// CIM Authentication.
    Auth,
    /// CIM Certificates.
    Cert,
    /// CIM Change.
    Change,
    /// CIM Intrusion Detection.
    Finding,
    /// CIM Network Traffic.
    Flow,
    /// No model.
    Health,
}

impl SourceType {
    /// Gives the name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Alert => "cordon:alert",
            Self::Auth => "cordon:auth",
            Self::Cert => "cordon:cert",
            Self::Change => "cordon:change",
            Self::Finding => "cordon:finding",
            Self::Flow => "cordon:flow",
            Self::Health => "cordon:health",
        }
    }

    /// Says which one an event has.
    #[must_use]
    pub fn of(what: &What) -> Self {
        match what {
            What::Alarm(_) | What::Incident(_) => Self::Alert,
            What::Authentication(_) => Self::Auth,
            What::Certificate(_) => Self::Cert,
            What::Attestation(_)
            | What::Inventory(_)
            | What::Journal(_)
            | What::Policy(_)
            | What::Review(_)
            | What::State(_) => Self::Change,
            What::Emergency(it) => match it.action {
                EmergencyAction::Command
                | EmergencyAction::FlowClose
                | EmergencyAction::FlowOpen => Self::Flow,
                EmergencyAction::Badge
                | EmergencyAction::Fault
                | EmergencyAction::Relax
                | EmergencyAction::Start
                | EmergencyAction::Stop
                | EmergencyAction::Tamper => Self::Alert,
            },
            What::Finding(_) => Self::Finding,
            What::Decision(_) | What::Flow(_) => Self::Flow,
            What::Health(_) => Self::Health,
            What::Message(it) => match it.verdict {
                MessageVerdict::Block | MessageVerdict::PassFlag => Self::Finding,
                MessageVerdict::Pass => Self::Flow,
            },
        }
    }
}

/// Writes the record as one object for the collector, in one line without its end.
///
/// Objects follow each other in a request, with or without a line end; never in an array.
/// # Shape
/// `index`: the index of Splunk, if the token's own is not meant.
/// # Source
/// Splunk HTTP Event Collector §Format events; `time` in seconds with decimals.
#[must_use]
pub fn line(item: &Item<'_>, index: Option<&Label>) -> String {
    let outline = Outline::of(item.event);
    let sourcetype = SourceType::of(&item.event.what);
    let mut rest = Map::new();
    rest.insert("host".into(), json!(item.host));
    rest.insert("source".into(), json!(SOURCE));
    rest.insert("sourcetype".into(), json!(sourcetype.name()));
    if let Some(index) = index {
        rest.insert("index".into(), json!(index.as_str()));
    }
    rest.insert("event".into(), cim::event(item, &outline, sourcetype));
    rest.insert("fields".into(), fields(item, &outline));
    let rest = super::canonical(Value::Object(rest));
    let at = item.event.at.0;
    let mut out = String::new();
    // Written by hand: a number with decimals must not become `1.767225600123e9`.
    let _ = write!(out, "{{\"time\":{}.{:03},", at / 1_000, at % 1_000);
    out.push_str(rest.strip_prefix('{').unwrap_or_default());
    out
}

/// What is indexed: flat, and of few values.
fn fields(item: &Item<'_>, outline: &Outline) -> Value {
    let mut fields = Map::new();
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            fields.insert(name.to_owned(), Value::String(value));
        }
    };
    add("kind", Some(item.event.what.kind().to_string()));
    add("evidence", outline.evidence.map(|it| it.to_string()));
    add("segment", outline.segment.as_ref().map(ToString::to_string));
    add("severity", Some(cim::severity(outline.severity).to_owned()));
    add("tier", outline.tier.map(|it| it.to_string()));
    add("zone", outline.zone.as_ref().map(ToString::to_string));
    Value::Object(fields)
}

#[cfg(test)]
mod tests;

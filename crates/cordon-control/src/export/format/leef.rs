//! LEEF 2.0: IBM QRadar's Log Event Extended Format, attributes parted by tabs.
//!
//! ```text
//! LEEF:2.0|Cordon|cordon|0.1.0|E3.unlisted-destination|x09|devTime=1767225600008<TAB>sev=8<TAB>…
//! ```
//!
//! LEEF knows no escape: a tab or a line end inside a value would end it, so both become a space,
//! and so does a pipe in the header. No field of an event can have one.
//!
//! Invariant: a line has no line end inside, and less than [`BYTES_MAX`] bytes.
//! Source: IBM QRadar LEEF 2.0 §LEEF event components, §Predefined LEEF event attributes.

use std::fmt::Display;

use cordon_model::What;
use cordon_model::event::{Actor, Severity};

use super::cef::shortened;
use super::outline::{Outline, party_name};
use super::{Item, PRODUCT, VENDOR, VERSION};

/// The most bytes that a line takes: every field is an identifier, a number, or a few of them.
pub const BYTES_MAX: usize = 4_096;

/// Gives the number of a severity.
/// # Source
/// IBM QRadar LEEF 2.0 §Predefined LEEF event attributes (`sev`, 1 to 10).
fn number(severity: Severity) -> u8 {
    match severity {
        Severity::Info => 1,
        Severity::Low => 3,
        Severity::Medium => 5,
        Severity::High => 8,
        Severity::Critical => 10,
    }
}

/// Writes the record as one line of LEEF, without its line end.
/// # Source
/// IBM QRadar LEEF 2.0 §LEEF event components.
#[must_use]
pub fn line(item: &Item<'_>) -> String {
    let outline = Outline::of(item.event);
    let mut out = String::from("LEEF:2.0");
    for field in [VENDOR, PRODUCT, VERSION, &outline.signature, "x09"] {
        out.push('|');
        plain(&field.replace('|', " "), &mut out);
    }
    out.push('|');
    let mut pairs = Pairs { out, is_first: true };
    predefined(item, &outline, &mut pairs);
    own(item, &outline, &mut pairs);
    pairs.out
}

fn predefined(item: &Item<'_>, outline: &Outline, pairs: &mut Pairs) {
    pairs.add("devTime", Some(item.event.at.0));
    pairs.add("sev", Some(number(outline.severity)));
    pairs.add("cat", Some(item.event.what.kind()));
    pairs.add("src", outline.src.address);
    pairs.add("srcPort", outline.src.port);
    pairs.add("srcMAC", outline.src.mac);
    pairs.add("dst", outline.dst.address);
    pairs.add("dstPort", outline.dst.port);
    pairs.add("dstMAC", outline.dst.mac);
    pairs.add("proto", outline.transport.map(|it| it.name().to_ascii_uppercase()));
    pairs.add("usrName", outline.user.as_ref());
    pairs.add("role", outline.role.as_ref());
    pairs.add("srcBytes", outline.bytes_out);
    pairs.add("dstBytes", outline.bytes_in);
    pairs.add("totalPackets", outline.packets);
    pairs.add("policy", outline.rule.as_deref().map(shortened));
    pairs.add("resource", outline.device.as_ref());
    pairs.add("isLoginEvent", is_login(item).then_some(true));
}

/// Says whether a person logged in; a device at its port is no login.
fn is_login(item: &Item<'_>) -> bool {
    match &item.event.what {
        What::Authentication(it) => matches!(it.actor, Some(Actor::Person(_))),
        What::Alarm(_)
        | What::Attestation(_)
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
        | What::State(_) => false,
    }
}

fn own(item: &Item<'_>, outline: &Outline, pairs: &mut Pairs) {
    pairs.add("uid", Some(item.id));
    pairs.add("title", Some(&outline.title));
    pairs.add("action", outline.verdict.map(|verdict| verdict.name()));
    pairs.add("outcome", outline.outcome.map(|outcome| outcome.name()));
    pairs.add("reason", outline.reason.as_deref().map(shortened));
    pairs.add("dvchost", Some(item.seen_by()));
    pairs.add("srcName", party_name(&outline.src));
    pairs.add("dstName", party_name(&outline.dst));
    pairs.add("app", outline.protocol);
    pairs.add("operation", outline.operation);
    pairs.add("tier", outline.tier);
    pairs.add("segment", outline.segment.as_ref());
    pairs.add("zone", outline.zone.as_ref());
    pairs.add("vlan", outline.vlan);
    pairs.add("evidence", outline.evidence);
    pairs.add("case", outline.case.as_ref());
    pairs.add("attemptedBytes", outline.attempted_bytes);
    pairs.add("recordHash", Some(item.hash));
}

/// Writes a text without what would end a value.
fn plain(text: &str, out: &mut String) {
    out.extend(text.chars().map(|c| if c.is_control() { ' ' } else { c }));
}

struct Pairs {
    out: String,
    is_first: bool,
}

impl Pairs {
    fn add(&mut self, key: &str, value: Option<impl Display>) {
        let Some(value) = value else { return };
        if !self.is_first {
            self.out.push('\t');
        }
        self.is_first = false;
        self.out.push_str(key);
        self.out.push('=');
        plain(&value.to_string(), &mut self.out);
    }
}

#[cfg(test)]
mod tests;

//! CEF: ArcSight's Common Event Format, which Sentinel, Splunk and most collectors read.
//!
//! ```text
//! CEF:0|Cordon|cordon|0.1.0|E3.unlisted-destination|Finding: unlisted-destination, blocked|8|rt=…
//! ```
//!
//! Invariant: a line has no line end inside, and less than [`BYTES_MAX`] bytes.
//! Source: ArcSight Common Event Format §Header, §Extension, §Character Encoding.

use std::fmt::{Display, Write};

use cordon_model::event::Severity;

use super::outline::{Outline, party_name};
use super::{Item, PRODUCT, VENDOR, VERSION};

/// The most bytes that a line takes: every field is an identifier, a number, or a few of them.
pub const BYTES_MAX: usize = 4_096;

/// Most bytes of a list of reasons or rules.
const LIST_BYTES_MAX: usize = 512;

/// Gives the number of a severity.
/// # Source
/// ArcSight Common Event Format §Header: 0–3 low, 4–6 medium, 7–8 high, 9–10 very high.
fn number(severity: Severity) -> u8 {
    match severity {
        Severity::Info => 1,
        Severity::Low => 3,
        Severity::Medium => 5,
        Severity::High => 8,
        Severity::Critical => 10,
    }
}

/// Writes the record as one line of CEF, without its line end.
/// # Source
/// ArcSight Common Event Format §Header, §Extension.
#[must_use]
pub fn line(item: &Item<'_>) -> String {
    let outline = Outline::of(item.event);
    let mut out = String::from("CEF:0");
    for field in [VENDOR, PRODUCT, VERSION, &outline.signature, &outline.title] {
        out.push('|');
        escape_header(field, &mut out);
    }
    let _ = write!(out, "|{}|", number(outline.severity));
    let mut pairs = Pairs { out, is_first: true };
    identity(item, &outline, &mut pairs);
    ends(&outline, &mut pairs);
    custom(item, &outline, &mut pairs);
    pairs.out
}

fn identity(item: &Item<'_>, outline: &Outline, pairs: &mut Pairs) {
    pairs.add("rt", Some(item.event.at.0));
    pairs.add("externalId", Some(item.id));
    pairs.add("cat", Some(item.event.what.kind()));
    pairs.add("dvchost", Some(item.seen_by()));
    pairs.add("act", outline.verdict.map(|verdict| verdict.name()));
    pairs.add("outcome", outline.outcome.map(|outcome| outcome.name()));
    pairs.add("reason", outline.reason.as_deref().map(shortened));
}

fn ends(outline: &Outline, pairs: &mut Pairs) {
    let name = |party| party_name(party).filter(|_| has_name(party));
    pairs.add("src", outline.src.address);
    pairs.add("spt", outline.src.port);
    pairs.add("smac", outline.src.mac);
    pairs.add("shost", name(&outline.src));
    pairs.add("suser", outline.user.as_ref());
    pairs.add("spriv", outline.role.as_ref());
    pairs.add("dst", outline.dst.address);
    pairs.add("dpt", outline.dst.port);
    pairs.add("dmac", outline.dst.mac);
    pairs.add("dhost", name(&outline.dst));
    pairs.add("proto", outline.transport.map(|it| it.name().to_ascii_uppercase()));
    pairs.add("app", outline.protocol);
    pairs.add("in", outline.bytes_in);
    pairs.add("out", outline.bytes_out);
    pairs.add("cnt", outline.packets);
}

/// The six texts and three numbers that a vendor may name.
fn custom(item: &Item<'_>, outline: &Outline, pairs: &mut Pairs) {
    pairs.custom("cs1", "tier", outline.tier);
    pairs.custom("cs2", "segment", outline.segment.as_ref());
    pairs.custom("cs3", "device", outline.device.as_ref());
    pairs.custom("cs4", "rule", outline.rule.as_deref().map(shortened));
    pairs.custom("cs5", "case", outline.case.as_ref());
    let zone = outline.zone.as_ref();
    match outline.operation {
        Some(operation) => pairs.custom("cs6", "operation", Some(operation)),
        None => pairs.custom("cs6", "zone", zone),
    }
    pairs.custom("cn1", "attemptedBytes", outline.attempted_bytes);
    pairs.custom("cn2", "vlan", outline.vlan);
    pairs.custom("flexString1", "recordHash", Some(item.hash));
    pairs.custom("flexString2", "evidence", outline.evidence);
}

fn has_name(party: &cordon_model::event::Party) -> bool {
    party.device.is_some() || party.service.is_some()
}

/// Cuts a list of words where it gets too long, and says so by a plus sign at its end.
pub(super) fn shortened(list: &str) -> String {
    if list.len() <= LIST_BYTES_MAX {
        return list.to_owned();
    }
    let mut cut = String::new();
    for word in list.split(',') {
        if cut.len() + word.len() + 3 > LIST_BYTES_MAX {
            break;
        }
        cut.push_str(word);
        cut.push(',');
    }
    cut.push('+');
    cut
}

struct Pairs {
    out: String,
    is_first: bool,
}

impl Pairs {
    fn add(&mut self, key: &str, value: Option<impl Display>) {
        let Some(value) = value else { return };
        if !self.is_first {
            self.out.push(' ');
        }
        self.is_first = false;
        self.out.push_str(key);
        self.out.push('=');
        escape_value(&value.to_string(), &mut self.out);
    }

    fn custom(&mut self, key: &str, label: &str, value: Option<impl Display>) {
        if value.is_some() {
            self.add(&format!("{key}Label"), Some(label));
            self.add(key, value);
        }
    }
}

/// Writes a field of the header: `|` and `\` escaped, and no line end.
/// # Source
/// ArcSight Common Event Format §Character Encoding.
pub fn escape_header(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '|' | '\\' => out.extend(['\\', c]),
            '\n' | '\r' => out.push(' '),
            _ => out.push(c),
        }
    }
}

/// Writes a value of the extension: `=`, `\` and line ends escaped.
/// # Source
/// ArcSight Common Event Format §Character Encoding.
pub fn escape_value(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '=' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            _ => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests;

//! What came of a scenario, for people.

use std::fmt::Write as _;

use super::{Played, Probe, Sent, Sum, line};
use crate::lab::witness::{Arrival, Blocked};

/// How many lines of one kind are shown before the rest is counted.
const LINES_MAX: usize = 20;

pub(super) fn write(out: &mut String, played: &Played) {
    sent(out, played);
    arrived(out, played);
    blocked(out, played);
    for (what, count) in &played.stopped {
        line(out, format!("  {what} — {count} messages"));
    }
    probes(out, played);
    for (kind, count) in &played.recorded {
        line(out, format!("  recorded by {kind}: {count}"));
    }
    for note in &played.notes {
        line(out, format!("note: {note}"));
    }
    for finding in played.findings.iter().take(LINES_MAX) {
        line(out, format!("FINDING: {finding}"));
    }
    more(out, played.findings.len());
    line(
        out,
        if played.findings.is_empty() {
            "nothing arrived that must not, and no lifeline lost anything"
        } else {
            "this must not be"
        },
    );
}

fn more(out: &mut String, count: usize) {
    if count > LINES_MAX {
        line(out, format!("  … and {} more", count - LINES_MAX));
    }
}

fn sent(out: &mut String, played: &Played) {
    if !played.sent.is_empty() {
        line(out, "sent");
    }
    for sent in played.sent.iter().take(LINES_MAX) {
        let bytes = if sent.bytes > 0 { format!(", {} bytes", sent.bytes) } else { String::new() };
        let Sent { device, what, count, answered, elapsed_ms, .. } = sent;
        line(
            out,
            format!("  {device}: {what} — {count}{bytes}, {answered} answered, {elapsed_ms} ms"),
        );
    }
    more(out, played.sent.len());
}

fn arrived(out: &mut String, played: &Played) {
    let Sum { flows, packets, bytes } = played.permitted;
    line(out, "arrived");
    line(out, format!("  as the plan permits: {flows} flows, {packets} packets, {bytes} bytes"));
    if played.intruded.is_empty() {
        line(out, "  otherwise: nothing");
    }
    for arrival in played.intruded.iter().take(LINES_MAX) {
        let Arrival { place, from, to, transport, port, packets, .. } = arrival;
        line(
            out,
            format!("  MUST NOT: {from} → {to} {transport} {port} at {place}: {packets} packets"),
        );
    }
    more(out, played.intruded.len());
}

fn blocked(out: &mut String, played: &Played) {
    if !played.blocked.is_empty() || !played.stopped.is_empty() {
        line(out, "blocked");
    }
    for Blocked { point, rule, packets, bytes } in &played.blocked {
        line(out, format!("  {point}: {rule} — {packets} packets, {bytes} bytes"));
    }
    if let Some(ms) = played.blocked_after_ms {
        line(out, format!("  a counter said so {ms} ms after the first packet"));
    }
}

fn probes(out: &mut String, played: &Played) {
    if !played.probes.is_empty() {
        line(out, "lifelines and probes");
    }
    for probe in &played.probes {
        let Probe { device, service, what, sent, lost, resets, .. } = probe;
        let mut text =
            format!("  {device} to {service} ({what}): {sent} sent, {lost} lost, {resets} resets");
        if let (Some(p50), Some(p99)) = (probe.p50_us, probe.p99_us) {
            let gap_ms = probe.gap_max_us / 1_000;
            let _ = write!(text, "; p50 {p50} µs, p99 {p99} µs, longest gap {gap_ms} ms");
        }
        if let Some(why) = &probe.why {
            let _ = write!(text, "; {why}");
        }
        line(out, text);
    }
}

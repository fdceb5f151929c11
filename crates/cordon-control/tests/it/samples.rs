//! Events of every kind, as stored, and events like them.

use cordon_control::export::format::Item;
use cordon_model::event::{Event, EventId, Retention};
use cordon_model::{WallMs, WriterId};
use proptest::prelude::*;
use serde_json::Value;

/// The texts of the stored events, one of every kind at least.
pub(crate) fn lines() -> Vec<String> {
    let path =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../cordon-model/testdata/stored/v1/events.jsonl");
    std::fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
}

/// The stored events.
pub(crate) fn events() -> Vec<Event> {
    lines().iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Calls `with` for a record of the event.
pub(crate) fn record<T>(seq: u64, event: &Event, with: impl FnOnce(&Item<'_>) -> T) -> T {
    let writer = WriterId::new("gw-b2-017").unwrap();
    let stream: Retention = event.what.kind().retention();
    let id = EventId { writer, stream, seq };
    with(&Item {
        after: "GG8wVEOcmrWQCWOhHwAaHYrbEfKrOVKyR9XnH0wqzYU=",
        event,
        hash: "x1YpVEOcmrWQCWOhHwAaHYrbEfKrOVKyR9XnH0wqzYU=",
        host: "gw-b2-017",
        id: &id,
        time: WallMs(event.at.0.saturating_add(3)),
    })
}

/// Every stored event through a format, one line each.
pub(crate) fn all(format: impl Fn(&Item<'_>) -> Option<String>) -> String {
    let mut out = String::new();
    for (seq, event) in (0..).zip(events()) {
        if let Some(line) = record(seq, &event, &format) {
            out.push_str(&line);
            out.push('\n');
        }
    }
    out
}

/// How many varied events a property is asked about; `cargo xtask soak` asks about many more.
pub(crate) fn cases(few: u32) -> ProptestConfig {
    let is_soak = std::env::var_os("CORDON_SOAK").is_some();
    let cases = if is_soak { few * 50 } else { few };
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// One change of a JSON text: where, what to do, and with what.
type Change = (prop::sample::Index, u8, prop::sample::Index, u64);

/// Events like the stored ones: members left out, numbers and words exchanged.
pub(crate) fn varied() -> impl Strategy<Value = Event> {
    let change = (any::<prop::sample::Index>(), 0u8..5, any::<prop::sample::Index>(), any::<u64>());
    let lines = lines();
    let words = words(&lines);
    (any::<prop::sample::Index>(), prop::collection::vec(change, 0..40)).prop_map(
        move |(which, changes)| {
            let line: &String = which.get(&lines);
            let mut value: Value = serde_json::from_str(line).unwrap();
            for change in &changes {
                let changed = apply(&value, change, &words);
                if serde_json::from_value::<Event>(changed.clone()).is_ok() {
                    value = changed;
                }
            }
            serde_json::from_value(value).unwrap()
        },
    )
}

/// Words of the closed lists of events.
const WORDS: &[&str] = &[
    "CONTAINED",
    "DISCOVERED",
    "E0",
    "E1",
    "E2",
    "E3",
    "E4",
    "ENROLLED",
    "ISOLATED",
    "NORMAL",
    "PROBATION",
    "REMEDIATION",
    "RETIRED",
    "SUSPECT",
    "activate",
    "badge",
    "block",
    "blocked",
    "change",
    "clear",
    "close",
    "command",
    "contained",
    "critical",
    "deny",
    "enroll",
    "expire",
    "failed",
    "failure",
    "false-alarm",
    "fault",
    "flow-close",
    "flow-open",
    "in",
    "info",
    "isolated",
    "issue",
    "move",
    "new",
    "observed",
    "open",
    "overdue",
    "pass",
    "pass-flag",
    "passed",
    "permit",
    "publish",
    "raise",
    "refuse",
    "relax",
    "remediated",
    "renew",
    "retire",
    "revoke",
    "see",
    "stale",
    "start",
    "stop",
    "success",
    "tamper",
    "udp",
    "unable",
    "unjustified",
    "update",
    "warn",
];

/// Every event that differs from a stored one by one word of the closed lists.
pub(crate) fn neighbours() -> Vec<Event> {
    let mut out = Vec::new();
    for line in lines() {
        let value: Value = serde_json::from_str(&line).unwrap();
        let mut all = Vec::new();
        pointers(&value, "", &mut all);
        for at in all.iter().filter(|at| value.pointer(at).unwrap().is_string()) {
            for word in WORDS {
                let mut changed = value.clone();
                *changed.pointer_mut(at).unwrap() = Value::from(*word);
                out.extend(serde_json::from_value(changed).ok());
            }
        }
    }
    out
}

/// Every word of the stored events and of the closed lists, and the shortest and the longest word.
fn words(lines: &[String]) -> Vec<String> {
    let mut words = vec!["x".to_owned(), "X".repeat(64), "2001:db8::1".to_owned()];
    for line in lines {
        collect(&serde_json::from_str(line).unwrap(), &mut words);
    }
    words.extend(WORDS.iter().map(|word| (*word).to_owned()));
    words
}

fn collect(value: &Value, words: &mut Vec<String>) {
    match value {
        Value::String(word) => words.push(word.clone()),
        Value::Array(items) => items.iter().for_each(|item| collect(item, words)),
        Value::Object(members) => members.values().for_each(|member| collect(member, words)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn pointers(value: &Value, at: &str, out: &mut Vec<String>) {
    out.push(at.to_owned());
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, it)| pointers(it, &format!("{at}/{name}"), out));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(n, it)| pointers(it, &format!("{at}/{n}"), out));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn apply(value: &Value, change: &Change, words: &[String]) -> Value {
    let (place, kind, word, number) = change;
    let mut out = value.clone();
    let mut all = Vec::new();
    pointers(value, "", &mut all);
    let at = place.get(&all).clone();
    if *kind == 0 {
        let Some((parent, name)) = at.rsplit_once('/') else { return out };
        if let Some(Value::Object(members)) = out.pointer_mut(parent) {
            members.remove(name);
        }
        return out;
    }
    let Some(here) = out.pointer_mut(&at) else { return out };
    match here {
        Value::Number(_) => {
            *here = Value::from(if *kind == 1 { u64::MAX } else { *number >> (*kind * 13) })
        }
        Value::String(text) => text.clone_from(word.get(words)),
        Value::Bool(flag) => *flag = !*flag,
        Value::Array(items) if *kind == 1 => items.clear(),
        Value::Array(items) => items.extend(items.first().cloned()),
        Value::Null | Value::Object(_) => {}
    }
    out
}

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests stop at the first surprise"
)]

use std::collections::BTreeSet;
use std::fs;

use super::*;

fn stored() -> Vec<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/stored/v1/events.jsonl");
    fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn stored_events_read_back_byte_for_byte_and_every_kind_is_among_them() {
    let mut kinds = BTreeSet::new();
    for line in stored() {
        let event: Event = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"));
        assert_eq!(serde_json::to_string(&event).unwrap(), line);
        kinds.insert(event.what.kind());
    }
    assert_eq!(kinds.into_iter().collect::<Vec<_>>().len(), Kind::ALL.len());
}

/// RFC 8785 §3.2.3: members sorted by their names.
fn is_canonical(value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::Object(members) => {
            members.keys().is_sorted() && members.values().all(is_canonical)
        }
        serde_json::Value::Array(items) => items.iter().all(is_canonical),
        serde_json::Value::Number(number) => number.is_u64() || number.is_i64(),
        serde_json::Value::Null => false,
        serde_json::Value::Bool(_) | serde_json::Value::String(_) => true,
    }
}

#[test]
fn an_event_has_one_text_and_it_is_the_canonical_one() {
    for line in stored() {
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert!(is_canonical(&value), "{line}");
        // A map of ours sorts; what it writes is what was stored.
        assert_eq!(serde_json::to_string(&value).unwrap(), line);
    }
}

#[test]
fn kinds_and_streams_have_the_names_that_records_use() {
    for kind in Kind::ALL {
        assert_eq!(Kind::from_name(kind.name()), Some(kind));
    }
    for line in stored() {
        let event: Event = serde_json::from_str(&line).unwrap();
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        let name = value["what"].as_object().unwrap().keys().next().unwrap().clone();
        assert_eq!(event.what.kind().name(), name);
    }
    for class in Retention::ALL {
        assert_eq!(Retention::from_name(class.name()), Some(class));
    }
}

#[test]
fn six_years_are_kept_of_what_the_rule_asks_six_years_for() {
    assert_eq!(Retention::Evidence.days(), 2_192);
    for kind in [Kind::Emergency, Kind::Incident, Kind::Policy, Kind::Review, Kind::State] {
        assert_eq!(kind.retention(), Retention::Evidence, "{kind}");
    }
    assert_eq!(Kind::Flow.retention(), Retention::Traffic);
}

#[test]
fn events_are_named_by_writer_stream_and_number() {
    let id: EventId = "gw-b2-017/evidence/1234".parse().unwrap();
    assert_eq!((id.writer.as_str(), id.stream, id.seq), ("gw-b2-017", Retention::Evidence, 1234));
    assert_eq!(id.to_string(), "gw-b2-017/evidence/1234");
    for wrong in [
        "",
        "a/b",
        "a/evidence/x",
        "a/evidence/01",
        "a/evidence/+1",
        "a/other/1",
        "a/evidence/1/2",
        "../evidence/1",
        "a/evidence/-1",
    ] {
        assert_eq!(wrong.parse::<EventId>(), Err(EventIdError), "{wrong}");
    }
}

#[test]
fn free_text_has_no_place_in_an_event() {
    let line = stored().into_iter().find(|l| l.contains("unlisted-destination")).unwrap();
    for text in ["DOE^JANE", "Jane Doe", "", "a\\nb"] {
        let changed = line.replace("unlisted-destination", text);
        assert!(serde_json::from_str::<Event>(&changed).is_err(), "{text}");
    }
    let more = line.replacen("{\"at\"", "{\"note\":\"x\",\"at\"", 1);
    assert!(serde_json::from_str::<Event>(&more).is_err());
}

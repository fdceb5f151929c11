//! OCSF events against the sources of the schema.

mod schema;

use std::collections::BTreeSet;

use cordon_control::export::format::ocsf;
use cordon_model::event::Event;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use super::samples;
use schema::Schema;

fn event(event: &Event) -> Value {
    samples::record(41, event, ocsf::event)
}

#[test]
fn every_stored_event_keeps_to_the_schema() {
    let Some(schema) = Schema::beside() else { return };
    for (line, stored) in samples::lines().iter().zip(samples::events()) {
        let event = event(&stored);
        assert_eq!(schema.faults(&event), Vec::<String>::new(), "{line}\n{event:#}");
    }
}

/// The classes of the table in the module.
const CLASSES: [u64; 13] =
    [0, 1_008, 2_004, 2_005, 3_002, 3_003, 3_004, 4_001, 5_001, 5_019, 6_003, 6_008, 7_001];

#[test]
fn every_word_of_every_list_keeps_to_the_schema_and_every_class_is_among_them() {
    let Some(schema) = Schema::beside() else { return };
    let (mut classes, mut types) = (BTreeSet::new(), BTreeSet::new());
    let neighbours = samples::neighbours();
    for neighbour in &neighbours {
        let event = event(neighbour);
        assert_eq!(schema.faults(&event), Vec::<String>::new(), "{event:#}");
        classes.insert(event["class_uid"].as_u64().unwrap());
        types.insert(event["type_uid"].as_u64().unwrap());
    }
    eprintln!("{} events, {} types", neighbours.len(), types.len());
    assert!(classes.into_iter().eq(CLASSES));
}

#[test]
fn varied_events_keep_to_the_schema() {
    let Some(schema) = Schema::beside() else { return };
    let mut runner = TestRunner::new(samples::cases(256));
    runner
        .run(&samples::varied(), |varied| {
            let event = event(&varied);
            let faults = schema.faults(&event);
            prop_assert!(faults.is_empty(), "{faults:?}\n{event:#}");
            Ok(())
        })
        .unwrap();
}

fn finding() -> Value {
    let line = samples::lines().into_iter().find(|line| line.contains("F-2026-0017")).unwrap();
    event(&serde_json::from_str(&line).unwrap())
}

/// Changes a good event and says what the validator finds.
fn refused(schema: &Schema, change: impl Fn(&mut Value)) -> String {
    let mut event = finding();
    assert!(schema.faults(&event).is_empty());
    change(&mut event);
    schema.faults(&event).join("; ")
}

fn drop(event: &mut Value, at: &str, name: &str) {
    event.pointer_mut(at).unwrap().as_object_mut().unwrap().remove(name).unwrap();
}

type Case = (&'static str, fn(&mut Value));

#[test]
fn the_validator_refuses_what_the_schema_forbids() {
    let Some(schema) = Schema::beside() else { return };
    let cases: &[Case] = &[
        ("/finding_info: required", |it| drop(it, "", "finding_info")),
        ("/time: required", |it| drop(it, "", "time")),
        ("/metadata/product: required", |it| drop(it, "/metadata", "product")),
        ("/finding_info/uid: required", |it| drop(it, "/finding_info", "uid")),
        ("/evidences/0/connection_info/direction_id: required", |it| {
            drop(it, "/evidences/0/connection_info", "direction_id");
        }),
        ("/severity_id: 7 is not on the list", |it| it["severity_id"] = json!(7)),
        ("`severity` is `Low`, not \"High\"", |it| it["severity"] = json!("Low")),
        ("99 wants `severity`", |it| {
            it["severity_id"] = json!(99);
            drop(it, "", "severity");
        }),
        ("/colour: detection_finding has no such attribute", |it| it["colour"] = json!("red")),
        ("/device/colour: device has no such attribute", |it| {
            it["device"]["colour"] = json!("red");
        }),
        ("/time: \"now\" is no timestamp_t", |it| it["time"] = json!("now")),
        ("is no string_t", |it| it["message"] = json!(1)),
        ("/evidences: not an array", |it| it["evidences"] = json!({})),
        ("/evidences/0: at_least_one", |it| it["evidences"] = json!([{}])),
        ("at_least_one", |it| it["evidences"][0]["src_endpoint"] = json!({ "port": 1 })),
        ("has not the form of ip_t", |it| {
            it["evidences"][0]["src_endpoint"]["ip"] = json!("10.0.0.256");
        }),
        ("has not the form of mac_t", |it| it["device"]["mac"] = json!("00:11")),
        ("has not the form of port_t", |it| {
            it["evidences"][0]["src_endpoint"]["port"] = json!(65_536);
        }),
        ("/action_id: its profile is not named", |it| drop(it, "/metadata", "profiles")),
        ("there is no class 2999", |it| it["class_uid"] = json!(2_999)),
        ("is not of category 3", |it| it["category_uid"] = json!(3)),
        ("type_uid is not", |it| it["type_uid"] = json!(200_402)),
        ("/activity_id: 9 is not on the list", |it| it["activity_id"] = json!(9)),
        ("/comment: deprecated", |it| it["comment"] = json!("x")),
        ("/attestation_list: new in 1.9", |it| it["attestation_list"] = json!([])),
        ("class security_finding is deprecated", |it| it["class_uid"] = json!(2_001)),
    ];
    for (fault, change) in cases {
        let found = refused(&schema, change);
        assert!(found.contains(fault), "{fault}: {found}");
    }
}

#[test]
fn each_event_names_its_record_and_keeps_what_the_schema_has_no_place_for() {
    let event = finding();
    assert_eq!(event["metadata"]["uid"], "gw-b2-017/evidence/41");
    assert_eq!(event["unmapped"]["tier"], "ORANGE");
    assert_eq!(event["unmapped"]["evidence"], "E3");
    assert_eq!(event["unmapped"]["what"]["finding"]["vlan"], 110);
    let chain = &event["unmapped"]["attestation_list"][0];
    assert_eq!(chain["prev_event"]["uid"], "gw-b2-017/evidence/40");
}

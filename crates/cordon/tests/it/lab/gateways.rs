//! Labs with gateway programs: what the kernel alone cannot show.

use std::path::PathBuf;

use serde_json::Value;

use super::{Lab, blocked, ready};
use crate::bench::{clinic, example};

/// Gives the gateway program that lies beside the command.
fn gateway() -> PathBuf {
    let path = PathBuf::from(env!("CARGO_BIN_EXE_cordon")).with_file_name("cordon-gateway");
    assert!(
        path.is_file(),
        "there is no {}: `cargo nextest run -p cordon-gateway --no-run` builds it",
        path.display()
    );
    path
}

impl Lab {
    /// Builds a lab with gateway programs.
    fn with_gateways(name: &str, hospital: &str, more: &[&str]) -> Self {
        let lab = Self::new(name);
        let gateway = gateway().display().to_string();
        let up = [&["up", hospital, "--gateway-binary", &gateway], more].concat();
        let built = lab.run(&up, &[]).exits(0).json();
        assert_eq!(built["kernel_only"], false);
        lab
    }
}

/// Gives what inspectors of a point stopped, in words.
fn stopped<'v>(played: &'v Value, point: &str) -> Vec<&'v str> {
    let rows = played["stopped"].as_object().unwrap().keys().map(String::as_str);
    rows.filter(|row| row.starts_with(&format!("{point}: "))).collect()
}

/// Gives the sum of what was sent under names that hold some words: how often, and how often it was
/// answered.
fn sent(played: &Value, words: &str) -> (u64, u64) {
    let rows = played["sent"].as_array().unwrap().iter();
    let rows = rows.filter(|row| row["what"].as_str().unwrap().contains(words));
    rows.fold((0, 0), |(count, answered), row| {
        (count + row["count"].as_u64().unwrap(), answered + row["answered"].as_u64().unwrap())
    })
}

#[track_caller]
fn nothing_lost(played: &Value) {
    let probes = played["probes"].as_array().unwrap();
    let is_whole = |probe: &Value| probe["lost"] == 0 && probe["resets"] == 0;
    assert!(!probes.is_empty() && probes.iter().all(is_whole), "{probes:#?}");
}

#[test]
fn gateways_let_a_clinic_work_and_stop_what_it_must_not_do() {
    if !ready() {
        return;
    }
    let lab = Lab::with_gateways("gateways", &clinic(), &[]);

    let normal = lab.play("normal", &["--seconds", "4"]);
    for what in ["hl7.oru-r40", "hl7.rgv-o15", "http.post with records", "dicom.c-store"] {
        let (count, answered) = sent(&normal, what);
        assert!(count > 0 && count == answered, "{what}: {normal:#}");
    }
    // The gateway proves its pumps to the guard, which lets nobody else in.
    for point in ["gw-suite", "guard-clinical"] {
        let proved = normal["recorded"][format!("{point} authentication")].as_u64();
        assert!(proved > Some(0), "{point}: {normal:#}");
    }

    let command = lab.play("hl7-command", &[]);
    assert_eq!(sent(&command, "hl7-order"), (1, 0));
    let why = stopped(&command, "gw-suite");
    assert!(why.iter().any(|why| why.contains("command-from-device")), "{why:?}");
    nothing_lost(&command);

    let moved = lab.play("dicom-move", &[]);
    assert_eq!(sent(&moved, "C-MOVE"), (1, 0));
    assert!(!stopped(&moved, "fw-20").is_empty(), "{moved:#}");

    let spoof = lab.play("arp-spoof", &[]);
    assert!(blocked(&spoof, "gw-suite").contains(&"arp cordon_bind spoofed"), "{spoof:#}");
    let clone = lab.play("clone", &[]);
    assert_eq!(sent(&clone, "a clone of").1, 0);
    assert!(blocked(&clone, "gw-suite").contains(&"inet cordon_policy spoofed"), "{clone:#}");
    nothing_lost(&clone);

    let poured = lab.play("ehr-exfiltration", &["--megabytes", "50", "--seconds", "4"]);
    let (attempted, arrived) = (&poured["sent"][0]["bytes"], &poured["arrived_bytes"]);
    assert!(attempted.as_u64() >= Some(20_000_000), "{poured:#}");
    assert!(arrived.as_u64() < Some(7_000_000), "{poured:#}");

    lab.run(&["down"], &[]).exits(0);
    lab.is_gone();
}

#[test]
fn lifelines_go_on_whatever_happens_to_gateways_and_policy() {
    if !ready() {
        return;
    }
    let lab = Lab::with_gateways("going", &clinic(), &[]);
    nothing_lost(&lab.play("policy-push", &["--seconds", "4"]));
    let killed = lab.play("gateway-kill", &["--seconds", "6"]);
    assert!(!killed["probes"].as_array().unwrap().is_empty(), "{killed:#}");

    let stale = lab.play("stale-policy", &[]);
    nothing_lost(&stale);
    for tier in ["ORANGE", "YELLOW"] {
        let (count, answered) = sent(&stale, &format!("{tier}, new conversations while"));
        assert!(count > 0 && count == answered, "{tier}: {stale:#}");
    }
    lab.run(&["down"], &[]).exits(0);
    lab.is_gone();
}

#[test]
fn every_tier_keeps_what_the_table_says_and_a_controller_gets_what_is_listed() {
    if !ready() {
        return;
    }
    let metropolitan = example("metropolitan").display().to_string();
    let lab = Lab::with_gateways("tiers", &metropolitan, &["--devices", "14"]);
    let written = lab.play("modbus-write", &[]);
    for (what, answered) in [
        ("modbus-read to bas", 1),
        ("modbus-write-listed to bas", 1),
        ("modbus-write to bas", 0),
        ("modbus-restart to bas", 0),
    ] {
        assert_eq!(sent(&written, what), (1, answered), "{what}: {written:#}");
    }
    assert!(!written["stopped"].as_object().unwrap().is_empty(), "{written:#}");

    let stale = lab.play("stale-policy", &[]);
    nothing_lost(&stale);
    for tier in ["RED", "ORANGE", "YELLOW"] {
        let (count, answered) = sent(&stale, &format!("{tier}, new conversations while"));
        assert!(count > 0 && count == answered, "{tier}: {stale:#}");
    }
    let (count, answered) = sent(&stale, "GREEN, new conversations while");
    assert!(count > 0 && answered == 0, "{stale:#}");
    let (count, answered) = sent(&stale, "GREEN, new conversations after");
    assert!(count > 0 && count == answered, "{stale:#}");
    lab.run(&["down"], &[]).exits(0);
    lab.is_gone();
}

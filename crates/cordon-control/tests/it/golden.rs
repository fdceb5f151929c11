//! The stored events in every format; `CORDON_BLESS=1` writes the files anew.

use std::path::PathBuf;

use cordon_control::export::format::syslog::{self, Body};
use cordon_control::export::format::{atna, cef, hec, jsonl, leef, ocsf};
use cordon_control::metrics::Metrics;
use cordon_model::{Label, WallMs, ZoneId};

use super::samples;

/// Metrics after the stored events, an hour after most of them.
pub(crate) fn metrics() -> String {
    let mut metrics = Metrics::default();
    for (seq, event) in (0..).zip(samples::events()) {
        samples::record(seq, &event, |item| metrics.fold(item));
    }
    metrics.set_audit_backlog(3);
    metrics.set_audit_chain_ok(true);
    metrics.set_emergency_active(&ZoneId::new("icu-b2").unwrap(), false);
    metrics.set_review_due(Some(WallMs(1_767_240_060_019)));
    metrics.set_siem(&Label::new("splunk").unwrap(), 81_920, 1_500);
    let mut out = String::new();
    metrics.render(WallMs(1_767_225_900_000), &mut out);
    out
}

fn texts() -> Vec<(&'static str, String)> {
    let message = |body| {
        samples::all(move |item| {
            syslog::message(item, body, syslog::BYTES_MAX).map(|message| message.text)
        })
    };
    let index = Label::new("security").unwrap();
    vec![
        ("atna", samples::all(atna::message)),
        ("cef", samples::all(|item| Some(cef::line(item)))),
        ("hec", samples::all(|item| Some(hec::line(item, Some(&index))))),
        ("jsonl", samples::all(|item| Some(jsonl::line(item)))),
        ("leef", samples::all(|item| Some(leef::line(item)))),
        ("metrics", metrics()),
        ("ocsf", samples::all(|item| Some(ocsf::line(item)))),
        ("syslog-atna", message(Body::Atna)),
        ("syslog-cef", message(Body::Cef)),
        ("syslog-json", message(Body::Json)),
    ]
}

#[test]
fn every_format_says_of_the_stored_events_what_is_on_record() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata/golden");
    let bless = std::env::var_os("CORDON_BLESS").is_some();
    for (name, text) in texts() {
        let path = folder.join(format!("{name}.txt"));
        if bless {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&path, &text).unwrap();
        }
        let record = std::fs::read_to_string(&path).unwrap_or_default();
        let differ = record.lines().zip(text.lines()).position(|(old, new)| old != new);
        assert!(
            record == text,
            "{name} differs from line {differ:?}; CORDON_BLESS=1 writes it anew"
        );
    }
}

#[test]
fn every_kind_of_event_has_a_line_in_every_format_but_atna() {
    let count = samples::events().len();
    for (name, text) in texts() {
        if !["atna", "syslog-atna", "metrics"].contains(&name) {
            assert_eq!(text.lines().count(), count, "{name}");
        }
    }
}

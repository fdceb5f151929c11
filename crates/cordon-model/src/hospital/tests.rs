//! Tests of the loader: edits of a small good hospital, and what is said about each.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

use super::*;
use crate::diagnostic::{Diagnostic, Severity};

mod cases;
mod limits;
mod places;
mod soak;
mod together;

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        /// The small hospital: path and text.
        const SMALL: &[(&str, &str)] = &[
            $(($name, include_str!(concat!("../../testdata/hospital/", $name)))),*
        ];
    };
}
files![
    "devices.csv",
    "hospital.toml",
    "invariants/house.cedar",
    "policies/care.cedar",
    "profiles/door.toml",
    "profiles/pump.toml",
    "profiles/scale.json",
    "profiles/scale.toml",
    "profiles/ventilator.toml",
];

fn small() -> Sources {
    let mut sources = Sources::default();
    for (path, text) in SMALL {
        sources.insert(path, *text);
    }
    sources
}

/// Replaces what stands exactly once in a file.
fn edit(sources: &mut Sources, file: &str, from: &str, to: &str) {
    let text = String::from_utf8(sources.files.get(file).unwrap().clone()).unwrap();
    assert_eq!(text.matches(from).count(), 1, "`{from}` in {file}");
    sources.insert(file, text.replacen(from, to, 1));
}

/// Gives the text that a diagnostic points at.
fn offending(entry: &Diagnostic) -> String {
    let skipped = entry.place.column.saturating_sub(1);
    entry.place.text.chars().skip(skipped).take(entry.place.length).collect()
}

/// Writes a diagnostic in one line: `duplicate-mac devices.csv:3:40 «00:1b:21:00:00:01»`.
fn short(entry: &Diagnostic) -> String {
    let Place { file, line, column, .. } = &entry.place;
    let severity = match entry.severity {
        Severity::Error => "",
        Severity::Warning => "(warning) ",
    };
    format!("{severity}{} {file}:{line}:{column} «{}»", entry.label, offending(entry))
}

fn said(sources: &Sources) -> Vec<String> {
    let (hospital, report) = load(sources);
    assert_eq!(hospital.is_some(), !report.has_errors());
    for entry in &report.entries {
        assert_eq!(offending(entry).chars().count(), entry.place.length, "{entry:?}");
        assert!(!entry.message.is_empty() && !entry.help.is_empty(), "{entry:?}");
        assert!(!entry.message.ends_with('.'), "{entry:?}");
    }
    report.entries.iter().map(short).collect()
}

#[test]
fn the_small_hospital_has_no_fault() {
    assert_eq!(said(&small()), Vec::<String>::new());
    let (hospital, _) = load(&small());
    let hospital = hospital.unwrap();
    assert_eq!(hospital.devices.len(), 7);
    assert_eq!(hospital.profiles.len(), 4);
    assert_eq!(hospital.profiles.get("scale").unwrap().flows.len(), 2);
}

//! Every label stands in `docs/reference/errors.md`, and no other.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn repo() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Gives the texts of the files under a path, but those of tests.
fn texts(path: &Path) -> Vec<String> {
    if path.is_file() {
        return vec![fs::read_to_string(path).unwrap()];
    }
    let mut entries: Vec<_> = fs::read_dir(path).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort();
    entries.retain(|path| path.file_stem().is_none_or(|stem| stem != "tests"));
    entries.iter().flat_map(|path| texts(path)).collect()
}

/// Gives the texts in quotes that follow a marker.
fn quoted_after<'t>(text: &'t str, marker: &str) -> impl Iterator<Item = &'t str> {
    text.split(marker).skip(1).filter_map(|rest| {
        let (quoted, _) = rest.trim_start().strip_prefix('"')?.split_once('"')?;
        let of_a_label = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        quoted.chars().all(of_a_label).then_some(quoted)
    })
}

fn labels_in_sources() -> BTreeSet<String> {
    let paths = [
        "crates/cordon-model/src/hospital.rs",
        "crates/cordon-model/src/hospital",
        "crates/cordon-policy/src/rulebook.rs",
        "crates/cordon-policy/src/consistency.rs",
    ];
    let markers = [
        ".error(",
        ".error_at(",
        ".warning(",
        ".parsed(",
        ".parsed_if_there(",
        "Severity::Error,",
        "Severity::Warning,",
        "            (",
    ];
    let mut labels = BTreeSet::new();
    for text in paths.iter().flat_map(|path| texts(&repo().join(path))) {
        for marker in markers {
            let found = quoted_after(&text, marker);
            let found = found.filter(|label| label.contains('-') || *label == "internal");
            labels.extend(found.map(str::to_owned));
        }
    }
    for column in cordon_model::hospital::COLUMNS {
        labels.remove(column);
    }
    let faults = texts(&repo().join("crates/cordon-model/src/mud/fault.rs"));
    labels.extend(faults.iter().flat_map(|text| quoted_after(text, "=>")).map(str::to_owned));
    labels
}

fn labels_in_the_document() -> Vec<String> {
    let text = fs::read_to_string(repo().join("docs/reference/errors.md")).unwrap();
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| row.split_once('`').unwrap().0.to_owned()).collect()
}

#[test]
fn every_label_is_explained_once_and_no_other() {
    let documented = labels_in_the_document();
    let different: BTreeSet<String> = documented.iter().cloned().collect();
    assert_eq!(documented.len(), different.len(), "a label is explained twice");
    assert_eq!(different, labels_in_sources());
}

#[test]
fn every_explanation_has_a_meaning_and_a_remedy() {
    let text = fs::read_to_string(repo().join("docs/reference/errors.md")).unwrap();
    for row in text.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        assert_eq!(cells.len(), 4, "{row}");
        assert!(!cells[1].is_empty() && !cells[3].is_empty(), "{row}");
    }
}

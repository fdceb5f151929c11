//! Sizes, line ends, and files that others call for.

use std::collections::BTreeSet;

use super::Findings;
use super::tree::Tree;

const LINES_MAX: usize = 500;

/// What is built must be what was reviewed: the versions and checksums of all dependencies are part of the repository.
pub(super) fn lockfile(tree: &Tree, findings: &mut Findings) {
    if !tree.has("Cargo.lock") {
        findings.add("Cargo.lock", 1, "missing, or ignored by git");
    }
}

/// A file is read in one sitting; what does not fit is two things.
pub(super) fn file_size(tree: &Tree, findings: &mut Findings) {
    for file in tree.files().filter(|file| file.is_source()) {
        let code = file.text().split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        let count = code.lines().count();
        if count > LINES_MAX {
            let message = format!("{count} lines, at most {LINES_MAX} (tests apart)");
            findings.add(file.path(), LINES_MAX + 1, message);
        }
    }
}

/// One kind of line end, or every comparison of files differs by machine.
pub(super) fn line_ends(tree: &Tree, findings: &mut Findings) {
    for file in tree.files().filter(|file| !file.is_fixture()) {
        if let Some(before) = file.text().split_once('\r').map(|(before, _)| before) {
            let line = before.matches('\n').count() + 1;
            findings.add(file.path(), line, "a carriage return; lines end in LF");
        }
    }
}

/// A vector whose origin nobody knows proves nothing, and may not be ours to pass on.
pub(super) fn sources(tree: &Tree, findings: &mut Findings) {
    let mut folders = BTreeSet::new();
    for path in tree.files.keys() {
        let Some((before, inside)) = split_at_testdata(path) else {
            continue;
        };
        // The file's own folder or one above it, down from `testdata`, names the sources.
        let mut folder = format!("{before}testdata");
        let mut named = tree.has(&format!("{folder}/SOURCES.md"));
        for part in inside.split('/').rev().skip(1).collect::<Vec<_>>().into_iter().rev() {
            folder = format!("{folder}/{part}");
            named |= tree.has(&format!("{folder}/SOURCES.md"));
        }
        if !named {
            folders.insert(folder);
        }
    }
    for folder in folders {
        findings.add(
            &format!("{folder}/SOURCES.md"),
            1,
            "missing: where does this come from, under which licence",
        );
    }
}

/// What was once written to disk must be readable for ever: each stored form has files of every version as a test.
pub(super) fn stored(tree: &Tree, findings: &mut Findings) {
    let mark = concat!("STO", "RED:");
    for file in tree.files().filter(|file| file.is_source()) {
        let marked = file.lines().find(|(_, line)| {
            let comment = line.trim_start().strip_prefix("//");
            comment.is_some_and(|text| text.trim_start_matches(['/', '!', ' ']).starts_with(mark))
        });
        let Some((line, _)) = marked else { continue };
        let folder = file.path().split_once("/src/").map_or("", |(folder, _)| folder);
        let fixtures = format!("{folder}/testdata/stored/v");
        let versioned = |path: &String| {
            let rest = path.strip_prefix(&fixtures);
            rest.is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
        };
        if !tree.files.keys().any(versioned) {
            findings.add(file.path(), line, format!("no fixture in {fixtures}N/"));
        }
    }
}

/// Splits a path before and after its folder `testdata`.
fn split_at_testdata(path: &str) -> Option<(&str, &str)> {
    match path.strip_prefix("testdata/") {
        Some(inside) => Some(("", inside)),
        None => {
            let (before, inside) = path.split_once("/testdata/")?;
            Some((path.get(..before.len() + 1)?, inside))
        }
    }
}

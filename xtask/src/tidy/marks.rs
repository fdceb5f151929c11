//! Marks that a finished change does not leave behind.

use super::Findings;
use super::tree::Tree;

/// Files that are not written by hand, or whose text is somebody else's.
fn is_foreign(path: &str) -> bool {
    matches!(path, "Cargo.lock" | "bench/Cargo.lock" | "fuzz/Cargo.lock" | "LICENSE-APACHE")
}

/// What is not finished is not taken; what is to come stands in the tracker, where somebody sees it.
pub(super) fn unfinished(tree: &Tree, findings: &mut Findings) {
    let marks = [concat!("FIX", "ME"), concat!("TO", "DO"), concat!("X", "XX")];
    for file in tree.files().filter(|file| !file.is_fixture() && !is_foreign(file.path())) {
        for (line, text) in file.lines() {
            let mut words = text.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
            if let Some(word) = words.find(|word| marks.contains(word)) {
                findings.add(file.path(), line, format!("{word}: finish it"));
            }
        }
    }
}

/// An exception that outlives its cause is never found: `expect` with a reason complains once it is not needed.
pub(super) fn lint_exception(tree: &Tree, findings: &mut Findings) {
    let mark = "allow(";
    for file in tree.files().filter(|file| file.is_rust()) {
        for (line, text) in file.lines() {
            let attribute =
                text.trim_start().strip_prefix("#[").or(text.trim_start().strip_prefix("#!["));
            let hidden =
                attribute.is_some_and(|rest| rest.starts_with("cfg_attr(") && rest.contains(mark));
            if hidden || attribute.is_some_and(|rest| rest.starts_with(mark)) {
                findings.add(file.path(), line, "use `expect` with a reason, or mend the cause");
            }
        }
    }
}

/// A test that does not run holds nothing; it is mended or removed.
pub(super) fn ignored_test(tree: &Tree, findings: &mut Findings) {
    let mark = concat!("#[ign", "ore");
    for file in tree.files().filter(|file| file.is_rust()) {
        for (line, text) in file.lines() {
            if text.trim_start().starts_with(mark) {
                findings.add(file.path(), line, "mend the test or remove it");
            }
        }
    }
}

/// A path of the machine it was written on works there and nowhere else.
pub(super) fn machine_path(tree: &Tree, findings: &mut Findings) {
    let paths = [concat!("/ho", "me/"), concat!("/ro", "ot/")];
    for file in tree.files().filter(|file| !is_foreign(file.path())) {
        for (line, text) in file.lines() {
            for path in paths.iter().filter(|path| names(text, path)) {
                findings.add(file.path(), line, format!("`{path}` is a path of one machine"));
            }
        }
    }
}

/// True if the text has the path from the root, not as the tail of a longer or relative one.
fn names(text: &str, path: &str) -> bool {
    text.match_indices(path).any(|(at, _)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        !before.is_some_and(|letter| {
            letter.is_alphanumeric() || matches!(letter, '.' | '_' | '-' | '}' | '~')
        })
    })
}

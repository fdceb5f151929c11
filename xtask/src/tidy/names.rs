//! Names that say nothing.

use super::Findings;
use super::tree::Tree;

const MODULES: &[&str] = &[
    "util", "utils", "common", "helper", "helpers", "manager", "service", "handler", "handlers",
    "misc", "data", "info", "base",
];

const TYPES: &[&str] =
    &["Util", "Utils", "Common", "Helper", "Manager", "Handler", "Misc", "Data", "Info", "Base"];

/// A module is named for what it holds; these names hold anything, and soon do.
pub(super) fn module_name(tree: &Tree, findings: &mut Findings) {
    for file in tree.files().filter(|file| file.is_rust()) {
        let mut parts = file.path().split('/').skip_while(|part| !matches!(*part, "src" | "tests"));
        let stem = |part: &str| MODULES.contains(&part.strip_suffix(".rs").unwrap_or(part));
        if let Some(part) = parts.find(|part| stem(part)) {
            findings.add(file.path(), 1, format!("`{part}` does not say what is in it"));
        }
        for (line, text) in file.lines() {
            if let Some(("mod", name)) = declared(text).filter(|(_, name)| MODULES.contains(name)) {
                findings.add(
                    file.path(),
                    line,
                    format!("module `{name}` does not say what is in it"),
                );
            }
        }
    }
}

/// A type is a noun of the hospital or of a standard; an ending that fits every type tells nothing of this one.
pub(super) fn type_name(tree: &Tree, findings: &mut Findings) {
    for file in tree.files().filter(|file| file.is_rust()) {
        for (line, text) in file.lines() {
            let Some((keyword, name)) = declared(text) else {
                continue;
            };
            let last = last_word(name);
            if keyword != "mod" && TYPES.contains(&last) {
                findings.add(file.path(), line, format!("type `{name}`: `{last}` says nothing"));
            }
        }
    }
}

/// One way to lay out modules, so that a file's name is its module's: `foo.rs` with `foo/bar.rs`.
pub(super) fn mod_file(tree: &Tree, findings: &mut Findings) {
    for file in tree.files().filter(|file| file.is_rust()) {
        if file.path().ends_with("/mod.rs") {
            findings.add(file.path(), 1, "name it after its folder and put it beside");
        }
    }
}

/// The keyword and the name of a type or module that a line declares.
fn declared(line: &str) -> Option<(&str, &str)> {
    let mut words = line
        .trim_start()
        .split(|letter: char| !is_of_a_name(letter) && letter != '(' && letter != ')');
    let mut word = words.next()?;
    while word.starts_with("pub") || matches!(word, "crate)" | "super)" | "in" | "unsafe") {
        word = words.next()?;
    }
    if !matches!(word, "struct" | "enum" | "union" | "trait" | "type" | "mod") {
        return None;
    }
    let name = words.next()?;
    let end = name.find(|letter| !is_of_a_name(letter)).unwrap_or(name.len());
    Some((word, name.get(..end)?))
}

fn is_of_a_name(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// `Info` of `DeviceInfo`.
fn last_word(name: &str) -> &str {
    let start = name.rfind(char::is_uppercase).unwrap_or(0);
    name.get(start..).unwrap_or(name)
}

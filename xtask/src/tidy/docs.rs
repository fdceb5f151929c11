//! The documents.

use super::Findings;
use super::tree::{File, Tree};

/// A document that sends its reader to a place that is not there is not believed in the rest.
pub(super) fn link(tree: &Tree, findings: &mut Findings) {
    for file in tree.files().filter(|file| is_document(*file)) {
        let mut fenced = false;
        for (line, text) in file.lines() {
            if text.trim_start().starts_with("```") {
                fenced = !fenced;
            }
            if fenced {
                continue;
            }
            for target in targets(&without_code(text)) {
                if !resolve(file.path(), &target)
                    .is_some_and(|path| path.is_empty() || tree.has(&path))
                {
                    findings.add(file.path(), line, format!("`{target}` leads nowhere"));
                }
            }
        }
    }
}

/// Space at the end of a line is invisible, and shows in every comparison.
pub(super) fn trailing_space(tree: &Tree, findings: &mut Findings) {
    let kinds = ["md", "toml", "cedar", "yml", "sh"];
    let ours =
        |file: &File<'_>| !file.is_fixture() && kinds.iter().any(|kind| file.has_ending(kind));
    for file in tree.files().filter(ours) {
        for (line, _) in file.lines().filter(|(_, text)| text.ends_with([' ', '\t'])) {
            findings.add(file.path(), line, "space at the end of the line");
        }
    }
}

fn is_document(file: File<'_>) -> bool {
    file.has_ending("md") && !file.is_fixture()
}

/// The line without what stands between backticks.
fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect::<Vec<_>>().join("`")
}

/// The targets of the line's links that lead to files: `[text](target)` and `[label]: target`.
fn targets(line: &str) -> Vec<String> {
    let inline = line.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
    let label = line.starts_with('[').then(|| line.split_once("]: ")).flatten();
    let label = label.and_then(|(_, target)| target.split_whitespace().next());
    let file = |target: &&str| {
        let elsewhere = ["http://", "https://", "mailto:", "#"];
        !target.is_empty() && !elsewhere.iter().any(|start| target.starts_with(start))
    };
    inline
        .chain(label)
        .filter(file)
        .map(|target| target.trim_matches(['<', '>']).to_owned())
        .collect()
}

/// The path from the root that a target in a document means; `None` if it leaves the repository.
fn resolve(document: &str, target: &str) -> Option<String> {
    let target = target.split(['#', '?']).next().unwrap_or_default();
    let mut parts: Vec<&str> = match target.strip_prefix('/') {
        Some(_) => Vec::new(),
        None => {
            document.rsplit_once('/').map_or(Vec::new(), |(folder, _)| folder.split('/').collect())
        }
    };
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

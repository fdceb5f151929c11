//! The comparison for people: the table on the terminal, and the table and the arguments in a document.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Context;

use super::agreed::{Agreed, Settled};
use super::sheet::{Row, Sheet};

/// Between these marks the document is written again.
const BEGIN: &str = "<!-- corpora: begin -->";
const END: &str = "<!-- corpora: end -->";

/// The table as lines.
pub(super) fn table(sheet: &Sheet) -> Vec<String> {
    let head = ["messages", "equal", "refused", "different", "only ours", "only theirs"];
    let mut lines = vec![format!(
        "{:<7} {:<34} {:>5} {}",
        "corpus",
        "peer",
        "files",
        head.map(|title| format!("{title:>11}")).join(" ")
    )];
    for ((corpus, peer), row) in &sheet.rows {
        let line = format!(
            "{corpus:<7} {peer:<34} {:>5} {}",
            row.files,
            numbers(row).map(|number| format!("{number:>11}")).join(" ")
        );
        let skipped =
            row.skipped.iter().map(|why| format!("{corpus:<7} {peer:<34} skipped: {why}"));
        lines.extend(skipped.chain((row.files > 0).then_some(line)));
    }
    lines
}

fn numbers(row: &Row) -> [usize; 6] {
    [row.named, row.equal, row.refused, row.different, row.only_ours, row.only_theirs]
}

/// Writes table and arguments into a document.
///
/// # Errors
/// When it cannot be read or written, or has no marks.
pub(super) fn write(
    path: &Path,
    sheet: &Sheet,
    settled: &Settled,
    agreed: &[Agreed],
) -> anyhow::Result<()> {
    let name = path.display().to_string();
    let text = fs::read_to_string(path).with_context(|| name.clone())?;
    let text = between(&text, &markdown(sheet, settled, agreed));
    let text = text.with_context(|| format!("{name}: no `{BEGIN}` … `{END}`"))?;
    fs::write(path, text).context(name)
}

/// The document with a new text between its marks.
pub(super) fn between(document: &str, text: &str) -> Option<String> {
    let (before, rest) = document.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{text}{END}{after}"))
}

/// Table and arguments in Markdown.
pub(super) fn markdown(sheet: &Sheet, settled: &Settled, agreed: &[Agreed]) -> String {
    let mut text = String::from(
        "| corpus | peer | files | messages | equal | named the same, and refused | different | only ours | only theirs |\n\
         |---|---|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    for ((corpus, peer), row) in &sheet.rows {
        let numbers = match &row.skipped {
            Some(why) => format!("not compared: {why} | | | | | |"),
            None => numbers(row).map(|number| format!("{number} |")).join(" "),
        };
        put(&mut text, &format!("| {corpus} | {peer} | {} | {numbers}", row.files));
    }
    let occurring = agreed.iter().zip(&settled.times).filter(|(_, times)| **times > 0);
    let occurring = occurring.collect::<Vec<_>>();
    if !occurring.is_empty() {
        put(&mut text, "\n| file | peer | times | field | ours | theirs | right | why | source |");
        put(&mut text, "|---|---|---:|---|---|---|---|---|---|");
    }
    for (entry, times) in occurring {
        let [file, ours, theirs] =
            [&entry.file, &entry.ours, &entry.theirs].map(|text| format!("`{}`", cell(text)));
        let (peer, field) = (&entry.peer, &entry.field);
        let (right, why, source) = (&entry.right, cell(&entry.why), cell(&entry.source));
        put(
            &mut text,
            &format!(
                "| {file} | {peer} | {times} | {field} | {ours} | {theirs} | {right} | {why} | {source} |"
            ),
        );
    }
    text
}

fn put(text: &mut String, line: &str) {
    // Writing to a text does not fail.
    let _written = writeln!(text, "{line}");
}

/// A text that does not end the cell it stands in.
fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

//! Tables that others wrote: tshark's fields and Zeek's logs, both with tabs between columns.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, str};

use anyhow::{Context, ensure};

use crate::repo;

/// A table with named columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table {
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// One line of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'a> {
    columns: &'a [String],
    cells: &'a [String],
}

impl<'a> Row<'a> {
    /// A cell; none when it is empty or says `-`, or there is no such column.
    pub(super) fn cell(self, column: &str) -> Option<&'a str> {
        let index = self.columns.iter().position(|name| name == column)?;
        let cell = self.cells.get(index)?.as_str();
        (!cell.is_empty() && cell != "-").then_some(cell)
    }

    /// A cell of tshark's that lists one value for each PDU of the frame.
    ///
    /// None when the list is not as long as there are PDUs: then nobody can tell whose values they are.
    pub(super) fn nth(self, column: &str, index: usize, count: usize) -> Option<&'a str> {
        let list = self.cell(column)?;
        let values = list.split(',').collect::<Vec<_>>();
        if count == 1 {
            return values.first().copied();
        }
        values.get(index).copied().filter(|_| values.len() == count)
    }

    /// Sender and receiver of a line of Zeek's, as `address:port>address:port`.
    pub(super) fn way(self, from: &str, to: &str) -> Option<String> {
        let end = |end: &str| {
            let (address, port) = (format!("{end}_h"), format!("{end}_p"));
            Some(format!("{}:{}", self.cell(&address)?, self.cell(&port)?))
        };
        Some(format!("{}>{}", end(from)?, end(to)?))
    }
}

impl Table {
    /// Reads a table whose first line names the columns.
    pub(super) fn of_tshark(text: &str) -> Table {
        let mut lines = text.lines();
        let columns = cells(lines.next().unwrap_or_default());
        Table { columns, rows: lines.map(cells).collect() }
    }

    /// Reads a log of Zeek's; `columns` are those of a log that does not name its own.
    pub(super) fn of_zeek(text: &str, columns: &[&str]) -> Table {
        let named = text.lines().find_map(|line| line.strip_prefix("#fields\t"));
        let columns = match named {
            Some(line) => cells(line),
            None => columns.iter().map(|name| (*name).to_owned()).collect(),
        };
        let rows = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        Table { columns, rows: rows.map(cells).collect() }
    }

    /// The lines.
    pub(super) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|cells| Row { columns: &self.columns, cells })
    }
}

fn cells(line: &str) -> Vec<String> {
    line.split('\t').map(str::to_owned).collect()
}

/// Unpacks a file.
///
/// # Errors
/// When `gzip` cannot.
pub(super) fn unpacked(path: &Path) -> anyhow::Result<String> {
    repo::text(Command::new("gzip").arg("-dc").arg(path))
}

/// Reads a log of Zeek's; none when it is not there.
///
/// # Errors
/// When it cannot be read.
pub(super) fn zeek(path: &Path, columns: &[&str]) -> anyhow::Result<Option<Table>> {
    if !path.is_file() {
        return Ok(None);
    }
    let text = fs::read(path).with_context(|| path.display().to_string())?;
    Ok(Some(Table::of_zeek(&String::from_utf8_lossy(&text), columns)))
}

/// A capture and the table that tshark made of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pair {
    /// The name of the capture.
    pub(super) name: String,
    pub(super) capture: PathBuf,
    pub(super) table: PathBuf,
}

/// Finds the table of every capture in a corpus.
///
/// # Errors
/// When a folder cannot be listed, or a capture has no table.
pub(super) fn pairs(corpus: &Path) -> anyhow::Result<Vec<Pair>> {
    let tables = names(&corpus.join("tshark"))?;
    let mut pairs = Vec::new();
    for name in names(&corpus.join("traces"))? {
        let table = table_of(&name, &tables).with_context(|| format!("`{name}` has no table"))?;
        let (capture, table) =
            (corpus.join("traces").join(&name), corpus.join("tshark").join(table));
        pairs.push(Pair { name, capture, table });
    }
    ensure!(!pairs.is_empty(), "`{}` has no capture", corpus.display());
    Ok(pairs)
}

/// The table whose name ends in that of the capture; a capture may bear the name of its project in front.
pub(super) fn table_of<'a>(capture: &str, tables: &'a [String]) -> Option<&'a str> {
    let ends = |table: &&String, name: &str| table.ends_with(&format!("_{name}.tsv.gz"));
    if let Some(table) = tables.iter().find(|table| ends(table, capture)) {
        return Some(table);
    }
    let (project, name) = capture.split_once('_')?;
    let of_project = |table: &&String| table.to_lowercase().contains(&project.to_lowercase());
    tables.iter().find(|table| ends(table, name) && of_project(table)).map(String::as_str)
}

/// The names in a folder, sorted.
///
/// # Errors
/// When it cannot be listed.
pub(super) fn names(folder: &Path) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

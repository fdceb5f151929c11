//! One row of `devices.csv` while it is read: its cells, where they stand, and whom to blame.

use super::super::blame::{Gaps, hint};
use super::COLUMNS;
use crate::diagnostic::{Report, SourceText};

/// Where each column stands in this file.
pub(super) struct Header {
    pub(super) at: [Option<usize>; COLUMNS.len()],
}

impl Header {
    fn index(&self, column: &str) -> Option<usize> {
        let name = COLUMNS.iter().position(|name| *name == column)?;
        self.at.get(name).copied().flatten()
    }
}

/// One row while it is read.
pub(super) struct Row<'a> {
    pub(super) record: &'a csv::StringRecord,
    pub(super) header: &'a Header,
    pub(super) source: &'a SourceText<'a>,
    pub(super) report: &'a mut Report,
    pub(super) gaps: &'a mut Gaps,
}

impl<'a> Row<'a> {
    pub(super) fn text(&self, column: &str) -> &'a str {
        let field = self.header.index(column).and_then(|field| self.record.get(field));
        field.unwrap_or_default().trim()
    }

    pub(super) fn optional(&self, column: &str) -> Option<&'a str> {
        Some(self.text(column)).filter(|text| !text.is_empty())
    }

    /// Gives the number of the row's first line.
    pub(super) fn line(&self) -> usize {
        self.source.line_at(row_start(self.source, self.record.position()))
    }

    pub(super) fn error(&mut self, label: &'static str, column: &str, message: String, help: &str) {
        let (source, record, field) = (self.source, self.record, self.header.index(column));
        let place = || {
            let start = row_start(source, record.position());
            source.place(field_span(source.text(), start, field))
        };
        self.report.error_at(label, place, message, help);
    }

    pub(super) fn parsed<T>(&mut self, label: &'static str, column: &str, help: &str) -> Option<T>
    where
        T: std::str::FromStr,
        T::Err: std::fmt::Display,
    {
        let text = self.text(column);
        if text.is_empty() {
            self.error("missing-value", column, format!("`{column}` is empty"), help);
            return None;
        }
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.error(label, column, format!("`{text}` in `{column}`: {error}"), help);
                None
            }
        }
    }

    pub(super) fn parsed_if_there<T>(
        &mut self,
        label: &'static str,
        column: &str,
        help: &str,
    ) -> Option<T>
    where
        T: std::str::FromStr,
        T::Err: std::fmt::Display,
    {
        self.optional(column)?;
        self.parsed(label, column, help)
    }

    pub(super) fn yes(&mut self, column: &str) -> bool {
        match self.text(column) {
            "yes" => true,
            "no" | "" => false,
            text => {
                let message = format!("`{text}` is neither `yes` nor `no`");
                self.error("malformed-value", column, message, "write `yes` or `no`");
                false
            }
        }
    }

    pub(super) fn known<K, V>(
        &mut self,
        column: &str,
        map: &std::collections::BTreeMap<K, V>,
    ) -> Option<K>
    where
        K: Ord + Clone + std::borrow::Borrow<str> + std::fmt::Display,
    {
        let text = self.text(column);
        if let Some((key, _)) = map.get_key_value(text) {
            return Some(key.clone());
        }
        let names = map.keys().map(ToString::to_string);
        if text.is_empty() {
            let help = format!("every device has a {column}");
            self.error("missing-value", column, format!("`{column}` is empty"), &help);
        } else if column == "type" {
            if !self.gaps.cover_type(text) {
                let otherwise = format!("add `profiles/{text}.toml`, or correct the row");
                let help = hint(self.report, text, names, &otherwise);
                self.error("unknown-type", column, format!("there is no type `{text}`"), &help);
            }
        } else if !self.gaps.cover(text) {
            let otherwise = format!("declare the {column} first, or correct the row");
            let help = hint(self.report, text, names, &otherwise);
            let message = format!("there is no {column} `{text}`");
            self.error("unknown-reference", column, message, &help);
        }
        None
    }
}

/// Finds the first byte of a row; a reader's position may stand before line ends that it skips.
pub(super) fn row_start(source: &SourceText<'_>, position: Option<&csv::Position>) -> usize {
    let start = position.map_or(0, csv::Position::byte);
    let start = usize::try_from(start).unwrap_or(0);
    let rest = source.text().get(start..).unwrap_or_default();
    start + (rest.len() - rest.trim_start_matches(['\r', '\n']).len())
}

/// Finds what stands in the `index`-th field of the row at `start`, without quotes and spaces
/// round it; the whole line when there is no such field.
pub(super) fn field_span(text: &str, start: usize, index: Option<usize>) -> std::ops::Range<usize> {
    let rest = text.get(start..).unwrap_or_default();
    let (mut field, mut from, mut quoted) = (0, 0, false);
    let mut end = rest.len();
    for (at, byte) in rest.bytes().enumerate() {
        match byte {
            // A quote inside a field without quotes round it is a letter like others.
            b'"' => quoted = rest.as_bytes().get(from) == Some(&b'"') && !quoted,
            b',' | b'\r' | b'\n' if !quoted => {
                if byte != b',' || Some(field) == index {
                    end = at;
                    break;
                }
                field += 1;
                from = at + 1;
            }
            _ => {}
        }
    }
    if Some(field) != index {
        let line = rest.lines().next().unwrap_or_default();
        return start..start + line.len();
    }
    let cell = rest.get(from..end).unwrap_or_default();
    let inner = cell.strip_prefix('"').and_then(|cell| cell.strip_suffix('"')).unwrap_or(cell);
    let from = from + usize::from(inner.len() < cell.len());
    let from = from + (inner.len() - inner.trim_start().len());
    start + from..start + from + inner.trim().len()
}

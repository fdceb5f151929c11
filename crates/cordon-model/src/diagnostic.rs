//! What is wrong with a file, where, and how to mend it.

use serde::Serialize;

/// How bad a diagnostic is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The hospital cannot be compiled.
    Error,
    /// Legal, but somebody should look at it.
    Warning,
}

/// A place in a file of the hospital directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// The path, relative to the hospital directory.
    pub file: String,
    /// The line, from 1; 0 when the file as a whole is meant.
    pub line: usize,
    /// The column in characters, from 1; 0 when the line as a whole is meant.
    pub column: usize,
    /// The whole line, for the reader; empty when it is longer than [`Place::TEXT_BYTES_MAX`].
    pub text: String,
    /// The length of the offending text in characters.
    pub length: usize,
}

impl Place {
    /// Longer lines are not shown; a thousand diagnostics would each carry a copy.
    pub const TEXT_BYTES_MAX: usize = 65_536;

    /// Names a file as a whole.
    #[must_use]
    pub fn file(file: &str) -> Self {
        Self { file: file.to_owned(), line: 0, column: 0, text: String::new(), length: 0 }
    }
}

/// A file's text with the starts of its lines, so that places are found without reading it again.
#[derive(Debug)]
pub struct SourceText<'a> {
    file: &'a str,
    text: &'a str,
    line_starts: Vec<usize>,
}

impl<'a> SourceText<'a> {
    /// Takes a file.
    #[must_use]
    pub fn new(file: &'a str, text: &'a str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let line_starts = std::iter::once(0).chain(breaks.map(|(at, _)| at + 1)).collect();
        Self { file, text, line_starts }
    }

    /// Gives the text.
    #[must_use]
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// Gives the path of the file.
    #[must_use]
    pub fn path(&self) -> &'a str {
        self.file
    }

    /// Gives the number of the line, from 1, that a byte is in.
    #[must_use]
    pub fn line_at(&self, byte: usize) -> usize {
        self.line_starts.partition_point(|at| *at <= byte).max(1)
    }

    /// Finds line and column of a byte range.
    #[must_use]
    pub fn place(&self, span: std::ops::Range<usize>) -> Place {
        let start = span.start.min(self.text.len());
        let line = self.line_at(start);
        let line_start = self.line_starts.get(line - 1).copied().unwrap_or(0);
        let rest = self.text.get(line_start..).unwrap_or_default();
        let before = self.text.get(line_start..start).unwrap_or_default();
        let offending = self.text.get(start..span.end.min(self.text.len())).unwrap_or_default();
        let first_line = |text: &'a str| text.lines().next().unwrap_or_default();
        Place {
            file: self.file.to_owned(),
            line,
            column: before.chars().count() + 1,
            text: Some(first_line(rest))
                .filter(|line| line.len() <= Place::TEXT_BYTES_MAX)
                .unwrap_or_default()
                .to_owned(),
            length: first_line(offending).chars().count(),
        }
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// The stable label, kebab-case, for example `duplicate-mac`.
    pub label: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// Where it is.
    pub place: Place,
    /// What is wrong: lower case, no period.
    pub message: String,
    /// How to mend it.
    pub help: String,
}

/// Everything that is wrong, in the order of files and lines.
/// # Shape
/// At most [`Report::ENTRIES_MAX`] entries are kept; the rest are counted.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// What was found.
    pub entries: Vec<Diagnostic>,
    /// How many more were found than are kept.
    pub omitted: usize,
    errors: usize,
}

impl Report {
    /// More entries than this are counted, not kept.
    pub const ENTRIES_MAX: usize = 1_000;

    /// Adds an error.
    pub fn error(&mut self, label: &'static str, place: Place, message: String, help: &str) {
        self.push(label, Severity::Error, place, message, help);
    }

    /// Adds a warning.
    pub fn warning(&mut self, label: &'static str, place: Place, message: String, help: &str) {
        self.push(label, Severity::Warning, place, message, help);
    }

    /// Adds an error whose place is only looked for when there is still room for it.
    pub(crate) fn error_at(
        &mut self,
        label: &'static str,
        place: impl FnOnce() -> Place,
        message: String,
        help: &str,
    ) {
        if self.is_full() {
            self.errors += 1;
            self.omitted += 1;
        } else {
            self.error(label, place(), message, help);
        }
    }

    /// Says whether further entries are only counted.
    pub(crate) fn is_full(&self) -> bool {
        self.entries.len() >= Self::ENTRIES_MAX
    }

    /// Adds a diagnostic.
    pub fn push(
        &mut self,
        label: &'static str,
        severity: Severity,
        place: Place,
        message: String,
        help: &str,
    ) {
        self.errors += usize::from(severity == Severity::Error);
        if self.is_full() {
            self.omitted += 1;
            return;
        }
        self.entries.push(Diagnostic { label, severity, place, message, help: help.to_owned() });
    }

    /// Takes over the entries of another report.
    pub fn merge(&mut self, other: Self) {
        self.omitted += other.omitted;
        self.errors += other.errors;
        let room = Self::ENTRIES_MAX.saturating_sub(self.entries.len());
        self.omitted += other.entries.len().saturating_sub(room);
        self.entries.extend(other.entries.into_iter().take(room));
    }

    /// Says whether there is an error among the entries.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// Counts the errors, the ones not kept among them.
    #[must_use]
    pub fn error_count(&self) -> usize {
        self.errors
    }

    /// Puts the entries in the order of files and lines.
    pub fn sort(&mut self) {
        self.entries.sort_by(|a, b| (&a.place, a.label).cmp(&(&b.place, b.label)));
    }
}

//! Shows diagnostics the way compilers do: label, place, the offending text, how to mend it.

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use cordon_model::{Diagnostic, Report, Severity};

/// Writes a report for people.
pub(crate) fn report(report: &Report, colours: bool) -> String {
    let renderer = if colours { Renderer::styled() } else { Renderer::plain() };
    let mut text = String::new();
    for entry in &report.entries {
        text.push_str(&diagnostic(entry, &renderer));
        text.push_str("\n\n");
    }
    if report.omitted > 0 {
        text.push_str(&format!("… and {} more\n\n", report.omitted));
    }
    let warnings = report.entries.iter().filter(|e| e.severity == Severity::Warning).count();
    let errors = report.error_count();
    if errors > 0 {
        text.push_str(&format!("{errors} error(s), {warnings} warning(s); nothing was written\n"));
    } else if warnings > 0 {
        text.push_str(&format!("{warnings} warning(s)\n"));
    }
    text
}

fn diagnostic(entry: &Diagnostic, renderer: &Renderer) -> String {
    let level = match entry.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(entry.message.as_str()).id(entry.label);
    let help = Level::HELP.message(entry.help.as_str());
    let place = &entry.place;
    if place.line == 0 {
        let origin = annotate_snippets::Origin::path(place.file.as_str());
        return renderer.render(&[title.element(origin).element(help)]);
    }
    let (text, start, end) = excerpt(entry);
    let snippet = Snippet::source(text)
        .path(place.file.as_str())
        .line_start(place.line)
        .annotation(AnnotationKind::Primary.span(start..end));
    renderer.render(&[title.element(snippet).element(help)])
}

/// Longest stretch of a line that is shown around the offending text, in characters.
const SHOWN_MAX: usize = 160;

/// Gives the line, or the part of a long one around the offending text, and where that text is.
fn excerpt(entry: &Diagnostic) -> (String, usize, usize) {
    let place = &entry.place;
    let column = place.column.saturating_sub(1);
    let length = place.length.max(1);
    let chars: Vec<char> = place.text.chars().collect();
    let from = if chars.len() > SHOWN_MAX { column.saturating_sub(40) } else { 0 };
    let to = chars.len().min(from + SHOWN_MAX);
    let bytes = |from: usize, to: usize| -> usize {
        chars.iter().skip(from).take(to.saturating_sub(from)).map(|c| c.len_utf8()).sum()
    };
    let text: String = chars.iter().skip(from).take(to.saturating_sub(from)).collect();
    let start = bytes(from, column.min(to));
    let end = bytes(from, (column + length).min(to)).max(start);
    (text, start, end)
}

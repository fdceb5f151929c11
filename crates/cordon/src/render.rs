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
        text.push_str(&format!("{errors} error(s), {warnings} warning(s)\n"));
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
    let snippet = Snippet::source(place.text.as_str())
        .path(place.file.as_str())
        .line_start(place.line)
        .annotation(AnnotationKind::Primary.span(span(entry)));
    renderer.render(&[title.element(snippet).element(help)])
}

/// Gives where the offending text is in its line, in bytes.
fn span(entry: &Diagnostic) -> std::ops::Range<usize> {
    let place = &entry.place;
    let bytes = |chars: usize| place.text.chars().take(chars).map(char::len_utf8).sum::<usize>();
    let column = place.column.saturating_sub(1);
    bytes(column)..bytes(column + place.length.max(1))
}

//! MDS2 forms: what a maker discloses about a model, with the question each fact answers.
//!
//! Invariant: a form never makes a device look safer than the inventory has it.
//! Source: ANSI/NEMA HN 1-2019.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::{Choices, ImportError, Imported, ImportedDevice, Known, Source, bounded, csv};

mod facts;
mod sheet;
mod systems;

pub(crate) use facts::{Fact, Finding, Suggestion};

/// A form with more questions than this is none.
const ANSWERS_MAX: usize = 2_000;
/// One form discloses for no more models than this.
const MODELS_MAX: usize = 256;

/// The sections of the form.
/// # Source
/// ANSI/NEMA HN 1-2019 §5.
const SECTIONS: [&str; 25] = [
    "DOC", "MPII", "ALOF", "AUDT", "AUTH", "CSUP", "DIDT", "DTBK", "EMRG", "IGAU", "MLDP", "NAUT",
    "CONN", "PAUT", "PLOK", "RDMP", "SBOM", "SAHD", "SGUD", "STCF", "TXCF", "TXIG", "RMOT", "OTHR",
    "CONF",
];

/// What a maker answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Reply {
    /// Yes.
    Yes,
    /// No.
    No,
    /// The question does not apply.
    NotApplicable,
    /// The answer is in the note, or in words.
    Words,
    /// There is no answer.
    Blank,
}

/// One question with its answer.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Answer {
    /// The question's identifier, for example `RMOT-1.1`.
    pub(crate) question: String,
    /// The question in words, as the form has it.
    pub(crate) words: String,
    /// The answer.
    pub(crate) reply: Reply,
    /// The answer as it was written.
    pub(crate) text: String,
    /// The note to it; empty for none.
    pub(crate) note: String,
    /// The row of the form, from 1.
    pub(crate) row: usize,
}

/// A form that was read.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Disclosure {
    /// The maker (DOC-1).
    pub(crate) manufacturer: String,
    /// The models (DOC-3).
    pub(crate) models: Vec<String>,
    /// When the form was released (DOC-7), as it was written.
    pub(crate) released: String,
    /// Every answer, in the order of the form.
    pub(crate) answers: Vec<Answer>,
    /// The answers that policies and people ask for most, by name.
    pub(crate) facts: Vec<Fact>,
    /// How the model can be attached, if the form says.
    pub(crate) attachment: Option<Suggestion>,
    /// Whether the operating system gets no more patches, if the form names it.
    pub(crate) unsupported_os: Option<Finding>,
    /// Whether somebody can log in from afar, if the form says.
    pub(crate) remote_access: Option<Finding>,
    /// What else the reader should know.
    pub(crate) warnings: Vec<String>,
}

/// A cell of `devices.csv` that a form changed, or would change.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Change {
    /// The row of `devices.csv`.
    pub(crate) row: usize,
    /// The device.
    pub(crate) device: String,
    /// The column.
    pub(crate) column: &'static str,
    /// The value before; empty for none.
    pub(crate) before: String,
    /// The value the form leads to.
    pub(crate) after: String,
    /// The questions that lead to it.
    pub(crate) questions: Vec<String>,
    /// Whether the row has the value now; a change that would contradict the inventory in the
    /// safe direction, or move a device to another segment, is only suggested.
    pub(crate) is_applied: bool,
}

/// What came of applying a form to `devices.csv`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Disclosed {
    /// The form.
    pub(crate) disclosure: Disclosure,
    /// The rows of `devices.csv`, changed where the form applies.
    pub(crate) imported: Imported,
    /// What changed and what is suggested.
    pub(crate) changes: Vec<Change>,
    /// How many rows are of the form's maker and models.
    pub(crate) matched: usize,
}

/// Reads a form and applies it to the rows of `devices.csv` that are of its maker and models.
/// # Errors
/// [`ImportError`] if a file is too large or cannot be read, or if the form is no MDS2 form.
pub(crate) fn mds2(
    form: Source<'_>,
    devices: Source<'_>,
    known: &Known,
    today: Date,
) -> Result<Disclosed, ImportError> {
    let disclosure = read(form, today)?;
    let mut imported = csv(devices, &Choices::default(), known)?;
    let mut changes = Vec::new();
    let mut matched = 0;
    for device in imported.accepted.iter_mut().chain(&mut imported.held) {
        if disclosure.is_about(device.get("vendor"), device.get("model")) {
            matched += 1;
            disclosure.apply(device, &mut changes);
        }
    }
    changes.sort_by_key(|change| change.row);
    if matched == 0 {
        let message = format!(
            "no row is of {} {}; nothing was changed",
            disclosure.manufacturer,
            disclosure.models.join(", ")
        );
        imported.warnings.push(message);
    }
    Ok(Disclosed { disclosure, imported, changes, matched })
}

/// Reads a form: a workbook (xlsx) or a table (CSV).
/// # Errors
/// [`ImportError`] if the file is too large, cannot be read, or is no MDS2 form.
pub(crate) fn read(form: Source<'_>, today: Date) -> Result<Disclosure, ImportError> {
    bounded(form)?;
    let (rows, mut warnings) = sheet::rows(form)?;
    let notes = notes(&rows);
    let mut answers: Vec<Answer> = Vec::new();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for row in &rows {
        let Some(answer) = answer(row, &notes) else {
            continue;
        };
        if answers.len() >= ANSWERS_MAX {
            let (file, what) = (form.name.to_owned(), "questions");
            return Err(ImportError::OverLimit { file, what, max: ANSWERS_MAX });
        }
        if let Some(first) = seen.get(&answer.question) {
            warnings.push(format!(
                "{} is answered in row {first} and in row {}; the first counts",
                answer.question, answer.row
            ));
            continue;
        }
        seen.insert(answer.question.clone(), answer.row);
        answers.push(answer);
    }
    let missing = |missing| ImportError::NotMds2 { file: form.name.to_owned(), missing };
    if answers.is_empty() {
        return Err(missing("it has no question identifiers such as `RMOT-1`"));
    }
    let words = |question: &str| {
        let answer = answers.iter().find(|answer| answer.question == question);
        answer.map(|answer| answer.text.clone()).filter(|text| !text.is_empty())
    };
    let manufacturer =
        words("DOC-1").ok_or_else(|| missing("DOC-1 (manufacturer) is not answered"))?;
    let models = words("DOC-3").ok_or_else(|| missing("DOC-3 (device model) is not answered"))?;
    let models: Vec<String> = models
        .split([',', ';', '\n', '|'])
        .map(|model| model.trim().to_owned())
        .filter(|model| !model.is_empty())
        .take(MODELS_MAX + 1)
        .collect();
    if models.len() > MODELS_MAX {
        let (file, what) = (form.name.to_owned(), "models");
        return Err(ImportError::OverLimit { file, what, max: MODELS_MAX });
    }
    Ok(Disclosure {
        manufacturer,
        models,
        released: words("DOC-7").unwrap_or_default(),
        facts: facts::facts(&answers),
        attachment: facts::attachment(&answers),
        unsupported_os: facts::unsupported_os(&answers, today),
        remote_access: facts::remote_access(&answers),
        answers,
        warnings,
    })
}

/// Reads a question's identifier in the form's spelling: `SBoM-1` becomes `SBOM-1`.
fn question(cell: &str) -> Option<String> {
    let (section, number) = cell.trim().split_once('-')?;
    let mut section = section.trim().to_uppercase();
    // The form itself misspells SAHD-15.
    if section == "SHAD" {
        "SAHD".clone_into(&mut section);
    }
    let number = number.trim().trim_end_matches('.');
    let is_number = !number.is_empty()
        && number
            .split('.')
            .all(|part| (1..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit()));
    (SECTIONS.contains(&section.as_str()) && is_number).then(|| format!("{section}-{number}"))
}

/// Gathers the rows `Note 3 | text`, which answers refer to.
fn notes(rows: &[sheet::Row]) -> BTreeMap<u32, String> {
    let note = |row: &sheet::Row| {
        let mut cells = row.cells.iter().map(String::as_str).filter(|cell| !cell.is_empty());
        let number = note_number(cells.next()?).filter(|(_, named)| *named)?.0;
        Some((number, cells.collect::<Vec<_>>().join(" ")))
    };
    rows.iter().filter_map(note).filter(|(_, text)| !text.is_empty()).collect()
}

/// Reads `Note 3` or `3`; says whether the word is there.
fn note_number(cell: &str) -> Option<(u32, bool)> {
    let lower = cell.trim().to_lowercase();
    let named = lower.strip_prefix("note");
    let digits =
        named.unwrap_or(&lower).trim_matches(|c: char| matches!(c, ' ' | '#' | ':' | '.' | '_'));
    digits.parse().ok().map(|number| (number, named.is_some()))
}

fn answer(row: &sheet::Row, notes: &BTreeMap<u32, String>) -> Option<Answer> {
    let at = row.cells.iter().take(2).position(|cell| question(cell).is_some())?;
    let question = question(row.cells.get(at)?)?;
    let cell = |offset: usize| row.cells.get(at + offset).map_or("", |cell| cell.trim());
    // The official sheet merges the question over two columns: the answer may stand further right.
    let answer_at = if cell(2).is_empty() && reply(cell(3)).0 != Reply::Words { 3 } else { 2 };
    let text = cell(answer_at).to_owned();
    let (reply, rest) = reply(&text);
    let note = cell(answer_at + 1);
    let referred = note_number(note).and_then(|(number, _)| notes.get(&number));
    let mut note = referred.map_or(note, String::as_str).to_owned();
    if note.is_empty() {
        note = rest;
    }
    Some(Answer { question, words: cell(1).to_owned(), reply, text, note, row: row.number })
}

/// Reads an answer; words after a yes or a no are its note.
fn reply(text: &str) -> (Reply, String) {
    let lower = text.trim().to_lowercase();
    if lower.is_empty() || lower == "_" || lower == "__" {
        return (Reply::Blank, String::new());
    }
    let words = [
        ("n/a", Reply::NotApplicable),
        ("not applicable", Reply::NotApplicable),
        ("yes", Reply::Yes),
        ("no", Reply::No),
    ];
    for (word, reply) in words {
        if let Some(rest) = lower.strip_prefix(word)
            && !rest.starts_with(char::is_alphanumeric)
            && !(reply == Reply::No && rest.trim_start().starts_with("longer"))
        {
            let rest = rest.trim_matches(|c: char| !c.is_alphanumeric()).to_owned();
            return (reply, rest);
        }
    }
    (Reply::Words, String::new())
}

impl Disclosure {
    /// Says whether the form is about a maker's model.
    pub(crate) fn is_about(&self, vendor: &str, model: &str) -> bool {
        maker(vendor) == maker(&self.manufacturer)
            && !maker(vendor).is_empty()
            && self.models.iter().any(|disclosed| plain(disclosed) == plain(model))
    }

    fn apply(&self, device: &mut ImportedDevice, changes: &mut Vec<Change>) {
        let findings =
            [("unsupported-os", &self.unsupported_os), ("remote-access", &self.remote_access)];
        for (column, finding) in findings {
            let Some(finding) = finding else { continue };
            let after = if finding.value { "yes" } else { "no" };
            let before = device.get(column);
            let is_milder = before == "yes" && !finding.value;
            change(device, column, after, &finding.questions, !is_milder, changes);
        }
        if let Some(suggestion) = &self.attachment {
            let is_free = device.get("attachment").is_empty();
            let questions = [suggestion.question.clone()];
            change(device, "attachment", suggestion.attachment, &questions, is_free, changes);
        }
    }
}

fn change(
    device: &mut ImportedDevice,
    column: &'static str,
    after: &str,
    questions: &[String],
    is_applied: bool,
    changes: &mut Vec<Change>,
) {
    let before = device.get(column).to_owned();
    if before == after {
        return;
    }
    if is_applied {
        device.put(column, after);
        device.derived.push(column);
    }
    changes.push(Change {
        row: device.row,
        device: device.get("id").to_owned(),
        column,
        before,
        after: after.to_owned(),
        questions: questions.to_vec(),
        is_applied,
    });
}

fn plain(text: &str) -> String {
    text.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect()
}

/// Writes a maker's name without what companies call themselves.
fn maker(name: &str) -> String {
    const FORMS: [&str; 17] = [
        "inc",
        "incorporated",
        "corp",
        "corporation",
        "co",
        "company",
        "ltd",
        "limited",
        "llc",
        "gmbh",
        "ag",
        "kg",
        "sa",
        "bv",
        "nv",
        "plc",
        "se",
    ];
    let words = name.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase);
    words.filter(|word| !FORMS.contains(&word.as_str())).collect()
}

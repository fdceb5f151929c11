//! Tables of any CMDB or CMMS: comma, semicolon or tab, whatever the headers are called.

use super::headers::{self, Dialect, SLOTS};
use super::{
    COLUMNS_MAX, Choices, Conflict, ImportError, Imported, ImportedDevice, Known, ROWS_MAX, Source,
    bounded, encoding, judge,
};

/// A header stands among the first rows; reports have titles above it.
const HEADER_ROWS_MAX: usize = 20;
/// A row that names fewer columns is no header.
const HEADER_COLUMNS_MIN: usize = 2;

/// Imports a table.
/// # Errors
/// [`ImportError`] if the file is too large, is no table, has no header, or lacks a header that
/// was chosen.
pub(crate) fn csv(
    source: Source<'_>,
    choices: &Choices,
    known: &Known,
) -> Result<Imported, ImportError> {
    import(source, choices, known, Dialect::General)
}

/// Imports a table with headers of a dialect.
pub(super) fn import(
    source: Source<'_>,
    choices: &Choices,
    known: &Known,
    dialect: Dialect,
) -> Result<Imported, ImportError> {
    bounded(source)?;
    let (text, note) = encoding::decode(source.bytes);
    let rows = rows(source.name, &text)?;
    let header = Header::find(source.name, &rows, choices, dialect)?;
    let mut drafts = Vec::new();
    let mut imported = Imported {
        mapping: header.mapping.clone(),
        headers_unused: header.unused.clone(),
        warnings: note.map(str::to_owned).into_iter().chain(header.warnings.clone()).collect(),
        ..Imported::default()
    };
    for (line, record) in rows.iter().skip(header.row + 1) {
        imported.rows_read += 1;
        let (device, conflicts) = header.draft(*line, record);
        if device.is_blank() && conflicts.is_empty() {
            imported.rows_blank += 1;
        } else {
            drafts.push((device, conflicts));
        }
    }
    judge::judge(drafts, choices, known, &mut imported);
    Ok(imported)
}

/// Reads all rows with their lines.
pub(super) fn rows(
    file: &str,
    text: &str,
) -> Result<Vec<(usize, ::csv::StringRecord)>, ImportError> {
    let (text, lines_before) = without_separator_line(text);
    let mut reader = ::csv::ReaderBuilder::new()
        .delimiter(delimiter(text))
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let over = |what, max| ImportError::OverLimit { file: file.to_owned(), what, max };
    let mut rows = Vec::new();
    let (mut line, mut seen) = (lines_before + 1, 0);
    let mut record = ::csv::StringRecord::new();
    loop {
        match reader.read_record(&mut record) {
            Ok(true) if rows.len() >= ROWS_MAX => return Err(over("rows", ROWS_MAX)),
            Ok(true) if record.len() > COLUMNS_MAX => return Err(over("columns", COLUMNS_MAX)),
            Ok(true) => {
                let byte = record.position().map_or(0, ::csv::Position::byte);
                let at = usize::try_from(byte).unwrap_or(0).max(seen);
                let rest = text.as_bytes().get(at..).unwrap_or_default();
                let blank = rest.iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
                line += line_ends(text.as_bytes().get(seen..at + blank).unwrap_or_default());
                seen = at + blank;
                rows.push((line, std::mem::take(&mut record)));
            }
            Ok(false) => return Ok(rows),
            Err(source) => {
                return Err(ImportError::Table { file: file.to_owned(), source });
            }
        }
    }
}

/// Counts line ends of every kind: `\n`, `\r\n`, `\r`.
fn line_ends(bytes: &[u8]) -> usize {
    let following = bytes.iter().skip(1).map(Some).chain([None]);
    let ends = bytes.iter().zip(following);
    ends.filter(|(byte, next)| **byte == b'\n' || (**byte == b'\r' && *next != Some(&b'\n')))
        .count()
}

/// Excel may write `sep=;` above the table.
fn without_separator_line(text: &str) -> (&str, usize) {
    match text.split_once('\n') {
        Some((first, rest)) if first.trim_end().to_lowercase().starts_with("sep=") => (rest, 1),
        _ => (text, 0),
    }
}

/// Takes the separator that the first lines have most of, outside double quotes.
fn delimiter(text: &str) -> u8 {
    let mut counts = [(b',', 0usize), (b';', 0), (b'\t', 0)];
    let mut is_quoted = false;
    let head: usize = text.split_inclusive('\n').take(HEADER_ROWS_MAX).map(str::len).sum();
    for byte in text.as_bytes().iter().take(head) {
        is_quoted ^= *byte == b'"';
        for (delimiter, count) in &mut counts {
            *count += usize::from(!is_quoted && delimiter == byte);
        }
    }
    // The first of the most frequent: a comma where nothing is found.
    counts.iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |(delimiter, _)| *delimiter)
}

/// Where each column stands in this table.
struct Header {
    /// The index of the header among the rows.
    row: usize,
    width: usize,
    at: [Option<usize>; SLOTS],
    mapping: Vec<(&'static str, String)>,
    unused: Vec<String>,
    warnings: Vec<String>,
}

impl Header {
    fn find(
        file: &str,
        rows: &[(usize, ::csv::StringRecord)],
        choices: &Choices,
        dialect: Dialect,
    ) -> Result<Self, ImportError> {
        let score = |record: &::csv::StringRecord| {
            let means = |header: &&str| {
                headers::meaning(header, dialect).is_some()
                    || choices.map.iter().any(|(_, chosen)| same(chosen, header))
            };
            record.iter().filter(means).count()
        };
        let mut best: Option<(usize, usize)> = None;
        for (index, (_, record)) in rows.iter().take(HEADER_ROWS_MAX).enumerate() {
            let score = score(record);
            if score >= HEADER_COLUMNS_MIN && best.is_none_or(|(_, most)| score > most) {
                best = Some((index, score));
            }
        }
        let found = best.and_then(|(index, _)| rows.get(index).map(|(_, record)| (index, record)));
        let Some((row, record)) = found else {
            let first = rows.first().map(|(_, r)| r.iter().collect::<Vec<_>>().join(" | "));
            let begins = first.unwrap_or_default().chars().take(80).collect();
            return Err(ImportError::NoHeader { file: file.to_owned(), begins });
        };
        Self::of(file, row, record, choices, dialect)
    }

    fn of(
        file: &str,
        row: usize,
        record: &::csv::StringRecord,
        choices: &Choices,
        dialect: Dialect,
    ) -> Result<Self, ImportError> {
        let mut at: [Option<(usize, usize)>; SLOTS] = [None; SLOTS];
        let mut warnings = Vec::new();
        for (slot, wanted) in &choices.map {
            let Some(index) = record.iter().position(|header| same(wanted, header)) else {
                let present = record.iter().map(|header| format!("`{header}`")).collect();
                let (file, header) = (file.to_owned(), wanted.clone());
                return Err(ImportError::UnknownHeader { file, header, present });
            };
            if let Some(place) = at.get_mut(*slot) {
                *place = Some((index, 0));
            }
        }
        let is_chosen = |slot: usize| choices.map.iter().any(|(chosen, _)| *chosen == slot);
        let is_taken = |header: &str| choices.map.iter().any(|(_, chosen)| same(chosen, header));
        for (index, header) in record.iter().enumerate() {
            let Some((slot, rank)) = headers::meaning(header, dialect) else {
                continue;
            };
            if is_chosen(slot) || is_taken(header) {
                continue;
            }
            let Some(place) = at.get_mut(slot) else {
                continue;
            };
            if place.is_none_or(|(_, known)| rank < known) {
                *place = Some((index, rank));
            }
        }
        let at = at.map(|place| place.map(|(index, _)| index));
        let mut unused = Vec::new();
        for (index, header) in record.iter().enumerate().filter(|(_, h)| !h.trim().is_empty()) {
            if at.contains(&Some(index)) {
                continue;
            }
            unused.push(header.to_owned());
            if let Some((slot, _)) = headers::meaning(header, dialect) {
                let column = headers::name(slot);
                let taken = at.get(slot).copied().flatten().and_then(|i| record.get(i));
                let taken = taken.unwrap_or_default();
                warnings.push(format!(
                    "`{column}` is read from `{taken}`, not from `{header}`; \
                     --map {column}={header} changes that"
                ));
            }
        }
        let mapping = at.iter().enumerate().filter_map(|(slot, index)| {
            Some((headers::name(slot), record.get((*index)?)?.to_owned()))
        });
        let mapping = mapping.collect();
        Ok(Self { row, width: record.len(), at, mapping, unused, warnings })
    }

    fn draft(&self, line: usize, record: &::csv::StringRecord) -> (ImportedDevice, Vec<Conflict>) {
        let mut device = ImportedDevice::new(line);
        for (slot, index) in self.at.iter().enumerate() {
            if let Some(text) = index.and_then(|index| record.get(index)) {
                device.put_slot(slot, text);
            }
        }
        let is_short = record.len() < self.width;
        let is_long = record.iter().skip(self.width).any(|cell| !cell.trim().is_empty());
        if !is_short && !is_long {
            return (device, Vec::new());
        }
        let text = record.iter().collect::<Vec<_>>().join(",");
        let message = format!("the row has {} fields, the header has {}", record.len(), self.width);
        let help = "put a field that holds the separator between double quotes";
        (device, vec![Conflict::new("uneven-row", line, "", &text).says(message, help)])
    }
}

/// Says whether a header is the one a person named.
fn same(wanted: &str, header: &str) -> bool {
    wanted.trim().eq_ignore_ascii_case(header.trim())
}

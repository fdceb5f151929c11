//! The rows of a form, from a workbook or from a table.
//!
//! calamine 0.38 multiplies unchecked when it reads a cell's name, so the profiles have to
//! turn overflow checks off for that crate; a cell that wraps around lands elsewhere, harmlessly.

use std::io::Cursor;

use calamine::{DataRef, Reader, Xlsx, XlsxError};

use super::super::{ImportError, ROWS_MAX, Source, encoding, table};

/// A workbook that claims to unpack to more is refused.
const UNPACKED_BYTES_MAX: u64 = 128 << 20;
/// A workbook with more cells is refused.
const CELLS_MAX: usize = 200_000;
/// Cells further right hold no answers.
const COLUMNS_READ: u32 = 32;
/// A form has a handful of sheets.
const SHEETS_MAX: usize = 64;

/// One row of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// Its number, from 1, within its sheet.
    pub(super) number: usize,
    /// Its cells.
    pub(super) cells: Vec<String>,
}

/// Reads all rows, of all sheets in their order.
pub(super) fn rows(form: Source<'_>) -> Result<(Vec<Row>, Vec<String>), ImportError> {
    if form.bytes.starts_with(b"PK\x03\x04") {
        return workbook(form).map(|rows| (rows, Vec::new()));
    }
    if form.bytes.starts_with(b"\xd0\xcf\x11\xe0") {
        let (file, missing) = (form.name.to_owned(), "it is an old xls file; save it as xlsx");
        return Err(ImportError::NotMds2 { file, missing });
    }
    if form.bytes.starts_with(b"%PDF") {
        let (file, missing) =
            (form.name.to_owned(), "it is a PDF; ask the maker for the xlsx form");
        return Err(ImportError::NotMds2 { file, missing });
    }
    let (text, note) = encoding::decode(form.bytes);
    let rows = table::rows(form.name, &text)?;
    let row = |(number, record): (usize, csv::StringRecord)| Row {
        number,
        cells: record.iter().map(|cell| cell.trim().to_owned()).collect(),
    };
    Ok((rows.into_iter().map(row).collect(), note.map(str::to_owned).into_iter().collect()))
}

fn workbook(form: Source<'_>) -> Result<Vec<Row>, ImportError> {
    let file = || form.name.to_owned();
    let over = |what, max| ImportError::OverLimit { file: file(), what, max };
    if unpacked_bytes(form.bytes).is_none_or(|bytes| bytes > UNPACKED_BYTES_MAX) {
        let max = usize::try_from(UNPACKED_BYTES_MAX).unwrap_or(usize::MAX);
        return Err(over("bytes when unpacked, or is cut off", max));
    }
    let damaged = |source| ImportError::Workbook { file: file(), source: Box::new(source) };
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(form.bytes)).map_err(damaged)?;
    let names = book.sheet_names();
    if names.len() > SHEETS_MAX {
        return Err(over("sheets", SHEETS_MAX));
    }
    let mut rows: Vec<Row> = Vec::new();
    let mut cells = 0;
    for name in names {
        let mut reader = match book.worksheet_cells_reader(&name) {
            Ok(reader) => reader,
            // A chart sheet has no cells.
            Err(XlsxError::NotAWorksheet(_)) => continue,
            Err(error) => return Err(damaged(error)),
        };
        let mut last = None;
        while let Some(cell) = reader.next_cell().map_err(damaged)? {
            cells += 1;
            if cells > CELLS_MAX {
                return Err(over("cells", CELLS_MAX));
            }
            let (row, column) = cell.get_position();
            let text = text(cell.get_value());
            if column >= COLUMNS_READ || text.is_empty() {
                continue;
            }
            if last != Some(row) {
                if rows.len() >= ROWS_MAX {
                    return Err(over("rows", ROWS_MAX));
                }
                let number = usize::try_from(row).unwrap_or(0).saturating_add(1);
                rows.push(Row { number, cells: Vec::new() });
                last = Some(row);
            }
            let Some(row) = rows.last_mut() else { continue };
            let column = usize::try_from(column).unwrap_or(0);
            if row.cells.len() <= column {
                row.cells.resize(column + 1, String::new());
            }
            if let Some(slot) = row.cells.get_mut(column) {
                *slot = text;
            }
        }
    }
    Ok(rows)
}

fn text(value: &DataRef<'_>) -> String {
    let text = match value {
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number.to_string(),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => {
            text.clone()
        }
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Bool(true) => "Yes".to_owned(),
        DataRef::Bool(false) => "No".to_owned(),
        DataRef::DateTime(moment) => day(moment.as_f64()),
        DataRef::Error(_) | DataRef::Empty => String::new(),
    };
    text.trim().to_owned()
}

/// Writes a day that a workbook counts from 1899-12-30.
/// # Source
/// ECMA-376-1 §18.17.4.1 (1900 date base).
fn day(serial: f64) -> String {
    let days = format!("{:.0}", serial.floor()).parse::<i32>().ok();
    let span = days.map(|days| jiff::Span::new().try_days(days));
    let date = span
        .and_then(Result::ok)
        .and_then(|span| jiff::civil::date(1899, 12, 30).checked_add(span).ok());
    date.map_or_else(|| serial.to_string(), |date| date.to_string())
}

/// Adds up what a zip archive's directory says its files unpack to.
/// # Source
/// PKWARE APPNOTE 6.3.10 §4.3.12 and §4.3.16.
fn unpacked_bytes(bytes: &[u8]) -> Option<u64> {
    let u16_at = |at: usize| Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
    let u32_at = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let end = bytes.windows(4).rposition(|window| window == b"PK\x05\x06")?;
    let count = u16_at(end + 10)?;
    let mut at = usize::try_from(u32_at(end + 16)?).ok()?;
    let mut total = 0u64;
    for _ in 0..count {
        if u32_at(at)? != 0x0201_4b50 {
            return None;
        }
        total += u64::from(u32_at(at + 24)?);
        let variable = usize::from(u16_at(at + 28)?)
            + usize::from(u16_at(at + 30)?)
            + usize::from(u16_at(at + 32)?);
        at += 46 + variable;
    }
    Some(total)
}

//! Brings inventories into `devices.csv`: CMDB and CMMS tables, NetBox, MDS2 forms.
//!
//! Invariant: every row that was read is accepted, held with the reason, or blank; the three
//! counts add up to what the source has.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use cordon_model::hospital::{COLUMNS, COLUMNS_REQUIRED};
use ipnet::IpNet;

mod encoding;
mod headers;
mod judge;
pub(crate) mod mds2;
mod netbox;
mod table;

#[cfg(test)]
mod tests;

pub(crate) use mds2::mds2;
pub(crate) use netbox::netbox;
pub(crate) use table::csv;

/// A larger file is refused.
pub(crate) const FILE_BYTES_MAX: usize = 64 << 20;
/// A source with more rows is refused.
pub(crate) const ROWS_MAX: usize = 200_000;
/// A table with more columns is refused.
pub(crate) const COLUMNS_MAX: usize = 512;
/// A conflict shows no more of a cell than this.
const SHOWN_CHARS_MAX: usize = 120;

/// A file that was read, with the name that reports call it by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source<'a> {
    /// The path as it was given.
    pub(crate) name: &'a str,
    /// The content.
    pub(crate) bytes: &'a [u8],
}

/// What the hospital knows already; the default knows nothing and checks less.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known {
    /// The VLANs of its segments.
    pub(crate) vlans: BTreeSet<u16>,
    /// The words for its device types, lower case, with the type each means.
    pub(crate) types: BTreeMap<String, String>,
    /// The tier of each of its types.
    pub(crate) tiers: BTreeMap<String, String>,
    /// The networks of its segments.
    pub(crate) segments: Vec<KnownSegment>,
}

/// One network of a segment.
#[derive(Debug, Clone)]
pub(crate) struct KnownSegment {
    /// The network.
    pub(crate) network: IpNet,
    /// The segment.
    pub(crate) id: String,
    /// Its VLAN.
    pub(crate) vlan: u16,
    /// Its building.
    pub(crate) building: String,
}

/// What the person who imports chose: which header is which column, and what empty cells get.
#[derive(Debug, Clone, Default)]
pub(crate) struct Choices {
    map: Vec<(usize, String)>,
    defaults: Vec<(usize, String)>,
}

impl Choices {
    /// Reads the texts of `--map column=Header` and `--default column=value`.
    /// # Errors
    /// [`ImportError::Choice`] for a text without `=` and for an unknown column.
    pub(crate) fn parse(map: &[String], defaults: &[String]) -> Result<Self, ImportError> {
        let pair = |text: &String| {
            let found = text.split_once('=').and_then(|(column, value)| {
                Some((headers::slot(column.trim())?, value.trim().to_owned()))
            });
            found.ok_or_else(|| ImportError::Choice { text: text.clone() })
        };
        let map = map.iter().map(pair).collect::<Result<_, _>>()?;
        let defaults = defaults.iter().map(pair).collect::<Result<_, _>>()?;
        Ok(Self { map, defaults })
    }
}

/// One row on its way into `devices.csv`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ImportedDevice {
    /// The line of the table, or the number of the object, from 1.
    pub(crate) row: usize,
    /// The columns whose values were worked out and not read.
    pub(crate) derived: Vec<&'static str>,
    cells: [String; headers::SLOTS],
}

impl ImportedDevice {
    fn new(row: usize) -> Self {
        Self { row, derived: Vec::new(), cells: Default::default() }
    }

    /// Gives a column of `devices.csv`; empty for an absent value and an unknown column.
    #[must_use]
    pub(crate) fn get(&self, column: &str) -> &str {
        headers::slot(column).and_then(|slot| self.cells.get(slot)).map_or("", String::as_str)
    }

    fn put(&mut self, column: &str, value: impl Into<String>) {
        if let Some(cell) = headers::slot(column).and_then(|slot| self.cells.get_mut(slot)) {
            *cell = value.into();
        }
    }

    fn put_slot(&mut self, slot: usize, value: &str) {
        if let Some(cell) = self.cells.get_mut(slot) {
            value.trim().clone_into(cell);
        }
    }

    fn is_blank(&self) -> bool {
        self.cells.iter().all(String::is_empty)
    }
}

/// Why a row is held.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Conflict {
    /// The stable label, kebab-case, for example `duplicate-mac`.
    pub(crate) label: &'static str,
    /// The row.
    pub(crate) row: usize,
    /// The other row, where two contradict each other; it is held too.
    pub(crate) other_row: Option<usize>,
    /// The column of `devices.csv`, or `vlan` or `status`; empty for the row as a whole.
    pub(crate) column: &'static str,
    /// The offending text.
    pub(crate) text: String,
    /// What is wrong: lower case, no period.
    pub(crate) message: String,
    /// How to mend it.
    pub(crate) help: String,
}

impl Conflict {
    fn new(label: &'static str, row: usize, column: &'static str, text: &str) -> Self {
        Self {
            label,
            row,
            other_row: None,
            column,
            text: text.chars().take(SHOWN_CHARS_MAX).collect(),
            message: String::new(),
            help: String::new(),
        }
    }

    fn says(mut self, message: impl Into<String>, help: impl Into<String>) -> Self {
        self.message = message.into();
        self.help = help.into();
        self
    }
}

/// What came of an import.
/// # Shape
/// `rows_read` = accepted + held + `rows_blank`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Imported {
    /// Rows without conflict, in the order of the source.
    pub(crate) accepted: Vec<ImportedDevice>,
    /// Rows with a conflict, in the order of the source.
    pub(crate) held: Vec<ImportedDevice>,
    /// Why rows are held.
    pub(crate) conflicts: Vec<Conflict>,
    /// How many rows the source has below its header.
    pub(crate) rows_read: usize,
    /// How many of them have no value in a column that was recognised.
    pub(crate) rows_blank: usize,
    /// Which header became which column, as (column, header).
    pub(crate) mapping: Vec<(&'static str, String)>,
    /// Headers that mean nothing to cordon; their columns were not read.
    pub(crate) headers_unused: Vec<String>,
    /// What else the reader should know.
    pub(crate) warnings: Vec<String>,
}

/// Says why nothing was imported.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ImportError {
    /// A choice on the command line is not understood.
    #[error(
        "`{text}` is not `column=text` with a column of devices.csv (or `vlan`, `status`): {}",
        COLUMNS.join(", ")
    )]
    Choice {
        /// The text.
        text: String,
    },
    /// The file is larger than cordon reads.
    #[error("`{file}` has more than {max} {what}; split it")]
    OverLimit {
        /// The path as it was given.
        file: String,
        /// What there is too much of.
        what: &'static str,
        /// The bound.
        max: usize,
    },
    /// No row looks like a header.
    #[error(
        "`{file}` has no header that names at least two columns; it begins with `{begins}`; \
         use --map column=Header"
    )]
    NoHeader {
        /// The path as it was given.
        file: String,
        /// The beginning of its first line.
        begins: String,
    },
    /// A header that was named on the command line is not there.
    #[error("`{file}` has no header `{header}`; it has {}", present.join(", "))]
    UnknownHeader {
        /// The path as it was given.
        file: String,
        /// The header that was asked for.
        header: String,
        /// The headers that are there.
        present: Vec<String>,
    },
    /// The table cannot be read.
    #[error("`{file}` is not a table that can be read")]
    Table {
        /// The path as it was given.
        file: String,
        /// What is wrong.
        #[source]
        source: ::csv::Error,
    },
    /// The JSON cannot be read.
    #[error("`{file}` is not JSON")]
    Json {
        /// The path as it was given.
        file: String,
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
    /// The JSON is of another shape.
    #[error(
        "`{file}` is no answer of NetBox's /api/dcim/devices/, /api/dcim/interfaces/, \
         /api/dcim/mac-addresses/ or /api/ipam/ip-addresses/"
    )]
    NotNetBox {
        /// The path as it was given.
        file: String,
    },
    /// The workbook cannot be read.
    #[error("`{file}` is not a workbook that can be read")]
    Workbook {
        /// The path as it was given.
        file: String,
        /// What is wrong.
        #[source]
        source: Box<calamine::XlsxError>,
    },
    /// The form is not an MDS2 form.
    #[error("`{file}` is no MDS2 form of HN 1-2019: {missing}")]
    NotMds2 {
        /// The path as it was given.
        file: String,
        /// What it lacks.
        missing: &'static str,
    },
}

/// Refuses a file that is larger than [`FILE_BYTES_MAX`].
fn bounded(source: Source<'_>) -> Result<(), ImportError> {
    if source.bytes.len() > FILE_BYTES_MAX {
        let file = source.name.to_owned();
        return Err(ImportError::OverLimit { file, what: "bytes", max: FILE_BYTES_MAX });
    }
    Ok(())
}

/// Writes rows as `devices.csv`, with the columns in cordon's order.
/// # Errors
/// What the writer or the CSV encoder says.
pub(crate) fn write(devices: &[ImportedDevice], out: impl Write) -> Result<(), ::csv::Error> {
    let mut writer = ::csv::Writer::from_writer(out);
    writer.write_record(COLUMNS)?;
    for device in devices {
        writer.write_record(COLUMNS.map(|column| device.get(column)))?;
    }
    writer.flush()?;
    Ok(())
}

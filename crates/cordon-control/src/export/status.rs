//! How an exporter is: for people, for metrics, and for itself after a restart.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use cordon_journal::disk;
use cordon_model::Wall;
use serde::{Deserialize, Serialize};

/// The name of the file in the folder of an exporter.
pub const FILE: &str = "status.json";
/// Longest file, in bytes.
const BYTES_MAX: u64 = 1 << 20;

/// What an exporter is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// It delivers, or has nothing to deliver.
    #[default]
    Running,
    /// The receiver is away; it tries again.
    Waiting,
    /// The receiver refuses it; it tries again slowly.
    Refused,
    /// It stands: no record can be set aside, or no journal can be read.
    Standing,
    /// It was stopped.
    Stopped,
}

/// How far one stream is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamStatus {
    /// Bytes of the journal that are not delivered.
    pub behind_bytes: u64,
    /// Records that are not delivered.
    pub behind_records: u64,
    /// Why the stream cannot be read on, if it cannot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Records that were gone from the journal before they were delivered, ever.
    pub lost_records: u64,
    /// The number of the record that is delivered next.
    pub next: u64,
}

/// How an exporter is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Status {
    /// The alarms that stand, by label.
    pub alarms: Vec<String>,
    /// When this was written.
    pub at: Wall,
    /// Bytes of the file of dead letters.
    pub dead_letter_bytes: u64,
    /// Records in the file of dead letters.
    pub dead_letters: u64,
    /// Seconds since the oldest record that is not delivered was written; 0 if there is none.
    pub lag_s: u64,
    /// The label of the last fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// When it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error_at: Option<Wall>,
    /// What it is doing.
    pub phase: Phase,
    /// Since when.
    pub since: Wall,
    /// By `<writer>/<stream>`.
    pub streams: BTreeMap<String, StreamStatus>,
}

impl Status {
    /// Sums up the records that are not delivered.
    #[must_use]
    pub fn behind_records(&self) -> u64 {
        self.streams.values().map(|stream| stream.behind_records).sum()
    }

    /// Sums up the bytes of the journals that are not delivered: how full the spool is.
    #[must_use]
    pub fn behind_bytes(&self) -> u64 {
        self.streams.values().map(|stream| stream.behind_bytes).sum()
    }

    /// Sums up the records that were gone before they were delivered.
    #[must_use]
    pub fn lost_records(&self) -> u64 {
        self.streams.values().map(|stream| stream.lost_records).sum()
    }

    /// Reads the status from the folder of an exporter; nothing if it never ran.
    /// # Errors
    /// If the file is there and cannot be read.
    pub fn load(folder: &Path) -> io::Result<Option<Self>> {
        let file = match File::open(folder.join(FILE)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut text = Vec::new();
        file.take(BYTES_MAX).read_to_end(&mut text)?;
        Ok(Some(serde_json::from_slice(&text)?))
    }

    /// Writes the status to the folder of an exporter.
    /// # Errors
    /// If it cannot be written.
    pub fn save(&self, folder: &Path) -> io::Result<()> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        disk::replace(&folder.join(FILE), &text)
    }
}

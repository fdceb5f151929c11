//! Reads a hospital directory: files in, a checked [`Hospital`] or everything that is wrong out.
//!
//! Invariant: all that is wrong is reported together; a hospital with an error is never returned.

use std::collections::BTreeMap;

use blame::Gaps;

use crate::HospitalId;
use crate::diagnostic::{Place, Report, SourceText};
use crate::fleet::{Hospital, PolicyFile};

mod blame;
mod devices;
mod plan;
mod profiles;
mod raw;

#[cfg(test)]
mod tests;

pub use devices::{COLUMNS, COLUMNS_REQUIRED};

/// Bounds on a hospital directory; reaching one is an error that says so.
pub mod limits {
    /// Files in the directory.
    pub const FILES_MAX: usize = 4_096;
    /// Bytes in one file; 200,000 devices fit.
    pub const FILE_BYTES_MAX: usize = 64 << 20;
    /// Rows of `devices.csv`.
    pub const DEVICES_MAX: usize = 200_000;
    /// Flows of one profile.
    pub const FLOWS_MAX: usize = 256;
    /// Segments of both kinds: each has a VLAN of its own, and there are no more.
    /// # Source
    /// IEEE 802.1Q-2018 §9.6.
    pub const SEGMENTS_MAX: usize = 4_094;
    /// Networks of one segment.
    pub const NETWORKS_MAX: usize = 4;
    /// Services of the plan.
    pub const SERVICES_MAX: usize = 4_096;
    /// Addresses of one service.
    pub const ADDRESSES_MAX: usize = 64;
    /// Entries of one list of rules for an inspector.
    pub const INSPECTION_RULES_MAX: usize = 64;
    /// Bytes of a name in an HL7 message header.
    /// # Source
    /// HL7 v2.6 §2.A.33 (HD: three components of at most 199 in all).
    pub const HL7_NAME_BYTES_MAX: usize = 199;
    /// Host names of one service.
    pub const HOST_NAMES_MAX: usize = 16;
}

/// What an AE title is, for whoever wrote another text.
const AE_TITLE_HELP: &str =
    "1 to 16 printable ASCII characters without backslash (DICOM PS3.5 §6.2)";

/// Says whether a text is a DICOM application entity title.
/// # Source
/// DICOM PS3.5 §6.2 (AE).
fn is_ae_title(text: &str) -> bool {
    let legal = |c| matches!(c, ' '..='~') && c != '\\';
    text.len() <= 16 && text.chars().all(legal) && !text.trim().is_empty()
}

/// Says whether a text is the name of a host.
/// # Source
/// RFC 1123 §2.1; RFC 1035 §2.3.4.
fn is_host_name(text: &str) -> bool {
    let is_label = |label: &str| {
        let legal = |c: char| c.is_ascii_alphanumeric() || c == '-';
        (1..=63).contains(&label.len())
            && label.chars().all(legal)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= 253 && text.split('.').all(is_label)
}

/// The files of a hospital directory: relative path, with `/` between the parts, and content.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The files.
    pub files: BTreeMap<String, Vec<u8>>,
}

impl Sources {
    /// Takes a file.
    pub fn insert(&mut self, path: &str, content: impl Into<Vec<u8>>) {
        self.files.insert(path.to_owned(), content.into());
    }

    fn text<'a>(&'a self, path: &'a str, report: &mut Report) -> Option<SourceText<'a>> {
        let Some(bytes) = self.files.get(path) else {
            report.error(
                "missing-file",
                Place::file(path),
                format!("`{path}` is missing"),
                "a hospital directory needs this file; `cordon init DIR` writes one to start from",
            );
            return None;
        };
        match std::str::from_utf8(bytes) {
            Ok(text) => Some(SourceText::new(path, text.strip_prefix('\u{feff}').unwrap_or(text))),
            Err(error) => {
                let lossy = String::from_utf8_lossy(bytes);
                let text = lossy.strip_prefix('\u{feff}').unwrap_or(&lossy);
                let at = error.valid_up_to() - (lossy.len() - text.len());
                let source = SourceText::new(path, text);
                report.error(
                    "wrong-encoding",
                    source.place(at..at + char::REPLACEMENT_CHARACTER.len_utf8()),
                    format!("the file is not UTF-8 from byte {} on", error.valid_up_to()),
                    "save the file as UTF-8",
                );
                None
            }
        }
    }

    fn paths<'a>(&'a self, folder: &'a str, ending: &'a str) -> impl Iterator<Item = &'a str> {
        self.files.keys().map(String::as_str).filter(move |path| {
            path.strip_prefix(folder)
                .and_then(|rest| rest.strip_prefix('/'))
                .and_then(|name| name.strip_suffix(ending))
                .is_some_and(|stem| !stem.is_empty() && !stem.contains('/'))
        })
    }
}

/// Reads and checks a hospital.
/// # Shape
/// The hospital is there exactly when the report holds no error.
pub fn load(sources: &Sources) -> (Option<Hospital>, Report) {
    let mut report = Report::default();
    let hospital = load_into(sources, &mut report);
    report.sort();
    let complete = !report.has_errors();
    (hospital.filter(|_| complete), report)
}

/// Reads the policies alone, so that they can be judged although the plan is wrong.
/// # Shape
/// A hospital without anything but policies; `None` when a policy file cannot be read.
#[must_use]
pub fn policies_only(sources: &Sources) -> Option<Hospital> {
    let mut report = Report::default();
    let policies = policy_files(sources, "policies", &mut report);
    let invariants = policy_files(sources, "invariants", &mut report);
    let hospital = Hospital::empty(HospitalId::new("unread").ok()?, policies, invariants);
    (!report.has_errors()).then_some(hospital)
}

fn load_into(sources: &Sources, report: &mut Report) -> Option<Hospital> {
    if !check_sizes(sources, report) {
        return None;
    }
    let policies = policy_files(sources, "policies", report);
    let invariants = policy_files(sources, "invariants", report);
    let mut hospital = Hospital::empty(HospitalId::new("unread").ok()?, policies, invariants);
    let mut gaps = Gaps::default();
    match sources.text("hospital.toml", report) {
        Some(text) => plan::load(&text, &mut hospital, &mut gaps, report),
        None => gaps.note_plan(),
    }
    profiles::load(sources, &mut hospital, &mut gaps, report);
    if let Some(text) = sources.text("devices.csv", report) {
        devices::load(&text, &mut hospital, &mut gaps, report);
        plan::check_overrides(&hospital, &gaps, report);
    }
    Some(hospital)
}

fn check_sizes(sources: &Sources, report: &mut Report) -> bool {
    let mut small_enough = true;
    if sources.files.len() > limits::FILES_MAX {
        report.error(
            "too-many-files",
            Place::file("."),
            format!("{} files; at most {} are read", sources.files.len(), limits::FILES_MAX),
            "keep only the hospital's own files in the directory",
        );
        small_enough = false;
    }
    for (path, bytes) in &sources.files {
        if bytes.len() > limits::FILE_BYTES_MAX {
            report.error(
                "file-too-large",
                Place::file(path),
                format!("{} bytes; at most {} are read", bytes.len(), limits::FILE_BYTES_MAX),
                "split the hospital, or remove what does not belong into the file",
            );
            small_enough = false;
        }
    }
    small_enough
}

fn policy_files(sources: &Sources, folder: &str, report: &mut Report) -> Vec<PolicyFile> {
    let mut files = Vec::new();
    let mut none = true;
    for path in sources.paths(folder, ".cedar") {
        none = false;
        if let Some(source) = sources.text(path, report) {
            files.push(PolicyFile { path: path.to_owned(), text: source.text().to_owned() });
        }
    }
    if none && folder == "policies" {
        report.error(
            "missing-file",
            Place::file("policies"),
            "there is no policy, so nothing would ever be permitted".to_owned(),
            "add `policies/NAME.cedar`; `cordon init DIR` writes commented ones",
        );
    }
    files
}

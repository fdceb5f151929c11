//! The settings as they stand in the file, before they are checked.

use std::path::PathBuf;

use cordon_model::Label;
use cordon_model::event::Retention;
use serde::Deserialize;

use super::{FileFormat, SyslogFormat};

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct File {
    #[serde(default)]
    pub(super) exporter: Vec<Exporter>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Exporter {
    pub(super) name: Label,
    pub(super) streams: Option<Vec<Retention>>,
    pub(super) batch_bytes_max: Option<u64>,
    pub(super) batch_wait_ms: Option<u64>,
    pub(super) window_batches_max: Option<usize>,
    pub(super) retry_s_max: Option<u64>,
    pub(super) lag_alarm_s: Option<u64>,
    pub(super) dead_letter_bytes_max: Option<u64>,
    pub(super) hec: Option<Hec>,
    pub(super) syslog: Option<Syslog>,
    pub(super) file: Option<Lines>,
}

/// The keys of TLS; they stand in the table of the target.
pub(super) struct Tls {
    pub(super) ca_file: Option<PathBuf>,
    pub(super) certificate_file: Option<PathBuf>,
    pub(super) key_file: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Hec {
    pub(super) url: String,
    pub(super) token_file: PathBuf,
    pub(super) channel: Option<String>,
    pub(super) index: Option<Label>,
    pub(super) acknowledge: Option<bool>,
    pub(super) timeout_s: Option<u64>,
    ca_file: Option<PathBuf>,
    certificate_file: Option<PathBuf>,
    key_file: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Syslog {
    pub(super) address: String,
    pub(super) format: SyslogFormat,
    pub(super) server_name: Option<String>,
    pub(super) plain: Option<bool>,
    pub(super) message_bytes_max: Option<usize>,
    pub(super) settle_s: Option<u64>,
    pub(super) settle_bytes: Option<u64>,
    pub(super) timeout_s: Option<u64>,
    ca_file: Option<PathBuf>,
    certificate_file: Option<PathBuf>,
    key_file: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Lines {
    pub(super) path: PathBuf,
    pub(super) format: FileFormat,
    pub(super) rotate_bytes: Option<u64>,
    pub(super) files_max: Option<usize>,
}

impl Hec {
    pub(super) fn tls(&self) -> Tls {
        Tls {
            ca_file: self.ca_file.clone(),
            certificate_file: self.certificate_file.clone(),
            key_file: self.key_file.clone(),
        }
    }
}

impl Syslog {
    pub(super) fn tls(&self) -> Tls {
        Tls {
            ca_file: self.ca_file.clone(),
            certificate_file: self.certificate_file.clone(),
            key_file: self.key_file.clone(),
        }
    }
}

//! The settings of the exporters: a file that people write, checked before anything starts.
//!
//! Invariant: a secret stands in a file of its own, never here.

mod raw;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use cordon_model::Label;
use cordon_model::event::Retention;

use super::delivery::Limits;
use super::sink::file::FileLimits;
use super::sink::syslog::Settling;
use super::sink::tls::Trust;

/// Most exporters.
pub const EXPORTERS_MAX: usize = 32;
/// Longest file of settings, in bytes.
pub const CONFIG_BYTES_MAX: usize = 1 << 20;

/// Every exporter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// In the order of the file.
    pub exporters: Vec<Exporter>,
}

/// One exporter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exporter {
    /// Its name: of its folder, in alarms and metrics.
    pub name: Label,
    /// Which streams it exports, of every journal.
    pub streams: BTreeSet<Retention>,
    /// Its limits.
    pub limits: Limits,
    /// Most bytes of its file of dead letters.
    pub dead_letter_bytes_max: u64,
    /// Where records go.
    pub target: Target,
}

/// Where records go, and in which words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Splunk's HTTP Event Collector.
    Hec(Hec),
    /// A syslog receiver.
    Syslog(Syslog),
    /// A file of lines.
    File(Lines),
}

/// A collector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hec {
    /// `https://host:port`.
    pub url: String,
    /// The file that holds the token.
    pub token_file: PathBuf,
    /// The channel, a UUID; nothing: made from the name of the exporter.
    pub channel: Option<String>,
    /// The index; nothing: that of the token.
    pub index: Option<Label>,
    /// Whether the indexers acknowledge.
    pub is_acknowledged: bool,
    /// Whom to trust; nothing: plain, on this machine.
    pub trust: Option<Trust>,
    /// How long a request may take.
    pub timeout_ms: u64,
}

/// The words of a syslog message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SyslogFormat {
    /// JSON.
    Json,
    /// Common Event Format.
    Cef,
    /// Log Event Extended Format.
    Leef,
    /// DICOM audit messages; only what an audit repository takes.
    Atna,
}

/// The words of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileFormat {
    /// JSON as the journal has it.
    Jsonl,
    /// Open Cybersecurity Schema Framework.
    Ocsf,
    /// Common Event Format.
    Cef,
}

/// A syslog receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Syslog {
    /// Host and port.
    pub address: String,
    /// In which words.
    pub format: SyslogFormat,
    /// The name its certificate must bear, and whom to trust; nothing: plain, on this machine.
    pub tls: Option<(String, Trust)>,
    /// Most bytes of a message.
    pub message_bytes_max: usize,
    /// When a message counts as arrived.
    pub settling: Settling,
}

/// A file of lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lines {
    /// The file.
    pub path: PathBuf,
    /// In which words.
    pub format: FileFormat,
    /// When it turns over, and how many may wait.
    pub limits: FileLimits,
}

/// Says what is wrong with the settings.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file is longer than [`CONFIG_BYTES_MAX`].
    #[error("the settings have at most {CONFIG_BYTES_MAX} bytes")]
    OverLimit,
    /// It is not TOML, or has a key that does not exist.
    #[error("the settings cannot be read")]
    Toml(#[source] Box<toml::de::Error>),
    /// There are too many exporters.
    #[error("there are {0} exporters; at most {EXPORTERS_MAX}")]
    Many(usize),
    /// Two exporters have one name, and so one folder.
    #[error("two exporters are named `{0}`")]
    Twice(Label),
    /// A key of an exporter is wrong.
    #[error("exporter `{exporter}`: `{key}` {problem}")]
    Key {
        /// Which exporter.
        exporter: Label,
        /// Which key.
        key: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
}

impl Config {
    /// Reads the settings.
    /// # Shape
    /// `folder`: of the file; paths in it are relative to it.
    /// # Errors
    /// [`ConfigError`].
    pub fn parse(text: &str, folder: &Path) -> Result<Self, ConfigError> {
        if text.len() > CONFIG_BYTES_MAX {
            return Err(ConfigError::OverLimit);
        }
        let file: raw::File =
            toml::from_str(text).map_err(|error| ConfigError::Toml(Box::new(error)))?;
        if file.exporter.len() > EXPORTERS_MAX {
            return Err(ConfigError::Many(file.exporter.len()));
        }
        let mut names = BTreeSet::new();
        let mut exporters = Vec::new();
        for one in file.exporter {
            if !names.insert(one.name.clone()) {
                return Err(ConfigError::Twice(one.name));
            }
            let name = one.name.clone();
            let wrong = |(key, problem)| ConfigError::Key { exporter: name, key, problem };
            exporters.push(check(one, folder).map_err(wrong)?);
        }
        Ok(Self { exporters })
    }
}

type Wrong = (&'static str, &'static str);

fn at_least(key: &'static str, value: u64, least: u64) -> Result<u64, Wrong> {
    if value < least { Err((key, "is too small")) } else { Ok(value) }
}

fn check(raw: raw::Exporter, folder: &Path) -> Result<Exporter, Wrong> {
    let usual = Limits::default();
    let streams = raw.streams.unwrap_or_else(|| vec![Retention::Evidence, Retention::Traffic]);
    if streams.is_empty() {
        return Err(("streams", "names no stream"));
    }
    let (limits, target) = match (raw.hec, raw.syslog, raw.file) {
        (Some(hec), None, None) => (usual, Target::Hec(check_hec(hec, folder)?)),
        (None, Some(syslog), None) => {
            let syslog = check_syslog(syslog, folder)?;
            // Unsettled batches are many and small, and settling takes its time.
            let ack_ms = syslog.settling.settle_ms.saturating_mul(6).saturating_add(60_000);
            let limits =
                Limits { batch_bytes_max: 250_000, window_batches_max: 64, ack_ms, ..usual };
            (limits, Target::Syslog(syslog))
        }
        (None, None, Some(file)) => (usual, Target::File(check_file(file, folder)?)),
        (_, _, _) => return Err(("hec, syslog, file", "must be exactly one table")),
    };
    let bytes = raw.batch_bytes_max.unwrap_or(limits.batch_bytes_max);
    let window = raw.window_batches_max.unwrap_or(limits.window_batches_max);
    if window == 0 || window > 1_024 {
        return Err(("window-batches-max", "must be from 1 to 1024"));
    }
    let retry_s = at_least("retry-s-max", raw.retry_s_max.unwrap_or(60), 1)?;
    let limits = Limits {
        batch_bytes_max: at_least("batch-bytes-max", bytes, 1_024)?.min(16 << 20),
        fill_ms: raw.batch_wait_ms.unwrap_or(limits.fill_ms),
        window_batches_max: window,
        retry_ms_max: retry_s.saturating_mul(1_000),
        refused_ms: retry_s.saturating_mul(1_000),
        lag_s: at_least("lag-alarm-s", raw.lag_alarm_s.unwrap_or(limits.lag_s), 1)?,
        ..limits
    };
    let letters = raw.dead_letter_bytes_max.unwrap_or(16 << 20);
    Ok(Exporter {
        name: raw.name,
        streams: streams.into_iter().collect(),
        limits,
        dead_letter_bytes_max: at_least("dead-letter-bytes-max", letters, 65_536)?,
        target,
    })
}

/// Gives whom to trust, if the keys fit together.
fn trust(raw: raw::Tls, folder: &Path) -> Result<Option<Trust>, Wrong> {
    let path = |path: PathBuf| folder.join(path);
    let own = match (raw.certificate_file, raw.key_file) {
        (Some(certificate), Some(key)) => Some((path(certificate), path(key))),
        (None, None) => None,
        (Some(_), None) => return Err(("key-file", "is missing beside `certificate-file`")),
        (None, Some(_)) => return Err(("certificate-file", "is missing beside `key-file`")),
    };
    match raw.ca_file {
        Some(ca_file) => Ok(Some(Trust { ca_file: path(ca_file), own })),
        None if own.is_some() => Err(("ca-file", "is missing beside `certificate-file`")),
        None => Ok(None),
    }
}

/// Says whether a host is this machine, so that nothing leaves it in the clear.
fn is_here(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

fn host_of(address: &str) -> Option<&str> {
    let (host, port) = address.rsplit_once(':')?;
    (!host.is_empty() && port.parse::<u16>().is_ok()).then_some(host)
}

fn check_hec(raw: raw::Hec, folder: &Path) -> Result<Hec, Wrong> {
    let url = raw.url.trim_end_matches('/').to_owned();
    let trust = trust(raw.tls(), folder)?;
    if let Some(rest) = url.strip_prefix("https://") {
        if rest.contains('/') || rest.is_empty() {
            return Err(("url", "must be `https://host:port` without a path"));
        }
        if trust.is_none() {
            return Err(("ca-file", "is missing: the certificate of the authority to trust"));
        }
    } else {
        let rest = url.strip_prefix("http://").ok_or(("url", "must begin with `https://`"))?;
        if !host_of(rest).is_some_and(is_here) {
            return Err(("url", "may be `http://` only on this machine; use `https://`"));
        }
        if trust.is_some() {
            return Err(("url", "is `http://`, but there is a `ca-file`"));
        }
    }
    let is_uuid = |text: &String| {
        let lengths = text.split('-').map(str::len);
        lengths.eq([8, 4, 4, 4, 12]) && text.chars().all(|c| c == '-' || c.is_ascii_hexdigit())
    };
    if !raw.channel.as_ref().is_none_or(is_uuid) {
        return Err(("channel", "must be a UUID"));
    }
    Ok(Hec {
        url,
        token_file: folder.join(raw.token_file),
        channel: raw.channel,
        index: raw.index,
        is_acknowledged: raw.acknowledge.unwrap_or(true),
        trust,
        timeout_ms: at_least("timeout-s", raw.timeout_s.unwrap_or(30), 1)?.saturating_mul(1_000),
    })
}

fn check_syslog(raw: raw::Syslog, folder: &Path) -> Result<Syslog, Wrong> {
    let host = host_of(&raw.address).ok_or(("address", "must be `host:port`"))?.to_owned();
    let tls = match (trust(raw.tls(), folder)?, raw.plain.unwrap_or(false)) {
        (Some(trust), false) => {
            let name = raw.server_name.unwrap_or_else(|| host.clone());
            let bare = name.trim_start_matches('[').trim_end_matches(']').to_owned();
            if rustls::pki_types::ServerName::try_from(bare.as_str()).is_err() {
                return Err(("server-name", "must be a host name or an address"));
            }
            Some((bare, trust))
        }
        (None, false) => {
            return Err(("ca-file", "is missing: the certificate of the authority to trust"));
        }
        (Some(_), true) => return Err(("plain", "is set, but there is a `ca-file`")),
        (None, true) if is_here(&host) => None,
        (None, true) => return Err(("plain", "is allowed only to a relay on this machine")),
    };
    let usual = Settling::default();
    let settle_s = raw.settle_s.unwrap_or(usual.settle_ms / 1_000);
    let message_bytes_max = raw.message_bytes_max.unwrap_or(8_192);
    // RFC 5425 §4.3.1: every receiver takes 2048 bytes, and should take 8192.
    if message_bytes_max < 2_048 {
        return Err(("message-bytes-max", "must be at least 2048"));
    }
    let timeout_s = at_least("timeout-s", raw.timeout_s.unwrap_or(10), 1)?;
    Ok(Syslog {
        address: raw.address,
        format: raw.format,
        tls,
        message_bytes_max,
        settling: Settling {
            settle_ms: at_least("settle-s", settle_s, 1)?.saturating_mul(1_000),
            settle_bytes: raw.settle_bytes.unwrap_or(usual.settle_bytes),
            timeout_ms: timeout_s.saturating_mul(1_000),
        },
    })
}

fn check_file(raw: raw::Lines, folder: &Path) -> Result<Lines, Wrong> {
    let rotate_bytes = at_least("rotate-bytes", raw.rotate_bytes.unwrap_or(64 << 20), 65_536)?;
    let files_max = raw.files_max.unwrap_or(100);
    if files_max == 0 || files_max > 100_000 {
        return Err(("files-max", "must be from 1 to 100000"));
    }
    let limits = FileLimits { rotate_bytes, files_max };
    Ok(Lines { path: folder.join(raw.path), format: raw.format, limits })
}

#[cfg(test)]
mod tests;

//! The configuration of one enforcement point: where things are, and nothing of policy.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use cordon_model::{PointId, ServiceId};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// Largest configuration file that is read, in bytes.
pub const BYTES_MAX: u64 = 1 << 20;

/// What an enforcement point is told when it starts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Config {
    /// Who it is; bundles of other points are refused.
    pub point: PointId,
    /// The sealed bundle, which is looked at again and again for a newer one.
    pub bundle: PathBuf,
    /// The public key of whoever seals bundles.
    pub key: PathBuf,
    /// Where accepted bundles are kept.
    pub state: PathBuf,
    /// The socket on which orders are taken; only its owner may connect.
    pub control: PathBuf,
    /// The folder of its journal.
    pub journal: PathBuf,
    /// The private key of the journal; made in the state folder when it is not named.
    #[serde(default)]
    pub journal_key: Option<PathBuf>,
    /// The most bytes of the journal: above them the oldest detail goes, then the oldest traffic.
    #[serde(default = "usual_journal_bytes")]
    pub journal_bytes_max: u64,
    /// The port of loopback on which flows are taken, TCP and UDP.
    #[serde(default = "usual_port")]
    pub proxy_port: u16,
    /// The bridge whose ports the interfaces of the bundle are; without one the point is a router.
    #[serde(default, deserialize_with = "interface")]
    pub bridge: Option<String>,
    /// How flows are sealed on their way.
    #[serde(default)]
    pub tls: Option<TlsConfig>,
    /// Seconds that are added to both clocks, so that what takes an hour can be shown in a minute.
    #[serde(default)]
    pub clock_offset_s: u64,
    /// Whether its owner may move both clocks on while it runs, for the same purpose.
    #[serde(default)]
    pub clock_may_advance: bool,
}

/// The port where none is named.
fn usual_port() -> u16 {
    15_001
}

/// What the journal may have where nothing is said: some weeks of a busy gateway.
fn usual_journal_bytes() -> u64 {
    2 << 30
}

/// Reads the name of an interface.
/// # Source
/// Linux `include/uapi/linux/if.h`: `IFNAMSIZ`
fn interface<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let name = String::deserialize(from)?;
    let is_legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.len() > 15 || name.starts_with('.') || !name.chars().all(is_legal) {
        return Err(D::Error::custom(format!("`{name}` is no name of an interface")));
    }
    Ok(Some(name))
}

/// What a flow's TLS is, seen from here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TlsMode {
    /// The device speaks plainly, and is spoken for by its own credential.
    Originate,
    /// The device speaks TLS to the service; it ends here.
    Terminate,
}

/// How flows are sealed on their way.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TlsConfig {
    /// A folder with one file `<device>.pem` for each device: certificates, then the private key.
    #[serde(default)]
    pub credentials: Option<PathBuf>,
    /// The certificates and the private key of the service, where TLS ends.
    #[serde(default)]
    pub server: Option<PathBuf>,
    /// The certificates of the authorities that are trusted.
    pub authorities: PathBuf,
    /// What each service's flows are; others are left as they are.
    pub services: BTreeMap<ServiceId, TlsMode>,
}

/// Says why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is larger than [`BYTES_MAX`].
    #[error("`{}` is larger than {BYTES_MAX} bytes", .0.display())]
    OverLimit(PathBuf),
    /// The file is no configuration.
    #[error("`{}` is no configuration of an enforcement point", path.display())]
    Form {
        /// Which.
        path: PathBuf,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
}

impl Config {
    /// Reads a configuration; relative paths start at its own folder.
    /// # Errors
    /// [`ConfigError`].
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let failed = |source| ConfigError::Read { path: path.to_owned(), source };
        if fs::metadata(path).map_err(failed)?.len() > BYTES_MAX {
            return Err(ConfigError::OverLimit(path.to_owned()));
        }
        let text = fs::read_to_string(path).map_err(failed)?;
        let mut config: Self = toml::from_str(&text).map_err(|source| ConfigError::Form {
            path: path.to_owned(),
            source: Box::new(source),
        })?;
        let folder = path.parent().unwrap_or(Path::new("."));
        config.each_path(|one| *one = folder.join(&*one));
        Ok(config)
    }

    fn each_path(&mut self, mut change: impl FnMut(&mut PathBuf)) {
        let own = [
            &mut self.bundle,
            &mut self.key,
            &mut self.state,
            &mut self.control,
            &mut self.journal,
        ];
        own.into_iter().for_each(&mut change);
        self.journal_key.iter_mut().for_each(&mut change);
        if let Some(tls) = &mut self.tls {
            change(&mut tls.authorities);
            tls.credentials.iter_mut().for_each(&mut change);
            tls.server.iter_mut().for_each(&mut change);
        }
    }
}

#[cfg(test)]
mod tests;

//! TLS of the proxies: the gateway proves a legacy device to a service, a guard lets a device prove
//! itself.
//!
//! Invariant: TLS 1.3 only; both sides prove themselves; a certificate of one device never opens a
//! connection of another; keys never leave this module.
//!
//! Source: RFC 8446; RFC 5280 §4.2.1.6; draft-ietf-tls-ecdhe-mlkem-03; NIST SP 800-52r2 §3.1; SPIFFE-ID §2.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cordon_model::{DeviceId, ServiceId};
use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};

mod identity;
mod session;

pub use identity::{Named, named};
pub(super) use session::{Hearing, Session};

/// Sessions of a device that are kept to be resumed.
const SESSIONS_KEPT: usize = 4;
/// Configurations of devices that are kept.
const CONFIGS_MAX: usize = 4_096;

/// What TLS does on the flows of a service.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Tls {
    /// Nothing: what comes goes on as it is.
    #[default]
    None,
    /// The side of the service is TLS, proved with the credential of the device.
    Originate {
        /// The name in the service's certificate; by its address when there is none.
        name: Option<String>,
    },
    /// The side of the device is TLS; the device proves itself, the point has a credential.
    Terminate,
}

/// What the TLS of a point is made of.
#[derive(Debug, Clone, Default)]
pub struct TlsOptions {
    /// The folder of `<device-id>.pem`: chain and key of each device.
    pub credentials: Option<PathBuf>,
    /// Chain and key of the point itself.
    pub own: Option<PathBuf>,
    /// The certificates of those who certify services and devices.
    pub roots: Option<PathBuf>,
    /// What TLS does on the flows of which service.
    pub services: BTreeMap<ServiceId, Tls>,
}

/// Says why TLS cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read as PEM.
    #[error("`{}` holds no certificate or key that can be read", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rustls_pki_types::pem::Error,
    },
    /// There is no certificate in a file.
    #[error("`{}` holds no certificate", .0.display())]
    Empty(PathBuf),
    /// What is needed for it was not given.
    #[error("no {0} is configured")]
    Missing(&'static str),
    /// The library refuses it.
    #[error("the certificate or key cannot be used")]
    Refused(#[source] rustls::Error),
    /// The certificates cannot be checked against these roots.
    #[error("clients cannot be checked")]
    Verifier(#[source] rustls::server::VerifierBuilderError),
    /// A name is none.
    #[error("`{0}` is no name of a server")]
    Name(String),
}

/// The TLS of a point.
#[derive(Debug)]
pub(super) struct Keys {
    options: TlsOptions,
    provider: Arc<CryptoProvider>,
    roots: Option<Arc<RootCertStore>>,
    own: Option<Own>,
    devices: BTreeMap<DeviceId, Device>,
}

/// How the point itself appears to devices.
#[derive(Debug)]
struct Own {
    as_server: Arc<ServerConfig>,
    as_client: Arc<ClientConfig>,
}

/// How a device appears to services.
#[derive(Debug)]
struct Device {
    as_server: Arc<ServerConfig>,
    as_client: Arc<ClientConfig>,
}

type Pair = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

impl Keys {
    /// Reads what all devices share; the credential of a device is read when it is first needed.
    pub(super) fn new(options: TlsOptions) -> Result<Self, TlsError> {
        let mut provider = aws_lc_rs::default_provider();
        provider.kx_groups = vec![
            aws_lc_rs::kx_group::X25519MLKEM768,
            aws_lc_rs::kx_group::X25519,
            aws_lc_rs::kx_group::SECP256R1,
            aws_lc_rs::kx_group::SECP384R1,
        ];
        let provider = Arc::new(provider);
        let roots = options.roots.as_deref().map(roots).transpose()?;
        let mut keys = Self { provider, roots, own: None, devices: BTreeMap::new(), options };
        if let Some(path) = keys.options.own.clone() {
            let (chain, key) = pair(&path)?;
            let as_server = keys.server(chain.clone(), key.clone_key())?;
            let as_client = keys.client(chain, key, true)?;
            keys.own = Some(Own { as_server, as_client });
        }
        Ok(keys)
    }

    /// Says what TLS does on the flows of a service.
    pub(super) fn of(&self, service: &ServiceId) -> &Tls {
        self.options.services.get(service).unwrap_or(&Tls::None)
    }

    /// Forgets the credentials of devices, so that they are read anew.
    pub(super) fn forget(&mut self) {
        self.devices.clear();
    }

    fn device(&mut self, id: &DeviceId) -> Result<&Device, TlsError> {
        if !self.devices.contains_key(id) {
            let folder = self.options.credentials.as_ref();
            let folder = folder.ok_or(TlsError::Missing("folder of credentials"))?;
            let (chain, key) = pair(&folder.join(format!("{id}.pem")))?;
            let as_server = self.server(chain.clone(), key.clone_key())?;
            let as_client = self.client(chain, key, false)?;
            if self.devices.len() >= CONFIGS_MAX {
                self.devices.pop_first();
            }
            self.devices.insert(id.clone(), Device { as_server, as_client });
        }
        self.devices.get(id).ok_or(TlsError::Missing("credential of the device"))
    }

    /// Begins TLS towards a service, as a device; `called` says whether the service was called.
    pub(super) fn towards_service(
        &mut self,
        device: &DeviceId,
        name: Option<&str>,
        address: IpAddr,
        called: bool,
    ) -> Result<Session, TlsError> {
        let server_name = match name {
            Some(name) => ServerName::try_from(name.to_owned())
                .map_err(|_error| TlsError::Name(name.to_owned()))?,
            None => ServerName::IpAddress(address.into()),
        };
        let device = self.device(device)?;
        if called {
            let config = Arc::clone(&device.as_client);
            ClientConnection::new(config, server_name).map(Session::client)
        } else {
            let config = Arc::clone(&device.as_server);
            ServerConnection::new(config).map(|made| Session::server(made).expect(server_name))
        }
        .map_err(TlsError::Refused)
    }

    /// Begins TLS towards a device, as the point; `called` says whether the device was called.
    pub(super) fn towards_device(
        &self,
        address: IpAddr,
        called: bool,
    ) -> Result<Session, TlsError> {
        let own = self.own.as_ref().ok_or(TlsError::Missing("credential of the point"))?;
        if called {
            let config = Arc::clone(&own.as_client);
            let name = ServerName::IpAddress(address.into());
            ClientConnection::new(config, name).map(Session::client)
        } else {
            ServerConnection::new(Arc::clone(&own.as_server)).map(Session::server)
        }
        .map_err(TlsError::Refused)
    }

    fn trusted(&self) -> Result<Arc<RootCertStore>, TlsError> {
        self.roots.clone().ok_or(TlsError::Missing("bundle of roots"))
    }

    fn server(
        &self,
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Arc<ServerConfig>, TlsError> {
        let provider = Arc::clone(&self.provider);
        let verifier =
            WebPkiClientVerifier::builder_with_provider(self.trusted()?, Arc::clone(&provider))
                .build()
                .map_err(TlsError::Verifier)?;
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(TlsError::Refused)?
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain, key)
            .map_err(TlsError::Refused)?;
        Ok(Arc::new(config))
    }

    /// Makes a client; towards devices the certificate names a device and no address.
    fn client(
        &self,
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
        towards_devices: bool,
    ) -> Result<Arc<ClientConfig>, TlsError> {
        let builder = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(TlsError::Refused)?;
        let roots = self.trusted()?;
        let builder = if towards_devices {
            let verifier = identity::AnyDevice::new(roots, Arc::clone(&self.provider));
            builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier))
        } else {
            builder.with_root_certificates(roots)
        };
        let mut config = builder.with_client_auth_cert(chain, key).map_err(TlsError::Refused)?;
        config.resumption = Resumption::in_memory_sessions(SESSIONS_KEPT);
        Ok(Arc::new(config))
    }
}

fn roots(path: &Path) -> Result<Arc<RootCertStore>, TlsError> {
    let mut store = RootCertStore::empty();
    for certificate in certificates(path)? {
        store.add(certificate).map_err(TlsError::Refused)?;
    }
    Ok(Arc::new(store))
}

fn pair(path: &Path) -> Result<Pair, TlsError> {
    let chain = certificates(path)?;
    let key = PrivateKeyDer::from_pem_file(path)
        .map_err(|source| TlsError::Pem { path: path.to_owned(), source })?;
    Ok((chain, key))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let fail = |source| TlsError::Pem { path: path.to_owned(), source };
    let found = CertificateDer::pem_file_iter(path).map_err(fail)?;
    let found: Vec<_> = found.collect::<Result<_, _>>().map_err(fail)?;
    if found.is_empty() { Err(TlsError::Empty(path.to_owned())) } else { Ok(found) }
}

#[cfg(test)]
mod tests;

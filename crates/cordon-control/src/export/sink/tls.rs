//! Whom an exporter trusts and as whom it shows itself.
//!
//! Invariant: a receiver is trusted by the hospital's own authority only, never by a public list.
//! Source: RFC 5425 §5; NIST SP 800-52 Rev. 2 §3.1 (TLS 1.2 and 1.3).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use crate::export::delivery::Fault;

/// Where the trust lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trust {
    /// The certificates of the authority, PEM.
    pub ca_file: PathBuf,
    /// Our certificate and its key, PEM, if the receiver asks for one.
    pub own: Option<(PathBuf, PathBuf)>,
}

/// Says why trust cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// A file is missing or is not PEM.
    #[error("cannot read a certificate or key from `{}`", path.display())]
    Pem {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: pem::Error,
    },
    /// A file holds no certificate.
    #[error("`{}` holds no certificate", .0.display())]
    Empty(PathBuf),
    /// A certificate or key cannot be used.
    #[error("the certificates or the key cannot be used")]
    Rustls(#[source] rustls::Error),
}

/// Gives the cryptography that every exporter uses.
#[must_use]
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

pub(super) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TrustError> {
    let error = |source| TrustError::Pem { path: path.to_owned(), source };
    let found: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path).map_err(error)?.collect();
    let found = found.map_err(error)?;
    if found.is_empty() {
        return Err(TrustError::Empty(path.to_owned()));
    }
    Ok(found)
}

pub(super) fn key(path: &Path) -> Result<PrivateKeyDer<'static>, TrustError> {
    let error = |source| TrustError::Pem { path: path.to_owned(), source };
    PrivateKeyDer::from_pem_file(path).map_err(error)
}

/// Tells what an error of TLS means for delivery.
pub(super) fn fault(error: &rustls::Error) -> Fault {
    if let rustls::Error::InvalidCertificate(_) = error {
        Fault::Refused("their-certificate")
    } else if let rustls::Error::AlertReceived(_) = error {
        Fault::Refused("our-certificate")
    } else {
        Fault::Away("tls-failed")
    }
}

impl Trust {
    /// Reads the files.
    /// # Errors
    /// [`TrustError`].
    pub fn client(&self) -> Result<Arc<ClientConfig>, TrustError> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates(&self.ca_file)? {
            roots.add(certificate).map_err(TrustError::Rustls)?;
        }
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(TrustError::Rustls)?
            .with_root_certificates(roots);
        let config = match &self.own {
            None => builder.with_no_client_auth(),
            Some((certificate, secret)) => builder
                .with_client_auth_cert(certificates(certificate)?, key(secret)?)
                .map_err(TrustError::Rustls)?,
        };
        Ok(Arc::new(config))
    }
}

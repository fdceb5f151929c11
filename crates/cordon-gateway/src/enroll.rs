//! The identity of an enforcement point: its own key, a request for a certificate, and the answer.
//!
//! The private key is made here and never leaves. Until a control plane answers requests by itself,
//! the request goes to the hospital's authority by hand, and its answer comes back the same way.
//!
//! Invariant: a certificate is taken only if it is for this key, names this point, and leads to one
//! of the authorities that were named with it; what was there before then stays as it was.
//!
//! Source: NIST SP 800-207 §3.1; RFC 2986; RFC 5280 §6.

use std::fs;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use cordon_journal::disk;
use cordon_model::PointId;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, PublicKeyData as _};
use rustls::RootCertStore;
use rustls::crypto::aws_lc_rs;
use rustls::server::WebPkiClientVerifier;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, UnixTime};
use x509_cert::der::{DateTime, Decode as _, Encode as _};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

const KEY: &str = "identity.key";
const REQUEST: &str = "identity.csr";
const CERTIFICATE: &str = "identity.pem";
/// What parts the certificates of the point from those of the authorities in the file.
const AUTHORITIES: &str = "# the authorities";

/// Largest file of certificates or keys that is read, in bytes.
pub const BYTES_MAX: u64 = 1 << 20;

/// Says why a point has no identity, or not the one that is offered.
#[derive(Debug, thiserror::Error)]
pub enum EnrollError {
    /// A file cannot be read or written.
    #[error("`{}`", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// No key or no request can be made.
    #[error("no request can be made")]
    Request(#[source] rcgen::Error),
    /// A file holds no key, no certificate, or none that can be read.
    #[error("`{}` cannot be read: {why}", path.display())]
    Form {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// The key of this point is not there, or cannot be read.
    #[error("the key of this point, `{}`, cannot be used: {why}", path.display())]
    OwnKey {
        /// Where it should be.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// The certificate is for another key.
    #[error("the certificate is not for the key of this point; was it for an older request?")]
    Key,
    /// The certificate names somebody else.
    #[error("the certificate names {found}, not `{wanted}`")]
    Name {
        /// Who this is.
        wanted: PointId,
        /// Whom it names.
        found: String,
    },
    /// It leads to none of the authorities, or not now.
    #[error("the certificate is not believed")]
    Chain(#[source] rustls::Error),
}

impl EnrollError {
    /// Says whether what was offered is at fault, and not this machine.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::Key | Self::Name { .. } | Self::Chain(_) | Self::Form { .. } => true,
            Self::Io { .. } | Self::OwnKey { .. } | Self::Request(_) => false,
        }
    }
}

/// A request that waits for an authority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requested {
    /// The file with the request, PEM.
    pub path: PathBuf,
    /// Whether the key was made now; otherwise the one that is there is used again.
    pub is_new: bool,
}

/// Who a point is, by its certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Whom the certificate names.
    pub point: PointId,
    /// Until when it holds.
    pub until: SystemTime,
}

impl Identity {
    /// Tells until when it holds, as RFC 3339 writes it.
    #[must_use]
    pub fn until(&self) -> String {
        DateTime::from_system_time(self.until).map(|until| until.to_string()).unwrap_or_default()
    }
}

/// Makes the key of a point, if there is none, and a request for a certificate.
/// # Shape
/// A key of the curve P-256; the request has the point as its common name and as a DNS name.
/// # Errors
/// [`EnrollError`].
pub fn request(state: &Path, point: &PointId) -> Result<Requested, EnrollError> {
    fs::create_dir_all(state).map_err(io(state))?;
    let path = state.join(KEY);
    let (key, is_new) = match read(&path) {
        Ok(text) => (key_of(&path, &text)?, false),
        Err(EnrollError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)
                .map_err(EnrollError::Request)?;
            keep_secret(&path, &key.serialize_pem())?;
            (key, true)
        }
        Err(error) => return Err(error),
    };
    let names = vec![point.to_string()];
    let mut wanted = CertificateParams::new(names).map_err(EnrollError::Request)?;
    wanted.distinguished_name = DistinguishedName::new();
    wanted.distinguished_name.push(DnType::CommonName, point.to_string());
    let request = wanted.serialize_request(&key).and_then(|request| request.pem());
    let request = request.map_err(EnrollError::Request)?;
    let path = state.join(REQUEST);
    disk::replace(&path, request.as_bytes()).map_err(io(&path))?;
    Ok(Requested { path, is_new })
}

/// Takes a certificate that an authority issued for this point's request.
/// # Shape
/// PEM files: the point's certificate and those between it and the authority; the authorities.
/// # Errors
/// [`EnrollError`]; what was there before then stays.
pub fn install(
    state: &Path,
    point: &PointId,
    certificate: &Path,
    authorities: &Path,
    now: SystemTime,
) -> Result<Identity, EnrollError> {
    let (chain, roots) = (read(certificate)?, read(authorities)?);
    let key = own_key(&state.join(KEY))?;
    let identity = judge(point, &key, (certificate, &chain), (authorities, &roots), now)?;
    // One file, so that they change together.
    let own = state.join(CERTIFICATE);
    disk::replace(
        &own,
        format!(
            "{chain}
{AUTHORITIES}
{roots}"
        )
        .as_bytes(),
    )
    .map_err(io(&own))?;
    Ok(identity)
}

/// Gives the identity that was taken; none where none was.
/// # Errors
/// [`EnrollError`], also when the certificate does not hold any more.
pub fn identity(
    state: &Path,
    point: &PointId,
    now: SystemTime,
) -> Result<Option<Identity>, EnrollError> {
    let own = state.join(CERTIFICATE);
    if !own.exists() {
        return Ok(None);
    }
    let key = own_key(&state.join(KEY))?;
    let text = read(&own)?;
    let parted = text.split_once(AUTHORITIES);
    let (chain, roots) = parted.ok_or_else(|| EnrollError::Form {
        path: own.clone(),
        why: "it names no authorities".to_owned(),
    })?;
    judge(point, &key, (&own, chain), (&own, roots), now).map(Some)
}

fn judge(
    point: &PointId,
    key: &KeyPair,
    (path, chain): (&Path, &str),
    (roots_path, roots): (&Path, &str),
    now: SystemTime,
) -> Result<Identity, EnrollError> {
    let form = |path: &Path, why: &dyn std::fmt::Display| EnrollError::Form {
        path: path.to_owned(),
        why: why.to_string(),
    };
    let chain = certificates(chain).map_err(|error| form(path, &error))?;
    let Some((own, between)) = chain.split_first() else {
        return Err(form(path, &"it holds no certificate"));
    };
    let read = x509_cert::Certificate::from_der(own).map_err(|error| form(path, &error))?;
    let body = read.tbs_certificate();
    let public = body.subject_public_key_info().to_der().map_err(|error| form(path, &error))?;
    if public != key.subject_public_key_info() {
        return Err(EnrollError::Key);
    }
    let found = names(&read);
    if !found.iter().any(|name| name == point.as_str()) {
        let found = if found.is_empty() { "nobody".to_owned() } else { found.join(", ") };
        return Err(EnrollError::Name { wanted: point.clone(), found });
    }
    let mut trusted = RootCertStore::empty();
    for root in certificates(roots).map_err(|error| form(roots_path, &error))? {
        trusted.add(root).map_err(|error| form(roots_path, &error))?;
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(trusted), provider).build();
    let verifier = verifier.map_err(|error| form(roots_path, &error))?;
    let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let moment = UnixTime::since_unix_epoch(since);
    verifier.verify_client_cert(own, between, moment).map_err(EnrollError::Chain)?;
    let until = body.validity().not_after.to_system_time();
    Ok(Identity { point: point.clone(), until })
}

/// Gives the DNS names of a certificate.
fn names(certificate: &x509_cert::Certificate) -> Vec<String> {
    let names = certificate.tbs_certificate().get_extension::<SubjectAltName>();
    let names = names.ok().flatten().map(|(_, names)| names.0).unwrap_or_default();
    let dns = |name: &GeneralName| {
        if let GeneralName::DnsName(host) = name { Some(host.as_str().to_owned()) } else { None }
    };
    names.iter().filter_map(dns).collect()
}

fn certificates(text: &str) -> Result<Vec<CertificateDer<'static>>, rustls_pki_types::pem::Error> {
    CertificateDer::pem_slice_iter(text.as_bytes()).collect()
}

fn key_of(path: &Path, text: &str) -> Result<KeyPair, EnrollError> {
    KeyPair::from_pem(text)
        .map_err(|error| EnrollError::OwnKey { path: path.to_owned(), why: error.to_string() })
}

/// Reads the key of the point, which must be there.
fn own_key(path: &Path) -> Result<KeyPair, EnrollError> {
    let text = read(path).map_err(|error| {
        let why = format!("{}; ask for a certificate first", crate::check::with_sources(&error));
        EnrollError::OwnKey { path: path.to_owned(), why }
    })?;
    key_of(path, &text)
}

fn read(path: &Path) -> Result<String, EnrollError> {
    let length = fs::metadata(path).map_err(io(path))?.len();
    if length > BYTES_MAX {
        let why = format!("it is larger than {BYTES_MAX} bytes");
        return Err(EnrollError::Form { path: path.to_owned(), why });
    }
    fs::read_to_string(path).map_err(io(path))
}

/// Writes a file that nobody but its owner may read, and that must not be there yet.
fn keep_secret(path: &Path, text: &str) -> Result<(), EnrollError> {
    use std::io::Write as _;
    let new = path.with_extension("new");
    let file =
        fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new);
    let mut file = file.map_err(io(&new))?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(io(&new))?;
    // A link, unlike a renaming, replaces nothing; what is half written never has the name.
    fs::hard_link(&new, path).map_err(io(path))?;
    fs::remove_file(&new).map_err(io(&new))
}

fn io(path: &Path) -> impl FnOnce(io::Error) -> EnrollError {
    let path = path.to_owned();
    move |source| EnrollError::Io { path, source }
}

#[cfg(test)]
mod tests;

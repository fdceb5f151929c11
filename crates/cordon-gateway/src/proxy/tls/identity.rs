//! Which device a certificate names.

use std::sync::Arc;

use cordon_model::DeviceId;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{CryptoProvider, verify_tls13_signature};
use rustls::server::ParsedCertificate;
use rustls::{DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use x509_cert::der::Decode;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

/// What a certificate says of the device it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// It names one device.
    Device(DeviceId),
    /// It names none.
    None,
    /// It names several, or cannot be read.
    Unclear,
}

/// Reads which device a certificate names: by a URI `spiffe://<hospital>/device/<id>`, or, when
/// there is no such URI, by the one DNS name.
/// # Source
/// RFC 5280 §4.2.1.6; SPIFFE-ID §2; X509-SVID §2.
#[must_use]
pub fn named(certificate: &[u8], hospital: &str) -> Named {
    let Ok(certificate) = x509_cert::Certificate::from_der(certificate) else {
        return Named::Unclear;
    };
    let names = match certificate.tbs_certificate().get_extension::<SubjectAltName>() {
        Ok(Some((_, names))) => names,
        Ok(None) => return Named::None,
        Err(_) => return Named::Unclear,
    };
    let (mut uris, mut hosts) = (Vec::new(), Vec::new());
    for name in &names.0 {
        match name {
            GeneralName::UniformResourceIdentifier(uri) => uris.push(uri.as_str()),
            GeneralName::DnsName(host) => hosts.push(host.as_str()),
            GeneralName::OtherName(_)
            | GeneralName::Rfc822Name(_)
            | GeneralName::DirectoryName(_)
            | GeneralName::EdiPartyName(_)
            | GeneralName::IpAddress(_)
            | GeneralName::RegisteredId(_) => {}
        }
    }
    let text = match (uris.as_slice(), hosts.as_slice()) {
        ([uri], _) => {
            let path = uri.strip_prefix("spiffe://").and_then(|rest| rest.split_once('/'));
            let id = path.and_then(|(domain, path)| {
                path.strip_prefix("device/").filter(|_| domain.eq_ignore_ascii_case(hospital))
            });
            let Some(id) = id else { return Named::None };
            id
        }
        ([], [host]) => host,
        ([], []) => return Named::None,
        _ => return Named::Unclear,
    };
    DeviceId::new(text).map_or(Named::Unclear, Named::Device)
}

/// Checks a device that is called: its certificate names a device and no address, so the chain is
/// checked here and the name once the handshake is done.
#[derive(Debug)]
pub(super) struct AnyDevice {
    roots: Arc<RootCertStore>,
    provider: Arc<CryptoProvider>,
}

impl AnyDevice {
    pub(super) fn new(roots: Arc<RootCertStore>, provider: Arc<CryptoProvider>) -> Self {
        Self { roots, provider }
    }
}

impl ServerCertVerifier for AnyDevice {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let certificate = ParsedCertificate::try_from(end_entity)?;
        verify_server_cert_signed_by_trust_anchor(
            &certificate,
            &self.roots,
            intermediates,
            now,
            self.provider.signature_verification_algorithms.all,
        )?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("TLS 1.2 is not spoken".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

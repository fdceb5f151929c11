//! A connection of an actor, plain or within TLS.
//!
//! Invariant: within TLS both sides prove themselves, and TLS is 1.3.
//!
//! Source: RFC 8446.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::version::TLS13;
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, StreamOwned,
};

use crate::lab::{Seat, Standing};
use crate::outcome::{Failure, chain};

/// How an actor proves who it is, and whom it believes.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    as_client: Arc<ClientConfig>,
    as_server: Arc<ServerConfig>,
}

fn unusable(path: &Path, error: &dyn std::error::Error) -> Failure {
    let message = format!("{}: {}", path.display(), chain(error));
    Failure::config(message, "build the lab anew")
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let all = CertificateDer::pem_file_iter(path).map_err(|error| unusable(path, &error))?;
    all.collect::<Result<_, _>>().map_err(|error| unusable(path, &error))
}

impl Keys {
    /// Reads certificate and key, and the certificates of those who certify.
    pub(super) fn read(own: &Path, authorities: &Path) -> Result<Self, Failure> {
        let mut roots = RootCertStore::empty();
        for authority in certificates(authorities)? {
            roots.add(authority).map_err(|error| unusable(authorities, &error))?;
        }
        let (roots, provider) = (Arc::new(roots), Arc::new(aws_lc_rs::default_provider()));
        let chain = certificates(own)?;
        let key = PrivateKeyDer::from_pem_file(own).map_err(|error| unusable(own, &error))?;
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(&provider));
        let verifier = verifier.build().map_err(|error| unusable(authorities, &error))?;
        let as_server = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&TLS13])
            .and_then(|builder| {
                let builder = builder.with_client_cert_verifier(verifier);
                builder.with_single_cert(chain.clone(), key.clone_key())
            })
            .map_err(|error| unusable(own, &error))?;
        let as_client = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13])
            .and_then(|builder| {
                builder.with_root_certificates(roots).with_client_auth_cert(chain, key)
            })
            .map_err(|error| unusable(own, &error))?;
        Ok(Self { as_client: Arc::new(as_client), as_server: Arc::new(as_server) })
    }

    /// Reads those of a device that speaks TLS itself; none for others.
    pub(super) fn of(standing: &Standing, seat: &Seat) -> Result<Option<Self>, Failure> {
        if !seat.talks.iter().any(|talk| talk.sealed) {
            return Ok(None);
        }
        Self::read(&standing.credential(&seat.id), &standing.authorities()).map(Some)
    }
}

/// A connection.
#[derive(Debug)]
pub(super) enum Line {
    Plain(TcpStream),
    Client(Box<StreamOwned<ClientConnection, TcpStream>>),
    Server(Box<StreamOwned<ServerConnection, TcpStream>>),
}

impl Line {
    /// Calls somebody; within TLS when there are keys for it.
    pub(super) fn call(to: SocketAddr, limit: Duration, keys: Option<&Keys>) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&to, limit)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(limit))?;
        stream.set_write_timeout(Some(limit))?;
        let Some(keys) = keys else { return Ok(Self::Plain(stream)) };
        let name = ServerName::IpAddress(to.ip().into());
        let session = ClientConnection::new(Arc::clone(&keys.as_client), name);
        let session = session.map_err(io::Error::other)?;
        Ok(Self::Client(Box::new(StreamOwned::new(session, stream))))
    }

    /// Takes a call.
    pub(super) fn taken(stream: TcpStream, keys: Option<&Keys>) -> io::Result<Self> {
        let Some(keys) = keys else { return Ok(Self::Plain(stream)) };
        let session = ServerConnection::new(Arc::clone(&keys.as_server));
        let session = session.map_err(io::Error::other)?;
        Ok(Self::Server(Box::new(StreamOwned::new(session, stream))))
    }

    /// Says that nothing more comes; whoever is gone already does not have to hear it.
    pub(super) fn end(&mut self) {
        match self {
            Self::Plain(_) => {}
            Self::Client(line) => line.conn.send_close_notify(),
            Self::Server(line) => line.conn.send_close_notify(),
        }
        let _ = self.flush();
    }
}

impl Read for Line {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(line) => line.read(buffer),
            Self::Client(line) => line.read(buffer),
            Self::Server(line) => line.read(buffer),
        }
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(line) => line.write(bytes),
            Self::Client(line) => line.write(bytes),
            Self::Server(line) => line.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(line) => line.flush(),
            Self::Client(line) => line.flush(),
            Self::Server(line) => line.flush(),
        }
    }
}

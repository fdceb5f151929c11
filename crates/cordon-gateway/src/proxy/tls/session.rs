//! One TLS session, between the bytes of a socket and those of a conversation.

use std::io::{self, BufRead, Write};

use rustls::client::verify_server_name;
use rustls::server::ParsedCertificate;
use rustls::{ClientConnection, Connection, NamedGroup, ServerConnection};

use rustls_pki_types::{CertificateDer, ServerName};

use crate::proxy::buffer::Buffer;

/// Plaintext that waits within a session to be encrypted.
/// # Units
/// Bytes.
const PLAIN_BYTES_MAX: usize = 16 * 1024;

/// What is heard of the other side.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Hearing<'a> {
    /// The handshake is done, and the other side proved that the certificate is its own.
    Met {
        /// The certificate.
        certificate: Option<&'a [u8]>,
        /// Whether the key exchange resists quantum computers.
        is_hybrid: bool,
        /// Whether the certificate is for the name that was expected, if one was.
        is_expected: bool,
    },
    /// The next bytes.
    Bytes(&'a [u8]),
    /// Nothing more comes.
    End,
}

/// One TLS session.
#[derive(Debug)]
pub(crate) struct Session {
    connection: Box<Connection>,
    has_met: bool,
    /// The name that the certificate of who called must have.
    expected: Option<ServerName<'static>>,
}

impl Session {
    pub(super) fn client(connection: ClientConnection) -> Self {
        Self::new(Connection::Client(connection))
    }

    pub(super) fn server(connection: ServerConnection) -> Self {
        Self::new(Connection::Server(connection))
    }

    /// Expects a name in the certificate of who called.
    pub(super) fn expect(mut self, name: ServerName<'static>) -> Self {
        self.expected = Some(name);
        self
    }

    fn new(mut connection: Connection) -> Self {
        connection.set_buffer_limit(Some(PLAIN_BYTES_MAX));
        Self { connection: Box::new(connection), has_met: false, expected: None }
    }

    /// Says whether the handshake is done.
    pub(crate) fn has_met(&self) -> bool {
        self.has_met
    }

    /// Takes bytes of the socket, and hands out what they hold; once `each` says false, nothing more.
    pub(crate) fn hear(
        &mut self,
        bytes: &[u8],
        each: &mut dyn FnMut(Hearing<'_>) -> bool,
    ) -> Result<(), rustls::Error> {
        let mut rest = bytes;
        while !rest.is_empty() {
            // It is read from memory; what fails here is a record that is too long.
            if !matches!(self.connection.read_tls(&mut rest), Ok(1..)) {
                return Err(rustls::Error::General("a record is too long".to_owned()));
            }
            let has_ended = self.connection.process_new_packets()?.peer_has_closed();
            if !self.has_met && !self.connection.is_handshaking() {
                self.has_met = true;
                let certificates = self.connection.peer_certificates();
                let certificate = certificates.and_then(<[_]>::first).map(AsRef::as_ref);
                let group = self.connection.negotiated_key_exchange_group();
                let is_hybrid =
                    group.is_some_and(|group| group.name() == NamedGroup::X25519MLKEM768);
                let is_expected = self.expected.as_ref().is_none_or(|name| {
                    certificates
                        .and_then(<[_]>::first)
                        .is_some_and(|certificate| is_for(certificate, name))
                });
                if !each(Hearing::Met { certificate, is_hybrid, is_expected }) {
                    return Ok(());
                }
            }
            let mut reader = self.connection.reader();
            while let Ok(plain @ [_, ..]) = reader.fill_buf() {
                let count = plain.len();
                if !each(Hearing::Bytes(plain)) {
                    return Ok(());
                }
                reader.consume(count);
            }
            if has_ended {
                each(Hearing::End);
                return Ok(());
            }
        }
        Ok(())
    }

    /// Encrypts as much of what waits as there is room for; nothing before the handshake is done.
    pub(crate) fn say(&mut self, plain: &mut Buffer) {
        while self.has_met && !plain.is_empty() {
            // Writing to memory does not fail; without room it takes nothing.
            match self.connection.writer().write(plain.front()) {
                Ok(count @ 1..) => plain.take(count),
                Ok(_) | Err(_) => return,
            }
        }
    }

    /// Says whether something encrypted waits to be sent.
    pub(crate) fn waits(&self) -> bool {
        self.connection.wants_write()
    }

    /// Sends what is encrypted.
    pub(crate) fn send(&mut self, to: &mut dyn Write) -> io::Result<usize> {
        self.connection.write_tls(&mut { to })
    }

    /// Says that nothing more follows.
    pub(crate) fn end(&mut self) {
        self.connection.send_close_notify();
    }
}

/// Says whether a certificate, which was checked, is for a name.
fn is_for(certificate: &CertificateDer<'_>, name: &ServerName<'_>) -> bool {
    ParsedCertificate::try_from(certificate)
        .is_ok_and(|certificate| verify_server_name(&certificate, name).is_ok())
}

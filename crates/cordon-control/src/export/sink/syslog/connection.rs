//! One connection to a syslog receiver, over TLS or plain.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpStream, ToSocketAddrs as _};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use super::super::tls;
use crate::export::delivery::Fault;

/// Most bytes that a receiver may say to us; it has nothing to say.
const HEARD_BYTES_MAX: usize = 65_536;

/// Whom to connect to.
#[derive(Debug, Clone)]
pub struct Peer {
    /// Host and port.
    pub address: String,
    /// The name that its certificate must bear, and whom we trust; nothing: plain TCP.
    pub tls: Option<(ServerName<'static>, Arc<ClientConfig>)>,
}

#[derive(Debug)]
pub(super) enum Connection {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

const AWAY: Fault = Fault::Away("unreachable");
const LOST: Fault = Fault::Away("connection-lost");

/// Tells refusals from what time may heal.
fn fault(error: &io::Error) -> Fault {
    let tls = error.get_ref().and_then(|error| error.downcast_ref());
    tls.map_or(LOST, tls::fault)
}

impl Connection {
    pub(super) fn open(peer: &Peer, timeout: Duration) -> Result<Self, Fault> {
        let addresses = peer.address.to_socket_addrs().map_err(|_| Fault::Away("no-address"))?;
        let mut found = Err(AWAY);
        for address in addresses.take(8) {
            found = TcpStream::connect_timeout(&address, timeout).map_err(|_| AWAY);
            if found.is_ok() {
                break;
            }
        }
        let socket = found?;
        let timeouts = || {
            socket.set_read_timeout(Some(timeout))?;
            socket.set_write_timeout(Some(timeout))?;
            socket.set_nodelay(true)
        };
        timeouts().map_err(|_| LOST)?;
        let Some((name, config)) = &peer.tls else { return Ok(Self::Plain(socket)) };
        let connection = ClientConnection::new(Arc::clone(config), name.clone());
        let connection = connection.map_err(|_| Fault::Refused("tls-settings"))?;
        let mut stream = StreamOwned::new(connection, socket);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock).map_err(|error| fault(&error))?;
        }
        Ok(Self::Tls(Box::new(stream)))
    }

    fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(socket) => socket,
            Self::Tls(stream) => &stream.sock,
        }
    }

    /// Makes sure that the peer has not closed, without waiting.
    pub(super) fn check(&mut self) -> Result<(), Fault> {
        self.socket().set_nonblocking(true).map_err(|_| LOST)?;
        let heard = self.hear();
        self.socket().set_nonblocking(false).map_err(|_| LOST)?;
        match heard {
            Ok(()) => Err(Fault::Away("closed-by-receiver")),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(fault(&error)),
        }
    }

    /// Reads until the peer closes.
    fn hear(&mut self) -> io::Result<()> {
        let mut chunk = [0_u8; 1_024];
        let mut heard = 0;
        while heard < HEARD_BYTES_MAX {
            let read = match self {
                Self::Plain(socket) => socket.read(&mut chunk),
                Self::Tls(stream) => stream.read(&mut chunk),
            };
            match read {
                Ok(0) => return Ok(()),
                Ok(count) => heard += count,
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
                Err(error) => return Err(error),
            }
        }
        Err(io::ErrorKind::InvalidData.into())
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let result = match self {
            Self::Plain(socket) => socket.write_all(bytes),
            Self::Tls(stream) => stream.write_all(bytes).and_then(|()| stream.flush()),
        };
        result.map_err(|error| fault(&error))
    }

    /// Says that nothing more comes, and waits until the peer has read all and closed.
    pub(super) fn drain(mut self, timeout: Duration) -> Result<(), Fault> {
        self.check()?;
        if let Self::Tls(stream) = &mut self {
            stream.conn.send_close_notify();
            stream.flush().map_err(|error| fault(&error))?;
        }
        self.socket().shutdown(Shutdown::Write).map_err(|_| LOST)?;
        self.socket().set_read_timeout(Some(timeout)).map_err(|_| LOST)?;
        self.hear().map_err(|_| Fault::Away("not-closed-in-order"))?;
        match self.socket().take_error() {
            Ok(None) => Ok(()),
            Ok(Some(_)) | Err(_) => Err(LOST),
        }
    }
}

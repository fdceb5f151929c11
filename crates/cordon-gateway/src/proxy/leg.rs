//! One side of a proxied connection: its socket, its TLS if there is some, and what waits to be sent.

use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;

use mio::net::TcpStream;

use super::buffer::Buffer;
use super::tls::{Hearing, Session};

/// What a look at a socket came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// So many bytes came.
    Bytes(usize),
    /// Nothing is there now.
    Nothing,
    /// Nothing more comes.
    End,
    /// The connection is broken.
    Broken,
}

/// One side of a connection.
#[derive(Debug)]
pub(super) struct Leg {
    pub(super) socket: TcpStream,
    pub(super) session: Option<Session>,
    /// What waits to be sent, in plain.
    pub(super) out: Buffer,
    /// Whether the connection is made.
    pub(super) is_connected: bool,
    /// Whether there may be something to read.
    pub(super) is_readable: bool,
    /// Whether there may be room to write.
    pub(super) is_writable: bool,
    /// Whether the end, or a break, was announced, so that a short read is not the last.
    pub(super) is_ending: bool,
    /// Whether nothing more comes.
    pub(super) has_ended: bool,
    /// Whether nothing more will be given to it.
    pub(super) ends: bool,
    is_shut: bool,
}

impl Leg {
    pub(super) fn new(socket: TcpStream, is_connected: bool) -> Self {
        Self {
            socket,
            session: None,
            out: Buffer::default(),
            is_connected,
            is_readable: is_connected,
            is_writable: is_connected,
            is_ending: false,
            has_ended: false,
            ends: false,
            is_shut: false,
        }
    }

    /// Takes note of what the kernel says.
    pub(super) fn notice(&mut self, event: &mio::event::Event) {
        self.is_readable |= event.is_readable() || event.is_read_closed() || event.is_error();
        self.is_writable |= event.is_writable() || event.is_error();
        self.is_ending |= event.is_read_closed() || event.is_error();
    }

    /// Says whether the connection is made now; it may have failed.
    /// # Errors
    /// Why it failed.
    pub(super) fn check_connected(&mut self) -> io::Result<bool> {
        if self.is_connected || !self.is_writable {
            return Ok(self.is_connected);
        }
        if let Some(error) = self.socket.take_error()? {
            return Err(error);
        }
        match self.socket.peer_addr() {
            Ok(_) => {
                self.is_connected = true;
                self.is_readable = true;
                Ok(true)
            }
            Err(error) if error.kind() == ErrorKind::NotConnected => {
                self.is_writable = false;
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Says whether something may be read from it.
    pub(super) fn may_read(&self) -> bool {
        self.is_connected && self.is_readable && !self.has_ended
    }

    /// Reads once.
    pub(super) fn read(&mut self, room: &mut [u8]) -> Look {
        loop {
            return match self.socket.read(room) {
                Ok(0) => Look::End,
                Ok(count) => {
                    // Less than there was room for: that was all, and more is announced again.
                    self.is_readable = count == room.len() || self.is_ending;
                    Look::Bytes(count)
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.is_readable = false;
                    Look::Nothing
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => Look::Broken,
            };
        }
    }

    /// Hands out what bytes of the socket hold.
    /// # Errors
    /// When TLS fails.
    pub(super) fn hear(
        session: &mut Option<Session>,
        bytes: &[u8],
        each: &mut dyn FnMut(Hearing<'_>) -> bool,
    ) -> Result<(), rustls::Error> {
        match session {
            Some(session) => session.hear(bytes, each),
            None => {
                each(Hearing::Bytes(bytes));
                Ok(())
            }
        }
    }

    /// Sends what waits, as far as there is room; says whether something was sent.
    /// # Errors
    /// When the connection is broken.
    pub(super) fn flush(&mut self) -> io::Result<bool> {
        let mut moved = false;
        while self.is_connected && self.is_writable && self.waits() {
            let sent = match &mut self.session {
                Some(session) => {
                    session.say(&mut self.out);
                    if !session.waits() {
                        return Ok(moved);
                    }
                    session.send(&mut self.socket)
                }
                None => self.socket.write(self.out.front()).inspect(|count| self.out.take(*count)),
            };
            match sent {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(_) => moved = true,
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.is_writable = false,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if self.ends && !self.is_shut && self.is_connected && !self.waits() {
            self.shut()?;
            moved = true;
        }
        Ok(moved)
    }

    fn shut(&mut self) -> io::Result<()> {
        if let Some(session) = &mut self.session {
            session.end();
            // There is room for a few bytes, or the other side finds out by the end itself.
            let _ignored = session.send(&mut self.socket);
        }
        self.is_shut = true;
        match self.socket.shutdown(Shutdown::Write) {
            Err(error) if error.kind() == ErrorKind::NotConnected => Ok(()),
            other => other,
        }
    }

    /// Says whether something waits to be sent.
    pub(super) fn waits(&self) -> bool {
        !self.out.is_empty() || self.session.as_ref().is_some_and(Session::waits)
    }

    /// Says whether both directions ended.
    pub(super) fn is_over(&self) -> bool {
        self.has_ended && self.is_shut
    }

    /// Says whether all that it was given is sent.
    pub(super) fn is_shut(&self) -> bool {
        self.is_shut
    }
}

//! Takes a connection that is handed over, and calls whom it was meant for.

use std::io::ErrorKind;
use std::time::Duration;

use cordon_model::{Direction, Transport};
use mio::net::TcpStream;
use mio::{Interest, Token};

use super::connection::Connection;
use super::leg::Leg;
use super::seen::{Ends, Refused, Seen};
use super::socket::{self, Route};
use super::tls::{Session, Tls};
use super::{CONNECTIONS, Party, Proxy};

/// Connections that are taken in a row before others have their turn.
const ACCEPTS_MAX: usize = 64;

/// Where the TLS of a connection is.
#[derive(Default)]
struct Sessions {
    near: Option<Session>,
    far: Option<Session>,
    later: Option<Session>,
}

impl Proxy {
    /// Takes the connections that wait.
    pub(super) fn accept(&mut self, number: usize) {
        for _ in 0..ACCEPTS_MAX {
            let Some(listener) = self.listeners.get(number) else { return };
            match listener.accept() {
                Ok((stream, peer)) => self.take(stream, peer),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                // One that is gone already is no reason not to take the next.
                Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
                // Without descriptors none can be taken until some are free.
                Err(_) => return,
            }
        }
        // What is left is not announced again.
        self.crowded.push(number);
    }

    fn take(&mut self, stream: TcpStream, peer: std::net::SocketAddr) {
        let Ok(local) = stream.local_addr() else { return };
        let Some(route) = (self.options.route)(peer, local) else {
            socket::break_off(&stream);
            return;
        };
        let Route { opener, listener, .. } = route;
        let ends = Ends { transport: Transport::Tcp, opener, listener };
        let party = self.rules.between(opener.ip(), listener.ip(), listener.port(), Transport::Tcp);
        let Some(party) = party else { return self.refuse(&stream, ends, None, Refused::NoFlow) };
        if let Some(why) = self.is_full(&party) {
            return self.refuse(&stream, ends, Some(party), why);
        }
        let Some(sessions) = self.sessions(&party, ends) else {
            return self.refuse(&stream, ends, Some(party), Refused::NoCredential);
        };
        let Ok(far) = socket::call(&route).map(TcpStream::from_std) else {
            return self.refuse(&stream, ends, Some(party), Refused::Unreachable);
        };
        let keepalive = Duration::from_secs(self.options.limits.keepalive_s.max(4));
        // What they are for is comfort; without them the connection works.
        let _ignored = (socket::tune(&stream, keepalive), socket::tune(&far, keepalive));
        let (mut near, mut far) = (Leg::new(stream, true), Leg::new(far, false));
        (near.session, far.session) = (sessions.near, sessions.far);
        let mut connection = Connection::new(ends, party.clone(), near, far, self.now);
        connection.later = sessions.later.map(Box::new);
        if let Some(device) = party.device() {
            connection.memory = self.memories.place(&device.id);
        }
        self.keep(connection);
    }

    fn is_full(&self, party: &Party) -> Option<Refused> {
        let limits = &self.options.limits;
        let device = party.device().and_then(|device| self.of_device.get(&device.id));
        if self.slots.len().saturating_sub(self.free.len()) >= limits.connections_max {
            Some(Refused::TooMany)
        } else if device.is_some_and(|count| *count >= limits.connections_of_device_max) {
            Some(Refused::TooManyOfDevice)
        } else {
            None
        }
    }

    /// Makes the TLS that the bundle's service asks for; none when there is no credential for it.
    fn sessions(&mut self, party: &Party, ends: Ends) -> Option<Sessions> {
        let (device, service, key) = (party.device()?, party.service()?, party.key()?);
        let is_out = key.direction == Direction::Out;
        let mut sessions = Sessions::default();
        match self.keys.of(&service.id).clone() {
            Tls::None => {}
            Tls::Originate { name } => {
                let made = self.keys.towards_service(&device.id, name.as_deref(), key.peer, is_out);
                let session = Some(made.ok()?);
                let place = if is_out { &mut sessions.later } else { &mut sessions.near };
                *place = session;
            }
            Tls::Terminate => {
                let session = self.keys.towards_device(ends.listener.ip(), !is_out).ok();
                let session = Some(session?);
                let place = if is_out { &mut sessions.near } else { &mut sessions.far };
                *place = session;
            }
        }
        Some(sessions)
    }

    fn keep(&mut self, mut connection: Connection) {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len().saturating_sub(1)
        });
        let token = CONNECTIONS.saturating_add(slot.saturating_mul(2));
        let both = Interest::READABLE | Interest::WRITABLE;
        let registry = self.poll.registry();
        let registered =
            registry.register(&mut connection.near.socket, Token(token), both).and_then(|()| {
                registry.register(&mut connection.far.socket, Token(token.saturating_add(1)), both)
            });
        if registered.is_err() {
            self.free.push(slot);
            let party = Some(connection.party.clone());
            self.refuse(&connection.near.socket, connection.ends, party, Refused::NoSocket);
            return;
        }
        if let Some(device) = connection.party.device() {
            let count = self.of_device.entry(device.id.clone()).or_default();
            *count = count.saturating_add(1);
        }
        if let Some(place) = self.slots.get_mut(slot) {
            *place = Some(Box::new(connection));
        }
        self.drive(slot);
    }

    fn refuse(&mut self, stream: &TcpStream, ends: Ends, party: Option<Party>, why: Refused) {
        socket::break_off(stream);
        self.teller.tell(Seen::Refused { at: self.now.wall, ends, party, why });
    }

    /// Ends a connection whose listener does not answer.
    pub(super) fn unreachable(&mut self, slot: usize) {
        let Some(Some(connection)) = self.slots.get(slot) else { return };
        let (ends, party) = (connection.ends, Some(connection.party.clone()));
        let at = self.now.wall;
        socket::break_off(&connection.near.socket);
        self.remove(slot, None);
        self.teller.tell(Seen::Refused { at, ends, party, why: Refused::Unreachable });
    }
}

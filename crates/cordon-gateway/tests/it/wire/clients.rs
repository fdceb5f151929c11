//! What devices do by hand: a connection that is held, a call, an alarm.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use super::hospital::{Actor, EHR, STATION, STATION6};
use super::stage::{Stage, until};
use crate::proxy::bundles::{acknowledgment, alarm};

/// How long one answer is waited for: whoever is not let through gets none.
const WAIT: Duration = Duration::from_millis(700);

/// A connection that is held open.
#[derive(Debug)]
pub(crate) struct Line(TcpStream);

impl Line {
    /// Opens one, in the namespace of the thread.
    pub(crate) fn open(to: SocketAddr) -> Option<Self> {
        let stream = TcpStream::connect_timeout(&to, WAIT).ok()?;
        stream.set_read_timeout(Some(WAIT)).unwrap();
        stream.set_nodelay(true).unwrap();
        Some(Self(stream))
    }

    pub(crate) fn say(&mut self, bytes: &[u8]) -> bool {
        self.0.write_all(bytes).is_ok()
    }

    /// Says whether these bytes come next.
    pub(crate) fn hears(&mut self, bytes: &[u8]) -> bool {
        let mut room = vec![0; bytes.len()];
        self.0.read_exact(&mut room).is_ok() && room == bytes
    }

    /// Gives what comes next, if something does.
    pub(crate) fn next(&mut self) -> Option<Vec<u8>> {
        let mut room = [0; 4096];
        match self.0.read(&mut room) {
            Ok(count @ 1..) => Some(room[..count].to_vec()),
            Ok(0) | Err(_) => None,
        }
    }

    /// Gives the same connection once more, for another thread.
    pub(crate) fn again(&self) -> Self {
        Self(self.0.try_clone().unwrap())
    }

    /// Says something and waits for its echo.
    pub(crate) fn echoes(&mut self) -> bool {
        self.say(b"hello\n") && self.hears(b"hello\n")
    }

    /// Sends an alarm and waits for its acknowledgment.
    pub(crate) fn alarms(&mut self, id: &str) -> bool {
        self.say(&alarm(id)) && self.hears(&acknowledgment(id))
    }

    /// Makes a call and waits for its answer; gives the status.
    pub(crate) fn calls(&mut self) -> Option<u16> {
        self.say(b"GET /v1/orders HTTP/1.1\r\nHost: ehr\r\n\r\n").then_some(())?;
        let answer = self.next()?;
        String::from_utf8_lossy(&answer).split(' ').nth(1)?.parse().ok()
    }
}

impl Stage {
    /// Says whether an alarm on a new connection is acknowledged.
    pub(crate) fn alarms(&self, actor: Actor) -> bool {
        self.line(actor, STATION).is_some_and(|mut line| line.alarms("A1"))
    }

    /// Says whether a call to the inspected interface is answered.
    pub(crate) fn calls(&self, actor: Actor) -> bool {
        self.line(actor, EHR).is_some_and(|mut line| line.calls() == Some(200))
    }

    /// Says whether a datagram comes back.
    pub(crate) fn pings(&self, actor: Actor, to: SocketAddr) -> bool {
        let socket = self.socket(actor, to);
        let is_sent = socket.send_to(b"hello", to).is_ok();
        is_sent && socket.recv_from(&mut [0; 64]).is_ok_and(|(_, from)| from == to)
    }

    /// Waits until a device is heard over IPv6: links that came up just now find each other first.
    pub(crate) fn until_ipv6(&self, actor: Actor) {
        until("IPv6", || self.line(actor, STATION6).map(|_| ()));
    }

    /// Opens a socket of a device for datagrams to an address.
    pub(crate) fn socket(&self, actor: Actor, to: SocketAddr) -> UdpSocket {
        let own = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        self.within(actor.place, || {
            let socket = UdpSocket::bind(own).unwrap();
            socket.set_read_timeout(Some(WAIT)).unwrap();
            socket
        })
    }
}

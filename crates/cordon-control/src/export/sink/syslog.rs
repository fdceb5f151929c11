//! Syslog over TLS, or over plain TCP to a relay on the same machine.
//!
//! Syslog has no acknowledgement: that bytes were written does not say that they were received. So
//! a batch counts as arrived only when both hold:
//!
//! 1. It was read by the receiver. Either the connection still lives and more bytes were written
//!    behind it than the buffers of both ends can hold, or the connection was closed in order: our
//!    end first, then the peer read to the end and closed without a reset.
//! 2. Since it was written the settling time has passed, and the receiver was there all the while.
//!
//! Whatever breaks before that, everything unsettled is sent again, in order. What remains: a
//! receiver that keeps records in memory for longer than the settling time and then dies loses
//! them, and nobody can know. The settling time must be longer than the receiver takes to write.
//! And receivers close without TLS's own farewell, so that an orderly close is only TCP's word: who
//! can hold packets back and forge others on the way could feign one. Where that counts, use a
//! target that acknowledges.
//!
//! Source: RFC 5425 §4.3 (octet counting), §5 (certificates); RFC 6587 §3.4.1.

mod connection;

use std::collections::VecDeque;
use std::time::Duration;

use cordon_model::Mono;

use super::{Sent, Sink};
use crate::export::delivery::{Fault, MS};

use connection::Connection;
pub use connection::Peer;

/// The timeouts and limits of a syslog sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settling {
    /// How long a batch must be there before it counts.
    pub settle_ms: u64,
    /// More bytes than the buffers of both ends hold together.
    pub settle_bytes: u64,
    /// How long connecting, reading or writing may take.
    pub timeout_ms: u64,
}

impl Default for Settling {
    /// Gives ten seconds, and more than the largest buffers that Linux gives a connection by default
    /// (4 MiB to send and 6 MiB to receive).
    /// # Source
    /// tcp(7) `tcp_wmem`, `tcp_rmem`.
    fn default() -> Self {
        Self { settle_ms: 10_000, settle_bytes: 16 << 20, timeout_ms: 10_000 }
    }
}

#[derive(Debug)]
struct Pending {
    number: u64,
    /// Which connection it went over.
    connection: u64,
    /// The bytes written to that connection, this batch included.
    end: u64,
    at: Mono,
    is_read: bool,
}

/// Sends messages to a syslog receiver.
#[derive(Debug)]
pub struct SyslogSink {
    peer: Peer,
    settling: Settling,
    open: Option<Connection>,
    /// The number of the connection that is open.
    connection: u64,
    /// Bytes written to it.
    written: u64,
    pending: VecDeque<Pending>,
}

impl SyslogSink {
    /// Makes the sink; it connects with the first batch.
    #[must_use]
    pub fn new(peer: Peer, settling: Settling) -> Self {
        let pending = VecDeque::new();
        Self { peer, settling, open: None, connection: 0, written: 0, pending }
    }

    fn timeout(&self) -> Duration {
        Duration::from_millis(self.settling.timeout_ms)
    }

    fn lose(&mut self) {
        self.open = None;
        self.pending.clear();
    }

    /// Gives an open connection whose peer is still there.
    fn connection(&mut self) -> Result<&mut Connection, Fault> {
        match self.open.as_mut().map(Connection::check) {
            Some(Ok(())) => (),
            Some(Err(fault)) if !self.pending.is_empty() => return Err(fault),
            // Nothing is lost with a connection over which nothing is pending.
            Some(Err(_)) | None => self.open = None,
        }
        if self.open.is_none() {
            self.open = Some(Connection::open(&self.peer, self.timeout())?);
            self.connection = self.connection.saturating_add(1);
            self.written = 0;
        }
        self.open.as_mut().ok_or(Fault::Away("not-connected"))
    }

    /// Closes the connection in order and says whether the peer read all of it. The next one is
    /// opened first: it shows whether the receiver lives on.
    fn renew(&mut self) -> Result<(), Fault> {
        let next = Connection::open(&self.peer, self.timeout())?;
        let Some(old) = self.open.replace(next) else { return Ok(()) };
        let number = self.connection;
        self.connection = self.connection.saturating_add(1);
        self.written = 0;
        old.drain(self.timeout())?;
        for batch in self.pending.iter_mut().filter(|batch| batch.connection == number) {
            batch.is_read = true;
        }
        Ok(())
    }

    fn settle(&mut self, now: Mono) -> Result<Vec<u64>, Fault> {
        let age_min = self.settling.settle_ms.saturating_mul(MS);
        let is_old = |batch: &Pending| now.0.saturating_sub(batch.at.0) >= age_min;
        if !self.pending.is_empty() {
            // Also when all is read: a receiver that went away may have lost what it had read.
            self.connection()?;
        }
        for batch in &mut self.pending {
            let behind = self.written.saturating_sub(batch.end);
            let is_same = batch.connection == self.connection;
            batch.is_read |= is_same && behind >= self.settling.settle_bytes;
        }
        let mut numbers = Vec::new();
        while let Some(batch) = self.pending.pop_front_if(|batch| batch.is_read && is_old(batch)) {
            numbers.push(batch.number);
        }
        let front = self.pending.front();
        if numbers.is_empty() && front.is_some_and(|batch| !batch.is_read && is_old(batch)) {
            // What is read by this counts when the next connection has been seen to live.
            self.renew()?;
        }
        Ok(numbers)
    }
}

/// Appends a message with its length before it.
/// # Source
/// RFC 5425 §4.3.1; RFC 6587 §3.4.1.
pub fn frame(out: &mut Vec<u8>, message: &str) {
    out.extend_from_slice(message.len().to_string().as_bytes());
    out.push(b' ');
    out.extend_from_slice(message.as_bytes());
}

impl Sink for SyslogSink {
    fn send(&mut self, now: Mono, number: u64, texts: &[&str]) -> Sent {
        let mut bytes = Vec::new();
        texts.iter().for_each(|text| frame(&mut bytes, text));
        let result = self.connection().and_then(|open| open.write(&bytes));
        if let Err(fault) = result {
            self.lose();
            return Sent::Lost(fault);
        }
        self.written = self.written.saturating_add(bytes.len() as u64);
        let (connection, end) = (self.connection, self.written);
        self.pending.push_back(Pending { number, connection, end, at: now, is_read: false });
        Sent::Pending
    }

    fn poll(&mut self, now: Mono) -> Result<Vec<u64>, Fault> {
        let result = self.settle(now);
        if result.is_err() {
            self.lose();
        }
        result
    }
}

#[cfg(test)]
mod tests;

//! One question and its answer.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use cordon_wire::mllp;

use super::line::{Keys, Line};
use super::speech;

/// How long an answer may take.
pub(super) const ANSWER_MAX: Duration = Duration::from_secs(5);

/// A connection on which HL7 messages are sent and acknowledged.
#[derive(Debug)]
pub(super) struct Hl7 {
    stream: Line,
    frames: mllp::Reader,
}

impl Hl7 {
    pub(super) fn connect(to: SocketAddr, keys: Option<&Keys>) -> io::Result<Self> {
        let stream = Line::call(to, ANSWER_MAX, keys)?;
        Ok(Self { stream, frames: mllp::Reader::new(mllp::TELEMETRY_BYTES_MAX) })
    }

    /// Sends a message and waits until it is acknowledged.
    /// # Errors
    /// Also when the answer is no, or one to something else.
    pub(super) fn send(&mut self, message: &[u8], id: &str) -> io::Result<()> {
        self.stream.write_all(message)?;
        let end = Instant::now() + ANSWER_MAX;
        let mut buffer = [0; 4_096];
        while Instant::now() < end {
            let length = self.stream.read(&mut buffer)?;
            if length == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let mut answers = Vec::new();
            self.frames.feed(buffer.get(..length).unwrap_or_default(), &mut |unit| {
                answers.extend(unit.value.ok().map(speech::accepted));
            });
            match answers.first() {
                Some(Some(answered)) if answered == id => return Ok(()),
                Some(Some(_)) => {} // a late answer to an earlier message
                Some(None) => return Err(io::Error::other("the answer is no")),
                None => {}
            }
        }
        Err(io::ErrorKind::TimedOut.into())
    }
}

/// Sends some bytes over a connection of their own and gives what comes back first.
pub(super) fn tcp(
    to: SocketAddr,
    request: &[u8],
    limit: Duration,
    keys: Option<&Keys>,
) -> io::Result<Vec<u8>> {
    let mut stream = Line::call(to, limit, keys)?;
    stream.write_all(request)?;
    let mut buffer = vec![0; 4_096];
    let length = stream.read(&mut buffer)?;
    if length == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    stream.end();
    buffer.truncate(length);
    Ok(buffer)
}

/// Sends a datagram and gives the answer.
pub(super) fn udp(to: SocketAddr, request: &[u8], limit: Duration) -> io::Result<Vec<u8>> {
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    socket.connect(to)?;
    socket.set_read_timeout(Some(limit))?;
    socket.send(request)?;
    let mut buffer = vec![0; 2_048];
    let length = socket.recv(&mut buffer)?;
    buffer.truncate(length);
    Ok(buffer)
}

/// Gives the word for what went wrong.
pub(super) fn word(error: &io::Error) -> String {
    format!("{:?}", error.kind())
}

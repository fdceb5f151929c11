//! A netlink socket that asks and waits for the answer, and readers of what comes back.
//!
//! Messages are built by the types of netlink-packet-netfilter; answers are read here, because its
//! readers know neither counters nor expressions in elements, and copy what is only looked at.
//!
//! Source: RFC 3549 §2.3; Linux `include/uapi/linux/netlink.h`.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::time::Duration;

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, NLMSG_DONE, NLMSG_ERROR, NetlinkHeader, NetlinkMessage,
    NetlinkPayload,
};
use netlink_packet_netfilter::none::ControlMessage;
use netlink_packet_netfilter::{NetfilterHeader, NetfilterMessage, NetfilterProtoFamily};
use netlink_sys::protocols::NETLINK_NETFILTER;
use netlink_sys::{Socket, SocketAddr};
use nix::sys::socket::{MsgFlags, recv, send, setsockopt, sockopt};
use nix::sys::time::TimeVal;

/// The number of the subsystem nf_tables; a batch is addressed to it.
const SUBSYSTEM_NFTABLES: u16 = 10;

/// What one read of the socket may bring; the kernel makes no larger datagrams of a dump.
const READ_BYTES_MAX: usize = 256 * 1024;

/// What the kernel may keep for a socket whose reader is busy, and what one transaction may have.
/// # Units
/// Bytes.
const QUEUE_BYTES: usize = 4 * 1024 * 1024;

/// Says why a question to the kernel has no answer.
#[derive(Debug, thiserror::Error)]
pub enum NetlinkError {
    /// The socket failed, or the kernel did not answer in time.
    #[error("the netlink socket failed")]
    Socket(#[source] io::Error),
    /// The kernel refused.
    #[error("the kernel refused, error {errno}")]
    Refused {
        /// The error number, positive.
        errno: i32,
        /// The places of the messages that it refused; none when it refused all of them at once.
        places: Vec<usize>,
    },
    /// The answer cannot be read.
    #[error("the kernel's answer cannot be read")]
    Malformed,
}

impl From<nix::Error> for NetlinkError {
    fn from(error: nix::Error) -> Self {
        Self::Socket(error.into())
    }
}

/// A netlink socket of the netfilter family.
#[derive(Debug)]
pub struct Netlink {
    socket: Socket,
    sequence: u32,
    buffer: Vec<u8>,
}

impl AsFd for Netlink {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl AsRawFd for Netlink {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

impl Netlink {
    /// Opens a socket.
    /// # Errors
    /// What the kernel says when it gives none.
    pub fn open(answer_max: Duration) -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_NETFILTER)?;
        socket.bind_auto()?;
        socket.connect(&SocketAddr::new(0, 0))?;
        let timeout = TimeVal::new(
            i64::try_from(answer_max.as_secs()).unwrap_or(i64::MAX),
            i64::from(answer_max.subsec_micros()),
        );
        setsockopt(&socket, sockopt::ReceiveTimeout, &timeout)?;
        // Without the right to so much room, the host's own limit must do: nothing but the largest
        // transactions and the longest pauses of a reader needs it.
        let _ = setsockopt(&socket, sockopt::RcvBufForce, &QUEUE_BYTES);
        let _ = setsockopt(&socket, sockopt::SndBufForce, &QUEUE_BYTES);
        Ok(Self { socket, sequence: 0, buffer: vec![0; READ_BYTES_MAX] })
    }

    /// Reads what is there, without waiting; `None` when nothing is.
    pub(super) fn read_now(&mut self) -> Result<Option<&[u8]>, nix::Error> {
        match recv(self.socket.as_raw_fd(), &mut self.buffer, MsgFlags::MSG_DONTWAIT) {
            Ok(length) => Ok(Some(self.buffer.get(..length).unwrap_or_default())),
            Err(nix::Error::EAGAIN) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn next_sequence(&mut self) -> u32 {
        self.sequence = self.sequence.wrapping_add(1);
        self.sequence
    }

    fn send(&self, bytes: &[u8]) -> Result<(), NetlinkError> {
        send(self.socket.as_raw_fd(), bytes, MsgFlags::empty())?;
        Ok(())
    }

    /// Sends messages of nf_tables as one transaction and waits for the verdict on it.
    pub(super) fn transaction(
        &mut self,
        messages: Vec<(u16, NetfilterMessage)>,
    ) -> Result<(), NetlinkError> {
        let count = messages.len();
        if count == 0 {
            return Ok(());
        }
        let begin = self.next_sequence();
        let mut bytes = Vec::new();
        emit(&mut bytes, NLM_F_REQUEST, begin, control(ControlMessage::BatchBegin));
        let mut last = begin;
        for (place, (flags, message)) in messages.into_iter().enumerate() {
            last = self.next_sequence();
            // The kernel always tells of errors; one acknowledgement tells the end.
            let ack = if place + 1 == count { NLM_F_ACK } else { 0 };
            emit(&mut bytes, NLM_F_REQUEST | flags | ack, last, message);
        }
        let end = self.next_sequence();
        emit(&mut bytes, NLM_F_REQUEST, end, control(ControlMessage::BatchEnd));
        self.send(&bytes)?;
        self.verdict(begin, last)
    }

    fn verdict(&mut self, begin: u32, last: u32) -> Result<(), NetlinkError> {
        let mut first = None;
        let mut places = Vec::new();
        loop {
            let length = recv(self.socket.as_raw_fd(), &mut self.buffer, MsgFlags::empty())?;
            for message in messages(self.buffer.get(..length).unwrap_or_default()) {
                let errno = match (message.kind, errno(message.payload)) {
                    (NLMSG_ERROR, Some(errno)) => errno,
                    (NLMSG_ERROR, None) => return Err(NetlinkError::Malformed),
                    _ => continue,
                };
                let place = message.sequence.wrapping_sub(begin);
                if place > last.wrapping_sub(begin) {
                    continue; // The answer to an older question that nobody waited for.
                }
                if errno != 0 {
                    first.get_or_insert(errno);
                    places.extend(usize::try_from(place).ok().and_then(|p| p.checked_sub(1)));
                }
                if message.sequence == last || message.sequence == begin {
                    return match first {
                        Some(errno) => Err(NetlinkError::Refused { errno, places }),
                        None => Ok(()),
                    };
                }
            }
        }
    }

    /// Asks one question and hands every message of the answer to `read`.
    pub(super) fn ask(
        &mut self,
        flags: u16,
        message: NetfilterMessage,
        mut read: impl FnMut(&[u8]),
    ) -> Result<(), NetlinkError> {
        let sequence = self.next_sequence();
        let mut bytes = Vec::new();
        emit(&mut bytes, NLM_F_REQUEST | flags, sequence, message);
        self.send(&bytes)?;
        let dump = flags & NLM_F_DUMP == NLM_F_DUMP;
        loop {
            let length = recv(self.socket.as_raw_fd(), &mut self.buffer, MsgFlags::empty())?;
            let here = messages(self.buffer.get(..length).unwrap_or_default());
            for message in here.filter(|message| message.sequence == sequence) {
                match message.kind {
                    NLMSG_DONE => return Ok(()),
                    NLMSG_ERROR => match errno(message.payload) {
                        Some(0) => return Ok(()),
                        Some(errno) => {
                            return Err(NetlinkError::Refused { errno, places: Vec::new() });
                        }
                        None => return Err(NetlinkError::Malformed),
                    },
                    _ => read(message.payload),
                }
                if !dump && flags & NLM_F_ACK == 0 {
                    return Ok(());
                }
            }
        }
    }
}

fn control(message: ControlMessage) -> NetfilterMessage {
    let header = NetfilterHeader::new(NetfilterProtoFamily::Unspec, 0, SUBSYSTEM_NFTABLES);
    NetfilterMessage::new(header, message)
}

fn emit(bytes: &mut Vec<u8>, flags: u16, sequence: u32, message: NetfilterMessage) {
    let mut header = NetlinkHeader::default();
    header.flags = flags;
    header.sequence_number = sequence;
    let mut message = NetlinkMessage::new(header, NetlinkPayload::from(message));
    message.finalize();
    let start = bytes.len();
    bytes.resize(start + message.buffer_len(), 0);
    if let Some(place) = bytes.get_mut(start..) {
        message.serialize(place);
    }
}

/// One message of a datagram.
pub(super) struct Message<'a> {
    pub(super) kind: u16,
    pub(super) sequence: u32,
    pub(super) payload: &'a [u8],
}

/// Walks through the messages of a datagram; stops at what is no message.
pub(super) fn messages(mut rest: &[u8]) -> impl Iterator<Item = Message<'_>> {
    std::iter::from_fn(move || {
        let (header, body) = rest.split_first_chunk::<16>()?;
        let [l0, l1, l2, l3, k0, k1, _, _, s0, s1, s2, s3, ..] = *header;
        let length = usize::try_from(u32::from_ne_bytes([l0, l1, l2, l3])).ok()?;
        let payload = body.get(..length.checked_sub(header.len())?)?;
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(Message {
            kind: u16::from_ne_bytes([k0, k1]),
            sequence: u32::from_ne_bytes([s0, s1, s2, s3]),
            payload,
        })
    })
}

/// Gives the error number of an acknowledgement, positive; 0 says that all is well.
fn errno(payload: &[u8]) -> Option<i32> {
    payload.first_chunk::<4>().map(|code| i32::from_ne_bytes(*code).saturating_neg())
}

/// Takes the netfilter header off a message: the address family and the number of a resource.
pub(super) fn netfilter(payload: &[u8]) -> Option<(u8, u16, &[u8])> {
    let ([family, _, high, low], rest) = payload.split_first_chunk::<4>()?;
    Some((*family, u16::from_be_bytes([*high, *low]), rest))
}

/// Walks through attributes: the kind and the value; stops at what is no attribute.
pub(super) fn attributes(mut rest: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    /// The bits that say nested and network byte order.
    const FLAGS: u16 = 0xc000;
    std::iter::from_fn(move || {
        let ([l0, l1, k0, k1], body) = rest.split_first_chunk::<4>()?;
        let length = usize::from(u16::from_ne_bytes([*l0, *l1]));
        let value = body.get(..length.checked_sub(4)?)?;
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((u16::from_ne_bytes([*k0, *k1]) & !FLAGS, value))
    })
}

/// Finds an attribute.
pub(super) fn attribute(bytes: &[u8], wanted: u16) -> Option<&[u8]> {
    attributes(bytes).find(|(kind, _)| *kind == wanted).map(|(_, value)| value)
}

/// Reads a number in network byte order.
pub(super) fn be16(value: &[u8]) -> Option<u16> {
    value.first_chunk().map(|bytes| u16::from_be_bytes(*bytes))
}

/// Reads a number in network byte order.
pub(super) fn be32(value: &[u8]) -> Option<u32> {
    value.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}

/// Reads a number in network byte order.
pub(super) fn be64(value: &[u8]) -> Option<u64> {
    value.first_chunk().map(|bytes| u64::from_be_bytes(*bytes))
}

//! Writes captures: one TCP connection after another, cut into segments as one likes.

use std::io::{self, Write};

/// The head of a pcap file: microseconds, little-endian, Ethernet.
/// # Source
/// draft-ietf-opsawg-pcap §4
const HEAD: [u8; 24] =
    [0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 1, 0, 0, 0];

const CLIENT: [u8; 4] = [192, 0, 2, 10];
const SERVER: [u8; 4] = [192, 0, 2, 20];

const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const PSH: u8 = 0x08;
const ACK: u8 = 0x10;

/// A capture that is being written.
#[derive(Debug)]
pub(super) struct Capture<W> {
    to: W,
    time_us: u32,
}

/// One side's next sequence numbers.
#[derive(Debug, Clone, Copy)]
struct Numbers {
    own: u32,
    other: u32,
}

impl<W: Write> Capture<W> {
    /// Begins a file.
    pub(super) fn new(mut to: W) -> io::Result<Capture<W>> {
        to.write_all(&HEAD)?;
        Ok(Capture { to, time_us: 0 })
    }

    /// Writes a connection from a port, in which the client sends a stream in pieces of these sizes, over and over.
    pub(super) fn connection(
        &mut self,
        (from, to): (u16, u16),
        stream: &[u8],
        sizes: &[usize],
    ) -> io::Result<()> {
        let (ours, theirs) = ((CLIENT, from), (SERVER, to));
        // So near the end that the numbers of a longer stream wrap.
        let mut client = Numbers { own: u32::MAX - 20_000, other: 0 };
        let mut server = Numbers { own: 1_000, other: 0 };
        self.segment(ours, theirs, client, SYN, &[])?;
        client.own = client.own.wrapping_add(1);
        server.other = client.own;
        self.segment(theirs, ours, server, SYN | ACK, &[])?;
        server.own = server.own.wrapping_add(1);
        client.other = server.own;
        self.segment(ours, theirs, client, ACK, &[])?;
        let mut rest = stream;
        for &size in sizes.iter().cycle() {
            let (piece, after) = rest.split_at(size.clamp(1, 1460).min(rest.len()));
            if piece.is_empty() {
                break;
            }
            self.segment(ours, theirs, client, PSH | ACK, piece)?;
            client.own = client.own.wrapping_add(u32::try_from(piece.len()).unwrap_or(0));
            server.other = client.own;
            self.segment(theirs, ours, server, ACK, &[])?;
            rest = after;
        }
        self.segment(ours, theirs, client, FIN | ACK, &[])?;
        server.other = client.own.wrapping_add(1);
        self.segment(theirs, ours, server, FIN | ACK, &[])
    }

    fn segment(
        &mut self,
        (from, from_port): ([u8; 4], u16),
        (to, to_port): ([u8; 4], u16),
        numbers: Numbers,
        flags: u8,
        bytes: &[u8],
    ) -> io::Result<()> {
        let acknowledged = if flags & ACK == 0 { 0 } else { numbers.other };
        let length = u16::try_from(20 + bytes.len()).map_err(io::Error::other)?;
        let mut tcp = [from_port.to_be_bytes(), to_port.to_be_bytes()].concat();
        tcp.extend(numbers.own.to_be_bytes());
        tcp.extend(acknowledged.to_be_bytes());
        tcp.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
        tcp.extend(bytes);
        let pseudo = [&from[..], &to[..], &[0, 6], &length.to_be_bytes()].concat();
        let sum = checksum(&[&pseudo[..], &tcp[..]].concat());
        tcp.splice(16..18, sum.to_be_bytes());

        let mut ip = vec![0x45, 0];
        ip.extend((length + 20).to_be_bytes());
        ip.extend([0, 0, 0x40, 0, 64, 6, 0, 0]);
        ip.extend([from, to].concat());
        let sum = checksum(&ip);
        ip.splice(10..12, sum.to_be_bytes());

        let ethernet = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0];
        let frame = [&ethernet[..], &ip[..], &tcp[..]].concat();
        let size = u32::try_from(frame.len()).map_err(io::Error::other)?.to_le_bytes();
        self.time_us += 10;
        let time = [self.time_us / 1_000_000, self.time_us % 1_000_000].map(u32::to_le_bytes);
        self.to.write_all(&[time.concat(), size.to_vec(), size.to_vec(), frame].concat())
    }
}

/// The sum over both heads.
/// # Source
/// RFC 1071 §1
fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks(2).map(|pair| match pair {
        [high, low] => u32::from(u16::from_be_bytes([*high, *low])),
        [high] => u32::from(*high) << 8,
        _ => 0,
    });
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    u16::try_from(sum).map_or(0, |sum| !sum)
}

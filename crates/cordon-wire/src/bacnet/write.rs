//! Packets to bytes.

use super::{Apdu, Packet, Segment};

impl Packet<'_> {
    /// Appends the datagram. What was read comes out as it was.
    pub fn write(&self, out: &mut Vec<u8>) {
        let start = out.len();
        self.bvlc.write(out);
        if let Some(npdu) = self.npdu {
            npdu.write(out);
        }
        if let Some(apdu) = self.apdu {
            apdu.write(out);
        }
        let length = u16::try_from(out.len().saturating_sub(start)).unwrap_or(u16::MAX);
        let at = start.saturating_add(2);
        if let Some(field) = out.get_mut(at..).and_then(<[u8]>::first_chunk_mut::<2>) {
            *field = length.to_be_bytes();
        }
    }
}

impl Apdu<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        match *self {
            Self::ConfirmedRequest {
                accepts_segments,
                max_segments,
                max_apdu,
                invoke_id,
                segment,
                service,
                parameters,
            } => {
                let flags = flag(accepts_segments, 0x02) | segment_flags(segment);
                out.extend_from_slice(&[flags, (max_segments & 7) << 4 | max_apdu & 0x0F]);
                out.push(invoke_id);
                segment_numbers(segment, out);
                out.push(service);
                out.extend_from_slice(parameters.bytes());
            }
            Self::UnconfirmedRequest { service, parameters } => {
                out.extend_from_slice(&[0x10, service]);
                out.extend_from_slice(parameters.bytes());
            }
            Self::SimpleAck { invoke_id, service } => {
                out.extend_from_slice(&[0x20, invoke_id, service]);
            }
            Self::ComplexAck { invoke_id, segment, service, parameters } => {
                out.extend_from_slice(&[0x30 | segment_flags(segment), invoke_id]);
                segment_numbers(segment, out);
                out.push(service);
                out.extend_from_slice(parameters.bytes());
            }
            Self::SegmentAck { is_negative, is_server, invoke_id, sequence, window } => {
                let flags = flag(is_negative, 0x02) | flag(is_server, 0x01);
                out.extend_from_slice(&[0x40 | flags, invoke_id, sequence, window]);
            }
            Self::Error { invoke_id, service, parameters } => {
                out.extend_from_slice(&[0x50, invoke_id, service]);
                out.extend_from_slice(parameters.bytes());
            }
            Self::Reject { invoke_id, reason } => {
                out.extend_from_slice(&[0x60, invoke_id, reason]);
            }
            Self::Abort { is_server, invoke_id, reason } => {
                out.extend_from_slice(&[0x70 | flag(is_server, 0x01), invoke_id, reason]);
            }
        }
    }
}

fn flag(is_set: bool, bit: u8) -> u8 {
    if is_set { bit } else { 0 }
}

fn segment_flags(segment: Option<Segment>) -> u8 {
    segment.map_or(0, |segment| 0x08 | flag(segment.more_follows, 0x04))
}

fn segment_numbers(segment: Option<Segment>, out: &mut Vec<u8>) {
    if let Some(segment) = segment {
        out.extend_from_slice(&[segment.sequence, segment.window]);
    }
}

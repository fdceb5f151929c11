//! The header of the application layer.
//!
//! Source: ASHRAE 135-2020 §20.1.

use super::{ConfirmedService, Parameters, UnconfirmedService};
use crate::{Cursor, Fault};

const RULE: &str = "ASHRAE 135-2020 §20.1";

/// The place of a segment in its message.
/// # Source
/// ASHRAE 135-2020 §20.1.2.1, §20.1.2.2, §20.1.2.7, §20.1.2.8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// Whether more segments follow.
    pub more_follows: bool,
    /// Its number, modulo 256.
    pub sequence: u8,
    /// How many segments the sender wants to send at a time.
    pub window: u8,
}

/// A PDU of the application layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Apdu<'a> {
    /// Asks for a service, and for an answer.
    ConfirmedRequest {
        /// Whether the answer may come in segments.
        accepts_segments: bool,
        /// How many, as a code: 0 unsaid, 1 to 6 two to that power, 7 more than 64.
        max_segments: u8,
        /// How long an APDU may be, as a code: 0 to 5 for 50, 128, 206, 480, 1024, 1476 bytes.
        max_apdu: u8,
        /// Which request it is.
        invoke_id: u8,
        /// Its place, when it is a part.
        segment: Option<Segment>,
        /// The service, by number.
        service: u8,
        /// What is asked.
        parameters: Parameters<'a>,
    },
    /// Asks or tells, without an answer.
    UnconfirmedRequest {
        /// The service, by number.
        service: u8,
        /// What is told.
        parameters: Parameters<'a>,
    },
    /// It is done.
    SimpleAck {
        /// Which request is meant.
        invoke_id: u8,
        /// Its service, by number.
        service: u8,
    },
    /// It is done, and this came of it.
    ComplexAck {
        /// Which request is meant.
        invoke_id: u8,
        /// Its place, when it is a part.
        segment: Option<Segment>,
        /// The service, by number.
        service: u8,
        /// What came of it.
        parameters: Parameters<'a>,
    },
    /// Segments have arrived.
    SegmentAck {
        /// Whether one is missing.
        is_negative: bool,
        /// Whether it comes from the one who serves the request.
        is_server: bool,
        /// Which request is meant.
        invoke_id: u8,
        /// The last segment that arrived in order.
        sequence: u8,
        /// How many segments may come at a time.
        window: u8,
    },
    /// It could not be done.
    Error {
        /// Which request is meant.
        invoke_id: u8,
        /// Its service, by number.
        service: u8,
        /// Why; see [`super::Packet::error`].
        parameters: Parameters<'a>,
    },
    /// The request makes no sense.
    Reject {
        /// Which request is meant.
        invoke_id: u8,
        /// Why; its name is [`super::reject_reason_name`].
        reason: u8,
    },
    /// The transaction ends here.
    Abort {
        /// Whether it comes from the one who serves the request.
        is_server: bool,
        /// Which request is meant.
        invoke_id: u8,
        /// Why; its name is [`super::abort_reason_name`].
        reason: u8,
    },
}

impl<'a> Apdu<'a> {
    /// Reads a PDU; `at` is its place in the datagram, for faults in its parameters.
    pub(super) fn read(bytes: &'a [u8], at: usize) -> Result<Self, Fault> {
        let mut cursor = Cursor::whole(bytes, RULE);
        let place = cursor.clone();
        let first = cursor.u8()?;
        let (kind, flags) = (first >> 4, first & 0x0F);
        if is_reserved(kind, flags) {
            return Err(place.malformed(RULE));
        }
        let (is_segment, more_follows) = (flags & 0x08 != 0, flags & 0x04 != 0);
        let rest = |cursor: &mut Cursor<'a>, segment: Option<Segment>| {
            let is_cut = segment.is_some_and(|segment| segment.more_follows);
            let at = at.saturating_add(cursor.at());
            cursor.take(cursor.left()).map(|bytes| Parameters::new(bytes, at, is_cut))
        };
        let apdu = match kind {
            0 => {
                let place = cursor.clone();
                let sizes = cursor.u8()?;
                if sizes & 0x80 != 0 {
                    return Err(place.malformed(RULE));
                }
                let invoke_id = cursor.u8()?;
                let segment = segment(&mut cursor, is_segment, more_follows)?;
                Self::ConfirmedRequest {
                    accepts_segments: flags & 0x02 != 0,
                    max_segments: sizes >> 4,
                    max_apdu: sizes & 0x0F,
                    invoke_id,
                    segment,
                    service: cursor.u8()?,
                    parameters: rest(&mut cursor, segment)?,
                }
            }
            1 => Self::UnconfirmedRequest {
                service: cursor.u8()?,
                parameters: rest(&mut cursor, None)?,
            },
            2 => Self::SimpleAck { invoke_id: cursor.u8()?, service: cursor.u8()? },
            3 => {
                let invoke_id = cursor.u8()?;
                let segment = segment(&mut cursor, is_segment, more_follows)?;
                let service = cursor.u8()?;
                let parameters = rest(&mut cursor, segment)?;
                Self::ComplexAck { invoke_id, segment, service, parameters }
            }
            4 => Self::SegmentAck {
                is_negative: flags & 0x02 != 0,
                is_server: flags & 0x01 != 0,
                invoke_id: cursor.u8()?,
                sequence: cursor.u8()?,
                window: window(&mut cursor)?,
            },
            5 => Self::Error {
                invoke_id: cursor.u8()?,
                service: cursor.u8()?,
                parameters: rest(&mut cursor, None)?,
            },
            6 => Self::Reject { invoke_id: cursor.u8()?, reason: cursor.u8()? },
            _ => Self::Abort {
                is_server: flags & 0x01 != 0,
                invoke_id: cursor.u8()?,
                reason: cursor.u8()?,
            },
        };
        if cursor.is_empty() { Ok(apdu) } else { Err(cursor.malformed(RULE)) }
    }

    /// Gives the name of the type of PDU.
    #[must_use]
    pub fn pdu_type(&self) -> &'static str {
        match self {
            Self::ConfirmedRequest { .. } => "confirmed-request",
            Self::UnconfirmedRequest { .. } => "unconfirmed-request",
            Self::SimpleAck { .. } => "simple-ack",
            Self::ComplexAck { .. } => "complex-ack",
            Self::SegmentAck { .. } => "segment-ack",
            Self::Error { .. } => "error",
            Self::Reject { .. } => "reject",
            Self::Abort { .. } => "abort",
        }
    }

    /// Says whether it answers.
    #[must_use]
    pub fn is_reply(&self) -> bool {
        !matches!(self, Self::ConfirmedRequest { .. } | Self::UnconfirmedRequest { .. })
    }

    /// Gives the number of the service.
    #[must_use]
    pub fn service(&self) -> Option<u8> {
        match self {
            Self::ConfirmedRequest { service, .. }
            | Self::UnconfirmedRequest { service, .. }
            | Self::SimpleAck { service, .. }
            | Self::ComplexAck { service, .. }
            | Self::Error { service, .. } => Some(*service),
            Self::SegmentAck { .. } | Self::Reject { .. } | Self::Abort { .. } => None,
        }
    }

    /// Gives the confirmed service that it asks for or answers.
    #[must_use]
    pub fn confirmed(&self) -> Option<ConfirmedService> {
        match self {
            Self::UnconfirmedRequest { .. } => None,
            Self::ConfirmedRequest { .. }
            | Self::SimpleAck { .. }
            | Self::ComplexAck { .. }
            | Self::SegmentAck { .. }
            | Self::Error { .. }
            | Self::Reject { .. }
            | Self::Abort { .. } => self.service().and_then(ConfirmedService::from_number),
        }
    }

    /// Gives the unconfirmed service that it asks for.
    #[must_use]
    pub fn unconfirmed(&self) -> Option<UnconfirmedService> {
        let Self::UnconfirmedRequest { service, .. } = self else { return None };
        UnconfirmedService::from_number(*service)
    }

    /// Gives the name of the service.
    #[must_use]
    pub fn service_name(&self) -> Option<&'static str> {
        let confirmed = self.confirmed().map(ConfirmedService::name);
        confirmed.or_else(|| self.unconfirmed().map(UnconfirmedService::name))
    }

    /// Gives the invoke id.
    #[must_use]
    pub fn invoke_id(&self) -> Option<u8> {
        match self {
            Self::ConfirmedRequest { invoke_id, .. }
            | Self::SimpleAck { invoke_id, .. }
            | Self::ComplexAck { invoke_id, .. }
            | Self::SegmentAck { invoke_id, .. }
            | Self::Error { invoke_id, .. }
            | Self::Reject { invoke_id, .. }
            | Self::Abort { invoke_id, .. } => Some(*invoke_id),
            Self::UnconfirmedRequest { .. } => None,
        }
    }

    /// Gives its place in the message, when it is a part of one.
    #[must_use]
    pub fn segment(&self) -> Option<Segment> {
        match self {
            Self::ConfirmedRequest { segment, .. } | Self::ComplexAck { segment, .. } => *segment,
            Self::UnconfirmedRequest { .. }
            | Self::SimpleAck { .. }
            | Self::SegmentAck { .. }
            | Self::Error { .. }
            | Self::Reject { .. }
            | Self::Abort { .. } => None,
        }
    }

    /// Gives the parameters, unless it is a segment in whose middle nobody knows where they begin.
    #[must_use]
    pub fn parameters(&self) -> Option<Parameters<'a>> {
        if self.segment().is_some_and(|segment| segment.sequence != 0) {
            return None;
        }
        match self {
            Self::ConfirmedRequest { parameters, .. }
            | Self::UnconfirmedRequest { parameters, .. }
            | Self::ComplexAck { parameters, .. }
            | Self::Error { parameters, .. } => Some(*parameters),
            Self::SimpleAck { .. }
            | Self::SegmentAck { .. }
            | Self::Reject { .. }
            | Self::Abort { .. } => None,
        }
    }
}

/// Says whether the type is none, or bits are set that the standard keeps free or that make no
/// sense without others.
/// # Source
/// ASHRAE 135-2020 §20.1.2 to §20.1.9.
fn is_reserved(kind: u8, flags: u8) -> bool {
    match kind {
        0 => flags & 0x01 != 0 || flags & 0x0C == 0x04,
        3 => flags & 0x03 != 0 || flags & 0x0C == 0x04,
        4 => flags & 0x0C != 0,
        7 => flags & 0x0E != 0,
        1 | 2 | 5 | 6 => flags != 0,
        _ => true,
    }
}

fn segment(
    cursor: &mut Cursor<'_>,
    is_segment: bool,
    more_follows: bool,
) -> Result<Option<Segment>, Fault> {
    if !is_segment {
        return Ok(None);
    }
    let sequence = cursor.u8()?;
    Ok(Some(Segment { more_follows, sequence, window: window(cursor)? }))
}

/// Reads a window size, 1 to 127.
/// # Source
/// ASHRAE 135-2020 §20.1.2.8, §20.1.6.5.
fn window(cursor: &mut Cursor<'_>) -> Result<u8, Fault> {
    let place = cursor.clone();
    match cursor.u8()? {
        size @ 1..=127 => Ok(size),
        _ => Err(place.malformed(RULE)),
    }
}

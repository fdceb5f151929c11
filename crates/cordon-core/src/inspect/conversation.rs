//! One conversation: both directions are read, every message is judged.
//!
//! Whoever drives it passes bytes in and gets, for each message, the bytes it consists of, what it
//! says and the verdict, in the order in which the messages were complete.

use std::fmt;

use cordon_model::{Direction, Now, Protocol};
use cordon_wire::classify::Guess;
use cordon_wire::{Fault, Side, Unit, bacnet, dicom, hl7, http, mllp, modbus};

use super::beginning::{Beginning, Look, foreign, sealed};
use super::{Judge, Judgement, Kind, Memory, Subject, Way};
use super::{bacnet as judge_bacnet, dicom as judge_dicom, hl7 as judge_hl7};
use super::{http as judge_http, modbus as judge_modbus};

/// What a message says, or why it says nothing.
#[derive(Clone, Copy)]
#[expect(clippy::large_enum_variant, reason = "a view that lives for one call on the stack")]
pub enum Message<'a> {
    /// A frame of HL7, and what it holds.
    Hl7 {
        /// The frame's content.
        payload: &'a [u8],
        /// The message, if it can be read.
        read: Result<hl7::Message<'a>, Fault>,
    },
    /// What happens on an association.
    Dicom(dicom::Event<'a>),
    /// A request or an answer of Modbus.
    Modbus {
        /// Which of both.
        side: Side,
        /// The unit.
        adu: modbus::Adu<'a>,
    },
    /// A datagram of BACnet.
    Bacnet(bacnet::Packet<'a>),
    /// A head or a piece of a body of HTTP.
    Http(http::Part<'a>),
    /// Bytes that are no message.
    Unread(Fault),
    /// The beginning of another protocol than the flow declares; nothing more of this direction is
    /// read.
    Foreign(Guess),
    /// The beginning of TLS, within which nothing can be read here; nothing more of this direction
    /// is read.
    Sealed,
}

/// The status by which a server agrees to another protocol.
/// # Source
/// RFC 9110 §15.2.2.
const SWITCHING_PROTOCOLS: u16 = 101;

/// A message with its verdict.
#[derive(Clone, Copy)]
pub struct Record<'a> {
    /// Which way it goes.
    pub way: Way,
    /// The offset of its first byte in its direction of the stream.
    pub at: u64,
    /// Its bytes as they were on the wire.
    pub bytes: &'a [u8],
    /// What it says.
    pub message: Message<'a>,
    /// The verdict.
    pub judgement: Judgement,
}

/// Prints what the views print, which is no value of a patient's; never the bytes.
impl fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hl7 { read, .. } => f.debug_tuple("Hl7").field(read).finish(),
            Self::Dicom(event) => f.debug_tuple("Dicom").field(event).finish(),
            Self::Modbus { side, adu } => {
                f.debug_struct("Modbus").field("side", side).field("adu", adu).finish()
            }
            Self::Bacnet(packet) => f.debug_tuple("Bacnet").field(packet).finish(),
            Self::Http(part) => f.debug_tuple("Http").field(part).finish(),
            Self::Unread(fault) => f.debug_tuple("Unread").field(fault).finish(),
            Self::Foreign(guess) => f.debug_tuple("Foreign").field(guess).finish(),
            Self::Sealed => f.write_str("Sealed"),
        }
    }
}

/// Prints how many bytes there are, not which.
impl fmt::Debug for Record<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("way", &self.way)
            .field("at", &self.at)
            .field("bytes", &self.bytes.len())
            .field("message", &self.message)
            .field("judgement", &self.judgement)
            .finish()
    }
}

/// What is called for each message.
pub type Each<'e> = &'e mut dyn FnMut(Record<'_>);

/// A conversation on one flow.
#[derive(Debug)]
pub struct Conversation {
    protocol: Protocol,
    readers: Readers,
    from_device: Beginning,
    to_device: Beginning,
}

/// The readers of both directions and what the judge remembers of the conversation.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "one for each conversation, and never moved")]
enum Readers {
    Hl7 {
        from: mllp::Reader,
        to: mllp::Reader,
        flow: judge_hl7::Flow,
    },
    Dicom {
        from: Box<dicom::Reader>,
        to: Box<dicom::Reader>,
        flow: Box<judge_dicom::Flow>,
    },
    Modbus {
        from: modbus::Reader,
        to: modbus::Reader,
        flow: judge_modbus::Flow,
    },
    Bacnet {
        flow: judge_bacnet::Flow,
    },
    Http {
        from: http::Reader,
        to: http::Reader,
        flow: judge_http::Flow,
    },
    /// A protocol that nobody reads.
    None,
}

impl Conversation {
    /// Begins a conversation.
    #[must_use]
    pub fn new(protocol: Protocol, opened: Direction) -> Self {
        let readers = match protocol {
            Protocol::Hl7 => Readers::Hl7 {
                from: mllp::Reader::new(mllp::TELEMETRY_BYTES_MAX),
                to: mllp::Reader::new(mllp::TELEMETRY_BYTES_MAX),
                flow: judge_hl7::Flow::default(),
            },
            Protocol::Dicom => {
                Readers::Dicom { from: Box::default(), to: Box::default(), flow: Box::default() }
            }
            Protocol::Modbus => Readers::Modbus {
                from: modbus::Reader::new(),
                to: modbus::Reader::new(),
                flow: judge_modbus::Flow::default(),
            },
            Protocol::Bacnet => Readers::Bacnet { flow: judge_bacnet::Flow::default() },
            Protocol::Http => Readers::Http {
                from: http::Reader::new(side(opened, Way::FromDevice)),
                to: http::Reader::new(side(opened, Way::ToDevice)),
                flow: judge_http::Flow::default(),
            },
            Protocol::Ntp
            | Protocol::Dns
            | Protocol::Dhcp
            | Protocol::Syslog
            | Protocol::Opaque => Readers::None,
        };
        Self {
            protocol,
            readers,
            from_device: Beginning::default(),
            to_device: Beginning::default(),
        }
    }

    /// Gives the protocol that the flow declares.
    #[must_use]
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// Takes bytes of a stream as they arrive.
    pub fn feed(
        &mut self,
        now: Now,
        way: Way,
        bytes: &[u8],
        subject: &Subject<'_>,
        memory: &mut Memory,
        each: Each<'_>,
    ) {
        let protocol = self.protocol;
        match self.beginning(way).look(protocol, bytes) {
            Look::Wait | Look::Closed => {}
            Look::Sealed => each(sealed(now, way, bytes, subject, memory)),
            Look::Foreign(guess) => each(foreign(now, way, bytes, guess, subject, memory)),
            Look::Read { held } => {
                let mut turn = Turn { now, way, subject, memory, each };
                if !held.is_empty() {
                    self.readers.read(Some(held.as_slice()), &mut turn);
                }
                self.readers.read(Some(bytes), &mut turn);
            }
        }
    }

    /// Takes a whole datagram.
    pub fn datagram(
        &mut self,
        now: Now,
        way: Way,
        bytes: &[u8],
        subject: &Subject<'_>,
        memory: &mut Memory,
        each: Each<'_>,
    ) {
        let Readers::Bacnet { flow } = &mut self.readers else { return };
        let read = bacnet::Packet::read(bytes);
        let message = read.as_ref().map_err(|fault| *fault);
        let mut judgement = judge_bacnet::judge(flow, memory, now, way, message, subject);
        // Receivers that do not check the length take it for what it says all the same.
        if let Some(outline) = bacnet::Packet::outline(bytes).filter(|_| read.is_err()) {
            let said = judge_bacnet::judge(flow, memory, now, way, Ok(&outline), subject);
            judgement = judgement.and(said);
        }
        let message = read.map_or_else(Message::Unread, Message::Bacnet);
        each(Record { way, at: 0, bytes, message, judgement });
    }

    /// Goes on after bytes that never came: what was begun before them is a message without end.
    pub fn gap(
        &mut self,
        now: Now,
        way: Way,
        subject: &Subject<'_>,
        memory: &mut Memory,
        each: Each<'_>,
    ) {
        let held = self.beginning(way).finish();
        let mut turn = Turn { now, way, subject, memory, each };
        self.readers.read(Some(held.as_slice()), &mut turn);
        self.readers.read(None, &mut turn);
        self.readers.restart(subject.opened, way);
    }

    /// Ends one direction.
    pub fn finish(
        &mut self,
        now: Now,
        way: Way,
        subject: &Subject<'_>,
        memory: &mut Memory,
        each: Each<'_>,
    ) {
        let held = self.beginning(way).finish();
        let mut turn = Turn { now, way, subject, memory, each };
        self.readers.read(Some(held.as_slice()), &mut turn);
        self.readers.read(None, &mut turn);
    }

    /// Gives how many bytes of a direction are kept for a message that is not complete: the last
    /// that came. What came before them and is in no record belongs to no message.
    #[must_use]
    pub fn held_bytes(&self, way: Way) -> usize {
        let beginning = match way {
            Way::FromDevice => &self.from_device,
            Way::ToDevice => &self.to_device,
        };
        beginning.held_bytes().saturating_add(self.readers.held_bytes(way))
    }

    /// Says whether nothing more of a direction can be read, since nothing says where its next
    /// message begins.
    #[must_use]
    pub fn is_lost(&self, way: Way) -> bool {
        self.readers.is_lost(way)
    }

    fn beginning(&mut self, way: Way) -> &mut Beginning {
        match way {
            Way::FromDevice => &mut self.from_device,
            Way::ToDevice => &mut self.to_device,
        }
    }

    /// Ends the conversation: what is counted while it is open is counted no longer.
    pub fn close(&mut self, memory: &mut Memory) {
        if let Readers::Dicom { flow, .. } = &mut self.readers {
            judge_dicom::close(flow, memory);
        }
    }
}

/// What is the same for every unit of one call.
struct Turn<'t, 's> {
    now: Now,
    way: Way,
    subject: &'t Subject<'s>,
    memory: &'t mut Memory,
    each: Each<'t>,
}

impl Readers {
    /// Reads bytes, or the end of a direction.
    fn read(&mut self, bytes: Option<&[u8]>, turn: &mut Turn<'_, '_>) {
        let Turn { now, way, subject, memory, each } = turn;
        let (now, way) = (*now, *way);
        match self {
            Self::Hl7 { from, to, flow } => {
                let reader = if way == Way::FromDevice { from } else { to };
                let each = &mut |unit: Unit<'_, &[u8]>| {
                    each(hl7_record(flow, memory, now, way, unit, subject));
                };
                match bytes {
                    Some(bytes) => reader.feed(bytes, each),
                    None => reader.finish(each),
                }
            }
            Self::Dicom { from, to, flow } => {
                let reader = if way == Way::FromDevice { from } else { to };
                let each = &mut |unit: Unit<'_, dicom::Event<'_>>| {
                    each(dicom_record(flow, memory, now, way, unit, subject));
                };
                match bytes {
                    Some(bytes) => reader.feed(bytes, each),
                    None => reader.finish(each),
                }
            }
            Self::Modbus { from, to, flow } => {
                let reader = if way == Way::FromDevice { from } else { to };
                let each = &mut |unit: Unit<'_, modbus::Adu<'_>>| {
                    each(modbus_record(flow, memory, now, way, unit, subject));
                };
                match bytes {
                    Some(bytes) => reader.feed(bytes, each),
                    None => reader.finish(each),
                }
            }
            Self::Http { from, to, flow } => {
                let (reader, other) = if way == Way::FromDevice { (from, to) } else { (to, from) };
                let each = &mut |unit: Unit<'_, http::Part<'_>>| {
                    couple(&unit.value, other);
                    each(http_record(flow, memory, now, way, unit, subject));
                };
                match bytes {
                    Some(bytes) => reader.feed(bytes, each),
                    None => reader.finish(each),
                }
            }
            Self::Bacnet { .. } | Self::None => {}
        }
    }

    fn held_bytes(&self, way: Way) -> usize {
        let is_from = way == Way::FromDevice;
        match self {
            Self::Hl7 { from, to, .. } => if is_from { from } else { to }.held_bytes(),
            Self::Dicom { from, to, .. } => if is_from { from } else { to }.held_bytes(),
            Self::Modbus { from, to, .. } => if is_from { from } else { to }.held_bytes(),
            Self::Http { from, to, .. } => if is_from { from } else { to }.held_bytes(),
            Self::Bacnet { .. } | Self::None => 0,
        }
    }

    fn is_lost(&self, way: Way) -> bool {
        let is_from = way == Way::FromDevice;
        match self {
            Self::Hl7 { from, to, .. } => if is_from { from } else { to }.is_lost(),
            Self::Dicom { from, to, .. } => if is_from { from } else { to }.is_lost(),
            Self::Modbus { from, to, .. } => if is_from { from } else { to }.is_lost(),
            Self::Http { from, to, .. } => if is_from { from } else { to }.is_lost(),
            Self::Bacnet { .. } | Self::None => false,
        }
    }

    /// Puts a fresh reader in the place of one that lost its stream.
    fn restart(&mut self, opened: Direction, way: Way) {
        match self {
            Self::Hl7 { from, to, .. } => {
                let reader = if way == Way::FromDevice { from } else { to };
                *reader = mllp::Reader::new(mllp::TELEMETRY_BYTES_MAX);
            }
            Self::Dicom { from, to, .. } => {
                let reader = if way == Way::FromDevice { from } else { to };
                **reader = dicom::Reader::new();
            }
            Self::Modbus { from, to, .. } => {
                let reader = if way == Way::FromDevice { from } else { to };
                *reader = modbus::Reader::new();
            }
            Self::Http { from, to, .. } => {
                let reader = if way == Way::FromDevice { from } else { to };
                *reader = http::Reader::new(side(opened, way));
            }
            Self::Bacnet { .. } | Self::None => {}
        }
    }
}

/// Tells the reader of one direction what the other has said: how a response ends depends on what
/// was asked, and only the server's word ends HTTP.
fn couple(part: &Result<http::Part<'_>, Fault>, other: &mut http::Reader) {
    match part {
        Ok(http::Part::Head(head)) => {
            if let Some(method) = head.method() {
                other.expect(method);
            } else if head.status() == Some(SWITCHING_PROTOCOLS) {
                other.switch_protocol();
            }
        }
        Ok(http::Part::Opaque(_)) => other.switch_protocol(),
        Ok(http::Part::Body(_) | http::Part::Framing) | Err(_) => {}
    }
}

fn hl7_record<'a>(
    flow: &mut judge_hl7::Flow,
    memory: &mut Memory,
    now: Now,
    way: Way,
    unit: Unit<'a, &'a [u8]>,
    subject: &Subject<'_>,
) -> Record<'a> {
    // Of a frame that is too long the beginning is there, and what it is can be told by that.
    let begun = unit.bytes.strip_prefix(&[mllp::START_BLOCK]).unwrap_or_default();
    let payload = unit.value.unwrap_or(begun);
    let read = unit.value.and_then(hl7::Message::parse);
    let message = read.as_ref().map_err(|fault| *fault);
    let judgement = judge_hl7::judge(flow, memory, now, way, message, payload, subject);
    let message = match unit.value {
        Ok(payload) => Message::Hl7 { payload, read },
        Err(fault) => Message::Unread(fault),
    };
    Record { way, at: unit.at, bytes: unit.bytes, message, judgement }
}

fn dicom_record<'a>(
    flow: &mut judge_dicom::Flow,
    memory: &mut Memory,
    now: Now,
    way: Way,
    unit: Unit<'a, dicom::Event<'a>>,
    subject: &Subject<'_>,
) -> Record<'a> {
    let message = unit.value.as_ref().map_err(|fault| *fault);
    let judgement = judge_dicom::judge(flow, memory, now, way, message, subject);
    let message = unit.value.map_or_else(Message::Unread, Message::Dicom);
    Record { way, at: unit.at, bytes: unit.bytes, message, judgement }
}

fn modbus_record<'a>(
    flow: &mut judge_modbus::Flow,
    memory: &mut Memory,
    now: Now,
    way: Way,
    unit: Unit<'a, modbus::Adu<'a>>,
    subject: &Subject<'_>,
) -> Record<'a> {
    let message = unit.value.as_ref().map_err(|fault| *fault);
    let judgement = judge_modbus::judge(flow, memory, now, way, message, subject);
    let side = side(subject.opened, way);
    let message = unit.value.map_or_else(Message::Unread, |adu| Message::Modbus { side, adu });
    Record { way, at: unit.at, bytes: unit.bytes, message, judgement }
}

fn http_record<'a>(
    flow: &mut judge_http::Flow,
    memory: &mut Memory,
    now: Now,
    way: Way,
    unit: Unit<'a, http::Part<'a>>,
    subject: &Subject<'_>,
) -> Record<'a> {
    let judgement = match &unit.value {
        Ok(http::Part::Head(head)) => judge_http::judge(flow, memory, now, way, Ok(head), subject),
        // The head was judged; its body goes the same way.
        Ok(http::Part::Body(_) | http::Part::Opaque(_) | http::Part::Framing) => {
            Judge::new(now.mono, subject, way, Kind::Reply, None).finish()
        }
        Err(fault) => judge_http::judge(flow, memory, now, way, Err(*fault), subject),
    };
    let message = unit.value.map_or_else(Message::Unread, Message::Http);
    Record { way, at: unit.at, bytes: unit.bytes, message, judgement }
}

/// Says whether the sender of a direction asks or answers.
#[must_use]
pub fn side(opened: Direction, way: Way) -> Side {
    match (opened, way) {
        (Direction::Out, Way::FromDevice) | (Direction::In, Way::ToDevice) => Side::Request,
        (Direction::Out, Way::ToDevice) | (Direction::In, Way::FromDevice) => Side::Response,
    }
}

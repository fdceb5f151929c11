//! HL7 v2 messages: segments, fields, and what an inspector must know of them.
//!
//! One pass finds the segments, checks their names and notes what every message is asked for: the
//! fields of MSH, what MSA answers, the number of observations, control bytes. All else is looked
//! up when it is asked for.
//!
//! A batch (FHS, BHS) is [`Fault::Unsupported`]: MLLP carries one message in a frame, and what a
//! batch hides would have to be judged message by message.
//!
//! Invariant: no `Debug` here prints what a segment says; of MSH only who sends what to whom.
//! Source: HL7 v2.6 §2.5; HL7 v2.6 §2.14.

mod device;
mod encoding;
mod peek;
mod refuse;
mod segment;
mod time;

use std::fmt;

pub use device::{DeviceId, eui64};
pub use encoding::{Encoding, Value};
pub use peek::peek_type;
pub use refuse::refuse;
pub use segment::{Segment, SegmentEnd};
pub use time::{Moment, Precision};

use segment::{Lines, is_named};

use crate::Fault;

const SEGMENTS: &str = "HL7 v2.6 §2.5.2";
const ONE_HEADER: &str = "HL7 v2.6 §2.5.1";
/// How many fields of MSH are noted.
const MSH_FIELDS: usize = 21;

/// MSH-9: what kind a message is.
/// # Source
/// HL7 v2.6 §2.14.9.9.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageType<'a> {
    /// The code, for example `ORU`.
    pub code: &'a [u8],
    /// The trigger event, for example `R01`; empty when absent.
    pub trigger: &'a [u8],
    /// The structure, for example `ORU_R01`; empty when absent.
    pub structure: &'a [u8],
}

impl<'a> MessageType<'a> {
    fn split(field: &'a [u8], component: u8) -> Self {
        let mut parts = field.split(|byte| *byte == component);
        let mut next = || parts.next().unwrap_or_default();
        Self { code: next(), trigger: next(), structure: next() }
    }

    /// Says whether code and trigger look like what they should be.
    fn is_readable(&self) -> bool {
        let is_word = |word: &[u8]| {
            let is_letter = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
            word.len() == 3
                && word.first().is_some_and(u8::is_ascii_uppercase)
                && word.iter().all(is_letter)
        };
        is_word(self.code) && (is_word(self.trigger) || self.code == b"ACK")
    }
}

/// MSA-1: how a message is answered.
/// # Source
/// HL7 table 0008.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AcknowledgmentCode {
    /// `AA`.
    ApplicationAccept,
    /// `AE`.
    ApplicationError,
    /// `AR`.
    ApplicationReject,
    /// `CA`.
    CommitAccept,
    /// `CE`.
    CommitError,
    /// `CR`.
    CommitReject,
}

impl AcknowledgmentCode {
    fn read(code: &[u8]) -> Option<Self> {
        match code {
            b"AA" => Some(Self::ApplicationAccept),
            b"AE" => Some(Self::ApplicationError),
            b"AR" => Some(Self::ApplicationReject),
            b"CA" => Some(Self::CommitAccept),
            b"CE" => Some(Self::CommitError),
            b"CR" => Some(Self::CommitReject),
            _ => None,
        }
    }
}

/// A message.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    payload: &'a [u8],
    encoding: Encoding,
    end: SegmentEnd,
    /// MSH-1 and on.
    msh: [&'a [u8]; MSH_FIELDS],
    msa: Option<&'a [u8]>,
    segments: usize,
    observations: usize,
    has_patient: bool,
    control_byte: Option<usize>,
}

impl<'a> Message<'a> {
    /// Reads a message without its framing.
    /// # Errors
    /// [`Fault::Malformed`] when it does not begin with a usable MSH, a segment has no name, or a
    /// second MSH follows; [`Fault::Unsupported`] when it is a batch.
    pub fn parse(payload: &'a [u8]) -> Result<Self, Fault> {
        if is_batch(payload) {
            return Err(Fault::Unsupported { at: 0, what: "an HL7 batch" });
        }
        let encoding = Encoding::read(payload)?;
        let end = SegmentEnd::find(payload);
        let mut lines = Lines::new(payload, end);
        let (_, header) = lines.next().unwrap_or_default();
        let mut message = Self {
            payload,
            encoding,
            end,
            msh: header_fields(header, encoding),
            msa: None,
            segments: 1,
            observations: 0,
            has_patient: false,
            control_byte: control_byte(payload),
        };
        for (at, line) in lines {
            if !is_named(line, encoding) {
                return Err(Fault::Malformed { at, rule: SEGMENTS });
            }
            message.note(at, line)?;
        }
        Ok(message)
    }

    fn note(&mut self, at: usize, line: &'a [u8]) -> Result<(), Fault> {
        self.segments = self.segments.saturating_add(1);
        match line {
            [b'O', b'B', b'X', ..] => self.observations = self.observations.saturating_add(1),
            [b'P', b'I', b'D', ..] => self.has_patient = true,
            [b'M', b'S', b'A', ..] => {
                self.msa.get_or_insert(line);
            }
            [b'M', b'S', b'H', ..] => return Err(Fault::Malformed { at, rule: ONE_HEADER }),
            _ if is_batch(line) => return Err(Fault::Unsupported { at, what: "an HL7 batch" }),
            _ => {}
        }
        Ok(())
    }

    /// Gives the bytes that were read.
    #[must_use]
    pub fn payload(&self) -> &'a [u8] {
        self.payload
    }

    /// Gives the delimiters.
    #[must_use]
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Says how the segments end; only [`SegmentEnd::Cr`] is to the letter of the standard.
    #[must_use]
    pub fn segment_end(&self) -> SegmentEnd {
        self.end
    }

    /// Gives the segments in order, MSH first.
    pub fn segments(&self) -> impl Iterator<Item = Segment<'a>> + use<'a> {
        let encoding = self.encoding;
        Lines::new(self.payload, self.end).map(move |(_, line)| Segment::new(line, encoding))
    }

    /// Gives the segments of a name in order.
    pub fn named(&self, name: &'static [u8; 3]) -> impl Iterator<Item = Segment<'a>> + use<'a> {
        self.segments().filter(move |segment| segment.name() == name)
    }

    /// Gives the number of segments.
    #[must_use]
    pub fn segment_count(&self) -> usize {
        self.segments
    }

    /// Gives the number of OBX segments.
    #[must_use]
    pub fn observation_count(&self) -> usize {
        self.observations
    }

    /// Gives where the first control byte is that is neither CR nor LF nor a tabulator.
    /// # Units
    /// Offset in the message.
    #[must_use]
    pub fn control_byte_at(&self) -> Option<usize> {
        self.control_byte
    }

    /// Gives a field of MSH, 1 to 21; empty when absent.
    /// # Source
    /// HL7 v2.6 §2.14.9.
    #[must_use]
    pub fn msh(&self, number: usize) -> Value<'a> {
        let field = number.checked_sub(1).and_then(|index| self.msh.get(index));
        Value::new(field.copied().unwrap_or_default(), self.encoding)
    }

    /// Gives MSH-3.
    #[must_use]
    pub fn sending_application(&self) -> Value<'a> {
        self.msh(3)
    }

    /// Gives MSH-4.
    #[must_use]
    pub fn sending_facility(&self) -> Value<'a> {
        self.msh(4)
    }

    /// Gives MSH-5.
    #[must_use]
    pub fn receiving_application(&self) -> Value<'a> {
        self.msh(5)
    }

    /// Gives MSH-6.
    #[must_use]
    pub fn receiving_facility(&self) -> Value<'a> {
        self.msh(6)
    }

    /// Gives MSH-7 as a time; nothing when it is none.
    #[must_use]
    pub fn time(&self) -> Option<Moment> {
        Moment::read(self.msh(7).component(1).bytes())
    }

    /// Gives MSH-9.
    #[must_use]
    pub fn message_type(&self) -> MessageType<'a> {
        MessageType::split(self.msh(9).bytes(), self.encoding.component)
    }

    /// Gives MSH-10.
    #[must_use]
    pub fn control_id(&self) -> Value<'a> {
        self.msh(10)
    }

    /// Gives MSH-11, its first component: `P`, `T` or `D`.
    #[must_use]
    pub fn processing_id(&self) -> Value<'a> {
        self.msh(11).component(1)
    }

    /// Gives MSH-12, its first component.
    #[must_use]
    pub fn version(&self) -> Value<'a> {
        self.msh(12).component(1)
    }

    /// Gives MSH-18; it may repeat.
    #[must_use]
    pub fn character_sets(&self) -> Value<'a> {
        self.msh(18)
    }

    /// Gives MSH-21; it may repeat.
    #[must_use]
    pub fn profiles(&self) -> Value<'a> {
        self.msh(21)
    }

    /// Gives MSA, if the message has one.
    #[must_use]
    pub fn msa(&self) -> Option<Segment<'a>> {
        self.msa.map(|line| Segment::new(line, self.encoding))
    }

    /// Gives MSA-1; nothing when it is none of the table.
    #[must_use]
    pub fn acknowledgment(&self) -> Option<AcknowledgmentCode> {
        self.msa().and_then(|msa| AcknowledgmentCode::read(msa.field(1).bytes()))
    }

    /// Gives MSA-2, the control id of what is answered; empty when absent.
    #[must_use]
    pub fn answers(&self) -> Value<'a> {
        self.msa().map_or(Value::new(&[], self.encoding), |msa| msa.field(2))
    }

    /// Gives ERR-3 and ERR-4, code and severity, of each ERR.
    /// # Source
    /// HL7 v2.6 §2.14.5.
    pub fn errors(&self) -> impl Iterator<Item = (Value<'a>, Value<'a>)> + use<'a> {
        self.named(b"ERR").map(|err| (err.field(3).component(1), err.field(4)))
    }

    /// Says whether the message has a PID.
    #[must_use]
    pub fn has_patient(&self) -> bool {
        self.has_patient
    }

    /// Gives the first identifier in PID-3; empty when the patient is not known.
    #[must_use]
    pub fn patient_id(&self) -> Value<'a> {
        let empty = Value::new(&[], self.encoding);
        if !self.has_patient {
            return empty;
        }
        self.named(b"PID").next().map_or(empty, |pid| pid.field(3).component(1))
    }

    /// Gives the first OBR.
    #[must_use]
    pub fn order(&self) -> Option<Segment<'a>> {
        self.named(b"OBR").next()
    }

    /// Gives the devices that the message names: OBX-18 and PRT-10 with all repetitions; where one
    /// value follows its like, once.
    /// # Source
    /// HL7 v2.6 §7.4.2.18; HL7 v2.7 §7.4.4.10.
    pub fn devices(&self) -> impl Iterator<Item = DeviceId> + use<'a> {
        let mut last: &[u8] = &[];
        let named = self.segments().filter_map(move |segment| {
            let number = match segment.name() {
                b"OBX" => 18,
                b"PRT" => 10,
                _ => return None,
            };
            let value = segment.field(number);
            let is_new = !value.is_empty() && value.bytes() != last;
            is_new.then(|| {
                last = value.bytes();
                value
            })
        });
        named.flat_map(Value::repetitions).filter(|value| !value.is_empty()).map(DeviceId::read)
    }
}

impl fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Message");
        let routing = [
            ("sender", 3),
            ("sender_facility", 4),
            ("receiver", 5),
            ("receiver_facility", 6),
            ("kind", 9),
            ("control_id", 10),
            ("version", 12),
        ];
        for (name, number) in routing {
            shown.field(name, &format_args!("{}", self.msh(number).bytes().escape_ascii()));
        }
        shown
            .field("bytes", &self.payload.len())
            .field("segments", &self.segments)
            .field("observations", &self.observations)
            .finish_non_exhaustive()
    }
}

/// Says whether a line is of the batch protocol.
/// # Source
/// HL7 v2.6 §2.10.3.
fn is_batch(line: &[u8]) -> bool {
    matches!(line, [b'F' | b'B', b'H' | b'T', b'S', ..])
}

fn header_fields(header: &[u8], encoding: Encoding) -> [&[u8]; MSH_FIELDS] {
    let mut fields: [&[u8]; MSH_FIELDS] = [&[]; MSH_FIELDS];
    let mut parts = header.split(|byte| *byte == encoding.field).skip(1);
    for (index, field) in fields.iter_mut().enumerate() {
        *field = match index {
            0 => header.get(3..4).unwrap_or_default(),
            _ => parts.next().unwrap_or_default(),
        };
    }
    fields
}

/// Finds a control byte; the common case, none, is one pass without branches.
fn control_byte(payload: &[u8]) -> Option<usize> {
    let is_control = |byte: u8| byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r');
    let found = payload.iter().fold(false, |found, byte| found | is_control(*byte));
    if found { payload.iter().position(|byte| is_control(*byte)) } else { None }
}

#[cfg(test)]
mod tests;

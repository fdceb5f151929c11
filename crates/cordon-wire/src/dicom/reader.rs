//! Reads one direction of an association.

use super::{
    ASSOCIATE_MAX, Abort, Associate, AssociateKind, COMMAND_MAX, Command, Event, Fragment, PduHead,
    RULE_PDU_TYPE, Reject,
};
use crate::{Cursor, Fault, Step, Tail, Unit};

const RULE_ASSOCIATE_RJ: &str = "DICOM PS3.8 §9.3.4";
const RULE_P_DATA: &str = "DICOM PS3.8 §9.3.5";
const RULE_PDV: &str = "DICOM PS3.8 §9.3.5.1";
const RULE_RELEASE_RQ: &str = "DICOM PS3.8 §9.3.6";
const RULE_RELEASE_RP: &str = "DICOM PS3.8 §9.3.7";
const RULE_ABORT: &str = "DICOM PS3.8 §9.3.8";
const RULE_MESSAGE: &str = "DICOM PS3.8 §E.1";

/// The head of a PDU: type, reserved, length.
/// # Source
/// DICOM PS3.8 §9.3.1.
const PDU_HEAD: usize = 6;

/// The head of a presentation data value: length, context, message control header.
/// # Source
/// DICOM PS3.8 §9.3.5.1; DICOM PS3.8 §E.2.
const PDV_HEAD: usize = 6;

/// What the length of a value counts of its head: context and message control header.
const PDV_COUNTED: u32 = 2;

/// Takes what an `Event` comes to.
type Each<'e> = &'e mut dyn FnMut(Unit<'_, Event<'_>>);

/// Reads one direction of an association, in any pieces.
///
/// The bytes of the units are the stream, in order and without gaps, until the reader is lost.
/// Pieces of one fragment, and of what follows a fault, depend on how the stream was split; joined
/// they do not.
///
/// Invariant: no more is kept than a head, an A-ASSOCIATE PDU, or a command set with its last
/// fragment. A fault inside a PDU ends with the PDU; only a type of PDU that there is not makes the
/// reader lost.
#[derive(Debug, Default)]
pub struct Reader {
    tail: Tail,
    state: State,
}

impl Reader {
    /// Begins with a stream.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a piece of the stream and hands out what it completes.
    pub fn feed(&mut self, bytes: &[u8], each: &mut dyn FnMut(Unit<'_, Event<'_>>)) {
        let Self { tail, state } = self;
        if !state.is_lost {
            tail.feed(bytes, &mut |front| state.look(front, each));
        }
    }

    /// Ends the stream: what is left inside a PDU is one unit that is incomplete.
    pub fn finish(&mut self, each: &mut dyn FnMut(Unit<'_, Event<'_>>)) {
        let kept = self.tail.kept();
        let left = match self.state.phase {
            Phase::Pdu => 0,
            Phase::Pdv => self.state.pdu_left,
            Phase::Data { left, .. } | Phase::Skip { left } => left,
        };
        let left = usize::try_from(left).unwrap_or(usize::MAX);
        let need =
            if kept.is_empty() { left } else { self.state.wanted.saturating_sub(kept.len()) };
        if !self.state.is_lost && need > 0 {
            let value = Err(Fault::Incomplete { need });
            each(Unit { at: self.state.at, bytes: kept, value });
        }
        self.state.is_lost = true;
        self.tail.clear();
    }

    /// Says whether nothing more can be read, because the next PDU cannot be found.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.state.is_lost
    }

    /// Gives how many bytes of a unit that is not complete are kept.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.tail.len()
    }

    /// Says whether all that was handed out ends with a PDU: only there can an A-ABORT be put in
    /// towards the receiver; elsewhere the connection has to be closed.
    #[must_use]
    pub fn is_between_pdus(&self) -> bool {
        self.state.phase == Phase::Pdu
    }
}

/// Where in the stream the next byte is.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// At the head of a PDU.
    #[default]
    Pdu,
    /// At the head of a value.
    Pdv,
    /// In a fragment of a data set.
    Data { context_id: u8, is_last: bool, length: u32, left: u32 },
    /// In what is not read of a PDU.
    Skip { left: u32 },
}

/// Where in a DIMSE message the next fragment is: fragments of two messages do not mix.
/// # Source
/// DICOM PS3.8 §E.1.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Message {
    /// Between two.
    #[default]
    Between,
    /// In a command set.
    Command(u8),
    /// In a data set.
    Data(u8),
    /// After a fault: what comes next is not known.
    Unknown,
}

#[derive(Debug, Default)]
struct State {
    at: u64,
    phase: Phase,
    message: Message,
    pdu_left: u32,
    wanted: usize,
    command: Vec<u8>,
    dataset_bytes: u64,
    is_lost: bool,
}

/// The head of a value.
struct Pdv {
    context_id: u8,
    is_command: bool,
    is_last: bool,
    /// Bytes of the fragment.
    length: u32,
}

impl State {
    fn look(&mut self, front: &[u8], each: Each<'_>) -> Step {
        if self.is_lost {
            return Step::Took(front.len());
        }
        match self.phase {
            Phase::Pdu => self.pdu(front, each),
            Phase::Pdv => self.pdv(front, None, each),
            Phase::Data { context_id, is_last, length, left } => {
                let pdv = Pdv { context_id, is_command: false, is_last, length };
                self.data(front, 0, &pdv, left, each)
            }
            Phase::Skip { left } => self.skip(front, left, each),
        }
    }

    fn wait(&mut self, front: &[u8], wanted: usize) -> Step {
        self.wanted = wanted;
        Step::Wait { need: wanted.saturating_sub(front.len()) }
    }

    /// Hands out a unit that is the first `count` bytes.
    fn emit(
        &mut self,
        front: &[u8],
        count: usize,
        value: Result<Event<'_>, Fault>,
        each: Each<'_>,
    ) {
        let bytes = front.get(..count).unwrap_or_default();
        each(Unit { at: self.at, bytes, value });
        self.at = self.at.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
    }

    /// Hands out a fault with the head of the PDU if it is still here, and skips what is left.
    fn fault(
        &mut self,
        front: &[u8],
        head: usize,
        fault: Fault,
        left: u32,
        each: Each<'_>,
    ) -> Step {
        self.emit(front, head, Err(fault), each);
        self.command.clear();
        self.dataset_bytes = 0;
        self.message = Message::Unknown;
        self.phase = if left == 0 { Phase::Pdu } else { Phase::Skip { left } };
        if head == 0 { self.skip(front, left, each) } else { Step::Took(head) }
    }

    fn skip(&mut self, front: &[u8], left: u32, each: Each<'_>) -> Step {
        let (count, left) = reach(front.len(), left);
        self.emit(front, count, Ok(Event::Unread), each);
        self.phase = if left == 0 { Phase::Pdu } else { Phase::Skip { left } };
        Step::Took(count)
    }

    fn pdu(&mut self, front: &[u8], each: Each<'_>) -> Step {
        let rule = match front.first() {
            Some(1 | 2 | 4) => RULE_P_DATA,
            Some(3) => RULE_ASSOCIATE_RJ,
            Some(5) => RULE_RELEASE_RQ,
            Some(6) => RULE_RELEASE_RP,
            Some(7) => RULE_ABORT,
            _ => {
                self.is_lost = true;
                let fault = Fault::Malformed { at: 0, rule: RULE_PDU_TYPE };
                self.emit(front, 1, Err(fault), each);
                return Step::Took(front.len());
            }
        };
        let Some([kind, _, length @ ..]) = front.first_chunk::<PDU_HEAD>() else {
            return self.wait(front, PDU_HEAD);
        };
        let length = u32::from_be_bytes(*length);
        let size = usize::try_from(length).unwrap_or(usize::MAX);
        let malformed = Fault::Malformed { at: 2, rule };
        match kind {
            4 if size < PDV_HEAD => return self.fault(front, PDU_HEAD, malformed, length, each),
            4 => return self.pdv(front, Some(length), each),
            1 | 2 if size > ASSOCIATE_MAX.max => {
                let fault = Fault::OverLimit { at: 2, limit: ASSOCIATE_MAX };
                return self.fault(front, PDU_HEAD, fault, length, each);
            }
            1 | 2 => {}
            _ if length != 4 => return self.fault(front, PDU_HEAD, malformed, length, each),
            _ => {}
        }
        let total = PDU_HEAD.saturating_add(size);
        let Some(pdu) = front.get(..total) else { return self.wait(front, total) };
        self.emit(front, total, whole(pdu), each);
        Step::Took(total)
    }

    /// Reads a value; `fresh` is the length of the PDU whose head is still in front of it.
    fn pdv(&mut self, front: &[u8], fresh: Option<u32>, each: Each<'_>) -> Step {
        let head = if fresh.is_some() { PDU_HEAD } else { 0 };
        let pdu_left = fresh.unwrap_or(self.pdu_left);
        let malformed = |at| Fault::Malformed { at, rule: RULE_PDV };
        if usize::try_from(pdu_left).is_ok_and(|left| left < PDV_HEAD) {
            return self.fault(front, head, malformed(0), pdu_left, each);
        }
        let behind = front.get(head..).unwrap_or_default();
        let Some([a, b, c, d, context_id, control]) = behind.first_chunk::<PDV_HEAD>() else {
            return self.wait(front, head.saturating_add(PDV_HEAD));
        };
        let counted = u32::from_be_bytes([*a, *b, *c, *d]);
        let pdv = Pdv {
            context_id: *context_id,
            is_command: control & 1 == 1,
            is_last: control & 2 == 2,
            length: counted.saturating_sub(PDV_COUNTED),
        };
        let fault = if counted < PDV_COUNTED || counted > pdu_left.saturating_sub(4) {
            Some(malformed(head))
        } else if context_id & 1 == 0 {
            Some(malformed(head.saturating_add(4)))
        } else {
            self.order(&pdv, head)
        };
        if let Some(fault) = fault {
            self.begin(front, fresh, each);
            return self.fault(front, head, fault, pdu_left, each);
        }
        let after = pdu_left.saturating_sub(4).saturating_sub(counted);
        if pdv.is_command {
            return self.command(front, fresh, &pdv, after, each);
        }
        self.begin(front, fresh, each);
        self.pdu_left = after;
        self.data(front, head.saturating_add(PDV_HEAD), &pdv, pdv.length, each)
    }

    /// Says what is wrong with a fragment at this place of a message.
    fn order(&self, pdv: &Pdv, head: usize) -> Option<Fault> {
        let fits = match (self.message, pdv.is_command) {
            (Message::Between, is_command) => is_command,
            (Message::Command(context_id), true) | (Message::Data(context_id), false) => {
                context_id == pdv.context_id
            }
            (Message::Command(_), false) | (Message::Data(_), true) => false,
            (Message::Unknown, _) => true,
        };
        let room = COMMAND_MAX.max.saturating_sub(self.command.len());
        if !fits {
            let at = head.saturating_add(4);
            return Some(Fault::Malformed { at, rule: RULE_MESSAGE });
        }
        let is_over = usize::try_from(pdv.length).map_or(true, |length| length > room);
        (pdv.is_command && is_over).then_some(Fault::OverLimit { at: head, limit: COMMAND_MAX })
    }

    /// Hands out that a P-DATA-TF begins.
    fn begin(&mut self, front: &[u8], fresh: Option<u32>, each: Each<'_>) {
        if let Some(length) = fresh {
            self.emit(front, 0, Ok(Event::PData(PduHead { length })), each);
        }
    }

    fn command(
        &mut self,
        front: &[u8],
        fresh: Option<u32>,
        pdv: &Pdv,
        after: u32,
        each: Each<'_>,
    ) -> Step {
        let head = if fresh.is_some() { PDU_HEAD + PDV_HEAD } else { PDV_HEAD };
        let length = usize::try_from(pdv.length).unwrap_or(usize::MAX);
        let total = head.saturating_add(length);
        let Some(bytes) = front.get(head..total) else { return self.wait(front, total) };
        self.begin(front, fresh, each);
        self.pdu_left = after;
        self.phase = if after == 0 { Phase::Pdu } else { Phase::Pdv };
        let context_id = pdv.context_id;
        if !pdv.is_last {
            self.command.extend_from_slice(bytes);
            self.message = Message::Command(context_id);
            let fragment = piece(pdv, true, bytes);
            self.emit(front, total, Ok(Event::Fragment(fragment)), each);
            return Step::Took(total);
        }
        let mut set = std::mem::take(&mut self.command);
        let value = if set.is_empty() {
            Command::read(bytes).map_err(|fault| fault.after(head))
        } else {
            set.extend_from_slice(bytes);
            Command::read(&set)
        };
        self.dataset_bytes = 0;
        self.message = match value {
            Ok(command) if command.has_dataset => Message::Data(context_id),
            Ok(_) => Message::Between,
            Err(_) => Message::Unknown,
        };
        let value = value.map(|command| Event::Command { context_id, command });
        self.emit(front, total, value, each);
        set.clear();
        self.command = set;
        Step::Took(total)
    }

    /// Hands out a piece of a data set; `head` bytes of heads are in front of it, and `left` bytes
    /// of the fragment are still to come.
    fn data(&mut self, front: &[u8], head: usize, pdv: &Pdv, left: u32, each: Each<'_>) -> Step {
        let here = front.get(head..).unwrap_or_default();
        let (count, left) = reach(here.len(), left);
        let fragment = piece(pdv, head > 0, here.get(..count).unwrap_or_default());
        let total = head.saturating_add(count);
        self.emit(front, total, Ok(Event::Fragment(fragment)), each);
        let Pdv { context_id, is_last, length, .. } = *pdv;
        if left > 0 {
            self.phase = Phase::Data { context_id, is_last, length, left };
            return Step::Took(total);
        }
        self.phase = if self.pdu_left == 0 { Phase::Pdu } else { Phase::Pdv };
        self.dataset_bytes = self.dataset_bytes.saturating_add(u64::from(length));
        if is_last {
            let bytes = std::mem::take(&mut self.dataset_bytes);
            self.message = Message::Between;
            self.emit(front, 0, Ok(Event::DatasetEnd { context_id, bytes }), each);
        }
        Step::Took(total)
    }
}

fn piece<'a>(pdv: &Pdv, is_start: bool, bytes: &'a [u8]) -> Fragment<'a> {
    let Pdv { context_id, is_command, is_last, length } = *pdv;
    Fragment { context_id, is_command, is_last, is_start, length, bytes }
}

/// Says how many of `left` bytes are here, and how many are then left.
fn reach(here: usize, left: u32) -> (usize, u32) {
    match u32::try_from(here) {
        Ok(here_u32) if here_u32 < left => (here, left.saturating_sub(here_u32)),
        _ => (usize::try_from(left).unwrap_or(here).min(here), 0),
    }
}

/// Reads a whole PDU that is not P-DATA-TF and has a length that its type allows.
fn whole(pdu: &[u8]) -> Result<Event<'_>, Fault> {
    let mut cursor = Cursor::whole(pdu, RULE_PDU_TYPE);
    let kind = cursor.u8()?;
    if let 1 | 2 = kind {
        let associate = Associate::read(pdu)?;
        return Ok(match associate.kind {
            AssociateKind::Request => Event::AssociateRq(associate),
            AssociateKind::Accept => Event::AssociateAc(associate),
        });
    }
    cursor.take(6)?;
    let (second, third, fourth) = (cursor.u8()?, cursor.u8()?, cursor.u8()?);
    let (malformed, at) = (|at, rule| Fault::Malformed { at, rule }, 7_usize);
    match (kind, second, third, fourth) {
        (3, 1 | 2, 1..=3, _) => {
            Ok(Event::AssociateRj(Reject { result: second, source: third, reason: fourth }))
        }
        (3, ..) => Err(malformed(at, RULE_ASSOCIATE_RJ)),
        (5, ..) => Ok(Event::ReleaseRq),
        (6, ..) => Ok(Event::ReleaseRp),
        (_, _, 0 | 2, _) => Ok(Event::Abort(Abort { source: third, reason: fourth })),
        _ => Err(malformed(at.saturating_add(1), RULE_ABORT)),
    }
}

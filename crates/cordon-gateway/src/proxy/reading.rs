//! Reads one conversation and says which of its bytes go on: the bytes of what passed, unchanged.
//!
//! Bytes that are in no message go the way of the message before them: the carriage return after a
//! frame, the rest of a frame that is longer than is kept. So a stream of which everything passes
//! comes out as it went in, byte for byte.
//!
//! Invariant: no byte goes on before the message it belongs to is judged; bytes go on in order, each
//! once; after [`Next::Close`] nothing goes on.

use cordon_core::inspect::conversation::{Conversation, Message, Record};
use cordon_core::inspect::{Judgement, Memory, Refusal, Verdict, Way, refuse};
use cordon_model::{Direction, Now, Protocol};
use cordon_wire::classify::LOOK_BYTES;

use super::buffer::Buffer;
use super::rules::Party;
use super::seen::Ended;

/// What follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// The conversation goes on.
    Go,
    /// It ends, after what waits to be sent.
    Close(Ended),
}

/// What one arrival is judged with.
pub(super) struct Case<'c> {
    pub(super) now: Now,
    pub(super) party: &'c Party,
    pub(super) memory: &'c mut Memory,
    /// Where bytes go on to.
    pub(super) onward: &'c mut Buffer,
    /// Where the sender is answered.
    pub(super) back: &'c mut Buffer,
    /// What is told of each message.
    pub(super) each: &'c mut dyn FnMut(Way, usize, Judgement),
}

/// The reader of one conversation.
#[derive(Debug)]
pub(super) struct Reading {
    conversation: Option<Box<Conversation>>,
    from: Lane,
    to: Lane,
}

/// One direction.
#[derive(Debug)]
struct Lane {
    /// Bytes that came.
    fed: u64,
    /// Bytes that went on, or were left out.
    done: u64,
    /// Whether bytes that are in no message go on.
    passes: bool,
    /// The first bytes, until they tell what is spoken.
    head: Vec<u8>,
}

impl Default for Lane {
    fn default() -> Self {
        Self { fed: 0, done: 0, passes: true, head: Vec::new() }
    }
}

impl Reading {
    /// Begins a conversation; what nobody reads goes on as it comes.
    pub(super) fn new(protocol: Protocol, opened: Direction, is_inspected: bool) -> Self {
        let is_read = match protocol {
            Protocol::Hl7 | Protocol::Dicom | Protocol::Modbus | Protocol::Http => is_inspected,
            Protocol::Bacnet
            | Protocol::Ntp
            | Protocol::Dns
            | Protocol::Dhcp
            | Protocol::Syslog
            | Protocol::Opaque => false,
        };
        Self {
            conversation: is_read.then(|| Box::new(Conversation::new(protocol, opened))),
            from: Lane::default(),
            to: Lane::default(),
        }
    }

    /// Takes bytes as they arrive.
    pub(super) fn feed(&mut self, way: Way, bytes: &[u8], case: &mut Case<'_>) -> Next {
        self.run(way, Some(bytes), case)
    }

    /// Ends a direction.
    pub(super) fn finish(&mut self, way: Way, case: &mut Case<'_>) -> Next {
        self.run(way, None, case)
    }

    /// Ends the conversation.
    pub(super) fn close(&mut self, memory: &mut Memory) {
        if let Some(conversation) = &mut self.conversation {
            conversation.close(memory);
        }
    }

    fn run(&mut self, way: Way, arrived: Option<&[u8]>, case: &mut Case<'_>) -> Next {
        let lane = match way {
            Way::FromDevice => &mut self.from,
            Way::ToDevice => &mut self.to,
        };
        let bytes = arrived.unwrap_or_default();
        let Some(conversation) = &mut self.conversation else {
            case.onward.push(bytes);
            return Next::Go;
        };
        let Some(subject) = case.party.subject() else { return Next::Close(Ended::Policy) };
        let (now, protocol, mut next) = (case.now, conversation.protocol(), Next::Go);
        let Case { memory, onward, back, each, .. } = case;
        let mut record = |record: Record<'_>| {
            // Bytes that belong to no message of their own are part of the answer before.
            if next != Next::Go {
                return;
            }
            next = lane.record((now, protocol), bytes, &record, onward, back);
            if is_told(&record) {
                each(record.way, record.bytes.len(), record.judgement);
            }
        };
        match arrived {
            Some(bytes) => conversation.feed(now, way, bytes, &subject, memory, &mut record),
            None => conversation.finish(now, way, &subject, memory, &mut record),
        }
        if next != Next::Go {
            return next;
        }
        lane.settle(bytes, conversation.held_bytes(way), onward);
        if arrived.is_none() {
            return Next::Go;
        }
        // What nobody can read any more goes on only where care may depend on it.
        let may_go_on = way == Way::FromDevice && case.party.is_lifeline();
        if conversation.is_lost(way) && !may_go_on {
            return Next::Close(Ended::Lost);
        }
        Next::Go
    }
}

impl Lane {
    /// Sends a message on, or answers it.
    fn record(
        &mut self,
        (now, protocol): (Now, Protocol),
        arrived: &[u8],
        record: &Record<'_>,
        onward: &mut Buffer,
        back: &mut Buffer,
    ) -> Next {
        let is_unread = matches!(record.message, Message::Sealed | Message::Foreign(_));
        let length = wide(record.bytes.len());
        let is_blocked = record.judgement.verdict == Verdict::Block;
        if is_unread {
            // What came before these bytes told nothing yet, and goes with them.
            if !is_blocked {
                onward.push(&self.head);
            }
            self.done = self.fed.saturating_add(length);
        } else {
            self.between(arrived, record.at, onward);
            self.done = record.at.saturating_add(length);
        }
        self.passes = !is_blocked;
        if !is_blocked {
            onward.push(record.bytes);
            return Next::Go;
        }
        if let Some(refusal) = record.judgement.refusal {
            answer(refusal, record, now, back);
        }
        if goes_on(protocol, &record.message) { Next::Go } else { Next::Close(Ended::Blocked) }
    }

    /// Sends on what is between two messages.
    fn between(&mut self, arrived: &[u8], until: u64, onward: &mut Buffer) {
        let place = |offset: u64| usize::try_from(offset.saturating_sub(self.fed)).unwrap_or(0);
        if self.passes && self.done < until {
            // What told nothing yet was kept; it is the beginning of the stream.
            let narrow = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
            let kept = narrow(self.done)..narrow(until).min(self.head.len());
            onward.push(self.head.get(kept).unwrap_or_default());
            onward.push(arrived.get(place(self.done)..place(until)).unwrap_or_default());
        }
    }

    /// Sends on what has come and is in no message, and keeps what belongs to one.
    fn settle(&mut self, arrived: &[u8], held: usize, onward: &mut Buffer) {
        let end = self.fed.saturating_add(wide(arrived.len()));
        let until = end.saturating_sub(wide(held));
        self.between(arrived, until, onward);
        self.done = self.done.max(until);
        self.fed = end;
        if self.done == 0 && held <= LOOK_BYTES {
            self.head.extend_from_slice(arrived);
        } else {
            self.head = Vec::new();
        }
    }
}

/// Writes a refusal back to the sender.
fn answer(refusal: Refusal, record: &Record<'_>, now: Now, back: &mut Buffer) {
    let _has_answer = refuse(refusal, &record.message, now, back.tail());
}

/// Says whether the conversation can go on without the message: its end is known, and the sender
/// does not go on with what hangs together with it.
fn goes_on(protocol: Protocol, message: &Message<'_>) -> bool {
    match message {
        Message::Hl7 { .. } | Message::Modbus { .. } | Message::Bacnet(_) => true,
        // MLLP finds the next frame whatever came before it.
        Message::Unread(_) => protocol == Protocol::Hl7,
        Message::Dicom(_) | Message::Http(_) | Message::Foreign(_) | Message::Sealed => false,
    }
}

/// Says whether a record is worth a word: pieces of what was judged before are not, as long as they
/// pass.
pub(super) fn is_told(record: &Record<'_>) -> bool {
    use cordon_wire::dicom::Event;
    use cordon_wire::http::Part;
    let is_piece = match &record.message {
        Message::Dicom(event) => matches!(
            event,
            Event::PData(_) | Event::Fragment(_) | Event::DatasetEnd { .. } | Event::Unread
        ),
        Message::Http(part) => !matches!(part, Part::Head(_)),
        Message::Hl7 { .. }
        | Message::Modbus { .. }
        | Message::Bacnet(_)
        | Message::Unread(_)
        | Message::Foreign(_)
        | Message::Sealed => false,
    };
    !is_piece || record.judgement.verdict != Verdict::Pass
}

fn wide(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;

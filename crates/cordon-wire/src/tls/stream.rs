//! The ClientHello at the front of a stream.

use super::HELLO_BYTES;
use super::hello::ClientHello;
use crate::{Cursor, Fault, Step, Tail, Unit};

/// What a record is held to.
const RULE: &str = "RFC 8446 §5.1";
/// The longest plaintext of a record.
/// # Units
/// Bytes.
/// # Source
/// RFC 8446 §5.1.
const RECORD_MAX: usize = 1 << 14;
/// The header of a record.
/// # Units
/// Bytes.
const RECORD_HEADER: usize = 5;
/// The header of a handshake message.
/// # Units
/// Bytes.
const MESSAGE_HEADER: usize = 4;

/// Reads the ClientHello of a client, in as many records as it comes; what follows is not read.
#[derive(Debug, Default)]
pub struct Reader {
    tail: Tail,
    /// The records so far, when there are several.
    wire: Vec<u8>,
    /// What was in them.
    message: Vec<u8>,
    done: bool,
    lost: bool,
}

impl Reader {
    /// Begins at the start of a conversation.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Says whether nothing can be read, since what came is no ClientHello.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.lost
    }

    /// Says whether the ClientHello has been handed out.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.done
    }

    /// Reads what has arrived, and hands out the ClientHello once it is complete.
    pub fn feed(&mut self, bytes: &[u8], each: &mut dyn FnMut(Unit<'_, ClientHello<'_>>)) {
        if self.done || self.lost {
            return;
        }
        let mut tail = std::mem::take(&mut self.tail);
        tail.feed(bytes, &mut |front| self.step(front, each));
        self.tail = tail;
        if self.done || self.lost {
            // There is one in a conversation: the room is not needed again.
            *self = Self { done: self.done, lost: self.lost, ..Self::default() };
        }
    }

    /// Ends the stream; what is left of a ClientHello is handed out as incomplete.
    pub fn finish(&mut self, each: &mut dyn FnMut(Unit<'_, ClientHello<'_>>)) {
        self.wire.extend_from_slice(self.tail.kept());
        if !self.done && !self.lost && !self.wire.is_empty() {
            let value = Err(Fault::Incomplete { need: 1 });
            each(Unit { at: 0, bytes: &self.wire, value });
        }
        *self = Self { done: self.done, lost: !self.done, ..Self::default() };
    }

    fn step(&mut self, front: &[u8], each: &mut dyn FnMut(Unit<'_, ClientHello<'_>>)) -> Step {
        if self.done || self.lost {
            return Step::Took(front.len());
        }
        let mut from = Cursor::open(front);
        let payload = match record(&mut from) {
            Ok(payload) => payload,
            Err(Fault::Incomplete { need }) => return Step::Wait { need },
            Err(
                fault @ (Fault::Malformed { .. }
                | Fault::Unsupported { .. }
                | Fault::OverLimit { .. }),
            ) => {
                let header = front.get(..RECORD_HEADER).unwrap_or(front);
                let fault = fault.after(self.wire.len());
                self.wire.extend_from_slice(header);
                self.lost = true;
                each(Unit { at: 0, bytes: &self.wire, value: Err(fault) });
                return Step::Took(header.len());
            }
        };
        let length = from.at();
        let bytes = front.get(..length).unwrap_or(front);
        if self.wire.is_empty() && is_complete(payload) {
            // It came in one record, as it usually does, and is not copied.
            self.end(bytes, payload, each);
            return Step::Took(length);
        }
        self.wire.extend_from_slice(bytes);
        self.message.extend_from_slice(payload);
        if is_complete(&self.message) {
            let (wire, message) =
                (std::mem::take(&mut self.wire), std::mem::take(&mut self.message));
            self.end(&wire, &message, each);
        } else if self.wire.len() > HELLO_BYTES.max {
            let fault = Fault::OverLimit { at: HELLO_BYTES.max, limit: HELLO_BYTES };
            self.lost = true;
            each(Unit { at: 0, bytes: &self.wire, value: Err(fault) });
        }
        Step::Took(length)
    }

    fn end(
        &mut self,
        bytes: &[u8],
        message: &[u8],
        each: &mut dyn FnMut(Unit<'_, ClientHello<'_>>),
    ) {
        let length = announced(message).unwrap_or(message.len());
        let value = if length > HELLO_BYTES.max {
            Err(Fault::OverLimit { at: 1, limit: HELLO_BYTES })
        } else {
            ClientHello::read(message.get(..length).unwrap_or(message))
        };
        self.done = value.is_ok();
        self.lost = !self.done;
        each(Unit { at: 0, bytes, value });
    }
}

/// Takes a record; gives what is in it.
fn record<'a>(from: &mut Cursor<'a>) -> Result<&'a [u8], Fault> {
    let mut header = Cursor::whole(from.take(RECORD_HEADER)?, RULE);
    let (kind, major, _minor) = (header.u8()?, header.u8()?, header.u8()?);
    let length = usize::from(header.u16()?);
    if kind != 22 {
        return Err(Fault::Malformed { at: 0, rule: RULE });
    }
    if major != 3 {
        return Err(Fault::Malformed { at: 1, rule: RULE });
    }
    // An empty record of a handshake is forbidden; without that a client could send them for ever.
    if length == 0 || length > RECORD_MAX {
        return Err(Fault::Malformed { at: 3, rule: RULE });
    }
    from.take(length)
}

/// Gives the length that a handshake message says it has, with its header.
fn announced(message: &[u8]) -> Option<usize> {
    let [_, high, middle, low] = message.first_chunk::<MESSAGE_HEADER>()?;
    let length = u32::from_be_bytes([0, *high, *middle, *low]);
    usize::try_from(length).ok()?.checked_add(MESSAGE_HEADER)
}

/// Says whether no more is needed to read a message, or to see that it is no ClientHello.
fn is_complete(message: &[u8]) -> bool {
    let is_hello = message.first().is_none_or(|kind| *kind == 1);
    !is_hello
        || announced(message)
            .is_some_and(|length| length > HELLO_BYTES.max || message.len() >= length)
}

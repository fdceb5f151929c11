//! The first bytes of a direction: is it the protocol that the flow declares?

use cordon_model::{Now, Protocol};
use cordon_wire::classify::{self, Guess, Transport};

use super::conversation::{Message, Record};
use super::{Judge, Kind, Memory, Reason, Subject, Way};

/// Keeps the first bytes of a direction until they tell which protocol they are.
#[derive(Debug, Default)]
pub(super) struct Beginning {
    held: Held,
    state: State,
}

/// What is known of a direction.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Open,
    /// It is read.
    Read,
    /// It is not read any more.
    Closed,
}

/// Bytes that were not enough to tell.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Held {
    bytes: [u8; classify::LOOK_BYTES],
    count: usize,
}

/// What the first bytes came to.
#[derive(Debug)]
pub(super) enum Look {
    /// They do not tell yet.
    Wait,
    /// The direction is read: first what was held, then what has arrived.
    Read {
        /// What was held.
        held: Held,
    },
    /// Another protocol begins.
    Foreign(Guess),
    /// TLS begins.
    Sealed,
    /// The direction is not read any more.
    Closed,
}

impl Held {
    pub(super) fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.count).unwrap_or_default()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    fn push(&mut self, bytes: &[u8]) {
        for (slot, byte) in self.bytes.iter_mut().skip(self.count).zip(bytes) {
            *slot = *byte;
            self.count += 1;
        }
    }
}

impl Beginning {
    /// Looks at bytes that arrive.
    pub(super) fn look(&mut self, declared: Protocol, bytes: &[u8]) -> Look {
        match self.state {
            State::Read => return Look::Read { held: Held::default() },
            State::Closed => return Look::Closed,
            State::Open => {}
        }
        let before = self.held;
        self.held.push(bytes);
        let guess = classify::first_bytes(self.held.as_slice(), Transport::Tcp);
        let is_foreign = protocol(guess).is_some_and(|protocol| protocol != declared);
        let look = match guess {
            Guess::NeedMore => return Look::Wait,
            Guess::Tls => Look::Sealed,
            Guess::Hl7
            | Guess::Dicom
            | Guess::Modbus
            | Guess::Bacnet
            | Guess::Http
            | Guess::Unknown => {
                if is_foreign {
                    Look::Foreign(guess)
                } else {
                    Look::Read { held: before }
                }
            }
        };
        self.state = match look {
            Look::Read { .. } => State::Read,
            Look::Wait | Look::Foreign(_) | Look::Sealed | Look::Closed => State::Closed,
        };
        look
    }

    /// Gives how many bytes are held because they do not tell yet.
    pub(super) fn held_bytes(&self) -> usize {
        if self.state == State::Open { self.held.count } else { 0 }
    }

    /// Gives what is held when the direction ends before it could tell, and reads it.
    pub(super) fn finish(&mut self) -> Held {
        if self.state != State::Open {
            return Held::default();
        }
        self.state = State::Read;
        self.held
    }
}

/// Gives the protocol that a guess is.
fn protocol(guess: Guess) -> Option<Protocol> {
    match guess {
        Guess::Hl7 => Some(Protocol::Hl7),
        Guess::Dicom => Some(Protocol::Dicom),
        Guess::Modbus => Some(Protocol::Modbus),
        Guess::Bacnet => Some(Protocol::Bacnet),
        Guess::Http => Some(Protocol::Http),
        Guess::Tls | Guess::Unknown | Guess::NeedMore => None,
    }
}

/// Judges the beginning of another protocol.
pub(super) fn foreign<'a>(
    now: Now,
    way: Way,
    bytes: &'a [u8],
    guess: Guess,
    subject: &Subject<'_>,
    memory: &mut Memory,
) -> Record<'a> {
    let mut judge = Judge::new(now.mono, subject, way, kind(subject, way), None);
    judge.add(Reason::WrongProtocol, memory);
    let judgement = judge.finish();
    Record { way, at: 0, bytes, message: Message::Foreign(guess), judgement }
}

/// Judges what is sealed: whoever ends the TLS reads it, and that this is TLS is only said.
pub(super) fn sealed<'a>(
    now: Now,
    way: Way,
    bytes: &'a [u8],
    subject: &Subject<'_>,
    memory: &mut Memory,
) -> Record<'a> {
    let mut judge = Judge::new(now.mono, subject, way, kind(subject, way), None);
    judge.add(Reason::Sealed, memory);
    let judgement = judge.finish();
    Record { way, at: 0, bytes, message: Message::Sealed, judgement }
}

fn kind(subject: &Subject<'_>, way: Way) -> Kind {
    use cordon_wire::Side;
    match super::conversation::side(subject.opened, way) {
        Side::Request => Kind::Request,
        Side::Response => Kind::Reply,
    }
}

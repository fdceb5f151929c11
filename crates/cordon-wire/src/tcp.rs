//! Puts the two streams of a TCP connection together from its segments.
//!
//! For traffic that others recorded: segments come in any order, twice, or never. What is handed
//! out keeps the order of cause: an answer that acknowledges a request comes after the request,
//! also when the recording has them the other way round.
//!
//! Invariant: each byte of a stream is handed out at most once, in order; what is left out is said
//! as a [`Event::Gap`]; where two segments differ on the same bytes the first one wins and
//! [`Event::Conflict`] says so; what is kept is bounded by [`HELD_BYTES`] and [`HELD_PIECES`].
//!
//! Source: RFC 9293 §3.4; RFC 9293 §3.8.

mod piece;
mod stream;

#[cfg(test)]
mod tests;

use crate::Limit;
use stream::{Arrival, Stream};

/// How much one direction keeps that cannot be handed out yet.
pub const HELD_BYTES: Limit =
    Limit { name: "bytes of a TCP stream kept out of order", max: 1 << 20 };
/// In how many pieces.
pub const HELD_PIECES: Limit =
    Limit { name: "pieces of a TCP stream kept out of order", max: 1_024 };
/// A byte that the other side acknowledged is given up when so many further segments came without
/// it: then the recording lacks it.
/// # Source
/// RFC 5681 §3.2, whose three duplicates tell loss from disorder.
pub const REORDER_SEGMENTS: u32 = 3;
/// A segment further away than this from what is awaited belongs to no window.
/// # Source
/// RFC 7323 §2.3.
pub const WINDOW_BYTES_MAX: u64 = 1 << 30;
/// So many segments in a row outside of every window begin the stream anew.
pub const STRAYS_MAX: u32 = 16;

/// The sides of a connection; which is which, the caller says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The one who opened it.
    Client,
    /// The other one.
    Server,
}

impl Side {
    /// Gives the other side.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// A TCP segment; `mark` is the caller's, for example the number of the frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment<'a, M> {
    /// Who sent it.
    pub from: Side,
    /// The sequence number.
    pub seq: u32,
    /// The acknowledgement number, if the flag is set.
    pub ack: Option<u32>,
    /// The flag SYN.
    pub syn: bool,
    /// The flag FIN.
    pub fin: bool,
    /// The flag RST.
    pub rst: bool,
    /// The payload, as far as it was recorded.
    pub payload: &'a [u8],
    /// Bytes of payload that were on the wire after it and were not recorded.
    pub cut_bytes: u32,
    /// What the caller wants to hear with what comes of the segment.
    pub mark: M,
}

/// Why bytes of a stream are not handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Loss {
    /// The other side acknowledged them, and the recording lacks them.
    Acknowledged,
    /// The recording cut them off the end of a segment.
    CutOff,
    /// A bound of what is kept was reached before they came.
    OverLimit,
    /// The connection or the recording ended before they came.
    Unfilled,
    /// The stream went on somewhere else; how many they are is not known.
    Elsewhere,
}

/// What came of a segment; `at` counts from the first byte of the stream that was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event<'a, M> {
    /// The next bytes of a stream.
    Data {
        /// Whose.
        from: Side,
        /// Where they begin.
        at: u64,
        /// The bytes.
        bytes: &'a [u8],
        /// The segment that completed the stream up to here.
        mark: M,
    },
    /// Bytes that are missing: what reads the stream has to find its feet again.
    Gap {
        /// Whose.
        from: Side,
        /// Where they begin.
        at: u64,
        /// How many.
        bytes: u64,
        /// Why.
        why: Loss,
    },
    /// A segment says something else about bytes that came before; the first word holds.
    Conflict {
        /// Whose.
        from: Side,
        /// The segment.
        mark: M,
    },
    /// Bytes that came after they were given up, or from before the first that was seen.
    Late {
        /// Whose.
        from: Side,
        /// How many.
        bytes: usize,
        /// The segment.
        mark: M,
    },
    /// The stream ended.
    End {
        /// Whose.
        from: Side,
        /// The segment.
        mark: M,
    },
    /// Somebody broke the connection off.
    Reset {
        /// Who.
        from: Side,
        /// The segment.
        mark: M,
    },
}

/// The state of one connection.
#[derive(Debug)]
pub struct Connection<M> {
    client: Stream<M>,
    server: Stream<M>,
    is_opened: bool,
    is_reset: bool,
}

impl<M> Default for Connection<M> {
    fn default() -> Self {
        Self {
            client: Stream::default(),
            server: Stream::default(),
            is_opened: false,
            is_reset: false,
        }
    }
}

/// Splits a connection into the stream of a side and that of the other.
macro_rules! sides {
    ($connection:expr, $from:expr) => {
        match $from {
            Side::Client => (&mut $connection.client, &mut $connection.server),
            Side::Server => (&mut $connection.server, &mut $connection.client),
        }
    };
}

impl<M: Copy> Connection<M> {
    /// Says whether the segment opens another connection between the same ports.
    #[must_use]
    pub fn is_another(&self, segment: &Segment<'_, M>) -> bool {
        segment.syn && self.of(segment.from).is_elsewhere(segment.seq)
    }

    /// Says whether both streams ended, or somebody broke the connection off.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.is_reset || (self.client.is_ended() && self.server.is_ended())
    }

    /// Says whether the beginning of the connection was seen.
    #[must_use]
    pub fn is_opened(&self) -> bool {
        self.is_opened
    }

    /// Gives how many bytes are kept that cannot be handed out yet.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.client.held_bytes().saturating_add(self.server.held_bytes())
    }

    fn of(&self, side: Side) -> &Stream<M> {
        match side {
            Side::Client => &self.client,
            Side::Server => &self.server,
        }
    }

    /// Takes a segment.
    pub fn segment(&mut self, segment: &Segment<'_, M>, each: &mut dyn FnMut(Event<'_, M>)) {
        let (from, mark) = (segment.from, segment.mark);
        self.is_opened |= segment.syn;
        let is_opened = self.is_opened;
        let (own, other) = sides!(self, from);
        let before = (own.next(), other.next());
        if let Some(ack) = segment.ack {
            other.acknowledge(ack);
        }
        let after = segment.ack.and_then(|ack| other.offset(ack));
        if segment.syn {
            own.begin(segment.seq.wrapping_add(1));
        }
        let arrival = Arrival {
            from,
            seq: segment.seq.wrapping_add(u32::from(segment.syn)),
            payload: segment.payload,
            cut_bytes: segment.cut_bytes,
            fin: segment.fin,
            after,
            may_begin: !is_opened,
            mark,
        };
        own.take(&arrival, other, each);
        self.deliver(Some(mark), each);
        let (own, other) = sides!(self, from);
        let waited = own.waits(before.0) | other.waits(before.1);
        if waited {
            self.give_up(from, each);
        }
        while self.client.is_over_limit() || self.server.is_over_limit() {
            self.force(Loss::OverLimit, each);
        }
        if segment.rst && self.of(from).is_near(segment.seq) {
            self.release(Loss::Unfilled, each);
            self.is_reset = true;
            each(Event::Reset { from, mark });
        }
    }

    /// Hands out what is still kept: nothing more comes.
    pub fn finish(&mut self, each: &mut dyn FnMut(Event<'_, M>)) {
        self.release(Loss::Unfilled, each);
    }

    /// Hands out what is kept, because there is no room for more.
    pub fn let_go(&mut self, each: &mut dyn FnMut(Event<'_, M>)) {
        while self.held_bytes() > 0 {
            self.force(Loss::OverLimit, each);
        }
    }

    /// Hands out all that has its turn; with the mark of what made it so, or with its own.
    fn deliver(&mut self, mark: Option<M>, each: &mut dyn FnMut(Event<'_, M>)) {
        loop {
            let moved = self.client.deliver(Side::Client, &self.server, mark, each)
                | self.server.deliver(Side::Server, &self.client, mark, each);
            if !moved {
                return;
            }
        }
    }

    /// Gives up what was acknowledged and did not come; of `from` last, for it may wait for the
    /// other.
    fn give_up(&mut self, from: Side, each: &mut dyn FnMut(Event<'_, M>)) {
        for side in [from.other(), from] {
            let (own, _) = sides!(self, side);
            own.skip_acknowledged(side, each);
            self.deliver(None, each);
        }
    }

    /// Gives up every first hole, whatever is known of it.
    fn force(&mut self, why: Loss, each: &mut dyn FnMut(Event<'_, M>)) {
        self.client.skip(Side::Client, why, each);
        self.server.skip(Side::Server, why, each);
        self.deliver(None, each);
        self.client.unblock();
        self.server.unblock();
        self.deliver(None, each);
    }

    fn release(&mut self, why: Loss, each: &mut dyn FnMut(Event<'_, M>)) {
        while self.client.is_holding() || self.server.is_holding() {
            self.give_up(Side::Server, each);
            self.force(why, each);
        }
        self.give_up(Side::Server, each);
    }
}

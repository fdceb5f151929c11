//! What goes into the state machine of an exporter, and what comes out.

use cordon_journal::read::Cursor;
use cordon_model::WallMs;

/// A record on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Which stream it came from, by its place in the exporter's list.
    pub source: usize,
    /// The place behind it.
    pub cursor: Cursor,
    /// When it was written.
    pub time: WallMs,
    /// Its name: `<writer>/<stream>/<number>`.
    pub uid: String,
    /// What the receiver gets; nothing if the format has no words for it.
    pub text: Option<String>,
}

/// Why a batch did not arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The receiver is away, busy or slow: later.
    Away(&'static str),
    /// The receiver does not want these bytes, now or ever.
    Rejected(&'static str),
    /// The receiver does not want us: name, token, certificate, index.
    Refused(&'static str),
}

/// What happened.
#[derive(Debug)]
pub enum Input<'a> {
    /// Time passed.
    Tick,
    /// A record was read; only when [`super::Delivery::wants`] says so.
    Read(Item),
    /// A batch was sent and will not be heard of again: it is durable there.
    Accepted(u64),
    /// A batch was sent; the acknowledgement comes later.
    Sent(u64),
    /// A batch did not arrive.
    Failed(u64, Fault),
    /// Batches are durable there.
    Acknowledged(&'a [u64]),
    /// Asking for acknowledgements failed, or what was sent cannot be relied on any more.
    Lost(Fault),
    /// The record was set aside.
    SetAside,
    /// The record could not be set aside: the file is full, or broken.
    NotSetAside(&'static str),
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Send the records of [`super::Delivery::batch`]; answer with `Accepted`, `Sent` or `Failed`.
    Send(u64),
    /// Ask which batches are durable; answer with `Acknowledged` or `Lost`.
    Poll,
    /// Set a record aside; answer with `SetAside` or `NotSetAside`.
    SetAside {
        /// The record.
        item: Box<Item>,
        /// Why the receiver does not want it.
        reason: &'static str,
    },
    /// A stream is done up to here: keep it.
    Advance {
        /// Which stream.
        source: usize,
        /// Its place.
        cursor: Cursor,
    },
    /// Somebody must look.
    Raise(Alarm),
    /// It is well again.
    Clear(Alarm),
}

/// What somebody must look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Alarm {
    /// Records wait too long.
    Lag,
    /// The receiver refuses us.
    Refused,
    /// No record can be set aside: the exporter stands.
    DeadLetters,
    /// A record was set aside; it stands until the exporter starts anew.
    SetAside,
    /// Records were no longer in the journal when it was their turn; it stands until the exporter
    /// starts anew.
    Gap,
    /// A journal cannot be read on.
    Journal,
    /// The exporter's own state cannot be written, or it cannot start.
    State,
}

impl Alarm {
    /// Every alarm.
    pub const ALL: [Self; 7] = [
        Self::Lag,
        Self::Refused,
        Self::DeadLetters,
        Self::SetAside,
        Self::Gap,
        Self::Journal,
        Self::State,
    ];

    /// Gives the label under which it is recorded.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Lag => "siem-lag",
            Self::Refused => "siem-refused",
            Self::DeadLetters => "siem-dead-letters-full",
            Self::SetAside => "siem-dead-letter",
            Self::Gap => "siem-gap",
            Self::Journal => "siem-journal-unreadable",
            Self::State => "siem-state",
        }
    }
}

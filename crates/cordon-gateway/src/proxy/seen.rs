//! What the proxies tell: connections, messages, identities; and how they tell it without waiting.
//!
//! Invariant: telling never blocks; what finds no room is counted, and the count is told as soon as
//! there is room again.

use std::net::SocketAddr;
use std::sync::mpsc::{SyncSender, TrySendError};

use cordon_core::inspect::{Judgement, Verdict, Way};
use cordon_model::{DeviceId, Now, Transport, Wall};
use cordon_wire::tls::Ja4;

use super::rules::Party;

/// Both ends of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ends {
    /// Over TCP or UDP.
    pub transport: Transport,
    /// Who opened it.
    pub opener: SocketAddr,
    /// Who was called.
    pub listener: SocketAddr,
}

/// Why a connection was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refused {
    /// The bundle in force has no open flow there.
    NoFlow,
    /// So many are open already.
    TooMany,
    /// The device has so many open already.
    TooManyOfDevice,
    /// The one who was called did not answer.
    Unreachable,
    /// There is no credential to make it with.
    NoCredential,
    /// No socket could be had.
    NoSocket,
}

impl Refused {
    /// Gives the label that records use.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::NoFlow => "no-flow",
            Self::TooMany => "too-many-connections",
            Self::TooManyOfDevice => "too-many-connections-of-device",
            Self::Unreachable => "unreachable",
            Self::NoCredential => "no-credential",
            Self::NoSocket => "no-socket",
        }
    }
}

/// Why a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ended {
    /// Both sides had said everything.
    Done,
    /// A side broke it off.
    Broken,
    /// A message was blocked after which nothing can follow.
    Blocked,
    /// Nothing says any more where a message begins.
    Lost,
    /// Nobody said anything for too long.
    Idle,
    /// The new bundle has no such flow.
    Policy,
    /// The other side did not prove to be who it is.
    Identity,
    /// A TLS client asked for a server that is not there.
    ServerName,
    /// It carried more than the envelope of its flow.
    Envelope,
    /// The proxy ends.
    Stopped,
}

impl Ended {
    /// Gives the label that records use.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Broken => "broken",
            Self::Blocked => "blocked",
            Self::Lost => "lost",
            Self::Idle => "idle",
            Self::Policy => "policy",
            Self::Identity => "identity",
            Self::ServerName => "server-name",
            Self::Envelope => "envelope",
            Self::Stopped => "stopped",
        }
    }
}

/// What a TLS handshake came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// The other side has a valid certificate; of a device it names the one that the bundle expects.
    Proven {
        /// Whether the key exchange resists quantum computers.
        is_hybrid: bool,
    },
    /// The certificate is that of somebody else.
    Mismatch {
        /// The device it names, if it names one.
        named: Option<DeviceId>,
    },
    /// The handshake failed.
    Failed,
}

/// Counts of one conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Bytes that the device sent.
    pub bytes_from_device: u64,
    /// Bytes that the other side sent.
    pub bytes_to_device: u64,
    /// Messages that passed.
    pub passed: u64,
    /// Messages that passed and were remarked.
    pub flagged: u64,
    /// Messages that were blocked.
    pub blocked: u64,
}

impl Counts {
    pub(super) fn bytes(&mut self, way: Way, count: usize) {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        let sum = match way {
            Way::FromDevice => &mut self.bytes_from_device,
            Way::ToDevice => &mut self.bytes_to_device,
        };
        *sum = sum.saturating_add(count);
    }

    pub(super) fn verdict(&mut self, verdict: Verdict) {
        let sum = match verdict {
            Verdict::Pass => &mut self.passed,
            Verdict::PassFlag => &mut self.flagged,
            Verdict::Block => &mut self.blocked,
        };
        *sum = sum.saturating_add(1);
    }
}

/// What was told to nobody, for lack of room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Missed {
    /// Messages, by their verdict.
    pub messages: Counts,
    /// Everything else.
    pub others: u64,
}

/// Something that the proxies saw.
#[derive(Debug, Clone)]
pub enum Seen {
    /// A conversation began: the listener answered.
    Opened {
        /// When.
        at: Wall,
        /// Its ends.
        ends: Ends,
        /// Whose it is.
        party: Party,
    },
    /// A connection was not taken.
    Refused {
        /// When.
        at: Wall,
        /// Its ends.
        ends: Ends,
        /// Whose it would have been.
        party: Option<Party>,
        /// Why.
        why: Refused,
    },
    /// A conversation ended, perhaps before it began: when a side did not prove itself, for example.
    Closed {
        /// When.
        at: Wall,
        /// Its ends.
        ends: Ends,
        /// Whose it was.
        party: Party,
        /// Why.
        why: Ended,
        /// What was counted.
        counts: Counts,
    },
    /// A message was judged.
    Message {
        /// When.
        at: Now,
        /// The ends of its conversation.
        ends: Ends,
        /// Whose it is.
        party: Party,
        /// Which way it goes.
        way: Way,
        /// Its bytes.
        bytes: usize,
        /// The verdict.
        judgement: Judgement,
        /// Whether the verdict was carried out; of a copy it cannot be.
        is_enforced: bool,
        /// Whether bytes before it were not seen, which may explain its reasons.
        is_excused: bool,
    },
    /// A side speaks TLS that is not ended here.
    Hello {
        /// When.
        at: Wall,
        /// The ends.
        ends: Ends,
        /// Whose it is.
        party: Party,
        /// The fingerprint of the client.
        ja4: Ja4,
        /// The server that is meant, as the client names it.
        server_name: Option<Box<str>>,
        /// Whether the service has names and this is none of them.
        is_foreign: bool,
    },
    /// A TLS handshake of ours ended.
    Tls {
        /// When.
        at: Wall,
        /// The ends.
        ends: Ends,
        /// Whose it is.
        party: Party,
        /// Whether the device's side is meant; else it is the service's.
        is_device: bool,
        /// What it came to.
        proof: Proof,
    },
    /// So much was not told.
    Missed(Missed),
}

/// Tells, and never waits.
#[derive(Debug)]
pub(super) struct Teller {
    sender: SyncSender<Seen>,
    missed: Option<Missed>,
}

impl Teller {
    pub(super) fn new(sender: SyncSender<Seen>) -> Self {
        Self { sender, missed: None }
    }

    pub(super) fn tell(&mut self, seen: Seen) {
        if let Some(missed) = self.missed.take()
            && let Err(error) = self.sender.try_send(Seen::Missed(missed))
        {
            self.missed = Some(missed);
            self.miss(&seen, matches!(error, TrySendError::Disconnected(_)));
            return;
        }
        match self.sender.try_send(seen) {
            Ok(()) => {}
            Err(TrySendError::Full(seen)) => self.miss(&seen, false),
            Err(TrySendError::Disconnected(seen)) => self.miss(&seen, true),
        }
    }

    fn miss(&mut self, seen: &Seen, is_gone: bool) {
        if is_gone {
            return;
        }
        let missed = self.missed.get_or_insert_default();
        match seen {
            Seen::Message { judgement, way, bytes, .. } => {
                missed.messages.verdict(judgement.verdict);
                missed.messages.bytes(*way, *bytes);
            }
            Seen::Opened { .. }
            | Seen::Refused { .. }
            | Seen::Closed { .. }
            | Seen::Hello { .. }
            | Seen::Tls { .. }
            | Seen::Missed(_) => missed.others = missed.others.saturating_add(1),
        }
    }

    /// Tells what was missed, if there is room.
    pub(super) fn catch_up(&mut self) {
        if let Some(missed) = self.missed.take()
            && self.sender.try_send(Seen::Missed(missed)).is_err()
        {
            self.missed = Some(missed);
        }
    }

    /// Says whether something was missed and not told yet.
    pub(super) fn is_behind(&self) -> bool {
        self.missed.is_some()
    }
}

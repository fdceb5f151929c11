//! What an enforcement point has to do: load rules, change sets, end connections, record, answer.

use std::net::IpAddr;
use std::sync::Arc;

use cordon_model::{Bundle, DeviceId, Event, Label, Posture};

/// Something that has to be done, in the order in which it was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Prints the rules of a bundle for an hour and loads them; the answer is
    /// [`super::KernelDone::Loaded`] or [`super::KernelDone::LoadRefused`].
    Load {
        /// The bundle.
        bundle: Arc<Bundle>,
        /// The hour of the day, UTC.
        hour: u8,
    },
    /// Changes sets of the state table in one transaction; the answer is
    /// [`super::KernelDone::Stated`] or [`super::KernelDone::StateRefused`].
    State {
        /// Names the transaction.
        ticket: u64,
        /// The changes, in this order.
        changes: Vec<StateChange>,
    },
    /// Judges open proxied connections of a device again, by the bundle in force and
    /// [`super::Pep::posture_of`], and ends those that are not permitted.
    Close {
        /// The device.
        device: DeviceId,
    },
    /// Writes a record; its time is that of the step, to the second, and may be made finer.
    Record(Event),
    /// Answers an order.
    Receipt(Receipt),
}

/// A set of the state table, with what is stored beside the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StateSet {
    /// `isolated4`, `isolated6`.
    Isolated,
    /// `contained4`, `contained6`.
    Contained {
        /// Seconds after which the kernel forgets the element.
        timeout_s: Option<u32>,
    },
    /// `no_new4`, `no_new6`.
    NoNew,
    /// `posture4`, `posture6`.
    Posture(Posture),
}

/// A change of one element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StateChange {
    /// The element's key.
    pub address: IpAddr,
    /// The set.
    pub set: StateSet,
    /// Whether it comes or goes; what goes is named as it was.
    pub is_member: bool,
}

/// The answer to an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The order.
    pub order: Label,
    /// What came of it.
    pub result: OrderResult,
}

/// What came of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OrderResult {
    /// It is done; the kernel holds it.
    Done,
    /// It was so already.
    Already,
    /// It is accepted, and the kernel has not taken it in time; it is tried again until it does.
    Late,
    /// It is not done.
    Refused(Refusal),
}

/// Why an order is not obeyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refusal {
    /// No bundle is in force.
    NoBundle,
    /// The device is not in the bundle.
    UnknownDevice,
    /// Nobody is named who orders it.
    Nobody,
    /// No person is among those who order it.
    NoPerson,
    /// It takes two persons with different roles, one of them clinical.
    TwoPersons,
    /// Whoever caused the change may not undo it alone.
    OtherPerson,
    /// Without a person, only deterministic evidence may do this.
    WeakEvidence,
    /// It would open what a graver state closes.
    WouldWiden,
    /// The device is not contained.
    NotContained,
    /// Too many orders wait.
    TooMany,
}

impl Refusal {
    /// Gives the word that people and records use.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::NoBundle => "no-bundle",
            Self::UnknownDevice => "unknown-device",
            Self::Nobody => "nobody",
            Self::NoPerson => "no-person",
            Self::TwoPersons => "two-persons",
            Self::OtherPerson => "other-person",
            Self::WeakEvidence => "weak-evidence",
            Self::WouldWiden => "would-widen",
            Self::NotContained => "not-contained",
            Self::TooMany => "too-many",
        }
    }
}

//! A verdict with its reasons, and how one is reached.

use cordon_model::{Mono, Operation, OperationClass, Tier};
use cordon_wire::Fault;

use super::memory::MALFORMED_SPAN_S;
use super::reason::{Column, Effect, Reason};
use super::{Kind, Memory, Subject, Way};

/// What happens to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// It passes.
    Pass,
    /// It passes and is remarked.
    PassFlag,
    /// It does not pass.
    Block,
}

impl Verdict {
    /// Gives the name that records use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::PassFlag => "pass-flag",
            Self::Block => "block",
        }
    }
}

/// How a message that does not pass is answered, in its own protocol; never with a positive answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// HL7 `AR` with ERR-3 207.
    /// # Source
    /// HL7 v2.6 §2.9.2; HL7 tables 0008, 0357.
    Hl7Reject,
    /// A-ASSOCIATE-RJ.
    /// # Source
    /// DICOM PS3.8 §9.3.4.
    DicomReject {
        /// Result: 1 permanent, 2 transient.
        result: u8,
        /// Source: 1 user, 2 provider (ACSE), 3 provider (presentation).
        source: u8,
        /// Reason, by source.
        reason: u8,
    },
    /// A-ABORT by the provider.
    /// # Source
    /// DICOM PS3.8 §9.3.8.
    DicomAbort {
        /// Reason of a provider's abort.
        reason: u8,
    },
    /// A Modbus exception.
    /// # Source
    /// Modbus APv1.1b3 §7.
    ModbusException {
        /// Exception code.
        code: u8,
    },
    /// BACnet-Reject-PDU.
    /// # Source
    /// ASHRAE 135-2020 §20.1.8.
    BacnetReject {
        /// Reject reason.
        reason: u8,
    },
    /// BACnet-Error-PDU.
    /// # Source
    /// ASHRAE 135-2020 §20.1.7.
    BacnetError {
        /// Error class.
        class: u16,
        /// Error code.
        code: u16,
    },
    /// An HTTP status with problem details.
    /// # Source
    /// RFC 9110 §15.5; RFC 9457.
    Http {
        /// 400, 403 or 429.
        status: u16,
        /// Seconds after which to try again, for 429.
        retry_after_s: Option<u32>,
    },
}

/// The reasons of a verdict, in the order in which they were found, each once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reasons(u128);

impl Reasons {
    /// Adds a reason.
    pub fn insert(&mut self, reason: Reason) {
        self.0 |= 1 << reason.index();
    }

    /// Says whether a reason is among them.
    #[must_use]
    pub fn contains(self, reason: Reason) -> bool {
        self.0 >> reason.index() & 1 == 1
    }

    /// Says whether there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Gives the reasons in the order of the table.
    pub fn iter(self) -> impl Iterator<Item = Reason> {
        Reason::ALL.iter().copied().filter(move |reason| self.contains(*reason))
    }
}

/// A verdict on one message.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judgement {
    /// What happens to it.
    pub verdict: Verdict,
    /// Which verb it is; none when it is an answer, or a verb that policy does not know.
    pub operation: Option<Operation>,
    /// Why.
    pub reasons: Reasons,
    /// Whether somebody is called at once.
    pub page: bool,
    /// How it is refused, when it is blocked and its protocol has a way to say so.
    pub refusal: Option<Refusal>,
}

impl Judgement {
    /// Joins two verdicts on one message, of which the graver holds.
    pub fn and(self, other: Self) -> Self {
        Self {
            verdict: self.verdict.max(other.verdict),
            operation: self.operation.or(other.operation),
            reasons: Reasons(self.reasons.0 | other.reasons.0),
            page: self.page || other.page,
            refusal: self.refusal.or(other.refusal),
        }
    }
}

/// Reaches a verdict: reasons are added as they are found, and the gravest effect wins.
#[derive(Debug)]
pub struct Judge<'a> {
    now: Mono,
    subject: &'a Subject<'a>,
    column: Column,
    is_alarm: bool,
    is_lifeline: bool,
    judgement: Judgement,
}

impl<'a> Judge<'a> {
    /// Begins with a message that is read; `operation` is its verb, if policy knows it.
    pub fn new(
        now: Mono,
        subject: &'a Subject<'a>,
        way: Way,
        kind: Kind,
        operation: Option<Operation>,
    ) -> Self {
        let is_lifeline = match operation {
            Some(operation) => subject.lifelines.contains(operation),
            None => !subject.lifelines.is_empty(),
        };
        let is_alarm = way == Way::FromDevice
            && operation.is_some_and(|operation| operation.class() == OperationClass::Alarm);
        Self {
            now,
            subject,
            column: column(subject.tier, is_lifeline, way, kind),
            is_alarm,
            is_lifeline,
            judgement: Judgement {
                verdict: Verdict::Pass,
                operation,
                reasons: Reasons::default(),
                page: false,
                refusal: None,
            },
        }
    }

    /// Gives whose message it is.
    #[must_use]
    pub fn subject(&self) -> &'a Subject<'a> {
        self.subject
    }

    /// Gives the moment.
    #[must_use]
    pub fn now(&self) -> Mono {
        self.now
    }

    /// Adds a reason, and does what the table says it does here; says whether the message is
    /// stopped by it.
    pub fn add(&mut self, reason: Reason, memory: &mut Memory) -> bool {
        let is_new = !self.judgement.reasons.contains(reason);
        self.judgement.reasons.insert(reason);
        let effect = match reason.effect(self.column) {
            // An alarm that can be read passes, and so does whatever a lifeline cannot be read of.
            Effect::Block | Effect::BlockAndPage if self.is_alarm => Effect::FlagAndPage,
            Effect::BlockAfterThree if self.is_alarm || self.is_lifeline => Effect::Flag,
            effect @ (Effect::Flag
            | Effect::FlagAndPage
            | Effect::BlockAfterThree
            | Effect::Block
            | Effect::BlockAndPage) => effect,
        };
        let (verdict, page) = match effect {
            Effect::Flag => (Verdict::PassFlag, false),
            Effect::FlagAndPage => (Verdict::PassFlag, true),
            Effect::BlockAfterThree => {
                let again = is_new && memory.malformed.push(self.now, MALFORMED_SPAN_S);
                (if again { Verdict::Block } else { Verdict::PassFlag }, again)
            }
            Effect::Block => (Verdict::Block, false),
            Effect::BlockAndPage => (Verdict::Block, true),
        };
        self.judgement.verdict = self.judgement.verdict.max(verdict);
        self.judgement.page |= page;
        verdict == Verdict::Block
    }

    /// Adds the reason that a fault of the reader is.
    pub fn fault(&mut self, fault: Fault, memory: &mut Memory) -> bool {
        let reason = match fault {
            Fault::Incomplete { .. } => Reason::Truncated,
            Fault::Malformed { .. } => Reason::Malformed,
            Fault::Unsupported { .. } => Reason::Unsupported,
            Fault::OverLimit { .. } => Reason::OverLimit,
        };
        self.add(reason, memory)
    }

    /// Says how a message is refused if it is blocked in the end; the first word holds.
    pub fn refuse(&mut self, refusal: Refusal) {
        self.judgement.refusal.get_or_insert(refusal);
    }

    /// Gives the verdict.
    pub fn finish(mut self) -> Judgement {
        if self.judgement.verdict != Verdict::Block {
            self.judgement.refusal = None;
        }
        self.judgement
    }
}

/// Finds the column of the table for a message.
fn column(tier: Tier, is_lifeline: bool, way: Way, kind: Kind) -> Column {
    if way == Way::ToDevice && kind != Kind::Reply {
        return Column::Command;
    }
    match tier {
        Tier::Red if is_lifeline => Column::RedLifeline,
        Tier::Red => Column::Vital,
        Tier::GreenLs | Tier::Yellow if is_lifeline => Column::Vital,
        Tier::Orange => Column::Orange,
        Tier::GreenLs | Tier::Yellow | Tier::Green => Column::Other,
    }
}

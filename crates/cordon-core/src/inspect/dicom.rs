//! Judges DICOM associations and the commands on them.
//!
//! An association is judged when it is proposed: who calls whom, and what for. A modality proposes
//! many presentation contexts, often all that its maker knows; so one context that its operations
//! can use is enough to let the association pass, the others are remarked, and a command on one of
//! the others is stopped.
//!
//! What is stored over one association counts as one study, because study identifiers are in the
//! data sets, and those are not read.
//!
//! Invariant: a flow keeps classes, numbers and titles of application entities, never a value of a
//! data set. Its size has a bound: 128 contexts and [`PENDING_MAX`] requests.
//! Source: DICOM PS3.8 §9.2; DICOM PS3.7 §7; DICOM PS3.7 §D.3.3.4.

mod association;
mod command;
mod state;

use cordon_model::{Direction, Mono, Now};
use cordon_wire::Fault;
use cordon_wire::dicom::{Event, Fragment, PduHead, RULE_PDU_TYPE};

use super::{Judge, Judgement, Kind, Memory, Reason, Recent, Refusal, Subject, Way};
use state::{Lane, Stage};

pub use state::{Flow, PENDING_MAX};

/// How many associations of a device may be open at once.
pub const ASSOCIATIONS_MAX: u32 = 8;

/// The span in which failed associations and queries are counted.
/// # Units
/// Seconds.
pub const SPAN_S: u64 = 60;

/// How many associations may fail in [`SPAN_S`].
pub const FAILED_MAX: usize = 5;

/// How many queries may be sent in [`SPAN_S`].
pub const QUERIES_MAX: usize = 60;

/// Reasons of an A-ABORT by the provider.
///
/// Source: DICOM PS3.8 §9.3.8.
mod abort {
    pub(super) const NOT_SPECIFIED: u8 = 0;
    pub(super) const UNRECOGNISED_PDU: u8 = 1;
    pub(super) const UNEXPECTED_PDU: u8 = 2;
    pub(super) const INVALID_VALUE: u8 = 6;
}

/// What is remembered of a device across its conversations.
#[derive(Debug, Default)]
pub struct DeviceMemory {
    open: u32,
    failed: Recent<{ FAILED_MAX + 1 }>,
    queries: Recent<{ QUERIES_MAX + 1 }>,
}

impl DeviceMemory {
    /// Gives the number of associations that are open.
    #[must_use]
    pub fn open(&self) -> u32 {
        self.open
    }
}

/// Ends a conversation, however it ended.
pub fn close(flow: &mut Flow, memory: &mut Memory) {
    flow.end(memory);
}

/// Judges what one direction of an association came to.
pub fn judge(
    flow: &mut Flow,
    memory: &mut Memory,
    now: Now,
    way: Way,
    message: Result<&Event<'_>, Fault>,
    subject: &Subject<'_>,
) -> Judgement {
    let mut case = Case { flow, memory, now: now.mono, way, subject };
    match message {
        Err(fault) => case.fault(fault),
        Ok(Event::AssociateRq(associate)) => case.associate_request(associate),
        Ok(Event::AssociateAc(associate)) => case.associate_accept(associate),
        Ok(Event::AssociateRj(_)) => case.associate_reject(),
        Ok(Event::ReleaseRq) => case.release_request(),
        Ok(Event::ReleaseRp) => case.release_reply(),
        Ok(Event::Abort(_)) => case.abort(),
        Ok(Event::PData(head)) => case.presentation_data(*head),
        Ok(Event::Fragment(fragment)) => case.fragment(fragment),
        Ok(Event::Command { context_id, command }) => case.command(*context_id, command),
        Ok(Event::DatasetEnd { .. }) => case.dataset_end(),
        Ok(Event::Unread) => case.judge(case.kind()).finish(),
    }
}

/// One event in its surroundings.
struct Case<'c> {
    flow: &'c mut Flow,
    memory: &'c mut Memory,
    now: Mono,
    way: Way,
    subject: &'c Subject<'c>,
}

impl<'c> Case<'c> {
    /// Gives the way of the side that opened the association.
    fn requestor(&self) -> Way {
        match self.subject.opened {
            Direction::Out => Way::FromDevice,
            Direction::In => Way::ToDevice,
        }
    }

    fn is_requestor(&self) -> bool {
        self.way == self.requestor()
    }

    fn judge(&self, kind: Kind) -> Judge<'c> {
        Judge::new(self.now, self.subject, self.way, kind, None)
    }

    /// Says what an event is that does not say so itself: part of the message that is under way,
    /// or else what its side usually sends.
    fn kind(&self) -> Kind {
        let usual = if self.is_requestor() { Kind::Request } else { Kind::Reply };
        self.flow.lane(self.way).kind.unwrap_or(usual)
    }

    /// Adds a reason, and how to refuse if it stops the message.
    fn stop(&mut self, judge: &mut Judge<'_>, reason: Reason, refusal: Refusal) -> bool {
        let is_stopped = judge.add(reason, self.memory);
        if is_stopped {
            judge.refuse(refusal);
        }
        is_stopped
    }

    fn abort_for(&mut self, judge: &mut Judge<'_>, reason: Reason, code: u8) -> bool {
        self.stop(judge, reason, Refusal::DicomAbort { reason: code })
    }

    /// Counts an association that came to nothing.
    fn failed(&mut self, judge: &mut Judge<'_>) {
        if self.memory.dicom.failed.push(self.now, SPAN_S) {
            judge.add(Reason::FailedAssociations, self.memory);
        }
    }

    fn fault(&mut self, fault: Fault) -> Judgement {
        let mut judge = self.judge(self.kind());
        match fault {
            Fault::Malformed { at: 0, rule: RULE_PDU_TYPE } => {
                self.abort_for(&mut judge, Reason::WrongProtocol, abort::UNRECOGNISED_PDU);
            }
            Fault::Malformed { .. }
            | Fault::Incomplete { .. }
            | Fault::Unsupported { .. }
            | Fault::OverLimit { .. } => {
                judge.refuse(Refusal::DicomAbort { reason: abort::INVALID_VALUE });
                judge.fault(fault, self.memory);
            }
        }
        *self.flow.lane_mut(self.way) = Lane::default();
        judge.finish()
    }

    fn unexpected(&mut self, judge: &mut Judge<'_>) {
        self.abort_for(judge, Reason::OutOfSequence, abort::UNEXPECTED_PDU);
    }

    fn release_request(&mut self) -> Judgement {
        let mut judge = self.judge(Kind::Request);
        match self.flow.stage {
            Stage::Open => self.flow.stage = Stage::Releasing(self.way),
            // Both sides may ask at the same time (DICOM PS3.8 §7.2.2.7).
            Stage::Releasing(by) if by != self.way => self.flow.stage = Stage::BothReleasing,
            Stage::Releasing(_)
            | Stage::BothReleasing
            | Stage::Idle
            | Stage::Requested
            | Stage::Ended => self.unexpected(&mut judge),
        }
        judge.finish()
    }

    fn release_reply(&mut self) -> Judgement {
        let mut judge = self.judge(Kind::Reply);
        match self.flow.stage {
            Stage::Releasing(by) if by != self.way => self.flow.end(self.memory),
            Stage::BothReleasing => self.flow.stage = Stage::Releasing(self.way),
            Stage::Releasing(_) | Stage::Open | Stage::Idle | Stage::Requested | Stage::Ended => {
                self.unexpected(&mut judge);
            }
        }
        judge.finish()
    }

    fn abort(&mut self) -> Judgement {
        let mut judge = self.judge(Kind::Reply);
        if self.flow.stage == Stage::Requested {
            self.failed(&mut judge);
        }
        self.flow.end(self.memory);
        judge.finish()
    }

    fn presentation_data(&mut self, head: PduHead) -> Judgement {
        let mut judge = self.judge(self.kind());
        if !self.flow.takes_data(self.way) {
            self.unexpected(&mut judge);
        }
        if self.flow.limit(self.way).is_some_and(|limit| head.length > limit) {
            self.abort_for(&mut judge, Reason::PduOverNegotiated, abort::INVALID_VALUE);
        }
        judge.finish()
    }

    fn fragment(&mut self, fragment: &Fragment<'_>) -> Judgement {
        let mut judge = self.judge(self.kind());
        if fragment.is_command {
            return judge.finish();
        }
        let lane = self.flow.lane_mut(self.way);
        if let Some(identifier) = &mut lane.identifier {
            identifier.feed(fragment.bytes);
        }
        if lane.is_store {
            let bytes = u64::try_from(fragment.bytes.len()).unwrap_or(u64::MAX);
            let usual = self.subject.rules.dicom.as_ref().and_then(|rules| rules.study_bytes_usual);
            let before = self.flow.stored;
            self.flow.stored = before.saturating_add(bytes);
            let limit = usual.map(|usual| usual.saturating_mul(2));
            // Said once, by the piece that crosses the limit.
            if limit.is_some_and(|limit| before <= limit && self.flow.stored > limit) {
                judge.add(Reason::StudySize, self.memory);
            }
        }
        judge.finish()
    }

    fn dataset_end(&mut self) -> Judgement {
        let mut judge = self.judge(self.kind());
        let lane = std::mem::take(self.flow.lane_mut(self.way));
        if lane.identifier.is_some_and(|identifier| identifier.finish().is_universal()) {
            judge.add(Reason::Harvest, self.memory);
        }
        judge.finish()
    }
}

#[cfg(test)]
mod tests;

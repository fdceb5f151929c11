//! Judges the commands of an association.

use cordon_model::Operation;
use cordon_wire::dicom::{Command, CommandField, IdentifierReader, Service, Uid};

use super::association::fit;
use super::state::{Fit, Lane, Pending};
use super::{Case, SPAN_S, abort};
use crate::inspect::{Judge, Judgement, Kind, Reason, Way};

impl Case<'_> {
    pub(super) fn command(&mut self, context_id: u8, command: &Command<'_>) -> Judgement {
        let lane = Lane {
            kind: Some(if command.is_response { Kind::Reply } else { Kind::Request }),
            is_store: command.field == CommandField::CStore && !command.is_response,
            identifier: self.identifier(context_id, command),
        };
        *self.flow.lane_mut(self.way) = if command.has_dataset { lane } else { Lane::default() };
        if command.is_response {
            return self.response(context_id, command);
        }
        let is_cancel = command.field == CommandField::CCancel;
        let operation = if is_cancel { self.cancelled(command) } else { operation(command) };
        let kind = Kind::Request;
        let mut judge = Judge::new(self.now, self.subject, self.way, kind, operation);
        if !self.flow.takes_data(self.way) {
            self.unexpected(&mut judge);
        }
        if is_cancel {
            // It may come after the last answer, and is then ignored (DICOM PS3.7 §9.3.2.3).
            return judge.finish();
        }
        let mut is_stopped = self.listed(&mut judge, operation);
        is_stopped |= self.class(&mut judge, context_id, command);
        is_stopped |= self.role(&mut judge, context_id, command, operation);
        if command.field == CommandField::CMove && !self.is_own_destination(command) {
            let reason = Reason::MoveDestination;
            is_stopped |= self.abort_for(&mut judge, reason, abort::NOT_SPECIFIED);
        }
        if command.field == CommandField::CFind && self.memory.dicom.queries.push(self.now, SPAN_S)
        {
            judge.add(Reason::QueryRate, self.memory);
        }
        if !is_stopped {
            self.ask(&mut judge, context_id, command);
        }
        judge.finish()
    }

    /// Begins to read what a C-FIND asks for, if its encoding is one that is read.
    fn identifier(&self, context_id: u8, command: &Command<'_>) -> Option<IdentifierReader> {
        if command.field != CommandField::CFind || command.is_response {
            return None;
        }
        self.flow.context(context_id)?.encoding.map(IdentifierReader::new)
    }

    /// Gives the operation that a C-CANCEL-RQ is part of.
    fn cancelled(&self, command: &Command<'_>) -> Option<Operation> {
        let mut pending = self.flow.pending.iter().flatten();
        let asked = pending.find(|asked| {
            asked.way == self.way && Some(asked.message_id) == command.responded_to
        })?;
        match asked.field {
            CommandField::CGet => Some(Operation::DicomCGet),
            CommandField::CMove => Some(Operation::DicomCMove),
            CommandField::CFind if asked.is_worklist => Some(Operation::DicomCFindWorklist),
            CommandField::CFind => Some(Operation::DicomCFind),
            CommandField::CStore
            | CommandField::CEcho
            | CommandField::NEventReport
            | CommandField::NGet
            | CommandField::NSet
            | CommandField::NAction
            | CommandField::NCreate
            | CommandField::NDelete
            | CommandField::CCancel
            | CommandField::Other(_) => None,
        }
    }

    /// Stops what the flow does not list.
    fn listed(&mut self, judge: &mut Judge<'_>, operation: Option<Operation>) -> bool {
        let may = |operation| self.subject.permitted.contains(operation);
        let is_listed = operation.is_some_and(|operation| {
            may(operation)
                // What a C-GET fetches comes as C-STORE on the same association.
                || operation == Operation::DicomCStore && self.is_fetching()
                // The result of a storage commitment comes as N-EVENT-REPORT.
                || operation == Operation::DicomNEventReport
                    && self.way == Way::ToDevice
                    && may(Operation::DicomNActionCommitment)
        });
        !is_listed && self.abort_for(judge, Reason::OperationNotListed, abort::NOT_SPECIFIED)
    }

    /// Says whether the other side has a C-GET open that is permitted.
    fn is_fetching(&self) -> bool {
        let mut pending = self.flow.pending.iter().flatten();
        self.subject.permitted.contains(Operation::DicomCGet)
            && pending.any(|asked| asked.way != self.way && asked.field == CommandField::CGet)
    }

    /// Compares the SOP class with the context and with what the device owns.
    fn class(&mut self, judge: &mut Judge<'_>, context_id: u8, command: &Command<'_>) -> bool {
        let class = command.sop_class();
        let context = self.flow.context(context_id);
        let is_on_context = context.is_some_and(|context| {
            context.is_accepted && class.is_none_or(|class| context.is_of(class))
        });
        let fit = match class {
            Some(class) => fit(class, self.subject),
            None => context.map_or(Fit::NotListed, |context| context.fit),
        };
        match fit {
            Fit::PatientRoot => {
                self.abort_for(judge, Reason::PatientRootQuery, abort::NOT_SPECIFIED)
            }
            Fit::NotListed => {
                self.abort_for(judge, Reason::SopClassNotListed, abort::NOT_SPECIFIED)
            }
            Fit::Fine if !is_on_context => {
                self.abort_for(judge, Reason::SopClassNotListed, abort::INVALID_VALUE)
            }
            Fit::Fine => false,
        }
    }

    /// Stops a request from the side that does not use the service; a report comes from the side
    /// that provides it, and one that is listed needs no role, for not every archive selects one.
    fn role(
        &mut self,
        judge: &mut Judge<'_>,
        context_id: u8,
        command: &Command<'_>,
        operation: Option<Operation>,
    ) -> bool {
        let Some(context) = self.flow.context(context_id) else { return false };
        let is_user = match self.is_requestor() {
            true => context.roles.is_user,
            false => context.roles.is_provider,
        };
        let is_report = command.field == CommandField::NEventReport && operation.is_some();
        !(is_user || is_report) && self.abort_for(judge, Reason::RoleReversal, abort::NOT_SPECIFIED)
    }

    /// Says whether the images of a C-MOVE go to who asks for them.
    fn is_own_destination(&self, command: &Command<'_>) -> bool {
        let Some(destination) = command.move_destination else { return false };
        let asks = if self.is_requestor() { &self.flow.calling } else { &self.flow.called };
        let own = match self.way {
            Way::FromDevice => self.subject.identity.ae_title,
            Way::ToDevice => self.subject.peer.ae_title,
        };
        destination.is_valid()
            && destination == asks.read()
            && own.is_none_or(|own| own.trim_matches(' ').as_bytes() == destination.as_bytes())
    }

    /// Remembers a request until it is answered.
    fn ask(&mut self, judge: &mut Judge<'_>, context_id: u8, command: &Command<'_>) {
        let Some(message_id) = command.message_id else { return };
        let mut pending = self.flow.pending.iter().flatten();
        // The number of an open request is not used again (DICOM PS3.7 §9.1.1.1.1).
        if pending.any(|asked| asked.way == self.way && asked.message_id == message_id) {
            self.unexpected(judge);
            return;
        }
        let is_worklist = command.sop_class().map(Uid::service) == Some(Service::Worklist);
        let asked =
            Pending { way: self.way, context_id, message_id, field: command.field, is_worklist };
        match self.flow.pending.iter_mut().find(|slot| slot.is_none()) {
            Some(slot) => *slot = Some(asked),
            None => {
                self.abort_for(judge, Reason::TooManyPending, abort::NOT_SPECIFIED);
            }
        }
    }

    fn response(&mut self, context_id: u8, command: &Command<'_>) -> Judgement {
        let mut judge = self.judge(Kind::Reply);
        if !self.flow.takes_data(self.way) {
            self.unexpected(&mut judge);
        }
        let way = self.way;
        let slot = self.flow.pending.iter_mut().find(|slot| {
            slot.is_some_and(|asked| {
                asked.way != way
                    && asked.context_id == context_id
                    && asked.field == command.field
                    && Some(asked.message_id) == command.responded_to
            })
        });
        match slot {
            Some(_) if command.is_pending() => {}
            Some(slot) => *slot = None,
            None => {
                self.abort_for(&mut judge, Reason::UnexpectedReply, abort::NOT_SPECIFIED);
            }
        }
        judge.finish()
    }
}

/// Gives the operation that a request is, if policy has a name for it.
fn operation(command: &Command<'_>) -> Option<Operation> {
    let service = command.sop_class().map(Uid::service);
    match (command.field, service) {
        (CommandField::CEcho, _) => Some(Operation::DicomCEcho),
        (CommandField::CStore, _) => Some(Operation::DicomCStore),
        (CommandField::CFind, Some(Service::Worklist)) => Some(Operation::DicomCFindWorklist),
        (CommandField::CFind, _) => Some(Operation::DicomCFind),
        (CommandField::CMove, _) => Some(Operation::DicomCMove),
        (CommandField::CGet, _) => Some(Operation::DicomCGet),
        (CommandField::NCreate, Some(Service::Mpps)) => Some(Operation::DicomNCreateMpps),
        (CommandField::NSet, Some(Service::Mpps)) => Some(Operation::DicomNSetMpps),
        (CommandField::NAction, Some(Service::Commitment)) => {
            Some(Operation::DicomNActionCommitment)
        }
        (CommandField::NEventReport, Some(Service::Commitment)) => {
            Some(Operation::DicomNEventReport)
        }
        (CommandField::NDelete, _) => Some(Operation::DicomNDelete),
        (
            CommandField::NCreate
            | CommandField::NSet
            | CommandField::NAction
            | CommandField::NEventReport
            | CommandField::NGet
            | CommandField::CCancel
            | CommandField::Other(_),
            _,
        ) => None,
    }
}

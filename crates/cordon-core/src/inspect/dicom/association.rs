//! Judges the proposal of an association and its answer.

use cordon_model::Operation;
use cordon_wire::dicom::{AeTitle, Associate, Encoding, RoleSelection, Root, Service, Uid};

use super::state::{Context, Fit, Roles, Stage, Title};
use super::{ASSOCIATIONS_MAX, Case, abort};
use crate::inspect::{Judge, Judgement, Kind, Reason, Refusal, Subject, Way};

/// The application context of DICOM.
/// # Source
/// DICOM PS3.7 §A.2.1.
const APPLICATION_CONTEXT: &str = "1.2.840.10008.3.1.1.1";

/// How an association is refused.
///
/// Source: DICOM PS3.8 §9.3.4.
mod reject {
    use super::Refusal;

    const fn permanent(source: u8, reason: u8) -> Refusal {
        Refusal::DicomReject { result: 1, source, reason }
    }

    pub(super) const NO_REASON: Refusal = permanent(1, 1);
    pub(super) const APPLICATION_CONTEXT: Refusal = permanent(1, 2);
    pub(super) const CALLING: Refusal = permanent(1, 3);
    pub(super) const CALLED: Refusal = permanent(1, 7);
    pub(super) const VERSION: Refusal = permanent(2, 2);
    pub(super) const LIMIT: Refusal = Refusal::DicomReject { result: 2, source: 3, reason: 2 };
}

impl Case<'_> {
    pub(super) fn associate_request(&mut self, associate: &Associate<'_>) -> Judgement {
        let mut judge = self.judge(Kind::Request);
        if self.flow.stage != Stage::Idle || !self.is_requestor() {
            self.unexpected(&mut judge);
            return judge.finish();
        }
        let mut is_stopped = self.titles(&mut judge, associate);
        if associate.version & 1 == 0 {
            is_stopped |= self.stop(&mut judge, Reason::Unsupported, reject::VERSION);
        }
        if associate.application_context.as_str() != APPLICATION_CONTEXT {
            let refusal = reject::APPLICATION_CONTEXT;
            is_stopped |= self.stop(&mut judge, Reason::Unsupported, refusal);
        }
        is_stopped |= self.propose(&mut judge, associate);
        is_stopped |= self.reverse(&mut judge, associate);
        if self.memory.dicom.open >= ASSOCIATIONS_MAX {
            is_stopped |= self.stop(&mut judge, Reason::TooManyAssociations, reject::LIMIT);
        }
        if is_stopped {
            self.failed(&mut judge);
            self.flow.stage = Stage::Ended;
            return judge.finish();
        }
        self.flow.calling = Title::of(associate.calling);
        self.flow.called = Title::of(associate.called);
        self.flow.takes_at_most(self.way, associate.user.max_length);
        self.flow.stage = Stage::Requested;
        self.flow.is_counted = true;
        let open = &mut self.memory.dicom.open;
        *open = open.saturating_add(1);
        judge.finish()
    }

    /// Compares who calls and who is called with who they must be.
    fn titles(&mut self, judge: &mut Judge<'_>, associate: &Associate<'_>) -> bool {
        let device = self.subject.identity.ae_title;
        let peer = self.subject.peer.ae_title;
        let (calling, called) = match self.way {
            Way::FromDevice => (device, peer),
            Way::ToDevice => (peer, device),
        };
        let mut is_stopped = false;
        if !is_title(associate.calling, calling) {
            is_stopped |= self.stop(judge, Reason::CallingAe, reject::CALLING);
        }
        if !is_title(associate.called, called) {
            is_stopped |= self.stop(judge, Reason::CalledAe, reject::CALLED);
        }
        is_stopped
    }

    /// Notes what is proposed; one context that is of use lets the others be.
    fn propose(&mut self, judge: &mut Judge<'_>, associate: &Associate<'_>) -> bool {
        let subject = self.subject;
        self.flow.contexts.clear();
        let (mut fine, mut by_patient, mut is_foreign) = (0_u8, 0_u8, false);
        for context in associate.contexts() {
            let Some(class) = context.abstract_syntax else { continue };
            let fit = fit(class, subject);
            match fit {
                Fit::Fine => fine = fine.saturating_add(1),
                Fit::PatientRoot => by_patient = by_patient.saturating_add(1),
                Fit::NotListed => {}
            }
            is_foreign |= context.transfer_syntaxes().any(|uid| !is_transfer_listed(uid, subject));
            self.flow.contexts.push(Context::new(context.id, class, fit));
        }
        if is_foreign {
            judge.add(Reason::TransferSyntax, self.memory);
        }
        if fine > 0 {
            if fine < associate.context_count {
                judge.add(Reason::ContextNotListed, self.memory);
            }
            return false;
        }
        let reason =
            if by_patient > 0 { Reason::PatientRootQuery } else { Reason::SopClassNotListed };
        self.stop(judge, reason, reject::NO_REASON)
    }

    /// Notes the roles that are selected, and stops a reversal that nobody declared.
    fn reverse(&mut self, judge: &mut Judge<'_>, associate: &Associate<'_>) -> bool {
        let mut is_stopped = false;
        for role in associate.role_selections() {
            if role.is_provider && !self.is_reversal_declared(&role) {
                is_stopped |= self.stop(judge, Reason::RoleReversal, reject::NO_REASON);
                continue;
            }
            let contexts = self.flow.contexts.iter_mut();
            for context in contexts.filter(|context| context.is_of(role.sop_class)) {
                context.offers = Roles { is_user: role.is_user, is_provider: role.is_provider };
            }
        }
        is_stopped
    }

    /// Says whether the requestor may provide a service: the archive that reports a storage
    /// commitment, and the device that fetches by C-GET, need it.
    /// # Source
    /// DICOM PS3.4 §J.3; DICOM PS3.4 §C.5.3.
    fn is_reversal_declared(&self, role: &RoleSelection<'_>) -> bool {
        let may = |operation| self.subject.permitted.contains(operation);
        let is_declared =
            self.subject.rules.dicom.as_ref().is_some_and(|rules| rules.role_selection);
        is_declared
            || match role.sop_class.service() {
                Service::Commitment => {
                    self.way == Way::ToDevice
                        && (may(Operation::DicomNEventReport)
                            || may(Operation::DicomNActionCommitment))
                }
                Service::Storage | Service::Private => {
                    self.way == Way::FromDevice && may(Operation::DicomCGet)
                }
                Service::Verification
                | Service::Worklist
                | Service::Mpps
                | Service::Find(_)
                | Service::Move(_)
                | Service::Get(_)
                | Service::Print
                | Service::Standard => false,
            }
    }

    pub(super) fn associate_accept(&mut self, associate: &Associate<'_>) -> Judgement {
        let mut judge = self.judge(Kind::Reply);
        if self.flow.stage != Stage::Requested || self.is_requestor() {
            self.unexpected(&mut judge);
            return judge.finish();
        }
        let (mut is_unknown, mut is_foreign) = (false, false);
        for answer in associate.contexts() {
            let contexts = &mut self.flow.contexts;
            let Some(context) = contexts.iter_mut().find(|context| context.id == answer.id) else {
                is_unknown = true;
                continue;
            };
            context.is_accepted = answer.result == Some(0);
            if let Some(transfer) = answer.transfer_syntaxes().next() {
                context.encoding = Encoding::of(transfer);
                is_foreign |= !is_transfer_listed(transfer, self.subject);
            }
        }
        for role in associate.role_selections() {
            let contexts = self.flow.contexts.iter_mut();
            for context in contexts.filter(|context| context.is_of(role.sop_class)) {
                // What was not offered cannot be accepted.
                context.roles = Roles {
                    is_user: role.is_user && context.offers.is_user,
                    is_provider: role.is_provider && context.offers.is_provider,
                };
            }
        }
        if is_foreign {
            judge.add(Reason::TransferSyntax, self.memory);
        }
        if is_unknown {
            self.abort_for(&mut judge, Reason::Malformed, abort::INVALID_VALUE);
        }
        self.flow.takes_at_most(self.way, associate.user.max_length);
        self.flow.stage = Stage::Open;
        judge.finish()
    }

    pub(super) fn associate_reject(&mut self) -> Judgement {
        let mut judge = self.judge(Kind::Reply);
        if self.flow.stage != Stage::Requested || self.is_requestor() {
            self.unexpected(&mut judge);
            return judge.finish();
        }
        self.failed(&mut judge);
        self.flow.end(self.memory);
        judge.finish()
    }
}

/// Says whether a title is valid, and the one that is expected, if one is.
fn is_title(title: AeTitle<'_>, expected: Option<&str>) -> bool {
    let is_expected = expected.is_none_or(|expected| AeTitle::read(expected.as_bytes()) == title);
    title.is_valid() && is_expected
}

fn is_transfer_listed(transfer: Uid<'_>, subject: &Subject<'_>) -> bool {
    let rules = subject.rules.dicom.as_ref();
    let listed = rules.map(|rules| rules.transfer_syntaxes.as_slice()).unwrap_or_default();
    listed.is_empty() || listed.iter().any(|uid| uid == transfer.as_str())
}

/// Says whether an operation that is permitted could use a SOP class.
pub(super) fn fit(class: Uid<'_>, subject: &Subject<'_>) -> Fit {
    let may = |operation| subject.permitted.contains(operation);
    let any = |[one, other]: [Operation; 2]| may(one) || may(other);
    let owned = subject.rules.dicom.as_ref().map(|rules| rules.storage_classes.as_slice());
    let is_named = |named: &[String]| named.iter().any(|uid| uid == class.as_str());
    let owns = owned.is_none_or(|owned| owned.is_empty() || is_named(owned));
    let is_of_use = match class.service() {
        Service::Verification => may(Operation::DicomCEcho),
        Service::Storage | Service::Private => {
            may(Operation::DicomCGet) || may(Operation::DicomCStore) && owns
        }
        Service::Worklist => may(Operation::DicomCFindWorklist),
        Service::Mpps => any([Operation::DicomNCreateMpps, Operation::DicomNSetMpps]),
        Service::Commitment => {
            any([Operation::DicomNActionCommitment, Operation::DicomNEventReport])
        }
        Service::Find(Root::Study) => may(Operation::DicomCFind),
        Service::Move(Root::Study) => may(Operation::DicomCMove),
        Service::Get(Root::Study) => may(Operation::DicomCGet),
        Service::Find(Root::Patient | Root::PatientStudy)
        | Service::Move(Root::Patient | Root::PatientStudy)
        | Service::Get(Root::Patient | Root::PatientStudy) => return Fit::PatientRoot,
        Service::Print => false,
        Service::Standard => {
            may(Operation::DicomNDelete)
                || may(Operation::DicomCStore) && owned.is_some_and(is_named)
        }
    };
    if is_of_use { Fit::Fine } else { Fit::NotListed }
}

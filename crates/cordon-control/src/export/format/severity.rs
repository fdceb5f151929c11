//! How grave an event is: one table for every format that asks.

use cordon_model::event::{
    AlarmState, CertificateAction, Effect, EmergencyAction, FindingAction, FindingStatus,
    IncidentAction, JournalNote, MessageVerdict, Outcome, PolicyAction, Review, ReviewAction,
    Severity, StateChange,
};
use cordon_model::{Attestation, DeviceState, Evidence, What};

/// Says how grave an event is.
///
/// A finding is as grave as what it proves, an incident and an alarm as grave as they say, and what
/// is over is for the record.
pub(super) fn of(what: &What) -> Severity {
    use Severity as S;
    match what {
        What::Alarm(it) if it.state == AlarmState::Clear => S::Info,
        What::Alarm(it) => it.severity,
        What::Authentication(it) => match it.outcome {
            Outcome::Success => S::Info,
            Outcome::Failure => S::Medium,
        },
        What::Attestation(it) => match it.now {
            Attestation::Passed => S::Info,
            Attestation::Stale | Attestation::Unable => S::Low,
            Attestation::Failed => S::High,
        },
        What::Certificate(it) => certificate(it.action),
        What::Decision(it) => effect(it.answer.effect),
        What::Emergency(it) if it.drill => S::Info,
        What::Emergency(it) => emergency(it.action),
        What::Finding(it) if it.status == FindingStatus::Close => S::Info,
        What::Finding(it) => finding(it.action, it.evidence),
        What::Flow(it) => effect(it.action),
        What::Health(it) if it.nodes_down.is_empty() => S::Info,
        What::Health(_) => S::Low,
        What::Incident(it) if it.action == IncidentAction::Close => S::Info,
        What::Incident(it) => it.severity,
        What::Inventory(_) => S::Info,
        What::Journal(it) => journal(it),
        What::Message(it) => match (it.verdict, it.page) {
            (_, true) => S::High,
            (MessageVerdict::Block, false) => S::Medium,
            (MessageVerdict::PassFlag, false) => S::Low,
            (MessageVerdict::Pass, false) => S::Info,
        },
        What::Policy(it) => match it.action {
            PolicyAction::Activate | PolicyAction::Publish => S::Info,
            PolicyAction::Refuse => S::High,
        },
        What::Review(it) => review(it),
        What::State(it) => state(it),
    }
}

fn effect(effect: Effect) -> Severity {
    match effect {
        Effect::Permit => Severity::Info,
        Effect::Deny => Severity::Low,
    }
}

fn certificate(action: CertificateAction) -> Severity {
    match action {
        CertificateAction::Issue | CertificateAction::Renew => Severity::Info,
        CertificateAction::Warn => Severity::Low,
        CertificateAction::Revoke => Severity::Medium,
        CertificateAction::Expire => Severity::High,
    }
}

fn emergency(action: EmergencyAction) -> Severity {
    match action {
        EmergencyAction::Start | EmergencyAction::Tamper => Severity::High,
        EmergencyAction::Command | EmergencyAction::Fault | EmergencyAction::Relax => {
            Severity::Medium
        }
        EmergencyAction::FlowOpen => Severity::Low,
        EmergencyAction::Badge | EmergencyAction::FlowClose | EmergencyAction::Stop => {
            Severity::Info
        }
    }
}

fn finding(action: FindingAction, evidence: Evidence) -> Severity {
    let proven = match evidence {
        Evidence::E0 => Severity::Info,
        Evidence::E1 => Severity::Low,
        Evidence::E2 => Severity::Medium,
        Evidence::E3 => Severity::High,
        Evidence::E4 => Severity::Critical,
    };
    match action {
        FindingAction::Contained | FindingAction::Isolated => proven.max(Severity::High),
        FindingAction::Blocked | FindingAction::Observed => proven,
    }
}

fn journal(note: &JournalNote) -> Severity {
    match note {
        JournalNote::Expire { .. }
        | JournalNote::Export { .. }
        | JournalNote::Hold { .. }
        | JournalNote::Start { .. } => Severity::Info,
        JournalNote::Recover { .. } | JournalNote::Release { .. } => Severity::Low,
        JournalNote::ClockStep { .. } => Severity::Medium,
        JournalNote::Lose { .. } => Severity::High,
        JournalNote::Restart { .. } => Severity::Critical,
    }
}

fn review(review: &Review) -> Severity {
    let is_unjustified = review.outcome.as_ref().is_some_and(|it| it.as_str() == "unjustified");
    match review.action {
        ReviewAction::Close if is_unjustified => Severity::High,
        ReviewAction::Close | ReviewAction::Open => Severity::Info,
        ReviewAction::Overdue => Severity::High,
    }
}

fn state(change: &StateChange) -> Severity {
    match change.to {
        DeviceState::Isolated => Severity::Critical,
        DeviceState::Contained => Severity::High,
        DeviceState::Suspect => Severity::Medium,
        DeviceState::Discovered
        | DeviceState::Enrolled
        | DeviceState::Normal
        | DeviceState::Remediation
        | DeviceState::Probation
        | DeviceState::Retired => Severity::Info,
    }
}

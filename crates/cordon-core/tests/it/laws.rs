//! Laws that stand above the table of reasons.

use std::collections::BTreeSet;

use cordon_core::inspect::{Column, Effect, Reason};

/// What may stop a message of a RED device: not what it reports, but what it may not do.
const NO_TELEMETRY: [Reason; 14] = [
    Reason::NoFlow,
    Reason::CommandFromDevice,
    Reason::CommandSource,
    Reason::MoveDestination,
    Reason::PatientRootQuery,
    Reason::DangerousDiagnostics,
    Reason::DangerousService,
    Reason::WritePriority,
    Reason::DiscoveryRate,
    Reason::BroadcastManagement,
    Reason::NetworkMessage,
    Reason::WrongProtocol,
    Reason::Malformed,
    Reason::Truncated,
];

fn stops(effect: Effect) -> bool {
    matches!(effect, Effect::BlockAfterThree | Effect::Block | Effect::BlockAndPage)
}

#[test]
fn telemetry_of_a_red_device_is_stopped_by_nothing_but_what_is_no_telemetry() {
    for reason in Reason::ALL {
        let is_telemetry = !NO_TELEMETRY.contains(reason);
        let lifeline = stops(reason.effect(Column::RedLifeline));
        assert!(!(is_telemetry && lifeline), "{} stops a lifeline", reason.label());
        let other = stops(reason.effect(Column::Vital));
        assert!(!(is_telemetry && other), "{} stops a RED device", reason.label());
    }
    for reason in [Reason::WrongProtocol, Reason::Malformed, Reason::Truncated] {
        assert!(!stops(reason.effect(Column::RedLifeline)), "{}", reason.label());
    }
}

#[test]
fn what_protects_less_never_lets_more_pass() {
    for reason in Reason::ALL {
        let gravity = |column| match reason.effect(column) {
            Effect::Flag => 0,
            Effect::FlagAndPage => 0,
            Effect::BlockAfterThree => 1,
            Effect::Block | Effect::BlockAndPage => 2,
        };
        let columns = [Column::RedLifeline, Column::Vital, Column::Orange, Column::Other];
        assert!(columns.map(gravity).is_sorted(), "{}", reason.label());
    }
}

#[test]
fn every_reason_has_a_label_of_its_own() {
    let labels: BTreeSet<_> = Reason::ALL.iter().map(|reason| reason.label()).collect();
    assert_eq!(labels.len(), Reason::ALL.len());
    for reason in Reason::ALL {
        assert!(reason.label().bytes().all(|byte| byte == b'-' || byte.is_ascii_lowercase()));
        assert_eq!(Reason::ALL.get(reason.index()), Some(reason));
    }
}

//! A conversation of any protocol and tier, judged as a gateway judges it.
#![no_main]

use cordon_core::inspect::conversation::{Conversation, Record};
use cordon_core::inspect::{
    DeviceIdentity, Memory, PeerIdentity, Reason, Salt, Subject, Verdict, Way, refuse,
};
use cordon_fuzz::Orders;
use cordon_model::fleet::Inspection;
use cordon_model::{Direction, Mono, Now, Operation, OperationSet, Protocol, Tier, Wall};
use libfuzzer_sys::fuzz_target;

const PROTOCOLS: [Protocol; 5] =
    [Protocol::Hl7, Protocol::Dicom, Protocol::Modbus, Protocol::Bacnet, Protocol::Http];

/// 2026-11-24T12:00:00Z.
const NOON: Wall = Wall(1_795_521_600);

/// What may stop a message of a RED device: what it may not do, not what it reports.
const NO_TELEMETRY: [Reason; 11] = [
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
    Reason::NoFlow,
];

fuzz_target!(|input: &[u8]| drive(input));

/// The first three bytes say which conversation it is; then come pieces: a head with their way and
/// their length, and so many bytes.
fn drive(input: &[u8]) {
    let mut orders = Orders(input);
    let (Some(protocol), Some(tier), Some(listed)) = (orders.byte(), orders.byte(), orders.byte())
    else {
        return;
    };
    let Some(protocol) = PROTOCOLS.get(usize::from(protocol) % PROTOCOLS.len()) else { return };
    let Some(tier) = Tier::ALL.get(usize::from(tier) % Tier::ALL.len()) else { return };
    let opened = if listed & 1 == 0 { Direction::Out } else { Direction::In };
    let all: OperationSet = protocol.operations().collect();
    let (rules, salt) = (Inspection::default(), Salt([7; 32]));
    let subject = Subject {
        tier: *tier,
        opened,
        permitted: if listed & 2 == 0 { all } else { OperationSet::default() },
        lifelines: if listed & 4 == 0 { all } else { OperationSet::default() },
        identity: DeviceIdentity::default(),
        peer: PeerIdentity::default(),
        rules: &rules,
        api_rate_per_minute: Some(100),
        patient: None,
        salt: &salt,
    };
    let mut conversation = Conversation::new(*protocol, opened);
    let mut memory = Memory::default();
    let mut now = Now { mono: Mono(0), wall: NOON };
    let mut each = |record: Record<'_>| hold(&record, &subject);
    while let Some(head) = orders.word() {
        now.mono.0 += 100_000_000;
        let way = if head & 1 == 0 { Way::FromDevice } else { Way::ToDevice };
        let length = usize::from(head >> 2).min(orders.0.len());
        let (bytes, rest) = orders.0.split_at(length);
        orders.0 = rest;
        if *protocol == Protocol::Bacnet {
            conversation.datagram(now, way, bytes, &subject, &mut memory, &mut each);
        } else if head & 2 == 0 {
            conversation.feed(now, way, bytes, &subject, &mut memory, &mut each);
        } else {
            conversation.gap(now, way, &subject, &mut memory, &mut each);
        }
    }
    for way in [Way::FromDevice, Way::ToDevice] {
        conversation.finish(now, way, &subject, &mut memory, &mut each);
    }
    conversation.close(&mut memory);
}

/// The laws that no verdict may break.
fn hold(record: &Record<'_>, subject: &Subject<'_>) {
    let judgement = &record.judgement;
    let is_blocked = judgement.verdict == Verdict::Block;
    assert!(!is_blocked || !judgement.reasons.is_empty(), "nothing is stopped without a reason");
    if record.way == Way::FromDevice {
        let is_alarm = judgement.operation == Some(Operation::Hl7OruR40);
        assert!(!(is_alarm && is_blocked), "an alarm is stopped");
        let is_life_critical = subject.tier == Tier::Red && !subject.lifelines.is_empty();
        let may_stop = NO_TELEMETRY.iter().any(|reason| judgement.reasons.contains(*reason));
        // Whoever declares all verbs to be lifelines has declared the unknown ones as well.
        assert!(!(is_life_critical && is_blocked) || may_stop, "a lifeline is stopped");
    }
    let mut answer = Vec::new();
    let now = Now { mono: Mono(0), wall: NOON };
    if let Some(refusal) = judgement.refusal {
        assert!(is_blocked, "what passes is not refused");
        refuse(refusal, &record.message, now, &mut answer);
        assert!(answer.len() <= 4_096, "a refusal is short");
    }
}

#![expect(clippy::panic, clippy::unwrap_used, reason = "tests stop at the first surprise")]

use cordon_model::fleet::Inspection;
use cordon_model::{Direction, Mono, OperationSet, Tier, Wall};
use cordon_wire::bacnet;
use proptest::prelude::*;

use super::*;
use crate::inspect::{DeviceIdentity, PeerIdentity, Salt, Verdict};

mod memory;

const SALT: Salt = Salt([0; 32]);
const IN: Way = Way::ToDevice;
const OUT: Way = Way::FromDevice;

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .chars()
        .filter(|letter| !letter.is_whitespace())
        .map(|letter| u8::try_from(letter.to_digit(16).unwrap()).unwrap())
        .collect();
    digits.as_chunks::<2>().0.iter().map(|[high, low]| high << 4 | low).collect()
}

/// Frames what follows the length field of the link layer.
fn frame(function: u8, rest: &str) -> Vec<u8> {
    let rest = hex(rest);
    let length = u16::try_from(rest.len() + 4).unwrap().to_be_bytes();
    [&[0x81, function], length.as_slice(), &rest].concat()
}

fn unicast(apdu: &str) -> Vec<u8> {
    frame(0x0A, &format!("0100{apdu}"))
}

fn broadcast(apdu: &str) -> Vec<u8> {
    frame(0x0B, &format!("0100{apdu}"))
}

/// One of every message.
mod say {
    pub(super) const READ: &str = "0275070c 0c00000001 1955";
    pub(super) const READ_MULTIPLE: &str = "0275070e 0c00000001 1e 0955 1f";
    pub(super) const READ_RANGE: &str = "0275071a 0c05000002 1983";
    pub(super) const WRITE: &str = "0275070f 0c00400004 1955 3e4442480000 3f";
    pub(super) const WRITE_1: &str = "0275070f 0c00400004 1955 3e4442480000 3f 4901";
    pub(super) const WRITE_2: &str = "0275070f 0c00400004 1955 3e4442480000 3f 4902";
    pub(super) const WRITE_3: &str = "0275070f 0c00400004 1955 3e4442480000 3f 4903";
    pub(super) const WRITE_MULTIPLE: &str =
        "02750710 0c00400004 1e 0955 2e 00 2f 3908 1f 0c00400005 1e 0955 2e 00 2f 1f";
    pub(super) const WRITE_MULTIPLE_1: &str =
        "02750710 0c00400004 1e 0955 2e 00 2f 3908 1f 0c00400005 1e 0955 2e 00 2f 3901 1f";
    pub(super) const WRITE_SEGMENT: &str = "0e75070004 10 0c00400004 1e 0955 2e 00";
    pub(super) const WRITE_SEGMENT_2: &str = "0a75070104 10 3901 1f";
    pub(super) const WRITE_GROUP: &str = "100a 0917 1908 2e 090c 4442480000 2f";
    pub(super) const WRITE_GROUP_1: &str = "100a 0917 1901 2e 090c 4442480000 2f";
    pub(super) const COV: &str = "02750701 0912 1c02000004 2c0000000a 3900 4e 0955 2e 00 2f 4f";
    pub(super) const COV_U: &str = "1002 0912 1c02000004 2c0000000a 3900 4e 0955 2e 00 2f 4f";
    pub(super) const SUBSCRIBE: &str = "02750705 0912 1c0000000a 2901 393c";
    pub(super) const EVENT: &str =
        "02750702 0901 1c02000004 2c00000002 3e 1910 3f 4904 5964 6905 8900 9901 a900 b903";
    pub(super) const EVENT_U: &str =
        "1003 0901 1c02000004 2c00000002 3e 1910 3f 4904 5964 6905 8900 9901 a900 b903";
    pub(super) const ACKNOWLEDGE: &str =
        "02750700 0901 1c00000002 2903 3e 1910 3f 4c00414243 5e 1911 5f";
    pub(super) const ALARMS: &str = "02750703";
    pub(super) const EVENTS: &str = "0275071d";
    pub(super) const WHO_IS: &str = "1008";
    pub(super) const WHO_HAS: &str = "1007 2c00000003";
    pub(super) const I_AM: &str = "1000 c4020000f5 2205c4 9100 210f";
    pub(super) const I_HAVE: &str = "1001 c4020000f5 c400000003 7400414243";
    pub(super) const TIME: &str = "1006 a47c011102 b40d2d1e46";
    pub(super) const TIME_UTC: &str = "1009 a47c011102 b40d2d1e46";
    pub(super) const LIFE_SAFETY: &str = "0275071b 0912 1c00414243 2904 3c05400001";
    pub(super) const SILENCE: &str = "02750711 0905 1901";
    pub(super) const RESTART: &str = "02750714 0901";
    pub(super) const WRITE_FILE: &str = "02750707 c402800001 0e 3100 620102 0f";
    pub(super) const READ_FILE: &str = "02750706 c402800001 0e 3100 2164 0f";
    pub(super) const ADD: &str = "02750708 0c03c00001 1966 3e 0901 3f";
    pub(super) const CREATE: &str = "0275070a 0e 0902 0f";
    pub(super) const DELETE: &str = "0275070b c400800009";
    pub(super) const PRIVATE: &str = "02750712 0919 1908";
    pub(super) const TEXT: &str = "02750713 0c02000005 2900 3c00414243";
    pub(super) const VT: &str = "02750715 9101 2105";
    pub(super) const UNKNOWN: &str = "02750740";
    pub(super) const YOU_ARE: &str = "100e 210f 720041 720041";
}

/// A conversation of one device.
struct Case {
    flow: Flow,
    memory: Memory,
    rules: Inspection,
    tier: Tier,
    permitted: OperationSet,
    lifelines: OperationSet,
    instance: Option<u32>,
}

impl Case {
    fn new(tier: Tier, permitted: &[Operation]) -> Self {
        Self {
            flow: Flow::default(),
            memory: Memory::default(),
            rules: Inspection { bacnet: Some(BacnetRules::default()), ..Inspection::default() },
            tier,
            permitted: permitted.iter().copied().collect(),
            lifelines: OperationSet::default(),
            instance: None,
        }
    }

    fn rules(mut self, life_safety_writer: bool, broadcast_management: bool) -> Self {
        self.rules.bacnet = Some(BacnetRules { life_safety_writer, broadcast_management });
        self
    }

    fn judge(&mut self, ms: u64, way: Way, bytes: &[u8]) -> Judgement {
        let subject = Subject {
            tier: self.tier,
            opened: Direction::In,
            permitted: self.permitted,
            lifelines: self.lifelines,
            identity: DeviceIdentity { bacnet_instance: self.instance, ..Default::default() },
            peer: PeerIdentity::default(),
            rules: &self.rules,
            api_rate_per_minute: None,
            patient: None,
            salt: &SALT,
        };
        let now = Now { mono: Mono(ms * 1_000_000), wall: Wall(1_790_000_000 + ms / 1000) };
        let packet = Packet::read(bytes);
        let message = packet.as_ref().map_err(|fault| *fault);
        judge(&mut self.flow, &mut self.memory, now, way, message, &subject)
    }
}

fn reasons(judgement: &Judgement) -> Vec<Reason> {
    judgement.reasons.iter().collect()
}

const READ_DENIED: Refusal = Refusal::BacnetError { class: 2, code: 27 };
const WRITE_DENIED: Refusal = Refusal::BacnetError { class: 2, code: 40 };
const UNRECOGNIZED: Refusal = Refusal::BacnetReject { reason: 9 };

/// Says one thing to or from a fresh GREEN device for which nothing is permitted, and then to one
/// for which its operation is.
fn check(
    way: Way,
    apdu: &str,
    operation: Option<Operation>,
    unlisted: Reason,
    refusal: Option<Refusal>,
) {
    let bytes = unicast(apdu);
    let judgement = Case::new(Tier::Green, &[]).judge(0, way, &bytes);
    let blocked = if operation.is_some_and(|o| o.class() == OperationClass::Alarm) && way == OUT {
        (Verdict::PassFlag, None)
    } else {
        (Verdict::Block, refusal)
    };
    assert_eq!((judgement.verdict, judgement.refusal), blocked, "{apdu}");
    assert_eq!(reasons(&judgement), [unlisted], "{apdu}");
    assert_eq!(judgement.operation, operation, "{apdu}");
    if let Some(operation) = operation {
        let judgement = Case::new(Tier::Green, &[operation]).judge(0, way, &bytes);
        assert_eq!(judgement.verdict, Verdict::Pass, "{apdu}: {judgement:?}");
    }
    // What policy has no verb for is stopped whatever is permitted.
    let mut all = Case::new(Tier::Green, &[]);
    all.permitted = OperationSet::all();
    let verdict = all.judge(0, way, &bytes).verdict;
    assert_eq!(verdict == Verdict::Block, operation.is_none(), "{apdu}");
}

#[test]
fn what_is_asked_of_a_device_is_held_to_what_is_permitted() {
    use Operation as O;
    let unlisted = Reason::OperationNotListed;
    let dangerous = Reason::DangerousService;
    for (apdu, operation, reason, refusal) in [
        (say::READ, O::BacnetReadProperty, unlisted, Some(READ_DENIED)),
        (say::READ_MULTIPLE, O::BacnetReadProperty, unlisted, Some(READ_DENIED)),
        (say::READ_RANGE, O::BacnetReadProperty, unlisted, Some(READ_DENIED)),
        (say::WRITE, O::BacnetWriteProperty, unlisted, Some(WRITE_DENIED)),
        (say::WRITE_3, O::BacnetWriteProperty, unlisted, Some(WRITE_DENIED)),
        (say::WRITE_MULTIPLE, O::BacnetWriteProperty, unlisted, Some(WRITE_DENIED)),
        (say::WRITE_GROUP, O::BacnetWriteProperty, unlisted, None),
        (say::COV, O::BacnetCovNotification, unlisted, Some(UNRECOGNIZED)),
        (say::COV_U, O::BacnetCovNotification, unlisted, None),
        (say::SUBSCRIBE, O::BacnetSubscribeCov, unlisted, Some(UNRECOGNIZED)),
        (say::EVENT, O::BacnetEventNotification, unlisted, Some(UNRECOGNIZED)),
        (say::EVENT_U, O::BacnetEventNotification, unlisted, None),
        (say::ACKNOWLEDGE, O::BacnetEventNotification, unlisted, Some(UNRECOGNIZED)),
        (say::ALARMS, O::BacnetEventNotification, unlisted, Some(UNRECOGNIZED)),
        (say::EVENTS, O::BacnetEventNotification, unlisted, Some(UNRECOGNIZED)),
        (say::WHO_IS, O::BacnetWhoIs, unlisted, None),
        (say::WHO_HAS, O::BacnetWhoIs, unlisted, None),
        (say::I_AM, O::BacnetIAm, unlisted, None),
        (say::I_HAVE, O::BacnetIAm, unlisted, None),
        (say::TIME, O::BacnetTimeSynchronization, unlisted, None),
        (say::TIME_UTC, O::BacnetTimeSynchronization, unlisted, None),
        (say::LIFE_SAFETY, O::BacnetLifeSafetyOperation, unlisted, Some(UNRECOGNIZED)),
        (say::SILENCE, O::BacnetDeviceCommunicationControl, dangerous, Some(UNRECOGNIZED)),
        (say::RESTART, O::BacnetReinitializeDevice, dangerous, Some(UNRECOGNIZED)),
        (say::WRITE_FILE, O::BacnetAtomicWriteFile, dangerous, Some(UNRECOGNIZED)),
    ] {
        check(IN, apdu, Some(operation), reason, refusal);
    }
    for apdu in [
        say::READ_FILE,
        say::ADD,
        say::CREATE,
        say::DELETE,
        say::PRIVATE,
        say::TEXT,
        say::VT,
        say::UNKNOWN,
    ] {
        check(IN, apdu, None, unlisted, Some(UNRECOGNIZED));
    }
    check(IN, say::YOU_ARE, None, unlisted, None);
}

#[test]
fn what_a_device_says_is_held_to_what_is_permitted() {
    use Operation as O;
    let unlisted = Reason::OperationNotListed;
    let command = Reason::CommandFromDevice;
    let dangerous = Reason::DangerousService;
    for (apdu, operation, reason, refusal) in [
        (say::READ, O::BacnetReadProperty, unlisted, Some(READ_DENIED)),
        (say::WRITE, O::BacnetWriteProperty, command, Some(WRITE_DENIED)),
        (say::WRITE_GROUP, O::BacnetWriteProperty, command, None),
        (say::ACKNOWLEDGE, O::BacnetWriteProperty, command, Some(UNRECOGNIZED)),
        (say::COV, O::BacnetCovNotification, unlisted, Some(UNRECOGNIZED)),
        (say::COV_U, O::BacnetCovNotification, unlisted, None),
        (say::EVENT, O::BacnetEventNotification, unlisted, None),
        (say::EVENT_U, O::BacnetEventNotification, unlisted, None),
        (say::WHO_IS, O::BacnetWhoIs, unlisted, None),
        (say::I_AM, O::BacnetIAm, unlisted, None),
        (say::TIME, O::BacnetTimeSynchronization, command, None),
        (say::LIFE_SAFETY, O::BacnetLifeSafetyOperation, command, Some(UNRECOGNIZED)),
        (say::SILENCE, O::BacnetDeviceCommunicationControl, dangerous, Some(UNRECOGNIZED)),
        (say::RESTART, O::BacnetReinitializeDevice, dangerous, Some(UNRECOGNIZED)),
        (say::WRITE_FILE, O::BacnetAtomicWriteFile, dangerous, Some(UNRECOGNIZED)),
    ] {
        check(OUT, apdu, Some(operation), reason, refusal);
    }
    for (apdu, reason) in [
        (say::READ_FILE, unlisted),
        (say::ADD, command),
        (say::CREATE, command),
        (say::DELETE, command),
        (say::PRIVATE, unlisted),
    ] {
        check(OUT, apdu, None, reason, Some(UNRECOGNIZED));
    }
    check(OUT, say::YOU_ARE, None, command, None);
}

#[test]
fn what_is_dangerous_is_stopped_and_somebody_called_in_every_tier() {
    for tier in [Tier::Red, Tier::Orange, Tier::Yellow, Tier::Green, Tier::GreenLs] {
        for way in [IN, OUT] {
            for apdu in [say::SILENCE, say::RESTART, say::WRITE_FILE] {
                let judgement = Case::new(tier, &[]).judge(0, way, &unicast(apdu));
                assert_eq!((judgement.verdict, judgement.page), (Verdict::Block, true), "{apdu}");
            }
        }
        let judgement = Case::new(tier, &[]).judge(0, OUT, &unicast(say::WRITE));
        assert_eq!((judgement.verdict, judgement.page), (Verdict::Block, true));
    }
}

#[test]
fn an_alarm_that_can_be_read_passes_in_every_tier() {
    for tier in [Tier::Red, Tier::Orange, Tier::Yellow, Tier::Green, Tier::GreenLs] {
        let torn = say::EVENT.replace("b903", "");
        for apdu in [say::EVENT, say::EVENT_U, &torn] {
            for bytes in [unicast(apdu), frame(0x09, &format!("0100{apdu}"))] {
                let judgement = Case::new(tier, &[]).judge(0, OUT, &bytes);
                assert_eq!(judgement.verdict, Verdict::PassFlag, "{apdu}");
            }
        }
    }
}

#[test]
fn only_the_fire_system_writes_with_its_priorities() {
    let write = [Operation::BacnetWriteProperty];
    for (apdu, is_stopped) in [
        (say::WRITE, false),
        (say::WRITE_1, true),
        (say::WRITE_2, true),
        (say::WRITE_3, false),
        (say::WRITE_MULTIPLE, false),
        (say::WRITE_MULTIPLE_1, true),
        (say::WRITE_GROUP, false),
        (say::WRITE_GROUP_1, true),
    ] {
        for way in [IN, OUT] {
            let judgement = Case::new(Tier::Green, &write).judge(0, way, &unicast(apdu));
            let expected: &[Reason] = if is_stopped { &[Reason::WritePriority] } else { &[] };
            assert_eq!(reasons(&judgement), expected, "{apdu}");
            assert_eq!(judgement.page, is_stopped, "{apdu}");
            let mut fire = Case::new(Tier::Green, &write).rules(true, false);
            assert_eq!(fire.judge(0, way, &unicast(apdu)).verdict, Verdict::Pass, "{apdu}");
        }
    }
}

#[test]
fn a_write_in_segments_cannot_be_checked_and_is_stopped() {
    let write = [Operation::BacnetWriteProperty];
    for apdu in [say::WRITE_SEGMENT, say::WRITE_SEGMENT_2] {
        let judgement = Case::new(Tier::Green, &write).judge(0, IN, &unicast(apdu));
        assert_eq!(reasons(&judgement), [Reason::Unsupported], "{apdu}");
        assert_eq!(judgement.verdict, Verdict::Block, "{apdu}");
        let mut fire = Case::new(Tier::Green, &write).rules(true, false);
        assert_eq!(fire.judge(0, IN, &unicast(apdu)).verdict, Verdict::Pass, "{apdu}");
    }
}

#[test]
fn bad_parameters_are_rejected_with_the_fitting_reason() {
    let all = [Operation::BacnetReadProperty, Operation::BacnetWriteProperty];
    for (apdu, reason) in [
        ("0275070c", 5),
        ("0275070c 1955", 4),
        ("0275070c 0b000001 1955", 3),
        ("0275070c 0c00000001 1955 2901 3901", 7),
        ("0275070f 0c00400004 1955 3e 00 3f 4911", 6),
        ("02750710 0c00400004 1e 0955 1f", 4),
        ("02750710 0c00400004 1e 0955 2e 00 2f", 4),
    ] {
        for rules in [false, true] {
            let mut case = Case::new(Tier::Green, &all).rules(rules, false);
            let judgement = case.judge(0, IN, &unicast(apdu));
            assert_eq!(reasons(&judgement), [Reason::Malformed], "{apdu}");
            assert_eq!(judgement.refusal, Some(Refusal::BacnetReject { reason }), "{apdu}");
        }
    }
    let deep = format!("0275070f 0c00400004 1955 {} {} 3f", "3e".repeat(20), "3f".repeat(19));
    let judgement = Case::new(Tier::Green, &all).judge(0, IN, &unicast(&deep));
    assert_eq!(reasons(&judgement), [Reason::OverLimit]);
    assert_eq!(judgement.refusal, Some(Refusal::BacnetReject { reason: 1 }));
}

#[test]
fn what_cannot_be_read_at_all_is_judged_by_tier() {
    let bytes = hex("810a000901001008");
    let mut orange = Case::new(Tier::Orange, &[]);
    for (ms, verdict) in [(0, Verdict::PassFlag), (1000, Verdict::PassFlag), (2000, Verdict::Block)]
    {
        assert_eq!(orange.judge(ms, OUT, &bytes).verdict, verdict);
    }
    for (tier, way, verdict) in [
        (Tier::Green, OUT, Verdict::Block),
        (Tier::Yellow, OUT, Verdict::Block),
        (Tier::Red, OUT, Verdict::PassFlag),
        (Tier::Red, IN, Verdict::Block),
        (Tier::Green, IN, Verdict::Block),
    ] {
        let judgement = Case::new(tier, &[]).judge(0, way, &bytes);
        assert_eq!((judgement.verdict, judgement.refusal), (verdict, None), "{tier:?} {way:?}");
    }
    let secure = frame(0x0C, "00");
    let judgement = Case::new(Tier::Green, &[]).judge(0, OUT, &secure);
    assert_eq!(reasons(&judgement), [Reason::Unsupported]);
}

#[test]
fn a_source_looks_for_devices_once_a_second() {
    for (way, apdu) in [(OUT, say::WHO_IS), (IN, say::WHO_IS), (OUT, say::WHO_HAS)] {
        let mut case = Case::new(Tier::Red, &[Operation::BacnetWhoIs]);
        let mut verdicts = [0, 500, 999, 1000, 1999, 2000]
            .map(|ms| case.judge(ms, way, &broadcast(apdu)).verdict == Verdict::Pass)
            .into_iter();
        for expected in [true, false, false, true, false, true] {
            assert_eq!(verdicts.next(), Some(expected), "{apdu}");
        }
    }
    let mut case = Case::new(Tier::Green, &[Operation::BacnetWhoIs]);
    let passed = case.judge(0, OUT, &broadcast(say::WHO_IS));
    assert_eq!(passed.verdict, Verdict::Pass);
    case.flow = Flow::default();
    let other = case.judge(100, OUT, &broadcast(say::WHO_IS));
    assert_eq!(reasons(&other), [Reason::DiscoveryRate], "in another conversation too");
    let asked = case.judge(100, IN, &broadcast(say::WHO_IS));
    assert_eq!(asked.verdict, Verdict::Pass, "another source");
}

#[test]
fn broadcasts_are_managed_by_peers_that_do_so_and_by_nobody_else() {
    let who_is = [Operation::BacnetWhoIs];
    for (function, rest, ways) in [
        (0x01, "c0a8010abac0ffffffff", [true, true]),
        (0x05, "003c", [true, true]),
        (0x08, "c0a8010abac0", [true, true]),
        (0x09, "01001008", [true, true]),
        (0x04, "c0a8010abac001001008", [true, false]),
    ] {
        for (way, is_stopped) in [OUT, IN].into_iter().zip(ways) {
            let bytes = frame(function, rest);
            let judgement = Case::new(Tier::Red, &who_is).judge(0, way, &bytes);
            let expected: &[Reason] = if is_stopped { &[Reason::BroadcastManagement] } else { &[] };
            assert_eq!(reasons(&judgement), expected, "{function} {way:?}");
            assert_eq!(judgement.verdict == Verdict::Block, is_stopped, "{function} {way:?}");
            let mut bbmd = Case::new(Tier::Green, &who_is).rules(false, true);
            assert_eq!(bbmd.judge(0, way, &bytes).verdict, Verdict::Pass, "{function}");
        }
    }
    for function in [0x02, 0x06] {
        let judgement = Case::new(Tier::Green, &[]).judge(0, IN, &frame(function, ""));
        assert_eq!(reasons(&judgement), [Reason::OperationNotListed]);
        let mut bbmd = Case::new(Tier::Green, &[]).rules(false, true);
        assert_eq!(bbmd.judge(0, IN, &frame(function, "")).verdict, Verdict::Pass);
    }
}

#[test]
fn results_of_the_link_layer_answer_something() {
    let mut bbmd = Case::new(Tier::Green, &[]).rules(false, true);
    let result = frame(0x00, "0000");
    let first = bbmd.judge(0, IN, &result);
    assert_eq!(reasons(&first), [Reason::UnexpectedReply]);
    assert_eq!(bbmd.judge(0, OUT, &frame(0x05, "003c")).verdict, Verdict::Pass);
    assert_eq!(bbmd.judge(1, IN, &result).verdict, Verdict::Pass);
    assert_eq!(bbmd.judge(2, IN, &result).verdict, Verdict::Block);
}

#[test]
fn routing_is_not_changed_by_devices() {
    let mut all = Case::new(Tier::Red, &[]);
    all.permitted = OperationSet::all();
    for kind in 0x00..=0xFF_u8 {
        let rest = if kind >= 0x80 { "000f" } else { "" };
        let bytes = frame(0x0B, &format!("0180{kind:02x}{rest}"));
        let judgement = all.judge(u64::from(kind) * 2000, OUT, &bytes);
        let expected = match kind {
            0x06..=0x11 => vec![Reason::NetworkMessage],
            0x00..=0x05 | 0x12 | 0x13 => vec![],
            _ => vec![Reason::OperationNotListed],
        };
        assert_eq!(reasons(&judgement), expected, "{kind:02x}");
        assert_eq!(judgement.verdict == Verdict::Block, (0x06..=0x11).contains(&kind));
    }
    let nothing = Case::new(Tier::Green, &[]).judge(0, OUT, &frame(0x0B, "018001000500 06"));
    assert_eq!(reasons(&nothing), [Reason::OperationNotListed]);
}

#[test]
fn a_device_names_its_own_instance() {
    let permitted = [Operation::BacnetIAm, Operation::BacnetCovNotification];
    for (apdu, own) in [(say::I_AM, 245), (say::I_HAVE, 245), (say::COV, 4), (say::COV_U, 4)] {
        for (tier, verdict) in [(Tier::Green, Verdict::Block), (Tier::Red, Verdict::PassFlag)] {
            let mut case = Case::new(tier, &permitted);
            case.instance = Some(own);
            assert_eq!(case.judge(0, OUT, &unicast(apdu)).verdict, Verdict::Pass, "{apdu}");
            case.instance = Some(9);
            let judgement = case.judge(0, OUT, &unicast(apdu));
            assert_eq!(reasons(&judgement), [Reason::InstanceMismatch], "{apdu}");
            assert_eq!(judgement.verdict, verdict, "{apdu}");
            // What others call themselves is not the device's claim.
            assert_eq!(case.judge(0, IN, &unicast(apdu)).verdict, Verdict::Pass, "{apdu}");
        }
    }
}

#[test]
fn a_confirmed_request_to_all_breaks_the_standard() {
    let permitted = [Operation::BacnetReadProperty];
    for bytes in [broadcast(say::READ), frame(0x0A, &format!("0120ffff00ff{}", say::READ))] {
        let judgement = Case::new(Tier::Green, &permitted).judge(0, IN, &bytes);
        assert_eq!(reasons(&judgement), [Reason::Malformed]);
        assert_eq!((judgement.verdict, judgement.refusal), (Verdict::Block, None));
    }
}

#[test]
fn every_refusal_can_be_written() {
    for apdu in [say::READ, say::WRITE, say::WRITE_MULTIPLE, say::SILENCE, say::WRITE_SEGMENT_2] {
        let bytes = unicast(apdu);
        let packet = Packet::read(&bytes).unwrap();
        let mut out = Vec::new();
        let is_written = match Case::new(Tier::Green, &[]).judge(0, IN, &bytes).refusal {
            Some(Refusal::BacnetReject { reason }) => bacnet::reject(&packet, reason, &mut out),
            Some(Refusal::BacnetError { class, code }) => {
                bacnet::error(&packet, class, code, &mut out)
            }
            other => panic!("{other:?}"),
        };
        assert!(is_written && Packet::read(&out).is_ok(), "{apdu}");
    }
}

proptest! {
    #[test]
    fn whatever_comes_what_is_remembered_is_bounded(
        messages in proptest::collection::vec(
            (any::<bool>(), proptest::collection::vec(any::<u8>(), 0..24)), 0..200,
        ),
    ) {
        let mut case = Case::new(Tier::Green, &[]);
        case.permitted = OperationSet::all();
        for (ms, (is_out, rest)) in messages.iter().enumerate() {
            let text: String = rest.iter().map(|byte| format!("{byte:02x}")).collect();
            let way = if *is_out { OUT } else { IN };
            let _judgement = case.judge(ms as u64, way, &unicast(&text));
            prop_assert!(case.flow.open() <= 2 * PENDING_MAX);
        }
    }
}

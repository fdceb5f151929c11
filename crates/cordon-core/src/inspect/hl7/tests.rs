#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use std::collections::BTreeSet;

use cordon_model::fleet::{Hl7Rules, Inspection};
use cordon_model::{Mono, OperationSet, Tier, Wall};
use proptest::prelude::*;

use super::*;
use crate::inspect::{DeviceIdentity, PeerIdentity, Salt};

mod memory;

const SALT: Salt = Salt([7; 32]);
/// 2026-11-24T10:15:01Z.
const NOW_S: u64 = 1_795_515_301;
const EUI: [u8; 8] = [0x00, 0x03, 0xB1, 0, 0, 0, 0xA0, 0x01];

/// A message of the device; `{}` are the type, the control id and the segments after MSH.
fn from_device(kind: &str, id: &str, tail: &str) -> String {
    format!("MSH|^~\\&|PUMP|ICU|SRV|HOSP|20261124101501+0000||{kind}|{id}|P|2.6\r{tail}")
}

fn to_device(kind: &str, id: &str, tail: &str) -> String {
    format!("MSH|^~\\&|SRV|HOSP|PUMP|ICU|20261124101501+0000||{kind}|{id}|P|2.6\r{tail}")
}

fn report() -> String {
    from_device("ORU^R01^ORU_R01", "1", "PID|||PAT1\rOBR|1\rOBX|1|NM|1^a^MDC|1.1|7\r")
}

fn alarm() -> String {
    from_device("ORU^R40^ORU_R40", "1", "OBR|1\rOBX|1|NM|196616^MDC_EVT_ALARM^MDC|1.1|7\r")
}

fn order(tail: &str) -> String {
    to_device("RGV^O15^RGV_O15", "1", tail)
}

/// A conversation of one device.
struct Case {
    flow: Flow,
    memory: Memory,
    rules: Inspection,
    tier: Tier,
    opened: Direction,
    permitted: OperationSet,
    lifelines: OperationSet,
    patient: Option<[u8; 16]>,
    now_s: u64,
}

impl Case {
    /// A device that reports and raises alarms, in a conversation of its own.
    fn new(tier: Tier) -> Self {
        let permitted = [Operation::Hl7OruR01, Operation::Hl7OruR40].into_iter().collect();
        let lifelines = if tier == Tier::Red { permitted } else { OperationSet::default() };
        Self {
            flow: Flow::default(),
            memory: Memory::default(),
            rules: Inspection {
                hl7: Some(Hl7Rules {
                    versions: vec!["2.6".to_owned()],
                    observations_usual: Some(2),
                    bytes_usual: Some(500),
                }),
                ..Inspection::default()
            },
            tier,
            opened: Direction::Out,
            permitted,
            lifelines,
            patient: Some(SALT.hash(b"PAT1")),
            now_s: NOW_S,
        }
    }

    /// A pump that takes orders.
    fn pump(tier: Tier) -> Self {
        let mut case = Self::new(tier);
        case.opened = Direction::In;
        case.permitted = [Operation::Hl7RgvO15].into_iter().collect();
        case.lifelines = OperationSet::default();
        case
    }

    fn judge(&mut self, way: Way, text: &str) -> Judgement {
        self.judge_result(way, Message::parse(text.as_bytes()), text.as_bytes())
    }

    fn judge_result(
        &mut self,
        way: Way,
        message: Result<Message<'_>, Fault>,
        payload: &[u8],
    ) -> Judgement {
        let subject = Subject {
            tier: self.tier,
            opened: self.opened,
            permitted: self.permitted,
            lifelines: self.lifelines,
            identity: DeviceIdentity {
                eui64: Some(Eui64::new(EUI)),
                hl7_application: Some("PUMP"),
                hl7_facility: Some("ICU"),
                ..DeviceIdentity::default()
            },
            peer: PeerIdentity {
                hl7_application: Some("SRV"),
                hl7_facility: Some("HOSP"),
                ..PeerIdentity::default()
            },
            rules: &self.rules,
            api_rate_per_minute: None,
            patient: self.patient,
            salt: &SALT,
        };
        let mono = Mono(self.now_s.saturating_sub(NOW_S) * 1_000_000_000);
        let now = Now { mono, wall: Wall(self.now_s) };
        let message = message.as_ref().map_err(|fault| *fault);
        judge(&mut self.flow, &mut self.memory, now, way, message, payload, &subject)
    }
}

/// Verdict, whether somebody is called, whether it is answered with `AR`.
fn outcome(judgement: &Judgement) -> (Verdict, bool, bool) {
    (judgement.verdict, judgement.page, judgement.refusal == Some(Refusal::Hl7Reject))
}

const PASS: (Verdict, bool, bool) = (Verdict::Pass, false, false);
const FLAG: (Verdict, bool, bool) = (Verdict::PassFlag, false, false);
const FLAG_PAGE: (Verdict, bool, bool) = (Verdict::PassFlag, true, false);
const BLOCK: (Verdict, bool, bool) = (Verdict::Block, false, false);
const BLOCK_AR: (Verdict, bool, bool) = (Verdict::Block, false, true);
const BLOCK_PAGE_AR: (Verdict, bool, bool) = (Verdict::Block, true, true);
const BLOCK_PAGE: (Verdict, bool, bool) = (Verdict::Block, true, false);

const TIERS: [Tier; 3] = [Tier::Red, Tier::Orange, Tier::Yellow];

/// One row of the handbook: what a RED lifeline, an ORANGE and a YELLOW device's message comes to.
fn check(text: &str, reasons: &[Reason], outcomes: [(Verdict, bool, bool); 3]) {
    for (tier, expected) in TIERS.into_iter().zip(outcomes) {
        let judgement = Case::new(tier).judge(Way::FromDevice, text);
        assert_eq!(judgement.reasons.iter().collect::<Vec<_>>(), reasons, "{tier:?} {text:?}");
        assert_eq!(outcome(&judgement), expected, "{tier:?} {text:?}");
    }
}

#[test]
fn reports_and_alarms_pass() {
    check(&report(), &[], [PASS; 3]);
    check(&alarm(), &[], [PASS; 3]);
    check(&report().replace('\r', "\n"), &[], [PASS; 3]);
}

#[test]
fn what_cannot_be_read_is_judged_by_tier() {
    let broken = [Reason::Malformed];
    check("", &broken, [FLAG, FLAG, BLOCK]);
    check("hello", &broken, [FLAG, FLAG, BLOCK]);
    check(&report().replace("^~\\&", "^^\\&"), &broken, [FLAG, FLAG, BLOCK]);
    check(&report().replace("PID", "P-D"), &broken, [FLAG, FLAG, BLOCK]);
    check("BHS|^~\\&|", &[Reason::Unsupported], [FLAG, FLAG, BLOCK]);
    let mut orange = Case::new(Tier::Orange);
    for expected in [FLAG, FLAG, BLOCK_PAGE] {
        assert_eq!(outcome(&orange.judge(Way::FromDevice, "hello")), expected);
    }
    orange.now_s += 61;
    assert_eq!(outcome(&orange.judge(Way::FromDevice, "hello")), FLAG);
}

#[test]
fn cut_and_oversized_frames_are_judged_by_what_is_left() {
    let text = alarm();
    let over = Fault::OverLimit { at: 9, limit: cordon_wire::Limit { name: "bytes", max: 8 } };
    for tier in TIERS {
        let mut case = Case::new(tier);
        let judgement = case.judge_result(Way::FromDevice, Err(over), text.as_bytes());
        assert_eq!(judgement.operation, Some(Operation::Hl7OruR40));
        assert_eq!(judgement.verdict, Verdict::PassFlag, "{tier:?}");
        let cut =
            case.judge_result(Way::FromDevice, Err(Fault::Incomplete { need: 1 }), b"\x0BMSH");
        assert_eq!(outcome(&cut), FLAG, "{tier:?}");
    }
}

#[test]
fn required_fields_must_be_there() {
    let row = |text: &str| check(text, &[Reason::RequiredFieldEmpty], [FLAG, BLOCK_AR, BLOCK_AR]);
    row(&report().replace("20261124101501+0000", ""));
    row(&report().replace("|P|", "||"));
    row(&report().replace("|2.6\r", "|\r"));
    row(&report().replace("|2.6\r", "|\"\"\r"));
    row(&report().replace("^ORU_R01", ""));
    check(&report().replace("|1|P", "||P"), &[Reason::RequiredFieldEmpty], [FLAG, BLOCK, BLOCK]);
    let unlisted = [Reason::OperationNotListed, Reason::RequiredFieldEmpty];
    check(&report().replace("ORU^R01^ORU_R01", "ORU"), &unlisted, [FLAG, BLOCK_AR, BLOCK_AR]);
    check(&report().replace("ORU^R01^ORU_R01", ""), &unlisted, [FLAG, BLOCK_AR, BLOCK_AR]);
}

#[test]
fn older_versions_require_less() {
    let old = report().replace("|2.6\r", "|2.3.1\r").replace("^ORU_R01", "");
    let old = old.replace("20261124101501+0000", "");
    let mut case = Case::new(Tier::Yellow);
    case.rules = Inspection::default();
    assert_eq!(outcome(&case.judge(Way::FromDevice, &old)), PASS);
}

#[test]
fn only_listed_types_pass() {
    let row = |kind: &str| {
        let text = from_device(kind, "1", "");
        check(&text, &[Reason::OperationNotListed], [FLAG, BLOCK_AR, BLOCK_AR]);
    };
    row("ORU^R42^ORU_R01");
    row("ORU^R30^ORU_R30");
    row("MDM^T02^MDM_T02");
    row("ZZZ^Z01^ZZZ_Z01");
}

#[test]
fn an_alarm_passes_whatever_else_is_wrong_with_it() {
    let row = |text: &str, outcomes: [(Verdict, bool, bool); 3]| {
        for (tier, expected) in TIERS.into_iter().zip(outcomes) {
            let judgement = Case::new(tier).judge(Way::FromDevice, text);
            assert_eq!(outcome(&judgement), expected, "{tier:?} {text:?}");
        }
    };
    row(&alarm().replace("|1|P|2.6", "||Q|"), [FLAG, FLAG_PAGE, FLAG_PAGE]);
    row(&alarm().replace("PUMP", "OTHER"), [FLAG_PAGE; 3]);
    row(&alarm().replace("|7\r", "|\0\r"), [FLAG, FLAG_PAGE, FLAG_PAGE]);
    row(&alarm().replace("^~\\&", "^~\\"), [FLAG, FLAG, FLAG_PAGE]);
    row(&alarm().replace("OBR", "obr"), [FLAG, FLAG, FLAG_PAGE]);
    row(&format!("{}{}", alarm(), "OBX|1\r".repeat(100)), [FLAG, FLAG, FLAG_PAGE]);
    for tier in TIERS {
        let mut case = Case::new(tier);
        case.permitted = OperationSet::default();
        case.lifelines = OperationSet::default();
        let judgement = case.judge(Way::FromDevice, &alarm());
        assert_eq!(judgement.verdict, Verdict::PassFlag, "{tier:?}: not even listed");
    }
}

#[test]
fn a_device_must_name_itself() {
    let row = |text: &str| {
        check(text, &[Reason::IdentityMismatch], [FLAG_PAGE, BLOCK_PAGE_AR, BLOCK_AR]);
    };
    let device = |id: &str| report().replace("|7\r", &format!("|7|||||||||||||{id}\r"));
    row(&report().replace("|PUMP|", "|PUMP2|"));
    row(&report().replace("|PUMP|", "|OTHER^PUMP|"));
    row(&report().replace("|PUMP|", "||"));
    row(&report().replace("|ICU|", "|ER|"));
    row(&device("0003B1000000A002"));
    row(&device("PUMP-1^^00-03-B1-00-00-00-A0-02^EUI-64"));
    row(&device("PUMP-1^^^EUI-64"));
    row(&device("0003B1000000A001~0003B1000000A002"));
    check(&report().replace("|PUMP|", "|PUMP^1.2.3^ISO|"), &[], [PASS; 3]);
    check(&report().replace("|PUMP|", "|\\X50\\UMP|"), &[], [PASS; 3]);
    check(&device("0003b1000000a001"), &[], [PASS; 3]);
    check(&device("PUMP-1^^00-03-B1-00-00-00-A0-01^EUI-64"), &[], [PASS; 3]);
    check(&device("PUMP-1"), &[], [PASS; 3]);
    check(&report().replace("|SRV|", "|OTHER|"), &[Reason::ReceiverMismatch], [FLAG; 3]);
    check(&report().replace("|HOSP|", "|OTHER|"), &[Reason::ReceiverMismatch], [FLAG; 3]);
    check(&report().replace("|SRV|HOSP|", "|||"), &[], [PASS; 3]);
}

#[test]
fn a_device_tells_nobody_what_to_do() {
    let kinds = [
        "RGV^O15^RGV_O15",
        "RGV^O99",
        "RDE^O11^RDE_O11",
        "RDE^O25",
        "OMP^O09^OMP_O09",
        "ADT^A01^ADT_A01",
        "ADT^A40^ADT_A39",
        "QBP^Q22^QBP_Q21",
        "ORM^O01^ORM_O01",
    ];
    for kind in kinds {
        for tail in ["", "MSA|AA|1\r", "P-D\r"] {
            for tier in TIERS {
                let mut case = Case::new(tier);
                let _judged = case.judge(Way::ToDevice, &to_device("ORU^R01^ORU_R01", "1", ""));
                let judgement = case.judge(Way::FromDevice, &from_device(kind, "1", tail));
                assert!(judgement.reasons.contains(Reason::CommandFromDevice), "{kind} {tail:?}");
                let expected = (Verdict::Block, true, tail != "P-D\r");
                assert_eq!(outcome(&judgement), expected, "{tier:?} {kind} {tail:?}");
            }
        }
    }
}

#[test]
fn only_a_listed_query_of_its_own_may_come_from_a_device() {
    let check = |operation: Operation, kind: &str, opened: Direction, expected: Verdict| {
        let mut case = Case::new(Tier::Orange);
        case.permitted.insert(operation);
        case.opened = opened;
        let judgement = case.judge(Way::FromDevice, &from_device(kind, "1", ""));
        assert_eq!(judgement.verdict, expected, "{kind} {opened:?}");
    };
    check(Operation::Hl7Qbp, "QBP^Q22^QBP_Q21", Direction::Out, Verdict::Pass);
    check(Operation::Hl7Qbp, "QBP^Q22^QBP_Q21", Direction::In, Verdict::Block);
    check(Operation::Hl7RgvO15, "RGV^O15^RGV_O15", Direction::Out, Verdict::Block);
    check(Operation::Hl7RgvO15, "RGV^O15^RGV_O15", Direction::In, Verdict::Block);
    check(Operation::Hl7Adt, "ADT^A01^ADT_A01", Direction::Out, Verdict::Block);
}

#[test]
fn control_bytes_and_unusual_sizes_are_judged_by_tier() {
    for byte in ['\0', '\x07', '\x0B', '\x1B'] {
        let text = report().replace("|7\r", &format!("|{byte}\r"));
        check(&text, &[Reason::ControlBytes], [FLAG, BLOCK_AR, BLOCK_AR]);
    }
    check(&report().replace("|7\r", "|a\tb\nc\r"), &[], [PASS; 3]);
    let many = |count: usize| format!("{}{}", report(), "OBX|1\r".repeat(count - 1));
    check(&many(20), &[], [PASS; 3]);
    check(&many(21), &[Reason::UnusualSize], [FLAG, FLAG, BLOCK_AR]);
    let long = report().replace("|7\r", &format!("|{}\r", "7".repeat(5_000)));
    check(&long, &[Reason::UnusualSize], [FLAG, FLAG, BLOCK_AR]);
}

#[test]
fn headers_are_held_to_time_version_and_purpose() {
    let time = |text: &str| report().replace("20261124101501+0000", text);
    for good in [
        "20261124101001+0000",
        "20261124102001+0000",
        "20261124111501+0100",
        "202611241015+0000",
        "20261124101501",
        "20261124111501",
        "20261124154501",
        "20261124053001",
        "20261124022001",
    ] {
        check(&time(good), &[], [PASS; 3]);
    }
    for bad in [
        "20261124101000+0000",
        "20261124102002+0000",
        "20261124101501+0100",
        "20261124",
        "2026112410",
        "yesterday",
        "20261124102230",
        "20261126101501",
    ] {
        check(&time(bad), &[Reason::ClockSkew], [FLAG; 3]);
    }
    check(&report().replace("|P|", "|T|"), &[Reason::NotProduction], [FLAG; 3]);
    check(&report().replace("|P|", "|D^T|"), &[Reason::NotProduction], [FLAG; 3]);
    check(&report().replace("|P|", "|P^T|"), &[], [PASS; 3]);
    let version = [Reason::VersionNotListed];
    check(&report().replace("|2.6\r", "|2.5\r"), &version, [FLAG, FLAG, BLOCK_AR]);
    check(&report().replace("|2.6\r", "|2.6^DEU\r"), &[], [PASS; 3]);
    check(&report().replace("|2.6\r", "|2.6|||NE|AL\r"), &[], [PASS; 3]);
    let text = report().replace("|2.6\r", "|2.6|||XX|AL\r");
    check(&text, &[Reason::Malformed], [FLAG, FLAG, BLOCK_AR]);
    for good in ["ASCII", "8859/1", "UNICODE UTF-8", "~8859/15"] {
        check(&report().replace("|2.6\r", &format!("|2.6||||||{good}\r")), &[], [PASS; 3]);
    }
    for bad in ["GB 18030-2000", "ASCII~ISO IR87", "UNICODE"] {
        let text = report().replace("|2.6\r", &format!("|2.6||||||{bad}\r"));
        check(&text, &[Reason::Unsupported], [FLAG, FLAG, BLOCK_AR]);
    }
    let id = |length: usize| report().replace("|1|P", &format!("|{}|P", "9".repeat(length)));
    check(&id(199), &[], [PASS; 3]);
    check(&id(200), &[Reason::OverLimit], [FLAG, FLAG, BLOCK_AR]);
}

#[test]
fn an_order_reaches_a_pump_only_from_who_may_give_it() {
    for tier in TIERS {
        let mut case = Case::pump(tier);
        assert_eq!(outcome(&case.judge(Way::ToDevice, &order("PID|||PAT1\r"))), PASS, "{tier:?}");
        let mut own = Case::pump(tier);
        own.opened = Direction::Out;
        assert_eq!(outcome(&own.judge(Way::ToDevice, &order(""))), PASS, "{tier:?}");
        let unlisted = [
            ("RGV^O15^RGV_O15", Reason::CommandSource),
            ("RGV^O16", Reason::CommandSource),
            ("RDE^O11^RDE_O11", Reason::CommandSource),
            ("ADT^A01^ADT_A01", Reason::OperationNotListed),
            ("OMP^O09^OMP_O09", Reason::OperationNotListed),
            ("QBP^Q22^QBP_Q21", Reason::OperationNotListed),
            ("ORU^R42^ORU_R01", Reason::OperationNotListed),
            ("ORU^R01^ORU_R01", Reason::OperationNotListed),
            ("ZZZ^Z01^ZZZ_Z01", Reason::OperationNotListed),
        ];
        for (kind, reason) in unlisted {
            for tail in ["", "MSA|AA|1\r"] {
                let mut case = Case::new(tier);
                let judgement = case.judge(Way::ToDevice, &to_device(kind, "1", tail));
                assert!(judgement.reasons.contains(reason), "{tier:?} {kind} {tail:?}");
                let expected = (Verdict::Block, reason == Reason::CommandSource, true);
                assert_eq!(outcome(&judgement), expected, "{tier:?} {kind} {tail:?}");
            }
        }
    }
}

#[test]
fn a_broken_order_does_not_reach_a_pump() {
    for tier in TIERS {
        let mut case = Case::pump(tier);
        let broken = order("P-D\r");
        assert_eq!(outcome(&case.judge(Way::ToDevice, &broken)), BLOCK, "{tier:?}");
        let hidden = format!("{}{}", to_device("ACK", "2", "MSA|AA|1\r"), order(""));
        assert_eq!(outcome(&case.judge(Way::ToDevice, &hidden)), BLOCK, "{tier:?}");
        let mut other = Case::new(tier);
        assert_eq!(outcome(&other.judge(Way::ToDevice, &broken)), BLOCK_PAGE, "{tier:?}");
    }
    let mut red = Case::new(Tier::Red);
    let answer = to_device("ACK", "2", "MSA|AA|1\rx");
    assert_eq!(outcome(&red.judge(Way::ToDevice, &answer)), FLAG, "an answer to a lifeline");
}

#[test]
fn an_order_for_another_patient_or_pump_is_shown_to_the_clinician() {
    let check = |tail: &str, reasons: &[Reason]| {
        for tier in TIERS {
            let judgement = Case::pump(tier).judge(Way::ToDevice, &order(tail));
            assert_eq!(judgement.reasons.iter().collect::<Vec<_>>(), reasons, "{tail}");
            assert_eq!(outcome(&judgement), if reasons.is_empty() { PASS } else { FLAG_PAGE });
        }
    };
    let pump = "OBX|1||69986^a^MDC||||||||X|||||||PUMP-1^^0003B1000000A001^EUI-64\r";
    check(&format!("PID|||PAT1^^^H^PI~X\r{pump}"), &[]);
    check(&format!("PID|||P\\X41\\T1\r{pump}"), &[]);
    check(&format!("PID|||^^^H^PI\r{pump}"), &[]);
    check(pump, &[]);
    check("PID|||PAT2\r", &[Reason::PatientMismatch]);
    check(&format!("PID|||{}\r", "P".repeat(300)), &[Reason::PatientMismatch]);
    check(&pump.replace("A001", "A002"), &[Reason::DeviceMismatch]);
    check("PRT|1|UC||EQUIP||||||0003B1000000A002^^^EUI-64\r", &[Reason::DeviceMismatch]);
    check("PRT|1|UC||EQUIP||||||0003B1000000A001^^^EUI-64\r", &[]);
    let both = [Reason::PatientMismatch, Reason::DeviceMismatch];
    check(&format!("PID|||PAT2\r{}", pump.replace("A001", "A002")), &both);
    let mut case = Case::pump(Tier::Red);
    case.patient = None;
    assert_eq!(outcome(&case.judge(Way::ToDevice, &order("PID|||PAT2\r"))), PASS);
}

/// A hundred ways to break an alarm, each other than all before.
fn broken_alarms() -> Vec<String> {
    let whole = alarm();
    let cuts = (0..60).step_by(2).map(|end| whole.get(..end).unwrap().to_owned());
    let mut broken: Vec<String> = cuts.collect();
    let swaps = [
        ("^~\\&", "^~\\"),
        ("^~\\&", "^^\\&"),
        ("^~\\&", "^~a&"),
        ("^~\\&", ""),
        ("^~\\&", "^~\\&#%"),
        ("^~\\&|", "^~\\&||"),
        ("|PUMP", ""),
        ("OBR", "obr"),
        ("OBR", "O"),
        ("OBR|1", "|"),
        ("OBX", "OB X"),
        ("OBR", "MSH"),
        ("OBR", "FHS"),
        ("\rOBR", "\r\x0BOBR"),
        ("MSH", "\rMSH"),
        ("MSH", "\u{feff}MSH"),
        ("MSH", "  MSH"),
        ("MSH", "xMSH"),
        ("2.6", ""),
        ("|P|", "||"),
        ("|1|P", "||P"),
        ("20261124101501+0000", "x"),
        ("20261124101501+0000", ""),
        ("7\r", "\0\r"),
        ("^ORU_R40", ""),
        ("PUMP", "X"),
        ("SRV", "X"),
        ("2.6", "9.9"),
        ("|P|", "|T|"),
        ("|7", "\x1B"),
    ];
    broken.extend(swaps.iter().map(|(from, to)| whole.replacen(from, to, 1)));
    for byte in ["\0", "\x01", "\x0B", "\x1B", "\x1F"] {
        for at in [1, 5, 9, 20, 40, 60, 80, 100] {
            let (head, tail) = whole.split_at(at);
            broken.push(format!("{head}{byte}{tail}"));
        }
    }
    broken
}

#[test]
fn a_hundred_broken_alarms_of_a_red_device_pass() {
    let broken = broken_alarms();
    assert_eq!(broken.iter().collect::<BTreeSet<_>>().len(), 100, "no two are the same");
    for text in &broken {
        let judgement = Case::new(Tier::Red).judge(Way::FromDevice, text);
        assert_eq!(judgement.verdict, Verdict::PassFlag, "{text:?} {judgement:?}");
    }
}

#[test]
fn broken_alarms_of_an_orange_device_pass_as_long_as_they_can_be_told_from_others() {
    let mut case = Case::new(Tier::Orange);
    for text in broken_alarms() {
        let judgement = case.judge(Way::FromDevice, &text);
        let is_alarm = judgement.operation == Some(Operation::Hl7OruR40);
        assert!(!is_alarm || judgement.verdict != Verdict::Block, "{text:?} {judgement:?}");
    }
}

proptest! {
    #[test]
    fn nothing_of_a_red_lifeline_is_blocked_but_commands(
        bytes in prop::collection::vec(
            prop::sample::select(b"|^~\\&\r\nMSHORUACKPIDBX0149.\0\x0B".to_vec()), 0..120),
        has_header in any::<bool>(),
    ) {
        let head = b"MSH|^~\\&|PUMP|ICU|SRV|HOSP|20261124101501+0000||".as_slice();
        let bytes = if has_header { [head, &bytes].concat() } else { bytes };
        let mut case = Case::new(Tier::Red);
        let judgement = case.judge_result(Way::FromDevice, Message::parse(&bytes), &bytes);
        if judgement.verdict == Verdict::Block {
            prop_assert!(judgement.reasons.contains(Reason::CommandFromDevice));
        }
    }

    #[test]
    fn nothing_reaches_a_device_that_takes_nothing_but_answers(
        kind in "[A-Z]{3}\\^[A-Z][0-9]{2}", tail in "(MSA\\|AA\\|[0-9]\r)?", tier in 0_usize..3,
    ) {
        let mut case = Case::new(*TIERS.get(tier).unwrap());
        let _judged = case.judge(Way::FromDevice, &report().replace("|1|P", "|77|P"));
        let text = to_device(&kind, "5", &tail);
        let judgement = case.judge(Way::ToDevice, &text);
        if judgement.verdict != Verdict::Block {
            let answers = Message::parse(text.as_bytes()).unwrap();
            prop_assert_eq!(Sort::of(&answers.message_type()), Sort::Answer);
        }
    }
}

#![expect(clippy::panic, clippy::unwrap_used, reason = "tests stop at the first surprise")]

use cordon_model::fleet::{AddressRange, Inspection, ModbusTable, WriteRange};
use cordon_model::{Mono, OperationSet, Tier, Wall};
use proptest::prelude::*;

use super::*;
use crate::inspect::{DeviceIdentity, PeerIdentity, Salt};

const SALT: Salt = Salt([0; 32]);

fn at(ms: u64) -> Now {
    Now { mono: Mono(ms * 1_000_000), wall: Wall(1_790_000_000 + ms / 1000) }
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .chars()
        .filter(|letter| !letter.is_whitespace())
        .map(|letter| u8::try_from(letter.to_digit(16).unwrap()).unwrap())
        .collect();
    digits.as_chunks::<2>().0.iter().map(|[high, low]| high << 4 | low).collect()
}

/// The status block of an air handler: state, two temperatures, and setpoints to read.
fn air_handler() -> Inspection {
    let table = ModbusTable::HoldingRegisters;
    let coils = ModbusTable::Coils;
    Inspection {
        modbus: Some(ModbusRules {
            units: vec![1],
            reads: vec![
                AddressRange { table, from: 0, to: 99 },
                AddressRange { table, from: 100, to: 199 },
                AddressRange { table: ModbusTable::InputRegisters, from: 0, to: 9 },
            ],
            writes: vec![
                WriteRange { table, from: 1000, to: 1000, min: 0, max: 7 },
                WriteRange { table, from: 1001, to: 1002, min: 160, max: 280 },
                WriteRange { table, from: 1010, to: 1010, min: 0, max: u16::MAX },
                WriteRange { table: coils, from: 5, to: 20, min: 0, max: 1 },
                WriteRange { table: coils, from: 21, to: 21, min: 1, max: 1 },
            ],
            writes_per_minute_max: Some(10),
        }),
        ..Inspection::default()
    }
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
}

impl Case {
    fn new(tier: Tier, opened: Direction) -> Self {
        Self {
            flow: Flow::default(),
            memory: Memory::default(),
            rules: air_handler(),
            tier,
            opened,
            permitted: [Operation::ModbusRead, Operation::ModbusWrite].into_iter().collect(),
            lifelines: OperationSet::default(),
        }
    }

    fn judge(&mut self, now: Now, way: Way, message: Result<&Adu<'_>, Fault>) -> Judgement {
        let subject = Subject {
            tier: self.tier,
            opened: self.opened,
            permitted: self.permitted,
            lifelines: self.lifelines,
            identity: DeviceIdentity::default(),
            peer: PeerIdentity::default(),
            rules: &self.rules,
            api_rate_per_minute: None,
            patient: None,
            salt: &SALT,
        };
        judge(&mut self.flow, &mut self.memory, now, way, message, &subject)
    }

    fn asks(&mut self, ms: u64, transaction_id: u16, pdu: &str) -> Judgement {
        let way = if self.opened == Direction::Out { Way::FromDevice } else { Way::ToDevice };
        let pdu = hex(pdu);
        self.judge(at(ms), way, Ok(&Adu { transaction_id, unit_id: 1, pdu: &pdu }))
    }

    fn answers(&mut self, ms: u64, transaction_id: u16, pdu: &str) -> Judgement {
        let way = if self.opened == Direction::Out { Way::ToDevice } else { Way::FromDevice };
        let pdu = hex(pdu);
        self.judge(at(ms), way, Ok(&Adu { transaction_id, unit_id: 1, pdu: &pdu }))
    }
}

fn reasons(judgement: &Judgement) -> Vec<Reason> {
    judgement.reasons.iter().collect()
}

fn exception(judgement: &Judgement) -> Option<u8> {
    judgement.refusal.map(|refusal| match refusal {
        Refusal::ModbusException { code } => code,
        Refusal::Hl7Reject
        | Refusal::DicomReject { .. }
        | Refusal::DicomAbort { .. }
        | Refusal::BacnetReject { .. }
        | Refusal::BacnetError { .. }
        | Refusal::Http { .. } => panic!("not of Modbus"),
    })
}

/// Asks once, of a GREEN device in either direction, and expects reasons and an exception.
fn check(pdu: &str, operation: Option<Operation>, expected: &[Reason], code: Option<u8>) {
    for opened in [Direction::Out, Direction::In] {
        let judgement = Case::new(Tier::Green, opened).asks(0, 1, pdu);
        assert_eq!(judgement.operation, operation, "{pdu} {opened:?}");
        assert_eq!(reasons(&judgement), expected, "{pdu} {opened:?}");
        assert_eq!(exception(&judgement), code, "{pdu} {opened:?}");
        let verdict = if expected.is_empty() { Verdict::Pass } else { Verdict::Block };
        assert_eq!(judgement.verdict, verdict, "{pdu} {opened:?}");
    }
}

#[test]
fn reads_and_writes_pass_where_they_are_declared() {
    use Reason::{AddressNotListed, ValueOutOfRange};
    let (read, write) = (Some(Operation::ModbusRead), Some(Operation::ModbusWrite));
    check("03 0000 000a", read, &[], None);
    check("03 005a 0014", read, &[], None); // 90 to 109: two ranges that touch
    check("03 00be 000a", read, &[], None); // 190 to 199
    check("03 00be 000b", read, &[AddressNotListed], Some(2)); // one too many
    check("04 0000 000a", read, &[], None);
    check("01 0000 0001", read, &[AddressNotListed], Some(2));
    check("18 0064", read, &[], None);
    check("18 0100", read, &[AddressNotListed], Some(2));
    check("06 03e8 0007", write, &[], None);
    check("06 03e8 0008", write, &[ValueOutOfRange], Some(3));
    check("06 03eb 0000", write, &[AddressNotListed], Some(2));
    check("10 03e8 0003 06 0001 00a0 0118", write, &[], None);
    check("10 03e8 0003 06 0001 009f 0118", write, &[ValueOutOfRange], Some(3));
    check("10 03e8 0004 08 0001 00a0 0118 0000", write, &[AddressNotListed], Some(2));
    check("10 03e7 0002 04 0000 0008", write, &[AddressNotListed, ValueOutOfRange], Some(2));
    check("05 0005 ff00", write, &[], None);
    check("05 0015 0000", write, &[ValueOutOfRange], Some(3));
    check("05 0016 0000", write, &[AddressNotListed], Some(2));
    check("0f 0005 0011 03 ff ff 01", write, &[], None);
    check("0f 0005 0011 03 ff ff 00", write, &[ValueOutOfRange], Some(3));
    // A mask leaves what cannot be known.
    check("16 03f2 ffff 0001", write, &[], None);
    check("16 03e8 ffff 0001", write, &[ValueOutOfRange], Some(3));
    check("16 0000 ffff 0001", write, &[AddressNotListed], Some(2));
    check("17 0000 0001 03e8 0001 02 0003", write, &[], None);
    check("17 0100 0001 03e8 0001 02 0003", write, &[AddressNotListed], Some(2));
    check("17 0000 0001 0000 0001 02 0003", write, &[AddressNotListed], Some(2));
}

#[test]
fn every_other_function_is_stopped_unless_it_is_listed() {
    use Reason::{DangerousDiagnostics, FunctionUnknown, OperationNotListed};
    let diagnostics = Some(Operation::ModbusDiagnostics);
    for pdu in ["07", "08 0000 a537", "08 000a 0000", "0b", "0c", "11"] {
        check(pdu, diagnostics, &[OperationNotListed], Some(1));
    }
    for pdu in ["08 0001 0000", "08 0001 ff00", "08 0004 0000"] {
        check(pdu, diagnostics, &[OperationNotListed, DangerousDiagnostics], Some(1));
    }
    let file = Some(Operation::ModbusFile);
    check("14 07 06 0004 0001 0002", file, &[OperationNotListed], Some(1));
    check("15 09 06 0004 0001 0001 0000", file, &[OperationNotListed], Some(1));
    check("2b 0e 01 00", Some(Operation::ModbusIdentify), &[OperationNotListed], Some(1));
    for pdu in ["09", "2b 0d 00", "2b 0f", "41 00", "5a 00 02", "64", "7f"] {
        check(pdu, None, &[OperationNotListed, FunctionUnknown], Some(1));
    }
}

#[test]
fn a_listed_operation_passes_and_restarting_never_does() {
    let mut case = Case::new(Tier::Green, Direction::In);
    case.permitted = OperationSet::all();
    for pdu in ["08 0000 a537", "11", "2b 0e 01 00", "14 07 06 0004 0001 0002"] {
        assert_eq!(case.asks(0, 1, pdu).verdict, Verdict::Pass, "{pdu}");
    }
    for tier in [Tier::Red, Tier::Orange, Tier::Yellow, Tier::Green, Tier::GreenLs] {
        for opened in [Direction::Out, Direction::In] {
            let mut case = Case::new(tier, opened);
            case.permitted = OperationSet::all();
            case.lifelines = OperationSet::all();
            for pdu in ["08 0001 0000", "08 0004 0000"] {
                let judgement = case.asks(0, 1, pdu);
                assert_eq!(reasons(&judgement), [Reason::DangerousDiagnostics]);
                assert_eq!((judgement.verdict, judgement.page), (Verdict::Block, true), "{tier:?}");
                assert_eq!(exception(&judgement), Some(1));
            }
        }
    }
}

#[test]
fn what_breaks_the_standard_is_named_and_refused() {
    use Reason::{FunctionUnknown, Malformed, OperationNotListed};
    let (read, write) = (Some(Operation::ModbusRead), Some(Operation::ModbusWrite));
    check("03 0000 007e", read, &[Malformed], Some(3));
    check("03 0000", read, &[Malformed], Some(3));
    check("03 ffff 0002", read, &[Malformed], Some(2));
    check("05 0005 0001", write, &[Malformed], Some(3));
    check("0f 0000 07d0 fa", write, &[Malformed], Some(3));
    check("83 02", read, &[Malformed], Some(1));
    check("00", None, &[Malformed, OperationNotListed, FunctionUnknown], Some(1));
}

#[test]
fn malformed_requests_are_treated_by_tier() {
    let fault = Fault::Malformed { at: 2, rule: "Modbus TCP IGv1.0b §3.1.3" };
    let lifeline: OperationSet = [Operation::ModbusRead].into_iter().collect();
    let none = OperationSet::default();
    let cases = [
        (Tier::Red, lifeline, [Verdict::PassFlag; 4]),
        (Tier::Red, none, [Verdict::PassFlag; 4]),
        (Tier::GreenLs, lifeline, [Verdict::PassFlag; 4]),
        (
            Tier::Orange,
            none,
            [Verdict::PassFlag, Verdict::PassFlag, Verdict::Block, Verdict::Block],
        ),
        (Tier::Yellow, none, [Verdict::Block; 4]),
        (Tier::Green, none, [Verdict::Block; 4]),
    ];
    for (tier, lifelines, expected) in cases {
        let mut case = Case::new(tier, Direction::Out);
        case.lifelines = lifelines;
        for (ms, verdict) in [0, 1000, 2000, 3000].into_iter().zip(expected) {
            let judgement = case.judge(at(ms), Way::FromDevice, Err(fault));
            assert_eq!((judgement.verdict, judgement.refusal), (verdict, None), "{tier:?} {ms}");
        }
        let mut case = Case::new(tier, Direction::In);
        let judgement = case.judge(at(0), Way::ToDevice, Err(fault));
        assert_eq!(judgement.verdict, Verdict::Block, "{tier:?}, towards the device");
    }
    let cut = Case::new(Tier::Green, Direction::Out).judge(
        at(0),
        Way::FromDevice,
        Err(Fault::Incomplete { need: 3 }),
    );
    assert_eq!((cut.verdict, reasons(&cut)), (Verdict::PassFlag, vec![Reason::Truncated]));
}

#[test]
fn a_red_lifeline_is_only_remarked() {
    let mut case = Case::new(Tier::Red, Direction::Out);
    case.lifelines = case.permitted;
    for pdu in ["03 0100 0001", "06 03e8 0008", "03 0000 0000", "5a 00"] {
        let judgement = case.asks(0, 1, pdu);
        assert_eq!((judgement.verdict, judgement.refusal), (Verdict::PassFlag, None), "{pdu}");
    }
    let answer = case.answers(0, 99, "03 02 0000");
    assert_eq!(answer.verdict, Verdict::PassFlag);
}

#[test]
fn only_declared_units_are_addressed() {
    let mut case = Case::new(Tier::Green, Direction::Out);
    let pdu = hex("03 0000 000a");
    let adu = Adu { transaction_id: 1, unit_id: 2, pdu: &pdu };
    let judgement = case.judge(at(0), Way::FromDevice, Ok(&adu));
    assert_eq!(reasons(&judgement), [Reason::UnitNotListed]);
    assert_eq!(exception(&judgement), Some(2));
    case.rules = Inspection::default();
    assert_eq!(case.judge(at(0), Way::FromDevice, Ok(&adu)).verdict, Verdict::Pass);
    assert_eq!(case.asks(0, 2, "06 ffff ffff").verdict, Verdict::Pass, "no rules, no limits");
}

#[test]
fn an_answer_needs_a_request_of_its_transaction_unit_and_function() {
    let answer = |ms, transaction_id, unit_id, pdu: &str| {
        let mut case = Case::new(Tier::Green, Direction::Out);
        assert_eq!(case.asks(0, 7, "03 0000 0001").verdict, Verdict::Pass);
        let pdu = hex(pdu);
        let adu = Adu { transaction_id, unit_id, pdu: &pdu };
        reasons(&case.judge(at(ms), Way::ToDevice, Ok(&adu)))
    };
    assert_eq!(answer(10, 7, 1, "03 02 0000"), []);
    assert_eq!(answer(10, 7, 1, "83 04"), []);
    assert_eq!(answer(4_999, 7, 1, "03 02 0000"), []);
    assert_eq!(answer(5_000, 7, 1, "03 02 0000"), [Reason::UnexpectedReply]);
    assert_eq!(answer(10, 8, 1, "03 02 0000"), [Reason::UnexpectedReply]);
    assert_eq!(answer(10, 7, 2, "03 02 0000"), [Reason::UnexpectedReply]);
    assert_eq!(answer(10, 7, 1, "04 02 0000"), [Reason::UnexpectedReply]);
    assert_eq!(answer(10, 7, 1, "03 03 000000"), [Reason::Malformed]);
    // A byte too many, as some devices send it: still the answer to its request.
    assert_eq!(answer(10, 7, 1, "83 06 00"), [Reason::Malformed]);
}

#[test]
fn an_answer_is_taken_once() {
    let mut case = Case::new(Tier::Green, Direction::In);
    for _ in 0..2 {
        assert_eq!(case.asks(0, 0, "03 0000 0001").verdict, Verdict::Pass);
    }
    for expected in [Verdict::Pass, Verdict::Pass, Verdict::Block] {
        assert_eq!(case.answers(1, 0, "03 02 0000").verdict, expected);
    }
    // What was stopped was never asked.
    assert_eq!(case.asks(2, 5, "03 0100 0001").verdict, Verdict::Block);
    assert_eq!(case.answers(3, 5, "03 02 0000").verdict, Verdict::Block);
}

#[test]
fn sixteen_requests_are_open_at_most() {
    let mut case = Case::new(Tier::Green, Direction::Out);
    for transaction in 0..16 {
        assert_eq!(case.asks(0, transaction, "03 0000 0001").verdict, Verdict::Pass);
    }
    let judgement = case.asks(0, 16, "03 0000 0001");
    assert_eq!(reasons(&judgement), [Reason::TooManyPending]);
    assert_eq!(exception(&judgement), Some(4));
    assert_eq!(case.answers(1, 3, "03 02 0000").verdict, Verdict::Pass);
    assert_eq!(case.asks(2, 16, "03 0000 0001").verdict, Verdict::Pass);
    // Nobody answers: after five seconds there is room again.
    assert_eq!(case.asks(5_000, 17, "03 0000 0001").verdict, Verdict::Pass);
    assert_eq!(case.flow.open(), 2);
    // Where it is only remarked, the oldest is forgotten.
    let mut case = Case::new(Tier::Red, Direction::Out);
    for transaction in 0..17 {
        let _judgement = case.asks(u64::from(transaction), transaction, "03 0000 0001");
    }
    assert_eq!(case.flow.open(), 16);
    assert_eq!(reasons(&case.answers(20, 0, "03 02 0000")), [Reason::UnexpectedReply]);
    assert_eq!(reasons(&case.answers(20, 16, "03 02 0000")), []);
}

#[test]
fn more_writes_than_may_be_in_a_minute_are_stopped() {
    let mut case = Case::new(Tier::Green, Direction::In);
    let write = "06 03e8 0001";
    for transaction in 0..10 {
        // What is refused for something else does not count.
        let _refused = case.asks(100, transaction, "06 03e8 0009");
        assert_eq!(case.asks(100, transaction, write).verdict, Verdict::Pass);
    }
    let judgement = case.asks(60_099, 10, write);
    assert_eq!(reasons(&judgement), [Reason::WriteRate]);
    assert_eq!((judgement.verdict, exception(&judgement)), (Verdict::Block, Some(4)));
    assert_eq!(case.asks(60_099, 11, "03 0000 0001").verdict, Verdict::Pass, "reading goes on");
    assert_eq!(case.asks(60_100, 12, write).verdict, Verdict::Pass);
}

#[test]
fn the_fourth_wrong_address_in_a_minute_is_a_scan() {
    for (opened, way) in [(Direction::Out, Way::ToDevice), (Direction::In, Way::FromDevice)] {
        let mut case = Case::new(Tier::Green, opened);
        let mut answers = Vec::new();
        for n in 0..4_u16 {
            let ms = u64::from(n) * 1000;
            assert_eq!(case.asks(ms, n, "03 0000 0001").verdict, Verdict::Pass, "{way:?}");
            answers.push(case.answers(ms + 1, n, "83 02"));
        }
        let verdicts: Vec<Verdict> = answers.iter().map(|answer| answer.verdict).collect();
        assert_eq!(verdicts, [Verdict::Pass, Verdict::Pass, Verdict::Pass, Verdict::Block]);
        let last = answers.last().unwrap();
        assert_eq!((reasons(last), last.page), (vec![Reason::ScanPattern], true));
        let next = case.asks(4_000, 9, "03 0000 0001");
        assert_eq!((reasons(&next), exception(&next)), (vec![Reason::ScanPattern], Some(4)));
        assert_eq!(case.asks(60_001, 10, "03 0000 0001").verdict, Verdict::Pass);
    }
    let mut case = Case::new(Tier::Green, Direction::Out);
    for n in 0..20 {
        assert_eq!(case.asks(u64::from(n), n, "03 0000 0001").verdict, Verdict::Pass);
        assert_eq!(case.answers(u64::from(n), n, "83 06").verdict, Verdict::Pass, "only busy");
    }
}

#[test]
fn a_capture_that_starts_in_the_middle_stops_nothing_but_the_answer() {
    let mut case = Case::new(Tier::Green, Direction::Out);
    assert_eq!(reasons(&case.answers(0, 500, "03 02 0000")), [Reason::UnexpectedReply]);
    assert_eq!(case.asks(1, 501, "03 0000 0001").verdict, Verdict::Pass);
    assert_eq!(case.answers(2, 501, "03 02 0000").verdict, Verdict::Pass);
}

proptest! {
    #[test]
    fn any_conversation_is_judged(
        messages in prop::collection::vec(
            (any::<bool>(), 0_u16..4, prop::collection::vec(any::<u8>(), 0..12), 0_u64..9_000),
            0..60,
        ),
        tier in prop::sample::select(vec![Tier::Red, Tier::Orange, Tier::Green]),
    ) {
        let mut case = Case::new(tier, Direction::In);
        let mut ms = 0;
        for (from_device, transaction_id, pdu, wait) in messages {
            ms += wait;
            let way = if from_device { Way::FromDevice } else { Way::ToDevice };
            let adu = Adu { transaction_id, unit_id: 1, pdu: &pdu };
            let judgement = case.judge(at(ms), way, Ok(&adu));
            prop_assert!(case.flow.open() <= PENDING_MAX);
            prop_assert_eq!(judgement.reasons.is_empty(), judgement.verdict == Verdict::Pass);
        }
    }
}

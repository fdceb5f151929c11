#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use cordon_model::fleet::Inspection;
use cordon_model::{Mono, OperationSet, Tier, Wall};
use cordon_wire::Side;

use super::*;
use crate::inspect::{DeviceIdentity, PeerIdentity, Salt};

const SALT: Salt = Salt([0; 32]);

fn at(ms: u64) -> Now {
    Now { mono: Mono(ms * 1_000_000), wall: Wall(1_790_000_000 + ms / 1000) }
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
    rate: Option<u32>,
}

impl Case {
    fn new(tier: Tier, opened: Direction) -> Self {
        Self {
            flow: Flow::default(),
            memory: Memory::default(),
            rules: Inspection::default(),
            tier,
            opened,
            permitted: [Operation::HttpGet, Operation::HttpPost].into_iter().collect(),
            lifelines: OperationSet::default(),
            rate: None,
        }
    }

    fn judge(&mut self, ms: u64, is_request: bool, message: Result<&Head<'_>, Fault>) -> Judgement {
        let subject = Subject {
            tier: self.tier,
            opened: self.opened,
            permitted: self.permitted,
            lifelines: self.lifelines,
            identity: DeviceIdentity::default(),
            peer: PeerIdentity::default(),
            rules: &self.rules,
            api_rate_per_minute: self.rate,
            patient: None,
            salt: &SALT,
        };
        let way = if is_request == (self.opened == Direction::Out) {
            Way::FromDevice
        } else {
            Way::ToDevice
        };
        judge(&mut self.flow, &mut self.memory, at(ms), way, message, &subject)
    }

    fn asks(&mut self, ms: u64, method: &str) -> Judgement {
        let text = format!("{method} / HTTP/1.1\r\nHost: h\r\n\r\n");
        let head = Head::read(text.as_bytes(), Side::Request).unwrap();
        self.judge(ms, true, Ok(&head))
    }

    fn answers(&mut self, ms: u64, status: u16) -> Judgement {
        let text = format!("HTTP/1.1 {status} X\r\n\r\n");
        let head = Head::read(text.as_bytes(), Side::Response).unwrap();
        self.judge(ms, false, Ok(&head))
    }
}

fn reasons(judgement: &Judgement) -> Vec<Reason> {
    judgement.reasons.iter().collect()
}

const REFUSED: Option<Refusal> = Some(Refusal::Http { status: 403, retry_after_s: None });

#[test]
fn methods_are_verbs_and_only_those_listed_pass() {
    for opened in [Direction::Out, Direction::In] {
        let check = |method: &str, operation, passes: bool| {
            let judgement = Case::new(Tier::Yellow, opened).asks(0, method);
            assert_eq!(judgement.operation, operation, "{method}");
            assert_eq!(judgement.verdict == Verdict::Pass, passes, "{method}");
            assert_eq!(judgement.refusal, if passes { None } else { REFUSED }, "{method}");
            assert_eq!(judgement.reasons.contains(Reason::OperationNotListed), !passes, "{method}");
        };
        check("GET", Some(Operation::HttpGet), true);
        check("HEAD", Some(Operation::HttpGet), true);
        check("POST", Some(Operation::HttpPost), true);
        check("PUT", Some(Operation::HttpPut), false);
        check("PATCH", Some(Operation::HttpPatch), false);
        check("DELETE", Some(Operation::HttpDelete), false);
        check("CONNECT", Some(Operation::HttpConnect), false);
        check("OPTIONS", None, false);
        check("TRACE", None, false);
        check("get", None, false);
    }
}

#[test]
fn the_hundred_and_first_call_in_a_minute_is_told_when_to_come_back() {
    let mut case = Case::new(Tier::Yellow, Direction::Out);
    case.rate = Some(100);
    for call in 0..100 {
        // What is refused for something else does not count.
        let _refused = case.asks(call * 100, "DELETE");
        assert_eq!(case.asks(call * 100, "POST").verdict, Verdict::Pass, "{call}");
        assert_eq!(case.answers(call * 100 + 1, 200).verdict, Verdict::Pass);
    }
    let judgement = case.asks(10_000, "GET");
    assert_eq!((judgement.verdict, reasons(&judgement)), (Verdict::Block, vec![Reason::ApiRate]));
    assert_eq!(judgement.refusal, Some(Refusal::Http { status: 429, retry_after_s: Some(50) }));
    assert_eq!(case.asks(59_999, "GET").verdict, Verdict::Block);
    assert_eq!(case.asks(60_000, "GET").verdict, Verdict::Pass);
    assert_eq!(case.asks(60_001, "GET").verdict, Verdict::Block);
}

#[test]
fn the_rate_is_the_devices_not_the_connections() {
    let mut case = Case::new(Tier::Green, Direction::Out);
    case.rate = Some(2);
    assert_eq!(case.asks(0, "GET").verdict, Verdict::Pass);
    case.flow = Flow::default();
    assert_eq!(case.asks(1, "GET").verdict, Verdict::Pass);
    case.flow = Flow::default();
    assert_eq!(case.asks(2, "GET").verdict, Verdict::Block);
}

#[test]
fn too_many_calls_are_stopped_by_tier() {
    let lifeline: OperationSet = [Operation::HttpPost].into_iter().collect();
    for (tier, lifelines, expected) in [
        (Tier::Red, lifeline, Verdict::PassFlag),
        (Tier::Red, OperationSet::default(), Verdict::PassFlag),
        (Tier::Orange, OperationSet::default(), Verdict::Block),
        (Tier::Yellow, OperationSet::default(), Verdict::Block),
        (Tier::Green, OperationSet::default(), Verdict::Block),
    ] {
        let mut case = Case::new(tier, Direction::Out);
        (case.rate, case.lifelines) = (Some(1), lifelines);
        assert_eq!(case.asks(0, "POST").verdict, Verdict::Pass, "{tier:?}");
        let judgement = case.asks(1, "POST");
        assert_eq!(judgement.verdict, expected, "{tier:?}");
        assert_eq!(judgement.refusal.is_some(), expected == Verdict::Block, "{tier:?}");
    }
}

#[test]
fn what_cannot_be_read_is_a_bad_request_or_a_response_that_is_stopped() {
    let fault = Fault::Malformed { at: 0, rule: "RFC 9112 §6.3" };
    let bad = Some(Refusal::Http { status: 400, retry_after_s: None });
    for (tier, opened, expected) in [
        (Tier::Red, Direction::Out, Verdict::PassFlag),
        (Tier::Yellow, Direction::Out, Verdict::Block),
        (Tier::Red, Direction::In, Verdict::Block),
        (Tier::Yellow, Direction::In, Verdict::Block),
    ] {
        let judgement = Case::new(tier, opened).judge(0, true, Err(fault));
        assert_eq!(judgement.verdict, expected, "{tier:?} {opened:?}");
        assert_eq!(reasons(&judgement), [Reason::Malformed]);
        assert_eq!(judgement.refusal, bad.filter(|_| expected == Verdict::Block));
    }
    let judgement = Case::new(Tier::Yellow, Direction::Out).judge(0, false, Err(fault));
    assert_eq!((judgement.verdict, judgement.refusal), (Verdict::Block, None));
}

#[test]
fn a_response_needs_a_request() {
    let mut case = Case::new(Tier::Yellow, Direction::Out);
    let judgement = case.answers(0, 200);
    assert_eq!(reasons(&judgement), [Reason::UnexpectedReply]);
    assert_eq!(case.asks(1, "GET").verdict, Verdict::Pass);
    for (status, expected) in [(100, Verdict::Pass), (103, Verdict::Pass), (200, Verdict::Pass)] {
        assert_eq!(case.answers(2, status).verdict, expected);
    }
    assert_eq!(case.answers(3, 200).verdict, Verdict::Block);
    assert_eq!(case.asks(4, "DELETE").verdict, Verdict::Block);
    assert_eq!(case.answers(5, 200).verdict, Verdict::Block, "what was stopped was never asked");
}

#[test]
fn no_more_requests_are_open_than_a_reader_of_responses_can_expect() {
    let mut case = Case::new(Tier::Yellow, Direction::Out);
    for _ in 0..EXPECTED_MAX {
        assert_eq!(case.asks(0, "GET").verdict, Verdict::Pass);
    }
    let judgement = case.asks(0, "GET");
    assert_eq!(reasons(&judgement), [Reason::TooManyPending]);
    assert_eq!(judgement.refusal, REFUSED);
    assert_eq!(case.answers(1, 200).verdict, Verdict::Pass);
    assert_eq!(case.asks(2, "GET").verdict, Verdict::Pass);
    assert_eq!(case.flow.open(), EXPECTED_MAX);
}

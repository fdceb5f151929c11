#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests stop at the first surprise"
)]

use std::net::Ipv4Addr;

use cordon_model::{DeviceState, Mono, Tier, Wall};
use proptest::prelude::*;

use super::super::bundles::{self, Plan, acknowledgment, alarm, order};
use super::*;

const DEVICE: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 11);
const SERVICE: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 5);

/// A conversation, what went on, and what was answered.
struct Stage {
    party: Party,
    reading: Reading,
    memory: Memory,
    onward: Buffer,
    back: Buffer,
    verdicts: Vec<Verdict>,
}

impl Stage {
    fn new(tier: Tier, protocol: Protocol, is_lifeline: bool) -> Self {
        let plan = Plan { is_lifeline, ..Plan::new(SERVICE, 2575, protocol) };
        let rules =
            bundles::rules(bundles::bundle(tier, DEVICE, None, &[plan]), DeviceState::Normal);
        let (from, to) = (DEVICE.into(), SERVICE.into());
        let party = rules.between(from, to, 2575, cordon_model::Transport::Tcp).unwrap();
        Self {
            party,
            reading: Reading::new(protocol, Direction::Out, true),
            memory: Memory::default(),
            onward: Buffer::default(),
            back: Buffer::default(),
            verdicts: Vec::new(),
        }
    }

    fn run(&mut self, bytes: Option<&[u8]>) -> Next {
        self.goes(Way::FromDevice, bytes)
    }

    fn goes(&mut self, way: Way, bytes: Option<&[u8]>) -> Next {
        let (onward, back) = match way {
            Way::FromDevice => (&mut self.onward, &mut self.back),
            Way::ToDevice => (&mut self.back, &mut self.onward),
        };
        let verdicts = &mut self.verdicts;
        let mut case = Case {
            now: Now { mono: Mono(0), wall: Wall(1_795_521_600) },
            party: &self.party,
            memory: &mut self.memory,
            onward,
            back,
            each: &mut |_, _, judgement| verdicts.push(judgement.verdict),
        };
        match bytes {
            Some(bytes) => self.reading.feed(way, bytes, &mut case),
            None => self.reading.finish(way, &mut case),
        }
    }

    /// Passes a stream in, cut at places, and its end.
    fn stream(&mut self, bytes: &[u8], cuts: &[usize]) -> Next {
        let mut places: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
        places.extend([0, bytes.len()]);
        places.sort_unstable();
        for pair in places.windows(2) {
            match self.run(Some(&bytes[pair[0]..pair[1]])) {
                Next::Go => {}
                close @ Next::Close(_) => return close,
            }
        }
        self.run(None)
    }
}

/// What real senders do: gaps, missing carriage returns, bytes that are in no frame.
fn pieces() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let piece = prop_oneof![
        4 => (0..1_000_000_u32).prop_map(|id| alarm(&format!("A{id}"))),
        1 => Just(b"\r\n".to_vec()),
        1 => (0..1_000_000_u32).prop_map(|id| {
            let mut frame = alarm(&format!("B{id}"));
            frame.pop();
            frame
        }),
        1 => Just(vec![0x0b; 3]).prop_map(|mut bytes| { bytes.push(0x1c); bytes }),
    ];
    prop::collection::vec(piece, 1..8)
}

proptest! {
    #[test]
    fn a_stream_that_passes_comes_out_as_it_went_in(
        pieces in pieces(),
        cuts in prop::collection::vec(any::<usize>(), 0..20),
        tail in 0..40_usize,
    ) {
        // On a lifeline of YELLOW everything that a device sends passes.
        let mut stage = Stage::new(Tier::Yellow, Protocol::Hl7, true);
        let mut bytes = pieces.concat();
        bytes.extend_from_slice(&alarm("LAST")[..tail]);
        prop_assert_eq!(stage.stream(&bytes, &cuts), Next::Go);
        prop_assert!(!stage.verdicts.contains(&Verdict::Block));
        prop_assert_eq!(stage.onward.front(), bytes.as_slice());
        prop_assert!(stage.back.is_empty());
    }

    #[test]
    fn what_is_stopped_is_left_out_and_the_rest_goes_on(
        orders in prop::collection::vec(any::<bool>(), 1..12),
        cuts in prop::collection::vec(any::<usize>(), 0..20),
    ) {
        let mut stage = Stage::new(Tier::Orange, Protocol::Hl7, false);
        let (mut bytes, mut expected) = (Vec::new(), Vec::new());
        for (number, is_order) in orders.iter().enumerate() {
            let id = format!("M{number}");
            let frame = if *is_order { order(&id) } else { alarm(&id) };
            bytes.extend_from_slice(&frame);
            if !is_order {
                expected.extend_from_slice(&frame);
            }
        }
        prop_assert_eq!(stage.stream(&bytes, &cuts), Next::Go);
        prop_assert_eq!(stage.onward.front(), expected.as_slice());
        let refused = orders.iter().filter(|is_order| **is_order).count();
        let rejected = stage.back.front().windows(6).filter(|six| six == b"MSA|AR").count();
        prop_assert_eq!(rejected, refused);
    }

    #[test]
    fn nothing_of_a_message_goes_on_before_it_is_judged(end in 1..150_usize) {
        let mut stage = Stage::new(Tier::Orange, Protocol::Hl7, false);
        let frame = alarm("A1");
        prop_assume!(end < frame.len() - 1);
        let _next = stage.run(Some(&frame[..end]));
        prop_assert!(stage.onward.is_empty());
    }

    #[test]
    fn bytes_nobody_reads_go_on_as_they_come(
        bytes in prop::collection::vec(any::<u8>(), 0..500),
        cuts in prop::collection::vec(any::<usize>(), 0..9),
    ) {
        let mut stage = Stage::new(Tier::Green, Protocol::Opaque, false);
        prop_assert_eq!(stage.stream(&bytes, &cuts), Next::Go);
        prop_assert_eq!(stage.onward.front(), bytes.as_slice());
    }
}

#[test]
fn a_frame_that_is_too_long_and_passes_goes_on_to_its_end() {
    let mut frame = alarm("LONG");
    let at = frame.len() - 2;
    frame.splice(at..at, std::iter::repeat_n(b'x', 2 << 20));
    let mut bytes = frame;
    bytes.extend_from_slice(&alarm("NEXT"));
    for piece in [1_000, 16 << 10, 3 << 20] {
        let mut stage = Stage::new(Tier::Orange, Protocol::Hl7, true);
        for part in bytes.chunks(piece) {
            assert_eq!(stage.run(Some(part)), Next::Go);
        }
        assert!(stage.onward.front() == bytes.as_slice(), "{piece}");
    }
}

#[test]
fn another_protocol_ends_the_conversation_and_tls_goes_by_its_verdict() {
    let request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    for piece in [1, 4, 100] {
        let mut stage = Stage::new(Tier::Green, Protocol::Modbus, false);
        let last = request.chunks(piece).map(|part| stage.run(Some(part))).find(|n| *n != Next::Go);
        assert_eq!(last, Some(Next::Close(Ended::Blocked)));
        assert!(stage.onward.is_empty());
        let hello = [0x16, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3, 7, 7, 7, 7, 7, 7, 7, 7, 7];
        let mut stage = Stage::new(Tier::Green, Protocol::Hl7, false);
        for part in hello.chunks(piece) {
            assert_eq!(stage.run(Some(part)), Next::Go);
        }
        assert_eq!(stage.onward.front(), hello);
        assert_eq!(stage.verdicts, [Verdict::PassFlag]);
    }
}

#[test]
fn a_stream_without_beginning_of_the_next_message_goes_on_only_for_a_lifeline() {
    let adu = |tid: u8| [0, tid, 0, 0, 0, 6, 1, 3, 0, 0, 0, 1];
    let mut bytes = adu(1).to_vec();
    bytes.extend_from_slice(&[9; 30]);
    let mut stage = Stage::new(Tier::Orange, Protocol::Modbus, false);
    assert_eq!(stage.stream(&bytes, &[]), Next::Close(Ended::Lost));
    let mut lifeline = Stage::new(Tier::Orange, Protocol::Modbus, true);
    assert_eq!(lifeline.stream(&bytes, &[]), Next::Go);
    assert_eq!(lifeline.onward.front(), bytes);
}

#[test]
fn a_request_that_is_refused_ends_with_its_answer_and_its_body_stays_here() {
    let mut stage = Stage::new(Tier::Green, Protocol::Http, false);
    let bytes = b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\nsecret";
    let plan = Plan {
        operations: vec![cordon_model::Operation::HttpGet],
        ..Plan::new(SERVICE, 2575, Protocol::Http)
    };
    let bundle = bundles::bundle(Tier::Green, DEVICE, None, &[plan]);
    let rules = bundles::rules(bundle, DeviceState::Normal);
    let transport = cordon_model::Transport::Tcp;
    stage.party = rules.between(DEVICE.into(), SERVICE.into(), 2575, transport).unwrap();
    assert_eq!(stage.run(Some(bytes)), Next::Close(Ended::Blocked));
    assert!(stage.onward.is_empty());
    assert!(stage.back.front().starts_with(b"HTTP/1.1 403 "));
}

#[test]
fn an_answer_passes_the_other_way() {
    let mut stage = Stage::new(Tier::Orange, Protocol::Hl7, false);
    assert_eq!(stage.run(Some(&alarm("A1"))), Next::Go);
    assert_eq!(stage.goes(Way::ToDevice, Some(&acknowledgment("A1"))), Next::Go);
    assert_eq!(stage.back.front(), acknowledgment("A1"));
    // What answers nothing does not.
    let before = stage.back.len();
    assert_eq!(stage.goes(Way::ToDevice, Some(&acknowledgment("A2"))), Next::Go);
    assert_eq!(stage.back.len(), before);
}

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "tests stop at the first surprise"
)]

use cordon_core::inspect::Verdict;
use cordon_model::{DeviceState, Tier, Wall};
use etherparse::PacketBuilder;

use super::super::bundles::{self, Plan, acknowledgment, alarm, order};
use super::*;

const DEVICE: [u8; 4] = [10, 1, 0, 11];
const SERVICE: [u8; 4] = [10, 9, 0, 5];
const NOW: Now = Now { mono: Mono(1), wall: Wall(1_795_521_600) };

/// Packets of one connection, and what was told of them.
struct Stage {
    copies: Copies,
    seen: Vec<Seen>,
    seq: (u32, u32),
    port: u16,
}

impl Stage {
    fn new(limits: CopyLimits) -> Self {
        let plan =
            Plan { is_lifeline: true, ..Plan::new(IpAddr::from(SERVICE), 2575, Protocol::Hl7) };
        let bundle = bundles::bundle(Tier::Red, DEVICE.into(), None, &[plan]);
        let rules = bundles::rules(bundle, DeviceState::Normal);
        Self {
            copies: Copies::new(rules, limits),
            seen: Vec::new(),
            seq: (1_000, 9_000),
            port: 40_000,
        }
    }

    /// Makes a segment; its number counts from where its side is.
    fn segment(&mut self, from_device: bool, bytes: &[u8], flags: &str) -> Vec<u8> {
        let (from, to, seq, ack) = if from_device {
            ((DEVICE, self.port), (SERVICE, 2575), self.seq.0, self.seq.1)
        } else {
            ((SERVICE, 2575), (DEVICE, self.port), self.seq.1, self.seq.0)
        };
        let mut builder = PacketBuilder::ipv4(from.0, to.0, 64).tcp(from.1, to.1, seq, 60_000);
        for flag in flags.chars() {
            builder = match flag {
                's' => builder.syn(),
                'f' => builder.fin(),
                _ => builder.ack(ack),
            };
        }
        let mut packet = Vec::new();
        builder.write(&mut packet, bytes).unwrap();
        let extra = u32::from(flags.contains(['s', 'f']));
        let side = if from_device { &mut self.seq.0 } else { &mut self.seq.1 };
        *side = side.wrapping_add(u32::try_from(bytes.len()).unwrap() + extra);
        packet
    }

    fn send(&mut self, packet: &[u8]) {
        self.copies.packet(NOW, packet, &mut |seen| self.seen.push(seen));
    }

    fn says(&mut self, from_device: bool, bytes: &[u8], flags: &str) {
        let packet = self.segment(from_device, bytes, flags);
        self.send(&packet);
    }

    fn open(&mut self) {
        self.says(true, &[], "s");
        self.says(false, &[], "sa");
        self.says(true, &[], "a");
    }

    fn verdicts(&self) -> Vec<(Verdict, bool)> {
        let verdict = |seen: &Seen| match seen {
            Seen::Message { judgement, is_enforced: false, is_excused, .. } => {
                Some((judgement.verdict, *is_excused))
            }
            _ => None,
        };
        self.seen.iter().filter_map(verdict).collect()
    }
}

#[test]
fn messages_in_copied_segments_are_judged_in_whatever_order_they_come() {
    let mut stage = Stage::new(CopyLimits::default());
    stage.open();
    let frame = alarm("A1");
    let (first, second) = frame.split_at(60);
    let (first, second) = (stage.segment(true, first, "a"), stage.segment(true, second, "a"));
    stage.send(&second);
    stage.send(&first);
    stage.says(false, &acknowledgment("A1"), "a");
    stage.says(true, &order("O1"), "a");
    stage.says(true, &[], "fa");
    stage.says(false, &[], "fa");
    let verdicts: Vec<Verdict> = stage.verdicts().iter().map(|(verdict, _)| *verdict).collect();
    assert_eq!(verdicts.len(), 3, "{:?}", stage.seen);
    assert!(verdicts[0] != Verdict::Block && verdicts[2] == Verdict::Block, "{verdicts:?}");
    assert!(matches!(stage.seen.last(), Some(Seen::Closed { why: Ended::Done, .. })));
    assert_eq!(
        (stage.copies.conversations(), stage.copies.overlooked()),
        (0, Overlooked::default())
    );
}

#[test]
fn what_may_come_of_a_beginning_that_was_not_seen_is_excused() {
    let mut stage = Stage::new(CopyLimits::default());
    let frame = alarm("A1");
    stage.says(true, &frame[40..], "a");
    stage.says(true, &alarm("A2"), "a");
    let verdicts = stage.verdicts();
    assert_eq!(verdicts.first(), Some(&(Verdict::PassFlag, true)), "{verdicts:?}");
    assert!(
        verdicts
            .last()
            .is_some_and(|(verdict, is_excused)| { *verdict != Verdict::Block && !is_excused })
    );
}

#[test]
fn conversations_are_bounded_and_the_oldest_makes_room() {
    let mut stage = Stage::new(CopyLimits { conversations_max: 10, ..CopyLimits::default() });
    for port in 0..50 {
        stage.port = 40_000 + port;
        stage.open();
    }
    assert_eq!(stage.copies.conversations(), 10);
    assert_eq!(stage.copies.overlooked().evicted, 40);
}

#[test]
fn bytes_that_are_kept_are_bounded() {
    let limits = CopyLimits { held_bytes_max: 10_000, ..CopyLimits::default() };
    let mut stage = Stage::new(limits);
    stage.open();
    let _lost = stage.segment(true, &[1; 100], "a");
    for _ in 0..100 {
        stage.says(true, &[2; 1_000], "a");
    }
    assert!(stage.copies.held_bytes <= 10_000, "{}", stage.copies.held_bytes);
    assert!(stage.copies.overlooked().lost_bytes >= 100);
}

#[test]
fn what_is_no_packet_or_of_no_flow_is_counted() {
    let mut stage = Stage::new(CopyLimits::default());
    stage.send(&[]);
    stage.send(&[0xff; 30]);
    let mut packet = Vec::new();
    let builder = PacketBuilder::ipv4([1, 1, 1, 1], [2, 2, 2, 2], 64).udp(1, 2);
    builder.write(&mut packet, &[1]).unwrap();
    stage.send(&packet);
    let overlooked = stage.copies.overlooked();
    assert_eq!((overlooked.damaged, overlooked.unknown), (2, 1));
    assert!(stage.seen.is_empty());
}

//! TCP streams: any segmentation, order and repetition gives the same bytes, and nothing panics.

use cordon_wire::tcp::{Connection, Event, HELD_BYTES, Segment, Side};
use proptest::collection::vec;
use proptest::prelude::*;

const PLAIN: Segment<'_, usize> = Segment {
    from: Side::Client,
    seq: 0,
    ack: None,
    syn: false,
    fin: false,
    rst: false,
    payload: &[],
    cut_bytes: 0,
    mark: 0,
};

/// A stream, and segments of it in any order that together hold all of it.
#[derive(Debug, Clone)]
struct Scattered {
    bytes: Vec<u8>,
    segments: Vec<(usize, usize)>,
}

fn scattered() -> impl Strategy<Value = Scattered> {
    (vec(any::<u8>(), 1..3_000), vec((0..3_000_usize, 0..400_usize), 0..60)).prop_flat_map(
        |(bytes, cuts)| {
            let mut places: Vec<usize> = cuts.iter().map(|(at, _)| at % bytes.len()).collect();
            places.extend([0, bytes.len()]);
            places.sort_unstable();
            let once = places.windows(2).map(|pair| (pair[0], pair[1]));
            let again = cuts.iter().map(|(at, len)| {
                let at = at % bytes.len();
                (at, (at + len).min(bytes.len()))
            });
            let segments: Vec<(usize, usize)> = once.chain(again).collect();
            (Just(bytes), Just(segments).prop_shuffle())
                .prop_map(|(bytes, segments)| Scattered { bytes, segments })
        },
    )
}

proptest! {
    #[test]
    fn any_way_of_sending_a_stream_gives_the_stream(
        client in scattered(), server in scattered(), isn in any::<u32>(), merge in vec(any::<bool>(), 300),
    ) {
        let mut connection = Connection::default();
        let mut got = [Vec::new(), Vec::new()];
        let mut odd = Vec::new();
        let mut each = |event: Event<'_, usize>| match event {
            Event::Data { from, bytes, at, .. } => {
                let stream = &mut got[usize::from(from == Side::Server)];
                assert_eq!(at, stream.len() as u64);
                stream.extend_from_slice(bytes);
            }
            other @ (Event::Gap { .. } | Event::Conflict { .. } | Event::Late { .. }
                | Event::End { .. } | Event::Reset { .. }) => odd.push(format!("{other:?}")),
        };
        for from in [Side::Client, Side::Server] {
            connection.segment(&Segment { from, seq: isn, syn: true, ..PLAIN }, &mut each);
        }
        let (mut left, mut right) = (client.segments.iter(), server.segments.iter());
        for turn in merge.iter().chain(std::iter::repeat_n(&true, 300)).chain(std::iter::repeat_n(&false, 300)) {
            let (from, next, stream) = if *turn {
                (Side::Client, left.next(), &client.bytes)
            } else {
                (Side::Server, right.next(), &server.bytes)
            };
            let Some((start, end)) = next else { continue };
            let seq = isn.wrapping_add(1).wrapping_add(u32::try_from(*start).unwrap());
            let segment = Segment { from, seq, payload: &stream[*start..*end], ..PLAIN };
            prop_assert!(!connection.is_another(&segment));
            connection.segment(&segment, &mut each);
        }
        connection.finish(&mut each);
        prop_assert_eq!(&got[0], &client.bytes);
        prop_assert_eq!(&got[1], &server.bytes);
        prop_assert!(odd.is_empty(), "{:?}", odd);
    }

    #[test]
    fn whatever_comes_every_byte_has_its_place_and_the_bounds_hold(
        segments in vec(
            (any::<bool>(), 0..6_000_u32, proptest::option::of(0..6_000_u32), any::<u8>(), 0..700_usize, any::<bool>()),
            0..200,
        ),
        start in any::<u32>(),
    ) {
        let mut connection = Connection::default();
        let mut reached = [0_u64; 2];
        let mut each = |event: Event<'_, usize>| match event {
            Event::Data { from, at, bytes, .. } => {
                let reached = &mut reached[usize::from(from == Side::Server)];
                assert_eq!(at, *reached);
                *reached = at + bytes.len() as u64;
            }
            Event::Gap { from, at, bytes, .. } => {
                let reached = &mut reached[usize::from(from == Side::Server)];
                assert_eq!(at, *reached);
                *reached = at + bytes;
            }
            Event::Conflict { .. } | Event::Late { .. } | Event::End { .. } | Event::Reset { .. } => {}
        };
        let payload = [7_u8; 700];
        for (is_client, seq, ack, flags, len, far) in segments {
            let far = if far && flags & 0x30 == 0 { 0x9000_0000 } else { 0 };
            connection.segment(
                &Segment {
                    from: if is_client { Side::Client } else { Side::Server },
                    seq: start.wrapping_add(seq).wrapping_add(far),
                    ack: ack.map(|ack| start.wrapping_add(ack)),
                    syn: flags & 0x0f == 1,
                    fin: flags & 0x0f == 2,
                    rst: flags & 0x1f == 3,
                    payload: &payload[..len],
                    cut_bytes: if flags & 0x0f == 4 { 100 } else { 0 },
                    mark: 0,
                },
                &mut each,
            );
            prop_assert!(connection.held_bytes() <= 2 * HELD_BYTES.max);
        }
        connection.finish(&mut each);
        prop_assert_eq!(connection.held_bytes(), 0);
    }
}

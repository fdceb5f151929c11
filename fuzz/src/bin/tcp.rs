//! TCP segments of two known streams, in any order, repeated, overlapping, cut off and acknowledged at will.
#![no_main]

use cordon_fuzz::{Orders, known, stretch};
use cordon_wire::tcp::{Connection, Event, HELD_BYTES, Loss, Segment, Side};
use libfuzzer_sys::fuzz_target;

/// So near the end that sequence numbers wrap.
const FIRST: u32 = u32::MAX - 1_000;

/// What was handed out of one stream.
#[derive(Default)]
struct Heard {
    next: u64,
    /// The stream went on somewhere else, so that nobody knows any more which byte is next.
    is_elsewhere: bool,
    is_ended: bool,
}

fuzz_target!(|input: &[u8]| {
    let mut orders = Orders(input);
    let mut connection = Connection::default();
    let mut heard = [Heard::default(), Heard::default()];
    for from in [Side::Client, Side::Server] {
        let opening = segment(from, FIRST, true, &[]);
        connection.segment(&opening, &mut |event| hear(&mut heard, event));
    }
    while let Some(made) = order(&mut orders) {
        let bytes = stretch(made.place, made.count);
        let mut next =
            segment(made.from, FIRST.wrapping_add(1).wrapping_add(made.place), false, &bytes);
        (next.fin, next.rst, next.cut_bytes) = (made.fin, made.rst, made.cut_bytes);
        next.ack = made.ack.map(|place| FIRST.wrapping_add(1).wrapping_add(place));
        connection.segment(&next, &mut |event| hear(&mut heard, event));
        assert!(connection.held_bytes() <= 2 * HELD_BYTES.max, "what is kept is bounded");
    }
    connection.finish(&mut |event| hear(&mut heard, event));
    assert_eq!(connection.held_bytes(), 0);
});

/// One segment as the input orders it.
struct Order {
    from: Side,
    place: u32,
    count: u32,
    ack: Option<u32>,
    fin: bool,
    rst: bool,
    cut_bytes: u32,
}

fn order(orders: &mut Orders<'_>) -> Option<Order> {
    let flags = orders.byte()?;
    let is_set = |bit: u8| flags >> bit & 1 == 1;
    let near = u32::from(orders.word()?);
    let far = if is_set(6) { u32::from(orders.word()?) << 16 } else { 0 };
    let count = u32::from(orders.byte()?) << if is_set(7) { 5 } else { 0 };
    let ack = if is_set(1) { Some(u32::from(orders.word()?)) } else { None };
    let cut_bytes = if is_set(4) { u32::from(orders.byte()?) } else { 0 };
    Some(Order {
        from: if is_set(0) { Side::Client } else { Side::Server },
        place: near | far,
        count,
        ack,
        fin: is_set(2) && is_set(3),
        rst: is_set(5) && is_set(3) && !is_set(2),
        cut_bytes,
    })
}

fn segment(from: Side, seq: u32, syn: bool, payload: &[u8]) -> Segment<'_, ()> {
    Segment { from, seq, ack: None, syn, fin: false, rst: false, payload, cut_bytes: 0, mark: () }
}

/// Everything in order, nothing twice, and every byte the one that was sent.
fn hear(heard: &mut [Heard; 2], event: Event<'_, ()>) {
    let (Event::Data { from, .. }
    | Event::Gap { from, .. }
    | Event::Conflict { from, .. }
    | Event::Late { from, .. }
    | Event::End { from, .. }
    | Event::Reset { from, .. }) = event;
    let [client, server] = heard;
    let heard = if from == Side::Client { client } else { server };
    match event {
        Event::Data { at, bytes, .. } => {
            assert_eq!(at, heard.next, "data follow each other");
            assert!(!bytes.is_empty(), "nothing is no data");
            assert!(!heard.is_ended, "after the end there is nothing");
            for (place, byte) in (at..).zip(bytes).filter(|_| !heard.is_elsewhere) {
                let place = u32::try_from(place & u64::from(u32::MAX)).unwrap_or_default();
                assert_eq!(*byte, known(place), "at {place}");
            }
            heard.next += u64::try_from(bytes.len()).unwrap_or_default();
        }
        Event::Gap { at, bytes, why, .. } => {
            assert_eq!(at, heard.next, "a gap follows the data before it");
            assert!(bytes == 0 || !heard.is_ended, "after the end nothing is missing");
            heard.next += bytes;
            if why == Loss::Elsewhere {
                (heard.is_elsewhere, heard.is_ended) = (true, false);
            }
        }
        Event::End { .. } => {
            assert!(!heard.is_ended, "a stream ends once");
            heard.is_ended = true;
        }
        Event::Conflict { .. } => assert!(heard.is_elsewhere, "nobody contradicts"),
        Event::Late { .. } | Event::Reset { .. } => {}
    }
}

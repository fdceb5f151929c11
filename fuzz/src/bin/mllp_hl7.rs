//! MLLP frames and the HL7 messages in them.
#![no_main]

use cordon_fuzz::{Seen, whole_and_halves};
use cordon_wire::hl7::{self, Message};
use cordon_wire::{Unit, mllp};
use libfuzzer_sys::fuzz_target;

/// So small that inputs reach it.
const FRAME_BYTES_MAX: usize = 1_000;

/// How many fields of a segment are asked for.
const FIELDS_ASKED: usize = 12;

fuzz_target!(|input: &[u8]| whole_and_halves(input, |pieces| {
    let mut seen = Seen::default();
    let mut reader = mllp::Reader::new(FRAME_BYTES_MAX);
    let mut each = |unit: Unit<'_, &[u8]>| {
        seen.unit(unit.at, unit.bytes, &unit.value.map(<[u8]>::len));
        if let Ok(payload) = unit.value {
            let message = Message::parse(payload);
            seen.unit(unit.at, payload, &message);
            match message {
                Ok(message) => ask(&message),
                Err(_) => seen.unit(unit.at, &[], &hl7::peek_type(payload)),
            }
        }
    };
    for piece in pieces {
        reader.feed(piece, &mut each);
    }
    reader.finish(&mut each);
    seen
}));

/// Asks for everything that can be asked for.
fn ask(message: &Message<'_>) {
    let mut buffer = [0; 64];
    for segment in message.segments() {
        // To find a field is to walk to it: asking for each would make long segments slow.
        for number in (0..=segment.fields()).take(FIELDS_ASKED) {
            let field = segment.field(number);
            let _plain = field.unescape(&mut buffer);
            for one in field.repetitions() {
                let _part = one.component(2).subcomponent(2).is_text("x");
            }
        }
    }
    let _counted = (message.devices().count(), message.errors().count());
    let _rest = (message.time(), message.answers(), message.patient_id(), message.order());
    let mut out = Vec::new();
    if hl7::refuse(message, 0, &mut out) {
        // Between the start block and the end of the frame.
        let answer = out.get(1..out.len().saturating_sub(2)).unwrap_or_default();
        let segments = Message::parse(answer).map(|answer| answer.segment_count());
        assert_eq!(segments, Ok(3), "a refusal can be read");
    }
}

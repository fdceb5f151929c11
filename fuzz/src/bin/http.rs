//! One direction of HTTP/1.1.
#![no_main]

use cordon_fuzz::{Seen, whole_and_halves};
use cordon_wire::http::{Part, Reader};
use cordon_wire::{Side, Unit};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    // The first byte says which direction, and what the responses answer.
    let Some((choice, input)) = input.split_first() else { return };
    let side = if choice & 1 == 0 { Side::Request } else { Side::Response };
    let asked = match choice >> 1 & 3 {
        0 => [].as_slice(),
        1 => &["HEAD", "GET"],
        2 => &["CONNECT"],
        _ => &["GET", "HEAD"],
    };
    whole_and_halves(input, |pieces| read(side, asked, pieces));
});

fn read(side: Side, asked: &[&str], pieces: &[&[u8]]) -> Seen {
    let mut seen = Seen::default();
    let mut reader = Reader::new(side);
    for method in asked {
        assert!(reader.expect(method), "there is room");
    }
    let mut end = 0;
    let mut each = |unit: Unit<'_, Part<'_>>| {
        assert_eq!(unit.at, end, "units follow each other");
        end += u64::try_from(unit.bytes.len()).unwrap_or_default();
        match unit.value {
            Ok(Part::Body(content)) => {
                assert_eq!(content.0, unit.bytes);
                seen.piece(&"body", false, unit.bytes);
            }
            Ok(Part::Opaque(_)) => seen.piece(&"opaque", false, unit.bytes),
            Ok(Part::Head(head)) => {
                let framing = (head.content_length(), head.coding(), head.fields().count());
                seen.unit(unit.at, unit.bytes, &(head, framing));
            }
            value @ (Ok(Part::Framing) | Err(_)) => seen.unit(unit.at, unit.bytes, &value),
        }
    };
    for piece in pieces {
        reader.feed(piece, &mut each);
    }
    reader.finish(&mut each);
    seen
}

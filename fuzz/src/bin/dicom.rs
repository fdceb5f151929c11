//! One direction of a DICOM association, and what a C-FIND asks for.
#![no_main]

use cordon_fuzz::{Seen, whole_and_halves};
use cordon_wire::Unit;
use cordon_wire::dicom::{Associate, Encoding, Event, IdentifierReader, Reader};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    whole_and_halves(input, association);
    for encoding in [Encoding::Implicit, Encoding::Explicit] {
        whole_and_halves(input, |pieces| identifier(encoding, pieces));
    }
});

fn association(pieces: &[&[u8]]) -> Seen {
    let mut seen = Seen::default();
    let mut reader = Reader::new();
    let (mut end, mut is_unread) = (0, false);
    let mut each = |unit: Unit<'_, Event<'_>>| {
        assert_eq!(unit.at, end, "no gap and no overlap");
        end += u64::try_from(unit.bytes.len()).unwrap_or_default();
        let was_unread = std::mem::replace(&mut is_unread, unit.value == Ok(Event::Unread));
        match unit.value {
            Ok(Event::Fragment(piece)) => {
                let (id, length) = (piece.context_id, piece.length);
                let name = (id, piece.is_command, piece.is_last, length);
                seen.piece(&name, piece.is_start, unit.bytes);
            }
            Ok(Event::Unread) => seen.piece(&"unread", !was_unread, unit.bytes),
            Ok(Event::AssociateRq(associate) | Event::AssociateAc(associate)) => {
                seen.unit(unit.at, unit.bytes, &associate);
                ask(&associate);
            }
            Ok(Event::Command { context_id, command }) => {
                let class = command.sop_class();
                seen.unit(unit.at, unit.bytes, &(context_id, command.name(), class, command));
            }
            value => seen.unit(unit.at, unit.bytes, &value),
        }
    };
    for piece in pieces {
        reader.feed(piece, &mut each);
    }
    let is_lost = reader.is_lost();
    reader.finish(&mut each);
    let count: usize = pieces.iter().map(|piece| piece.len()).sum();
    assert!(is_lost || u64::try_from(count) == Ok(end), "{end} of {count} bytes are handed out");
    seen
}

/// Asks for everything that can be asked for.
fn ask(associate: &Associate<'_>) {
    for context in associate.contexts() {
        let _named = format!("{context:?}");
    }
    let _roles = associate.role_selections().count();
}

fn identifier(encoding: Encoding, pieces: &[&[u8]]) -> Seen {
    let mut seen = Seen::default();
    let mut reader = IdentifierReader::new(encoding);
    for piece in pieces {
        reader.feed(piece);
    }
    let query = reader.finish();
    seen.unit(0, &[], &(query, query.is_universal()));
    seen
}

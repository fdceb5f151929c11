use super::*;

/// Feeds pieces to a reader with a small limit; writes down place, length and value.
fn run(limit: usize, pieces: &[&[u8]]) -> Vec<String> {
    let mut reader = Reader::new(limit);
    let mut seen = Vec::new();
    let mut each = |unit: Unit<'_, &[u8]>| {
        let value = match unit.value {
            Ok(payload) => payload.escape_ascii().to_string(),
            Err(fault) => fault.to_string(),
        };
        seen.push(format!("{} {} {value}", unit.at, unit.bytes.escape_ascii()));
    };
    for piece in pieces {
        reader.feed(piece, &mut each);
    }
    reader.finish(&mut each);
    seen
}

fn check(stream: &[u8], expected: &[&str]) {
    assert_eq!(run(8, &[stream]), expected, "at once");
    for size in 1..stream.len() {
        let pieces: Vec<&[u8]> = stream.chunks(size).collect();
        assert_eq!(run(8, &pieces), expected, "in pieces of {size}");
    }
}

#[test]
fn frames_come_out_whatever_real_senders_do() {
    check(b"\x0Bab\x1C\r", &[r"0 \x0bab\x1c ab"]);
    check(b"\x0Ba\x1C\r\x0Bb\x1C\r", &[r"0 \x0ba\x1c a", r"4 \x0bb\x1c b"]);
    check(b"\x0Ba\x1C\x0Bb\x1C", &[r"0 \x0ba\x1c a", r"3 \x0bb\x1c b"]);
    check(b"\r\n\x0Ba\x1C\r\n\r\n\x0Bb\x1C\n", &[r"2 \x0ba\x1c a", r"9 \x0bb\x1c b"]);
    check(b"\x0B\x1C\r", &[r"0 \x0b\x1c "]);
    check(b"", &[]);
}

#[test]
fn a_run_of_strange_bytes_is_one_fault_and_the_next_frame_is_read() {
    let fault = "byte 0 breaks HL7 v2.3 IG §C.4";
    check(b"GET /\r\n\x0Ba\x1C\r", &[&format!("0 G {fault}"), r"7 \x0ba\x1c a"]);
    check(b"\x0Ba\x1C\rx\x1C\ry", &[r"0 \x0ba\x1c a", &format!("4 x {fault}")]);
}

#[test]
fn a_start_byte_within_a_frame_starts_nothing() {
    check(b"\x0Ba\x0Bb\x1C\r", &[r"0 \x0ba\x0bb\x1c a\x0bb"]);
}

#[test]
fn a_frame_over_the_limit_is_told_of_once_and_skipped() {
    check(b"\x0B12345678\x1C\r", &[r"0 \x0b12345678\x1c 12345678"]);
    let over = r"0 \x0b12345678 more than 8 bytes in an HL7 frame";
    check(b"\x0B123456789\x1C\r\x0Ba\x1C", &[over, r"12 \x0ba\x1c a"]);
    check(b"\x0B1234567890123456", &[over]);
}

#[test]
fn a_frame_that_does_not_end_is_incomplete() {
    check(b"\x0Ba\x1C\r\x0Bb", &[r"0 \x0ba\x1c a", r"4 \x0bb 1 more byte(s) are needed"]);
}

#[test]
fn the_room_of_one_large_frame_is_given_back() {
    let mut reader = Reader::new(DOCUMENT_BYTES_MAX);
    let piece = vec![b'a'; 1 << 20];
    reader.feed(b"\x0B", &mut |_| {});
    for _ in 0..4 {
        reader.feed(&piece, &mut |_| {});
    }
    assert!(reader.is_within_frame());
    reader.feed(b"\x1C", &mut |_| {});
    assert!(!reader.is_within_frame());
    assert!(reader.kept.capacity() <= KEPT_BYTES_MAX);
}

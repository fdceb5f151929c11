//! What the fuzz targets share: where the input is cut, what a reader said, and a stream that everybody knows.
//!
//! Invariant: a target fails only by a panic; what must hold is asserted.

use std::fmt::{Debug, Write as _};

/// Feeds the input to fresh readers, whole and in two pieces, and asserts that both say the same.
///
/// The first two bytes of the input say where the rest is cut.
/// # Panics
/// When they do not say the same.
pub fn whole_and_halves(input: &[u8], run: impl Fn(&[&[u8]]) -> Seen) {
    let Some((place, stream)) = input.split_first_chunk() else { return };
    let place = usize::from(u16::from_le_bytes(*place)) % (stream.len() + 1);
    let (first, second) = stream.split_at(place);
    let whole = run(&[stream]).finish();
    let halves = run(&[first, second]).finish();
    assert_eq!(halves, whole, "cut at {place}");
}

/// What a reader said, in words that do not depend on how the stream was cut.
#[derive(Debug, Default)]
pub struct Seen {
    words: String,
    /// The pieces that belong together: what they are, their bytes, and how many.
    open: Option<(String, u64, usize)>,
}

impl Seen {
    /// Notes a unit that is the same however the stream was cut.
    pub fn unit(&mut self, at: u64, bytes: &[u8], value: &dyn Debug) {
        self.close();
        self.line(&format_args!("{at} {} {:016x} {value:?}", bytes.len(), digest(START, bytes)));
    }

    /// Notes a piece of something that comes in whatever pieces it arrives; a new one begins with another name or
    /// when it says so.
    pub fn piece(&mut self, name: &dyn Debug, is_start: bool, bytes: &[u8]) {
        let name = format!("{name:?}");
        match &mut self.open {
            Some((open, sum, count)) if *open == name && !is_start => {
                *sum = digest(*sum, bytes);
                *count += bytes.len();
            }
            _ => {
                self.close();
                self.open = Some((name, digest(START, bytes), bytes.len()));
            }
        }
    }

    fn close(&mut self) {
        if let Some((name, sum, count)) = self.open.take() {
            self.line(&format_args!("{name} {count} {sum:016x}"));
        }
    }

    fn line(&mut self, words: &dyn std::fmt::Display) {
        // Writing to a text does not fail.
        let _written = writeln!(self.words, "{words}");
    }

    /// The words.
    #[must_use]
    pub fn finish(mut self) -> String {
        self.close();
        self.words
    }
}

const START: u64 = 0xcbf2_9ce4_8422_2325;

/// A sum of bytes that notices their order (FNV-1a).
fn digest(sum: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(sum, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Takes numbers off the front of an input that is a list of orders; after its end there are none.
#[derive(Debug)]
pub struct Orders<'a>(pub &'a [u8]);

impl Orders<'_> {
    /// The next byte.
    pub fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }

    /// The next two bytes.
    pub fn word(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes([self.byte()?, self.byte()?]))
    }
}

/// The byte that stands at a place of a stream that everybody knows.
#[must_use]
pub fn known(place: u32) -> u8 {
    let [a, b, c, d] = place.to_le_bytes();
    a ^ b.rotate_left(3) ^ c.rotate_left(5) ^ d ^ 0x5a
}

/// The bytes from a place on.
#[must_use]
pub fn stretch(place: u32, count: u32) -> Vec<u8> {
    (0..count).map(|offset| known(place.wrapping_add(offset))).collect()
}

#[cfg(test)]
mod tests {
    use super::{Seen, stretch, whole_and_halves};

    /// A reader that says each byte.
    fn honest(pieces: &[&[u8]]) -> Seen {
        let mut seen = Seen::default();
        for (at, byte) in (0..).zip(pieces.concat()) {
            seen.unit(at, &[byte], &"byte");
        }
        seen
    }

    /// A reader that says each piece.
    fn naive(pieces: &[&[u8]]) -> Seen {
        let mut seen = Seen::default();
        for piece in pieces {
            seen.unit(0, piece, &"piece");
        }
        seen
    }

    #[test]
    fn pieces_of_one_thing_are_joined() {
        let pieces = |pieces: &[(&str, bool, &[u8])]| {
            let mut seen = Seen::default();
            for (name, is_start, bytes) in pieces {
                seen.piece(name, *is_start, bytes);
            }
            seen.finish()
        };
        let whole = pieces(&[("body", true, &[1, 2, 3])]);
        assert_eq!(pieces(&[("body", true, &[1]), ("body", false, &[2, 3])]), whole);
        assert_ne!(pieces(&[("body", true, &[2]), ("body", false, &[1, 3])]), whole);
        assert_ne!(pieces(&[("body", true, &[1]), ("body", true, &[2, 3])]), whole);
        assert_ne!(pieces(&[("body", true, &[1]), ("tunnel", false, &[2, 3])]), whole);
    }

    #[test]
    fn a_reader_that_says_the_same_passes() {
        whole_and_halves(b"\x02\x00abcdef", honest);
        whole_and_halves(b"\xff\xff", honest);
        whole_and_halves(b"", honest);
    }

    #[test]
    #[should_panic(expected = "cut at 2")]
    fn a_reader_that_says_something_else_is_caught() {
        whole_and_halves(b"\x02\x00abcdef", naive);
    }

    #[test]
    fn the_known_stream_wraps() {
        assert_eq!(stretch(u32::MAX, 2).get(1), stretch(0, 1).first());
        assert_ne!(stretch(0, 512), stretch(256, 512));
    }
}

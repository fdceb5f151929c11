#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests stop at the first surprise"
)]

use super::*;

/// Hands out one byte, then two, then three, and so on.
struct Slow<'a>(&'a [u8], usize);

impl Read for Slow<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.1 += 1;
        let count = self.1.min(out.len()).min(self.0.len());
        out[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        Ok(count)
    }
}

fn pieces(bytes: &[u8]) -> Vec<(At, String)> {
    let mut found = Vec::new();
    for mut lines in
        [Lines::new(Box::new(bytes) as Box<dyn Read>), Lines::new(Box::new(Slow(bytes, 0)))]
    {
        let mut one = Vec::new();
        loop {
            let (at, piece) = lines.next().unwrap();
            let piece = match piece {
                Piece::Line(line) => String::from_utf8_lossy(line).into_owned(),
                Piece::Long => "<long>".into(),
                Piece::End(End { cut, is_padded, behind }) => {
                    one.push((at, format!("<{cut} {is_padded} {behind:?}>")));
                    break;
                }
            };
            one.push((at, piece));
        }
        found.push(one);
    }
    assert_eq!(found[0], found[1]);
    found.remove(0)
}

fn check(bytes: &[u8], expect: &[(u64, u64, &str)]) {
    let expect: Vec<_> = expect
        .iter()
        .map(|(line, offset, text)| (At { line: *line, offset: *offset }, (*text).to_owned()))
        .collect();
    assert_eq!(pieces(bytes), expect);
}

#[test]
fn lines_zeros_and_ends_are_told_apart_however_the_bytes_arrive() {
    check(b"", &[(1, 0, "<0 false None>")]);
    check(b"a\nbc\n", &[(1, 0, "a"), (2, 2, "bc"), (3, 5, "<0 false None>")]);
    check(b"a\nbc", &[(1, 0, "a"), (2, 2, "<2 false None>")]);
    check(b"a\n\0\0\0", &[(1, 0, "a"), (2, 2, "<0 true None>")]);
    check(b"a\nb\0\0", &[(1, 0, "a"), (2, 2, "<1 true None>")]);
    check(b"a\n\0\0x\n", &[(1, 0, "a"), (2, 2, "<0 true Some(4)>")]);
    check(b"a\0b\nc\n", &[(1, 0, "a\0b"), (2, 4, "c"), (3, 6, "<0 false None>")]);
}

#[test]
fn a_line_has_a_limit_and_the_next_is_found_again() {
    let longest = "x".repeat(LINE_BYTES_MAX);
    let text = format!("{longest}\ny{longest}\nz\n");
    let size = u64::try_from(LINE_BYTES_MAX).unwrap();
    check(
        text.as_bytes(),
        &[
            (1, 0, longest.as_str()),
            (2, size + 1, "<long>"),
            (3, 2 * size + 3, "z"),
            (4, 2 * size + 5, "<0 false None>"),
        ],
    );
    let huge = "x".repeat(900_000);
    check(
        format!("{huge}\nz\n").as_bytes(),
        &[(1, 0, "<long>"), (2, 900_001, "z"), (3, 900_003, "<0 false None>")],
    );
    check(huge.as_bytes(), &[(1, 0, "<long>"), (1, 900_000, "<0 false None>")]);
}

#[test]
fn a_cut_line_before_many_zeros_is_a_cut_line() {
    let mut bytes = b"a\nbcd".to_vec();
    bytes.resize(700_000, 0);
    check(&bytes, &[(1, 0, "a"), (2, 2, "<3 true None>")]);
    bytes[650_000] = 1;
    check(&bytes, &[(1, 0, "a"), (2, 2, "<3 true Some(650000)>")]);
}

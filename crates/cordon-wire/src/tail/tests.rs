use proptest::prelude::*;

use super::*;

/// Units of a length byte and that many bytes, fed in pieces; gives the units as they were shown.
fn units(pieces: &[&[u8]]) -> (Vec<Vec<u8>>, usize) {
    let mut tail = Tail::default();
    let mut units = Vec::new();
    for piece in pieces {
        tail.feed(piece, &mut |front: &[u8]| {
            let length = usize::from(front.first().copied().unwrap_or(0)) + 1;
            match front.get(..length) {
                Some(unit) => {
                    units.push(unit.to_vec());
                    Step::Took(length)
                }
                None => Step::Wait { need: length - front.len() },
            }
        });
    }
    (units, tail.len())
}

/// Lines, whose length nobody can know beforehand.
fn lines(pieces: &[&[u8]]) -> Vec<Vec<u8>> {
    let mut tail = Tail::default();
    let mut lines = Vec::new();
    for piece in pieces {
        tail.feed(piece, &mut |front: &[u8]| match front.iter().position(|byte| *byte == b'\n') {
            Some(at) => {
                lines.push(front.iter().take(at).copied().collect());
                Step::Took(at + 1)
            }
            None => Step::Wait { need: usize::MAX },
        });
    }
    lines
}

#[test]
fn keeps_what_is_unfinished() {
    assert_eq!(units(&[&[2, 1]]), (vec![], 2));
    assert_eq!(units(&[&[2, 1], &[1, 0, 3]]), (vec![vec![2, 1, 1], vec![0]], 1));
}

proptest! {
    #[test]
    fn pieces_do_not_matter(bytes in prop::collection::vec(0_u8..6, 0..200), size in 1_usize..9) {
        let whole = units(&[&bytes]);
        let pieces: Vec<&[u8]> = bytes.chunks(size).collect();
        prop_assert_eq!(&units(&pieces), &whole);
        let text: Vec<u8> = bytes.iter().map(|byte| if *byte == 0 { b'\n' } else { b'x' }).collect();
        let pieces: Vec<&[u8]> = text.chunks(size).collect();
        prop_assert_eq!(lines(&pieces), lines(&[&text]));
    }
}

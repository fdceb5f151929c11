//! Tests of the reassembly, fragment by fragment.

use super::*;

fn key(text: &str) -> Key {
    let src = if text == "v6" { "fd00::5".parse() } else { "10.0.0.5".parse() };
    let src: IpAddr = src.unwrap_or(IpAddr::from([0; 4]));
    Key { src, dst: src, protocol: 17, identification: 7 }
}

/// Runs fragments `(offset, more, bytes)` and writes down what came of each.
fn run(family: &str, fragments: &[(u32, bool, &str)]) -> (Vec<String>, Counts) {
    let mut reassembly = Reassembly::default();
    let mut lines = Vec::new();
    for (offset, more, text) in fragments {
        let fragment = Fragment {
            key: key(family),
            offset: *offset,
            more: *more,
            bytes: text.as_bytes(),
            is_cut: false,
        };
        lines.push(match reassembly.add(0, &fragment) {
            Outcome::Whole(payload) => String::from_utf8_lossy(&payload).into_owned(),
            Outcome::Kept => "-".to_owned(),
            Outcome::Dropped(why) => format!("{why:?}"),
        });
    }
    (lines, reassembly.counts())
}

#[track_caller]
fn check(family: &str, fragments: &[(u32, bool, &str)], expected: &[&str]) {
    assert_eq!(run(family, fragments).0, expected, "{family} {fragments:?}");
}

const A: &str = "aaaaaaaa";
const B: &str = "bbbbbbbb";

#[test]
fn puts_fragments_together_in_any_order() {
    let whole = "aaaaaaaabbbbbbbbc";
    for family in ["v4", "v6"] {
        check(family, &[(0, true, A), (8, true, B), (16, false, "c")], &["-", "-", whole]);
        check(family, &[(16, false, "c"), (8, true, B), (0, true, A)], &["-", "-", whole]);
        check(family, &[(16, false, "c"), (0, true, A), (8, true, B)], &["-", "-", whole]);
        check(
            family,
            &[(0, true, A), (0, true, A), (16, false, "c"), (16, false, "c"), (8, true, B)],
            &["-", "-", "-", "-", whole],
        );
    }
}

#[test]
fn overlapping_fragments_are_dropped_in_ipv6_with_all_that_follows() {
    let overlap = [(0, true, A), (0, true, B), (8, false, "c")];
    check("v6", &overlap, &["-", "Overlap", "Overlap"]);
    assert_eq!(run("v6", &overlap).1.overlapping, 1);
}

#[test]
fn the_first_fragment_wins_in_ipv4() {
    let wide = "aaaaaaaaaaaaaaaa";
    let (lines, counts) = run("v4", &[(8, true, B), (0, true, wide), (16, false, "c")]);
    assert_eq!(lines, ["-", "-", "aaaaaaaabbbbbbbbc"]);
    assert_eq!((counts.conflicts, counts.overlaps), (1, 0));
    let (lines, counts) = run("v4", &[(8, true, A), (0, true, wide), (16, false, "c")]);
    assert_eq!(lines, ["-", "-", "aaaaaaaaaaaaaaaac"]);
    assert_eq!((counts.conflicts, counts.overlaps), (0, 1));
}

#[test]
fn drops_what_cannot_be() {
    for family in ["v4", "v6"] {
        check(family, &[(0, true, "abc")], &["Malformed"]);
        check(family, &[(0, true, "")], &["Malformed"]);
        check(family, &[(65_528, false, A)], &["Malformed"]);
        check(family, &[(8, false, "c"), (16, false, "d")], &["-", "Malformed"]);
        check(family, &[(8, false, "c"), (16, true, B)], &["-", "Malformed"]);
        check(family, &[(16, true, B), (8, false, "c")], &["-", "Malformed"]);
    }
}

#[test]
fn a_fragment_that_was_cut_off_spoils_its_datagram() {
    let mut reassembly = Reassembly::default();
    let fragment =
        Fragment { key: key("v4"), offset: 0, more: true, bytes: A.as_bytes(), is_cut: true };
    assert_eq!(reassembly.add(0, &fragment), Outcome::Dropped(Drop::Cut));
    assert_eq!((reassembly.counts().cut, reassembly.unfinished()), (1, 0));
}

#[test]
fn what_takes_too_long_is_given_up_and_may_come_again() {
    let mut reassembly = Reassembly::default();
    let first =
        Fragment { key: key("v4"), offset: 0, more: true, bytes: A.as_bytes(), is_cut: false };
    let last = Fragment { offset: 8, more: false, ..first };
    assert_eq!(reassembly.add(0, &first), Outcome::Kept);
    assert_eq!(reassembly.add(SPAN_NS_MAX + 1, &last), Outcome::Kept);
    assert_eq!(reassembly.counts().late, 1);
    assert!(matches!(reassembly.add(SPAN_NS_MAX + 2, &first), Outcome::Whole(_)));
    assert_eq!((reassembly.unfinished(), reassembly.bytes), (0, 0));
}

#[test]
fn every_bound_holds_and_shows() {
    let mut reassembly = Reassembly::default();
    let bytes = vec![0; 8_000];
    for identification in 0..10_000 {
        let key = Key { identification, ..key("v4") };
        let fragment = Fragment { key, offset: 0, more: true, bytes: &bytes, is_cut: false };
        assert_eq!(reassembly.add(0, &fragment), Outcome::Kept);
        assert!(reassembly.bytes <= BYTES.max && reassembly.datagrams.len() <= DATAGRAMS.max);
        assert!(reassembly.ages.len() <= 2 * DATAGRAMS.max + 1);
    }
    let kept = u64::try_from(reassembly.unfinished()).unwrap_or(0);
    assert_eq!(reassembly.counts().evicted + kept, 10_000);
    let mut reassembly = Reassembly::default();
    let mut outcome = Outcome::Kept;
    for number in 0..=u32::try_from(FRAGMENTS.max).unwrap_or(0) {
        let (offset, bytes) = (number * 16, A.as_bytes());
        let fragment = Fragment { key: key("v4"), offset, more: true, bytes, is_cut: false };
        outcome = reassembly.add(0, &fragment);
    }
    assert_eq!((outcome, reassembly.bytes), (Outcome::Dropped(Drop::OverLimit), 0));
}

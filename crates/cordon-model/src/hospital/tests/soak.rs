//! Totality: whatever is done to the files, there is a report and no panic.

use super::*;

/// A small generator (xorshift64*), so that a failing round can be run again by its number.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(high).unwrap() % bound.max(1)
    }
}

/// What every answer of the loader keeps, whatever it was given.
fn holds(sources: &Sources, what: &str) {
    let (hospital, report) = load(sources);
    assert_eq!(hospital.is_some(), !report.has_errors(), "{what}");
    let entries = &report.entries;
    assert!(entries.len() <= Report::ENTRIES_MAX, "{what}");
    assert!(entries.is_sorted_by(|a, b| (&a.place, a.label) <= (&b.place, b.label)), "{what}");
    for entry in entries {
        assert_eq!(offending(entry).chars().count(), entry.place.length, "{what}: {entry:?}");
    }
}

#[test]
fn a_file_cut_anywhere_is_reported() {
    for (path, text) in SMALL {
        let mut sources = small();
        for length in 0..text.len() {
            sources.insert(path, text.as_bytes().get(..length).unwrap());
            holds(&sources, &format!("{path} cut after {length} bytes"));
        }
    }
}

#[test]
fn files_changed_at_random_are_reported() {
    for round in 0..rounds() {
        let mut chance = Chance(0x9E37_79B9_7F4A_7C15 ^ (round + 1));
        let mut sources = small();
        for _ in 0..=chance.below(3) {
            let (path, _) = SMALL.get(chance.below(SMALL.len())).unwrap();
            let mut bytes = sources.files.get(*path).unwrap().clone();
            change(&mut bytes, &mut chance);
            sources.insert(path, bytes);
        }
        holds(&sources, &format!("round {round}"));
    }
}

#[expect(clippy::disallowed_methods, reason = "the length of a run is no part of its outcome")]
fn rounds() -> u64 {
    if std::env::var_os("CORDON_SOAK").is_some() { 200_000 } else { 2_000 }
}

fn change(bytes: &mut Vec<u8>, chance: &mut Chance) {
    let at = chance.below(bytes.len());
    match chance.below(8) {
        0 => bytes.truncate(at),
        1 => drop(bytes.drain(at..bytes.len().min(at + 1 + chance.below(4)))),
        2 => {
            let byte = bytes.get(at).copied().unwrap_or_default();
            bytes.insert(at, byte);
        }
        3 => {
            let signs = b"\"',.[]{}=#\r\n\0\xff:;-0123456789/ \t";
            bytes.insert(at, *signs.get(chance.below(signs.len())).unwrap());
        }
        4 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << chance.below(8);
            }
        }
        other => change_line(bytes, other, chance),
    }
}

fn change_line(bytes: &mut Vec<u8>, how: usize, chance: &mut Chance) {
    let mut lines: Vec<Vec<u8>> = bytes.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    let (one, other) = (chance.below(lines.len()), chance.below(lines.len()));
    match how {
        5 => drop(lines.remove(one)),
        6 => {
            let line = lines.get(one).cloned().unwrap();
            lines.insert(other, line);
        }
        _ => lines.swap(one, other),
    }
    *bytes = lines.join(&b'\n');
}

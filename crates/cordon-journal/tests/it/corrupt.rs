//! Ways to damage a stream, and where verification must then point.

use std::cmp::Ordering;
use std::ops::RangeInclusive;

use cordon_journal::hash::Hash;
use cordon_journal::verify::{Fault, Options};
use cordon_model::WallMs;

use crate::build::{EVENTS, Files, Plan, Random, joined, lines, segments, sign, signer};

/// A damaged stream.
pub(crate) struct Damaged {
    pub(crate) kind: &'static str,
    pub(crate) files: Files,
    pub(crate) heads: Vec<String>,
    /// The first fault must stand here.
    pub(crate) file: String,
    pub(crate) lines: RangeInclusive<u64>,
}

impl Damaged {
    pub(crate) fn options(&self) -> Options {
        Options { deep: true, heads: self.heads.clone(), ..Options::default() }
    }

    pub(crate) fn is_named_by(&self, fault: &Fault) -> bool {
        fault.place.file == self.file && self.lines.contains(&fault.place.line)
    }
}

/// The first and the last line, from 1, of the batch to which a line belongs; the header is alone.
fn batch(text: &[Vec<u8>], at: usize) -> (u64, u64) {
    let is_end = |line: &Vec<u8>| line.starts_with(b"{\"head\"") || line.starts_with(b"{\"first\"");
    let first = text[..at].iter().rposition(is_end).map_or(0, |end| end + 1);
    let last = text[at..].iter().position(is_end).map_or(text.len() - 1, |end| at + end);
    (u64::try_from(first + 1).unwrap(), u64::try_from(last + 1).unwrap())
}

fn is_record(line: &[u8]) -> bool {
    line.starts_with(b"{\"after\"")
}

/// The segment in which a record stands, and its batch.
fn place(plan: &Plan, files: &Files, seq: usize) -> (String, (u64, u64)) {
    let mut before = 0;
    for (name, batches) in segments(files).into_iter().zip(&plan.segments) {
        let count = batches.iter().sum::<usize>();
        if seq < before + count {
            let text = lines(&files[&name]);
            let is_it = |(_, line): &(usize, &Vec<u8>)| is_record(line);
            let at = text.iter().enumerate().filter(is_it).nth(seq - before).unwrap().0;
            return (name, batch(&text, at));
        }
        before += count;
    }
    unreachable!()
}

/// One edited text: another letter or digit somewhere in the event.
fn edit_event(event: &str, random: &mut Random) -> String {
    loop {
        let mut bytes = event.as_bytes().to_vec();
        let at = random.range(0, bytes.len());
        let to = match bytes[at] {
            digit @ b'1'..=b'8' => digit + 1,
            b'9' => b'8',
            _ => continue,
        };
        bytes[at] = to;
        let text = String::from_utf8(bytes).unwrap();
        // Only what may stand in a record.
        if serde_json::from_str::<cordon_model::Event>(&text).is_ok() {
            return text;
        }
    }
}

const KINDS: [&str; 24] = [
    "edit-byte",
    "edit-field",
    "delete-records",
    "delete-last-of-batch",
    "reorder",
    "reorder-far",
    "insert",
    "insert-chained",
    "edit-chained",
    "duplicate",
    "truncate-bytes",
    "truncate-segments",
    "older-checkpoint",
    "rolled-back",
    "fork",
    "clock-rollback",
    "mono-rollback",
    "swap-segments",
    "edit-header",
    "edit-checkpoint",
    "delete-segment",
    "delete-checkpoint",
    "foreign-line",
    "bytes-behind",
];

pub(crate) fn kinds() -> usize {
    KINDS.len()
}

/// Damages a stream in way number `kind`; nothing if this one cannot be damaged so.
pub(crate) fn damage(plan: &Plan, random: &mut Random, kind: usize) -> Option<Damaged> {
    let kind = KINDS[kind % KINDS.len()];
    let files = plan.write();
    let whole = |files, file: &str, lines| {
        Some(Damaged { kind, files, heads: vec![], file: file.into(), lines })
    };
    match kind {
        "edit-byte"
        | "edit-field"
        | "delete-records"
        | "delete-last-of-batch"
        | "reorder"
        | "reorder-far"
        | "insert"
        | "duplicate"
        | "foreign-line" => lines_of(plan, files, random, kind),
        "truncate-bytes" | "truncate-segments" | "swap-segments" | "edit-header"
        | "delete-segment" | "bytes-behind" => files_of(files, random, kind),
        "edit-checkpoint" => {
            let mut files = files;
            let text = files.get_mut("checkpoint")?;
            let at = random.range(0, text.len());
            text[at] ^= u8::try_from(random.range(1, 256)).ok()?;
            whole(files, "checkpoint", 1..=1)
        }
        "delete-checkpoint" => {
            let mut files = files;
            files.remove("checkpoint");
            whole(files, "checkpoint", 1..=1)
        }
        _ => chained(plan, random, kind),
    }
}

fn lines_of(
    plan: &Plan,
    mut files: Files,
    random: &mut Random,
    kind: &'static str,
) -> Option<Damaged> {
    let (name, (mut first, mut last)) = place(plan, &files, random.range(0, plan.records.len()));
    let mut text = lines(&files[&name]);
    let index = |line: u64| usize::try_from(line - 1).unwrap();
    let at = random.range(index(first), index(last));
    match kind {
        "edit-byte" => {
            let bytes = files.get_mut(&name)?;
            let at = random.range(0, bytes.len());
            let line = bytes[..at].iter().filter(|byte| **byte == b'\n').count();
            (first, last) = batch(&text, line);
            bytes[at] ^= u8::try_from(random.range(1, 256)).ok()?;
            let lines = first..=last + 1;
            return Some(Damaged { kind, files, heads: vec![], file: name, lines });
        }
        "edit-field" => {
            let line = String::from_utf8(text[at].clone()).ok()?;
            let start = line.find("\"event\":")? + 8;
            let end = line.rfind(",\"mono\"")?;
            let event = edit_event(&line[start..end], random);
            text[at] = format!("{}{event}{}", &line[..start], &line[end..]).into_bytes();
        }
        "delete-records" => {
            let end = random.range(at + 1, index(last) + 1);
            text.drain(at..end);
        }
        "delete-last-of-batch" => drop(text.remove(index(last) - 1)),
        "reorder" if at + 1 < index(last) => text.swap(at, at + 1),
        "reorder-far" => {
            let records: Vec<usize> = (0..text.len()).filter(|at| is_record(&text[*at])).collect();
            let other = records[random.range(0, records.len())];
            if text[at] == text[other] {
                return None;
            }
            first = first.min(batch(&text, other).0);
            last = last.max(batch(&text, other).1);
            text.swap(at, other);
        }
        "insert" => {
            let mut line = String::from_utf8(text[at].clone()).ok()?;
            line = line.replacen("\"event\":{\"at\":1", "\"event\":{\"at\":2", 1);
            text.insert(at + random.range(0, 2), line.into_bytes());
        }
        "duplicate" => {
            let line = text[random.range(1, text.len())].clone();
            text.insert(at, line);
        }
        "foreign-line" => text.insert(at, format!("{{\"x\":{}}}", random.next()).into_bytes()),
        _ => return None,
    }
    files.insert(name.clone(), joined(&text));
    Some(Damaged { kind, files, heads: vec![], file: name, lines: first..=last + 1 })
}

fn files_of(mut files: Files, random: &mut Random, kind: &'static str) -> Option<Damaged> {
    let names = segments(&files);
    let at = random.range(0, names.len());
    let name = &names[at];
    let (file, lines) = match kind {
        "truncate-bytes" => {
            let text = files.get_mut(name)?;
            text.truncate(random.range(0, text.len()));
            let end = u64::try_from(lines(text).len()).unwrap();
            // A segment that ends too early shows there, or where the next goes on.
            let next = names.get(at + 1).filter(|_| text.ends_with(b"}\n"));
            let has_head = lines(text).last().is_some_and(|line| !is_record(line));
            match next.filter(|_| has_head) {
                Some(next) => (next.clone(), 1..=1),
                None => (name.clone(), 1..=end + 1),
            }
        }
        "truncate-segments" if at > 0 => {
            names[at..].iter().for_each(|name| drop(files.remove(name)));
            (names[at - 1].clone(), 1..=u64::MAX)
        }
        "swap-segments" if names.len() > 1 => {
            let other = (at + 1) % names.len();
            let (one, two) = (files[name].clone(), files[&names[other]].clone());
            files.insert(name.clone(), two);
            files.insert(names[other].clone(), one);
            (names[at.min(other)].clone(), 1..=1)
        }
        "edit-header" => {
            let text = files.get_mut(name)?;
            let end = text.iter().position(|byte| *byte == b'\n')?;
            let places: Vec<usize> =
                (0..end).filter(|at| text[*at].is_ascii_alphanumeric()).collect();
            let at = places[random.range(0, places.len())];
            text[at] = if text[at] == b'7' { b'8' } else { b'7' };
            (name.clone(), 1..=2)
        }
        "delete-segment" if at + 1 < names.len() => {
            files.remove(name);
            (names[at + 1].clone(), 1..=1)
        }
        "bytes-behind" => {
            let zeros = random.range(0, 9_000);
            let text = files.get_mut(name)?;
            let end = u64::try_from(lines(text).len()).unwrap();
            text.resize(text.len() + zeros, 0);
            text.extend(b"x");
            (name.clone(), end + 1..=end + 1)
        }
        _ => return None,
    };
    Some(Damaged { kind, files, heads: vec![], file, lines })
}

/// Puts the old signatures, or none that hold, below heads with a new text.
fn chain_anew(plan: &Plan, changed: &Plan, seq: usize) -> Files {
    let size = u64::try_from(seq).unwrap();
    let stranger = cordon_model::note::Signer::new(&plan.origin, [9; 32]);
    let own = signer(&plan.origin);
    changed.render(|head| sign(if head.size > size { &stranger } else { &own }, head))
}

fn renumber(plan: &mut Plan) {
    for ((_, stamp), number) in plan.records.iter_mut().zip(0..) {
        stamp.seq = number;
    }
}

/// Damage by somebody who makes the chain anew; with the writer's key, where that is said.
fn chained(plan: &Plan, random: &mut Random, kind: &'static str) -> Option<Damaged> {
    let seq = random.range(0, plan.records.len());
    let mut changed = plan.clone();
    let mut heads = vec![];
    let (mut file, mut range) = (String::new(), 0..=0);
    let files = match kind {
        "insert-chained" | "edit-chained" => {
            if kind == "edit-chained" {
                changed.records[seq].0 = edit_event(&plan.records[seq].0, random);
            } else {
                let forged = (EVENTS[random.range(0, EVENTS.len())].clone(), plan.records[seq].1);
                changed.records.insert(seq, forged);
                renumber(&mut changed);
                let mut left = seq;
                let grown = changed.segments.iter_mut().flatten().find(|count| {
                    let is_it = left < **count;
                    left = left.saturating_sub(**count);
                    is_it
                });
                *grown? += 1;
            }
            chain_anew(plan, &changed, seq)
        }
        "older-checkpoint" | "rolled-back" => {
            let sizes = plan.sizes();
            let size = sizes[random.range(0, sizes.len())];
            if size == plan.records.len() {
                return None;
            }
            let mut files = plan.write();
            files.insert("checkpoint".into(), plan.head(size).into_bytes());
            (file, range) = ("checkpoint".into(), 1..=1);
            if kind == "rolled-back" {
                // Everything is as it was at that time; only a head from elsewhere knows better.
                files = rolled_back(plan, size);
                heads.push(plan.head(plan.records.len()));
                (file, range) = (segments(&files).pop()?, 1..=u64::MAX);
            }
            files
        }
        "fork" => {
            changed.records[seq].0 = edit_event(&plan.records[seq].0, random);
            let kept = random.range(seq + 1, plan.records.len() + 1);
            heads.push(plan.head(kept));
            let files = changed.write();
            let there = place(&changed, &files, kept - 1);
            (file, range) = (there.0, there.1.0..=there.1.1);
            if seq > 0 && random.range(0, 2) == 0 {
                heads.push(plan.head(seq));
            }
            files
        }
        "clock-rollback" if seq > 0 => {
            changed.records[seq].1.time = WallMs(plan.records[0].1.time.0 - 3_600_000);
            changed.write()
        }
        "mono-rollback" if seq > 0 => {
            let before = plan.records[seq - 1].1;
            let stamp = &mut changed.records[seq].1;
            stamp.mono.0 = before.mono.0.checked_sub(1)?;
            if stamp.run != before.run {
                stamp.run = before.run.checked_sub(1)?;
            }
            changed.write()
        }
        _ => return None,
    };
    if file.is_empty() {
        let there = place(&changed, &files, seq);
        (file, range) = (there.0, there.1.0..=there.1.1);
    }
    Some(Damaged { kind, files, heads, file, lines: range })
}

/// The files as they were when the stream had `size` records.
fn rolled_back(plan: &Plan, size: usize) -> Files {
    let mut old = plan.clone();
    old.records.truncate(size);
    let mut left = size;
    for batches in &mut old.segments {
        batches.retain(|count| {
            let is_in = left.cmp(count) != Ordering::Less && left > 0;
            left -= if is_in { *count } else { left };
            is_in
        });
    }
    old.segments.retain(|batches| !batches.is_empty());
    old.write()
}

/// Makes sure that hashes differ where texts do; keeps the import honest.
pub(crate) fn digest(files: &Files) -> Hash {
    let all: Vec<u8> = files.values().flatten().copied().collect();
    Hash::of_leaf(&all)
}

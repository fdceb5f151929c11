//! Each fault, and its place.

use cordon_journal::verify::{Options, Report, find_streams, read_keys, verify_stream};
use cordon_model::event::{Event, JournalNote, Retention, What};
use cordon_model::{Mono, WallMs};

use crate::build::{Files, ORIGIN, Plan, folder, joined, lines, put, segments, signer};

/// 3 segments of 2 batches of 3 records: 0-5, 6-11, 12-17. Lines: header, 3 records, head, 3
/// records, head.
fn plan() -> Plan {
    Plan::new(ORIGIN, &[&[3, 3], &[3, 3], &[3, 3]])
}

fn verify(files: &Files, options: &Options) -> Report {
    let dir = folder();
    let dir = put(dir.path(), "evidence", files);
    verify_stream(&dir, &[signer(ORIGIN).verifier()], options).unwrap()
}

fn found(report: &Report) -> Vec<String> {
    let faults = report.faults.iter();
    faults
        .map(|fault| {
            let name = fault.place.file.trim_start_matches('0').trim_end_matches(".jsonl");
            let name = if name.is_empty() { "0" } else { name };
            format!("{name}:{} {}", fault.place.line, fault.wrong.label())
        })
        .collect()
}

fn remarks(report: &Report) -> Vec<&'static str> {
    report.remarks.iter().map(|remark| remark.notable.label()).collect()
}

/// Changes the lines of the segment that begins with `first`, and says what is found.
fn check(first: u64, change: impl FnOnce(&mut Vec<Vec<u8>>), expect: &[&str]) {
    let mut files = plan().write();
    let name = cordon_journal::segment::file_name(first);
    let mut text = lines(&files[&name]);
    change(&mut text);
    files.insert(name, joined(&text));
    for deep in [false, true] {
        let report = verify(&files, &Options { deep, ..Options::default() });
        assert_eq!(found(&report), expect, "{:#?}", report.faults);
    }
}

fn edit(line: &mut Vec<u8>, from: &str, to: &str) {
    let text = String::from_utf8(line.clone()).unwrap();
    assert!(text.contains(from), "{text}");
    *line = text.replacen(from, to, 1).into_bytes();
}

#[test]
fn what_was_written_is_sound() {
    for segments in [&[&[1][..]][..], &[&[1, 1], &[5]], &[&[300], &[7, 7, 1], &[1], &[2, 2]]] {
        let plan = Plan::new(ORIGIN, segments);
        let files = plan.write();
        for deep in [false, true] {
            let heads = plan.sizes().iter().map(|size| plan.head(*size)).collect();
            let report = verify(&files, &Options { deep, heads, ..Options::default() });
            assert_eq!(found(&report), Vec::<String>::new());
            assert!(report.is_sound() && report.remarks.is_empty());
            assert_eq!(report.size(), u64::try_from(plan.records.len()).unwrap());
            assert_eq!(report.counts.records, report.size());
            assert_eq!(report.counts.segments, u64::try_from(segments.len()).unwrap());
            assert_eq!(report.heads_agreed, u64::try_from(plan.sizes().len()).unwrap());
            assert_eq!(report.head.unwrap().sign(&signer(ORIGIN)), plan.head(plan.records.len()));
            assert_eq!((report.origin.as_str(), report.first), (ORIGIN, 0));
            assert_eq!(report.first_time, Some(plan.records[0].1.time));
            assert_eq!(report.last_time, Some(plan.records.last().unwrap().1.time));
        }
    }
}

#[test]
fn a_changed_record_is_named() {
    for line in [1, 2, 3, 5, 6] {
        let here = format!("6:{} edited", line + 1);
        check(6, |text| edit(&mut text[line], "\"time\":1767", "\"time\":1768"), &[&here]);
        check(6, |text| edit(&mut text[line], "\"run\":1", "\"run\":2"), &[&here]);
    }
    // The last before the end of a segment: no record behind it names it, but the head does.
    check(
        6,
        |text| edit(&mut text[7], "\"event\":{\"at\":1", "\"event\":{\"at\":2"),
        &["6:9 wrong-root"],
    );
    // A hash of the record before, and a number.
    check(6, |text| edit(&mut text[6], "\"after\":\"", "\"after\":\"A"), &["6:7 malformed-line"]);
    check(6, |text| edit(&mut text[6], "\"seq\":10", "\"seq\":19"), &["6:7 edited"]);
}

#[test]
fn a_record_that_is_not_there_is_named_by_number() {
    for line in [1, 2] {
        let report = |text: &mut Vec<Vec<u8>>| drop(text.remove(line));
        check(6, report, &[&format!("6:{} deleted", line + 1)]);
    }
    // The last of a batch: the next record names it.
    check(6, |text| drop(text.remove(3)), &["6:4 deleted"]);
    check(6, |text| drop(text.remove(5)), &["6:6 deleted"]);
    check(6, |text| drop(text.drain(1..3)), &["6:2 deleted"]);
    check(6, |text| drop(text.drain(1..5)), &["6:2 deleted"]);
    // Before the last head.
    check(6, |text| drop(text.remove(7)), &["6:8 wrong-root", "12:1 missing-segment"]);
}

#[test]
fn a_record_in_a_wrong_place_is_named() {
    check(6, |text| text.swap(1, 2), &["6:2 reordered"]);
    check(6, |text| text.swap(2, 3), &["6:3 reordered"]);
    check(6, |text| text.swap(5, 6), &["6:6 reordered"]);
    check(6, |text| text.swap(3, 5), &["6:4 reordered"]);
}

#[test]
fn a_line_too_many_is_named() {
    check(6, |text| text.insert(2, text[1].clone()), &["6:3 duplicated"]);
    check(6, |text| text.insert(3, text[1].clone()), &["6:4 duplicated"]);
    check(6, |text| text.insert(6, text[5].clone()), &["6:7 duplicated"]);
    check(6, |text| text.insert(5, text[4].clone()), &["6:6 duplicated"]);
    check(6, |text| text.insert(3, b"hello".to_vec()), &["6:4 foreign-line"]);
    check(6, |text| text.insert(3, Vec::new()), &["6:4 foreign-line"]);
    check(6, |text| text.insert(3, text[0].clone()), &["6:4 foreign-line"]);
    check(6, |text| text.insert(3, vec![b'x'; 100_000]), &["6:4 malformed-line"]);
    let forge = |mut line: Vec<u8>| {
        edit(&mut line, "\"event\":{\"at\":1", "\"event\":{\"at\":2");
        line
    };
    check(6, |text| text.insert(2, forge(text[2].clone())), &["6:3 inserted"]);
    check(6, |text| text.insert(3, forge(text[2].clone())), &["6:4 inserted"]);
    check(6, |text| text.insert(4, forge(text[3].clone())), &["6:5 inserted"]);
}

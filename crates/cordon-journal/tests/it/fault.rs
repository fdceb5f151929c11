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

/// Verifies three streams of which the evidence stream holds notes.
fn with_notes(
    notes: Vec<(usize, JournalNote, i64)>,
    change: impl Fn(&mut Plan, &mut Files),
) -> Report {
    let mut evidence = plan();
    for (seq, note, after_ms) in notes {
        let at = evidence.records[seq].1.time;
        let event = Event { at, point: None, what: What::Journal(Box::new(note)) };
        evidence.records[seq].0 = serde_json::to_string(&event).unwrap();
        for (_, stamp) in &mut evidence.records[seq..] {
            stamp.time = WallMs(stamp.time.0.checked_add_signed(after_ms).unwrap());
        }
    }
    let mut traffic = Plan::new("h/gw-1/traffic", &[&[3, 3], &[3, 3]]);
    let mut files = traffic.write();
    change(&mut traffic, &mut files);
    let dir = folder();
    put(dir.path(), "evidence", &evidence.write());
    let traffic = put(dir.path(), "traffic", &files);
    let keys = [signer(ORIGIN).verifier(), signer("h/gw-1/traffic").verifier()];
    let found = verify_stream(&dir.path().join("evidence"), &keys, &Options::default()).unwrap();
    assert!(found.is_sound(), "{:#?}", found.faults);
    verify_stream(&traffic, &keys, &Options::default()).unwrap()
}

fn step(by_ms: i64) -> Vec<(usize, JournalNote, i64)> {
    vec![(7, JournalNote::ClockStep { by_ms }, by_ms)]
}

#[test]
fn a_clock_may_go_back_where_a_record_says_so() {
    let back = |plan: &mut Plan, files: &mut Files| {
        for (_, stamp) in &mut plan.records[8..] {
            stamp.time = WallMs(stamp.time.0 - 3_600_000);
        }
        *files = plan.write();
    };
    let report = with_notes(step(-3_600_000), back);
    assert!(report.is_sound(), "{:#?}", report.faults);
    assert_eq!(remarks(&report), ["clock-step"]);
    assert_eq!(found(&with_notes(step(-7_200_000), back)), ["6:4 clock-rollback"]);
    assert_eq!(found(&with_notes(vec![], back)), ["6:4 clock-rollback"]);
    let other = |plan: &mut Plan, files: &mut Files| {
        for (_, stamp) in &mut plan.records {
            stamp.mono = Mono(stamp.mono.0 + 5_000_000_000);
        }
        back(plan, files);
    };
    assert_eq!(found(&with_notes(step(-3_600_000), other)), ["6:4 clock-rollback"]);
}

#[test]
fn the_front_may_be_gone_where_a_record_says_so() {
    let cut = |_: &mut Plan, files: &mut Files| {
        let name = segments(files)[0].clone();
        files.remove(&name);
    };
    let expire = |stream, last| vec![(3, JournalNote::Expire { first: 0, last, stream }, 0)];
    let report = with_notes(expire(Retention::Traffic, 5), cut);
    assert!(report.is_sound(), "{:#?}", report.faults);
    assert_eq!((remarks(&report), report.first), (vec!["expired"], 6));
    for notes in [expire(Retention::Traffic, 4), expire(Retention::Detail, 5), vec![]] {
        assert_eq!(found(&with_notes(notes, cut)), ["6:1 missing-front"]);
    }
    // Alone, nothing can be said about it.
    let mut files = Plan::new("h/gw-1/traffic", &[&[3, 3], &[3, 3]]).write();
    cut(&mut plan(), &mut files);
    let dir = folder();
    let dir = put(dir.path(), "traffic", &files);
    let keys = [signer("h/gw-1/traffic").verifier()];
    let report = verify_stream(&dir, &keys, &Options::default()).unwrap();
    assert!(report.is_sound());
    assert_eq!(remarks(&report), ["expiry-unknown"]);
}

#[test]
fn an_end_that_is_not_signed_is_a_fault_unless_the_writer_may_be_running() {
    let name = cordon_journal::segment::file_name(12);
    let last = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut files = plan().write();
        change(files.get_mut(&name).unwrap());
        files.insert("checkpoint".into(), plan().head(15).into_bytes());
        let live = Options { live: true, ..Options::default() };
        (verify(&files, &Options::default()), verify(&files, &live))
    };
    let without_head = |text: &mut Vec<u8>| {
        let kept = lines(text);
        *text = joined(&kept[..8]);
    };
    let (closed, live) = last(&without_head);
    assert_eq!(found(&closed), ["12:6 open-end", "checkpoint:1 stale-checkpoint"]);
    assert_eq!((found(&live), remarks(&live)), (vec![], vec!["open-end"]));
    assert_eq!((live.size(), live.counts.records), (15, 18));
    let (closed, live) = last(&|text| text.truncate(text.len() - 9));
    assert_eq!(found(&closed)[0], "12:6 open-end");
    assert_eq!((found(&live), remarks(&live)), (vec![], vec!["open-end"]));
    // Room that was reserved is no fault, and neither is a line that was cut off in it.
    let (closed, live) = last(&|text| text.resize(100_000, 0));
    assert_eq!(found(&closed), ["checkpoint:1 stale-checkpoint"]);
    assert!(live.is_sound() && live.remarks.is_empty());
    let (_, live) = last(&|text| {
        text.extend(b"{\"after\":\"");
        text.resize(100_000, 0);
    });
    assert_eq!((found(&live), remarks(&live)), (vec![], vec!["open-end"]));
    let (_, live) = last(&|text| {
        text.resize(100_000, 0);
        text.push(b'x');
    });
    assert_eq!(found(&live), ["12:10 bytes-behind-end"]);
    let mut files = plan().write();
    files.remove("checkpoint");
    assert_eq!(found(&verify(&files, &Options::default())), ["checkpoint:1 missing-checkpoint"]);
}

#[test]
fn two_copies_are_compared_record_by_record() {
    let compare = |other: &Files| {
        let dir = folder();
        let against = Some(put(dir.path(), "other", other));
        verify(&plan().write(), &Options { against, ..Options::default() })
    };
    assert!(compare(&plan().write()).remarks.is_empty());
    let mut changed = plan();
    changed.records[10].0 = changed.records[3].0.clone();
    assert_eq!(found(&compare(&changed.write())), ["6:7 differs-from-copy"]);
    let mut shorter = plan().write();
    shorter.remove(&segments(&shorter)[2]);
    let report = compare(&shorter);
    assert_eq!((found(&report), remarks(&report)), (vec![], vec!["copy-differs"]));
    let longer = Plan::new(ORIGIN, &[&[3, 3], &[3, 3], &[3, 3], &[2]]);
    assert_eq!(found(&compare(&longer.write())), ["12:8 shorter-than-copy"]);
}

#[test]
fn keys_and_streams_are_found() {
    let dir = folder();
    let journal = dir.path().join("replicas/gw-1");
    let evidence = put(&journal, "evidence", &plan().write());
    let keys = ["evidence", "traffic"].map(|stream| signer(&format!("h/gw-1/{stream}")).verifier());
    let text: String = keys.iter().map(cordon_model::note::Verifier::text).collect();
    std::fs::write(journal.join("journal.pub"), text).unwrap();
    assert_eq!(read_keys(&journal.join("journal.pub")).unwrap(), keys);
    // The stream of traffic was deleted; its key is still there.
    let both = vec![evidence.clone(), journal.join("traffic")];
    assert_eq!(find_streams(dir.path()).unwrap(), both);
    assert_eq!(find_streams(&journal).unwrap(), both);
    assert_eq!(find_streams(&evidence).unwrap(), std::slice::from_ref(&evidence));
    let report = verify_stream(&both[1], &keys, &Options::default()).unwrap();
    let labels: Vec<_> = report.faults.iter().map(|fault| fault.wrong.label()).collect();
    assert_eq!(labels, ["missing-checkpoint", "unknown-key", "empty"]);
    let report = verify_stream(&evidence, &keys[1..], &Options::default()).unwrap();
    assert_eq!(found(&report), ["0:1 unknown-key"]);
}

#[test]
fn witnesses_are_asked_about_the_checkpoint() {
    let witness = cordon_model::note::Signer::new("witness-1", [7; 32]);
    let options = Options { witnesses: vec![witness.verifier()], ..Options::default() };
    let mut files = plan().write();
    assert_eq!(remarks(&verify(&files, &options)), ["not-cosigned"]);
    let text = files.get_mut("checkpoint").unwrap();
    let body = String::from_utf8(text.clone()).unwrap();
    let body = body.split_once("\n\n").unwrap().0.to_owned() + "\n";
    text.extend(witness.cosignature_line(1_767_225_700, &body).into_bytes());
    let report = verify(&files, &options);
    assert!(report.is_sound() && report.remarks.is_empty());
    assert_eq!(report.cosigned[0].time_s, 1_767_225_700);
}

#[test]
fn the_newest_record_is_changed_and_nobody_is_blamed_for_two_pasts() {
    let last = |text: &mut Vec<Vec<u8>>| {
        let at = text.iter().rposition(|line| line.starts_with(b"{\"after\"")).unwrap();
        edit(&mut text[at], "\"event\":{\"at\":1", "\"event\":{\"at\":2");
    };
    check(12, last, &["12:9 wrong-root"]);
}

//! The writer: what is acknowledged stays, whatever happens.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use cordon_journal::hash::Hash;
use cordon_journal::head::Head;
use cordon_journal::journal::{Journal, OnDamage, OpenError, RecoverError};
use cordon_journal::layout;
use cordon_journal::record::Record;
use cordon_journal::segment::{self, Line};
use cordon_journal::tree::Frontier;
use cordon_model::event::{JournalNote, Retention, What};
use cordon_model::note::Signer;

use crate::stage::{Folder, SECRET, START_MS, TestClock, flow, health, lines, open, options};

/// Reads a stream back and checks chain, tree and every head; gives the records.
pub(crate) fn read(folder: &Folder, class: Retention) -> Vec<Record> {
    let origin = format!("h/gw-1/{class}");
    let key = Signer::new(&origin, SECRET).verifier();
    let (mut last, mut tree, mut records) = (Hash::ZERO, Frontier::default(), Vec::new());
    let (mut covered, mut note) = (0, String::new());
    for line in lines(&layout::stream(folder.path(), class)) {
        match Line::of(line.as_bytes()) {
            Line::Header(line) => {
                let header = segment::Header::decode(line).unwrap();
                assert_eq!((header.first, header.last), (tree.size(), last));
                assert_eq!(header.frontier, tree.peaks());
                if let Some(head) = header.head {
                    assert_eq!(Head::open(&head, &key).unwrap().size, tree.size());
                }
            }
            Line::Record(line) => {
                let record = Record::decode(line).unwrap();
                assert_eq!((record.after, record.seq), (last, tree.size()));
                last = Hash::of_leaf(line);
                tree.push(last);
                records.push(record);
            }
            Line::Head(line) => {
                note = segment::decode_head(line).unwrap();
                let head = Head::peek(&note).unwrap();
                assert_eq!((head.size, head.root), (tree.size(), tree.root()));
                covered = head.size;
            }
            Line::Foreign(line) => panic!("{:?}", String::from_utf8_lossy(line)),
        }
    }
    assert_eq!(covered, tree.size());
    if covered > 0 {
        Head::open(&note, &key).unwrap();
    }
    records
}

fn packets(records: &[Record]) -> Vec<u64> {
    let packets = |record: &Record| match &record.event.what {
        What::Flow(flow) => Some(flow.packets),
        _ => None,
    };
    records.iter().filter_map(packets).collect()
}

fn notes(records: &[Record]) -> Vec<JournalNote> {
    let note = |record: &Record| match &record.event.what {
        What::Journal(note) => Some((**note).clone()),
        _ => None,
    };
    records.iter().filter_map(note).collect()
}

#[test]
fn what_is_recorded_is_read_back_over_many_starts_and_segments() {
    let (folder, clock) = (Folder::new("starts"), TestClock::new());
    let mut expect = Vec::new();
    for start in 0..3 {
        let journal = open(folder.path(), &clock);
        for number in 0..700 {
            let number = start * 1_000 + number;
            clock.pass(1);
            let id = journal.record(&flow(number)).unwrap();
            assert_eq!(id.to_string(), format!("gw-1/traffic/{}", expect.len()));
            expect.push(number);
        }
        journal.record(&health()).unwrap();
        journal.close().unwrap();
    }
    let traffic = read(&folder, Retention::Traffic);
    assert_eq!(packets(&traffic), expect);
    assert!(layout::segments(&folder.path().join("traffic")).unwrap().len() > 3);
    assert_eq!(traffic.iter().map(|record| record.run).max(), Some(3));
    assert_eq!(read(&folder, Retention::Detail).len(), 3);
    let evidence = notes(&read(&folder, Retention::Evidence));
    assert!(evidence.iter().all(|note| matches!(note, JournalNote::Start { .. })));
    assert_eq!(evidence.len(), 3);
}

#[test]
fn many_threads_share_the_writer_and_each_sees_its_record_on_the_disk() {
    let (folder, clock) = (Folder::new("threads"), TestClock::new());
    let journal = Arc::new(open(folder.path(), &clock));
    std::thread::scope(|scope| {
        for thread in 0..8u64 {
            let journal = Arc::clone(&journal);
            scope.spawn(move || {
                for number in 0..200 {
                    let event = flow(thread * 1_000 + number);
                    if number % 3 == 0 {
                        journal.append(&event).unwrap();
                    } else {
                        let id = journal.record(&event).unwrap();
                        let head = Head::peek(&journal.head(Retention::Traffic)).unwrap();
                        assert!(head.size > id.seq);
                    }
                }
            });
        }
    });
    drop(journal);
    let mut found = packets(&read(&folder, Retention::Traffic));
    let sorted_by_thread = |thread: u64| {
        let own: Vec<u64> = found.iter().copied().filter(|n| n / 1_000 == thread).collect();
        own.is_sorted()
    };
    assert!((0..8).all(sorted_by_thread));
    found.sort_unstable();
    let expect: Vec<u64> = (0..8).flat_map(|t| (0..200).map(move |n| t * 1_000 + n)).collect();
    assert_eq!(found, expect);
}

/// Writes ten flows of which the last is on the disk, but not yet in the checkpoint; gives the
/// segment.
fn ten(folder: &Folder, clock: &TestClock) -> (PathBuf, Vec<u8>) {
    let stream = folder.path().join("traffic");
    let checkpoint = stream.join(layout::CHECKPOINT);
    let journal = open(folder.path(), clock);
    for number in 0..9 {
        journal.record(&flow(number)).unwrap();
    }
    journal.close().unwrap();
    let before = fs::read(&checkpoint).unwrap();
    let journal = open(folder.path(), clock);
    journal.record(&flow(9)).unwrap();
    journal.close().unwrap();
    fs::write(checkpoint, before).unwrap();
    let path = stream.join(segment::file_name(0));
    let bytes = fs::read(&path).unwrap();
    (path, bytes)
}

#[test]
fn a_cut_off_end_is_dropped_and_a_record_says_so() {
    for cut in [1, 3, 50, 250, 300, 500] {
        let (folder, clock) = (Folder::new("cut"), TestClock::new());
        let (path, bytes) = ten(&folder, &clock);
        // As if the last batch had not been finished.
        fs::write(&path, &bytes[..bytes.len() - cut]).unwrap();
        let journal = open(folder.path(), &clock);
        journal.record(&flow(10)).unwrap();
        journal.close().unwrap();
        let found = packets(&read(&folder, Retention::Traffic));
        assert_eq!(found, (0..9).chain([10]).collect::<Vec<_>>(), "{cut}");
        let notes = notes(&read(&folder, Retention::Evidence));
        let dropped = notes.iter().find_map(|note| match note {
            JournalNote::Recover { dropped_bytes, dropped_records } => {
                Some((*dropped_bytes, *dropped_records))
            }
            _ => None,
        });
        let (dropped_bytes, dropped_records) =
            dropped.unwrap_or_else(|| panic!("{cut}: {notes:?}"));
        // The line of the record is whole as long as only the head behind it is cut.
        let head = bytes.split_inclusive(|byte| *byte == b'\n').next_back().unwrap();
        assert_eq!(dropped_records, u64::from(cut <= head.len()), "{cut}");
        let aside = fs::read_dir(path.parent().unwrap()).unwrap().find_map(|entry| {
            let path = entry.unwrap().path();
            path.to_str().unwrap().contains(".dropped-").then_some(path)
        });
        let aside = fs::read(aside.unwrap()).unwrap();
        assert_eq!(aside.len() as u64, dropped_bytes, "{cut}");
        assert!(bytes[..bytes.len() - cut].ends_with(&aside), "{cut}");
    }
}

/// Puts the hashes right again behind a change, and takes away the heads that no longer fit: all
/// that can be done without the key.
fn rewritten(text: &str, from: &str, to: &str) -> String {
    let mut out = String::new();
    let mut last = None;
    let mut is_changed = false;
    for line in text.lines() {
        let mut line = line.to_owned();
        is_changed |= line.contains(from);
        line = line.replacen(from, to, 1);
        match Line::of(line.as_bytes()) {
            Line::Head(_) if is_changed => continue,
            Line::Record(_) => {
                if let Some(last) = last {
                    line = format!("{{\"after\":\"{last}{}", &line[10 + 44..]);
                }
                last = Some(Hash::of_leaf(line.as_bytes()));
            }
            Line::Head(_) | Line::Header(_) | Line::Foreign(_) => {}
        }
        out.push_str(&line);
        out.push('\n');
    }
    out
}

#[test]
fn the_writer_never_signs_what_somebody_else_has_written() {
    let forged = |name: &str, change: &dyn Fn(&str) -> String| {
        let (folder, clock) = (Folder::new(name), TestClock::new());
        let (path, bytes) = ten(&folder, &clock);
        fs::write(&path, change(std::str::from_utf8(&bytes).unwrap())).unwrap();
        let opened = Journal::open(folder.path(), options(&clock));
        let opened = opened.map(|journal| journal.close().unwrap());
        (opened, packets(&read_if(&folder)))
    };
    // A past that fits in itself, but not the head that was published.
    let (opened, _) = forged("past", &|text| rewritten(text, "\"packets\":4", "\"packets\":5"));
    let OpenError::Stream { source, .. } = opened.unwrap_err() else { panic!() };
    assert!(matches!(source, RecoverError::Broken { seq: 9, .. }), "{source}");
    // The newest record, which no published head covers: it is dropped, not signed.
    let newest = |text: &str| rewritten(text, "\"packets\":9", "\"packets\":8");
    let (opened, found) = forged("newest", &newest);
    opened.unwrap();
    assert_eq!(found, (0..9).collect::<Vec<_>>());
    // One more record at the end.
    let more = |text: &str| {
        let records = text.lines().filter(|line| line.starts_with("{\"after\""));
        let last = records.max_by_key(|line| line.contains("\"seq\":9")).unwrap();
        let after = Hash::of_leaf(last.as_bytes());
        let line = last.replacen("\"seq\":9", "\"seq\":10", 1);
        format!("{text}{{\"after\":\"{after}{}\n", &line[10 + 44..])
    };
    let (opened, found) = forged("more", &more);
    opened.unwrap();
    assert_eq!(found, (0..10).collect::<Vec<_>>());
}

/// Reads the traffic of a journal that may not have been repaired.
fn read_if(folder: &Folder) -> Vec<Record> {
    let lines = lines(&folder.path().join("traffic"));
    let record = |line: &String| Record::decode(line.as_bytes()).ok();
    lines.iter().filter_map(record).collect()
}

#[test]
fn a_checkpoint_or_a_stream_that_is_gone_is_noticed_at_the_start() {
    for gone in ["traffic/checkpoint", "traffic", "evidence"] {
        let (folder, clock) = (Folder::new("gone"), TestClock::new());
        ten(&folder, &clock);
        let path = folder.path().join(gone);
        if path.is_dir() {
            fs::remove_dir_all(path).unwrap()
        } else {
            fs::remove_file(path).unwrap()
        }
        let error = Journal::open(folder.path(), options(&clock)).unwrap_err();
        let OpenError::Stream { source, .. } = error else { panic!("{gone}: {error}") };
        let expected = match gone {
            "traffic/checkpoint" => matches!(source, RecoverError::Broken { seq: 10, .. }),
            _ => matches!(source, RecoverError::Gone(_)),
        };
        assert!(expected, "{gone}: {source}");
    }
}

#[test]
fn damage_to_what_was_acknowledged_is_refused_or_set_aside() {
    let (folder, clock) = (Folder::new("damage"), TestClock::new());
    let journal = open(folder.path(), &clock);
    for number in 0..10 {
        journal.record(&flow(number)).unwrap();
    }
    journal.close().unwrap();
    let path = folder.path().join("traffic").join(segment::file_name(0));
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("\"packets\":4", "\"packets\":5")).unwrap();
    let error = Journal::open(folder.path(), options(&clock)).unwrap_err();
    let OpenError::Stream { stream: Retention::Traffic, source } = error else { panic!() };
    assert!(matches!(source, RecoverError::Broken { seq: 5, .. }), "{source}");
    let mut again = options(&clock);
    again.on_damage = OnDamage::SetAside;
    let journal = Journal::open(folder.path(), again).unwrap();
    journal.record(&flow(77)).unwrap();
    journal.close().unwrap();
    assert_eq!(packets(&read(&folder, Retention::Traffic)), [77]);
    let aside = folder.path().join(format!("traffic-broken-{START_MS}"));
    assert!(fs::read_to_string(aside.join(segment::file_name(0))).unwrap().contains("\"seq\":9"));
    let notes = notes(&read(&folder, Retention::Evidence));
    assert!(notes.contains(&JournalNote::Restart { broken_at: 5 }));
}

#[test]
fn missing_records_that_a_head_speaks_of_are_noticed_at_the_start() {
    let (folder, clock) = (Folder::new("missing"), TestClock::new());
    let journal = open(folder.path(), &clock);
    for number in 0..10 {
        journal.record(&flow(number)).unwrap();
    }
    journal.close().unwrap();
    let path = folder.path().join("traffic").join(segment::file_name(0));
    let text = fs::read_to_string(&path).unwrap();
    let cut = text.find("\"seq\":7").unwrap();
    let cut = text[..cut].rfind('\n').unwrap() + 1;
    fs::write(&path, &text[..cut]).unwrap();
    let error = Journal::open(folder.path(), options(&clock)).unwrap_err();
    let OpenError::Stream { source, .. } = error else { panic!() };
    assert!(matches!(source, RecoverError::Missing { found: 7, said: 10, .. }), "{source}");
}

#[test]
fn a_journal_has_one_writer_and_one_key() {
    let (folder, clock) = (Folder::new("lock"), TestClock::new());
    let journal = open(folder.path(), &clock);
    let error = Journal::open(folder.path(), options(&clock)).unwrap_err();
    assert!(matches!(error, OpenError::Locked(_)));
    journal.close().unwrap();
    let mut other = options(&clock);
    other.signer = Signer::new("key", [1; 32]);
    assert!(matches!(Journal::open(folder.path(), other).unwrap_err(), OpenError::Key(_)));
}

#[test]
fn a_clock_that_is_set_leaves_a_record_where_it_was_set() {
    let (folder, clock) = (Folder::new("clock"), TestClock::new());
    let journal = open(folder.path(), &clock);
    journal.record(&flow(0)).unwrap();
    clock.pass(500);
    clock.set_wall(START_MS - 3_600_000);
    journal.record(&flow(1)).unwrap();
    journal.close().unwrap();
    clock.set_wall(START_MS - 7_200_000);
    let journal = open(folder.path(), &clock);
    journal.record(&flow(2)).unwrap();
    journal.close().unwrap();
    let records = read(&folder, Retention::Traffic);
    let steps = notes(&records);
    assert_eq!(
        steps,
        [
            JournalNote::ClockStep { by_ms: -3_600_500 },
            JournalNote::ClockStep { by_ms: -7_200_000 },
        ]
    );
    assert_eq!(packets(&records), [0, 1, 2]);
    assert!(matches!(&records[1].event.what, What::Journal(_)));
}

//! What happens around delivery: files, gaps, replaced journals, two at once.

use std::fs;

use cordon_control::export::delivery::Alarm;
use cordon_control::export::run::RunError;
use cordon_control::export::words;
use cordon_journal::layout;
use cordon_journal::read::{Cursor, Reader};
use cordon_journal::segment::file_name;
use cordon_model::event::{EventId, Retention};

use crate::bench::{Bench, until, write};

const TARGET: &str = "[exporter.file]\npath = \"feed.jsonl\"\nformat = \"jsonl\"\n";

fn words(id: &EventId) -> Option<String> {
    // Every third has no words in the format.
    (id.seq % 3 != 2).then(|| id.seq.to_string())
}

fn lines(bench: &Bench) -> Vec<u64> {
    let text = fs::read_to_string(bench.path("feed.jsonl")).unwrap_or_default();
    text.lines().map(|line| line.parse().unwrap()).collect()
}

#[test]
fn a_file_gets_every_line_over_restarts() {
    let bench = Bench::new("file");
    let exporter = bench.exporter(TARGET);
    let journal = bench.journal();
    for round in 1..=4 {
        write(&journal, 50);
        let run = bench.run(&exporter, &words, || {
            until("all is written", || bench.place() == round * 50);
        });
        run.unwrap();
    }
    assert_eq!(lines(&bench), (0..200).filter(|seq| seq % 3 != 2).collect::<Vec<_>>());
}

#[test]
fn what_was_gone_before_its_turn_is_counted() {
    let bench = Bench::new("gap");
    let exporter = bench.exporter(TARGET);
    let journal = bench.journal();
    write(&journal, 5);
    let run = bench.run(&exporter, &words, || until("it began", || bench.place() == 5));
    run.unwrap();
    // A segment turns over between writes, and at a multiple of 256 records.
    (0..100).for_each(|_| write(&journal, 10));
    let stream = bench.path("journal/traffic");
    let segments = layout::segments(&stream).unwrap();
    assert!(segments.len() > 3, "{segments:?}");
    for first in &segments[..2] {
        fs::remove_file(stream.join(file_name(*first))).unwrap();
    }
    let run = bench.run(&exporter, &words, || until("it went on", || bench.place() == 1_005));
    run.unwrap();
    assert_eq!(bench.status().lost_records(), segments[2] - 5);
    assert!(bench.alarms.lock().unwrap().contains(&(Alarm::Gap, true)));
    let expected = (0..5).chain(segments[2]..1_005).filter(|seq| seq % 3 != 2);
    assert_eq!(lines(&bench), expected.collect::<Vec<_>>());
}

#[test]
fn a_replaced_journal_is_an_alarm_and_nothing_is_delivered() {
    let bench = Bench::new("replaced");
    let exporter = bench.exporter(TARGET);
    let journal = bench.journal();
    write(&journal, 9);
    let run = bench.run(&exporter, &words, || until("it began", || bench.place() == 9));
    run.unwrap();
    journal.close().unwrap();
    fs::remove_dir_all(bench.path("journal")).unwrap();
    write(&bench.journal(), 20);
    let run = bench.run(&exporter, &words, || {
        until("it says so", || {
            bench.alarms.lock().unwrap().contains(&(Alarm::Journal, true))
                && bench.status().alarms.contains(&Alarm::Journal.label().to_owned())
        });
    });
    run.unwrap();
    assert_eq!(lines(&bench).len(), 6);
    assert_eq!(bench.status().last_error.as_deref(), Some("journal-replaced"));
}

#[test]
fn a_second_one_with_the_same_state_does_not_start() {
    let bench = Bench::new("twice");
    let exporter = bench.exporter(TARGET);
    write(&bench.journal(), 1);
    let run = bench.run(&exporter, &words, || {
        until("it began", || bench.place() == 1);
        let second = bench.run(&exporter, &words, || ());
        assert!(matches!(second, Err(RunError::Held(_))), "{second:?}");
    });
    run.unwrap();
}

#[test]
fn every_format_is_chosen_by_the_settings() {
    for (target, expected) in [
        ("[exporter.file]\npath = \"f\"\nformat = \"jsonl\"\n", "{\"after\":"),
        ("[exporter.file]\npath = \"f\"\nformat = \"ocsf\"\n", "\"class_uid\":"),
        ("[exporter.file]\npath = \"f\"\nformat = \"cef\"\n", "CEF:0|"),
        (
            "[exporter.hec]\nurl = \"http://127.0.0.1:1\"\ntoken-file = \"t\"\nindex = \"main\"\n",
            "\"index\":\"main\"",
        ),
        ("[exporter.syslog]\naddress = \"127.0.0.1:1\"\nformat = \"json\"\nplain = true\n", "{"),
        (
            "[exporter.syslog]\naddress = \"127.0.0.1:1\"\nformat = \"cef\"\nplain = true\n",
            "CEF:0|",
        ),
        (
            "[exporter.syslog]\naddress = \"127.0.0.1:1\"\nformat = \"leef\"\nplain = true\n",
            "LEEF:2.0|",
        ),
        (
            "[exporter.syslog]\naddress = \"127.0.0.1:1\"\nformat = \"atna\"\nplain = true\n",
            // An audit repository may leave this kind out.
            "",
        ),
    ] {
        let bench = Bench::new("formats");
        let exporter = bench.exporter(target);
        let journal = bench.journal();
        write(&journal, 1);
        let stream = layout::stream(&bench.path("journal"), Retention::Traffic);
        let mut reader = Reader::open(&stream, Cursor::START).unwrap();
        let entry = reader.next().unwrap().unwrap();
        let id: EventId = "gw-1/traffic/0".parse().unwrap();
        let text = words::of(&exporter, &entry, &entry.record().unwrap(), &id);
        let Some(text) = text else {
            assert!(expected.is_empty(), "{target}");
            continue;
        };
        assert!(text.contains(expected), "{target}: {text}");
        assert!(text.contains("gw-1/traffic/0"), "{target}: {text}");
    }
}

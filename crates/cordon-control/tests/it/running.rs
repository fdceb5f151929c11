//! What happens around delivery: files, gaps, replaced journals, two at once.

use std::fs;

use cordon_control::export::delivery::Alarm;
use cordon_control::export::run::RunError;
use cordon_journal::layout;
use cordon_journal::segment::file_name;
use cordon_model::event::EventId;

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

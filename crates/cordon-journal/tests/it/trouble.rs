//! Disks that are full, slow, read-only or broken: nobody waits, nothing acknowledged is lost, and
//! what is lost is counted.

use std::io;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use cordon_journal::disk::{Disk, DiskFile, Machine};
use cordon_journal::journal::{Journal, RecordFailure, Refusal, Unavailable, Why};
use cordon_journal::layout;
use cordon_journal::record::Record;
use cordon_journal::segment::Line;
use cordon_model::event::{EventId, JournalNote, Retention, What};

use crate::stage::{Folder, TestClock, flow, health, lines, options};

/// A disk that a test can stop, fill and break.
#[derive(Debug, Default)]
struct Levers {
    is_full: AtomicBool,
    is_broken: AtomicBool,
    /// Writes that go through before the next failure leaves half of one behind.
    torn: AtomicBool,
    gate: Mutex<bool>,
    opened: Condvar,
    syncs: AtomicU64,
}

#[derive(Debug, Clone)]
struct Bad(Arc<Levers>);

#[derive(Debug)]
struct BadFile(Box<dyn DiskFile>, Arc<Levers>);

impl Disk for Bad {
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(BadFile(Machine.open(path)?, Arc::clone(&self.0))))
    }
}

impl DiskFile for BadFile {
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        if self.1.is_full.load(Ordering::SeqCst) {
            self.0.write_at(&bytes[..bytes.len() / 2], offset)?;
            return Err(io::ErrorKind::StorageFull.into());
        }
        if self.1.torn.swap(false, Ordering::SeqCst) {
            self.0.write_at(&bytes[..bytes.len() / 2], offset)?;
            return Err(io::Error::other("torn"));
        }
        self.0.write_at(bytes, offset)
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut is_shut = self.1.gate.lock().unwrap();
        while *is_shut {
            is_shut = self.1.opened.wait(is_shut).unwrap();
        }
        drop(is_shut);
        self.1.syncs.fetch_add(1, Ordering::SeqCst);
        if self.1.is_broken.load(Ordering::SeqCst) {
            return Err(io::Error::other("broken"));
        }
        self.0.sync()
    }

    fn truncate(&mut self, bytes: u64) -> io::Result<()> {
        self.0.truncate(bytes)
    }
}

impl Levers {
    fn shut(&self, is_shut: bool) {
        *self.gate.lock().unwrap() = is_shut;
        self.opened.notify_all();
    }
}

fn records(folder: &Folder, class: Retention) -> Vec<Record> {
    let lines = lines(&layout::stream(folder.path(), class));
    let record = |line: &String| match Line::of(line.as_bytes()) {
        Line::Record(line) => Some(Record::decode(line).unwrap()),
        Line::Header(_) | Line::Head(_) => None,
        Line::Foreign(_) => panic!("{line}"),
    };
    lines.iter().filter_map(record).collect()
}

fn packets(folder: &Folder) -> Vec<u64> {
    let packets = |record: Record| match record.event.what {
        What::Flow(flow) => Some(flow.packets),
        _ => None,
    };
    records(folder, Retention::Traffic).into_iter().filter_map(packets).collect()
}

fn lost(folder: &Folder) -> Vec<(String, u64, String)> {
    let lost = |record: Record| match record.event.what {
        What::Journal(note) => match *note {
            JournalNote::Lose { kind, lost, why } => {
                Some((kind.to_string(), lost.count, why.to_string()))
            }
            _ => None,
        },
        _ => None,
    };
    records(folder, Retention::Evidence).into_iter().filter_map(lost).collect()
}

fn stage(name: &str) -> (Folder, Arc<Levers>, Journal) {
    let folder = Folder::new(name);
    let levers = Arc::new(Levers::default());
    let mut options = options(&TestClock::new());
    options.disk = Arc::new(Bad(Arc::clone(&levers)));
    options.limits.queue_bytes_max = 64 << 10;
    let journal = Journal::open(folder.path(), options).unwrap();
    (folder, levers, journal)
}

/// What the queue took until it was full, and how it refused more.
struct Filled {
    taken: u64,
    last: EventId,
    refusal: Refusal,
}

/// Appends until the queue is full.
fn fill(journal: &Journal, from: u64) -> Filled {
    let mut last = journal.append(&flow(from)).unwrap();
    for number in from + 1.. {
        match journal.append(&flow(number)) {
            Ok(id) => last = id,
            Err(refusal) => return Filled { taken: number - from, last, refusal },
        }
    }
    unreachable!()
}

#[test]
fn nobody_waits_for_a_disk_that_stands_still() {
    let (folder, levers, journal) = stage("slow");
    journal.record(&flow(0)).unwrap();
    levers.shut(true);
    // All of these return while no flush does; the queue fills and the rest is counted.
    let Filled { taken, refusal, .. } = fill(&journal, 1);
    assert_eq!(refusal, Refusal::Full(Why::QueueFull));
    for number in 0..100 {
        assert!(journal.append(&flow(number)).is_err());
    }
    // What matters most still finds room.
    journal.append(&journal.note(JournalNote::ClockStep { by_ms: 0 })).unwrap();
    levers.shut(false);
    journal.close().unwrap();
    assert_eq!(packets(&folder), (0..=taken).collect::<Vec<_>>());
    assert_eq!(lost(&folder), [("flow".to_owned(), 101, "queue-full".to_owned())]);
}

#[test]
fn a_full_disk_loses_nothing_that_was_acknowledged_and_counts_the_rest() {
    let (folder, levers, journal) = stage("full");
    for number in 0..10 {
        journal.record(&flow(number)).unwrap();
    }
    levers.is_full.store(true, Ordering::SeqCst);
    let waits = journal.record(&flow(10)).unwrap_err();
    assert_eq!(waits, RecordFailure::Unavailable(Unavailable(Why::DiskFull)));
    let Filled { taken, last, refusal } = fill(&journal, 11);
    assert_eq!(refusal, Refusal::Full(Why::DiskFull));
    let traffic = journal.status()[1];
    assert_eq!((traffic.durable, traffic.failure), (10, Some(Why::DiskFull)));
    assert_eq!((traffic.waiting, traffic.lost), (taken + 1, 1));
    levers.is_full.store(false, Ordering::SeqCst);
    // What waited is written, in order, before what comes.
    journal.wait(&last).unwrap();
    let id = journal.record(&flow(1_000)).unwrap();
    assert_eq!(id.seq, 11 + taken);
    journal.close().unwrap();
    let expect: Vec<u64> = (0..11 + taken).chain([1_000]).collect();
    assert_eq!(packets(&folder), expect);
    assert_eq!(lost(&folder), [("flow".to_owned(), 1, "disk-full".to_owned())]);
}

#[test]
fn a_flush_that_fails_acknowledges_nothing_and_is_done_again_as_a_whole() {
    let (folder, levers, journal) = stage("broken");
    journal.record(&flow(0)).unwrap();
    levers.is_broken.store(true, Ordering::SeqCst);
    for number in 1..4 {
        let error = journal.record(&flow(number)).unwrap_err();
        assert_eq!(error, RecordFailure::Unavailable(Unavailable(Why::DiskFailed)));
    }
    assert_eq!(journal.status()[1].durable, 1);
    levers.is_broken.store(false, Ordering::SeqCst);
    levers.torn.store(true, Ordering::SeqCst);
    let _ = journal.record(&flow(4));
    journal.record(&flow(5)).unwrap();
    journal.close().unwrap();
    assert_eq!(packets(&folder), [0, 1, 2, 3, 4, 5]);
}

#[test]
fn other_streams_go_on_while_one_waits() {
    let (folder, levers, journal) = stage("others");
    levers.is_full.store(true, Ordering::SeqCst);
    journal.append(&flow(1)).unwrap();
    journal.append(&health()).unwrap();
    assert!(journal.record(&flow(2)).is_err());
    levers.is_full.store(false, Ordering::SeqCst);
    journal.record(&health()).unwrap();
    journal.close().unwrap();
    assert_eq!(packets(&folder), [1, 2]);
    assert_eq!(records(&folder, Retention::Detail).len(), 2);
}

/// A file system in memory of a given size; gone with the value.
struct Mount(Folder);

impl Mount {
    /// Nothing if this process may not mount.
    fn new(bytes: u64) -> Option<Self> {
        let folder = Folder::new("mount");
        let size = format!("size={bytes}");
        let done = run("mount", &["-t", "tmpfs", "-o", &size, "cordon", path(&folder)]);
        if !done {
            println!("skipped: this process may not mount a file system; run as root");
        }
        done.then_some(Self(folder))
    }

    fn remount(&self, mode: &str) {
        let mode = format!("remount,{mode}");
        assert!(run("mount", &["-o", &mode, path(&self.0)]));
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        run("umount", &["-l", path(&self.0)]);
    }
}

fn path(folder: &Folder) -> &str {
    folder.path().to_str().unwrap()
}

fn run(program: &str, args: &[&str]) -> bool {
    Command::new(program).args(args).output().is_ok_and(|output| output.status.success())
}

#[test]
fn on_a_file_system_that_is_really_full_evidence_goes_on_from_what_is_in_hand() {
    let Some(mount) = Mount::new(4 << 20) else { return };
    let clock = TestClock::new();
    let folder = &mount.0;
    let mut options = options(&clock);
    options.limits.queue_bytes_max = 256 << 10;
    options.limits.reserve_bytes = 512 << 10;
    options.limits.segment_bytes = 64 << 20;
    let journal = Journal::open(folder.path(), options).unwrap();
    while journal.status()[0].durable == 0 {
        std::thread::yield_now();
    }
    // Room for evidence is in hand before anything else needs it.
    let allocated = || {
        let path = folder.path().join("evidence/00000000000000000000.jsonl");
        std::fs::metadata(path).unwrap().len()
    };
    while allocated() < 512 << 10 {
        std::thread::yield_now();
    }
    let mut acknowledged = 0;
    let error = loop {
        match journal.record(&flow(acknowledged)) {
            Ok(_) => acknowledged += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(error, RecordFailure::Unavailable(Unavailable(Why::DiskFull)));
    assert!(acknowledged > 1_000, "{acknowledged}");
    for _ in 0..100 {
        journal.record(&journal.note(JournalNote::ClockStep { by_ms: 0 })).unwrap();
    }
    let Filled { taken, last, .. } = fill(&journal, acknowledged + 1);
    run("mount", &["-o", "remount,size=16m", path(folder)]);
    journal.wait(&last).unwrap();
    journal.record(&flow(9_999)).unwrap();
    journal.close().unwrap();
    let expect: Vec<u64> = (0..acknowledged + 1 + taken).chain([9_999]).collect();
    assert_eq!(packets(folder), expect);
    assert_eq!(lost(folder), [("flow".to_owned(), 1, "disk-full".to_owned())]);
}

#[test]
fn a_file_system_that_turns_read_only_and_back_loses_nothing_acknowledged() {
    let Some(mount) = Mount::new(16 << 20) else { return };
    let folder = &mount.0;
    let journal = crate::stage::open(folder.path(), &TestClock::new());
    for number in 0..50 {
        journal.record(&flow(number)).unwrap();
    }
    journal.close().unwrap();
    mount.remount("ro");
    let error = Journal::open(folder.path(), options(&TestClock::new())).unwrap_err();
    assert!(error.to_string().contains("cannot be used as a journal"), "{error}");
    mount.remount("rw");
    let journal = crate::stage::open(folder.path(), &TestClock::new());
    journal.record(&flow(50)).unwrap();
    journal.close().unwrap();
    assert_eq!(packets(folder), (0..=50).collect::<Vec<_>>());
}

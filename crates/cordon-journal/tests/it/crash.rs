//! Killed at any moment, again and again: what was acknowledged is there, and the chain holds.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use cordon_journal::journal::{Journal, Moment};
use cordon_model::event::{Retention, What};
use cordon_model::{Mono, WallMs};

use crate::journal::read;
use crate::stage::{Folder, START_MS, flow, health, options_at, random};

const FOLDER: &str = "CORDON_TEST_CRASH_FOLDER";
const FIRST: &str = "CORDON_TEST_CRASH_FIRST";

/// Writes without end and says on standard output what is on the disk, until it is killed.
#[test]
fn child() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let first: u64 = std::env::var(FIRST).unwrap().parse().unwrap();
    let begun = Instant::now();
    let clock = move || {
        let mono = u64::try_from(begun.elapsed().as_nanos()).unwrap();
        Moment { mono: Mono(mono), wall: WallMs(START_MS + first + mono / 1_000_000) }
    };
    let journal = Journal::open(&folder, options_at(Box::new(clock))).unwrap();
    let next = AtomicU64::new(first);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (journal, next) = (&journal, &next);
            scope.spawn(move || {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if thread == 0 && number % 50 > 0 {
                        let _ = journal.append(&flow(number));
                        let _ = journal.append(&health());
                        continue;
                    }
                    let Ok(id) = journal.record(&flow(number)) else { continue };
                    let line = format!("acknowledged {} {number}\n", id.seq);
                    std::io::stdout().write_all(line.as_bytes()).unwrap();
                }
            });
        }
    });
}

/// Lets a child write until it has acknowledged `acks` records and then some; gives all of them.
fn run(folder: &Path, first: u64, acks: u64) -> Vec<(u64, u64)> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::child", "--nocapture"])
        .env(FOLDER, folder)
        .env(FIRST, first.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let mut found = Vec::new();
    for line in output.lines() {
        let line = line.unwrap();
        let Some(rest) = line.strip_prefix("acknowledged ") else { continue };
        let Some((seq, number)) = rest.split_once(' ') else { continue };
        found.push((seq.parse().unwrap(), number.parse().unwrap()));
        if found.len() as u64 == acks {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(found.len() as u64 >= acks, "the child ended by itself");
    found
}

/// Kills a writer so many times, and reads the journal after each.
fn kill(times: u64, seed: u64) {
    println!("seed {seed}");
    let mut random = random(seed);
    let mut folder = Folder::new("crash");
    let mut acknowledged = BTreeMap::new();
    for time in 0..times {
        if time % 10 == 0 {
            folder = Folder::new("crash");
            acknowledged.clear();
        }
        let found = run(folder.path(), time * 10_000_000, 1 + random() % 300);
        acknowledged.extend(found);
        // The next start repairs the end; here it is done by a start that writes nothing more.
        let begun =
            move || Moment { mono: Mono(0), wall: WallMs(START_MS + (time + 1) * 10_000_000) };
        let journal = Journal::open(folder.path(), options_at(Box::new(begun))).unwrap();
        journal.close().unwrap();
        let records = read(&folder, Retention::Traffic);
        for (seq, number) in &acknowledged {
            let record = &records[usize::try_from(*seq).unwrap()];
            let What::Flow(flow) = &record.event.what else { panic!("record {seq}") };
            assert_eq!(flow.packets, *number, "record {seq}, kill {time}, seed {seed}");
        }
        read(&folder, Retention::Evidence);
        read(&folder, Retention::Detail);
    }
}

#[test]
fn two_hundred_kills_lose_nothing_that_was_acknowledged() {
    let is_soak = std::env::var_os("CORDON_SOAK").is_some();
    kill(if is_soak { 2_000 } else { 200 }, 7);
}

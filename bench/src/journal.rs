//! `journal`: what it costs to record durably and provably, beside databases that do the same.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use cordon_journal::hash::Hash;
use cordon_journal::head::Head;
use cordon_journal::journal::{Journal, Moment, Options, Refusal};
use cordon_journal::layout;
use cordon_model::event::Retention;
use cordon_model::note::Signer;
use cordon_model::{Event, HospitalId, Label, Mono, WallMs, WriterId};

use crate::clock::quantile;
use crate::figure::{Figures, Target};
use crate::run::Args;

mod databases;
mod proofs;

const GROUP: &str = "journal";
/// An event as a gateway records it, 300 bytes long.
const EVENT: &str = concat!(
    r#"{"at":1767225600006,"point":"gw-17","what":{"flow":{"action":"permit","#,
    r#""bytes_from_device":8192,"bytes_to_device":512,"device":"PUMP-3F-042","#,
    r#""dst":{"port":2575,"service":"ehr"},"first":1767225600000,"last":1767225659000,"#,
    r#""packets":40,"rule":"r","src":{"port":49152},"tier":"orange","transport":"tcp"}}}"#
);
/// The pace at which events come while proofs are timed, per second.
const PACE: u64 = 300_000;

/// Measures.
/// # Errors
/// When a file cannot be written, or a proof does not hold.
pub fn measure(args: &Args, figures: &mut Figures) -> anyhow::Result<()> {
    let event: Event = serde_json::from_str(EVENT)?;
    // Beside the build, so that it is the same disk and not a file system in memory.
    let folder = tempfile::tempdir_in(crate::run::repository().join("bench"))?;
    single(args, &event, folder.path(), figures)?;
    many(args, &event, folder.path(), figures)?;
    to_proof(args, &event, folder.path(), figures)?;
    databases::measure(args, folder.path(), figures)?;
    proofs::measure(args, folder.path(), figures)
}

fn open(folder: &Path) -> anyhow::Result<Journal> {
    let begun = Instant::now();
    let clock = move || {
        let mono = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
        Moment { mono: Mono(mono), wall: WallMs(1_767_225_600_000 + mono / 1_000_000) }
    };
    let _ = fs::remove_dir_all(folder);
    let options = Options::new(
        HospitalId::new("bench")?,
        WriterId::new("gw-1")?,
        Signer::new("bench", [7; 32]),
        Label::new("bench")?,
        Label::new("bench")?,
        Box::new(clock),
    );
    let journal = Journal::open(folder, options)?;
    // Room is allocated in the background; a gateway that has run for a second has it.
    let live =
        layout::stream(folder, Retention::Traffic).join(cordon_journal::segment::file_name(0));
    let enough = || fs::metadata(&live).is_ok_and(|live| live.len() >= 2 << 20);
    let deadline = Instant::now() + Duration::from_secs(20);
    while !enough() && Instant::now() < deadline {
        std::thread::yield_now();
    }
    Ok(journal)
}

fn micros(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e6
}

/// Bytes that one event takes when it stands alone: 427 of its record and 204 of the head behind it.
const LONE_BYTES: u16 = 631;

/// One record after another, each on the disk before the next; the disk alone in between.
fn single(args: &Args, event: &Event, folder: &Path, figures: &mut Figures) -> anyhow::Result<()> {
    let count = if args.quick { 300 } else { 2_000 };
    let raw = File::create(folder.join("raw"))?;
    raw.write_all_at(&vec![0; 2 << 20], 0)?;
    raw.sync_all()?;
    let line = vec![b'x'; usize::from(LONE_BYTES)];
    let mut rounds: [Vec<f64>; 5] = Default::default();
    for _ in 0..args.rounds() {
        let journal = open(&folder.join("single"))?;
        let (mut disk, mut ours) = (Vec::new(), Vec::new());
        for number in 0..count {
            let start = Instant::now();
            raw.write_all_at(&line, number * u64::from(LONE_BYTES))?;
            raw.sync_data()?;
            disk.push(micros(start));
            let start = Instant::now();
            journal.record(event)?;
            ours.push(micros(start));
        }
        disk.sort_by(f64::total_cmp);
        ours.sort_by(f64::total_cmp);
        let values = [
            quantile(&disk, 500),
            quantile(&disk, 990),
            quantile(&ours, 500),
            quantile(&ours, 990),
            quantile(&ours, 500) / quantile(&disk, 500),
        ];
        for (round, value) in rounds.iter_mut().zip(values) {
            round.push(value);
        }
    }
    let [disk, disk_tail, ours, ours_tail, ratio] = &rounds;
    figures.add(GROUP, "write and fdatasync of 631 bytes, p50", "us", disk, None);
    figures.add(GROUP, "write and fdatasync of 631 bytes, p99", "us", disk_tail, None);
    figures.add(GROUP, "one durable record, p50", "us", ours, None);
    figures.add(GROUP, "one durable record, p99", "us", ours_tail, None);
    let goal = Some(Target::AtMost(1.4));
    figures.add(GROUP, "one durable record / fdatasync, p50", "x", ratio, goal);
    Ok(())
}

/// As many records as go, from one thread and from two, until all are on the disk.
fn many(args: &Args, event: &Event, folder: &Path, figures: &mut Figures) -> anyhow::Result<()> {
    let count: u32 = if args.quick { 100_000 } else { 1_500_000 };
    for threads in [1, 2] {
        let mut rounds = Vec::new();
        for _ in 0..args.rounds() {
            let journal = open(&folder.join("many"))?;
            let start = Instant::now();
            std::thread::scope(|scope| {
                let all: Vec<_> = (0..threads)
                    .map(|_| scope.spawn(|| fill(&journal, event, count / threads)))
                    .collect();
                all.into_iter().try_for_each(|one| {
                    one.join().map_err(|_| anyhow::anyhow!("a thread stopped"))?
                })
            })?;
            rounds.push(f64::from(count) / start.elapsed().as_secs_f64());
        }
        let name = format!("durable records of 300 B events, {threads} appending");
        figures.add(GROUP, name, "1/s", &rounds, Some(Target::AtLeast(300_000.0)));
    }
    Ok(())
}

fn fill(journal: &Journal, event: &Event, count: u32) -> anyhow::Result<()> {
    let mut last = None;
    for _ in 0..count {
        loop {
            match journal.append(event) {
                Ok(id) => {
                    last = Some(id);
                    break;
                }
                Err(Refusal::Full(_)) => {
                    // The queue is full: the disk decides the pace.
                    if let Some(id) = &last {
                        journal.wait(id)?;
                    }
                }
                Err(refusal) => return Err(refusal.into()),
            }
        }
    }
    Ok(last.map_or(Ok(()), |id| journal.wait(&id))?)
}

/// While events come at a pace: from an event to a proof that it is in a signed tree, checked.
fn to_proof(
    args: &Args,
    event: &Event,
    folder: &Path,
    figures: &mut Figures,
) -> anyhow::Result<()> {
    let seconds = if args.quick { 1 } else { 4 };
    let key = Signer::new("bench/gw-1/traffic", [7; 32]).verifier();
    let (mut p50, mut p99, mut rates) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..args.rounds() {
        let journal = open(&folder.join("proof"))?;
        let begun = Instant::now();
        let end = begun + Duration::from_secs(seconds);
        let samples = std::thread::scope(|scope| {
            scope.spawn(|| pace(&journal, event, end));
            let mut samples = Vec::new();
            while Instant::now() < end {
                let start = Instant::now();
                // The proof is checked against the root before it is handed out.
                let proof = journal.prove(&journal.record(event)?)?;
                Head::open(&proof.checkpoint, &key)?;
                samples.push(start.elapsed().as_secs_f64() * 1e3);
                std::thread::park_timeout(Duration::from_millis(1));
            }
            anyhow::Ok(samples)
        });
        let mut samples = samples?;
        samples.sort_by(f64::total_cmp);
        let [_, traffic, _] = journal.status();
        rates.push(f64::from(u32::try_from(traffic.durable)?) / begun.elapsed().as_secs_f64());
        p50.push(quantile(&samples, 500));
        p99.push(quantile(&samples, 990));
    }
    figures.add(GROUP, "the pace while proofs are timed", "1/s", &rates, None);
    figures.add(GROUP, "from event to checked proof at that pace, p50", "ms", &p50, None);
    let goal = Some(Target::AtMost(5.0));
    figures.add(GROUP, "from event to checked proof at that pace, p99", "ms", &p99, goal);
    Ok(())
}

/// Appends at the pace until a moment, whatever becomes of whoever waits for proofs: a disk is full
/// in minutes. What the queue does not take is not counted.
fn pace(journal: &Journal, event: &Event, end: Instant) {
    let begun = Instant::now();
    let mut sent = 0;
    while Instant::now() < end {
        let due = begun.elapsed().as_secs_f64() * PACE as f64;
        while (sent as f64) < due {
            let _ = journal.append(event);
            sent += 1;
        }
        std::thread::park_timeout(Duration::from_micros(500));
    }
}

/// Gives the hash of a line that follows another, as every peer computes it too.
fn chained(after: &Hash, line: &[u8]) -> Hash {
    Hash::of_leaf(&[after.0.as_slice(), line].concat())
}

/// Gives an error that says which file.
fn named<T, E>(result: Result<T, E>, path: &Path) -> anyhow::Result<T>
where
    Result<T, E>: anyhow::Context<T, E>,
{
    result.with_context(|| path.display().to_string())
}

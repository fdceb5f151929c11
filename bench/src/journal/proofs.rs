//! Verifying a whole stream, and proving one record of a long one.

use std::fs::{self, File};
use std::io::{BufWriter, Read as _, Write as _};
use std::path::Path;
use std::time::Instant;

use cordon_journal::hash::Hash;
use cordon_journal::head::Head;
use cordon_journal::index;
use cordon_journal::layout;
use cordon_journal::segment::{self, Header};
use cordon_journal::tree::Frontier;
use cordon_journal::verify::{Options, verify_stream};
use cordon_model::event::Retention;
use cordon_model::note::Signer;
use sha2::{Digest as _, Sha256};

use super::{GROUP, fill, open};
use crate::clock::{once, quantile};
use crate::figure::{Figures, Target};
use crate::question::Chance;
use crate::run::Args;

/// Records of a segment of the long stream.
const SEGMENT: u64 = 1 << 18;

/// Measures.
/// # Errors
/// When a file cannot be written, or something does not verify.
pub(super) fn measure(args: &Args, folder: &Path, figures: &mut Figures) -> anyhow::Result<()> {
    verifying(args, folder, figures)?;
    proving(args, folder, figures)
}

/// Verifies a stream, and hashes the same files by SHA-256 alone, on one core.
fn verifying(args: &Args, folder: &Path, figures: &mut Figures) -> anyhow::Result<()> {
    let event = serde_json::from_str(super::EVENT)?;
    let path = folder.join("verify");
    let journal = open(&path)?;
    fill(&journal, &event, if args.quick { 50_000 } else { 1_000_000 })?;
    journal.close()?;
    let stream = layout::stream(&path, Retention::Traffic);
    let key = Signer::new("bench/gw-1/traffic", [7; 32]).verifier();
    let keys = [key];
    let (mut ours, mut plain, mut share) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..args.rounds() {
        let (bytes, alone) = once(|| hash_files(&stream));
        let (report, took) = once(|| verify_stream(&stream, &keys, &Options::default()));
        anyhow::ensure!(report?.is_sound(), "the stream is not sound");
        let megabytes = bytes? as f64 / 1e6;
        plain.push(megabytes / alone * 1e3);
        ours.push(megabytes / took * 1e3);
        share.push(alone / took);
    }
    figures.add(GROUP, "SHA-256 of the same files, one core", "MB/s", &plain, None);
    figures.add(GROUP, "verify a stream of 1,000,000 records", "MB/s", &ours, None);
    let goal = Some(Target::AtLeast(0.8));
    figures.add(GROUP, "verify / SHA-256 alone on one core", "x", &share, goal);
    fs::remove_dir_all(&path)?;
    Ok(())
}

fn hash_files(stream: &Path) -> anyhow::Result<u64> {
    let (mut hash, mut total) = (Sha256::new(), 0);
    let mut buffer = vec![0; 1 << 20];
    for first in layout::segments(stream)? {
        let mut file = File::open(stream.join(segment::file_name(first)))?;
        loop {
            let count = file.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            hash.update(buffer.get(..count).unwrap_or_default());
            total += count as u64;
        }
    }
    std::hint::black_box(hash.finalize());
    Ok(total)
}

/// Proves records of a stream whose hashes are all there and whose records are not: a proof reads
/// hashes alone.
fn proving(args: &Args, folder: &Path, figures: &mut Figures) -> anyhow::Result<()> {
    let size: u64 = if args.quick { 1 << 20 } else { 100_000_000 };
    let path = folder.join("long");
    let head = simulate(&path, size)?;
    let mut chance = Chance::new(5);
    let (mut p50, mut p99) = (Vec::new(), Vec::new());
    for _ in 0..args.rounds() {
        let mut samples = Vec::new();
        for _ in 0..1_000 {
            let seq = chance.draw() % size;
            let start = Instant::now();
            let proof = index::prove(&path, seq)?;
            samples.push(start.elapsed().as_secs_f64() * 1e3);
            anyhow::ensure!(proof.checkpoint == head, "another head");
        }
        samples.sort_by(f64::total_cmp);
        p50.push(quantile(&samples, 500));
        p99.push(quantile(&samples, 990));
    }
    let of = format!("inclusion proof among {size} records, simulated");
    figures.add(GROUP, format!("{of}, p50"), "ms", &p50, Some(Target::AtMost(1.0)));
    figures.add(GROUP, format!("{of}, p99"), "ms", &p99, None);
    fs::remove_dir_all(&path)?;
    Ok(())
}

/// Writes headers, hashes of records, hashes of subtrees and the head of a stream of this size.
fn simulate(path: &Path, size: u64) -> anyhow::Result<String> {
    fs::create_dir_all(path)?;
    let signer = Signer::new("bench/gw-1/traffic", [7; 32]);
    let mut tree = Frontier::default();
    let mut last = Hash::ZERO;
    let mut trees = Vec::new();
    for file in 1..=4 {
        trees.push(BufWriter::new(File::create(layout::subtrees(path, file))?));
    }
    while tree.size() < size {
        let first = tree.size();
        let header = Header {
            first,
            frontier: tree.peaks().to_vec(),
            head: (first > 0).then(|| head(&tree).sign(&signer)),
            journal: segment::VERSION,
            last,
            origin: signer.name().to_owned(),
        };
        fs::write(path.join(segment::file_name(first)), header.encode()?)?;
        let mut leaves = BufWriter::new(File::create(layout::leaves(path, first))?);
        for number in first..size.min(first + SEGMENT) {
            last = Hash::of_leaf(&number.to_be_bytes());
            leaves.write_all(&last.0)?;
            let mut result = Ok(());
            tree.push_with(last, |level, _, hash| {
                let at = usize::from(level / layout::LEVELS_PER_FILE);
                let is_kept = level > 0 && level.is_multiple_of(layout::LEVELS_PER_FILE);
                if let Some(file) = trees.get_mut(at.wrapping_sub(1)).filter(|_| is_kept) {
                    result = file.write_all(&hash.0);
                }
            });
            result?;
        }
        leaves.flush()?;
    }
    for file in &mut trees {
        file.flush()?;
    }
    let head = head(&tree).sign(&signer);
    fs::write(path.join(layout::CHECKPOINT), &head)?;
    Ok(head)
}

fn head(tree: &Frontier) -> Head {
    Head { origin: "bench/gw-1/traffic".into(), size: tree.size(), root: tree.root() }
}

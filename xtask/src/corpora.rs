//! `cargo xtask corpora DIR`: what `cordon inspect` says of recorded traffic, message by message, against what others
//! say of it.
//!
//! Invariant: every difference is either argued in `xtask/corpora-differences.toml` or fails the comparison, and so
//! does an argument that has lost its difference.

mod agreed;
mod bacnet;
mod capture;
mod dicom;
mod hl7;
mod modbus;
mod record;
mod report;
mod sheet;
mod table;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process;

use anyhow::{Context, bail, ensure};

use self::agreed::{Agreed, Settled};
use self::record::Record;
use self::sheet::Sheet;
use crate::repo::Repo;
use crate::term;

/// Differences that are known and argued.
const AGREED: &str = "xtask/corpora-differences.toml";

/// Where the corpora lie when nothing else is said, seen from the folder of the repository.
const BESIDE: &str = "../shared/corpora";

/// How many differences are printed.
const SHOWN_MAX: usize = 60;

/// What to compare.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder with the corpora: `modbus`, `bacnet`, `hl7` and `dicom`, each with what others recorded.
    dir: PathBuf,
    /// Compare these only (may be repeated).
    #[arg(long, value_enum, value_name = "CORPUS")]
    only: Vec<Corpus>,
    /// The `cordon` to run, instead of building it.
    #[arg(long, value_name = "PATH")]
    cordon: Option<PathBuf>,
    /// The Python that has the package `hl7`.
    #[arg(long, value_name = "PATH", default_value = "python3")]
    python: String,
    /// Write the table and the argued differences into a document, between its marks.
    #[arg(long, value_name = "FILE")]
    write_docs: Option<PathBuf>,
}

/// A corpus by its protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Corpus {
    /// Captures with tshark's tables and Zeek's logs.
    Modbus,
    /// Captures with tshark's tables and Zeek's logs.
    Bacnet,
    /// Messages, which are put into captures here.
    Hl7,
    /// Objects, which dcmtk's programs send to each other while dumpcap listens.
    Dicom,
}

impl Corpus {
    const ALL: [Corpus; 4] = [Corpus::Modbus, Corpus::Bacnet, Corpus::Hl7, Corpus::Dicom];

    fn name(self) -> &'static str {
        match self {
            Corpus::Modbus => "modbus",
            Corpus::Bacnet => "bacnet",
            Corpus::Hl7 => "hl7",
            Corpus::Dicom => "dicom",
        }
    }
}

/// The program whose word is compared.
struct Cordon<'a> {
    repo: &'a Repo,
    program: PathBuf,
}

impl Cordon<'_> {
    fn inspect(&self, capture: &Path, protocol: &str) -> anyhow::Result<Vec<Record>> {
        record::inspect(self.repo, &self.program, capture, protocol)
    }
}

/// A folder for what is written on the way; goes away with the value.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> anyhow::Result<Scratch> {
        let folder = env::temp_dir().join(format!("cordon-corpora-{}", process::id()));
        let scratch = Scratch(folder);
        fs::create_dir_all(&scratch.0)?;
        Ok(scratch)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A folder that stays behind does no harm, and there is nobody to tell.
        let _left = fs::remove_dir_all(&self.0);
    }
}

/// Compares, and prints the table and what is not argued.
///
/// # Errors
/// When something differs that is not argued, an argument has lost its difference, or a program does not run.
pub(crate) fn run(repo: &Repo, args: &Args) -> anyhow::Result<()> {
    compare(repo, args).map(|_| ())
}

/// The step of the tests: compares with the corpora that lie beside the repository.
///
/// # Errors
/// Like [`run`].
pub(crate) fn step(repo: &Repo) -> anyhow::Result<String> {
    let dir = repo.path(BESIDE);
    if !dir.is_dir() {
        return Ok(format!("nothing compared: `{BESIDE}` is not there"));
    }
    let args = Args {
        dir,
        only: Vec::new(),
        cordon: None,
        python: "python3".to_owned(),
        write_docs: None,
    };
    compare(repo, &args)
}

fn compare(repo: &Repo, args: &Args) -> anyhow::Result<String> {
    let agreed = fs::read_to_string(repo.path(AGREED)).context(AGREED)?;
    let agreed = agreed::parse(&agreed).context(AGREED)?;
    let program = match &args.cordon {
        Some(path) => fs::canonicalize(path).with_context(|| path.display().to_string())?,
        None => repo.cordon()?,
    };
    let cordon = Cordon { repo, program };
    let dir = fs::canonicalize(&args.dir).with_context(|| args.dir.display().to_string())?;
    let scratch = Scratch::new()?;
    let mut sheet = Sheet::default();
    for corpus in Corpus::ALL {
        if !args.only.is_empty() && !args.only.contains(&corpus) {
            continue;
        }
        let folder = dir.join(corpus.name());
        ensure!(folder.is_dir(), "`{}` is not there", folder.display());
        let result = match corpus {
            Corpus::Modbus => modbus::compare(&cordon, &folder, &mut sheet),
            Corpus::Bacnet => bacnet::compare(&cordon, &folder, &mut sheet),
            Corpus::Hl7 => hl7::compare(&cordon, &folder, &scratch.0, &args.python, &mut sheet),
            Corpus::Dicom => dicom::compare(&cordon, &folder, &scratch.0, &mut sheet),
        };
        result.with_context(|| corpus.name().to_owned())?;
    }
    let settled = agreed::settle(&sheet, &agreed);
    print(&sheet, &settled, &agreed)?;
    if let Some(path) = &args.write_docs {
        report::write(path, &sheet, &settled, &agreed)?;
    }
    verdict(&sheet, &settled)
}

fn print(sheet: &Sheet, settled: &Settled, agreed: &[Agreed]) -> anyhow::Result<()> {
    for line in report::table(sheet) {
        term::line(line)?;
    }
    for (entry, times) in agreed.iter().zip(&settled.times).filter(|(_, times)| **times > 0) {
        term::line(format_args!("argued, {times} times: {} ({})", entry.words(), entry.right))?;
    }
    for difference in settled.open.iter().take(SHOWN_MAX) {
        term::line(format_args!(
            "{}: {}: {}: ours `{}`, {} says `{}`",
            difference.file,
            difference.place,
            difference.field,
            difference.ours,
            difference.peer,
            difference.theirs
        ))?;
    }
    if let Some(more) = settled.open.len().checked_sub(SHOWN_MAX).filter(|&more| more > 0) {
        term::line(format_args!("and {more} more"))?;
    }
    for entry in &settled.stale {
        term::line(format_args!("{AGREED}: {entry}"))?;
    }
    Ok(())
}

/// The note of the comparison.
fn verdict(sheet: &Sheet, settled: &Settled) -> anyhow::Result<String> {
    let (open, stale) = (settled.open.len(), settled.stale.len());
    if open + stale > 0 {
        bail!("{open} differences that are not argued, {stale} arguments that no longer fit");
    }
    let named: usize = sheet.rows.values().map(|row| row.named).sum();
    let argued: usize = settled.times.iter().sum();
    let skipped = sheet.rows.iter().filter_map(|((_, peer), row)| {
        row.skipped.as_ref().map(|why| format!("; without {peer}: {why}"))
    });
    let skipped: String = skipped.collect();
    Ok(format!("{named} messages, {argued} differences, all argued{skipped}"))
}

#[cfg(test)]
mod tests;

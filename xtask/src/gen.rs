//! Writes the synthetic hospital `examples/metropolitan`: the same seed gives the same bytes.
//!
//! Invariant: it never touches `policies` and `invariants`, which people write.

mod clinical;
mod counts;
mod facility;
mod fleet;
mod makers;
mod places;
mod plan;
mod services;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// Seed of the hospital in the repository.
const SEED_DEFAULT: u64 = 8_000;

/// Folders that people write; they are copied along when the hospital goes elsewhere.
const FOLDERS_BY_HAND: [&str; 2] = ["policies", "invariants"];

/// Writes the synthetic hospital, or compares it with what is on disk.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Seed of everything that is drawn: addresses, serial numbers, who has which model.
    #[arg(long, default_value_t = SEED_DEFAULT)]
    seed: u64,
    /// Number of devices, all counts in proportion; without it exactly the yardstick's 8,000.
    #[arg(long, default_value_t = counts::YARDSTICK_DEVICES,
          value_parser = clap::value_parser!(u32).range(400..=200_000))]
    devices: u32,
    /// Directory to write; without it `examples/metropolitan` of this repository.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Write nothing; fail when a file on disk is not what would be written.
    #[arg(long)]
    check: bool,
}

/// Writes or compares.
/// # Errors
/// When a file cannot be read or written, and under `--check` when one differs.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let home = repository().join("examples/metropolitan");
    let out = args.out.clone().unwrap_or_else(|| home.clone());
    let mut files = hospital(args.seed, args.devices);
    if !same_place(&out, &home) {
        for folder in FOLDERS_BY_HAND {
            read_folder(&home, folder, &mut files)?;
        }
    }
    if args.check { compare(&out, &files) } else { write(&out, &files) }
}

fn repository() -> &'static Path {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask)
}

fn same_place(a: &Path, b: &Path) -> bool {
    match (a.canonicalize(), b.canonicalize()) {
        (Ok(a), Ok(b)) => a == b,
        _ => a == b,
    }
}

/// Gives every generated file: relative path and content.
fn hospital(seed: u64, devices: u32) -> BTreeMap<String, Vec<u8>> {
    let fleet = fleet::build(seed, devices);
    let mut files = BTreeMap::new();
    files.insert("hospital.toml".to_owned(), plan::text(seed, &fleet).into_bytes());
    files.insert("devices.csv".to_owned(), fleet.csv().into_bytes());
    for (name, text) in clinical::PROFILES.iter().chain(&facility::PROFILES) {
        files.insert(format!("profiles/{name}.toml"), text.trim_start().as_bytes().to_vec());
    }
    files
}

/// Takes the files of one folder into the map; a folder that is not there holds none.
fn read_folder(
    root: &Path,
    folder: &str,
    files: &mut BTreeMap<String, Vec<u8>>,
) -> anyhow::Result<()> {
    for name in names_in(&root.join(folder))? {
        let path = root.join(folder).join(&name);
        if path.is_file() {
            let content = std::fs::read(&path).with_context(|| format!("{}", path.display()))?;
            files.insert(format!("{folder}/{name}"), content);
        }
    }
    Ok(())
}

fn names_in(folder: &Path) -> anyhow::Result<Vec<String>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("{}", folder.display()))? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

fn write(out: &Path, files: &BTreeMap<String, Vec<u8>>) -> anyhow::Result<()> {
    for (path, content) in files {
        let path = out.join(path);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).with_context(|| format!("{}", folder.display()))?;
        }
        std::fs::write(&path, content).with_context(|| format!("{}", path.display()))?;
    }
    writeln!(std::io::stdout(), "{} files written to {}", files.len(), out.display())?;
    Ok(())
}

fn compare(out: &Path, files: &BTreeMap<String, Vec<u8>>) -> anyhow::Result<()> {
    let mut findings = Vec::new();
    for (path, content) in files {
        match std::fs::read(out.join(path)) {
            Ok(there) if there == *content => {}
            Ok(there) => findings.push(format!("{path} differs {}", whereabouts(&there, content))),
            Err(error) => findings.push(format!("{path}: {error}")),
        }
    }
    for name in names_in(&out.join("profiles"))? {
        let path = format!("profiles/{name}");
        if !files.contains_key(&path) {
            findings.push(format!("{path} is not one of the generated files"));
        }
    }
    anyhow::ensure!(
        findings.is_empty(),
        "{}: run `cargo xtask gen`\n  {}",
        out.display(),
        findings.join("\n  ")
    );
    writeln!(std::io::stdout(), "{}: {} files as generated", out.display(), files.len())?;
    Ok(())
}

/// Names the first line that differs.
fn whereabouts(there: &[u8], wanted: &[u8]) -> String {
    let mut there = there.split(|byte| *byte == b'\n');
    let mut line = 0;
    for wanted in wanted.split(|byte| *byte == b'\n') {
        line += 1;
        if there.next() != Some(wanted) {
            break;
        }
    }
    format!("from line {line} on")
}

#[cfg(test)]
mod tests;

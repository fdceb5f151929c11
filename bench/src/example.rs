//! The hospital that is measured: read from disk into memory, checked, with as many policies as wanted.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, ensure};
use cordon_model::diagnostic::Severity;
use cordon_model::fleet::PolicyFile;
use cordon_model::hospital::{self, Sources};
use cordon_model::{DeviceId, Hospital, Report, ServiceId};
use cordon_policy::Rulebook;

use crate::question::Chance;

/// Reads the files of a hospital directory.
/// # Errors
/// When a file cannot be read.
pub fn sources(dir: &Path) -> anyhow::Result<Sources> {
    let mut sources = Sources::default();
    for name in ["hospital.toml", "devices.csv"] {
        let path = dir.join(name);
        let content = fs::read(&path).with_context(|| format!("{}", path.display()))?;
        sources.insert(name, content);
    }
    for folder in ["profiles", "policies", "invariants"] {
        let Ok(entries) = fs::read_dir(dir.join(folder)) else { continue };
        for entry in entries {
            let entry = entry?;
            if !entry.file_type()?.is_file() {
                continue;
            }
            let name = format!("{folder}/{}", entry.file_name().to_string_lossy());
            sources.insert(&name, fs::read(entry.path())?);
        }
    }
    Ok(sources)
}

fn sound<T>(made: Option<T>, report: &Report) -> anyhow::Result<T> {
    let first = report.entries.iter().find(|entry| entry.severity == Severity::Error);
    made.with_context(|| format!("the hospital is not sound: {first:?}"))
}

/// Checks a hospital.
/// # Errors
/// When it has an error.
pub fn load(sources: &Sources) -> anyhow::Result<Hospital> {
    let (hospital, report) = hospital::load(sources);
    sound(hospital, &report)
}

/// Reads the rules of a hospital.
/// # Errors
/// When one of them has an error.
pub fn rules(hospital: &Hospital) -> anyhow::Result<Rulebook> {
    let (book, report) = Rulebook::read(hospital);
    sound(book, &report)
}

/// A device and a service that a policy of their own joins.
pub type Pair = (DeviceId, ServiceId);

/// Draws pairs that the devices' profiles declare; no pair twice.
#[must_use]
pub fn pairs(hospital: &Hospital, count: usize) -> Vec<Pair> {
    let mut chance = Chance::new(7);
    let mut seen = BTreeSet::new();
    let mut tries = 0;
    while seen.len() < count && tries < 100 * count {
        tries += 1;
        let Some(device) = chance.pick(&hospital.devices) else { break };
        let Some(profile) = hospital.profiles.get(&device.profile) else { continue };
        let Some(flow) = chance.pick(&profile.flows) else { continue };
        if let Some((service, _)) = hospital.resolve(flow, &device.building).next() {
            seen.insert((device.id.clone(), service.clone()));
        }
    }
    seen.into_iter().collect()
}

/// Gives the hospital with one more policy for each pair.
/// # Errors
/// When the text cannot be written.
pub fn with_pairs(hospital: &Hospital, pairs: &[Pair]) -> anyhow::Result<Hospital> {
    let mut text = String::new();
    for (number, (device, service)) in pairs.iter().enumerate() {
        writeln!(
            text,
            "@id(\"pair-{number:05}\")\n\
             permit (principal == Device::\"{device}\", action == Action::\"connect\", resource == Service::\"{service}\")\n\
             when {{ context.declared && [State::\"NORMAL\", State::\"REMEDIATION\"].contains(context.state) }};"
        )?;
    }
    let mut more = hospital.clone();
    if !pairs.is_empty() {
        more.policies.push(PolicyFile { path: "policies/pairs.cedar".to_owned(), text });
    }
    Ok(more)
}

/// Counts the policies that the hospital wrote itself.
/// # Errors
/// When there are more than `whole`.
pub fn own_policies(book: &Rulebook, whole: usize) -> anyhow::Result<usize> {
    let own = book.rules.iter().filter(|rule| !rule.is_guardrail()).count();
    ensure!(own <= whole, "the hospital has {own} policies of its own, more than {whole}");
    Ok(own)
}

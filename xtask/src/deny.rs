//! What the project is built from: licences, sources and duplicates, against `deny.toml`.
//!
//! The own check needs no other tool; where cargo-deny is installed it reads the same file and has the last word.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, bail};
use cargo_metadata::Metadata;
use spdx::{Expression, Licensee, ParseMode};

use crate::repo::{self, Repo, TARGET};
use crate::term;

/// What `deny.toml` settles.
#[derive(Debug)]
struct Agreed {
    licences: Vec<Licensee>,
    duplicates: BTreeSet<String>,
}

impl Agreed {
    fn parse(text: &str) -> anyhow::Result<Agreed> {
        let table: toml::Table = text.parse()?;
        let list = |section: &str, key: &str| {
            let value = table.get(section).and_then(|section| section.get(key));
            value
                .and_then(toml::Value::as_array)
                .with_context(|| format!("no list {section}.{key}"))
        };
        let mut licences = Vec::new();
        for licence in list("licenses", "allow")? {
            let name = licence.as_str().context("a licence that is no text")?;
            licences.push(Licensee::parse(name)?);
        }
        let mut duplicates = BTreeSet::new();
        for entry in list("bans", "skip")? {
            let text = |key| entry.get(key).and_then(toml::Value::as_str);
            let name = text("crate").context("an entry of bans.skip without `crate`")?;
            text("reason").with_context(|| format!("bans.skip: `{name}` without `reason`"))?;
            duplicates.insert(name.to_owned());
        }
        Ok(Agreed { licences, duplicates })
    }

    /// What is wrong with a licence, if anything.
    fn objection(&self, licence: Option<&str>) -> Option<String> {
        let Some(text) = licence else {
            return Some("names no licence".to_owned());
        };
        match Expression::parse_mode(text, ParseMode::LAX) {
            Err(error) => Some(format!("`{text}` is no licence expression: {}", error.reason)),
            Ok(expression) => {
                let allowed = expression
                    .evaluate(|wanted| self.licences.iter().any(|ours| ours.satisfies(wanted)));
                (!allowed).then(|| format!("`{text}` is not among the agreed licences"))
            }
        }
    }
}

/// `cargo xtask deny`.
///
/// # Errors
/// When a dependency is not as agreed.
pub(crate) fn run(repo: &Repo) -> anyhow::Result<()> {
    check(repo).map(|_| ())
}

/// Checks and tells what was left unchecked.
///
/// # Errors
/// When a dependency is not as agreed.
pub(crate) fn check(repo: &Repo) -> anyhow::Result<String> {
    let text = fs::read_to_string(repo.path("deny.toml")).context("deny.toml")?;
    let agreed = Agreed::parse(&text).context("deny.toml")?;
    let metadata = repo.dependencies()?;
    let mut objections = licences(&metadata, &agreed);
    objections.extend(origins(&metadata));
    let versions = versions(repo)?;
    objections.extend(duplicates(&versions, &agreed));
    if !objections.is_empty() {
        bail!("{} objections\n{}", objections.len(), objections.join("\n"));
    }
    let count = metadata.packages.len();
    term::line(format_args!("{count} packages: licences, sources and duplicates as agreed"))?;
    let advisories = second_opinion(repo)?;
    term::line(&advisories)?;
    Ok(advisories)
}

fn licences(metadata: &Metadata, agreed: &Agreed) -> Vec<String> {
    let objection = |package: &cargo_metadata::Package| {
        let why = agreed.objection(package.license.as_deref())?;
        Some(format!("{} {}: {why}", package.name, package.version))
    };
    metadata.packages.iter().filter_map(objection).collect()
}

/// Everything that is not ours comes from one registry, where Cargo.lock pins it by checksum.
fn origins(metadata: &Metadata) -> Vec<String> {
    let mut registries = BTreeSet::new();
    let mut objections = Vec::new();
    for package in &metadata.packages {
        let name = format!("{} {}", package.name, package.version);
        match &package.source {
            Some(source) if is_registry(&source.repr) => {
                registries.insert(source.repr.clone());
            }
            Some(source) => objections.push(format!("{name}: comes from `{source}`")),
            None if metadata.workspace_members.contains(&package.id) => {}
            None => objections.push(format!("{name}: a folder outside the workspace")),
        }
    }
    if registries.len() > 1 {
        objections.push(format!("more than one registry: {registries:?}"));
    }
    objections
}

fn is_registry(source: &str) -> bool {
    ["registry+", "sparse+"].iter().any(|prefix| source.starts_with(prefix))
}

/// The crates that are built in more than one version.
fn versions(repo: &Repo) -> anyhow::Result<BTreeMap<String, BTreeSet<String>>> {
    let mut cargo = repo.cargo();
    cargo.args(["tree", "--workspace", "--duplicates", "--depth", "0", "--prefix", "none"]);
    let text = repo::text(cargo.args(["--target", TARGET]))?;
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        if let (Some(name), Some(version)) = (words.next(), words.next()) {
            versions.entry(name.to_owned()).or_default().insert(version.to_owned());
        }
    }
    versions.retain(|_, versions| versions.len() > 1);
    Ok(versions)
}

fn duplicates(versions: &BTreeMap<String, BTreeSet<String>>, agreed: &Agreed) -> Vec<String> {
    let mut objections = Vec::new();
    for (name, versions) in versions {
        if !agreed.duplicates.contains(name) {
            let list = versions.iter().cloned().collect::<Vec<_>>().join(", ");
            objections.push(format!("{name}: {list}; use one, or say in bans.skip why not"));
        }
    }
    for name in agreed.duplicates.iter().filter(|name| !versions.contains_key(*name)) {
        objections.push(format!("{name}: in bans.skip, but built in one version only"));
    }
    objections
}

/// Runs cargo-deny where it is installed; tells what became of the advisories.
fn second_opinion(repo: &Repo) -> anyhow::Result<String> {
    if !repo::answers(repo.cargo().args(["deny", "--version"])) {
        return Ok("cargo-deny is not installed; advisories: not checked".to_owned());
    }
    let check = ["deny", "--offline", "check"];
    repo::run(repo.cargo().args(check).args(["bans", "licenses", "sources"]))?;
    if !has_advisories()? {
        return Ok("advisories: not checked, no database on this machine".to_owned());
    }
    repo::run(repo.cargo().args(["deny", "check", "--disable-fetch", "advisories"]))?;
    Ok("advisories: none open in the database on this machine".to_owned())
}

/// Looks for the folder in which cargo-deny keeps the databases it fetched.
fn has_advisories() -> anyhow::Result<bool> {
    let home = env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo"));
    let Some(folder) = env::var_os("CARGO_HOME").map(PathBuf::from).or(home) else {
        return Ok(false);
    };
    if !folder.is_dir() {
        return Ok(false);
    }
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let ours = entry.file_name().to_string_lossy().starts_with("advisory-db");
        if ours && entry.path().is_dir() && fs::read_dir(entry.path())?.next().is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests;

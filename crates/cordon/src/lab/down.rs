//! Removing a lab, whatever of it stands.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use super::machine::{call, kill_pid, marked, started, wait_until};
use super::{RUN, Standing, named};
use crate::outcome::Failure;

/// Where `ip` keeps the names of namespaces.
/// # Source
/// ip-netns(8).
const NAMES: &str = "/run/netns";
/// How often is looked again for namespaces that could not be removed.
const PASSES_MAX: u32 = 20;
/// How long processes may take to end after they were killed.
const END_MAX: Duration = Duration::from_secs(5);

/// What was removed.
#[derive(Debug, Default)]
pub(crate) struct Removed {
    pub(crate) namespaces: usize,
    pub(crate) processes: usize,
}

/// Gives the namespaces of a lab that are there.
pub(crate) fn namespaces(id: &str) -> Vec<String> {
    let prefix = Standing::prefix_of(id);
    names().into_iter().filter(|name| name.starts_with(&prefix)).collect()
}

fn names() -> Vec<String> {
    let entries = fs::read_dir(NAMES).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

/// Gives the labs of which anything is there: a file, a folder, or a namespace.
pub(crate) fn known() -> BTreeSet<String> {
    let files = fs::read_dir(RUN).into_iter().flatten().flatten();
    let files = files.filter_map(|entry| entry.file_name().into_string().ok());
    let files = files.map(|name| name.split('.').next().unwrap_or_default().to_owned());
    let spaces = names()
        .into_iter()
        .filter_map(|name| Some(name.strip_prefix("cordon-lab-")?.split_once('-')?.0.to_owned()));
    files.chain(spaces).filter(|id| named(id).is_ok()).collect()
}

/// Chooses the lab that is meant.
pub(crate) fn meant(id: Option<&str>) -> Result<String, Failure> {
    if let Some(id) = id {
        return Ok(named(id)?.to_owned());
    }
    let known = known();
    let mut ids = known.iter();
    match (ids.next(), ids.next()) {
        (Some(only), None) => Ok(only.clone()),
        (None, _) => Err(Failure::config("no lab stands", "`cordon lab up DIR` builds one")),
        (Some(_), Some(_)) => {
            let all: Vec<&str> = known.iter().map(String::as_str).collect();
            let message = format!("several labs stand: {}", all.join(", "));
            Err(Failure::usage(message, "name one with --id"))
        }
    }
}

/// Gives the processes in a namespace.
fn inside(namespace: &str) -> Vec<u32> {
    let listed = call("ip", &["netns", "pids", namespace], "").unwrap_or_default();
    listed.lines().filter_map(|line| line.trim().parse().ok()).collect()
}

/// Removes a lab.
pub(crate) fn remove(id: &str) -> Result<Removed, Failure> {
    let path = Standing::path_of(id);
    let mut removed = Removed::default();
    if let Ok(standing) = Standing::read(&path) {
        // Who still builds would go on behind us.
        if standing.builder.name == "lab-up" && standing.builder.pid != std::process::id() {
            standing.builder.kill();
        }
    }
    let mut ours = marked(id);
    removed.processes += ours.len();
    // What a killed `up` had under way would go on making namespaces: first all of it ends.
    wait_until(END_MAX, || {
        ours.iter().for_each(|pid| kill_pid(*pid));
        let is_gone = ours.iter().all(|pid| started(*pid).is_none());
        ours = marked(id);
        is_gone && ours.is_empty()
    });
    for _ in 0..PASSES_MAX {
        let present = namespaces(id);
        if present.is_empty() {
            break;
        }
        for namespace in &present {
            let pids = inside(namespace);
            removed.processes += pids.len();
            wait_until(END_MAX, || {
                pids.iter().for_each(|pid| kill_pid(*pid));
                pids.iter().all(|pid| started(*pid).is_none())
            });
            let deleted = call("ip", &["netns", "del", namespace], "");
            removed.namespaces += usize::from(deleted.is_ok());
        }
    }
    let left = namespaces(id);
    if let Some(one) = left.first() {
        let message = format!("{} namespaces cannot be removed, {one} among them", left.len());
        return Err(Failure::config(message, "try again; `ip netns del` says why"));
    }
    for path in [path.clone(), path.with_extension("new")] {
        forget(fs::remove_file(&path), &path)?;
    }
    let work = Standing::work_of(id);
    forget(fs::remove_dir_all(&work), &work)?;
    // The folder of all labs goes with the last.
    let _ = fs::remove_dir(RUN);
    Ok(removed)
}

fn forget(result: std::io::Result<()>, path: &Path) -> Result<(), Failure> {
    match result {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Failure::path(path, &error))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

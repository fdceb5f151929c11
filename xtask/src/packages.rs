//! The programs of the system that the tests and the demonstration start.

use std::env;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::{Context, ensure};

use crate::repo::{self, Repo};

/// Each program and the Debian package that brings it.
const PROGRAMS: &[(&str, &str)] = &[
    ("nft", "nftables"),
    ("ip", "iproute2"),
    ("cvc5", "cvc5"),
    ("tshark", "tshark"),
    ("storescp", "dcmtk"),
    ("c++", "g++"),
];

/// Makes sure that every program is there: installs what is missing when root, else says what to type.
///
/// # Errors
/// When a program is missing and cannot be installed.
pub(crate) fn ensure_installed(repo: &Repo) -> anyhow::Result<String> {
    let wanted = missing();
    if wanted.is_empty() {
        return Ok("all there".to_owned());
    }
    let list = wanted.join(" ");
    let by_hand = format!("these Debian packages are missing; run: sudo apt-get install -y {list}");
    ensure!(is_root()?, "{by_hand}");
    ensure!(
        found("apt-get"),
        "what these Debian packages bring is missing, and there is no apt-get: {list}"
    );
    // An old package list names files that no mirror keeps: refresh it first.
    repo::run(repo.command("apt-get").args(["update", "--quiet"]))?;
    repo::run(
        repo.command("apt-get")
            .args(["install", "--yes", "--quiet", "--no-install-recommends"])
            .args(&wanted)
            .env("DEBIAN_FRONTEND", "noninteractive"),
    )?;
    let still = missing();
    ensure!(still.is_empty(), "installed, but still not found: {}", still.join(" "));
    Ok(format!("installed {list}"))
}

fn missing() -> Vec<&'static str> {
    PROGRAMS.iter().filter(|(program, _)| !found(program)).map(|(_, package)| *package).collect()
}

/// Looks along `PATH` and in the system folders that the path of a plain user lacks.
pub(crate) fn found(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/sbin", "/sbin"].map(Into::into);
    env::split_paths(&path).chain(system).any(|folder| folder.join(program).is_file())
}

fn is_root() -> anyhow::Result<bool> {
    let own = fs::metadata(Path::new("/proc/self")).context("`/proc` is not mounted")?;
    Ok(own.uid() == 0)
}

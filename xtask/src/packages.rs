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
    ("openssl", "openssl"),
    ("rsyslogd", "rsyslog"),
    ("curl", "curl"),
    ("nmap", "nmap"),
    ("iperf3", "iperf3"),
    ("arping", "arping"),
];

/// Each file below `/usr/lib` and the Debian package that brings it; `*` is a folder.
const FILES: &[(&str, &str)] = &[
    ("*/rsyslog/lmnsd_gtls.so", "rsyslog-gnutls"),
    ("python3/dist-packages/cryptography/__init__.py", "python3-cryptography"),
    ("python3/dist-packages/hl7/__init__.py", "python3-hl7"),
    ("python3/dist-packages/pymodbus/__init__.py", "python3-pymodbus"),
    // The package before needs it and does not say so.
    ("python3/dist-packages/serial_asyncio/__init__.py", "python3-serial-asyncio"),
];

/// syslog-ng and its libraries. As a package it would remove rsyslog, so it is only unpacked, into a
/// folder of the build.
const UNPACKED: &[&str] = &[
    "syslog-ng-core",
    "libglib2.0-0",
    "libivykis0",
    "libjson-c5",
    "libnet1",
    "libpcre3",
    "libwrap0",
];
/// Where to, below `target`.
const UNPACKED_TO: &str = "target/peers/syslog-ng";
/// What shows that it is there.
const UNPACKED_PROGRAM: &str = "usr/sbin/syslog-ng";

/// The BACnet peer, which Debian does not have: a package of Python that is used as the one file it is.
const WHEEL: &str = "bacpypes3==0.0.110";
/// The digest of that file; another one is not taken.
const WHEEL_SHA256: &str = "02abc0c9e7e92d7061727898ba00204ec072f1d451a63c4e7de76015b5b14911";
/// Where to, below `target`.
const WHEEL_TO: &str = "target/peers/bacpypes3";

/// Makes sure that every program is there: installs what is missing when root, else says what to type.
///
/// # Errors
/// When a program is missing and cannot be installed.
pub(crate) fn ensure_installed(repo: &Repo) -> anyhow::Result<String> {
    let wanted = missing();
    let is_unpacked = repo.path(UNPACKED_TO).join(UNPACKED_PROGRAM).is_file();
    let wheel = fetch_wheel(repo);
    if wanted.is_empty() && is_unpacked {
        return Ok(wheel.unwrap_or_else(|| "all there".to_owned()));
    }
    let list = wanted.join(" ");
    if !is_root()? {
        ensure!(
            wanted.is_empty(),
            "these Debian packages are missing; run: sudo apt-get install -y {list}"
        );
        // Its tests say that they are skipped; nothing else needs it.
        return Ok(format!("all there but syslog-ng; to have it, run: {}", unpack_by_hand(repo)));
    }
    ensure!(
        found("apt-get"),
        "what these Debian packages bring is missing, and there is no apt-get: {list}"
    );
    // An old package list names files that no mirror keeps: refresh it first.
    repo::run(repo.command("apt-get").args(["update", "--quiet"]))?;
    if !wanted.is_empty() {
        repo::run(
            repo.command("apt-get")
                .args(["install", "--yes", "--quiet", "--no-install-recommends"])
                .args(&wanted)
                .env("DEBIAN_FRONTEND", "noninteractive"),
        )?;
    }
    if !is_unpacked {
        unpack(repo)?;
    }
    let still = missing();
    ensure!(still.is_empty(), "installed, but still not found: {}", still.join(" "));
    let installed = (!wanted.is_empty()).then(|| format!("installed {list}"));
    let unpacked = (!is_unpacked).then(|| "unpacked syslog-ng".to_owned());
    Ok(installed.into_iter().chain(unpacked).chain(wheel).collect::<Vec<_>>().join(", "))
}

fn missing() -> Vec<&'static str> {
    let programs = PROGRAMS.iter().filter(|(program, _)| !found(program));
    let files = FILES.iter().filter(|(file, _)| !found_file(file));
    programs.chain(files).map(|(_, package)| *package).collect()
}

/// Fetches the BACnet peer by pip; says what came of it, and nothing where it was there. Without it its
/// tests say that they are skipped; nothing else needs it.
fn fetch_wheel(repo: &Repo) -> Option<String> {
    let to = repo.path(WHEEL_TO);
    if fs::read_dir(&to).is_ok_and(|mut files| files.next().is_some()) {
        return None;
    }
    let wanted = repo.path("target/peers/bacpypes3.txt");
    let written = fs::create_dir_all(&to).and_then(|()| {
        fs::write(
            &wanted,
            format!(
                "{WHEEL} --hash=sha256:{WHEEL_SHA256}
"
            ),
        )
    });
    let mut pip = repo.command("python3");
    pip.args(["-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes", "--dest"]);
    pip.arg(&to).arg("--requirement").arg(&wanted);
    Some(match written.map_err(anyhow::Error::from).and_then(|()| repo::run(&mut pip)) {
        Ok(()) => format!("fetched {WHEEL}"),
        Err(_) => format!("without {WHEEL}, which pip cannot fetch"),
    })
}

/// Says what to type for the unpacked packages.
fn unpack_by_hand(repo: &Repo) -> String {
    let to = repo.path(UNPACKED_TO);
    format!(
        "mkdir -p {to} && cd {to} && apt-get download {packages} && \
         for deb in *.deb; do dpkg-deb -x $deb .; done",
        to = to.display(),
        packages = UNPACKED.join(" "),
    )
}

/// Fetches the packages and unpacks them without installing.
fn unpack(repo: &Repo) -> anyhow::Result<()> {
    let to = repo.path(UNPACKED_TO);
    fs::create_dir_all(&to).with_context(|| format!("cannot make `{}`", to.display()))?;
    repo::run(
        repo.command("apt-get")
            .args(["download", "--quiet"])
            // As root, apt would hand the download to a user who may not write here.
            .args(["-o", "APT::Sandbox::User=root"])
            .args(UNPACKED)
            .current_dir(&to),
    )?;
    for entry in fs::read_dir(&to)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "deb") {
            repo::run(repo.command("dpkg-deb").arg("-x").arg(&path).arg(&to))?;
            fs::remove_file(&path)?;
        }
    }
    let program = to.join(UNPACKED_PROGRAM);
    ensure!(program.is_file(), "unpacked, but there is no `{}`", program.display());
    Ok(())
}

/// Looks along `PATH` and in the system folders that the path of a plain user lacks.
pub(crate) fn found(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/sbin", "/sbin"].map(Into::into);
    env::split_paths(&path).chain(system).any(|folder| folder.join(program).is_file())
}

fn found_file(file: &str) -> bool {
    let root = Path::new("/usr/lib");
    let Some(rest) = file.strip_prefix("*/") else { return root.join(file).is_file() };
    let Ok(folders) = fs::read_dir(root) else { return false };
    folders.flatten().any(|folder| folder.path().join(rest).is_file())
}

/// Says whether this runs as root.
///
/// # Errors
/// When `/proc` cannot be read.
pub(crate) fn is_root() -> anyhow::Result<bool> {
    let own = fs::metadata(Path::new("/proc/self")).context("`/proc` is not mounted")?;
    Ok(own.uid() == 0)
}

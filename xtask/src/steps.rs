//! The steps of `cargo xtask test`. What a step returns is its note in the table.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Sender};
use std::thread;

use anyhow::{Context, ensure};

use crate::repo::{self, Repo};
use crate::{
    corpora as recorded, deny as dependencies, fuzz as fuzzing, generated as made,
    packages as programs, tidy as rules,
};

/// The packages that are no members of the workspace and must not rot for it.
const APART: &[&str] = &["bench/Cargo.toml", fuzzing::MANIFEST];

fn apart(repo: &Repo) -> impl Iterator<Item = &'static str> {
    APART.iter().copied().filter(|manifest| repo.path(manifest).is_file())
}

/// Installs what the tests need of the system.
pub(crate) fn packages(repo: &Repo) -> anyhow::Result<String> {
    programs::ensure_installed(repo)
}

/// Checks the format of all code.
pub(crate) fn fmt(repo: &Repo) -> anyhow::Result<String> {
    repo::run(repo.cargo().args(["fmt", "--all", "--check"]))?;
    for manifest in apart(repo) {
        repo::run(repo.cargo().args(["fmt", "--manifest-path", manifest, "--check"]))?;
    }
    Ok(String::new())
}

/// Checks all code with every lint as an error.
pub(crate) fn clippy(repo: &Repo) -> anyhow::Result<String> {
    let strict = ["--", "-D", "warnings"];
    repo::run(repo.cargo().args(["clippy", "--workspace", "--all-targets"]).args(strict))?;
    let shared = repo.manifests()?.target_directory;
    for manifest in apart(repo) {
        let mut cargo = repo.cargo();
        cargo.args(["clippy", "--manifest-path", manifest, "--all-targets"]).args(strict);
        repo::run(cargo.env("CARGO_TARGET_DIR", &shared))?;
    }
    Ok(String::new())
}

/// Runs every test; the lines by which the runner sums up go to `closing`, passed or failed.
pub(crate) fn nextest(repo: &Repo, closing: &mut Vec<String>) -> anyhow::Result<String> {
    if repo::answers(repo.cargo().args(["nextest", "--version"])) {
        watched(repo.cargo().args(["nextest", "run", "--workspace"]), closing)?;
        return Ok(String::new());
    }
    watched(repo.cargo().args(["test", "--workspace", "--no-fail-fast"]), closing)?;
    Ok("with `cargo test`: cargo-nextest is not installed".to_owned())
}

/// Runs every fuzz target for a moment; what is asserted of the targets' own tools is tested too.
pub(crate) fn fuzz(repo: &Repo) -> anyhow::Result<String> {
    let shared = repo.manifests()?.target_directory;
    let mut cargo = repo.cargo();
    cargo.args(["test", "--manifest-path", fuzzing::MANIFEST, "--lib", "--quiet"]);
    repo::run(cargo.env("CARGO_TARGET_DIR", shared))?;
    fuzzing::step(repo)
}

/// Builds the documentation with every warning as an error.
pub(crate) fn doc(repo: &Repo) -> anyhow::Result<String> {
    let mut cargo = repo.cargo();
    cargo.args(["doc", "--workspace", "--no-deps"]);
    repo::run(cargo.env("RUSTDOCFLAGS", "-D warnings"))?;
    Ok(String::new())
}

/// Checks the project's own rules.
pub(crate) fn tidy(repo: &Repo) -> anyhow::Result<String> {
    rules::run(repo).map(|()| String::new())
}

/// Checks the dependencies.
pub(crate) fn deny(repo: &Repo) -> anyhow::Result<String> {
    dependencies::check(repo)
}

/// Checks every example hospital with the program as users get it.
pub(crate) fn examples(repo: &Repo) -> anyhow::Result<String> {
    let cordon = repo.cordon()?;
    let examples = repo.examples()?;
    for example in &examples {
        repo::run(repo.command(&cordon).args(["check", example]))?;
    }
    Ok(format!("{} hospitals", examples.len()))
}

/// Compares what is said of recorded traffic, where there is any beside the repository.
pub(crate) fn corpora(repo: &Repo) -> anyhow::Result<String> {
    recorded::step(repo)
}

/// Compares every file that is made from others with what would be made now.
pub(crate) fn generated(repo: &Repo) -> anyhow::Result<String> {
    made::check(repo)
}

/// Runs a test runner whose output the reader sees, and keeps the lines that sum it up.
fn watched(command: &mut Command, closing: &mut Vec<String>) -> anyhow::Result<()> {
    let text = repo::shown(command);
    crate::term::line(format_args!("$ {text}"))?;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("`{text}` cannot be started"))?;
    let stdout = child.stdout.take().context("no standard output")?;
    let stderr = child.stderr.take().context("no standard error")?;
    let (keep, kept) = mpsc::channel();
    let keep_too = keep.clone();
    let from_stdout = thread::spawn(move || tee(stdout, &mut io::stdout(), &keep));
    let from_stderr = thread::spawn(move || tee(stderr, &mut io::stderr(), &keep_too));
    closing.extend(kept);
    for reader in [from_stdout, from_stderr] {
        reader.join().map_err(|_| anyhow::anyhow!("reading from `{text}` broke off"))??;
    }
    let status = child.wait()?;
    ensure!(status.success(), "`{text}`: {status}");
    Ok(())
}

/// Passes lines on and keeps those by which a test runner sums up.
fn tee(from: impl Read, to: &mut impl Write, keep: &Sender<String>) -> io::Result<()> {
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    while from.read_until(b'\n', &mut line)? > 0 {
        to.write_all(&line)?;
        let text = String::from_utf8_lossy(&line);
        if sums_up(text.trim()) {
            // The receiver lives as long as the two senders; if it were gone, the line has been shown all the same.
            let _unheard = keep.send(text.trim_end().to_owned());
        }
        line.clear();
    }
    Ok(())
}

fn sums_up(line: &str) -> bool {
    (line.starts_with("Summary [") || line.starts_with("test result:")) && line.contains("passed")
}

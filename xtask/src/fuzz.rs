//! `cargo xtask fuzz`: the fuzz targets in `fuzz/`, built with the marks that libFuzzer looks at, on their committed
//! inputs.
//!
//! Invariant: the committed inputs are copied before they are used; what a run finds stays in the folder of the build.
//! Source: LLVM libFuzzer "Options"; LLVM SanitizerCoverage.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{self, Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::{Context, bail, ensure};

use crate::repo::{self, Repo, TARGET};
use crate::term;

/// The package, which is no member of the workspace: its build differs from every other.
pub(crate) const MANIFEST: &str = "fuzz/Cargo.toml";

/// The committed inputs, a folder a target.
const CORPUS: &str = "fuzz/corpus";

/// What rustc adds, so that libFuzzer sees which way an input took. The sanitizers themselves, which the stable
/// toolchain lacks, would look for mistakes that code without `unsafe` cannot make.
const FLAGS: &[&str] = &[
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Ccodegen-units=1",
    "--cfg",
    "fuzzing",
];

/// How long a target runs in the tests.
const STEP_S: u32 = 10;

/// An input that takes longer is a hang.
const INPUT_S_MAX: u32 = 10;

/// A target that grows beyond this, in MiB, keeps what it should not.
const MEMORY_MIB_MAX: u32 = 1024;

/// What to run.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The targets; all when none is named.
    targets: Vec<String>,
    /// Stop each target after so many seconds.
    #[arg(long, value_name = "N", default_value_t = 60)]
    seconds: u32,
    /// Stop each target after so many inputs.
    #[arg(long, value_name = "N")]
    runs: Option<u64>,
    /// Run so many targets at a time.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=2))]
    jobs: u8,
}

/// Runs the targets and prints what each did.
///
/// # Errors
/// When there is no such target, it does not build, or an input makes it fail; the message names the input and how to
/// run it again.
pub(crate) fn run(repo: &Repo, args: &Args) -> anyhow::Result<()> {
    all(repo, args).map(|_| ())
}

/// The step of the tests: every target for a moment.
///
/// # Errors
/// Like [`run`].
pub(crate) fn step(repo: &Repo) -> anyhow::Result<String> {
    let args = Args { targets: Vec::new(), seconds: STEP_S, runs: None, jobs: 1 };
    all(repo, &args)
}

fn all(repo: &Repo, args: &Args) -> anyhow::Result<String> {
    let known = targets(repo)?;
    for name in &args.targets {
        ensure!(known.contains(name), "no target `{name}`; there are: {}", known.join(", "));
    }
    let chosen = if args.targets.is_empty() { known } else { args.targets.clone() };
    let place = Place { repo, folder: repo.manifests()?.target_directory.join("fuzz").into() };
    place.build(&chosen)?;
    term::line(HEADING)?;
    let queue = Mutex::new(chosen.iter());
    // A target that fails does not keep the others from running.
    let worker = || -> anyhow::Result<Vec<Result<Summary, Failure>>> {
        let mut done = Vec::new();
        loop {
            let next = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some(name) = next else { return Ok(done) };
            let result = place.run(name, args)?;
            match &result {
                Ok(summary) => term::line(summary.line(name))?,
                Err(failure) => term::line(&failure.text)?,
            }
            done.push(result);
        }
    };
    let results = thread::scope(|scope| {
        let workers = (0..args.jobs).map(|_| scope.spawn(worker)).collect::<Vec<_>>();
        workers.into_iter().map(thread::ScopedJoinHandle::join).collect::<Vec<_>>()
    });
    let (mut inputs, mut failures) = (0, Vec::new());
    for result in results {
        for done in result.map_err(|_| anyhow::anyhow!("a worker broke off"))?? {
            match done {
                Ok(summary) => inputs += summary.inputs,
                Err(failure) => failures.push(failure.name),
            }
        }
    }
    if !failures.is_empty() {
        bail!("{} of {} targets fail: {}", failures.len(), chosen.len(), failures.join(", "));
    }
    Ok(format!("{} targets, {inputs} inputs", chosen.len()))
}

/// The targets: one program each.
fn targets(repo: &Repo) -> anyhow::Result<Vec<String>> {
    let folder = repo.path("fuzz/src/bin");
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        names.extend(name.strip_suffix(".rs").map(str::to_owned));
    }
    names.sort();
    ensure!(!names.is_empty(), "`{}` holds no target", folder.display());
    Ok(names)
}

/// Where targets are built and run.
struct Place<'a> {
    repo: &'a Repo,
    folder: PathBuf,
}

impl Place<'_> {
    fn build(&self, names: &[String]) -> anyhow::Result<()> {
        let mut cargo = self.repo.cargo();
        // With a target named, the flags reach no build script, which would not link with them.
        cargo.args(["build", "--release", "--manifest-path", MANIFEST, "--target", TARGET]);
        for name in names {
            cargo.args(["--bin", name]);
        }
        cargo.env_remove("CARGO_ENCODED_RUSTFLAGS");
        repo::run(cargo.env("RUSTFLAGS", FLAGS.join(" ")).env("CARGO_TARGET_DIR", &self.folder))
    }

    fn program(&self, name: &str) -> PathBuf {
        self.folder.join(TARGET).join("release").join(name)
    }

    /// Runs one target from its committed inputs.
    fn run(&self, name: &str, args: &Args) -> anyhow::Result<Result<Summary, Failure>> {
        // Two runs at a time must not take away each other's inputs.
        let inputs = self.folder.join("inputs").join(format!("{name}-{}", process::id()));
        copy(&self.repo.path(CORPUS).join(name), &inputs)
            .with_context(|| format!("the inputs of `{name}`"))?;
        let found = self.folder.join("found").join(name);
        fs::create_dir_all(&found)?;
        let log = self.folder.join(format!("{name}.log"));
        let mut command = Command::new(self.program(name));
        command
            .arg(&inputs)
            .arg(format!("-max_total_time={}", args.seconds))
            .arg(format!("-timeout={INPUT_S_MAX}"))
            .arg(format!("-rss_limit_mb={MEMORY_MIB_MAX}"))
            .arg(format!("-artifact_prefix={}/", found.display()))
            .arg("-print_final_stats=1");
        if let Some(runs) = args.runs {
            command.arg(format!("-runs={runs}"));
        }
        let status = logged(&mut command, &log)?;
        fs::remove_dir_all(&inputs)?;
        let text = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
        if status.success() {
            let summary = Summary::read(&text).with_context(|| format!("`{}`", log.display()));
            return summary.map(Ok);
        }
        Ok(Err(failure(name, &self.program(name), status, &text, &log)))
    }
}

fn logged(command: &mut Command, log: &Path) -> anyhow::Result<ExitStatus> {
    let file = File::create(log)?;
    let text = repo::shown(command);
    let command = command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
    command.status().with_context(|| format!("`{text}` cannot be started"))
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}

/// What libFuzzer says of a failure, and how to see it again.
struct Failure {
    name: String,
    text: String,
}

fn failure(name: &str, program: &Path, status: ExitStatus, text: &str, log: &Path) -> Failure {
    let panic = text.lines().skip_while(|line| !line.contains("panicked at")).take(2);
    let panic = panic.map(|line| format!("  {line}\n")).collect::<String>();
    let text = match input_of(text) {
        Some(input) => format!(
            "`{name}` fails ({status}) on {input}\n{panic}run it again: {} {input}\nlog: {}",
            program.display(),
            log.display()
        ),
        None => format!("`{name}`: {status}\n{panic}log: {}", log.display()),
    };
    Failure { name: name.to_owned(), text }
}

/// The file to which libFuzzer wrote the input that failed.
fn input_of(text: &str) -> Option<&str> {
    text.lines()
        .find_map(|line| line.split_once("Test unit written to "))
        .map(|(_, path)| path.trim())
}

const HEADING: &str =
    "target           inputs     per s  branches at start  at the end  kept inputs  peak MiB";

/// What a run that found no failure did.
#[derive(Debug, PartialEq, Eq)]
struct Summary {
    inputs: u64,
    per_s: u64,
    /// Edges that the committed inputs reach.
    coverage_start: u64,
    coverage_end: u64,
    kept: u64,
    peak_mib: u64,
}

impl Summary {
    /// Reads what libFuzzer prints: a line as it goes, and sums at the end.
    fn read(text: &str) -> anyhow::Result<Summary> {
        let sum = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            line.and_then(|value| value.trim().parse().ok()).with_context(|| format!("no {name}"))
        };
        let mut progress = text.lines().filter_map(progress);
        let (coverage_start, _) = progress.next().context("no line of progress")?;
        let (coverage_end, kept) = progress.next_back().unwrap_or((coverage_start, 0));
        Ok(Summary {
            inputs: sum("stat::number_of_executed_units")?,
            per_s: sum("stat::average_exec_per_sec")?,
            coverage_start,
            coverage_end,
            kept,
            peak_mib: sum("stat::peak_rss_mb")?,
        })
    }

    fn line(&self, name: &str) -> String {
        format!(
            "{name:<13} {:>9} {:>9} {:>18} {:>11} {:>12} {:>9}",
            self.inputs,
            self.per_s,
            self.coverage_start,
            self.coverage_end,
            self.kept,
            self.peak_mib
        )
    }
}

/// Coverage and kept inputs of a line such as `#128 NEW cov: 11 ft: 12 corp: 3/9b …`.
fn progress(line: &str) -> Option<(u64, u64)> {
    let mut words = line.strip_prefix('#')?.split_whitespace();
    let mut after = |name| {
        words.find(|word| *word == name)?;
        words.next()
    };
    let coverage = after("cov:")?.parse().ok()?;
    let kept = after("corp:")?.split('/').next()?.parse().ok()?;
    Some((coverage, kept))
}

#[cfg(test)]
mod tests {
    use super::{Summary, input_of, progress};

    const LOG: &str = "INFO: Loaded 1 modules\n\
        #3\tINITED cov: 11 ft: 12 corp: 3/9b exec/s: 0 rss: 27Mb\n\
        #128\tNEW    cov: 14 ft: 16 corp: 5/17b lim: 4 exec/s: 0 rss: 27Mb L: 4/4 MS: 2 A-B-\n\
        #200\tDONE   cov: 15 ft: 17 corp: 6/19b lim: 4 exec/s: 100 rss: 28Mb\n\
        Done 200 runs in 2 second(s)\n\
        stat::number_of_executed_units: 200\n\
        stat::average_exec_per_sec:     100\n\
        stat::new_units_added:          3\n\
        stat::slowest_unit_time_sec:    0\n\
        stat::peak_rss_mb:              28\n";

    #[test]
    fn a_run_is_summed_up() {
        let expected = Summary {
            inputs: 200,
            per_s: 100,
            coverage_start: 11,
            coverage_end: 15,
            kept: 6,
            peak_mib: 28,
        };
        assert_eq!(Summary::read(LOG).unwrap(), expected);
        assert!(Summary::read("INFO: Loaded 1 modules\n").is_err());
    }

    #[test]
    fn lines_of_progress_are_told_from_others() {
        assert_eq!(progress("#2\tINITED exec/s: 0 rss: 27Mb"), None);
        assert_eq!(progress("cov: 1 corp: 2/3b"), None);
        assert_eq!(progress("#9 NEW cov: 1 ft: 7 corp: 2/3b"), Some((1, 2)));
    }

    #[test]
    fn the_input_that_failed_is_named() {
        let text =
            "==1== ERROR\nartifact_prefix='a/'; Test unit written to a/crash-1 \nBase64: ab\n";
        assert_eq!(input_of(text), Some("a/crash-1"));
        assert_eq!(input_of(LOG), None);
    }
}

//! `cargo xtask test`: the steps in order, each announced, timed and summed up in a table at the end.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::ValueEnum;

use crate::repo::Repo;
use crate::steps;
use crate::term;

/// Which steps to run.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Run these steps only (may be repeated).
    #[arg(long, value_enum, value_name = "STEP")]
    only: Vec<Step>,
    /// Leave these steps out (may be repeated).
    #[arg(long, value_enum, value_name = "STEP")]
    skip: Vec<Step>,
}

/// The steps, in the order they run: what is quick or stops the rest comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Step {
    /// The Debian packages that the tests need are installed.
    Packages,
    /// The code is formatted.
    Fmt,
    /// No lint complains.
    Clippy,
    /// Every test passes.
    Nextest,
    /// The fuzz targets find nothing in a moment.
    Fuzz,
    /// The documentation builds without a warning.
    Doc,
    /// The project's own rules hold.
    Tidy,
    /// Licences, sources and duplicates of the dependencies are as agreed.
    Deny,
    /// `cordon check` accepts every example.
    Examples,
    /// `cordon inspect` says of recorded traffic what others say of it.
    Corpora,
    /// Files made from others are up to date.
    Generated,
}

impl Step {
    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    fn claim(self) -> String {
        let value = self.to_possible_value();
        value.and_then(|value| value.get_help().map(ToString::to_string)).unwrap_or_default()
    }

    fn run(self, repo: &Repo, closing: &mut Vec<String>) -> anyhow::Result<String> {
        match self {
            Step::Packages => steps::packages(repo),
            Step::Fmt => steps::fmt(repo),
            Step::Clippy => steps::clippy(repo),
            Step::Nextest => steps::nextest(repo, closing),
            Step::Fuzz => steps::fuzz(repo),
            Step::Doc => steps::doc(repo),
            Step::Tidy => steps::tidy(repo),
            Step::Deny => steps::deny(repo),
            Step::Examples => steps::examples(repo),
            Step::Corpora => steps::corpora(repo),
            Step::Generated => steps::generated(repo),
        }
    }
}

/// One line of the table.
#[derive(Debug)]
struct Row {
    step: Step,
    verdict: &'static str,
    took: Duration,
    note: String,
}

/// Runs the steps until one fails.
///
/// # Errors
/// When a step fails; the message names it.
pub(crate) fn run(repo: &Repo, args: &Args) -> anyhow::Result<()> {
    let mut rows = Vec::new();
    let mut closing = Vec::new();
    let mut failure = None;
    for &step in Step::value_variants() {
        let (verdict, took, note) = if !chosen(step, args) {
            ("skipped", Duration::ZERO, String::new())
        } else if failure.is_some() {
            ("not run", Duration::ZERO, String::new())
        } else {
            term::line(format_args!("\n==> {}: {}", step.name(), step.claim()))?;
            let start = Instant::now();
            let result = step.run(repo, &mut closing);
            let took = start.elapsed();
            let verdict = if result.is_ok() { "ok" } else { "FAILED" };
            term::line(format_args!("<== {}: {verdict} in {}", step.name(), seconds(took)))?;
            let note = result.unwrap_or_else(|error| {
                failure = Some((step, error));
                String::new()
            });
            (verdict, took, note)
        };
        rows.push(Row { step, verdict, took, note });
    }
    print(&rows, &closing)?;
    match failure {
        Some((step, error)) => {
            let again = format!("cargo xtask test --only {}", step.name());
            Err(error).with_context(|| format!("step `{}` failed (again: {again})", step.name()))
        }
        None => Ok(()),
    }
}

fn chosen(step: Step, args: &Args) -> bool {
    (args.only.is_empty() || args.only.contains(&step)) && !args.skip.contains(&step)
}

fn print(rows: &[Row], closing: &[String]) -> anyhow::Result<()> {
    term::line(format_args!("\n{:<10}  {:<7}  {:>8}  note", "step", "result", "time"))?;
    for row in rows {
        let name = row.step.name();
        let text =
            format!("{name:<10}  {:<7}  {:>8}  {}", row.verdict, seconds(row.took), row.note);
        term::line(text.trim_end())?;
    }
    let total = rows.iter().map(|row| row.took).sum();
    term::line(format_args!("{:<10}  {:<7}  {:>8}", "total", "", seconds(total)))?;
    for line in closing {
        term::line(line)?;
    }
    if rows.iter().all(|row| row.verdict == "skipped") {
        bail!("no step was chosen");
    }
    Ok(())
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

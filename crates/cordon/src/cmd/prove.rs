//! `cordon prove`: the safety rules, over all requests there can be.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use cordon_proof::{Outcome as Settled, Proof, ProveError, Prover};
use serde_json::json;

use crate::cli::Prove;
use crate::directory::{self, Evaluated};
use crate::outcome::{Exit, Failure, Outcome, chain};
use crate::progress::Progress;

/// Seconds that one question may take when nobody says otherwise.
pub(crate) const LIMIT_S: u32 = 60;

pub(crate) fn run(args: &Prove, progress: &Progress) -> Result<Outcome, Failure> {
    let read = directory::evaluate(&args.dir, progress)?;
    let mut outcome = all(&read, args.solver.as_deref(), args.limit_s, progress)?;
    let Some(old_dir) = &args.against else { return Ok(outcome) };
    let old = directory::load(old_dir)?;
    let except = match &args.except {
        None => None,
        Some(path) => Some(fs::read_to_string(path).map_err(|error| Failure::path(path, &error))?),
    };
    let prover = prover(args.solver.as_deref(), args.limit_s);
    let bar = progress.bar(2, "comparing policies");
    let proofs = prover
        .widening(&read.book, &old.book, except.as_deref(), &read.hospital, &mut |_| bar.inc(1))
        .map_err(|error| refusal(&error))?;
    bar.finish_and_clear();
    let _ = writeln!(outcome.text, "\nagainst {}", old_dir.display());
    for proof in &proofs {
        write_proof(&mut outcome.text, proof);
    }
    if let Some(object) = outcome.json.as_object_mut() {
        object.insert("against".to_owned(), json!(proofs));
    }
    // That an edit takes something away is for people to know; that it widens is a finding.
    let widens = proofs
        .iter()
        .any(|proof| proof.id == cordon_proof::prove::claims::WIDENING && !proof.is_proved());
    Ok(outcome.finding_if(widens))
}

fn prover(solver: Option<&Path>, limit_s: u32) -> Prover {
    Prover::new(solver.map(Path::to_path_buf), Duration::from_secs(u64::from(limit_s)))
}

fn refusal(error: &ProveError) -> Failure {
    let message = chain(error);
    match error {
        ProveError::SolverMissing { .. } | ProveError::SolverUnknown { .. } => Failure::config(
            message,
            "install the Debian package cvc5, or name the solver with --solver",
        ),
        ProveError::ExceptionSyntax(_)
        | ProveError::ExceptionEffect
        | ProveError::ExceptionSchema(_) => {
            Failure::input(message, "the file of --except holds Cedar permits")
        }
    }
}

/// Proves every claim about a hospital's rules.
pub(crate) fn all(
    read: &Evaluated,
    solver: Option<&Path>,
    limit_s: u32,
    progress: &Progress,
) -> Result<Outcome, Failure> {
    let start = Instant::now();
    let bar = progress.bar(0, "proving");
    let proofs = prover(solver, limit_s)
        .prove(&read.book, &read.hospital, &mut |step| {
            bar.set_length(u64::try_from(step.total).unwrap_or(u64::MAX));
            bar.set_position(u64::try_from(step.done).unwrap_or(u64::MAX));
        })
        .map_err(|error| refusal(&error))?;
    bar.finish_and_clear();
    let elapsed_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    let mut text = String::new();
    for proof in &proofs {
        write_proof(&mut text, proof);
    }
    let proved = proofs.iter().filter(|proof| proof.is_proved()).count();
    let _ = writeln!(
        text,
        "\n{proved} of {} claims hold for every request there can be ({}.{:03} s)",
        proofs.len(),
        elapsed_ms / 1_000,
        elapsed_ms % 1_000
    );
    let json = json!({ "claims": proofs, "proved": proved, "elapsed_ms": elapsed_ms });
    let mut outcome = Outcome::done(text, json).with(read.report.clone());
    if proved < proofs.len() {
        outcome.exit = Exit::Finding;
    }
    Ok(outcome)
}

fn write_proof(text: &mut String, proof: &Proof) {
    let verdict = match &proof.outcome {
        Settled::Proved => "proved   ",
        Settled::Refuted(_) => "REFUTED  ",
        Settled::Undecided { .. } => "UNDECIDED",
    };
    let _ =
        writeln!(text, "{verdict} {:<38} {:>6} ms  {}", proof.id, proof.elapsed_ms, proof.plain);
    match &proof.outcome {
        Settled::Proved => {}
        Settled::Refuted(example) => {
            for line in example.to_string().lines() {
                let _ = writeln!(text, "          {line}");
            }
        }
        Settled::Undecided { why } => {
            let _ = writeln!(text, "          {why}");
        }
    }
}

//! The chores of the project as one program: `cargo xtask COMMAND`, the same on a desk and in continuous integration.
//!
//! Invariant: nothing here is linked into what ships, and no crate of the project is linked in here; what has to be
//! known about `cordon` is learnt by running it.
#![cfg_attr(test, expect(clippy::unwrap_used, reason = "tests"))]

mod bench;
mod corpora;
mod demo;
mod deny;
mod fuzz;
mod r#gen;
mod generated;
mod packages;
mod pipeline;
mod repo;
mod standards;
mod steps;
mod term;
mod tidy;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::repo::Repo;

/// Builds, tests and checks the project.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Everything that must hold before a change is taken, in order; stops at the first failure.
    Test(pipeline::Args),
    /// Shows on the example hospital what cordon does, and fails if it does not.
    Demo,
    /// Measures; the arguments go to the programs in `bench/`.
    Bench(bench::Args),
    /// What `cordon inspect` says of recorded traffic, against what others say of it.
    Corpora(corpora::Args),
    /// The fuzz targets, on their committed inputs.
    Fuzz(fuzz::Args),
    /// The tests with many more cases (`CORDON_SOAK=1`); the arguments go to the test runner.
    Soak(bench::Args),
    /// Checks the project's own rules: arrows between crates, names, sizes, links, marks.
    Tidy,
    /// Checks licences, sources and duplicates of the dependencies against `deny.toml`.
    Deny,
    /// Writes the example hospitals.
    Gen(r#gen::Args),
    /// Writes again every file that is made from others.
    Generate,
}

fn main() -> ExitCode {
    match run(&Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            term::error(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(command: &Command) -> anyhow::Result<()> {
    let repo = Repo::here()?;
    match command {
        Command::Test(args) => pipeline::run(&repo, args),
        Command::Demo => demo::run(&repo),
        Command::Bench(args) => bench::measure(&repo, args),
        Command::Corpora(args) => corpora::run(&repo, args),
        Command::Fuzz(args) => fuzz::run(&repo, args),
        Command::Soak(args) => bench::soak(&repo, args),
        Command::Tidy => tidy::run(&repo),
        Command::Deny => deny::run(&repo),
        Command::Gen(args) => r#gen::run(args),
        Command::Generate => generated::write(&repo),
    }
}

/// Runs `cargo xtask gen` with arguments, as if typed.
///
/// # Errors
/// When the arguments do not parse or the command fails.
fn run_gen(arguments: &[&str]) -> anyhow::Result<()> {
    let words = ["cargo xtask", "gen"].iter().chain(arguments);
    match Cli::try_parse_from(words)?.command {
        Command::Gen(args) => r#gen::run(&args),
        Command::Test(_)
        | Command::Demo
        | Command::Bench(_)
        | Command::Corpora(_)
        | Command::Fuzz(_)
        | Command::Soak(_)
        | Command::Tidy
        | Command::Deny
        | Command::Generate => anyhow::bail!("`gen` was read as another command"),
    }
}

//! `cargo xtask bench` and `cargo xtask soak`: runs that take long and stand apart from the tests.

use anyhow::ensure;

use crate::repo::{self, Repo};

/// What is passed on.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Passed on unchanged.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

/// Builds and runs the measurements, which are a package of their own.
///
/// # Errors
/// When there is no such package, or a measurement fails.
pub(crate) fn measure(repo: &Repo, args: &Args) -> anyhow::Result<()> {
    let manifest = "bench/Cargo.toml";
    ensure!(repo.path(manifest).is_file(), "there is no `{manifest}`");
    let mut cargo = repo.cargo();
    cargo.args(["run", "--release", "--manifest-path", manifest, "--"]).args(&args.rest);
    repo::run(&mut cargo)
}

/// Runs the tests with `CORDON_SOAK=1`, which tells the property tests to try many more cases.
///
/// # Errors
/// When a test fails or cargo-nextest is not installed.
pub(crate) fn soak(repo: &Repo, args: &Args) -> anyhow::Result<()> {
    let mut cargo = repo.cargo();
    cargo.args(["nextest", "run", "--workspace", "--profile", "soak"]).args(&args.rest);
    repo::run(cargo.env("CORDON_SOAK", "1"))
}

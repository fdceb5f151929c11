//! Runs the measurements and prints one table.

use std::collections::BTreeMap;
use std::io::Write as _;

use anyhow::Context as _;
use clap::Parser as _;
use cordon_bench::figure::Figures;
use cordon_bench::machine::Machine;
use cordon_bench::run::{Args, Group};
use cordon_bench::{commands, compile, decide, journal, lookup, wire};

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let machine = Machine::read();
    let mut out = std::io::stdout().lock();
    writeln!(out, "{machine}")?;
    let mut figures = Figures::default();
    for group in args.groups() {
        let from = figures.all.len();
        match group {
            Group::Decide => decide::measure(&args, &mut figures)?,
            Group::Lookup => lookup::measure(&args, &mut figures)?,
            Group::Compile => compile::measure(&args, &mut figures)?,
            Group::Wire => wire::measure(&args, &mut figures)?,
            Group::Journal => journal::measure(&args, &mut figures)?,
            Group::Commands => commands::measure(&args, &mut figures)?,
        }
        write!(out, "{}", figures.table(from))?;
    }
    let after = Machine::read();
    writeln!(out, "\nload average at the end: {}", after.load)?;
    if let Some(path) = &args.json {
        let whole = BTreeMap::from([
            ("machine", serde_json::to_value(&machine)?),
            ("load_after", serde_json::to_value(&after.load)?),
            ("quick", serde_json::to_value(args.quick)?),
            ("figures", serde_json::to_value(&figures.all)?),
        ]);
        let text = serde_json::to_string_pretty(&whole)? + "\n";
        std::fs::write(path, text).with_context(|| format!("{}", path.display()))?;
    }
    Ok(())
}

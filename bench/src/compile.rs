//! `compile`: from sources in memory to sealed bundles, at one size after another.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};
use cordon_model::hospital::Sources;
use cordon_model::seal::Sealer;
use cordon_model::{Device, Hospital, Mac, Report};
use cordon_policy::classify::classify;
use cordon_policy::compile::{self, Compiled, compile, recompile};
use cordon_policy::consistency;
use cordon_policy::{Engine, Rulebook};

use crate::clock::{median, once};
use crate::example;
use crate::figure::{Figures, Target};
use crate::run::{Args, repository};

const GROUP: &str = "compile";
/// Devices of the hospitals that are generated.
const SIZES: [u32; 4] = [8_000, 25_000, 50_000, 100_000];
/// The day by which overrides are judged.
const TODAY: &str = "2027-01-01";

/// A hospital, compiled, and the milliseconds that each step took.
struct Whole {
    hospital: Hospital,
    book: Rulebook,
    engine: Engine,
    compiled: Compiled,
    steps: Vec<(&'static str, f64)>,
}

impl Whole {
    fn total(&self) -> f64 {
        self.steps.iter().map(|(_, taken)| taken).sum()
    }
}

/// Measures.
/// # Errors
/// When a hospital is not sound, or a recompilation is not what a compilation gives.
pub fn measure(args: &Args, figures: &mut Figures) -> anyhow::Result<()> {
    let sources = example::sources(&args.directory())?;
    let whole = steps(args, &sources, figures)?;
    address_edit(args, &whole, figures)?;
    profile_edit(args, &whole, figures)?;
    drop(whole);
    sizes(args, figures)
}

/// Runs every step once.
fn whole(sources: &Sources) -> anyhow::Result<Whole> {
    let mut steps = Vec::new();
    let (hospital, taken) = once(|| example::load(sources));
    let hospital = hospital?;
    steps.push(("load and check the plan", taken));
    let (book, taken) = once(|| example::rules(&hospital));
    let book = book?;
    steps.push(("read and validate the policies", taken));
    let (engine, taken) = once(|| Engine::build(&hospital, &book));
    steps.push(("evaluate the policies", taken));
    let mut report = Report::default();
    let ((), taken) = once(|| consistency::check(&hospital, &book, &engine, &mut report));
    ensure!(!report.has_errors(), "the hospital is not sound");
    steps.push(("check policies against profiles", taken));
    let classified =
        || hospital.devices.iter().map(|d| classify(&hospital, d, TODAY)).collect::<Vec<_>>();
    let (_, taken) = once(classified);
    steps.push(("classify every device", taken));
    let (compiled, taken) = once(|| compile(&hospital, &book, &engine));
    steps.push(("compile every bundle", taken));
    let (sealed, taken) = once(|| seal(&compiled));
    sealed?;
    steps.push(("seal every bundle", taken));
    Ok(Whole { hospital, book, engine, compiled, steps })
}

fn seal(compiled: &Compiled) -> anyhow::Result<Vec<String>> {
    let sealer = Sealer::new("bench/policy", [7; 32]);
    let sealed = compiled.bundles.values().map(|bundle| Ok(sealer.sealed(bundle)?));
    sealed.collect()
}

fn steps(args: &Args, sources: &Sources, figures: &mut Figures) -> anyhow::Result<Whole> {
    let mut last = whole(sources)?;
    let mut rounds = vec![last.steps.clone()];
    for _ in 1..args.rounds() {
        last = whole(sources)?;
        rounds.push(last.steps.clone());
    }
    let devices = last.hospital.devices.len();
    for (number, (step, _)) in last.steps.iter().enumerate() {
        let taken: Vec<f64> = rounds.iter().filter_map(|r| r.get(number)).map(|s| s.1).collect();
        figures.add(GROUP, format!("{step}, {devices} devices"), "ms", &taken, None);
    }
    let totals: Vec<f64> =
        rounds.iter().map(|round| round.iter().map(|(_, taken)| taken).sum()).collect();
    let name = format!("everything above, {devices} devices");
    figures.add(GROUP, name, "ms", &totals, Some(Target::AtMost(2_000.0)));
    Ok(last)
}

/// Copies a hospital and changes one device in it; gives both, and the device before and after.
fn edited(
    hospital: &Hospital,
    place: usize,
    edit: impl Fn(&mut Device),
) -> anyhow::Result<(Hospital, Device, Device)> {
    let mut after = hospital.clone();
    let device = after.devices.get_mut(place).context("no such device")?;
    let old = device.clone();
    edit(device);
    let new = device.clone();
    Ok((after, old, new))
}

fn same(a: &Compiled, b: &Compiled) -> anyhow::Result<usize> {
    ensure!(a.bundles == b.bundles, "a recompilation differs from a compilation");
    Ok(a.bundles.len())
}

/// The bundles that a recompilation made anew, sealed.
fn seal_changed(before: &Compiled, after: &Compiled) -> anyhow::Result<usize> {
    let sealer = Sealer::new("bench/policy", [7; 32]);
    let mut sealed = 0;
    for (id, bundle) in &after.bundles {
        if before.bundles.get(id).is_none_or(|old| old != bundle) {
            sealer.sealed(bundle)?;
            sealed += 1;
        }
    }
    Ok(sealed)
}

/// One device gets another network card: no rule reads that, so the table stays as it is.
fn address_edit(args: &Args, whole: &Whole, figures: &mut Figures) -> anyhow::Result<()> {
    let Whole { hospital, book, engine, compiled, .. } = whole;
    let place = hospital.devices.len() / 2;
    let card = Mac::new([2, 0, 0, 0, 0, 1])?;
    let edit = |device: &mut Device| device.mac = card;
    let (mut copies, mut compiles, mut seals) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..args.rounds() {
        let (made, taken) = once(|| edited(hospital, place, edit));
        let (after, old, new) = made?;
        copies.push(taken);
        let (again, taken) = once(|| recompile(&after, book, engine, compiled, &[&old, &new]));
        compiles.push(taken);
        let (sealed, taken) = once(|| seal_changed(compiled, &again));
        sealed?;
        seals.push(taken);
        same(&again, &compile(&after, book, engine))?;
    }
    let total: Vec<f64> =
        copies.iter().zip(&compiles).zip(&seals).map(|((a, b), c)| a + b + c).collect();
    let goal = Some(Target::AtMost(50.0));
    figures.add(GROUP, "one device's address changed: copy the hospital", "ms", &copies, None);
    figures.add(GROUP, "one device's address changed: recompile", "ms", &compiles, goal);
    figures.add(GROUP, "one device's address changed: seal what changed", "ms", &seals, None);
    figures.add(GROUP, "one device's address changed: all of it", "ms", &total, goal);
    Ok(())
}

/// One device moves to another unit of its building: rules may read that, so it finds its class anew.
fn profile_edit(args: &Args, whole: &Whole, figures: &mut Figures) -> anyhow::Result<()> {
    let Whole { hospital, book, compiled, .. } = whole;
    let place = hospital.devices.len() / 2;
    let device = hospital.devices.get(place).context("no such device")?;
    let unit = hospital
        .units
        .iter()
        .find(|(id, unit)| unit.building == device.building && **id != device.unit)
        .map(|(id, _)| id.clone())
        .context("the building has one unit only")?;
    let (mut updates, mut totals) = (Vec::new(), Vec::new());
    for _ in 0..args.rounds() {
        let mut engine = Engine::build(hospital, book);
        let edit = |device: &mut Device| device.unit = unit.clone();
        let (made, copy) = once(|| edited(hospital, place, edit));
        let (after, old, new) = made?;
        let (again, taken) =
            once(|| compile::update(&after, book, &mut engine, compiled, &[&old, &new]));
        let (sealed, seal) = once(|| seal_changed(compiled, &again));
        sealed?;
        same(&again, &compile(&after, book, &Engine::build(&after, book)))?;
        updates.push(taken);
        totals.push(copy + taken + seal);
    }
    figures.add(GROUP, "one device moved: update table and bundles", "ms", &updates, None);
    let goal = Some(Target::AtMost(50.0));
    figures.add(GROUP, "one device moved: all of it", "ms", &totals, goal);
    Ok(())
}

/// Generates hospitals and compiles them whole.
fn sizes(args: &Args, figures: &mut Figures) -> anyhow::Result<()> {
    let scratch = tempfile::tempdir()?;
    let sizes = if args.quick { SIZES.get(..2).unwrap_or_default() } else { &SIZES };
    let mut first = None;
    for &devices in sizes {
        let dir = scratch.path().join(devices.to_string());
        generate(args, devices, &dir)?;
        let sources = example::sources(&dir)?;
        let mut rounds = Vec::new();
        for _ in 0..if args.quick { 1 } else { 3 } {
            rounds.push(whole(&sources)?.total());
        }
        let goal = (devices == 100_000).then_some(Target::AtMost(30_000.0));
        let name = format!("everything, generated, {devices} devices");
        figures.add(GROUP, name, "ms", &rounds, goal);
        let each: Vec<f64> = rounds.iter().map(|ms| ms * 1e3 / f64::from(devices)).collect();
        figures.add(GROUP, format!("per device, generated, {devices} devices"), "µs", &each, None);
        let smallest = *first.get_or_insert_with(|| median(&each));
        let name = format!("per device as a multiple of {}, {devices} devices", SIZES[0]);
        let goal = Some(Target::AtMost(1.5));
        figures.add(GROUP, name, "x", &[median(&each) / smallest], goal);
        std::fs::remove_dir_all(&dir)?;
    }
    Ok(())
}

fn generate(args: &Args, devices: u32, out: &Path) -> anyhow::Result<()> {
    let mut command = match &args.xtask {
        Some(path) => Command::new(path),
        None => {
            let cargo =
                std::env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from);
            let mut command = Command::new(cargo);
            command.args(["run", "--quiet", "--package", "xtask", "--"]).current_dir(repository());
            command
        }
    };
    command.args(["gen", "--devices", &devices.to_string(), "--out"]).arg(out);
    let done = command.output().context("cannot generate a hospital")?;
    let complaint = String::from_utf8_lossy(&done.stderr);
    ensure!(done.status.success(), "cannot generate a hospital: {complaint}");
    Ok(())
}

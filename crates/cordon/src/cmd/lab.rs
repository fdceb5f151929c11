//! `cordon lab`: a hospital in network namespaces, and what is played in it.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::json;

use super::compile;
use crate::cli::{Compile, Lab, LabUp, Recording};
use crate::directory;
use crate::lab::machine::{self, demand, demand_root};
use crate::lab::{RUN, Standing, actor, build, down, named, plan, scenario};
use crate::moment;
use crate::outcome::{Failure, Outcome};
use crate::progress::Progress;

/// What no lab stands without, and the Debian packages that have it.
const PROGRAMS: [(&str, &str); 3] = [("ip", "iproute2"), ("nft", "nftables"), ("sh", "dash")];

pub(crate) fn run(args: &Lab, progress: &Progress) -> Result<Outcome, Failure> {
    if !matches!(args, Lab::Actor(_)) {
        demand_root()?;
        demand(&PROGRAMS)?;
    }
    match args {
        Lab::Up(args) => up(args, progress),
        Lab::Run(args) => {
            let id = down::meant(args.id.as_deref())?;
            machine::mark(&id);
            let standing = Standing::read(&Standing::path_of(&id))?;
            if !standing.is_complete {
                let message = format!("the lab `{id}` was not built to its end");
                return Err(Failure::config(message, "remove it with `cordon lab down`"));
            }
            scenario::run(&standing, args, progress)
        }
        Lab::Down(args) => {
            let id = down::meant(args.id.as_deref())?;
            let removed = down::remove(&id)?;
            let text = format!(
                "lab {id} is gone: {} namespaces, {} processes\n",
                removed.namespaces, removed.processes
            );
            let json = json!({
                "id": id, "namespaces": removed.namespaces, "processes": removed.processes,
            });
            Ok(Outcome::done(text, json))
        }
        Lab::Status(args) => status(args.id.as_deref()),
        Lab::Actor(part) => actor::run(part),
    }
}

fn up(args: &LabUp, progress: &Progress) -> Result<Outcome, Failure> {
    let start = Instant::now();
    let read = directory::evaluate(&args.dir, progress)?;
    let id = args.id.clone().unwrap_or_else(|| read.hospital.id.as_str().replace(['-', '.'], "_"));
    let id = named(&id)?;
    if down::known().contains(id) {
        let message = format!("a lab `{id}` stands already, or what is left of one");
        return Err(Failure::config(message, format!("`cordon lab down --id {id}` removes it")));
    }
    let gateway = gateway(args)?;
    machine::mark(id);
    let work = Standing::work_of(id);
    fs::create_dir_all(&work).map_err(|error| Failure::path(&work, &error))?;
    let built = (|| {
        compile::run(&compiling(&args.dir, &work.join("bundles")), progress)?;
        let mut standing = plan::plan(id, args, &read.hospital, moment::now().wall().hour())?;
        standing.gateway = gateway;
        standing.settle_seals(&args.seal)?;
        // Before anything is made it is written down.
        standing.write()?;
        let working = progress.spinner("building the lab");
        standing.certify()?;
        build::namespaces(&standing)?;
        if standing.kernel_only {
            // The rules stand before the first wire does.
            standing.enforce()?;
        }
        build::wires(&standing, &read.hospital)?;
        standing.watch()?;
        standing.serve()?;
        if !standing.kernel_only {
            working.set_message("starting the gateways");
            standing.enforce()?;
        }
        standing.is_complete = true;
        standing.write()?;
        working.finish_and_clear();
        Ok(standing)
    })();
    match built {
        Ok(standing) => Ok(stands(&standing, start)),
        Err(failure) => {
            // Half a lab is of no use to anybody.
            let _ = down::remove(id);
            Err(failure)
        }
    }
}

/// Compiles as `cordon compile` does; a lab publishes nothing, so nothing is proved.
fn compiling(dir: &Path, out: &Path) -> Compile {
    Compile {
        dir: dir.to_owned(),
        out: out.to_owned(),
        key: None,
        without_proof: true,
        solver: None,
        recording: Recording { journal: None, journal_key: None, writer: None },
    }
}

/// Finds the gateway program; none in a lab of kernels only.
fn gateway(args: &LabUp) -> Result<Option<PathBuf>, Failure> {
    if args.kernel_only {
        return Ok(None);
    }
    let beside = || Some(std::env::current_exe().ok()?.with_file_name("cordon-gateway"));
    let path = args.gateway_binary.clone().or_else(beside);
    match path.filter(|path| path.is_file()) {
        Some(path) => Ok(Some(path)),
        None => Err(Failure::config(
            "there is no gateway program",
            "name it with --gateway-binary, or load the kernel's rules only with --kernel-only",
        )),
    }
}

fn stands(standing: &Standing, start: Instant) -> Outcome {
    let elapsed_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    let mut text = format!(
        "lab {} stands: {} devices, {} enforcement points ({}), {} hosts of services\n",
        standing.id,
        standing.devices.len(),
        standing.points.len(),
        if standing.kernel_only { "the kernel's rules only" } else { "with gateway programs" },
        standing.hosts.len(),
    );
    let _ = writeln!(
        text,
        "  {} namespaces named {}…, {} processes, {elapsed_ms} ms",
        standing.places.len(),
        Standing::prefix_of(&standing.id),
        standing.processes.len(),
    );
    for note in &standing.notes {
        let _ = writeln!(text, "  {note}");
    }
    let _ = writeln!(text, "  records are in {}", standing.work().display());
    let json = json!({
        "id": standing.id, "hospital": standing.hospital, "kernel_only": standing.kernel_only,
        "namespaces": standing.places.len(), "devices": standing.devices.len(),
        "points": standing.points.len(), "hosts": standing.hosts.len(),
        "processes": standing.processes.len(), "notes": standing.notes, "elapsed_ms": elapsed_ms,
        "work": standing.work(),
    });
    Outcome::done(text, json)
}

fn status(id: Option<&str>) -> Result<Outcome, Failure> {
    let ids: Vec<String> = match id {
        Some(id) => vec![named(id)?.to_owned()],
        None => down::known().into_iter().collect(),
    };
    let (mut text, mut rows) = (String::new(), Vec::new());
    if ids.is_empty() {
        text.push_str("no lab stands\n");
    }
    for id in ids {
        let namespaces = down::namespaces(&id).len();
        let Ok(standing) = Standing::read(&Standing::path_of(&id)) else {
            let _ = writeln!(text, "{id}: {namespaces} namespaces, and nothing says what they are");
            rows.push(json!({ "id": id, "complete": false, "namespaces": namespaces }));
            continue;
        };
        let running: Vec<&str> = standing
            .processes
            .iter()
            .filter(|process| process.runs())
            .map(|process| process.name.as_str())
            .collect();
        let complete = standing.is_complete;
        let _ = writeln!(
            text,
            "{id}: {}, {namespaces} of {} namespaces, {} of {} processes run",
            if complete { "complete" } else { "not built to its end" },
            standing.places.len(),
            running.len(),
            standing.processes.len()
        );
        let counters = if complete { standing.counters()? } else { Default::default() };
        for ((point, rule), (packets, bytes)) in counters.iter().filter(|(_, (n, _))| *n > 0) {
            let _ = writeln!(text, "  {point}: {rule} {packets} packets, {bytes} bytes");
        }
        let devices: Vec<&str> = standing.devices.iter().map(|seat| seat.id.as_str()).collect();
        rows.push(json!({
            "id": id, "complete": complete, "namespaces": namespaces, "running": running,
            "processes": standing.processes, "devices": devices, "points": standing.points,
            "blocked": super::super::lab::witness::grown(&Default::default(), &counters),
        }));
    }
    Ok(Outcome::done(text, json!({ "folder": RUN, "labs": rows })))
}

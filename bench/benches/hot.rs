//! The functions on the hot paths: decide, look up, seal, open, decode.

use std::hint::black_box;
use std::io::Write as _;

use anyhow::Context as _;
use cordon_bench::wire::sample;
use cordon_bench::{example, lookup, question, run, wire};
use cordon_core::inspect::Way;
use cordon_model::bundle::{Bundle, FlowIndex, Role};
use cordon_model::seal::{self, Sealer};
use cordon_model::{Hospital, Now, Protocol};
use cordon_policy::Engine;
use cordon_policy::compile::{Compiled, compile};
use criterion::{Criterion, Throughput};

/// Everything that the benchmarks ask.
struct Ready {
    hospital: Hospital,
    engine: Engine,
    compiled: Compiled,
}

fn ready() -> anyhow::Result<Ready> {
    let dir = run::repository().join("examples/metropolitan");
    let hospital = example::load(&example::sources(&dir)?)?;
    let book = example::rules(&hospital)?;
    let engine = Engine::build(&hospital, &book);
    let compiled = compile(&hospital, &book, &engine);
    Ok(Ready { hospital, engine, compiled })
}

fn decide(criterion: &mut Criterion, ready: &Ready) {
    let asked = question::questions(&ready.hospital, 100_000, 1);
    let mut turn = asked.iter().cycle();
    criterion.bench_function("decide", |bencher| {
        bencher.iter(|| {
            let one = turn.next()?;
            Some(ready.engine.decide(black_box(&one.act), one.posture, Now::default()))
        });
    });
}

fn look_up(criterion: &mut Criterion, bundle: &Bundle) {
    let index = FlowIndex::new(bundle);
    let asked = lookup::lookups(bundle, 100_000);
    let mut turn = asked.iter().cycle();
    criterion.bench_function(&format!("look up/{}", bundle.role.name()), |bencher| {
        bencher.iter(|| {
            let one = turn.next()?;
            index.permits(black_box(&one.key), one.operation, one.posture, 12)
        });
    });
}

fn stored(criterion: &mut Criterion, bundle: &Bundle) -> anyhow::Result<()> {
    let sealer = Sealer::new("bench/policy", [7; 32]);
    let public = sealer.seal();
    let text = seal::encode(bundle)?;
    let sealed = sealer.sealed(bundle)?;
    let role = bundle.role.name();
    let mut group = criterion.benchmark_group("bundle");
    group.throughput(Throughput::Bytes(u64::try_from(text.len())?));
    group.bench_function(format!("seal/{role}"), |b| b.iter(|| sealer.sealed(black_box(bundle))));
    group.bench_function(format!("open/{role}"), |b| b.iter(|| public.open(black_box(&sealed))));
    group.bench_function(format!("decode/{role}"), |b| {
        b.iter(|| serde_json::from_str::<Bundle>(black_box(&text)));
    });
    group.bench_function(format!("index/{role}"), |b| b.iter(|| FlowIndex::new(black_box(bundle))));
    group.finish();
    Ok(())
}

fn messages(criterion: &mut Criterion) {
    let bundle = wire::Bundle::default();
    let framed = [b"\x0b", sample::oru_r01().as_slice(), b"\x1c\r"].concat();
    for (name, protocol, message) in [
        ("hl7", Protocol::Hl7, framed.as_slice()),
        ("modbus", Protocol::Modbus, &sample::MODBUS_WRITE),
        ("bacnet", Protocol::Bacnet, &sample::BACNET_READ),
    ] {
        let mut wire = wire::Wire::new(protocol, &bundle);
        let mut group = criterion.benchmark_group("message");
        group.throughput(Throughput::Bytes(u64::try_from(message.len()).unwrap_or(0)));
        group.bench_function(name, |b| b.iter(|| wire.feed(Way::FromDevice, black_box(message))));
        group.finish();
    }
}

fn all() -> anyhow::Result<()> {
    let ready = ready()?;
    let mut criterion = Criterion::default().configure_from_args();
    messages(&mut criterion);
    decide(&mut criterion, &ready);
    for role in [Role::Access, Role::Segment] {
        let bundle = lookup::largest(&ready.compiled, role).context("no such bundle")?;
        look_up(&mut criterion, bundle);
        stored(&mut criterion, bundle)?;
    }
    criterion.final_summary();
    Ok(())
}

fn main() -> std::process::ExitCode {
    match all() {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{error:#}");
            std::process::ExitCode::FAILURE
        }
    }
}

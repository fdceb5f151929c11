//! What is played in a lab, and what is said about it afterwards.
//!
//! Whatever is played, the same is asked: what was sent, what arrived, what was blocked where, and
//! what lifelines lost. What arrived is judged by the plan alone: a device's flows, nothing else.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use cordon_model::event::MessageVerdict;
use cordon_model::{Label, What};
use serde::Serialize;
use serde_json::{Value, json};

use super::machine::{listens, reap, wait_until};
use super::witness::{Arrival, Blocked, Counters, grown, may};
use super::{Seat, Standing};
use crate::cli::{LabRun, Scenario};
use crate::ledger::{Filter, Ledger};
use crate::outcome::{Failure, Outcome};
use crate::progress::Progress;

mod attack;
mod building;
mod care;
mod disguise;
mod exfiltration;
mod imaging;
mod report;
mod scan;
mod stale;

/// How long a journal may take to say what was stopped.
const JOURNAL_MAX: Duration = Duration::from_secs(5);
/// How long an actor may outlive what it was told.
const OVERTIME: Duration = Duration::from_secs(20);

/// What came of a scenario.
#[derive(Debug, Default, Serialize)]
pub(super) struct Played {
    /// What was sent, as its senders tell it.
    pub(super) sent: Vec<Sent>,
    /// What arrived and may.
    pub(super) permitted: Sum,
    /// What arrived and must not.
    pub(super) intruded: Vec<Arrival>,
    /// How many bytes of an exfiltration arrived, heads included.
    pub(super) arrived_bytes: Option<u64>,
    /// What was blocked where.
    pub(super) blocked: Vec<Blocked>,
    /// What inspectors stopped, and why: how many messages.
    pub(super) stopped: BTreeMap<String, u64>,
    /// Milliseconds from the first packet of an attack until a counter said it was blocked.
    pub(super) blocked_after_ms: Option<u64>,
    /// What was asked on lifelines and answered.
    pub(super) probes: Vec<Probe>,
    /// What the points wrote into their journals: how many records of each kind.
    pub(super) recorded: BTreeMap<String, u64>,
    /// What must not be.
    pub(super) findings: Vec<String>,
    /// What else is worth knowing.
    pub(super) notes: Vec<String>,
}

/// What somebody sent.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Sent {
    /// Who.
    pub(super) device: String,
    /// What, in words.
    pub(super) what: String,
    /// How many packets, messages or attempts.
    pub(super) count: u64,
    /// How many bytes were attempted, where that is known.
    pub(super) bytes: u64,
    /// How many were answered.
    pub(super) answered: u64,
    /// In which time.
    pub(super) elapsed_ms: u64,
}

/// A sum.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(super) struct Sum {
    pub(super) flows: u64,
    pub(super) packets: u64,
    pub(super) bytes: u64,
}

/// What a probe says of one flow.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Probe {
    pub(super) device: String,
    pub(super) what: String,
    pub(super) service: String,
    pub(super) lifeline: bool,
    pub(super) sent: u64,
    pub(super) lost: u64,
    pub(super) resets: u64,
    pub(super) p50_us: Option<u64>,
    pub(super) p99_us: Option<u64>,
    pub(super) p999_us: Option<u64>,
    pub(super) gap_max_us: u64,
    pub(super) why: Option<String>,
}

/// What a probe may lose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bound {
    /// Lifelines lose nothing; others may.
    Lifelines,
    /// Nothing loses anything.
    Everything,
    /// A connection may be broken off, with the exchange that was under way, if the next one stands
    /// so soon.
    Reconnect(Duration),
}

/// A scenario that is played.
pub(super) struct Play<'a> {
    pub(super) standing: &'a Standing,
    pub(super) args: &'a LabRun,
    pub(super) played: Played,
    /// Addresses that must be silent, for their owners are: whoever uses them is another.
    pub(super) silent: Vec<IpAddr>,
    before: Counters,
    written: Written,
    /// Whether an inspector has to have stopped something.
    is_stop_due: bool,
    count: u32,
}

/// What the journals of all points say.
#[derive(Debug, Clone, Default)]
struct Written {
    /// How many records of each kind.
    kinds: BTreeMap<String, u64>,
    /// How many messages were stopped, and why.
    stopped: BTreeMap<String, u64>,
}

impl Written {
    fn read(standing: &Standing) -> Result<Self, Failure> {
        let mut written = Self::default();
        for post in standing.points.iter().filter(|_| !standing.kernel_only) {
            // A point that has written nothing yet has no journal.
            let Ok(ledger) = Ledger::open(&standing.journal(post)) else { continue };
            let mut walk = ledger.walk(Filter::default())?;
            while let Some(stored) = walk.next()? {
                let what = &stored.record.event.what;
                let name = format!("{} {}", post.place, what.kind().name());
                *written.kinds.entry(name).or_default() += 1;
                let What::Message(message) = what else { continue };
                if message.verdict == MessageVerdict::Block {
                    let why: Vec<&str> = message.reasons.iter().map(Label::as_str).collect();
                    let (protocol, why) = (message.protocol.name(), why.join(", "));
                    let name = format!("{}: the {protocol} inspector: {why}", post.place);
                    *written.stopped.entry(name).or_default() += message.count.unwrap_or(1);
                }
            }
        }
        Ok(written)
    }
}

/// Gives by how much counts grew.
fn grown_counts(
    before: &BTreeMap<String, u64>,
    after: BTreeMap<String, u64>,
) -> BTreeMap<String, u64> {
    let since = |(name, count): (String, u64)| {
        let was = before.get(&name).copied().unwrap_or(0);
        (count > was).then(|| (name, count - was))
    };
    after.into_iter().filter_map(since).collect()
}

/// An actor that plays.
pub(super) struct Running {
    child: Child,
    path: PathBuf,
    limit: Duration,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    /// Waits until it ends, and gives what it told.
    pub(super) fn lines(mut self) -> Vec<Value> {
        drop(self.child.stdin.take());
        reap(&mut self.child, self.limit);
        self.told()
    }

    /// Waits until it listens on a port; says whether it does.
    pub(super) fn listens(&self, transport: &str, port: u16) -> bool {
        wait_until(OVERTIME, || listens(self.child.id(), transport, port))
    }

    /// Gives what it told so far.
    pub(super) fn told(&self) -> Vec<Value> {
        let text = fs::read_to_string(&self.path).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }
}

/// Reads a number of a line.
pub(super) fn number(line: &Value, field: &str) -> u64 {
    line.get(field).and_then(Value::as_u64).unwrap_or(0)
}

/// Reads a text of a line.
pub(super) fn text<'l>(line: &'l Value, field: &str) -> &'l str {
    line.get(field).and_then(Value::as_str).unwrap_or_default()
}

impl Play<'_> {
    /// Starts an actor in a place; it has so many seconds.
    pub(super) fn start(
        &mut self,
        place: &str,
        seconds: u32,
        args: &[&str],
    ) -> Result<Running, Failure> {
        let folder = self.standing.work().join("records");
        let part = args.first().copied().unwrap_or("actor");
        self.count += 1;
        let name = format!("{}-{}-{part}.jsonl", self.args.scenario.name(), self.count);
        let path = folder.join(name);
        let file = fs::File::create(&path).map_err(|error| Failure::path(&path, &error))?;
        let mut command = self.standing.actor(place, args)?;
        // A part that waits for others waits until this pipe is closed.
        let child = command.stdin(Stdio::piped()).stdout(file).spawn();
        let child = child.map_err(|error| {
            Failure::config(format!("no actor in {place}: {error}"), "build the lab anew")
        })?;
        let limit = Duration::from_secs(u64::from(seconds)) + OVERTIME;
        Ok(Running { child, path, limit })
    }

    /// Starts probes on the lifelines of a device.
    pub(super) fn probe(&mut self, seat: &Seat, seconds: u32) -> Result<Running, Failure> {
        let (standing, for_s) = (self.standing.path(), seconds.to_string());
        let standing = standing.display().to_string();
        let args =
            ["probe", "--standing", &standing, "--device", &seat.id, "--for-s", for_s.as_str()];
        self.start(&seat.place, seconds, &args)
    }

    /// Takes what a probe told, and holds it to a bound.
    pub(super) fn probed(&mut self, seat: &Seat, running: Running, bound: Bound) {
        let lines = running.lines();
        let probes: Vec<&Value> =
            lines.iter().filter(|line| text(line, "event") == "probe").collect();
        if probes.is_empty() {
            self.played.findings.push(format!("the probe of {} told nothing", seat.id));
        }
        for line in probes {
            let micros = |field: &str| line.get(field).and_then(Value::as_u64);
            let probe = Probe {
                device: seat.id.clone(),
                what: text(line, "what").to_owned(),
                service: text(line, "service").to_owned(),
                lifeline: line.get("lifeline").and_then(Value::as_bool).unwrap_or(false),
                sent: number(line, "sent"),
                lost: number(line, "lost"),
                resets: number(line, "resets"),
                p50_us: micros("p50_us"),
                p99_us: micros("p99_us"),
                p999_us: micros("p999_us"),
                gap_max_us: number(line, "gap_max_us"),
                why: line.get("why").and_then(Value::as_str).map(str::to_owned),
            };
            let is_hurt = probe.lost > 0 || probe.resets > 0;
            let is_too_much = match bound {
                Bound::Lifelines => probe.lifeline && is_hurt,
                Bound::Everything => is_hurt,
                Bound::Reconnect(within) => {
                    probe.lost > probe.resets || Duration::from_micros(probe.gap_max_us) > within
                }
            };
            if is_too_much {
                self.played.findings.push(format!(
                    "{} lost {} of {} to {} ({}), {} resets",
                    probe.device, probe.lost, probe.sent, probe.service, probe.what, probe.resets
                ));
            }
            self.played.probes.push(probe);
        }
    }

    /// Asks the witnesses and the points what became of it.
    fn conclude(&mut self) -> Result<(), Failure> {
        for arrival in self.standing.arrivals()? {
            let is_silent = self.silent.contains(&arrival.from);
            if may(&self.standing.devices, &arrival) && !is_silent {
                let sum = &mut self.played.permitted;
                sum.flows += 1;
                sum.packets += arrival.packets;
                sum.bytes += arrival.bytes;
                continue;
            }
            self.played.findings.push(format!(
                "{} packets from {} to {} {} port {} arrived at {}",
                arrival.packets,
                arrival.from,
                arrival.to,
                arrival.transport,
                arrival.port,
                arrival.place
            ));
            self.played.intruded.push(arrival);
        }
        self.played.blocked = grown(&self.before, &self.standing.counters()?);
        // A journal is written a moment later.
        let mut written = Written::read(self.standing)?;
        let end = Instant::now() + JOURNAL_MAX;
        let mut stopped = grown_counts(&self.written.stopped, written.stopped);
        while self.is_stop_due && stopped.is_empty() && Instant::now() < end {
            std::thread::park_timeout(Duration::from_millis(100));
            written = Written::read(self.standing)?;
            stopped = grown_counts(&self.written.stopped, written.stopped);
        }
        if self.is_stop_due && stopped.is_empty() {
            self.played.findings.push("no inspector says that it stopped anything".to_owned());
        }
        self.played.stopped = stopped;
        self.played.recorded = grown_counts(&self.written.kinds, written.kinds);
        Ok(())
    }
}

/// Plays a scenario.
pub(crate) fn run(
    standing: &Standing,
    args: &LabRun,
    progress: &Progress,
) -> Result<Outcome, Failure> {
    let working = progress.spinner("playing");
    standing.forget()?;
    let before = standing.counters()?;
    let start = Instant::now();
    let mut play = Play {
        standing,
        args,
        played: Played::default(),
        silent: Vec::new(),
        before,
        written: Written::read(standing)?,
        is_stop_due: false,
        count: 0,
    };
    match args.scenario {
        Scenario::Normal => care::normal(&mut play)?,
        Scenario::PumpExfiltration => attack::exfiltration(&mut play)?,
        Scenario::EhrExfiltration => exfiltration::allowed(&mut play)?,
        Scenario::HvacLaptop => disguise::laptop(&mut play)?,
        Scenario::LateralScan => scan::scan(&mut play)?,
        Scenario::ArpSpoof => disguise::spoof(&mut play)?,
        Scenario::Clone => disguise::clone(&mut play)?,
        Scenario::PolicyPush => care::push(&mut play)?,
        Scenario::GatewayKill => care::kill(&mut play)?,
        Scenario::StalePolicy => stale::stale(&mut play)?,
        Scenario::Hl7Command => attack::command(&mut play)?,
        Scenario::ModbusWrite => building::write(&mut play)?,
        Scenario::DicomMove => imaging::move_away(&mut play)?,
    }
    play.conclude()?;
    working.finish_and_clear();
    let elapsed_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    let played = &play.played;
    let mut shown = json!(played);
    if let Some(map) = shown.as_object_mut() {
        map.insert("scenario".to_owned(), json!(args.scenario.name()));
        map.insert("id".to_owned(), json!(standing.id));
        map.insert("kernel_only".to_owned(), json!(standing.kernel_only));
        map.insert("elapsed_ms".to_owned(), json!(elapsed_ms));
    }
    let mut text = format!("{} in lab {}, {elapsed_ms} ms\n", args.scenario.name(), standing.id);
    report::write(&mut text, played);
    let has_findings = !played.findings.is_empty();
    Ok(Outcome::done(text, shown).finding_if(has_findings))
}

/// Chooses the device that plays the main part.
pub(super) fn lead<'s>(
    play: &Play<'s>,
    wanted: impl Fn(&Seat) -> u32,
    what: &str,
) -> Result<&'s Seat, Failure> {
    let standing: &'s Standing = play.standing;
    if let Some(id) = &play.args.device {
        return standing.seat(id);
    }
    let best = standing.devices.iter().filter(|seat| wanted(seat) > 0);
    // The first of those that fit best.
    best.rev().max_by_key(|seat| wanted(seat)).ok_or_else(|| {
        Failure::usage(format!("no device of the lab {what}"), "build another hospital, or more")
    })
}

/// Chooses a device with a lifeline that has no part in the attack.
pub(super) fn bystander<'s>(play: &Play<'s>, but: &[&Seat]) -> Option<&'s Seat> {
    let standing: &'s Standing = play.standing;
    let fits = |seat: &&Seat| {
        !but.iter().any(|other| other.id == seat.id)
            && seat.talks.iter().any(|talk| talk.is_lifeline)
    };
    let mut seats: Vec<&Seat> = standing.devices.iter().filter(fits).collect();
    // One behind the same point tells most.
    seats.sort_by_key(|seat| !but.iter().any(|other| other.point == seat.point));
    seats.first().copied()
}

/// Adds a line to a text.
pub(super) fn line(out: &mut String, text: impl std::fmt::Display) {
    let _ = writeln!(out, "{text}");
}

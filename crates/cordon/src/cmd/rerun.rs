//! `cordon rerun`: what is recorded, decided again under another policy.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use cordon_model::event::{Decided, Effect, Kind, What};
use cordon_model::{Act, Posture, Tier};
use cordon_policy::engine::Relation;
use cordon_policy::oracle::Oracle;
use rustc_hash::FxHashMap;
use serde::Serialize;
use serde_json::json;

use super::at;
use super::check::thousands;
use crate::cli::Rerun;
use crate::directory::{self, Evaluated};
use crate::ledger::{Filter, Ledger};
use crate::moment::Span;
use crate::outcome::{Failure, Outcome};
use crate::progress::Progress;

/// More different questions than this are not kept apart.
const QUESTIONS_MAX: usize = 1_000_000;
/// How many rows of a list are printed.
const ROWS_SHOWN: usize = 40;

/// A question that was asked: the same act in the same posture at the same hour.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Question {
    act: Act,
    posture: Posture,
    hour: u8,
    then: Effect,
}

/// How often it was asked, and by which rules it was answered when it was asked first.
#[derive(Debug, Clone)]
struct Asked {
    count: u64,
    rules: Vec<String>,
    event: String,
    tier: Tier,
}

/// An act whose verdict is another.
#[derive(Debug, Serialize)]
struct Change {
    act: String,
    device: String,
    tier: &'static str,
    target: String,
    operation: &'static str,
    hour: u8,
    state: String,
    count: u64,
    example: String,
    then: &'static str,
    then_rules: Vec<String>,
    now: &'static str,
    now_reason: Option<&'static str>,
    now_rules: Vec<String>,
    lifeline: bool,
    unknown_device: bool,
}

/// Sums over what was decided again.
#[derive(Debug, Default, Serialize)]
struct Sums {
    decisions: u64,
    same: u64,
    newly_denied: u64,
    newly_permitted: u64,
    unknown_device: u64,
    questions: usize,
}

pub(crate) fn run(args: &Rerun, progress: &Progress) -> Result<Outcome, Failure> {
    let read = directory::evaluate(&args.policy, progress)?;
    let ledger = Ledger::open(&args.journal)?;
    let span = Span::read(args.from.as_deref(), args.to.as_deref())?;
    let asked = gather(&ledger, span, progress)?;
    let bar = progress.bar(u64::try_from(asked.len()).unwrap_or(0), "deciding again");
    let oracle = Oracle::new(&read.hospital, &read.book);
    let mut sums = Sums { questions: asked.len(), ..Sums::default() };
    let mut changes = Vec::new();
    for (question, asked) in &asked {
        bar.inc(1);
        sums.decisions += asked.count;
        match change(&read, &oracle, question, asked) {
            None => sums.same += asked.count,
            Some(change) => {
                let sum = match question.then {
                    Effect::Permit => &mut sums.newly_denied,
                    Effect::Deny => &mut sums.newly_permitted,
                };
                *sum += asked.count;
                sums.unknown_device += if change.unknown_device { asked.count } else { 0 };
                changes.push(change);
            }
        }
    }
    bar.finish_and_clear();
    changes.sort_by(|a, b| {
        let rank = |change: &Change| (!change.is_cut(), std::cmp::Reverse(change.count));
        rank(a)
            .cmp(&rank(b))
            .then_with(|| (&a.act, a.hour, &a.state).cmp(&(&b.act, b.hour, &b.state)))
    });
    let mut text = String::new();
    write(&mut text, &sums, &changes);
    let groups: BTreeMap<_, _> = GROUPS
        .iter()
        .map(|(name, key)| {
            let rows: Vec<_> = groups(&changes, *key)
                .into_iter()
                .map(|(name, (denied, permitted))| {
                    json!({ "name": name, "newly_denied": denied, "newly_permitted": permitted })
                })
                .collect();
            (*name, rows)
        })
        .collect();
    let found = !changes.is_empty();
    let json = json!({ "totals": sums, "by": groups, "changes": changes });
    Ok(Outcome::done(text, json).finding_if(found).with(read.report))
}

/// Gathers the questions that were asked, each once.
fn gather(
    ledger: &Ledger,
    span: Span,
    progress: &Progress,
) -> Result<Vec<(Question, Asked)>, Failure> {
    let spinner = progress.spinner("reading the journal");
    let filter = Filter { kinds: vec![Kind::Decision], span, ..Filter::default() };
    let mut walk = ledger.walk(filter)?;
    let mut asked: FxHashMap<Question, Asked> = FxHashMap::default();
    while let Some(stored) = walk.next()? {
        let What::Decision(decided) = stored.record.event.what else { continue };
        let Decided { act, posture, hour, answer, tier, .. } = *decided;
        let question = Question { act, posture, hour, then: answer.effect };
        if asked.len() >= QUESTIONS_MAX && !asked.contains_key(&question) {
            let message = format!("more than {QUESTIONS_MAX} different questions were asked");
            return Err(Failure::input(message, "choose a shorter time by --from and --to"));
        }
        let first = || Asked {
            count: 0,
            rules: answer.rules.iter().map(ToString::to_string).collect(),
            event: stored.id.to_string(),
            tier,
        };
        asked.entry(question).or_insert_with(first).count += 1;
    }
    spinner.finish_and_clear();
    let mut asked: Vec<_> = asked.into_iter().collect();
    // The order of a hash map must not show.
    asked.sort_by(|(a, _), (b, _)| {
        let key = |question: &Question| (question.act.to_string(), question.hour);
        key(a).cmp(&key(b)).then_with(|| format!("{a:?}").cmp(&format!("{b:?}")))
    });
    Ok(asked)
}

/// Decides a question again; nothing if the verdict is the same.
fn change(
    read: &Evaluated,
    oracle: &Oracle<'_>,
    question: &Question,
    asked: &Asked,
) -> Option<Change> {
    let Question { act, posture, hour, then } = question;
    let decision = read.engine.decide(act, *posture, at(*hour));
    let now = if decision.is_permit() { Effect::Permit } else { Effect::Deny };
    if now == *then {
        return None;
    }
    let device = read.hospital.device(act.device.as_str());
    let relation = device.map(|device| oracle.relation(device, act));
    let answer = cordon_model::event::Answer::from(&decision);
    Some(Change {
        act: act.to_string(),
        device: act.device.to_string(),
        tier: device.map_or(asked.tier, |device| device.tier).name(),
        target: act.target.to_string(),
        operation: act.operation.name(),
        hour: *hour,
        state: posture.state.name().to_owned(),
        count: asked.count,
        example: asked.event.clone(),
        then: then.name(),
        then_rules: asked.rules.clone(),
        now: now.name(),
        now_reason: answer.reason.map(cordon_model::Reason::label),
        now_rules: answer.rules.iter().map(ToString::to_string).collect(),
        lifeline: matches!(relation, Some(Relation::Declared { lifeline: true, .. })),
        unknown_device: device.is_none(),
    })
}

impl Change {
    /// Says whether a lifeline of a RED device would be lost.
    fn is_cut(&self) -> bool {
        self.lifeline && self.tier == Tier::Red.name() && self.now == Effect::Deny.name()
    }
}

/// By what changes are summed up.
type Key = fn(&Change) -> BTreeSet<&str>;

const GROUPS: [(&str, Key); 3] = [
    ("tier", |change| BTreeSet::from([change.tier])),
    ("service", |change| BTreeSet::from([change.target.as_str()])),
    ("rule", |change| change.now_rules.iter().map(String::as_str).collect()),
];

/// Counts newly denied and newly permitted decisions.
fn groups(changes: &[Change], key: Key) -> BTreeMap<&str, (u64, u64)> {
    let mut sums: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for change in changes {
        for name in key(change) {
            let (denied, permitted) = sums.entry(name).or_default();
            let is_denied = change.now == Effect::Deny.name();
            *(if is_denied { denied } else { permitted }) += change.count;
        }
    }
    sums
}

fn number(count: u64) -> String {
    thousands(usize::try_from(count).unwrap_or(usize::MAX))
}

fn write(text: &mut String, sums: &Sums, changes: &[Change]) {
    let cut: Vec<&Change> = changes.iter().filter(|change| change.is_cut()).collect();
    if !cut.is_empty() {
        let _ = writeln!(text, "LIFELINES OF RED WOULD BE CUT: {}", cut.len());
        list(text, &cut);
        text.push('\n');
    }
    let _ = writeln!(
        text,
        "{} decisions, {} different: {} same, {} newly denied, {} newly permitted",
        number(sums.decisions),
        thousands(sums.questions),
        number(sums.same),
        number(sums.newly_denied),
        number(sums.newly_permitted)
    );
    if sums.unknown_device > 0 {
        let count = number(sums.unknown_device);
        let _ = writeln!(text, "{count} of them are of devices that this hospital does not know");
    }
    if changes.is_empty() {
        text.push_str("no verdict differs\n");
        return;
    }
    for (name, key) in GROUPS {
        let _ = writeln!(text, "\nby {name}: newly denied, newly permitted");
        for (name, (denied, permitted)) in groups(changes, key) {
            let _ = writeln!(text, "  {name:<36} {:>9} {:>9}", number(denied), number(permitted));
        }
    }
    text.push_str("\nchanged:\n");
    let rest: Vec<&Change> = changes.iter().filter(|change| !change.is_cut()).collect();
    list(text, &rest);
}

fn list(text: &mut String, changes: &[&Change]) {
    for change in changes.iter().take(ROWS_SHOWN) {
        let rules = |rules: &[String]| rules.join(", ");
        let _ = writeln!(
            text,
            "  {:>7} × {} ({}, {}, hour {}): {} by {} → {} by {}  e.g. {}",
            number(change.count),
            change.act,
            change.tier,
            change.state,
            change.hour,
            change.then,
            rules(&change.then_rules),
            change.now,
            rules(&change.now_rules),
            change.example
        );
    }
    if changes.len() > ROWS_SHOWN {
        let _ = writeln!(text, "  … and {} more; --json lists all", changes.len() - ROWS_SHOWN);
    }
}

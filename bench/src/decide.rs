//! `decide`: one decision, by the engine, by plain Cedar and by Rego, on the same questions.

use anyhow::{Context as _, ensure};
use cedar_policy::{Authorizer, Decision as CedarDecision, Entities, PolicySet, Request};
use cordon_model::{Hospital, Now, Target};
use cordon_policy::cedar::{self, Facts};
use cordon_policy::engine::{Relation, relation};
use cordon_policy::{Engine, Rulebook};
use regorus::Value;

use crate::clock::{batches, each, once, quantile};
use crate::example::{self, Pair};
use crate::figure::{Figures, Target as Goal};
use crate::question::{Question, questions};
use crate::rego::{Form, Rego, input};
use crate::run::Args;

const GROUP: &str = "decide";
/// Policies of the hospital's own, guardrails apart; the first is what the example has.
const SIZES: [usize; 4] = [12, 129, 1_000, 1_025];
/// Questions over which the peers have to agree.
const AGREEMENT: usize = 2_000;

/// A hospital with so many policies, ready to be asked in every way.
struct Setting {
    policies: usize,
    engine: Engine,
    cedar: PolicySet,
    authorizer: Authorizer,
    set: Rego,
    rules: Rego,
}

/// A question in the form that each peer takes.
struct Prepared {
    question: Question,
    request: Request,
    entities: Entities,
    input: Value,
}

/// Measures.
/// # Errors
/// When the hospital is not sound or the peers do not agree.
pub fn measure(args: &Args, figures: &mut Figures) -> anyhow::Result<()> {
    let hospital = example::load(&example::sources(&args.directory())?)?;
    let own = example::own_policies(&example::rules(&hospital)?, SIZES[0])?;
    let asked = questions(&hospital, if args.quick { 20_000 } else { 200_000 }, 1);
    let prepared: anyhow::Result<Vec<Prepared>> = questions(&hospital, AGREEMENT, 2)
        .into_iter()
        .map(|question| prepare(&hospital, question))
        .collect();
    let prepared = prepared?;
    let pairs = example::pairs(&hospital, SIZES[3] - own);
    let mut first = None;
    for size in SIZES {
        let pairs = pairs.get(..size - own).context("the hospital has too few pairs")?;
        let setting = setting(args, &hospital, pairs, size, figures)?;
        agree(&setting, &prepared, figures)?;
        let in_a_row = compare(args, &setting, &asked, &prepared, figures)?;
        let smallest = *first.get_or_insert(in_a_row);
        let name = format!("engine in a row, {size} policies as a multiple of {}", SIZES[0]);
        figures.add(GROUP, name, "x", &[in_a_row / smallest], Some(Goal::AtMost(1.5)));
    }
    Ok(())
}

fn setting(
    args: &Args,
    hospital: &Hospital,
    pairs: &[Pair],
    policies: usize,
    figures: &mut Figures,
) -> anyhow::Result<Setting> {
    let more = example::with_pairs(hospital, pairs)?;
    let book = example::rules(&more)?;
    let (engine, taken) = built(args, &more, &book);
    figures.add(GROUP, format!("engine build, {policies} policies"), "ms", &taken, None);
    let classes = engine.class_count() as f64;
    figures.add(GROUP, format!("classes of devices, {policies} policies"), "", &[classes], None);
    Ok(Setting {
        policies,
        engine,
        cedar: book.policy_set(),
        authorizer: Authorizer::new(),
        set: Rego::new(hospital, pairs, Form::Set)?,
        rules: Rego::new(hospital, pairs, Form::Rules)?,
    })
}

fn built(args: &Args, hospital: &Hospital, book: &Rulebook) -> (Engine, Vec<f64>) {
    let (mut engine, taken) = once(|| Engine::build(hospital, book));
    let mut rounds = vec![taken];
    for _ in 1..args.rounds().min(3) {
        let (again, taken) = once(|| Engine::build(hospital, book));
        engine = again;
        rounds.push(taken);
    }
    (engine, rounds)
}

fn prepare(hospital: &Hospital, question: Question) -> anyhow::Result<Prepared> {
    let Question { act, posture } = &question;
    let device = hospital.device(act.device.as_str()).context("no such device")?;
    let Target::Service(id) = &act.target else { anyhow::bail!("{act} is not about a service") };
    let service = hospital.services.get(id).context("no such service")?;
    let relation = relation(hospital, device, id, act.direction, act.operation);
    let facts = Facts {
        operation: act.operation,
        direction: act.direction,
        port: service.port, // no policy of the example reads it
        declared: matches!(relation, Relation::Declared { .. }),
        lifeline: matches!(relation, Relation::Declared { lifeline: true, .. }),
        posture: *posture,
        hour: 0,
    };
    let names = (
        cedar::uid("Device", act.device.as_str()).context("no name")?,
        cedar::uid("Action", "connect").context("no name")?,
        cedar::uid("Service", id.as_str()).context("no name")?,
    );
    let context = facts.context().context("no context")?;
    let request = Request::new(names.0, names.1, names.2, context, None)?;
    let of_device = cedar::device_entities(hospital, device).context("no entities")?;
    let of_service = cedar::service_entities(id, service).context("no entities")?;
    let entities = cedar::entities(&[&of_device, &of_service]).context("no entities")?;
    let input = input(hospital, &question)?;
    Ok(Prepared { question, request, entities, input })
}

impl Setting {
    fn cedar_permits(&self, prepared: &Prepared) -> bool {
        let Prepared { request, entities, .. } = prepared;
        let response = self.authorizer.is_authorized(request, &self.cedar, entities);
        response.decision() == CedarDecision::Allow
    }

    fn engine_permits(&self, question: &Question) -> bool {
        self.engine.decide(&question.act, question.posture, Now::default()).is_permit()
    }
}

/// Counts the questions on which a peer and Cedar differ: none may.
fn agree(setting: &Setting, prepared: &[Prepared], figures: &mut Figures) -> anyhow::Result<()> {
    let mut differ = [0.0, 0.0, 0.0];
    let mut permitted = 0_usize;
    for one in prepared {
        let meant = setting.cedar_permits(one);
        permitted += usize::from(meant);
        let said = [
            setting.engine_permits(&one.question),
            setting.set.permits(&one.input)?,
            setting.rules.permits(&one.input)?,
        ];
        for (count, said) in differ.iter_mut().zip(said) {
            *count += f64::from(u8::from(said != meant));
        }
    }
    ensure!(permitted > 0, "no question is ever permitted; they say nothing");
    let size = setting.policies;
    let asked = prepared.len();
    for (peer, count) in ["engine", "Rego set", "Rego rules"].into_iter().zip(differ) {
        let name = format!("{peer}: of {asked} answers not Cedar's, {size} policies");
        figures.add(GROUP, name, "", &[count], Some(Goal::AtMost(0.0)));
    }
    let share = 100.0 * permitted as f64 / asked as f64;
    figures.add(GROUP, format!("permitted questions, {size} policies"), "%", &[share], None);
    Ok(())
}

/// Rounds of one way to ask.
#[derive(Default)]
struct Rounds {
    p50: Vec<f64>,
    p99: Vec<f64>,
}

impl Rounds {
    fn add(&mut self, sorted_ns: &[f64]) {
        self.p50.push(quantile(sorted_ns, 500) / 1e3);
        self.p99.push(quantile(sorted_ns, 990) / 1e3);
    }

    fn figures(&self, peer: &str, size: usize, goal: Option<f64>, figures: &mut Figures) {
        let goal = goal.map(Goal::AtMost);
        figures.add(GROUP, format!("{peer} p50, {size} policies"), "µs", &self.p50, goal);
        figures.add(GROUP, format!("{peer} p99, {size} policies"), "µs", &self.p99, None);
    }
}

/// Asks everybody in turn, so that a disturbance of the machine meets all of them alike.
/// # Shape
/// Gives what the engine takes when it is asked many questions in a row.
fn compare(
    args: &Args,
    setting: &Setting,
    asked: &[Question],
    prepared: &[Prepared],
    figures: &mut Figures,
) -> anyhow::Result<f64> {
    let size = setting.policies;
    let few = prepared.get(..if args.quick { 300 } else { AGREEMENT }).unwrap_or(prepared);
    let mut rounds: [Rounds; 4] = Default::default();
    let (mut whole, mut ratios): (Vec<f64>, [Vec<f64>; 3]) = Default::default();
    for _ in 0..args.rounds() {
        let [engine, cedar, set, rules] = &mut rounds;
        let ask = |q: &Question| setting.engine.decide(&q.act, q.posture, Now::default());
        engine.add(&each(asked, ask));
        whole.push(quantile(&batches(asked, 1_000, ask), 500) / 1e3);
        cedar.add(&each(few, |one| {
            setting.authorizer.is_authorized(&one.request, &setting.cedar, &one.entities)
        }));
        set.add(&each(few, |one| setting.set.permits(&one.input)));
        rules.add(&each(few, |one| setting.rules.permits(&one.input)));
        let last = |rounds: &Rounds| rounds.p50.last().copied().unwrap_or(f64::NAN);
        for (ratio, peer) in ratios.iter_mut().zip([&*cedar, &*set, &*rules]) {
            ratio.push(last(peer) / last(engine));
        }
    }
    let [engine, cedar, set, rules] = &rounds;
    engine.figures("engine", size, Some(0.5), figures);
    figures.add(
        GROUP,
        format!("engine, mean of 1,000 in a row, {size} policies"),
        "µs",
        &whole,
        None,
    );
    cedar.figures("Cedar", size, None, figures);
    set.figures("Rego, pairs as a set,", size, None, figures);
    rules.figures("Rego, pairs as rules,", size, None, figures);
    let goals = [cedar_goal(size), Some(Goal::AtLeast(10.0)), None];
    let peers = ["Cedar", "Rego set", "Rego rules"];
    for ((ratio, peer), goal) in ratios.iter().zip(peers).zip(goals) {
        figures.add(GROUP, format!("{peer} p50 ÷ engine p50, {size} policies"), "x", ratio, goal);
    }
    Ok(crate::clock::median(&whole))
}

fn cedar_goal(size: usize) -> Option<Goal> {
    match size {
        12 => Some(Goal::AtLeast(10.0)),
        1_025 => Some(Goal::AtLeast(1_000.0)),
        _ => None,
    }
}

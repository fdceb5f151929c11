//! The search for an act of a real device that breaks a claim, in the tables of the engine.
//!
//! Invariant: what is found is asked of the oracle again, the whole policy set at once, before it
//! counts.

use std::collections::{BTreeMap, BTreeSet};

use cedar_policy::Policy;
use cordon_model::{
    Act, Attachment, Attestation, Decision, Device, DeviceState, Direction, Hospital, Identity,
    Mono, Now, Operation, Posture, PostureSet, Reason, Service, ServiceId, Target, Tier, Wall,
};
use cordon_policy::engine::{self, Engine, Relation};
use cordon_policy::oracle::Oracle;
use cordon_policy::Rulebook;
use cordon_policy::rulebook::{Holds, Rule};

use crate::claim::{Meaning, Plan};
use crate::example::deciding;
use crate::proof::{Answer, Counterexample, Deciding, InPlan, Scene, Verdict};
use crate::rewrite;

/// Bounds on the search.
pub(crate) mod limits {
    /// Answers looked up one by one, which only rules that read the hour make necessary.
    pub(crate) const LOOKUPS_MAX: usize = 20_000_000;
}

/// A hospital and the rules that claims are about.
#[derive(Debug)]
pub(crate) struct Search<'a> {
    hospital: &'a Hospital,
    book: Option<&'a Rulebook>,
    /// The engine of `book`, once it was needed.
    engine: Option<Engine>,
}

/// Where an act happens, and when, if the hour matters.
struct Place<'h> {
    device: &'h Device,
    service: (&'h ServiceId, &'h Service),
    direction: Direction,
    operation: Operation,
    hour: Option<u8>,
}

/// An act that breaks the claim.
struct Found<'h> {
    place: Place<'h>,
    posture: Posture,
    strangeness: u32,
}

/// The tables that a claim needs: what it is about, and what that is held against.
struct Tables<'e> {
    meaning: Meaning<'e>,
    left: &'e Engine,
    right: &'e Engine,
    except: Option<&'e Engine>,
    lookups: usize,
}

impl<'a> Search<'a> {
    pub(crate) fn new(hospital: &'a Hospital, plan: &Plan<'a>) -> Self {
        let book = plan.sets.iter().find_map(|set| set.book);
        Self { hospital, book, engine: None }
    }

    /// Finds the least strange act of the plan that breaks a claim.
    /// # Shape
    /// `failed`: the policy that cannot be evaluated and the verdict on it, for that claim.
    pub(crate) fn witness(
        &mut self,
        meaning: Meaning<'_>,
        failed: Option<(&Policy, &Verdict)>,
    ) -> Option<Counterexample> {
        let book = self.book?;
        let alone = |rules: Vec<Rule>| Rulebook {
            schema: book.schema.clone(),
            rules,
            invariants: Vec::new(),
        };
        let (left, right) = match meaning {
            Meaning::Invariant(invariant) => (Some(alone(vec![invariant.rule.clone()])), None),
            Meaning::NeverErrors => {
                let id = failed?.0.id().to_string();
                let held = book.invariants.iter().map(|invariant| &invariant.rule);
                let rule = book.rules.iter().chain(held).find(|rule| rule.id.as_str() == id)?;
                (Some(alone(vec![rule.clone()])), None)
            }
            Meaning::Within(..) | Meaning::Lifelines => (None, None),
            Meaning::Widening(new, old, _) => (Some(new.clone()), Some(old.clone())),
        };
        let except = match meaning {
            Meaning::Widening(_, _, except) if !except.is_empty() => Some(alone(except.to_vec())),
            _ => None,
        };
        let hospital = self.hospital;
        let build = |book: &Option<Rulebook>| book.as_ref().map(|b| Engine::build(hospital, b));
        let (left_engine, right_engine, except_engine) =
            (build(&left), build(&right), build(&except));
        let ruled = &*self.engine.get_or_insert_with(|| Engine::build(hospital, book));
        let mut tables = Tables {
            meaning,
            left: left_engine.as_ref().unwrap_or(ruled),
            right: right_engine.as_ref().unwrap_or(ruled),
            except: except_engine.as_ref(),
            lookups: 0,
        };
        let books: Vec<&Rulebook> =
            [left.as_ref(), right.as_ref(), Some(book)].into_iter().flatten().collect();
        let (found, devices) = tables.best(hospital, &books)?;
        let verdicts = self.verdicts(&found, meaning, failed)?;
        Some(Counterexample { scene: Scene::InPlan(scene(hospital, &found, devices)), verdicts })
    }

    /// Asks the oracle about what was found; `None` when it does not break the claim after all.
    fn verdicts(
        &self,
        found: &Found<'_>,
        meaning: Meaning<'_>,
        failed: Option<(&Policy, &Verdict)>,
    ) -> Option<Vec<Verdict>> {
        let book = self.book?;
        let ask = |of: &str, book: &Rulebook, posture: Posture| {
            let oracle = Oracle::new(self.hospital, book);
            let decision = oracle.decide(&found.place.act(), posture, found.place.now());
            verdict(of, book, &decision)
        };
        let permits = |verdict: &Verdict| verdict.answer == Answer::Permit;
        match meaning {
            Meaning::Invariant(invariant) => {
                let verdict = ask("the rules", book, found.posture);
                let broken = permits(&verdict) == (invariant.holds == Holds::Never);
                broken.then(|| vec![verdict])
            }
            Meaning::NeverErrors => Some(vec![failed?.1.clone()]),
            Meaning::Within(inner, outer) => {
                let posture = |state| Posture { state, ..found.posture };
                let one = ask(inner.name(), book, posture(inner));
                let other = ask(outer.name(), book, posture(outer));
                (permits(&one) && !permits(&other)).then(|| vec![one, other])
            }
            Meaning::Lifelines => {
                let one = ask(&proven(found.posture), book, found.posture);
                let mut others: Vec<Posture> = alike(found.posture).collect();
                others.sort_by_key(|p| strangeness(*p, found.place.device, true));
                let others = others.into_iter().map(|p| ask(&proven(p), book, p));
                let other = others.into_iter().find(|other| permits(other) != permits(&one))?;
                Some(vec![one, other])
            }
            Meaning::Widening(new, old, _) => {
                let labels = if std::ptr::eq(new, book) {
                    ["the new rules", "the old rules"]
                } else {
                    ["the old rules", "the new rules"]
                };
                let [one, other] = labels;
                let (one, other) =
                    (ask(one, new, found.posture), ask(other, old, found.posture));
                (permits(&one) && !permits(&other)).then(|| vec![one, other])
            }
        }
    }
}

impl Place<'_> {
    fn act(&self) -> Act {
        Act {
            device: self.device.id.clone(),
            target: Target::Service(self.service.0.clone()),
            direction: self.direction,
            operation: self.operation,
        }
    }

    fn now(&self) -> Now {
        let seconds = u64::from(self.hour.unwrap_or(0)) * 3_600;
        Now { mono: Mono(0), wall: Wall(seconds) }
    }

    fn relation(&self, hospital: &Hospital) -> Relation {
        engine::relation(hospital, self.device, self.service.0, self.direction, self.operation)
    }
}

impl Tables<'_> {
    /// Finds the least strange act that breaks the claim, and how many devices have one.
    fn best<'h>(
        &mut self,
        hospital: &'h Hospital,
        books: &[&Rulebook],
    ) -> Option<(Found<'h>, usize)> {
        let policies = || {
            let rules = books.iter().flat_map(|book| &book.rules);
            rules.map(|rule| &rule.policy)
        };
        let hourly = policies().any(|policy| rewrite::reads(policy).contains("context.hour"));
        let hours: Vec<Option<u8>> =
            if hourly { (0..24).map(Some).collect() } else { vec![None] };
        let mut best: Option<Found<'h>> = None;
        let mut devices = 0;
        for (device, count) in groups(hospital, policies()) {
            let mut breaks = false;
            for service in &hospital.services {
                for operation in service.1.protocol.operations() {
                    for direction in Direction::ALL {
                        for hour in &hours {
                            let place =
                                Place { device, service, direction, operation, hour: *hour };
                            let Some(found) = self.breaking(hospital, place) else { continue };
                            breaks = true;
                            if best.as_ref().is_none_or(|b| found.strangeness < b.strangeness) {
                                best = Some(found);
                            }
                        }
                    }
                }
            }
            devices += if breaks { count } else { 0 };
        }
        best.map(|best| (best, devices))
    }

    /// Finds the least strange posture in which an act breaks the claim.
    fn breaking<'h>(&mut self, hospital: &Hospital, place: Place<'h>) -> Option<Found<'h>> {
        if self.is_out_of_question(&place) || self.lookups > limits::LOOKUPS_MAX {
            return None;
        }
        let broken = self.broken(hospital, &place);
        if broken.is_empty() {
            return None;
        }
        let declared = matches!(place.relation(hospital), Relation::Declared { .. });
        let strangeness = |posture: &Posture| strangeness(*posture, place.device, declared);
        let posture =
            Posture::all().filter(|posture| broken.contains(*posture)).min_by_key(strangeness)?;
        let strangeness = strangeness(&posture);
        Some(Found { place, posture, strangeness })
    }

    /// Says, from what is permitted at any hour, whether the place can break the claim at all.
    fn is_out_of_question(&self, place: &Place<'_>) -> bool {
        let Place { device, service, direction, operation, .. } = place;
        !matches!(self.meaning, Meaning::NeverErrors)
            && self.left.permitted(&device.id, service.0, *direction, *operation).is_empty()
    }

    fn permitted(&mut self, engine: &Engine, place: &Place<'_>) -> PostureSet {
        let Place { device, service, direction, operation, hour } = place;
        if hour.is_none() {
            return engine.permitted(&device.id, service.0, *direction, *operation);
        }
        self.lookups += Posture::COUNT;
        let (act, now) = (place.act(), place.now());
        Posture::all().filter(|posture| engine.decide(&act, *posture, now).is_permit()).collect()
    }

    /// Gives the postures in which an act breaks the claim.
    fn broken(&mut self, hospital: &Hospital, place: &Place<'_>) -> PostureSet {
        let (left, right) = (self.left, self.right);
        if matches!(self.meaning, Meaning::NeverErrors) {
            return failing(left, place);
        }
        let here = self.permitted(left, place);
        match self.meaning {
            Meaning::NeverErrors => PostureSet::default(),
            Meaning::Invariant(invariant) => {
                let ruled = self.permitted(right, place);
                let wanted = invariant.holds == Holds::Always;
                let broken = |p: &Posture| here.contains(*p) && ruled.contains(*p) != wanted;
                Posture::all().filter(broken).collect()
            }
            Meaning::Within(inner, outer) => {
                let broken = |p: &Posture| {
                    p.state == inner
                        && here.contains(*p)
                        && !here.contains(Posture { state: outer, ..*p })
                };
                Posture::all().filter(broken).collect()
            }
            Meaning::Lifelines => {
                let tiers = [Tier::Red, Tier::GreenLs];
                let lifeline =
                    matches!(place.relation(hospital), Relation::Declared { lifeline: true, .. });
                if !lifeline || !tiers.contains(&place.device.tier) {
                    return PostureSet::default();
                }
                let broken = |p: &Posture| {
                    p.state != DeviceState::Isolated
                        && !here.contains(*p)
                        && alike(*p).any(|other| here.contains(other))
                };
                Posture::all().filter(broken).collect()
            }
            Meaning::Widening(..) => {
                let old = self.permitted(right, place);
                let excepted = self.except.map(|engine| self.permitted(engine, place));
                let excepted = excepted.unwrap_or_default();
                let new = |p: &Posture| {
                    here.contains(*p) && !old.contains(*p) && !excepted.contains(*p)
                };
                Posture::all().filter(new).collect()
            }
        }
    }
}

/// Asks about the usual posture only: what fails reads something else than the posture.
fn failing(engine: &Engine, place: &Place<'_>) -> PostureSet {
    let posture = usual(place.device);
    let failed = matches!(
        engine.decide(&place.act(), posture, place.now()),
        Decision::Deny { reason: Reason::EvaluationFailed, .. }
    );
    Some(posture).filter(|_| failed).into_iter().collect()
}

/// Gives the postures that differ in identity and attestation only.
fn alike(posture: Posture) -> impl Iterator<Item = Posture> {
    Identity::ALL.iter().flat_map(move |&identity| {
        Attestation::ALL
            .iter()
            .map(move |&attestation| Posture { identity, attestation, ..posture })
    })
}

fn proven(posture: Posture) -> String {
    format!("{}, attestation {}", posture.identity, posture.attestation)
}

/// Gives the posture of a device in normal service.
fn usual(device: &Device) -> Posture {
    let (identity, attestation) = match device.attachment {
        Attachment::Tpm => (Identity::Certificate, Attestation::Passed),
        Attachment::SoftwareKey => (Identity::Certificate, Attestation::Unable),
        Attachment::Legacy => (Identity::GatewayBound, Attestation::Unable),
    };
    Posture { state: DeviceState::Normal, identity, attestation, emergency: false }
}

/// Counts what sets an act apart from a device's every day.
fn strangeness(posture: Posture, device: &Device, declared: bool) -> u32 {
    let usual = usual(device);
    2 * u32::from(posture.state != usual.state)
        + 2 * u32::from(posture.emergency)
        + u32::from(posture.identity != usual.identity)
        + u32::from(posture.attestation != usual.attestation)
        + u32::from(!declared)
}

/// Gives one device of each kind that rules can tell apart, and how many there are of it.
fn groups<'h, 'p>(
    hospital: &'h Hospital,
    policies: impl Iterator<Item = &'p Policy>,
) -> Vec<(&'h Device, usize)> {
    let literals = policies.flat_map(Policy::entity_literals);
    let named: BTreeSet<String> = literals
        .filter(|uid| uid.type_name().to_string() == "Device")
        .map(|uid| uid.id().unescaped().to_owned())
        .collect();
    let mut groups: BTreeMap<_, (&Device, usize)> = BTreeMap::new();
    for device in &hospital.devices {
        let place = (&device.segment, &device.unit, device.gateway.as_ref().map(|(id, _)| id));
        let kind = (&device.profile, device.tier, device.attachment, device.autonomous);
        let name = named.get(device.id.as_str());
        let group = groups.entry((kind, &device.building, place, name)).or_insert((device, 0));
        group.1 += 1;
    }
    groups.into_values().collect()
}

fn verdict(of: &str, book: &Rulebook, decision: &Decision) -> Verdict {
    let answer = match decision {
        Decision::Permit { .. } => Answer::Permit,
        Decision::Deny { reason: Reason::EvaluationFailed, .. } => {
            Answer::Fail { why: "a rule could not be evaluated".to_owned() }
        }
        Decision::Deny { .. } => Answer::Deny,
    };
    let spoke = decision.rules().iter().filter(|rule| rule.as_str() != "default-deny");
    let rules: Vec<Deciding> = spoke.map(|rule| deciding(Some(book), rule.as_str())).collect();
    Verdict { of: of.to_owned(), answer, rules }
}

fn scene(hospital: &Hospital, found: &Found<'_>, devices: usize) -> InPlan {
    let place = &found.place;
    let relation = place.relation(hospital);
    InPlan {
        act: place.act(),
        tier: place.device.tier,
        device_type: place.device.profile.to_string(),
        segment: place.device.segment.to_string(),
        service_kind: place.service.1.kind.name().to_owned(),
        posture: found.posture,
        hour: place.hour,
        declared: matches!(relation, Relation::Declared { .. }),
        lifeline: matches!(relation, Relation::Declared { lifeline: true, .. }),
        devices,
    }
}

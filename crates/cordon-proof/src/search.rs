//! The search for an act of a real device that breaks a claim, in the tables of the engine.
//!
//! Invariant: what is found is asked of the oracle again, the whole policy set at once, before it
//! counts.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use cedar_policy::Policy;
use cordon_model::{
    Act, Attachment, Attestation, Decision, Device, DeviceState, Direction, Hospital, Identity,
    Mono, Now, Operation, Posture, PostureSet, Reason, Service, ServiceId, Target, Tier, Wall,
};
use cordon_policy::Rulebook;
use cordon_policy::engine::{self, Engine, Relation};
use cordon_policy::oracle::Oracle;
use cordon_policy::rulebook::{Holds, Rule};

use crate::claim::{Meaning, Plan};
use crate::example::{deciding, opposed};
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
    /// Whether the last search looked at every act of a device on a service and found none.
    pub(crate) found_none: bool,
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
    /// How many devices are like this one.
    count: usize,
}

impl Found<'_> {
    /// The least strange first, and among those the one that most devices share.
    fn rank(&self) -> (u32, std::cmp::Reverse<usize>) {
        (self.strangeness, std::cmp::Reverse(self.count))
    }
}

/// The tables that a claim needs: what it is about, and what that is held against.
struct Tables<'e> {
    meaning: Meaning<'e>,
    left: &'e Engine,
    right: &'e Engine,
    except: Option<&'e Engine>,
    lookups: Cell<usize>,
}

impl<'a> Search<'a> {
    pub(crate) fn new(hospital: &'a Hospital, plan: &Plan<'a>) -> Self {
        let book = plan.sets.iter().find_map(|set| set.book);
        Self { hospital, book, engine: None, found_none: false }
    }

    /// Finds the least strange act of the plan that breaks a claim.
    /// # Shape
    /// `failed`: the policy that cannot be evaluated and the verdict on it, for that claim.
    pub(crate) fn witness(
        &mut self,
        meaning: Meaning<'_>,
        failed: Option<(&Policy, &Verdict)>,
    ) -> Option<Counterexample> {
        self.found_none = false;
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
            Meaning::Invariant(_)
            | Meaning::NeverErrors
            | Meaning::Within(..)
            | Meaning::Lifelines
            | Meaning::Widening(..) => None,
        };
        let hospital = self.hospital;
        let build = |book: &Option<Rulebook>| book.as_ref().map(|b| Engine::build(hospital, b));
        let (left_engine, right_engine, except_engine) =
            (build(&left), build(&right), build(&except));
        let ruled = &*self.engine.get_or_insert_with(|| Engine::build(hospital, book));
        let tables = Tables {
            meaning,
            left: left_engine.as_ref().unwrap_or(ruled),
            right: right_engine.as_ref().unwrap_or(ruled),
            except: except_engine.as_ref(),
            lookups: Cell::new(0),
        };
        let books: Vec<&Rulebook> =
            [left.as_ref(), right.as_ref(), Some(book)].into_iter().flatten().collect();
        let best = tables.best(hospital, &books);
        let exhausted = tables.is_exhausted();
        self.found_none = best.is_none() && !exhausted && !matches!(meaning, Meaning::NeverErrors);
        let (found, devices) = best?;
        let verdicts = self.verdicts(&found, meaning, failed)?;
        let mut scene = scene(hospital, &found, devices);
        scene.at_least = exhausted;
        let scene = Scene::InPlan(scene);
        let contradicts = opposed(meaning, Some(book), |invariant| {
            let oracle = Oracle::new(hospital, &alone(vec![invariant.rule.clone()]));
            oracle.decide(&found.place.act(), found.posture, found.place.now()).is_permit()
        });
        Some(Counterexample { scene, verdicts, contradicts })
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
                let (one, other) = (ask(one, new, found.posture), ask(other, old, found.posture));
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
    fn best<'h>(&self, hospital: &'h Hospital, books: &[&Rulebook]) -> Option<(Found<'h>, usize)> {
        let policies = || {
            let rules = books.iter().flat_map(|book| &book.rules);
            rules.map(|rule| &rule.policy)
        };
        let hourly = policies().any(|policy| rewrite::reads(policy).contains("context.hour"));
        let mut best: Option<Found<'h>> = None;
        let mut devices = 0;
        for (device, count) in groups(hospital, policies()) {
            let mut breaks = false;
            for service in &hospital.services {
                for operation in service.1.protocol.operations() {
                    for direction in Direction::ALL {
                        let place = Place { device, service, direction, operation, hour: None };
                        let found = self.breaking(hospital, place, count, hourly);
                        let Some(found) = found else { continue };
                        breaks = true;
                        if best.as_ref().is_none_or(|best| found.rank() < best.rank()) {
                            best = Some(found);
                        }
                    }
                }
            }
            devices += if breaks { count } else { 0 };
        }
        best.map(|best| (best, devices))
    }

    /// Says whether the search had to stop before its end.
    fn is_exhausted(&self) -> bool {
        self.lookups.get() > limits::LOOKUPS_MAX
    }

    /// Finds the least strange posture in which an act breaks the claim.
    fn breaking<'h>(
        &self,
        hospital: &Hospital,
        place: Place<'h>,
        count: usize,
        hourly: bool,
    ) -> Option<Found<'h>> {
        if matches!(self.meaning, Meaning::NeverErrors) {
            let posture = failing(self.left, &place)?;
            let declared = matches!(place.relation(hospital), Relation::Declared { .. });
            let strangeness = strangeness(posture, place.device, declared);
            return Some(Found { place, posture, strangeness, count });
        }
        // What is permitted at some hour; exactly what is permitted when no rule reads the hour.
        let ever = Ever {
            left: self.ever(self.left, &place),
            right: self.ever(self.right, &place),
            except: self.except.map(|engine| self.ever(engine, &place)).unwrap_or_default(),
        };
        if self.is_out_of_question(&ever) {
            return None;
        }
        let relation = place.relation(hospital);
        let declared = matches!(relation, Relation::Declared { .. });
        let protected = matches!(relation, Relation::Declared { lifeline: true, .. })
            && [Tier::Red, Tier::GreenLs].contains(&place.device.tier);
        if matches!(self.meaning, Meaning::Lifelines) && !protected {
            return None;
        }
        let strangeness = |posture: &Posture| strangeness(*posture, place.device, declared);
        if !hourly {
            let breaks = |p: &Posture| self.breaks(*p, &|side, p| ever.of(side).contains(p));
            let posture = Posture::all().filter(breaks).min_by_key(strangeness)?;
            let strangeness = strangeness(&posture);
            return Some(Found { place, posture, strangeness, count });
        }
        let mut postures: Vec<Posture> = Posture::all().collect();
        postures.sort_by_key(strangeness);
        let (posture, hour) = postures.into_iter().find_map(|posture| {
            let hour = (0..24).find(|hour| self.breaks_at(&place, &ever, posture, *hour))?;
            Some((posture, hour))
        })?;
        let strangeness = strangeness(&posture);
        let place = Place { hour: Some(hour), ..place };
        Some(Found { place, posture, strangeness, count })
    }

    fn ever(&self, engine: &Engine, place: &Place<'_>) -> PostureSet {
        let Place { device, service, direction, operation, .. } = place;
        engine.permitted(&device.id, service.0, *direction, *operation)
    }

    /// Says, from what is permitted at any hour, whether an act can break the claim at all.
    fn is_out_of_question(&self, ever: &Ever) -> bool {
        match self.meaning {
            Meaning::NeverErrors => false,
            Meaning::Invariant(invariant) if invariant.holds == Holds::Never => {
                ever.left.intersection(&ever.right).is_empty()
            }
            Meaning::Invariant(_)
            | Meaning::Within(..)
            | Meaning::Lifelines
            | Meaning::Widening(..) => ever.left.is_empty(),
        }
    }

    /// Says whether a posture breaks the claim at one hour.
    fn breaks_at(&self, place: &Place<'_>, ever: &Ever, posture: Posture, hour: u8) -> bool {
        if self.is_exhausted() {
            return false;
        }
        let at = Place { hour: Some(hour), ..*place };
        let (act, now) = (at.act(), at.now());
        self.breaks(posture, &|side, posture| {
            let engine = match side {
                Side::Left => Some(self.left),
                Side::Right => Some(self.right),
                Side::Except => self.except,
            };
            self.lookups.set(self.lookups.get() + 1);
            ever.of(side).contains(posture)
                && engine.is_some_and(|engine| engine.decide(&act, posture, now).is_permit())
        })
    }

    /// Says whether a posture breaks the claim, given who permits what.
    fn breaks(&self, posture: Posture, permits: &dyn Fn(Side, Posture) -> bool) -> bool {
        match self.meaning {
            Meaning::NeverErrors => false,
            Meaning::Invariant(invariant) => {
                let wanted = invariant.holds == Holds::Always;
                permits(Side::Left, posture) && permits(Side::Right, posture) != wanted
            }
            Meaning::Within(inner, outer) => {
                let outside = Posture { state: outer, ..posture };
                posture.state == inner
                    && permits(Side::Left, posture)
                    && !permits(Side::Left, outside)
            }
            Meaning::Lifelines => {
                posture.state != DeviceState::Isolated
                    && !permits(Side::Left, posture)
                    && alike(posture).any(|other| permits(Side::Left, other))
            }
            Meaning::Widening(..) => {
                permits(Side::Left, posture)
                    && !permits(Side::Right, posture)
                    && !permits(Side::Except, posture)
            }
        }
    }
}

/// Whose answer is looked up.
#[derive(Clone, Copy)]
enum Side {
    Left,
    Right,
    Except,
}

/// The postures in which an act is permitted at some hour.
struct Ever {
    left: PostureSet,
    right: PostureSet,
    except: PostureSet,
}

impl Ever {
    fn of(&self, side: Side) -> &PostureSet {
        match side {
            Side::Left => &self.left,
            Side::Right => &self.right,
            Side::Except => &self.except,
        }
    }
}

/// Asks about the usual posture only: what fails reads something else than the posture.
fn failing(engine: &Engine, place: &Place<'_>) -> Option<Posture> {
    let posture = usual(place.device);
    let failed = matches!(
        engine.decide(&place.act(), posture, place.now()),
        Decision::Deny { reason: Reason::EvaluationFailed, .. }
    );
    failed.then_some(posture)
}

/// Gives the postures that differ in identity and attestation only.
fn alike(posture: Posture) -> impl Iterator<Item = Posture> {
    Identity::ALL.iter().flat_map(move |&identity| {
        Attestation::ALL.iter().map(move |&attestation| Posture {
            identity,
            attestation,
            ..posture
        })
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
        at_least: false,
    }
}

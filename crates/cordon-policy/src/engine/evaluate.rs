//! One rule, asked once for every combination of the facts that it reads.

use std::collections::BTreeMap;

use cedar_policy::{
    Authorizer, Context, Decision as CedarDecision, Effect, Entities, EntityUid, PolicySet, Request,
};
use cordon_model::{
    Attestation, Device, DeviceState, Hospital, Identity, Operation, Posture, PostureSet, Service,
    ServiceId,
};
use rustc_hash::FxHashMap;

use super::HOURS;
use super::class::{Reading, Words};
use crate::cedar::{self, Facts};
use crate::rulebook::{Rulebook, policy_set};

/// Where a rule applies: postures by hour, and postures in which it cannot be evaluated.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Reach {
    /// One set when the rule does not read the hour, else 24.
    pub(super) satisfied: Vec<PostureSet>,
    /// The same, where it cannot be evaluated.
    pub(super) failed: Vec<PostureSet>,
}

impl Reach {
    pub(super) fn is_nowhere(&self) -> bool {
        self.satisfied.iter().chain(&self.failed).all(PostureSet::is_empty)
    }
}

/// Asks Cedar and remembers.
pub(super) struct Evaluator<'a> {
    hospital: &'a Hospital,
    book: &'a Rulebook,
    authorizer: Authorizer,
    sets: Vec<PolicySet>,
    contexts: FxHashMap<Facts, Option<Context>>,
    entities: FxHashMap<(usize, usize), Option<Entities>>,
    action: Option<EntityUid>,
    /// By rule: key of facts to number of reach.
    memory: Vec<FxHashMap<Vec<u32>, u32>>,
    numbers: FxHashMap<Reach, u32>,
    pub(super) reaches: Vec<Reach>,
}

/// One device standing for its class, and one service.
#[derive(Clone, Copy)]
pub(super) struct Pair<'a> {
    pub(super) class: usize,
    pub(super) device: &'a Device,
    pub(super) column: usize,
    pub(super) service: (&'a ServiceId, &'a Service),
}

impl<'a> Evaluator<'a> {
    pub(super) fn new(hospital: &'a Hospital, book: &'a Rulebook) -> Self {
        Self {
            hospital,
            book,
            authorizer: Authorizer::new(),
            sets: book.rules.iter().map(|rule| policy_set(std::iter::once(rule))).collect(),
            contexts: FxHashMap::default(),
            entities: FxHashMap::default(),
            action: cedar::uid("Action", "connect"),
            memory: book.rules.iter().map(|_| FxHashMap::default()).collect(),
            numbers: FxHashMap::default(),
            reaches: Vec::new(),
        }
    }

    /// Gives the number of the reach of a rule for a pair and an act's facts.
    pub(super) fn reach(
        &mut self,
        rule: usize,
        reading: &Reading,
        key: Vec<u32>,
        pair: Pair<'_>,
        facts: Facts,
    ) -> u32 {
        let known = self.memory.get(rule).and_then(|memory| memory.get(&key)).copied();
        if let Some(number) = known {
            return number;
        }
        let reach = self.ask(rule, reading, pair, facts);
        let next = u32::try_from(self.reaches.len()).unwrap_or(u32::MAX);
        let number = *self.numbers.entry(reach).or_insert_with_key(|reach| {
            self.reaches.push(reach.clone());
            next
        });
        if let Some(memory) = self.memory.get_mut(rule) {
            memory.insert(key, number);
        }
        number
    }

    fn ask(&mut self, rule: usize, reading: &Reading, pair: Pair<'_>, facts: Facts) -> Reach {
        let reads =
            |name: &str| reading.mentions.context_itself || reading.mentions.context.contains(name);
        let hours = if reads("hour") { HOURS } else { 1 };
        let nowhere = vec![PostureSet::default(); hours];
        let mut reach = Reach { satisfied: nowhere.clone(), failed: nowhere };
        let blocks = reach.satisfied.iter_mut().zip(&mut reach.failed);
        for (hour, (satisfied, failed)) in (0u8..).zip(blocks) {
            let mut answers: Vec<Option<Answer>> = vec![None; Posture::COUNT];
            for posture in Posture::all() {
                let seen = Posture {
                    state: if reads("state") { posture.state } else { DeviceState::Normal },
                    identity: if reads("identity") {
                        posture.identity
                    } else {
                        Identity::Certificate
                    },
                    attestation: if reads("attestation") {
                        posture.attestation
                    } else {
                        Attestation::Passed
                    },
                    emergency: reads("emergency") && posture.emergency,
                };
                let known = answers.get(seen.index()).copied().flatten();
                let answer = known.unwrap_or_else(|| {
                    self.answer(rule, pair, Facts { posture: seen, hour, ..facts })
                });
                if let Some(slot) = answers.get_mut(seen.index()) {
                    *slot = Some(answer);
                }
                match answer {
                    Answer::Applies => satisfied.insert(posture),
                    Answer::Silent => {}
                    Answer::Fails => failed.insert(posture),
                }
            }
        }
        reach
    }

    fn answer(&mut self, rule: usize, pair: Pair<'_>, facts: Facts) -> Answer {
        let context = self.contexts.entry(facts).or_insert_with(|| facts.context()).clone();
        let hospital = self.hospital;
        let entities = self.entities.entry((pair.class, pair.column)).or_insert_with(|| {
            let device = cedar::device_entities(hospital, pair.device)?;
            let service = cedar::service_entities(pair.service.0, pair.service.1)?;
            cedar::entities(&[&device, &service])
        });
        let request = request(self.action.clone(), pair, context);
        let (Some(request), Some(entities)) = (request, entities.as_ref()) else {
            return Answer::Fails;
        };
        let (Some(set), Some(rule)) = (self.sets.get(rule), self.book.rules.get(rule)) else {
            return Answer::Fails;
        };
        let response = self.authorizer.is_authorized(&request, set, entities);
        if response.diagnostics().errors().next().is_some() {
            return Answer::Fails;
        }
        let applies = match rule.policy.effect() {
            Effect::Permit => response.decision() == CedarDecision::Allow,
            Effect::Forbid => response.diagnostics().reason().next().is_some(),
        };
        if applies { Answer::Applies } else { Answer::Silent }
    }
}

#[derive(Clone, Copy)]
enum Answer {
    Applies,
    Silent,
    Fails,
}

fn request(action: Option<EntityUid>, pair: Pair<'_>, context: Option<Context>) -> Option<Request> {
    let principal = cedar::uid("Device", pair.device.id.as_str())?;
    let resource = cedar::uid("Service", pair.service.0.as_str())?;
    Request::new(principal, action?, resource, context?, None).ok()
}

/// Gives the facts of an act without those that a rule does not read, so that alike acts share
/// contexts.
pub(super) fn seen_facts(facts: Facts, reading: &Reading) -> Facts {
    let reads =
        |name: &str| reading.mentions.context_itself || reading.mentions.context.contains(name);
    let any_operation = Operation::all().next().unwrap_or(facts.operation);
    let operation = if reads("operation") || reads("class") || reads("protocol") {
        facts.operation
    } else {
        any_operation
    };
    Facts {
        operation,
        direction: if reads("direction") { facts.direction } else { cordon_model::Direction::Out },
        port: if reads("port") { facts.port } else { 0 },
        declared: reads("declared") && facts.declared,
        lifeline: reads("lifeline") && facts.lifeline,
        ..facts
    }
}

/// Makes the key under which a rule's answer is remembered: the facts that it reads.
pub(super) fn key(
    reading: &Reading,
    pair: Pair<'_>,
    device_facts: &BTreeMap<String, u32>,
    service_facts: &FxHashMap<&str, u32>,
    facts: Facts,
    words: &mut Words,
) -> Vec<u32> {
    let mentions = &reading.mentions;
    let mut key = Vec::with_capacity(12);
    let named = |kind: &str, id: &str, itself: bool| {
        itself || mentions.literals.contains(&(kind.to_owned(), id.to_owned()))
    };
    let device = pair.device.id.as_str();
    let open = reading.scopes.is_none();
    if open || named("Device", device, mentions.principal_itself) {
        key.push(words.number(device));
    } else {
        key.push(u32::MAX);
    }
    let service = pair.service.0.as_str();
    if open || named("Service", service, mentions.resource_itself) {
        key.push(words.number(service));
    } else {
        key.push(u32::MAX);
    }
    for path in &reading.device_paths {
        key.push(device_facts.get(path).copied().unwrap_or(u32::MAX));
    }
    for path in &reading.service_paths {
        key.push(service_facts.get(path.as_str()).copied().unwrap_or(u32::MAX));
    }
    for name in ["operation", "class", "protocol", "direction", "port", "declared", "lifeline"] {
        if mentions.context_itself || mentions.context.contains(name) {
            key.push(words.number(&facts.get(name).unwrap_or_default()));
        }
    }
    key
}

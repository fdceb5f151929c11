//! Orders: who may give which, and that each is answered once.

use std::collections::{BTreeMap, VecDeque};

use cordon_model::event::{Actor, Person};
use cordon_model::{DeviceId, DeviceState, Evidence, Label, Mono, Tier};

use super::after_s;
use super::effect::{Effect, OrderResult, Receipt, Refusal};
use super::input::{Order, OrderKind};
use super::limits::{Counts, Limits};
use super::standing::Standing;

/// The role without which no device of a protected tier is isolated.
/// # Source
/// IEC 62443-3-3 SR 2.1 RE 4 (dual approval).
pub const CLINICAL: &str = "clinical";

/// An order that the kernel has not taken in this time is answered as late.
/// # Units
/// Seconds.
pub const ORDER_MAX_S: u64 = 5;

/// What an order comes to, if its sender may give it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ruling {
    /// Nothing is to be done.
    Already,
    /// The device goes into another state.
    Enter(DeviceState),
    /// The containment stays without waiting for lifelines.
    Confirm,
    /// The posture changes; the state does not.
    Posture,
}

/// Decides on an order: the one place where orders are refused.
///
/// | order | from | who may |
/// |---|---|---|
/// | contain | anything that is less | a person, or E3 and more |
/// | isolate, RED and GREEN-LS | anything else | two persons, two roles, one of them clinical |
/// | isolate, other tiers | anything else | a person, or E3 and more |
/// | release | SUSPECT and graver | a person; with E4 one who did not cause it |
/// | confirm | CONTAINED | a person |
/// | suspect | anything that is less | anybody |
/// # Source
/// IEC 62443-3-3 SR 2.1 RE 3, RE 4.
pub(super) fn rule(order: &Order, standing: &Standing, tier: Tier) -> Result<Ruling, Refusal> {
    use DeviceState as S;
    if order.by.is_empty() {
        return Err(Refusal::Nobody);
    }
    let state = standing.state();
    match order.what {
        OrderKind::Contain => match state {
            S::Contained => Ok(Ruling::Already),
            S::Isolated | S::Remediation | S::Retired => Err(Refusal::WouldWiden),
            S::Discovered | S::Enrolled | S::Normal | S::Suspect | S::Probation => {
                proven(order)?;
                Ok(Ruling::Enter(S::Contained))
            }
        },
        OrderKind::Isolate if state == S::Isolated => Ok(Ruling::Already),
        OrderKind::Isolate => {
            if tier.protects_lifelines() {
                two_persons(order)?;
            } else {
                proven(order)?;
            }
            Ok(Ruling::Enter(S::Isolated))
        }
        OrderKind::Release => match state {
            S::Discovered | S::Enrolled | S::Normal | S::Probation | S::Retired => {
                Ok(Ruling::Already)
            }
            S::Suspect | S::Contained | S::Isolated | S::Remediation => {
                released(order, standing)?;
                Ok(Ruling::Enter(S::Probation))
            }
        },
        OrderKind::Confirm => {
            persons(order).next().ok_or(Refusal::NoPerson)?;
            match (state, &standing.watch) {
                (S::Contained, Some(_)) => Ok(Ruling::Confirm),
                (S::Contained, None) => Ok(Ruling::Already),
                _ => Err(Refusal::NotContained),
            }
        }
        OrderKind::Suspect => match state {
            S::Suspect => Ok(Ruling::Already),
            S::Discovered | S::Enrolled | S::Normal | S::Probation => Ok(Ruling::Enter(S::Suspect)),
            S::Contained | S::Isolated | S::Remediation | S::Retired => Err(Refusal::WouldWiden),
        },
        OrderKind::Posture { identity, attestation } => {
            let posture = standing.posture;
            let is_so = posture.identity == identity && posture.attestation == attestation;
            Ok(if is_so { Ruling::Already } else { Ruling::Posture })
        }
    }
}

fn persons(order: &Order) -> impl Iterator<Item = &Person> {
    order.by.iter().filter_map(|actor| match actor {
        Actor::Person(person) => Some(person),
        Actor::Device(_) | Actor::Node(_) | Actor::Point(_) => None,
    })
}

/// A person may, and whoever has deterministic evidence; statistics never do.
fn proven(order: &Order) -> Result<(), Refusal> {
    let is_proven = order.evidence.is_some_and(|evidence| evidence >= Evidence::E3);
    let may = is_proven || persons(order).next().is_some();
    may.then_some(()).ok_or(Refusal::WeakEvidence)
}

fn two_persons(order: &Order) -> Result<(), Refusal> {
    let is_pair = persons(order).any(|one| {
        one.role.as_str() == CLINICAL
            && persons(order).any(|other| other.badge != one.badge && other.role != one.role)
    });
    is_pair.then_some(()).ok_or(Refusal::TwoPersons)
}

/// A person may, but not alone one who caused it by proof of compromise.
fn released(order: &Order, standing: &Standing) -> Result<(), Refusal> {
    persons(order).next().ok_or(Refusal::NoPerson)?;
    let is_grave = standing.evidence == Some(Evidence::E4);
    let is_other = persons(order).any(|person| !standing.badges().any(|it| *it == person.badge));
    (is_other || !is_grave).then_some(()).ok_or(Refusal::OtherPerson)
}

/// An order that waits for the kernel.
#[derive(Debug)]
struct Waiting {
    order: Label,
    device: DeviceId,
    since: Mono,
}

/// The orders that are not answered yet, and the answers to those that were.
#[derive(Debug, Default)]
pub(super) struct Orders {
    waiting: Vec<Waiting>,
    results: BTreeMap<Label, OrderResult>,
    oldest: VecDeque<Label>,
}

impl Orders {
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Says whether an order is known; then it is answered, now or with the first one of its name.
    pub(super) fn is_again(
        &mut self,
        now: Mono,
        order: &Order,
        limits: &Limits,
        counts: &mut Counts,
        out: &mut Vec<Effect>,
    ) -> bool {
        if let Some(result) = self.results.get(&order.id) {
            out.push(Effect::Receipt(Receipt { order: order.id.clone(), result: *result }));
            return true;
        }
        let first = self.waiting.iter().find(|waiting| waiting.order == order.id);
        let Some(device) = first.map(|first| first.device.clone()) else { return false };
        if self.is_full(limits) {
            counts.orders_lost += 1;
            let result = OrderResult::Refused(Refusal::TooMany);
            out.push(Effect::Receipt(Receipt { order: order.id.clone(), result }));
        } else {
            self.wait(now, order.id.clone(), device);
        }
        true
    }

    pub(super) fn is_full(&self, limits: &Limits) -> bool {
        self.waiting.len() >= limits.orders_max
    }

    pub(super) fn wait(&mut self, now: Mono, order: Label, device: DeviceId) {
        self.waiting.push(Waiting { order, device, since: now });
    }

    /// Answers an order, and remembers the answer unless it may be another one next time.
    pub(super) fn answer(
        &mut self,
        order: Label,
        result: OrderResult,
        limits: &Limits,
        out: &mut Vec<Effect>,
    ) {
        let is_final = !matches!(
            result,
            OrderResult::Refused(Refusal::TooMany | Refusal::NoBundle) | OrderResult::Late
        );
        if is_final && self.results.insert(order.clone(), result).is_none() {
            self.oldest.push_back(order.clone());
        }
        while self.oldest.len() > limits.receipts_max {
            if let Some(oldest) = self.oldest.pop_front() {
                self.results.remove(&oldest);
            }
        }
        out.push(Effect::Receipt(Receipt { order, result }));
    }

    /// Answers the orders that the kernel has taken, and those that it should have.
    pub(super) fn settle(
        &mut self,
        now: Mono,
        limits: &Limits,
        is_done: impl Fn(&DeviceId) -> bool,
        out: &mut Vec<Effect>,
    ) {
        for waiting in std::mem::take(&mut self.waiting) {
            if is_done(&waiting.device) {
                self.answer(waiting.order, OrderResult::Done, limits, out);
            } else if now >= after_s(waiting.since, ORDER_MAX_S) {
                self.answer(waiting.order, OrderResult::Late, limits, out);
            } else {
                self.waiting.push(waiting);
            }
        }
    }

    pub(super) fn deadline(&self) -> Option<Mono> {
        self.waiting.iter().map(|waiting| after_s(waiting.since, ORDER_MAX_S)).min()
    }
}

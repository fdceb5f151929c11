//! Claims as questions about sets of policies.

use std::str::FromStr;

use cedar_policy::{Policy, PolicyId, PolicySet};
use cordon_model::DeviceState;
use cordon_policy::Rulebook;
use cordon_policy::rulebook::{Holds, Invariant, Rule};

use crate::prove::claims;
use crate::rewrite::{self, RewriteError};

const REQUESTS: &str = include_str!("../policies/requests.cedar");
const LIFELINES: &str = include_str!("../policies/lifelines.cedar");

/// A question about sets of policies, which are given by their numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Query {
    /// No request is permitted by both.
    Disjoint(usize, usize),
    /// What the first permits, the second permits.
    Implies(usize, usize),
    /// Both permit the same.
    Same(usize, usize),
    /// The policy with this number can be evaluated for every request.
    NeverErrors(usize),
    /// The set permits something at all; a claim about nothing is no claim.
    Speaks(usize),
}

/// What a claim means for an act of the plan.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Meaning<'b> {
    /// The invariant holds of the rules.
    Invariant(&'b Invariant),
    /// Every rule can be evaluated.
    NeverErrors,
    /// What is permitted in the first state is permitted in the second.
    Within(DeviceState, DeviceState),
    /// The verdict on lifelines does not read identity and attestation.
    Lifelines,
    /// What the first rules permit, the second permit, but for the third.
    Widening(&'b Rulebook, &'b Rulebook, &'b [Rule]),
}

/// A claim with its questions.
#[derive(Debug)]
pub(crate) struct Claim<'b> {
    pub(crate) id: String,
    pub(crate) plain: String,
    pub(crate) source: Option<String>,
    pub(crate) meaning: Meaning<'b>,
    /// All must hold in every kind of request; empty when the claim could not be put at all.
    pub(crate) queries: Vec<Query>,
    /// Why the claim could not be put.
    pub(crate) obstacle: Option<RewriteError>,
}

/// Claims and the policies that their questions are about.
#[derive(Debug, Default)]
pub(crate) struct Plan<'b> {
    pub(crate) claims: Vec<Claim<'b>>,
    pub(crate) sets: Vec<Named<'b>>,
    /// What [`Query::NeverErrors`] is about.
    pub(crate) policies: Vec<Policy>,
}

/// A policy set that a question is about.
#[derive(Debug)]
pub(crate) struct Named<'b> {
    /// Whose answers it gives, for people.
    pub(crate) label: String,
    /// Where its rules come from.
    pub(crate) book: Option<&'b Rulebook>,
    pub(crate) policies: PolicySet,
}

/// Parses one of this crate's own policy files, which `tests/it` holds valid; no rule of a hospital
/// can have a name in brackets.
fn built_in(text: &str) -> Vec<Policy> {
    let set = PolicySet::from_str(text).unwrap_or_default();
    let mut policies: Vec<Policy> = set
        .policies()
        .filter_map(|p| Some(p.new_id(PolicyId::new(format!("({})", p.annotation("id")?)))))
        .collect();
    policies.sort_by(|a, b| a.id().cmp(b.id()));
    policies
}

/// Gives the forbids of what cordon never asks.
pub(crate) fn requests() -> Vec<Policy> {
    built_in(REQUESTS)
}

fn set_of(policies: impl IntoIterator<Item = Policy>) -> PolicySet {
    let mut set = PolicySet::new();
    for policy in policies {
        // INVARIANT: names are unique, so adding cannot fail.
        let _ = set.add(policy);
    }
    set
}

fn rules(book: &Rulebook) -> impl Iterator<Item = &Policy> {
    book.rules.iter().map(|rule| &rule.policy)
}

impl<'b> Plan<'b> {
    /// Puts every claim about a rulebook.
    pub(crate) fn prove(book: &'b Rulebook) -> Self {
        let mut plan = Self::default();
        let ruled = plan.set("the rules", Some(book), rules(book).cloned());
        for invariant in &book.invariants {
            plan.invariant(ruled, invariant);
        }
        plan.never_errors(book);
        let within = [
            (
                claims::CONTAINED,
                DeviceState::Contained,
                DeviceState::Normal,
                "What a contained device may do, it may also do in normal service.",
            ),
            (
                claims::ISOLATED,
                DeviceState::Isolated,
                DeviceState::Contained,
                "What an isolated device may do, it may also do when contained.",
            ),
        ];
        for (id, inner, outer, plain) in within {
            plan.within(book, id, plain, inner, outer);
        }
        plan.lifelines(book);
        plan
    }

    /// Puts the claims about a change of rules.
    pub(crate) fn widening(new: &'b Rulebook, old: &'b Rulebook, except: &'b [Rule]) -> Self {
        let mut plan = Self::default();
        let exclusions: Result<Vec<Policy>, RewriteError> =
            except.iter().map(|rule| rewrite::turned(&rule.policy)).collect();
        let plain = if except.is_empty() {
            "The change lets no device do what it might not do before."
        } else {
            "The change lets no device do what it might not do before, but for the exception."
        };
        let meaning = Meaning::Widening(new, old, except);
        let claim = plan.put(claims::WIDENING, plain, None, meaning, |plan| {
            let fresh = rules(new).cloned().chain(exclusions?);
            let left = plan.asked("the new rules", Some(new), fresh);
            let right = plan.set("the old rules", Some(old), rules(old).cloned());
            Ok(vec![Query::Implies(left, right)])
        });
        plan.claims.push(claim);
        let plain = "The change takes from no device what it might do before.";
        let meaning = Meaning::Widening(old, new, &[]);
        let claim = plan.put(claims::NARROWING, plain, None, meaning, |plan| {
            let left = plan.asked("the old rules", Some(old), rules(old).cloned());
            let right = plan.set("the new rules", Some(new), rules(new).cloned());
            Ok(vec![Query::Implies(left, right)])
        });
        plan.claims.push(claim);
        plan
    }

    fn set(
        &mut self,
        label: &str,
        book: Option<&'b Rulebook>,
        policies: impl IntoIterator<Item = Policy>,
    ) -> usize {
        let policies = set_of(policies);
        self.sets.push(Named { label: label.to_owned(), book, policies });
        self.sets.len() - 1
    }

    /// Adds a set that permits nothing that cordon never asks.
    fn asked(
        &mut self,
        label: &str,
        book: Option<&'b Rulebook>,
        policies: impl IntoIterator<Item = Policy>,
    ) -> usize {
        self.set(label, book, policies.into_iter().chain(requests()))
    }

    fn put(
        &mut self,
        id: &str,
        plain: &str,
        source: Option<&str>,
        meaning: Meaning<'b>,
        queries: impl FnOnce(&mut Self) -> Result<Vec<Query>, RewriteError>,
    ) -> Claim<'b> {
        let (queries, obstacle) = match queries(self) {
            Ok(queries) => (queries, None),
            Err(obstacle) => (Vec::new(), Some(obstacle)),
        };
        let source = source.map(str::to_owned);
        Claim { id: id.to_owned(), plain: plain.to_owned(), source, meaning, queries, obstacle }
    }

    fn invariant(&mut self, ruled: usize, invariant: &'b Invariant) {
        let rule = &invariant.rule;
        let matched = self.asked(rule.id.as_str(), None, [rule.policy.clone()]);
        let query = match invariant.holds {
            Holds::Never => Query::Disjoint(matched, ruled),
            Holds::Always => Query::Implies(matched, ruled),
        };
        let plain = rule.plain.as_deref().unwrap_or(rule.id.as_str());
        let meaning = Meaning::Invariant(invariant);
        let claim = self.put(rule.id.as_str(), plain, rule.source.as_deref(), meaning, |_| {
            Ok(vec![Query::Speaks(matched), query])
        });
        self.claims.push(claim);
    }

    /// Invariants are among the rules here: one that fails would claim nothing.
    fn never_errors(&mut self, book: &'b Rulebook) {
        let held = book.invariants.iter().map(|invariant| &invariant.rule.policy);
        let policies: Vec<&Policy> = rules(book).chain(held).collect();
        let plain = "Every rule and every invariant can be evaluated for every request.";
        let claim = self.put(claims::NEVER_ERRORS, plain, None, Meaning::NeverErrors, |plan| {
            let requests = requests();
            let first = plan.policies.len();
            for policy in policies {
                plan.policies.push(rewrite::narrowed(policy, &requests)?);
            }
            Ok((first..plan.policies.len()).map(Query::NeverErrors).collect())
        });
        self.claims.push(claim);
    }

    fn within(
        &mut self,
        book: &'b Rulebook,
        id: &str,
        plain: &str,
        inner: DeviceState,
        outer: DeviceState,
    ) {
        let source = Some("NIST SP 800-61r2 §3.3.1");
        let claim = self.put(id, plain, source, Meaning::Within(inner, outer), |plan| {
            let fix = |state: DeviceState| fixed(book, &[("state", "State", state.name())]);
            let left = plan.asked(inner.name(), Some(book), fix(inner)?);
            let right = plan.set(outer.name(), Some(book), fix(outer)?);
            Ok(vec![Query::Implies(left, right)])
        });
        self.claims.push(claim);
    }

    /// One comparison for each way in which identity and attestation can differ from the first.
    fn lifelines(&mut self, book: &'b Rulebook) {
        let plain = "Whether a lifeline of a RED or GREEN-LS device flows depends neither on its \
                     identity nor on its attestation, in any state but ISOLATED.";
        let source = Some("IEC 62443-3-3 §4.2");
        let claim = self.put(claims::LIFELINES, plain, source, Meaning::Lifelines, |plan| {
            let mut sets = Vec::new();
            for identity in cordon_model::Identity::ALL {
                for attestation in cordon_model::Attestation::ALL {
                    let label = format!("{identity}, attestation {attestation}");
                    let identity = ("identity", "Identity", identity.name());
                    let attestation = ("attestation", "Attestation", attestation.name());
                    let rules = fixed(book, &[identity, attestation])?;
                    let rules = rules.into_iter().chain(built_in(LIFELINES));
                    sets.push(plan.asked(&label, Some(book), rules));
                }
            }
            let pairs = sets.iter().zip(sets.iter().skip(1));
            Ok(pairs.map(|(one, other)| Query::Same(*one, *other)).collect())
        });
        self.claims.push(claim);
    }
}

fn fixed(book: &Rulebook, facts: &[(&str, &str, &str)]) -> Result<Vec<Policy>, RewriteError> {
    rules(book).map(|policy| rewrite::fix(policy, facts)).collect()
}

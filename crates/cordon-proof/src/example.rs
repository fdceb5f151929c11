//! The solver's example: evaluated again by Cedar, then told in the plan's names or the schema's.

use std::collections::{BTreeMap, BTreeSet};

use cedar_policy::{
    Authorizer, Decision, Entities, EntityUid, EvalResult, Policy, PolicySet, Request, RequestEnv,
};
use cedar_policy_symcc::Env;
use cordon_policy::Rulebook;
use cordon_policy::rulebook::{Invariant, Rule};

use crate::claim::{Claim, Meaning, Plan, Query};
use crate::proof::{Answer, Conceivable, Counterexample, Deciding, Scene, Verdict};
use crate::rewrite;
use crate::search::Search;

/// Why an example of the solver's does not count.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JudgeError {
    /// Cedar answers otherwise than the solver says.
    #[error("Cedar does not confirm the solver's example; report this as a bug of cordon")]
    NotConfirmed,
}

/// Names a kind of request.
pub(crate) fn kind_of_request(env: &RequestEnv) -> String {
    format!("{} {} {}", env.principal(), env.action().id().unescaped(), env.resource())
}

/// Makes a counterexample of the solver's example, of a device of the plan if there is one.
pub(crate) fn judge(
    plan: &Plan<'_>,
    claim: &Claim<'_>,
    query: Query,
    env: &Env,
    search: &mut Search<'_>,
) -> Result<Counterexample, JudgeError> {
    let verdicts = confirmed(plan, claim, query, env).ok_or(JudgeError::NotConfirmed)?;
    let connects = env.request.action().is_some_and(|action| action.id().unescaped() == "connect");
    let failed = match query {
        Query::NeverErrors(policy) => plan.policies.get(policy).zip(verdicts.first()),
        Query::Disjoint(..) | Query::Implies(..) | Query::Same(..) | Query::Speaks(_) => None,
    };
    let mut in_no_plan = false;
    if connects {
        if let Some(example) = search.witness(claim.meaning, failed) {
            return Ok(example);
        }
        let resource = env.request.resource().map(|uid| uid.type_name().to_string());
        in_no_plan = search.found_none && resource.as_deref() == Some("Service");
    }
    let conceivable = Conceivable { in_no_plan, ..conceivable(plan, claim, env, &verdicts) };
    let scene = Scene::Conceivable(conceivable);
    let book = plan.sets.iter().find_map(|set| set.book);
    let contradicts = opposed(claim.meaning, book, |invariant| {
        PolicySet::from_policies([invariant.rule.policy.clone()]).is_ok_and(|set| {
            let verdict = ask("", &set, None, &env.request, &env.entities);
            verdict.answer == Answer::Permit
        })
    });
    Ok(Counterexample { scene, verdicts, contradicts })
}

/// Lists the invariants that claim the opposite of a broken one and match the same request.
pub(crate) fn opposed(
    meaning: Meaning<'_>,
    book: Option<&Rulebook>,
    matches: impl Fn(&Invariant) -> bool,
) -> Vec<String> {
    let Meaning::Invariant(broken) = meaning else { return Vec::new() };
    let all = book.into_iter().flat_map(|book| &book.invariants);
    let opposed = all.filter(|other| other.holds != broken.holds && matches(other));
    opposed.map(|invariant| invariant.rule.id.to_string()).collect()
}

/// Asks Cedar about the solver's example; `None` when it does not break the claim.
fn confirmed(plan: &Plan<'_>, claim: &Claim<'_>, query: Query, env: &Env) -> Option<Vec<Verdict>> {
    let verdict = |number: usize| {
        let set = plan.sets.get(number)?;
        Some(ask(&set.label, &set.policies, set.book, &env.request, &env.entities))
    };
    let permits = |verdict: &Verdict| verdict.answer == Answer::Permit;
    match query {
        Query::Disjoint(a, b) => {
            let (one, other) = (verdict(a)?, verdict(b)?);
            (permits(&one) && permits(&other)).then(|| vec![other])
        }
        Query::Implies(a, b) => {
            let (one, other) = (verdict(a)?, verdict(b)?);
            let broken = permits(&one) && !permits(&other);
            let only_rules = matches!(claim.meaning, Meaning::Invariant(_));
            broken.then(|| if only_rules { vec![other] } else { vec![one, other] })
        }
        Query::Same(a, b) => {
            let (one, other) = (verdict(a)?, verdict(b)?);
            (permits(&one) != permits(&other)).then(|| vec![one, other])
        }
        Query::NeverErrors(policy) => {
            let policy = plan.policies.get(policy)?;
            let set = PolicySet::from_policies([policy.clone()]).ok()?;
            let book = plan.sets.iter().find_map(|set| set.book);
            let verdict = ask("the rule", &set, book, &env.request, &env.entities);
            matches!(verdict.answer, Answer::Fail { .. }).then(|| vec![verdict])
        }
        Query::Speaks(_) => None,
    }
}

fn ask(
    of: &str,
    policies: &PolicySet,
    book: Option<&Rulebook>,
    request: &Request,
    entities: &Entities,
) -> Verdict {
    let response = Authorizer::new().is_authorized(request, policies, entities);
    let mut ids: Vec<String> = response.diagnostics().reason().map(ToString::to_string).collect();
    let mut answer = match response.decision() {
        Decision::Allow => Answer::Permit,
        Decision::Deny => Answer::Deny,
    };
    if let Some(error) = response.diagnostics().errors().next() {
        let cedar_policy::AuthorizationError::PolicyEvaluationError(error) = error;
        answer = Answer::Fail { why: error.inner().to_string() };
        ids = vec![error.policy_id().to_string()];
    }
    ids.sort();
    let rules = ids.iter().map(|id| deciding(book, id)).collect();
    Verdict { of: of.to_owned(), answer, rules }
}

/// Tells where a rule is.
pub(crate) fn deciding(book: Option<&Rulebook>, id: &str) -> Deciding {
    let rule = book.and_then(|book| named(book, id));
    Deciding {
        id: id.to_owned(),
        plain: rule.and_then(|rule| rule.plain.clone()),
        file: rule.map_or_else(String::new, |rule| rule.place.file.clone()),
        line: rule.map_or(0, |rule| rule.place.line),
    }
}

fn named<'b>(book: &'b Rulebook, id: &str) -> Option<&'b Rule> {
    let held = || book.invariants.iter().map(|invariant| &invariant.rule);
    book.rule(id).or_else(|| held().find(|rule| rule.id.as_str() == id))
}

fn conceivable(plan: &Plan<'_>, claim: &Claim<'_>, env: &Env, verdicts: &[Verdict]) -> Conceivable {
    let mut paths = BTreeSet::new();
    if let Meaning::Invariant(invariant) = claim.meaning {
        paths.extend(rewrite::reads(&invariant.rule.policy));
    }
    let book = plan.sets.iter().find_map(|set| set.book);
    let deciding = verdicts.iter().flat_map(|verdict| &verdict.rules);
    let deciding = deciding.filter_map(|rule| named(book?, &rule.id));
    let policies: Vec<&Policy> = deciding.map(|rule| &rule.policy).collect();
    paths.extend(policies.into_iter().flat_map(rewrite::reads));
    // What the two answers differ in is not a fact of the request.
    paths.retain(|path| match claim.meaning {
        Meaning::Within(..) => path != "context.state",
        Meaning::Lifelines => path != "context.identity" && path != "context.attestation",
        Meaning::Invariant(_) | Meaning::NeverErrors | Meaning::Widening(..) => true,
    });
    let facts = paths.into_iter().filter_map(|path| {
        // A name that the solver left empty is a name that does not matter.
        let value = fact(env, &path).filter(|value| !value.is_empty())?;
        Some((path, value))
    });
    let action = env.request.action().map(|action| action.id().unescaped().to_owned());
    Conceivable {
        principal: party(env, env.request.principal()),
        action: match action.as_deref() {
            Some("connect") => "connects to".to_owned(),
            Some(other) => format!("{other}s"),
            None => String::new(),
        },
        resource: party(env, env.request.resource()),
        facts: facts.collect::<BTreeMap<String, String>>(),
        in_no_plan: false,
    }
}

/// Follows a path such as `principal.segment.tier` through the example's entities.
fn fact(env: &Env, path: &str) -> Option<String> {
    let mut steps = path.split('.');
    let mut value = match steps.next()? {
        "principal" => EvalResult::EntityUid(env.request.principal()?.clone()),
        "resource" => EvalResult::EntityUid(env.request.resource()?.clone()),
        "context" => env.request.context()?.get(steps.next()?)?,
        _ => return None,
    };
    for step in steps {
        let EvalResult::EntityUid(uid) = &value else { return None };
        value = env.entities.get(uid)?.attr(step)?.ok()?;
    }
    Some(shown(&value))
}

fn shown(value: &EvalResult) -> String {
    match value {
        EvalResult::EntityUid(uid) => uid.id().unescaped().to_owned(),
        EvalResult::Set(set) => {
            let members: Vec<String> = set.iter().map(shown).collect();
            format!("[{}]", members.join(", "))
        }
        EvalResult::Bool(_)
        | EvalResult::Long(_)
        | EvalResult::String(_)
        | EvalResult::Record(_)
        | EvalResult::ExtensionValue(_) => value.to_string(),
    }
}

/// Names one side of a request by what matters about it.
fn party(env: &Env, uid: Option<&EntityUid>) -> String {
    let Some(uid) = uid else { return String::new() };
    let attribute = |name: &str| {
        let value = env.entities.get(uid)?.attr(name)?.ok()?;
        Some(shown(&value))
    };
    let kind = uid.type_name().to_string().to_lowercase();
    match ["tier", "kind", "role"].into_iter().find_map(attribute) {
        Some(role) if kind == "person" => format!("a person of the role {role}"),
        Some(word) => {
            let vowel = word.to_lowercase().starts_with(['a', 'e', 'i', 'o', 'u']);
            format!("{} {word} {kind}", if vowel { "an" } else { "a" })
        }
        None => kind,
    }
}

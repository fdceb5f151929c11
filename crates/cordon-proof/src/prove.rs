//! Putting claims, having them answered, and telling what came out.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::str::FromStr;
use std::sync::mpsc;
use std::time::Duration;

use cedar_policy::{
    Effect, ParseErrors, PolicyId, PolicySet, RequestEnv, ValidationMode, Validator,
};
use cordon_model::{Hospital, Place, RuleId};
use cordon_policy::Rulebook;
use cordon_policy::rulebook::Rule;

use crate::ask::{Answer, Answered, Asking, Job, limits};
use crate::claim::{Claim, Plan, Query};
use crate::example;
use crate::proof::{Outcome, Proof};
use crate::search::Search;

/// The names of the claims that come on top of a hospital's invariants.
pub mod claims {
    /// No rule can fail while it decides.
    pub const NEVER_ERRORS: &str = "never-errors";
    /// Containment only takes away.
    pub const CONTAINED: &str = "contained-within-normal";
    /// Isolation only takes away from containment.
    pub const ISOLATED: &str = "isolated-within-contained";
    /// Lifelines flow whoever the device proves to be.
    pub const LIFELINES: &str = "red-lifelines-ignore-posture";
    /// A change of rules permits nothing new.
    pub const WIDENING: &str = "widens-nothing";
    /// A change of rules takes nothing away; for people to know, nothing is wrong when it does.
    pub const NARROWING: &str = "takes-nothing-away";
}

/// The time that one query gets when nobody says otherwise.
pub const LIMIT: Duration = Duration::from_secs(60);

/// Why nothing could be proved at all.
#[derive(Debug, thiserror::Error)]
pub enum ProveError {
    /// There is no solver.
    #[error(
        "no solver at `{path}`: install the Debian package `cvc5` (`apt install cvc5`), \
         or say where it is in the environment variable CVC5"
    )]
    SolverMissing {
        /// Where it was looked for.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// What is there is not cvc5.
    #[error("`{path} --version` does not answer as cvc5 does; other solvers do not know its sets")]
    SolverUnknown {
        /// What was asked.
        path: PathBuf,
    },
    /// The exception of a widening is not Cedar.
    #[error("the exception is not a Cedar policy")]
    ExceptionSyntax(#[source] Box<ParseErrors>),
    /// The exception of a widening is not a permit.
    #[error(
        "an exception is a permit of what may come to be permitted, and neither a forbid nor a template"
    )]
    ExceptionEffect,
    /// The exception of a widening does not fit the schema.
    #[error("the exception does not fit the schema")]
    ExceptionSchema(#[source] Box<cedar_policy::ValidationError>),
}

/// What has been answered so far.
#[derive(Debug)]
pub struct Progress<'a> {
    /// How many claims are settled.
    pub done: usize,
    /// How many there are.
    pub total: usize,
    /// The one settled last.
    pub proof: &'a Proof,
}

/// Who is told of progress.
pub type Listener<'l> = dyn FnMut(&Progress<'_>) + 'l;

/// A solver with a time limit.
#[derive(Debug, Clone)]
pub struct Prover {
    /// The path of cvc5.
    pub solver: PathBuf,
    /// How long one query may take.
    pub limit: Duration,
}

impl Prover {
    /// Takes the solver at `path`, else the one that the environment variable `CVC5` names, else
    /// `cvc5` as the search path has it.
    #[must_use]
    pub fn new(path: Option<PathBuf>, limit: Duration) -> Self {
        let solver = path
            .or_else(|| std::env::var_os("CVC5").map(PathBuf::from))
            .unwrap_or_else(|| PathBuf::from("cvc5"));
        Self { solver, limit }
    }

    /// Gives the solver's version.
    /// # Errors
    /// When there is no solver, or another one than cvc5.
    pub fn version(&self) -> Result<String, ProveError> {
        let path = || self.solver.clone();
        let output = Command::new(&self.solver)
            .arg("--version")
            .stdin(Stdio::null())
            .output()
            .map_err(|source| ProveError::SolverMissing { path: path(), source })?;
        let text = String::from_utf8_lossy(&output.stdout);
        let version = text.split_once("cvc5 version ").map(|(_, rest)| rest);
        version
            .and_then(|rest| rest.split_whitespace().next())
            .map(str::to_owned)
            .ok_or_else(|| ProveError::SolverUnknown { path: path() })
    }

    /// Proves or refutes every invariant, that no rule can fail, that containment and isolation only
    /// take away, and that lifelines flow whatever a device proves.
    /// # Shape
    /// One proof per claim, in the order of the invariants; `listener` hears of each as it settles.
    /// # Errors
    /// When there is no solver; that a claim does not hold is no error.
    pub fn prove(
        &self,
        book: &Rulebook,
        hospital: &Hospital,
        listener: &mut Listener<'_>,
    ) -> Result<Vec<Proof>, ProveError> {
        self.version()?;
        Ok(self.settle(&Plan::prove(book), book, hospital, listener))
    }

    /// Proves or refutes that the new rules permit nothing that the old ones do not, but for what
    /// `except` permits, and tells whether they take something away.
    /// # Shape
    /// Two proofs, [`claims::WIDENING`] and [`claims::NARROWING`]. It compares rules, not profiles:
    /// that a profile declares more is not seen here.
    /// # Errors
    /// When there is no solver, or when the exception is not a permit that the schema vouches for.
    pub fn widening(
        &self,
        new: &Rulebook,
        old: &Rulebook,
        except: Option<&str>,
        hospital: &Hospital,
        listener: &mut Listener<'_>,
    ) -> Result<Vec<Proof>, ProveError> {
        self.version()?;
        let except = except.map(|text| exception(text, new)).transpose()?.unwrap_or_default();
        Ok(self.settle(&Plan::widening(new, old, &except), new, hospital, listener))
    }

    fn settle(
        &self,
        plan: &Plan<'_>,
        book: &Rulebook,
        hospital: &Hospital,
        listener: &mut Listener<'_>,
    ) -> Vec<Proof> {
        let mut envs: Vec<RequestEnv> = book.schema.request_envs().collect();
        envs.sort();
        let asking = Asking::new(plan, &book.schema, &envs, &self.solver, self.limit);
        let mut court = Court::new(&asking, Search::new(hospital, plan));
        let (sender, answers) = mpsc::channel();
        std::thread::scope(|scope| {
            for _ in 0..limits::WORKERS_MAX {
                let (asking, sender) = (&asking, sender.clone());
                scope.spawn(move || asking.work(&sender));
            }
            drop(sender);
            for answered in answers {
                court.hear(answered, listener);
            }
        });
        court.close(listener)
    }
}

/// Reads the exception of a widening.
fn exception(text: &str, book: &Rulebook) -> Result<Vec<Rule>, ProveError> {
    let set = PolicySet::from_str(text)
        .map_err(|errors| ProveError::ExceptionSyntax(Box::new(errors)))?;
    if set.templates().next().is_some() || set.policies().any(|p| p.effect() == Effect::Forbid) {
        return Err(ProveError::ExceptionEffect);
    }
    let validator = Validator::new(book.schema.clone());
    let result = validator.validate(&set, ValidationMode::Strict);
    if let Some(error) = result.validation_errors().next() {
        return Err(ProveError::ExceptionSchema(Box::new(error.clone())));
    }
    let rules = set.policies().enumerate().filter_map(|(number, policy)| {
        let name = format!("exception.{number}");
        Some(Rule {
            id: RuleId::new(&name).ok()?,
            plain: policy.annotation("plain").map(str::to_owned),
            source: None,
            api_rate_per_minute: None,
            inspect: false,
            place: Place::file("(exception)"),
            policy: policy.new_id(PolicyId::new(format!("({name})"))),
        })
    });
    Ok(rules.collect())
}

/// What is known of a claim while its questions are being answered.
#[derive(Debug, Default)]
struct Hearing {
    open: usize,
    broken: Option<(Job, Box<cedar_policy_symcc::Env>)>,
    unknown: Option<(usize, String)>,
    /// The kinds of requests it speaks about.
    about: Vec<usize>,
    elapsed: Duration,
}

/// Collects answers and settles claims.
struct Court<'a> {
    asking: &'a Asking<'a>,
    search: Search<'a>,
    hearings: Vec<Hearing>,
    proofs: Vec<Option<Proof>>,
}

impl<'a> Court<'a> {
    fn new(asking: &'a Asking<'a>, search: Search<'a>) -> Self {
        let mut hearings: Vec<Hearing> = Vec::new();
        let mut proofs = Vec::new();
        for claim in &asking.plan.claims {
            let open = claim.queries.len() * asking.envs.len();
            hearings.push(Hearing { open, ..Hearing::default() });
            proofs.push(None);
        }
        Self { asking, search, hearings, proofs }
    }

    fn hear(&mut self, answered: Answered, listener: &mut Listener<'_>) {
        let Answered { job, answer, elapsed } = answered;
        let Some(hearing) = self.hearings.get_mut(job.claim) else { return };
        hearing.open = hearing.open.saturating_sub(1);
        hearing.elapsed += elapsed;
        match answer {
            Answer::Holds if matches!(job.query, Query::Speaks(_)) => hearing.about.push(job.env),
            Answer::Holds | Answer::Silent => {}
            Answer::Broken(env) => {
                if hearing.broken.as_ref().is_none_or(|(first, _)| job.number < first.number) {
                    hearing.broken = Some((job, env));
                }
            }
            Answer::Unknown(why) => {
                if hearing.unknown.as_ref().is_none_or(|(first, _)| job.number < *first) {
                    hearing.unknown = Some((job.number, why));
                }
            }
        }
        if hearing.open == 0 {
            self.conclude(job.claim, listener);
        }
    }

    /// Settles what is left: claims that could not be put, and those whose answers never came.
    fn close(mut self, listener: &mut Listener<'_>) -> Vec<Proof> {
        for claim in 0..self.hearings.len() {
            if self.proofs.get(claim).is_some_and(Option::is_none) {
                self.conclude(claim, listener);
            }
        }
        self.proofs.into_iter().flatten().collect()
    }

    fn conclude(&mut self, number: usize, listener: &mut Listener<'_>) {
        let Some(claim) = self.asking.plan.claims.get(number) else { return };
        let Some(hearing) = self.hearings.get_mut(number) else { return };
        let mut hearing = std::mem::take(hearing);
        let speaks = claim.queries.iter().any(|query| matches!(query, Query::Speaks(_)));
        if !speaks {
            hearing.about = (0..self.asking.envs.len()).collect();
        }
        hearing.about.sort_unstable();
        let requests = hearing.about.iter().filter_map(|env| self.asking.envs.get(*env));
        let requests = requests.map(example::kind_of_request).collect();
        let elapsed_ms = u64::try_from(hearing.elapsed.as_millis()).unwrap_or(u64::MAX);
        let proof = Proof {
            id: claim.id.clone(),
            plain: claim.plain.clone(),
            source: claim.source.clone(),
            outcome: self.outcome(claim, hearing),
            requests,
            elapsed_ms,
        };
        let total = self.proofs.len();
        let done = self.proofs.iter().flatten().count() + 1;
        listener(&Progress { done, total, proof: &proof });
        if let Some(slot) = self.proofs.get_mut(number) {
            *slot = Some(proof);
        }
    }

    fn outcome(&mut self, claim: &Claim<'_>, hearing: Hearing) -> Outcome {
        let undecided = |why: String| Outcome::Undecided { why };
        if let Some(obstacle) = &claim.obstacle {
            return undecided(obstacle.to_string());
        }
        let plan = self.asking.plan;
        let mut why = hearing.unknown.map(|(_, why)| why);
        if let Some((job, env)) = hearing.broken {
            match example::judge(plan, claim, job.query, &env, &mut self.search) {
                Ok(example) => return Outcome::Refuted(Box::new(example)),
                Err(error) => why = Some(error.to_string()),
            }
        }
        if hearing.open > 0 {
            why.get_or_insert_with(|| "some of its questions were never answered".to_owned());
        }
        if let Some(why) = why {
            // An example in the plan refutes it, whatever ails the solver.
            return match self.search.witness(claim.meaning, None) {
                Some(example) => Outcome::Refuted(Box::new(example)),
                None => undecided(why),
            };
        }
        if hearing.about.is_empty() {
            return undecided(
                "it matches no request there can be, so it claims nothing".to_owned(),
            );
        }
        Outcome::Proved
    }
}

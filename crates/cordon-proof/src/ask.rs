//! Asking the solver: two workers, one child process each, every answer with the time it took.
//!
//! Invariant: whatever goes wrong between here and the solver is an [`Answer::Unknown`].

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use cedar_policy::{RequestEnv, Schema};
use cedar_policy_symcc::err::Error;
use cedar_policy_symcc::solver::LocalSolver;
use cedar_policy_symcc::{CedarSymCompiler, CompiledPolicy, CompiledPolicySet, Env};
use tokio::process::Command;

use crate::claim::{Plan, Query};

/// Bounds on the solver.
pub(crate) mod limits {
    use std::time::Duration;

    /// Queries asked at the same time.
    pub(crate) const WORKERS_MAX: usize = 2;
    /// What a solver gets beyond its own limit before it is ended.
    pub(crate) const GRACE: Duration = Duration::from_secs(2);
    /// Characters of what the solver says went wrong.
    pub(crate) const WORDS_MAX: usize = 200;
}

/// One question in one kind of request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Job {
    /// Its place in the order of questions.
    pub(crate) number: usize,
    pub(crate) claim: usize,
    pub(crate) query: Query,
    pub(crate) env: usize,
}

/// What became of a question.
#[derive(Debug)]
pub(crate) enum Answer {
    /// It holds.
    Holds,
    /// This request breaks it.
    Broken(Box<Env>),
    /// The set permits nothing here.
    Silent,
    /// Nobody knows.
    Unknown(String),
}

/// A question with its answer.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) job: Job,
    pub(crate) answer: Answer,
    pub(crate) elapsed: Duration,
}

type Compiled = OnceLock<Result<Arc<CompiledPolicySet>, String>>;

/// Everything that workers share.
pub(crate) struct Asking<'a> {
    pub(crate) plan: &'a Plan<'a>,
    pub(crate) schema: &'a Schema,
    pub(crate) envs: &'a [RequestEnv],
    pub(crate) jobs: Vec<Job>,
    solver: &'a Path,
    limit: Duration,
    next: AtomicUsize,
    /// Compiled policy sets, by kind of request and number of the set.
    compiled: Vec<Vec<Compiled>>,
}

impl<'a> Asking<'a> {
    pub(crate) fn new(
        plan: &'a Plan<'a>,
        schema: &'a Schema,
        envs: &'a [RequestEnv],
        solver: &'a Path,
        limit: Duration,
    ) -> Self {
        let mut jobs = Vec::new();
        for (claim, put) in plan.claims.iter().enumerate() {
            for query in &put.queries {
                for env in 0..envs.len() {
                    jobs.push(Job { number: jobs.len(), claim, query: *query, env });
                }
            }
        }
        let sets = || plan.sets.iter().map(|_| OnceLock::new()).collect();
        let compiled = envs.iter().map(|_| sets()).collect();
        Self { plan, schema, envs, jobs, solver, limit, next: AtomicUsize::new(0), compiled }
    }

    /// Answers questions until none is left.
    pub(crate) fn work(&self, answers: &Sender<Answered>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let mut solver = None;
        while let Some(job) = self.jobs.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            let start = Instant::now();
            let answer = match &runtime {
                Ok(runtime) => runtime.block_on(self.answer(job, &mut solver)),
                Err(error) => Answer::Unknown(format!("no runtime for the solver: {error}")),
            };
            let answered = Answered { job: *job, answer, elapsed: start.elapsed() };
            if answers.send(answered).is_err() {
                return;
            }
        }
    }

    async fn answer(&self, job: &Job, slot: &mut Option<CedarSymCompiler<LocalSolver>>) -> Answer {
        let mut solver = match slot.take() {
            Some(solver) => solver,
            None => match self.start() {
                Ok(solver) => solver,
                Err(why) => return Answer::Unknown(why),
            },
        };
        let asked = tokio::time::timeout(self.limit + limits::GRACE, self.ask(job, &mut solver));
        match asked.await {
            Ok(Ok(answer)) => {
                *slot = Some(solver);
                answer
            }
            // The solver is dropped, and with it the child process, whatever state it is in.
            Ok(Err(why)) => Answer::Unknown(why),
            Err(_) => Answer::Unknown(slow(self.limit)),
        }
    }

    fn start(&self) -> Result<CedarSymCompiler<LocalSolver>, String> {
        let mut command = Command::new(self.solver);
        command.args(["--lang", "smt"]);
        command.arg(format!("--tlimit-per={}", self.limit.as_millis().max(1)));
        command.kill_on_drop(true);
        LocalSolver::from_command(&mut command)
            .map_err(Error::from)
            .and_then(CedarSymCompiler::new)
            .map_err(|error| said(&error, self.limit))
    }

    fn set(&self, env: usize, number: usize) -> Result<Arc<CompiledPolicySet>, String> {
        let missing = || "a question about a policy set that is not there".to_owned();
        let slot = self.compiled.get(env).and_then(|sets| sets.get(number)).ok_or_else(missing)?;
        let set = self.plan.sets.get(number).ok_or_else(missing)?;
        let env = self.envs.get(env).ok_or_else(missing)?;
        slot.get_or_init(|| {
            CompiledPolicySet::compile(&set.policies, env, self.schema)
                .map(Arc::new)
                .map_err(|error| said(&error, self.limit))
        })
        .clone()
    }

    async fn ask(
        &self,
        job: &Job,
        solver: &mut CedarSymCompiler<LocalSolver>,
    ) -> Result<Answer, String> {
        let set = |number| self.set(job.env, number);
        let found = match job.query {
            Query::Disjoint(a, b) => {
                solver.check_disjoint_with_counterexample_opt(&*set(a)?, &*set(b)?).await
            }
            Query::Implies(a, b) => {
                solver.check_implies_with_counterexample_opt(&*set(a)?, &*set(b)?).await
            }
            Query::Same(a, b) => {
                solver.check_equivalent_with_counterexample_opt(&*set(a)?, &*set(b)?).await
            }
            Query::Speaks(a) => {
                let silent = solver.check_always_denies_opt(&*set(a)?).await;
                let silent = silent.map_err(|error| said(&error, self.limit))?;
                return Ok(if silent { Answer::Silent } else { Answer::Holds });
            }
            Query::NeverErrors(policy) => {
                let policy = self.plan.policies.get(policy).zip(self.envs.get(job.env));
                let (policy, env) = policy.ok_or("a question about a policy that is not there")?;
                let compiled = CompiledPolicy::compile(policy, env, self.schema)
                    .map_err(|error| said(&error, self.limit))?;
                solver.check_never_errors_with_counterexample_opt(&compiled).await
            }
        };
        match found.map_err(|error| said(&error, self.limit))? {
            None => Ok(Answer::Holds),
            Some(env) => Ok(Answer::Broken(Box::new(env))),
        }
    }
}

fn slow(limit: Duration) -> String {
    format!("the solver found no answer within {} s", limit.as_secs_f32())
}

/// Says what went wrong, with its causes.
fn said(error: &Error, limit: Duration) -> String {
    if matches!(error, Error::SolverUnknown) {
        return slow(limit);
    }
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        cause = error.source();
    }
    // A formula may follow, as long as all the rules together.
    match text.char_indices().nth(limits::WORDS_MAX) {
        Some((end, _)) => format!("{} …", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

//! What a proof says: proved, refuted with an example, or undecided with the reason.

use std::collections::BTreeMap;
use std::fmt;

use cordon_model::{Act, Posture, Target, Tier};
use serde::Serialize;

/// One claim about the rules and what became of it.
#[derive(Debug, Clone, Serialize)]
pub struct Proof {
    /// The claim's name: an invariant's, or one of [`crate::prove::claims`].
    pub id: String,
    /// The claim in plain words.
    pub plain: String,
    /// The standard behind it.
    pub source: Option<String>,
    /// What became of it.
    pub outcome: Outcome,
    /// The kinds of requests that the claim says something about; of all others it holds trivially.
    pub requests: Vec<String>,
    /// How long its queries took together; two run at a time.
    pub elapsed_ms: u64,
}

impl Proof {
    /// Says whether the claim holds for every request.
    #[must_use]
    pub fn is_proved(&self) -> bool {
        matches!(self.outcome, Outcome::Proved)
    }
}

/// What became of a claim.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// No request breaks it.
    Proved,
    /// This request breaks it; Cedar confirms that it does.
    Refuted(Box<Counterexample>),
    /// Nobody knows; never to be read as proved.
    Undecided {
        /// Why.
        why: String,
    },
}

/// A request that breaks a claim.
#[derive(Debug, Clone, Serialize)]
pub struct Counterexample {
    /// Who asks for what.
    pub scene: Scene,
    /// What the rules answer: one answer, or one for each of the two that should agree.
    pub verdicts: Vec<Verdict>,
    /// Invariants that claim the opposite of the same request: no rules can satisfy both.
    pub contradicts: Vec<String>,
}

/// The request of a counterexample.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scene {
    /// A device of the plan can do it today.
    InPlan(InPlan),
    /// No device of the plan is known to do it; one that may come could, or a person.
    Conceivable(Conceivable),
}

/// An act of a device of the plan.
#[derive(Debug, Clone, Serialize)]
pub struct InPlan {
    /// The act.
    pub act: Act,
    /// The device's tier.
    pub tier: Tier,
    /// The device's type.
    pub device_type: String,
    /// The device's segment.
    pub segment: String,
    /// The kind of the service's zone.
    pub service_kind: String,
    /// What is known of the device.
    pub posture: Posture,
    /// The hour of the day in UTC, when a rule reads it.
    pub hour: Option<u8>,
    /// Whether the device's profile declares the act.
    pub declared: bool,
    /// Whether it is a lifeline.
    pub lifeline: bool,
    /// How many devices of the plan break the claim in some posture.
    pub devices: usize,
    /// Whether the count stopped early, so that there may be more.
    pub at_least: bool,
}

/// A request in the schema's words.
#[derive(Debug, Clone, Serialize)]
pub struct Conceivable {
    /// Who asks.
    pub principal: String,
    /// For what.
    pub action: String,
    /// Of whom.
    pub resource: String,
    /// The facts that the rules concerned read, by their paths in the schema.
    pub facts: BTreeMap<String, String>,
    /// Whether every device of the plan was looked at and none does it today.
    pub in_no_plan: bool,
}

/// One answer to the request.
#[derive(Debug, Clone, Serialize)]
pub struct Verdict {
    /// Whose answer: `the rules`, `CONTAINED`, `the new rules` and so on.
    pub of: String,
    /// The answer.
    pub answer: Answer,
    /// The rules that decided; none when no rule spoke.
    pub rules: Vec<Deciding>,
}

/// A permit, a denial, or a rule that could not be evaluated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Permitted.
    Permit,
    /// Denied.
    Deny,
    /// A rule could not be evaluated.
    Fail {
        /// Cedar's words.
        why: String,
    },
}

/// A rule that decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Deciding {
    /// Its name.
    pub id: String,
    /// The rule in plain words.
    pub plain: Option<String>,
    /// The file it is in.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
}

impl fmt::Display for Counterexample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.scene {
            Scene::InPlan(scene) => write!(f, "{scene}")?,
            Scene::Conceivable(scene) => write!(f, "{scene}")?,
        }
        for verdict in &self.verdicts {
            write!(f, "\n{verdict}")?;
        }
        for id in &self.contradicts {
            write!(f, "\n  invariant `{id}` claims the opposite: no rules can satisfy both")?;
        }
        Ok(())
    }
}

impl fmt::Display for InPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.act)?;
        write!(
            f,
            "  {} is {}, {}, in {}",
            self.act.device, self.tier, self.device_type, self.segment
        )?;
        if let Target::Service(service) = &self.act.target {
            write!(f, "; {service} is {}", self.service_kind)?;
        }
        let profile = match (self.declared, self.lifeline) {
            (_, true) => "its profile declares it as a lifeline",
            (true, false) => "its profile declares it",
            (false, false) => "its profile does not declare it",
        };
        let posture = self.posture;
        write!(f, "; {profile}\n  {}, {}", posture.state, posture.identity)?;
        write!(f, ", attestation {}", posture.attestation)?;
        write!(f, "{}", if posture.emergency { ", emergency mode" } else { "" })?;
        if let Some(hour) = self.hour {
            write!(f, ", {hour:02}:00 UTC")?;
        }
        let devices = self.devices;
        let devices =
            if devices == 1 { "1 device".to_owned() } else { format!("{devices} devices") };
        let at_least = if self.at_least { "at least " } else { "" };
        write!(f, "\n  concerns {at_least}{devices} of the plan")
    }
}

impl fmt::Display for Conceivable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.principal, self.action, self.resource)?;
        for (path, value) in &self.facts {
            write!(f, "\n  {path} is {value}")?;
        }
        if self.in_no_plan {
            write!(
                f,
                "\n  no device of today's plan does this, but nothing keeps the next from it"
            )?;
        }
        Ok(())
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.answer {
            Answer::Permit => write!(f, "  {}: permitted", self.of)?,
            Answer::Deny => write!(f, "  {}: denied", self.of)?,
            Answer::Fail { why } => write!(f, "  {}: cannot be evaluated: {why}", self.of)?,
        }
        if self.rules.is_empty() && self.answer == Answer::Deny {
            write!(f, ", no rule permits it")?;
        }
        for rule in &self.rules {
            write!(f, "\n    by `{}`, {}", rule.id, rule.file)?;
            if rule.line > 0 {
                write!(f, ":{}", rule.line)?;
            }
            if let Some(plain) = &rule.plain {
                write!(f, "\n       {plain}")?;
            }
        }
        Ok(())
    }
}

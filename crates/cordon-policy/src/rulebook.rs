//! The rules of a hospital: its own policies and the guardrails, parsed, named and validated.
//!
//! Invariant: every rule has a name of its own, guardrails are always among the rules, and a rule
//! that the schema does not vouch for is refused, so none can fail while it decides.

use std::collections::BTreeMap;
use std::str::FromStr;

use cedar_policy::{Effect, Policy, PolicyId, PolicySet, Schema, ValidationMode, Validator};
use cordon_model::fleet::PolicyFile;
use cordon_model::{Hospital, Place, Report, RuleId, SourceText, Tier};

use crate::cedar;

/// The prefix of guardrail names; no policy of a hospital may use it.
pub const GUARDRAIL: &str = "guardrail.";
/// The prefix of the names of standing invariants.
pub const STANDING: &str = "standing.";

const GUARDRAILS: &str = include_str!("../policies/guardrails.cedar");
const STANDING_INVARIANTS: &str = include_str!("../policies/standing.cedar");

/// Bounds on policies; reaching one is an error that says so.
pub mod limits {
    /// Policies of one hospital.
    pub const POLICIES_MAX: usize = 10_000;
    /// Bytes of one policy file.
    pub const POLICY_FILE_BYTES_MAX: usize = 4 << 20;
}

/// One rule.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its name.
    pub id: RuleId,
    /// The rule in plain words.
    pub plain: Option<String>,
    /// The standard behind it.
    pub source: Option<String>,
    /// API calls per minute that it grants.
    pub api_rate_per_minute: Option<u32>,
    /// Whether it asks for inspection.
    pub inspect: bool,
    /// Where it is.
    pub place: Place,
    /// The rule itself.
    pub policy: Policy,
}

impl Rule {
    /// Says whether the rule permits.
    #[must_use]
    pub fn permits(&self) -> bool {
        self.policy.effect() == Effect::Permit
    }

    /// Says whether the rule is one of the guardrails.
    #[must_use]
    pub fn is_guardrail(&self) -> bool {
        self.id.as_str().starts_with(GUARDRAIL)
    }
}

/// What an invariant claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// What it matches is never permitted.
    Never,
    /// What it matches is always permitted.
    Always,
}

/// Something that must hold, whatever the policies say.
#[derive(Debug, Clone)]
pub struct Invariant {
    /// The matching policy, with its name and its words.
    pub rule: Rule,
    /// What is claimed of what it matches.
    pub holds: Holds,
}

/// The rules of a hospital.
#[derive(Debug, Clone)]
pub struct Rulebook {
    /// The schema.
    pub schema: Schema,
    /// Every rule, guardrails among them.
    pub rules: Vec<Rule>,
    /// What must hold.
    pub invariants: Vec<Invariant>,
}

impl Rulebook {
    /// Reads the policies and invariants of a hospital.
    /// # Shape
    /// The rulebook is there exactly when the report holds no error.
    #[must_use]
    pub fn read(hospital: &Hospital) -> (Option<Self>, Report) {
        let mut report = Report::default();
        let book = read(hospital, &mut report);
        report.sort();
        (book.filter(|_| !report.has_errors()), report)
    }

    /// Gives a rule by its name.
    #[must_use]
    pub fn rule(&self, id: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.id.as_str() == id)
    }

    /// Gives the rules as one Cedar policy set.
    #[must_use]
    pub fn policy_set(&self) -> PolicySet {
        policy_set(self.rules.iter())
    }
}

/// Puts rules into a Cedar policy set.
pub(crate) fn policy_set<'a>(rules: impl Iterator<Item = &'a Rule>) -> PolicySet {
    let mut set = PolicySet::new();
    for rule in rules {
        // INVARIANT: names are unique, so adding cannot fail.
        let _ = set.add(rule.policy.clone());
    }
    set
}

fn read(hospital: &Hospital, report: &mut Report) -> Option<Rulebook> {
    let schema = match Schema::from_cedarschema_str(&cedar::schema_text()) {
        Ok((schema, _warnings)) => schema,
        Err(error) => {
            let message = format!("the built-in schema is broken: {error}");
            report.error("internal", Place::file("schema"), message, "report this as a bug");
            return None;
        }
    };
    let mut reader = Reader { schema, names: BTreeMap::new(), report };
    let guardrails = PolicyFile { path: "(guardrails)".to_owned(), text: GUARDRAILS.to_owned() };
    let standing = PolicyFile {
        path: "(standing invariants)".to_owned(),
        text: STANDING_INVARIANTS.to_owned(),
    };
    let mut rules = reader.file(&guardrails, true);
    for file in &hospital.policies {
        rules.extend(reader.file(file, false));
    }
    if rules.len() > limits::POLICIES_MAX {
        let message = format!("{} policies; at most {}", rules.len(), limits::POLICIES_MAX);
        let help = "write one policy for a class of devices, not one for each";
        reader.report.error("over-limit", Place::file("policies"), message, help);
        return None;
    }
    let mut held = reader.file(&standing, true);
    for file in &hospital.invariants {
        held.extend(reader.file(file, false));
    }
    held.retain(|rule| concerns(rule, hospital));
    let invariants = held.into_iter().filter_map(|rule| reader.invariant(rule)).collect();
    Some(Rulebook { schema: reader.schema, rules, invariants })
}

/// An invariant marked `@tier("RED")` is about hospitals that have such devices.
fn concerns(rule: &Rule, hospital: &Hospital) -> bool {
    let tier = rule.policy.annotation("tier").and_then(Tier::from_name);
    tier.is_none_or(|tier| hospital.tiers.contains_key(&tier))
}

struct Reader<'r> {
    schema: Schema,
    names: BTreeMap<String, String>,
    report: &'r mut Report,
}

impl Reader<'_> {
    fn file(&mut self, file: &PolicyFile, built_in: bool) -> Vec<Rule> {
        let source = SourceText::new(&file.path, &file.text);
        if file.text.len() > limits::POLICY_FILE_BYTES_MAX {
            let message = format!("more than {} bytes", limits::POLICY_FILE_BYTES_MAX);
            self.report.error("over-limit", Place::file(&file.path), message, "split the file");
            return Vec::new();
        }
        let set = match PolicySet::from_str(&file.text) {
            Ok(set) => set,
            Err(errors) => {
                for error in errors.iter() {
                    let place = labelled(error, &source);
                    let message = error.to_string().to_lowercase();
                    self.report.error("cedar-syntax", place, message, &help_of(error));
                }
                return Vec::new();
            }
        };
        if let Some(template) = set.templates().next() {
            let message = format!("`{}` is a template", template.id());
            let help = "write a policy without slots (`?principal`, `?resource`)";
            self.report.error("cedar-template", Place::file(&file.path), message, help);
        }
        let mut rules: Vec<Rule> =
            set.policies().filter_map(|policy| self.rule(policy, &source, built_in)).collect();
        rules.sort_by(|a, b| a.place.cmp(&b.place));
        self.validate(&rules, &source);
        rules
    }

    fn rule(&mut self, policy: &Policy, source: &SourceText<'_>, built_in: bool) -> Option<Rule> {
        let Some(name) = policy.annotation("id") else {
            let text = policy.to_string();
            let at = source.text().find(text.trim()).unwrap_or(0);
            let message = "this policy has no `@id`".to_owned();
            let help = "add `@id(\"a-name-that-people-understand\")` before it";
            self.report.error("policy-without-id", source.place(at..at + 1), message, help);
            return None;
        };
        let at = source.text().find(&format!("@id(\"{name}\")")).unwrap_or(0);
        let place = source.place(at..at + name.len() + 7);
        let id = match RuleId::new(name) {
            Ok(id) => id,
            Err(error) => {
                let message = format!("`{name}` is not an identifier: {error}");
                self.report.error("malformed-id", place, message, "choose another `@id`");
                return None;
            }
        };
        let reserved =
            name.starts_with(GUARDRAIL) || name.starts_with(STANDING) || name == "default-deny";
        if reserved && !built_in {
            let message = format!("`{name}` is a name that only cordon's own rules may use");
            self.report.error("reserved-id", place, message, "choose another `@id`");
            return None;
        }
        if let Some(other) = self.names.insert(name.to_owned(), place.file.clone()) {
            let message = format!("a second policy is named `{name}`, the first is in {other}");
            self.report.error("duplicate-id", place, message, "give each its own `@id`");
            return None;
        }
        let api_rate_per_minute = match policy.annotation("api_rate_per_minute").map(str::parse) {
            None => None,
            Some(Ok(rate)) => Some(rate),
            Some(Err(_)) => {
                let message = format!("the API rate of `{name}` is not a number");
                let help = "write `@api_rate_per_minute(\"100\")`";
                self.report.error("malformed-value", place.clone(), message, help);
                None
            }
        };
        Some(Rule {
            id,
            plain: policy.annotation("plain").map(str::to_owned),
            source: policy.annotation("source").map(str::to_owned),
            api_rate_per_minute,
            inspect: policy.annotation("inspect") == Some("required"),
            place,
            policy: policy.new_id(PolicyId::new(name)),
        })
    }

    fn validate(&mut self, rules: &[Rule], source: &SourceText<'_>) {
        let validator = Validator::new(self.schema.clone());
        let result = validator.validate(&policy_set(rules.iter()), ValidationMode::Strict);
        for error in result.validation_errors() {
            let mut place = labelled(error, source);
            if place.line == 0 {
                let rule = rules.iter().find(|rule| rule.policy.id() == error.policy_id());
                place = rule.map_or(place, |rule| rule.place.clone());
            }
            self.report.error("cedar-schema", place, error.to_string(), &help_of(error));
        }
        for warning in result.validation_warnings() {
            let rule = rules.iter().find(|rule| rule.policy.id() == warning.policy_id());
            let place = rule.map_or_else(|| Place::file(source.path()), |rule| rule.place.clone());
            self.report.warning("cedar-schema", place, warning.to_string(), &help_of(warning));
        }
    }

    fn invariant(&mut self, rule: Rule) -> Option<Invariant> {
        let holds = match rule.policy.annotation("holds") {
            Some("never") => Holds::Never,
            Some("always") => Holds::Always,
            _ => {
                let message = format!("invariant `{}` claims nothing", rule.id);
                let help = "add `@holds(\"never\")` or `@holds(\"always\")`";
                self.report.error("malformed-invariant", rule.place, message, help);
                return None;
            }
        };
        if !rule.permits() {
            let message = format!("invariant `{}` is a forbid", rule.id);
            let help = "write it as a permit of what is claimed never or always to be permitted";
            self.report.error("malformed-invariant", rule.place, message, help);
            return None;
        }
        Some(Invariant { rule, holds })
    }
}

/// Finds the place that a Cedar error points at.
fn labelled(error: &dyn miette::Diagnostic, source: &SourceText<'_>) -> Place {
    let label = error.labels().and_then(|mut labels| labels.next());
    label.map_or_else(
        || Place::file(source.path()),
        |label| source.place(label.offset()..label.offset() + label.len().max(1)),
    )
}

fn help_of(error: &dyn miette::Diagnostic) -> String {
    match error.help() {
        Some(help) => help.to_string(),
        None => "`cordon schema` prints the words that policies may use".to_owned(),
    }
}

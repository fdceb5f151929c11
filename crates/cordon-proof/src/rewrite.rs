//! Policies rewritten in their own syntax trees (Cedar language reference, "JSON policy format").
//!
//! Invariant: a rewrite that would not say exactly what it is meant to say is refused.

use std::collections::BTreeSet;

use cedar_policy::{Policy, PolicyId};
use serde_json::{Value, json};

/// Why a policy could not be rewritten.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum RewriteError {
    /// It reads the context as a whole, so that no single fact of it can be fixed.
    #[error("`{rule}` reads the whole context, so no single fact of it can be fixed")]
    WholeContext {
        /// The policy's name.
        rule: String,
    },
    /// Cedar refuses the rewritten policy.
    #[error("`{rule}` cannot be rewritten")]
    Refused {
        /// The policy's name.
        rule: String,
    },
}

/// Replaces facts of the context by values, given as (fact, entity type, entity name).
pub(crate) fn fix(policy: &Policy, facts: &[(&str, &str, &str)]) -> Result<Policy, RewriteError> {
    let mut tree = tree(policy)?;
    if let Some(conditions) = tree.get_mut("conditions") {
        replace(conditions, facts);
    }
    if escapes(&tree) {
        return Err(RewriteError::WholeContext { rule: policy.id().to_string() });
    }
    policy_of(policy.id(), tree)
}

/// Turns a permit into a forbid of the same requests, or the other way round.
pub(crate) fn turned(policy: &Policy) -> Result<Policy, RewriteError> {
    let mut tree = tree(policy)?;
    let effect = match policy.effect() {
        cedar_policy::Effect::Permit => "forbid",
        cedar_policy::Effect::Forbid => "permit",
    };
    if let Some(object) = tree.as_object_mut() {
        object.insert("effect".to_owned(), json!(effect));
    }
    policy_of(policy.id(), tree)
}

/// Makes a policy match only where none of `exclusions`, which have neither group nor name in their
/// scopes, matches; the policy's own conditions are not even read where one does.
pub(crate) fn narrowed(policy: &Policy, exclusions: &[Policy]) -> Result<Policy, RewriteError> {
    let mut tree = tree(policy)?;
    let mut conditions = Vec::new();
    for exclusion in exclusions {
        let scope = scope(exclusion);
        let theirs = self::tree(exclusion)?;
        let theirs = theirs.get("conditions").and_then(Value::as_array).cloned();
        let body = theirs.into_iter().flatten().fold(scope, |all, condition| {
            let body = condition.get("body").cloned().unwrap_or(Value::Null);
            let positive = condition.get("kind").and_then(Value::as_str) == Some("when");
            let body = if positive { body } else { json!({"!": {"arg": body}}) };
            json!({"&&": {"left": all, "right": body}})
        });
        conditions.push(json!({"kind": "unless", "body": body}));
    }
    if let Some(object) = tree.as_object_mut() {
        if let Some(Value::Array(own)) = object.get("conditions") {
            conditions.extend(own.iter().cloned());
        }
        object.insert("conditions".to_owned(), Value::Array(conditions));
    }
    policy_of(policy.id(), tree)
}

/// Gives a policy's scope as a condition; only types of principals and resources, and one action.
fn scope(policy: &Policy) -> Value {
    let tree = policy.to_json().unwrap_or(Value::Null);
    let mut parts = Vec::new();
    for side in ["principal", "resource"] {
        if let Some(kind) = tree.get(side).and_then(|side| side.get("entity_type")) {
            parts.push(json!({"is": {"left": {"Var": side}, "entity_type": kind}}));
        }
    }
    if let Some(action) = tree.get("action").and_then(|action| action.get("entity")) {
        let action = json!({"Value": {"__entity": action}});
        parts.push(json!({"==": {"left": {"Var": "action"}, "right": action}}));
    }
    parts
        .into_iter()
        .fold(json!({"Value": true}), |all, part| json!({"&&": {"left": all, "right": part}}))
}

/// Lists the facts that a policy's conditions read, as paths from the variable.
pub(crate) fn reads(policy: &Policy) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    if let Ok(tree) = policy.to_json() {
        collect(&tree, &mut paths);
    }
    paths
}

fn tree(policy: &Policy) -> Result<Value, RewriteError> {
    policy.to_json().map_err(|_| RewriteError::Refused { rule: policy.id().to_string() })
}

fn policy_of(id: &PolicyId, tree: Value) -> Result<Policy, RewriteError> {
    let refused = |_| RewriteError::Refused { rule: id.to_string() };
    Policy::from_json(Some(id.clone()), tree).map_err(refused)
}

/// Gives the fact of `context.fact`.
fn context_fact(expression: &Value) -> Option<&str> {
    let access = expression.get(".")?;
    let variable = access.get("left")?.get("Var")?.as_str()?;
    (variable == "context").then(|| access.get("attr")?.as_str())?
}

fn replace(expression: &mut Value, facts: &[(&str, &str, &str)]) {
    let fixed = context_fact(expression)
        .and_then(|read| facts.iter().find(|(fact, _, _)| *fact == read))
        .map(|(_, kind, id)| json!({"Value": {"__entity": {"type": kind, "id": id}}}));
    if let Some(value) = fixed {
        *expression = value;
        return;
    }
    match expression {
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, facts)),
        Value::Object(fields) => fields.values_mut().for_each(|field| replace(field, facts)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Says whether the context occurs other than as `context.fact` or `context has fact`.
fn escapes(expression: &Value) -> bool {
    match expression {
        Value::Array(items) => items.iter().any(escapes),
        Value::Object(fields) => fields.iter().any(|(key, value)| match key.as_str() {
            "Var" => value.as_str() == Some("context"),
            // The keys of a record are the policy's own words.
            "Record" => value.as_object().is_some_and(|record| record.values().any(escapes)),
            "." | "has" => {
                let left = value.get("left").unwrap_or(&Value::Null);
                left.get("Var").is_none() && escapes(left)
            }
            _ => escapes(value),
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

fn collect(expression: &Value, paths: &mut BTreeSet<String>) {
    if let Some(path) = path(expression) {
        paths.insert(path);
        return;
    }
    match expression {
        Value::Array(items) => items.iter().for_each(|item| collect(item, paths)),
        Value::Object(fields) => fields.values().for_each(|field| collect(field, paths)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Gives `principal.segment.tier` and its like.
fn path(expression: &Value) -> Option<String> {
    let access = expression.get(".").or_else(|| expression.get("has"))?;
    let left = access.get("left")?;
    let attribute = access.get("attr")?.as_str()?;
    match left.get("Var").and_then(Value::as_str) {
        Some(variable) => Some(format!("{variable}.{attribute}")),
        None => Some(format!("{}.{attribute}", path(left)?)),
    }
}

#[cfg(test)]
mod tests;

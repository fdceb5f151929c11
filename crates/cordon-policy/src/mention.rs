//! Which facts a policy reads at all.
//!
//! Devices that do not differ in any fact that a policy reads get the same answer from it, so one of
//! them stands for all. This module finds those facts in the policies' own syntax trees (the JSON
//! form of Cedar policies, Cedar language reference "JSON policy format").
//!
//! Invariant: a construct that is not understood counts as reading everything.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::rulebook::Rule;

/// The facts that conditions read, as attribute paths such as `segment.tier`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Mentions {
    pub(crate) principal: BTreeSet<String>,
    pub(crate) resource: BTreeSet<String>,
    pub(crate) context: BTreeSet<String>,
    /// Entities that conditions name literally in `==`.
    pub(crate) literals: BTreeSet<(String, String)>,
    /// A condition reads who the principal is in a way that no class can stand for.
    pub(crate) principal_itself: bool,
    /// The same for the resource.
    pub(crate) resource_itself: bool,
    /// The same for the context.
    pub(crate) context_itself: bool,
}

/// How a policy's scope limits one side of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Any entity, or any of a type.
    Type(Option<String>),
    /// Exactly one entity.
    Is { kind: String, id: String },
    /// An entity and what is in it.
    In { of: Option<String>, kind: String, id: String },
}

/// The scope of one policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scopes {
    pub(crate) principal: Scope,
    pub(crate) action: bool,
    pub(crate) resource: Scope,
}

/// Reads the conditions of a rule.
pub(crate) fn mentions(rule: &Rule) -> Mentions {
    let mut mentions = Mentions::default();
    match rule.policy.to_json() {
        Ok(json) => {
            let conditions = json.get("conditions").and_then(Value::as_array);
            for condition in conditions.into_iter().flatten() {
                walk(condition.get("body").unwrap_or(&Value::Null), &mut mentions);
            }
        }
        Err(_) => mentions.everything(),
    }
    mentions
}

impl Mentions {
    fn everything(&mut self) {
        self.principal_itself = true;
        self.resource_itself = true;
        self.context_itself = true;
    }

    fn path(&mut self, variable: &str, path: &str) {
        let set = match variable {
            "principal" => &mut self.principal,
            "resource" => &mut self.resource,
            "context" => &mut self.context,
            _ => return,
        };
        set.insert(path.to_owned());
    }

    fn itself(&mut self, variable: &str) {
        match variable {
            "principal" => self.principal_itself = true,
            "resource" => self.resource_itself = true,
            "context" => self.context_itself = true,
            _ => {}
        }
    }
}

/// Gives variable and path of `principal.a.b`.
fn chain(expression: &Value) -> Option<(String, String)> {
    if let Some(variable) = expression.get("Var").and_then(Value::as_str) {
        return Some((variable.to_owned(), String::new()));
    }
    let access = expression.get(".").or_else(|| expression.get("has"))?;
    let (variable, path) = chain(access.get("left")?)?;
    let attribute = access.get("attr")?.as_str()?;
    let path = if path.is_empty() { attribute.to_owned() } else { format!("{path}.{attribute}") };
    Some((variable, path))
}

/// Gives kind and name of an entity literal.
fn literal(expression: &Value) -> Option<(String, String)> {
    let entity = expression.get("Value")?.get("__entity")?;
    let kind = entity.get("type")?.as_str()?;
    Some((kind.to_owned(), entity.get("id")?.as_str()?.to_owned()))
}

fn walk(expression: &Value, mentions: &mut Mentions) {
    if let Some((variable, path)) = chain(expression) {
        if path.is_empty() {
            mentions.itself(&variable);
        } else {
            mentions.path(&variable, &path);
        }
        return;
    }
    let Some(object) = expression.as_object() else {
        match expression {
            Value::Array(items) => items.iter().for_each(|item| walk(item, mentions)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
            Value::Object(_) => mentions.everything(),
        }
        return;
    };
    for (operator, operands) in object {
        match operator.as_str() {
            "Value" => {}
            "is" if operands.get("in").is_none() && is_variable(operands.get("left")) => {}
            "==" | "!=" => equality(operands, mentions),
            "in" => membership(operands.get("left"), operands.get("right"), mentions),
            "is" => membership(operands.get("left"), operands.get("in"), mentions),
            _ => match operands.as_object() {
                Some(fields) => fields.values().for_each(|value| walk(value, mentions)),
                None => walk(operands, mentions),
            },
        }
    }
}

fn is_variable(expression: Option<&Value>) -> bool {
    expression.is_some_and(|expression| expression.get("Var").is_some())
}

/// `principal in Unit::"x"` reads the groups that a device is in, and nothing else of it.
fn membership(member: Option<&Value>, group: Option<&Value>, mentions: &mut Mentions) {
    let null = Value::Null;
    let (member, group) = (member.unwrap_or(&null), group.unwrap_or(&null));
    let groups = match group.get("Set").and_then(Value::as_array) {
        Some(items) => items.iter().map(literal).collect::<Option<Vec<_>>>(),
        None => literal(group).map(|one| vec![one]),
    };
    match (chain(member), groups) {
        (Some((variable, path)), Some(named)) if path.is_empty() => {
            // A device is in its segment, unit and type; a service is in its zone.
            let paths: &[&str] =
                if variable == "principal" { &["segment", "unit", "type"] } else { &["zone"] };
            paths.iter().for_each(|path| mentions.path(&variable, path));
            mentions.literals.extend(named);
        }
        _ => {
            walk(member, mentions);
            walk(group, mentions);
        }
    }
}

/// `principal == Device::"x"` tells one device from the rest, not every device from every other.
fn equality(operands: &Value, mentions: &mut Mentions) {
    let null = Value::Null;
    let left = operands.get("left").unwrap_or(&null);
    let right = operands.get("right").unwrap_or(&null);
    for (one, other) in [(left, right), (right, left)] {
        if is_variable(Some(one))
            && let Some(named) = literal(other)
        {
            mentions.literals.insert(named);
            return;
        }
    }
    walk(left, mentions);
    walk(right, mentions);
}

/// Reads the scope of a rule; `None` when it is not understood.
pub(crate) fn scopes(rule: &Rule) -> Option<Scopes> {
    let json = rule.policy.to_json().ok()?;
    let action = json.get("action")?;
    let connect = |entity: &Value| entity.get("id").and_then(Value::as_str) == Some("connect");
    let action = match action.get("op")?.as_str()? {
        "All" => true,
        "==" => connect(action.get("entity")?),
        "in" => match (action.get("entity"), action.get("entities").and_then(Value::as_array)) {
            (Some(entity), _) => connect(entity),
            (None, Some(entities)) => entities.iter().any(connect),
            (None, None) => return None,
        },
        _ => return None,
    };
    let principal = scope(json.get("principal")?)?;
    Some(Scopes { principal, action, resource: scope(json.get("resource")?)? })
}

fn scope(json: &Value) -> Option<Scope> {
    let named = |entity: &Value| {
        let kind = entity.get("type")?.as_str()?.to_owned();
        Some((kind, entity.get("id")?.as_str()?.to_owned()))
    };
    Some(match json.get("op")?.as_str()? {
        "All" => Scope::Type(None),
        "==" => {
            let (kind, id) = named(json.get("entity")?)?;
            Scope::Is { kind, id }
        }
        "in" => {
            let (kind, id) = named(json.get("entity")?)?;
            Scope::In { of: None, kind, id }
        }
        "is" => {
            let of = json.get("entity_type")?.as_str()?.to_owned();
            match json.get("in") {
                None => Scope::Type(Some(of)),
                Some(group) => {
                    let (kind, id) = named(group.get("entity").unwrap_or(group))?;
                    Scope::In { of: Some(of), kind, id }
                }
            }
        }
        _ => return None,
    })
}

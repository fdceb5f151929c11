//! The sources of the OCSF schema, and a validator over them.
//!
//! The stored sources are those of 1.9 in development; what 1.9 added is refused by name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

/// Attributes, by name, that are new in 1.9 wherever they stand.
/// # Source
/// OCSF CHANGELOG, v1.9.0.
const NEW: &[&str] = &[
    "ai_agent",
    "application",
    "attestation_list",
    "authority_uid",
    "chain_uid",
    "cpu_info_list",
    "delegation",
    "download_info",
    "iam_role",
    "iam_roles",
    "initiator",
    "initiator_id",
    "notes",
    "peripheral_devices",
    "prev_event",
    "sensor_info_list",
    "serialization",
    "serialization_id",
    "uid_numeric",
    "updated_entity",
];

/// Attributes that are new in 1.9 in one class or object.
/// # Source
/// OCSF CHANGELOG, v1.9.0.
const NEW_THERE: &[(&str, &str)] = &[
    ("fingerprint", "encoding"),
    ("fingerprint", "encoding_id"),
    ("detection_finding", "resources"),
    ("actor", "application"),
];

/// The schema.
pub(crate) struct Schema {
    root: PathBuf,
    attributes: Map<String, Value>,
    types: Map<String, Value>,
    categories: Map<String, Value>,
    classes: BTreeMap<u64, Resolved>,
    objects: BTreeMap<String, Resolved>,
}

/// A class or an object with all that it inherits and includes.
struct Resolved {
    name: String,
    attributes: BTreeMap<String, Value>,
    constraints: Map<String, Value>,
    category: Option<String>,
    is_deprecated: bool,
}

fn read(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

fn files(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.path().is_dir() {
            files(&entry.path(), out);
        } else if entry.path().extension().is_some_and(|it| it == "json") {
            out.push(entry.path());
        }
    }
}

/// Lays the members of `over` on those of `under`, members of members too.
fn merged(under: &Value, over: &Value) -> Value {
    match (under, over) {
        (Value::Object(a), Value::Object(b)) => {
            let mut out = a.clone();
            for (name, value) in b {
                let value = a.get(name).map_or_else(|| value.clone(), |old| merged(old, value));
                out.insert(name.clone(), value);
            }
            Value::Object(out)
        }
        _ => over.clone(),
    }
}

impl Schema {
    /// Reads the schema beside the checkout; none where it does not lie there.
    pub(crate) fn beside() -> Option<Self> {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpora/ocsf");
        let root = PathBuf::from(root);
        if !root.join("dictionary.json").exists() {
            eprintln!("SKIPPED, NOTHING WAS TESTED: there is no {}", root.display());
            return None;
        }
        let dictionary = read(&root.join("dictionary.json"));
        let by_name = |folder: &str| -> BTreeMap<String, Value> {
            let mut paths = Vec::new();
            files(&root.join(folder), &mut paths);
            let named = |path: &PathBuf| {
                let value = read(path);
                let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
                (value["name"].as_str().map_or(stem, str::to_owned), value)
            };
            paths.iter().map(named).collect()
        };
        let mut out = Self {
            attributes: object(&dictionary["attributes"]),
            types: object(&dictionary["types"]["attributes"]),
            categories: object(&read(&root.join("categories.json"))["attributes"]),
            classes: BTreeMap::new(),
            objects: BTreeMap::new(),
            root: root.clone(),
        };
        let (events, objects) = (by_name("events"), by_name("objects"));
        for (name, source) in &events {
            let class = out.resolve(&events, name);
            match source["uid"].as_u64() {
                Some(uid) => out.classes.insert(out.class_uid(&class, uid), class),
                None if name == "base_event" => out.classes.insert(0, class),
                None => None,
            };
        }
        let resolved = objects.keys().map(|name| (name.clone(), out.resolve(&objects, name)));
        out.objects = resolved.collect();
        Some(out)
    }

    fn resolve(&self, all: &BTreeMap<String, Value>, name: &str) -> Resolved {
        let source = all.get(name).unwrap_or_else(|| panic!("the schema has no `{name}`"));
        let mut out = match source["extends"].as_str() {
            Some(parent) => self.resolve(all, parent),
            None => Resolved {
                name: String::new(),
                attributes: BTreeMap::new(),
                constraints: Map::new(),
                category: None,
                is_deprecated: false,
            },
        };
        name.clone_into(&mut out.name);
        out.is_deprecated = source.get("@deprecated").is_some();
        let own = object(&source["attributes"]);
        let includes = match own.get("$include") {
            Some(Value::Array(paths)) => paths.clone(),
            Some(path) => vec![path.clone()],
            None => Vec::new(),
        };
        for path in includes.iter().filter_map(Value::as_str) {
            let included = read(&self.root.join(path));
            for (name, attribute) in object(&included["attributes"]) {
                let mut attribute = attribute;
                if included["meta"] == "profile" {
                    attribute["profile"] = included["name"].clone();
                }
                out.lay(&name, &attribute);
            }
        }
        for (name, attribute) in own.iter().filter(|(name, _)| *name != "$include") {
            out.lay(name, attribute);
        }
        out.constraints.extend(object(&source["constraints"]));
        if let Some(category) = source["category"].as_str() {
            out.category = Some(category.to_owned());
        }
        out
    }

    /// Gives everything that is wrong with an event.
    pub(crate) fn faults(&self, event: &Value) -> Vec<String> {
        let mut faults = Vec::new();
        let category = event["category_uid"].as_u64().unwrap_or(u64::MAX);
        let class_uid = event["class_uid"].as_u64().unwrap_or(u64::MAX);
        let activity = event["activity_id"].as_u64().unwrap_or(u64::MAX);
        let Some(class) = self.classes.get(&class_uid) else {
            return vec![format!("there is no class {class_uid}")];
        };
        if class.is_deprecated {
            faults.push(format!("class {} is deprecated", class.name));
        }
        if class_uid / 1_000 != category {
            faults.push(format!("class {class_uid} is not of category {category}"));
        }
        if event["type_uid"].as_u64() != class_uid.checked_mul(100).map(|it| it + activity) {
            faults.push("type_uid is not class_uid × 100 + activity_id".to_owned());
        }
        let profiles = event["metadata"]["profiles"].as_array().cloned().unwrap_or_default();
        let profiles: Vec<&str> = profiles.iter().filter_map(Value::as_str).collect();
        let own = object(&json!({ "category_uid": 0, "class_uid": 0, "type_uid": 0 }));
        self.check(class, event, &profiles, &own, "", &mut faults);
        faults
    }

    fn class_uid(&self, class: &Resolved, uid: u64) -> u64 {
        let category = class.category.as_deref().unwrap_or("other");
        self.categories.get(category).and_then(|it| it["uid"].as_u64()).unwrap_or(0) * 1_000 + uid
    }

    fn check(
        &self,
        class: &Resolved,
        value: &Value,
        profiles: &[&str],
        arithmetic: &Map<String, Value>,
        at: &str,
        faults: &mut Vec<String>,
    ) {
        let Some(members) = value.as_object() else {
            faults.push(format!("{at}: not an object"));
            return;
        };
        let is_named = |attribute: &Value| {
            attribute["profile"].as_str().is_none_or(|profile| profiles.contains(&profile))
        };
        for (name, member) in members {
            let at = format!("{at}/{name}");
            let Some(attribute) = class.attributes.get(name) else {
                faults.push(format!("{at}: {} has no such attribute", class.name));
                continue;
            };
            if !is_named(attribute) {
                faults.push(format!("{at}: its profile is not named"));
            }
            let is_new = NEW.contains(&name.as_str())
                || NEW_THERE.contains(&(class.name.as_str(), name.as_str()));
            if is_new {
                faults.push(format!("{at}: new in 1.9"));
            }
            let general = self.attributes.get(name).cloned().unwrap_or_default();
            if attribute.get("@deprecated").is_some() || general.get("@deprecated").is_some() {
                faults.push(format!("{at}: deprecated"));
            }
            let whole = merged(&general, attribute);
            self.typed(&whole, member, profiles, &at, faults);
            if !arithmetic.contains_key(name) {
                listed(&whole, member, members, &at, faults);
            }
        }
        for (name, attribute) in &class.attributes {
            let is_required = attribute["requirement"] == "required" && is_named(attribute);
            if is_required && !members.contains_key(name) {
                faults.push(format!("{at}/{name}: required"));
            }
        }
        for (rule, names) in &class.constraints {
            let names = names.as_array().cloned().unwrap_or_default();
            let has = |name: &&Value| name.as_str().is_some_and(|it| members.contains_key(it));
            let count = names.iter().filter(has).count();
            let holds = if rule == "just_one" { count == 1 } else { count >= 1 };
            if !holds {
                faults.push(format!("{at}: {rule} of {}", Value::from(names)));
            }
        }
    }

    fn typed(
        &self,
        attribute: &Value,
        value: &Value,
        profiles: &[&str],
        at: &str,
        faults: &mut Vec<String>,
    ) {
        if attribute["is_array"] == true {
            let Some(items) = value.as_array() else {
                faults.push(format!("{at}: not an array"));
                return;
            };
            for (number, item) in items.iter().enumerate() {
                self.one(attribute, item, profiles, &format!("{at}/{number}"), faults);
            }
        } else {
            self.one(attribute, value, profiles, at, faults);
        }
    }

    fn one(
        &self,
        attribute: &Value,
        value: &Value,
        profiles: &[&str],
        at: &str,
        faults: &mut Vec<String>,
    ) {
        let name = attribute["type"].as_str().unwrap_or_default();
        let Some(kind) = self.types.get(name) else {
            if name == "object" {
                if !value.is_object() {
                    faults.push(format!("{at}: not an object"));
                }
            } else {
                let class = self.objects.get(name).unwrap_or_else(|| panic!("no object {name}"));
                self.check(class, value, profiles, &Map::new(), at, faults);
            }
            return;
        };
        let base = kind["type"].as_str().unwrap_or(name);
        let base = self.types[base]["type"].as_str().unwrap_or(base);
        let is_typed = match base {
            "string_t" => value.is_string(),
            "integer_t" => value.as_i64().is_some_and(|it| i32::try_from(it).is_ok()),
            "long_t" => value.as_i64().is_some(),
            "boolean_t" => value.is_boolean(),
            "float_t" => value.is_number(),
            _ => base == "json_t",
        };
        if !is_typed {
            faults.push(format!("{at}: {value} is no {name}"));
        }
        let text = value.as_str().unwrap_or_default();
        let length = kind["max_len"].as_u64().unwrap_or(u64::MAX);
        let is_shaped = match name {
            "ip_t" => text.parse::<std::net::IpAddr>().is_ok(),
            "mac_t" => text.split(':').filter(|it| it.len() == 2).count() == 6,
            "port_t" => value.as_u64().is_some_and(|it| it <= 65_535),
            _ => true,
        };
        if !is_shaped || text.len() as u64 > length {
            faults.push(format!("{at}: {value} has not the form of {name}"));
        }
    }
}

impl Resolved {
    fn lay(&mut self, name: &str, attribute: &Value) {
        let under = self.attributes.get(name).cloned().unwrap_or_else(|| json!({}));
        self.attributes.insert(name.to_owned(), merged(&under, attribute));
    }
}

/// A number of a list is on it, and its word beside it is the one of the list.
fn listed(
    attribute: &Value,
    value: &Value,
    members: &Map<String, Value>,
    at: &str,
    faults: &mut Vec<String>,
) {
    let Some(list) = attribute["enum"].as_object() else { return };
    let key = value.as_u64().map_or_else(|| value.to_string(), |it| it.to_string());
    let Some(entry) = list.get(&key) else {
        faults.push(format!("{at}: {value} is not on the list"));
        return;
    };
    let Some(sibling) = attribute["sibling"].as_str() else { return };
    match members.get(sibling).and_then(Value::as_str) {
        None if key == "99" => faults.push(format!("{at}: 99 wants `{sibling}`")),
        Some(word) if key != "99" && entry["caption"] != word => {
            faults.push(format!("{at}: `{sibling}` is `{word}`, not {}", entry["caption"]));
        }
        None | Some(_) => {}
    }
}

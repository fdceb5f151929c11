//! Blame: what a check needs to say where something is wrong and how to mend it.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;
use toml::Spanned;

use crate::Vlan;
use crate::diagnostic::{Place, Report, SourceText};
use crate::id::IdError;

/// What is named in a file but could not be read: who refers to it is not blamed for that.
#[derive(Debug, Default)]
pub(super) struct Gaps {
    plan: bool,
    devices: bool,
    names: BTreeSet<String>,
}

impl Gaps {
    /// Notes that something of this name is missing from what was read.
    pub(super) fn note(&mut self, name: &str) {
        self.names.insert(name.to_owned());
    }

    /// Notes that the plan could not be read at all.
    pub(super) fn note_plan(&mut self) {
        self.plan = true;
    }

    /// Says whether anything may be missing from the plan.
    pub(super) fn cover_plan(&self) -> bool {
        self.plan
    }

    /// Notes that not every device could be read.
    pub(super) fn note_devices(&mut self) {
        self.devices = true;
    }

    /// Says whether a device is unknown only because it could not be read.
    pub(super) fn cover_device(&self, name: &str) -> bool {
        self.devices || self.names.contains(name)
    }

    /// Says whether a type is unknown only because its profile could not be read.
    pub(super) fn cover_type(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// Says whether a name is unknown only because what it names could not be read.
    pub(super) fn cover(&self, name: &str) -> bool {
        self.plan || self.names.contains(name)
    }
}

/// What a check needs to blame somebody: the text, the report, and who is excused.
pub(super) struct Blame<'a, 'r> {
    pub(super) source: &'a SourceText<'a>,
    pub(super) report: &'r mut Report,
    pub(super) gaps: &'r mut Gaps,
}

impl Blame<'_, '_> {
    pub(super) fn place<T>(&self, value: &Spanned<T>) -> Place {
        self.source.place(value.span())
    }

    pub(super) fn error<T>(
        &mut self,
        label: &'static str,
        at: &Spanned<T>,
        message: String,
        help: &str,
    ) {
        let source = self.source;
        self.report.error_at(label, || source.place(at.span()), message, help);
    }

    /// Parses an identifier or blames it.
    pub(super) fn id<I>(&mut self, text: &Spanned<String>) -> Option<I>
    where
        I: std::str::FromStr<Err = IdError>,
    {
        match text.get_ref().parse() {
            Ok(id) => Some(id),
            Err(error) => {
                let message = format!("`{}` is not an identifier: {error}", text.get_ref());
                self.error("malformed-id", text, message, "choose another identifier");
                self.gaps.note(text.get_ref());
                None
            }
        }
    }

    /// Finds what a text refers to or blames the text.
    pub(super) fn known<K, V>(
        &mut self,
        what: &str,
        text: &Spanned<String>,
        map: &BTreeMap<K, V>,
    ) -> Option<K>
    where
        K: Ord + Clone + std::borrow::Borrow<str> + std::fmt::Display,
    {
        if let Some((key, _)) = map.get_key_value(text.get_ref().as_str()) {
            return Some(key.clone());
        }
        if self.gaps.cover(text.get_ref()) {
            return None;
        }
        let message = format!("there is no {what} `{}`", text.get_ref());
        let names = map.keys().map(ToString::to_string);
        let help = hint(self.report, text.get_ref(), names, &format!("declare the {what} first"));
        self.error("unknown-reference", text, message, &help);
        None
    }

    pub(super) fn insert<K: Ord + std::fmt::Display, V>(
        &mut self,
        what: &str,
        at: &Spanned<String>,
        map: &mut BTreeMap<K, V>,
        key: K,
        value: V,
    ) {
        match map.entry(key) {
            Entry::Vacant(slot) => {
                slot.insert(value);
            }
            Entry::Occupied(slot) => {
                let message = format!("a second {what} is named `{}`", slot.key());
                self.error("duplicate-id", at, message, "give each its own identifier");
            }
        }
    }

    pub(super) fn networks(&mut self, texts: &[Spanned<String>]) -> Vec<IpNet> {
        let mut networks = Vec::new();
        for text in texts {
            match text.get_ref().parse::<IpNet>() {
                Ok(network) if network.trunc() == network => networks.push(network),
                Ok(network) => {
                    let message = format!("`{network}` has bits set behind its prefix");
                    let help = format!("write `{}`", network.trunc());
                    self.error("malformed-network", text, message, &help);
                }
                Err(_) => {
                    let message = format!("`{}` is not a network", text.get_ref());
                    let help = "write address and prefix length, for example `10.100.0.0/16`";
                    self.error("malformed-network", text, message, help);
                }
            }
        }
        networks
    }

    pub(super) fn vlan(&mut self, id: &Spanned<u16>) -> Option<Vlan> {
        match Vlan::new(*id.get_ref()) {
            Ok(vlan) => Some(vlan),
            Err(error) => {
                self.error("malformed-vlan", id, error.to_string(), "choose another number");
                None
            }
        }
    }

    pub(super) fn interface(&mut self, name: &Spanned<String>) -> Option<String> {
        let text = name.get_ref();
        let legal = !text.is_empty()
            && text.len() <= 15
            && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
        if !legal {
            let message = format!("`{text}` is not the name of a network interface");
            let help = "use 1 to 15 letters, digits, `-`, `_` and `.`";
            self.error("malformed-interface", name, message, help);
        }
        legal.then(|| text.clone())
    }
}

/// Proposes the nearest name, or says something else; nothing once nobody will read it.
pub(super) fn hint(
    report: &Report,
    text: &str,
    names: impl Iterator<Item = String>,
    otherwise: &str,
) -> String {
    if report.is_full() {
        return String::new();
    }
    match nearest(text, names) {
        Some(name) => format!("did you mean `{name}`?"),
        None => otherwise.to_owned(),
    }
}

/// Finds the name that differs least, if any is near.
fn nearest(text: &str, names: impl Iterator<Item = String>) -> Option<String> {
    names
        .map(|name| (distance(text, &name), name))
        .min()
        .filter(|(distance, name)| *distance <= 1 + name.len() / 4)
        .map(|(_, name)| name)
}

/// Counts the edits between two short texts (Levenshtein); of long ones, between their beginnings.
fn distance(a: &str, b: &str) -> usize {
    const CHARS_MAX: usize = 80;
    let mut row: Vec<usize> = (0..=b.chars().take(CHARS_MAX).count()).collect();
    for (i, ca) in a.chars().take(CHARS_MAX).enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (cb, cell) in b.chars().zip(row.iter_mut().skip(1)) {
            let substituted = diagonal + usize::from(ca != cb);
            diagonal = *cell;
            left = substituted.min(left + 1).min(diagonal + 1);
            *cell = left;
        }
    }
    row.last().copied().unwrap_or(0)
}

/// Turns a TOML error into a diagnostic.
pub(super) fn syntax(source: &SourceText<'_>, error: &toml::de::Error, report: &mut Report) {
    let place = source.place(error.span().unwrap_or(0..0));
    let message = error.message().trim_end_matches('.').to_owned();
    let help = "see docs/reference/hospital-directory.md for the keys and their values";
    report.error("malformed-toml", place, message, help);
}

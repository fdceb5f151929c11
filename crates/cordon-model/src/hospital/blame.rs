//! Blame: what a check needs to say where something is wrong and how to mend it.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use ipnet::IpNet;
use toml::Spanned;

use crate::Vlan;
use crate::diagnostic::{Place, Report, SourceText};
use crate::id::IdError;

/// What a check needs to blame somebody: the text and the report.
pub(super) struct Blame<'a, 'r> {
    pub(super) source: &'a SourceText<'a>,
    pub(super) report: &'r mut Report,
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
        let place = self.place(at);
        self.report.error(label, place, message, help);
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
        let message = format!("there is no {what} `{}`", text.get_ref());
        let help = match nearest(text.get_ref(), map.keys().map(ToString::to_string)) {
            Some(name) => format!("did you mean `{name}`?"),
            None => format!("declare the {what} first"),
        };
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

    pub(super) fn vlan(
        &mut self,
        id: &Spanned<u16>,
        taken: &mut BTreeMap<Vlan, String>,
        by: &str,
    ) -> Option<Vlan> {
        let vlan = match Vlan::new(*id.get_ref()) {
            Ok(vlan) => vlan,
            Err(error) => {
                self.error("malformed-vlan", id, error.to_string(), "choose another number");
                return None;
            }
        };
        if let Some(other) = taken.insert(vlan, by.to_owned()) {
            let message = format!("VLAN {vlan} is already the one of `{other}`");
            self.error("duplicate-vlan", id, message, "give each segment its own VLAN");
        }
        Some(vlan)
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

/// Finds the name that differs least, if any is near.
pub(super) fn nearest(text: &str, names: impl Iterator<Item = String>) -> Option<String> {
    names
        .map(|name| (distance(text, &name), name))
        .min()
        .filter(|(distance, name)| *distance <= 1 + name.len() / 4)
        .map(|(_, name)| name)
}

/// Counts the edits between two short texts (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, ca) in a.chars().take(80).enumerate() {
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

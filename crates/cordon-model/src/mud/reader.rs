//! Reads typed values out of a JSON tree and takes down what is wrong, with the path to it.
//!
//! Source: RFC 7951 §4 to §6 (YANG data in JSON); RFC 6901 (paths).

use std::collections::BTreeSet;
use std::ops::Range;

use super::fault::excerpt;
use super::json::{Json, Member, Node};
use super::{ERRORS_MAX, MudError, MudFault};

/// Takes down what is wrong with a text.
#[derive(Debug)]
pub(super) struct Reader<'t> {
    text: &'t str,
    errors: Vec<MudError>,
}

impl<'t> Reader<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, errors: Vec::new() }
    }

    /// Takes down a fault at a value.
    pub(super) fn refuse(&mut self, at: &At<'_>, fault: MudFault) {
        self.push(MudError { path: at.path.clone(), span: at.node.span.clone(), fault });
    }

    /// Takes down a fault at the name of a member.
    fn refuse_name(&mut self, at: &At<'_>, member: &Member, fault: MudFault) {
        let path = pointer(&at.path, &member.name);
        self.push(MudError { path, span: member.name_span.clone(), fault });
    }

    fn push(&mut self, error: MudError) {
        if self.errors.len() > ERRORS_MAX || self.errors.contains(&error) {
            return;
        }
        let fault = match self.errors.len() < ERRORS_MAX {
            true => return self.errors.push(error),
            false => MudFault::OverLimit { what: "errors", limit: ERRORS_MAX },
        };
        let end = self.text.len();
        self.errors.push(MudError { path: String::new(), span: end..end, fault });
    }

    /// Counts what has been taken down.
    pub(super) fn count(&self) -> usize {
        self.errors.len()
    }

    /// Gives everything that is wrong, in the order of the text.
    pub(super) fn finish(mut self) -> Vec<MudError> {
        self.errors.sort_by_key(|error| (error.span.start, error.span.end));
        self.errors
    }

    /// Gives the text of a value, cut.
    pub(super) fn found(&self, at: &At<'_>) -> String {
        self.excerpt(&at.node.span)
    }

    fn excerpt(&self, span: &Range<usize>) -> String {
        excerpt(self.text.get(span.clone()).unwrap_or_default())
    }

    fn kind(&mut self, at: &At<'_>, expected: &'static str) {
        let found = self.found(at);
        self.refuse(at, MudFault::Kind { found, expected });
    }

    /// Takes down a value of the right kind that says nothing valid.
    pub(super) fn value(&mut self, at: &At<'_>, expected: &'static str) {
        let found = self.found(at);
        self.refuse(at, MudFault::Value { found, expected });
    }
}

/// A value and the way to it.
#[derive(Debug, Clone)]
pub(super) struct At<'n> {
    pub(super) node: &'n Node,
    pub(super) path: String,
}

impl<'n> At<'n> {
    pub(super) fn root(node: &'n Node) -> Self {
        Self { node, path: String::new() }
    }

    /// Opens an object.
    pub(super) fn object(self, reader: &mut Reader<'_>) -> Option<Object<'n>> {
        let Json::Object(members) = &self.node.value else {
            reader.kind(&self, "an object");
            return None;
        };
        let mut names = BTreeSet::new();
        for member in members.iter().filter(|member| !names.insert(&member.name)) {
            let fault = MudFault::DuplicateMember { found: excerpt(&member.name) };
            reader.refuse_name(&self, member, fault);
        }
        Some(Object { at: self, members })
    }

    /// Opens a list.
    pub(super) fn list(&self, reader: &mut Reader<'_>) -> Vec<At<'n>> {
        let Json::List(entries) = &self.node.value else {
            reader.kind(self, "a list");
            return Vec::new();
        };
        let entry = |(index, node)| At { node, path: format!("{}/{index}", self.path) };
        entries.iter().enumerate().map(entry).collect()
    }

    pub(super) fn text(&self, reader: &mut Reader<'_>) -> Option<&'n str> {
        match &self.node.value {
            Json::Text(text) => Some(text),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::List(_) | Json::Object(_) => {
                reader.kind(self, "a string");
                None
            }
        }
    }

    /// Reads a text of 1 to `chars_max` characters.
    pub(super) fn name(
        &self,
        reader: &mut Reader<'_>,
        chars_max: usize,
        expected: &'static str,
    ) -> Option<&'n str> {
        let text = self.text(reader)?;
        if !(1..=chars_max).contains(&text.chars().count()) {
            reader.value(self, expected);
            return None;
        }
        Some(text)
    }

    /// Reads an enumeration or an identity; an identity may carry the name of its module.
    pub(super) fn word<T: Copy>(
        &self,
        reader: &mut Reader<'_>,
        words: &[(&str, T)],
        expected: &'static str,
    ) -> Option<T> {
        let text = self.text(reader)?;
        let found = words.iter().find(|(word, _)| *word == text);
        if found.is_none() {
            reader.value(self, expected);
        }
        found.map(|(_, value)| *value)
    }

    pub(super) fn boolean(&self, reader: &mut Reader<'_>) -> Option<bool> {
        match self.node.value {
            Json::Bool(value) => Some(value),
            Json::Null | Json::Text(_) | Json::Number(_) | Json::List(_) | Json::Object(_) => {
                reader.kind(self, "`true` or `false`");
                None
            }
        }
    }

    /// Reads a whole number of a type that has no sign.
    pub(super) fn number<T: TryFrom<u64>>(
        &self,
        reader: &mut Reader<'_>,
        expected: &'static str,
    ) -> Option<T> {
        let Json::Number(text) = &self.node.value else {
            reader.kind(self, expected);
            return None;
        };
        let number = text.parse::<u64>().ok().and_then(|number| T::try_from(number).ok());
        if number.is_none() {
            reader.value(self, expected);
        }
        number
    }

    /// Checks that the value is that of a leaf of type `empty`.
    pub(super) fn empty(&self, reader: &mut Reader<'_>) -> Option<()> {
        let is_empty = match &self.node.value {
            Json::List(entries) => {
                matches!(entries.as_slice(), [Node { value: Json::Null, .. }])
            }
            Json::Null | Json::Bool(_) | Json::Text(_) | Json::Number(_) | Json::Object(_) => false,
        };
        if !is_empty {
            reader.kind(self, "`[null]`");
        }
        is_empty.then_some(())
    }
}

/// An object and the way to it.
#[derive(Debug, Clone)]
pub(super) struct Object<'n> {
    pub(super) at: At<'n>,
    members: &'n [Member],
}

/// What becomes of a member that has the name of a foreign module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Foreign {
    /// It is ignored: it cannot change what a rule means.
    Ignore,
    /// It is refused: the file declares no extension.
    Undeclared,
    /// It is refused: it may change what a rule means.
    Refuse,
}

/// The modules whose members are all known.
const MODULES: [&str; 3] = ["ietf-mud", "ietf-access-control-list", "ietf-acldns"];

/// The names that drafts before the standard used, and how the standard says it.
/// # Source
/// draft-ietf-opsawg-mud-05 to -25; draft-ietf-netmod-acl-model-07 to -20.
const DRAFT_NAMES: [(&str, &str); 34] = [
    ("ietf-mud:meta-info", "`ietf-mud:mud`"),
    ("ietf-mud:support-information", "`ietf-mud:mud`"),
    ("ietf-mud:device", "`from-device-policy` and `to-device-policy` in `ietf-mud:mud`"),
    ("ietf-access-control-list:access-lists", "`ietf-access-control-list:acls`"),
    ("acl-name", "`name`"),
    ("acl-type", "`type` in the access list itself"),
    ("access-list-entries", "`aces`"),
    ("rule-name", "`name`"),
    ("packet-handling", "`forwarding`"),
    ("permit", "`forwarding`"),
    ("deny", "`forwarding`"),
    ("lastUpdate", "`last-update`"),
    ("systemInfo", "`systeminfo`"),
    ("cacheValidity", "`cache-validity`"),
    ("previous-mud-file", "nothing"),
    ("masa-server", "an extension"),
    ("is-supported-until", "`is-supported`"),
    ("l2", "`eth`"),
    ("l3", "`ipv4` or `ipv6`"),
    ("l4", "`tcp`, `udp` or `icmp`"),
    ("ipv4-acl", "`ipv4`"),
    ("ipv6-acl", "`ipv6`"),
    ("tcp-acl", "`tcp`"),
    ("udp-acl", "`udp`"),
    ("icmp-acl", "`icmp`"),
    ("mud-acl", "`ietf-mud:mud`"),
    ("ietf-mud:mud-acl", "`ietf-mud:mud`"),
    ("ietf-mud:direction", "`ietf-mud:direction-initiated`"),
    ("ietf-mud:local-networks", "`local-networks` in `ietf-mud:mud`"),
    ("ietf-mud:controller", "`controller` in `ietf-mud:mud`"),
    ("source-port-range", "`source-port`"),
    ("destination-port-range", "`destination-port`"),
    ("source-port-range-or-operator", "`source-port`"),
    ("destination-port-range-or-operator", "`destination-port`"),
];

impl<'n> Object<'n> {
    /// Gives a member's value; the first when the member is repeated.
    pub(super) fn member(&self, name: &str) -> Option<At<'n>> {
        let member = self.members.iter().find(|member| member.name == name)?;
        Some(At { node: &member.value, path: pointer(&self.at.path, name) })
    }

    /// Gives a member's value, or takes down that it is missing.
    pub(super) fn required(&self, reader: &mut Reader<'_>, name: &'static str) -> Option<At<'n>> {
        let value = self.member(name);
        if value.is_none() {
            reader.refuse(&self.at, MudFault::Missing { member: name });
        }
        value
    }

    /// Opens a member that is an object, or gives none when there is no such member.
    pub(super) fn inner(&self, reader: &mut Reader<'_>, name: &str) -> Option<Object<'n>> {
        self.member(name)?.object(reader)
    }

    /// Gives those of the names that are there.
    pub(super) fn present(&self, names: &[&'static str]) -> Vec<&'static str> {
        names.iter().filter(|name| self.member(name).is_some()).copied().collect()
    }

    /// Takes down every member that is not one of these.
    pub(super) fn only(
        &self,
        reader: &mut Reader<'_>,
        known: &[&'static str],
        unsupported: &[&'static str],
        foreign: Foreign,
    ) {
        for member in self.members {
            let name = member.name.as_str();
            if known.contains(&name) {
                continue;
            }
            let found = excerpt(name);
            let fault = match unsupported.contains(&name) {
                true => Some(MudFault::UnsupportedMatch { found }),
                false => unknown(name, found, known, foreign),
            };
            if let Some(fault) = fault {
                reader.refuse_name(&self.at, member, fault);
            }
        }
    }
}

/// Says what is wrong with a member that is not known; nothing when it may be ignored.
fn unknown(
    name: &str,
    found: String,
    known: &[&'static str],
    foreign: Foreign,
) -> Option<MudFault> {
    if let Some((_, now)) = DRAFT_NAMES.iter().find(|(draft, _)| *draft == name) {
        return Some(MudFault::OldForm { found, now });
    }
    let (module, bare) = name.split_once(':').unwrap_or(("", name));
    let is_ours = MODULES.contains(&module);
    if bare == "direction-initiated" && (module.is_empty() || is_ours) {
        let here = known.contains(&"ietf-mud:direction-initiated");
        let expected = "ietf-mud:direction-initiated";
        return Some(match here {
            true => MudFault::MemberName { found, expected },
            false => MudFault::DirectionWithoutTcp,
        });
    }
    let bare_of = |name: &'static str| name.split_once(':').map_or(name, |(_, bare)| bare);
    let expected = known.iter().find(|name| bare_of(name) == bare);
    match expected {
        Some(expected) if module.is_empty() || is_ours => {
            return Some(MudFault::MemberName { found, expected });
        }
        Some(_) | None => {}
    }
    if module.is_empty() || is_ours {
        return Some(MudFault::UnknownMember { found });
    }
    match foreign {
        Foreign::Ignore => None,
        Foreign::Undeclared => Some(MudFault::UndeclaredExtension { found }),
        Foreign::Refuse => Some(MudFault::Extension { found }),
    }
}

/// Adds a member's name to a JSON pointer.
fn pointer(path: &str, name: &str) -> String {
    format!("{path}/{}", excerpt(name).replace('~', "~0").replace('/', "~1"))
}

//! Reads the MUD container and joins its two policies with the access lists they name.
//!
//! Source: RFC 8520 §3; module ietf-mud, revision 2019-01-28.

use std::collections::BTreeSet;

use super::acl::{self, Acl, Side};
use super::fault::excerpt;
use super::json::Node;
use super::reader::{At, Foreign, Object, Reader};
use super::text;
use super::{EXTENSIONS_MAX, MudAce, MudAction, MudFault, MudFile};

const MUD: &str = "ietf-mud:mud";
const ACLS: &str = "ietf-access-control-list:acls";

const MUD_MEMBERS: [&str; 15] = [
    "mud-version",
    "mud-url",
    "last-update",
    "mud-signature",
    "cache-validity",
    "is-supported",
    "systeminfo",
    "mfg-name",
    "model-name",
    "firmware-rev",
    "software-rev",
    "documentation",
    "extensions",
    "from-device-policy",
    "to-device-policy",
];

/// Reads a whole document; the result is of use only when nothing was taken down.
pub(super) fn file(reader: &mut Reader<'_>, root: &Node) -> Option<MudFile> {
    let root = At::root(root).object(reader)?;
    let mud = root.required(reader, MUD).and_then(|at| at.object(reader));
    let extensions = mud.as_ref().map(|mud| extensions(reader, mud)).unwrap_or_default();
    let foreign = match extensions.is_empty() {
        true => Foreign::Undeclared,
        false => Foreign::Ignore,
    };
    root.only(reader, &[MUD, ACLS], &[], foreign);
    let acls = root.required(reader, ACLS).and_then(|at| acl::acls(reader, at));
    let mud = mud?;
    mud.only(reader, &MUD_MEMBERS, &[], foreign);
    version(reader, &mud);
    let from_named = named(reader, &mud, Side::FromDevice);
    let to_named = named(reader, &mud, Side::ToDevice);
    let header = header(reader, &mud, extensions);
    let acls = acls?;
    let from_device = join(reader, &from_named, &acls, Side::FromDevice);
    let to_device = join(reader, &to_named, &acls, Side::ToDevice);
    if from_named.is_empty() && to_named.is_empty() && reader.count() == 0 {
        reader.refuse(&mud.at, MudFault::Empty);
    }
    let used: BTreeSet<_> = from_named.iter().chain(&to_named).map(|(_, name)| *name).collect();
    let names = acls.iter().map(|acl| acl.name);
    let unused_acls = names.filter(|name| !used.contains(name)).map(str::to_owned).collect();
    Some(MudFile { from_device, to_device, unused_acls, ..header? })
}

fn version(reader: &mut Reader<'_>, mud: &Object<'_>) {
    let Some(at) = mud.required(reader, "mud-version") else { return };
    let expected = "a whole number from 0 to 255";
    if at.number::<u8>(reader, expected).is_some_and(|version| version != 1) {
        let found = reader.found(&at);
        reader.refuse(&at, MudFault::Version { found });
    }
}

/// Reads everything but the policies.
fn header(reader: &mut Reader<'_>, mud: &Object<'_>, extensions: Vec<String>) -> Option<MudFile> {
    let mud_url = mud
        .required(reader, "mud-url")
        .and_then(|at| checked(reader, &at, text::is_mud_url, "an `https` URL"));
    let last_update = mud.required(reader, "last-update").and_then(|at| {
        let expected = "a date and time such as `2026-11-23T22:48:00Z`";
        checked(reader, &at, text::is_date_and_time, expected)
    });
    let is_supported = mud.required(reader, "is-supported").and_then(|at| at.boolean(reader));
    let cache_validity_h = mud.member("cache-validity").map_or(Some(48), |at| {
        let expected = "a whole number of hours from 1 to 168";
        let hours = at.number::<u8>(reader, expected)?;
        if !(1..=168).contains(&hours) {
            reader.value(&at, expected);
        }
        Some(hours)
    });
    let mut any = |name| mud.member(name)?.text(reader).map(str::to_owned);
    let [systeminfo, mfg_name] = [any("systeminfo"), any("mfg-name")];
    let [model_name, firmware_rev] = [any("model-name"), any("firmware-rev")];
    let software_rev = any("software-rev");
    let mut uri = |name| checked(reader, &mud.member(name)?, text::is_uri, "a URI");
    let [documentation, signature] = [uri("documentation"), uri("mud-signature")];
    Some(MudFile {
        mud_url: mud_url?,
        last_update: last_update?,
        cache_validity_h: cache_validity_h?,
        is_supported: is_supported?,
        systeminfo,
        mfg_name,
        documentation,
        model_name,
        firmware_rev,
        software_rev,
        signature,
        extensions,
        from_device: Vec::new(),
        to_device: Vec::new(),
        unused_acls: Vec::new(),
    })
}

/// Reads a text that must stand a check.
fn checked(
    reader: &mut Reader<'_>,
    at: &At<'_>,
    check: fn(&str) -> bool,
    expected: &'static str,
) -> Option<String> {
    let text = at.text(reader)?;
    if !check(text) {
        reader.value(at, expected);
        return None;
    }
    Some(text.to_owned())
}

fn extensions(reader: &mut Reader<'_>, mud: &Object<'_>) -> Vec<String> {
    let Some(at) = mud.member("extensions") else { return Vec::new() };
    let entries = at.list(reader);
    if entries.len() > EXTENSIONS_MAX {
        let fault = MudFault::OverLimit { what: "extensions", limit: EXTENSIONS_MAX };
        reader.refuse(&at, fault);
        return Vec::new();
    }
    let mut names: Vec<String> = Vec::new();
    for at in entries {
        let Some(name) = at.name(reader, 40, "a name of 1 to 40 characters") else { continue };
        if names.iter().any(|other| other == name) {
            let fault = MudFault::DuplicateEntry { list: "extension", found: excerpt(name) };
            reader.refuse(&at, fault);
        }
        names.push(name.to_owned());
    }
    names
}

/// Reads which access lists a policy names.
fn named<'n>(reader: &mut Reader<'_>, mud: &Object<'n>, side: Side) -> Vec<(At<'n>, &'n str)> {
    let Some(policy) = mud.inner(reader, side.policy()) else { return Vec::new() };
    policy.only(reader, &["access-lists"], &[], Foreign::Refuse);
    let Some(lists) = policy.inner(reader, "access-lists") else { return Vec::new() };
    lists.only(reader, &["access-list"], &[], Foreign::Refuse);
    let Some(at) = lists.member("access-list") else { return Vec::new() };
    let mut names = Vec::new();
    let mut seen = BTreeSet::new();
    for entry in at.list(reader) {
        let Some(entry) = entry.object(reader) else { continue };
        entry.only(reader, &["name"], &[], Foreign::Refuse);
        let Some(at) = entry.required(reader, "name") else { continue };
        let Some(name) = acl::name(reader, &at) else { continue };
        if !seen.insert(name) {
            let fault = MudFault::DuplicateEntry { list: "access list", found: excerpt(name) };
            reader.refuse(&at, fault);
            continue;
        }
        names.push((at, name));
    }
    names
}

/// Reads the entries of the lists that a policy names, in the order in which it names them.
fn join(
    reader: &mut Reader<'_>,
    named: &[(At<'_>, &str)],
    acls: &[Acl<'_>],
    side: Side,
) -> Vec<MudAce> {
    let mut aces: Vec<MudAce> = Vec::new();
    for (at, name) in named {
        let Some(acl) = acls.iter().find(|acl| acl.name == *name) else {
            reader.refuse(at, MudFault::AclAbsent { found: excerpt(name) });
            continue;
        };
        for ace_at in &acl.aces {
            let Some(ace) = acl::ace(reader, acl, ace_at, side) else { continue };
            let drops = aces.iter().find(|drop| drops_some_of(drop, &ace));
            if let Some(drop) = drops {
                let fault = MudFault::DropBeforeAccept {
                    drop: excerpt(&drop.name),
                    accept: excerpt(&ace.name),
                };
                reader.refuse(&ace_at.at, fault);
            }
            aces.push(ace);
        }
    }
    aces
}

/// Says whether an entry may drop what a later one accepts.
fn drops_some_of(drop: &MudAce, accept: &MudAce) -> bool {
    drop.action != MudAction::Accept && accept.action == MudAction::Accept && drop.overlaps(accept)
}

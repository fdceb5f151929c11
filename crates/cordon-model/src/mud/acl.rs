//! Reads access lists and their entries.
//!
//! Source: RFC 8519 §4.1; module ietf-access-control-list, revision 2019-03-04.

use std::collections::BTreeSet;

use super::fault::excerpt;
use super::matches;
use super::reader::{At, Foreign, Object, Reader};
use super::{
    ACES_MAX, ACLS_MAX, MudAce, MudAction, MudFamily, MudFault, MudPeer, MudPorts, MudTransport,
};

/// Which policy an access list is read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// The source is the device, the destination is the other side.
    FromDevice,
    /// The source is the other side, the destination is the device.
    ToDevice,
}

impl Side {
    pub(super) fn policy(self) -> &'static str {
        match self {
            Self::FromDevice => "from-device-policy",
            Self::ToDevice => "to-device-policy",
        }
    }
}

impl MudFamily {
    pub(super) fn acl_type(self) -> &'static str {
        match self {
            Self::V4 => "ipv4-acl-type",
            Self::V6 => "ipv6-acl-type",
        }
    }
}

/// An access list whose entries are still to be read, once for each policy that names it.
#[derive(Debug)]
pub(super) struct Acl<'n> {
    pub(super) name: &'n str,
    pub(super) family: Option<MudFamily>,
    pub(super) aces: Vec<Object<'n>>,
}

/// Reads all access lists, but not what their entries match.
pub(super) fn acls<'n>(reader: &mut Reader<'_>, at: At<'n>) -> Option<Vec<Acl<'n>>> {
    let container = at.object(reader)?;
    container.only(reader, &["acl"], &[], Foreign::Refuse);
    let at = container.required(reader, "acl")?;
    let entries = at.list(reader);
    if entries.len() > ACLS_MAX {
        let fault = MudFault::OverLimit { what: "access lists", limit: ACLS_MAX };
        reader.refuse(&at, fault);
        return None;
    }
    let mut acls: Vec<Acl<'n>> = Vec::new();
    let mut left = ACES_MAX;
    for entry in entries {
        let at = entry.clone();
        let Some(acl) = acl(reader, entry, &mut left) else { continue };
        if acls.iter().any(|other| other.name == acl.name) {
            let found = excerpt(acl.name);
            reader.refuse(&at, MudFault::DuplicateEntry { list: "access list", found });
        }
        acls.push(acl);
    }
    Some(acls)
}

/// Reads the name of an access list or of an entry.
pub(super) fn name<'n>(reader: &mut Reader<'_>, at: &At<'n>) -> Option<&'n str> {
    at.name(reader, 64, "a name of 1 to 64 characters")
}

/// Reads an access list; what is wrong in it leaves it without a type or without entries.
fn acl<'n>(reader: &mut Reader<'_>, at: At<'n>, left: &mut usize) -> Option<Acl<'n>> {
    let acl = at.object(reader)?;
    acl.only(reader, &["name", "type", "aces"], &[], Foreign::Refuse);
    let name = acl.required(reader, "name").and_then(|at| name(reader, &at));
    let family = acl.required(reader, "type").and_then(|at| family(reader, &at));
    let aces = acl.required(reader, "aces").and_then(|at| at.object(reader));
    let aces = aces.map(|aces| entries(reader, &aces, name, left)).unwrap_or_default();
    Some(Acl { name: name?, family, aces })
}

/// Reads the entries of an access list, but not what they match.
fn entries<'n>(
    reader: &mut Reader<'_>,
    aces: &Object<'n>,
    acl: Option<&str>,
    left: &mut usize,
) -> Vec<Object<'n>> {
    aces.only(reader, &["ace"], &[], Foreign::Refuse);
    let count_before = reader.count();
    let entries = aces.member("ace").map(|at| at.list(reader)).unwrap_or_default();
    if entries.is_empty() && reader.count() == count_before {
        let found = excerpt(acl.unwrap_or_default());
        reader.refuse(&aces.at, MudFault::EmptyAcl { found });
    }
    let Some(rest) = left.checked_sub(entries.len()) else {
        reader.refuse(&aces.at, MudFault::OverLimit { what: "entries", limit: ACES_MAX });
        return Vec::new();
    };
    *left = rest;
    let mut names = BTreeSet::new();
    let mut objects = Vec::new();
    for entry in entries {
        let Some(ace) = entry.object(reader) else { continue };
        ace.only(reader, &["name", "matches", "actions"], &[], Foreign::Refuse);
        let at = ace.required(reader, "name");
        let name = at.as_ref().and_then(|at| name(reader, at));
        if let (Some(at), Some(name)) = (at, name)
            && !names.insert(name)
        {
            let fault = MudFault::DuplicateEntry { list: "entry", found: excerpt(name) };
            reader.refuse(&at, fault);
        }
        objects.push(ace);
    }
    objects
}

fn family(reader: &mut Reader<'_>, at: &At<'_>) -> Option<MudFamily> {
    let text = at.text(reader)?;
    let family = match text.strip_prefix("ietf-access-control-list:").unwrap_or(text) {
        "ipv4-acl-type" => Some(MudFamily::V4),
        "ipv6-acl-type" => Some(MudFamily::V6),
        _ => None,
    };
    if family.is_none() {
        let found = reader.found(at);
        reader.refuse(at, MudFault::AclType { found });
    }
    family
}

/// Reads an entry for a policy.
pub(super) fn ace(
    reader: &mut Reader<'_>,
    acl: &Acl<'_>,
    ace: &Object<'_>,
    side: Side,
) -> Option<MudAce> {
    let family = acl.family?;
    let before = reader.count();
    let matched = matches::matched(reader, ace, family, side);
    let is_understood = reader.count() == before;
    let action = action(reader, ace)?;
    let matched = matched?;
    if matched.peer.is_none() && action == MudAction::Accept && is_understood {
        let at = ace.member("matches").unwrap_or_else(|| ace.at.clone());
        reader.refuse(&at, MudFault::Open);
    }
    Some(MudAce {
        acl: acl.name.to_owned(),
        name: ace.member("name").and_then(|at| name(reader, &at))?.to_owned(),
        family,
        peer: matched.peer.unwrap_or(MudPeer::Any),
        transport: matched.transport,
        local: matched.local,
        remote: matched.remote,
        initiated: matched.initiated,
        action,
    })
}

fn action(reader: &mut Reader<'_>, ace: &Object<'_>) -> Option<MudAction> {
    let actions = ace.required(reader, "actions")?.object(reader)?;
    actions.only(reader, &["forwarding", "logging"], &[], Foreign::Refuse);
    if let Some(at) = actions.member("logging") {
        let words = [
            ("log-none", ()),
            ("log-syslog", ()),
            ("ietf-access-control-list:log-none", ()),
            ("ietf-access-control-list:log-syslog", ()),
        ];
        at.word(reader, &words, "`log-none` or `log-syslog`");
    }
    let words = [
        ("accept", MudAction::Accept),
        ("drop", MudAction::Drop),
        ("reject", MudAction::Reject),
        ("ietf-access-control-list:accept", MudAction::Accept),
        ("ietf-access-control-list:drop", MudAction::Drop),
        ("ietf-access-control-list:reject", MudAction::Reject),
    ];
    let at = actions.required(reader, "forwarding")?;
    at.word(reader, &words, "`accept`, `drop` or `reject`")
}

impl MudAce {
    /// Says whether some packet may match both entries of one policy; in doubt it does.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        let transports = match (self.transport, other.transport) {
            (MudTransport::Any, _) | (_, MudTransport::Any) => true,
            (MudTransport::Icmp { kind: a, code: c }, MudTransport::Icmp { kind: b, code: d }) => {
                same_or_any(a, b) && same_or_any(c, d)
            }
            (a, b) => a == b,
        };
        let peers = match (&self.peer, &other.peer) {
            (MudPeer::Network(a), MudPeer::Network(b)) => a.contains(b) || b.contains(a),
            (_, _) => true,
        };
        self.family == other.family
            && transports
            && peers
            && ports_overlap(self.local, other.local)
            && ports_overlap(self.remote, other.remote)
            && same_or_any(self.initiated, other.initiated)
    }
}

fn same_or_any<T: PartialEq>(a: Option<T>, b: Option<T>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a == b,
        (Some(_), None) | (None, Some(_)) | (None, None) => true,
    }
}

fn ports_overlap(a: Option<MudPorts>, b: Option<MudPorts>) -> bool {
    let (Some(a), Some(b)) = (a, b) else { return true };
    let mut starts = starts(a).into_iter().chain(starts(b)).flatten();
    starts.any(|port| a.contains(port) && b.contains(port))
}

/// Gives the first port of every run of ports; two sets that meet, meet in such a port of one.
fn starts(ports: MudPorts) -> [Option<u16>; 2] {
    match ports {
        MudPorts::Eq(first) | MudPorts::Range(first, _) | MudPorts::Gteq(first) => {
            [Some(first), None]
        }
        MudPorts::Lteq(_) => [Some(0), None],
        MudPorts::Neq(not) => [Some(0), not.checked_add(1)],
    }
}

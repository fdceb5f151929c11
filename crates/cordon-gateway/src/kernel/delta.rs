//! The difference of two texts: where only elements of sets changed, only those are sent.
//!
//! A text is taken apart into the elements of its sets and all that stands around them, the frame.
//! If two texts have the same frame, going from one to the other is adding and removing elements,
//! which netlink does in two transactions and in microseconds for each; what stays is not touched, so
//! no packet of a flow that stays notices anything. Any other difference is for nft.
//!
//! Invariant: a text that is not understood in every line has no difference to another.
//!
//! Source: Linux `include/uapi/linux/netfilter/nf_tables.h`; nft(8) 1.0.6.

use std::collections::{BTreeMap, HashSet};
use std::net::{Ipv4Addr, Ipv6Addr};

use cordon_model::nft::{self, LOADED_TABLE};
use cordon_model::{Mac, Transport};
use netlink_packet_core::{DefaultNla, NLA_F_NESTED, NLM_F_CREATE};
use netlink_packet_netfilter::nftables::{
    DataAttribute, ListAttribute, NfTablesMessage, SetElementAttribute, SetElementList,
    SetElementMessage, TableAttribute, TableMessage,
};
use netlink_packet_netfilter::{NetfilterHeader, NetfilterMessage, NetfilterProtoFamily};

/// The most elements that come and go in one transaction.
const ELEMENTS_MAX: usize = 16_384;

/// How many elements one message carries: attributes are at most 64 KiB long.
const ELEMENTS_OF_MESSAGE: usize = 256;

/// What stands between the key of an element and its limit.
const LIMIT: &str = " limit rate over ";

/// Bytes of the name of an interface, as the kernel keeps it.
const INTERFACE_BYTES: usize = 16;

/// Where elements stand: family and name of the table, name of the set.
type Place<'t> = (&'t str, &'t str, &'t str);

/// A text, taken apart.
#[derive(Debug, PartialEq, Eq, Default)]
struct Parts<'t> {
    /// Every line that is no comment and no element.
    frame: Vec<&'t str>,
    /// The type of each set, and its elements.
    sets: BTreeMap<Place<'t>, (&'t str, HashSet<&'t str>)>,
}

/// What is sent to the kernel instead of a text.
#[derive(Debug)]
pub(super) struct Delta {
    /// How many elements come.
    pub(super) added: usize,
    /// How many elements go.
    pub(super) removed: usize,
    /// What comes, in a transaction before: a flow that moves from one list to another is in both for a
    /// moment, and never in none.
    pub(super) first: Vec<(u16, NetfilterMessage)>,
    /// What goes, what comes with another limit, and the new name.
    pub(super) then: Vec<(u16, NetfilterMessage)>,
}

/// Gives the difference; `None` if it is more than elements, or too many of them.
pub(super) fn delta(old: &str, new: &str) -> Option<Delta> {
    let generation = nft::generation(new)?;
    let (old, new) = (parts(old)?, parts(new)?);
    if old.frame != new.frame || old.sets.keys().ne(new.sets.keys()) {
        return None;
    }
    let mut delta = Delta { added: 0, removed: 0, first: Vec::new(), then: Vec::new() };
    for (place, (kind, elements)) in &new.sets {
        let (_, before) = old.sets.get(place).filter(|(before, _)| before == kind)?;
        let gone: Vec<&str> = before.difference(elements).copied().collect();
        let come: Vec<&str> = elements.difference(before).copied().collect();
        delta.removed += gone.len();
        delta.added += come.len();
        if delta.added + delta.removed > ELEMENTS_MAX {
            return None;
        }
        for part in gone.chunks(ELEMENTS_OF_MESSAGE) {
            let message = NfTablesMessage::DeleteSetElement(message(*place, kind, part, false)?);
            delta.then.push((0, NetfilterMessage::new(header(place.0)?, message)));
        }
        for part in come.chunks(ELEMENTS_OF_MESSAGE) {
            let message = NfTablesMessage::NewSetElement(message(*place, kind, part, true)?);
            // An element with another limit has the same key, which has to go before.
            let is_limited = part.iter().any(|element| element.contains(LIMIT));
            let to = if is_limited { &mut delta.then } else { &mut delta.first };
            to.push((NLM_F_CREATE, NetfilterMessage::new(header(place.0)?, message)));
        }
    }
    delta.then.extend(renamed(generation)?);
    Some(delta)
}

/// Takes a text apart; the comment that names it belongs to neither part.
fn parts(text: &str) -> Option<Parts<'_>> {
    let mut parts = Parts::default();
    let (mut table, mut set, mut kind) = (("", ""), None, "");
    let mut is_element = false;
    for line in text.lines() {
        let inner = line.trim_start();
        if inner.starts_with('#') {
            continue;
        }
        let depth = line.len() - inner.len();
        if is_element && inner != "}" {
            let (name, element) = (set?, inner.strip_suffix(',')?);
            let known =
                parts.sets.entry((table.0, table.1, name)).or_insert((kind, HashSet::new()));
            known.1.insert(element);
            continue;
        }
        match (depth, inner) {
            (0, _) => {
                if let Some(head) = inner.strip_prefix("table ") {
                    table = head.strip_suffix(" {")?.split_once(' ')?;
                }
            }
            (4, "}") => set = None,
            (4, _) => {
                set = inner.strip_prefix("set ").and_then(|name| name.strip_suffix(" {"));
                kind = "";
            }
            (8, "elements = {") if set.is_some() => {
                is_element = true;
                continue;
            }
            (8, "}") if is_element => {
                is_element = false;
                continue;
            }
            (8, _) => {
                // A type that an expression tells is known to be there, and not read.
                let of = inner.strip_prefix("type ").or(inner.strip_prefix("typeof ").map(|_| ""));
                if let (Some(name), Some(of)) = (set, of) {
                    kind = of;
                    parts.sets.entry((table.0, table.1, name)).or_insert((kind, HashSet::new()));
                }
            }
            _ => {}
        }
        if table.1 != LOADED_TABLE {
            parts.frame.push(line);
        }
    }
    Some(parts)
}

fn header(family: &str) -> Option<NetfilterHeader> {
    let family = match family {
        "inet" => NetfilterProtoFamily::Inet,
        "arp" => NetfilterProtoFamily::ARP,
        "bridge" => NetfilterProtoFamily::Bridge,
        _ => return None,
    };
    Some(NetfilterHeader::new(family, 0, 0))
}

fn message(
    (_, table, set): Place<'_>,
    kind: &str,
    elements: &[&str],
    has_limits: bool,
) -> Option<SetElementMessage> {
    let elements = elements.iter().map(|text| {
        let (key, limit) = match text.split_once(LIMIT) {
            Some((key, limit)) => (key, Some(limit)),
            None => (*text, None),
        };
        let mut element = vec![SetElementAttribute::Key(DataAttribute::Value(key_of(kind, key)?))];
        if let Some(limit) = limit.filter(|_| has_limits) {
            element.push(SetElementAttribute::Other(limit_of(limit)?));
        }
        Some(ListAttribute::Element(element))
    });
    let attributes = vec![
        SetElementList::Table(table.to_owned()),
        SetElementList::Set(set.to_owned()),
        SetElementList::Elements(elements.collect::<Option<_>>()?),
    ];
    Some(SetElementMessage { attributes })
}

/// Gives the bytes of a key; each field of several begins at a multiple of four.
fn key_of(kind: &str, text: &str) -> Option<Vec<u8>> {
    let (mut kinds, mut fields) = (kind.split(" . "), text.split(" . "));
    let mut key = Vec::with_capacity(40);
    loop {
        match (kinds.next(), fields.next()) {
            (Some(kind), Some(field)) => {
                field_of(kind, field, &mut key)?;
                key.resize(key.len().next_multiple_of(4), 0);
            }
            (None, None) => return Some(key),
            _ => return None,
        }
    }
}

fn field_of(kind: &str, field: &str, key: &mut Vec<u8>) -> Option<()> {
    match kind {
        "ipv4_addr" => key.extend(field.parse::<Ipv4Addr>().ok()?.octets()),
        "ipv6_addr" => key.extend(field.parse::<Ipv6Addr>().ok()?.octets()),
        "inet_proto" => {
            let all = [Transport::Tcp, Transport::Udp];
            key.push(all.into_iter().find(|one| one.name() == field)?.number());
        }
        "inet_service" => key.extend(field.parse::<u16>().ok()?.to_be_bytes()),
        "ether_addr" => key.extend(field.parse::<Mac>().ok()?.bytes()),
        "ifname" => {
            let name = field.strip_prefix('"')?.strip_suffix('"')?.as_bytes();
            let rest = INTERFACE_BYTES.checked_sub(name.len())?;
            key.extend(name);
            key.extend(std::iter::repeat_n(0, rest));
        }
        _ => return None,
    }
    Some(())
}

/// Gives the limit of an element, as `enum nft_limit_attributes` has it.
///
/// # Shape
/// `60/minute burst 60 packets`, `1000 bytes/minute burst 1 bytes`.
fn limit_of(text: &str) -> Option<DefaultNla> {
    /// Above the limit is what matches.
    const INVERTED: u32 = 1;
    let (rate, burst) = text.split_once(" burst ")?;
    let (amount, unit) = rate.split_once('/')?;
    let (amount, is_bytes) = match amount.strip_suffix(" bytes") {
        Some(amount) => (amount, true),
        None => (amount, false),
    };
    let burst = burst.strip_suffix(if is_bytes { " bytes" } else { " packets" })?;
    let unit: u64 = match unit {
        "second" => 1,
        "minute" => 60,
        _ => return None,
    };
    let mut limit = Vec::new();
    nla(&mut limit, 1, &amount.parse::<u64>().ok()?.to_be_bytes());
    nla(&mut limit, 2, &unit.to_be_bytes());
    nla(&mut limit, 3, &burst.parse::<u32>().ok()?.to_be_bytes());
    nla(&mut limit, 4, &u32::from(is_bytes).to_be_bytes());
    nla(&mut limit, 5, &INVERTED.to_be_bytes());
    let mut expression = Vec::new();
    nla(&mut expression, 1, b"limit\0");
    nla(&mut expression, 2 | NLA_F_NESTED, &limit);
    // NFTA_SET_ELEM_EXPR.
    Some(DefaultNla::new(7 | NLA_F_NESTED, expression))
}

/// Appends an attribute.
fn nla(out: &mut Vec<u8>, kind: u16, value: &[u8]) {
    let length = u16::try_from(value.len() + 4).unwrap_or(u16::MAX);
    out.extend(length.to_ne_bytes());
    out.extend(kind.to_ne_bytes());
    out.extend(value);
    out.resize(out.len().next_multiple_of(4), 0);
}

/// Gives what puts another name into the table that tells which text is in force.
fn renamed(generation: &str) -> Option<[(u16, NetfilterMessage); 2]> {
    // As nft leaves it: kind 0, the length, the comment and a zero.
    let length = u8::try_from(generation.len() + 1).ok()?;
    let mut comment = vec![0, length];
    comment.extend(generation.as_bytes());
    comment.push(0);
    let name = || TableAttribute::Name(LOADED_TABLE.to_owned());
    let old = NfTablesMessage::DeleteTable(TableMessage { attributes: vec![name()] });
    let attributes = vec![name(), TableAttribute::UserData(comment)];
    let new = NfTablesMessage::NewTable(TableMessage { attributes });
    Some([
        (0, NetfilterMessage::new(header("inet")?, old)),
        (NLM_F_CREATE, NetfilterMessage::new(header("inet")?, new)),
    ])
}

#[cfg(test)]
mod tests;

//! Reads back what is in force, so that a daemon that starts again knows what it left.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use cordon_model::nft::{LOADED_TABLE, POLICY_TABLE, STATE_TABLE};
use netlink_packet_core::NLM_F_DUMP;
use netlink_packet_netfilter::NetfilterMessage;
use netlink_packet_netfilter::nftables::{
    NfTablesMessage, SetElementList, SetElementMessage, TableAttribute, TableMessage,
};
use nix::errno::Errno;

use super::elements::{StateSet, header, posture_map};
use super::netlink::{Netlink, NetlinkError, attribute, attributes, be64, netfilter};
use super::refusal;

/// The most elements of one set that are read; more than any fleet has devices at one point.
pub const ELEMENTS_MAX: usize = 65_536;

/// Says why the state cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The kernel gave no answer.
    #[error("the state of the packet filter cannot be read")]
    Kernel(#[from] NetlinkError),
    /// A set has more elements than [`ELEMENTS_MAX`].
    #[error("the set `{0}` has more than {ELEMENTS_MAX} elements")]
    Many(&'static str),
}

/// An address in a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Held {
    /// The address.
    pub address: IpAddr,
    /// When it leaves the set by itself.
    pub expires: Option<Duration>,
}

/// What the state table knows, in the order of the addresses.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct State {
    /// Nothing passes.
    pub isolated: Vec<Held>,
    /// State CONTAINED.
    pub contained: Vec<Held>,
    /// Clinical emergency mode is on.
    pub emergency: Vec<Held>,
    /// Nothing new starts.
    pub no_new: Vec<Held>,
    /// Packets are copied.
    pub capture: Vec<Held>,
    /// The marks of postures that are not the assumed one.
    pub postures: Vec<(IpAddr, u32)>,
}

/// Reads every set of the state table.
pub(super) fn read(netlink: &mut Netlink) -> Result<State, StateError> {
    let mut state = State::default();
    for set in StateSet::ALL {
        let held = match set {
            StateSet::Isolated => &mut state.isolated,
            StateSet::Contained => &mut state.contained,
            StateSet::Emergency => &mut state.emergency,
            StateSet::NoNew => &mut state.no_new,
            StateSet::Capture => &mut state.capture,
        };
        *held = self::held(netlink, set)?;
    }
    for v4 in [true, false] {
        let postures = &mut state.postures;
        elements(netlink, STATE_TABLE, posture_map(v4), |element| {
            let mark = attribute(element, 2).and_then(|data| attribute(data, 1));
            let mark = mark.and_then(|bytes| bytes.first_chunk());
            let held = held_of(element).zip(mark);
            postures.extend(held.map(|(held, mark)| (held.address, u32::from_ne_bytes(*mark))));
        })?;
    }
    state.postures.sort_unstable();
    Ok(state)
}

/// Reads one of the sets of addresses, both families.
pub(super) fn held(netlink: &mut Netlink, set: StateSet) -> Result<Vec<Held>, StateError> {
    let mut held = Vec::new();
    for v4 in [true, false] {
        elements(netlink, STATE_TABLE, set.name(v4), |element| held.extend(held_of(element)))?;
    }
    held.sort();
    Ok(held)
}

/// Hands every element of a set to `read`; a set that is not there has none.
pub(super) fn elements(
    netlink: &mut Netlink,
    table: &str,
    set: &'static str,
    mut read: impl FnMut(&[u8]),
) -> Result<(), StateError> {
    let attributes_asked =
        vec![SetElementList::Table(table.to_owned()), SetElementList::Set(set.to_owned())];
    let message = SetElementMessage { attributes: attributes_asked };
    let message = NetfilterMessage::new(header(), NfTablesMessage::GetSetElement(message));
    let mut count = 0usize;
    let answer = netlink.ask(NLM_F_DUMP, message, |payload| {
        let list = netfilter(payload).and_then(|(_, _, rest)| attribute(rest, 3));
        for (_, element) in attributes(list.unwrap_or_default()) {
            count += 1;
            if count <= ELEMENTS_MAX {
                read(element);
            }
        }
    });
    match answer {
        Err(error) if refusal(&error) == Some(Errno::ENOENT as i32) => Ok(()),
        Err(error) => Err(error.into()),
        Ok(()) if count > ELEMENTS_MAX => Err(StateError::Many(set)),
        Ok(()) => Ok(()),
    }
}

/// Reads an element; the attributes are those of `nft_set_elem_attributes`.
pub(super) fn held_of(element: &[u8]) -> Option<Held> {
    let key = attribute(element, 1).and_then(|key| attribute(key, 1))?;
    let address = match key.len() {
        4 => IpAddr::V4(Ipv4Addr::from(*key.first_chunk()?)),
        16 => IpAddr::V6(Ipv6Addr::from(*key.first_chunk()?)),
        _ => return None,
    };
    let expires = attribute(element, 5).and_then(be64).map(Duration::from_millis);
    Some(Held { address, expires })
}

/// Gives the name of the text in force; none if the policy table is not there.
pub(super) fn generation(netlink: &mut Netlink) -> Result<Option<String>, StateError> {
    let has_policy = comment(netlink, POLICY_TABLE)?.is_some();
    Ok(comment(netlink, LOADED_TABLE)?.flatten().filter(|_| has_policy))
}

/// Gives the comment of a table, if the table is there.
fn comment(
    netlink: &mut Netlink,
    table: &'static str,
) -> Result<Option<Option<String>>, StateError> {
    let asked = vec![TableAttribute::Name(table.to_owned())];
    let message = NfTablesMessage::GetTable(TableMessage { attributes: asked });
    let mut comment = None;
    let answer = netlink.ask(0, NetfilterMessage::new(header(), message), |payload| {
        let notes = netfilter(payload).and_then(|(_, _, rest)| attribute(rest, 6));
        comment = notes.and_then(comment_of);
    });
    match answer {
        Err(error) if refusal(&error) == Some(Errno::ENOENT as i32) => Ok(None),
        Err(error) => Err(error.into()),
        Ok(()) => Ok(Some(comment)),
    }
}

/// Reads the notes that nft leaves with a table: kind, length, value; kind 0 is the comment.
fn comment_of(mut notes: &[u8]) -> Option<String> {
    while let Some(([kind, length], rest)) = notes.split_first_chunk::<2>() {
        let (value, after) = rest.split_at_checked(usize::from(*length))?;
        if *kind == 0 {
            let text = value.strip_suffix(&[0]).unwrap_or(value);
            return String::from_utf8(text.to_vec()).ok();
        }
        notes = after;
    }
    None
}

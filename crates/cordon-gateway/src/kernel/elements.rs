//! Single elements of the sets that decide about a device, changed by netlink in one transaction.
//!
//! Adding what is there and removing what is not are no errors, on every kernel that cordon runs
//! on: an element is removed by adding and deleting it in one transaction, and gets a timeout by
//! adding, deleting and adding it. Packets see the state before or after a transaction and nothing
//! between.

use std::net::IpAddr;
use std::time::Duration;

use cordon_model::Transport;
use cordon_model::nft::{POLICY_TABLE, STATE_TABLE};
use netlink_packet_core::NLM_F_CREATE;
use netlink_packet_netfilter::nftables::{
    DataAttribute, ListAttribute, NfTablesMessage, SetElementAttribute, SetElementList,
    SetElementMessage,
};
use netlink_packet_netfilter::{NetfilterHeader, NetfilterMessage, NetfilterProtoFamily};
use nix::errno::Errno;

use super::netlink::{Netlink, NetlinkError};
use super::refusal;

/// The most changes in one transaction.
pub const CHANGES_MAX: usize = 4096;

/// Says why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ElementsError {
    /// The tables of cordon are not loaded.
    #[error("a set of cordon is not loaded")]
    Missing,
    /// More changes than [`CHANGES_MAX`].
    #[error("{0} changes are more than {CHANGES_MAX} in one transaction")]
    Many(usize),
    /// The kernel gave another answer.
    #[error("the state sets cannot be changed")]
    Kernel(#[source] NetlinkError),
}

impl From<NetlinkError> for ElementsError {
    fn from(error: NetlinkError) -> Self {
        match refusal(&error) {
            Some(errno) if errno == Errno::ENOENT as i32 => Self::Missing,
            _ => Self::Kernel(error),
        }
    }
}

/// The sets of addresses in the state table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StateSet {
    /// Nothing passes.
    Isolated,
    /// State CONTAINED.
    Contained,
    /// Clinical emergency mode is on.
    Emergency,
    /// Nothing new starts.
    NoNew,
    /// Its packets are copied.
    Capture,
}

impl StateSet {
    /// Every set.
    pub const ALL: [Self; 5] =
        [Self::Isolated, Self::Contained, Self::Emergency, Self::NoNew, Self::Capture];

    /// Gives the name of the set for an address.
    #[must_use]
    pub fn name(self, v4: bool) -> &'static str {
        match (self, v4) {
            (Self::Isolated, true) => "isolated4",
            (Self::Isolated, false) => "isolated6",
            (Self::Contained, true) => "contained4",
            (Self::Contained, false) => "contained6",
            (Self::Emergency, true) => "emergency4",
            (Self::Emergency, false) => "emergency6",
            (Self::NoNew, true) => "no_new4",
            (Self::NoNew, false) => "no_new6",
            (Self::Capture, true) => "capture4",
            (Self::Capture, false) => "capture6",
        }
    }

    /// Says whether its elements may have a timeout.
    fn has_timeouts(self) -> bool {
        match self {
            Self::Contained | Self::Emergency | Self::Capture => true,
            Self::Isolated | Self::NoNew => false,
        }
    }
}

/// Gives the name of the posture map for an address.
pub(super) fn posture_map(v4: bool) -> &'static str {
    if v4 { "posture4" } else { "posture6" }
}

/// A change of what is known of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The address is in the set now; a timeout counts from now.
    Add {
        /// The set.
        set: StateSet,
        /// The address.
        address: IpAddr,
        /// When it leaves the set by itself; only contained, emergency and capture know one.
        timeout: Option<Duration>,
    },
    /// The address is not in the set now.
    Remove {
        /// The set.
        set: StateSet,
        /// The address.
        address: IpAddr,
    },
    /// The address has the posture of a mark now, see [`cordon_model::nft::mark_of`].
    Posture {
        /// The address.
        address: IpAddr,
        /// The mark.
        mark: u32,
    },
    /// The address has the assumed posture now.
    PostureAssumed {
        /// The address.
        address: IpAddr,
    },
}

impl Change {
    /// Makes a change that adds an address.
    #[must_use]
    pub fn add(set: StateSet, address: IpAddr, timeout: Option<Duration>) -> Self {
        Self::Add { set, address, timeout }
    }

    /// Makes a change that removes an address.
    #[must_use]
    pub fn remove(set: StateSet, address: IpAddr) -> Self {
        Self::Remove { set, address }
    }
}

/// Applies changes in one transaction.
pub(super) fn apply(netlink: &mut Netlink, changes: &[Change]) -> Result<(), ElementsError> {
    if changes.len() > CHANGES_MAX {
        return Err(ElementsError::Many(changes.len()));
    }
    // The kernel refuses another mark for an address that has one, and does not tell which are
    // there: those that it refuses are deleted first, in a second transaction.
    match netlink.transaction(messages(changes, &[])) {
        Err(NetlinkError::Refused { errno, places }) if is_there(errno) => {
            Ok(netlink.transaction(messages(changes, &places))?)
        }
        other => Ok(other?),
    }
}

fn is_there(errno: i32) -> bool {
    errno == Errno::EEXIST as i32 || errno == Errno::EBUSY as i32
}

/// Makes the messages; in `there` stand the places of messages that found another element.
fn messages(changes: &[Change], there: &[usize]) -> Vec<(u16, NetfilterMessage)> {
    let mut out = Vec::new();
    let mut place = 0;
    for change in changes {
        let mut steps = steps(change);
        let refused = (place..place + steps.len()).any(|place| there.contains(&place));
        place += steps.len();
        match (change, steps.first().cloned()) {
            (Change::Posture { .. }, Some(first)) if refused => {
                steps.insert(0, Step { add: false, ..first });
            }
            (Change::PostureAssumed { .. }, Some(_)) if refused => {
                steps.remove(0);
            }
            _ => {}
        }
        out.extend(steps.into_iter().map(Step::message));
    }
    out
}

/// Gives the steps of a change.
fn steps(change: &Change) -> Vec<Step> {
    match *change {
        Change::Add { set, address, timeout } => {
            let step = Step::of(set.name(address.is_ipv4()), address);
            if !set.has_timeouts() {
                return vec![step];
            }
            let again = Step { timeout, ..step.clone() };
            vec![step.clone(), Step { add: false, ..step }, again]
        }
        Change::Remove { set, address } => {
            let step = Step::of(set.name(address.is_ipv4()), address);
            vec![step.clone(), Step { add: false, ..step }]
        }
        Change::Posture { address, mark } => {
            let step = Step::of(posture_map(address.is_ipv4()), address);
            vec![Step { mark: Some(mark), ..step }]
        }
        Change::PostureAssumed { address } => {
            let step = Step::of(posture_map(address.is_ipv4()), address);
            vec![Step { mark: Some(0), ..step.clone() }, Step { add: false, ..step }]
        }
    }
}

/// One element that comes or goes.
#[derive(Debug, Clone)]
struct Step {
    table: &'static str,
    set: &'static str,
    key: Vec<u8>,
    mark: Option<u32>,
    timeout: Option<Duration>,
    add: bool,
}

impl Step {
    fn of(set: &'static str, address: IpAddr) -> Self {
        let key = match address {
            IpAddr::V4(v4) => v4.octets().to_vec(),
            IpAddr::V6(v6) => v6.octets().to_vec(),
        };
        Self { table: STATE_TABLE, set, key, mark: None, timeout: None, add: true }
    }

    fn message(self) -> (u16, NetfilterMessage) {
        let mut element = vec![SetElementAttribute::Key(DataAttribute::Value(self.key))];
        if let Some(mark) = self.mark.filter(|_| self.add) {
            let mark = mark.to_ne_bytes().to_vec();
            element.push(SetElementAttribute::Data(DataAttribute::Value(mark)));
        }
        if let Some(timeout) = self.timeout.filter(|_| self.add) {
            let ms = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX).max(1);
            element.push(SetElementAttribute::Timeout(ms));
        }
        let attributes = vec![
            SetElementList::Table(self.table.to_owned()),
            SetElementList::Set(self.set.to_owned()),
            SetElementList::Elements(vec![ListAttribute::Element(element)]),
        ];
        let message = SetElementMessage { attributes };
        let (flags, message) = if self.add {
            (NLM_F_CREATE, NfTablesMessage::NewSetElement(message))
        } else {
            (0, NfTablesMessage::DeleteSetElement(message))
        };
        (flags, NetfilterMessage::new(header(), message))
    }
}

/// Gives the header of messages about inet tables.
pub(super) fn header() -> NetfilterHeader {
    NetfilterHeader::new(NetfilterProtoFamily::Inet, 0, 0)
}

/// Renews the elements of the set `alive`.
pub(super) fn refresh_alive(
    netlink: &mut Netlink,
    proxies: &[Transport],
) -> Result<(), ElementsError> {
    let steps = proxies.iter().flat_map(|proxy| {
        [true, false, true].map(|add| Step {
            table: POLICY_TABLE,
            set: "alive",
            key: vec![proxy.number()],
            mark: None,
            timeout: None,
            add,
        })
    });
    netlink.transaction(steps.map(Step::message).collect())?;
    Ok(())
}

//! What devices attempted in vain, by the kernel's own counters: the log is held to a rate, they are
//! not.
//!
//! Invariant: counters that the kernel began anew, with a text that was loaded as a whole, are
//! counted from nothing.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

use cordon_model::nft::POLICY_TABLE;

use super::netlink::{Netlink, attribute, be64};
use super::state::{self, StateError, held_of};

/// Packets that were dropped, and their bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Sum {
    bytes: u64,
    packets: u64,
}

/// What an address attempted in vain since the last look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    /// The address of a device.
    pub address: IpAddr,
    /// Bytes, with IP headers.
    pub bytes: u64,
    /// Packets.
    pub packets: u64,
}

/// Looks at the counters again and again.
#[derive(Debug)]
pub struct Attempts {
    netlink: Netlink,
    last: HashMap<IpAddr, Sum>,
}

impl Attempts {
    /// Opens the way to the counters of the namespace that the calling thread is in.
    /// # Errors
    /// What the kernel says when it gives no netlink socket.
    pub fn open(answer_max: Duration) -> io::Result<Self> {
        Ok(Self { netlink: Netlink::open(answer_max)?, last: HashMap::new() })
    }

    /// Tells what became more since the last look.
    /// # Errors
    /// [`StateError`]; what was not told is told by the next look.
    pub fn look(&mut self) -> Result<Vec<Attempt>, StateError> {
        let mut now = HashMap::new();
        for set in ["attempted4", "attempted6"] {
            state::elements(&mut self.netlink, POLICY_TABLE, set, |element| {
                let sum = held_of(element).map(|held| held.address).zip(sum_of(element));
                now.extend(sum);
            })?;
        }
        let more = now.iter().filter_map(|(address, sum): (&IpAddr, &Sum)| {
            let is_more =
                |before: &&Sum| before.packets <= sum.packets && before.bytes <= sum.bytes;
            let before = self.last.get(address).filter(is_more);
            let before = before.copied().unwrap_or_default();
            let packets = sum.packets - before.packets;
            let bytes = sum.bytes.saturating_sub(before.bytes);
            (packets > 0).then_some(Attempt { address: *address, bytes, packets })
        });
        let more = more.collect();
        self.last = now;
        Ok(more)
    }
}

/// Reads the counter of an element: alone, or the first of a list.
/// # Source
/// Linux `include/uapi/linux/netfilter/nf_tables.h`, `nft_set_elem_attributes`, `nft_counter_attributes`.
fn sum_of(element: &[u8]) -> Option<Sum> {
    let listed = || attribute(attribute(element, 11)?, 1);
    let counter = attribute(attribute(element, 7).or_else(listed)?, 2)?;
    let figure = |kind| attribute(counter, kind).and_then(be64);
    Some(Sum { bytes: figure(1)?, packets: figure(2)? })
}

//! Prints what the bridge form has before its policy: whose frames are believed, and the devices'
//! addresses where the state is looked up.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv6Addr};

use crate::{Bundle, Mac};

use super::super::sets::Binding;
use super::super::{BIND_TABLE, Bridge, KernelSets, STATE_TABLE, skeleton};
use super::bound::{Names, names, note};
use super::{Family, Page, interface, renew};

impl Page {
    /// Prints the state table and the frames.
    pub(super) fn frames(&mut self, bridge: &Bridge, bundle: &Bundle, sets: &KernelSets) {
        self.line(0, format!("define bridged = \"{}\"", interface(&bridge.name)));
        self.line(0, format!("define lifted = {}", bridge.mac));
        self.line(0, "");
        self.block(skeleton::STATE);
        self.line(0, "# Whose addresses tell the side of a packet.");
        let mut devices = Self(String::new());
        devices.devices(bundle, sets);
        let table = format!("inet {STATE_TABLE}");
        self.block(&renew::sets(&table, &devices.0));
        self.line(0, format!("table {table} {{"));
        self.block(&devices.0);
        self.block(skeleton::bridge::STATE_SIDES);
        self.block(skeleton::STATE_CHAINS);
        self.line(0, "");
        self.block(skeleton::bridge::NO_ARP);
        self.line(0, "");
        let mut frames = Self(String::new());
        frames.believed(bundle, sets);
        frames.block(skeleton::bridge::FRAMES);
        let table = format!("bridge {BIND_TABLE}");
        self.line(0, "# Frames: whose they are, and which go up to be judged below as packets.");
        self.block(&renew::renewal(&table, &frames.0));
        self.line(0, format!("table {table} {{"));
        self.block(&frames.0);
        self.line(0, "}");
        self.line(0, "");
    }

    /// Prints the sets of whom frames are believed.
    fn believed(&mut self, bundle: &Bundle, sets: &KernelSets) {
        let names = names(bundle);
        for family in Family::ALL {
            self.bound_set(family, &names, bundle.role, sets);
        }
        self.bound_mac(&names, sets);
        self.devices(bundle, sets);
        let own = own(&names, &sets.bindings);
        let elements = own
            .iter()
            .map(|(place, claim)| (claim.note.clone(), format!("{place} . {}", claim.address)));
        self.line(1, "# Under which addresses a port speaks IPv6 at all.");
        self.set("own6", "ifname . ether_addr . ipv6_addr", elements);
        self.line(1, "# The same and the devices' addresses, as targets of neighbour discovery.");
        let elements = own.iter().map(|(place, claim)| {
            (claim.note.clone(), format!("{place} . {}", target(claim.address)))
        });
        self.typed("own_target6", "iifname . ether saddr . @th,64,128", elements);
        let devices = sets.bindings.iter().map(|binding| binding.address);
        let own = sets.bindings.iter().filter_map(|binding| Some(link_local(binding.mac?).into()));
        let devices: BTreeSet<IpAddr> = devices.chain(own).collect();
        let elements = devices.iter().filter_map(|address| match address {
            IpAddr::V4(_) => None,
            IpAddr::V6(v6) => Some((note(&names, *address), target(*v6))),
        });
        self.typed("device_target6", "@th,64,128", elements);
        for family in Family::ALL {
            let here = sets.bindings.iter().filter(|binding| Family::of(binding.address) == family);
            let macs: BTreeMap<IpAddr, Mac> =
                here.filter_map(|binding| Some((binding.address, binding.mac?))).collect();
            self.line(1, format!("map mac{} {{", family.digit()));
            self.line(2, format!("type {} : ether_addr", family.set_type()));
            self.elements(
                macs.iter()
                    .map(|(address, mac)| (note(&names, *address), format!("{address} : {mac}"))),
            );
            self.line(1, "}");
        }
    }

    /// Prints a set whose elements are of the type of an expression.
    fn typed(
        &mut self,
        name: &str,
        expression: &str,
        elements: impl Iterator<Item = (String, String)>,
    ) {
        self.line(1, format!("set {name} {{"));
        self.line(2, format!("typeof {expression}"));
        self.elements(elements);
        self.line(1, "}");
    }
}

/// An address that a port may claim, and who is there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Claim {
    note: String,
    address: Ipv6Addr,
}

/// Gives each port with its MAC address, and what it may claim: its addresses, and the link-local
/// one that is made of its MAC address.
fn own(names: &Names, bindings: &BTreeSet<Binding>) -> BTreeSet<(String, Claim)> {
    let mut own = BTreeSet::new();
    for binding in bindings {
        let Some(mac) = binding.mac else { continue };
        let place = format!("\"{}\" . {mac}", interface(&binding.interface));
        let note = note(names, binding.address);
        let mut claim = |address| {
            own.insert((place.clone(), Claim { note: note.clone(), address }));
        };
        claim(link_local(mac));
        if let IpAddr::V6(address) = binding.address {
            claim(address);
        }
    }
    own
}

/// Gives the link-local address that is made of a MAC address.
/// # Source
/// RFC 4291 §2.5.6, appendix A
fn link_local(mac: Mac) -> Ipv6Addr {
    let [a, b, c, d, e, f] = mac.bytes();
    Ipv6Addr::from([0xfe, 0x80, 0, 0, 0, 0, 0, 0, a ^ 2, b, c, 0xff, 0xfe, d, e, f])
}

/// Gives the target of a neighbour message as nft compares raw bytes: as one number.
/// # Source
/// RFC 4861 §4.3, §4.4: the 16 bytes from the ninth of the message on
fn target(address: Ipv6Addr) -> String {
    format!("{:#034x}", address.to_bits())
}

#[cfg(test)]
mod tests {
    use super::{Mac, link_local, target};

    #[test]
    fn a_link_local_address_has_the_mac_and_the_universal_bit_turned() {
        // RFC 4291, appendix A turns the bit; the address is what Linux gives such a port.
        for (mac, address) in [
            ([0x02, 0, 0, 0, 0, 0x0b], "fe80::ff:fe00:b"),
            ([0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde], "fe80::3656:78ff:fe9a:bcde"),
        ] {
            let mac = Mac::new(mac).unwrap_or_else(|_| unreachable!());
            assert_eq!(link_local(mac).to_string(), address);
        }
    }

    #[test]
    fn a_target_has_all_its_digits() {
        let target = target("fe80::b".parse().unwrap_or_else(|_| unreachable!()));
        assert_eq!(target, "0xfe80000000000000000000000000000b");
    }
}

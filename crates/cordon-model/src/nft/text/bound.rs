//! Prints where each address may come from.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::Bundle;
use crate::bundle::Role;

use super::super::{KernelSets, sees_mac, skeleton};
use super::{Family, Page, interface};

impl Page {
    /// Prints where each address may come from, and which addresses come from nowhere else.
    pub(super) fn bound(&mut self, bundle: &Bundle, sets: &KernelSets) {
        let names = names(bundle);
        for family in Family::ALL {
            self.bound_set(family, &names, bundle.role, sets);
        }
        if sees_mac(bundle.role) {
            self.bound_mac(&names, sets);
        }
        self.devices(bundle, sets);
    }

    /// Prints the addresses of the devices that have a place here.
    pub(super) fn devices(&mut self, bundle: &Bundle, sets: &KernelSets) {
        let names = names(bundle);
        for family in Family::ALL {
            let here = sets.bindings.iter().map(|binding| binding.address);
            let here: BTreeSet<IpAddr> = here.filter(|a| Family::of(*a) == family).collect();
            let elements = here.iter().map(|address| (note(&names, *address), address.to_string()));
            self.set(&format!("device{}", family.digit()), family.set_type(), elements);
        }
    }

    /// Prints where leases are renewed; nothing at a service guard.
    pub(super) fn dhcp_servers(&mut self, bundle: &Bundle, sets: &KernelSets) {
        if bundle.role == Role::Service {
            return;
        }
        for family in Family::ALL {
            let here = sets.dhcp_servers.iter().filter(|address| Family::of(**address) == family);
            let elements = here.map(|address| (String::new(), address.to_string()));
            self.set(&format!("dhcp{}", family.digit()), family.set_type(), elements);
        }
    }

    pub(super) fn bound_set(
        &mut self,
        family: Family,
        names: &Names,
        role: Role,
        sets: &KernelSets,
    ) {
        let mac = if sees_mac(role) { " . ether_addr" } else { "" };
        let here = sets.bindings.iter().filter(|binding| Family::of(binding.address) == family);
        let elements = here.map(|binding| {
            let mac = binding.mac.map(|mac| format!(" . {mac}")).unwrap_or_default();
            let (port, address) = (interface(&binding.interface), binding.address);
            (note(names, address), format!("\"{port}\"{mac} . {address}"))
        });
        let set_type = format!("ifname{mac} . {}", family.set_type());
        // Sets of another shape have another name, so that a table is renewed in place.
        let name = if sees_mac(role) { "bound" } else { "placed" };
        self.set(&format!("{name}{}", family.digit()), &set_type, elements);
    }

    pub(super) fn bound_mac(&mut self, names: &Names, sets: &KernelSets) {
        let here = sets.bindings.iter().filter(|binding| binding.address.is_ipv4());
        let elements = here.filter_map(|binding| {
            let element = format!("\"{}\" . {}", interface(&binding.interface), binding.mac?);
            Some((note(names, binding.address), element))
        });
        self.set("bound_mac", "ifname . ether_addr", elements);
    }

    pub(super) fn arp(&mut self, bundle: &Bundle, sets: &KernelSets) {
        let names = names(bundle);
        self.line(0, "# A device answers for its own address only.");
        self.line(0, "add table arp cordon_bind");
        self.line(0, "delete table arp cordon_bind");
        self.line(0, "table arp cordon_bind {");
        self.bound_set(Family::V4, &names, bundle.role, sets);
        self.bound_mac(&names, sets);
        self.block(skeleton::ARP);
        self.line(0, "}");
        self.line(0, "");
    }
}

/// Who has which address.
pub(super) type Names = BTreeMap<IpAddr, String>;

pub(super) fn names(bundle: &Bundle) -> Names {
    let mut names = Names::new();
    for device in &bundle.devices {
        let note = format!("# {} ({})", device.id, device.tier);
        if let Some(ipv6) = device.ipv6 {
            names.insert(IpAddr::V6(ipv6), note.clone());
        }
        names.insert(IpAddr::V4(device.ip), note);
    }
    names
}

pub(super) fn note(names: &Names, address: IpAddr) -> String {
    names.get(&address).cloned().unwrap_or_default()
}

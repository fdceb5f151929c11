//! Identities that no two devices may share, and access ports that no two may use.

use std::collections::btree_map::BTreeMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;

use rustc_hash::FxHashMap;

use super::Draft;
use super::row::Row;
use crate::ServiceId;
use crate::fleet::Hospital;

/// Who claimed what so far.
pub(super) struct Unique<'h> {
    claims: FxHashMap<(&'static str, String), usize>,
    services: BTreeMap<IpAddr, &'h ServiceId>,
}

impl<'h> Unique<'h> {
    pub(super) fn new(hospital: &'h Hospital) -> Self {
        let addresses = hospital
            .services
            .iter()
            .flat_map(|(id, service)| service.addresses.iter().map(move |address| (*address, id)));
        Self { claims: FxHashMap::default(), services: addresses.collect() }
    }

    /// Claims what a row says, whatever else is wrong with the row.
    pub(super) fn claim(&mut self, draft: &Draft, row: &mut Row<'_>) {
        let line = row.line();
        let own = |column| row.optional(column).map(str::to_owned);
        let serial = own("serial").map(|serial| format!("{} {serial}", row.text("vendor")));
        let port = draft.gateway.as_ref().map(|(id, port)| format!("{id} port {port}"));
        let claims: [(&'static str, &'static str, Option<String>); 9] = [
            ("duplicate-id", "id", draft.id.as_ref().map(ToString::to_string)),
            ("duplicate-mac", "mac", draft.mac.map(|mac| mac.to_string())),
            ("duplicate-ip", "ip", draft.ip.map(|ip| ip.to_string())),
            ("duplicate-ip", "ipv6", draft.ipv6.map(|ip| ip.to_string())),
            ("duplicate-serial", "serial", serial),
            ("duplicate-eui64", "eui64", draft.eui64.map(|id| id.to_string())),
            ("duplicate-ae-title", "ae-title", own("ae-title")),
            ("duplicate-bacnet", "bacnet-instance", draft.bacnet.map(|i| i.to_string())),
            ("gateway-full", "port", port),
        ];
        for (label, column, value) in claims {
            let Some(value) = value else { continue };
            match self.claims.entry((column, value)) {
                Entry::Vacant(slot) => {
                    slot.insert(line);
                }
                Entry::Occupied(slot) => {
                    let ((_, value), line) = (slot.key(), *slot.get());
                    let message = format!("`{value}` is already in line {line}");
                    row.error(label, column, message, "one of the two rows is wrong");
                }
            }
        }
        let addresses = [("ip", draft.ip.map(IpAddr::V4)), ("ipv6", draft.ipv6.map(IpAddr::V6))];
        for (column, address) in addresses {
            let Some(address) = address else { continue };
            if let Some(id) = self.services.get(&address) {
                let message = format!("{address} is the address of service `{id}`");
                row.error("duplicate-ip", column, message, "correct one of the two");
            }
        }
    }
}

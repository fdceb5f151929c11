//! Prints [`KernelSets`] as the text that nft reads and people review.

mod bound;
mod bridge;
mod inspect;
mod limits;
mod renew;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::net::IpAddr;

use crate::bundle::{BundleDevice, FlowKey, Role, flow_keys};
use crate::{Bundle, DeviceState, Direction, Posture, RuleId, ServiceId};

use super::mark::{EMERGENCY_BIT, STATE_BITS, mark_of, state_mark};
use super::sets::{Column, KernelSets, open_flows};
use super::{Form, LOADED_TABLE, Proxying, SECOND_LEG_MARK, default_posture, sees_mac, skeleton};

/// The address families, which never mix in a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    V4,
    V6,
}

impl Family {
    const ALL: [Self; 2] = [Self::V4, Self::V6];

    fn of(address: IpAddr) -> Self {
        if address.is_ipv4() { Self::V4 } else { Self::V6 }
    }

    fn digit(self) -> char {
        match self {
            Self::V4 => '4',
            Self::V6 => '6',
        }
    }

    /// Gives the word by which a rule looks into the header.
    fn header(self) -> &'static str {
        match self {
            Self::V4 => "ip",
            Self::V6 => "ip6",
        }
    }

    fn set_type(self) -> &'static str {
        match self {
            Self::V4 => "ipv4_addr",
            Self::V6 => "ipv6_addr",
        }
    }
}

/// The way of packets that a device sends.
const FROM_DEVICE: &str = "from_device";

/// The two ways of packets, as the names of chains tell them.
const WAYS: [&str; 2] = [FROM_DEVICE, "to_device"];

/// What people want to read beside a key.
type Notes<'a> = BTreeMap<FlowKey, String>;

/// Prints the whole text.
pub(super) fn print(
    bundle: &Bundle,
    hour: u8,
    sets: &KernelSets,
    proxying: Option<&Proxying>,
    form: &Form,
) -> String {
    let notes = notes(bundle, hour);
    let mut page = Page(String::new());
    page.head(bundle, hour);
    match form {
        Form::Router => {
            page.block(skeleton::STATE);
            page.block(skeleton::STATE_SIDES);
            page.block(skeleton::STATE_CHAINS);
            page.line(0, "");
            page.block(skeleton::BRIDGE);
            page.line(0, "");
            if sees_mac(bundle.role) {
                page.arp(bundle, sets);
            }
        }
        Form::Bridge(bridge) => page.frames(bridge, bundle, sets),
    }
    let mut table = Page(String::new());
    table.policy(bundle, sets, (proxying, form), &notes);
    page.block(&renew::renewal("inet cordon_policy", &table.0));
    page.line(0, "table inet cordon_policy {");
    page.block(&table.0);
    page.line(0, "}");
    page.line(0, format!("add table inet {LOADED_TABLE}"));
    page.line(0, format!("delete table inet {LOADED_TABLE}"));
    page.0
}

impl Page {
    /// Prints what stands in the policy table.
    fn policy(
        &mut self,
        bundle: &Bundle,
        sets: &KernelSets,
        (proxying, form): (Option<&Proxying>, &Form),
        notes: &Notes<'_>,
    ) {
        let page = self;
        match form {
            Form::Router => page.bound(bundle, sets),
            Form::Bridge(_) => page.devices(bundle, sets),
        }
        page.dhcp_servers(bundle, sets);
        for (number, list) in sets.lists.iter().enumerate() {
            let open_in = sets.columns.iter().filter(|column| column.lists.contains(&number));
            let names: Vec<&str> = open_in.map(|column| column.name.as_str()).collect();
            page.line(1, format!("# List {number}: open in {}.", names.join(", ")));
            page.flow_sets(&format!("flows_{number}"), &list.flows, notes);
        }
        // Where they are taken or copied, they stand in sets of their own.
        if proxying.is_none() {
            page.line(1, "# The flows that an inspector looks into, whatever list they are in.");
            for (direction, family) in kinds() {
                page.flow_set("inspected", direction, family, &sets.inspected, notes);
            }
        }
        for column in &sets.columns {
            page.column(sets, column);
        }
        page.verdict_map("column_from_device", "from_device", sets);
        page.verdict_map("column_to_device", "to_device", sets);
        let (bind_device, local, dispatch) = match bundle.role {
            Role::Access => {
                (skeleton::BIND_MAC, skeleton::LOCAL_DEVICES, skeleton::DISPATCH_DEVICES)
            }
            Role::Segment => {
                (skeleton::BIND_SEGMENT, skeleton::LOCAL_DEVICES, skeleton::DISPATCH_DEVICES)
            }
            Role::Service => {
                (skeleton::BIND_SERVICE, skeleton::LOCAL_ROUTERS, skeleton::DISPATCH_SERVICE)
            }
        };
        let (bind, sides, bind_device) = match form {
            Form::Router => (skeleton::BIND, skeleton::SIDES, bind_device),
            Form::Bridge(_) => (skeleton::bridge::BIND, skeleton::bridge::SIDES, ""),
        };
        let fixed = [skeleton::POLICY, bind, skeleton::SPOOFED, sides, skeleton::DENIED];
        for block in fixed.into_iter().chain([bind_device, local, dispatch]) {
            page.block(block);
        }
        page.limits(&sets.limits, form);
        match proxying {
            Some(proxying) => page.proxied(proxying, form, sets, notes),
            None => page.block(skeleton::INSPECT_NOTHING),
        }
    }
}

/// Gives the four kinds of flow sets.
fn kinds() -> impl Iterator<Item = (Direction, Family)> {
    Direction::ALL
        .into_iter()
        .flat_map(|direction| Family::ALL.into_iter().map(move |family| (direction, family)))
}

/// Gives the keys of one kind.
fn of_kind(
    keys: &BTreeSet<FlowKey>,
    direction: Direction,
    family: Family,
) -> impl Iterator<Item = &FlowKey> {
    keys.iter().filter(move |key| key.direction == direction && Family::of(key.device) == family)
}

/// Writes down who, to whom and by which rules, for each key.
fn notes(bundle: &Bundle, hour: u8) -> Notes<'_> {
    type Reasons<'a> =
        (Option<&'a BundleDevice>, BTreeSet<(&'a ServiceId, &'static str)>, BTreeSet<&'a RuleId>);
    let mut reasons: BTreeMap<FlowKey, Reasons<'_>> = BTreeMap::new();
    for (device, flow, service, _) in open_flows(bundle, hour) {
        for key in flow_keys(device, flow, service) {
            let (who, services, rules) = reasons.entry(key).or_default();
            *who = Some(device);
            services.insert((&service.id, service.protocol.name()));
            rules.extend(&flow.rules);
        }
    }
    let notes = reasons.into_iter().filter_map(|(key, (device, services, rules))| {
        let device = device?;
        let arrow = match key.direction {
            Direction::Out => '→',
            Direction::In => '←',
        };
        let services: Vec<String> =
            services.iter().map(|(id, protocol)| format!("{id} {protocol}")).collect();
        let rules: Vec<&str> = rules.iter().map(|rule| rule.as_str()).collect();
        let (services, rules) = (services.join(", "), rules.join(", "));
        Some((key, format!("# {} ({}) {arrow} {services}, rules {rules}", device.id, device.tier)))
    });
    notes.collect()
}

/// Gives the name of a network interface as it may stand in the text.
///
/// The plan admits letters, digits, `-`, `_` and `.` only. A bundle is signed and still a foreign
/// text: what could end a quotation or stand for any interface becomes `_`, which names none.
fn interface(name: &str) -> String {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    name.chars().map(|c| if legal(c) { c } else { '_' }).collect()
}

/// Gives a column's name as an nftables identifier.
fn chain(column: &Column) -> String {
    column.name.replace('-', "_")
}

/// Gives one element of a flow set: the device, the peer, the transport protocol, the port.
fn element(key: &FlowKey) -> String {
    format!("{} . {} . {} . {}", key.device, key.peer, key.transport.name(), key.port)
}

/// The text as it grows.
struct Page(String);

impl Page {
    fn line(&mut self, depth: usize, text: impl Display) {
        let text = text.to_string();
        if !text.is_empty() {
            self.0.extend(std::iter::repeat_n("    ", depth));
            self.0.push_str(&text);
        }
        self.0.push('\n');
    }

    fn block(&mut self, text: &str) {
        self.0.push_str(text);
    }

    fn head(&mut self, bundle: &Bundle, hour: u8) {
        let number = bundle.number;
        let (hospital, point, role) = (&bundle.hospital, &bundle.point, bundle.role.name());
        self.line(
            0,
            format!(
                "# cordon: {point} ({role}) of {hospital}, bundle {number}, from {:02}:00 UTC",
                hour % 24
            ),
        );
        self.line(0, "# Generated; load it with `nft -f` as a whole.");
        let wildcard = if bundle.role == Role::Access { "*" } else { "" };
        let Interfaces { uplink, inside } = Interfaces::of(bundle);
        self.line(0, format!("define uplink = \"{uplink}\""));
        self.line(0, format!("define inside = \"{inside}{wildcard}\""));
        let assumed = default_posture(bundle.role);
        let said = format!("{}, {}, {}", assumed.state, assumed.identity, assumed.attestation);
        self.line(0, format!("define assumed = {:#010x} # {said}", mark_of(assumed)));
        self.line(0, format!("define emergency = {EMERGENCY_BIT:#010x}"));
        self.line(0, format!("define state_bits = {STATE_BITS:#010x}"));
        self.line(0, format!("define other_bits = {:#010x}", !STATE_BITS));
        for (name, state) in
            [("contained", DeviceState::Contained), ("isolated", DeviceState::Isolated)]
        {
            self.line(0, format!("define {name} = {:#010x}", state_mark(state)));
        }
        self.line(0, format!("define second_leg = {SECOND_LEG_MARK:#010x}"));
        self.line(0, "");
    }

    /// Opens a set, prints its elements and closes it.
    fn set(
        &mut self,
        name: &str,
        set_type: &str,
        elements: impl Iterator<Item = (String, String)>,
    ) {
        self.line(1, format!("set {name} {{"));
        self.line(2, format!("type {set_type}"));
        self.elements(elements);
        self.line(1, "}");
    }

    /// Prints elements, one a line, and the note above the first of those that share it.
    fn elements(&mut self, elements: impl Iterator<Item = (String, String)>) {
        let mut elements = elements.peekable();
        if elements.peek().is_none() {
            return;
        }
        self.line(2, "elements = {");
        let mut last = String::new();
        for (note, element) in elements {
            if note != last && !note.is_empty() {
                self.line(3, &note);
                last = note;
            }
            self.line(3, format!("{element},"));
        }
        self.line(2, "}");
    }

    fn flow_sets(&mut self, name: &str, keys: &BTreeSet<FlowKey>, notes: &Notes<'_>) {
        for (direction, family) in kinds() {
            if of_kind(keys, direction, family).next().is_some() {
                self.flow_set(name, direction, family, keys, notes);
            }
        }
    }

    fn flow_set(
        &mut self,
        name: &str,
        direction: Direction,
        family: Family,
        keys: &BTreeSet<FlowKey>,
        notes: &Notes<'_>,
    ) {
        let address = family.set_type();
        let mut rows: Vec<(IpAddr, &str, &FlowKey)> = of_kind(keys, direction, family)
            .map(|key| (key.device, notes.get(key).map_or("", String::as_str), key))
            .collect();
        rows.sort();
        let elements = rows.into_iter().map(|(_, note, key)| (note.to_owned(), element(key)));
        let name = format!("{name}_{}{}", direction.name(), family.digit());
        self.set(&name, &format!("{address} . {address} . inet_proto . inet_service"), elements);
    }

    /// Prints the two chains of a column; none for a column that opens nothing.
    fn column(&mut self, sets: &KernelSets, column: &Column) {
        if column.lists.is_empty() {
            self.line(1, format!("# Column {}: nothing.", column.name));
            return;
        }
        for way in WAYS {
            self.line(1, format!("chain {}_{way} {{", chain(column)));
            for (number, list) in column.lists.iter().filter_map(|n| Some((n, sets.lists.get(*n)?)))
            {
                for (direction, family) in kinds() {
                    if of_kind(&list.flows, direction, family).next().is_some() {
                        self.line(2, lookup(way, *number, direction, family));
                    }
                }
            }
            self.line(2, format!("goto denied_{way}"));
            self.line(1, "}");
        }
    }

    /// Prints a chain that counts a device's packets, tells some of them to a group and drops all.
    fn dropped(&mut self, name: &str, way: &str, counter: &str, group: u16) {
        let address = if way == FROM_DEVICE { "saddr" } else { "daddr" };
        self.line(1, format!("chain {name}_{way} {{"));
        self.line(2, format!("counter name {counter}"));
        for family in Family::ALL.into_iter().filter(|_| way == FROM_DEVICE) {
            let (digit, ip) = (family.digit(), family.header());
            self.line(2, format!("update @attempted{digit} {{ {ip} saddr counter }}"));
        }
        for family in Family::ALL {
            let noisy = format!("update @noisy{} {{ {} {address}", family.digit(), family.header());
            self.line(2, format!("{noisy} limit rate over 20/second burst 40 packets }} drop"));
        }
        self.line(2, "limit rate over 1000/second drop");
        let says = way.replace('_', "-");
        self.line(2, format!("log group {group} prefix \"cordon {counter} {says} \""));
        self.line(2, "drop");
        self.line(1, "}");
    }

    /// Prints the map from a posture's mark to the chain of its column.
    fn verdict_map(&mut self, name: &str, way: &str, sets: &KernelSets) {
        self.line(1, format!("map {name} {{"));
        self.line(2, "type mark : verdict");
        let open = sets.columns.iter().filter(|column| !column.lists.is_empty());
        let elements = open.flat_map(|column| verdicts(column, way));
        self.elements(elements);
        self.line(1, "}");
    }
}

/// Gives the elements of a column: the states of one proof of identity stand on one line.
fn verdicts(column: &Column, way: &str) -> impl Iterator<Item = (String, String)> {
    type Lines = BTreeMap<String, (Vec<&'static str>, Vec<String>)>;
    let chain = chain(column);
    let mut lines = Lines::new();
    for posture in Posture::all().filter(|posture| column.postures.contains(*posture)) {
        let emergency = if posture.emergency { ", emergency" } else { "" };
        let proof = format!("{}, {}{emergency}", posture.identity, posture.attestation);
        let (states, elements) = lines.entry(proof).or_default();
        states.push(posture.state.name());
        elements.push(format!("{:#010x} : goto {chain}_{way}", mark_of(posture)));
    }
    let name = column.name.clone();
    lines.into_iter().map(move |(proof, (states, elements))| {
        (format!("# {name}: {proof}: {}", states.join(" ")), elements.join(", "))
    })
}

/// Gives the rule that looks a packet up in one set.
///
/// Who opens is looked up by the port it goes to; who answers, by the port it comes from, and only
/// in a connection that the other side opened.
fn lookup(way: &str, list: usize, direction: Direction, family: Family) -> String {
    let key = key_of(way, direction, family);
    let answer =
        if is_question(way, direction) { "" } else { "ct direction reply ct state established " };
    format!("{answer}{key} @flows_{list}_{}{} accept", direction.name(), family.digit())
}

/// Says whether packets of this way belong to the side that opens.
fn is_question(way: &str, direction: Direction) -> bool {
    (way == FROM_DEVICE) == (direction == Direction::Out)
}

/// Gives the expression that makes a packet the key of a flow set.
fn key_of(way: &str, direction: Direction, family: Family) -> String {
    let ip = family.header();
    let (device, peer) = if way == FROM_DEVICE { ("saddr", "daddr") } else { ("daddr", "saddr") };
    let port = if is_question(way, direction) { "dport" } else { "sport" };
    format!("{ip} {device} . {ip} {peer} . meta l4proto . th {port}")
}

/// The interfaces of a bundle, fit to stand in the text.
struct Interfaces {
    uplink: String,
    inside: String,
}

impl Interfaces {
    fn of(bundle: &Bundle) -> Self {
        Self {
            uplink: interface(&bundle.interfaces.uplink),
            inside: interface(&bundle.interfaces.devices),
        }
    }
}

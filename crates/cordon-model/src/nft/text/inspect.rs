//! Prints what a gateway adds: which packets its proxy takes, which are copied to it, and what
//! becomes of them while no proxy is alive.

use std::collections::BTreeSet;

use crate::bundle::FlowKey;
use crate::{Direction, Transport};

use super::super::{
    Form, KernelSets, LOG_GROUP_COPIED, LOG_GROUP_UNINSPECTED, PROXIED_MARK, Proxying, skeleton,
};
use super::{Family, Notes, Page, WAYS, is_question, key_of, kinds, of_kind};

/// The hooks; a packet passes them in this order.
const HOOKS: &str = r#"    chain inspect {
        type filter hook prerouting priority -150; policy accept;
        iifname $uplink goto inspect_to_device
        iifname $inside goto inspect_from_device
    }
    counter uninspected {
    }
    # What nobody inspects now, and what carries no lifeline, goes no further.
    chain uninspected {
        type filter hook forward priority -5; policy accept;
        iifname $uplink oifname $inside goto uninspected_to_device
        iifname $inside oifname $uplink goto uninspected_from_device
    }
    # What passed is copied; nothing waits for whoever reads the copies.
    chain copies {
        type filter hook forward priority 10; policy accept;
        iifname $uplink oifname $inside goto copies_to_device
        iifname $inside oifname $uplink goto copies_from_device
    }
"#;

impl Page {
    /// Prints the three kinds of inspected keys and the chains that look them up.
    pub(super) fn proxied(
        &mut self,
        proxying: &Proxying,
        form: &Form,
        sets: &KernelSets,
        notes: &Notes<'_>,
    ) {
        self.line(1, "# Refreshed by the proxy; what has gone from here is taken by nobody.");
        self.line(1, "set alive {");
        self.line(2, "type inet_proto");
        self.line(2, "flags timeout");
        self.line(2, format!("timeout {}ms", proxying.alive_ms));
        self.line(2, "elements = { tcp, udp }");
        self.line(1, "}");
        let kinds = [
            ("copied", "Keys with a lifeline of a RED or GREEN-LS device.", &sets.copied),
            ("taken", "Other keys with a lifeline: forwarded while no proxy lives.", &sets.taken),
            ("closed", "Keys without a lifeline: closed while no proxy lives.", &sets.closed),
            ("shut", "Not inspected, of a tier that closes with the process.", &sets.shut),
        ];
        for (name, says, keys) in kinds {
            self.line(1, format!("# {says}"));
            self.flow_sets(name, keys, notes);
        }
        self.block(match form {
            Form::Router => HOOKS,
            Form::Bridge(_) => skeleton::bridge::INSPECT_HOOKS,
        });
        for way in WAYS {
            self.take(way, proxying, sets);
            let nobody = format!("goto nobody_{way}");
            let dead = format!("meta l4proto != @alive {nobody}");
            self.each_key(
                "uninspected",
                way,
                &[("closed", &sets.closed, &nobody), ("shut", &sets.shut, &dead)],
            );
            self.dropped("nobody", way, "uninspected", LOG_GROUP_UNINSPECTED);
            let copy = format!("log group {LOG_GROUP_COPIED} prefix \"cordon copy \"");
            self.each_key("copies", way, &[("copied", &sets.copied, &copy)]);
        }
    }

    /// Prints the chain that gives packets to the proxy.
    ///
    /// On a key with a lifeline, a TCP connection is taken from its first packet or never: one that
    /// the kernel forwards is not reset because a proxy came back.
    fn take(&mut self, way: &str, proxying: &Proxying, sets: &KernelSets) {
        let mark = format!("meta mark set meta mark or {PROXIED_MARK:#010x}");
        let ct_mark = format!("ct mark set ct mark or {PROXIED_MARK:#010x}");
        self.line(1, format!("chain inspect_{way} {{"));
        self.line(2, format!("socket transparent 1 {mark} accept"));
        let asked = || kinds().filter(|(direction, _)| is_question(way, *direction));
        for (name, keys) in [("taken", &sets.taken), ("closed", &sets.closed)] {
            for (direction, family) in asked() {
                let key = key_of(way, direction, family);
                let set = format!("@{name}_{}{}", direction.name(), family.digit());
                for transport in transports(keys, direction, family) {
                    let (word, port) = match transport {
                        Transport::Tcp => ("tcp", proxying.tcp_port),
                        Transport::Udp => ("udp", proxying.udp_port),
                    };
                    let first = match transport {
                        Transport::Tcp if name == "taken" => "tcp flags & (syn | ack) == syn ",
                        Transport::Tcp | Transport::Udp => "",
                    };
                    let to = to_proxy(family, port);
                    let given = format!("{to} {mark} {ct_mark} accept");
                    let alive = format!("meta l4proto {word} meta l4proto @alive");
                    self.line(2, format!("{alive} {first}{key} {set} {given}"));
                }
            }
        }
        self.line(1, "}");
    }

    /// Prints a chain that does something with the packets of some keys, questions and answers.
    fn each_key(&mut self, name: &str, way: &str, verdicts: &[(&str, &BTreeSet<FlowKey>, &str)]) {
        self.line(1, format!("chain {name}_{way} {{"));
        for (set, keys, verdict) in verdicts {
            for (direction, family) in kinds() {
                if of_kind(keys, direction, family).next().is_some() {
                    let key = key_of(way, direction, family);
                    let set = format!("@{set}_{}{}", direction.name(), family.digit());
                    self.line(2, format!("{key} {set} {verdict}"));
                }
            }
        }
        self.line(1, "}");
    }
}

/// Gives the transport protocols of the keys of one kind.
fn transports(
    keys: &BTreeSet<FlowKey>,
    direction: Direction,
    family: Family,
) -> BTreeSet<Transport> {
    of_kind(keys, direction, family).map(|key| key.transport).collect()
}

fn to_proxy(family: Family, port: u16) -> String {
    match family {
        Family::V4 => format!("tproxy ip to 127.0.0.1:{port}"),
        Family::V6 => format!("tproxy ip6 to [::1]:{port}"),
    }
}

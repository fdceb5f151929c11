//! Prints how many connections may be opened, and how many bytes carried, in one minute.

use std::collections::BTreeMap;
use std::num::{NonZeroU32, NonZeroU64};

use crate::Direction;
use crate::bundle::FlowKey;

use super::super::sets::Limits;
use super::super::{Form, skeleton};
use super::{Family, Page, WAYS, element, is_question, key_of, kinds};

/// The chains that count what the columns have let pass, beside the device and nowhere else: a flow
/// through a proxy is counted once.
const HOOKS: &str = r#"    counter limited {
    }
    chain limit_forward {
        type filter hook forward priority 5; policy accept;
        iifname $uplink oifname $inside goto limit_to_device
        iifname $inside oifname $uplink goto limit_from_device
    }
    chain limit_input {
        type filter hook input priority 5; policy accept;
        iifname $uplink accept
        iifname $inside goto limit_from_device
    }
    chain limit_output {
        type filter hook output priority 5; policy accept;
        oifname $uplink accept
        oifname $inside goto limit_to_device
    }
"#;

/// Above this, the kernel's own figures overflow when it counts by the minute.
/// # Units
/// Bytes per minute.
const BY_THE_MINUTE_MAX: u64 = 200_000_000;

impl Page {
    /// Prints the limits; nothing when there are none.
    pub(super) fn limits(&mut self, limits: &BTreeMap<FlowKey, Limits>, form: &Form) {
        if limits.is_empty() {
            return;
        }
        self.line(1, "# What one minute may open and carry; keys with a lifeline have no limit.");
        let opened = elements(limits, |limit| limit.connections_per_minute_max.map(per_minute));
        let carried = elements(limits, |limit| limit.bytes_per_minute_max.map(bytes_per_minute));
        for (direction, family) in kinds() {
            self.limit_set("opened", "limit rate over 1/minute", direction, family, &opened);
            let kind = "limit rate over 1 bytes/minute burst 1 bytes";
            self.limit_set("carried", kind, direction, family, &carried);
        }
        self.block(match form {
            Form::Router => HOOKS,
            Form::Bridge(_) => skeleton::bridge::LIMIT_HOOKS,
        });
        for way in WAYS {
            self.line(1, format!("chain limit_{way} {{"));
            self.line(2, "meta mark and $emergency == $emergency accept");
            for (direction, family) in kinds() {
                let key = key_of(way, direction, family);
                let set = format!("{}{}", direction.name(), family.digit());
                if is_question(way, direction) && has(&opened, direction, family) {
                    let above = format!("{key} @opened_{set} goto limited_{way}");
                    self.line(2, format!("meta l4proto tcp ct state new {above}"));
                    self.line(2, format!("meta l4proto udp {above}"));
                }
                if has(&carried, direction, family) {
                    self.line(2, format!("{key} @carried_{set} goto limited_{way}"));
                }
            }
            self.line(1, "}");
            self.dropped("limited", way, "limited", super::super::LOG_GROUP_LIMITED);
        }
    }

    fn limit_set(
        &mut self,
        name: &str,
        kind: &str,
        direction: Direction,
        family: Family,
        elements: &BTreeMap<FlowKey, String>,
    ) {
        if !has(elements, direction, family) {
            return;
        }
        let address = family.set_type();
        self.line(1, format!("set {name}_{}{} {{", direction.name(), family.digit()));
        self.line(2, format!("type {address} . {address} . inet_proto . inet_service"));
        self.line(2, kind);
        let here = elements.iter().filter(|(key, _)| is_of(key, direction, family));
        self.elements(
            here.map(|(key, limit)| (String::new(), format!("{} {limit}", element(key)))),
        );
        self.line(1, "}");
    }
}

fn elements(
    limits: &BTreeMap<FlowKey, Limits>,
    limit: impl Fn(&Limits) -> Option<String>,
) -> BTreeMap<FlowKey, String> {
    limits.iter().filter_map(|(key, limits)| Some((*key, limit(limits)?))).collect()
}

fn is_of(key: &FlowKey, direction: Direction, family: Family) -> bool {
    key.direction == direction && Family::of(key.device) == family
}

fn has(elements: &BTreeMap<FlowKey, String>, direction: Direction, family: Family) -> bool {
    elements.keys().any(|key| is_of(key, direction, family))
}

/// Gives a limit that permits a minute's connections at once.
fn per_minute(count: NonZeroU32) -> String {
    format!("limit rate over {count}/minute burst {count} packets")
}

/// Gives a limit that permits a minute's bytes at once; in bytes, what nft calls the burst comes on
/// top of one unit of the rate.
fn bytes_per_minute(bytes: NonZeroU64) -> String {
    let bytes = bytes.get();
    if bytes <= BY_THE_MINUTE_MAX {
        return format!("limit rate over {bytes} bytes/minute burst 1 bytes");
    }
    let second = bytes / 60;
    let burst = bytes.saturating_sub(second).min(u64::from(u32::MAX));
    format!("limit rate over {second} bytes/second burst {burst} bytes")
}

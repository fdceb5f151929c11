#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use super::*;

const OLD: &str = r#"# cordon: gw, bundle 1
define uplink = "up"
add table inet cordon_policy
flush table inet cordon_policy
table inet cordon_policy {
    set flows_0_out4 {
        type ipv4_addr . ipv4_addr . inet_proto . inet_service
    }
}
flush set inet cordon_policy flows_0_out4
table inet cordon_policy {
    set flows_0_out4 {
        type ipv4_addr . ipv4_addr . inet_proto . inet_service
        elements = {
            # PUMP-1 (ORANGE)
            10.1.0.4 . 10.9.0.6 . tcp . 443,
            10.1.0.5 . 10.9.0.6 . tcp . 443,
        }
    }
    set opened_out4 {
        type ipv4_addr . ipv4_addr . inet_proto . inet_service
        limit rate over 1/minute
        elements = {
            10.1.0.4 . 10.9.0.6 . tcp . 443 limit rate over 60/minute burst 60 packets,
        }
    }
    set alive {
        type inet_proto
        flags timeout
        elements = { tcp, udp }
    }
    map column {
        type mark : verdict
        elements = {
            0x00000001 : goto normal_from_device,
        }
    }
    chain normal_from_device {
        accept
    }
}
add table inet cordon_loaded
delete table inet cordon_loaded
table inet cordon_loaded {
    comment "cordon bundle 1 12:00 00"
}
"#;

fn counts(new: &str) -> Option<(usize, usize, usize)> {
    delta(OLD, new).map(|delta| (delta.added, delta.removed, delta.first.len() + delta.then.len()))
}

#[test]
fn other_elements_are_a_difference_that_netlink_can_make() {
    let same = OLD.replace("bundle 1", "bundle 2").replace("PUMP-1", "PUMP-2");
    assert_eq!(counts(&same), Some((0, 0, 2)), "the name alone is another");
    let one = OLD.replace("10.1.0.5 . 10.9.0.6", "10.1.0.7 . 10.9.0.6");
    assert_eq!(counts(&one), Some((1, 1, 4)));
    let limit = OLD.replace("over 60/minute burst 60", "over 90/minute burst 90");
    assert_eq!(counts(&limit), Some((1, 1, 4)));
    let none = OLD.replace("            10.1.0.5 . 10.9.0.6 . tcp . 443,\n", "");
    assert_eq!(counts(&none), Some((0, 1, 3)));
}

#[test]
fn anything_else_that_differs_is_no_such_difference() {
    for (old, new) in [
        ("        accept", "        drop"),
        ("define uplink = \"up\"", "define uplink = \"eth0\""),
        ("0x00000001 : goto", "0x00000002 : goto"),
        ("elements = { tcp, udp }", "elements = { tcp }"),
        ("type ipv4_addr . ipv4_addr", "type ipv4_addr . ipv6_addr"),
        ("10.1.0.5 . 10.9.0.6 . tcp . 443,", "10.1.0.5 . 10.9.0.6 . sctp . 443,"),
        ("10.1.0.5 . 10.9.0.6 . tcp . 443,", "10.1.0.5 . 10.9.0.6 . tcp,"),
        ("10.1.0.5 . 10.9.0.6 . tcp . 443,", "10.1.0.5 . 10.9.0.6 . tcp . 443"),
        ("over 60/minute burst 60 packets", "over 60/hour burst 60 packets"),
        ("    comment \"cordon bundle 1 12:00 00\"\n", ""),
    ] {
        assert_eq!(counts(&OLD.replace(old, new)), None, "{new}");
    }
    let many: String =
        (0..ELEMENTS_MAX + 2).map(|n| format!("10.{}.{}.1,\n", n / 256, n % 256)).collect();
    let set = |elements: &str| {
        let set = format!(
            "    set many {{\n        type ipv4_addr\n        elements = {{\n{elements}        }}\n    }}\n"
        );
        OLD.replacen("    set alive {", &format!("{set}    set alive {{"), 1)
    };
    assert!(delta(&set("10.0.0.1,\n"), &set(&many)).is_none(), "they are too many");
}

#[test]
fn a_set_whose_type_is_told_otherwise_does_not_differ_by_elements() {
    let set = |element: &str| {
        let set = format!(
            "    set own {{\n        typeof ip saddr\n        elements = {{\n            {element},\n        }}\n    }}\n"
        );
        OLD.replacen("    set alive {", &format!("{set}    set alive {{"), 1)
    };
    assert!(delta(&set("10.1.0.4"), &set("10.1.0.4")).is_some());
    assert!(delta(&set("10.1.0.4"), &set("10.1.0.5")).is_none());
}

#[test]
fn keys_are_laid_out_as_the_kernel_wants_them() {
    let kind = "ifname . ether_addr . ipv4_addr";
    let key = key_of(kind, "\"d1\" . 02:00:00:00:00:01 . 10.1.0.4").unwrap();
    assert_eq!(key.len(), 28);
    let (name, rest) = key.split_at(16);
    assert_eq!(name, b"d1\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    assert_eq!(rest, [2, 0, 0, 0, 0, 1, 0, 0, 10, 1, 0, 4]);
    let kind = "ipv4_addr . ipv4_addr . inet_proto . inet_service";
    let key = key_of(kind, "10.1.0.4 . 10.9.0.6 . udp . 47808").unwrap();
    assert_eq!(key, [10, 1, 0, 4, 10, 9, 0, 6, 17, 0, 0, 0, 0xba, 0xc0, 0, 0]);
    assert_eq!(key_of("ipv4_addr", "10.1.0.4").unwrap(), [10, 1, 0, 4]);
    assert!(key_of("ifname", "\"a-name-of-seventeen\"").is_none());
}

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use super::{Found, HostError, Ports, Problem, found, read};

fn ports() -> Ports {
    Ports { bridge: "br0".into(), uplink: "uplink0".into(), devices: "port".into() }
}

const BRIDGE: &str = r#"{"ifname":"br0","flags":["BROADCAST","UP"],"address":"02:00:00:00:ff:01",
    "linkinfo":{"info_kind":"bridge","info_data":{"mcast_snooping":0,"nf_call_iptables":0}}}"#;

fn port(name: &str, bridge: &str, isolated: bool) -> String {
    format!(
        r#"{{"ifname":"{name}","master":"{bridge}","linkinfo":{{"info_slave_data":{{"isolated":{isolated}}}}}}}"#
    )
}

fn look(links: &[&str]) -> Result<Found, HostError> {
    found(&read(&format!("[{}]", links.join(","))).unwrap(), &ports())
}

#[test]
fn a_bridge_that_is_as_it_must_be_needs_nothing() {
    let links = [BRIDGE, &port("uplink0", "br0", false), &port("port1", "br0", true)];
    let found = look(&links).unwrap();
    assert_eq!(found.mac.to_string(), "02:00:00:00:ff:01");
    assert_eq!((found.problems, found.otherwise, found.commands), Default::default());
}

#[test]
fn what_only_a_person_can_mend_is_told() {
    // What is there besides the bridge, what is wrong.
    let cases = [
        (vec![], vec![Problem::Absent("uplink0".into())]),
        (vec![port("uplink0", "br1", false)], vec![Problem::Apart("uplink0".into())]),
        (
            vec![port("uplink0", "br0", false), port("port1", "br1", true)],
            vec![Problem::Apart("port1".into())],
        ),
        (
            vec![port("uplink0", "br0", false), port("portal", "br0", true)],
            vec![Problem::Foreign("portal".into())],
        ),
        (vec![port("uplink0", "br0", false), port("eth7", "br1", false)], vec![]),
    ];
    for (links, wanted) in cases {
        let links: Vec<&str> =
            [BRIDGE].into_iter().chain(links.iter().map(String::as_str)).collect();
        assert_eq!(look(&links).unwrap().problems, wanted, "{links:?}");
    }
}

#[test]
fn what_is_otherwise_is_named_and_set() {
    let down = BRIDGE.replace(",\"UP\"", "").replace("tables\":0", "tables\":1");
    let links = [&*down, &port("uplink0", "br0", true), &port("port1", "br0", false)];
    let found = look(&links).unwrap();
    let said: Vec<_> =
        found.otherwise.iter().map(|one| format!("{} {} {}", one.name, one.was, one.is)).collect();
    let wanted = [
        "port1 isolated off on",
        "uplink0 isolated on off",
        "br0 nf_call_iptables 1 0",
        "br0 down up",
    ];
    assert_eq!(said, wanted);
    let last: Vec<String> = found.commands.into_iter().map(|words| words.join(" ")).collect();
    assert_eq!(last.last().map(String::as_str), Some("link set dev br0 up"), "{last:?}");
}

#[test]
fn what_is_no_bridge_is_refused() {
    let cases = [
        vec![],
        vec![BRIDGE.replace("\"bridge\"", "\"veth\"")],
        vec![BRIDGE.replace("br0", "br1")],
    ];
    for links in cases {
        let links: Vec<&str> = links.iter().map(String::as_str).collect();
        assert!(matches!(look(&links), Err(HostError::NoBridge(_))), "{links:?}");
    }
}

//! The three kinds of inspected flows, with a proxy and without.

use cordon_gateway::kernel::host;
use cordon_model::Bundle;

use super::lab::{Lab, ready};
use super::{BMS, EHR, MONITOR, PACS, PUMP, STATION, bundles, inside, load, open};

const HOUR_MS: u32 = 3_600_000;

fn inspected() -> Bundle {
    bundles::inspected_lifelines(bundles::access())
}

#[test]
fn without_a_proxy_lifelines_pass_and_the_rest_is_closed() {
    if !ready() {
        return;
    }
    let lab = Lab::new(&inspected());
    let kernel = open(&lab);
    load(&lab, &kernel, &inspected(), HOUR_MS);
    inside(&lab, host::prepare).unwrap();
    // The kernel believes in a proxy, but nobody listens.
    assert!(lab.asks(MONITOR, "tcp", STATION, 2575), "copied");
    assert!(lab.asks(PUMP, "tcp", STATION, 2575), "taken");
    assert!(lab.asks(PUMP, "tcp", "fd00:9::5", 2575), "taken, IPv6");
    assert!(!lab.asks(PUMP, "tcp", EHR, 443), "closed");
    assert!(lab.counter("inet cordon_policy", "uninspected") > 0);
    assert!(lab.asks(PUMP, "tcp", PACS, 104), "not inspected");
}

#[test]
fn a_living_proxy_takes_what_is_inspected_and_only_that() {
    if !ready() {
        return;
    }
    let mut lab = Lab::new(&inspected());
    let kernel = open(&lab);
    load(&lab, &kernel, &inspected(), HOUR_MS);
    inside(&lab, host::prepare).unwrap();
    let mut direct = lab.start(PUMP, &["hold", "tcp", STATION, "2575"]);
    assert!(direct.echoes());
    lab.serve("gw", &["transparent:15001"]);
    for _ in 0..5 {
        assert!(direct.echoes(), "what the kernel forwards stays with the kernel");
    }
    lab.run("services", "ip link set eth0 down");
    // Nobody but the proxy can answer now.
    assert!(lab.asks(PUMP, "tcp", STATION, 2575));
    let mut record = lab.start(PUMP, &["hold", "tcp", EHR, "443"]);
    assert!(record.echoes());
    assert!(!lab.asks(MONITOR, "tcp", STATION, 2575), "a RED lifeline is never taken");
    assert!(!lab.asks(PUMP, "tcp", PACS, 104), "nor is what nobody inspects");
    // The proxy hangs: its signs of life end.
    lab.run("services", "ip link set eth0 up; ip route add default via 10.9.0.1");
    lab.load("flush set inet cordon_policy alive\n").unwrap();
    let taken = |lab: &Lab| lab.counter("inet cordon_policy", "uninspected");
    let before = taken(&lab);
    assert!(!lab.asks(PUMP, "tcp", EHR, 443));
    assert!(taken(&lab) > before);
    assert!(lab.asks(PUMP, "tcp", STATION, 2575), "straight through the kernel");
    assert!(record.echoes(), "an open connection stays with the proxy");
}

#[test]
fn the_proxys_other_leg_is_judged_like_the_device() {
    if !ready() {
        return;
    }
    let mut lab = Lab::new(&inspected());
    let mut kernel = open(&lab);
    load(&lab, &kernel, &inspected(), HOUR_MS);
    inside(&lab, host::prepare).unwrap();
    let mut record = lab.start("gw", &["hold-as", "10.1.0.12", "tcp", EHR, "443"]);
    assert!(record.echoes(), "the other side answers the device's address, and the proxy hears it");
    let denied = lab.counter("inet cordon_policy", "denied");
    assert!(!lab.talks("gw", &["hold-as", "10.1.0.12", "tcp", BMS, "8443"]));
    assert!(lab.counter("inet cordon_policy", "denied") > denied);
    assert!(lab.talks("gw", &["ask", "tcp", BMS, "8443"]), "the gateway's own are not cordon's");
    let pump = ["10.1.0.12".parse().unwrap()];
    kernel.contain(&pump, None).unwrap();
    assert!(!record.echoes(), "containment cuts this leg, too");
    let isolated = lab.counter("inet cordon_state", "isolated");
    kernel.isolate(&pump).unwrap();
    let _ = record.echoes();
    assert!(lab.counter("inet cordon_state", "isolated") > isolated);
}

#[test]
fn preparing_the_host_again_changes_nothing() {
    if !ready() {
        return;
    }
    let lab = Lab::empty();
    let first = inside(&lab, host::prepare).unwrap();
    assert!(first.iter().any(|c| c.name.contains("nf_conntrack_acct")), "{first:?}");
    assert!(first.iter().any(|c| c.name.starts_with("ip -6 rule")), "{first:?}");
    assert_eq!(inside(&lab, host::prepare).unwrap(), []);
    let rules = lab.run("gw", "ip rule list; ip -6 rule list");
    assert_eq!(rules.matches("lookup 7100").count(), 2, "{rules}");
    let routes = lab.run("gw", "ip route list table 7100; ip -6 route list table 7100");
    assert_eq!(routes.matches("local default dev lo").count(), 2, "{routes}");
}

//! The bridge form: devices, an enforcement point that is a bridge, and services, all neighbours.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::process::{Command, Stdio};

use cordon_gateway::control::Request;
use cordon_gateway::kernel::log::{Log, Why};
use cordon_model::bundle::BundleFlow;
use cordon_model::nft::{Bridge, Form, LOG_GROUP_SPOOFED, gateway_ruleset, gateway_ruleset_as};
use cordon_model::{Bundle, ServiceId, Transport};
use serde_json::Value;

use super::lab::{Lab, Talk, ready};
use super::point::{Point, SECURITY, order};
use super::{BMS, EHR, MONITOR, NOON, NTP, PACS, PROXYING, PUMP, STATION, bundles, inside, until};

const CONTROLLER: &str = "HVAC-B2-Floor7-Zone3";
const FRAMES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/kernel/frames.py");

/// The MAC addresses of monitor, pump, services, and of nobody.
const MONITOR_MAC: &str = "02:00:00:00:00:0b";
const PUMP_MAC: &str = "02:00:00:00:00:0c";
const SERVICE_MAC: &str = "02:00:00:00:09:09";
const NOBODY_MAC: &str = "02:00:00:00:00:99";
const ALL: &str = "ff:ff:ff:ff:ff:ff";

/// What every frame of `frames.py` carries.
const MARK: &str = "636f72646f6e2d6672616d65";

/// A bundle whose monitor has a lifeline of datagrams, too.
fn bundle(number: u64) -> Bundle {
    let mut bundle = Bundle { number, ..bundles::inspected_lifelines(bundles::access()) };
    let mut vitals = bundle.services[0].clone();
    vitals.id = ServiceId::new("vitals").unwrap();
    vitals.transport = Transport::Udp;
    vitals.port = 5000;
    bundle.services.push(vitals);
    let service = bundle.services.len() - 1;
    let lifeline = bundle.flow_lists[0].iter().find(|flow| flow.lifeline).unwrap().clone();
    bundle.flow_lists[0].push(BundleFlow { service, inspector: None, ..lifeline });
    bundle
}

/// Makes devices and services that are neighbours on one bridge, as an operator does it but for one
/// port that is not isolated, and somebody who shows bridged frames to iptables.
fn lab(bundle: &Bundle) -> Lab {
    let mut lab = Lab::empty();
    lab.namespace("services");
    let (gateway, services) = (lab.full("gw"), lab.full("services"));
    lab.sh(&format!(
        "ip -n {gateway} link add br0 type bridge
         ip link add uplink0 netns {gateway} type veth peer name eth0 netns {services} address {SERVICE_MAC}
         ip -n {gateway} link set uplink0 master br0 up
         ip -n {gateway} addr add 10.0.0.2/8 dev br0
         ip -n {gateway} addr add fd00::2/16 dev br0 nodad
         ip -n {services} link set eth0 up
         ip netns exec {gateway} sysctl -qw net.bridge.bridge-nf-call-iptables=1"
    ));
    for address in bundle.services[..6].iter().flat_map(|service| &service.addresses) {
        let length = if address.is_ipv4() { "8" } else { "16 nodad" };
        lab.sh(&format!("ip -n {services} addr add {address}/{length} dev eth0"));
    }
    for device in &bundle.devices {
        lab.namespace(device.id.as_str());
        let (full, port) = (lab.full(device.id.as_str()), device.port.unwrap());
        let isolated = if port == 3 { "off" } else { "on" };
        lab.sh(&format!(
            "ip link add port{port} netns {gateway} type veth peer name eth0 netns {full} address {}
             ip -n {gateway} link set port{port} master br0 up
             ip -n {gateway} link set port{port} type bridge_slave isolated {isolated}
             ip -n {full} link set eth0 up
             ip -n {full} addr add {}/8 dev eth0",
            device.mac, device.ip
        ));
        if let Some(ipv6) = device.ipv6 {
            lab.sh(&format!("ip -n {full} addr add {ipv6}/16 dev eth0 nodad"));
        }
    }
    let listen = ["tcp:443", "tcp:104", "tcp:8443", "udp:123", "udp:5000"];
    lab.serve("services", &listen);
    lab
}

fn frames(lab: &Lab, place: &str, args: &[&str]) -> Command {
    let mut command = Command::new("ip");
    command.args(["netns", "exec", &lab.full(place), "python3", "-S", FRAMES]).args(args);
    command
}

/// Sends one frame.
fn send(lab: &Lab, place: &str, frame: &[&str]) {
    let status = frames(lab, place, &[&["send"], frame].concat()).status();
    assert!(status.unwrap().success(), "{frame:?}");
}

/// Says whether the proxy lets an alarm pass and its acknowledgment come back.
fn alarms(lab: &Lab, device: &str, to: &str) -> bool {
    let mut command = frames(lab, device, &["hl7", to, "2575"]);
    command.stderr(Stdio::null()).status().unwrap().success()
}

/// Starts the daemon as a bridge.
fn started(lab: &Lab) -> Point {
    let mut point = point();
    point.start(lab);
    // The bundle is in force; the way into the kernel is a thread of its own.
    until("the bridge", || raised(lab).then_some(()));
    point
}

fn point() -> Point {
    let point = Point::new();
    let mut file = OpenOptions::new().append(true).open(point.path("gw.toml")).unwrap();
    writeln!(file, "bridge = \"br0\"").unwrap();
    point.publish(&bundle(7));
    point
}

fn raised(lab: &Lab) -> bool {
    lab.run("gw", "ip link show br0").contains(",UP")
}

/// Gives the counts of those who hear.
fn counts(hearer: &mut Talk) -> Vec<u64> {
    hearer.says().split(' ').map(|count| count.parse().unwrap()).collect()
}

#[test]
fn a_bridge_carries_what_is_permitted_and_looks_like_a_wire() {
    if !ready() {
        return;
    }
    let mut lab = lab(&bundle(7));
    assert!(!lab.asks(MONITOR, "udp", STATION, 5000), "a bridge without rules is down");
    let point = started(&lab);
    let set = lab.run(
        "gw",
        "sysctl -n net.bridge.bridge-nf-call-iptables net.ipv4.conf.br0.send_redirects
         sysctl -n net.ipv4.conf.all.send_redirects net.ipv4.ip_forward",
    );
    assert_eq!(set.split_whitespace().collect::<Vec<_>>(), ["0", "0", "0", "1"]);
    let ports = lab.run("gw", "bridge -d link show");
    assert_eq!(ports.matches("isolated on").count(), 3, "{ports}");

    let hl7 = frames(&lab, "services", &["hl7-serve", "2575"]);
    let _hl7 = lab.stay(hl7);
    let marks = ["02000000000c0800", "02000000000b0800", "02000000000b86dd"];
    let hear = frames(&lab, "services", &[&["hear"][..], &marks].concat());
    let mut hearer = lab.stay(hear);
    assert!(lab.asks(MONITOR, "udp", STATION, 5000), "a lifeline");
    assert!(lab.asks(PUMP, "tcp", PACS, 104), "forwarded");
    assert!(lab.asks(PUMP, "udp", NTP, 123), "forwarded");
    assert!(lab.asks(PUMP, "udp", "fd00:9::7", 123), "forwarded, IPv6");
    until("a RED lifeline, copied", || alarms(&lab, MONITOR, STATION).then_some(()));
    until("a lifeline that the proxy takes", || alarms(&lab, PUMP, STATION).then_some(()));
    assert!(alarms(&lab, PUMP, "fd00:9::5"), "taken, IPv6");
    assert!(!lab.asks(PUMP, "tcp", STATION, 2575), "what is no HL7 does not pass the proxy");
    let heard = counts(&mut hearer);
    assert!(
        heard[0] > 10 && heard[1] > 4,
        "upstream sees the devices' own MAC addresses: {heard:?}"
    );

    lab.serve(CONTROLLER, &["tcp:502"]);
    let mut polled = lab.start("services", &["hold-as", BMS, "tcp", "10.1.0.13", "502"]);
    assert!(polled.echoes(), "towards a device");
    let denied = |lab: &Lab| lab.counter("inet cordon_policy", "denied");
    let before = denied(&lab);
    assert!(!lab.asks(PUMP, "tcp", BMS, 8443), "unlisted");
    assert!(denied(&lab) > before);
    assert!(!lab.talks("services", &["ask", "tcp", "10.1.0.11", "22"]));
    assert!(!lab.asks(PUMP, "tcp", EHR, 443), "no HTTP: the proxy's");
    assert!(!lab.asks(PUMP, "tcp", "10.0.0.2", 22), "the point itself");
    assert_eq!(lab.counter("bridge cordon_bind", "spoofed"), 0, "nobody was wronged");
    drop(point);
}

/// A frame: who sends it, its parts, whether it arrives, and the counter that tells of it.
type Case<'a> = (&'a str, &'a [&'a str], bool, &'a str);

/// What a pump sends.
const FROM_PUMP: &[Case<'_>] = &[
    ("its own", &["udp", SERVICE_MAC, PUMP_MAC, "10.1.0.12", NTP, "999", "123"], true, ""),
    (
        "foreign MAC",
        &["udp", SERVICE_MAC, NOBODY_MAC, "10.1.0.12", NTP, "999", "123"],
        false,
        "spoofed",
    ),
    (
        "foreign IP",
        &["udp", SERVICE_MAC, PUMP_MAC, "10.1.0.11", NTP, "999", "123"],
        false,
        "spoofed",
    ),
    (
        "a twin",
        &["udp", SERVICE_MAC, MONITOR_MAC, "10.1.0.11", STATION, "999", "5000"],
        false,
        "spoofed",
    ),
    ("ARP", &["arp", PUMP_MAC, PUMP_MAC, "10.1.0.12", NTP], true, ""),
    ("ARP of another", &["arp", PUMP_MAC, PUMP_MAC, "10.1.0.11", NTP], false, "spoofed"),
    ("ARP of a service", &["arp", PUMP_MAC, PUMP_MAC, NTP, NTP], false, "spoofed"),
    ("ARP for another", &["arp", PUMP_MAC, NOBODY_MAC, "10.1.0.12", NTP], false, "spoofed"),
    ("ARP from another", &["arp", NOBODY_MAC, PUMP_MAC, "10.1.0.12", NTP], false, "spoofed"),
    ("ARP probe", &["arp", PUMP_MAC, PUMP_MAC, "0.0.0.0", "10.1.0.12"], true, ""),
    ("ARP probe of another", &["arp", PUMP_MAC, PUMP_MAC, "0.0.0.0", NTP], false, "spoofed"),
    (
        "asks for a lease",
        &["udp", ALL, PUMP_MAC, "0.0.0.0", "255.255.255.255", "68", "67"],
        true,
        "",
    ),
    (
        "renews a lease",
        &["udp", ALL, PUMP_MAC, "10.1.0.12", "255.255.255.255", "68", "67"],
        true,
        "",
    ),
    (
        "another asks",
        &["udp", ALL, NOBODY_MAC, "0.0.0.0", "255.255.255.255", "68", "67"],
        false,
        "spoofed",
    ),
    (
        "offers a lease",
        &["udp", ALL, PUMP_MAC, "10.1.0.12", "255.255.255.255", "67", "68"],
        false,
        "rogue_dhcp",
    ),
    ("is a router", &["router", PUMP_MAC, "fe80::ff:fe00:c"], false, "rogue_router"),
    ("neighbour", &["neighbour", "136", PUMP_MAC, "fd00:1::12", "fd00:1::12"], true, ""),
    (
        "neighbour, local",
        &["neighbour", "136", PUMP_MAC, "fe80::ff:fe00:c", "fe80::ff:fe00:c"],
        true,
        "",
    ),
    (
        "neighbour for another",
        &["neighbour", "136", PUMP_MAC, "fd00:1::12", "fd00:9::7"],
        false,
        "spoofed",
    ),
    (
        "neighbour as another",
        &["neighbour", "136", PUMP_MAC, "fe80::1", "fe80::1"],
        false,
        "spoofed",
    ),
    ("asks for a neighbour", &["neighbour", "135", PUMP_MAC, "fd00:1::12", "fd00:9::7"], true, ""),
    (
        "asks as another",
        &["neighbour", "135", PUMP_MAC, "fd00:9::7", "fd00:9::5"],
        false,
        "spoofed",
    ),
    ("will claim its own", &["neighbour", "135", PUMP_MAC, "::", "fd00:1::12"], true, ""),
    ("will claim another's", &["neighbour", "135", PUMP_MAC, "::", "fd00:9::7"], false, "spoofed"),
    ("a tag", &["tagged", SERVICE_MAC, PUMP_MAC, "10.1.0.12", NTP, "999", "123"], false, "beside"),
    ("another protocol", &["other", PUMP_MAC], false, "beside"),
];

/// What comes by the uplink.
const FROM_SERVICES: &[Case<'_>] = &[
    ("listed", &["udp", PUMP_MAC, SERVICE_MAC, "10.9.0.10", "10.1.0.12", "67", "68"], true, ""),
    ("a lease", &["udp", ALL, SERVICE_MAC, "10.9.0.10", "255.255.255.255", "67", "68"], true, ""),
    (
        "a device",
        &["udp", PUMP_MAC, SERVICE_MAC, "10.1.0.11", "10.1.0.12", "999", "123"],
        false,
        "spoofed",
    ),
    ("ARP", &["arp", SERVICE_MAC, SERVICE_MAC, NTP, "10.1.0.12"], true, ""),
    (
        "ARP of a device",
        &["arp", SERVICE_MAC, SERVICE_MAC, "10.1.0.11", "10.1.0.12"],
        false,
        "spoofed",
    ),
    (
        "ARP probe of a device",
        &["arp", SERVICE_MAC, SERVICE_MAC, "0.0.0.0", "10.1.0.12"],
        false,
        "spoofed",
    ),
    ("a router", &["router", SERVICE_MAC, "fe80::1"], true, ""),
    ("neighbour", &["neighbour", "136", SERVICE_MAC, "fd00:9::7", "fd00:9::7"], true, ""),
    (
        "neighbour as a device",
        &["neighbour", "136", SERVICE_MAC, "fd00:9::7", "fd00:1::11"],
        false,
        "spoofed",
    ),
    (
        "will claim a device's",
        &["neighbour", "135", SERVICE_MAC, "::", "fd00:1::12"],
        false,
        "spoofed",
    ),
    ("another protocol", &["other", SERVICE_MAC], false, "overheard"),
    (
        "broadcast",
        &["udp", ALL, SERVICE_MAC, NTP, "10.255.255.255", "999", "47808"],
        false,
        "overheard",
    ),
];

#[test]
fn a_port_speaks_for_itself_and_an_uplink_for_no_device() {
    if !ready() {
        return;
    }
    let mut lab = lab(&bundle(7));
    // What the daemon would log, this test reads.
    let form = Form::Bridge(Bridge { name: "br0".into(), mac: mac_of_bridge(&lab) });
    let text = gateway_ruleset_as(&form, &bundle(7), NOON, &PROXYING).unwrap();
    lab.load(&text).unwrap();
    prepare(&lab);
    let mut log = inside(&lab, || Log::open(&[LOG_GROUP_SPOOFED], 128)).unwrap();
    let mut hearers: Vec<Talk> = ["services", PUMP, MONITOR]
        .map(|place| {
            let hear = frames(&lab, place, &["hear", MARK]);
            lab.stay(hear)
        })
        .into();
    let own = ["arp", PUMP_MAC, PUMP_MAC, "10.1.0.12", NTP];
    for case in FROM_PUMP {
        arrives(&lab, (PUMP, &own), &mut hearers[0], *case);
    }
    let mut logged = Vec::new();
    inside(&lab, || while log.read(64, &mut logged).unwrap() {});
    for (why, mac) in [(Why::Spoofed, 0x99), (Why::SpoofedArp, 0x0c)] {
        // Of the port, not of the bridge.
        let wanted = (Some("port2"), Some([2, 0, 0, 0, 0, mac]));
        let is_told = logged
            .iter()
            .any(|one| one.why == why && (one.interface_name.as_deref(), one.mac) == wanted);
        assert!(is_told, "{why:?}: {logged:?}");
    }

    let own = ["arp", SERVICE_MAC, SERVICE_MAC, NTP, "10.1.0.12"];
    for case in FROM_SERVICES {
        arrives(&lab, ("services", &own), &mut hearers[1], *case);
    }

    // From device to device, whichever way: what arrived there came from the services.
    let before = counts(&mut hearers[2]);
    let bridge = mac_of_bridge(&lab).to_string();
    let off_path = lab.counter("inet cordon_policy", "off_path");
    for to in [MONITOR_MAC, ALL, &bridge] {
        send(&lab, PUMP, &["udp", to, PUMP_MAC, "10.1.0.12", "10.1.0.11", "999", "5000"]);
        send(&lab, PUMP, &["neighbour", "136", PUMP_MAC, "fd00:1::12", "fd00:1::12"]);
        send(&lab, PUMP, &["arp", PUMP_MAC, PUMP_MAC, "10.1.0.12", "10.1.0.11"]);
    }
    assert!(!lab.asks(PUMP, "udp", "10.1.0.11", 5000));
    send(&lab, "services", &own);
    until("the last frame", || (counts(&mut hearers[2]) == [before[0] + 1]).then_some(()));
    assert!(lab.counter("inet cordon_policy", "off_path") >= off_path + 3);
}

/// Reads the counters of the frames.
fn told(lab: &Lab) -> BTreeMap<String, u64> {
    let said = lab.nft(&["-j", "list", "counters", "table", "bridge", "cordon_bind"], "").unwrap();
    let said: Value = serde_json::from_str(&said).unwrap();
    let counters = said["nftables"].as_array().unwrap().iter().filter_map(|one| {
        let counter = one.get("counter")?;
        Some((counter["name"].as_str()?.to_owned(), counter["packets"].as_u64()?))
    });
    counters.collect()
}

/// Sends a frame and then one that arrives, and says whether the first one did, too.
fn arrives(
    lab: &Lab,
    (place, good): (&str, &[&str]),
    hearer: &mut Talk,
    (what, frame, does, counter): Case<'_>,
) {
    let (heard, before) = (counts(hearer)[0], told(lab));
    send(lab, place, frame);
    send(lab, place, good);
    let wanted = heard + 1 + u64::from(does);
    until(what, || (counts(hearer)[0] >= wanted).then_some(()));
    assert_eq!(counts(hearer)[0], wanted, "{what}");
    for (name, is) in told(lab) {
        let also = name == "spoofed" && counter.starts_with("rogue");
        // Neighbours speak, too.
        let is_told = is > before[&name] && (name != "overheard" || name == counter);
        assert_eq!(is_told, name == counter || also, "{what}: {name} is {is}");
    }
}

fn mac_of_bridge(lab: &Lab) -> cordon_model::Mac {
    lab.run("gw", "cat /sys/class/net/br0/address").trim().parse().unwrap()
}

/// Prepares the host as the daemon does.
fn prepare(lab: &Lab) {
    use cordon_gateway::kernel::host::{self, bridge};
    let ports = bridge::Ports::new("br0", &bundle(7).interfaces);
    let prepared = || {
        let found = bridge::look(&ports).unwrap();
        assert_eq!(found.problems, []);
        host::prepare().unwrap();
        let (corrected, problems) = bridge::prepare(&ports).unwrap();
        assert_eq!(problems, []);
        assert!(corrected.iter().any(|one| one.name == "port3 isolated"), "{corrected:?}");
        assert!(corrected.iter().any(|one| one.name == "br0" && one.is == "up"), "{corrected:?}");
        assert_eq!(bridge::prepare(&ports).unwrap(), (Vec::new(), Vec::new()));
        assert_eq!(bridge::look(&ports).unwrap().otherwise, []);
    };
    inside(lab, prepared);
}

#[test]
fn a_bridge_loses_nothing_of_a_lifeline_whatever_becomes_of_the_point() {
    if !ready() {
        return;
    }
    let mut lab = lab(&bundle(7));
    let mut point = started(&lab);
    lab.serve("services", &["tcp:2575"]);
    let beat = frames(&lab, MONITOR, &["beat", STATION, "5000"]);
    let mut beat = lab.stay(beat);
    let mut red = lab.start(MONITOR, &["hold", "tcp", STATION, "2575"]);
    let mut clinical = lab.start(PUMP, &["hold", "tcp", PACS, "104"]);
    for number in 8..14 {
        point.publish(&bundle(number));
        until("a bundle", || {
            assert!(red.echoes() && clinical.echoes(), "while a bundle is pushed");
            point.in_force().filter(|in_force| *in_force == number)
        });
    }
    for device in [MONITOR, PUMP] {
        point.obeys(&Request::Contain(order(device, &[SECURITY])));
    }
    assert!(red.echoes(), "contained");
    assert!(!clinical.echoes(), "a connection that was open is cut");
    for device in [MONITOR, PUMP] {
        point.obeys(&Request::Release(order(device, &[SECURITY])));
    }
    assert!(lab.asks(PUMP, "tcp", PACS, 104), "released");
    point.kill();
    for _ in 0..20 {
        assert!(red.echoes(), "nobody there");
    }
    assert!(lab.asks(MONITOR, "tcp", STATION, 2575), "a new one, nobody there");
    assert!(lab.asks(PUMP, "tcp", STATION, 2575), "a taken lifeline goes through the kernel");
    assert!(!lab.asks(PUMP, "tcp", EHR, 443), "what must be inspected is closed");
    assert!(!lab.asks(PUMP, "tcp", BMS, 8443), "what is unlisted is closed");
    point.start(&lab);
    for _ in 0..20 {
        assert!(red.echoes(), "back again");
    }
    assert_eq!(point.in_force(), Some(13));
    let said = beat.says();
    eprintln!("a lifeline of datagrams, sent and lost: {said}");
    let (sent, lost) = said.split_once(' ').unwrap();
    assert!(sent.parse::<u32>().unwrap() > 100, "{said}");
    assert_eq!(lost, "0", "{said}");
}

#[test]
fn what_is_wrong_with_a_bridge_is_told_before_it_is_enforced() {
    if !ready() {
        return;
    }
    let lab = lab(&bundle(7));
    let point = point();
    let check = || {
        let output = Command::new("ip")
            .args(["netns", "exec", &lab.full("gw"), env!("CARGO_BIN_EXE_cordon-gateway")])
            .arg("--config")
            .arg(point.path("gw.toml"))
            .args(["--check", "--json"])
            .output()
            .unwrap();
        let found: Value = serde_json::from_slice(&output.stdout).unwrap();
        let wrong = found["bridge"].as_array().unwrap();
        let wrong: Vec<String> = wrong.iter().map(|one| one.as_str().unwrap().into()).collect();
        (output.status.code(), wrong)
    };
    assert_eq!(check(), (Some(0), vec![]));
    assert!(!raised(&lab), "a check changes nothing");
    lab.run(
        "gw",
        "ip link set port1 nomaster; ip link add extra type veth peer name extra1; ip link set extra master br0",
    );
    let (code, wrong) = check();
    assert_eq!(code, Some(65));
    assert_eq!(wrong.len(), 2, "{wrong:?}");
    assert!(wrong[0].contains("`extra`") && wrong[1].contains("`port1`"), "{wrong:?}");
    lab.run("gw", "ip link del br0");
    let (code, wrong) = check();
    assert_eq!((code, wrong), (Some(65), vec!["there is no bridge `br0`".to_owned()]));
}

/// What is in force: how many rules each chain has, and which base chains drop.
fn in_force(lab: &Lab) -> BTreeMap<String, usize> {
    let said = lab.nft(&["-j", "list", "ruleset"], "").unwrap();
    let said: Value = serde_json::from_str(&said).unwrap();
    let mut found = BTreeMap::new();
    for one in said["nftables"].as_array().unwrap() {
        let name = |object: &Value, chain: &str| {
            let word = |key: &str| object[key].as_str().unwrap_or_default().to_owned();
            format!("{} {} {}", word("family"), word("table"), word(chain))
        };
        if let Some(rule) = one.get("rule") {
            *found.entry(name(rule, "chain")).or_default() += 1;
        }
        if let Some(chain) = one.get("chain").filter(|chain| chain["policy"] == "drop") {
            *found.entry(format!("{} drops", name(chain, "name"))).or_default() += 1;
        }
    }
    found
}

#[test]
fn one_form_leaves_nothing_of_the_other_in_force() {
    if !ready() {
        return;
    }
    let bundle = bundle(7);
    let mac = "02:00:00:00:ff:01".parse().unwrap();
    let form = Form::Bridge(Bridge { name: "br0".into(), mac });
    let bridge = gateway_ruleset_as(&form, &bundle, NOON, &PROXYING).unwrap();
    let router = gateway_ruleset(&bundle, NOON, &PROXYING);
    let fresh = |text: &str| {
        let lab = Lab::empty();
        lab.load(text).unwrap();
        in_force(&lab)
    };
    let wanted = [fresh(&router), fresh(&bridge)];
    assert_ne!(wanted[0], wanted[1]);
    let lab = Lab::empty();
    for _ in 0..2 {
        for (text, wanted) in [&router, &bridge].into_iter().zip(&wanted) {
            lab.load(text).unwrap();
            assert_eq!(&in_force(&lab), wanted);
        }
    }
}

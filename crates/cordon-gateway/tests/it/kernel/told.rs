//! What the kernel tells: first packets of what it denies, copies of lifelines, connections.

use std::net::IpAddr;

use cordon_gateway::kernel::flows::{Flow, Flows, Seen};
use cordon_gateway::kernel::host;
use cordon_gateway::kernel::log::{Log, Logged, Why};
use cordon_model::nft::{
    LOG_GROUP_COPIED, LOG_GROUP_DENIED, LOG_GROUP_ISOLATED, LOG_GROUP_SPOOFED,
    LOG_GROUP_UNINSPECTED, SECOND_LEG_MARK, gateway_ruleset,
};

use super::lab::{Lab, ready};
use super::{
    BMS, EHR, MONITOR, NOON, PACS, PROXYING, PUMP, STATION, bundles, inside, load, open, until,
};

/// Waits for a packet of a kind.
pub(super) fn next(lab: &Lab, log: &mut Log, why: Why) -> Logged {
    inside(lab, || {
        until("a logged packet", || {
            let mut out = Vec::new();
            log.read(64, &mut out).unwrap();
            out.into_iter().find(|logged| logged.why == why)
        })
    })
}

#[test]
fn every_prefix_of_the_texts_is_known() {
    let bundle = bundles::inspected_lifelines(bundles::access());
    let text = gateway_ruleset(&bundle, NOON, &PROXYING);
    let prefixes: Vec<&str> =
        text.split("prefix \"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(prefixes.len() > 10, "{prefixes:?}");
    for prefix in prefixes {
        assert_ne!(Why::of_prefix(prefix), Why::Foreign, "{prefix}");
    }
}

/// The addresses of an IPv4 packet.
fn ipv4(packet: &[u8]) -> [IpAddr; 2] {
    let at = |start: usize| <[u8; 4]>::try_from(&packet[start..start + 4]).unwrap().into();
    [at(12), at(16)]
}

#[test]
fn the_first_packet_of_what_is_denied_is_told_with_its_sender() {
    if !ready() {
        return;
    }
    let lab = Lab::new(&bundles::access());
    let mut kernel = open(&lab);
    load(&lab, &kernel, &bundles::access(), 1000);
    let groups = [LOG_GROUP_DENIED, LOG_GROUP_SPOOFED, LOG_GROUP_ISOLATED, LOG_GROUP_UNINSPECTED];
    let mut log = inside(&lab, || Log::open(&groups, 128)).unwrap();
    let second = inside(&lab, || Log::open(&[LOG_GROUP_DENIED], 128));
    assert_eq!(second.unwrap_err().raw_os_error(), Some(1), "one reader for each group");

    assert!(!lab.asks(PUMP, "tcp", BMS, 8443));
    let denied = next(&lab, &mut log, Why::Denied);
    assert_eq!(denied.group, LOG_GROUP_DENIED);
    assert_eq!(denied.from_device, Some(true));
    assert_eq!(denied.interface_name.as_deref(), Some("port2"));
    assert_eq!(denied.mac, Some([2, 0, 0, 0, 0, 0x0c]));
    let wanted: [IpAddr; 2] = ["10.1.0.12", BMS].map(|text| text.parse().unwrap());
    assert_eq!(ipv4(&denied.packet), wanted);
    assert!(denied.packet.len() <= 128);

    assert!(!lab.asks(PUMP, "tcp", EHR, 443));
    assert_eq!(next(&lab, &mut log, Why::Uninspected).group, LOG_GROUP_UNINSPECTED);
    kernel.isolate(&["10.1.0.12".parse().unwrap()]).unwrap();
    assert!(!lab.asks(PUMP, "tcp", STATION, 2575));
    assert_eq!(next(&lab, &mut log, Why::Isolated).group, LOG_GROUP_ISOLATED);
    lab.run(PUMP, "ip addr add 10.1.0.66/32 dev eth0");
    lab.run(PUMP, "ip route replace default via 10.1.0.1 src 10.1.0.66");
    assert!(!lab.asks(PUMP, "tcp", STATION, 2575));
    let spoofed = next(&lab, &mut log, Why::Spoofed);
    assert_eq!(spoofed.mac, Some([2, 0, 0, 0, 0, 0x0c]));
    assert_eq!(log.missed(), Default::default());
}

#[test]
fn a_red_lifeline_is_copied_both_ways() {
    if !ready() {
        return;
    }
    let bundle = bundles::inspected_lifelines(bundles::access());
    let lab = Lab::new(&bundle);
    let kernel = open(&lab);
    load(&lab, &kernel, &bundle, 1000);
    let mut log = inside(&lab, || Log::open(&[LOG_GROUP_COPIED], u16::MAX)).unwrap();
    assert!(lab.asks(PUMP, "tcp", STATION, 2575), "an ORANGE one is not copied");
    assert!(lab.asks(MONITOR, "tcp", STATION, 2575));
    let mut said = Vec::new();
    until("question and answer", || {
        let mut out = Vec::new();
        log.read(64, &mut out).unwrap();
        said.extend(out.into_iter().filter(|logged| logged.packet.ends_with(b"hello\n")));
        (said.len() >= 2).then_some(())
    });
    let [monitor, station]: [IpAddr; 2] = ["10.1.0.11", STATION].map(|text| text.parse().unwrap());
    let ways: Vec<_> = said.iter().map(|logged| ipv4(&logged.packet)).collect();
    assert_eq!(ways, [[monitor, station], [station, monitor]]);
    assert!(said.iter().all(|logged| logged.why == Why::Copied));
}

#[test]
fn connections_are_told_from_their_start_to_their_end_with_what_they_carried() {
    if !ready() {
        return;
    }
    let mut lab = Lab::new(&bundles::access());
    inside(&lab, host::prepare).unwrap();
    let kernel = open(&lab);
    load(&lab, &kernel, &bundles::access(), 1000);
    let mut flows = inside(&lab, || Flows::open(1024)).unwrap();
    let archive: IpAddr = PACS.parse().unwrap();
    let mut look = || {
        let mut told: Vec<(Seen, Flow)> = Vec::new();
        let wanted = |tuple: &_| {
            let tuple: &cordon_gateway::kernel::flows::Tuple = tuple;
            tuple.destination == archive
        };
        flows.look(wanted, &mut |seen, flow| told.push((seen, *flow))).unwrap();
        told
    };
    assert_eq!(look(), []);
    let mut connection = lab.start(PUMP, &["hold", "tcp", PACS, "104"]);
    assert!(connection.echoes());
    let told = look();
    let [(Seen::Start, first)] = told[..] else { panic!("{told:?}") };
    assert_eq!(first.tuple.source.to_string(), "10.1.0.12");
    assert_eq!((first.tuple.protocol, first.tuple.destination_port), (6, 104));
    assert!(first.began.is_some());
    assert!(first.carried.bytes_asked > 9 && first.carried.bytes_answered > 9, "{first:?}");
    assert!(first.carried.packets_asked > 2 && first.carried.packets_answered > 1, "{first:?}");
    assert!(connection.echoes());
    let told = look();
    let [(Seen::Update, second)] = told[..] else { panic!("{told:?}") };
    assert!(second.carried.bytes_asked >= first.carried.bytes_asked + 49, "{second:?}");
    drop(connection);
    let last = until("the end of the connection", || {
        look().into_iter().find(|(seen, _)| *seen == Seen::End)
    });
    assert_eq!(last.1.tuple, first.tuple);
    assert_eq!(look(), [], "it ends once");

    let mut leg = lab.start("gw", &["hold-as", "10.1.0.12", "tcp", PACS, "104"]);
    assert!(leg.echoes());
    let told = look();
    let [(Seen::Start, leg)] = told[..] else { panic!("{told:?}") };
    assert_eq!(leg.mark & SECOND_LEG_MARK, SECOND_LEG_MARK);
}

#[test]
fn what_is_attempted_in_vain_is_counted_beyond_what_is_logged() {
    if !ready() {
        return;
    }
    let lab = Lab::new(&bundles::access());
    let kernel = open(&lab);
    load(&lab, &kernel, &bundles::access(), 1000);
    let mut attempts = inside(&lab, || kernel.attempts()).unwrap();
    let mut look = || inside(&lab, || attempts.look()).unwrap();
    assert_eq!(look(), []);
    // As many datagrams of 1,000 bytes as no log would tell.
    let flood = format!(
        "python3 -c 'import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n\
         for n in range(500): s.sendto(bytes(1000), (\"{BMS}\", 9))'"
    );
    lab.run(PUMP, &flood);
    let [one] = look().try_into().unwrap();
    assert_eq!((one.address.to_string().as_str(), one.packets), ("10.1.0.12", 500));
    assert_eq!(one.bytes, 500 * 1_028);
    assert_eq!(look(), [], "nothing more");
    // A text that is loaded as a whole begins the counters anew.
    load(&lab, &kernel, &bundles::segment(), 1000);
    load(&lab, &kernel, &bundles::access(), 1000);
    assert_eq!(look(), []);
    lab.run(PUMP, &flood);
    assert_eq!(look().first().map(|one| one.packets), Some(500));
}

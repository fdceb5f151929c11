//! Bundles: references that lead nowhere are refused, and the index finds what a scan finds.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use cordon_model::bundle::{
    Bundle, BundleDevice, BundleError, BundleFlow, BundleService, FlowIndex, FlowKey, Interfaces,
    Role, VERSION, VERSION_OLDEST, flow_keys,
};
use cordon_model::fleet::Inspection;
use cordon_model::{
    DeviceId, Direction, Envelope, HospitalId, Mac, Operation, PointId, Posture, PostureSet,
    ProfileId, Protocol, RuleId, ServiceId, Tier, Transport, ZoneKind,
};
use proptest::prelude::*;
use proptest::sample::Index;

fn address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        (1..6u8).prop_map(|n| IpAddr::V4(Ipv4Addr::new(10, 0, 0, n))),
        (1..4u16).prop_map(|n| IpAddr::V6(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, n))),
    ]
}

fn service() -> impl Strategy<Value = BundleService> {
    let addresses = proptest::collection::vec(address(), 1..3);
    let transport = prop_oneof![Just(Transport::Tcp), Just(Transport::Udp)];
    (addresses, 1..4u16, transport).prop_map(|(addresses, port, transport)| BundleService {
        id: ServiceId::new("s").unwrap(),
        kind: ZoneKind::Clinical,
        addresses,
        port,
        transport,
        protocol: Protocol::Hl7,
        ae_title: None,
        hl7_application: None,
        hl7_facility: None,
        host_names: Vec::new(),
    })
}

fn flow() -> impl Strategy<Value = BundleFlow> {
    let direction = prop_oneof![Just(Direction::Out), Just(Direction::In)];
    let operations: Vec<Operation> = Protocol::Hl7.operations().take(4).collect();
    let operations = proptest::sample::subsequence(operations, 1..4);
    let port = proptest::option::weighted(0.8, 1..4u16);
    let hours = proptest::option::weighted(0.3, 0..1u32 << 24);
    let references = (any::<Index>(), any::<Index>());
    (direction, operations, port, hours, references).prop_map(
        |(direction, operations, device_port, hours, (service, postures))| BundleFlow {
            service: service.index(3),
            direction,
            device_port,
            operations,
            postures: postures.index(2),
            hours,
            rules: vec![RuleId::new("rule").unwrap()],
            declared: true,
            lifeline: false,
            inspector: None,
            api_rate_per_minute: None,
            cadence_s: None,
            envelope: Envelope::default(),
            inspection: Inspection::default(),
        },
    )
}

fn device(number: u8, flow_list: usize, ipv6: bool) -> BundleDevice {
    BundleDevice {
        id: DeviceId::new(&format!("d-{number}")).unwrap(),
        profile: ProfileId::new("pump").unwrap(),
        tier: Tier::Orange,
        mac: Mac::new([2, 0, 0, 0, 0, number]).unwrap(),
        ip: Ipv4Addr::new(10, 1, 0, number),
        ipv6: ipv6.then(|| Ipv6Addr::new(0xfd01, 0, 0, 0, 0, 0, 0, number.into())),
        port: None,
        eui64: None,
        ae_title: None,
        hl7_application: None,
        hl7_facility: None,
        bacnet_instance: None,
        flow_list,
    }
}

prop_compose! {
    fn bundle()(
        services in proptest::collection::vec(service(), 3),
        flow_lists in proptest::collection::vec(proptest::collection::vec(flow(), 0..5), 2),
        postures in proptest::collection::vec(
            proptest::collection::btree_set(0..Posture::COUNT, 0..200), 2),
        devices in proptest::collection::vec((0..2usize, any::<bool>()), 1..4),
    ) -> Bundle {
        let set = |indexes: &std::collections::BTreeSet<usize>| -> PostureSet {
            Posture::all().filter(|posture| indexes.contains(&posture.index())).collect()
        };
        Bundle {
            version: VERSION,
            hospital: HospitalId::new("h").unwrap(),
            point: PointId::new("p").unwrap(),
            role: Role::Segment,
            number: 1,
            parent: None,
            age_max_s: 3600,
            interfaces: Interfaces { uplink: "up".to_owned(), devices: "lan".to_owned() },
            tiers: Vec::new(),
            services,
            postures: postures.iter().map(set).collect(),
            flow_lists,
            devices: (1..).zip(devices).map(|(n, (list, ipv6))| device(n, list, ipv6)).collect(),
        }
    }
}

/// Says by looking at everything what the index says: the first flow that permits.
fn scan<'b>(
    bundle: &'b Bundle,
    key: &FlowKey,
    operation: Operation,
    posture: Posture,
    hour: u8,
) -> Option<&'b BundleFlow> {
    for device in &bundle.devices {
        let own = [Some(IpAddr::V4(device.ip)), device.ipv6.map(IpAddr::V6)];
        if !own.contains(&Some(key.device)) {
            continue;
        }
        for flow in bundle.flow_lists.get(device.flow_list).unwrap() {
            let service = bundle.services.get(flow.service).unwrap();
            let port = match flow.direction {
                Direction::Out => Some(service.port),
                Direction::In => flow.device_port,
            };
            let here = service.addresses.contains(&key.peer)
                && key.peer.is_ipv4() == key.device.is_ipv4()
                && port == Some(key.port)
                && service.transport == key.transport
                && flow.direction == key.direction;
            let open = flow.hours.is_none_or(|hours| hours & 1 << hour != 0);
            let allowed = bundle.postures.get(flow.postures).unwrap().contains(posture);
            if here && open && allowed && flow.operations.contains(&operation) {
                return Some(flow);
            }
        }
    }
    None
}

fn key() -> impl Strategy<Value = FlowKey> {
    let own = (1..5u8, any::<bool>()).prop_map(|(n, four)| {
        let device = device(n, 0, true);
        if four { IpAddr::V4(device.ip) } else { IpAddr::V6(device.ipv6.unwrap()) }
    });
    let transport = prop_oneof![Just(Transport::Tcp), Just(Transport::Udp)];
    let direction = prop_oneof![Just(Direction::Out), Just(Direction::In)];
    (own, address(), 1..4u16, transport, direction).prop_map(
        |(device, peer, port, transport, direction)| FlowKey {
            device,
            peer,
            port,
            transport,
            direction,
        },
    )
}

proptest! {
    #[test]
    fn the_index_finds_what_a_scan_finds(
        bundle in bundle(),
        keys in proptest::collection::vec(key(), 16),
        posture in 0..Posture::COUNT,
        hour in 0..24u8,
    ) {
        prop_assert_eq!(bundle.check(), Ok(()));
        let index = FlowIndex::new(&bundle);
        let posture = Posture::all().nth(posture).unwrap();
        let all: Vec<FlowKey> = index.keys().copied().chain(keys).collect();
        for key in &all {
            for operation in Protocol::Hl7.operations() {
                let found = index.permits(key, operation, posture, hour);
                prop_assert_eq!(found, scan(&bundle, key, operation, posture, hour));
            }
        }
    }

    #[test]
    fn the_keys_are_those_of_the_flows_in_order(bundle in bundle()) {
        let mut expected: Vec<FlowKey> = Vec::new();
        for device in &bundle.devices {
            for (flow, service, _) in bundle.flows_of(device) {
                expected.extend(flow_keys(device, flow, service));
            }
        }
        expected.sort();
        expected.dedup();
        let index = FlowIndex::new(&bundle);
        prop_assert_eq!(index.keys().copied().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_bundle_reads_back(bundle in bundle()) {
        let text = serde_json::to_string(&bundle).unwrap();
        prop_assert_eq!(serde_json::from_str::<Bundle>(&text).unwrap(), bundle);
    }

    #[test]
    fn a_reference_that_leads_nowhere_is_refused(
        mut bundle in bundle(),
        which in 0..3usize,
        at in any::<Index>(),
        beyond in 0..3usize,
    ) {
        let (services, postures) = (bundle.services.len(), bundle.postures.len());
        let lists = bundle.flow_lists.len();
        let mut flows: Vec<_> = bundle.flow_lists.iter_mut().flatten().collect();
        let (what, index) = match which {
            0 if !flows.is_empty() => {
                let count = flows.len();
                flows[at.index(count)].service = services + beyond;
                ("service", services + beyond)
            }
            1 if !flows.is_empty() => {
                let count = flows.len();
                flows[at.index(count)].postures = postures + beyond;
                ("posture set", postures + beyond)
            }
            _ => {
                let count = bundle.devices.len();
                bundle.devices[at.index(count)].flow_list = lists + beyond;
                ("flow list", lists + beyond)
            }
        };
        let point = bundle.point.clone();
        prop_assert_eq!(bundle.check(), Err(BundleError::Dangling { point, what, index }));
    }

    #[test]
    fn another_version_is_refused(mut bundle in bundle(), version in any::<u32>()) {
        prop_assume!(!(VERSION_OLDEST..=VERSION).contains(&version));
        bundle.version = version;
        prop_assert_eq!(bundle.check(), Err(BundleError::Version(version)));
    }
}

#[test]
fn stored_bundles_of_every_version_are_read_and_written_alike() {
    let texts = [
        include_str!("../../testdata/stored/v1/gw-suite.json"),
        include_str!("../../testdata/stored/v2/gw-suite.json"),
    ];
    for (text, version) in texts.map(str::trim_end).into_iter().zip(VERSION_OLDEST..=VERSION) {
        let bundle: Bundle = serde_json::from_str(text).unwrap();
        assert_eq!(bundle.check(), Ok(()));
        assert_eq!((bundle.version, bundle.devices.len()), (version, 6));
        assert_eq!(serde_json::to_string(&bundle).unwrap(), text);
    }
}

//! Small bundles made by hand, one per role; the unit tests and the tests in the kernel share them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use cordon_model::bundle::{
    self, Bundle, BundleDevice, BundleFlow, BundleService, Interfaces, Role,
};
use cordon_model::fleet::{Envelope, Inspection, Inspector, ZoneKind};
use cordon_model::{
    Attestation, DeviceId, DeviceState, Direction, HospitalId, Identity, Mac, Operation, PointId,
    Posture, PostureSet, ProfileId, Protocol, RuleId, ServiceId, Tier, Transport,
};

/// Where the flows of the bundles lead: places in [`Bundle::services`].
const STATION: usize = 0;
const EHR: usize = 1;
const NTP: usize = 2;
const PACS: usize = 3;
const BMS: usize = 4;
const DHCP: usize = 5;

/// When they are open: places in [`Bundle::postures`].
const LIFELINE: usize = 0;
const STANDING: usize = 1;
const PROVEN: usize = 2;
const EMERGENCY: usize = 3;

/// Gives the three bundles and the names of their files.
pub(crate) fn all() -> [(&'static str, Bundle); 3] {
    [("access", access()), ("segment", segment()), ("service", service())]
}

/// A gateway with a monitor, a pump and a controller on its ports.
pub(crate) fn access() -> Bundle {
    let devices = [(monitor(), Some(1)), (pump(), Some(2)), (controller(), Some(3))]
        .map(|(device, port)| BundleDevice { port, ..device });
    bundle("gw-a-001", Role::Access, "port", devices.into())
}

/// A segment firewall before the same devices.
pub(crate) fn segment() -> Bundle {
    bundle("fw-icu-a", Role::Segment, "inside0", vec![monitor(), pump(), controller()])
}

/// A guard before the health record; the controller never passes it.
pub(crate) fn service() -> Bundle {
    let mut bundle = bundle("guard-ehr", Role::Service, "segments0", vec![monitor(), pump()]);
    for list in &mut bundle.flow_lists {
        list.retain(|flow| flow.service == EHR);
    }
    bundle
}

/// A bundle whose lifelines are inspected, too, and whose health record has an envelope.
pub(crate) fn inspected_lifelines(mut bundle: Bundle) -> Bundle {
    for flow in bundle.flow_lists.iter_mut().flatten() {
        let envelope = Envelope {
            bytes_per_minute_max: Some(1_000_000),
            connections_per_minute_max: Some(30),
            ..Envelope::default()
        };
        if flow.lifeline {
            flow.inspector = Some(Inspector::Hl7);
            flow.envelope = envelope;
        }
        if flow.service == EHR && flow.inspector.is_some() {
            flow.envelope = envelope;
        }
        if flow.service == NTP {
            flow.envelope =
                Envelope { bytes_per_minute_max: Some(6_000_000_000), ..Envelope::default() };
        }
    }
    bundle
}

/// A segment firewall before very many pumps.
pub(crate) fn large(count: u16) -> Bundle {
    let mut bundle = segment();
    bundle.devices = (0..count)
        .map(|number| {
            let [high, low] = number.to_be_bytes();
            BundleDevice {
                id: DeviceId::new(&format!("PUMP-{number:04}")).unwrap(),
                mac: Mac::new([2, 0, 0, 1, high, low]).unwrap(),
                ip: Ipv4Addr::new(10, 2, high, low),
                ipv6: Some(Ipv6Addr::new(0xfd00, 2, 0, 0, 0, 0, 1, number)),
                flow_list: usize::from(number % 3),
                ..pump()
            }
        })
        .collect();
    bundle
}

fn bundle(point: &str, role: Role, devices_at: &str, devices: Vec<BundleDevice>) -> Bundle {
    Bundle {
        version: bundle::VERSION,
        hospital: HospitalId::new("clinic").unwrap(),
        point: PointId::new(point).unwrap(),
        role,
        number: 7,
        parent: None,
        age_max_s: 3600,
        interfaces: Interfaces { uplink: "uplink0".to_owned(), devices: devices_at.to_owned() },
        tiers: Vec::new(),
        services: services(),
        postures: postures(),
        flow_lists: flow_lists(),
        devices,
    }
}

fn postures() -> Vec<PostureSet> {
    let standing = |p: &Posture| {
        matches!(p.state, DeviceState::Normal | DeviceState::Suspect | DeviceState::Probation)
    };
    let proven = |p: &Posture| {
        standing(p)
            && matches!(p.identity, Identity::Certificate | Identity::GatewayBound)
            && p.attestation != Attestation::Failed
    };
    let isolated = |p: &Posture| p.state == DeviceState::Isolated;
    vec![
        Posture::all().filter(|p| !isolated(p)).collect(),
        Posture::all().filter(standing).collect(),
        Posture::all().filter(proven).collect(),
        Posture::all().filter(|p| p.emergency && !isolated(p)).collect(),
    ]
}

fn services() -> Vec<BundleService> {
    use Transport::{Tcp, Udp};
    let clinical = ZoneKind::Clinical;
    let infrastructure = ZoneKind::Infrastructure;
    vec![
        service_at(
            "central-station",
            clinical,
            &["10.9.0.5", "fd00:9::5"],
            2575,
            Tcp,
            Protocol::Hl7,
        ),
        service_at("ehr-api", clinical, &["10.9.0.6", "10.9.0.16"], 443, Tcp, Protocol::Http),
        service_at("ntp", infrastructure, &["10.9.0.7", "fd00:9::7"], 123, Udp, Protocol::Ntp),
        service_at("pacs", clinical, &["10.9.0.8"], 104, Tcp, Protocol::Dicom),
        service_at("bms", ZoneKind::Facility, &["10.9.0.9"], 8443, Tcp, Protocol::Opaque),
        service_at("dhcp", infrastructure, &["10.9.0.10"], 67, Udp, Protocol::Dhcp),
    ]
}

fn service_at(
    id: &str,
    kind: ZoneKind,
    addresses: &[&str],
    port: u16,
    transport: Transport,
    protocol: Protocol,
) -> BundleService {
    let id = ServiceId::new(id).unwrap();
    let addresses: Vec<IpAddr> = addresses.iter().map(|text| text.parse().unwrap()).collect();
    BundleService {
        id,
        kind,
        addresses,
        port,
        transport,
        protocol,
        ae_title: None,
        hl7_application: None,
        hl7_facility: None,
        host_names: Vec::new(),
    }
}

/// The flow lists of a monitor, a pump and a controller.
fn flow_lists() -> Vec<Vec<BundleFlow>> {
    let emergency_only = flow(PACS, "dicom.c-find", EMERGENCY, "red-emergency");
    let polled = BundleFlow {
        direction: Direction::In,
        device_port: Some(502),
        ..flow(BMS, "modbus.read", STANDING, "green-polling")
    };
    let nightly =
        BundleFlow { hours: Some(0b1_1110), ..flow(BMS, "modbus.file", STANDING, "green-night") };
    vec![
        vec![
            lifeline("red-lifeline"),
            flow(EHR, "http.get", STANDING, "red-data-endpoints"),
            BundleFlow { declared: false, ..emergency_only },
        ],
        vec![
            lifeline("orange-lifeline"),
            inspected("http.get", PROVEN, "orange-clinical-services"),
            inspected("http.post", STANDING, "orange-clinical-notes"),
            flow(PACS, "dicom.c-echo", PROVEN, "orange-clinical-services"),
            flow(NTP, "ntp.query", STANDING, "orange-infrastructure"),
        ],
        vec![polled, nightly, flow(DHCP, "dhcp.lease", STANDING, "green-infrastructure")],
    ]
}

fn flow(service: usize, operation: &str, postures: usize, rule: &str) -> BundleFlow {
    let operation: Operation = operation.parse().unwrap();
    BundleFlow {
        service,
        direction: Direction::Out,
        device_port: None,
        operations: vec![operation],
        postures,
        hours: None,
        rules: vec![RuleId::new(rule).unwrap()],
        declared: true,
        lifeline: false,
        inspector: None,
        api_rate_per_minute: None,
        cadence_s: None,
        envelope: Envelope::default(),
        inspection: Inspection::default(),
    }
}

fn lifeline(rule: &str) -> BundleFlow {
    BundleFlow { lifeline: true, ..flow(STATION, "hl7.oru-r40", LIFELINE, rule) }
}

fn inspected(operation: &str, postures: usize, rule: &str) -> BundleFlow {
    BundleFlow { inspector: Some(Inspector::Http), ..flow(EHR, operation, postures, rule) }
}

fn monitor() -> BundleDevice {
    let ipv6 = Some(Ipv6Addr::new(0xfd00, 1, 0, 0, 0, 0, 0, 0x11));
    BundleDevice { ipv6, ..device("MON-ICU-01", "patient-monitor", Tier::Red, 11, 0) }
}

fn pump() -> BundleDevice {
    let ipv6 = Some(Ipv6Addr::new(0xfd00, 1, 0, 0, 0, 0, 0, 0x12));
    BundleDevice { ipv6, ..device("PUMP-3F-042", "infusion-pump", Tier::Orange, 12, 1) }
}

fn controller() -> BundleDevice {
    device("HVAC-B2-Floor7-Zone3", "hvac-controller", Tier::Green, 13, 2)
}

fn device(id: &str, profile: &str, tier: Tier, number: u8, flow_list: usize) -> BundleDevice {
    BundleDevice {
        id: DeviceId::new(id).unwrap(),
        profile: ProfileId::new(profile).unwrap(),
        tier,
        mac: Mac::new([2, 0, 0, 0, 0, number]).unwrap(),
        ip: Ipv4Addr::new(10, 1, 0, number),
        ipv6: None,
        port: None,
        eui64: None,
        ae_title: None,
        hl7_application: None,
        hl7_facility: None,
        bacnet_instance: None,
        flow_list,
    }
}

//! The devices and services of the stage, and the bundle that says what they may do.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use cordon_model::bundle::{
    self, Bundle, BundleDevice, BundleFlow, BundleService, Interfaces, Role,
};
use cordon_model::fleet::{
    AddressRange, BacnetRules, Envelope, Inspection, Inspector, ModbusRules, ModbusTable,
    WriteRange, ZoneKind,
};
use cordon_model::{
    DeviceId, DeviceState, Direction, HospitalId, Mac, PointId, Posture, PostureSet, ProfileId,
    Protocol, RuleId, ServiceId, Tier, Transport,
};

/// Who enforces.
pub(crate) const POINT: &str = "gw-w-001";

/// A device of the stage: its namespace, its name, and the port that its addresses go by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Actor {
    pub(crate) place: &'static str,
    pub(crate) id: &'static str,
    pub(crate) tier: Tier,
    pub(crate) port: u16,
}

impl Actor {
    pub(crate) fn ip(self) -> Ipv4Addr {
        let [_, low] = self.port.to_be_bytes();
        Ipv4Addr::new(10, 1, 0, 10 + low)
    }

    pub(crate) fn ipv6(self) -> Ipv6Addr {
        Ipv6Addr::new(0xfd00, 1, 0, 0, 0, 0, 0, 0x10 + self.port)
    }

    pub(crate) fn mac(self) -> [u8; 6] {
        let [_, low] = self.port.to_be_bytes();
        [2, 0, 0, 0, 0, 10 + low]
    }

    pub(crate) fn interface(self) -> String {
        format!("port{}", self.port)
    }
}

const fn actor(place: &'static str, id: &'static str, tier: Tier, port: u16) -> Actor {
    Actor { place, id, tier, port }
}

pub(crate) const MONITOR: Actor = actor("dev1", "MON-ICU-01", Tier::Red, 1);
pub(crate) const PUMP: Actor = actor("dev2", "PUMP-3F-042", Tier::Orange, 2);
pub(crate) const SCANNER: Actor = actor("dev3", "CT-02", Tier::Yellow, 3);
pub(crate) const CONTROLLER: Actor = actor("dev4", "HVAC-B2-Floor7-Zone3", Tier::Green, 4);
pub(crate) const DOOR: Actor = actor("dev5", "DOOR-B1-07", Tier::GreenLs, 5);

/// Every device of the stage, by its port.
pub(crate) const ACTORS: [Actor; 5] = [MONITOR, PUMP, SCANNER, CONTROLLER, DOOR];

const fn at(last: u8, port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 9, 0, last)), port)
}

const fn at6(last: u16, port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V6(Ipv6Addr::new(0xfd00, 9, 0, 0, 0, 0, 0, last)), port)
}

/// HL7 over TCP: the lifeline that is inspected.
pub(crate) const STATION: SocketAddr = at(5, 2575);
pub(crate) const STATION6: SocketAddr = at6(5, 2575);
/// Waves over UDP: the lifeline that nobody reads.
pub(crate) const WAVES: SocketAddr = at(5, 3000);
/// An interface over HTTP, inspected.
pub(crate) const EHR: SocketAddr = at(6, 80);
/// The same over TLS, which the device speaks itself.
pub(crate) const PORTAL: SocketAddr = at(6, 443);
pub(crate) const NTP: SocketAddr = at(7, 123);
pub(crate) const NTP6: SocketAddr = at6(7, 123);
pub(crate) const PACS: SocketAddr = at(8, 11_112);
pub(crate) const BAS: SocketAddr = at(9, 502);
pub(crate) const BACNET: SocketAddr = at(9, 47_808);
/// Bytes that nobody reads, through the kernel.
pub(crate) const BULK: SocketAddr = at(10, 5201);
/// Datagrams that nobody reads, through the kernel.
pub(crate) const TELEMETRY: SocketAddr = at(10, 4000);
/// For `iperf3`.
pub(crate) const SPEED: SocketAddr = at(10, 5301);
/// Open in emergency mode only.
pub(crate) const KEYED: SocketAddr = at(12, 7000);
/// Somebody outside, whom no list names.
pub(crate) const OUTSIDE: SocketAddr =
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(198, 51, 100, 45)), 8080);

/// Every address at which the services are.
pub(crate) const ADDRESSES: [&str; 11] = [
    "10.9.0.5/24",
    "10.9.0.6/24",
    "10.9.0.7/24",
    "10.9.0.8/24",
    "10.9.0.9/24",
    "10.9.0.10/24",
    "10.9.0.12/24",
    "198.51.100.45/32",
    "fd00:9::5/64",
    "fd00:9::6/64",
    "fd00:9::7/64",
];

/// In which postures a flow is open: places in the bundle.
const ALWAYS: usize = 0;
const STANDING: usize = 1;
const EMERGENCY: usize = 2;

/// A flow to a service.
fn flow(to: SocketAddr, operations: &[&str], rule: &str) -> BundleFlow {
    BundleFlow {
        service: services().iter().position(|service| reaches(service, to)).unwrap(),
        direction: Direction::Out,
        device_port: None,
        operations: operations.iter().map(|name| name.parse().unwrap()).collect(),
        postures: STANDING,
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

fn reaches(service: &BundleService, to: SocketAddr) -> bool {
    service.port == to.port() && service.addresses.contains(&to.ip())
}

fn lifeline(flow: BundleFlow) -> BundleFlow {
    BundleFlow { lifeline: true, postures: ALWAYS, ..flow }
}

fn alarms() -> BundleFlow {
    let flow = flow(STATION, &["hl7.oru-r40", "hl7.oru-r01"], "alarms");
    BundleFlow { inspector: Some(Inspector::Hl7), cadence_s: Some(4), ..lifeline(flow) }
}

fn waves() -> BundleFlow {
    lifeline(flow(WAVES, &["opaque.connect"], "waves"))
}

fn records(to: SocketAddr) -> BundleFlow {
    let flow = flow(to, &["http.get", "http.post"], "records");
    BundleFlow { inspector: Some(Inspector::Http), api_rate_per_minute: Some(100), ..flow }
}

fn bulk() -> BundleFlow {
    flow(BULK, &["opaque.connect"], "bulk")
}

fn time() -> BundleFlow {
    flow(NTP, &["ntp.query"], "time")
}

fn telemetry() -> BundleFlow {
    flow(TELEMETRY, &["opaque.connect"], "telemetry")
}

fn images() -> BundleFlow {
    let flow = flow(PACS, &["dicom.c-echo", "dicom.c-store"], "images");
    BundleFlow { inspector: Some(Inspector::Dicom), ..flow }
}

fn building() -> BundleFlow {
    let table = ModbusTable::HoldingRegisters;
    let modbus = ModbusRules {
        units: vec![1],
        reads: vec![AddressRange { table, from: 0, to: 99 }],
        writes: vec![WriteRange { table, from: 10, to: 10, min: 160, max: 280 }],
        writes_per_minute_max: Some(10),
    };
    BundleFlow {
        inspector: Some(Inspector::Modbus),
        inspection: Inspection { modbus: Some(modbus), ..Inspection::default() },
        ..flow(BAS, &["modbus.read", "modbus.write"], "setpoints")
    }
}

fn controls() -> BundleFlow {
    let operations = ["bacnet.read-property", "bacnet.who-is", "bacnet.i-am"];
    let bacnet = BacnetRules { broadcast_management: false, life_safety_writer: false };
    BundleFlow {
        inspector: Some(Inspector::Bacnet),
        inspection: Inspection { bacnet: Some(bacnet), ..Inspection::default() },
        ..flow(BACNET, &operations, "controls")
    }
}

/// The flow lists, by the device's port.
fn flow_lists() -> Vec<Vec<BundleFlow>> {
    let keyed = flow(KEYED, &["opaque.connect"], "keyed");
    let keyed = BundleFlow { postures: EMERGENCY, declared: false, ..keyed };
    let speed = flow(SPEED, &["opaque.connect"], "speed");
    vec![
        vec![alarms(), waves(), bulk(), records(EHR), time(), keyed],
        vec![alarms(), waves(), bulk(), records(EHR), records(PORTAL), time(), telemetry(), speed],
        vec![images(), bulk(), records(EHR)],
        vec![building(), controls(), bulk(), records(EHR)],
        vec![waves(), bulk(), records(EHR)],
    ]
}

fn services() -> Vec<BundleService> {
    use Transport::{Tcp, Udp};
    let service = |id: &str, at: &[SocketAddr], transport, protocol| BundleService {
        id: ServiceId::new(id).unwrap(),
        kind: ZoneKind::Clinical,
        addresses: at.iter().map(SocketAddr::ip).collect(),
        port: at[0].port(),
        transport,
        protocol,
        ae_title: (protocol == Protocol::Dicom).then(|| "PACS".to_owned()),
        hl7_application: None,
        hl7_facility: None,
        host_names: Vec::new(),
    };
    vec![
        service("station", &[STATION, STATION6], Tcp, Protocol::Hl7),
        service("waves", &[WAVES], Udp, Protocol::Opaque),
        service("ehr", &[EHR], Tcp, Protocol::Http),
        service("portal", &[PORTAL], Tcp, Protocol::Http),
        service("ntp", &[NTP, NTP6], Udp, Protocol::Ntp),
        service("pacs", &[PACS], Tcp, Protocol::Dicom),
        service("bas", &[BAS], Tcp, Protocol::Modbus),
        service("controls", &[BACNET], Udp, Protocol::Bacnet),
        service("bulk", &[BULK], Tcp, Protocol::Opaque),
        service("telemetry", &[TELEMETRY], Udp, Protocol::Opaque),
        service("speed", &[SPEED], Tcp, Protocol::Opaque),
        service("keyed", &[KEYED], Tcp, Protocol::Opaque),
    ]
}

fn device(actor: Actor) -> BundleDevice {
    let profile = actor.id.split('-').next().unwrap().to_lowercase();
    BundleDevice {
        id: DeviceId::new(actor.id).unwrap(),
        profile: ProfileId::new(&profile).unwrap(),
        tier: actor.tier,
        mac: Mac::new(actor.mac()).unwrap(),
        ip: actor.ip(),
        ipv6: Some(actor.ipv6()),
        port: Some(actor.port),
        eui64: None,
        ae_title: (actor.tier == Tier::Yellow).then(|| "CT02".to_owned()),
        hl7_application: None,
        hl7_facility: None,
        bacnet_instance: None,
        flow_list: usize::from(actor.port) - 1,
    }
}

/// Gives a bundle of the stage.
pub(crate) fn bundle(number: u64) -> Bundle {
    let standing = |p: &Posture| {
        matches!(p.state, DeviceState::Normal | DeviceState::Suspect | DeviceState::Probation)
    };
    let kept = |p: &Posture| p.state != DeviceState::Isolated;
    Bundle {
        version: bundle::VERSION,
        hospital: HospitalId::new("clinic").unwrap(),
        point: PointId::new(POINT).unwrap(),
        role: Role::Access,
        number,
        parent: None,
        age_max_s: 3_600,
        interfaces: Interfaces { uplink: "uplink0".to_owned(), devices: "port".to_owned() },
        tiers: Vec::new(),
        services: services(),
        postures: vec![
            Posture::all().filter(kept).collect::<PostureSet>(),
            Posture::all().filter(standing).collect::<PostureSet>(),
            Posture::all().filter(|p| p.emergency && kept(p)).collect::<PostureSet>(),
        ],
        flow_lists: flow_lists(),
        devices: ACTORS.map(device).into(),
    }
}

/// The same with one flow more for those who lack it, so that there is something to change.
pub(crate) fn bundle_with_more(number: u64) -> Bundle {
    let mut bundle = bundle(number);
    for list in [0, 2, 3, 4] {
        bundle.flow_lists[list].push(telemetry());
    }
    bundle
}

//! A small bundle made by hand; the unit tests and those over sockets share it.
#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use cordon_core::inspect::Salt;
use cordon_gateway::proxy::Rules;
use cordon_model::bundle::{
    self, Bundle, BundleDevice, BundleFlow, BundleService, Interfaces, Role,
};
use cordon_model::fleet::{Envelope, Inspection, Inspector, ZoneKind};
use cordon_model::{
    Attestation, DeviceId, DeviceState, Direction, HospitalId, Identity, Mac, Operation, PointId,
    Posture, PostureSet, ProfileId, Protocol, RuleId, ServiceId, Tier, Transport,
};

/// How a device is in normal service.
pub(crate) const NORMAL: Posture = Posture {
    attestation: Attestation::Unable,
    emergency: false,
    identity: Identity::GatewayBound,
    state: DeviceState::Normal,
};

/// A flow to be: what is spoken, where it is listened, what may be said.
#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) service: IpAddr,
    pub(crate) port: u16,
    pub(crate) protocol: Protocol,
    pub(crate) operations: Vec<Operation>,
    pub(crate) direction: Direction,
    pub(crate) is_lifeline: bool,
    pub(crate) host_names: Vec<String>,
    pub(crate) envelope: Envelope,
}

impl Plan {
    /// A flow that the device opens and on which every operation of the protocol may pass.
    pub(crate) fn new(service: impl Into<IpAddr>, port: u16, protocol: Protocol) -> Self {
        let operations = protocol.operations().collect();
        let service = service.into();
        let direction = Direction::Out;
        let (is_lifeline, host_names) = (false, Vec::new());
        let envelope = Envelope::default();
        Self { service, port, protocol, operations, direction, is_lifeline, host_names, envelope }
    }
}

/// Makes a bundle with one device.
pub(crate) fn bundle(
    tier: Tier,
    device: Ipv4Addr,
    ipv6: Option<Ipv6Addr>,
    plans: &[Plan],
) -> Bundle {
    let flow = |(service, plan): (usize, &Plan)| BundleFlow {
        service,
        direction: plan.direction,
        device_port: (plan.direction == Direction::In).then_some(plan.port),
        operations: plan.operations.clone(),
        postures: usize::from(plan.is_lifeline),
        hours: None,
        rules: vec![RuleId::new("icu.flow").unwrap()],
        declared: true,
        lifeline: plan.is_lifeline,
        inspector: inspector(plan.protocol),
        api_rate_per_minute: None,
        cadence_s: None,
        envelope: plan.envelope,
        inspection: Inspection::default(),
    };
    let service = |(number, plan): (usize, &Plan)| BundleService {
        id: ServiceId::new(&format!("service-{number}")).unwrap(),
        kind: ZoneKind::Clinical,
        addresses: vec![plan.service],
        port: plan.port,
        transport: if plan.protocol == Protocol::Bacnet { Transport::Udp } else { Transport::Tcp },
        protocol: plan.protocol,
        ae_title: None,
        hl7_application: None,
        hl7_facility: None,
        host_names: plan.host_names.clone(),
    };
    let normal = |p: &Posture| p.state == DeviceState::Normal;
    let kept = |p: &Posture| p.state != DeviceState::Isolated;
    Bundle {
        version: bundle::VERSION,
        hospital: HospitalId::new("clinic").unwrap(),
        point: PointId::new("gw-a-001").unwrap(),
        role: Role::Access,
        number: 7,
        parent: None,
        age_max_s: 3_600,
        interfaces: Interfaces { uplink: "up0".to_owned(), devices: "port".to_owned() },
        tiers: Vec::new(),
        services: plans.iter().enumerate().map(service).collect(),
        postures: vec![
            Posture::all().filter(normal).collect::<PostureSet>(),
            Posture::all().filter(kept).collect::<PostureSet>(),
        ],
        flow_lists: vec![plans.iter().enumerate().map(flow).collect()],
        devices: vec![BundleDevice {
            id: DeviceId::new("PUMP-0001").unwrap(),
            profile: ProfileId::new("pump").unwrap(),
            tier,
            mac: Mac::new([2, 0, 0, 0, 0, 1]).unwrap(),
            ip: device,
            ipv6,
            port: Some(1),
            eui64: None,
            ae_title: None,
            hl7_application: None,
            hl7_facility: None,
            bacnet_instance: None,
            flow_list: 0,
        }],
    }
}

fn inspector(protocol: Protocol) -> Option<Inspector> {
    match protocol {
        Protocol::Hl7 => Some(Inspector::Hl7),
        Protocol::Dicom => Some(Inspector::Dicom),
        Protocol::Modbus => Some(Inspector::Modbus),
        Protocol::Bacnet => Some(Inspector::Bacnet),
        Protocol::Http => Some(Inspector::Http),
        Protocol::Ntp | Protocol::Dns | Protocol::Dhcp | Protocol::Syslog | Protocol::Opaque => {
            None
        }
    }
}

/// Makes the rules of a bundle while its device is in a state.
pub(crate) fn rules(bundle: Bundle, state: DeviceState) -> Arc<Rules> {
    let posture = Posture { state, ..NORMAL };
    Arc::new(Rules::new(&Arc::new(bundle), &|_| posture, 12, Salt([7; 32])))
}

/// An alarm, in its frame, with a control id.
pub(crate) fn alarm(id: &str) -> Vec<u8> {
    hl7("ORU^R40^ORU_R40", id)
}

/// An order, in its frame.
pub(crate) fn order(id: &str) -> Vec<u8> {
    hl7("RGV^O15^RGV_O15", id)
}

fn hl7(kind: &str, id: &str) -> Vec<u8> {
    let message = format!(
        "MSH|^~\\&|VENT|ICU|DESK|METRO|20261124120000||{kind}|{id}|P|2.6\r\
         PID|||42\rOBR|1|||196616^MDC_EVT_ALARM^MDC\rOBX|1|ST|0^MDC_EVT_LO||low||||PH\r"
    );
    framed(&message)
}

/// The answer to a message.
pub(crate) fn acknowledgment(id: &str) -> Vec<u8> {
    framed(&format!(
        "MSH|^~\\&|DESK|METRO|VENT|ICU|20261124120000||ACK^R40^ACK|K{id}|P|2.6\rMSA|AA|{id}\r"
    ))
}

fn framed(message: &str) -> Vec<u8> {
    let mut frame = Vec::new();
    cordon_wire::mllp::write(message.as_bytes(), &mut frame);
    frame
}

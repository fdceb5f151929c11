use std::net::{SocketAddr, UdpSocket};

use cordon_core::inspect::Verdict;
use cordon_gateway::proxy::{Command, Seen};
use cordon_model::{DeviceState, Operation, Protocol, Tier};

use super::bundles::{self, Plan};
use super::stage::{DEVICE, PATIENCE, Running, SERVICE};

fn socket(at: impl Into<std::net::IpAddr>) -> UdpSocket {
    let socket = UdpSocket::bind(SocketAddr::new(at.into(), 0)).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

fn receives(at: &UdpSocket) -> (Vec<u8>, SocketAddr) {
    let mut room = [0; 1_500];
    let (count, from) = at.recv_from(&mut room).unwrap();
    (room[..count].to_vec(), from)
}

#[test]
fn a_datagram_that_passes_goes_on_and_its_answer_comes_back_and_a_write_is_refused() {
    let (device, service) = (socket(DEVICE), socket(SERVICE));
    let address = service.local_addr().unwrap();
    let plan = Plan {
        operations: vec![Operation::BacnetReadProperty],
        ..Plan::new(SERVICE, address.port(), Protocol::Bacnet)
    };
    let bundle = bundles::bundle(Tier::Green, DEVICE, None, &[plan]);
    let rules = bundles::rules(bundle.clone(), DeviceState::Normal);
    let proxy = Running::start(rules, (address, address), |_| {});
    // Read-property of an analogue input's present value, and its answer.
    let read = [0x81, 0x0a, 0, 0x11, 1, 4, 0, 5, 1, 0x0c, 0x0c, 0, 0, 0, 1, 0x19, 0x55];
    device.send_to(&read, proxy.address()).unwrap();
    let (bytes, from) = receives(&service);
    assert_eq!((bytes.as_slice(), from.ip()), (&read[..], DEVICE.into()));
    let answer = [
        0x81, 0x0a, 0, 0x17, 1, 0, 0x30, 1, 0x0c, 0x0c, 0, 0, 0, 1, 0x19, 0x55, 0x3e, 0x44, 0x42,
        0x90, 0, 0, 0x3f,
    ];
    service.send_to(&answer, from).unwrap();
    assert_eq!(receives(&device).0, answer);
    // A write, which nothing lists.
    let write = [
        0x81, 0x0a, 0, 0x18, 1, 4, 0, 5, 2, 0x0f, 0x0c, 0, 0, 0, 1, 0x19, 0x55, 0x3e, 0x44, 0x42,
        0x90, 0, 0, 0x3f,
    ];
    device.send_to(&write, proxy.address()).unwrap();
    proxy.until(|seen| match seen {
        Seen::Message { judgement, .. } => (judgement.verdict == Verdict::Block).then_some(()),
        _ => None,
    });
    let (refusal, _) = receives(&device);
    assert!(matches!(refusal.get(6), Some(0x50 | 0x60)), "{refusal:02x?}");
    let contained = bundles::rules(bundle, DeviceState::Contained);
    proxy.handle.send(Command::Policy(contained)).unwrap();
    assert_eq!(proxy.ended(), "policy");
    device.send_to(&read, proxy.address()).unwrap();
    assert_eq!(proxy.refused(), "no-flow");
}

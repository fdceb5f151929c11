//! The ports that tell a protocol, and which end listens.

use std::net::IpAddr;

use cordon_model::{Protocol, Transport};

/// Gives what is spoken on a port of a protocol that is read here.
/// # Source
/// IANA Service Name and Transport Protocol Port Number Registry (hl7, acr-nema, dicom, mbap,
/// bacnet).
pub(super) fn protocol(transport: Transport, port: u16) -> Option<Protocol> {
    match (transport, port) {
        (Transport::Tcp, 2575) => Some(Protocol::Hl7),
        (Transport::Tcp, 104 | 11112) => Some(Protocol::Dicom),
        (Transport::Tcp, 502) => Some(Protocol::Modbus),
        (Transport::Udp, 47808) => Some(Protocol::Bacnet),
        (Transport::Tcp | Transport::Udp, _) => None,
    }
}

/// Guesses which end listens where nobody was seen to open a conversation: the one with a port that
/// is known, else the one with the lower port, else the second.
pub(super) fn listens_first(
    transport: Transport,
    first: (IpAddr, u16),
    second: (IpAddr, u16),
) -> bool {
    let is_known = |port| protocol(transport, port).is_some();
    match (is_known(first.1), is_known(second.1)) {
        (true, false) => true,
        (false, true) => false,
        (true, true) | (false, false) => first.1 < second.1,
    }
}

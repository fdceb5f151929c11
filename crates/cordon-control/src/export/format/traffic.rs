//! The two ends of a conversation, as formats need them: who called, who was called, inside or out.

use std::net::IpAddr;

use cordon_model::event::Party;
use cordon_model::{Act, DeviceId, Direction, Target, Transport};

/// Who called, who was called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Ends {
    /// Who called.
    pub(super) src: Party,
    /// Who was called.
    pub(super) dst: Party,
    /// Over TCP or UDP.
    pub(super) transport: Option<Transport>,
}

impl Ends {
    /// Gives the ends of an act; the device is one of them.
    pub(super) fn of_act(act: &Act) -> Self {
        let device = Party { device: Some(act.device.clone()), ..Party::default() };
        let (other, transport) = match &act.target {
            Target::Service(id) => (Party { service: Some(id.clone()), ..Party::default() }, None),
            Target::Device(id) => (Party { device: Some(id.clone()), ..Party::default() }, None),
            Target::Address(end) => {
                let (address, port) = (Some(end.address), Some(end.port));
                (Party { address, port, ..Party::default() }, Some(end.transport))
            }
        };
        match act.direction {
            Direction::Out => Self { src: device, dst: other, transport },
            Direction::In => Self { src: other, dst: device, transport },
        }
    }

    /// Turns bytes from and towards the device into bytes from and towards who called.
    /// # Shape
    /// Returned: what the caller sent, what it received.
    pub(super) fn as_called(
        &self,
        device: Option<&DeviceId>,
        from_device: u64,
        to_device: u64,
    ) -> (u64, u64) {
        let was_called = device.is_some() && self.dst.device.as_ref() == device;
        let calls = device.is_some() && self.src.device.as_ref() == device;
        if was_called && !calls { (to_device, from_device) } else { (from_device, to_device) }
    }

    /// Says whether the conversation stays in the hospital, leaves it or enters it.
    pub(super) fn course(&self) -> Course {
        match (is_inside(&self.src), is_inside(&self.dst)) {
            (Some(true), Some(true)) => Course::Inside,
            (Some(true), Some(false)) => Course::Outbound,
            (Some(false), Some(true)) => Course::Inbound,
            (Some(false), Some(false)) | (None, _) | (_, None) => Course::Unknown,
        }
    }
}

/// Where a conversation goes, seen from the hospital.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Course {
    /// From outside.
    Inbound,
    /// Between two of the hospital.
    Inside,
    /// To the outside.
    Outbound,
    /// Not known.
    Unknown,
}

/// Says whether one end is of the hospital: a thing of the plan, or an address nobody routes.
/// # Source
/// RFC 1918 §3; RFC 3927 §2.1; RFC 4193 §3.1; RFC 4291 §2.5.6.
fn is_inside(party: &Party) -> Option<bool> {
    if party.device.is_some() || party.service.is_some() {
        return Some(true);
    }
    Some(match party.address? {
        IpAddr::V4(it) => it.is_private() || it.is_link_local() || it.is_loopback(),
        IpAddr::V6(it) => it.is_unique_local() || it.is_unicast_link_local() || it.is_loopback(),
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]
mod tests {
    use super::*;

    fn party(address: &str) -> Party {
        Party { address: address.parse().ok(), ..Party::default() }
    }

    #[test]
    fn a_conversation_is_inside_when_both_ends_are() {
        let cases = [
            ("10.50.9.42", "10.40.1.8", Course::Inside),
            ("10.50.9.42", "198.51.100.45", Course::Outbound),
            ("2001:db8::1", "fd00::1", Course::Inbound),
            ("198.51.100.45", "203.0.113.1", Course::Unknown),
            ("10.50.9.42", "", Course::Unknown),
        ];
        for (src, dst, course) in cases {
            let ends = Ends { src: party(src), dst: party(dst), transport: None };
            assert_eq!(ends.course(), course, "{src} {dst}");
        }
    }

    #[test]
    fn bytes_are_counted_from_who_called() {
        let device = DeviceId::new("PUMP-1").unwrap();
        let known = Party { device: Some(device.clone()), ..Party::default() };
        let calls = Ends { src: known.clone(), ..Ends::default() };
        assert_eq!(calls.as_called(Some(&device), 7, 3), (7, 3));
        let called = Ends { dst: known, ..Ends::default() };
        assert_eq!(called.as_called(Some(&device), 7, 3), (3, 7));
        assert_eq!(Ends::default().as_called(None, 7, 3), (7, 3));
    }
}

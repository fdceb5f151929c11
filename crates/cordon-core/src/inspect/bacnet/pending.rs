//! What has been asked and not been answered, in either direction.
//!
//! Source: ASHRAE 135-2020 §5.4, §J.2.

use cordon_model::Mono;
use cordon_wire::bacnet::{Address, Apdu, Bvlc, Packet};

use super::{Rate, Way};
use crate::inspect::recent::NS_PER_S;

/// How many requests of one side may be open in a conversation.
pub const PENDING_MAX: usize = 64;
/// After which time nothing waits for an answer any more; the standard's own timeouts, repeats
/// included, are shorter.
/// # Units
/// Seconds.
/// # Source
/// ASHRAE 135-2020 §12.11.27, §12.11.28.
pub const PENDING_SPAN_S: u64 = 60;

/// Bytes of an address that are compared; no medium of the standard has more.
/// # Source
/// ASHRAE 135-2020 table 6-2.
const MAC: usize = 7;

/// The state of one conversation.
#[derive(Debug, Default)]
pub struct Flow {
    from_device: Side,
    to_device: Side,
    /// Searches for devices that came from the other side.
    pub(super) searches: Rate<1>,
}

/// What one side has asked.
#[derive(Debug, Default)]
struct Side {
    open: Vec<Pending>,
    /// Whether it asked for something of the virtual link layer, which has no invoke ids.
    has_link: bool,
}

#[derive(Debug)]
struct Pending {
    key: Key,
    service: u8,
    since: Mono,
    /// Whether the answer has begun: it comes in segments, which may be sent again.
    is_answered: bool,
}

/// Which transaction it is: who asks whom, beyond the addresses of the datagram, and the invoke id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Key {
    asks: Option<Place>,
    asked: Option<Place>,
    invoke_id: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    network: u16,
    length: usize,
    mac: [u8; MAC],
}

impl Place {
    fn of(address: Address<'_>) -> Self {
        let mut mac = [0; MAC];
        for (to, from) in mac.iter_mut().zip(address.mac) {
            *to = *from;
        }
        Self { network: address.network, length: address.mac.len(), mac }
    }
}

impl Key {
    /// Gives the transaction; `by_asker` says that who sends this is who asked.
    fn of(packet: &Packet<'_>, by_asker: bool) -> Option<Self> {
        let invoke_id = packet.invoke_id()?;
        let npdu = packet.npdu?;
        let (from, to) = (npdu.source.map(Place::of), npdu.destination.map(Place::of));
        let (asks, asked) = if by_asker { (from, to) } else { (to, from) };
        Some(Self { asks, asked, invoke_id })
    }
}

impl Side {
    fn expire(&mut self, now: Mono) {
        let span = PENDING_SPAN_S * NS_PER_S;
        self.open.retain(|pending| now.0.saturating_sub(pending.since.0) < span);
    }

    fn ask(&mut self, key: Key, service: u8, now: Mono) {
        self.expire(now);
        // The same again is a repeat, a further segment, or a new request with an old invoke id.
        self.open.retain(|pending| pending.key != key);
        if self.open.len() >= PENDING_MAX {
            let answered = self.open.iter().position(|pending| pending.is_answered);
            self.open.remove(answered.unwrap_or(0));
        }
        self.open.push(Pending { key, service, since: now, is_answered: false });
    }

    /// Says whether a transaction is open; `service`, where it is said, must be the one asked for.
    fn find(&mut self, key: Key, service: Option<u8>, now: Mono) -> Option<usize> {
        self.expire(now);
        self.open.iter().position(|pending| {
            pending.key == key && service.is_none_or(|service| service == pending.service)
        })
    }
}

impl Flow {
    fn side(&mut self, way: Way) -> &mut Side {
        match way {
            Way::FromDevice => &mut self.from_device,
            Way::ToDevice => &mut self.to_device,
        }
    }

    /// Says whether a new request would be one too many.
    pub(super) fn is_full(&mut self, packet: &Packet<'_>, way: Way, now: Mono) -> bool {
        let key = Key::of(packet, true);
        let side = self.side(way);
        side.expire(now);
        let waiting = side.open.iter().filter(|pending| !pending.is_answered);
        waiting.filter(|pending| Some(pending.key) != key).count() >= PENDING_MAX
    }

    /// Remembers what passes and will be answered.
    pub(super) fn ask(&mut self, packet: &Packet<'_>, way: Way, now: Mono) {
        let side = self.side(way);
        side.has_link |= match packet.bvlc {
            Bvlc::WriteBroadcastTable { .. }
            | Bvlc::ReadBroadcastTable
            | Bvlc::RegisterForeignDevice { .. }
            | Bvlc::ReadForeignTable
            | Bvlc::DeleteForeignEntry { .. }
            | Bvlc::DistributeBroadcast => true,
            Bvlc::Result { .. }
            | Bvlc::ReadBroadcastTableAck { .. }
            | Bvlc::ForwardedNpdu { .. }
            | Bvlc::ReadForeignTableAck { .. }
            | Bvlc::OriginalUnicast
            | Bvlc::OriginalBroadcast
            | Bvlc::Secure { .. } => false,
        };
        if let (true, Some(key), Some(apdu)) = (waits(packet), Key::of(packet, true), packet.apdu) {
            side.ask(key, apdu.service().unwrap_or_default(), now);
        }
    }

    /// Says whether an answer was waited for, and takes it off the list when it is complete.
    pub(super) fn answer(&mut self, packet: &Packet<'_>, way: Way, now: Mono) -> bool {
        let other = match way {
            Way::FromDevice => Way::ToDevice,
            Way::ToDevice => Way::FromDevice,
        };
        let Some(apdu) = packet.apdu else {
            return std::mem::take(&mut self.side(other).has_link);
        };
        // Who asked acknowledges segments too, and may give up.
        let by_asker = matches!(
            apdu,
            Apdu::SegmentAck { is_server: false, .. } | Apdu::Abort { is_server: false, .. }
        );
        let Some(key) = Key::of(packet, by_asker) else { return false };
        let side = self.side(if by_asker { way } else { other });
        let Some(at) = side.find(key, apdu.service(), now) else { return false };
        let goes_on =
            matches!(apdu, Apdu::SegmentAck { .. } | Apdu::ComplexAck { segment: Some(_), .. });
        if !goes_on {
            side.open.remove(at);
        } else if let Some(pending) = side.open.get_mut(at) {
            pending.since = now;
            pending.is_answered |= matches!(apdu, Apdu::ComplexAck { .. });
        }
        true
    }
}

/// Says whether who sends it waits for an answer.
pub(super) fn waits(packet: &Packet<'_>) -> bool {
    matches!(packet.apdu, Some(Apdu::ConfirmedRequest { .. })) && !packet.is_broadcast()
}

#[cfg(test)]
impl Flow {
    pub(super) fn open(&self) -> usize {
        self.from_device.open.len() + self.to_device.open.len()
    }
}

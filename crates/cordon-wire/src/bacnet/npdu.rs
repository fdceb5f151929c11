//! The network layer.
//!
//! Source: ASHRAE 135-2020 §6.2, §6.4.

use super::Octets;
use crate::{Cursor, Fault};

pub(super) const RULE: &str = "ASHRAE 135-2020 §6.2";
const VERSION: u8 = 1;
/// The network number that means every network.
/// # Source
/// ASHRAE 135-2020 §6.2.2.
pub const ADDRESS_ALL: u16 = 0xFFFF;

const MESSAGE: u8 = 0x80;
const RESERVED: u8 = 0x50;
const DESTINATION: u8 = 0x20;
const SOURCE: u8 = 0x08;
const REPLY: u8 = 0x04;
const PRIORITY: u8 = 0x03;

/// An address on a BACnet network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address<'a> {
    /// The network number.
    pub network: u16,
    /// The address on that network, as long as its medium makes it; empty for all there.
    pub mac: &'a [u8],
}

impl<'a> Address<'a> {
    /// Says whether it means more than one receiver.
    #[must_use]
    pub fn is_broadcast(self) -> bool {
        self.network == ADDRESS_ALL || self.mac.is_empty()
    }

    fn read(cursor: &mut Cursor<'a>) -> Result<Self, Fault> {
        let network = cursor.u16()?;
        let length = cursor.u8()?;
        Ok(Self { network, mac: cursor.take(usize::from(length))? })
    }

    fn write(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.network.to_be_bytes());
        // An address that was read or comes from one is at most 255 bytes long.
        let mac = self.mac.get(..255).unwrap_or(self.mac);
        out.push(u8::try_from(mac.len()).unwrap_or(u8::MAX));
        out.extend_from_slice(mac);
    }
}

/// The header of the network layer, and its message if it carries one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Npdu<'a> {
    /// To whom, if not on this network.
    pub destination: Option<Address<'a>>,
    /// From whom, if not from this network.
    pub source: Option<Address<'a>>,
    /// How many routers it may still pass; there if and only if there is a destination.
    pub hop_count: Option<u8>,
    /// Whether the sender waits for an answer.
    pub is_reply_expected: bool,
    /// 0 normal, 1 urgent, 2 critical equipment, 3 life safety.
    pub priority: u8,
    /// What routers say to each other; none when the application layer follows.
    pub message: Option<NetworkMessage<'a>>,
}

impl<'a> Npdu<'a> {
    pub(super) fn read(cursor: &mut Cursor<'a>) -> Result<Self, Fault> {
        if cursor.peek().is_some_and(|version| version != VERSION) {
            return Err(cursor.malformed(RULE));
        }
        cursor.u8()?;
        if cursor.peek().is_some_and(|control| control & RESERVED != 0) {
            return Err(cursor.malformed(RULE));
        }
        let control = cursor.u8()?;
        let mut npdu = Self {
            destination: None,
            source: None,
            hop_count: None,
            is_reply_expected: control & REPLY != 0,
            priority: control & PRIORITY,
            message: None,
        };
        if control & DESTINATION != 0 {
            let place = cursor.clone();
            let address = Address::read(cursor)?;
            if address.network == 0 {
                return Err(place.malformed(RULE));
            }
            npdu.destination = Some(address);
        }
        if control & SOURCE != 0 {
            let place = cursor.clone();
            let address = Address::read(cursor)?;
            // Nobody sends from every network, nor from every address of one.
            if address.network == 0 || address.is_broadcast() {
                return Err(place.malformed(RULE));
            }
            npdu.source = Some(address);
        }
        if npdu.destination.is_some() {
            npdu.hop_count = Some(cursor.u8()?);
        }
        if control & MESSAGE != 0 {
            npdu.message = Some(NetworkMessage::read(cursor)?);
        }
        Ok(npdu)
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let mut control = self.priority & PRIORITY;
        for (is_set, bit) in [
            (self.message.is_some(), MESSAGE),
            (self.destination.is_some(), DESTINATION),
            (self.source.is_some(), SOURCE),
            (self.is_reply_expected, REPLY),
        ] {
            control |= if is_set { bit } else { 0 };
        }
        out.extend_from_slice(&[VERSION, control]);
        if let Some(address) = self.destination {
            address.write(out);
        }
        if let Some(address) = self.source {
            address.write(out);
        }
        if self.destination.is_some() {
            out.push(self.hop_count.unwrap_or(u8::MAX));
        }
        if let Some(message) = self.message {
            out.push(message.kind);
            if let Some(vendor) = message.vendor {
                out.extend_from_slice(&vendor.to_be_bytes());
            }
            out.extend_from_slice(message.content.0);
        }
    }
}

/// What routers say to each other.
/// # Source
/// ASHRAE 135-2020 §6.2.4, §6.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NetworkMessage<'a> {
    /// Its type; from 80 hexadecimal on, a vendor's own.
    pub kind: u8,
    /// The vendor, of a vendor's own.
    pub vendor: Option<u16>,
    /// What it says; not read.
    pub content: Octets<'a>,
}

names! {
    /// Gives the name of a network message.
    /// # Source
    /// ASHRAE 135-2020 §6.2.4; ASHRAE 135-2016 §24.3 (0A to 11).
    network_message_name u8
    0x00 "who-is-router-to-network";
    0x01 "i-am-router-to-network";
    0x02 "i-could-be-router-to-network";
    0x03 "reject-message-to-network";
    0x04 "router-busy-to-network";
    0x05 "router-available-to-network";
    0x06 "initialize-routing-table";
    0x07 "initialize-routing-table-ack";
    0x08 "establish-connection-to-network";
    0x09 "disconnect-connection-to-network";
    0x0A "challenge-request";
    0x0B "security-payload";
    0x0C "security-response";
    0x0D "request-key-update";
    0x0E "update-key-set";
    0x0F "update-distribution-key";
    0x10 "request-master-key";
    0x11 "set-master-key";
    0x12 "what-is-network-number";
    0x13 "network-number-is";
}

impl<'a> NetworkMessage<'a> {
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, Fault> {
        let kind = cursor.u8()?;
        let vendor = if kind >= 0x80 { Some(cursor.u16()?) } else { None };
        Ok(Self { kind, vendor, content: Octets(cursor.take(cursor.left())?) })
    }

    /// Gives the name of the type.
    #[must_use]
    pub fn name(&self) -> Option<&'static str> {
        network_message_name(self.kind)
    }
}

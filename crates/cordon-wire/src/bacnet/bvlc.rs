//! The virtual link layer of BACnet/IP.
//!
//! Source: ASHRAE 135-2020 §J.2.

use std::net::{Ipv4Addr, SocketAddrV4};

use super::Octets;
use crate::{Cursor, Fault};

pub(super) const RULE: &str = "ASHRAE 135-2020 §J.2";
const TYPE: u8 = 0x81;
/// Bytes of an entry in a broadcast distribution table, and in a foreign device table.
/// # Source
/// ASHRAE 135-2020 §J.2.2.1, §J.2.8.1.
const ENTRY: usize = 10;

/// A function of the virtual link layer with what it carries besides the network layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bvlc<'a> {
    /// 00: how another function went.
    Result {
        /// The result; its name is [`super::result_name`].
        code: u16,
    },
    /// 01: writes the broadcast distribution table.
    WriteBroadcastTable {
        /// The new table.
        table: BroadcastTable<'a>,
    },
    /// 02: asks for the broadcast distribution table.
    ReadBroadcastTable,
    /// 03: the broadcast distribution table.
    ReadBroadcastTableAck {
        /// The table.
        table: BroadcastTable<'a>,
    },
    /// 04: a broadcast that a BBMD passes on.
    ForwardedNpdu {
        /// Who sent it first.
        origin: SocketAddrV4,
    },
    /// 05: a device elsewhere wants broadcasts.
    RegisterForeignDevice {
        /// How long it wants them.
        /// # Units
        /// Seconds.
        ttl_s: u16,
    },
    /// 06: asks for the foreign device table.
    ReadForeignTable,
    /// 07: the foreign device table.
    ReadForeignTableAck {
        /// The table.
        table: ForeignTable<'a>,
    },
    /// 08: deletes an entry of the foreign device table.
    DeleteForeignEntry {
        /// Whose entry.
        address: SocketAddrV4,
    },
    /// 09: asks a BBMD to distribute a broadcast.
    DistributeBroadcast,
    /// 0A: to one receiver.
    OriginalUnicast,
    /// 0B: to all receivers of the local network.
    OriginalBroadcast,
    /// 0C: secured by a means that editions from 2020 on no longer have; not read.
    Secure {
        /// What was secured.
        wrapper: Octets<'a>,
    },
}

/// What the length in the header must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Length {
    /// That of the datagram.
    Exact,
    /// Any.
    Any,
}

impl<'a> Bvlc<'a> {
    /// Reads the header; whether its length must be that of the datagram is the caller's to say.
    pub(super) fn read(cursor: &mut Cursor<'a>, length: Length) -> Result<Self, Fault> {
        let whole = cursor.left();
        if cursor.peek().is_some_and(|kind| kind != TYPE) {
            return Err(cursor.malformed(RULE));
        }
        cursor.u8()?;
        let at = cursor.at();
        let function = cursor.u8()?;
        let place = cursor.clone();
        if usize::from(cursor.u16()?) != whole && length == Length::Exact {
            return Err(place.malformed(RULE));
        }
        let bvlc = match function {
            0x00 => Self::Result { code: cursor.u16()? },
            0x01 => Self::WriteBroadcastTable { table: BroadcastTable(entries(cursor)?) },
            0x02 => Self::ReadBroadcastTable,
            0x03 => Self::ReadBroadcastTableAck { table: BroadcastTable(entries(cursor)?) },
            0x04 => Self::ForwardedNpdu { origin: address(cursor)? },
            0x05 => Self::RegisterForeignDevice { ttl_s: cursor.u16()? },
            0x06 => Self::ReadForeignTable,
            0x07 => Self::ReadForeignTableAck { table: ForeignTable(entries(cursor)?) },
            0x08 => Self::DeleteForeignEntry { address: address(cursor)? },
            0x09 => Self::DistributeBroadcast,
            0x0A => Self::OriginalUnicast,
            0x0B => Self::OriginalBroadcast,
            0x0C => Self::Secure { wrapper: Octets(cursor.take(cursor.left())?) },
            _ => return Err(Fault::Unsupported { at, what: "the BVLC function" }),
        };
        if !bvlc.carries_npdu() && !cursor.is_empty() {
            return Err(cursor.malformed(RULE));
        }
        Ok(bvlc)
    }

    /// Gives the number of the function.
    #[must_use]
    pub fn function(&self) -> u8 {
        match self {
            Self::Result { .. } => 0x00,
            Self::WriteBroadcastTable { .. } => 0x01,
            Self::ReadBroadcastTable => 0x02,
            Self::ReadBroadcastTableAck { .. } => 0x03,
            Self::ForwardedNpdu { .. } => 0x04,
            Self::RegisterForeignDevice { .. } => 0x05,
            Self::ReadForeignTable => 0x06,
            Self::ReadForeignTableAck { .. } => 0x07,
            Self::DeleteForeignEntry { .. } => 0x08,
            Self::DistributeBroadcast => 0x09,
            Self::OriginalUnicast => 0x0A,
            Self::OriginalBroadcast => 0x0B,
            Self::Secure { .. } => 0x0C,
        }
    }

    /// Gives the name of the function.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Result { .. } => "bvlc-result",
            Self::WriteBroadcastTable { .. } => "write-broadcast-distribution-table",
            Self::ReadBroadcastTable => "read-broadcast-distribution-table",
            Self::ReadBroadcastTableAck { .. } => "read-broadcast-distribution-table-ack",
            Self::ForwardedNpdu { .. } => "forwarded-npdu",
            Self::RegisterForeignDevice { .. } => "register-foreign-device",
            Self::ReadForeignTable => "read-foreign-device-table",
            Self::ReadForeignTableAck { .. } => "read-foreign-device-table-ack",
            Self::DeleteForeignEntry { .. } => "delete-foreign-device-table-entry",
            Self::DistributeBroadcast => "distribute-broadcast-to-network",
            Self::OriginalUnicast => "original-unicast-npdu",
            Self::OriginalBroadcast => "original-broadcast-npdu",
            Self::Secure { .. } => "secure-bvll",
        }
    }

    /// Says whether a network layer follows.
    #[must_use]
    pub fn carries_npdu(&self) -> bool {
        matches!(
            self,
            Self::ForwardedNpdu { .. }
                | Self::DistributeBroadcast
                | Self::OriginalUnicast
                | Self::OriginalBroadcast
        )
    }

    /// Says whether what it carries goes to all.
    #[must_use]
    pub fn is_broadcast(&self) -> bool {
        matches!(
            self,
            Self::ForwardedNpdu { .. } | Self::DistributeBroadcast | Self::OriginalBroadcast
        )
    }

    /// Appends the header; the length is put in once the rest is there.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[TYPE, self.function(), 0, 0]);
        match self {
            Self::Result { code } => out.extend_from_slice(&code.to_be_bytes()),
            Self::WriteBroadcastTable { table } | Self::ReadBroadcastTableAck { table } => {
                out.extend_from_slice(table.0.0);
            }
            Self::ReadForeignTableAck { table } => out.extend_from_slice(table.0.0),
            Self::ForwardedNpdu { origin: address } | Self::DeleteForeignEntry { address } => {
                out.extend_from_slice(&address.ip().octets());
                out.extend_from_slice(&address.port().to_be_bytes());
            }
            Self::RegisterForeignDevice { ttl_s } => out.extend_from_slice(&ttl_s.to_be_bytes()),
            Self::Secure { wrapper } => out.extend_from_slice(wrapper.0),
            Self::ReadBroadcastTable
            | Self::ReadForeignTable
            | Self::DistributeBroadcast
            | Self::OriginalUnicast
            | Self::OriginalBroadcast => {}
        }
    }
}

fn entries<'a>(cursor: &mut Cursor<'a>) -> Result<Octets<'a>, Fault> {
    let whole = cursor.left() / ENTRY * ENTRY;
    cursor.take(whole).map(Octets)
}

fn address(cursor: &mut Cursor<'_>) -> Result<SocketAddrV4, Fault> {
    let ip = Ipv4Addr::from_bits(cursor.u32()?);
    Ok(SocketAddrV4::new(ip, cursor.u16()?))
}

/// A broadcast distribution table.
/// # Source
/// ASHRAE 135-2020 §J.2.2.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BroadcastTable<'a>(pub(super) Octets<'a>);

/// A BBMD to which broadcasts go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BroadcastEntry {
    /// Its address.
    pub address: SocketAddrV4,
    /// The mask under which its broadcast address is formed.
    pub mask: Ipv4Addr,
}

impl<'a> BroadcastTable<'a> {
    /// Gives the entries.
    pub fn iter(&self) -> impl Iterator<Item = BroadcastEntry> + 'a {
        self.0.0.chunks_exact(ENTRY).filter_map(|entry| {
            let mut cursor = Cursor::whole(entry, RULE);
            let address = address(&mut cursor).ok()?;
            Some(BroadcastEntry { address, mask: Ipv4Addr::from_bits(cursor.u32().ok()?) })
        })
    }
}

/// A foreign device table.
/// # Source
/// ASHRAE 135-2020 §J.2.8.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ForeignTable<'a>(pub(super) Octets<'a>);

/// A device elsewhere to which broadcasts go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ForeignEntry {
    /// Its address.
    pub address: SocketAddrV4,
    /// For how long it registered.
    /// # Units
    /// Seconds.
    pub ttl_s: u16,
    /// How much of that is left.
    /// # Units
    /// Seconds.
    pub left_s: u16,
}

impl<'a> ForeignTable<'a> {
    /// Gives the entries.
    pub fn iter(&self) -> impl Iterator<Item = ForeignEntry> + 'a {
        self.0.0.chunks_exact(ENTRY).filter_map(|entry| {
            let mut cursor = Cursor::whole(entry, RULE);
            let address = address(&mut cursor).ok()?;
            Some(ForeignEntry { address, ttl_s: cursor.u16().ok()?, left_s: cursor.u16().ok()? })
        })
    }
}

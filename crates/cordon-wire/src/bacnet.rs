//! BACnet/IP (ASHRAE 135 Annex J): BVLC, NPDU and APDU, and what a service asks or tells.
//!
//! A datagram is one [`Packet`]. Reading it takes the headers apart and leaves the parameters of a
//! service alone; [`Packet::service`] reads those, so that a request with bad parameters can still
//! be refused by its invoke id.
//!
//! Invariant: nothing recurses, nothing allocates, and a length or a depth is never believed; the
//! values of properties, passwords and texts are borrowed and are not printed by `Debug`.
//! Source: ASHRAE 135-2020 §6, §15–18, §20, §21, Annex J.

/// Makes a function from numbers to the names that the standard gives them, in kebab-case.
macro_rules! names {
    ($(#[$doc:meta])* $name:ident $number:ident $($value:literal $text:literal;)*) => {
        $(#[$doc])*
        #[must_use]
        pub fn $name(number: $number) -> Option<&'static str> {
            match number {
                $($value => Some($text),)*
                _ => None,
            }
        }
    };
}

mod apdu;
mod bvlc;
mod choice;
mod names;
mod npdu;
mod object;
mod properties;
mod property;
mod refuse;
mod tag;
mod view;
mod write;

pub use apdu::{Apdu, Segment};
pub use bvlc::{BroadcastEntry, BroadcastTable, Bvlc, ForeignEntry, ForeignTable};
pub use choice::{ConfirmedService, UnconfirmedService};
pub use names::{
    abort_reason_name, error_class_name, error_code_name, event_state_name, event_type_name,
    life_safety_operation_name, object_type_name, reject_reason_name, result_name,
};
pub use npdu::{ADDRESS_ALL, Address, NetworkMessage, Npdu, network_message_name};
pub use object::ObjectId;
pub use properties::{Properties, Property, Reference};
pub use property::property_name;
pub use refuse::{abort, error, reject, reject_reason};
pub use tag::{DEPTH_LIMIT, Octets, Parameters, Tag, Tags};
pub use view::{Event, IAm, Service};

use bvlc::Length;

use crate::{Cursor, Fault};

/// The UDP port of BACnet/IP.
/// # Source
/// ASHRAE 135-2020 §J.1.2.
pub const PORT: u16 = 47_808;

/// One datagram of BACnet/IP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    /// The virtual link layer.
    pub bvlc: Bvlc<'a>,
    /// The network layer, where the function carries one.
    pub npdu: Option<Npdu<'a>>,
    /// The application layer, where the network layer carries one.
    pub apdu: Option<Apdu<'a>>,
}

impl<'a> Packet<'a> {
    /// Reads the headers of a datagram.
    /// # Errors
    /// [`Fault::Malformed`] where a header breaks the standard, [`Fault::Unsupported`] for a
    /// function of the virtual link layer that the standard does not know.
    /// # Source
    /// ASHRAE 135-2020 §J.2, §6.2, §20.1.
    pub fn read(datagram: &'a [u8]) -> Result<Self, Fault> {
        Self::read_of(datagram, Length::Exact)
    }

    /// Reads a datagram as if its length field were right, so that a record can name what is
    /// refused for it; receivers that do not check the length read it so.
    #[must_use]
    pub fn outline(datagram: &'a [u8]) -> Option<Self> {
        Self::read_of(datagram, Length::Any).ok()
    }

    fn read_of(datagram: &'a [u8], length: Length) -> Result<Self, Fault> {
        let mut cursor = Cursor::whole(datagram, bvlc::RULE);
        let bvlc = Bvlc::read(&mut cursor, length)?;
        if !bvlc.carries_npdu() {
            return Ok(Self { bvlc, npdu: None, apdu: None });
        }
        let at = cursor.at();
        let mut cursor = Cursor::whole(cursor.rest(), npdu::RULE);
        let npdu = Npdu::read(&mut cursor).map_err(|fault| fault.after(at))?;
        if npdu.message.is_some() {
            return Ok(Self { bvlc, npdu: Some(npdu), apdu: None });
        }
        let at = at.saturating_add(cursor.at());
        let apdu = Apdu::read(cursor.rest(), at).map_err(|fault| fault.after(at))?;
        Ok(Self { bvlc, npdu: Some(npdu), apdu: Some(apdu) })
    }

    /// Says whether it goes to more than one receiver: by its function, or by its network address.
    /// # Source
    /// ASHRAE 135-2020 §6.3, §J.2.5, §J.2.10, §J.2.12.
    #[must_use]
    pub fn is_broadcast(&self) -> bool {
        let destination = self.npdu.and_then(|npdu| npdu.destination);
        self.bvlc.is_broadcast() || destination.is_some_and(Address::is_broadcast)
    }

    /// Gives the name of the service, where it has one.
    #[must_use]
    pub fn service_name(&self) -> Option<&'static str> {
        self.apdu.and_then(|apdu| apdu.service_name())
    }

    /// Gives the invoke id, where it has one.
    #[must_use]
    pub fn invoke_id(&self) -> Option<u8> {
        self.apdu.and_then(|apdu| apdu.invoke_id())
    }

    /// Gives the parameters of its service, where it has some; a segment that is not the first has
    /// none that can be understood.
    #[must_use]
    pub fn parameters(&self) -> Option<Parameters<'a>> {
        self.apdu.and_then(|apdu| apdu.parameters())
    }

    /// Reads what the service asks or tells; none for what has no view: answers without content,
    /// segments that are not the first, and services that are only named.
    ///
    /// Of a first segment only what it holds is read: what is optional, or goes on, ends with it,
    /// and what must be there and is not is [`Fault::Incomplete`].
    /// # Errors
    /// [`Fault::Malformed`] where parameters break the standard, [`Fault::OverLimit`] where they
    /// are nested too deep.
    pub fn service(&self) -> Result<Option<Service<'a>>, Fault> {
        self.apdu.map_or(Ok(None), Service::read)
    }

    /// Gives the class and the code of an error.
    /// # Errors
    /// [`Fault::Malformed`] where they break the standard.
    /// # Source
    /// ASHRAE 135-2020 §20.1.7, §21.4.
    pub fn error(&self) -> Result<Option<(u16, u16)>, Fault> {
        let Some(Apdu::Error { parameters, .. }) = self.apdu else { return Ok(None) };
        let mut tags = parameters.tags();
        if tags.open_if(0)? {
            return properties::error(&mut tags).map(Some);
        }
        properties::error(&mut tags).map(Some)
    }

    /// Walks through all parameters, known or not, and says whether they hold together; those of
    /// a private transfer only its vendor knows.
    /// # Errors
    /// As [`Tags`] says; the end of a first segment is none.
    pub fn check(&self) -> Result<(), Fault> {
        let Some(parameters) = self.parameters() else { return Ok(()) };
        let is_private = self.apdu.is_some_and(|apdu| {
            apdu.confirmed() == Some(ConfirmedService::ConfirmedPrivateTransfer)
                || apdu.unconfirmed() == Some(UnconfirmedService::UnconfirmedPrivateTransfer)
        });
        if is_private {
            return Ok(());
        }
        for tag in parameters.tags() {
            match tag {
                Ok(_) => {}
                Err(Fault::Incomplete { .. }) if parameters.is_cut() => return Ok(()),
                Err(fault) => return Err(fault),
            }
        }
        Ok(())
    }

    /// Gives the first object that it names; where a device says who it is before it says of what it
    /// speaks, that is the device, and [`Service::object`] gives the other.
    #[must_use]
    pub fn object(&self) -> Option<ObjectId> {
        let service = self.service().ok().flatten()?;
        service.device().or_else(|| service.object())
    }

    /// Gives the number of the property that it is about, the first if there are several; its name
    /// is [`property_name`].
    #[must_use]
    pub fn property(&self) -> Option<u32> {
        let reference = self.service().ok().flatten().and_then(|service| service.reference());
        reference.map(|reference| reference.property)
    }
}

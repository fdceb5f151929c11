//! Which verb a message is.
//!
//! Source: ASHRAE 135-2020 §6.4, §13–17.

use cordon_model::Operation;
use cordon_wire::bacnet::{Apdu, ConfirmedService, Packet, UnconfirmedService};

use super::Way;

/// Gives the verb of what asks or tells something; none for what policy has no verb for.
pub(super) fn of(packet: &Packet<'_>, way: Way) -> Option<Operation> {
    if let Some(message) = packet.npdu.and_then(|npdu| npdu.message) {
        return network(message.kind);
    }
    match packet.apdu? {
        apdu @ Apdu::ConfirmedRequest { .. } => confirmed(apdu.confirmed()?, way),
        apdu @ Apdu::UnconfirmedRequest { .. } => unconfirmed(apdu.unconfirmed()?),
        Apdu::SimpleAck { .. }
        | Apdu::ComplexAck { .. }
        | Apdu::SegmentAck { .. }
        | Apdu::Error { .. }
        | Apdu::Reject { .. }
        | Apdu::Abort { .. } => None,
    }
}

/// Gives the verb of a message of the network layer: routers are looked for, and say that they are
/// there, as devices do.
fn network(kind: u8) -> Option<Operation> {
    match kind {
        0x00 | 0x12 => Some(Operation::BacnetWhoIs),
        0x01..=0x05 | 0x13 => Some(Operation::BacnetIAm),
        _ => None,
    }
}

fn confirmed(service: ConfirmedService, way: Way) -> Option<Operation> {
    use ConfirmedService as C;
    match service {
        C::ReadProperty | C::ReadPropertyMultiple | C::ReadRange => {
            Some(Operation::BacnetReadProperty)
        }
        C::WriteProperty | C::WritePropertyMultiple => Some(Operation::BacnetWriteProperty),
        C::ConfirmedCovNotification | C::ConfirmedCovNotificationMultiple => {
            Some(Operation::BacnetCovNotification)
        }
        C::SubscribeCov | C::SubscribeCovProperty | C::SubscribeCovPropertyMultiple => {
            Some(Operation::BacnetSubscribeCov)
        }
        C::ConfirmedEventNotification
        | C::GetAlarmSummary
        | C::GetEnrollmentSummary
        | C::GetEventInformation => Some(Operation::BacnetEventNotification),
        // The desk takes note of the device's alarm: part of the alarm. A device that takes note of
        // somebody else's alarm makes it quiet there, and has no right of way for that.
        C::AcknowledgeAlarm => Some(match way {
            Way::ToDevice => Operation::BacnetEventNotification,
            Way::FromDevice => Operation::BacnetWriteProperty,
        }),
        C::LifeSafetyOperation => Some(Operation::BacnetLifeSafetyOperation),
        C::DeviceCommunicationControl => Some(Operation::BacnetDeviceCommunicationControl),
        C::ReinitializeDevice => Some(Operation::BacnetReinitializeDevice),
        C::AtomicWriteFile => Some(Operation::BacnetAtomicWriteFile),
        C::AtomicReadFile
        | C::AddListElement
        | C::RemoveListElement
        | C::CreateObject
        | C::DeleteObject
        | C::ReadPropertyConditional
        | C::ConfirmedPrivateTransfer
        | C::ConfirmedTextMessage
        | C::VtOpen
        | C::VtClose
        | C::VtData
        | C::Authenticate
        | C::RequestKey
        | C::ConfirmedAuditNotification
        | C::AuditLogQuery => None,
    }
}

fn unconfirmed(service: UnconfirmedService) -> Option<Operation> {
    use UnconfirmedService as U;
    match service {
        U::IAm | U::IHave => Some(Operation::BacnetIAm),
        U::WhoIs | U::WhoHas => Some(Operation::BacnetWhoIs),
        U::UnconfirmedCovNotification | U::UnconfirmedCovNotificationMultiple => {
            Some(Operation::BacnetCovNotification)
        }
        U::UnconfirmedEventNotification => Some(Operation::BacnetEventNotification),
        U::TimeSynchronization | U::UtcTimeSynchronization => {
            Some(Operation::BacnetTimeSynchronization)
        }
        U::WriteGroup => Some(Operation::BacnetWriteProperty),
        U::UnconfirmedPrivateTransfer
        | U::UnconfirmedTextMessage
        | U::UnconfirmedAuditNotification
        | U::WhoAmI
        | U::YouAre => None,
    }
}

/// Says whether a message for which policy has no verb changes the one who receives it.
pub(super) fn configures(packet: &Packet<'_>) -> bool {
    let Some(apdu) = packet.apdu else { return false };
    matches!(
        apdu.confirmed(),
        Some(
            ConfirmedService::AddListElement
                | ConfirmedService::RemoveListElement
                | ConfirmedService::CreateObject
                | ConfirmedService::DeleteObject
        )
    ) || apdu.unconfirmed() == Some(UnconfirmedService::YouAre)
}

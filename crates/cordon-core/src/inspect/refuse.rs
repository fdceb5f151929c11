//! Refuses a message in its own protocol.
//!
//! Invariant: nothing that is written here is a positive answer.

use cordon_model::Now;
use cordon_wire::{bacnet, dicom, hl7, http, modbus};

use super::Refusal;
use super::conversation::Message;

/// An abort by the service provider.
/// # Source
/// DICOM PS3.8 §9.3.8.
const PROVIDER: u8 = 2;

/// Appends the refusal of a message; says whether there is one: what cannot be answered properly,
/// for example without a control id, is not answered.
pub fn refuse(refusal: Refusal, message: &Message<'_>, now: Now, out: &mut Vec<u8>) -> bool {
    match (refusal, message) {
        (Refusal::Hl7Reject, Message::Hl7 { read: Ok(message), .. }) => {
            hl7::refuse(message, now.wall.0, out)
        }
        (Refusal::DicomReject { result, source, reason }, _) => {
            dicom::associate_reject(out, result, source, reason);
            true
        }
        (Refusal::DicomAbort { reason }, _) => {
            dicom::abort(out, PROVIDER, reason);
            true
        }
        (Refusal::ModbusException { code }, Message::Modbus { adu, .. }) => {
            modbus::exception(adu, code, out);
            true
        }
        (Refusal::BacnetReject { reason }, Message::Bacnet(packet)) => {
            bacnet::reject(packet, reason, out)
        }
        (Refusal::BacnetError { class, code }, Message::Bacnet(packet)) => {
            bacnet::error(packet, class, code, out)
        }
        (Refusal::Http { status, retry_after_s }, _) => {
            http::refuse(status, retry_after_s, out);
            true
        }
        (
            Refusal::Hl7Reject
            | Refusal::ModbusException { .. }
            | Refusal::BacnetReject { .. }
            | Refusal::BacnetError { .. },
            _,
        ) => false,
    }
}

//! What inspection remembers of one device across its conversations.

use super::{Recent, bacnet, dicom, hl7, http, modbus};

/// How many messages that cannot be read an ORANGE device may send before they are stopped, and in
/// which time.
pub const MALFORMED_MAX: usize = 3;
/// The span of [`MALFORMED_MAX`].
/// # Units
/// Seconds.
pub const MALFORMED_SPAN_S: u64 = 60;

/// What is remembered of one device. Its size is fixed; what does not fit is forgotten, oldest
/// first.
#[derive(Debug, Default)]
pub struct Memory {
    /// When messages could not be read.
    pub malformed: Recent<MALFORMED_MAX>,
    /// What HL7 remembers.
    pub hl7: hl7::DeviceMemory,
    /// What DICOM remembers.
    pub dicom: dicom::DeviceMemory,
    /// What Modbus remembers.
    pub modbus: modbus::DeviceMemory,
    /// What BACnet remembers.
    pub bacnet: bacnet::DeviceMemory,
    /// What HTTP remembers.
    pub http: http::DeviceMemory,
}

//! Judges BACnet/IP messages.

/// What is remembered of a device across its conversations.
#[derive(Debug, Default)]
pub struct DeviceMemory {}

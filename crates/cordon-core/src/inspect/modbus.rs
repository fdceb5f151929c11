//! Judges Modbus requests and answers.

/// What is remembered of a device across its conversations.
#[derive(Debug, Default)]
pub struct DeviceMemory {}

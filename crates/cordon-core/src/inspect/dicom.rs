//! Judges DICOM associations and the commands on them.

/// What is remembered of a device across its conversations.
#[derive(Debug, Default)]
pub struct DeviceMemory {}

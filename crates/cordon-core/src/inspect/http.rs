//! Judges heads of HTTP requests.

/// What is remembered of a device across its conversations.
#[derive(Debug, Default)]
pub struct DeviceMemory {}

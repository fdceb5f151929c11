//! What an inspector holds the messages of a flow to, beyond the operations that are permitted.

use serde::{Deserialize, Serialize};

/// The rules of one flow for whoever looks into it; each protocol has its own, and a flow uses
/// those of its service's protocol.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Inspection {
    /// Rules for HL7 v2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hl7: Option<Hl7Rules>,
    /// Rules for DICOM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dicom: Option<DicomRules>,
    /// Rules for Modbus.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modbus: Option<ModbusRules>,
    /// Rules for BACnet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bacnet: Option<BacnetRules>,
}

impl Inspection {
    /// Says whether nothing is asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What HL7 messages of a flow are held to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Hl7Rules {
    /// The versions that MSH-12 may name; empty for any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<String>,
    /// How many OBX segments a message usually has; ten times as many are remarkable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observations_usual: Option<u32>,
    /// How long a message usually is; ten times as long is remarkable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_usual: Option<u32>,
}

/// What DICOM associations of a flow are held to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct DicomRules {
    /// The storage SOP classes that the device owns, as UIDs; empty for any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub storage_classes: Vec<String>,
    /// The transfer syntaxes it uses, as UIDs; others are remarkable; empty for any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub transfer_syntaxes: Vec<String>,
    /// Whether it may reverse roles (PS3.7 §D.3.3.4), as C-GET and storage commitment do.
    pub role_selection: bool,
    /// How large a study usually is; twice that is remarkable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub study_bytes_usual: Option<u64>,
}

/// What Modbus requests of a flow are held to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct ModbusRules {
    /// The unit identifiers that may be addressed; empty for any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub units: Vec<u8>,
    /// The addresses that may be read; empty for any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reads: Vec<AddressRange>,
    /// The addresses that may be written, and with what; empty for none: writing is declared place by
    /// place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub writes: Vec<WriteRange>,
    /// Requests that write, in one minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub writes_per_minute_max: Option<u32>,
}

/// A table of the Modbus data model.
/// # Source
/// Modbus APv1.1b3 §4.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ModbusTable {
    /// Single bits, read and write.
    Coils,
    /// Single bits, read only.
    DiscreteInputs,
    /// Words, read and write.
    HoldingRegisters,
    /// Words, read only.
    InputRegisters,
}

/// A range of addresses of one table.
/// # Units
/// Addresses as they are on the wire, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct AddressRange {
    /// The table.
    pub table: ModbusTable,
    /// The first address.
    pub from: u16,
    /// The last address.
    pub to: u16,
}

/// A range of addresses that may be written, with the values that make sense there.
/// # Units
/// Values as they are on the wire; a coil is 0 or 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct WriteRange {
    /// The table: coils or holding registers.
    pub table: ModbusTable,
    /// The first address.
    pub from: u16,
    /// The last address.
    pub to: u16,
    /// The smallest value.
    #[serde(default)]
    pub min: u16,
    /// The largest value.
    #[serde(default = "largest")]
    pub max: u16,
}

fn largest() -> u16 {
    u16::MAX
}

/// What BACnet messages of a flow are held to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct BacnetRules {
    /// Whether the other side is the fire system: it may write with priorities 1 and 2.
    pub life_safety_writer: bool,
    /// Whether the other side is a BBMD: it may register and distribute (Annex J).
    pub broadcast_management: bool,
}

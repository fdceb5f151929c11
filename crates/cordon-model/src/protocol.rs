//! Protocols and their operations: the closed list of verbs that a policy can speak about.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The application protocols that cordon can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// HL7 v2 over MLLP.
    Hl7,
    /// DICOM upper layer (PS3.8).
    Dicom,
    /// Modbus/TCP.
    Modbus,
    /// BACnet/IP (ASHRAE 135 Annex J).
    Bacnet,
    /// HTTP, in TLS or not.
    Http,
    /// RFC 5905.
    Ntp,
    /// RFC 1035.
    Dns,
    /// RFC 2131.
    Dhcp,
    /// RFC 5424.
    Syslog,
    /// Any other: only the connection itself can be named.
    Opaque,
}

impl Protocol {
    /// Every protocol.
    pub const ALL: [Self; 10] = [
        Self::Hl7,
        Self::Dicom,
        Self::Modbus,
        Self::Bacnet,
        Self::Http,
        Self::Ntp,
        Self::Dns,
        Self::Dhcp,
        Self::Syslog,
        Self::Opaque,
    ];

    /// Gives the name that files and policies use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Hl7 => "hl7",
            Self::Dicom => "dicom",
            Self::Modbus => "modbus",
            Self::Bacnet => "bacnet",
            Self::Http => "http",
            Self::Ntp => "ntp",
            Self::Dns => "dns",
            Self::Dhcp => "dhcp",
            Self::Syslog => "syslog",
            Self::Opaque => "opaque",
        }
    }

    /// Reads a protocol's name.
    #[must_use]
    pub fn from_name(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|protocol| protocol.name() == text)
    }

    /// Gives the operations of the protocol.
    pub fn operations(self) -> impl Iterator<Item = Operation> {
        Operation::all().filter(move |operation| operation.protocol() == self)
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What an operation does to the one who receives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OperationClass {
    /// Reports values.
    Telemetry,
    /// Reports an alarm; never blocked, never limited.
    Alarm,
    /// Asks for values.
    Read,
    /// Changes values.
    Write,
    /// Tells a device or a server what to do.
    Command,
    /// Finds peers, names or time.
    Discovery,
    /// Changes how a device works: firmware, restart, configuration.
    Maintenance,
    /// Cannot be told apart further.
    Connection,
}

struct Row {
    name: &'static str,
    protocol: Protocol,
    class: OperationClass,
}

macro_rules! operations {
    ($($name:literal $protocol:ident $class:ident;)*) => {
        &[$(Row { name: $name, protocol: Protocol::$protocol, class: OperationClass::$class },)*]
    };
}

/// The closed list.
/// # Source
/// HL7 v2.6 table 0354 and IHE DEV TF-2 (PCD-01, -03, -04, -10); DICOM PS3.7 §9–10;
/// Modbus APv1.1b3 §6; ASHRAE 135-2020 §13–17; RFC 9110 §9.
const OPERATIONS: &[Row] = operations! {
    "hl7.oru-r01" Hl7 Telemetry;
    "hl7.oru-r40" Hl7 Alarm;
    "hl7.oru-r42" Hl7 Telemetry;
    "hl7.rgv-o15" Hl7 Command;
    "hl7.rde-o11" Hl7 Command;
    "hl7.adt" Hl7 Command;
    "hl7.qbp" Hl7 Read;
    "dicom.c-echo" Dicom Discovery;
    "dicom.c-store" Dicom Telemetry;
    "dicom.c-find-worklist" Dicom Read;
    "dicom.c-find" Dicom Read;
    "dicom.c-move" Dicom Command;
    "dicom.c-get" Dicom Read;
    "dicom.n-create-mpps" Dicom Telemetry;
    "dicom.n-set-mpps" Dicom Telemetry;
    "dicom.n-action-commitment" Dicom Telemetry;
    "dicom.n-event-report" Dicom Telemetry;
    "dicom.n-delete" Dicom Command;
    "modbus.read" Modbus Read;
    "modbus.write" Modbus Write;
    "modbus.identify" Modbus Discovery;
    "modbus.diagnostics" Modbus Maintenance;
    "modbus.file" Modbus Maintenance;
    "bacnet.read-property" Bacnet Read;
    "bacnet.write-property" Bacnet Write;
    "bacnet.cov-notification" Bacnet Telemetry;
    "bacnet.subscribe-cov" Bacnet Read;
    "bacnet.event-notification" Bacnet Alarm;
    "bacnet.who-is" Bacnet Discovery;
    "bacnet.i-am" Bacnet Discovery;
    "bacnet.time-synchronization" Bacnet Command;
    "bacnet.life-safety-operation" Bacnet Command;
    "bacnet.device-communication-control" Bacnet Maintenance;
    "bacnet.reinitialize-device" Bacnet Maintenance;
    "bacnet.atomic-write-file" Bacnet Maintenance;
    "http.get" Http Read;
    "http.post" Http Telemetry;
    "http.put" Http Write;
    "http.patch" Http Write;
    "http.delete" Http Write;
    "http.connect" Http Command;
    "ntp.query" Ntp Discovery;
    "dns.query" Dns Discovery;
    "dhcp.lease" Dhcp Discovery;
    "syslog.send" Syslog Telemetry;
    "opaque.connect" Opaque Connection;
};

/// One verb of one protocol, for example `hl7.oru-r01`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Operation(u8);

/// Says that a text names no operation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an operation")]
pub struct UnknownOperation(String);

impl Operation {
    /// The number of operations.
    pub const COUNT: usize = OPERATIONS.len();

    /// Gives every operation in the order of the list.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..u8::try_from(OPERATIONS.len()).unwrap_or(u8::MAX)).map(Self)
    }

    fn row(self) -> &'static Row {
        // INVARIANT: the field is private and only ever holds an index of the list.
        OPERATIONS.get(usize::from(self.0)).unwrap_or(&Row {
            name: "opaque.connect",
            protocol: Protocol::Opaque,
            class: OperationClass::Connection,
        })
    }

    /// Gives the name, for example `dicom.c-store`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// Gives the protocol whose verb it is.
    #[must_use]
    pub fn protocol(self) -> Protocol {
        self.row().protocol
    }

    /// Gives what the operation does to its receiver.
    #[must_use]
    pub fn class(self) -> OperationClass {
        self.row().class
    }

    /// Gives the place in the list, 0 to [`Self::COUNT`] − 1.
    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

impl FromStr for Operation {
    type Err = UnknownOperation;
    fn from_str(text: &str) -> Result<Self, UnknownOperation> {
        Self::all()
            .find(|operation| operation.name() == text)
            .ok_or_else(|| UnknownOperation(text.to_owned()))
    }
}

impl TryFrom<String> for Operation {
    type Error = UnknownOperation;
    fn try_from(text: String) -> Result<Self, UnknownOperation> {
        text.parse()
    }
}

impl From<Operation> for String {
    fn from(operation: Operation) -> Self {
        operation.name().to_owned()
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_operation_has_its_own_name_under_its_protocol() {
        let names: BTreeSet<_> = Operation::all().map(Operation::name).collect();
        assert_eq!(names.len(), Operation::COUNT);
        for operation in Operation::all() {
            let prefix = format!("{}.", operation.protocol());
            assert!(operation.name().starts_with(&prefix), "{operation}");
            assert_eq!(operation.name().parse(), Ok(operation));
        }
    }

    #[test]
    fn every_protocol_has_an_operation() {
        for protocol in Protocol::ALL {
            assert!(protocol.operations().next().is_some(), "{protocol}");
        }
    }
}

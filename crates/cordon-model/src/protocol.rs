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
    ($($variant:ident $name:literal $protocol:ident $class:ident;)*) => {
        /// One verb of one protocol, for example `hl7.oru-r01`: the closed list.
        /// # Source
        /// HL7 v2.6 table 0354 and IHE DEV TF-2 (PCD-01, -03, -04, -10); DICOM PS3.7 §9–10;
        /// Modbus APv1.1b3 §6; ASHRAE 135-2020 §13–17; RFC 9110 §9.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub enum Operation {
            $(#[doc = concat!("`", $name, "`.")] $variant,)*
        }

        impl Operation {
            const LIST: &'static [Self] = &[$(Self::$variant,)*];

            fn row(self) -> Row {
                match self {
                    $(Self::$variant => Row {
                        name: $name,
                        protocol: Protocol::$protocol,
                        class: OperationClass::$class,
                    },)*
                }
            }
        }
    };
}

operations! {
    Hl7OruR01 "hl7.oru-r01" Hl7 Telemetry;
    Hl7OruR40 "hl7.oru-r40" Hl7 Alarm;
    Hl7OruR42 "hl7.oru-r42" Hl7 Telemetry;
    Hl7RgvO15 "hl7.rgv-o15" Hl7 Command;
    Hl7RdeO11 "hl7.rde-o11" Hl7 Command;
    Hl7Adt "hl7.adt" Hl7 Command;
    Hl7Qbp "hl7.qbp" Hl7 Read;
    DicomCEcho "dicom.c-echo" Dicom Discovery;
    DicomCStore "dicom.c-store" Dicom Telemetry;
    DicomCFindWorklist "dicom.c-find-worklist" Dicom Read;
    DicomCFind "dicom.c-find" Dicom Read;
    DicomCMove "dicom.c-move" Dicom Command;
    DicomCGet "dicom.c-get" Dicom Read;
    DicomNCreateMpps "dicom.n-create-mpps" Dicom Telemetry;
    DicomNSetMpps "dicom.n-set-mpps" Dicom Telemetry;
    DicomNActionCommitment "dicom.n-action-commitment" Dicom Telemetry;
    DicomNEventReport "dicom.n-event-report" Dicom Telemetry;
    DicomNDelete "dicom.n-delete" Dicom Command;
    ModbusRead "modbus.read" Modbus Read;
    ModbusWrite "modbus.write" Modbus Write;
    ModbusIdentify "modbus.identify" Modbus Discovery;
    ModbusDiagnostics "modbus.diagnostics" Modbus Maintenance;
    ModbusFile "modbus.file" Modbus Maintenance;
    BacnetReadProperty "bacnet.read-property" Bacnet Read;
    BacnetWriteProperty "bacnet.write-property" Bacnet Write;
    BacnetCovNotification "bacnet.cov-notification" Bacnet Telemetry;
    BacnetSubscribeCov "bacnet.subscribe-cov" Bacnet Read;
    BacnetEventNotification "bacnet.event-notification" Bacnet Alarm;
    BacnetWhoIs "bacnet.who-is" Bacnet Discovery;
    BacnetIAm "bacnet.i-am" Bacnet Discovery;
    BacnetTimeSynchronization "bacnet.time-synchronization" Bacnet Command;
    BacnetLifeSafetyOperation "bacnet.life-safety-operation" Bacnet Command;
    BacnetDeviceCommunicationControl "bacnet.device-communication-control" Bacnet Maintenance;
    BacnetReinitializeDevice "bacnet.reinitialize-device" Bacnet Maintenance;
    BacnetAtomicWriteFile "bacnet.atomic-write-file" Bacnet Maintenance;
    HttpGet "http.get" Http Read;
    HttpPost "http.post" Http Telemetry;
    HttpPut "http.put" Http Write;
    HttpPatch "http.patch" Http Write;
    HttpDelete "http.delete" Http Write;
    HttpConnect "http.connect" Http Command;
    NtpQuery "ntp.query" Ntp Discovery;
    DnsQuery "dns.query" Dns Discovery;
    DhcpLease "dhcp.lease" Dhcp Discovery;
    SyslogSend "syslog.send" Syslog Telemetry;
    OpaqueConnect "opaque.connect" Opaque Connection;
}

/// Says that a text names no operation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an operation")]
pub struct UnknownOperation(String);

impl Operation {
    /// The number of operations.
    pub const COUNT: usize = Self::LIST.len();

    /// Gives every operation in the order of the list.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::LIST.iter().copied()
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
        self as usize
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

/// A set of operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct OperationSet(u128);

// Every operation has a bit of its own.
const _: () = assert!(Operation::COUNT <= 128);

impl OperationSet {
    /// The set of every operation.
    #[must_use]
    pub fn all() -> Self {
        Operation::all().collect()
    }

    /// Adds an operation.
    pub fn insert(&mut self, operation: Operation) {
        self.0 |= 1 << operation.index();
    }

    /// Takes an operation away.
    pub fn remove(&mut self, operation: Operation) {
        self.0 &= !(1 << operation.index());
    }

    /// Says whether an operation is in the set.
    #[must_use]
    pub fn contains(self, operation: Operation) -> bool {
        self.0 >> operation.index() & 1 == 1
    }

    /// Says whether the set is empty.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl FromIterator<Operation> for OperationSet {
    fn from_iter<I: IntoIterator<Item = Operation>>(operations: I) -> Self {
        let mut set = Self::default();
        for operation in operations {
            set.insert(operation);
        }
        set
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

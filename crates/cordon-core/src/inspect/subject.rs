//! Whose message it is, and what the bundle says of that device and its flow.

use cordon_model::bundle::{BundleDevice, BundleService};
use cordon_model::fleet::Inspection;
use cordon_model::{Direction, Eui64, OperationSet, Tier};
use sha2::{Digest, Sha256};

/// Which way a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Way {
    /// The device sent it.
    FromDevice,
    /// It goes to the device.
    ToDevice,
}

/// What a message is in its conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// It asks, tells or reports something by itself.
    Request,
    /// It answers.
    Reply,
    /// It is said to all.
    Broadcast,
}

/// How the device must name itself; what is absent is not checked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DeviceIdentity<'a> {
    /// HL7 OBX-18.
    pub eui64: Option<Eui64>,
    /// DICOM application entity title.
    pub ae_title: Option<&'a str>,
    /// HL7 MSH-3.
    pub hl7_application: Option<&'a str>,
    /// HL7 MSH-4.
    pub hl7_facility: Option<&'a str>,
    /// BACnet device instance.
    pub bacnet_instance: Option<u32>,
}

impl<'a> DeviceIdentity<'a> {
    /// Takes from a bundle how a device names itself.
    #[must_use]
    pub fn of(device: &'a BundleDevice) -> Self {
        Self {
            eui64: device.eui64,
            ae_title: device.ae_title.as_deref(),
            hl7_application: device.hl7_application.as_deref(),
            hl7_facility: device.hl7_facility.as_deref(),
            bacnet_instance: device.bacnet_instance,
        }
    }
}

/// How the other side must be named; what is absent is not checked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PeerIdentity<'a> {
    /// DICOM application entity title.
    pub ae_title: Option<&'a str>,
    /// HL7 MSH-5 of what it receives.
    pub hl7_application: Option<&'a str>,
    /// HL7 MSH-6 of what it receives.
    pub hl7_facility: Option<&'a str>,
}

impl<'a> PeerIdentity<'a> {
    /// Takes from a bundle what a service is called.
    #[must_use]
    pub fn of(service: &'a BundleService) -> Self {
        Self {
            ae_title: service.ae_title.as_deref(),
            hl7_application: service.hl7_application.as_deref(),
            hl7_facility: service.hl7_facility.as_deref(),
        }
    }
}

/// A secret of the enforcement point, so that hashes of patient identifiers cannot be tried out.
#[derive(Clone, Copy)]
pub struct Salt(pub [u8; 32]);

impl std::fmt::Debug for Salt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Salt(…)")
    }
}

impl Salt {
    /// Hashes an identifier; equal identifiers give equal hashes at one enforcement point only.
    #[must_use]
    pub fn hash(&self, identifier: &[u8]) -> [u8; 16] {
        let mut hasher = Sha256::new();
        hasher.update(self.0);
        hasher.update(identifier);
        let digest = hasher.finalize();
        digest.as_slice().first_chunk::<16>().copied().unwrap_or_default()
    }
}

/// Whose message it is, and what holds for it now: posture and hour are already applied.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The device's tier.
    pub tier: Tier,
    /// Who opened the conversation.
    pub opened: Direction,
    /// The operations that may pass, both those that the device may ask and, in a conversation that
    /// the other side opened, those that may be asked of the device.
    pub permitted: OperationSet,
    /// Those of them that are lifelines.
    pub lifelines: OperationSet,
    /// How the device must name itself.
    pub identity: DeviceIdentity<'a>,
    /// How the other side must be named.
    pub peer: PeerIdentity<'a>,
    /// The rules of the flow.
    pub rules: &'a Inspection,
    /// API calls per minute.
    pub api_rate_per_minute: Option<u32>,
    /// The patient that is associated with the device, hashed with `salt`.
    pub patient: Option<[u8; 16]>,
    /// The enforcement point's secret.
    pub salt: &'a Salt,
}

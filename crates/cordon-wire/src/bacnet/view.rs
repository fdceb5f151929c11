//! What a service asks or tells, as far as policy and records need it.
//!
//! Values that are written or reported, texts and passwords are stepped over, never handed out as
//! anything but bytes.
//!
//! Source: ASHRAE 135-2020 §13–17, §21.2, §21.3.

mod read;

use super::{Apdu, ObjectId, Properties, Property, Reference};
use crate::Fault;

/// What a device says of itself.
/// # Source
/// ASHRAE 135-2020 §16.10.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IAm {
    /// The device.
    pub device: ObjectId,
    /// The longest APDU that it takes.
    /// # Units
    /// Bytes.
    pub max_apdu: u32,
    /// 0 both ways, 1 sends, 2 receives, 3 no segments.
    pub segmentation: u32,
    /// Who made it.
    pub vendor: u32,
}

/// What has happened at an object.
/// # Source
/// ASHRAE 135-2020 §13.8.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// The device that reports it.
    pub device: ObjectId,
    /// The object.
    pub object: ObjectId,
    /// How urgent it is, 0 most.
    pub priority: u32,
    /// What kind of event it is; its name is [`super::event_type_name`].
    pub event_type: u32,
    /// 0 alarm, 1 event, 2 acknowledgement.
    pub notify_type: u32,
    /// The state before; not told in an acknowledgement.
    pub from_state: Option<u32>,
    /// The state now; its name is [`super::event_state_name`].
    pub to_state: u32,
}

/// What a service asks or tells.
#[derive(Debug, Clone)]
pub enum Service<'a> {
    /// §15.5: reads a property.
    ReadProperty(Reference),
    /// §15.5: a property that was read.
    ReadPropertyAck(Property<'a>),
    /// §15.7: reads properties.
    ReadPropertyMultiple(Properties<'a>),
    /// §15.7: properties that were read.
    ReadPropertyMultipleAck(Properties<'a>),
    /// §15.8: reads a part of a list.
    ReadRange(Reference),
    /// §15.8: a part of a list.
    ReadRangeAck(Reference),
    /// §15.9: writes a property.
    WriteProperty(Property<'a>),
    /// §15.10: writes properties.
    WritePropertyMultiple(Properties<'a>),
    /// §15.11: writes to the members of a group.
    WriteGroup {
        /// The group.
        group: u32,
        /// With which priority.
        priority: u8,
    },
    /// §15.1: adds to a list.
    AddListElement(Reference),
    /// §15.2: removes from a list.
    RemoveListElement(Reference),
    /// §15.3: creates an object.
    CreateObject {
        /// Of which type.
        object_type: u16,
        /// With which instance, if that is said.
        instance: Option<u32>,
    },
    /// §15.3: the object that was created.
    CreateObjectAck(ObjectId),
    /// §15.4: deletes an object.
    DeleteObject(ObjectId),
    /// §13.14: wants to hear of changes of an object.
    SubscribeCov {
        /// The object.
        object: ObjectId,
        /// For how long; none for ever, or, without confirmation being told, no longer.
        /// # Units
        /// Seconds.
        lifetime_s: Option<u32>,
    },
    /// §13.15: wants to hear of changes of a property.
    SubscribeCovProperty {
        /// The property.
        reference: Reference,
        /// For how long.
        /// # Units
        /// Seconds.
        lifetime_s: Option<u32>,
    },
    /// §13.16: wants to hear of changes of several properties.
    SubscribeCovPropertyMultiple(Properties<'a>),
    /// §13.1, §13.6, §13.7: what has changed, in one object or in several.
    CovNotification {
        /// The device that reports it.
        device: ObjectId,
        /// What has changed.
        changes: Properties<'a>,
    },
    /// §13.8, §13.9: something has happened.
    EventNotification(Event),
    /// §13.5: somebody has taken note of an alarm.
    AcknowledgeAlarm {
        /// The object with the alarm.
        object: ObjectId,
        /// The state that was taken note of.
        state: u32,
    },
    /// §13.10, §13.11, §13.12: asks what is alarmed.
    AskSummary {
        /// The last object that is known, to go on from there.
        after: Option<ObjectId>,
    },
    /// §13.10, §13.11, §13.12: what is alarmed.
    Summary {
        /// The first object of the list.
        first: Option<ObjectId>,
    },
    /// §13.13: tells a life safety object what to do.
    LifeSafetyOperation {
        /// What; its name is [`super::life_safety_operation_name`].
        request: u32,
        /// To which object; none for all.
        object: Option<ObjectId>,
    },
    /// §14.1: reads from a file.
    AtomicReadFile(ObjectId),
    /// §14.2: writes to a file.
    AtomicWriteFile(ObjectId),
    /// §16.1: lets a device speak, or not.
    DeviceCommunicationControl {
        /// 0 enable, 1 disable, 2 disable what it begins itself.
        state: u32,
        /// For how long; none for ever.
        /// # Units
        /// Minutes.
        duration_min: Option<u32>,
        /// Whether a password is there.
        has_password: bool,
    },
    /// §16.4: restarts a device, or starts or ends a backup.
    ReinitializeDevice {
        /// 0 coldstart, 1 warmstart, 2 start backup, 3 end backup, 4 start restore, 5 end restore,
        /// 6 abort restore, 7 activate changes.
        state: u32,
        /// Whether a password is there.
        has_password: bool,
    },
    /// §16.2, §16.3: something that only a vendor knows.
    PrivateTransfer {
        /// The vendor.
        vendor: u32,
        /// The vendor's service.
        service: u32,
    },
    /// §16.5, §16.6: a text for people.
    TextMessage {
        /// Who says it.
        device: ObjectId,
    },
    /// §16.7, §16.8: sets the clock.
    TimeSynchronization {
        /// Year − 1900, month, day, day of the week.
        date: [u8; 4],
        /// Hour, minute, second, hundredth.
        time: [u8; 4],
    },
    /// §16.9: looks for an object.
    WhoHas {
        /// Among the devices from one instance to another.
        range: Option<(u32, u32)>,
        /// The object; none when it is looked for by name.
        object: Option<ObjectId>,
    },
    /// §16.9: has an object.
    IHave {
        /// Which device it is.
        device: ObjectId,
        /// Which object it has.
        object: ObjectId,
    },
    /// §16.10: looks for devices.
    WhoIs {
        /// From one instance to another; none for all.
        range: Option<(u32, u32)>,
    },
    /// §16.10: is there.
    IAm(IAm),
    /// §16.11: tells a device which instance it has.
    YouAre {
        /// The instance that it gets.
        device: Option<ObjectId>,
    },
}

impl<'a> Service<'a> {
    /// Reads the parameters of a PDU.
    pub(super) fn read(apdu: Apdu<'a>) -> Result<Option<Self>, Fault> {
        let Some(parameters) = apdu.parameters() else { return Ok(None) };
        match apdu {
            Apdu::ConfirmedRequest { .. } => {
                apdu.confirmed().map_or(Ok(None), |service| read::ask(service, parameters))
            }
            Apdu::UnconfirmedRequest { .. } => {
                apdu.unconfirmed().map_or(Ok(None), |service| read::tell(service, parameters))
            }
            Apdu::ComplexAck { .. } => {
                apdu.confirmed().map_or(Ok(None), |service| read::answer(service, parameters))
            }
            Apdu::SimpleAck { .. }
            | Apdu::SegmentAck { .. }
            | Apdu::Error { .. }
            | Apdu::Reject { .. }
            | Apdu::Abort { .. } => Ok(None),
        }
    }

    /// Gives the properties that it is about, one by one, where it has a list of them.
    #[must_use]
    pub fn properties(&self) -> Option<Properties<'a>> {
        self.about().list
    }

    /// Gives the first property that it is about.
    #[must_use]
    pub fn reference(&self) -> Option<Reference> {
        let about = self.about();
        let first = || about.list?.next()?.ok().map(|property| property.reference);
        about.reference.or_else(first)
    }

    /// Gives the first object that it is about; who reports it is [`Self::device`].
    #[must_use]
    pub fn object(&self) -> Option<ObjectId> {
        self.about().object.or_else(|| self.reference().map(|reference| reference.object))
    }

    /// Gives the device that it says to come from.
    #[must_use]
    pub fn device(&self) -> Option<ObjectId> {
        self.about().device
    }

    fn about(&self) -> About<'a> {
        let mut about = About::default();
        match self {
            Self::ReadProperty(reference)
            | Self::ReadRange(reference)
            | Self::ReadRangeAck(reference)
            | Self::AddListElement(reference)
            | Self::RemoveListElement(reference)
            | Self::SubscribeCovProperty { reference, .. }
            | Self::ReadPropertyAck(Property { reference, .. })
            | Self::WriteProperty(Property { reference, .. }) => {
                about.reference = Some(*reference);
            }
            Self::ReadPropertyMultiple(list)
            | Self::ReadPropertyMultipleAck(list)
            | Self::WritePropertyMultiple(list)
            | Self::SubscribeCovPropertyMultiple(list) => about.list = Some(list.clone()),
            Self::CovNotification { device, changes } => {
                about.device = Some(*device);
                about.list = Some(changes.clone());
            }
            Self::CreateObject { object_type, instance } => {
                about.object = instance.map(|instance| ObjectId::new(*object_type, instance));
            }
            Self::SubscribeCov { object, .. }
            | Self::AcknowledgeAlarm { object, .. }
            | Self::CreateObjectAck(object)
            | Self::DeleteObject(object)
            | Self::AtomicReadFile(object)
            | Self::AtomicWriteFile(object) => about.object = Some(*object),
            Self::AskSummary { after: object }
            | Self::Summary { first: object }
            | Self::WhoHas { object, .. }
            | Self::YouAre { device: object }
            | Self::LifeSafetyOperation { object, .. } => about.object = *object,
            Self::EventNotification(Event { device, object, .. })
            | Self::IHave { device, object } => {
                about.device = Some(*device);
                about.object = Some(*object);
            }
            Self::IAm(IAm { device, .. }) | Self::TextMessage { device } => {
                about.device = Some(*device);
                about.object = Some(*device);
            }
            Self::WriteGroup { .. }
            | Self::DeviceCommunicationControl { .. }
            | Self::ReinitializeDevice { .. }
            | Self::PrivateTransfer { .. }
            | Self::TimeSynchronization { .. }
            | Self::WhoIs { .. } => {}
        }
        about
    }
}

/// What a service is about.
#[derive(Default)]
struct About<'a> {
    device: Option<ObjectId>,
    object: Option<ObjectId>,
    reference: Option<Reference>,
    list: Option<Properties<'a>>,
}

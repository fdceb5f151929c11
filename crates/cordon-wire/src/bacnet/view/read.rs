//! Reads the parameters of every service that has a view.
//!
//! Source: ASHRAE 135-2020 §13–17, §21.2, §21.3.

use super::{Event, IAm, Service};
use crate::Fault;
use crate::bacnet::properties::Shape;
use crate::bacnet::tag::{DATE, ENUMERATED, TIME, UNSIGNED, VALUE};
use crate::bacnet::{
    ConfirmedService, ObjectId, Parameters, Properties, Property, Reference, Tags,
    UnconfirmedService,
};

/// Kind of an octet string.
/// # Source
/// ASHRAE 135-2020 §20.2.1.4.
const OCTETS: u8 = 6;
/// Kind of a character string.
/// # Source
/// ASHRAE 135-2020 §20.2.1.4.
const TEXT: u8 = 7;

pub(super) fn ask<'a>(
    service: ConfirmedService,
    parameters: Parameters<'a>,
) -> Result<Option<Service<'a>>, Fault> {
    use ConfirmedService as C;
    let tags = &mut parameters.tags();
    let read = match service {
        C::ReadPropertyMultiple => {
            Service::ReadPropertyMultiple(Properties::new(parameters.tags(), Shape::Ask, None))
        }
        C::WritePropertyMultiple => {
            Service::WritePropertyMultiple(Properties::new(parameters.tags(), Shape::Write, None))
        }
        C::SubscribeCovPropertyMultiple => return subscribe_multiple(tags).map(Some),
        C::ConfirmedCovNotification => return change(tags).map(Some),
        C::ConfirmedCovNotificationMultiple => return changes(tags).map(Some),
        C::ReadProperty => Service::ReadProperty(Reference::read(tags)?),
        C::ReadRange => {
            let reference = Reference::read(tags)?;
            for choice in [3, 6, 7] {
                tags.construct_if(choice)?;
            }
            Service::ReadRange(reference)
        }
        C::WriteProperty => {
            let reference = Reference::read(tags)?;
            let value = Some(tags.construct(3)?);
            let priority = tags.priority_if(4)?;
            Service::WriteProperty(Property { reference, value, priority, error: None })
        }
        C::AddListElement => Service::AddListElement(list_element(tags)?),
        C::RemoveListElement => Service::RemoveListElement(list_element(tags)?),
        C::CreateObject => create(tags)?,
        C::DeleteObject => Service::DeleteObject(tags.application_object()?),
        C::SubscribeCov | C::SubscribeCovProperty => subscribe(service, tags)?,
        C::ConfirmedEventNotification => event(tags)?,
        C::AcknowledgeAlarm => acknowledge(tags)?,
        C::GetAlarmSummary => Service::AskSummary { after: None },
        C::GetEventInformation => Service::AskSummary { after: tags.object_if(0)? },
        C::LifeSafetyOperation => {
            tags.number(0)?;
            tags.bytes(1)?;
            Service::LifeSafetyOperation { request: tags.number(2)?, object: tags.object_if(3)? }
        }
        C::AtomicReadFile => Service::AtomicReadFile(file(tags)?),
        C::AtomicWriteFile => Service::AtomicWriteFile(file(tags)?),
        C::DeviceCommunicationControl => {
            let duration_min = tags.number_if(0)?;
            let state = tags.number(1)?;
            let has_password = tags.bytes_if(2)?.is_some();
            Service::DeviceCommunicationControl { state, duration_min, has_password }
        }
        C::ReinitializeDevice => Service::ReinitializeDevice {
            state: tags.number(0)?,
            has_password: tags.bytes_if(1)?.is_some(),
        },
        C::ConfirmedPrivateTransfer => return private(tags).map(Some),
        C::ConfirmedTextMessage => text(tags)?,
        C::GetEnrollmentSummary
        | C::ReadPropertyConditional
        | C::VtOpen
        | C::VtClose
        | C::VtData
        | C::Authenticate
        | C::RequestKey
        | C::ConfirmedAuditNotification
        | C::AuditLogQuery => return Ok(None),
    };
    if read.properties().is_none() {
        tags.end()?;
    }
    Ok(Some(read))
}

pub(super) fn tell<'a>(
    service: UnconfirmedService,
    parameters: Parameters<'a>,
) -> Result<Option<Service<'a>>, Fault> {
    use UnconfirmedService as U;
    let tags = &mut parameters.tags();
    let read = match service {
        U::UnconfirmedCovNotification => return change(tags).map(Some),
        U::UnconfirmedCovNotificationMultiple => return changes(tags).map(Some),
        U::IAm => Service::IAm(IAm {
            device: tags.application_object()?,
            max_apdu: tags.application_number(UNSIGNED)?,
            segmentation: tags.application_number(ENUMERATED)?,
            vendor: tags.application_number(UNSIGNED)?,
        }),
        U::IHave => {
            let (device, object) = (tags.application_object()?, tags.application_object()?);
            tags.application(TEXT)?;
            Service::IHave { device, object }
        }
        U::UnconfirmedEventNotification => event(tags)?,
        U::UnconfirmedPrivateTransfer => return private(tags).map(Some),
        U::UnconfirmedTextMessage => text(tags)?,
        U::TimeSynchronization | U::UtcTimeSynchronization => {
            let date = four(tags, DATE)?;
            Service::TimeSynchronization { date, time: four(tags, TIME)? }
        }
        U::WhoHas => {
            let range = range(tags)?;
            let object = tags.object_if(2)?;
            if object.is_none() {
                tags.bytes(3)?;
            }
            Service::WhoHas { range, object }
        }
        U::WhoIs => Service::WhoIs { range: range(tags)? },
        U::WriteGroup => {
            let group = tags.number(0)?;
            let priority = tags.priority_if(1)?;
            let Some(priority) = priority else { return Err(tags.missing()) };
            tags.construct(2)?;
            tags.bytes_if(3)?;
            Service::WriteGroup { group, priority }
        }
        U::YouAre => {
            tags.application_number(UNSIGNED)?;
            tags.application(TEXT)?;
            tags.application(TEXT)?;
            let device = tags.application_object_if()?;
            tags.application_if(OCTETS)?;
            Service::YouAre { device }
        }
        U::UnconfirmedAuditNotification | U::WhoAmI => return Ok(None),
    };
    tags.end()?;
    Ok(Some(read))
}

pub(super) fn answer<'a>(
    service: ConfirmedService,
    parameters: Parameters<'a>,
) -> Result<Option<Service<'a>>, Fault> {
    use ConfirmedService as C;
    let tags = &mut parameters.tags();
    let read = match service {
        C::ReadPropertyMultiple => {
            let list = Properties::new(parameters.tags(), Shape::Answer, None);
            return Ok(Some(Service::ReadPropertyMultipleAck(list)));
        }
        C::ReadProperty => {
            let reference = Reference::read(tags)?;
            let value = Some(tags.construct(3)?);
            Service::ReadPropertyAck(Property { reference, value, priority: None, error: None })
        }
        C::ReadRange => Service::ReadRangeAck(Reference::read(tags)?),
        C::CreateObject => Service::CreateObjectAck(tags.application_object()?),
        C::ConfirmedPrivateTransfer => private(tags)?,
        C::GetAlarmSummary | C::GetEnrollmentSummary => {
            let first = if tags.more()? { Some(tags.application_object()?) } else { None };
            Service::Summary { first }
        }
        C::GetEventInformation => {
            tags.open(0)?;
            Service::Summary { first: tags.object_if(0)? }
        }
        C::AcknowledgeAlarm
        | C::ConfirmedCovNotification
        | C::ConfirmedEventNotification
        | C::SubscribeCov
        | C::AtomicReadFile
        | C::AtomicWriteFile
        | C::AddListElement
        | C::RemoveListElement
        | C::DeleteObject
        | C::ReadPropertyConditional
        | C::WriteProperty
        | C::WritePropertyMultiple
        | C::DeviceCommunicationControl
        | C::ConfirmedTextMessage
        | C::ReinitializeDevice
        | C::VtOpen
        | C::VtClose
        | C::VtData
        | C::Authenticate
        | C::RequestKey
        | C::LifeSafetyOperation
        | C::SubscribeCovProperty
        | C::SubscribeCovPropertyMultiple
        | C::ConfirmedCovNotificationMultiple
        | C::ConfirmedAuditNotification
        | C::AuditLogQuery => return Ok(None),
    };
    Ok(Some(read))
}

fn range(tags: &mut Tags<'_>) -> Result<Option<(u32, u32)>, Fault> {
    let Some(low) = tags.number_if(0)? else { return Ok(None) };
    Ok(Some((low, tags.number(1)?)))
}

fn four(tags: &mut Tags<'_>, kind: u8) -> Result<[u8; 4], Fault> {
    let bytes = tags.application(kind)?;
    <[u8; 4]>::try_from(bytes).map_err(|_| tags.blame(VALUE))
}

fn file(tags: &mut Tags<'_>) -> Result<ObjectId, Fault> {
    let object = tags.application_object()?;
    // By stream, or by record.
    if tags.construct_if(0)?.is_none() {
        tags.construct(1)?;
    }
    Ok(object)
}

fn list_element(tags: &mut Tags<'_>) -> Result<Reference, Fault> {
    let reference = Reference::read(tags)?;
    tags.construct(3)?;
    Ok(reference)
}

fn create<'a>(tags: &mut Tags<'a>) -> Result<Service<'a>, Fault> {
    tags.open(0)?;
    let (object_type, instance) = match tags.object_if(1)? {
        Some(object) => (object.object_type(), Some(object.instance())),
        None => {
            let number = tags.number(0)?;
            (u16::try_from(number).map_err(|_| tags.blame(VALUE))?, None)
        }
    };
    tags.close(0)?;
    tags.construct_if(1)?;
    Ok(Service::CreateObject { object_type, instance })
}

fn subscribe<'a>(service: ConfirmedService, tags: &mut Tags<'a>) -> Result<Service<'a>, Fault> {
    tags.number(0)?;
    let object = tags.object(1)?;
    tags.bytes_if(2)?;
    let lifetime_s = tags.number_if(3)?;
    if service == ConfirmedService::SubscribeCov {
        return Ok(Service::SubscribeCov { object, lifetime_s });
    }
    tags.open(4)?;
    let reference = Reference::read_of(object, 0, tags)?;
    tags.close(4)?;
    tags.bytes_if(5)?;
    Ok(Service::SubscribeCovProperty { reference, lifetime_s })
}

fn subscribe_multiple<'a>(tags: &mut Tags<'a>) -> Result<Service<'a>, Fault> {
    tags.number(0)?;
    for number in 1..=3 {
        tags.bytes_if(number)?;
    }
    tags.open(4)?;
    let list = Properties::new(tags.clone(), Shape::Subscribe, None);
    Ok(Service::SubscribeCovPropertyMultiple(list))
}

fn change<'a>(tags: &mut Tags<'a>) -> Result<Service<'a>, Fault> {
    tags.number(0)?;
    let device = tags.object(1)?;
    let object = tags.object(2)?;
    tags.number(3)?;
    tags.open(4)?;
    let changes = Properties::new(tags.clone(), Shape::Change, Some(object));
    Ok(Service::CovNotification { device, changes })
}

fn changes<'a>(tags: &mut Tags<'a>) -> Result<Service<'a>, Fault> {
    tags.number(0)?;
    let device = tags.object(1)?;
    tags.number(2)?;
    tags.construct_if(3)?;
    tags.open(4)?;
    let changes = Properties::new(tags.clone(), Shape::Changes, None);
    Ok(Service::CovNotification { device, changes })
}

fn event<'a>(tags: &mut Tags<'a>) -> Result<Service<'a>, Fault> {
    tags.number(0)?;
    let (device, object) = (tags.object(1)?, tags.object(2)?);
    tags.construct(3)?;
    tags.number(4)?;
    let (priority, event_type) = (tags.number(5)?, tags.number(6)?);
    tags.bytes_if(7)?;
    let notify_type = tags.number(8)?;
    tags.bytes_if(9)?;
    let (from_state, to_state) = (tags.number_if(10)?, tags.number(11)?);
    tags.construct_if(12)?;
    Ok(Service::EventNotification(Event {
        device,
        object,
        priority,
        event_type,
        notify_type,
        from_state,
        to_state,
    }))
}

fn acknowledge<'a>(tags: &mut Tags<'a>) -> Result<Service<'a>, Fault> {
    tags.number(0)?;
    let (object, state) = (tags.object(1)?, tags.number(2)?);
    tags.construct(3)?;
    tags.bytes(4)?;
    tags.construct(5)?;
    Ok(Service::AcknowledgeAlarm { object, state })
}

/// Reads a private transfer. What follows only its vendor knows, and not all vendors build it as
/// the standard says.
fn private<'a>(tags: &mut Tags<'a>) -> Result<Service<'a>, Fault> {
    Ok(Service::PrivateTransfer { vendor: tags.number(0)?, service: tags.number(1)? })
}

fn text<'a>(tags: &mut Tags<'a>) -> Result<Service<'a>, Fault> {
    let device = tags.object(0)?;
    tags.construct_if(1)?;
    tags.number(2)?;
    tags.bytes(3)?;
    Ok(Service::TextMessage { device })
}

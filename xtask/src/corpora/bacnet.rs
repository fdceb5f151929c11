//! BACnet/IP: our messages against tshark's tables and Zeek's logs of the same captures.

mod names;

use std::path::Path;

use anyhow::Context;

use self::names::{
    ABORT_REASONS, BVLC_FUNCTIONS, CONFIRMED, ERROR_CODES, OBJECT_TYPES, PDU_TYPES, REJECT_REASONS,
    UNCONFIRMED, number_of, plain,
};
use super::Cordon;
use super::record::{Record, Turns};
use super::sheet::{Message, Sheet};
use super::table::{self, Row, Table};

const CORPUS: &str = "bacnet";

/// The folders of Zeek's logs, and the capture each was made from.
const ZEEK: &[(&str, &str)] = &[
    ("analyzer.basic", "bacnet_example.pcap"),
    ("analyzer.error-reject-abort", "bacnet_error_reject_abort.pcap"),
];

/// Compares every capture.
///
/// # Errors
/// When a file cannot be read or `cordon` does not run to its end.
pub(super) fn compare(cordon: &Cordon<'_>, folder: &Path, sheet: &mut Sheet) -> anyhow::Result<()> {
    for pair in table::pairs(folder)? {
        let records = cordon.inspect(&pair.capture, CORPUS)?;
        let tshark = Table::of_tshark(&table::unpacked(&pair.table)?);
        sheet.compare((CORPUS, "tshark"), &pair.name, &of_tshark(&tshark), &by_frame(&records));
        for (logs, capture) in ZEEK.iter().filter(|(_, capture)| *capture == pair.name) {
            let logs = folder.join("zeek-logs").join(logs);
            zeek(&logs, capture, &records, sheet).with_context(|| logs.display().to_string())?;
        }
    }
    Ok(())
}

/// Our messages by their frames; a datagram holds one.
pub(super) fn by_frame(records: &[Record]) -> Vec<Message> {
    records.iter().map(|record| full(record, format!("frame {}", record.frame()))).collect()
}

/// All that we say of a message.
fn full(record: &Record, place: String) -> Message {
    let named = |field: &str, names| record.text(field).map(|name| number_of(names, &name));
    record
        .at(place)
        .with("function", named("bvlc_function", BVLC_FUNCTIONS))
        .with("type", named("pdu_type", PDU_TYPES))
        .with("service", service_of(record))
        .with("invoke", record.text("invoke_id"))
        .with("object-type", record.text("object_type"))
        .with("object-instance", record.text("object_instance"))
        .with("property", record.text("property_id"))
        .with("property-name", record.text("property").map(|name| plain(&name)))
        .with("error-class", record.text("error_class"))
        .with("error-code", record.text("error_code"))
}

/// The name of our service; where only its number is told, the type of the message says in which table it stands.
fn service_of(record: &Record) -> Option<String> {
    let said = record.text("service")?;
    let is_unconfirmed = record.text("pdu_type").is_some_and(|kind| {
        number_of(PDU_TYPES, &kind) == number_of(PDU_TYPES, "unconfirmed-request")
    });
    Some(service(if is_unconfirmed { UNCONFIRMED } else { CONFIRMED }, &plain(&said)))
}

/// tshark's datagrams; of objects and properties the first.
pub(super) fn of_tshark(tshark: &Table) -> Vec<Message> {
    let mut messages = Vec::new();
    for row in tshark.rows() {
        let Some(frame) = row.cell("frame.number") else { continue };
        let first = |column: &str| row.cell(column)?.split(',').next();
        let function = first("bvlc.function").and_then(hexadecimal);
        let service = match first("bacapp.confirmed_service") {
            Some(number) => Some(service(CONFIRMED, number)),
            None => first("bacapp.unconfirmed_service").map(|number| service(UNCONFIRMED, number)),
        };
        let message = Message::at(format!("frame {frame}"))
            .with("function", function)
            .with("type", first("bacapp.type"))
            .with("service", service)
            .with("invoke", first("bacapp.invoke_id"))
            .with("object-type", first("bacapp.objectType"))
            .with("object-instance", first("bacapp.instance_number"))
            .with("property", first("bacapp.property_identifier"))
            .with("error-class", first("bacapp.error_class"))
            .with("error-code", first("bacapp.error_code"));
        messages.push(message);
    }
    messages
}

fn hexadecimal(text: &str) -> Option<u64> {
    u64::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}

/// The name of a service by its number.
fn service(names: &[&str], number: &str) -> String {
    let index = number.parse::<usize>().ok();
    index.and_then(|index| names.get(index)).map_or_else(|| number.to_owned(), ToString::to_string)
}

/// Compares with the logs of one folder.
fn zeek(logs: &Path, capture: &str, records: &[Record], sheet: &mut Sheet) -> anyhow::Result<()> {
    if let Some(log) = table::zeek(&logs.join("bacnet.log"), &[])? {
        let (theirs, ours) = (of_log(&log), by_way(records));
        sheet.compare((CORPUS, "Zeek bacnet.log"), capture, &theirs, &ours);
    }
    if let Some(log) = table::zeek(&logs.join("bacnet_discovery.log"), &[])? {
        let (theirs, ours) = (of_discovery(&log), discoveries(records));
        sheet.compare((CORPUS, "Zeek bacnet_discovery.log"), capture, &theirs, &ours);
    }
    if let Some(log) = table::zeek(&logs.join("bacnet_property.log"), &[])? {
        let (theirs, ours) = (of_properties(&log), properties(records));
        sheet.compare((CORPUS, "Zeek bacnet_property.log"), capture, &theirs, &ours);
    }
    Ok(())
}

/// Our application messages from each sender to each receiver, in order.
pub(super) fn by_way(records: &[Record]) -> Vec<Message> {
    let mut turns = Turns::default();
    records.iter().map(|record| full(record, turns.next(record.way()))).collect()
}

/// `bacnet.log`: every message.
pub(super) fn of_log(log: &Table) -> Vec<Message> {
    let mut turns = Turns::default();
    let mut messages = Vec::new();
    for row in log.rows() {
        let Some(way) = row.way("source", "destination") else { continue };
        let named = |column, names| row.cell(column).map(|name| number_of(names, name));
        let kind = row.cell("pdu_type").map(|name| name.strip_suffix("_PDU").unwrap_or(name));
        let result = row.cell("result_code");
        // A reject or an abort names no service; Zeek writes its own name there.
        let (service, result) = match kind {
            Some("REJECT") => (None, result.map(|name| number_of(REJECT_REASONS, name))),
            Some("ABORT") => (None, result.map(|name| number_of(ABORT_REASONS, name))),
            _ => (row.cell("pdu_service"), result.map(|name| number_of(ERROR_CODES, name))),
        };
        let message = Message::at(turns.next(way))
            .with("function", named("bvlc_function", BVLC_FUNCTIONS))
            .with("type", kind.map(|name| number_of(PDU_TYPES, name)))
            .with("service", service.map(plain))
            .with("invoke", row.cell("invoke_id"))
            .with("error-code", result);
        messages.push(message);
    }
    messages
}

/// The services of `bacnet_discovery.log`.
const DISCOVERY: &[&str] = &["who-is", "i-am", "who-has", "i-have"];

/// `bacnet_discovery.log`: who asks for whom, and who answers.
pub(super) fn of_discovery(log: &Table) -> Vec<Message> {
    let mut turns = Turns::default();
    let mut messages = Vec::new();
    for row in log.rows() {
        let Some(way) = row.way("source", "destination") else { continue };
        let Some(service) = row.cell("pdu_service").map(plain) else { continue };
        let message = objects(row, Message::at(turns.next(format!("{way} {service}"))));
        messages.push(message);
    }
    messages
}

/// The object of a line: `i-have` names the device first and then the object.
fn objects(row: Row<'_>, message: Message) -> Message {
    let device = row.cell("device_id_type").zip(row.cell("device_id_number"));
    let object = row.cell("object_type").zip(row.cell("instance_number"));
    let first = device.or(object);
    message
        .with("object-type", first.map(|(name, _)| number_of(OBJECT_TYPES, name)))
        .with("object-instance", first.map(|(_, number)| number))
}

/// Our discoveries, by sender, receiver and service.
pub(super) fn discoveries(records: &[Record]) -> Vec<Message> {
    let mut turns = Turns::default();
    let mut messages = Vec::new();
    for record in records {
        let service = service_of(record).unwrap_or_default();
        if DISCOVERY.contains(&service.as_str()) {
            let place = turns.next(format!("{} {service}", record.way()));
            messages.push(full(record, place));
        }
    }
    messages
}

/// What `bacnet_property.log` tells of: the services that read or write properties, and whether it is the answer. It has
/// no lines for WritePropertyMultiple.
const PROPERTY: &[(&str, &str, bool)] = &[
    ("read-property-request", "read-property", false),
    ("read-property-ack", "read-property", true),
    ("read-property-multiple-request", "read-property-multiple", false),
    ("read-property-multiple-ack", "read-property-multiple", true),
    ("write-property", "write-property", false),
    ("read-range-request", "read-range", false),
    ("read-range-ack", "read-range", true),
];

/// `bacnet_property.log`: of a message with several properties, which stand in several lines, the first.
pub(super) fn of_properties(log: &Table) -> Vec<Message> {
    let mut turns = Turns::default();
    let mut messages = Vec::new();
    let mut last = String::new();
    for row in log.rows() {
        let Some(way) = row.way("source", "destination") else { continue };
        let service = row.cell("pdu_service").map(plain).unwrap_or_default();
        let invoke = row.cell("invoke_id").unwrap_or_default();
        let key = format!("{way} {service} invoke {invoke}");
        if service.contains("-multiple") && key == last {
            continue;
        }
        let object_type = row.cell("object_type").map(|name| number_of(OBJECT_TYPES, name));
        let message = Message::at(turns.next(key.clone()))
            .with("object-type", object_type)
            .with("object-instance", row.cell("instance_number"))
            .with("property-name", row.cell("property").map(plain));
        messages.push(message);
        last = key;
    }
    messages
}

/// Our readings and writings of properties.
pub(super) fn properties(records: &[Record]) -> Vec<Message> {
    let acknowledged = number_of(PDU_TYPES, "complex-ack");
    let mut turns = Turns::default();
    let mut messages = Vec::new();
    for record in records {
        let message = full(record, String::new());
        let field = |name| message.fields.get(name).map(String::as_str).unwrap_or_default();
        let is_answer = field("type") == acknowledged;
        let is_error = !is_answer && field("type") != number_of(PDU_TYPES, "confirmed-request");
        let named = PROPERTY
            .iter()
            .find(|(_, service, answer)| *service == field("service") && *answer == is_answer);
        if let Some((name, ..)) = named.filter(|_| !is_error) {
            let key = format!("{} {name} invoke {}", record.way(), field("invoke"));
            messages.push(Message { place: turns.next(key), ..message });
        }
    }
    messages
}

//! Modbus TCP: our messages against tshark's tables and Zeek's logs of the same captures.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Context;

use super::Cordon;
use super::record::{Record, Turns};
use super::sheet::{Message, Sheet};
use super::table::{self, Table};

const CORPUS: &str = "modbus";

/// The port that tells a request from an answer.
/// # Source
/// Modbus Messaging on TCP/IP Implementation Guide V1.0b §4.3.1
const PORT: u64 = 502;

/// The folders of Zeek's logs, and the capture each was made from.
const ZEEK: &[(&str, &str)] = &[
    ("icsnpp-basic", "modbus_example.pcap"),
    ("scripts.base.protocols.modbus.coil_parsing_small", "modbusSmall.pcap"),
    ("scripts.base.protocols.modbus.coil_parsing_big", "modbusBig.pcap"),
];

/// The columns of `modbus.log`, which was kept without its head.
const LOG_COLUMNS: &[&str] =
    &["ts", "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "func", "exception"];

/// Zeek's names of the functions.
const FUNCTIONS: &[(&str, u64)] = &[
    ("READ_COILS", 1),
    ("READ_DISCRETE_INPUTS", 2),
    ("READ_HOLDING_REGISTERS", 3),
    ("READ_INPUT_REGISTERS", 4),
    ("WRITE_SINGLE_COIL", 5),
    ("WRITE_SINGLE_REGISTER", 6),
    ("READ_EXCEPTION_STATUS", 7),
    ("DIAGNOSTICS", 8),
    ("GET_COMM_EVENT_COUNTER", 11),
    ("GET_COMM_EVENT_LOG", 12),
    ("WRITE_MULTIPLE_COILS", 15),
    ("WRITE_MULTIPLE_REGISTERS", 16),
    ("REPORT_SLAVE_ID", 17),
    ("READ_FILE_RECORD", 20),
    ("WRITE_FILE_RECORD", 21),
    ("MASK_WRITE_REGISTER", 22),
    ("READ_WRITE_MULTIPLE_REGISTERS", 23),
    ("READ_FIFO_QUEUE", 24),
    ("ENCAP_INTERFACE_TRANSPORT", 43),
];

/// Zeek's names of the exceptions.
const EXCEPTIONS: &[(&str, u64)] = &[
    ("ILLEGAL_FUNCTION", 1),
    ("ILLEGAL_DATA_ADDRESS", 2),
    ("ILLEGAL_DATA_VALUE", 3),
    ("SLAVE_DEVICE_FAILURE", 4),
    ("ACKNOWLEDGE", 5),
    ("SLAVE_DEVICE_BUSY", 6),
    ("MEMORY_PARITY_ERROR", 8),
    ("GATEWAY_PATH_UNAVAILABLE", 10),
    ("GATEWAY_TARGET_DEVICE_FAILED_TO_RESPOND", 11),
];

fn number_of(names: &[(&str, u64)], name: &str) -> String {
    let found = names.iter().find(|(known, _)| *known == name);
    found.map_or_else(|| name.to_owned(), |(_, number)| number.to_string())
}

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

/// Our messages by the frame in which they end.
pub(super) fn by_frame(records: &[Record]) -> Vec<Message> {
    let mut turns = Turns::default();
    let message = |record: &Record| full(record, turns.next(format!("frame {}", record.frame())));
    records.iter().map(message).collect()
}

/// All that we say of a message.
fn full(record: &Record, place: String) -> Message {
    record
        .at(place)
        .with("transaction", record.text("transaction_id"))
        .with("unit", record.text("unit_id"))
        .with("function", function(record))
        .with("exception", record.text("exception_code"))
        .with("address", record.text("address"))
        .with("quantity", record.text("quantity"))
}

/// The function, without the bit that marks an exception.
fn function(record: &Record) -> Option<u64> {
    record.number("function_code").map(|code| code & 0x7f)
}

/// tshark's PDUs, in the order they stand in a frame.
pub(super) fn of_tshark(tshark: &Table) -> Vec<Message> {
    let mut messages = Vec::new();
    let mut turns = Turns::default();
    for row in tshark.rows() {
        let Some(frame) = row.cell("frame.number") else { continue };
        let functions = row.cell("modbus.func_code").unwrap_or_default();
        let count = functions.split(',').count();
        for index in 0..count {
            let cell = |column| row.nth(column, index, count);
            let quantity = cell("modbus.word_cnt").or_else(|| cell("modbus.bit_cnt"));
            let message = Message::at(turns.next(format!("frame {frame}")))
                .with("transaction", cell("mbtcp.trans_id"))
                .with("unit", cell("mbtcp.unit_id"))
                .with("function", cell("modbus.func_code"))
                .with("exception", cell("modbus.exception_code"))
                .with("address", cell("modbus.reference_num"))
                .with("quantity", quantity);
            messages.push(message);
        }
    }
    messages
}

/// Compares with the logs of one folder.
fn zeek(logs: &Path, capture: &str, records: &[Record], sheet: &mut Sheet) -> anyhow::Result<()> {
    if let Some(log) = table::zeek(&logs.join("modbus.log"), LOG_COLUMNS)? {
        let ours = answers(records);
        sheet.compare((CORPUS, "Zeek modbus.log"), capture, &of_log(&log), &ours);
    }
    if let Some(log) = table::zeek(&logs.join("modbus_detailed.log"), &[])? {
        let ours = exchanges(records);
        sheet.compare((CORPUS, "Zeek modbus_detailed.log"), capture, &of_details(&log), &ours);
    }
    let events = logs.join("output");
    if events.is_file() {
        let theirs = of_events(&fs::read_to_string(events)?);
        sheet.compare((CORPUS, "Zeek events"), capture, &theirs, &by_header(records));
    }
    Ok(())
}

/// The connection of a message, named by the client's end first, and whether it is a request.
fn connection(record: &Record) -> (String, bool) {
    let way = record.way();
    let is_request = record.number("dport") == Some(PORT) && record.number("sport") != Some(PORT);
    let connection = match way.split_once('>') {
        Some((from, to)) if !is_request => format!("{to}>{from}"),
        _ => way,
    };
    (connection, is_request)
}

/// `modbus.log`: the functions of each connection, in order, each noted with its answer.
pub(super) fn of_log(log: &Table) -> Vec<Message> {
    let mut turns = Turns::default();
    let mut messages = Vec::new();
    for row in log.rows() {
        let Some(way) = row.way("id.orig", "id.resp") else { continue };
        let name = row.cell("func").unwrap_or_default();
        let name = name.strip_suffix("_EXCEPTION").unwrap_or(name);
        let exception = row.cell("exception").map(|name| number_of(EXCEPTIONS, name));
        let message = Message::at(turns.next(way))
            .with("function", Some(number_of(FUNCTIONS, name)))
            .with("exception", exception);
        messages.push(message);
    }
    messages
}

/// Our answers of each connection, in order.
pub(super) fn answers(records: &[Record]) -> Vec<Message> {
    let mut turns = Turns::default();
    let mut messages = Vec::new();
    for record in records {
        let (connection, is_request) = connection(record);
        if !is_request {
            messages.push(full(record, turns.next(connection)));
        }
    }
    messages
}

/// `modbus_detailed.log`: one line an exchange, or one each for request and answer.
pub(super) fn of_details(log: &Table) -> Vec<Message> {
    let mut met = BTreeMap::new();
    for row in log.rows() {
        let Some(way) = row.way("id.orig", "id.resp") else { continue };
        let cell = |column| row.cell(column).unwrap_or_default();
        let function = number_of(FUNCTIONS, cell("func"));
        let place = exchange(&way, cell("tid"), cell("unit"), &function);
        let message = Message::at(place.clone())
            .with("address", row.cell("address"))
            .with("quantity", row.cell("quantity"))
            .with("exception", row.cell("exception_code").map(|name| number_of(EXCEPTIONS, name)));
        met.entry(place).or_insert(message);
    }
    met.into_values().collect()
}

fn exchange(way: &str, transaction: &str, unit: &str, function: &str) -> String {
    format!("{way} transaction {transaction} unit {unit} function {function}")
}

/// Our exchanges: what the request asks for, and what the answer says.
pub(super) fn exchanges(records: &[Record]) -> Vec<Message> {
    let mut met: BTreeMap<String, Message> = BTreeMap::new();
    for record in records {
        let (way, _) = connection(record);
        let [transaction, unit] =
            ["transaction_id", "unit_id"].map(|field| record.text(field).unwrap_or_default());
        let function = function(record).map(|code| code.to_string()).unwrap_or_default();
        let place = exchange(&way, &transaction, &unit, &function);
        let message = full(record, place.clone());
        let known = met.entry(place).or_insert_with(|| message.clone());
        for (field, value) in message.fields {
            known.fields.entry(field).or_insert(value);
        }
        known.fault = known.fault.take().or(message.fault);
    }
    met.into_values().collect()
}

/// A message by its header, the way Zeek's events name it.
fn header(way: &str, is_request: bool, transaction: &str, unit: &str, function: &str) -> String {
    let side = if is_request { "request" } else { "response" };
    format!("{way} {side} transaction {transaction} unit {unit} function {function}")
}

/// Our messages by their headers.
pub(super) fn by_header(records: &[Record]) -> Vec<Message> {
    let mut turns = Turns::default();
    let mut messages = Vec::new();
    for record in records {
        let (way, is_request) = connection(record);
        let [transaction, unit] =
            ["transaction_id", "unit_id"].map(|field| record.text(field).unwrap_or_default());
        let function = function(record).map(|code| code.to_string()).unwrap_or_default();
        let place = header(&way, is_request, &transaction, &unit, &function);
        messages.push(full(record, turns.next(place)));
    }
    messages
}

/// Zeek's events, sorted by their text: each message once as `modbus_message`, and again with what it asks for.
pub(super) fn of_events(text: &str) -> Vec<Message> {
    let mut met: BTreeMap<String, Message> = BTreeMap::new();
    let (mut messages, mut details) = (Turns::default(), Turns::default());
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let Some(event) = Event::parse(line) else { continue };
        if event.name == "modbus_message" {
            let place = messages.next(event.place(event.rest == "T"));
            met.entry(place.clone()).or_insert_with(|| Message::at(place));
            continue;
        }
        let is_request = event.name.ends_with("_request");
        let place = details.next(event.place(is_request));
        let message = met.entry(place.clone()).or_insert_with(|| Message::at(place));
        let (address, quantity) = asked(event.name, event.rest);
        *message = std::mem::take(message).with("address", address).with("quantity", quantity);
    }
    met.into_values().collect()
}

/// One line of the events.
struct Event<'a> {
    name: &'a str,
    way: String,
    transaction: &'a str,
    unit: &'a str,
    function: &'a str,
    rest: &'a str,
}

impl<'a> Event<'a> {
    /// `1 NAME, [orig_h=…, orig_p=N/tcp, resp_h=…, resp_p=N/tcp, …], [tid=…, …, function_code=N, len=N], REST`
    fn parse(line: &'a str) -> Option<Event<'a>> {
        let (_, line) = line.split_once(' ')?;
        let (name, line) = line.split_once(", [")?;
        let (ends, line) = line.split_once("], [tid=")?;
        let (head, rest) = line.split_once("], ")?;
        let end = |address: &str, port: &str| {
            let value = |key| ends.split(", ").find_map(|pair| pair.strip_prefix(key));
            let port = value(port)?.strip_suffix("/tcp")?;
            Some(format!("{}:{port}", value(address)?))
        };
        let way = format!("{}>{}", end("orig_h=", "orig_p=")?, end("resp_h=", "resp_p=")?);
        let value = |key| head.split(", ").find_map(|pair| pair.strip_prefix(key));
        let transaction = head.split(", ").next()?;
        let (unit, function) = (value("uid=")?, value("function_code=")?);
        Some(Event { name, way, transaction, unit, function, rest })
    }

    fn place(&self, is_request: bool) -> String {
        header(&self.way, is_request, self.transaction, self.unit, self.function)
    }
}

/// Address and quantity of an event; the values of coils are counted where the request does not count them.
fn asked(name: &str, rest: &str) -> (Option<String>, Option<String>) {
    if name.starts_with("modbus_read_") && name.ends_with("_response") {
        return (None, None);
    }
    let (address, what) = rest.split_once(", ").unwrap_or((rest, ""));
    let quantity = match what.strip_prefix('[') {
        Some(list) => Some(list.split(',').count().to_string()),
        None => what.parse::<u64>().is_ok().then(|| what.to_owned()),
    };
    // A single coil or register is written without a quantity; what follows its address is the value.
    let quantity = quantity.filter(|_| !name.contains("_write_single_"));
    (Some(address.to_owned()), quantity)
}

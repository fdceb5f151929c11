//! DICOM: dcmtk's programs speak to each other on the loopback, and what passed is read by us and by tshark.

pub(super) mod pdml;
pub(super) mod peers;

use std::path::Path;
use std::process::Command;

use anyhow::ensure;

use super::Cordon;
use super::record::{Record, Turns};
use super::sheet::{Message, Sheet};
use crate::packages;
use crate::repo;

const CORPUS: &str = "dicom";
const PEER: &str = "tshark";

/// What must be there to compare.
const PROGRAMS: &[&str] = &[
    "dumpcap", "tshark", "storescp", "storescu", "echoscu", "findscu", "movescu", "getscu",
    "dcmqrscp", "wlmscpfs", "dump2dcm",
];

/// Types of PDU.
/// # Source
/// DICOM PS3.8 §9.3
const PDU_TYPES: &[(&str, u64)] = &[
    ("a-associate-rq", 1),
    ("a-associate-ac", 2),
    ("a-associate-rj", 3),
    ("p-data-tf", 4),
    ("a-release-rq", 5),
    ("a-release-rp", 6),
    ("a-abort", 7),
];

/// P-DATA-TF, which carries commands and data.
const DATA: &str = "4";

/// A-ASSOCIATE-RQ: in every other PDU the titles are only echoed.
const REQUEST: &str = "1";

/// Commands.
/// # Source
/// DICOM PS3.7 §E.1
const COMMANDS: &[(&str, u64)] = &[
    ("c-store-rq", 0x0001),
    ("c-store-rsp", 0x8001),
    ("c-get-rq", 0x0010),
    ("c-get-rsp", 0x8010),
    ("c-find-rq", 0x0020),
    ("c-find-rsp", 0x8020),
    ("c-move-rq", 0x0021),
    ("c-move-rsp", 0x8021),
    ("c-echo-rq", 0x0030),
    ("c-echo-rsp", 0x8030),
    ("n-event-report-rq", 0x0100),
    ("n-event-report-rsp", 0x8100),
    ("n-get-rq", 0x0110),
    ("n-get-rsp", 0x8110),
    ("n-set-rq", 0x0120),
    ("n-set-rsp", 0x8120),
    ("n-action-rq", 0x0130),
    ("n-action-rsp", 0x8130),
    ("n-create-rq", 0x0140),
    ("n-create-rsp", 0x8140),
    ("n-delete-rq", 0x0150),
    ("n-delete-rsp", 0x8150),
    ("c-cancel-rq", 0x0fff),
];

/// Has dcmtk's programs speak, and compares.
///
/// # Errors
/// When a program does not do its part, or `cordon` does not run to its end.
pub(super) fn compare(
    cordon: &Cordon<'_>,
    folder: &Path,
    scratch: &Path,
    sheet: &mut Sheet,
) -> anyhow::Result<()> {
    if let Some(program) = PROGRAMS.iter().find(|program| !packages::found(program)) {
        sheet.skip(CORPUS, PEER, format!("there is no `{program}`"));
        return Ok(());
    }
    let traffic = match peers::record(folder, scratch)? {
        Ok(traffic) => traffic,
        Err(why) => {
            sheet.skip(CORPUS, PEER, why);
            return Ok(());
        }
    };
    let mut tshark = Command::new("tshark");
    tshark.arg("-r").arg(&traffic.capture);
    for port in traffic.ports {
        tshark.arg("-d").arg(format!("tcp.port=={port},dicom"));
    }
    let theirs =
        pdml::messages(&repo::text(tshark.args(["-Y", "dicom", "-T", "pdml", "-J", "dicom"]))?);
    ensure!(!theirs.is_empty(), "tshark finds no DICOM in the capture");
    let ours = messages(&cordon.inspect(&traffic.capture, CORPUS)?);
    sheet.compare((CORPUS, PEER), "dcmtk on the loopback", &theirs, &ours);
    Ok(())
}

/// Our PDUs and commands by the frame in which they end; pieces of data are not compared.
fn messages(records: &[Record]) -> Vec<Message> {
    let mut turns = Turns::default();
    let mut messages = Vec::new();
    for record in records {
        let number = |field, names| record.text(field).map(|name| number_of(names, &name));
        let kind = number("pdu_type", PDU_TYPES);
        let command = number("command", COMMANDS);
        let is_data = kind.as_deref() == Some(DATA) && command.is_none();
        if is_data && record.fault().is_none() {
            continue;
        }
        let titles = |field| record.text(field).map(|title| title.trim().to_owned());
        let message = record
            .at(turns.next(format!("frame {}", record.frame())))
            .with("type", kind.or_else(|| command.as_ref().map(|_| DATA.to_owned())))
            .with("called", titles("called_ae"))
            .with("calling", titles("calling_ae"))
            .with("command", command)
            .with("status", record.text("status"))
            .with("sop-class", record.text("sop_class"));
        messages.push(message);
    }
    messages
}

/// The number of a name; what is a number already, or is not known, stays.
fn number_of(names: &[(&str, u64)], name: &str) -> String {
    let wanted = name.to_ascii_lowercase().replace('_', "-");
    let found = names.iter().find(|(known, _)| *known == wanted);
    found.map_or(wanted, |(_, number)| number.to_string())
}

//! Records as a table of comma-separated values.
//!
//! Source: RFC 4180.

use std::io::{self, Write};

use cordon_control::export::format::Item;
use cordon_control::export::format::outline::Outline;
use cordon_model::event::Party;

use crate::moment;

/// The columns.
const COLUMNS: [&str; 28] = [
    "id",
    "at",
    "written",
    "kind",
    "class",
    "severity",
    "title",
    "point",
    "device",
    "tier",
    "segment",
    "src",
    "src_port",
    "src_address",
    "dst",
    "dst_port",
    "dst_address",
    "transport",
    "protocol",
    "operation",
    "verdict",
    "reason",
    "rule",
    "user",
    "case",
    "bytes_out",
    "bytes_in",
    "hash",
];

pub(super) fn head(out: &mut dyn Write) -> io::Result<()> {
    write(out, COLUMNS.iter().map(|column| (*column).to_owned()))
}

fn write(out: &mut dyn Write, fields: impl Iterator<Item = String>) -> io::Result<()> {
    let mut row = csv::WriterBuilder::new().from_writer(out);
    row.write_record(fields)?;
    row.flush()
}

/// Writes a record as a row.
pub(super) fn row(out: &mut dyn Write, item: &Item<'_>) -> io::Result<()> {
    let of = Outline::of(item.event);
    let text = |value: Option<String>| value.unwrap_or_default();
    let [src, src_port, src_address] = end(&of.src);
    let [dst, dst_port, dst_address] = end(&of.dst);
    let fields: [String; COLUMNS.len()] = [
        item.id.to_string(),
        moment::write(item.event.at),
        moment::write(item.time),
        item.event.what.kind().name().to_owned(),
        of.signature,
        of.severity.name().to_owned(),
        of.title,
        text(item.event.point.as_ref().map(ToString::to_string)),
        text(of.device.as_ref().map(ToString::to_string)),
        text(of.tier.map(|tier| tier.name().to_owned())),
        text(of.segment.as_ref().map(ToString::to_string)),
        src,
        src_port,
        src_address,
        dst,
        dst_port,
        dst_address,
        text(of.transport.map(|transport| transport.name().to_owned())),
        text(of.protocol.map(|protocol| protocol.name().to_owned())),
        text(of.operation.map(|operation| operation.name().to_owned())),
        text(of.verdict.map(|verdict| verdict.name().to_owned())),
        text(of.reason),
        text(of.rule),
        text(of.user),
        text(of.case),
        text(of.bytes_out.map(|bytes| bytes.to_string())),
        text(of.bytes_in.map(|bytes| bytes.to_string())),
        item.hash.to_owned(),
    ];
    write(out, fields.into_iter())
}

/// Gives name, port and address of one end.
fn end(party: &Party) -> [String; 3] {
    let device = party.device.as_ref().map(ToString::to_string);
    let name = device.or_else(|| party.service.as_ref().map(ToString::to_string));
    let port = party.port.map(|port| port.to_string());
    let address = party.address.map(|address| address.to_string());
    [name, port, address].map(Option::unwrap_or_default)
}

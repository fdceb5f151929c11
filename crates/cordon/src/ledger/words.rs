//! One line for each record, for people.

use std::fmt::Write as _;

use cordon_control::export::format::outline::Outline;
use cordon_model::Operation;
use cordon_model::event::Party;

use super::Stored;
use crate::moment;

/// Writes a record as one line: when, which, what, who and whom.
pub(crate) fn line(text: &mut String, stored: &Stored) {
    let event = &stored.record.event;
    let of = Outline::of(event);
    let kind = event.what.kind();
    let (at, id) = (moment::write(event.at), stored.id.to_string());
    let _ = write!(text, "{at}  {id:<24} {kind:<14} {}", of.title);
    if let Some(point) = &event.point {
        let _ = write!(text, ", at {point}");
    }
    let ends = (name(&of.src), name(&of.dst));
    match (&of.device, ends) {
        (_, (Some(src), Some(dst))) => {
            let _ = write!(text, ": {src} → {dst}");
        }
        (Some(device), _) if !of.title.contains(device.as_str()) => {
            let _ = write!(text, ": {device}");
        }
        (Some(_) | None, _) => {}
    }
    if let Some(operation) =
        of.operation.map(Operation::name).filter(|name| !of.title.contains(name))
    {
        let _ = write!(text, " {operation}");
    }
    for (word, value) in [("because", &of.reason), ("by", &of.rule), ("by", &of.user)] {
        if let Some(value) = value {
            let _ = write!(text, ", {word} {value}");
        }
    }
    text.push('\n');
}

/// Gives the best name of one end, with its port.
fn name(party: &Party) -> Option<String> {
    let device = party.device.as_ref().map(ToString::to_string);
    let service = || party.service.as_ref().map(ToString::to_string);
    let mac = || party.mac.map(|mac| mac.to_string());
    let address = || match (party.address, party.port) {
        (Some(address), Some(port)) => Some(std::net::SocketAddr::new(address, port).to_string()),
        (Some(address), None) => Some(address.to_string()),
        (None, _) => None,
    };
    device.or_else(service).or_else(address).or_else(mac)
}

//! Scenarios of the building: a controller is written to from where it must not be.

use cordon_model::{Operation, Protocol};
use serde_json::Value;

use super::attack::{heard, not_in_kernels, say, speaker};
use super::{Bound, Play, number};
use crate::lab::actor::mono_us;
use crate::outcome::Failure;

/// The functions that write a register, and that restart by way of diagnostics.
/// # Source
/// Modbus APv1.1b3 §6.6; §6.8.
const WRITES: u64 = 6;
const DIAGNOSES: u64 = 8;

/// A device reads and writes as it may; then it writes what it must not, and restarts.
pub(super) fn write(play: &mut Play<'_>) -> Result<(), Failure> {
    let (seat, talk) = speaker(play, Protocol::Modbus)?;
    let has_lifeline = seat.talks.iter().any(|talk| talk.is_lifeline);
    let probe = has_lifeline.then(|| play.probe(seat, 4)).transpose()?;
    let since = mono_us();
    let may_write = talk.writable.filter(|_| talk.operations.contains(&Operation::ModbusWrite));
    if !say(play, seat, talk, "modbus-read")? {
        play.played.findings.push(format!("{} cannot read from {}", seat.id, talk.service));
    }
    if may_write.is_some() && !say(play, seat, talk, "modbus-write-listed")? {
        play.played.findings.push(format!("{} cannot write what it may", seat.id));
    }
    for what in ["modbus-write", "modbus-restart"] {
        if say(play, seat, talk, what)? {
            play.played.findings.push(format!("{} answered {what} of {}", talk.service, seat.id));
        }
    }
    let heard = heard(play, seat, talk, since);
    let is_listed = |line: &Value| {
        let address = line.get("address").and_then(Value::as_u64);
        may_write.is_some_and(|(from, _)| address == Some(u64::from(from)))
    };
    let wrong = heard.iter().filter(|line| match number(line, "message") {
        WRITES => !is_listed(line),
        DIAGNOSES => true,
        _ => false,
    });
    let count = wrong.count();
    if count > 0 {
        let finding = format!("{} received {count} forbidden requests", talk.service);
        play.played.findings.push(finding);
    }
    if heard.is_empty() {
        play.played.findings.push(format!("{} heard nothing at all", talk.service));
    }
    play.played.notes.push(format!("{} requests reached {}", heard.len(), talk.service));
    not_in_kernels(play);
    if let Some(probe) = probe {
        play.probed(seat, probe, Bound::Lifelines);
    }
    Ok(())
}

//! One module for every verb.

pub(crate) mod bundle;
pub(crate) mod check;
pub(crate) mod classify;
pub(crate) mod compile;
pub(crate) mod diff;
pub(crate) mod explain;
pub(crate) mod export;
pub(crate) mod help;
pub(crate) mod import;
pub(crate) mod init;
pub(crate) mod inspect;
pub(crate) mod journal;
pub(crate) mod lab;
pub(crate) mod matrix;
pub(crate) mod prove;
pub(crate) mod replay;
pub(crate) mod rerun;
pub(crate) mod why;

use cordon_model::{Attestation, Device, DeviceState, Identity, Mono, Now, Posture, Wall};
use cordon_policy::explain::in_service;

use crate::cli::PostureArgs;
use crate::outcome::Failure;

/// Reads what the command line assumes of a device.
pub(crate) fn posture(args: &PostureArgs, device: &Device) -> Result<Posture, Failure> {
    let usual = in_service(device);
    let state = DeviceState::from_name(&args.state).ok_or_else(|| {
        let names: Vec<&str> = DeviceState::ALL.iter().map(|state| state.name()).collect();
        let message = format!("`{}` is not a state", args.state);
        Failure::usage(message, format!("use one of {}", names.join(", ").to_lowercase()))
    })?;
    let identity = match &args.identity {
        None => usual.identity,
        Some(text) => Identity::from_name(text).ok_or_else(|| {
            let help = "use certificate, gateway-bound, unproven or conflict";
            Failure::usage(format!("`{text}` is not an identity"), help)
        })?,
    };
    let attestation = match &args.attestation {
        None => usual.attestation,
        Some(text) => Attestation::from_name(text).ok_or_else(|| {
            let help = "use passed, stale, failed or unable";
            Failure::usage(format!("`{text}` is not an attestation"), help)
        })?,
    };
    Ok(Posture { state, identity, attestation, emergency: args.emergency })
}

/// Makes the moment of a decision out of an hour of the day.
pub(crate) fn at(hour: u8) -> Now {
    Now { mono: Mono(0), wall: Wall(u64::from(hour) * 3_600) }
}

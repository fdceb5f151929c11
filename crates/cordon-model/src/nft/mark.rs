//! The packet mark by which the state table tells the policy table the posture of a device.

use crate::bundle::Role;
use crate::{Attestation, DeviceState, Identity, Posture};

/// Tells cordon's marks from those that routing rules use.
const SIGN: u32 = 0x4000_0000;

/// The bits of the state.
pub(super) const STATE_BITS: u32 = 0xf;

/// The bit of clinical emergency mode.
pub(super) const EMERGENCY_BIT: u32 = 0x100;

/// Gives the packet mark that stands for a posture.
/// # Shape
/// Bits 0–3 the state, 4–5 the identity, 6–7 the attestation, 8 emergency mode; bit 30 is set.
/// Elements of the maps `posture4` and `posture6` leave bit 8 to the emergency sets.
#[must_use]
pub fn mark_of(posture: Posture) -> u32 {
    let emergency = if posture.emergency { EMERGENCY_BIT } else { 0 };
    SIGN | emergency
        | (posture.attestation as u32) << 6
        | (posture.identity as u32) << 4
        | state_mark(posture.state)
}

/// Gives the part of a mark that tells the state.
pub(super) fn state_mark(state: DeviceState) -> u32 {
    state as u32
}

/// Gives the posture that the kernel assumes of a device of which it was told nothing.
///
/// After a restart of the machine nobody has told it anything, and care goes on: normal service, as
/// the role lets a device prove itself, with no attestation.
#[must_use]
pub fn default_posture(role: Role) -> Posture {
    let identity = match role {
        Role::Access => Identity::GatewayBound,
        Role::Segment | Role::Service => Identity::Certificate,
    };
    Posture {
        state: DeviceState::Normal,
        identity,
        attestation: Attestation::Unable,
        emergency: false,
    }
}

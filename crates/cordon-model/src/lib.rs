//! The nouns of cordon: what a hospital has, what a device may ask, and what the answer looks like.
//!
//! | word | meaning |
//! |---|---|
//! | device | a networked thing of the hospital, one row of `devices.csv` |
//! | tier | its risk class: RED, ORANGE, YELLOW, GREEN, GREEN-LS |
//! | segment | the network a device lives in: one tier, one building, one kind of attachment |
//! | service | a named endpoint: addresses, port, protocol, zone |
//! | act | a device, a target, a direction and an operation: the question |
//! | decision | permit or deny, always with the rules that decided: the answer |
//! | lifeline | a flow without which alarm delivery or life support stops |
//! | profile | what a device type may do |
//! | posture | what is known of a device at the moment of a decision |
//! | enforcement point | where decisions are enforced: gateway, segment firewall, service guard |
//! | bundle | the compiled policy of one enforcement point |
//! | evidence | how much a finding proves, E0 to E4 |
//! | event | something that happened: all that the journal may hold |
//!
//! Invariant: nothing here opens a file or a socket, or reads a clock.
#![deny(clippy::indexing_slicing, clippy::string_slice)]

#[cfg(test)]
extern crate self as cordon_model;

pub mod act;
pub mod bundle;
pub mod decision;
pub mod diagnostic;
pub mod digest;
pub mod event;
pub mod evidence;
pub mod fleet;
pub mod hospital;
pub mod id;
pub mod mud;
pub mod net;
pub mod nft;
pub mod note;
pub mod posture;
pub mod protocol;
pub mod seal;
pub mod tier;
pub mod time;

pub use act::{Act, Direction, Endpoint, Target};
pub use bundle::Bundle;
pub use decision::{Decision, Reason, Rules};
pub use diagnostic::{Diagnostic, Place, Report, Severity, SourceText};
pub use digest::Sha256Digest;
pub use event::{Event, EventId, What};
pub use evidence::Evidence;
pub use fleet::{
    Attachment, Device, Envelope, Flow, Gateway, Hospital, Profile, Segment, Service, Unit, Zone,
    ZoneKind,
};
pub use id::{
    BadgeId, BuildingId, DeviceId, HospitalId, Label, PointId, ProfileId, RuleId, SegmentId,
    ServiceId, UnitId, WriterId, ZoneId,
};
pub use net::{Eui64, Mac, Transport, Vlan};
pub use posture::{Attestation, DeviceState, Identity, Posture, PostureSet};
pub use protocol::{Operation, OperationClass, OperationSet, Protocol};
pub use tier::{FailAction, Failure, Tier};
pub use time::{Mono, Now, Wall, WallMs};

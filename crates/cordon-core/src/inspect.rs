//! Judges the messages of a flow: what passes, what passes and is remarked, what is stopped.
//!
//! A message is read by cordon-wire, and judged here against what the bundle permits the device,
//! the device's tier and the way the message goes. Every verdict has its reasons; what each reason
//! does to each tier is one table ([`reason`]), and nothing is decided anywhere else.
//!
//! Invariant: an alarm that can be read passes. Telemetry out of a life-critical device passes. A
//! command towards a device that is not listed does not. No patient data leaves an inspector:
//! presence and salted hashes only. Nothing is allocated for a message, nothing is ever changed in
//! one.

pub mod bacnet;
mod beginning;
pub mod conversation;
pub mod dicom;
pub mod excuses;
pub mod hl7;
pub mod http;
pub mod judgement;
pub mod memory;
pub mod modbus;
pub mod rate;
pub mod reason;
pub mod recent;
pub mod refuse;
pub mod subject;

pub use excuses::Excuses;
pub use judgement::{Judge, Judgement, Reasons, Refusal, Verdict};
pub use memory::Memory;
pub use rate::Rate;
pub use reason::{Column, Effect, Reason};
pub use recent::Recent;
pub use refuse::refuse;
pub use subject::{DeviceIdentity, Kind, PeerIdentity, Salt, Subject, Way};

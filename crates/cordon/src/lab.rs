//! The lab: a hospital of network namespaces on one machine, and what is played in it.
//!
//! Invariant: whatever `up` makes lies in namespaces that begin with `cordon-lab-ID-`, and below
//! [`RUN`]; so `down` finds all of it without being told.
//! Invariant: traffic never leaves these namespaces, and whoever makes it ends by itself.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use cordon_model::bundle::Role;
use cordon_model::fleet::Envelope;
use cordon_model::{Direction, Eui64, Mac, Operation, Protocol, Tier, Transport};
use serde::{Deserialize, Serialize};

use crate::outcome::Failure;

pub(crate) mod actor;
pub(crate) mod build;
pub(crate) mod down;
pub(crate) mod machine;
pub(crate) mod plan;
pub(crate) mod point;
pub(crate) mod scenario;
pub(crate) mod sealing;
pub(crate) mod stage;
pub(crate) mod witness;

/// Where labs are written down.
pub(crate) const RUN: &str = "/run/cordon-lab";
/// The address that attackers send to.
/// # Source
/// RFC 5737 §3, TEST-NET-2.
pub(crate) const FOREIGN: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 45);
/// The port that attackers send to.
pub(crate) const FOREIGN_PORT: u16 = 8080;
/// The place of everything that is not the hospital's.
pub(crate) const INTERNET: &str = "internet";
/// The place of the router between segments and services.
pub(crate) const CORE: &str = "core";

/// Everything of one lab.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Standing {
    /// The lab's name.
    pub(crate) id: String,
    /// Whose hospital it is.
    pub(crate) hospital: String,
    /// Whether no gateway program runs.
    pub(crate) kernel_only: bool,
    /// The gateway program.
    pub(crate) gateway: Option<PathBuf>,
    /// Seconds after which all that runs ends by itself.
    pub(crate) for_s: u32,
    /// Who builds it, or built it.
    pub(crate) builder: Process,
    /// Whether it was built to its end.
    pub(crate) is_complete: bool,
    /// Every place, that is, every namespace without its prefix.
    pub(crate) places: Vec<String>,
    /// The enforcement points.
    pub(crate) points: Vec<Post>,
    /// The hosts of services.
    pub(crate) hosts: Vec<Host>,
    /// The devices.
    pub(crate) devices: Vec<Seat>,
    /// What runs.
    pub(crate) processes: Vec<Process>,
    /// What is missing, and what was done instead.
    pub(crate) notes: Vec<String>,
}

/// A process of ours: its number alone may be another's by now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Process {
    /// What it is.
    pub(crate) name: String,
    /// Its number.
    pub(crate) pid: u32,
    /// When it started, in ticks since the machine did.
    pub(crate) start: u64,
}

/// An enforcement point in its place, which has its name.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Post {
    /// Its place.
    pub(crate) place: String,
    /// What it stands for.
    pub(crate) role: Role,
    /// The sealed bundle.
    pub(crate) bundle: PathBuf,
}

/// A machine with one or more services.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Host {
    /// Its place.
    pub(crate) place: String,
    /// Its addresses.
    pub(crate) addresses: Vec<IpAddr>,
    /// The guard before it.
    pub(crate) guard: Option<String>,
    /// What it offers.
    pub(crate) offers: Vec<Offer>,
}

/// A service at its host.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Offer {
    /// The service.
    pub(crate) service: String,
    /// Where it listens.
    pub(crate) port: u16,
    /// Over what.
    pub(crate) transport: Transport,
    /// What it speaks.
    pub(crate) protocol: Protocol,
    /// Its DICOM application entity title.
    pub(crate) ae_title: Option<String>,
    /// Whether it is reached within TLS.
    pub(crate) sealed: bool,
}

/// A device in its place.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Seat {
    /// Its name.
    pub(crate) id: String,
    /// Its type.
    pub(crate) profile: String,
    /// Its tier.
    pub(crate) tier: Tier,
    /// Its place.
    pub(crate) place: String,
    /// Its segment.
    pub(crate) segment: String,
    /// The enforcement point it is attached to.
    pub(crate) point: String,
    /// Its access port, behind a gateway.
    pub(crate) port: Option<u16>,
    /// Its MAC address.
    pub(crate) mac: Mac,
    /// Its address.
    pub(crate) ip: Ipv4Addr,
    /// The length of its network's prefix.
    pub(crate) prefix: u8,
    /// The address of the enforcement point on its side.
    pub(crate) router: Ipv4Addr,
    /// How it names itself.
    pub(crate) eui64: Option<Eui64>,
    /// Its HL7 MSH-3.
    pub(crate) hl7_application: Option<String>,
    /// Its HL7 MSH-4.
    pub(crate) hl7_facility: Option<String>,
    /// Its DICOM application entity title.
    pub(crate) ae_title: Option<String>,
    /// What it may say in normal service.
    pub(crate) talks: Vec<Talk>,
}

/// A flow of a device with one address of its service.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Talk {
    /// The service.
    pub(crate) service: String,
    /// The service's address.
    pub(crate) peer: IpAddr,
    /// The port that is listened on.
    pub(crate) port: u16,
    /// Over what.
    pub(crate) transport: Transport,
    /// What is spoken.
    pub(crate) protocol: Protocol,
    /// Who opens.
    pub(crate) direction: Direction,
    /// What may be said.
    pub(crate) operations: Vec<Operation>,
    /// Whether it is a lifeline.
    pub(crate) is_lifeline: bool,
    /// Whether the device itself speaks TLS here.
    pub(crate) sealed: bool,
    /// What it may carry.
    pub(crate) envelope: Envelope,
    /// A holding register that may be written, and with what.
    pub(crate) writable: Option<(u16, u16)>,
    /// The service's DICOM application entity title.
    pub(crate) ae_title: Option<String>,
    /// The service's HL7 application.
    pub(crate) hl7_application: Option<String>,
    /// The service's HL7 facility.
    pub(crate) hl7_facility: Option<String>,
}

impl Standing {
    /// Gives the beginning of the names of all namespaces of a lab.
    pub(crate) fn prefix_of(id: &str) -> String {
        format!("cordon-lab-{id}-")
    }

    /// Gives the namespace of a place.
    pub(crate) fn namespace(&self, place: &str) -> String {
        format!("{}{place}", Self::prefix_of(&self.id))
    }

    /// Gives the file that says what stands.
    pub(crate) fn path_of(id: &str) -> PathBuf {
        Path::new(RUN).join(format!("{id}.json"))
    }

    /// Gives the folder of bundles, journals and records.
    pub(crate) fn work_of(id: &str) -> PathBuf {
        Path::new(RUN).join(id)
    }

    /// Gives the file that says what stands here.
    pub(crate) fn path(&self) -> PathBuf {
        Self::path_of(&self.id)
    }

    /// Gives the folder of this lab.
    pub(crate) fn work(&self) -> PathBuf {
        Self::work_of(&self.id)
    }

    /// Writes down what stands, all of it or nothing.
    pub(crate) fn write(&self) -> Result<(), Failure> {
        let (path, new) = (self.path(), self.path().with_extension("new"));
        let text = serde_json::to_string(self).map_err(|error| Failure::Bug(error.to_string()))?;
        fs::write(&new, text).map_err(|error| Failure::path(&new, &error))?;
        fs::rename(&new, &path).map_err(|error| Failure::path(&path, &error))
    }

    /// Reads what stands.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let text = fs::read_to_string(path).map_err(|error| Failure::path(path, &error))?;
        serde_json::from_str(&text).map_err(|error| {
            let message = format!("{}: {error}", path.display());
            Failure::input(message, "remove the lab with `cordon lab down`")
        })
    }

    /// Finds a device.
    pub(crate) fn seat(&self, id: &str) -> Result<&Seat, Failure> {
        self.devices.iter().find(|seat| seat.id == id).ok_or_else(|| {
            let message = format!("there is no device `{id}` in the lab");
            Failure::usage(message, "`cordon lab status --json` lists those that there are")
        })
    }
}

/// Checks the name of a lab.
pub(crate) fn named(id: &str) -> Result<&str, Failure> {
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if (1..=40).contains(&id.len()) && id.chars().all(legal) {
        return Ok(id);
    }
    let message = format!("`{id}` cannot be a lab's name");
    Err(Failure::usage(message, "use up to 40 small letters, digits and `_`"))
}

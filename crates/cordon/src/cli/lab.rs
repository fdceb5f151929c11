//! The command line of the lab.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// Everything happens in network namespaces of this machine, whose names begin with `cordon-lab-`;
/// nothing leaves it. Needs root.
#[derive(Debug, Subcommand)]
pub(crate) enum Lab {
    /// Build the hospital: devices, enforcement points, services, and the ways between them.
    Up(LabUp),
    /// Play a scenario; exits with 1 when something arrived that must not, or a lifeline lost
    /// something.
    Run(LabRun),
    /// Remove a lab and all that runs in it, also one whose `up` was killed.
    Down(LabDown),
    /// Say which labs stand, what runs in them, and what was blocked.
    Status(LabDown),
    /// Play one part inside a namespace of a lab.
    #[command(subcommand, hide = true)]
    Actor(Actor),
}

#[derive(Debug, Args)]
pub(crate) struct LabUp {
    /// The hospital directory.
    pub(crate) dir: PathBuf,
    /// The name of the lab: letters, digits and `_`; the hospital's when absent.
    #[arg(long)]
    pub(crate) id: Option<String>,
    /// At most so many devices; those behind gateways and one of each type come first.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=512))]
    pub(crate) devices: u16,
    /// A device that is built whatever the limit; may be given more than once.
    #[arg(long, value_name = "DEVICE")]
    pub(crate) with: Vec<String>,
    /// At most so many gateways.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=32))]
    pub(crate) gateways: u16,
    /// Load the kernel's rules only; no gateway runs and nobody looks into messages.
    #[arg(long)]
    pub(crate) kernel_only: bool,
    /// The gateway program; `cordon-gateway` beside this one when absent.
    #[arg(long, value_name = "PATH", conflicts_with = "kernel_only")]
    pub(crate) gateway_binary: Option<PathBuf>,
    /// A service that is reached within TLS, besides those that speak HTTP; may be given more than
    /// once.
    #[arg(long, value_name = "SERVICE", conflicts_with = "kernel_only")]
    pub(crate) seal: Vec<String>,
    /// Devices and services end by themselves after so many minutes; gateways and dcmtk do when the
    /// lab is removed.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=1_440))]
    pub(crate) minutes: u32,
}

#[derive(Debug, Args)]
pub(crate) struct LabRun {
    /// What to play.
    #[arg(value_enum)]
    pub(crate) scenario: Scenario,
    /// The lab, if more than one stands.
    #[arg(long)]
    pub(crate) id: Option<String>,
    /// The device that plays the main part; one that fits when absent.
    #[arg(long)]
    pub(crate) device: Option<String>,
    /// How long it is played, where that is not given by what is sent.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=600))]
    pub(crate) seconds: u32,
    /// How much an exfiltration attempts, at most.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=2_000))]
    pub(crate) megabytes: u32,
    /// How fast it attempts it.
    #[arg(long, default_value_t = 400, value_parser = clap::value_parser!(u32).range(1..=2_000))]
    pub(crate) megabits_per_second: u32,
}

/// What can be played.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// Every device says to its services what its type says, and is answered.
    Normal,
    /// A pump sends to 198.51.100.45:8080.
    PumpExfiltration,
    /// A pump sends far more than it may to a service that it may talk to.
    EhrExfiltration,
    /// A laptop in the place of a device, on the device's port, with other addresses.
    HvacLaptop,
    /// A device tries the ports of all others, beside its gateway and through it.
    LateralScan,
    /// A device claims the addresses of others, then takes those of one altogether.
    ArpSpoof,
    /// A second device with the MAC and the IP address of one that goes on working.
    Clone,
    /// Policy is loaded again and again while lifelines go on.
    PolicyPush,
    /// The gateway daemon is killed and started again while lifelines go on.
    GatewayKill,
    /// No decision point is heard for 61 minutes; the points' clocks are moved on.
    StalePolicy,
    /// A device sends an order where it may send readings only.
    Hl7Command,
    /// A building controller is written to where it must not be, and restarted.
    ModbusWrite,
    /// An imaging device asks the archive to send images to somebody else.
    DicomMove,
}

impl Scenario {
    /// Gives the name that the command line uses.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

#[derive(Debug, Args)]
pub(crate) struct LabDown {
    /// The lab, if more than one stands.
    #[arg(long)]
    pub(crate) id: Option<String>,
}

/// A part that somebody plays in a lab; what it sees it writes as lines of JSON.
#[derive(Debug, Subcommand)]
pub(crate) enum Actor {
    /// Answer as services do.
    Listen {
        /// Seconds until it ends.
        #[arg(long)]
        for_s: u32,
        /// Certificate and key, for what is sealed.
        #[arg(long)]
        keys: Option<PathBuf>,
        /// The certificates of those who certify.
        #[arg(long)]
        authorities: Option<PathBuf>,
        /// What is spoken where: `hl7:tcp:6661`, `http:tcp:443:sealed`.
        #[arg(required = true)]
        offers: Vec<String>,
    },
    /// Say what a device says.
    Device {
        /// What stands, as `lab up` wrote it.
        #[arg(long)]
        standing: PathBuf,
        /// The device.
        #[arg(long)]
        device: String,
        /// Seconds until it ends.
        #[arg(long)]
        for_s: u32,
    },
    /// Say what a service says to devices of its own accord.
    Caller {
        /// What stands, as `lab up` wrote it.
        #[arg(long)]
        standing: PathBuf,
        /// The service's place.
        #[arg(long)]
        place: String,
        /// Seconds until it ends.
        #[arg(long)]
        for_s: u32,
    },
    /// Send many bytes at a steady rate.
    Flood {
        #[arg(long)]
        to: SocketAddr,
        #[arg(long)]
        bytes: u64,
        #[arg(long)]
        megabits_per_second: u32,
        #[arg(long)]
        for_s: u32,
    },
    /// Send many bytes in requests to a service that the device talks to.
    Pour {
        #[arg(long)]
        standing: PathBuf,
        #[arg(long)]
        device: String,
        #[arg(long)]
        to: SocketAddr,
        #[arg(long)]
        bytes: u64,
        /// How large each request is.
        #[arg(long)]
        of_request: u64,
        #[arg(long)]
        for_s: u32,
    },
    /// Try to talk to each of many.
    Reach {
        /// How long an answer may take.
        #[arg(long, default_value_t = 300)]
        timeout_ms: u32,
        /// `tcp:ADDRESS:PORT` or `udp:ADDRESS:PORT`.
        #[arg(required = true)]
        targets: Vec<String>,
    },
    /// Send numbered messages on lifelines and count what is lost.
    Probe {
        /// What stands, as `lab up` wrote it.
        #[arg(long)]
        standing: PathBuf,
        /// The device.
        #[arg(long)]
        device: String,
        /// Seconds until it ends.
        #[arg(long)]
        for_s: u32,
    },
    /// Claim addresses by ARP.
    Claim {
        #[arg(long, default_value = "eth0")]
        interface: String,
        /// How often each is claimed.
        #[arg(long, default_value_t = 10)]
        count: u32,
        #[arg(required = true)]
        addresses: Vec<Ipv4Addr>,
    },
    /// Send one HL7 message, Modbus request or the like, and tell the answer.
    Say {
        #[arg(long)]
        standing: PathBuf,
        #[arg(long)]
        device: String,
        /// `hl7-order`, `modbus-read`, `modbus-write-listed`, `modbus-write` or `modbus-restart`.
        #[arg(long)]
        what: String,
        #[arg(long)]
        to: IpAddr,
        #[arg(long)]
        port: u16,
    },
}

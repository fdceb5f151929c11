//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

mod journal;
mod lab;

pub(crate) use journal::{
    Append, Cosign, Expire, ExportMetrics, ExportOnce, ExportRun, Follow, Format, Hold, Journal,
    Keygen, ProveRecord, Recording, Replicate, Rerun, Selection, Show, Verify, Why,
};
pub(crate) use lab::{Actor, Lab, LabRun, LabUp, Scenario};

/// Zero trust for a hospital's medical devices.
///
/// cordon decides for every networked device of a hospital who may talk to whom, and proves it.
/// A hospital is a directory of text files; see `cordon init`.
///
/// Exit codes: 0 done, 1 something was found, 64 wrong command line, 65 wrong data, 70 a bug,
/// 78 the machine lacks something.
#[derive(Debug, Parser)]
#[command(name = "cordon", version, max_term_width = 100, subcommand_required = true)]
pub(crate) struct Cli {
    /// Answer in JSON; the shapes are in docs/reference/json.md.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Colours: on a terminal only, always, or never.
    #[arg(long, global = true, value_enum, default_value_t = Colour::Auto)]
    pub(crate) color: Colour,
    /// Show no progress.
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Colour {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write a commented starter hospital.
    Init(Init),
    /// Check a hospital and print its sums.
    Check(Dir),
    /// Derive each device's tier, with evidence, and compare it with the declared one.
    Classify(Classify),
    /// Say why a device may or may not do something.
    Explain(Box<Explain>),
    /// Show which verdicts an edit gains and loses.
    Diff(Diff),
    /// Print what every device type may do, in every state.
    Matrix(Matrix),
    /// Prove the safety rules over all requests there can be.
    Prove(Prove),
    /// Compile one signed bundle for every enforcement point.
    Compile(Compile),
    /// Show or verify a bundle.
    #[command(subcommand)]
    Bundle(Bundle),
    /// Write a policy in another system's language, or bring journals to a SIEM.
    #[command(subcommand)]
    Export(Export),
    /// Run recorded traffic past the policy: what would it permit, deny, break?
    Replay(Replay),
    /// Read captured conversations and judge every message as a gateway would.
    Inspect(Inspect),
    /// Say why something that is recorded happened, by the policy of that moment.
    Why(Why),
    /// Decide again, under another policy, what is recorded: what would change?
    Rerun(Rerun),
    /// Verify, read, prove and keep the journal of all that happened.
    #[command(subcommand)]
    Journal(Box<Journal>),
    /// Map an inventory export to devices.csv.
    #[command(subcommand)]
    Import(Import),
    /// Build the hospital in network namespaces of this machine, and attack it there.
    #[command(subcommand)]
    Lab(Box<Lab>),
    /// Print the Cedar schema that policies are written against.
    Schema,
    /// Print completions for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Write the manual pages.
    Man {
        /// The directory to write them to.
        out: PathBuf,
    },
    /// Print the reference of all commands in Markdown.
    #[command(hide = true)]
    HelpMarkdown,
}

#[derive(Debug, Args)]
pub(crate) struct Dir {
    /// The hospital directory.
    pub(crate) dir: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// The directory to make; it must not exist, or be empty.
    pub(crate) dir: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Classify {
    /// The hospital directory.
    pub(crate) dir: PathBuf,
    /// Only this device, with its evidence line by line.
    #[arg(long)]
    pub(crate) device: Option<String>,
    /// The day to judge overrides by, as YYYY-MM-DD; today when absent.
    #[arg(long)]
    pub(crate) today: Option<String>,
}

/// What is assumed of the device.
#[derive(Debug, Args)]
pub(crate) struct PostureArgs {
    /// The device's state: discovered, enrolled, normal, suspect, contained, isolated,
    /// remediation, probation or retired.
    #[arg(long, default_value = "normal")]
    pub(crate) state: String,
    /// How it proved its identity: certificate, gateway-bound, unproven or conflict; what its
    /// attachment gives when absent.
    #[arg(long)]
    pub(crate) identity: Option<String>,
    /// What attestation says: passed, stale, failed or unable; what its attachment gives when
    /// absent.
    #[arg(long)]
    pub(crate) attestation: Option<String>,
    /// Clinical emergency mode is on.
    #[arg(long)]
    pub(crate) emergency: bool,
    /// The hour of the day, UTC, 0 to 23.
    #[arg(long, value_parser = clap::value_parser!(u8).range(0..24), default_value_t = 12)]
    pub(crate) hour: u8,
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The hospital directory.
    pub(crate) dir: PathBuf,
    /// The device.
    #[arg(long)]
    pub(crate) device: String,
    /// The other side: a service, a device, or an IP address.
    #[arg(long)]
    pub(crate) to: String,
    /// The port, with an IP address.
    #[arg(long)]
    pub(crate) port: Option<u16>,
    /// The transport protocol, with an IP address.
    #[arg(long, value_parser = ["tcp", "udp"], default_value = "tcp")]
    pub(crate) proto: String,
    /// The operation, for example `hl7.oru-r01`; all that the profile declares when absent.
    #[arg(long)]
    pub(crate) op: Option<String>,
    /// Who opens the conversation, seen from the device; `out` unless only `in` is declared.
    #[arg(long, value_parser = ["out", "in"])]
    pub(crate) direction: Option<String>,
    #[command(flatten)]
    pub(crate) posture: PostureArgs,
}

#[derive(Debug, Args)]
pub(crate) struct Diff {
    /// The hospital before the edit.
    pub(crate) dir_a: PathBuf,
    /// The hospital after it.
    pub(crate) dir_b: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Matrix {
    /// The hospital directory.
    pub(crate) dir: PathBuf,
    /// Also show that Cedar, the bundles and the kernel sets agree in every cell.
    #[arg(long)]
    pub(crate) verify: bool,
    /// With --verify: ask Cedar about every Nth cell only; 1 asks about all.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) every: u32,
}

#[derive(Debug, Args)]
pub(crate) struct Prove {
    /// The hospital directory.
    pub(crate) dir: PathBuf,
    /// Also show that this hospital's policies permit nothing that those of DIR_OLD did not.
    #[arg(long, value_name = "DIR_OLD")]
    pub(crate) against: Option<PathBuf>,
    /// With --against: a Cedar file of permits that the edit is meant to add.
    #[arg(long, value_name = "FILE", requires = "against")]
    pub(crate) except: Option<PathBuf>,
    /// The solver; `cvc5` on the path when absent.
    #[arg(long, env = "CVC5", value_name = "PATH")]
    pub(crate) solver: Option<PathBuf>,
    /// Seconds that one question may take.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub(crate) limit_s: u32,
}

#[derive(Debug, Args)]
pub(crate) struct Compile {
    /// The hospital directory.
    pub(crate) dir: PathBuf,
    /// The directory for the bundles.
    #[arg(long)]
    pub(crate) out: PathBuf,
    /// The private key that signs; made beside the bundles when absent.
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    /// Compile without proving the safety rules first. Never publish such bundles.
    #[arg(long)]
    pub(crate) without_proof: bool,
    /// The solver; `cvc5` on the path when absent.
    #[arg(long, env = "CVC5", value_name = "PATH")]
    pub(crate) solver: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) recording: Recording,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Bundle {
    /// Show what is in a bundle.
    Show {
        /// The bundle.
        file: PathBuf,
    },
    /// Verify the seal of bundles.
    Verify {
        /// The bundles.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// The public key; `signing.pub` beside the bundle when absent.
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Export {
    /// The nftables ruleset of one enforcement point.
    Nft {
        /// The hospital directory.
        dir: PathBuf,
        /// The enforcement point.
        #[arg(long)]
        pep: String,
        /// The hour of the day, UTC, for policies that name hours.
        #[arg(long, value_parser = clap::value_parser!(u8).range(0..24), default_value_t = 12)]
        hour: u8,
    },
    /// Bring journals to Splunk, syslog receivers and files, as the settings say; runs until ended.
    Run(ExportRun),
    /// Check the settings of exporters, their certificates and tokens.
    Check {
        /// The settings.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Print what journals and exporters come to, as metrics for Prometheus.
    Metrics(ExportMetrics),
    /// Say how far exporters are, and what stands in their way.
    Status {
        /// The folder of their state.
        #[arg(long, value_name = "DIR")]
        state: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// The hospital directory.
    pub(crate) dir: PathBuf,
    /// Zeek conn.log (TSV or JSON), or a capture (pcap, pcapng); `-` for standard input.
    #[arg(long, required = true, num_args = 1..)]
    pub(crate) flows: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) posture: PostureArgs,
    /// Print every flow, not only those that would be denied.
    #[arg(long)]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) recording: Recording,
}

/// Without a hospital, whoever opens a conversation is taken for a device that may ask and tell
/// anything but what changes how a device works. Exits with 1 when a message is blocked or remarked.
#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// A capture (pcap, pcapng); `-` for standard input.
    #[arg(required_unless_present = "reasons")]
    pub(crate) file: Option<PathBuf>,
    /// What every conversation is taken for, if its transport can carry it; what begins as something else is then `wrong-protocol`.
    #[arg(long, default_value = "auto", value_parser = ["auto", "hl7", "dicom", "modbus", "bacnet", "http"])]
    pub(crate) protocol: String,
    /// The tier that devices are judged by, without a hospital.
    #[arg(long, default_value = "green", value_parser = ["red", "orange", "yellow", "green", "green-ls"])]
    pub(crate) tier: String,
    /// A hospital directory: devices, flows and identities are those of its plan.
    #[arg(long, value_name = "DIR", conflicts_with = "tier")]
    pub(crate) hospital: Option<PathBuf>,
    /// Only the sums, not a record for every message.
    #[arg(long)]
    pub(crate) stats: bool,
    /// Print every reason there is and what it does to each tier, in Markdown; reads nothing.
    #[arg(long, conflicts_with = "file")]
    pub(crate) reasons: bool,
    #[command(flatten)]
    pub(crate) recording: Recording,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Import {
    /// A table of a CMDB or CMMS.
    Csv(ImportTable),
    /// A NetBox export: CSV, or JSON of the devices API.
    Netbox(ImportTable),
    /// MDS2 forms (HN 1-2019, xlsx or CSV): their facts onto an existing devices.csv.
    Mds2 {
        /// The forms.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// The devices.csv that the facts are for.
        #[arg(long)]
        devices: PathBuf,
        /// The file to write; standard output when absent.
        #[arg(long)]
        out: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ImportTable {
    /// The export; of NetBox also several answers of its API.
    #[arg(required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// A hospital whose segments, types and VLANs rows are checked against.
    #[arg(long, value_name = "DIR")]
    pub(crate) hospital: Option<PathBuf>,
    /// Take a column of ours from a column of theirs: `mac=HW Address`.
    #[arg(long, value_name = "COLUMN=HEADER")]
    pub(crate) map: Vec<String>,
    /// A value for a column that the export lacks: `autonomous=no`.
    #[arg(long, value_name = "COLUMN=VALUE")]
    pub(crate) default: Vec<String>,
    /// The file to write; standard output when absent.
    #[arg(long)]
    pub(crate) out: Option<PathBuf>,
}

//! The command line of the journal.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// Where a command records what it does.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Recording {
    /// Record what happens in this journal; it is begun when absent.
    #[arg(long, value_name = "DIR")]
    pub(crate) journal: Option<PathBuf>,
    /// The private key of the journal; `journal.key` in its folder when absent, made for a new one.
    #[arg(long, value_name = "FILE", requires = "journal")]
    pub(crate) journal_key: Option<PathBuf>,
    /// Who writes the journal; `cordon` for a new one when absent.
    #[arg(long, value_name = "NAME", requires = "journal")]
    pub(crate) writer: Option<String>,
}

/// A journal is evidence: it cannot be changed unnoticed by whoever has not its private key, and
/// newest heads that are kept elsewhere show also what was cut off at its end.
#[derive(Debug, Subcommand)]
pub(crate) enum Journal {
    /// Verify that nothing was changed, deleted, inserted or cut off.
    Verify(Verify),
    /// Print records, one line each.
    Show(Show),
    /// Print records as they are written; ends with Ctrl-C.
    Follow(Follow),
    /// Write records in another system's format, once.
    Export(ExportOnce),
    /// Prove to somebody else that a record is in the journal, or check such a proof.
    Prove(ProveRecord),
    /// Record events that are read from standard input, one JSON object a line.
    Append(Append),
    /// As a witness, sign the newest heads of a journal if they continue those seen before.
    Cosign(Cosign),
    /// Make a key for a journal or a witness.
    Keygen(Keygen),
    /// Delete records whose time is over; a record says which.
    Expire(Expire),
    /// Keep everything until it is released, whatever its time.
    Hold(Hold),
    /// End a hold.
    Release(Hold),
    /// Copy what is sealed to another folder, verifying it.
    Replicate(Replicate),
}

/// Exits with 1 when anything is wrong.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// Streams, journals or folders of journals.
    #[arg(required = true)]
    pub(crate) paths: Vec<PathBuf>,
    /// The public keys; `journal.pub` in the journal's folder when absent, which proves nothing
    /// against whoever could replace both.
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    /// A head that was kept elsewhere: the journal must continue it. Several may be given.
    #[arg(long, value_name = "FILE")]
    pub(crate) head: Vec<PathBuf>,
    /// The public keys of witnesses; says which of them have cosigned the newest head.
    #[arg(long, value_name = "FILE")]
    pub(crate) witness: Vec<PathBuf>,
    /// Another copy of the same journal: both must have the same records.
    #[arg(long, value_name = "DIR")]
    pub(crate) against: Option<PathBuf>,
    /// The journal is being written: an end that is not signed yet is no fault.
    #[arg(long)]
    pub(crate) live: bool,
    /// Read every record in full, verify every signature and every policy that is kept.
    #[arg(long)]
    pub(crate) deep: bool,
}

/// Which records are wanted.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Selection {
    /// Only of this stream: evidence, traffic or detail. Several may be given.
    #[arg(long, value_name = "STREAM")]
    pub(crate) stream: Vec<String>,
    /// Only of this kind, for example decision. Several may be given.
    #[arg(long, value_name = "KIND")]
    pub(crate) kind: Vec<String>,
    /// Only about this device.
    #[arg(long, value_name = "DEVICE")]
    pub(crate) device: Option<String>,
    /// Only what this enforcement point saw.
    #[arg(long, value_name = "POINT")]
    pub(crate) point: Option<String>,
    /// What happened at this time or later: 2026-01-31, or 2026-01-31T14:05:00Z.
    #[arg(long, value_name = "TIME")]
    pub(crate) from: Option<String>,
    /// What happened before this time.
    #[arg(long, value_name = "TIME")]
    pub(crate) to: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The folder of the journal.
    pub(crate) dir: PathBuf,
    #[command(flatten)]
    pub(crate) selection: Selection,
    /// Only the last N records.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) last: Option<u32>,
    /// Only this record, whole: writer/stream/number.
    #[arg(long, value_name = "EVENT", conflicts_with = "last")]
    pub(crate) event: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Follow {
    /// The folder of the journal.
    pub(crate) dir: PathBuf,
    #[command(flatten)]
    pub(crate) selection: Selection,
    /// Also what is there already.
    #[arg(long)]
    pub(crate) all: bool,
}

/// Formats of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// JSON lines, as the journal holds them.
    Jsonl,
    /// Splunk's HTTP Event Collector.
    Hec,
    /// Open Cybersecurity Schema Framework, JSON lines.
    Ocsf,
    /// Common Event Format.
    Cef,
    /// Log Event Extended Format.
    Leef,
    /// Syslog (RFC 5424) with JSON.
    Syslog,
    /// DICOM audit messages in syslog.
    Atna,
    /// A table.
    Csv,
}

/// Nothing is written to the journal, so it may be a copy; what was handed out is recorded where
/// the journal's private key is named by --journal-key.
#[derive(Debug, Args)]
pub(crate) struct ExportOnce {
    /// The folder of the journal.
    pub(crate) dir: PathBuf,
    /// The format.
    #[arg(long, value_enum)]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) selection: Selection,
    /// The file to write; standard output when absent.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// With jsonl: a proof beside each record that it is in the journal.
    #[arg(long)]
    pub(crate) proofs: bool,
    /// The private key of the journal: record in it that records were handed out.
    #[arg(long, value_name = "FILE")]
    pub(crate) journal_key: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ProveRecord {
    /// The folder of the journal.
    #[arg(required_unless_present = "check")]
    pub(crate) dir: Option<PathBuf>,
    /// The record: writer/stream/number.
    #[arg(required_unless_present_any = ["check", "from_head"])]
    pub(crate) event: Option<String>,
    /// The file to write; standard output when absent.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Check a proof; needs nothing but the public key.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["dir", "event"], requires = "key")]
    pub(crate) check: Option<PathBuf>,
    /// With --check: the public keys of the journal.
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    /// Prove that the journal continues this older head; with --check, check such a proof.
    #[arg(long, value_name = "FILE", conflicts_with = "event")]
    pub(crate) from_head: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Append {
    /// The folder of the journal; it is begun when absent.
    pub(crate) dir: PathBuf,
    /// The private key of the journal; `journal.key` in its folder when absent, made for a new one.
    #[arg(long, value_name = "FILE")]
    pub(crate) journal_key: Option<PathBuf>,
    /// Who writes the journal; `cordon` for a new one when absent.
    #[arg(long, value_name = "NAME")]
    pub(crate) writer: Option<String>,
    /// The hospital, for a new journal.
    #[arg(long, value_name = "NAME")]
    pub(crate) hospital: Option<String>,
    /// Print the name of each event once it is on the disk.
    #[arg(long)]
    pub(crate) ack: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Cosign {
    /// The folder of the journal.
    pub(crate) dir: PathBuf,
    /// The private key of the witness.
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
    /// The file in which the witness remembers the heads it has seen; nobody else may write it.
    #[arg(long, value_name = "FILE")]
    pub(crate) state: PathBuf,
    /// The public keys of the journal; `journal.pub` in its folder when absent.
    #[arg(long, value_name = "FILE")]
    pub(crate) journal_pub: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Keygen {
    /// The name of the key, for example that of the witness.
    #[arg(long)]
    pub(crate) name: String,
    /// The file of the private key; the public one is beside it, ending in `.pub`.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Expire {
    /// The folder of the journal.
    pub(crate) dir: PathBuf,
    /// The private key of the journal; `journal.key` in its folder when absent.
    #[arg(long, value_name = "FILE")]
    pub(crate) journal_key: Option<PathBuf>,
    /// Only say what would be deleted.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Hold {
    /// The folder of the journal.
    pub(crate) dir: PathBuf,
    /// The name of the hold, for example that of the case.
    #[arg(long)]
    pub(crate) name: String,
    /// The badge of who orders it.
    #[arg(long, value_name = "BADGE")]
    pub(crate) by: String,
    /// In which role, for example legal.
    #[arg(long)]
    pub(crate) role: String,
    /// The private key of the journal; `journal.key` in its folder when absent.
    #[arg(long, value_name = "FILE")]
    pub(crate) journal_key: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Replicate {
    /// The folder of the journal.
    pub(crate) dir: PathBuf,
    /// The folder of the copy.
    pub(crate) to: PathBuf,
    /// The public keys of the journal; `journal.pub` in its folder when absent.
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
}

/// A SIEM may hear of a record twice, never not at all: what was delivered is remembered in --state.
#[derive(Debug, Args)]
pub(crate) struct ExportRun {
    /// The settings; see docs/guide/siem.md.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// The folder of a journal. Several may be given.
    #[arg(long, value_name = "DIR", required = true)]
    pub(crate) journal: Vec<PathBuf>,
    /// The folder of the exporters' state.
    #[arg(long, value_name = "DIR")]
    pub(crate) state: PathBuf,
    /// End when everything is delivered; exits with 1 when something is left.
    #[arg(long)]
    pub(crate) once: bool,
    /// With --once: seconds after which to give up.
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub(crate) limit_s: u32,
}

/// The last 90 days are counted. Write it to a file of node_exporter's textfile collector by a timer,
/// or serve it.
#[derive(Debug, Args)]
pub(crate) struct ExportMetrics {
    /// The folder of a journal. Several may be given.
    #[arg(long, value_name = "DIR", required = true)]
    pub(crate) journal: Vec<PathBuf>,
    /// The folder of the exporters' state.
    #[arg(long, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
    /// Also verify the journals, by the keys beside them.
    #[arg(long)]
    pub(crate) verify: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Why {
    /// The event: writer/stream/number.
    pub(crate) event: String,
    /// The folder of the journal.
    #[arg(long, value_name = "DIR")]
    pub(crate) journal: PathBuf,
}

/// Exits with 1 when a verdict changes.
#[derive(Debug, Args)]
pub(crate) struct Rerun {
    /// The folder of the journal.
    #[arg(long, value_name = "DIR")]
    pub(crate) journal: PathBuf,
    /// The hospital directory whose policy decides anew.
    #[arg(long, value_name = "HOSPITALDIR")]
    pub(crate) policy: PathBuf,
    /// What was decided at this time or later: 2026-01-31, or 2026-01-31T14:05:00Z.
    #[arg(long, value_name = "TIME")]
    pub(crate) from: Option<String>,
    /// What was decided before this time.
    #[arg(long, value_name = "TIME")]
    pub(crate) to: Option<String>,
}

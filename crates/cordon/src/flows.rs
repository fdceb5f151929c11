//! Reads recorded network flows: Zeek connection logs, pcap and pcapng files.
//!
//! Invariant: a recording is read whole or it says what is missing; nothing is skipped silently.

use std::fs::File;
use std::io::{self, Read};
use std::net::IpAddr;
use std::path::Path;

use cordon_model::{Diagnostic, Mac, Place, Severity, Transport};
use indicatif::ProgressBar;

mod aggregate;
pub(crate) mod capture;
pub(crate) mod gather;
pub(crate) mod packet;
mod record;
mod zeek;

#[cfg(test)]
mod tests;

/// More records than this are refused.
pub(crate) const RECORDS_MAX: usize = 2_000_000;
/// A longer line of a log is refused.
pub(crate) const LINE_BYTES_MAX: usize = 64 << 10;
/// More malformed lines than this are counted, not shown.
pub(crate) const FAULTS_MAX: usize = 100;
/// A longer frame or pcapng block is refused.
pub(crate) const BLOCK_BYTES_MAX: usize = 16 << 20;
/// More interfaces in one pcapng section are refused.
pub(crate) const INTERFACES_MAX: usize = 1_024;

/// How many bytes the format is recognised by.
const HEAD_BYTES: usize = 64 << 10;

/// What carries a flow.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Carrier {
    /// TCP or UDP.
    Ports(Transport),
    /// Another protocol, by the name Zeek gives it (`icmp`), else as `ip-protocol-47`.
    Other(String),
}

impl Carrier {
    /// Gives the transport protocol, for a flow that has ports.
    #[must_use]
    pub(crate) fn transport(&self) -> Option<Transport> {
        match self {
            Self::Ports(transport) => Some(*transport),
            Self::Other(_) => None,
        }
    }

    /// Gives the name.
    #[must_use]
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Ports(transport) => transport.name(),
            Self::Other(name) => name,
        }
    }
}

/// One flow as somebody recorded it; `src` opened it.
/// # Units
/// `ts_s`: seconds since 1970-01-01T00:00:00Z. Bytes: payload of the transport protocol, up from
/// `src`, down to it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FlowRecord {
    /// When it began.
    pub(crate) ts_s: f64,
    /// Who opened it.
    pub(crate) src: IpAddr,
    /// The port of who opened it; the ICMP type for ICMP.
    pub(crate) sport: u16,
    /// The other side.
    pub(crate) dst: IpAddr,
    /// The port of the other side; the ICMP code for ICMP.
    pub(crate) dport: u16,
    /// What carries it.
    pub(crate) transport: Carrier,
    /// What Zeek took it for, for example `modbus` or `ssl,http`.
    pub(crate) protocol_hint: Option<String>,
    /// Bytes from `src` to `dst`.
    pub(crate) bytes_up: u64,
    /// Bytes from `dst` to `src`.
    pub(crate) bytes_down: u64,
    /// The MAC address of `src`, or of the router it came through.
    pub(crate) src_mac: Option<Mac>,
    /// The MAC address of `dst`, or of the router towards it; none for a group address.
    pub(crate) dst_mac: Option<Mac>,
    /// The line of the log, or the number of the first frame, from 1.
    pub(crate) line_or_frame: usize,
}

/// A whole recording.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Recording {
    /// The flows, in the order of the file.
    pub(crate) records: Vec<FlowRecord>,
    /// What was left out and why, for the reader.
    pub(crate) warnings: Vec<String>,
}

/// Says why a recording was not read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FlowsError {
    /// The file cannot be read.
    #[error("`{file}` cannot be read")]
    Unreadable {
        /// The path as it was given.
        file: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file is none of the formats.
    #[error("`{file}` is {found}")]
    Unrecognized {
        /// The path as it was given.
        file: String,
        /// What it seems to be.
        found: &'static str,
    },
    /// Lines or frames are malformed.
    #[error("`{file}` has {} malformed lines or frames", faults.len() + omitted)]
    Malformed {
        /// The path as it was given.
        file: String,
        /// What is wrong; at most [`FAULTS_MAX`].
        faults: Vec<Diagnostic>,
        /// How many more there are.
        omitted: usize,
    },
    /// Whoever took the frames wants no more.
    #[error("reading was stopped")]
    Stopped,
    /// The file is larger than cordon reads.
    #[error("`{file}` has more than {max} {what}; split it, for example by the hour")]
    OverLimit {
        /// The path as it was given.
        file: String,
        /// What there is too much of.
        what: &'static str,
        /// The bound.
        max: usize,
    },
}

/// Reads a recording; `-` is the standard input. The format is recognised by the content.
/// # Errors
/// [`FlowsError`] if the file cannot be read, is of another format, is malformed, or is larger
/// than the bounds of this module.
pub(crate) fn read(path: &Path) -> Result<Recording, FlowsError> {
    let file = path.display().to_string();
    let (format, input) = open(path, &file)?;
    match format {
        Format::ZeekText => zeek::read_text(input, &file),
        Format::ZeekJson => zeek::read_json(input, &file),
        Format::Pcap | Format::PcapNg => gather::read(format, input, &file),
    }
}

/// Reads the frames of a capture; `-` is the standard input.
/// # Errors
/// [`FlowsError`] if the file cannot be read or is no capture, is malformed, or is larger than the
/// bounds of this module; and whatever `each` gives.
pub(crate) fn read_frames(
    path: &Path,
    bar: &ProgressBar,
    each: capture::Each<'_>,
) -> Result<capture::Tally, FlowsError> {
    let file = path.display().to_string();
    let (format, input) = open(path, &file)?;
    match format {
        Format::Pcap | Format::PcapNg => capture::read(format, bar.wrap_read(input), &file, each),
        Format::ZeekText | Format::ZeekJson => {
            Err(FlowsError::Unrecognized { file, found: "a log of connections without contents" })
        }
    }
}

/// Opens a file and recognises its format by the first bytes.
fn open(path: &Path, file: &str) -> Result<(Format, impl Read + Send + use<>), FlowsError> {
    let unreadable = |source| FlowsError::Unreadable { file: file.to_owned(), source };
    let mut input: Box<dyn Read + Send> = if path == Path::new("-") {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(path).map_err(unreadable)?)
    };
    let mut head = Vec::new();
    let limit = u64::try_from(HEAD_BYTES).unwrap_or(u64::MAX);
    input.by_ref().take(limit).read_to_end(&mut head).map_err(unreadable)?;
    let format = Format::of(&head)
        .map_err(|found| FlowsError::Unrecognized { file: file.to_owned(), found })?;
    Ok((format, io::Cursor::new(head).chain(input)))
}

/// The formats that are recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    ZeekText,
    ZeekJson,
    Pcap,
    PcapNg,
}

impl Format {
    /// Recognises a format by the first bytes; else says what they are.
    /// # Source
    /// draft-ietf-opsawg-pcap §4; draft-ietf-opsawg-pcapng §4.1; RFC 1952 §2.3.1.
    fn of(head: &[u8]) -> Result<Self, &'static str> {
        match head {
            [] => return Err("empty"),
            [0x0a, 0x0d, 0x0d, 0x0a, ..] => return Ok(Self::PcapNg),
            [0xa1, 0xb2, 0xc3, 0xd4, ..]
            | [0xd4, 0xc3, 0xb2, 0xa1, ..]
            | [0xa1, 0xb2, 0x3c, 0x4d, ..]
            | [0x4d, 0x3c, 0xb2, 0xa1, ..]
            | [0x34, 0xcd, 0xb2, 0xa1, ..] => return Ok(Self::Pcap),
            [0x1f, 0x8b, ..] => return Err("compressed with gzip (unpack it first)"),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => return Err("compressed with zstd (unpack it first)"),
            _ => {}
        }
        let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
        match text.iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(b'#') => Ok(Self::ZeekText),
            Some(b'{') => Ok(Self::ZeekJson),
            Some(b'[') => {
                Err("one JSON array (write one object a line, for example with `jq -c .[]`)")
            }
            Some(_) => Err("of another format"),
            None => Err("blank"),
        }
    }
}

/// Malformed places while a file is read.
#[derive(Debug)]
struct Faults<'a> {
    file: &'a str,
    entries: Vec<Diagnostic>,
    omitted: usize,
}

/// A part of a line, in bytes, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Fault {
    label: &'static str,
    from: usize,
    to: usize,
    message: String,
    help: String,
}

impl<'a> Faults<'a> {
    fn new(file: &'a str) -> Self {
        Self { file, entries: Vec::new(), omitted: 0 }
    }

    /// Notes a fault in a line of text, or in frame `line` when there is no text.
    fn push(&mut self, line: usize, text: &str, fault: Fault) {
        if self.entries.len() >= FAULTS_MAX {
            self.omitted += 1;
            return;
        }
        let chars = |from: usize, to: usize| text.get(from..to).map_or(0, |t| t.chars().count());
        let column = if text.is_empty() { 0 } else { chars(0, fault.from) + 1 };
        let place = Place {
            file: self.file.to_owned(),
            line,
            column,
            text: text.to_owned(),
            length: chars(fault.from, fault.to),
        };
        self.entries.push(Diagnostic {
            label: fault.label,
            severity: Severity::Error,
            place,
            message: fault.message,
            help: fault.help,
        });
    }

    /// Gives the recording if there was no fault.
    fn conclude(self, recording: Recording) -> Result<Recording, FlowsError> {
        if self.entries.is_empty() {
            return Ok(recording);
        }
        let file = self.file.to_owned();
        Err(FlowsError::Malformed { file, faults: self.entries, omitted: self.omitted })
    }
}

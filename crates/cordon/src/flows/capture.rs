//! Captured frames: pcap and pcapng files, gathered into flows.
//!
//! Source: draft-ietf-opsawg-pcap; draft-ietf-opsawg-pcapng.

use std::collections::BTreeMap;
use std::io::{self, Read};

use pcap_parser::traits::{PcapNGPacketBlock, PcapReaderIterator};
use pcap_parser::{
    Block, LegacyPcapReader, Linktype, PcapBlockOwned, PcapError, PcapHeader, PcapNGReader,
};

use super::aggregate::Flows;
use super::packet::{Frame, dissect};
use super::{BLOCK_BYTES_MAX, Fault, Faults, FlowsError, INTERFACES_MAX, RECORDS_MAX, Recording};

/// What the reader starts with; it grows up to [`BLOCK_BYTES_MAX`].
const BUFFER_BYTES: usize = 128 << 10;
/// More kinds of links than this are not told apart.
const LINKS_MAX: usize = 64;

/// Where a frame was captured, and how its clock counts.
#[derive(Debug, Clone, Copy)]
struct Interface {
    link: Linktype,
    ticks_per_s: f64,
    offset_s: f64,
}

/// What is gathered while a capture is read.
struct Capture<'a> {
    file: &'a str,
    flows: Flows,
    interfaces: Vec<Interface>,
    frames: usize,
    damaged: usize,
    without_interface: usize,
    without_time: usize,
    last_s: f64,
    links: BTreeMap<i32, usize>,
    is_cut_off: bool,
}

/// What to do after one look at the file.
enum Step {
    Took(usize),
    Refill,
    Grow,
    End,
    CutOff,
    Unreadable,
    Damaged,
}

/// Reads a pcap file.
pub(super) fn read_pcap<'b>(
    input: impl Read + Send + 'b,
    file: &str,
) -> Result<Recording, FlowsError> {
    match LegacyPcapReader::new(BUFFER_BYTES, input) {
        Ok(mut reader) => Capture::new(file).read(&mut reader),
        Err(error) => Err(beginning(file, &error)),
    }
}

/// Reads a pcapng file.
pub(super) fn read_pcapng<'b>(
    input: impl Read + Send + 'b,
    file: &str,
) -> Result<Recording, FlowsError> {
    match PcapNGReader::new(BUFFER_BYTES, input) {
        Ok(mut reader) => Capture::new(file).read(&mut reader),
        Err(error) => Err(beginning(file, &error)),
    }
}

fn beginning(file: &str, error: &PcapError<&[u8]>) -> FlowsError {
    let is_cut_off =
        matches!(error, PcapError::Incomplete(_) | PcapError::UnexpectedEof | PcapError::Eof);
    let found =
        if is_cut_off { "cut off within its header" } else { "a capture with a damaged header" };
    FlowsError::Unrecognized { file: file.to_owned(), found }
}

impl<'a> Capture<'a> {
    fn new(file: &'a str) -> Self {
        Self {
            file,
            flows: Flows::default(),
            interfaces: Vec::new(),
            frames: 0,
            damaged: 0,
            without_interface: 0,
            without_time: 0,
            last_s: 0.0,
            links: BTreeMap::new(),
            is_cut_off: false,
        }
    }

    fn read(mut self, reader: &mut dyn PcapReaderIterator) -> Result<Recording, FlowsError> {
        let mut capacity = BUFFER_BYTES;
        loop {
            let step = match reader.next() {
                Ok((offset, block)) => {
                    self.block(&block)?;
                    Step::Took(offset)
                }
                Err(PcapError::Eof) => Step::End,
                Err(PcapError::Incomplete(_)) => Step::Refill,
                Err(PcapError::BufferTooSmall) => Step::Grow,
                Err(PcapError::UnexpectedEof) => Step::CutOff,
                Err(PcapError::ReadError) => Step::Unreadable,
                Err(
                    PcapError::HeaderNotRecognized
                    | PcapError::NomError(..)
                    | PcapError::OwnedNomError(..),
                ) => Step::Damaged,
            };
            match step {
                Step::Took(offset) => reader.consume(offset),
                Step::Refill => {
                    let before = reader.data().len();
                    if reader.refill().is_err() {
                        return Err(self.unreadable());
                    }
                    let is_stuck = reader.data().len() == before && !reader.reader_exhausted();
                    if is_stuck {
                        capacity = self.grow(reader, capacity)?;
                    }
                }
                Step::Grow => capacity = self.grow(reader, capacity)?,
                Step::End => break,
                Step::CutOff => {
                    self.is_cut_off = true;
                    break;
                }
                Step::Unreadable => return Err(self.unreadable()),
                Step::Damaged => return self.damaged_frame(),
            }
        }
        self.conclude()
    }

    fn grow(
        &self,
        reader: &mut dyn PcapReaderIterator,
        capacity: usize,
    ) -> Result<usize, FlowsError> {
        if capacity >= BLOCK_BYTES_MAX {
            return Err(self.over_limit("bytes in one frame or block", BLOCK_BYTES_MAX));
        }
        let wanted = (capacity * 2).min(BLOCK_BYTES_MAX);
        reader.grow(wanted);
        // After growing, room has to be filled before the next look; an error here shows then.
        if reader.refill().is_err() {
            return Err(self.unreadable());
        }
        Ok(wanted)
    }

    fn over_limit(&self, what: &'static str, max: usize) -> FlowsError {
        FlowsError::OverLimit { file: self.file.to_owned(), what, max }
    }

    fn unreadable(&self) -> FlowsError {
        let source = io::Error::other("reading stopped before the end of the file");
        FlowsError::Unreadable { file: self.file.to_owned(), source }
    }

    fn damaged_frame(self) -> Result<Recording, FlowsError> {
        let mut faults = Faults::new(self.file);
        let fault = Fault {
            label: "damaged-capture",
            from: 0,
            to: 0,
            message: format!("the file is damaged after frame {}", self.frames),
            help: "mend it, for example with `pcapfix`, or capture again".to_owned(),
        };
        faults.push(self.frames + 1, "", fault);
        faults.conclude(Recording::default())
    }

    fn block(&mut self, block: &PcapBlockOwned<'_>) -> Result<(), FlowsError> {
        match block {
            PcapBlockOwned::LegacyHeader(header) => {
                self.interfaces = vec![legacy_interface(header)];
                Ok(())
            }
            PcapBlockOwned::Legacy(frame) => {
                let ticks = self.interfaces.first().map_or(1e6, |i| i.ticks_per_s);
                let ts_s = f64::from(frame.ts_sec) + f64::from(frame.ts_usec) / ticks;
                self.frame(0, Some(ts_s), frame.data)
            }
            PcapBlockOwned::NG(block) => self.ng_block(block),
        }
    }

    fn ng_block(&mut self, block: &Block<'_>) -> Result<(), FlowsError> {
        match block {
            Block::SectionHeader(_) => self.interfaces.clear(),
            Block::InterfaceDescription(description) => {
                if self.interfaces.len() >= INTERFACES_MAX {
                    return Err(self.over_limit("interfaces", INTERFACES_MAX));
                }
                self.interfaces.push(Interface {
                    link: description.linktype,
                    ticks_per_s: ticks_per_s(description.if_tsresol),
                    offset_s: seconds(description.if_tsoffset),
                });
            }
            Block::EnhancedPacket(packet) => {
                let at = usize::try_from(packet.if_id).unwrap_or(usize::MAX);
                let ticks =
                    (f64::from(packet.ts_high) * 4_294_967_296.0) + f64::from(packet.ts_low);
                let time = self.interfaces.get(at).map(|i| i.offset_s + ticks / i.ticks_per_s);
                return self.frame(at, time, packet.packet_data());
            }
            Block::SimplePacket(packet) => return self.frame(0, None, packet.packet_data()),
            Block::NameResolution(_)
            | Block::InterfaceStatistics(_)
            | Block::SystemdJournalExport(_)
            | Block::DecryptionSecrets(_)
            | Block::ProcessInformation(_)
            | Block::Custom(_)
            | Block::Unknown(_) => {}
        }
        Ok(())
    }

    fn frame(
        &mut self,
        interface: usize,
        ts_s: Option<f64>,
        data: &[u8],
    ) -> Result<(), FlowsError> {
        self.frames += 1;
        let Some(interface) = self.interfaces.get(interface) else {
            self.without_interface += 1;
            return Ok(());
        };
        self.without_time += usize::from(ts_s.is_none());
        self.last_s = ts_s.unwrap_or(self.last_s);
        match dissect(interface.link, data) {
            Frame::Packet(packet) => {
                let (time, frame) = (self.last_s, self.frames);
                let observed = self.flows.observe(&packet, time, frame);
                observed.map_err(|_| self.over_limit("flows", RECORDS_MAX))?;
            }
            Frame::NotIp => {}
            Frame::Damaged => self.damaged += 1,
            Frame::UnknownLink => {
                let link = interface.link.0;
                if self.links.len() < LINKS_MAX || self.links.contains_key(&link) {
                    *self.links.entry(link).or_default() += 1;
                } else {
                    *self.links.entry(-1).or_default() += 1;
                }
            }
        }
        Ok(())
    }

    fn conclude(self) -> Result<Recording, FlowsError> {
        let mut warnings = Vec::new();
        let mut warn = |count: usize, what: &str| {
            if count > 0 {
                warnings.push(format!("{what}: {count}"));
            }
        };
        warn(self.damaged, "frames left out for damaged or cut-off headers");
        warn(self.without_interface, "frames left out for naming no interface of their section");
        warn(self.without_time, "frames without a time, which got that of the frame before");
        warn(
            self.flows.unopened,
            "TCP connections begun before the capture, whose first packet tells who opened them",
        );
        warn(self.flows.orphans, "fragments left out for lack of their first one");
        for (link, count) in &self.links {
            warn(*count, &format!("frames left out for their link type {link}"));
        }
        if self.flows.gave_up_datagrams {
            warnings.push(
                "too many datagrams were in fragments; some of their bytes are missing".to_owned(),
            );
        }
        if self.is_cut_off {
            let message =
                format!("the file is cut off after frame {}; the rest is missing", self.frames);
            warnings.push(message);
        }
        Ok(Recording { records: self.flows.records, warnings })
    }
}

fn legacy_interface(header: &PcapHeader) -> Interface {
    let ticks_per_s = if header.is_nanosecond_precision() { 1e9 } else { 1e6 };
    Interface { link: header.network, ticks_per_s, offset_s: 0.0 }
}

/// Reads `if_tsresol`: a power of ten, or of two when the highest bit is set.
/// # Source
/// draft-ietf-opsawg-pcapng §4.2 (`if_tsresol`).
fn ticks_per_s(resolution: u8) -> f64 {
    let exponent = i32::from(resolution & 0x7f);
    if resolution & 0x80 == 0 { 10f64.powi(exponent) } else { 2f64.powi(exponent) }
}

/// Offsets beyond the year 9999 are nonsense and count as none.
fn seconds(offset: i64) -> f64 {
    const OFFSET_S_MAX: i64 = 253_402_300_799;
    if !(0..=OFFSET_S_MAX).contains(&offset) {
        return 0.0;
    }
    let high = u32::try_from(offset >> 32).unwrap_or(0);
    let low = u32::try_from(offset & 0xffff_ffff).unwrap_or(0);
    f64::from(high) * 4_294_967_296.0 + f64::from(low)
}

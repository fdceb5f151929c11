//! Captured frames: pcap and pcapng files.
//!
//! Invariant: every frame has its number, also those that cannot be handed out; these are counted.
//!
//! Source: draft-ietf-opsawg-pcap; draft-ietf-opsawg-pcapng.

use std::io::{self, Read};

use pcap_parser::traits::{PcapNGPacketBlock, PcapReaderIterator};
use pcap_parser::{
    Block, LegacyPcapReader, Linktype, PcapBlockOwned, PcapError, PcapHeader, PcapNGReader,
};

use super::{BLOCK_BYTES_MAX, Fault, Faults, FlowsError, Format, INTERFACES_MAX, Recording};

/// What the reader starts with; it grows up to [`BLOCK_BYTES_MAX`].
const BUFFER_BYTES: usize = 128 << 10;

/// Where a frame was captured, and how its clock counts.
#[derive(Debug, Clone, Copy)]
struct Interface {
    link: Linktype,
    ticks_per_s: f64,
    offset_s: f64,
}

/// One captured frame.
/// # Units
/// `ts_s`: seconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Captured<'a> {
    /// Its number among all frames of the file, from 1, as Wireshark counts.
    pub(crate) number: usize,
    /// When; the time of the frame before when the file does not say.
    pub(crate) ts_s: f64,
    /// The kind of link.
    pub(crate) link: Linktype,
    /// Its bytes, as far as they were recorded.
    pub(crate) data: &'a [u8],
}

/// What a file held, and what of it was left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Frames, handed out or not.
    pub(crate) frames: usize,
    /// Frames left out for naming no interface of their section.
    pub(crate) without_interface: usize,
    /// Frames without a time.
    pub(crate) without_time: usize,
    /// Whether the file ends within a frame.
    pub(crate) is_cut_off: bool,
}

impl Tally {
    /// Says what was left out, for people.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let mut warn = |count: usize, what: &str| {
            if count > 0 {
                warnings.push(format!("{what}: {count}"));
            }
        };
        warn(self.without_interface, "frames left out for naming no interface of their section");
        warn(self.without_time, "frames without a time, which got that of the frame before");
        warnings
    }

    /// Says that the rest of the file is missing, if it is.
    pub(crate) fn end(&self) -> Option<String> {
        let text =
            || format!("the file is cut off after frame {}; the rest is missing", self.frames);
        self.is_cut_off.then(text)
    }
}

/// Takes the frames, in the order of the file.
pub(crate) type Each<'e> = &'e mut dyn FnMut(&Captured<'_>) -> Result<(), FlowsError>;

/// What is known while a capture is read.
struct Capture<'a, 'e> {
    file: &'a str,
    each: Each<'e>,
    interfaces: Vec<Interface>,
    tally: Tally,
    last_s: f64,
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

/// Reads a pcap or pcapng file.
/// # Errors
/// [`FlowsError`], and whatever `each` gives.
pub(super) fn read<'b>(
    format: Format,
    input: impl Read + Send + 'b,
    file: &str,
    each: Each<'_>,
) -> Result<Tally, FlowsError> {
    let capture =
        Capture { file, each, interfaces: Vec::new(), tally: Tally::default(), last_s: 0.0 };
    if format == Format::PcapNg {
        match PcapNGReader::new(BUFFER_BYTES, input) {
            Ok(mut reader) => capture.read(&mut reader),
            Err(error) => Err(beginning(file, &error)),
        }
    } else {
        match LegacyPcapReader::new(BUFFER_BYTES, input) {
            Ok(mut reader) => capture.read(&mut reader),
            Err(error) => Err(beginning(file, &error)),
        }
    }
}

fn beginning(file: &str, error: &PcapError<&[u8]>) -> FlowsError {
    let is_cut_off =
        matches!(error, PcapError::Incomplete(_) | PcapError::UnexpectedEof | PcapError::Eof);
    let found =
        if is_cut_off { "cut off within its header" } else { "a capture with a damaged header" };
    FlowsError::Unrecognized { file: file.to_owned(), found }
}

impl Capture<'_, '_> {
    fn read(mut self, reader: &mut dyn PcapReaderIterator) -> Result<Tally, FlowsError> {
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
                    self.tally.is_cut_off = true;
                    break;
                }
                Step::Unreadable => return Err(self.unreadable()),
                Step::Damaged => return self.damaged_frame(),
            }
        }
        Ok(self.tally)
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

    fn damaged_frame(self) -> Result<Tally, FlowsError> {
        let mut faults = Faults::new(self.file);
        let fault = Fault {
            label: "damaged-capture",
            from: 0,
            to: 0,
            message: format!("the file is damaged after frame {}", self.tally.frames),
            help: "mend it, for example with `pcapfix`, or capture again".to_owned(),
        };
        faults.push(self.tally.frames + 1, "", fault);
        faults.conclude(Recording::default()).map(|_| self.tally)
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
        self.tally.frames += 1;
        let Some(interface) = self.interfaces.get(interface) else {
            self.tally.without_interface += 1;
            return Ok(());
        };
        self.tally.without_time += usize::from(ts_s.is_none());
        self.last_s = ts_s.unwrap_or(self.last_s);
        let link = interface.link;
        (self.each)(&Captured { number: self.tally.frames, ts_s: self.last_s, link, data })
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

//! Packets of one device in a file, for as long and as much as was asked.
//!
//! The kernel copies them (a set whose elements end by themselves), so recording ends even if this
//! process does.
//!
//! Invariant: a capture holds the bytes of patients' messages: its file is its owner's alone, it is
//! bounded in time and size, and nothing of it enters the journal but that it was made.
//! Source: pcap (draft-ietf-opsawg-pcap), LINKTYPE_RAW.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use cordon_model::{Mono, WallMs};

/// Longest capture.
/// # Units
/// Seconds.
pub const SECONDS_MAX: u32 = 3_600;
/// Largest capture, in bytes.
pub const BYTES_MAX: u64 = 256 << 20;
/// Most bytes that are kept of one packet.
pub const PACKET_BYTES_MAX: usize = 65_535;
/// Packets that begin with their IP header.
const LINKTYPE_RAW: u32 = 101;

/// A capture that is being written.
#[derive(Debug)]
pub struct Capture {
    file: BufWriter<File>,
    until: Mono,
    packets: u64,
    bytes: u64,
    is_full: bool,
}

impl Capture {
    /// Begins a file; one that is there is not replaced.
    /// # Errors
    /// What the disk says.
    pub fn begin(path: &Path, now: Mono, seconds: u32) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        let file = options.write(true).create_new(true).mode(0o600).open(path)?;
        let mut file = BufWriter::new(file);
        let snap = u32::try_from(PACKET_BYTES_MAX).unwrap_or(u32::MAX);
        file.write_all(&0xa1b2_c3d4u32.to_le_bytes())?;
        file.write_all(&2u16.to_le_bytes())?;
        file.write_all(&4u16.to_le_bytes())?;
        for word in [0, 0, snap, LINKTYPE_RAW] {
            file.write_all(&u32::to_le_bytes(word))?;
        }
        let span = u64::from(seconds.min(SECONDS_MAX)).saturating_mul(1_000_000_000);
        let until = Mono(now.0.saturating_add(span));
        Ok(Self { file, until, packets: 0, bytes: 24, is_full: false })
    }

    /// Writes a packet, as long as there is room and time.
    /// # Errors
    /// What the disk says.
    pub fn write(&mut self, now: Mono, at: WallMs, packet: &[u8]) -> io::Result<()> {
        let kept = packet.get(..PACKET_BYTES_MAX).unwrap_or(packet);
        let room = self.bytes.saturating_add(16).saturating_add(kept.len() as u64);
        if now >= self.until || room > BYTES_MAX {
            self.is_full |= room > BYTES_MAX;
            return Ok(());
        }
        let word = |value: u64| u32::try_from(value).unwrap_or(u32::MAX).to_le_bytes();
        self.file.write_all(&word(at.0 / 1_000))?;
        self.file.write_all(&word(at.0 % 1_000 * 1_000))?;
        self.file.write_all(&word(kept.len() as u64))?;
        self.file.write_all(&word(packet.len() as u64))?;
        self.file.write_all(kept)?;
        self.packets += 1;
        self.bytes = room;
        Ok(())
    }

    /// Says whether its time is over.
    #[must_use]
    pub fn is_over(&self, now: Mono) -> bool {
        now >= self.until
    }

    /// Ends it; gives packets, bytes, and whether it was full before its time was over.
    /// # Errors
    /// What the disk says.
    pub fn end(mut self) -> io::Result<(u64, u64, bool)> {
        self.file.flush()?;
        self.file.get_ref().sync_all()?;
        Ok((self.packets, self.bytes, self.is_full))
    }
}

#[cfg(test)]
mod tests;

//! Reads what the rules log: the first packets of what was denied, and copies of lifelines.
//!
//! Nobody waits for this reader: when it is slow, the kernel drops what it would have told, and the
//! gaps in its numbers are counted.
//!
//! Source: Linux `include/uapi/linux/netfilter/nfnetlink_log.h`.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::time::{Duration, Instant};

use netlink_packet_core::NLM_F_ACK;
use netlink_packet_netfilter::nflog::{ConfigCmd, ConfigFlags, ConfigMode, ConfigNla, ULogMessage};
use netlink_packet_netfilter::{NetfilterHeader, NetfilterMessage, NetfilterProtoFamily};
use nix::net::if_::if_indextoname;

use super::netlink::{Netlink, NetlinkError, attributes, be16, be32, messages, netfilter};

/// The message of a packet: subsystem 4, message 0.
const PACKET: u16 = 4 << 8;

/// Why a packet was told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Why {
    /// A new connection in emergency mode.
    Emergency,
    /// No list permits it.
    Denied,
    /// It would have started something at a device for which nothing new starts.
    DeniedNew,
    /// It came and went through interfaces that no flow joins.
    OffPath,
    /// Its sender is not who it says.
    Spoofed,
    /// An ARP packet whose sender is not who it says.
    SpoofedArp,
    /// The device is isolated.
    Isolated,
    /// It passed, and this is a copy.
    Copied,
    /// Somebody captures what its device sends and gets; whether it passes is told elsewhere.
    Captured,
    /// Nobody inspects it now, so it did not pass.
    Uninspected,
    /// It is above the envelope of its flow.
    Limited,
    /// A rule that is not cordon's.
    Foreign,
}

impl Why {
    /// Every prefix that the texts print, longest first where one begins another.
    const PREFIXES: [(&'static str, Self); 11] = [
        ("cordon emergency ", Self::Emergency),
        ("cordon denied no-new ", Self::DeniedNew),
        ("cordon denied ", Self::Denied),
        ("cordon off-path ", Self::OffPath),
        ("cordon spoofed ", Self::Spoofed),
        ("cordon arp ", Self::SpoofedArp),
        ("cordon isolated ", Self::Isolated),
        ("cordon copy ", Self::Copied),
        ("cordon capture ", Self::Captured),
        ("cordon uninspected ", Self::Uninspected),
        ("cordon limited ", Self::Limited),
    ];

    /// Reads the prefix of a rule.
    #[must_use]
    pub fn of_prefix(prefix: &str) -> Self {
        let known = Self::PREFIXES.iter().find(|(known, _)| prefix.starts_with(known));
        known.map_or(Self::Foreign, |(_, why)| *why)
    }
}

/// A packet that a rule told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// The NFLOG group, see `LOG_GROUP_*` of [`cordon_model::nft`].
    pub group: u16,
    /// Why.
    pub why: Why,
    /// Whether the device sent it, where the rule says so.
    pub from_device: Option<bool>,
    /// The index of the interface it came from; 0 when the gateway itself sent it.
    pub interface: u32,
    /// The name of that interface, if it still exists; not of copies.
    pub interface_name: Option<String>,
    /// The MAC address it came from, where there was one.
    pub mac: Option<[u8; 6]>,
    /// The packet from its network header on (of ARP: the ARP message), up to the bound.
    pub packet: Vec<u8>,
    /// When it was read.
    pub at: Instant,
}

/// What was missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Missed {
    /// Packets that the kernel could not tell of.
    pub packets: u64,
    /// How often the queue to this reader was full.
    pub overruns: u64,
    /// Messages that could not be read.
    pub malformed: u64,
}

/// A reader of NFLOG groups; one at a time in a namespace for each group.
#[derive(Debug)]
pub struct Log {
    netlink: Netlink,
    sequences: BTreeMap<u16, u32>,
    missed: Missed,
}

impl AsFd for Log {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.netlink.as_fd()
    }
}

impl AsRawFd for Log {
    fn as_raw_fd(&self) -> RawFd {
        self.netlink.as_raw_fd()
    }
}

impl Log {
    /// Begins to read groups; of each packet the first `packet_bytes_max` bytes, at most 65,531.
    ///
    /// The copies of lifelines belong into a reader of their own, so that a flood of denied packets
    /// takes no room from them.
    /// # Errors
    /// What the kernel says: `EPERM` also when another process reads one of the groups.
    pub fn open(groups: &[u16], packet_bytes_max: u16) -> io::Result<Self> {
        let mut netlink = Netlink::open(Duration::from_secs(5))?;
        for group in groups {
            let mode = ConfigMode::new_packet(u32::from(packet_bytes_max).max(1));
            // Each packet at once: rates are bounded by the rules, and answers wait for these.
            let settings = [
                vec![ConfigNla::Cmd(ConfigCmd::Bind)],
                vec![
                    ConfigNla::Mode(mode),
                    ConfigNla::QThresh(1),
                    ConfigNla::Flags(ConfigFlags::SEQ),
                ],
            ];
            for nlas in settings {
                let header = NetfilterHeader::new(NetfilterProtoFamily::Unspec, 0, *group);
                let message = NetfilterMessage::new(header, ULogMessage::Config(nlas));
                netlink.ask(NLM_F_ACK, message, |_| {}).map_err(into_io)?;
            }
        }
        Ok(Self { netlink, sequences: BTreeMap::new(), missed: Missed::default() })
    }

    /// Reads what is there, without waiting, up to about `count_max` packets.
    ///
    /// Interfaces get their names in the namespace that the calling thread is in. Says whether
    /// there may be more; whoever waits for readiness by edges reads until there is
    /// not.
    /// # Errors
    /// What the socket says; a full queue is no error but counted.
    pub fn read(&mut self, count_max: usize, out: &mut Vec<Logged>) -> io::Result<bool> {
        let Self { netlink, sequences, missed } = self;
        let start = out.len();
        let at = Instant::now();
        while out.len() - start < count_max {
            match netlink.read_now() {
                Ok(None) => return Ok(false),
                Err(nix::Error::ENOBUFS) => missed.overruns = missed.overruns.saturating_add(1),
                Err(nix::Error::EINTR) => {}
                Err(error) => return Err(error.into()),
                Ok(Some(bytes)) => {
                    for message in messages(bytes).filter(|message| message.kind == PACKET) {
                        let Some((logged, sequence)) = parse(message.payload, at) else {
                            missed.malformed = missed.malformed.saturating_add(1);
                            continue;
                        };
                        let gap = sequence.and_then(|now| {
                            let last = sequences.insert(logged.group, now)?;
                            Some(now.wrapping_sub(last).wrapping_sub(1))
                        });
                        let gap = u64::from(gap.unwrap_or(0));
                        missed.packets = missed.packets.saturating_add(gap);
                        out.push(logged);
                    }
                }
            }
        }
        Ok(true)
    }

    /// Gives what was missed since the start.
    #[must_use]
    pub fn missed(&self) -> Missed {
        self.missed
    }
}

fn into_io(error: NetlinkError) -> io::Error {
    match error {
        NetlinkError::Socket(error) => error,
        NetlinkError::Refused { errno, .. } => io::Error::from_raw_os_error(errno),
        NetlinkError::Malformed => io::Error::from(io::ErrorKind::InvalidData),
    }
}

/// Reads one message: the packet, and its number in the group.
fn parse(payload: &[u8], at: Instant) -> Option<(Logged, Option<u32>)> {
    let (_, group, rest) = netfilter(payload)?;
    let mut logged = Logged {
        group,
        why: Why::Foreign,
        from_device: None,
        interface: 0,
        interface_name: None,
        mac: None,
        packet: Vec::new(),
        at,
    };
    let (mut sequence, mut is_port) = (None, false);
    for (kind, value) in attributes(rest) {
        match kind {
            // Of a frame on a bridge, 4 is the bridge and 6 the port.
            4 if !is_port => logged.interface = be32(value)?,
            6 => {
                logged.interface = be32(value)?;
                is_port = true;
            }
            8 => logged.mac = mac(value),
            9 => logged.packet = value.to_vec(),
            10 => {
                let text = value.strip_suffix(&[0]).unwrap_or(value);
                let text = std::str::from_utf8(text).unwrap_or_default();
                logged.why = Why::of_prefix(text);
                logged.from_device = way(text);
            }
            12 => sequence = be32(value),
            _ => {}
        }
    }
    // Whose packet a copy is, its addresses tell; a name costs more than reading the packet.
    let is_copy = matches!(logged.why, Why::Copied | Why::Captured);
    if logged.interface != 0 && !is_copy {
        let name = if_indextoname(logged.interface).ok();
        logged.interface_name = name.and_then(|name| name.into_string().ok());
    }
    Some((logged, sequence))
}

fn way(prefix: &str) -> Option<bool> {
    if prefix.ends_with("from-device ") {
        Some(true)
    } else if prefix.ends_with("to-device ") {
        Some(false)
    } else {
        None
    }
}

/// Reads a hardware address: its length, two bytes of padding, eight bytes of room.
fn mac(value: &[u8]) -> Option<[u8; 6]> {
    (be16(value)? == 6).then_some(())?;
    value.get(4..).and_then(|bytes| bytes.first_chunk()).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_prefix_is_the_one_that_its_name_says() {
        // The prefix, why, whether the device sent it.
        let cases = [
            ("cordon denied from-device ", Why::Denied, Some(true)),
            ("cordon denied to-device ", Why::Denied, Some(false)),
            ("cordon denied no-new ", Why::DeniedNew, None),
            ("cordon uninspected to-device ", Why::Uninspected, Some(false)),
            ("cordon limited from-device ", Why::Limited, Some(true)),
            ("cordon arp ", Why::SpoofedArp, None),
            ("cordon copy ", Why::Copied, None),
            ("something else", Why::Foreign, None),
            ("", Why::Foreign, None),
        ];
        for (prefix, why, from_device) in cases {
            assert_eq!((Why::of_prefix(prefix), way(prefix)), (why, from_device), "{prefix}");
        }
    }

    #[test]
    fn a_message_that_is_cut_has_its_packet_whole_or_not_at_all() {
        let whole = [
            &[2, 0, 0, 9][..],                                   // IPv4, group 9
            &[8, 0, 4, 0, 0, 0, 0, 1],                           // from lo
            &[16, 0, 8, 0, 0, 6, 0, 0, 2, 0, 0, 0, 0, 12, 0, 0], // the MAC address
            &[7, 0, 9, 0, 0x45, 1, 2, 0],                        // three bytes of packet
            &[8, 0, 12, 0, 0, 0, 0, 5],                          // the fifth
        ]
        .concat();
        let at = Instant::now();
        let (logged, sequence) = parse(&whole, at).unwrap_or_else(|| unreachable!());
        assert_eq!((logged.group, logged.interface, sequence), (9, 1, Some(5)));
        assert_eq!(logged.mac, Some([2, 0, 0, 0, 0, 12]));
        assert_eq!(logged.packet, [0x45, 1, 2]);
        let bridged = [&[8, 0, 6, 0, 0, 0, 0, 7], &[8, 0, 4, 0, 0, 0, 0, 1][..]];
        for order in [bridged.concat(), bridged.into_iter().rev().collect::<Vec<_>>().concat()] {
            let message = [&[7, 0, 0, 9][..], &order].concat();
            let port = parse(&message, at).map(|(logged, _)| logged.interface);
            assert_eq!(port, Some(7));
        }
        for length in 0..whole.len() {
            let part = whole.get(..length).unwrap_or_default();
            if let Some((part, _)) = parse(part, at) {
                assert!(part.packet.is_empty() || part.packet == logged.packet, "{length}");
            }
        }
    }
}

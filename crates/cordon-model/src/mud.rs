//! Manufacturer usage descriptions: what a device's maker says it needs from the network.
//!
//! A file is either understood completely or refused with everything that is wrong in it. In
//! particular a file in an older form never becomes an empty list or an open one.
//!
//! | what the file says | what is done |
//! |---|---|
//! | a member of a foreign module beside the policies, and `extensions` names any | ignored |
//! | the same, and `extensions` is empty | refused: extensions must be declared |
//! | an unknown member in a policy, list, entry, match or action | refused: it may narrow |
//! | a match of RFC 8519 that cordon cannot enforce (`dscp`, `flags`, …) | refused: it narrows |
//! | a drop before an accept that it may overlap, in the order of the lists | refused |
//! | a list that no policy names | applies to nothing; named in [`MudFile::unused_acls`] |
//! | a policy that names no list | nothing is accepted in that direction |
//! | a file without any entry | refused |
//!
//! RFC 8520 §3.9 lets a reader ignore nodes that it does not know, and §2 lets it ignore a file in
//! its entirety: where the first could widen what a device may do, the second is chosen.
//!
//! Invariant: what no entry accepts is denied; no accepted entry is open to everyone.
//! Source: RFC 8520; RFC 8519; RFC 7951 §4.

use ipnet::IpNet;

mod acl;
mod fault;
mod flow;
mod json;
mod matches;
mod policy;
mod reader;
mod text;

#[cfg(test)]
mod tests;

pub use fault::{MudError, MudFault};
pub use flow::{MudFlow, flows, without_flow};

/// A longer text is refused.
/// # Units
/// Bytes.
pub const TEXT_BYTES_MAX: usize = 1 << 20;

/// A file with more access lists is refused.
pub const ACLS_MAX: usize = 64;

/// A file with more entries, counted over all its access lists, is refused.
pub const ACES_MAX: usize = 1_024;

/// A file that names more extensions is refused.
pub const EXTENSIONS_MAX: usize = 32;

/// Deeper JSON is refused; a MUD file is eleven deep.
pub const DEPTH_MAX: usize = 32;

/// JSON of more values is refused.
pub const VALUES_MAX: usize = 65_536;

/// After as many errors the reader stops to take them down.
pub const ERRORS_MAX: usize = 100;

/// A manufacturer usage description.
/// # Source
/// RFC 8520 §2.1, §3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MudFile {
    /// The URL that the device emits and that names this file; always `https`.
    pub mud_url: String,
    /// When the file was made, as RFC 3339 writes it.
    pub last_update: String,
    /// For how many hours the file may be kept before it is fetched again, 1 to 168.
    pub cache_validity_h: u8,
    /// Whether the manufacturer still supports the device.
    pub is_supported: bool,
    /// What the device is, for people.
    pub systeminfo: Option<String>,
    /// The manufacturer's name.
    pub mfg_name: Option<String>,
    /// Where the device is documented.
    pub documentation: Option<String>,
    /// The model's name.
    pub model_name: Option<String>,
    /// The revision of the firmware.
    pub firmware_rev: Option<String>,
    /// The revision of the software.
    pub software_rev: Option<String>,
    /// Where the signature is.
    pub signature: Option<String>,
    /// The extensions that the file declares.
    pub extensions: Vec<String>,
    /// What the device may send, in the order of the file.
    pub from_device: Vec<MudAce>,
    /// What may be sent to the device, in the order of the file.
    pub to_device: Vec<MudAce>,
    /// The access lists that neither policy names.
    pub unused_acls: Vec<String>,
}

impl MudFile {
    /// Gives the authority of the MUD URL: the manufacturer, for `same-manufacturer`.
    #[must_use]
    pub fn authority(&self) -> &str {
        text::authority(&self.mud_url).unwrap_or_default()
    }
}

/// One access control entry, read from the device's side of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MudAce {
    /// The name of its access list.
    pub acl: String,
    /// Its own name.
    pub name: String,
    /// The version of IP, from the type of its access list.
    pub family: MudFamily,
    /// The other side.
    pub peer: MudPeer,
    /// The protocol above IP.
    pub transport: MudTransport,
    /// The ports of the device; none for all.
    pub local: Option<MudPorts>,
    /// The ports of the other side; none for all.
    pub remote: Option<MudPorts>,
    /// Who opens the connection; only ever said of TCP.
    pub initiated: Option<Initiated>,
    /// What becomes of the packets that match.
    pub action: MudAction,
}

/// The version of IP that an access list is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MudFamily {
    /// `ipv4-acl-type`.
    V4,
    /// `ipv6-acl-type`.
    V6,
}

/// The other side of an entry: the destination in a from-device list, else the source.
/// # Source
/// RFC 8520 §4 (the abstractions), §8 (domain names).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MudPeer {
    /// Everybody; never in an entry that accepts.
    Any,
    /// `local-networks`: the addresses that are local at the place of deployment.
    LocalNetworks,
    /// `same-manufacturer`: devices whose MUD URL has the same authority.
    SameManufacturer,
    /// `manufacturer`: devices whose MUD URL has this authority; lower case.
    Manufacturer(String),
    /// `model`: devices with this MUD URL.
    Model(String),
    /// `controller`: the class of services that this URI names.
    Controller(String),
    /// `my-controller`: the services that were made this device's controllers.
    MyController,
    /// A domain name; lower case, without the final period.
    DnsName(String),
    /// Addresses; never all of them.
    Network(IpNet),
}

/// The protocol above IP that an entry is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MudTransport {
    /// All of them.
    Any,
    /// RFC 9293.
    Tcp,
    /// RFC 768.
    Udp,
    /// RFC 792 in an IPv4 list, RFC 4443 in an IPv6 list.
    Icmp {
        /// The type; none for all.
        kind: Option<u8>,
        /// The code; none for all.
        code: Option<u8>,
    },
    /// Another one, by its number.
    Protocol(u8),
}

/// Ports, never all of them.
/// # Source
/// RFC 8519 §4.2, `port-range-or-operator`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MudPorts {
    /// This one.
    Eq(u16),
    /// From the first to the second, both included.
    Range(u16, u16),
    /// This one and all below.
    Lteq(u16),
    /// This one and all above.
    Gteq(u16),
    /// All but this one.
    Neq(u16),
}

impl MudPorts {
    /// Says whether the port is one of them.
    #[must_use]
    pub fn contains(self, port: u16) -> bool {
        match self {
            Self::Eq(only) => port == only,
            Self::Range(first, last) => (first..=last).contains(&port),
            Self::Lteq(last) => port <= last,
            Self::Gteq(first) => port >= first,
            Self::Neq(not) => port != not,
        }
    }

    /// Gives the port when there is exactly one.
    #[must_use]
    pub fn single(self) -> Option<u16> {
        match self {
            Self::Eq(port) => Some(port),
            Self::Range(first, last) => (first == last).then_some(first),
            Self::Lteq(last) => (last == 0).then_some(0),
            Self::Gteq(first) => (first == u16::MAX).then_some(first),
            Self::Neq(_) => None,
        }
    }
}

/// Who opens a TCP connection.
/// # Source
/// RFC 8520 §4.8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Initiated {
    /// The device.
    FromDevice,
    /// The other side.
    ToDevice,
}

/// What becomes of a packet that matches an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MudAction {
    /// It passes.
    Accept,
    /// It is dropped without a word.
    Drop,
    /// It is dropped and the sender is told.
    Reject,
}

/// Reads a manufacturer usage description.
/// # Shape
/// `text`: JSON as RFC 7951 writes YANG data, at most [`TEXT_BYTES_MAX`] bytes.
/// # Errors
/// Everything that is wrong, in the order of the text, at most [`ERRORS_MAX`] and a last one that
/// says there are more.
/// # Source
/// RFC 8520 §2.1, §3.
pub fn parse(text: &str) -> Result<MudFile, Vec<MudError>> {
    let root = json::read(text).map_err(|error| vec![error])?;
    let mut reader = reader::Reader::new(text);
    let file = policy::file(&mut reader, &root);
    let errors = reader.finish();
    match file {
        Some(file) if errors.is_empty() => Ok(file),
        Some(_) | None => Err(errors),
    }
}

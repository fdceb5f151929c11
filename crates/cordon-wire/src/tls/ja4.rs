//! JA4: a fingerprint of a ClientHello that does not change with the order of its lists.

use std::fmt;
use std::io::Write as _;

use sha2::{Digest, Sha256};

use super::hello::ClientHello;
use super::is_grease;

/// What carries the conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Carrier {
    /// TLS over TCP.
    Tcp,
    /// QUIC.
    Quic,
    /// DTLS.
    Dtls,
}

/// A fingerprint, for example `t13d1516h2_8daaf6152771_e5627efa2ab1`.
/// # Source
/// FoxIO JA4 technical details (JA4.md).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ja4([u8; 36]);

impl Ja4 {
    /// Gives the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Only letters, digits and underscores are ever written.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for Ja4 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Ja4 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Computes the fingerprint of a ClientHello.
#[must_use]
pub fn ja4(hello: &ClientHello<'_>, carrier: Carrier) -> Ja4 {
    let carrier = match carrier {
        Carrier::Tcp => 't',
        Carrier::Quic => 'q',
        Carrier::Dtls => 'd',
    };
    let version = match hello.version() {
        0x0304 => "13",
        0x0303 => "12",
        0x0302 => "11",
        0x0301 => "10",
        0x0300 => "s3",
        0x0002 => "s2",
        0xFEFF => "d1",
        0xFEFD => "d2",
        0xFEFC => "d3",
        _ => "00",
    };
    let mut ciphers: Vec<u16> = hello.cipher_suites.real().collect();
    ciphers.sort_unstable();
    let kinds = hello.extensions.iter().map(|extension| extension.kind);
    let mut extensions: Vec<u16> = kinds.filter(|kind| !is_grease(*kind)).collect();
    let name = if extensions.contains(&0x0000) { 'd' } else { 'i' };
    let count = extensions.len().min(99);
    // The server's name and the protocol differ with the server, not with the client.
    extensions.retain(|kind| !matches!(kind, 0x0000 | 0x0010));
    extensions.sort_unstable();
    let [first, last] = protocol(hello.alpn.iter().next().unwrap_or_default());
    let suites = ciphers.len().min(99);
    let mut text = [b'0'; 36];
    // All parts together are 36 letters; writing to memory that is long enough does not fail.
    let _written = write!(
        text.as_mut_slice(),
        "{carrier}{version}{name}{suites:02}{count:02}{first}{last}_{}_{}",
        Hash(digest(&ciphers, [].into_iter())),
        Hash(digest(&extensions, hello.signature_algorithms.real())),
    );
    Ja4(text)
}

/// Gives the first and the last letter of a protocol, or of its hexadecimal digits.
fn protocol(name: &[u8]) -> [char; 2] {
    let (Some(first), Some(last)) = (name.first(), name.last()) else { return ['0', '0'] };
    if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() {
        return [char::from(*first), char::from(*last)];
    }
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
    [digit(first >> 4), digit(last & 0x0F)]
}

/// The first six bytes of a hash.
struct Hash([u8; 6]);

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Hashes values, and after an underscore those that follow; of nothing the hash is zero.
fn digest(values: &[u16], following: impl Iterator<Item = u16>) -> [u8; 6] {
    if values.is_empty() {
        return [0; 6];
    }
    let mut hasher = Sha256::new();
    let mut add = |separator: &[u8], value: u16| {
        let mut digits = [b'0'; 4];
        let _written = write!(digits.as_mut_slice(), "{value:04x}");
        hasher.update(separator);
        hasher.update(digits);
    };
    let mut separator: &[u8] = b"";
    for value in values {
        add(separator, *value);
        separator = b",";
    }
    separator = b"_";
    for value in following {
        add(separator, value);
        separator = b",";
    }
    hasher.finalize().as_slice().first_chunk::<6>().copied().unwrap_or_default()
}

//! One ClientHello.

use super::extensions::{Extension, Extensions, Names, Words, list};
use crate::{Cursor, Fault};

/// What a ClientHello is held to.
const RULE: &str = "RFC 8446 §4.1.2";

/// Types of extensions.
/// # Source
/// IANA TLS ExtensionType Values.
mod kind {
    pub(super) const SERVER_NAME: u16 = 0x0000;
    pub(super) const SUPPORTED_GROUPS: u16 = 0x000A;
    pub(super) const SIGNATURE_ALGORITHMS: u16 = 0x000D;
    pub(super) const ALPN: u16 = 0x0010;
    pub(super) const SUPPORTED_VERSIONS: u16 = 0x002B;
    pub(super) const KEY_SHARE: u16 = 0x0033;
    pub(super) const ENCRYPTED_CLIENT_HELLO: u16 = 0xFE0D;
}

/// What a client says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientHello<'a> {
    /// The version in its old place, which says nothing since 1.3.
    pub legacy_version: u16,
    /// The cipher suites, in the order of preference.
    pub cipher_suites: Words<'a>,
    /// All extensions.
    pub extensions: Extensions<'a>,
    /// The name of the server that is meant; with ECH, the name of the one that decrypts the rest.
    pub server_name: Option<&'a str>,
    /// The application protocols that may follow.
    pub alpn: Names<'a>,
    /// The versions that the client speaks, in the order of preference; empty before 1.3.
    pub supported_versions: Words<'a>,
    /// The signature algorithms, in the order of preference.
    pub signature_algorithms: Words<'a>,
    /// The groups of key exchange, in the order of preference.
    pub supported_groups: Words<'a>,
    /// The entries of the key share, from which [`Self::key_share_groups`] are read.
    key_shares: &'a [u8],
    /// Whether what is really meant is encrypted (ECH).
    pub has_encrypted_hello: bool,
}

impl<'a> ClientHello<'a> {
    /// Reads a handshake message.
    /// # Errors
    /// When it is none, or breaks the standard.
    pub fn read(message: &'a [u8]) -> Result<Self, Fault> {
        let mut from = Cursor::whole(message, RULE);
        if from.u8()? != 1 {
            return Err(Fault::Malformed { at: 0, rule: "RFC 8446 §4" });
        }
        let length = usize::try_from(from.u24()?).unwrap_or(usize::MAX);
        if length != from.left() {
            return Err(Fault::Malformed { at: 1, rule: "RFC 8446 §4" });
        }
        let legacy_version = from.u16()?;
        from.take(32)?;
        let session_id = from.u8()?;
        if session_id > 32 {
            return Err(Fault::Malformed { at: from.at().saturating_sub(1), rule: RULE });
        }
        from.take(usize::from(session_id))?;
        let at = from.at();
        let cipher_suites = Words::new(list(&mut from)?, at, RULE)?;
        let compressions = from.u8()?;
        if compressions == 0 {
            return Err(Fault::Malformed { at: from.at().saturating_sub(1), rule: RULE });
        }
        from.take(usize::from(compressions))?;
        let mut hello = Self {
            legacy_version,
            cipher_suites,
            extensions: Extensions::default(),
            server_name: None,
            alpn: Names::default(),
            supported_versions: Words::default(),
            signature_algorithms: Words::default(),
            supported_groups: Words::default(),
            key_shares: &[],
            has_encrypted_hello: false,
        };
        // Before 1.3 a client need not send extensions (RFC 5246 §7.4.1.2).
        if !from.is_empty() {
            let start = from.at().saturating_add(2);
            hello.extensions(list(&mut from)?).map_err(|fault| fault.after(start))?;
        }
        if from.is_empty() { Ok(hello) } else { Err(from.malformed(RULE)) }
    }

    fn extensions(&mut self, bytes: &'a [u8]) -> Result<(), Fault> {
        self.extensions = Extensions::new(bytes);
        let mut from = Cursor::whole(bytes, "RFC 8446 §4.2");
        let mut seen = 0_u8;
        while !from.is_empty() {
            let start = from.at();
            let extension = Extensions::one(&mut from)?;
            // Two of a kind, and two readers may believe different ones.
            let bit = known(extension.kind);
            if seen & bit != 0 {
                return Err(Fault::Malformed { at: start, rule: "RFC 8446 §4.2" });
            }
            seen |= bit;
            self.note(extension).map_err(|fault| fault.after(start.saturating_add(4)))?;
        }
        Ok(())
    }

    fn note(&mut self, extension: Extension<'a>) -> Result<(), Fault> {
        let rule = match extension.kind {
            kind::SERVER_NAME => "RFC 6066 §3",
            kind::ALPN => "RFC 7301 §3.1",
            kind::SUPPORTED_VERSIONS => "RFC 8446 §4.2.1",
            kind::SIGNATURE_ALGORITHMS => "RFC 8446 §4.2.3",
            kind::SUPPORTED_GROUPS => "RFC 8446 §4.2.7",
            kind::KEY_SHARE => "RFC 8446 §4.2.8",
            kind::ENCRYPTED_CLIENT_HELLO => {
                self.has_encrypted_hello = true;
                return Ok(());
            }
            _ => return Ok(()),
        };
        let mut from = Cursor::whole(extension.data, rule);
        match extension.kind {
            kind::SERVER_NAME => self.server_name = server_name(&mut from, rule)?,
            kind::ALPN => self.alpn = Names::read(&mut from)?,
            kind::SUPPORTED_VERSIONS => {
                let length = from.u8()?;
                self.supported_versions = Words::new(from.take(usize::from(length))?, 0, rule)?;
            }
            kind::SIGNATURE_ALGORITHMS => {
                self.signature_algorithms = Words::new(list(&mut from)?, 0, rule)?;
            }
            kind::SUPPORTED_GROUPS => {
                self.supported_groups = Words::new(list(&mut from)?, 0, rule)?;
            }
            _ => {
                self.key_shares = list(&mut from)?;
                let mut shares = Cursor::whole(self.key_shares, rule);
                while !shares.is_empty() {
                    key_share(&mut shares)?;
                }
            }
        }
        if from.is_empty() { Ok(()) } else { Err(from.malformed(rule)) }
    }

    /// Gives the groups for which the client sent a key.
    pub fn key_share_groups(&self) -> impl Iterator<Item = u16> + 'a {
        let mut from = Cursor::open(self.key_shares);
        std::iter::from_fn(move || key_share(&mut from).ok())
    }

    /// Gives the highest version that the client speaks.
    #[must_use]
    pub fn version(&self) -> u16 {
        self.supported_versions.real().max().unwrap_or(self.legacy_version)
    }
}

/// Gives a bit to each extension that is read.
fn known(kind: u16) -> u8 {
    match kind {
        kind::SERVER_NAME => 1,
        kind::SUPPORTED_GROUPS => 2,
        kind::SIGNATURE_ALGORITHMS => 4,
        kind::ALPN => 8,
        kind::SUPPORTED_VERSIONS => 16,
        kind::KEY_SHARE => 32,
        kind::ENCRYPTED_CLIENT_HELLO => 64,
        _ => 0,
    }
}

/// Takes one entry of a key share; gives its group.
fn key_share(from: &mut Cursor<'_>) -> Result<u16, Fault> {
    let group = from.u16()?;
    list(from)?;
    Ok(group)
}

/// Takes the names of a server; gives the one that is a host name.
fn server_name<'a>(from: &mut Cursor<'a>, rule: &'static str) -> Result<Option<&'a str>, Fault> {
    let mut names = Cursor::whole(list(from)?, rule);
    let mut found = None;
    while !names.is_empty() {
        let at = names.at().saturating_add(2);
        let (kind, name) = (names.u8()?, list(&mut names)?);
        // There is one host name at most, in ASCII and not empty.
        if kind == 0 {
            let is_name = !name.is_empty() && name.iter().all(u8::is_ascii_graphic);
            let name = std::str::from_utf8(name).ok().filter(|_| is_name && found.is_none());
            found = Some(name.ok_or(Fault::Malformed { at, rule })?);
        }
    }
    Ok(found)
}

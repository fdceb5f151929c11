//! Addresses of the link and network layers, each parsed from the spellings that vendors use.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Says why a text is not an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// The text is not a MAC address.
    #[error("a MAC address is six hexadecimal bytes, for example `00:1b:21:3a:4f:60`")]
    Mac,
    /// The MAC address is a group address, or all zeros.
    #[error("a device's MAC address is neither a group address nor all zeros")]
    MacGroup,
    /// The text is not an EUI-64.
    #[error("an EUI-64 is eight hexadecimal bytes, for example `00-1b-21-ff-fe-3a-4f-60`")]
    Eui64,
    /// The number is not a VLAN id.
    #[error("a VLAN id is a number from 1 to 4094")]
    Vlan,
}

/// Reads `N` bytes of hexadecimal text, with `:`, `-` or `.` between them or nothing at all.
fn hex_bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0u8; N];
    let mut digits = 0usize;
    for c in text.chars() {
        if matches!(c, ':' | '-' | '.') {
            if digits == 0 || !digits.is_multiple_of(2) {
                return None;
            }
            continue;
        }
        let digit = u8::try_from(c.to_digit(16)?).ok()?;
        let byte = bytes.get_mut(digits / 2)?;
        *byte = (*byte << 4) | digit;
        digits += 1;
    }
    (digits == 2 * N && text.ends_with(|c: char| c.is_ascii_hexdigit())).then_some(bytes)
}

/// A device's MAC address; never a group address.
/// # Shape
/// Six bytes in transmission order; written with colons, lower case.
/// # Source
/// IEEE 802-2014 §8.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Mac([u8; 6]);

impl Mac {
    /// Makes a MAC address of its bytes.
    /// # Errors
    /// [`AddressError::MacGroup`] for a group address and for all zeros.
    pub fn new(bytes: [u8; 6]) -> Result<Self, AddressError> {
        let group = bytes.first().is_some_and(|first| first & 1 == 1);
        if group || bytes == [0; 6] {
            return Err(AddressError::MacGroup);
        }
        Ok(Self(bytes))
    }

    /// Gives the six bytes.
    #[must_use]
    pub fn bytes(&self) -> [u8; 6] {
        self.0
    }
}

impl FromStr for Mac {
    type Err = AddressError;
    fn from_str(text: &str) -> Result<Self, AddressError> {
        Self::new(hex_bytes::<6>(text).ok_or(AddressError::Mac)?)
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

/// The EUI-64 by which a device names itself in HL7 OBX-18.
/// # Source
/// IEEE 802-2014 §8.2; IHE PCD TF-2 (equipment instance identifier).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Eui64([u8; 8]);

impl Eui64 {
    /// Makes an EUI-64 of its bytes.
    #[must_use]
    pub fn new(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }
}

impl FromStr for Eui64 {
    type Err = AddressError;
    fn from_str(text: &str) -> Result<Self, AddressError> {
        hex_bytes::<8>(text).map(Self).ok_or(AddressError::Eui64)
    }
}

impl fmt::Display for Eui64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            let dash = if index == 0 { "" } else { "-" };
            write!(f, "{dash}{byte:02x}")?;
        }
        Ok(())
    }
}

/// An IEEE 802.1Q VLAN id.
/// # Units
/// 1 to 4094; 0 and 4095 are reserved.
/// # Source
/// IEEE 802.1Q-2018 §9.6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct Vlan(u16);

impl Vlan {
    /// Makes a VLAN id.
    /// # Errors
    /// [`AddressError::Vlan`] outside 1 to 4094.
    pub fn new(id: u16) -> Result<Self, AddressError> {
        (1..=4094).contains(&id).then_some(Self(id)).ok_or(AddressError::Vlan)
    }
}

impl TryFrom<u16> for Vlan {
    type Error = AddressError;
    fn try_from(id: u16) -> Result<Self, AddressError> {
        Self::new(id)
    }
}

impl From<Vlan> for u16 {
    fn from(vlan: Vlan) -> Self {
        vlan.0
    }
}

impl fmt::Display for Vlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

macro_rules! text_serde {
    ($($name:ident),*) => {$(
        impl TryFrom<String> for $name {
            type Error = AddressError;
            fn try_from(text: String) -> Result<Self, AddressError> {
                text.parse()
            }
        }
        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.to_string()
            }
        }
    )*};
}
text_serde!(Mac, Eui64);

/// The transport protocols that flows use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// RFC 9293.
    Tcp,
    /// RFC 768.
    Udp,
}

impl Transport {
    /// Gives the name that nftables, Zeek and people use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }

    /// Gives its number in IP headers.
    /// # Source
    /// RFC 9293 §3.1 (TCP), RFC 768 (UDP).
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Tcp => 6,
            Self::Udp => 17,
        }
    }

    /// Reads a number of an IP header.
    #[must_use]
    pub fn of_number(number: u8) -> Option<Self> {
        [Self::Tcp, Self::Udp].into_iter().find(|one| one.number() == number)
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_vendor_spelling_of_a_mac_address() {
        for text in ["00:1B:21:3a:4f:60", "00-1b-21-3a-4f-60", "001b.213a.4f60", "001b213a4f60"] {
            assert_eq!(text.parse::<Mac>().map(|m| m.to_string()), Ok("00:1b:21:3a:4f:60".into()));
        }
    }

    #[test]
    fn refuses_what_is_no_device_address() {
        let cases = [
            ("00:1b:21:3a:4f", AddressError::Mac),
            ("00:1b:21:3a:4f:60:", AddressError::Mac),
            ("0:01b:21:3a:4f:60", AddressError::Mac),
            ("00:1b:21:3a:4f:6g", AddressError::Mac),
            ("00:1b:21:3a:4f:60:70", AddressError::Mac),
            ("ff:ff:ff:ff:ff:ff", AddressError::MacGroup),
            ("00:00:00:00:00:00", AddressError::MacGroup),
        ];
        for (text, error) in cases {
            assert_eq!(text.parse::<Mac>(), Err(error), "{text}");
        }
        assert_eq!(Vlan::new(0), Err(AddressError::Vlan));
        assert_eq!(Vlan::new(4095), Err(AddressError::Vlan));
    }
}

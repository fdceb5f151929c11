//! Names of things: every identifier is parsed once and is then known to be well formed.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Longest identifier in bytes; generous for names such as `HVAC-B2-Floor7-Zone3`.
pub const ID_BYTES_MAX: usize = 64;

/// Says why a text is not an identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// The text is empty.
    #[error("the identifier is empty")]
    Empty,
    /// The text is longer than [`ID_BYTES_MAX`].
    #[error("the identifier is longer than {ID_BYTES_MAX} bytes")]
    Long,
    /// A character other than a letter, a digit, `-`, `_` or `.`, or a first character that is
    /// neither a letter nor a digit.
    #[error(
        "`{0}` is not allowed here: use letters, digits, `-`, `_` and `.`, a letter or digit first"
    )]
    Character(char),
}

fn parse(text: &str) -> Result<Arc<str>, IdError> {
    if text.is_empty() {
        return Err(IdError::Empty);
    }
    if text.len() > ID_BYTES_MAX {
        return Err(IdError::Long);
    }
    for (index, c) in text.chars().enumerate() {
        let legal = c.is_ascii_alphanumeric() || (index > 0 && matches!(c, '-' | '_' | '.'));
        if !legal {
            return Err(IdError::Character(c));
        }
    }
    Ok(Arc::from(text))
}

macro_rules! identifiers {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Parses the identifier.
            /// # Errors
            /// [`IdError`] if the text is empty, too long, or holds a foreign character.
            pub fn new(text: &str) -> Result<Self, IdError> {
                parse(text).map(Self)
            }

            /// Gives the text of the identifier.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                Self::new(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.as_ref().to_owned()
            }
        }
    )*};
}

identifiers! {
    /// Names a hospital, for example `metropolitan`.
    HospitalId;
    /// Names one networked device, for example `PUMP-3F-042`.
    DeviceId;
    /// Names a device type and its profile, for example `infusion-pump`.
    ProfileId;
    /// Names a building.
    BuildingId;
    /// Names a care unit or a technical area inside a building.
    UnitId;
    /// Names a network segment.
    SegmentId;
    /// Names a zone: a set of addresses with one purpose (IEC 62443-3-2 zone).
    ZoneId;
    /// Names a service, that is, an endpoint with addresses and a port.
    ServiceId;
    /// Names an enforcement point (NIST SP 800-207 PEP): a gateway, a segment firewall or a guard.
    PointId;
    /// Names the rule that decided: a Cedar policy, a guardrail, or `default-deny`.
    RuleId;
    /// Names who writes a journal: an enforcement point or a decision node.
    WriterId;
    /// Names a person's badge; never a patient's.
    BadgeId;
    /// A short word of a closed or well-known list: a reason, a method, a serial number, a
    /// fingerprint. It is no place for free text.
    Label;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_the_names_hospitals_use() {
        for name in ["PUMP-3F-042", "HVAC-B2-Floor7-Zone3", "gw-a.001", "7", "a_b"] {
            assert_eq!(DeviceId::new(name).map(|id| id.to_string()), Ok(name.to_owned()));
        }
    }

    #[test]
    fn refuses_what_could_break_a_ruleset_or_a_path() {
        assert_eq!(DeviceId::new(""), Err(IdError::Empty));
        assert_eq!(DeviceId::new(&"x".repeat(65)), Err(IdError::Long));
        for (name, c) in [("../x", '.'), ("a b", ' '), ("a\"b", '"'), ("-a", '-'), ("é", 'é')] {
            assert_eq!(DeviceId::new(name), Err(IdError::Character(c)), "{name}");
        }
    }
}

//! What is known of a device at the moment of a decision, and the finite space of all of it.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! closed {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $text)] $variant,)*
        }

        impl $name {
            /// Every value, in the order of the posture space.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Gives the name that policies and the command line use.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// Reads a name, in upper or lower case.
            #[must_use]
            pub fn from_name(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.name().eq_ignore_ascii_case(text))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.name())
            }
        }
    };
}

closed! {
    /// Where a device stands in its life and in an incident.
    DeviceState {
        /// Seen, not yet approved.
        Discovered = "DISCOVERED",
        /// Approved, binding not yet proven.
        Enrolled = "ENROLLED",
        /// In normal service.
        Normal = "NORMAL",
        /// Under watch; nothing is cut.
        Suspect = "SUSPECT",
        /// Contained in place: lifelines only.
        Contained = "CONTAINED",
        /// Nothing at all; for RED only two people can order it.
        Isolated = "ISOLATED",
        /// Being repaired.
        Remediation = "REMEDIATION",
        /// Back in service, watched closely.
        Probation = "PROBATION",
        /// Out of service for good.
        Retired = "RETIRED",
    }
}

closed! {
    /// How the device proved who it is.
    Identity {
        /// By its own certificate.
        Certificate = "certificate",
        /// By MAC, IP and port at its gateway, which holds its credential.
        GatewayBound = "gateway-bound",
        /// Not proven: certificate lapsed, or binding not seen yet.
        Unproven = "unproven",
        /// Two claimants.
        Conflict = "conflict",
    }
}

closed! {
    /// What the last firmware attestation says.
    Attestation {
        /// Passed and fresh.
        Passed = "passed",
        /// Passed once, too long ago.
        Stale = "stale",
        /// Failed.
        Failed = "failed",
        /// The device cannot attest.
        Unable = "unable",
    }
}

/// Everything about a device that may change while it works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Posture {
    /// What attestation says.
    pub attestation: Attestation,
    /// Whether clinical emergency mode is on in its zone.
    pub emergency: bool,
    /// How it proved who it is.
    pub identity: Identity,
    /// Where the device stands.
    pub state: DeviceState,
}

impl Posture {
    /// The number of postures that differ.
    pub const COUNT: usize =
        DeviceState::ALL.len() * 2 * Identity::ALL.len() * Attestation::ALL.len();

    /// Gives the place of the posture in the space, 0 to [`Self::COUNT`] − 1.
    #[must_use]
    pub fn index(self) -> usize {
        let states = DeviceState::ALL.len();
        let identities = Identity::ALL.len();
        let emergency = usize::from(self.emergency);
        ((self.attestation as usize * identities + self.identity as usize) * 2 + emergency) * states
            + self.state as usize
    }

    /// Gives every posture in the order of [`Self::index`].
    pub fn all() -> impl Iterator<Item = Self> {
        Attestation::ALL.iter().flat_map(|&attestation| {
            Identity::ALL.iter().flat_map(move |&identity| {
                [false, true].into_iter().flat_map(move |emergency| {
                    DeviceState::ALL.iter().map(move |&state| Self {
                        state,
                        identity,
                        attestation,
                        emergency,
                    })
                })
            })
        })
    }
}

const WORDS: usize = Posture::COUNT.div_ceil(64);

/// A set of postures: the ones in which a flow is permitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct PostureSet([u64; WORDS]);

impl PostureSet {
    /// Adds a posture.
    pub fn insert(&mut self, posture: Posture) {
        let index = posture.index();
        if let Some(word) = self.0.get_mut(index / 64) {
            *word |= 1 << (index % 64);
        }
    }

    /// Says whether the posture is in the set.
    #[must_use]
    pub fn contains(&self, posture: Posture) -> bool {
        let index = posture.index();
        self.0.get(index / 64).is_some_and(|word| word >> (index % 64) & 1 == 1)
    }

    /// Says whether no posture is in the set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// Keeps what is in both sets.
    #[must_use]
    pub fn intersection(mut self, other: &Self) -> Self {
        for (word, theirs) in self.0.iter_mut().zip(other.0) {
            *word &= theirs;
        }
        self
    }

    /// Keeps what is not in the other set.
    #[must_use]
    pub fn difference(mut self, other: &Self) -> Self {
        for (word, theirs) in self.0.iter_mut().zip(other.0) {
            *word &= !theirs;
        }
        self
    }

    /// Takes what is in either set.
    #[must_use]
    pub fn union(mut self, other: &Self) -> Self {
        for (word, theirs) in self.0.iter_mut().zip(other.0) {
            *word |= theirs;
        }
        self
    }

    /// Counts the postures in the set.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }
}

impl FromIterator<Posture> for PostureSet {
    fn from_iter<I: IntoIterator<Item = Posture>>(postures: I) -> Self {
        let mut set = Self::default();
        for posture in postures {
            set.insert(posture);
        }
        set
    }
}

/// Says that a text is not a set of postures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a set of postures is {} hexadecimal digits", WORDS * 16)]
pub struct PostureSetError;

impl Serialize for PostureSet {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text: String = self.0.iter().map(|word| format!("{word:016x}")).collect();
        serializer.serialize_str(&text)
    }
}

impl<'de> Deserialize<'de> for PostureSet {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let refuse = || serde::de::Error::custom(PostureSetError);
        if text.len() != WORDS * 16 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(refuse());
        }
        let mut set = Self::default();
        for (word, at) in set.0.iter_mut().zip((0..).step_by(16)) {
            let digits = text.get(at..at + 16).ok_or_else(refuse)?;
            *word = u64::from_str_radix(digits, 16).map_err(|_| refuse())?;
        }
        Ok(set)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_posture_space_is_numbered_without_gaps() {
        let indexes: Vec<_> = Posture::all().map(Posture::index).collect();
        assert_eq!(indexes, (0..Posture::COUNT).collect::<Vec<_>>());
    }

    #[test]
    fn a_set_of_postures_reads_back() {
        let set: PostureSet =
            Posture::all().filter(|p| p.state == DeviceState::Contained || p.emergency).collect();
        let text = serde_json::to_string(&set).unwrap_or_default();
        assert_eq!(serde_json::from_str::<PostureSet>(&text).ok(), Some(set));
        assert!(serde_json::from_str::<PostureSet>("\"00\"").is_err());
    }
}

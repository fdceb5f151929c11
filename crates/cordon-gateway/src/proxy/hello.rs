//! The first bytes of who opened a connection: TLS of its own, or the protocol itself.

use cordon_wire::classify::{self, Guess, Transport};
use cordon_wire::tls::{Carrier, Ja4, Reader, ja4};

/// What a client says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Client {
    pub(super) ja4: Ja4,
    pub(super) server_name: Option<Box<str>>,
}

/// The first bytes, and what they tell.
#[derive(Debug)]
pub(super) struct Beginning {
    pub(super) bytes: Vec<u8>,
    pub(super) is_tls: bool,
    pub(super) hello: Option<Client>,
}

/// Keeps first bytes until they tell.
#[derive(Debug)]
pub(super) enum Hello {
    /// They do not tell yet.
    Open(Vec<u8>),
    /// TLS has begun, and its first message is not complete.
    Reading(Box<Reader>, Vec<u8>),
    /// It is known.
    Done,
}

impl Default for Hello {
    fn default() -> Self {
        Self::Open(Vec::new())
    }
}

impl Hello {
    pub(super) fn is_done(&self) -> bool {
        matches!(self, Self::Done)
    }

    /// Takes bytes; gives all that were kept once they tell.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Option<Beginning> {
        match std::mem::replace(self, Self::Done) {
            Self::Done => None,
            Self::Open(mut kept) => {
                kept.extend_from_slice(bytes);
                match classify::first_bytes(&kept, Transport::Tcp) {
                    Guess::NeedMore => {
                        *self = Self::Open(kept);
                        None
                    }
                    Guess::Tls => {
                        let reader = Box::new(Reader::new());
                        let bytes = kept.clone();
                        self.read(reader, kept, &bytes)
                    }
                    Guess::Hl7
                    | Guess::Dicom
                    | Guess::Modbus
                    | Guess::Bacnet
                    | Guess::Http
                    | Guess::Unknown => Some(Beginning { bytes: kept, is_tls: false, hello: None }),
                }
            }
            Self::Reading(reader, mut kept) => {
                kept.extend_from_slice(bytes);
                self.read(reader, kept, bytes)
            }
        }
    }

    fn read(&mut self, mut reader: Box<Reader>, kept: Vec<u8>, bytes: &[u8]) -> Option<Beginning> {
        let mut hello = None;
        reader.feed(bytes, &mut |unit| {
            hello = unit.value.ok().map(|hello| Client {
                ja4: ja4(&hello, Carrier::Tcp),
                server_name: hello.server_name.map(Box::from),
            });
        });
        if reader.is_done() || reader.is_lost() {
            return Some(Beginning { bytes: kept, is_tls: true, hello });
        }
        *self = Self::Reading(reader, kept);
        None
    }

    /// Gives what is kept, for nothing more comes.
    pub(super) fn finish(self) -> Option<Beginning> {
        let (bytes, is_tls) = match self {
            Self::Open(kept) => (kept, false),
            Self::Reading(_, kept) => (kept, true),
            Self::Done => return None,
        };
        (!bytes.is_empty()).then_some(Beginning { bytes, is_tls, hello: None })
    }
}

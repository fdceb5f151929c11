//! One head.

use std::fmt;

use super::HEAD_FIELDS;
use crate::{Fault, Side};

/// How a message says where it ends, if it says so by transfer coding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Coding {
    /// In chunks.
    Chunked,
    /// In some other way; then only the end of the connection ends it.
    Other,
}

/// The first line.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Start<'a> {
    /// Of a request.
    Request {
        /// The method.
        method: &'a str,
        /// What it is about; may hold a patient's identifier, and is not printed.
        target: &'a str,
    },
    /// Of a response.
    Response {
        /// The status.
        status: u16,
    },
}

/// The head of a request or of a response.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Head<'a> {
    start: Start<'a>,
    minor_version: u8,
    fields: &'a [u8],
    content_length: Option<u64>,
    coding: Option<Coding>,
    host: Option<&'a [u8]>,
    user_agent: Option<&'a [u8]>,
}

impl<'a> Head<'a> {
    /// Reads a head, up to and with the empty line that ends it.
    /// # Errors
    /// When it breaks the standard, has too many fields, or can be framed in two ways.
    pub fn read(bytes: &'a [u8], side: Side) -> Result<Self, Fault> {
        let mut fields = [httparse::EMPTY_HEADER; HEAD_FIELDS.max];
        let (start, minor_version) = match side {
            Side::Request => {
                let mut request = httparse::Request::new(&mut fields);
                request.parse(bytes).map_err(|error| fault(error, bytes)).and_then(complete)?;
                let method = request.method.unwrap_or_default();
                let target = request.path.unwrap_or_default();
                (Start::Request { method, target }, request.version.unwrap_or_default())
            }
            Side::Response => {
                let mut response = httparse::Response::new(&mut fields);
                response.parse(bytes).map_err(|error| fault(error, bytes)).and_then(complete)?;
                let status = response.code.unwrap_or_default();
                (Start::Response { status }, response.version.unwrap_or_default())
            }
        };
        let mut head = Self {
            start,
            minor_version,
            fields: after_start(bytes),
            content_length: None,
            coding: None,
            host: None,
            user_agent: None,
        };
        for field in fields.iter().take_while(|field| !field.name.is_empty()) {
            head.note(field.name, field.value)?;
        }
        head.check()?;
        Ok(head)
    }

    fn note(&mut self, name: &str, value: &'a [u8]) -> Result<(), Fault> {
        if name.eq_ignore_ascii_case("content-length") {
            let length = length(value)?;
            if self.content_length.is_some_and(|other| other != length) {
                return Err(broken("RFC 9112 §6.3"));
            }
            self.content_length = Some(length);
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            for coding in value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
                // Chunked is the last coding, and is there once (§6.1).
                if self.coding == Some(Coding::Chunked) {
                    return Err(broken("RFC 9112 §6.1"));
                }
                let is_chunked = coding.eq_ignore_ascii_case(b"chunked");
                self.coding = Some(if is_chunked { Coding::Chunked } else { Coding::Other });
            }
        } else if name.eq_ignore_ascii_case("host") {
            if self.host.is_some() {
                return Err(broken("RFC 9112 §3.2"));
            }
            self.host = Some(value);
        } else if name.eq_ignore_ascii_case("user-agent") {
            self.user_agent = Some(value);
        }
        Ok(())
    }

    fn check(&self) -> Result<(), Fault> {
        let is_request = matches!(self.start, Start::Request { .. });
        if self.coding.is_some() {
            // Whoever does not know chunks would take the length (§6.3), or take none (§6.1).
            if self.content_length.is_some() {
                return Err(broken("RFC 9112 §6.3"));
            }
            if self.minor_version == 0 {
                return Err(broken("RFC 9112 §6.1"));
            }
            if is_request && self.coding != Some(Coding::Chunked) {
                return Err(broken("RFC 9112 §6.3"));
            }
        }
        if is_request && self.minor_version > 0 && self.host.is_none() {
            return Err(broken("RFC 9112 §3.2"));
        }
        Ok(())
    }

    /// Gives the first line.
    #[must_use]
    pub fn start(&self) -> Start<'a> {
        self.start
    }

    /// Gives the method of a request.
    #[must_use]
    pub fn method(&self) -> Option<&'a str> {
        match self.start {
            Start::Request { method, .. } => Some(method),
            Start::Response { .. } => None,
        }
    }

    /// Gives the target of a request; it may hold a patient's identifier.
    #[must_use]
    pub fn target(&self) -> Option<&'a str> {
        match self.start {
            Start::Request { target, .. } => Some(target),
            Start::Response { .. } => None,
        }
    }

    /// Gives the status of a response.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self.start {
            Start::Request { .. } => None,
            Start::Response { status } => Some(status),
        }
    }

    /// Gives what follows `HTTP/1.`: 0 or 1.
    #[must_use]
    pub fn minor_version(&self) -> u8 {
        self.minor_version
    }

    /// Gives the host of a request.
    #[must_use]
    pub fn host(&self) -> Option<&'a [u8]> {
        self.host
    }

    /// Gives the program that asks.
    #[must_use]
    pub fn user_agent(&self) -> Option<&'a [u8]> {
        self.user_agent
    }

    /// Gives the length of the body, where the head says it.
    /// # Units
    /// Bytes.
    #[must_use]
    pub fn content_length(&self) -> Option<u64> {
        self.content_length
    }

    /// Gives the last transfer coding.
    #[must_use]
    pub fn coding(&self) -> Option<Coding> {
        self.coding
    }

    /// Gives the fields in order, names as they are written.
    pub fn fields(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        self.fields.split(|byte| *byte == b'\n').filter_map(|line| {
            let colon = memchr::memchr(b':', line)?;
            let (name, value) = line.split_at_checked(colon)?;
            Some((name, value.get(1..)?.trim_ascii()))
        })
    }

    /// Gives the first field of a name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&'a [u8]> {
        self.fields()
            .find(|(found, _)| found.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, value)| value)
    }
}

// Targets and fields can name a patient: method, status and lengths are printed, nothing else.
impl fmt::Debug for Head<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Head");
        match self.start {
            Start::Request { method, target } => {
                debug.field("method", &method).field("target_bytes", &target.len());
            }
            Start::Response { status } => {
                debug.field("status", &status);
            }
        }
        debug
            .field("content_length", &self.content_length)
            .field("coding", &self.coding)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Start<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request { method, .. } => write!(f, "Request({method})"),
            Self::Response { status } => write!(f, "Response({status})"),
        }
    }
}

fn broken(rule: &'static str) -> Fault {
    Fault::Malformed { at: 0, rule }
}

/// Gives what follows the first line that is not empty.
fn after_start(bytes: &[u8]) -> &[u8] {
    let text = bytes.iter().position(|byte| !matches!(byte, b'\r' | b'\n')).unwrap_or_default();
    let rest = bytes.get(text..).unwrap_or_default();
    let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end.saturating_add(1));
    rest.get(end..).unwrap_or_default()
}

/// Reads a length: digits, or the same digits several times.
/// # Source
/// RFC 9110 §8.6.
fn length(value: &[u8]) -> Result<u64, Fault> {
    let mut found = None;
    for one in value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
        let one = digits(one).ok_or(broken("RFC 9110 §8.6"))?;
        if found.is_some_and(|other| other != one) {
            return Err(broken("RFC 9112 §6.3"));
        }
        found = Some(one);
    }
    found.ok_or(broken("RFC 9110 §8.6"))
}

fn digits(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_u64, |number, byte| {
        let digit = char::from(*byte).to_digit(10)?;
        number.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

/// Says what is wrong with a head that ends before its end.
fn complete(status: httparse::Status<usize>) -> Result<(), Fault> {
    match status {
        httparse::Status::Complete(_) => Ok(()),
        httparse::Status::Partial => Err(broken("RFC 9112 §2.1")),
    }
}

pub(super) fn fault(error: httparse::Error, bytes: &[u8]) -> Fault {
    match error {
        httparse::Error::HeaderName => broken("RFC 9112 §5"),
        httparse::Error::HeaderValue => broken("RFC 9110 §5.5"),
        httparse::Error::NewLine => broken("RFC 9112 §2.2"),
        httparse::Error::Status => broken("RFC 9112 §4"),
        httparse::Error::Token => broken("RFC 9112 §3"),
        httparse::Error::TooManyHeaders => Fault::OverLimit { at: 0, limit: HEAD_FIELDS },
        httparse::Error::Version if bytes.starts_with(b"PRI * HTTP/2.0\r\n") => {
            Fault::Unsupported { at: 0, what: "HTTP/2" }
        }
        httparse::Error::Version => broken("RFC 9112 §2.3"),
    }
}

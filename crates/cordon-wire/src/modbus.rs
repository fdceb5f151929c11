//! Modbus TCP: units of a stream, requests and answers in them, and exceptions to refuse with.
//!
//! Invariant: a function code is known of every PDU that has a byte, however wrong the rest of it
//! is ([`outline`]).
//!
//! Source: Modbus APv1.1b3; Modbus TCP IGv1.0b.

mod file;
mod function;
mod identification;
mod request;
mod response;
mod stream;
mod values;

pub use file::{FileGroup, FileGroups, FileRead, FileReads, FileValues};
pub use function::{
    EXCEPTION_BIT, FUNCTION_NAMES, Outline, exception_name, function_name, is_user_defined, outline,
};
pub use identification::{Object, Objects};
pub use request::Request;
pub use response::Response;
pub use stream::{Adu, Reader, exception};
pub use values::{Coils, Registers, Span, Table};

/// The longest PDU: a serial-line ADU of 256 bytes without its address and its checksum.
/// # Units
/// Bytes.
/// # Source
/// Modbus APv1.1b3 §4.1.
pub const PDU_BYTES_MAX: usize = 253;

/// The largest quantity of bits that one request reads.
/// # Source
/// Modbus APv1.1b3 §6.1.
pub const READ_BITS_MAX: u16 = 2000;

/// The largest quantity of registers that one request reads.
/// # Source
/// Modbus APv1.1b3 §6.3.
pub const READ_REGISTERS_MAX: u16 = 125;

/// The largest quantity of coils that one request writes: 0x07B0, less than a request reads,
/// because it has to carry them.
/// # Source
/// Modbus APv1.1b3 §6.11.
pub const WRITE_COILS_MAX: u16 = 1968;

/// The largest quantity of registers that one request writes.
/// # Source
/// Modbus APv1.1b3 §6.12.
pub const WRITE_REGISTERS_MAX: u16 = 123;

/// The largest quantity of registers that a request writes which also reads.
/// # Source
/// Modbus APv1.1b3 §6.17.
pub const READ_WRITE_REGISTERS_MAX: u16 = 121;

/// The largest number of registers in a queue.
/// # Source
/// Modbus APv1.1b3 §6.18.
pub const FIFO_REGISTERS_MAX: u16 = 31;

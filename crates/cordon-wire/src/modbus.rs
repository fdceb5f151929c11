//! Modbus TCP.

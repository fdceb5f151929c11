//! Tests of `modbus`.

//! Tests of `hl7`.

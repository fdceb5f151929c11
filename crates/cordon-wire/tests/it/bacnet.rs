//! Tests of `bacnet`.

//! Formats: what a record of the journal is in the words of another system.

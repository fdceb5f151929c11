//! Exporters: the journal's records in the shapes that other systems read.

pub mod delivery;
pub mod format;

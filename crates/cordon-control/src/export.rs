//! Exporters: the journal's records in the shapes that other systems read.

pub mod config;
pub mod delivery;
pub mod feed;
pub mod format;
pub mod letters;
pub mod run;
pub mod sink;
pub mod status;
pub mod words;

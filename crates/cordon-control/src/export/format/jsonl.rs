//! JSON lines: the event as it was recorded, with the name and the hash of its record.
//!
//! Source: RFC 8785 (canonical JSON).

use cordon_model::Event;
use serde::Serialize;

use super::Item;

#[derive(Serialize)]
struct Line<'a> {
    after: &'a str,
    event: &'a Event,
    hash: &'a str,
    host: &'a str,
    id: String,
    time: u64,
}

/// Writes the record as one line of JSON, without its line end.
/// # Shape
/// `{"after":…,"event":…,"hash":…,"host":…,"id":…,"time":…}`; `time` is when it was written down,
/// in milliseconds since 1970; `event.at` is when it happened.
#[must_use]
pub fn line(item: &Item<'_>) -> String {
    let Item { after, event, hash, host, id, time } = *item;
    let line = Line { after, event, hash, host, id: id.to_string(), time: time.0 };
    // An event has no map with foreign keys and no number that JSON lacks: this cannot fail.
    serde_json::to_string(&line).unwrap_or_default()
}

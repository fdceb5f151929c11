//! Words: which format an exporter uses for a record.

use cordon_journal::read::Entry;
use cordon_journal::record::Record;
use cordon_model::event::EventId;

use super::config::{Exporter, FileFormat, SyslogFormat, Target};
use super::format::syslog::{self, Body};
use super::format::{Item, cef, hec, jsonl, ocsf};

impl SyslogFormat {
    fn body(self) -> Body {
        match self {
            Self::Json => Body::Json,
            Self::Cef => Body::Cef,
            Self::Leef => Body::Leef,
            Self::Atna => Body::Atna,
        }
    }
}

/// Gives a record in the words of an exporter; nothing if its format leaves this kind out.
#[must_use]
pub fn of(exporter: &Exporter, entry: &Entry, record: &Record, id: &EventId) -> Option<String> {
    let item = Item {
        after: &record.after.to_string(),
        event: &record.event,
        hash: &entry.leaf.to_string(),
        host: id.writer.as_str(),
        id,
        time: record.time,
    };
    match &exporter.target {
        Target::Hec(target) => Some(hec::line(&item, target.index.as_ref())),
        Target::Syslog(target) => {
            let message = syslog::message(&item, target.format.body(), target.message_bytes_max);
            message.map(|message| message.text)
        }
        Target::File(target) => Some(match target.format {
            FileFormat::Jsonl => jsonl::line(&item),
            FileFormat::Ocsf => ocsf::line(&item),
            FileFormat::Cef => cef::line(&item),
        }),
    }
}

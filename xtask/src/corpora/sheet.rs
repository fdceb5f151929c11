//! Compares what two readers say of the same messages, and keeps count.

use std::collections::{BTreeMap, BTreeSet};

/// What a reader says of one message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Message {
    /// Which message of the file: both readers must arrive at the same words.
    pub(super) place: String,
    /// The fields by name, in one notation for both readers; what a reader does not name is not there.
    pub(super) fields: BTreeMap<&'static str, String>,
    /// Why it could not be read, if it could not.
    pub(super) fault: Option<String>,
}

impl Message {
    /// A message without a field.
    pub(super) fn at(place: impl Into<String>) -> Message {
        Message { place: place.into(), ..Message::default() }
    }

    /// The same with a field more, if the reader names it.
    pub(super) fn with(mut self, field: &'static str, value: Option<impl ToString>) -> Message {
        if let Some(value) = value {
            self.fields.insert(field, value.to_string());
        }
        self
    }

    fn words(&self) -> String {
        let fault = self.fault.iter().cloned();
        let fields = self.fields.iter().map(|(name, value)| format!("{name}={value}"));
        let words = fault.chain(fields).collect::<Vec<_>>().join(" ");
        if words.is_empty() { "a message".to_owned() } else { words }
    }
}

/// One thing that two readers say differently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Difference {
    /// The corpus and the file in it.
    pub(super) file: String,
    pub(super) peer: &'static str,
    pub(super) place: String,
    /// The field, or [`WHOLE`].
    pub(super) field: &'static str,
    pub(super) ours: String,
    pub(super) theirs: String,
}

/// The field of a difference that is about the whole message.
pub(super) const WHOLE: &str = "message";

/// What stands where a reader says nothing.
pub(super) const SILENT: &str = "-";

/// One line of the table: a corpus against a peer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Row {
    pub(super) files: usize,
    /// Messages that the peer names.
    pub(super) named: usize,
    pub(super) equal: usize,
    /// Messages that both name the same, and one of both refuses.
    pub(super) refused: usize,
    pub(super) different: usize,
    pub(super) only_ours: usize,
    pub(super) only_theirs: usize,
    /// Why nothing was compared, if nothing was.
    pub(super) skipped: Option<String>,
}

/// All comparisons so far.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    pub(super) rows: BTreeMap<(&'static str, &'static str), Row>,
    pub(super) differences: Vec<Difference>,
}

impl Sheet {
    /// Compares the messages of one file; fields that the peer does not name are not compared.
    pub(super) fn compare(
        &mut self,
        (corpus, peer): (&'static str, &'static str),
        file: &str,
        theirs: &[Message],
        ours: &[Message],
    ) {
        let row = self.rows.entry((corpus, peer)).or_default();
        row.files += 1;
        row.named += theirs.len();
        let mut differ = |place: &str, field, ours: String, theirs: String| {
            let (file, place) = (format!("{corpus}/{file}"), place.to_owned());
            self.differences.push(Difference { file, peer, place, field, ours, theirs });
        };
        let mut by_place = BTreeMap::new();
        for message in ours {
            if by_place.insert(message.place.as_str(), message).is_some() {
                let twice = format!("{} (a second time)", message.words());
                differ(&message.place, WHOLE, twice, SILENT.to_owned());
            }
        }
        let mut met = BTreeSet::new();
        for named in theirs {
            let Some(message) = by_place.get(named.place.as_str()) else {
                row.only_theirs += 1;
                differ(&named.place, WHOLE, SILENT.to_owned(), named.words());
                continue;
            };
            met.insert(named.place.as_str());
            let apart = fields_apart(message, named);
            match apart.as_slice() {
                [] => row.equal += 1,
                [(WHOLE, ..)] if !message.fields.is_empty() => row.refused += 1,
                _ => row.different += 1,
            }
            for (field, ours, theirs) in apart {
                differ(&named.place, field, ours, theirs);
            }
        }
        for (place, message) in by_place.iter().filter(|(place, _)| !met.contains(*place)) {
            row.only_ours += 1;
            differ(place, WHOLE, message.words(), SILENT.to_owned());
        }
    }

    /// Says that a comparison was left out, and why.
    pub(super) fn skip(&mut self, corpus: &'static str, peer: &'static str, why: String) {
        self.rows.entry((corpus, peer)).or_default().skipped = Some(why);
    }

    /// Tells whether a peer was compared with at all.
    pub(super) fn ran(&self, corpus: &str, peer: &str) -> bool {
        self.rows.iter().any(|((its_corpus, its_peer), row)| {
            *its_corpus == corpus && *its_peer == peer && row.files > 0
        })
    }
}

/// The fields in which two readings of a message differ: name, ours, theirs.
fn fields_apart(ours: &Message, theirs: &Message) -> Vec<(&'static str, String, String)> {
    let mut apart = Vec::new();
    if ours.fault.is_some() != theirs.fault.is_some() {
        let words = |message: &Message| message.fault.clone().unwrap_or_else(|| message.words());
        apart.push((WHOLE, words(ours), words(theirs)));
        // A message of which one reader names nothing differs as a whole.
        if ours.fields.is_empty() || theirs.fields.is_empty() {
            return apart;
        }
    }
    for (field, value) in &theirs.fields {
        let said = ours.fields.get(field);
        if said != Some(value) {
            let said = said.cloned().unwrap_or_else(|| SILENT.to_owned());
            apart.push((*field, said, value.clone()));
        }
    }
    apart
}

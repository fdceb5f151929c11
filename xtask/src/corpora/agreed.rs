//! Differences that are known and argued: `xtask/corpora-differences.toml`.

use std::collections::BTreeSet;

use anyhow::{Context, bail, ensure};
use toml::{Table, Value};

use super::sheet::{Difference, Sheet};

/// One entry of the file. In `file`, `ours` and `theirs` a `*` at the end stands for any rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Agreed {
    pub(super) file: String,
    pub(super) peer: String,
    /// The places in the file; empty: wherever it occurs.
    pub(super) places: Vec<String>,
    pub(super) field: String,
    pub(super) ours: String,
    pub(super) theirs: String,
    /// How often it occurs; none: at least once.
    pub(super) times: Option<usize>,
    /// Who is right.
    pub(super) right: String,
    pub(super) why: String,
    /// The section of the standard that settles it.
    pub(super) source: String,
}

const KEYS: &[&str] =
    &["file", "peer", "places", "field", "ours", "theirs", "times", "right", "why", "source"];

const SIDES: &[&str] = &["ours", "theirs", "both", "neither"];

/// Reads the file.
///
/// # Errors
/// When an entry lacks something or has a key that is not known.
pub(super) fn parse(text: &str) -> anyhow::Result<Vec<Agreed>> {
    let table: Table = text.parse()?;
    let mut agreed = Vec::new();
    for (name, value) in &table {
        ensure!(name == "difference", "unknown key `{name}`");
        let entries = value.as_array().context("`difference` is no list")?;
        for (index, entry) in entries.iter().enumerate() {
            let entry = entry.as_table().context("a difference that is no table")?;
            agreed.push(one(entry).with_context(|| format!("difference {}", index + 1))?);
        }
    }
    Ok(agreed)
}

fn one(entry: &Table) -> anyhow::Result<Agreed> {
    if let Some(key) = entry.keys().find(|key| !KEYS.contains(&key.as_str())) {
        bail!("unknown key `{key}`");
    }
    let text = |key: &str| {
        let value = entry.get(key).and_then(Value::as_str);
        value.map(str::to_owned).with_context(|| format!("no text `{key}`"))
    };
    let mut places = Vec::new();
    if let Some(list) = entry.get("places") {
        for place in list.as_array().context("`places` is no list")? {
            places.push(place.as_str().context("a place that is no text")?.to_owned());
        }
    }
    let times = match entry.get("times") {
        Some(value) => {
            let number = value.as_integer().and_then(|number| usize::try_from(number).ok());
            Some(number.context("`times` is no number")?)
        }
        None => None,
    };
    let right = text("right")?;
    ensure!(SIDES.contains(&right.as_str()), "`right` is one of {}", SIDES.join(", "));
    Ok(Agreed {
        file: text("file")?,
        peer: text("peer")?,
        places,
        field: text("field")?,
        ours: text("ours")?,
        theirs: text("theirs")?,
        times,
        right,
        why: text("why")?,
        source: text("source")?,
    })
}

impl Agreed {
    fn covers(&self, difference: &Difference) -> bool {
        self.peer == difference.peer
            && matches(&self.file, &difference.file)
            && (self.places.is_empty() || self.places.contains(&difference.place))
            && self.field == difference.field
            && matches(&self.ours, &difference.ours)
            && matches(&self.theirs, &difference.theirs)
    }

    /// The entry in a few words.
    pub(super) fn words(&self) -> String {
        format!(
            "{} against {}: {}: ours `{}`, theirs `{}`",
            self.file, self.peer, self.field, self.ours, self.theirs
        )
    }
}

/// Whether a pattern, which may end in `*`, means a text.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => text.starts_with(start),
        None => pattern == text,
    }
}

/// The differences sorted into those that are argued and those that are not.
#[derive(Debug, Default)]
pub(super) struct Settled {
    /// By entry, how often it occurred.
    pub(super) times: Vec<usize>,
    pub(super) open: Vec<Difference>,
    /// What is wrong with entries: they no longer occur, or not as often as said.
    pub(super) stale: Vec<String>,
}

/// Settles what the comparison found.
pub(super) fn settle(sheet: &Sheet, agreed: &[Agreed]) -> Settled {
    let mut settled = Settled { times: vec![0; agreed.len()], ..Settled::default() };
    let mut places_met = BTreeSet::new();
    for difference in &sheet.differences {
        let entry = agreed.iter().position(|entry| entry.covers(difference));
        match entry.and_then(|index| Some((index, settled.times.get_mut(index)?))) {
            Some((index, times)) => {
                *times += 1;
                places_met.insert((index, difference.place.as_str()));
            }
            None => settled.open.push(difference.clone()),
        }
    }
    for (index, (entry, &times)) in agreed.iter().zip(&settled.times).enumerate() {
        let corpus = entry.file.split('/').next().unwrap_or_default();
        if !sheet.ran(corpus, &entry.peer) {
            continue;
        }
        let words = entry.words();
        if times == 0 {
            settled.stale.push(format!("{words}: no longer occurs"));
        } else if let Some(said) = entry.times.filter(|&said| said != times) {
            settled.stale.push(format!("{words}: occurs {times} times, said are {said}"));
        }
        for place in &entry.places {
            if times > 0 && !places_met.contains(&(index, place.as_str())) {
                settled.stale.push(format!("{words}: no longer occurs at {place}"));
            }
        }
    }
    settled
}

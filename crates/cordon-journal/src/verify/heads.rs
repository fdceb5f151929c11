//! Heads from outside the segments: the checkpoint, and those that were kept elsewhere.

use std::io::Read as _;
use std::path::Path;

use cordon_model::note::{Note, Verifier};

use crate::head::{HEAD_BYTES_MAX, Head};
use crate::layout::CHECKPOINT;

use super::fault::{Notable, Place, Remark, Wrong};
use super::found::Root;
use super::walk::{is_plain, open};
use super::{Cosigned, Options, Report};

/// A head from outside.
pub(super) struct Given {
    place: Place,
    text: String,
    pub(super) head: Option<Head>,
    is_checkpoint: bool,
}

/// What the segments hold.
pub(super) struct Held<'a> {
    pub(super) first: u64,
    pub(super) size: u64,
    pub(super) roots: &'a [Root],
    /// Where they end.
    pub(super) end: Place,
    /// Up to this size a head from outside agrees.
    pub(super) agreed: u64,
}

/// Whether a checkpoint is there.
pub(super) enum Checkpoint {
    Given(Given),
    Missing,
    Unreadable,
}

fn given(name: String, text: String, is_checkpoint: bool) -> Given {
    let place = Place { file: name, line: 1, offset: 0, seq: None };
    let head = Some(&text).filter(|text| is_plain(text)).and_then(|text| Head::peek(text).ok());
    Given { place, head, text, is_checkpoint }
}

/// Reads the checkpoint.
pub(super) fn checkpoint(dir: &Path) -> Checkpoint {
    let mut text = Vec::new();
    let limit = u64::try_from(HEAD_BYTES_MAX).unwrap_or(0) + 1;
    match open(&dir.join(CHECKPOINT)).and_then(|file| file.take(limit).read_to_end(&mut text)) {
        Ok(_) => {
            // What is not UTF-8 is no head either.
            let text = String::from_utf8(text).unwrap_or_default();
            Checkpoint::Given(given(CHECKPOINT.to_owned(), text, true))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Checkpoint::Missing,
        Err(_) => Checkpoint::Unreadable,
    }
}

/// Reads the heads that were kept elsewhere.
pub(super) fn kept(options: &Options) -> Vec<Given> {
    let each = options.heads.iter().zip(1..);
    each.map(|(text, number)| given(format!("head {number}"), text.clone(), false)).collect()
}

impl Given {
    pub(super) fn is_checkpoint(&self) -> bool {
        self.is_checkpoint
    }

    /// Compares a head with the segments.
    pub(super) fn judge(
        &self,
        held: &mut Held<'_>,
        key: Option<&Verifier>,
        options: &Options,
        report: &mut Report,
    ) {
        let Some(head) = &self.head else {
            return report.fault(self.place.clone(), Wrong::MalformedHead);
        };
        if head.origin != report.origin {
            if self.is_checkpoint {
                let found = head.origin.clone();
                report.fault(self.place.clone(), Wrong::OtherOrigin { found });
            }
            return;
        }
        if let Some(key) = key {
            report.counts.signatures += 1;
            if Head::open(&self.text, key).is_err() {
                let wrong = Wrong::BadSignature { key: key.name().to_owned() };
                return report.fault(self.place.clone(), wrong);
            }
        }
        if self.is_checkpoint {
            self.cosigned(options, report);
        }
        self.compare(head, held, options, report);
    }

    fn compare(&self, head: &Head, held: &mut Held<'_>, options: &Options, report: &mut Report) {
        if head.size > held.size {
            let wrong = Wrong::Truncated { signed: head.size, held: held.size };
            return report.fault(held.end.clone(), wrong);
        }
        if head.size < held.first {
            let notable = Notable::HeadBeforeFront { signed: head.size };
            report.remark(self.place.clone(), notable);
        }
        let at = |size: u64| held.roots.iter().find(|root| root.size == size);
        match at(head.size) {
            // Records that do not fit the stream's own heads fit no other one either; only a stream that
            // is signed as it stands, and was signed otherwise, has two pasts.
            Some(root) if root.root != head.root && report.has_wrong_root() => {}
            Some(root) if root.root != head.root => {
                let same = held.agreed;
                let place = if root.place.seq.is_some() { &root.place } else { &self.place };
                return report.fault(place.clone(), Wrong::Fork { same, size: head.size });
            }
            Some(_) => {
                held.agreed = head.size;
                report.heads_agreed += u64::from(!self.is_checkpoint);
            }
            None => {}
        }
        if self.is_checkpoint && head.size < held.size && !options.live {
            let wrong = Wrong::StaleCheckpoint { signed: head.size, held: held.size };
            report.fault(self.place.clone(), wrong);
        }
    }

    fn cosigned(&self, options: &Options, report: &mut Report) {
        let Ok(note) = Note::parse(&self.text) else { return };
        for key in &options.witnesses {
            let witness = key.name().to_owned();
            match key.has_cosigned(&note) {
                Some(time_s) => report.cosigned.push(Cosigned { time_s, witness }),
                None => report.remark(self.place.clone(), Notable::NotCosigned { witness }),
            }
        }
    }
}

impl Report {
    fn has_wrong_root(&self) -> bool {
        self.faults.iter().any(|fault| matches!(fault.wrong, Wrong::WrongRoot { .. }))
    }

    pub(super) fn fault(&mut self, place: Place, wrong: Wrong) {
        if self.faults.len() < super::FAULTS_MAX {
            self.faults.push(super::Fault { place, wrong });
        } else {
            self.faults_more = self.faults_more.saturating_add(1);
        }
    }

    pub(super) fn remark(&mut self, place: Place, notable: Notable) {
        if self.remarks.len() < super::REMARKS_MAX {
            self.remarks.push(Remark { place, notable });
        } else {
            self.remarks_more = self.remarks_more.saturating_add(1);
        }
    }
}

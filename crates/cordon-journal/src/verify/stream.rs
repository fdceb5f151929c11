//! A stream: its segments, each walked on its own, and whether each goes on where the one before
//! ends.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use cordon_model::event::Retention;
use cordon_model::note::Verifier;

use crate::layout::CHECKPOINT;
use crate::segment::{self, Header};

use super::against;
use super::clock::{Reading, Rollback};
use super::fault::{Misfit, Notable, Place, Wrong};
use super::found::Root;
use super::heads::{self, Checkpoint, Given, Held};
use super::lines::{Lines, Piece};
use super::notes::Notes;
use super::records::segments;
use super::walk::{Ask, Task, Walked, open, walk};
use super::{Options, Report, VerifyError};

/// How many segments are walked before what was found is joined; bounds the memory.
const WINDOW: usize = 64;
/// Most rollbacks of a clock that are kept until the notes are read.
const ROLLBACKS_MAX: usize = 4_096;

/// Verifies a stream.
pub(super) fn verify(
    dir: &Path,
    keys: &[Verifier],
    options: &Options,
    one_by_one: bool,
) -> Result<Report, VerifyError> {
    // Before the segments: a writer that goes on meanwhile only makes them longer.
    let checkpoint = heads::checkpoint(dir);
    let firsts = segments(dir)?;
    let mut given = heads::kept(options);
    let mut report = Report::default();
    match checkpoint {
        Checkpoint::Given(checkpoint) => given.push(checkpoint),
        // The writer has one before its first record.
        Checkpoint::Missing => report.fault(whole(CHECKPOINT), Wrong::MissingCheckpoint),
        Checkpoint::Unreadable => report.fault(whole(CHECKPOINT), Wrong::Unreadable),
    }
    given.sort_by_key(|given| given.head.as_ref().map_or(0, |head| head.size));
    let key = name(dir, &firsts, &given, keys, &mut report);
    let mut targets: Vec<u64> =
        given.iter().filter_map(|given| given.head.as_ref()).map(|head| head.size).collect();
    targets.dedup();
    let origin = report.origin.clone();
    let deep = options.deep;
    let ask = Ask { dir, origin: &origin, key, deep, one_by_one, targets: &targets };
    let mut join = Join::new(&ask, options, report);
    join.all(&firsts);
    join.finish(&given)
}

fn whole(file: &str) -> Place {
    Place { file: file.to_owned(), line: 1, offset: 0, seq: None }
}

/// Finds out whose stream it is, and the key.
fn name<'k>(
    dir: &Path,
    firsts: &[u64],
    given: &[Given],
    keys: &'k [Verifier],
    report: &mut Report,
) -> Option<&'k Verifier> {
    let header = firsts.first().and_then(|first| {
        let file = segment::file_name(*first);
        let mut lines = Lines::new(open(&dir.join(file)).ok()?);
        let Ok((_, Piece::Line(line))) = lines.next() else { return None };
        Header::decode(line).ok().map(|header| header.origin)
    });
    let signed = given.iter().filter(|given| given.is_checkpoint());
    let signed = signed.filter_map(|given| given.head.as_ref()).map(|head| head.origin.clone());
    let said: Vec<String> = header.into_iter().chain(signed).collect();
    let key = |origin: &String| keys.iter().find(|key| key.name() == origin);
    let known = said.iter().find_map(|origin| key(origin).map(|key| (origin, key)));
    if let Some((origin, key)) = known {
        report.origin.clone_from(origin);
        return Some(key);
    }
    let origin = said.into_iter().next().unwrap_or_default();
    let file = firsts.first().map_or(CHECKPOINT.to_owned(), |first| segment::file_name(*first));
    report.origin.clone_from(&origin);
    report.fault(whole(&file), Wrong::UnknownKey { origin });
    None
}

/// Where the segment before ends.
struct Before {
    ending: super::chain::Ending,
    end: Place,
    is_whole: bool,
}

/// Joins segments.
struct Join<'a> {
    ask: &'a Ask<'a>,
    options: &'a Options,
    report: Report,
    before: Option<Before>,
    reading: Option<Reading>,
    roots: Vec<Root>,
    rollbacks: Vec<Rollback>,
    /// The first record that is there, if others were before it.
    front: Option<(Place, u64)>,
}

/// Walks segments with all cores.
fn walk_all(ask: &Ask<'_>, tasks: &[Task], clocks: Option<Reading>) -> Vec<Walked> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(tasks.len()));
    let work = || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(task) = tasks.get(at) else { return };
            let walked = walk(ask, *task, clocks.filter(|_| at == 0));
            // A thread that panicked has lost its segment, not the others'.
            done.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((at, walked));
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..cores.min(tasks.len()) {
            scope.spawn(work);
        }
        work();
    });
    let mut done = done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, walked)| walked).collect()
}

impl<'a> Join<'a> {
    fn new(ask: &'a Ask<'a>, options: &'a Options, report: Report) -> Self {
        Self {
            ask,
            options,
            report,
            before: None,
            reading: None,
            roots: Vec::new(),
            rollbacks: Vec::new(),
            front: None,
        }
    }

    fn all(&mut self, firsts: &[u64]) {
        let last = firsts.last();
        let tasks: Vec<Task> = firsts
            .iter()
            .map(|first| Task { first: *first, is_last: Some(first) == last })
            .collect();
        for window in tasks.chunks(WINDOW) {
            for (task, walked) in window.iter().zip(walk_all(self.ask, window, self.reading)) {
                let goes_on = self.reading.is_none_or(|before| walked.clock.continues(&before));
                // Where a clock went back, only the whole past can say so.
                let walked = if goes_on { walked } else { walk(self.ask, *task, self.reading) };
                self.join(*task, walked);
            }
        }
    }

    fn join(&mut self, task: Task, walked: Walked) {
        let Walked { name, header, found, clock, ending, end, open } = walked;
        let end = Place { file: name.clone(), line: end.line, offset: end.offset, seq: None };
        let is_whole = header.is_some() && found.faults.is_empty() && ending.is_signed;
        if let Some(header) = &header {
            self.header(&name, header, task);
        }
        let report = &mut self.report;
        let counts = &mut report.counts;
        counts.bytes += found.counts.bytes;
        counts.heads += found.counts.heads;
        counts.records += found.counts.records;
        counts.segments += found.counts.segments;
        counts.signatures += found.counts.signatures;
        found.faults.into_iter().for_each(|fault| report.fault(fault.place, fault.wrong));
        report.faults_more = report.faults_more.saturating_add(found.more);
        report.first_time = report.first_time.or(clock.first.map(|stamp| stamp.time));
        report.last_time = clock.last.or(report.last_time);
        report.head = found.head.or_else(|| report.head.take());
        self.roots.extend(found.roots);
        for rollback in found.rollbacks {
            if self.rollbacks.len() < ROLLBACKS_MAX {
                self.rollbacks.push(rollback);
            } else {
                let by_ms = rollback.by_ms;
                report.fault(rollback.place, Wrong::ClockRollback { by_ms });
            }
        }
        if let Some((place, records, bytes)) = open {
            if task.is_last && self.options.live {
                report.remark(place, Notable::OpenEnd { records, bytes });
            } else {
                report.fault(place, Wrong::OpenEnd { records, bytes });
            }
        }
        self.reading = clock.reading.or(self.reading);
        self.before = Some(Before { ending, end, is_whole });
    }

    /// Checks that a segment goes on where the one before ends.
    fn header(&mut self, name: &str, header: &Header, task: Task) {
        let place = whole(name);
        if header.first != task.first {
            // Said already; what follows would say it again.
            return;
        }
        let Some(before) = &self.before else {
            self.report.first = header.first;
            if let Some(last) = header.first.checked_sub(1) {
                self.front = Some((place, last));
            }
            return;
        };
        let ending = &before.ending;
        if let Some(last) = header.first.checked_sub(1).filter(|last| *last >= ending.next) {
            let wrong = Wrong::MissingSegment { first: ending.next, last };
            return self.report.fault(place, wrong);
        }
        let is_other = header.first != ending.next
            || ending.frontier.as_ref().is_some_and(|tree| tree.peaks() != header.frontier);
        let what = if is_other { Misfit::Before } else { Misfit::Last };
        let is_other = is_other || ending.last.is_some_and(|last| last != header.last);
        if is_other && before.is_whole {
            self.report.fault(place, Wrong::HeaderMismatch { what });
        }
    }

    fn finish(mut self, given: &[Given]) -> Result<Report, VerifyError> {
        let nothing = Before {
            ending: super::chain::Ending::default(),
            end: whole(CHECKPOINT),
            is_whole: true,
        };
        if self.before.is_none() && self.options.live {
            self.report.remark(whole(CHECKPOINT), Notable::NoSegment);
        } else if self.before.is_none() {
            self.report.fault(whole(CHECKPOINT), Wrong::Empty);
        }
        self.notes();
        let before = self.before.take().unwrap_or(nothing);
        let first = self.report.first;
        let mut held = Held {
            first,
            size: before.ending.next,
            roots: &self.roots,
            end: before.end,
            agreed: first,
        };
        for given in given {
            given.judge(&mut held, self.ask.key, self.options, &mut self.report);
        }
        if let Some(other) = &self.options.against {
            against::compare(self.ask.dir, other, &mut self.report)?;
        }
        Ok(self.report)
    }

    /// Asks the evidence stream about what is missing at the front, and about clocks that went back.
    fn notes(&mut self) {
        if self.front.is_none() && self.rollbacks.is_empty() {
            return;
        }
        let origin = &self.report.origin;
        let stream = origin.rsplit('/').next().and_then(Retention::from_name);
        let beside = self.ask.dir.join("..").join(Retention::Evidence.name());
        let is_evidence = stream == Some(Retention::Evidence);
        let evidence = if is_evidence { self.ask.dir } else { beside.as_path() };
        let notes = Notes::read(evidence, stream);
        if let Some((place, last)) = self.front.take() {
            match &notes {
                Some(notes) if notes.has_expired(last) => {
                    self.report.remark(place, Notable::Expired { last });
                }
                Some(_) => self.report.fault(place, Wrong::MissingFront { last }),
                None => self.report.remark(place, Notable::ExpiryUnknown { last }),
            }
        }
        for back in std::mem::take(&mut self.rollbacks) {
            let by_ms = back.by_ms;
            if notes.as_ref().is_some_and(|notes| notes.excuses(&back)) {
                self.report.remark(back.place, Notable::ClockStep { by_ms });
            } else {
                self.report.fault(back.place, Wrong::ClockRollback { by_ms });
            }
        }
    }
}

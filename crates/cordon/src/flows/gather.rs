//! Gathers captured frames into flows.

use std::collections::BTreeMap;
use std::io::Read;

use super::aggregate::Flows;
use super::capture::{self, Tally};
use super::packet::{Frame, dissect};
use super::{FlowsError, Format, RECORDS_MAX, Recording};

/// More kinds of links than this are not told apart.
const LINKS_MAX: usize = 64;

/// Links that are not read, by their number, and how many frames there were.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Links(BTreeMap<i32, usize>);

impl Links {
    /// Counts a frame; those of too many kinds together, under -1.
    pub(crate) fn count(&mut self, link: i32) {
        let is_told_apart = self.0.len() < LINKS_MAX || self.0.contains_key(&link);
        *self.0.entry(if is_told_apart { link } else { -1 }).or_default() += 1;
    }

    /// Says what was left out, for people.
    pub(crate) fn warnings(&self) -> impl Iterator<Item = String> {
        let warning =
            |(link, count)| format!("frames left out for their link type {link}: {count}");
        self.0.iter().map(warning)
    }
}

/// Reads a pcap or pcapng file.
pub(super) fn read<'b>(
    format: Format,
    input: impl Read + Send + 'b,
    file: &str,
) -> Result<Recording, FlowsError> {
    let (mut flows, mut damaged, mut links) = (Flows::default(), 0, Links::default());
    let tally = capture::read(format, input, file, &mut |captured| {
        match dissect(captured.link, captured.data) {
            Frame::Packet(packet) => {
                let observed = flows.observe(&packet, captured.ts_s, captured.number);
                let file = || file.to_owned();
                observed.map_err(|_| FlowsError::OverLimit {
                    file: file(),
                    what: "flows",
                    max: RECORDS_MAX,
                })?;
            }
            Frame::NotIp => {}
            Frame::Damaged => damaged += 1,
            Frame::UnknownLink => links.count(captured.link.0),
        }
        Ok(())
    })?;
    Ok(conclude(flows, damaged, &links, &tally))
}

fn conclude(flows: Flows, damaged: usize, links: &Links, tally: &Tally) -> Recording {
    let mut warnings = Vec::new();
    let mut warn = |count: usize, what: &str| {
        if count > 0 {
            warnings.push(format!("{what}: {count}"));
        }
    };
    warn(damaged, "frames left out for damaged or cut-off headers");
    warn(
        flows.unopened,
        "TCP connections begun before the capture, whose first packet tells who opened them",
    );
    warn(flows.orphans, "fragments left out for lack of their first one");
    warnings.extend(tally.warnings());
    warnings.extend(links.warnings());
    if flows.gave_up_datagrams {
        warnings.push(
            "too many datagrams were in fragments; some of their bytes are missing".to_owned(),
        );
    }
    warnings.extend(tally.end());
    Recording { records: flows.records, warnings }
}

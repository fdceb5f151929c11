//! The sums over all messages, and what could not be read.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::IpAddr;

use cordon_core::inspect::Verdict;
use cordon_wire::fragment;
use cordon_wire::tcp::Loss;
use serde_json::{Value, json};

use super::record::{Record, printable};
use crate::cmd::check::thousands;

/// More operations than this are counted together.
const OPERATIONS_MAX: usize = 1_024;
/// More pairs of ends than this are counted together.
const ENDPOINTS_MAX: usize = 10_000;
/// More ports of conversations nobody reads than this are counted together.
const UNREAD_MAX: usize = 1_024;
/// How many rows of a table are printed.
const ROWS_SHOWN: usize = 30;

/// Messages by verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Verdicts {
    pass: u64,
    pass_flag: u64,
    block: u64,
}

impl Verdicts {
    fn count(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Pass => self.pass += 1,
            Verdict::PassFlag => self.pass_flag += 1,
            Verdict::Block => self.block += 1,
        }
    }

    fn all(self) -> u64 {
        self.pass.saturating_add(self.pass_flag).saturating_add(self.block)
    }

    fn json(self) -> Value {
        json!({ "pass": self.pass, "pass_flag": self.pass_flag, "block": self.block })
    }
}

/// Who opened conversations with whom, and what was spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Endpoints {
    client: IpAddr,
    server: IpAddr,
    port: u16,
    transport: &'static str,
    protocol: &'static str,
}

/// Every sum.
#[derive(Debug, Default)]
pub(super) struct Totals {
    verdicts: BTreeMap<&'static str, Verdicts>,
    kinds: BTreeMap<(&'static str, &'static str), u64>,
    pages: u64,
    operations: BTreeMap<(&'static str, String), Verdicts>,
    operations_omitted: Verdicts,
    endpoints: BTreeMap<Endpoints, (Verdicts, u64)>,
    endpoints_omitted: Verdicts,
    rules: BTreeMap<String, u64>,
    /// Conversations that nobody here reads: transport, port, how many, bytes.
    unread: BTreeMap<(&'static str, u16), (u64, u64)>,
    unread_omitted: (u64, u64),
    gaps: BTreeMap<Loss, (u64, u64)>,
    /// Segments that say something else about bytes that came before.
    pub(super) conflicts: u64,
    /// Bytes that came after they were given up.
    pub(super) late_bytes: u64,
    /// TCP connections and UDP conversations.
    pub(super) conversations: (u64, u64),
    /// TCP connections begun before the capture.
    pub(super) joined: u64,
    /// Frames with damaged or cut-off headers.
    pub(super) damaged: u64,
    /// Frames of neither IP, TCP nor UDP.
    pub(super) other_frames: u64,
    /// Packets whose payload the capture cut off.
    pub(super) cut: u64,
    /// Conversations that made room for newer ones.
    pub(super) evicted: u64,
    /// Devices whose memory made room for newer ones.
    pub(super) forgotten: u64,
    /// What became of fragments.
    pub(super) fragments: fragment::Counts,
    /// Datagrams that still lack fragments.
    pub(super) unfinished: usize,
}

/// The name that documents use.
fn loss(why: Loss) -> &'static str {
    match why {
        Loss::Acknowledged => "not-captured",
        Loss::CutOff => "cut-off",
        Loss::OverLimit => "over-limit",
        Loss::Unfilled => "unfilled",
        Loss::Elsewhere => "elsewhere",
    }
}

impl Totals {
    /// Counts a message; `is_up` says that who opened the conversation sent it.
    pub(super) fn message(&mut self, record: &Record<'_>, verdict: Verdict, is_up: bool) {
        self.verdicts.entry(record.protocol).or_default().count(verdict);
        *self.kinds.entry((record.protocol, record.kind)).or_default() += 1;
        self.pages += u64::from(record.page);
        if verdict != Verdict::Pass {
            for rule in &record.rules {
                *self.rules.entry((*rule).to_owned()).or_default() += 1;
            }
        }
        let op = record.op.clone().unwrap_or_else(|| record.kind.to_owned());
        let key = (record.protocol, op);
        if self.operations.len() < OPERATIONS_MAX || self.operations.contains_key(&key) {
            self.operations.entry(key).or_default().count(verdict);
        } else {
            self.operations_omitted.count(verdict);
        }
        let (client, server, port) = if is_up {
            (record.src, record.dst, record.dport)
        } else {
            (record.dst, record.src, record.sport)
        };
        let (transport, protocol) = (record.transport, record.protocol);
        let key = Endpoints { client, server, port, transport, protocol };
        if self.endpoints.len() < ENDPOINTS_MAX || self.endpoints.contains_key(&key) {
            let (verdicts, bytes) = self.endpoints.entry(key).or_default();
            verdicts.count(verdict);
            *bytes = bytes.saturating_add(u64::try_from(record.bytes).unwrap_or(0));
        } else {
            self.endpoints_omitted.count(verdict);
        }
    }

    /// Counts bytes of a conversation that nobody here reads; `is_new` with its first ones.
    pub(super) fn unread(
        &mut self,
        transport: &'static str,
        port: u16,
        is_new: bool,
        bytes: usize,
    ) {
        let key = (transport, port);
        let is_told_apart = self.unread.len() < UNREAD_MAX || self.unread.contains_key(&key);
        let (count, sum) = if is_told_apart {
            self.unread.entry(key).or_default()
        } else {
            &mut self.unread_omitted
        };
        *count += u64::from(is_new);
        *sum = sum.saturating_add(u64::try_from(bytes).unwrap_or(0));
    }

    /// Counts bytes that are missing.
    pub(super) fn gap(&mut self, why: Loss, bytes: u64) {
        let (count, sum) = self.gaps.entry(why).or_default();
        *count += 1;
        *sum = sum.saturating_add(bytes);
    }

    fn sum(&self) -> Verdicts {
        let mut sum = Verdicts::default();
        for verdicts in self.verdicts.values() {
            sum.pass += verdicts.pass;
            sum.pass_flag += verdicts.pass_flag;
            sum.block += verdicts.block;
        }
        sum
    }

    /// Says whether somebody should look at something.
    pub(super) fn has_findings(&self) -> bool {
        let sum = self.sum();
        sum.block > 0 || sum.pass_flag > 0
    }

    /// Says what could not be read, for people.
    pub(super) fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let mut warn = |count: u64, what: &str| {
            if count > 0 {
                warnings.push(format!("{what}: {count}"));
            }
        };
        warn(self.damaged, "frames left out for damaged or cut-off headers");
        warn(self.cut, "packets whose payload the capture cut off (record with `-s 0`)");
        warn(self.joined, "TCP connections begun before the capture");
        for (why, (count, bytes)) in &self.gaps {
            warn(*count, &format!("gaps in TCP streams, {} ({bytes} bytes)", loss(*why)));
        }
        warn(
            self.conflicts,
            "TCP segments that contradict bytes sent before; the first ones were read",
        );
        warn(self.late_bytes, "bytes of TCP streams that came after they were given up");
        warn(self.evicted, "conversations cut short to make room for newer ones");
        warn(self.forgotten, "devices whose memory made room for newer ones");
        let counts = self.fragments;
        warn(counts.late, "datagrams whose fragments did not all come within 60 s");
        warn(counts.evicted, "datagrams in fragments that made room for newer ones");
        warn(counts.overlapping, "IPv6 datagrams dropped for overlapping fragments");
        warn(counts.malformed, "datagrams dropped for fragments that contradict each other");
        warn(counts.cut, "datagrams dropped for fragments that the capture cut off");
        warn(counts.over_limit, "datagrams dropped for coming in too many fragments");
        warn(counts.conflicts, "IPv4 fragments that contradict others; the first ones were read");
        warn(
            u64::try_from(self.unfinished).unwrap_or(0),
            "datagrams that lack fragments at the end",
        );
        warnings
    }

    /// Gives all sums for programs.
    pub(super) fn json(&self, frames: usize, warnings: &[String]) -> Value {
        let sum = self.sum();
        let protocols: BTreeMap<_, _> =
            self.verdicts.iter().map(|(protocol, verdicts)| (*protocol, verdicts.all())).collect();
        let operations: Vec<Value> = self
            .operations
            .iter()
            .map(|((protocol, op), verdicts)| {
                json!({ "protocol": protocol, "op": op, "messages": verdicts.all(),
                    "verdicts": verdicts.json() })
            })
            .collect();
        let endpoints: Vec<Value> = self
            .endpoints
            .iter()
            .map(|(ends, (verdicts, bytes))| {
                json!({ "client": ends.client, "server": ends.server, "port": ends.port,
                    "transport": ends.transport, "protocol": ends.protocol,
                    "messages": verdicts.all(), "bytes": bytes, "verdicts": verdicts.json() })
            })
            .collect();
        let gaps: BTreeMap<_, _> = self
            .gaps
            .iter()
            .map(|(why, (count, bytes))| (loss(*why), json!({ "gaps": count, "bytes": bytes })))
            .collect();
        let unread: Vec<Value> = self
            .unread
            .iter()
            .map(|((transport, port), (count, bytes))| {
                json!({ "transport": transport, "port": port, "conversations": count, "bytes": bytes })
            })
            .collect();
        let fragments = &self.fragments;
        json!({
            "frames": frames, "messages": sum.all(), "protocols": protocols,
            "verdicts": sum.json(), "pages": self.pages, "rules": self.rules,
            "operations": operations, "operations_omitted": self.operations_omitted.all(),
            "endpoints": endpoints, "endpoints_omitted": self.endpoints_omitted.all(),
            "connections": { "tcp": self.conversations.0, "udp": self.conversations.1,
                "joined": self.joined, "evicted": self.evicted },
            "unread": unread, "gaps": gaps, "conflicts": self.conflicts,
            "late_bytes": self.late_bytes, "damaged_frames": self.damaged,
            "other_frames": self.other_frames, "cut_packets": self.cut,
            "forgotten_devices": self.forgotten,
            "fragments": { "whole": fragments.whole, "late": fragments.late,
                "evicted": fragments.evicted, "overlapping": fragments.overlapping,
                "malformed": fragments.malformed, "cut": fragments.cut,
                "over_limit": fragments.over_limit, "overlaps": fragments.overlaps,
                "conflicts": fragments.conflicts, "unfinished": self.unfinished },
            "warnings": warnings,
        })
    }

    /// Writes the tables for people.
    pub(super) fn write(&self, text: &mut String, frames: usize) {
        let sum = self.sum();
        let _ = writeln!(
            text,
            "{} frames, {} messages: {} pass, {} pass and are remarked, {} are blocked",
            thousands(frames),
            number(sum.all()),
            number(sum.pass),
            number(sum.pass_flag),
            number(sum.block)
        );
        self.write_verdicts(text);
        self.write_operations(text);
        self.write_endpoints(text);
        if !self.unread.is_empty() {
            text.push_str("\nnot read: conversations, bytes\n");
            let mut rows: Vec<_> = self.unread.iter().collect();
            rows.sort_by_key(|(key, (_, bytes))| (std::cmp::Reverse(*bytes), **key));
            for ((transport, port), (count, bytes)) in rows.iter().take(ROWS_SHOWN) {
                let name = format!("{transport} {port}");
                let _ = writeln!(text, "  {name:<44} {:>9} {:>13}", number(*count), number(*bytes));
            }
            more(text, rows.len());
        }
    }

    fn write_verdicts(&self, text: &mut String) {
        if self.verdicts.is_empty() {
            return;
        }
        heading(text, "by protocol");
        for (protocol, verdicts) in &self.verdicts {
            row(text, protocol, *verdicts);
        }
        if !self.rules.is_empty() {
            text.push_str("\nwhy blocked or remarked\n");
            let mut rows: Vec<_> = self.rules.iter().collect();
            rows.sort_by_key(|(rule, count)| (std::cmp::Reverse(**count), *rule));
            for (rule, count) in rows.iter().take(ROWS_SHOWN) {
                let _ = writeln!(text, "  {rule:<44} {:>9}", number(**count));
            }
            more(text, rows.len());
        }
    }

    fn write_operations(&self, text: &mut String) {
        if self.operations.is_empty() {
            return;
        }
        heading(text, "by operation");
        let mut rows: Vec<_> = self.operations.iter().collect();
        rows.sort_by_key(|(key, verdicts)| (std::cmp::Reverse(verdicts.all()), *key));
        for ((protocol, op), verdicts) in rows.iter().take(ROWS_SHOWN) {
            let mut name = format!("{protocol} ");
            printable(&mut name, op);
            row(text, &name, **verdicts);
        }
        more(text, rows.len());
    }

    fn write_endpoints(&self, text: &mut String) {
        if self.endpoints.is_empty() {
            return;
        }
        heading(text, "by ends");
        let mut rows: Vec<_> = self.endpoints.iter().collect();
        rows.sort_by_key(|(ends, (verdicts, _))| {
            (std::cmp::Reverse((verdicts.block, verdicts.all())), **ends)
        });
        for (ends, (verdicts, _)) in rows.iter().take(ROWS_SHOWN) {
            let name = format!("{} → {}:{} {}", ends.client, ends.server, ends.port, ends.protocol);
            row(text, &name, *verdicts);
        }
        more(text, rows.len());
    }
}

fn heading(text: &mut String, what: &str) {
    let _ = writeln!(text, "\n{what:<46} {:>9} {:>9} {:>9}", "pass", "remarked", "blocked");
}

fn row(text: &mut String, name: &str, verdicts: Verdicts) {
    let _ = writeln!(
        text,
        "  {name:<44} {:>9} {:>9} {:>9}",
        number(verdicts.pass),
        number(verdicts.pass_flag),
        number(verdicts.block)
    );
}

fn more(text: &mut String, rows: usize) {
    if rows > ROWS_SHOWN {
        let _ = writeln!(text, "  … and {} more; --json lists all", rows - ROWS_SHOWN);
    }
}

fn number(count: u64) -> String {
    thousands(usize::try_from(count).unwrap_or(usize::MAX))
}

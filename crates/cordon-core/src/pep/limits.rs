//! What an enforcement point keeps at most, and how much of it is in use.

/// How much is kept, and how long; whoever runs a point may make it smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Silence after which the decision points count as unreachable.
    /// # Units
    /// Seconds.
    pub silence_s: u32,
    /// At most one update of a finding, a flow or a count of messages in this time.
    /// # Units
    /// Seconds.
    pub interval_s: u32,
    /// Findings that are open at once.
    pub findings_max: usize,
    /// Destinations of one source that are told apart; the rest is counted together.
    pub findings_per_source_max: usize,
    /// Flows that are counted at once.
    pub flows_max: usize,
    /// Counts of messages that are kept at once.
    pub messages_max: usize,
    /// Messages of one device that are recorded one by one in an interval; the rest is counted.
    pub messages_each_max: u32,
    /// Alarms that are on at once.
    pub alarms_max: usize,
    /// Orders that wait for the kernel.
    pub orders_max: usize,
    /// Results of orders that are remembered, so that an order that comes twice is answered twice
    /// and obeyed once.
    pub receipts_max: usize,
}

/// The silence after which [`Limits::default`] takes decision points for unreachable.
/// # Units
/// Seconds.
const SILENCE_S: u32 = 60;
/// The interval of [`Limits::default`].
/// # Units
/// Seconds.
const INTERVAL_S: u32 = 60;
/// The open findings of [`Limits::default`].
const FINDINGS_MAX: usize = 4_096;
/// The destinations told apart by [`Limits::default`].
const FINDINGS_PER_SOURCE_MAX: usize = 64;
/// The flows of [`Limits::default`].
const FLOWS_MAX: usize = 32_768;
/// The counts of messages of [`Limits::default`].
const MESSAGES_MAX: usize = 8_192;
/// The messages recorded one by one by [`Limits::default`].
const MESSAGES_EACH_MAX: u32 = 300;
/// The alarms of [`Limits::default`].
const ALARMS_MAX: usize = 256;
/// The waiting orders of [`Limits::default`].
const ORDERS_MAX: usize = 256;
/// The remembered results of [`Limits::default`].
const RECEIPTS_MAX: usize = 1_024;

impl Default for Limits {
    fn default() -> Self {
        Self {
            silence_s: SILENCE_S,
            interval_s: INTERVAL_S,
            findings_max: FINDINGS_MAX,
            findings_per_source_max: FINDINGS_PER_SOURCE_MAX,
            flows_max: FLOWS_MAX,
            messages_max: MESSAGES_MAX,
            messages_each_max: MESSAGES_EACH_MAX,
            alarms_max: ALARMS_MAX,
            orders_max: ORDERS_MAX,
            receipts_max: RECEIPTS_MAX,
        }
    }
}

/// What is in use now, and what did not fit since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Devices of the bundle in force.
    pub devices: usize,
    /// Findings that are open.
    pub findings: usize,
    /// Denied packets of which no finding could be opened.
    pub findings_lost: u64,
    /// Flows that are counted.
    pub flows: usize,
    /// Flows that had no room; their end is recorded all the same.
    pub flows_lost: u64,
    /// Counts of messages.
    pub messages: usize,
    /// Messages that had no room in the counts.
    pub messages_lost: u64,
    /// Alarms that are on.
    pub alarms: usize,
    /// Alarms that had no room.
    pub alarms_lost: u64,
    /// Orders that wait for the kernel.
    pub orders: usize,
    /// Orders that were turned away because too many wait.
    pub orders_lost: u64,
    /// Addresses of which the kernel holds a state.
    pub held: usize,
    /// Packets that were stopped and could not be read.
    pub unreadable: u64,
    /// Packets that were stopped, as logged.
    pub denied_packets: u64,
    /// Bytes that were stopped.
    pub denied_bytes: u64,
}

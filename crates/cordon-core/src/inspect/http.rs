//! Judges heads of HTTP requests.
//!
//! Calls are limited for each device; alarms are not sent by HTTP, and other protocols are limited
//! in their own ways.
//!
//! Invariant: nothing of a target or a field is kept.
//!
//! Source: RFC 9110; RFC 6585 §4.

use cordon_model::{Direction, Now, Operation};
use cordon_wire::Fault;
use cordon_wire::http::{EXPECTED_MAX, Head};

use super::{Judge, Judgement, Kind, Memory, Rate, Reason, Refusal, Subject, Verdict, Way};

/// The span in which calls are counted.
/// # Units
/// Seconds.
pub const SPAN_S: u64 = 60;
/// How many calls in a minute are counted one by one.
const CALLS_COUNTED: usize = 128;

/// What is remembered of a device across its conversations.
#[derive(Debug, Default)]
pub struct DeviceMemory {
    calls: Rate<CALLS_COUNTED>,
}

/// One conversation.
#[derive(Debug, Default)]
pub struct Flow {
    /// Requests that have no response yet.
    open: usize,
}

impl Flow {
    /// Gives how many requests have no response yet.
    #[must_use]
    pub fn open(&self) -> usize {
        self.open
    }
}

/// Judges one head, or what could not be read.
pub fn judge(
    flow: &mut Flow,
    memory: &mut Memory,
    now: Now,
    way: Way,
    message: Result<&Head<'_>, Fault>,
    subject: &Subject<'_>,
) -> Judgement {
    // Who opens the conversation asks; the other side answers.
    let is_request = match subject.opened {
        Direction::Out => way == Way::FromDevice,
        Direction::In => way == Way::ToDevice,
    };
    if is_request {
        request(flow, memory, now, way, message, subject)
    } else {
        response(flow, memory, now, way, message, subject)
    }
}

fn request(
    flow: &mut Flow,
    memory: &mut Memory,
    now: Now,
    way: Way,
    message: Result<&Head<'_>, Fault>,
    subject: &Subject<'_>,
) -> Judgement {
    let head = match message {
        Ok(head) => head,
        Err(fault) => {
            let mut judge = Judge::new(now.mono, subject, way, Kind::Request, None);
            judge.fault(fault, memory);
            judge.refuse(Refusal::Http { status: 400, retry_after_s: None });
            return judge.finish();
        }
    };
    let operation = head.method().and_then(operation);
    let mut judge = Judge::new(now.mono, subject, way, Kind::Request, operation);
    let mut is_blocked = false;
    if operation.is_none_or(|operation| !subject.permitted.contains(operation)) {
        is_blocked |= judge.add(Reason::OperationNotListed, memory);
        judge.refuse(Refusal::Http { status: 403, retry_after_s: None });
    }
    if flow.open >= EXPECTED_MAX {
        is_blocked |= judge.add(Reason::TooManyPending, memory);
        judge.refuse(Refusal::Http { status: 403, retry_after_s: None });
    }
    // What is stopped anyway is not called, and does not count.
    if let Some(max) = subject.api_rate_per_minute.filter(|_| !is_blocked)
        && let Err(wait_s) = memory.http.calls.admit(now.mono, SPAN_S, max)
    {
        judge.add(Reason::ApiRate, memory);
        let retry_after_s = Some(u32::try_from(wait_s).unwrap_or(u32::MAX));
        judge.refuse(Refusal::Http { status: 429, retry_after_s });
    }
    let judgement = judge.finish();
    if judgement.verdict != Verdict::Block {
        flow.open = flow.open.saturating_add(1).min(EXPECTED_MAX);
    }
    judgement
}

fn response(
    flow: &mut Flow,
    memory: &mut Memory,
    now: Now,
    way: Way,
    message: Result<&Head<'_>, Fault>,
    subject: &Subject<'_>,
) -> Judgement {
    let mut judge = Judge::new(now.mono, subject, way, Kind::Reply, None);
    match message {
        Ok(head) => {
            if flow.open == 0 {
                judge.add(Reason::UnexpectedReply, memory);
            }
            // Another one follows an interim response (RFC 9110 §15.2); 101 is the last.
            if !matches!(head.status(), Some(100 | 102..=199)) {
                flow.open = flow.open.saturating_sub(1);
            }
        }
        Err(fault) => {
            judge.fault(fault, memory);
        }
    }
    judge.finish()
}

/// Gives the verb of a request; methods are case-sensitive (RFC 9110 §9.1).
fn operation(method: &str) -> Option<Operation> {
    match method {
        "GET" | "HEAD" => Some(Operation::HttpGet),
        "POST" => Some(Operation::HttpPost),
        "PUT" => Some(Operation::HttpPut),
        "PATCH" => Some(Operation::HttpPatch),
        "DELETE" => Some(Operation::HttpDelete),
        "CONNECT" => Some(Operation::HttpConnect),
        _ => None,
    }
}

#[cfg(test)]
mod tests;

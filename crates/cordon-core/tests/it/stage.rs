//! A device, its flow, and what came out of its conversation.

use cordon_core::inspect::conversation::{Conversation, Record};
use cordon_core::inspect::{
    DeviceIdentity, Memory, PeerIdentity, Reason, Refusal, Salt, Subject, Verdict, Way, refuse,
};
use cordon_model::fleet::Inspection;
use cordon_model::{Direction, Mono, Now, Operation, OperationSet, Protocol, Tier, Wall};

/// 2026-11-24T12:00:00Z.
pub(crate) const NOON: Wall = Wall(1_795_521_600);

/// What became of one message, and the bytes by which it is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) answer: Vec<u8>,
    pub(crate) verdict: Verdict,
    pub(crate) reasons: Vec<Reason>,
    pub(crate) operation: Option<Operation>,
    pub(crate) refusal: Option<Refusal>,
}

/// A conversation of one device, a millisecond between two arrivals.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) tier: Tier,
    pub(crate) opened: Direction,
    pub(crate) permitted: OperationSet,
    pub(crate) lifelines: OperationSet,
    pub(crate) rules: Inspection,
    pub(crate) memory: Memory,
    conversation: Conversation,
    protocol: Protocol,
    now: Now,
}

impl Stage {
    /// A device of a tier that opens a conversation and may say anything in it.
    pub(crate) fn new(tier: Tier, protocol: Protocol) -> Self {
        Self {
            tier,
            opened: Direction::Out,
            permitted: OperationSet::all(),
            lifelines: OperationSet::default(),
            rules: Inspection::default(),
            memory: Memory::default(),
            conversation: Conversation::new(protocol, Direction::Out),
            protocol,
            now: Now { mono: Mono(0), wall: NOON },
        }
    }

    /// The same, permitted these operations only.
    pub(crate) fn permit(mut self, operations: &[Operation]) -> Self {
        self.permitted = operations.iter().copied().collect();
        self
    }

    /// The same, with these lifelines.
    pub(crate) fn lifeline(mut self, operations: &[Operation]) -> Self {
        self.lifelines = operations.iter().copied().collect();
        self
    }

    /// The same, in a conversation that the other side opened.
    pub(crate) fn opened_by_peer(mut self) -> Self {
        self.opened = Direction::In;
        self.conversation = Conversation::new(self.protocol, Direction::In);
        self
    }

    /// Passes bytes in and gives what came out of them.
    pub(crate) fn feed(&mut self, way: Way, bytes: &[u8]) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        self.run(way, Some(bytes), &mut |record| outcomes.push(outcome(&record)));
        outcomes
    }

    /// Passes bytes in without keeping what comes out.
    pub(crate) fn pass(&mut self, way: Way, bytes: &[u8]) {
        self.run(way, Some(bytes), &mut |_| {});
    }

    /// Passes bytes in and gives what a log would have of it.
    pub(crate) fn print(&mut self, way: Way, bytes: &[u8]) -> String {
        let mut printed = String::new();
        self.run(way, Some(bytes), &mut |record| printed.push_str(&format!("{record:?}")));
        printed
    }

    /// Ends a direction.
    pub(crate) fn finish(&mut self, way: Way) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        self.run(way, None, &mut |record| outcomes.push(outcome(&record)));
        outcomes
    }

    /// Passes bytes in, or the end.
    fn run(&mut self, way: Way, bytes: Option<&[u8]>, each: &mut dyn FnMut(Record<'_>)) {
        self.now.mono.0 += 1_000_000;
        let salt = Salt([7; 32]);
        let subject = Subject {
            tier: self.tier,
            opened: self.opened,
            permitted: self.permitted,
            lifelines: self.lifelines,
            identity: DeviceIdentity::default(),
            peer: PeerIdentity::default(),
            rules: &self.rules,
            api_rate_per_minute: None,
            patient: None,
            salt: &salt,
        };
        let (now, memory) = (self.now, &mut self.memory);
        match bytes {
            None => self.conversation.finish(now, way, &subject, memory, each),
            Some(bytes) if self.protocol == Protocol::Bacnet => {
                self.conversation.datagram(now, way, bytes, &subject, memory, each);
            }
            Some(bytes) => self.conversation.feed(now, way, bytes, &subject, memory, each),
        }
    }
}

fn outcome(record: &Record<'_>) -> Outcome {
    let judgement = &record.judgement;
    let mut answer = Vec::new();
    let now = Now { mono: Mono(0), wall: NOON };
    if let Some(refusal) = judgement.refusal {
        refuse(refusal, &record.message, now, &mut answer);
    }
    Outcome {
        answer,
        verdict: judgement.verdict,
        reasons: judgement.reasons.iter().collect(),
        operation: judgement.operation,
        refusal: judgement.refusal,
    }
}

/// Frames an HL7 message.
pub(crate) fn framed(text: &str) -> Vec<u8> {
    [b"\x0b", text.as_bytes(), b"\x1c\r"].concat()
}

/// Reads hexadecimal digits.
pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks_exact(2).map(pair).collect()
}

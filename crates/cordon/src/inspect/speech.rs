//! What is spoken in one conversation: found out from plan, port or first bytes, read, and judged.

use cordon_core::inspect::conversation::{self, Conversation, Record as Judged};
use cordon_core::inspect::{Excuses, Memory, Reason, Verdict, Way};
use cordon_model::{Direction, Mono, Now, Protocol, Transport, Wall};
use cordon_wire::classify::{self, Guess};
use cordon_wire::tcp::Side;

use super::event;
use super::message::{Said, say};
use super::party::{Ends, Party, Standing};
use super::ports;
use super::record::{Detail, Mark, Record, Sink};

/// One conversation.
#[derive(Debug)]
pub(super) struct Speech<'p> {
    pub(super) ends: Ends,
    party: Party<'p>,
    state: State,
    excuses: Excuses,
}

#[derive(Debug)]
enum State {
    /// The first bytes of either side did not tell yet.
    Listening { client: Vec<u8>, server: Vec<u8> },
    /// Nothing was said yet, and it is known what will be spoken.
    Silent(Protocol),
    /// It is read.
    Reading(Box<Conversation>),
    /// Nobody here reads it; whether that was said of the client and of the server.
    Unread { client: bool, server: bool },
    /// It is over.
    Over,
}

/// What is the same for all that happens now.
pub(super) struct Turn<'t, 'w> {
    pub(super) mark: Mark,
    pub(super) memory: &'t mut Memory,
    pub(super) sink: &'t mut Sink<'w>,
}

impl<'p> Speech<'p> {
    /// Begins a conversation; `forced` is what it is taken for whatever it looks like.
    /// `is_joined` says that its beginning was not captured.
    pub(super) fn new(
        ends: Ends,
        party: Party<'p>,
        forced: Option<Protocol>,
        is_joined: bool,
    ) -> Self {
        let by_port = ports::protocol(ends.transport, ends.server.1);
        let declared = forced.filter(|protocol| carries(ends.transport, *protocol));
        let state = match declared.or(party.protocol).or(by_port) {
            Some(protocol) if carries(ends.transport, protocol) => State::Silent(protocol),
            Some(_) => State::Unread { client: false, server: false },
            None => State::Listening { client: Vec::new(), server: Vec::new() },
        };
        let excuses = if is_joined { Excuses::BOTH } else { Excuses::default() };
        Self { ends, party, state, excuses }
    }

    /// Gives the address by which the memory of the conversation's device is found.
    pub(super) fn device(&self) -> std::net::IpAddr {
        self.party.address
    }

    /// Says whether nothing more is read.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    /// Takes the next bytes of a stream.
    pub(super) fn stream(&mut self, from: Side, bytes: &[u8], turn: &mut Turn<'_, '_>) {
        if let State::Listening { client, server } = &mut self.state {
            let head = if from == Side::Client { client } else { server };
            let room = classify::LOOK_BYTES.saturating_sub(head.len());
            head.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
            let guess = classify::first_bytes(head, classify::Transport::Tcp);
            if guess == Guess::NeedMore && head.len() < classify::LOOK_BYTES {
                return;
            }
            // What was kept before these bytes goes first.
            let kept = head.len().saturating_sub(room.min(bytes.len()));
            head.truncate(kept);
            self.decide(protocol(guess), turn);
        }
        self.begin();
        match &mut self.state {
            State::Reading(_) => self.read(from, bytes, turn),
            State::Unread { .. } => self.unread(from, bytes, turn),
            State::Listening { .. } | State::Silent(_) | State::Over => {}
        }
    }

    /// Makes the readers when they are first needed: who only knocks costs little.
    fn begin(&mut self) {
        if let State::Silent(protocol) = self.state {
            let conversation = Conversation::new(protocol, self.party.subject.opened);
            self.state = State::Reading(Box::new(conversation));
        }
    }

    /// Begins to read, or not, with the bytes that were kept.
    fn decide(&mut self, protocol: Option<Protocol>, turn: &mut Turn<'_, '_>) {
        let next = match protocol {
            Some(protocol) => {
                State::Reading(Box::new(Conversation::new(protocol, self.party.subject.opened)))
            }
            None => State::Unread { client: false, server: false },
        };
        let State::Listening { client, server } = std::mem::replace(&mut self.state, next) else {
            return;
        };
        for (side, bytes) in [(Side::Client, client), (Side::Server, server)] {
            match &self.state {
                _ if bytes.is_empty() => {}
                State::Reading(_) => self.read(side, &bytes, turn),
                State::Unread { .. } => self.unread(side, &bytes, turn),
                State::Listening { .. } | State::Silent(_) | State::Over => {}
            }
        }
    }

    fn read(&mut self, from: Side, bytes: &[u8], turn: &mut Turn<'_, '_>) {
        let State::Reading(conversation) = &mut self.state else { return };
        let (ends, party, mark) = (&self.ends, &self.party, turn.mark);
        let (subject, sink, excuses) = (&party.subject, &mut *turn.sink, &mut self.excuses);
        let (way, spoken) = (way(party, from), conversation.protocol());
        conversation.feed(now(mark), way, bytes, subject, turn.memory, &mut |judged| {
            record((ends, party), spoken, mark, &judged, excuses, sink);
        });
    }

    /// Takes a datagram.
    pub(super) fn datagram(&mut self, from: Side, bytes: &[u8], turn: &mut Turn<'_, '_>) {
        if matches!(self.state, State::Listening { .. }) {
            let guess = classify::first_bytes(bytes, classify::Transport::Udp);
            let spoken = protocol(guess).filter(|spoken| carries(Transport::Udp, *spoken));
            self.decide(spoken, turn);
        }
        self.begin();
        if !matches!(self.state, State::Reading(_)) {
            self.unread(from, bytes, turn);
            return;
        }
        let State::Reading(conversation) = &mut self.state else { return };
        let (ends, party, mark) = (&self.ends, &self.party, turn.mark);
        let (subject, sink, excuses) = (&party.subject, &mut *turn.sink, &mut self.excuses);
        let (way, spoken) = (way(party, from), conversation.protocol());
        conversation.datagram(now(mark), way, bytes, subject, turn.memory, &mut |judged| {
            record((ends, party), spoken, mark, &judged, excuses, sink);
        });
    }

    /// Goes on after bytes that are missing.
    pub(super) fn gap(&mut self, from: Side, turn: &mut Turn<'_, '_>) {
        self.settle(turn);
        self.excuses = Excuses::BOTH;
        let State::Reading(conversation) = &mut self.state else { return };
        let (ends, party, mark) = (&self.ends, &self.party, turn.mark);
        let (subject, sink, excuses) = (&party.subject, &mut *turn.sink, &mut self.excuses);
        let (way, spoken) = (way(party, from), conversation.protocol());
        conversation.gap(now(mark), way, subject, turn.memory, &mut |judged| {
            record((ends, party), spoken, mark, &judged, excuses, sink);
        });
    }

    /// Ends what one side says.
    pub(super) fn end(&mut self, from: Side, turn: &mut Turn<'_, '_>) {
        self.settle(turn);
        let State::Reading(conversation) = &mut self.state else { return };
        let (ends, party, mark) = (&self.ends, &self.party, turn.mark);
        let (subject, sink, excuses) = (&party.subject, &mut *turn.sink, &mut self.excuses);
        let (way, spoken) = (way(party, from), conversation.protocol());
        conversation.finish(now(mark), way, subject, turn.memory, &mut |judged| {
            record((ends, party), spoken, mark, &judged, excuses, sink);
        });
    }

    /// Ends the conversation.
    pub(super) fn close(&mut self, turn: &mut Turn<'_, '_>) {
        if self.is_over() {
            return;
        }
        self.end(Side::Client, turn);
        self.end(Side::Server, turn);
        if let State::Reading(conversation) = &mut self.state {
            conversation.close(turn.memory);
        }
        self.state = State::Over;
    }

    /// Decides with what there is, because no more comes.
    fn settle(&mut self, turn: &mut Turn<'_, '_>) {
        let is_silent = match &self.state {
            State::Listening { client, server } => client.is_empty() && server.is_empty(),
            State::Silent(_) | State::Reading(_) | State::Unread { .. } | State::Over => true,
        };
        if !is_silent {
            self.decide(None, turn);
        }
    }

    /// Counts what nobody here reads; says it where a device of the plan does what is not listed.
    fn unread(&mut self, from: Side, bytes: &[u8], turn: &mut Turn<'_, '_>) {
        let State::Unread { client, server } = &mut self.state else { return };
        let is_new = !*client && !*server;
        let said = if from == Side::Client { client } else { server };
        let is_first = !std::mem::replace(said, true);
        let transport = self.ends.transport.name();
        turn.sink.totals.unread(transport, self.ends.server.1, is_new, bytes.len());
        if !is_first || self.party.standing != Standing::NoFlow || bytes.is_empty() {
            return;
        }
        let ((src, sport), (dst, dport)) = self.ends.of(from);
        let record = Record {
            ts: turn.mark.ts_s,
            frame: turn.mark.frame,
            src,
            sport,
            dst,
            dport,
            transport,
            device: self.party.device.map(|device| device.id.as_str()),
            protocol: "unknown",
            kind: "unknown",
            op: None,
            operation: None,
            verdict: Verdict::Block.name(),
            rules: vec![Reason::NoFlow.label()],
            page: false,
            bytes: bytes.len(),
            error: None,
            detail: Detail::None {},
        };
        turn.sink.record(&record, Verdict::Block, from == Side::Client);
        let said = event::Said {
            way: way(&self.party, from),
            protocol: Protocol::Opaque,
            operation: None,
            verdict: Verdict::Block,
            page: false,
            reasons: vec![Reason::NoFlow.label()],
            rules: Vec::new(),
            bytes: bytes.len(),
        };
        let (ends, party, mark) = (&self.ends, &self.party, turn.mark);
        turn.sink.keep(|| event::event(ends, party, mark, from, &said));
    }
}

impl Ends {
    /// Gives sender and receiver of what a side says.
    pub(super) fn of(&self, from: Side) -> ((std::net::IpAddr, u16), (std::net::IpAddr, u16)) {
        match from {
            Side::Client => (self.client, self.server),
            Side::Server => (self.server, self.client),
        }
    }
}

fn way(party: &Party<'_>, from: Side) -> Way {
    match (party.subject.opened, from) {
        (Direction::Out, Side::Client) | (Direction::In, Side::Server) => Way::FromDevice,
        (Direction::Out, Side::Server) | (Direction::In, Side::Client) => Way::ToDevice,
    }
}

/// Says which side goes a way.
fn side(party: &Party<'_>, goes: Way) -> Side {
    if way(party, Side::Client) == goes { Side::Client } else { Side::Server }
}

/// Takes the time of a frame for both clocks.
pub(super) fn now(mark: Mark) -> Now {
    let since = std::time::Duration::try_from_secs_f64(mark.ts_s).unwrap_or_default();
    let mono = u64::try_from(since.as_nanos()).unwrap_or(u64::MAX);
    Now { mono: Mono(mono), wall: Wall(since.as_secs()) }
}

/// Says whether a protocol is read here and goes over a transport.
fn carries(transport: Transport, protocol: Protocol) -> bool {
    match protocol {
        Protocol::Hl7 | Protocol::Dicom | Protocol::Modbus | Protocol::Http => {
            transport == Transport::Tcp
        }
        Protocol::Bacnet => transport == Transport::Udp,
        Protocol::Ntp | Protocol::Dns | Protocol::Dhcp | Protocol::Syslog | Protocol::Opaque => {
            false
        }
    }
}

/// Gives the protocol that a guess is; what TLS seals is taken for HTTP.
fn protocol(guess: Guess) -> Option<Protocol> {
    match guess {
        Guess::Hl7 => Some(Protocol::Hl7),
        Guess::Dicom => Some(Protocol::Dicom),
        Guess::Modbus => Some(Protocol::Modbus),
        Guess::Bacnet => Some(Protocol::Bacnet),
        Guess::Http | Guess::Tls => Some(Protocol::Http),
        Guess::Unknown | Guess::NeedMore => None,
    }
}

/// Writes the record of a message, with what the plan says of its conversation.
fn record(
    (ends, party): (&Ends, &Party<'_>),
    spoken: Protocol,
    mark: Mark,
    judged: &Judged<'_>,
    excuses: &mut Excuses,
    sink: &mut Sink<'_>,
) {
    let from = side(party, judged.way);
    let asks = conversation::side(party.subject.opened, judged.way);
    let Some(said) = say(spoken, asks, judged) else { return };
    let Said { protocol, kind, op, error, detail } = said;
    let judgement = &judged.judgement;
    let mut verdict = judgement.verdict;
    let mut page = judgement.page;
    let mut rules: Vec<&str> = judgement.reasons.iter().map(Reason::label).collect();
    if excuses.take(judged.way, judgement.reasons) {
        verdict = Verdict::PassFlag;
        page = false;
        rules.push("not-captured");
    }
    let mut reasons: Vec<&str> = rules.clone();
    match party.standing {
        Standing::NoFlow => reasons.insert(0, Reason::NoFlow.label()),
        Standing::NoDevice => reasons.insert(0, "no-device"),
        Standing::Unplanned | Standing::Listed => {}
    }
    match party.standing {
        Standing::Unplanned if rules.is_empty() => rules.push("conformant"),
        Standing::Listed if rules.is_empty() => rules = party.rules(judgement.operation),
        Standing::Unplanned | Standing::Listed => {}
        Standing::NoFlow => {
            verdict = Verdict::Block;
            rules.insert(0, Reason::NoFlow.label());
        }
        Standing::NoDevice => {
            verdict = Verdict::Block;
            rules.insert(0, "no-device");
        }
    }
    let ((src, sport), (dst, dport)) = ends.of(from);
    let record = Record {
        ts: mark.ts_s,
        frame: mark.frame,
        src,
        sport,
        dst,
        dport,
        transport: ends.transport.name(),
        device: party.device.map(|device| device.id.as_str()),
        protocol,
        kind,
        op,
        operation: judgement.operation.map(cordon_model::Operation::name),
        verdict: verdict.name(),
        rules,
        page,
        bytes: judged.bytes.len(),
        error,
        detail,
    };
    sink.record(&record, verdict, from == Side::Client);
    sink.keep(|| {
        let is_listed = party.standing == Standing::Listed;
        let said = event::Said {
            way: judged.way,
            protocol: Protocol::from_name(protocol).unwrap_or(spoken),
            operation: judgement.operation,
            verdict,
            page,
            reasons,
            rules: if is_listed { party.rules(judgement.operation) } else { Vec::new() },
            bytes: judged.bytes.len(),
        };
        event::event(ends, party, mark, from, &said)
    });
}

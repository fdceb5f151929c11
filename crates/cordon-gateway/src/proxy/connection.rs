//! One proxied connection: what one side says is judged and goes on to the other.
//!
//! Invariant: what waits for a side is bounded: while so much waits, nothing more is read from the
//! other one. A half-closed connection goes on in the other direction.

use cordon_core::inspect::{Judgement, Memory, Reason, Reasons, Verdict, Way};
use cordon_model::{Mono, Now};

use super::hello::Hello;
use super::leg::{Leg, Look};
use super::reading::{Case, Next, Reading};
use super::rules::Party;
use super::seen::{Counts, Ended, Ends, Proof, Seen, Teller};
use super::tls::{Hearing, Named, Session, named};

/// A fatal alert of TLS: the server is not called that.
/// # Source
/// RFC 8446 §5.1, §6.2; RFC 6066 §3.
const UNRECOGNIZED_NAME: [u8; 7] = [21, 3, 3, 0, 2, 2, 112];

/// So much may wait for a side, and what one more arrival adds.
/// # Units
/// Bytes.
const WAITING_BYTES_MAX: usize = 64 * 1024;
/// So much may wait for a side that takes none of what answers its own messages.
/// # Units
/// Bytes.
const ANSWERS_BYTES_MAX: usize = 4 * WAITING_BYTES_MAX;
/// What is read at once.
/// # Units
/// Bytes.
const READ_BYTES: usize = 16 * 1024;
/// Rounds of one connection before others have their turn.
const ROUNDS_MAX: usize = 8;

/// The sides of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// Who opened it.
    Near,
    /// Who was called.
    Far,
}

/// What is the same for all that happens in one turn of the loop.
pub(super) struct Turn<'t> {
    pub(super) now: Now,
    pub(super) memory: &'t mut Memory,
    pub(super) teller: &'t mut Teller,
    pub(super) room: &'t mut [u8],
}

/// What follows after a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    /// It waits for the kernel.
    Wait,
    /// It has more to do.
    Again,
    /// Who was called does not answer.
    Unreachable,
    /// It is over.
    Over(Ended),
}

/// One proxied connection.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) ends: Ends,
    pub(super) party: Party,
    pub(super) memory: usize,
    pub(super) near: Leg,
    pub(super) far: Leg,
    /// TLS towards the service that begins once it is known that the device speaks none.
    pub(super) later: Option<Box<Session>>,
    pub(super) last: Mono,
    pub(super) since: Mono,
    pub(super) counts: Counts,
    /// Whether the listener answered.
    pub(super) is_made: bool,
    hello: Hello,
    reading: Reading,
    ending: Option<Ended>,
}

impl Connection {
    pub(super) fn new(ends: Ends, party: Party, near: Leg, far: Leg, now: Now) -> Self {
        let reading = Reading::new(party.protocol(), party.opened(), party.is_inspected());
        // Who proves itself to us is not asked what it speaks within.
        let hello = if near.session.is_some() { Hello::Done } else { Hello::default() };
        Self {
            ends,
            party,
            memory: 0,
            near,
            far,
            later: None,
            last: now.mono,
            since: now.mono,
            counts: Counts::default(),
            is_made: false,
            hello,
            reading,
            ending: None,
        }
    }

    /// Gives which way goes what a side says.
    fn way(&self, from: Side) -> Way {
        self.party.way(from == Side::Near)
    }

    fn leg(&mut self, side: Side) -> &mut Leg {
        match side {
            Side::Near => &mut self.near,
            Side::Far => &mut self.far,
        }
    }

    /// Takes note of what the kernel says of a side.
    pub(super) fn notice(&mut self, side: Side, event: &mio::event::Event) {
        self.leg(side).notice(event);
    }

    /// Does what can be done now.
    pub(super) fn run(&mut self, turn: &mut Turn<'_>) -> After {
        match self.far.check_connected() {
            Err(_) if !self.is_made => return After::Unreachable,
            Ok(true) if !self.is_made => {
                self.is_made = true;
                let (at, ends, party) = (turn.now.wall, self.ends, self.party.clone());
                turn.teller.tell(Seen::Opened { at, ends, party });
            }
            Ok(_) | Err(_) => {}
        }
        for _ in 0..ROUNDS_MAX {
            let mut moved = self.read(Side::Near, turn);
            moved |= self.read(Side::Far, turn);
            for side in [Side::Near, Side::Far] {
                match self.leg(side).flush() {
                    Ok(sent) => moved |= sent,
                    Err(_) => self.broken(side, turn),
                }
            }
            if let Some(why) = self.over() {
                return After::Over(why);
            }
            if !moved {
                return After::Wait;
            }
        }
        After::Again
    }

    /// Says whether it is over: all is said, or all is sent that could still be sent.
    fn over(&self) -> Option<Ended> {
        let Some(why) = self.ending else {
            return (self.near.is_over() && self.far.is_over()).then_some(Ended::Done);
        };
        // Whoever is refused reads that first: closing now, with bytes unread, would be a reset.
        let is_done = |leg: &Leg| {
            let has_read = leg.has_ended || why != Ended::Blocked;
            !leg.is_connected || leg.is_shut() && has_read
        };
        (is_done(&self.near) && is_done(&self.far)).then_some(why)
    }

    /// Ends it after what waits to be sent.
    pub(super) fn end(&mut self, why: Ended, now: Mono) {
        if self.ending.is_none() {
            self.ending = Some(why);
            self.since = now;
        }
        self.near.ends = true;
        self.far.ends = true;
    }

    /// A side is broken: what it said before goes on to the other side, and then it is over.
    fn broken(&mut self, side: Side, turn: &mut Turn<'_>) {
        let leg = self.leg(side);
        leg.is_connected = false;
        leg.out.clear();
        if !leg.has_ended {
            leg.has_ended = true;
            self.finish(side, turn);
        }
        self.end(Ended::Broken, turn.now.mono);
    }

    fn read(&mut self, side: Side, turn: &mut Turn<'_>) -> bool {
        let (own, other) = match side {
            Side::Near => (&self.near, &self.far),
            Side::Far => (&self.far, &self.near),
        };
        // A service that waits to be spoken to in TLS has nothing to say before.
        let is_early = side == Side::Far && self.later.is_some();
        let is_full = other.out.len() >= WAITING_BYTES_MAX || own.out.len() >= ANSWERS_BYTES_MAX;
        if is_early || is_full && self.ending.is_none() || !own.may_read() {
            return false;
        }
        let room = std::mem::take(&mut turn.room);
        let look = self.leg(side).read(room.get_mut(..READ_BYTES).unwrap_or_default());
        match look {
            Look::Nothing => {}
            // What comes after the end is read so that the other side can say its last, no more.
            Look::Bytes(_) if self.ending.is_some() => {}
            Look::End => self.ended(side, turn),
            Look::Broken => self.broken(side, turn),
            Look::Bytes(count) => {
                self.last = turn.now.mono;
                self.heard(side, room.get(..count).unwrap_or_default(), turn);
            }
        }
        turn.room = room;
        look != Look::Nothing
    }

    /// Takes bytes of a side's socket.
    fn heard(&mut self, side: Side, bytes: &[u8], turn: &mut Turn<'_>) {
        let mut session = self.leg(side).session.take();
        let heard = Leg::hear(&mut session, bytes, &mut |hearing| {
            match hearing {
                Hearing::Met { certificate, is_hybrid, is_expected } => {
                    self.met(side, certificate, (is_hybrid, is_expected), turn);
                }
                Hearing::Bytes(plain) => self.said(side, plain, turn),
                Hearing::End => self.ended(side, turn),
            }
            self.ending.is_none()
        });
        let has_met = session.as_ref().is_some_and(Session::has_met);
        self.leg(side).session = session;
        if heard.is_err() {
            if !has_met {
                self.tell_tls(side, Proof::Failed, turn);
            }
            self.near.out.clear();
            self.far.out.clear();
            let why = if has_met { Ended::Broken } else { Ended::Identity };
            self.end(why, turn.now.mono);
        }
    }

    /// Checks whom a handshake proved.
    fn met(
        &mut self,
        side: Side,
        certificate: Option<&[u8]>,
        (is_hybrid, is_expected): (bool, bool),
        turn: &mut Turn<'_>,
    ) {
        let proof = if !is_expected {
            Proof::Mismatch { named: None }
        } else if self.is_device(side) {
            let named = match certificate {
                Some(certificate) => named(certificate, self.party.hospital()),
                None => Named::None,
            };
            let expected = self.party.device().map(|device| &device.id);
            match named {
                Named::Device(id) if Some(&id) == expected => Proof::Proven { is_hybrid },
                Named::Device(id) => Proof::Mismatch { named: Some(id) },
                Named::None | Named::Unclear => Proof::Mismatch { named: None },
            }
        } else {
            Proof::Proven { is_hybrid }
        };
        let is_proven = matches!(proof, Proof::Proven { .. });
        self.tell_tls(side, proof, turn);
        if !is_proven {
            // Nothing that waits is for this one.
            self.near.out.clear();
            self.far.out.clear();
            self.end(Ended::Identity, turn.now.mono);
        }
    }

    fn is_device(&self, side: Side) -> bool {
        self.way(side) == Way::FromDevice
    }

    fn tell_tls(&self, side: Side, proof: Proof, turn: &mut Turn<'_>) {
        let (at, ends, party) = (turn.now.wall, self.ends, self.party.clone());
        let is_device = self.is_device(side);
        turn.teller.tell(Seen::Tls { at, ends, party, is_device, proof });
    }

    /// Takes what a side says.
    fn said(&mut self, side: Side, plain: &[u8], turn: &mut Turn<'_>) {
        self.counts.bytes(self.way(side), plain.len());
        let carried = self.counts.bytes_from_device.saturating_add(self.counts.bytes_to_device);
        if self.party.bytes_max().is_some_and(|max| carried > max) {
            self.exceeded(side, plain.len(), turn);
            return;
        }
        if side == Side::Far || self.hello.is_done() {
            self.judge(side, Some(plain), turn);
            return;
        }
        let mut hello = std::mem::take(&mut self.hello);
        if let Some(beginning) = hello.feed(plain) {
            self.begin(&beginning, turn);
        }
        self.hello = hello;
    }

    /// Ends a connection that carried more than its flow may.
    fn exceeded(&mut self, side: Side, bytes: usize, turn: &mut Turn<'_>) {
        let mut reasons = Reasons::default();
        reasons.insert(Reason::OverLimit);
        let verdict = Verdict::Block;
        let judgement = Judgement { verdict, operation: None, reasons, page: false, refusal: None };
        self.counts.verdict(verdict);
        turn.teller.tell(Seen::Message {
            at: turn.now,
            ends: self.ends,
            party: self.party.clone(),
            way: self.way(side),
            bytes,
            judgement,
            is_enforced: true,
            is_excused: false,
        });
        self.end(Ended::Envelope, turn.now.mono);
    }

    /// Goes on with the opener's first bytes, which tell what it speaks.
    fn begin(&mut self, beginning: &super::hello::Beginning, turn: &mut Turn<'_>) {
        if let Some(hello) = &beginning.hello {
            let (at, ends, party) = (turn.now.wall, self.ends, self.party.clone());
            let server_name = hello.server_name.clone();
            let is_foreign = server_name.as_deref().is_some_and(|name| !party.is_called(name));
            let is_refused = is_foreign && !party.is_lifeline();
            let ja4 = hello.ja4;
            turn.teller.tell(Seen::Hello { at, ends, party, ja4, server_name, is_foreign });
            if is_refused {
                self.near.out.push(&UNRECOGNIZED_NAME);
                self.end(Ended::ServerName, turn.now.mono);
                return;
            }
        }
        // Whoever speaks TLS itself is not put into another one.
        let later = self.later.take();
        if let Some(session) = later.filter(|_| !beginning.is_tls) {
            self.far.session = Some(*session);
        }
        self.judge(Side::Near, Some(&beginning.bytes), turn);
    }

    /// Begins TLS towards the service although nobody said anything yet.
    pub(super) fn begin_silently(&mut self) {
        if let Some(session) = self.later.take() {
            self.hello = Hello::Done;
            self.far.session = Some(*session);
        }
    }

    /// Judges what a side says, or that it says nothing more.
    fn judge(&mut self, side: Side, plain: Option<&[u8]>, turn: &mut Turn<'_>) {
        let way = self.way(side);
        let (ends, now) = (self.ends, turn.now);
        let (counts, party, teller) = (&mut self.counts, &self.party, &mut *turn.teller);
        let mut each = |way: Way, bytes: usize, judgement: Judgement| {
            counts.verdict(judgement.verdict);
            let party = party.clone();
            teller.tell(Seen::Message {
                at: now,
                ends,
                party,
                way,
                bytes,
                judgement,
                is_enforced: true,
                is_excused: false,
            });
        };
        let (onward, back) = match side {
            Side::Near => (&mut self.far.out, &mut self.near.out),
            Side::Far => (&mut self.near.out, &mut self.far.out),
        };
        let memory = &mut *turn.memory;
        let mut case = Case { now, party, memory, onward, back, each: &mut each };
        let next = match plain {
            Some(plain) => self.reading.feed(way, plain, &mut case),
            None => self.reading.finish(way, &mut case),
        };
        if let Next::Close(why) = next {
            self.end(why, now.mono);
        }
    }

    /// A side says nothing more.
    fn ended(&mut self, side: Side, turn: &mut Turn<'_>) {
        let leg = self.leg(side);
        if !std::mem::replace(&mut leg.has_ended, true) {
            self.finish(side, turn);
        }
        match side {
            Side::Near => self.far.ends = true,
            Side::Far => self.near.ends = true,
        }
    }

    fn finish(&mut self, side: Side, turn: &mut Turn<'_>) {
        if side == Side::Near
            && let Some(beginning) = std::mem::replace(&mut self.hello, Hello::Done).finish()
        {
            self.begin(&beginning, turn);
        }
        if self.ending.is_none() {
            self.judge(side, None, turn);
        }
        self.begin_silently();
    }

    /// Says whether a side has still to prove who it is.
    pub(super) fn is_unproven(&self) -> bool {
        let is_unproven = |leg: &Leg| leg.session.as_ref().is_some_and(|s| !s.has_met());
        is_unproven(&self.near) || is_unproven(&self.far)
    }

    /// Says why it is ending, if it is.
    pub(super) fn ending(&self) -> Option<Ended> {
        self.ending
    }

    /// Ends it for good.
    pub(super) fn close(&mut self, memory: &mut Memory) {
        self.reading.close(memory);
    }
}

//! Conversations in datagrams that are handed over.
//!
//! Of each pair of addresses there are two sockets: one speaks to the opener as the listener, one
//! to the listener as the opener. The kernel gives the first datagram of a pair to the socket that
//! listens for all, and every further one to the pair's own.
//!
//! Source: ASHRAE 135-2020 Annex J; ip(7) `IP_RECVORIGDSTADDR`.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, IoSliceMut};
use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::AsRawFd;
use std::sync::Arc;

use cordon_core::inspect::conversation::{Conversation, Record};
use cordon_core::inspect::{Verdict, Way, refuse};
use cordon_model::{Now, Protocol, Transport};
use mio::net::UdpSocket;
use mio::{Interest, Registry, Token};
use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, SockaddrIn, SockaddrIn6, SockaddrStorage, recvmsg,
};

use super::memories::Memories;
use super::options::{Limits, RouteOf};
use super::rules::{Party, Rules};
use super::seen::{Counts, Ended, Ends, Refused, Seen, Teller};
use super::socket::{self, plain};
use super::{DATAGRAMS, SESSIONS};

/// Datagrams that are taken in a row before others have their turn.
const ROUNDS_MAX: usize = 256;

/// What is the same for all that happens in one turn of the loop.
pub(super) struct Turn<'t> {
    pub(super) now: Now,
    pub(super) memories: &'t mut Memories,
    pub(super) teller: &'t mut Teller,
    pub(super) room: &'t mut [u8],
}

/// What a new conversation is begun with.
pub(super) struct Place<'p> {
    pub(super) registry: &'p Registry,
    pub(super) rules: &'p Arc<Rules>,
    pub(super) route: &'p RouteOf,
    pub(super) limits: &'p Limits,
}

/// One conversation.
#[derive(Debug)]
struct Session {
    ends: Ends,
    party: Party,
    memory: usize,
    conversation: Option<Conversation>,
    /// Towards the opener.
    near: UdpSocket,
    /// Towards the listener.
    far: UdpSocket,
    last: Now,
    counts: Counts,
}

/// All conversations in datagrams.
#[derive(Debug, Default)]
pub(super) struct Datagrams {
    listeners: Vec<UdpSocket>,
    sessions: Vec<Option<Box<Session>>>,
    places: BTreeMap<(SocketAddr, SocketAddr), usize>,
}

impl Datagrams {
    /// Says whether there is no conversation.
    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Begins to listen.
    pub(super) fn listen(
        &mut self,
        registry: &Registry,
        number: usize,
        address: SocketAddr,
        is_transparent: bool,
    ) -> io::Result<()> {
        let mut socket = UdpSocket::from_std(socket::datagrams(address, is_transparent)?);
        registry.register(
            &mut socket,
            Token(DATAGRAMS.saturating_add(number)),
            Interest::READABLE,
        )?;
        self.listeners.push(socket);
        Ok(())
    }

    /// Takes datagrams of pairs that are not known yet.
    pub(super) fn arrived(&mut self, listener: usize, place: &Place<'_>, turn: &mut Turn<'_>) {
        let room = std::mem::take(&mut turn.room);
        for _ in 0..ROUNDS_MAX {
            let Some(socket) = self.listeners.get(listener) else { break };
            let (peer, local, count) = match receive(socket, room) {
                Ok(received) => received,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => continue,
            };
            let bytes = room.get(..count).unwrap_or_default();
            if let Some(session) = self.session((peer, local), place, turn) {
                session.said(true, bytes, turn);
            }
        }
        turn.room = room;
    }

    /// Takes datagrams of a pair that is known.
    pub(super) fn answered(&mut self, token: usize, turn: &mut Turn<'_>) {
        let Some(Some(session)) = self.sessions.get_mut(token / 2) else { return };
        let is_near = token.is_multiple_of(2);
        let room = std::mem::take(&mut turn.room);
        // What is left of a flood is not announced again, and datagrams may be lost.
        for _ in 0..ROUNDS_MAX {
            let socket = if is_near { &session.near } else { &session.far };
            match socket.recv(room) {
                Ok(count) => session.said(is_near, room.get(..count).unwrap_or_default(), turn),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                // That nobody listened to an earlier one.
                Err(_) => {}
            }
        }
        turn.room = room;
    }

    fn session(
        &mut self,
        (peer, local): (SocketAddr, SocketAddr),
        place: &Place<'_>,
        turn: &mut Turn<'_>,
    ) -> Option<&mut Session> {
        let route = (place.route)(peer, local)?;
        let key = (route.opener, route.listener);
        if !self.places.contains_key(&key) {
            let ends =
                Ends { transport: Transport::Udp, opener: route.opener, listener: route.listener };
            let (opener, listener) = (route.opener.ip(), route.listener);
            let party = place.rules.between(opener, listener.ip(), listener.port(), Transport::Udp);
            let at = turn.now.wall;
            let Some(party) = party else {
                turn.teller.tell(Seen::Refused { at, ends, party: None, why: Refused::NoFlow });
                return None;
            };
            let why = if self.places.len() >= place.limits.sessions_max {
                Some(Refused::TooMany)
            } else {
                self.begin(&route, ends, &party, place, turn).err().map(|_| Refused::NoSocket)
            };
            let party = party.clone();
            if let Some(why) = why {
                turn.teller.tell(Seen::Refused { at, ends, party: Some(party), why });
                return None;
            }
            turn.teller.tell(Seen::Opened { at, ends, party });
        }
        self.sessions.get_mut(*self.places.get(&key)?)?.as_deref_mut()
    }

    fn begin(
        &mut self,
        route: &super::Route,
        ends: Ends,
        party: &Party,
        place: &Place<'_>,
        turn: &mut Turn<'_>,
    ) -> io::Result<()> {
        let slot = self.sessions.iter().position(Option::is_none).unwrap_or(self.sessions.len());
        // As who is called, to who calls; and the other way round, from the very port.
        let (own, from) = if route.is_transparent {
            (route.listener, route.opener)
        } else {
            (SocketAddr::new(route.connect.ip(), 0), route.from)
        };
        let near = socket::pair(own, route.opener, route.is_transparent)?;
        let far = socket::pair(from, route.connect, route.is_transparent)?;
        let (mut near, mut far) = (UdpSocket::from_std(near), UdpSocket::from_std(far));
        let token = SESSIONS.saturating_add(slot.saturating_mul(2));
        place.registry.register(&mut near, Token(token), Interest::READABLE)?;
        place.registry.register(&mut far, Token(token.saturating_add(1)), Interest::READABLE)?;
        let is_read = party.protocol() == Protocol::Bacnet && party.is_inspected();
        let session = Session {
            ends,
            party: party.clone(),
            memory: party.device().map_or(0, |device| turn.memories.place(&device.id)),
            conversation: is_read.then(|| Conversation::new(Protocol::Bacnet, party.opened())),
            near,
            far,
            last: turn.now,
            counts: Counts::default(),
        };
        if slot == self.sessions.len() {
            self.sessions.push(None);
        }
        if let Some(empty) = self.sessions.get_mut(slot) {
            *empty = Some(Box::new(session));
        }
        self.places.insert((ends.opener, ends.listener), slot);
        Ok(())
    }

    /// Ends what was silent for too long.
    pub(super) fn tick(&mut self, now: Now, limits: &Limits, teller: &mut Teller) {
        let idle_ns = limits.session_idle_s.saturating_mul(1_000_000_000);
        let is_idle = |session: &Session| now.mono.0.saturating_sub(session.last.mono.0) >= idle_ns;
        self.end_if(now, teller, Ended::Idle, &is_idle);
    }

    /// Judges every conversation by other rules.
    pub(super) fn policy(&mut self, now: Now, rules: &Arc<Rules>, teller: &mut Teller) {
        let next = |session: &Session| rules.successor(&session.party);
        self.end_if(now, teller, Ended::Policy, &|session| next(session).is_none());
        for session in self.sessions.iter_mut().flatten() {
            if let Some(party) = next(session) {
                session.party = party;
            }
        }
    }

    /// Ends everything.
    pub(super) fn stop(&mut self, now: Now, teller: &mut Teller) {
        self.listeners.clear();
        self.end_if(now, teller, Ended::Stopped, &|_| true);
    }

    fn end_if(
        &mut self,
        now: Now,
        teller: &mut Teller,
        why: Ended,
        ends: &dyn Fn(&Session) -> bool,
    ) {
        for place in &mut self.sessions {
            if let Some(session) = place.take_if(|session| ends(session)) {
                self.places.remove(&(session.ends.opener, session.ends.listener));
                let Session { ends, party, counts, .. } = *session;
                teller.tell(Seen::Closed { at: now.wall, ends, party, why, counts });
            }
        }
    }
}

impl Session {
    /// Takes a datagram of one side.
    fn said(&mut self, is_near: bool, bytes: &[u8], turn: &mut Turn<'_>) {
        self.last = turn.now;
        let way = self.party.way(is_near);
        self.counts.bytes(way, bytes.len());
        let (passes, answer) = self.judge(way, bytes, turn);
        let (own, other) = if is_near { (&self.near, &self.far) } else { (&self.far, &self.near) };
        // A datagram that finds no room is lost, as any may be.
        if passes {
            let _ignored = other.send(bytes);
        }
        if !answer.is_empty() {
            let _ignored = own.send(&answer);
        }
    }

    fn judge(&mut self, way: Way, bytes: &[u8], turn: &mut Turn<'_>) -> (bool, Vec<u8>) {
        let Some(conversation) = &mut self.conversation else { return (true, Vec::new()) };
        let Some(subject) = self.party.subject() else { return (false, Vec::new()) };
        let memory = turn.memories.at(self.memory);
        let (now, ends, party) = (turn.now, self.ends, &self.party);
        let (counts, teller) = (&mut self.counts, &mut *turn.teller);
        let (mut passes, mut answer) = (false, Vec::new());
        conversation.datagram(now, way, bytes, &subject, memory, &mut |record: Record<'_>| {
            let judgement = record.judgement;
            passes = judgement.verdict != Verdict::Block;
            if let Some(refusal) = judgement.refusal {
                let _has_answer = refuse(refusal, &record.message, now, &mut answer);
            }
            counts.verdict(judgement.verdict);
            teller.tell(Seen::Message {
                at: now,
                ends,
                party: party.clone(),
                way,
                bytes: record.bytes.len(),
                judgement,
                is_enforced: true,
                is_excused: false,
            });
        });
        (passes, answer)
    }
}

/// Receives a datagram: from whom, to whom, and how long it is.
fn receive(socket: &UdpSocket, room: &mut [u8]) -> io::Result<(SocketAddr, SocketAddr, usize)> {
    let mut control = nix::cmsg_space!(nix::libc::sockaddr_in6);
    let mut parts = [IoSliceMut::new(room)];
    let flags = MsgFlags::MSG_DONTWAIT;
    let received =
        recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut parts, Some(&mut control), flags)?;
    let peer = received.address.as_ref().and_then(address);
    let local = received.cmsgs()?.find_map(|message| destination(&message));
    let found = peer.zip(local).map(|(peer, local)| (plain(peer), plain(local), received.bytes));
    found.ok_or_else(|| ErrorKind::InvalidData.into())
}

/// Gives where a datagram was sent, if the kernel says so.
fn destination(message: &ControlMessageOwned) -> Option<SocketAddr> {
    if let ControlMessageOwned::Ipv4OrigDstAddr(found) = message {
        return Some(SocketAddr::V4(SocketAddrV4::from(SockaddrIn::from(*found))));
    }
    if let ControlMessageOwned::Ipv6OrigDstAddr(found) = message {
        return Some(SocketAddr::V6(SocketAddrV6::from(SockaddrIn6::from(*found))));
    }
    None
}

fn address(storage: &SockaddrStorage) -> Option<SocketAddr> {
    let v4 = storage.as_sockaddr_in().map(|found| SocketAddr::V4(SocketAddrV4::from(*found)));
    v4.or_else(|| storage.as_sockaddr_in6().map(|found| SocketAddr::V6(SocketAddrV6::from(*found))))
}

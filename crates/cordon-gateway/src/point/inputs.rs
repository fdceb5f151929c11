//! What is heard, put into the words of the state machine.

use std::collections::BTreeMap;
use std::net::IpAddr;

use cordon_core::inspect::{Verdict, Way as InspectWay};
use cordon_core::pep::{
    Cause, Containment, Denied, Elements, Family, FlowId, FlowMoment, FlowSeen, Input, MessageSeen,
    Order, OrderKind, Restored,
};
use cordon_model::bundle::{BundleDevice, FlowKey};
use cordon_model::event::{Authenticated, Outcome, Party, Way};
use cordon_model::nft::mark_of;
use cordon_model::{Direction, Event, Label, Mac, Mono, Posture, Transport, WallMs, What};
use serde_json::json;

use super::Point;
use crate::capture::Capture;
use crate::control::{Asked, Order as Asking, Request};
use crate::kernel::Kernel;
use crate::kernel::elements::{Change, StateSet};
use crate::kernel::flows::{Flow, Seen as FlowWas};
use crate::kernel::log::{Logged, Why};
use crate::kernel::state::State;
use crate::proxy::{Ends, Proof, Seen};

/// A connection and what became of it.
pub(crate) type FlowChange = (FlowWas, Flow);

/// Reads what a process before left in the kernel.
pub(super) fn restored(kernel: &mut Kernel) -> Restored {
    match kernel.state() {
        Ok(state) => Restored { held: held(&state), age_s: None },
        Err(error) => {
            super::report(&format!("state: {}", crate::check::with_sources(&error)));
            Restored::default()
        }
    }
}

/// Puts the sets of the state table together, address by address.
pub(super) fn held(state: &State) -> BTreeMap<IpAddr, Elements> {
    let mut held: BTreeMap<IpAddr, Elements> = BTreeMap::new();
    for one in &state.isolated {
        held.entry(one.address).or_default().isolated = true;
    }
    for one in &state.contained {
        let seconds = |left: std::time::Duration| u32::try_from(left.as_secs()).unwrap_or(u32::MAX);
        let timeout_s = one.expires.map(seconds);
        held.entry(one.address).or_default().contained = Some(Containment { timeout_s });
    }
    for one in &state.no_new {
        held.entry(one.address).or_default().no_new = true;
    }
    for (address, mark) in &state.postures {
        let posture = Posture::all().find(|posture| mark_of(*posture) == *mark);
        held.entry(*address).or_default().posture = posture;
    }
    held
}

impl Point {
    pub(super) fn asked(&mut self, asked: Asked) {
        match asked.request.clone() {
            Request::Status => {
                let status = self.status();
                asked.answer(status);
            }
            Request::Heard => {
                self.step(Input::Heard);
                asked.answer(json!({ "ok": true }));
            }
            Request::Contain(order) => self.order(asked, order, OrderKind::Contain),
            Request::Isolate(order) => self.order(asked, order, OrderKind::Isolate),
            Request::Release(order) => self.order(asked, order, OrderKind::Release),
            Request::Confirm(order) => self.order(asked, order, OrderKind::Confirm),
            Request::Capture { device, seconds, to } => {
                let answer = match self.capture(&device, seconds, &to) {
                    Ok(()) => json!({ "ok": true, "device": device, "to": to }),
                    Err(error) => json!({ "ok": false, "error": error }),
                };
                asked.answer(answer);
            }
            Request::Advance { .. } if !self.config.clock_may_advance => {
                let error = "the configuration has no `clock-may-advance = true`";
                asked.answer(json!({ "ok": false, "error": error }));
            }
            Request::Advance { seconds } => {
                let offset_s = self.clock.advance(seconds);
                self.step(Input::Woke);
                asked.answer(json!({ "ok": true, "clock_offset_s": offset_s }));
            }
            Request::Stop => {
                self.is_stopping = true;
                asked.answer(json!({ "ok": true }));
            }
        }
    }

    fn order(&mut self, asked: Asked, order: Asking, what: OrderKind) {
        self.orders += 1;
        let wall = self.clock.moment().wall.0;
        let Ok(id) = Label::new(&format!("local-{wall}-{}", self.orders)) else { return };
        self.asked.insert(id.clone(), asked);
        let by = order.actors();
        self.step(Input::Order(Order {
            id,
            what,
            device: order.device,
            by,
            evidence: None,
            incident: None,
            reason: order.reason,
            because: Vec::new(),
            since_violation_ms: None,
        }));
    }

    fn addresses(&self, device: &cordon_model::DeviceId) -> Vec<IpAddr> {
        self.pep.device(device).into_iter().flat_map(BundleDevice::addresses).collect()
    }

    fn capture(
        &mut self,
        device: &cordon_model::DeviceId,
        seconds: u32,
        to: &std::path::Path,
    ) -> Result<(), String> {
        let addresses = self.addresses(device);
        if addresses.is_empty() {
            return Err(format!("there is no device `{device}` here"));
        }
        if self.captures.contains_key(device) {
            return Err(format!("`{device}` is being captured already"));
        }
        let now = self.clock.now().mono;
        let capture = Capture::begin(to, now, seconds).map_err(|error| error.to_string())?;
        let until = std::time::Duration::from_secs(u64::from(seconds));
        let add = |address: &IpAddr| Change::add(StateSet::Capture, *address, Some(until));
        let changes: Vec<Change> = addresses.iter().map(add).collect();
        self.kernel.apply(&changes).map_err(|error| crate::check::with_sources(&error))?;
        self.captures.insert(device.clone(), capture);
        Ok(())
    }

    /// Ends captures whose time is over.
    pub(super) fn end_captures(&mut self) {
        let now = self.clock.now().mono;
        let is_over = |(_, capture): &(_, &Capture)| capture.is_over(now);
        let over: Vec<_> =
            self.captures.iter().filter(is_over).map(|(device, _)| device.clone()).collect();
        for device in over {
            let Some(capture) = self.captures.remove(&device) else { continue };
            match capture.end() {
                Ok((packets, bytes, is_full)) => {
                    let full = if is_full { ", full before its time was over" } else { "" };
                    super::report(&format!(
                        "captured {device}: {packets} packets, {bytes} bytes{full}"
                    ));
                }
                Err(error) => super::report(&format!("capture of {device}: {error}")),
            }
        }
    }

    pub(super) fn logged(&mut self, logged: &Logged) {
        if logged.why == Why::Captured {
            let moment = self.clock.moment();
            let packet = cordon_core::pep::Packet::read(Family::Inet, &logged.packet);
            let ends = [packet.src, packet.dst].into_iter().flatten();
            let devices = ends.filter_map(|end| self.pep.device_at(end));
            let captured = devices.map(|one| &one.id).find(|id| self.captures.contains_key(*id));
            let Some(capture) = captured.and_then(|id| self.captures.get_mut(id)) else { return };
            if let Err(error) = capture.write(moment.mono, moment.wall, &logged.packet) {
                super::report(&format!("capture: {error}"));
            }
            return;
        }
        let Some(cause) = Cause::of_group(logged.group) else { return };
        let now = self.clock.now().mono;
        let age = u64::try_from(logged.at.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let family = match logged.why {
            Why::SpoofedArp => Family::Arp,
            Why::Emergency
            | Why::Denied
            | Why::DeniedNew
            | Why::OffPath
            | Why::Spoofed
            | Why::Isolated
            | Why::Copied
            | Why::Captured
            | Why::Uninspected
            | Why::Limited
            | Why::Foreign => Family::Inet,
        };
        self.step(Input::Denied(Denied {
            cause,
            // A packet that a bridge lifted has lost its port; its address was bound to it.
            interface: logged
                .interface_name
                .as_deref()
                .filter(|name| Some(*name) != self.config.bridge.as_deref()),
            mac: logged.mac.and_then(|bytes| Mac::new(bytes).ok()),
            family,
            packet: &logged.packet,
            seen: Mono(now.0.saturating_sub(age)),
        }));
    }

    pub(super) fn flow(&mut self, (was, flow): &FlowChange) {
        let Some(transport) = Transport::of_number(flow.tuple.protocol) else { return };
        let (tuple, carried) = (&flow.tuple, &flow.carried);
        let (device, peer, direction) = if self.pep.device_at(tuple.source).is_some() {
            (tuple.source, tuple.destination, Direction::Out)
        } else if self.pep.device_at(tuple.destination).is_some() {
            (tuple.destination, tuple.source, Direction::In)
        } else {
            return;
        };
        let (from, to) = match direction {
            Direction::Out => (carried.bytes_asked, carried.bytes_answered),
            Direction::In => (carried.bytes_answered, carried.bytes_asked),
        };
        let began =
            flow.began.map(|since| WallMs(u64::try_from(since.as_millis()).unwrap_or(u64::MAX)));
        let moment = match was {
            FlowWas::Start => FlowMoment::Start,
            FlowWas::Update => FlowMoment::Update,
            FlowWas::End => FlowMoment::End,
        };
        let key = FlowKey { device, peer, port: tuple.destination_port, transport, direction };
        self.step(Input::Flow(FlowSeen {
            id: FlowId(u64::from(flow.id) << 16 | u64::from(tuple.source_port)),
            moment,
            key,
            opener_port: tuple.source_port,
            bytes_from_device: from,
            bytes_to_device: to,
            packets: carried.packets_asked.saturating_add(carried.packets_answered),
            began,
        }));
    }

    pub(super) fn seen(&mut self, seen: &Seen) {
        match seen {
            Seen::Message {
                ends, party, way, bytes, judgement, is_enforced, is_excused, ..
            } => {
                let Some(key) = party.key() else { return };
                // What passed is recorded as passed, and nobody is called for what may only look
                // so because bytes before it were not seen.
                let is_block = judgement.verdict == Verdict::Block;
                let has_passed = *is_excused || !is_enforced;
                let verdict =
                    if is_block && has_passed { Verdict::PassFlag } else { judgement.verdict };
                self.step(Input::Message(MessageSeen {
                    key: *key,
                    opener_port: ends.opener.port(),
                    way: match way {
                        InspectWay::FromDevice => Way::FromDevice,
                        InspectWay::ToDevice => Way::ToDevice,
                    },
                    protocol: party.protocol(),
                    operation: judgement.operation,
                    verdict,
                    reasons: judgement.reasons,
                    page: judgement.page && !is_excused,
                    bytes: u64::try_from(*bytes).unwrap_or(u64::MAX),
                }));
            }
            Seen::Tls { ends, party, is_device, proof, .. } => {
                self.proved(ends, party, *is_device, proof);
            }
            Seen::Missed(missed) => self.dropped.missed(missed),
            Seen::Refused { why, .. } => *self.refusals.entry(why.label()).or_default() += 1,
            Seen::Closed { why, .. } => *self.endings.entry(why.label()).or_default() += 1,
            Seen::Hello { ends, party, is_foreign: true, .. } => self.misnamed(ends, party),
            Seen::Opened { .. } | Seen::Hello { .. } => {}
        }
    }

    /// Records that somebody proved who it is, or did not.
    fn proved(&mut self, ends: &Ends, party: &crate::proxy::Party, is_device: bool, proof: &Proof) {
        let (outcome, reason) = match proof {
            Proof::Proven { .. } => (Outcome::Success, None),
            Proof::Mismatch { .. } => (Outcome::Failure, Label::new("identity-mismatch").ok()),
            Proof::Failed => (Outcome::Failure, Label::new("handshake-failed").ok()),
        };
        let is_opener = is_device == (party.opened() == Direction::Out);
        let end = if is_opener { ends.opener } else { ends.listener };
        self.authenticated("mtls", (end, is_device), party, outcome, reason);
    }

    /// Records that a TLS client asked for a server that is not there.
    fn misnamed(&mut self, ends: &Ends, party: &crate::proxy::Party) {
        let (is_device, reason) =
            (party.opened() == Direction::Out, Label::new("server-name").ok());
        let end = (ends.opener, is_device);
        self.authenticated("tls-server-name", end, party, Outcome::Failure, reason);
    }

    fn authenticated(
        &mut self,
        method: &str,
        (end, is_device): (std::net::SocketAddr, bool),
        party: &crate::proxy::Party,
        outcome: Outcome,
        reason: Option<Label>,
    ) {
        let Ok(method) = Label::new(method) else { return };
        let device = party.device().filter(|_| is_device).map(|device| device.id.clone());
        let service = party.service().filter(|_| !is_device).map(|service| service.id.clone());
        let who =
            Party { address: Some(end.ip()), device, mac: None, port: Some(end.port()), service };
        let what = Authenticated {
            actor: None,
            method,
            outcome,
            party: who,
            reason,
            segment: None,
            tier: party.tier(),
            to: Some(self.config.point.clone()),
        };
        self.diary.record(&Event {
            at: self.clock.moment().wall,
            point: Some(self.config.point.clone()),
            what: What::Authentication(Box::new(what)),
        });
    }
}

//! Flows and messages that passed.

use super::orders::flow_seen;
use super::*;
use crate::inspect::{Reason, Reasons, Verdict};
use cordon_model::Protocol;
use cordon_model::event::{Effect as Action, MessageVerdict, Way};

#[test]
fn a_flow_is_told_when_it_begins_when_it_ends_and_once_a_minute_between() {
    let mut rig = Rig::new();
    let key = lifeline(MONITOR);
    let mut told = Vec::new();
    for second in 0..=150 {
        rig.s = second;
        let moment = if second == 0 { FlowMoment::Start } else { FlowMoment::Update };
        let seen = flow_seen(key, moment, second * 100, second * 10);
        told.extend(flows(&rig.step(Input::Flow(seen))));
    }
    told.extend(flows(&rig.step(Input::Flow(flow_seen(key, FlowMoment::End, 20_000, 2_000)))));
    let bytes: Vec<_> = told.iter().map(|it| it.bytes_from_device).collect();
    assert_eq!(bytes, [0, 6_000, 6_000, 8_000], "each byte once");
    let first = told.first().unwrap();
    assert_eq!((first.action, first.device.clone()), (Action::Permit, Some(id(MONITOR))));
    assert_eq!(first.rule.as_str(), "red-lifeline");
    assert_eq!((first.src.port, first.dst.port), (Some(49_152), Some(2_575)));
    assert_eq!(first.dst.service.as_ref().unwrap().as_str(), "central-station");
    assert!(told.windows(2).all(|two| two.first().unwrap().last == two.last().unwrap().first));
    assert_eq!(rig.pep.counts().flows, 0);
}

#[test]
fn a_flow_that_the_service_opens_is_told_from_the_service() {
    let mut rig = Rig::new();
    let bundle = timeless();
    let key = *keys(&bundle, CONTROLLER, |flow| carries(flow, "modbus.read")).first().unwrap();
    let effects = rig.step(Input::Flow(flow_seen(key, FlowMoment::Start, 10, 20)));
    let [flow] = flows(&effects).try_into().unwrap();
    assert_eq!(flow.dst.device, Some(id(CONTROLLER)));
    assert_eq!((flow.dst.port, flow.src.port), (Some(502), Some(49_152)));
}

#[test]
fn a_flow_without_room_is_told_whole_when_it_ends() {
    let mut rig = Rig::new();
    rig.pep.limits.flows_max = 1;
    let key = lifeline(MONITOR);
    rig.step(Input::Flow(flow_seen(key, FlowMoment::Start, 1, 1)));
    let second = |moment, bytes| FlowSeen { id: FlowId(2), ..flow_seen(key, moment, bytes, 0) };
    let effects = rig.step(Input::Flow(second(FlowMoment::Start, 5)));
    assert_eq!((flows(&effects), raised(&effects)), (vec![], vec!["table-full".to_owned()]));
    assert_eq!(flows(&rig.step(Input::Flow(second(FlowMoment::Update, 50)))), []);
    let [whole] = flows(&rig.step(Input::Flow(second(FlowMoment::End, 500)))).try_into().unwrap();
    assert_eq!(whole.bytes_from_device, 500);
    assert_eq!(rig.pep.counts().flows_lost, 1);
}

#[test]
fn a_number_that_is_used_again_is_another_flow() {
    let mut rig = Rig::new();
    rig.step(Input::Flow(flow_seen(lifeline(MONITOR), FlowMoment::Start, 900, 900)));
    let other = flow_seen(lifeline(PUMP), FlowMoment::Update, 5, 5);
    let [flow] = flows(&rig.step(Input::Flow(other))).try_into().unwrap();
    assert_eq!((flow.device, flow.bytes_from_device), (Some(id(PUMP)), 5));
}

#[test]
fn a_flow_whose_end_nobody_tells_is_forgotten_after_its_last_figures() {
    let mut rig = Rig::new();
    let key = lifeline(MONITOR);
    rig.step(Input::Flow(flow_seen(key, FlowMoment::Start, 0, 0)));
    rig.s = 5;
    rig.step(Input::Flow(flow_seen(key, FlowMoment::Update, 70, 7)));
    let effects = rig.wait_s(FLOW_IDLE_S + 120);
    let bytes: Vec<_> = flows(&effects).iter().map(|it| it.bytes_from_device).collect();
    assert_eq!(bytes, [70]);
    assert_eq!(rig.pep.counts().flows, 0);
}

fn message(verdict: Verdict) -> MessageSeen {
    let mut reasons = Reasons::default();
    if verdict != Verdict::Pass {
        reasons.insert(Reason::Malformed);
    }
    MessageSeen {
        key: lifeline(MONITOR),
        opener_port: 40_000,
        way: Way::FromDevice,
        protocol: Protocol::Hl7,
        operation: Some("hl7.oru-r40".parse().unwrap()),
        verdict,
        reasons,
        page: verdict != Verdict::Pass,
        bytes: 300,
    }
}

#[test]
fn what_is_remarked_is_told_at_once_and_what_passes_by_count() {
    let mut rig = Rig::new();
    for verdict in [Verdict::PassFlag, Verdict::Block] {
        let [told] = messages(&rig.step(Input::Message(message(verdict)))).try_into().unwrap();
        assert_eq!((told.count, told.bytes, told.page), (None, 300, true));
        assert_eq!(told.reasons, [label("malformed")]);
        assert_eq!(told.rules.first().unwrap().as_str(), "red-lifeline");
        assert_eq!(told.src.device, Some(id(MONITOR)));
    }
    for _ in 0..50 {
        assert_eq!(messages(&rig.step(Input::Message(message(Verdict::Pass)))), []);
    }
    let [told] = messages(&rig.wait_s(60)).try_into().unwrap();
    assert_eq!((told.count, told.bytes), (Some(50), 15_000));
    assert_eq!((told.verdict, told.page), (MessageVerdict::Pass, false));
    assert_eq!(messages(&rig.wait_s(600)), []);
}

#[test]
fn a_flood_of_stopped_messages_is_told_by_count_after_the_first() {
    let mut rig = Rig::new();
    let mut each = 0;
    for _ in 0..1_000 {
        each += messages(&rig.step(Input::Message(message(Verdict::Block)))).len();
    }
    assert_eq!(each, 300);
    let [rest] = messages(&rig.wait_s(60)).try_into().unwrap();
    assert_eq!((rest.count, rest.verdict), (Some(700), MessageVerdict::Block));
    assert_eq!(messages(&rig.step(Input::Message(message(Verdict::Block)))).len(), 1);
}

#[test]
fn an_answer_on_a_lifeline_proves_that_it_works() {
    let mut rig = Rig::new();
    rig.order(order("a", OrderKind::Contain, MONITOR));
    rig.step(Input::Message(message(Verdict::Pass)));
    assert!(rig.pep.is_watching());
    let answer = MessageSeen { way: Way::ToDevice, operation: None, ..message(Verdict::Pass) };
    rig.step(Input::Message(MessageSeen { verdict: Verdict::Block, ..answer }));
    assert!(rig.pep.is_watching());
    rig.step(Input::Message(answer));
    assert!(!rig.pep.is_watching());
}

//! What is remembered: questions that are open, and control ids that were used.

use super::*;

#[test]
fn answers_need_a_question() {
    for (tier, lonely) in TIERS.into_iter().zip([FLAG, BLOCK, BLOCK]) {
        let mut case = Case::new(tier);
        let ack = to_device("ACK^R01^ACK", "9", "MSA|AA|1\r");
        assert_eq!(outcome(&case.judge(Way::ToDevice, &ack)), lonely, "{tier:?}");
        assert_eq!(outcome(&case.judge(Way::FromDevice, &report())), PASS);
        let commit = to_device("ACK^R01^ACK", "8", "MSA|CA|1\r");
        assert_eq!(outcome(&case.judge(Way::ToDevice, &commit)), PASS, "{tier:?}");
        assert_eq!(outcome(&case.judge(Way::ToDevice, &ack)), PASS, "{tier:?}");
        assert_eq!(outcome(&case.judge(Way::ToDevice, &ack)), lonely, "{tier:?}: only once");
        let same_way = from_device("ACK^R01^ACK", "9", "MSA|AA|1\r");
        let _judged = case.judge(Way::FromDevice, &report());
        let judgement = case.judge(Way::FromDevice, &same_way);
        assert!(judgement.reasons.contains(Reason::UnexpectedReply), "nobody answers himself");
    }
}

#[test]
fn a_pump_answers_an_order() {
    let mut case = Case::pump(Tier::Orange);
    let _judged = case.judge(Way::ToDevice, &order(""));
    let answer = from_device("RRG^O16^RRG_O16", "9", "MSA|AA|1\r");
    assert_eq!(outcome(&case.judge(Way::FromDevice, &answer)), PASS);
    case.now_s += 601;
    let _judged = case.judge(Way::ToDevice, &order(""));
    let own = from_device("ZZA^Z02^ZZA_Z02", "10", "MSA|AA|1\r");
    assert_eq!(outcome(&case.judge(Way::FromDevice, &own)), PASS, "any type may answer");
    case.now_s += 601;
    let _judged = case.judge(Way::ToDevice, &order(""));
    let empty = from_device("RRG^O16^RRG_O16", "11", "MSA|AA|\r");
    let judgement = case.judge(Way::FromDevice, &empty);
    assert!(judgement.reasons.contains(Reason::RequiredFieldEmpty));
    assert!(judgement.refusal.is_none(), "an answer is not refused");
}

#[test]
fn a_blocked_question_is_not_waited_for() {
    let mut case = Case::new(Tier::Orange);
    let _judged = case.judge(Way::FromDevice, &report().replace("|PUMP|", "|OTHER|"));
    let ack = to_device("ACK^R01^ACK", "9", "MSA|AA|1\r");
    assert_eq!(outcome(&case.judge(Way::ToDevice, &ack)), BLOCK);
}

#[test]
fn a_server_that_never_answers_does_not_silence_a_device() {
    let mut case = Case::new(Tier::Orange);
    for id in 0..100 {
        let text = report().replace("|1|P", &format!("|{id}|P"));
        assert_eq!(outcome(&case.judge(Way::FromDevice, &text)), PASS, "{id}");
    }
    let ack = |id: u32| to_device("ACK^R01^ACK", "9", &format!("MSA|AA|{id}\r"));
    assert_eq!(outcome(&case.judge(Way::ToDevice, &ack(84))), PASS);
    assert_eq!(outcome(&case.judge(Way::ToDevice, &ack(83))), BLOCK);
}

#[test]
fn a_control_id_is_used_once_in_ten_minutes() {
    let mut case = Case::new(Tier::Orange);
    let mut send = |after_s: u64| {
        case.now_s = NOW_S + after_s;
        let text = report().replace("20261124101501+0000", "20261124103001");
        let judgement = case.judge(Way::FromDevice, &text);
        assert_ne!(judgement.verdict, Verdict::Block);
        let has = |reason| judgement.reasons.contains(reason);
        (has(Reason::Replay), has(Reason::ResendStorm), judgement.page)
    };
    assert_eq!(send(0), (false, false, false));
    for resend in 1..=5 {
        assert_eq!(send(resend), (true, false, false), "resend {resend}");
    }
    assert_eq!(send(6), (true, true, true), "the sixth resend");
    assert_eq!(send(599), (true, true, true));
    assert_eq!(send(600), (false, false, false));
    assert_eq!(send(601), (true, false, false));
}

#[test]
fn control_ids_of_both_ways_and_other_senders_are_apart() {
    let mut case = Case::pump(Tier::Orange);
    case.permitted.insert(Operation::Hl7OruR01);
    for (way, text) in [
        (Way::FromDevice, report()),
        (Way::ToDevice, order("")),
        (Way::ToDevice, order("").replace("|SRV|", "|SRV2|")),
    ] {
        assert!(!case.judge(way, &text).reasons.contains(Reason::Replay), "{text}");
    }
}

#[test]
fn memory_of_control_ids_is_bounded_and_forgets_the_oldest() {
    let mut memory = DeviceMemory::default();
    for id in 0..300 {
        assert_eq!(memory.see(id, Mono(0)), Seen::First);
    }
    assert_eq!(memory.see(299, Mono(1)), Seen::Again);
    assert_eq!(memory.see(44, Mono(1)), Seen::Again);
    assert_eq!(memory.see(43, Mono(1)), Seen::First);
}

//! Proposals, answers, and the order of what is said.

use super::*;

fn reject(result: u8, source: u8, reason: u8) -> Option<Refusal> {
    Some(Refusal::DicomReject { result, source, reason })
}

#[test]
fn an_association_is_judged_by_who_calls_whom() {
    let cases = [
        (Direction::Out, "CT1", "PACS", PASS, vec![], None),
        (Direction::Out, " CT1", "PACS ", PASS, vec![], None),
        (Direction::Out, "CT2", "PACS", BLOCK, vec![Reason::CallingAe], reject(1, 1, 3)),
        (Direction::Out, "", "PACS", BLOCK, vec![Reason::CallingAe], reject(1, 1, 3)),
        (Direction::Out, "CT1", "RIS", BLOCK, vec![Reason::CalledAe], reject(1, 1, 7)),
        (
            Direction::Out,
            "CT2",
            "RIS",
            BLOCK,
            vec![Reason::CallingAe, Reason::CalledAe],
            reject(1, 1, 3),
        ),
        (Direction::In, "PACS", "CT1", PASS, vec![], None),
        (Direction::In, "EVIL", "CT1", BLOCK, vec![Reason::CallingAe], reject(1, 1, 3)),
        (Direction::In, "PACS", "CT2", BLOCK, vec![Reason::CalledAe], reject(1, 1, 7)),
    ];
    for (opened, calling, called, verdict, reasons, refusal) in cases {
        let mut bench = Bench::new(&[Echo]);
        bench.opened = opened;
        let bytes = proposal(calling, called, &[VERIFICATION], &[]);
        let judgement = one(&bench.send(bench.requestor(), &bytes));
        check(judgement, verdict, &reasons);
        assert_eq!(judgement.refusal, refusal, "{calling} {called}");
    }
}

#[test]
fn the_tier_decides_what_a_wrong_caller_comes_to() {
    let cases = [
        (Tier::Red, true, FLAG, true),
        (Tier::Red, false, FLAG, true),
        (Tier::Orange, false, BLOCK, false),
        (Tier::Yellow, false, BLOCK, false),
        (Tier::Green, false, BLOCK, false),
    ];
    for (tier, is_lifeline, verdict, page) in cases {
        let mut bench = Bench::new(&[Store]);
        bench.tier = tier;
        if is_lifeline {
            bench.lifelines.insert(Store);
        }
        let bytes = proposal("CT2", "PACS", &[CT], &[]);
        let judgement = one(&bench.send(Way::FromDevice, &bytes));
        check(judgement, verdict, &[Reason::CallingAe]);
        assert_eq!(judgement.page, page, "{tier}");
    }
}

#[test]
fn one_context_of_use_lets_the_others_be() {
    let cases: [(&[Operation], &[&str], Expected<'_>); 17] = [
        (&[Echo], &[VERIFICATION], (PASS, &[])),
        (&[Store], &[CT], (PASS, &[])),
        (&[Store], &[CT, MR], (FLAG, &[Reason::ContextNotListed])),
        (&[Store], &[MR], (BLOCK, &[Reason::SopClassNotListed])),
        (&[Store], &[VERIFICATION], (BLOCK, &[Reason::SopClassNotListed])),
        (&[Store], &["1.3.46.670589.2"], (BLOCK, &[Reason::SopClassNotListed])),
        (&[Store, Echo], &[CT, VERIFICATION, PRINT], (FLAG, &[Reason::ContextNotListed])),
        (&[FindWorklist], &[WORKLIST], (PASS, &[])),
        (&[Find], &[WORKLIST], (BLOCK, &[Reason::SopClassNotListed])),
        (&[Find], &[STUDY_FIND, PATIENT_FIND], (FLAG, &[Reason::ContextNotListed])),
        (&[Find], &[PATIENT_FIND], (BLOCK, &[Reason::PatientRootQuery])),
        (&[Set], &[MPPS], (PASS, &[])),
        (&[Commit], &[COMMITMENT], (PASS, &[])),
        (&[Move], &[STUDY_MOVE], (PASS, &[])),
        (&[Store], &[STUDY_GET], (BLOCK, &[Reason::SopClassNotListed])),
        (&[Get], &[STUDY_GET, MR], (PASS, &[])),
        (&[Store, Echo, Find], &[PRINT], (BLOCK, &[Reason::SopClassNotListed])),
    ];
    for (permitted, classes, (verdict, reasons)) in cases {
        let mut bench = Bench::new(permitted);
        bench.rules().storage_classes = vec![CT.to_owned()];
        let judgement = bench.propose(classes, &[]);
        check(judgement, verdict, reasons);
        let refusal = if verdict == BLOCK { reject(1, 1, 1) } else { None };
        assert_eq!(judgement.refusal, refusal);
    }
}

#[test]
fn any_storage_class_will_do_where_none_is_named() {
    let mut bench = Bench::new(&[Store]);
    check(bench.propose(&[CT, MR, "1.3.46.670589.2"], &[]), PASS, &[]);
}

#[test]
fn a_transfer_syntax_that_is_not_declared_is_remarked() {
    let mut bench = Bench::new(&[Store]);
    bench.rules().transfer_syntaxes = vec!["1.2.840.10008.1.2.1".to_owned()];
    check(bench.propose(&[CT], &[]), FLAG, &[Reason::TransferSyntax]);
}

#[test]
fn roles_are_reversed_only_where_it_is_declared() {
    let out = Direction::Out;
    let cases: [(Direction, &[Operation], bool, &str, bool); 9] = [
        (out, &[Get, Store], false, CT, true),
        (out, &[Store], false, CT, false),
        (out, &[Store], true, CT, true),
        (out, &[Commit], false, COMMITMENT, false),
        (Direction::In, &[Report], false, COMMITMENT, true),
        (Direction::In, &[Commit], false, COMMITMENT, true),
        (Direction::In, &[Get, Store], false, CT, false),
        (Direction::In, &[Echo], false, VERIFICATION, false),
        (Direction::In, &[Echo], true, VERIFICATION, true),
    ];
    for (opened, permitted, is_declared, class, is_fine) in cases {
        let mut bench = Bench::new(permitted);
        bench.opened = opened;
        bench.rules().role_selection = is_declared;
        let judgement = bench.propose(&[class], &[(class, false, true)]);
        if is_fine {
            check(judgement, PASS, &[]);
        } else {
            check(judgement, BLOCK, &[Reason::RoleReversal]);
            assert_eq!(judgement.refusal, reject(1, 1, 1));
        }
    }
    let mut bench = Bench::new(&[Store]);
    check(bench.propose(&[CT], &[(CT, true, false)]), PASS, &[]);
}

#[test]
fn the_ninth_association_at_once_is_refused_for_now() {
    let mut bench = Bench::new(&[Echo]);
    for _ in 0..8 {
        bench.another();
        check(bench.propose(&[VERIFICATION], &[]), PASS, &[]);
    }
    assert_eq!(bench.memory.dicom.open(), 8);
    let mut eighth = std::mem::take(&mut bench.flow);
    bench.another();
    let judgement = bench.propose(&[VERIFICATION], &[]);
    check(judgement, BLOCK, &[Reason::TooManyAssociations]);
    assert_eq!(judgement.refusal, reject(2, 3, 2));
    close(&mut bench.flow, &mut bench.memory);
    assert_eq!(bench.memory.dicom.open(), 8, "what was refused was never open");
    close(&mut eighth, &mut bench.memory);
    close(&mut eighth, &mut bench.memory);
    assert_eq!(bench.memory.dicom.open(), 7);
    bench.another();
    check(bench.propose(&[VERIFICATION], &[]), PASS, &[]);
}

#[test]
fn the_sixth_association_that_fails_in_a_minute_is_remarked() {
    let mut bench = Bench::new(&[Echo]);
    let mut refused = Vec::new();
    associate_reject(&mut refused, 1, 1, 7);
    for at in 0..6 {
        bench.again();
        check(bench.propose(&[VERIFICATION], &[]), PASS, &[]);
        let judgement = one(&bench.send(Way::ToDevice, &refused));
        let reasons: &[Reason] = if at < 5 { &[] } else { &[Reason::FailedAssociations] };
        check(judgement, if at < 5 { PASS } else { FLAG }, reasons);
        assert_eq!(bench.memory.dicom.open(), 0);
    }
    bench.again();
    check(
        bench.propose(&[CT], &[]),
        BLOCK,
        &[Reason::SopClassNotListed, Reason::FailedAssociations],
    );
    bench.now_s += 61;
    bench.again();
    check(bench.propose(&[CT], &[]), BLOCK, &[Reason::SopClassNotListed]);
}

#[test]
fn what_comes_at_the_wrong_time_is_out_of_sequence() {
    let request = proposal("CT1", "PACS", &[VERIFICATION], &[]);
    let mut accept = Vec::new();
    let contexts = [(1, 0, IMPLICIT)];
    associate_accept(
        &mut accept,
        &Acceptance { called: "", calling: "", contexts: &contexts, max_length: 0, roles: &[] },
    );
    let (mut refuse, mut bye, mut end, mut stop) = (vec![], vec![], vec![], vec![]);
    associate_reject(&mut refuse, 1, 1, 1);
    release_request(&mut bye);
    release_reply(&mut end);
    abort(&mut stop, 0, 0);
    let (device, peer) = (Way::FromDevice, Way::ToDevice);
    let fine: [&[Step<'_>]; 5] = [
        &[(device, &request), (peer, &refuse)],
        &[(device, &request), (peer, &accept), (device, &bye), (peer, &end)],
        &[(device, &request), (peer, &accept), (peer, &bye), (device, &end)],
        &[
            (device, &request),
            (peer, &accept),
            (device, &bye),
            (peer, &bye),
            (device, &end),
            (peer, &end),
        ],
        &[(device, &request), (device, &stop)],
    ];
    for steps in fine {
        let mut bench = Bench::new(&[Echo]);
        for (way, bytes) in steps {
            check(one(&bench.send(*way, bytes)), PASS, &[]);
        }
        assert_eq!(bench.memory.dicom.open(), 0);
    }
    let wrong: [(&[Step<'_>], Way, &[u8]); 10] = [
        (&[], device, &accept),
        (&[], device, &bye),
        (&[], device, &end),
        (&[(device, &request)], device, &request),
        (&[(device, &request)], device, &accept),
        (&[(device, &request)], device, &bye),
        (&[(device, &request), (peer, &accept)], device, &request),
        (&[(device, &request), (peer, &accept)], peer, &end),
        (&[(device, &request), (peer, &accept), (device, &bye)], device, &end),
        (&[(device, &request), (peer, &refuse)], device, &request),
    ];
    for (steps, way, bytes) in wrong {
        for times in [1, 3] {
            let mut bench = Bench::new(&[Echo]);
            for (way, bytes) in steps {
                let _judgements = bench.send(*way, bytes);
            }
            let mut judgement = one(&bench.send(way, bytes));
            for _ in 1..times {
                judgement = one(&bench.send(way, bytes));
            }
            let verdict = if times < 3 { FLAG } else { BLOCK };
            check(judgement, verdict, &[Reason::OutOfSequence]);
        }
    }
    let mut bench = Bench::new(&[Echo]);
    check(one(&bench.send(peer, &request)), BLOCK, &[Reason::OutOfSequence]);
}

#[test]
fn data_before_the_answer_and_after_the_release_is_stopped() {
    let echo = super::request(0x30, VERIFICATION, 1, false);
    let mut bench = Bench::new(&[Echo]);
    let _proposed = bench.propose(&[VERIFICATION], &[]);
    let judgement = bench.say(Way::FromDevice, 1, &echo);
    check(judgement, BLOCK, &[Reason::OutOfSequence, Reason::SopClassNotListed]);

    let mut bench = Bench::new(&[Echo]);
    bench.open(&[VERIFICATION], &[]);
    let mut bye = Vec::new();
    release_request(&mut bye);
    check(one(&bench.send(Way::FromDevice, &bye)), PASS, &[]);
    check(bench.say(Way::FromDevice, 1, &echo), FLAG, &[Reason::OutOfSequence]);
}

#[test]
fn bytes_of_another_protocol_and_broken_ones_are_told_apart() {
    let cases = [
        (Tier::Red, true, FLAG),
        (Tier::Red, false, BLOCK),
        (Tier::Orange, false, BLOCK),
        (Tier::Green, false, BLOCK),
    ];
    for (tier, is_lifeline, verdict) in cases {
        let mut bench = Bench::new(&[Store]);
        bench.tier = tier;
        if is_lifeline {
            bench.lifelines.insert(Store);
        }
        let judgement = one(&bench.send(Way::FromDevice, b"GET / HTTP/1.1\r\n"));
        check(judgement, verdict, &[Reason::WrongProtocol]);
        let refusal = Some(Refusal::DicomAbort { reason: 1 });
        assert_eq!(judgement.refusal, refusal.filter(|_| verdict == BLOCK));
    }
    let mut bench = Bench::new(&[Store]);
    for verdict in [FLAG, FLAG, BLOCK] {
        let judgement = one(&bench.send(Way::FromDevice, &[5, 0, 0, 0, 0, 0]));
        check(judgement, verdict, &[Reason::Malformed]);
        let refusal = Some(Refusal::DicomAbort { reason: 6 });
        assert_eq!(judgement.refusal, refusal.filter(|_| verdict == BLOCK));
    }
    let mut bench = Bench::new(&[Store]);
    bench.tier = Tier::Yellow;
    let judgement = one(&bench.send(Way::FromDevice, &[1, 0, 1, 0, 0, 0]));
    check(judgement, BLOCK, &[Reason::OverLimit]);
}

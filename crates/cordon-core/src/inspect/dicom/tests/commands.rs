//! Commands, their answers, and the data sets between them.

use super::*;

const DEVICE: Way = Way::FromDevice;
const PEER: Way = Way::ToDevice;

/// What is permitted, the command, its class; what operation it is, and what is expected of it.
type Row<'a> = (&'a [Operation], u16, &'a str, Option<Operation>, Expected<'a>);

#[test]
fn a_request_is_judged_by_what_the_flow_lists() {
    let cases: [Row<'_>; 21] = [
        (&[Echo], 0x30, VERIFICATION, Some(Echo), (PASS, &[])),
        (&[Store], 0x01, CT, Some(Store), (PASS, &[])),
        (&[Store], 0x01, MR, Some(Store), (BLOCK, &[Reason::SopClassNotListed])),
        (&[FindWorklist], 0x20, WORKLIST, Some(FindWorklist), (PASS, &[])),
        (&[Find], 0x20, STUDY_FIND, Some(Find), (PASS, &[])),
        (&[Find], 0x20, PATIENT_FIND, Some(Find), (BLOCK, &[Reason::PatientRootQuery])),
        (&[Move], 0x21, STUDY_MOVE, Some(Move), (PASS, &[])),
        (&[Get], 0x10, STUDY_GET, Some(Get), (PASS, &[])),
        (&[Create], 0x140, MPPS, Some(Create), (PASS, &[])),
        (&[Set], 0x120, MPPS, Some(Set), (PASS, &[])),
        (&[Commit], 0x130, COMMITMENT, Some(Commit), (PASS, &[])),
        (&[Create], 0x120, MPPS, Some(Set), (BLOCK, &[Reason::OperationNotListed])),
        (&[Create], 0x110, MPPS, None, (BLOCK, &[Reason::OperationNotListed])),
        (&[Store], 0x150, CT, Some(Delete), (BLOCK, &[Reason::OperationNotListed])),
        (&[Echo], 0x31, VERIFICATION, None, (BLOCK, &[Reason::OperationNotListed])),
        (&[Store], 0x20, CT, Some(Find), (BLOCK, &[Reason::OperationNotListed])),
        (
            &[Echo],
            0x10,
            STUDY_GET,
            Some(Get),
            (BLOCK, &[Reason::OperationNotListed, Reason::SopClassNotListed]),
        ),
        (
            &[Echo],
            0x20,
            PATIENT_FIND,
            Some(Find),
            (BLOCK, &[Reason::OperationNotListed, Reason::PatientRootQuery]),
        ),
        (
            &[Store],
            0x140,
            PRINT,
            None,
            (BLOCK, &[Reason::OperationNotListed, Reason::SopClassNotListed]),
        ),
        (
            &[Find],
            0x20,
            WORKLIST,
            Some(FindWorklist),
            (BLOCK, &[Reason::OperationNotListed, Reason::SopClassNotListed]),
        ),
        (&[Report], 0x100, COMMITMENT, Some(Report), (PASS, &[])),
    ];
    for (permitted, code, class, operation, (verdict, reasons)) in cases {
        let mut bench = Bench::new(permitted);
        bench.tier = Tier::Orange;
        bench.rules().storage_classes = vec![CT.to_owned()];
        // The context of a class that is of no use passes beside another.
        let fine =
            [VERIFICATION, CT, WORKLIST, STUDY_FIND, STUDY_MOVE, STUDY_GET, MPPS, COMMITMENT];
        let all = [fine.as_slice(), &[class]].concat();
        bench.open(&all, &[]);
        let id = u8::try_from(2 * fine.len() + 1).unwrap_or(0);
        let judgement = bench.say(DEVICE, id, &request(code, class, 1, true));
        check(judgement, verdict, reasons);
        assert_eq!(judgement.operation, operation, "{code:x}");
        let refusal = Some(Refusal::DicomAbort { reason: 0 });
        assert_eq!(judgement.refusal, refusal.filter(|_| verdict == BLOCK), "{code:x}");
    }
}

#[test]
fn what_is_never_listed_is_only_remarked_on_a_lifeline() {
    let mut bench = Bench::new(&[Store]);
    bench.tier = Tier::Red;
    bench.lifelines.insert(Store);
    bench.rules().storage_classes = vec![CT.to_owned()];
    bench.open(&[CT, MR], &[]);
    let judgement = bench.say(DEVICE, 3, &request(1, MR, 1, true));
    check(judgement, FLAG, &[Reason::SopClassNotListed]);
}

#[test]
fn a_command_belongs_on_a_context_of_its_class_that_was_accepted() {
    let refusal = Some(Refusal::DicomAbort { reason: 6 });
    for (context_id, class) in [(1, CT), (3, VERIFICATION), (5, CT)] {
        let mut bench = Bench::new(&[Store, Echo]);
        bench.open(&[VERIFICATION, CT], &[]);
        let code = if class == CT { 1 } else { 0x30 };
        let judgement = bench.say(DEVICE, context_id, &request(code, class, 1, false));
        check(judgement, BLOCK, &[Reason::SopClassNotListed]);
        assert_eq!(judgement.refusal, refusal);
    }
    let mut bench = Bench::new(&[Store]);
    let _proposed = bench.propose(&[CT], &[]);
    let contexts = [(1, 3, "")];
    let mut accept = Vec::new();
    associate_accept(
        &mut accept,
        &Acceptance { called: "", calling: "", contexts: &contexts, max_length: 0, roles: &[] },
    );
    check(one(&bench.send(PEER, &accept)), PASS, &[]);
    let judgement = bench.say(DEVICE, 1, &request(1, CT, 1, false));
    check(judgement, BLOCK, &[Reason::SopClassNotListed]);
}

#[test]
fn an_answer_needs_a_request() {
    let mut bench = Bench::new(&[Echo, Find]);
    bench.open(&[VERIFICATION, STUDY_FIND], &[]);
    let echo = request(0x30, VERIFICATION, 1, false);
    check(bench.say(PEER, 1, &response(0x30, 1, 0)), BLOCK, &[Reason::UnexpectedReply]);
    check(bench.say(DEVICE, 1, &echo), PASS, &[]);
    let wrong = [(1, 0x30, 2), (3, 0x30, 1), (1, 0x20, 1)];
    for (context_id, code, id) in wrong {
        let judgement = bench.say(PEER, context_id, &response(code, id, 0));
        check(judgement, BLOCK, &[Reason::UnexpectedReply]);
        assert_eq!(judgement.operation, None);
    }
    check(bench.say(DEVICE, 1, &response(0x30, 1, 0)), BLOCK, &[Reason::UnexpectedReply]);
    check(bench.say(PEER, 1, &response(0x30, 1, 0)), PASS, &[]);
    check(bench.say(PEER, 1, &response(0x30, 1, 0)), BLOCK, &[Reason::UnexpectedReply]);
    // A query is answered many times, and the last answer is the last.
    check(bench.say(DEVICE, 3, &request(0x20, STUDY_FIND, 1, false)), PASS, &[]);
    for status in [0xFF00, 0xFF01, 0xFF00, 0] {
        check(bench.say(PEER, 3, &response(0x20, 1, status)), PASS, &[]);
    }
    check(bench.say(PEER, 3, &response(0x20, 1, 0)), BLOCK, &[Reason::UnexpectedReply]);
}

#[test]
fn an_answer_from_a_red_device_on_its_lifeline_passes() {
    let mut bench = Bench::new(&[Echo]);
    bench.tier = Tier::Red;
    bench.lifelines.insert(Echo);
    bench.open(&[VERIFICATION], &[]);
    check(bench.say(PEER, 1, &response(0x30, 1, 0)), FLAG, &[Reason::UnexpectedReply]);
}

#[test]
fn only_so_many_requests_may_be_open() {
    let mut bench = Bench::new(&[Echo]);
    bench.open(&[VERIFICATION], &[]);
    for id in 0..16 {
        check(bench.say(DEVICE, 1, &request(0x30, VERIFICATION, id, false)), PASS, &[]);
    }
    let echo = request(0x30, VERIFICATION, 16, false);
    check(bench.say(DEVICE, 1, &echo), BLOCK, &[Reason::TooManyPending]);
    check(bench.say(PEER, 1, &response(0x30, 7, 0)), PASS, &[]);
    check(bench.say(DEVICE, 1, &echo), PASS, &[]);
    check(bench.say(DEVICE, 1, &echo), FLAG, &[Reason::OutOfSequence]);
}

#[test]
fn a_cancel_is_part_of_what_it_cancels() {
    let mut bench = Bench::new(&[FindWorklist]);
    bench.open(&[WORKLIST], &[]);
    let mut cancel = Vec::new();
    command_set(&mut cancel, 0x0FFF, false, &[(0x120, number(1))]);
    assert_eq!(bench.say(DEVICE, 1, &cancel).operation, None);
    check(bench.say(DEVICE, 1, &request(0x20, WORKLIST, 1, false)), PASS, &[]);
    let judgement = bench.say(DEVICE, 1, &cancel);
    check(judgement, PASS, &[]);
    assert_eq!(judgement.operation, Some(FindWorklist));
}

#[test]
fn images_are_sent_only_to_who_asks_for_them() {
    let check_destination = |title: &str, verdict: Verdict| {
        let mut bench = Bench::new(&[Move]);
        bench.tier = Tier::Red;
        bench.lifelines.insert(Move);
        bench.open(&[STUDY_MOVE], &[]);
        let mut set = Vec::new();
        command_set(
            &mut set,
            0x21,
            false,
            &[(2, uid(STUDY_MOVE)), (0x110, number(1)), (0x600, ElementValue::Title(title))],
        );
        let reasons: &[Reason] = if verdict == BLOCK { &[Reason::MoveDestination] } else { &[] };
        check(bench.say(DEVICE, 1, &set), verdict, reasons);
    };
    check_destination("CT1", PASS);
    check_destination("CT1 ", PASS);
    check_destination("CT2", BLOCK);
    check_destination("PACS", BLOCK);
    check_destination(" ", BLOCK);
}

#[test]
fn a_storage_commitment_is_reported_back() {
    // On the same association, by the side that provides the service.
    let report = request(0x100, COMMITMENT, 1, false);
    let mut bench = Bench::new(&[Commit]);
    bench.open(&[COMMITMENT], &[]);
    check(bench.say(PEER, 1, &report), PASS, &[]);
    check(bench.say(DEVICE, 1, &response(0x100, 1, 0)), PASS, &[]);
    // On an association that the archive opens, with and without selecting its role.
    for roles in [[(COMMITMENT, false, true)].as_slice(), &[]] {
        let mut bench = Bench::new(&[Report]);
        bench.opened = Direction::In;
        bench.open(&[COMMITMENT], roles);
        let judgement = bench.say(PEER, 1, &report);
        check(judgement, PASS, &[]);
        assert_eq!(judgement.operation, Some(Report));
    }
    let mut bench = Bench::new(&[Echo]);
    bench.opened = Direction::In;
    bench.open(&[VERIFICATION, COMMITMENT], &[]);
    let reasons = [Reason::OperationNotListed, Reason::SopClassNotListed];
    check(bench.say(PEER, 3, &report), BLOCK, &reasons);
}

#[test]
fn what_a_get_fetches_comes_back_and_nothing_else_does() {
    let store = request(1, CT, 1, false);
    let roles = [(CT, false, true)];
    let mut bench = Bench::new(&[Get]);
    bench.open(&[STUDY_GET, CT], &roles);
    check(bench.say(PEER, 3, &store), BLOCK, &[Reason::OperationNotListed]);
    check(bench.say(DEVICE, 1, &request(0x10, STUDY_GET, 7, false)), PASS, &[]);
    check(bench.say(PEER, 3, &store), PASS, &[]);
    // Without the role nothing is stored at the device.
    let mut bench = Bench::new(&[Get, Store]);
    bench.open(&[STUDY_GET, CT], &[]);
    check(bench.say(PEER, 3, &store), BLOCK, &[Reason::RoleReversal]);
    // The device gave up the role of the user.
    let mut bench = Bench::new(&[Get, Store]);
    bench.open(&[STUDY_GET, CT], &roles);
    check(bench.say(DEVICE, 3, &store), BLOCK, &[Reason::RoleReversal]);
}

#[test]
fn a_role_that_was_not_offered_cannot_be_accepted() {
    let mut bench = Bench::new(&[Store]);
    let _proposed = bench.propose(&[CT], &[]);
    let mut accept = Vec::new();
    let roles = [(CT, false, true)];
    let contexts = [(1, 0, IMPLICIT)];
    associate_accept(
        &mut accept,
        &Acceptance { called: "", calling: "", contexts: &contexts, max_length: 0, roles: &roles },
    );
    check(one(&bench.send(PEER, &accept)), PASS, &[]);
    check(bench.say(PEER, 1, &request(1, CT, 1, false)), BLOCK, &[Reason::RoleReversal]);
}

#[test]
fn a_context_that_was_not_proposed_cannot_be_accepted() {
    let mut bench = Bench::new(&[Store]);
    let _proposed = bench.propose(&[CT], &[]);
    let mut accept = Vec::new();
    let contexts = [(3, 0, IMPLICIT)];
    associate_accept(
        &mut accept,
        &Acceptance { called: "", calling: "", contexts: &contexts, max_length: 0, roles: &[] },
    );
    check(one(&bench.send(PEER, &accept)), FLAG, &[Reason::Malformed]);
}

#[test]
fn a_pdu_is_no_longer_than_its_receiver_takes() {
    for (length, verdict) in [(16_384, PASS), (16_386, BLOCK)] {
        let mut bench = Bench::new(&[Store]);
        bench.open(&[CT], &[]);
        check(bench.say(DEVICE, 1, &request(1, CT, 1, true)), PASS, &[]);
        let mut bytes = Vec::new();
        presentation_data(&mut bytes, &[(1, false, false, &vec![0; length - 6])]);
        let judgements = bench.send(DEVICE, &bytes);
        let reasons: &[Reason] = if verdict == BLOCK { &[Reason::PduOverNegotiated] } else { &[] };
        check(*judgements.first().expect("one"), verdict, reasons);
        check(*judgements.get(1).expect("two"), PASS, &[]);
    }
}

/// An identifier in implicit encoding.
fn identifier(keys: &[Element<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    for (group, element, value) in keys {
        out.extend_from_slice(&group.to_le_bytes());
        out.extend_from_slice(&element.to_le_bytes());
        out.extend_from_slice(&u32::try_from(value.len()).unwrap_or(0).to_le_bytes());
        out.extend_from_slice(value);
    }
    out
}

#[test]
fn a_query_for_everybody_is_remarked() {
    let name: Element<'_> = (0x10, 0x10, b"*\0");
    let cases: [(&[Element<'_>], bool); 7] = [
        (&[name], true),
        (&[], true),
        (&[(0x10, 0x10, b"DOE^* ")], false),
        (&[name, (0x10, 0x20, b"4711")], false),
        (&[(8, 0x20, b"20260101"), name], false),
        (&[name, (0x20, 0x0D, b"1.2.3\0")], false),
        (&[name, (0x10, 0x20, b""), (0x20, 0x0D, b"")], true),
    ];
    for (keys, is_harvest) in cases {
        let mut bench = Bench::new(&[Find]);
        bench.open(&[STUDY_FIND], &[]);
        check(bench.say(DEVICE, 1, &request(0x20, STUDY_FIND, 1, true)), PASS, &[]);
        let judgement = bench.data(DEVICE, 1, &identifier(keys));
        let reasons: &[Reason] = if is_harvest { &[Reason::Harvest] } else { &[] };
        check(judgement, if is_harvest { FLAG } else { PASS }, reasons);
    }
}

#[test]
fn the_sixty_first_query_in_a_minute_is_remarked() {
    let mut bench = Bench::new(&[Find]);
    bench.open(&[STUDY_FIND], &[]);
    for at in 0..62 {
        let judgement = bench.say(DEVICE, 1, &request(0x20, STUDY_FIND, at, false));
        let reasons: &[Reason] = if at < 60 { &[] } else { &[Reason::QueryRate] };
        check(judgement, if at < 60 { PASS } else { FLAG }, reasons);
        check(bench.say(PEER, 1, &response(0x20, at, 0)), PASS, &[]);
    }
}

#[test]
fn a_study_more_than_twice_as_large_as_usual_is_remarked_once() {
    let mut bench = Bench::new(&[Store]);
    bench.rules().study_bytes_usual = Some(1_000);
    bench.open(&[CT], &[]);
    let mut flagged = Vec::new();
    for at in 0..5 {
        check(bench.say(DEVICE, 1, &request(1, CT, at, true)), PASS, &[]);
        let mut bytes = Vec::new();
        presentation_data(&mut bytes, &[(1, false, true, &[0; 800])]);
        let judgements = bench.send(DEVICE, &bytes);
        flagged.push(judgements.iter().any(|j| j.reasons.contains(Reason::StudySize)));
    }
    assert_eq!(flagged, [false, false, true, false, false]);
}

#[test]
fn a_command_that_cannot_be_read_counts_as_malformed() {
    let mut bench = Bench::new(&[Echo]);
    bench.open(&[VERIFICATION], &[]);
    for verdict in [FLAG, FLAG, BLOCK] {
        check(bench.say(DEVICE, 1, &[0; 12]), verdict, &[Reason::Malformed]);
    }
    // What is asked of a device is held to more.
    let mut bench = Bench::new(&[Echo]);
    bench.opened = Direction::In;
    bench.open(&[VERIFICATION], &[]);
    check(bench.say(PEER, 1, &[0; 12]), BLOCK, &[Reason::Malformed]);
}

#[test]
fn nothing_that_is_sent_stops_the_judge() {
    let mut device = proposal("CT1", "PACS", &[STUDY_GET, CT, STUDY_FIND], &[(CT, true, true)]);
    for (context_id, code, class) in [(1, 0x10, STUDY_GET), (3, 1, CT), (5, 0x20, STUDY_FIND)] {
        let set = request(code, class, u16::from(context_id), true);
        presentation_data(&mut device, &[(context_id, true, true, &set)]);
        presentation_data(&mut device, &[(context_id, false, true, &identifier(&[]))]);
    }
    release_request(&mut device);
    let mut peer = Vec::new();
    let contexts = [(1, 0, IMPLICIT), (3, 0, IMPLICIT), (5, 0, IMPLICIT)];
    associate_accept(
        &mut peer,
        &Acceptance { called: "", calling: "", contexts: &contexts, max_length: 64, roles: &[] },
    );
    presentation_data(&mut peer, &[(1, true, true, &response(0x10, 1, 0))]);
    for bit in 0..(device.len() + peer.len()) * 8 {
        let (mut device, mut peer) = (device.clone(), peer.clone());
        let flipped = device.iter_mut().chain(peer.iter_mut()).nth(bit / 8).expect("a byte");
        *flipped ^= 1 << (bit % 8);
        let mut bench = Bench::new(&[Get, Store, Find]);
        for (from_device, from_peer) in device.chunks(97).zip(peer.chunks(41).chain([&[][..]])) {
            let _judgements = bench.send(DEVICE, from_device);
            let _judgements = bench.send(PEER, from_peer);
        }
        assert!(bench.flow.contexts.len() <= 128);
        close(&mut bench.flow, &mut bench.memory);
        assert_eq!(bench.memory.dicom.open(), 0);
    }
}

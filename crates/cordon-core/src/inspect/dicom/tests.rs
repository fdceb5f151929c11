//! Every verdict on DICOM, cell by cell.
#![expect(clippy::expect_used, reason = "tests may stop at the first surprise")]

use cordon_model::fleet::{DicomRules, Inspection};
use cordon_model::{Direction, Operation, OperationSet, Tier, Wall};
use cordon_wire::dicom::{
    Acceptance, ElementValue, Proposal, Reader, Uid, abort, associate_accept, associate_reject,
    associate_request, command_set, presentation_data, release_reply, release_request,
};

use super::*;
use crate::inspect::{DeviceIdentity, PeerIdentity, Salt, Verdict};

mod associations;
mod commands;

const IMPLICIT: &str = "1.2.840.10008.1.2";
const VERIFICATION: &str = "1.2.840.10008.1.1";
const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
const MR: &str = "1.2.840.10008.5.1.4.1.1.4";
const WORKLIST: &str = "1.2.840.10008.5.1.4.31";
const MPPS: &str = "1.2.840.10008.3.1.2.3.3";
const COMMITMENT: &str = "1.2.840.10008.1.20.1";
const PATIENT_FIND: &str = "1.2.840.10008.5.1.4.1.2.1.1";
const STUDY_FIND: &str = "1.2.840.10008.5.1.4.1.2.2.1";
const STUDY_MOVE: &str = "1.2.840.10008.5.1.4.1.2.2.2";
const STUDY_GET: &str = "1.2.840.10008.5.1.4.1.2.2.3";
const PRINT: &str = "1.2.840.10008.5.1.1.9";

static SALT: Salt = Salt([0; 32]);

use Operation::{
    DicomCEcho as Echo, DicomCFind as Find, DicomCFindWorklist as FindWorklist, DicomCGet as Get,
    DicomCMove as Move, DicomCStore as Store, DicomNActionCommitment as Commit,
    DicomNCreateMpps as Create, DicomNDelete as Delete, DicomNEventReport as Report,
    DicomNSetMpps as Set,
};

/// What is sent, and by whom.
type Step<'a> = (Way, &'a [u8]);

/// An element of an identifier: group, element, value.
type Element<'a> = (u16, u16, &'a [u8]);

/// What is expected of a message.
type Expected<'a> = (Verdict, &'a [Reason]);

/// A device, its flow, and one association on it.
struct Bench {
    tier: Tier,
    opened: Direction,
    permitted: OperationSet,
    lifelines: OperationSet,
    rules: Inspection,
    memory: Memory,
    flow: Flow,
    readers: [Reader; 2],
    now_s: u64,
}

impl Bench {
    /// An ORANGE modality that opens associations to its archive.
    fn new(permitted: &[Operation]) -> Self {
        Self {
            tier: Tier::Orange,
            opened: Direction::Out,
            permitted: permitted.iter().copied().collect(),
            lifelines: OperationSet::default(),
            rules: Inspection::default(),
            memory: Memory::default(),
            flow: Flow::default(),
            readers: [Reader::new(), Reader::new()],
            now_s: 1_000,
        }
    }

    fn rules(&mut self) -> &mut DicomRules {
        self.rules.dicom.get_or_insert_default()
    }

    /// Ends the conversation and begins another.
    fn again(&mut self) {
        close(&mut self.flow, &mut self.memory);
        self.another();
    }

    /// Begins another conversation while this one lasts.
    fn another(&mut self) {
        self.flow = Flow::default();
        self.readers = [Reader::new(), Reader::new()];
    }

    /// Judges what bytes come to.
    fn send(&mut self, way: Way, bytes: &[u8]) -> Vec<Judgement> {
        let subject = Subject {
            tier: self.tier,
            opened: self.opened,
            permitted: self.permitted,
            lifelines: self.lifelines,
            identity: DeviceIdentity { ae_title: Some("CT1"), ..DeviceIdentity::default() },
            peer: PeerIdentity { ae_title: Some("PACS"), ..PeerIdentity::default() },
            rules: &self.rules,
            api_rate_per_minute: None,
            patient: None,
            salt: &SALT,
        };
        let now = Now { mono: Mono(self.now_s * 1_000_000_000), wall: Wall(0) };
        let [device, peer] = &mut self.readers;
        let reader = if way == Way::FromDevice { device } else { peer };
        let mut judgements = Vec::new();
        reader.feed(bytes, &mut |unit| {
            let message = unit.value.as_ref().map_err(|fault| *fault);
            judgements.push(judge(&mut self.flow, &mut self.memory, now, way, message, &subject));
        });
        judgements
    }

    fn requestor(&self) -> Way {
        if self.opened == Direction::Out { Way::FromDevice } else { Way::ToDevice }
    }

    fn acceptor(&self) -> Way {
        if self.opened == Direction::Out { Way::ToDevice } else { Way::FromDevice }
    }

    fn propose(&mut self, classes: &[&str], roles: &[(&str, bool, bool)]) -> Judgement {
        let (calling, called) = match self.opened {
            Direction::Out => ("CT1", "PACS"),
            Direction::In => ("PACS", "CT1"),
        };
        let bytes = proposal(calling, called, classes, roles);
        one(&self.send(self.requestor(), &bytes))
    }

    /// Proposes and accepts an association; contexts are 1, 3, 5 and so on.
    fn open(&mut self, classes: &[&str], roles: &[(&str, bool, bool)]) {
        let _proposed = self.propose(classes, roles);
        let contexts: Vec<_> =
            (1_u8..).step_by(2).zip(classes).map(|(id, _)| (id, 0, IMPLICIT)).collect();
        let mut bytes = Vec::new();
        associate_accept(
            &mut bytes,
            &Acceptance { called: "", calling: "", contexts: &contexts, max_length: 16_384, roles },
        );
        let accepted = one(&self.send(self.acceptor(), &bytes));
        assert_eq!(accepted.verdict, Verdict::Pass);
    }

    /// Sends a command and gives the judgement on it, which comes after that on the PDU.
    fn say(&mut self, way: Way, context_id: u8, set: &[u8]) -> Judgement {
        let mut bytes = Vec::new();
        presentation_data(&mut bytes, &[(context_id, true, true, set)]);
        *self.send(way, &bytes).get(1).expect("a judgement on the command")
    }

    fn data(&mut self, way: Way, context_id: u8, set: &[u8]) -> Judgement {
        let mut bytes = Vec::new();
        presentation_data(&mut bytes, &[(context_id, false, true, set)]);
        *self.send(way, &bytes).last().expect("a judgement on the end")
    }
}

fn proposal(
    calling: &str,
    called: &str,
    classes: &[&str],
    roles: &[(&str, bool, bool)],
) -> Vec<u8> {
    let transfers = [IMPLICIT];
    let contexts: Vec<(u8, &str, &[&str])> = (1_u8..)
        .step_by(2)
        .zip(classes)
        .map(|(id, class)| (id, *class, transfers.as_slice()))
        .collect();
    let mut bytes = Vec::new();
    let contexts = contexts.as_slice();
    associate_request(
        &mut bytes,
        &Proposal { called, calling, contexts, max_length: 16_384, roles },
    );
    bytes
}

fn one(judgements: &[Judgement]) -> Judgement {
    assert_eq!(judgements.len(), 1);
    *judgements.first().expect("one")
}

fn uid(text: &str) -> ElementValue<'_> {
    ElementValue::Uid(Uid::read(text.as_bytes()).expect("a uid"))
}

fn number(value: u16) -> ElementValue<'static> {
    ElementValue::Number(value)
}

/// A request: code, class, number, whether a data set follows.
fn request(code: u16, class: &str, id: u16, has_dataset: bool) -> Vec<u8> {
    let class_element = if matches!(code, 0x110 | 0x120 | 0x130 | 0x150) { 3 } else { 2 };
    let mut elements = vec![(class_element, uid(class)), (0x110, number(id))];
    match code {
        0x01 => elements.push((0x1000, uid("1.2.3"))),
        0x21 => elements.push((0x600, ElementValue::Title("CT1"))),
        0x100 => elements.push((0x1002, number(1))),
        0x130 => elements.push((0x1008, number(1))),
        _ => {}
    }
    let mut set = Vec::new();
    command_set(&mut set, code, has_dataset, &elements);
    set
}

fn response(code: u16, id: u16, status: u16) -> Vec<u8> {
    let mut set = Vec::new();
    command_set(&mut set, code | 0x8000, false, &[(0x120, number(id)), (0x900, number(status))]);
    set
}

#[track_caller]
fn check(judgement: Judgement, verdict: Verdict, reasons: &[Reason]) {
    let found: Vec<Reason> = judgement.reasons.iter().collect();
    assert_eq!((judgement.verdict, found.as_slice()), (verdict, reasons));
}

const PASS: Verdict = Verdict::Pass;
const FLAG: Verdict = Verdict::PassFlag;
const BLOCK: Verdict = Verdict::Block;

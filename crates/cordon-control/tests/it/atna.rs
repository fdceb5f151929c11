//! DICOM audit messages through somebody else's XML reader, and against the schema of the standard.

use std::collections::BTreeMap;

use cordon_control::export::format::{Item, atna};
use proptest::prelude::*;
use quick_xml::Reader;
use quick_xml::events::Event as Xml;

use super::samples;

/// An element: its name, its attributes, what is inside.
#[derive(Debug, Default)]
struct Element {
    name: String,
    attributes: BTreeMap<String, String>,
    children: Vec<Element>,
    text: String,
}

fn element(start: &quick_xml::events::BytesStart<'_>) -> Element {
    let attributes = start.attributes().map(|attribute| {
        let attribute = attribute.unwrap();
        let key = attribute.key.as_ref().to_owned();
        let raw = attribute.value.into_owned();
        (key, quick_xml::escape::unescape(&raw).unwrap().into_owned())
    });
    Element {
        name: start.name().as_ref().to_owned(),
        attributes: attributes.collect(),
        ..Element::default()
    }
}

fn parse(text: &str) -> Element {
    let mut reader = Reader::from_str(text);
    let mut open = vec![Element::default()];
    loop {
        match reader.read_event().unwrap() {
            Xml::Start(start) => open.push(element(&start)),
            Xml::Empty(start) => open.last_mut().unwrap().children.push(element(&start)),
            Xml::End(_) => {
                let done = open.pop().unwrap();
                open.last_mut().unwrap().children.push(done);
            }
            Xml::Text(text) => {
                open.last_mut().unwrap().text += &text;
            }
            Xml::Eof => break,
            Xml::Decl(_) => {}
            Xml::CData(_) | Xml::Comment(_) | Xml::DocType(_) | Xml::GeneralRef(_) | Xml::PI(_) => {
                panic!("not expected in a message")
            }
        }
    }
    assert_eq!(open.len(), 1);
    open.pop().unwrap().children.pop().unwrap()
}

/// Checks the attributes of an element: those that must be there, those that may.
fn has(element: &Element, must: &[&str], may: &[&str]) {
    for name in must {
        assert!(element.attributes.contains_key(*name), "{}: {name}", element.name);
    }
    for name in element.attributes.keys() {
        assert!(must.contains(&name.as_str()) || may.contains(&name.as_str()), "{name}");
    }
}

fn coded(element: &Element) {
    has(element, &["csd-code", "codeSystemName", "originalText"], &["displayName"]);
    assert!(element.children.is_empty());
}

/// DICOM PS3.15 §A.5.1, element by element.
fn check(message: &Element) {
    assert_eq!(message.name, "AuditMessage");
    let order = [
        "EventIdentification",
        "ActiveParticipant",
        "AuditSourceIdentification",
        "ParticipantObjectIdentification",
    ];
    let places: Vec<_> = message
        .children
        .iter()
        .map(|it| order.iter().position(|name| *name == it.name).unwrap())
        .collect();
    assert!(places.is_sorted());
    let count = |place| places.iter().filter(|it| **it == place).count();
    assert!(count(0) == 1 && count(1) >= 1 && count(2) == 1);
    for it in &message.children {
        match it.name.as_str() {
            "EventIdentification" => event(it),
            "ActiveParticipant" => participant(it),
            "AuditSourceIdentification" => has(it, &["AuditSourceID"], &["AuditEnterpriseSiteID"]),
            _ => object(it),
        }
    }
}

fn event(it: &Element) {
    has(it, &["EventDateTime", "EventOutcomeIndicator"], &["EventActionCode"]);
    assert!(["0", "4", "8", "12"].contains(&it.attributes["EventOutcomeIndicator"].as_str()));
    assert!(["C", "R", "U", "D", "E"].contains(&it.attributes["EventActionCode"].as_str()));
    assert_eq!(it.attributes["EventDateTime"].len(), "2026-01-01T00:00:00.000Z".len());
    let names: Vec<_> = it.children.iter().map(|it| it.name.as_str()).collect();
    let (codes, note) = names.split_at(names.len().min(2));
    assert!(codes == ["EventID"] || codes == ["EventID", "EventTypeCode"], "{names:?}");
    assert!(note.is_empty() || note == ["EventOutcomeDescription"], "{names:?}");
    it.children.iter().take(codes.len()).for_each(coded);
}

fn participant(it: &Element) {
    let may = ["NetworkAccessPointID", "NetworkAccessPointTypeCode"];
    has(it, &["UserID", "UserIsRequestor"], &may);
    assert!(!it.attributes["UserID"].is_empty());
    assert!(["true", "false"].contains(&it.attributes["UserIsRequestor"].as_str()));
    for role in &it.children {
        assert_eq!(role.name, "RoleIDCode");
        coded(role);
    }
}

fn object(it: &Element) {
    let may = ["ParticipantObjectTypeCode", "ParticipantObjectTypeCodeRole"];
    has(it, &["ParticipantObjectID"], &may);
    let names: Vec<_> = it.children.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["ParticipantObjectIDTypeCode", "ParticipantObjectName"]);
    coded(&it.children[0]);
    assert!(!it.children[1].text.is_empty());
}

/// The codes of a message: of the event, and of its type.
fn codes(message: &Element) -> Vec<String> {
    let event = &message.children[0];
    event.children.iter().map(|code| code.attributes["csd-code"].clone()).collect()
}

#[test]
fn the_stored_events_that_a_repository_takes_have_their_codes() {
    let text = samples::all(atna::message);
    let messages: Vec<Element> = text.lines().map(parse).collect();
    messages.iter().for_each(check);
    let codes: Vec<String> = messages.iter().map(|it| codes(it).join("/")).collect();
    assert_eq!(
        codes,
        ["110114/110122", "110113/110127", "110113/110138", "110100/110120", "110101"]
    );
}

proptest! {
    #![proptest_config(samples::cases(256))]

    #[test]
    fn varied_events_make_messages_by_the_schema_or_none(event in samples::varied()) {
        if let Some(text) = samples::record(7, &event, atna::message) {
            prop_assert!(text.is_ascii() && !text.contains('\n'));
            check(&parse(&text));
        }
    }
}

#[test]
fn markup_in_a_name_is_a_name() {
    let line = samples::lines().into_iter().find(|line| line.contains("\"start\",\"act")).unwrap();
    let event = serde_json::from_str(&line).unwrap();
    samples::record(7, &event, |item| {
        let item = Item { host: "<&>\"'\té\u{1}\u{fffe}", ..*item };
        let message = parse(&atna::message(&item).unwrap());
        check(&message);
        let source = message.children.iter().find(|it| it.name.starts_with("AuditSource")).unwrap();
        assert_eq!(source.attributes["AuditSourceID"], "<&>\"'\té");
    });
}

#[test]
fn more_badges_than_a_repository_takes_are_counted() {
    let line = samples::lines().into_iter().find(|line| line.contains("\"start\",\"act")).unwrap();
    let badges = vec![format!("\"{}\"", "B".repeat(64)); 200].join(",");
    let line = line.replace("\"badges\":[]", &format!("\"badges\":[{badges}]"));
    let text = samples::record(7, &serde_json::from_str(&line).unwrap(), atna::message).unwrap();
    assert!(text.len() <= atna::BYTES_MAX - 2_048);
    let message = parse(&text);
    check(&message);
    assert_eq!(message.children[0].children[2].text, "136 more badges are in the record");
}

#[test]
fn a_drill_is_not_sent() {
    let line = samples::lines().into_iter().find(|line| line.contains("\"start\",\"act")).unwrap();
    let event = serde_json::from_str(&line.replace("\"drill\":false", "\"drill\":true")).unwrap();
    assert_eq!(samples::record(7, &event, atna::message), None);
}

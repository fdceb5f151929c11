//! Tests of `bacnet`: every function, PDU and service against datagrams that another stack made.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddrV4};

use cordon_wire::Fault;
use cordon_wire::bacnet::{
    self, Address, Apdu, Bvlc, ConfirmedService, Npdu, ObjectId, Packet, Parameters, Segment,
    Service, Tag, UnconfirmedService, property_name,
};
use proptest::prelude::*;

use crate::torture;

fn vectors() -> Vec<(String, Vec<u8>, Vec<String>)> {
    let text = std::fs::read_to_string("testdata/bacnet/vectors.txt").expect("the vectors");
    text.lines()
        .map(|line| {
            let mut columns = line.split('\t').map(str::to_owned);
            let name = columns.next().unwrap();
            let bytes = hex(&columns.next().unwrap());
            (name, bytes, columns.collect())
        })
        .collect()
}

fn vector(name: &str) -> Vec<u8> {
    vectors().into_iter().find(|vector| vector.0 == name).expect("the vector").1
}

fn hex(text: &str) -> Vec<u8> {
    text.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// Writes down what a packet is, in the columns of the vectors.
fn columns(packet: &Packet<'_>) -> Vec<String> {
    let or_none = |text: Option<String>| text.filter(|text| !text.is_empty());
    let (mut objects, mut properties) = (Vec::new(), String::new());
    if let Some(service) = packet.service().unwrap() {
        let mut add = |object: ObjectId| {
            let text = format!("{}:{}", object.object_type(), object.instance());
            if objects.last() != Some(&text) {
                objects.push(text);
            }
        };
        service.device().into_iter().for_each(&mut add);
        service.object().into_iter().for_each(&mut add);
        let one = service.reference().filter(|_| service.properties().is_none());
        let many = service.properties().into_iter().flatten().map(|item| item.unwrap().reference);
        for reference in one.into_iter().chain(many) {
            add(reference.object);
            let comma = if properties.is_empty() { "" } else { "," };
            write!(properties, "{comma}{}", reference.property).unwrap();
            if let Some(index) = reference.index {
                write!(properties, "[{index}]").unwrap();
            }
        }
    }
    let message = packet.npdu.and_then(|npdu| npdu.message).and_then(|message| message.name());
    [
        Some(packet.bvlc.name().to_owned()),
        packet.apdu.map(|apdu| apdu.pdu_type().to_owned()),
        packet.service_name().or(message).map(str::to_owned),
        packet.invoke_id().map(|id| id.to_string()),
        or_none(Some(objects.join(","))),
        or_none(Some(properties)),
    ]
    .map(|column| column.unwrap_or_else(|| "-".to_owned()))
    .to_vec()
}

#[test]
fn every_vector_is_read_as_what_it_is_and_written_as_it_was() {
    for (name, bytes, expected) in vectors() {
        let packet = Packet::read(&bytes).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        assert_eq!(packet.check(), Ok(()), "{name}");
        assert_eq!(columns(&packet), expected, "{name}");
        let mut written = Vec::new();
        packet.write(&mut written);
        assert_eq!(written, bytes, "{name}");
    }
}

#[test]
fn every_service_and_function_has_a_vector() {
    let packets = vectors();
    let packets: Vec<Packet<'_>> =
        packets.iter().map(|vector| Packet::read(&vector.1).unwrap()).collect();
    let is_there = |name: &str| packets.iter().any(|packet| packet.service_name() == Some(name));
    for service in ConfirmedService::ALL {
        assert_eq!(ConfirmedService::from_number(service.number()), Some(*service));
        let is_gone = *service == ConfirmedService::ReadPropertyConditional;
        assert!(is_gone || is_there(service.name()), "{}", service.name());
    }
    for service in UnconfirmedService::ALL {
        assert_eq!(UnconfirmedService::from_number(service.number()), Some(*service));
        assert!(is_there(service.name()), "{}", service.name());
    }
    for function in 0x00..=0x0C {
        assert!(packets.iter().any(|packet| packet.bvlc.function() == function), "{function}");
    }
}

#[test]
fn nothing_that_is_done_to_a_datagram_stops_the_reader() {
    let vectors: Vec<Vec<u8>> = vectors().into_iter().map(|vector| vector.1).collect();
    torture::datagrams(&vectors, &look);
}

/// Looks at everything that a datagram has.
fn look(bytes: &[u8]) {
    let Ok(packet) = Packet::read(bytes) else { return };
    let _checked = packet.check();
    let _error = packet.error();
    let _object = (packet.object(), packet.property());
    if let Ok(Some(service)) = packet.service() {
        let _text = format!("{packet:?} {service:?}");
        assert!(service.properties().into_iter().flatten().count() <= bytes.len());
    }
    let mut out = Vec::new();
    let answered = bacnet::reject(&packet, 9, &mut out);
    assert_eq!(answered, !out.is_empty());
    packet.write(&mut out);
}

#[test]
fn secrets_and_values_do_not_show() {
    for (name, secret) in [
        ("device-communication-control", "egbdf"),
        ("reinitialize-device", "AbCdEfGh"),
        ("atomic-write-file", "firmware"),
        ("confirmed-text-message", "filter"),
    ] {
        let bytes = vector(name);
        let packet = Packet::read(&bytes).unwrap();
        let text = format!("{packet:?} {:?} {:?}", packet.service(), packet.parameters());
        let tags = packet.parameters().unwrap().tags();
        let tags = format!("{tags:?} {:?}", tags.clone().collect::<Vec<_>>());
        let list: Vec<String> = secret.bytes().map(|byte| byte.to_string()).collect();
        for shown in [text, tags] {
            assert!(!shown.contains(secret), "{name}: {shown}");
            assert!(!shown.contains(&list.join(", ")), "{name}: {shown}");
        }
    }
}

#[test]
fn dangerous_services_show_what_they_do() {
    let bytes = vector("device-communication-control");
    let service = Packet::read(&bytes).unwrap().service().unwrap();
    assert!(matches!(
        service,
        Some(Service::DeviceCommunicationControl {
            state: 1,
            duration_min: Some(5),
            has_password: true
        })
    ));
    let bytes = vector("reinitialize-device");
    let service = Packet::read(&bytes).unwrap().service().unwrap();
    assert!(matches!(service, Some(Service::ReinitializeDevice { state: 1, has_password: true })));
    let bytes = vector("write-property-priority");
    let service = Packet::read(&bytes).unwrap().service().unwrap();
    let Some(Service::WriteProperty(write)) = service else { panic!("no write") };
    assert_eq!(write.priority, Some(1));
    assert_eq!(write.value.map(|value| value.bytes().len()), Some(5));
    let bytes = vector("life-safety-operation");
    let service = Packet::read(&bytes).unwrap().service().unwrap();
    assert!(matches!(service, Some(Service::LifeSafetyOperation { request: 4, .. })));
    assert_eq!(bacnet::life_safety_operation_name(4), Some("reset"));
}

#[test]
fn what_devices_say_is_read() {
    let bytes = vector("i-am");
    let service = Packet::read(&bytes).unwrap().service().unwrap();
    let Some(Service::IAm(i_am)) = service else { panic!("no I-Am") };
    assert_eq!(i_am.device.device(), Some(245));
    assert_eq!((i_am.max_apdu, i_am.segmentation, i_am.vendor), (1476, 0, 15));
    let bytes = vector("who-is-range");
    let service = Packet::read(&bytes).unwrap().service().unwrap();
    assert!(matches!(service, Some(Service::WhoIs { range: Some((3, 300)) })));
    let bytes = vector("confirmed-event-notification");
    let service = Packet::read(&bytes).unwrap().service().unwrap();
    let Some(Service::EventNotification(event)) = service else { panic!("no event") };
    assert_eq!(bacnet::event_type_name(event.event_type), Some("out-of-range"));
    assert_eq!(bacnet::event_state_name(event.to_state), Some("high-limit"));
    assert_eq!(event.object.to_string(), "analog-input,2");
    let bytes = vector("time-synchronization");
    let service = Packet::read(&bytes).unwrap().service().unwrap();
    let Some(Service::TimeSynchronization { date, time }) = service else { panic!("no time") };
    assert_eq!((date, time), ([124, 1, 17, 2], [13, 45, 30, 70]));
}

#[test]
fn errors_have_a_class_and_a_code_in_every_dress() {
    for (name, class, code) in [
        ("error", "property", "unknown-property"),
        ("error-password", "security", "password-failure"),
        ("error-write-multiple", "property", "unknown-property"),
        ("error-create", "property", "unknown-property"),
    ] {
        let bytes = vector(name);
        let error = Packet::read(&bytes).unwrap().error().unwrap().unwrap();
        assert_eq!(bacnet::error_class_name(error.0), Some(class), "{name}");
        assert_eq!(bacnet::error_code_name(error.1), Some(code), "{name}");
    }
    let bytes = vector("read-property-multiple-ack");
    let packet = Packet::read(&bytes).unwrap();
    let list: Vec<_> = packet.service().unwrap().unwrap().properties().unwrap().collect();
    assert_eq!(list.get(1).unwrap().unwrap().error, Some((2, 42)));
    assert_eq!(packet.property().and_then(property_name), Some("present-value"));
}

#[test]
fn tables_of_the_link_layer_are_read() {
    let bytes = vector("write-broadcast-distribution-table");
    let Bvlc::WriteBroadcastTable { table } = Packet::read(&bytes).unwrap().bvlc else {
        panic!("no table")
    };
    let peer = SocketAddrV4::new(Ipv4Addr::new(192, 168, 1, 10), bacnet::PORT);
    assert_eq!(table.iter().map(|entry| entry.address).collect::<Vec<_>>(), [peer]);
    let bytes = vector("read-foreign-device-table-ack");
    let Bvlc::ReadForeignTableAck { table } = Packet::read(&bytes).unwrap().bvlc else {
        panic!("no table")
    };
    let entry = table.iter().next().unwrap();
    assert_eq!((entry.address, entry.ttl_s, entry.left_s), (peer, 60, 42));
    let bytes = vector("register-foreign-device");
    assert_eq!(Packet::read(&bytes).unwrap().bvlc, Bvlc::RegisterForeignDevice { ttl_s: 60 });
    let bytes = vector("forwarded-npdu");
    assert_eq!(Packet::read(&bytes).unwrap().bvlc, Bvlc::ForwardedNpdu { origin: peer });
}

#[test]
fn headers_that_break_the_standard_are_refused() {
    for (what, bytes) in [
        ("empty", ""),
        ("another type", "820a000801001008"),
        ("a length that is too long", "810a000901001008"),
        ("a length that is too short", "810a000701001008"),
        ("no NPDU", "810a0004"),
        ("another version", "810a000802001008"),
        ("reserved bits of the control octet", "810a000801401008"),
        ("network 0", "810a000c0120000000ff1008"),
        ("a source that is all", "810a000c01080005001008ff"),
        ("no APDU", "810a00060100"),
        ("an unknown PDU", "810a000801008008"),
        ("reserved bits of the PDU", "810a000801001808"),
        ("more segments of what has none", "810a000a010004050108"),
        ("a window of nothing", "810a000c010008050100000c"),
        ("something behind a simple ack", "810a000a010020010f00"),
        ("something behind a result", "8100000700000a"),
        ("half an entry", "8101000a0102030405 06".replace(' ', "").as_str()),
    ] {
        let bytes = hex(bytes);
        let read = Packet::read(&bytes);
        assert!(matches!(read, Err(Fault::Malformed { .. })), "{what}: {read:?}");
    }
    let unknown = Packet::read(&[0x81, 0x0D, 0x00, 0x04]);
    assert!(matches!(unknown, Err(Fault::Unsupported { at: 1, .. })));
}

#[test]
fn parameters_that_break_the_standard_are_rejected_with_the_fitting_reason() {
    for (what, service, parameters, reason) in [
        ("nothing at all", 0x0C, "", "missing-required-parameter"),
        ("no property", 0x0C, "0c00000001", "missing-required-parameter"),
        ("another tag", 0x0C, "1955", "invalid-tag"),
        ("a tag that is cut", 0x0C, "0c0000", "invalid-tag"),
        ("an object of three bytes", 0x0C, "0b0000011955", "invalid-parameter-data-type"),
        ("more than there is", 0x0C, "0c0000000119552901 3901", "too-many-arguments"),
        ("priority 17", 0x0F, "0c0000000119553e003f4911", "parameter-out-of-range"),
        ("priority 0", 0x0F, "0c0000000119553e003f4900", "parameter-out-of-range"),
        ("an end without a beginning", 0x0C, "0c00000001 1955 1f", "invalid-tag"),
        ("a beginning without an end", 0x0F, "0c0000000119553e00", "invalid-tag"),
    ] {
        let mut bytes = hex("810a000001040275070f");
        *bytes.last_mut().unwrap() = service;
        bytes.extend(hex(&parameters.replace(' ', "")));
        *bytes.get_mut(3).unwrap() = u8::try_from(bytes.len()).unwrap();
        let packet = Packet::read(&bytes).unwrap();
        let fault = packet.check().and(packet.service().map(|_| ())).unwrap_err();
        let found = bacnet::reject_reason(&packet, fault);
        assert_eq!(bacnet::reject_reason_name(found), Some(reason), "{what}: {fault}");
    }
}

#[test]
fn nesting_ends_at_its_limit_and_nothing_is_exhausted() {
    let deep = [0x3E].repeat(60_000);
    let parameters = Parameters::new(&deep, 0, false);
    let faults: Vec<_> = parameters.tags().filter_map(Result::err).collect();
    assert_eq!(faults, [Fault::OverLimit { at: 16, limit: bacnet::DEPTH_LIMIT }]);
    assert_eq!(parameters.tags().count(), 17);
}

#[test]
fn tags_may_be_long_and_lengths_are_not_believed() {
    let long = [vec![0xFD, 0x20, 0xFE, 0x01, 0x00], vec![7; 256]].concat();
    let tags: Vec<_> = Parameters::new(&long, 0, false).tags().collect();
    assert_eq!(tags, [Ok(Tag::Context { number: 0x20, bytes: &[7; 256] })]);
    for bytes in ["0dff7fffffff00", "0dfeffff00", "0dfd00", "66", "fe0e", "12", "d100", "fdff00"] {
        let bytes = hex(bytes);
        let first = Parameters::new(&bytes, 100, false).tags().next().unwrap();
        assert!(matches!(first, Err(Fault::Malformed { at: 100.., .. })), "{bytes:?}: {first:?}");
    }
}

#[test]
fn a_segment_is_read_as_far_as_it_goes_and_later_ones_are_not() {
    let bytes = vector("segment-first");
    let packet = Packet::read(&bytes).unwrap();
    let Some(Service::ReadPropertyAck(property)) = packet.service().unwrap() else {
        panic!("no answer")
    };
    assert_eq!(property.reference.property, 76);
    assert!(property.value.is_some_and(|value| value.is_cut()));
    let bytes = vector("segment-last");
    let packet = Packet::read(&bytes).unwrap();
    assert!(packet.service().unwrap().is_none());
    assert_eq!(packet.service_name(), Some("read-property"));
    // The same, cut within what must be there.
    let cut = hex("810a000e01003c0700100c0c0020");
    let packet = Packet::read(&cut).unwrap();
    assert_eq!(packet.check(), Ok(()));
    assert!(matches!(packet.service(), Err(Fault::Incomplete { .. })));
}

#[test]
fn refusals_go_back_where_the_request_came_from() {
    let bytes = vector("read-property-routed");
    let packet = Packet::read(&bytes).unwrap();
    let mut out = Vec::new();
    assert!(bacnet::reject(&packet, 9, &mut out));
    let answer = Packet::read(&out).unwrap();
    let npdu = answer.npdu.unwrap();
    let client = Address { network: 9, mac: &[0x0A, 1, 2, 3, 0xBA, 0xC0] };
    assert_eq!(npdu.destination, Some(client));
    assert_eq!(npdu.source, Some(Address { network: 5, mac: &[7] }));
    assert_eq!(npdu.hop_count, Some(255));
    assert_eq!(answer.apdu, Some(Apdu::Reject { invoke_id: 7, reason: 9 }));
    out.clear();
    assert!(bacnet::abort(&packet, 5, &mut out));
    let abort = Apdu::Abort { is_server: true, invoke_id: 7, reason: 5 };
    assert_eq!(Packet::read(&out).unwrap().apdu, Some(abort));
}

#[test]
fn errors_name_what_their_service_wants_named() {
    for (name, expected) in [
        ("read-property", "810a000d0100 50070c 9102911b"),
        ("write-property", "810a000d0100 50070f 91029128"),
        ("write-property-multiple", "810a00180100 500710 0e910291280f 1e0c0040000419551f"),
        ("confirmed-private-transfer", "810a00130100 500712 0e910291280f 1919 2908"),
        ("create-object", "810a00110100 50070a 0e910291280f 1900"),
        ("add-list-element", "810a00110100 500708 0e910291280f 1900"),
        ("vt-close", "810a000f0100 500716 0e910291280f"),
    ] {
        let bytes = vector(name);
        let packet = Packet::read(&bytes).unwrap();
        let code = if name == "read-property" { 27 } else { 40 };
        let mut out = Vec::new();
        assert!(bacnet::error(&packet, 2, code, &mut out), "{name}");
        assert_eq!(out, hex(&expected.replace(' ', "")), "{name}");
        assert_eq!(Packet::read(&out).unwrap().error(), Ok(Some((2, code))), "{name}");
    }
}

#[test]
fn only_confirmed_requests_to_one_receiver_are_refused() {
    for (name, bytes, columns) in vectors() {
        let packet = Packet::read(&bytes).unwrap();
        let is_request = columns.get(1).unwrap() == "confirmed-request";
        let mut out = Vec::new();
        assert_eq!(bacnet::reject(&packet, 9, &mut out), is_request, "{name}");
        assert_eq!(bacnet::abort(&packet, 0, &mut out), is_request, "{name}");
        assert_eq!(out.is_empty(), !is_request, "{name}");
    }
    let mut all = vector("read-property");
    *all.get_mut(1).unwrap() = 0x0B;
    assert!(!bacnet::reject(&Packet::read(&all).unwrap(), 9, &mut Vec::new()));
}

fn segments() -> impl Strategy<Value = Option<Segment>> {
    proptest::option::of(
        (any::<bool>(), any::<u8>(), 1..=127_u8).prop_map(|(more_follows, sequence, window)| {
            Segment { more_follows, sequence, window }
        }),
    )
}

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        look(&bytes);
        let header = [0x81, 0x0A, 0x00, 0x00, 0x01, 0x04];
        let mut framed = [header.as_slice(), &bytes].concat();
        *framed.get_mut(3).unwrap() = u8::try_from(framed.len()).unwrap();
        look(&framed);
    }

    #[test]
    fn a_request_comes_back_as_it_was_written(
        flags in (any::<bool>(), any::<bool>(), 0..8_u8, 0..16_u8, 0..4_u8),
        numbers in (any::<u8>(), any::<u8>(), 1..=u16::MAX, 1..0xFFFF_u16, any::<u8>()),
        segment in segments(),
        mac in proptest::collection::vec(any::<u8>(), 1..8),
        bytes in proptest::collection::vec(any::<u8>(), 0..100),
    ) {
        let (is_reply_expected, accepts_segments, max_segments, max_apdu, priority) = flags;
        let (invoke_id, service, to, from, hops) = numbers;
        let is_cut = segment.is_some_and(|segment| segment.more_follows);
        let parameters = Parameters::new(&bytes, 0, is_cut);
        let packet = Packet {
            bvlc: Bvlc::OriginalUnicast,
            npdu: Some(Npdu {
                destination: Some(Address { network: to, mac: &mac }),
                source: Some(Address { network: from, mac: &mac }),
                hop_count: Some(hops),
                is_reply_expected,
                priority,
                message: None,
            }),
            apdu: Some(Apdu::ConfirmedRequest {
                accepts_segments, max_segments, max_apdu, invoke_id, segment, service, parameters,
            }),
        };
        let mut out = Vec::new();
        packet.write(&mut out);
        prop_assert_eq!(Packet::read(&out), Ok(packet));
    }

    #[test]
    fn who_is_comes_back_as_it_was_written(low in 0..0x40_0000_u32, high in 0..0x40_0000_u32) {
        let mut bytes = hex("810a00000100 1008 0c".replace(' ', "").as_str());
        bytes.extend(low.to_be_bytes());
        bytes.push(0x1C);
        bytes.extend(high.to_be_bytes());
        *bytes.get_mut(3).unwrap() = u8::try_from(bytes.len()).unwrap();
        let service = Packet::read(&bytes).unwrap().service().unwrap();
        let is_same =
            matches!(service, Some(Service::WhoIs { range }) if range == Some((low, high)));
        prop_assert!(is_same);
    }
}

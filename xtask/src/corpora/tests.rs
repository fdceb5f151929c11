//! Every reader of somebody else's notation on a few lines of it, and the comparison on small tables.

use super::agreed::{self, Agreed};
use super::capture::Capture;
use super::record::{self, Record};
use super::sheet::{Difference, Message, Sheet};
use super::table::{Table, table_of};
use super::{bacnet, dicom, hl7, modbus, report};

/// Columns written with spaces, for the eye.
fn tabs(text: &str) -> String {
    let line = |line: &str| line.split_whitespace().collect::<Vec<_>>().join("\t");
    let text = text.lines().map(line).collect::<Vec<_>>().join("\n");
    // A `.` stands for an empty cell.
    text.replace("\t.", "\t")
}

/// The messages as `place: field=value …`.
fn words(messages: &[Message]) -> Vec<String> {
    let fields = |message: &Message| {
        let fields = message.fields.iter().map(|(name, value)| format!(" {name}={value}"));
        let fault = message.fault.iter().map(|fault| format!(" {fault}"));
        fields.chain(fault).collect::<String>()
    };
    messages.iter().map(|message| format!("{}:{}", message.place, fields(message))).collect()
}

fn records(lines: &[&str]) -> Vec<Record> {
    record::parse(&format!("{}\n{{\"summary\":{{}}}}\n", lines.join("\n"))).unwrap()
}

const REQUEST: &str = r#"{"frame":4,"src":"10.0.0.1","sport":4000,"dst":"10.0.0.2","dport":502,"protocol":"modbus","error":null,"transaction_id":1,"unit_id":4,"function_code":1,"exception_code":null,"address":0,"quantity":8}"#;
const ANSWER: &str = r#"{"frame":6,"src":"10.0.0.2","sport":502,"dst":"10.0.0.1","dport":4000,"protocol":"modbus","error":null,"transaction_id":1,"unit_id":4,"function_code":129,"exception_code":2,"address":null,"quantity":null}"#;
const BROKEN: &str = r#"{"frame":7,"src":"10.0.0.1","sport":4000,"dst":"10.0.0.2","dport":502,"protocol":"modbus","error":{"at":4,"rule":"Modbus APv1.1b3 §6.1"}}"#;

#[test]
fn lines_without_a_summary_are_half_a_report() {
    assert!(record::parse(REQUEST).is_err());
    assert!(record::parse("").is_err());
    assert!(record::parse("not json").is_err());
    assert_eq!(records(&[REQUEST, BROKEN]).len(), 2);
}

#[test]
fn our_messages_are_found_by_frame_and_turn() {
    assert_eq!(
        words(&modbus::by_frame(&records(&[REQUEST, REQUEST, ANSWER, BROKEN]))),
        [
            "frame 4 #1: address=0 function=1 quantity=8 transaction=1 unit=4",
            "frame 4 #2: address=0 function=1 quantity=8 transaction=1 unit=4",
            "frame 6 #1: exception=2 function=1 transaction=1 unit=4",
            "frame 7 #1: malformed: Modbus APv1.1b3 §6.1",
        ]
    );
}

#[test]
fn a_table_is_that_of_the_capture_whose_name_it_ends_in() {
    let tables = [
        "modbus__pcap-modbus_OISF__suricata-verify_tests_modbus_modbus.pcap.tsv.gz",
        "modbus__pcap-modbus_ntop__nDPI_tests_cfgs_default_pcap_modbus.pcap.tsv.gz",
        "modbus__pcap-modbus_zeek__zeek_testing_btest_Traces_modbus_modbusBig.pcap.tsv.gz",
    ]
    .map(str::to_owned);
    let check = |name: &str, index: Option<usize>| {
        assert_eq!(table_of(name, &tables), index.map(|index| tables[index].as_str()), "{name}");
    };
    check("suricata_modbus.pcap", Some(0));
    check("ndpi_modbus.pcap", Some(1));
    check("modbusBig.pcap", Some(2));
    check("other_modbus.pcap", None);
    check("Big.pcap", None);
}

#[test]
fn tshark_lists_several_modbus_units_of_a_frame_with_commas() {
    let table = Table::of_tshark(&tabs(
        "frame.number mbtcp.trans_id mbtcp.unit_id modbus.func_code modbus.exception_code modbus.reference_num modbus.word_cnt modbus.bit_cnt
         8 1 10 8 . . . .
         9 2,3 10,11 1,3 2 7,9 1 8
         10 4 1 15 . 0 . 3",
    ));
    assert_eq!(
        words(&modbus::of_tshark(&table)),
        [
            "frame 8 #1: function=8 transaction=1 unit=10",
            "frame 9 #1: address=7 function=1 transaction=2 unit=10",
            "frame 9 #2: address=9 function=3 transaction=3 unit=11",
            "frame 10 #1: address=0 function=15 quantity=3 transaction=4 unit=1",
        ]
    );
}

#[test]
fn zeek_notes_a_function_with_its_answer() {
    let row = "t C1 10.0.0.1 4000 10.0.0.2 502 READ_COILS_EXCEPTION ILLEGAL_DATA_ADDRESS";
    let columns = ["ts", "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p"];
    let columns = [&columns[..], &["func", "exception"]].concat();
    let log = Table::of_zeek(&format!("### made\n{}\n", tabs(row)), &columns);
    let place = "10.0.0.1:4000>10.0.0.2:502 #1";
    assert_eq!(words(&modbus::of_log(&log)), [format!("{place}: exception=2 function=1")]);
    assert_eq!(modbus::answers(&records(&[REQUEST, ANSWER]))[0].place, place);
}

#[test]
fn zeek_details_an_exchange_in_one_line() {
    let log = tabs(
        "#fields id.orig_h id.orig_p id.resp_h id.resp_p tid unit func address quantity exception_code
         10.0.0.1 4000 10.0.0.2 502 1 4 READ_COILS 0 8 ILLEGAL_DATA_ADDRESS
         10.0.0.1 4000 10.0.0.2 502 2 4 REPORT_SLAVE_ID - - -
         10.0.0.1 4000 10.0.0.2 502 2 4 REPORT_SLAVE_ID - - -",
    );
    let theirs = modbus::of_details(&Table::of_zeek(&log, &[]));
    let way = "10.0.0.1:4000>10.0.0.2:502 transaction";
    assert_eq!(
        words(&theirs),
        [
            format!("{way} 1 unit 4 function 1: address=0 exception=2 quantity=8"),
            format!("{way} 2 unit 4 function 17:"),
        ]
    );
    let ours = modbus::exchanges(&records(&[REQUEST, ANSWER]));
    assert_eq!(
        words(&ours),
        [format!(
            "{way} 1 unit 4 function 1: address=0 exception=2 function=1 quantity=8 transaction=1 unit=4"
        )]
    );
}

#[test]
fn zeek_tells_each_message_twice_in_its_events() {
    let ends =
        "[orig_h=10.0.0.1, orig_p=4000/tcp, resp_h=10.0.0.2, resp_p=502/tcp, proto=6, ctx=[]]";
    let head = |function| format!("{ends}, [tid=1, pid=0, uid=4, function_code={function}, len=6]");
    let events = [
        format!("1 modbus_message, {}, T", head(15)),
        format!("1 modbus_message, {}, F", head(5)),
        format!("1 modbus_message, {}, F", head(1)),
        format!("1 modbus_read_coils_response, {}, [T, F]", head(1)),
        format!("1 modbus_write_multiple_coils_request, {}, 0, [F, F, T]", head(15)),
        format!("1 modbus_write_single_coil_response, {}, 7, T", head(5)),
    ];
    let way = "10.0.0.1:4000>10.0.0.2:502";
    assert_eq!(
        words(&modbus::of_events(&events.join("\n"))),
        [
            format!("{way} request transaction 1 unit 4 function 15 #1: address=0 quantity=3"),
            format!("{way} response transaction 1 unit 4 function 1 #1:"),
            format!("{way} response transaction 1 unit 4 function 5 #1: address=7"),
        ]
    );
    let place = format!("{way} request transaction 1 unit 4 function 1 #1");
    assert_eq!(modbus::by_header(&records(&[REQUEST]))[0].place, place);
}

const READ: &str = r#"{"frame":1,"src":"10.0.0.1","sport":47808,"dst":"10.0.0.2","dport":47808,"protocol":"bacnet","bvlc_function":10,"pdu_type":"confirmed-request","service":"read-property","invoke_id":9,"object_type":8,"object_instance":4194303,"property":"object-name","property_id":77}"#;
const WHO: &str = r#"{"frame":2,"src":"10.0.0.1","sport":47808,"dst":"10.0.0.2","dport":47808,"protocol":"bacnet","bvlc_function":11,"pdu_type":"unconfirmed-request","service":8}"#;

#[test]
fn bacnet_is_compared_by_the_first_object_and_property() {
    let table = Table::of_tshark(&tabs(
        "frame.number bvlc.function bacapp.type bacapp.invoke_id bacapp.confirmed_service bacapp.unconfirmed_service bacapp.objectType bacapp.instance_number bacapp.property_identifier bacapp.error_class bacapp.error_code
         1 0x0a 0 9 12 . 8,8 4194303,500 77 . .
         2 0x0b 1 . . 8 . . . . .
         3 0x05 . . . . . . . . .
         4 0x0a 5 52 20 . . . . 5 26",
    ));
    let theirs = bacnet::of_tshark(&table);
    assert_eq!(
        words(&theirs),
        [
            "frame 1: function=10 invoke=9 object-instance=4194303 object-type=8 property=77 service=read-property type=0",
            "frame 2: function=11 service=who-is type=1",
            "frame 3: function=5",
            "frame 4: error-class=5 error-code=26 function=10 invoke=52 service=reinitialize-device type=5",
        ]
    );
    let mut sheet = Sheet::default();
    let ours = bacnet::by_frame(&records(&[READ, WHO]));
    sheet.compare(("bacnet", "tshark"), "a", &theirs[..2], &ours);
    assert_eq!(sheet.differences, []);
}

#[test]
fn zeek_spells_bacnet_its_own_way() {
    let log = tabs(
        "#fields source_h source_p destination_h destination_p bvlc_function pdu_type pdu_service invoke_id result_code
         a 1 b 2 Original_Unicast_NPDU CONFIRMED_REQUEST read_property 9 -
         a 1 b 2 Distribute_Broadcast_to_Network UNCONFIRMED_REQUEST i_am - -
         b 2 a 1 Original_Unicast_NPDU ERROR_PDU reinitialize_device 52 password-failure
         b 2 a 1 Original_Unicast_NPDU REJECT_PDU reject 58 unrecognized-service",
    );
    assert_eq!(
        words(&bacnet::of_log(&Table::of_zeek(&log, &[]))),
        [
            "a:1>b:2 #1: function=10 invoke=9 service=read-property type=0",
            "a:1>b:2 #2: function=9 service=i-am type=1",
            "b:2>a:1 #1: error-code=26 function=10 invoke=52 service=reinitialize-device type=5",
            "b:2>a:1 #2: error-code=9 function=10 invoke=58 type=6",
        ]
    );
}

#[test]
fn of_several_properties_the_first_counts() {
    let log = tabs(
        "#fields source_h source_p destination_h destination_p invoke_id pdu_service object_type instance_number property
         10.0.0.1 47808 10.0.0.2 47808 9 read-property-request device 4194303 object-name
         10.0.0.1 47808 10.0.0.2 47808 1 read-property-multiple-request device 101 vendor-name
         10.0.0.1 47808 10.0.0.2 47808 1 read-property-multiple-request device 101 model-name",
    );
    let theirs = bacnet::of_properties(&Table::of_zeek(&log, &[]));
    assert_eq!(theirs.len(), 2);
    let mut sheet = Sheet::default();
    sheet.compare(
        ("bacnet", "Zeek"),
        "a",
        &theirs[..1],
        &bacnet::properties(&records(&[READ, WHO])),
    );
    assert_eq!(sheet.differences, []);
}

#[test]
fn discoveries_are_found_by_their_service() {
    let log = tabs(
        "#fields source_h source_p destination_h destination_p pdu_service device_id_type device_id_number object_type instance_number
         10.0.0.1 47808 10.0.0.2 47808 who-is - - - -
         10.0.0.1 47808 10.0.0.2 47808 i-have device 61 analog-input 3",
    );
    let theirs = bacnet::of_discovery(&Table::of_zeek(&log, &[]));
    let way = "10.0.0.1:47808>10.0.0.2:47808";
    assert_eq!(
        words(&theirs),
        [format!("{way} who-is #1:"), format!("{way} i-have #1: object-instance=61 object-type=8"),]
    );
    assert_eq!(bacnet::discoveries(&records(&[READ, WHO]))[0].place, theirs[0].place);
}

#[test]
fn a_plain_reading_counts_fields_from_the_separator() {
    let check = |text: &str, expect: &str| {
        assert_eq!(words(&[hl7::head(text.as_bytes(), "m".to_owned())]), [expect]);
    };
    check(
        "MSH|^~\\&|APP^1|FAC|||2026||ORU^R01^ORU_R01|17|P|2.6^DEU\rPID|1\r",
        "m: application=APP control=17 type=ORU^R01 version=2.6",
    );
    check("MSH#^~\\&#A######ACK#1#P#2.3\r", "m: application=A control=1 type=ACK version=2.3");
    check("MSH|^~\\&|||||||ACK", "m: type=ACK");
}

#[test]
fn messages_are_taken_out_of_text_files() {
    let messages = |text: &str, separator| {
        let messages = hl7::messages(text.as_bytes(), separator);
        messages.into_iter().map(|one| String::from_utf8(one).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(messages("\u{feff}MSH|1\r\nPID|2\r\n\r\n", None), ["MSH|1\rPID|2\r"]);
    assert_eq!(messages("MSH|1\rA\n\nMSH|2\n\n", Some("\r\r")), ["MSH|1\rA\r", "MSH|2\r"]);
}

/// The payloads that a capture holds, and whether every checksum is right.
fn payloads(capture: &[u8]) -> Vec<Vec<u8>> {
    let mut rest = &capture[24..];
    let mut payloads = Vec::new();
    while !rest.is_empty() {
        let length = u32::from_le_bytes(rest[8..12].try_into().unwrap());
        let (frame, after) = rest[16..].split_at(usize::try_from(length).unwrap());
        let (ip, tcp) = frame[14..].split_at(20);
        assert_eq!(usize::from(u16::from_be_bytes([ip[2], ip[3]])), ip.len() + tcp.len());
        let size = u16::try_from(tcp.len()).unwrap().to_be_bytes();
        assert_eq!(sum(ip), 0xffff);
        assert_eq!(sum(&[&ip[12..], &[0, 6], &size, tcp].concat()), 0xffff);
        payloads.push(tcp[20..].to_vec());
        rest = after;
    }
    payloads
}

/// The sum that a head with its checksum in it must have.
fn sum(bytes: &[u8]) -> u32 {
    let words = bytes
        .chunks(2)
        .map(|pair| (u32::from(pair[0]) << 8) + pair.get(1).copied().map_or(0, u32::from));
    words.fold(0, |sum, word| {
        let sum = sum + word;
        (sum & 0xffff) + (sum >> 16)
    })
}

#[test]
fn captures_hold_what_was_sent_however_it_was_cut() {
    let stream = (0..40_000_u32).map(|n| n.to_le_bytes()[0]).collect::<Vec<_>>();
    for sizes in [&[1460][..], &[1, 2, 999], &[9_999]] {
        let mut bytes = Vec::new();
        let mut capture = Capture::new(&mut bytes).unwrap();
        capture.connection((1, 2), &stream, sizes).unwrap();
        assert_eq!(payloads(&bytes).concat(), stream);
    }
}

#[test]
fn tshark_shows_commands_element_by_element() {
    let document = r#"<packet>
  <field name="num" pos="0" show="10" showname="Number" value="a" size="134"/>
    <field name="dicom.pdu.type" showname="PDU Type: ASSOC Request (0x01)" size="1" pos="0" show="0x01" value="01"/>
      <field name="dicom.assoc.ae.called" size="16" pos="10" show="A &amp; B           " value="4120"/>
      <field name="dicom.assoc.ae.calling" size="16" pos="26" show="MOD             " value="4d"/>
</packet>
<packet>
  <field name="num" pos="0" show="12" showname="Number" value="c" size="134"/>
    <field name="dicom.pdu.type" showname="PDU Type: Data (0x04)" size="1" pos="0" show="0x04" value="04"/>
      <field name="dicom.pdv.flags" showname="Flags: 0x03 (Command, Last Fragment)" size="1" pos="11" show="0x03" value="03"/>
      <field name="" show="(0000,0002)         18 Affected SOP Class UID   1.2" size="12" pos="24" value="0000020004000000312e3200"/>
      <field name="" show="(0000,0100)          2 Command Field            C-FIND-RSP" size="10" pos="50" value="00000001020000002080"/>
      <field name="" show="(0000,0900)          2 Status                   Pending (0xff00)" size="10" pos="80" value="000000090200000000ff"/>
      <field name="dicom.pdv.flags" showname="Flags: 0x02 (Data, Last Fragment)" size="1" pos="11" show="0x02" value="02"/>
      <field name="" show="(0000,0100)          2 no command" size="10" pos="50" value="00000001020000003000"/>
    <field name="dicom.pdu.type" showname="PDU Type: RELEASE Request (0x05)" size="1" pos="0" show="0x05" value="05"/>
</packet>"#;
    assert_eq!(
        words(&dicom::pdml::messages(document)),
        [
            "frame 10 #1: called=A & B calling=MOD type=1",
            "frame 12 #1: command=32800 sop-class=1.2 status=65280 type=4",
            "frame 12 #2: type=5",
        ]
    );
}

#[test]
fn a_capture_that_lost_packets_is_known() {
    let line =
        "Packets received/dropped on interface 'Loopback: lo': 202/61 (pcap:61/dumpcap:0) (76.8%)";
    assert_eq!(dicom::peers::lost(line), Some(61));
    assert_eq!(dicom::peers::lost("no count"), None);
}

fn message(place: &str, address: Option<u32>) -> Message {
    Message::at(place).with("function", Some(3)).with("address", address)
}

/// A comparison with one difference of each kind.
fn sheet() -> Sheet {
    let theirs =
        [message("1", Some(7)), message("2", Some(8)), message("3", None), message("4", None)];
    let broken = Message { fault: Some("malformed: rule".to_owned()), ..Message::at("4") };
    let ours = [message("1", Some(7)), message("2", None), message("5", Some(1)), broken];
    let mut sheet = Sheet::default();
    sheet.compare(("modbus", "tshark"), "a.pcap", &theirs, &ours);
    sheet
}

#[test]
fn messages_are_equal_different_or_only_on_one_side() {
    let sheet = sheet();
    let row = &sheet.rows[&("modbus", "tshark")];
    assert_eq!((row.files, row.named, row.equal, row.different), (1, 4, 1, 2));
    assert_eq!((row.only_ours, row.only_theirs), (1, 1));
    let short = |one: &Difference| {
        format!("{} {} {}: {}, {}", one.file, one.place, one.field, one.ours, one.theirs)
    };
    assert_eq!(
        sheet.differences.iter().map(short).collect::<Vec<_>>(),
        [
            "modbus/a.pcap 2 address: -, 8",
            "modbus/a.pcap 3 message: -, function=3",
            "modbus/a.pcap 4 message: malformed: rule, function=3",
            "modbus/a.pcap 5 message: address=1 function=3, -",
        ]
    );
}

#[test]
fn a_message_that_is_named_the_same_and_refused_is_counted_apart() {
    let mut sheet = Sheet::default();
    let refused = Message { fault: Some("malformed: rule".to_owned()), ..message("1", Some(7)) };
    sheet.compare(("modbus", "tshark"), "a", &[message("1", Some(7))], &[refused]);
    let row = &sheet.rows[&("modbus", "tshark")];
    assert_eq!((row.equal, row.refused, row.different), (0, 1, 0));
    assert_eq!(sheet.differences.len(), 1, "and has to be argued");
}

#[test]
fn what_the_peer_does_not_name_is_not_compared() {
    let mut sheet = Sheet::default();
    let (theirs, ours) = ([Message::at("1")], [message("1", Some(7))]);
    sheet.compare(("modbus", "tshark"), "a", &theirs, &ours);
    assert_eq!(sheet.differences, []);
}

fn entry(rest: &str) -> String {
    format!(
        "[[difference]]\nfile = 'modbus/*'\npeer = 'tshark'\nright = 'ours'\nwhy = 'because'\n\
         source = 'Modbus APv1.1b3 §6.1'\n{rest}\n"
    )
}

/// What is open and what is stale after settling with these entries.
fn settled(entries: &[&str]) -> (usize, Vec<String>) {
    let text = entries.iter().map(|rest| entry(rest)).collect::<String>();
    let settled = agreed::settle(&sheet(), &agreed::parse(&text).unwrap());
    let stale = settled.stale.iter().map(|text| text.rsplit_once(": ").unwrap().1.to_owned());
    (settled.open.len(), stale.collect())
}

#[test]
fn an_argued_difference_does_not_fail() {
    let address = "field = 'address'\nours = '-'\ntheirs = '8'";
    let any = "field = 'message'\nours = '*'\ntheirs = '*'";
    let check = |entries: &[&str], open, stale: &[&str]| {
        assert_eq!(settled(entries), (open, stale.iter().map(ToString::to_string).collect()));
    };
    check(&[], 4, &[]);
    check(&[address], 3, &[]);
    check(&[address, any], 0, &[]);
    check(&[address, &format!("{any}\ntimes = 3")], 0, &[]);
    check(&[address, &format!("{any}\ntimes = 2")], 0, &["occurs 3 times, said are 2"]);
    check(&[&format!("{address}\nplaces = ['2']")], 3, &[]);
    check(&[&format!("{address}\nplaces = ['2', '9']")], 3, &["no longer occurs at 9"]);
    check(&["field = 'unit'\nours = '-'\ntheirs = '8'"], 4, &["no longer occurs"]);
    check(&["field = 'message'\nours = 'malformed*'\ntheirs = 'function=3'"], 3, &[]);
}

#[test]
fn an_argument_about_a_peer_that_was_not_asked_is_not_stale() {
    let other = "field = 'unit'\nours = '-'\ntheirs = '8'";
    let text = entry(other).replace("'tshark'", "'Zeek'");
    let settled = agreed::settle(&sheet(), &agreed::parse(&text).unwrap());
    assert_eq!(settled.stale, Vec::<String>::new());
}

#[test]
fn an_argument_is_whole() {
    let whole = entry("field = 'a'\nours = 'b'\ntheirs = 'c'");
    assert!(agreed::parse(&whole).is_ok());
    assert!(agreed::parse(&whole.replace("right = 'ours'", "right = 'nobody'")).is_err());
    assert!(agreed::parse(&whole.replace("why = 'because'", "")).is_err());
    assert!(agreed::parse(&format!("{whole}reason = 'x'")).is_err());
    assert!(agreed::parse("[other]").is_err());
}

#[test]
fn the_committed_arguments_can_be_read() {
    agreed::parse(include_str!("../../corpora-differences.toml")).unwrap();
}

#[test]
fn a_document_is_written_between_its_marks() {
    let before = "# Title\n<!-- corpora: begin -->\nold\n<!-- corpora: end -->\nafter\n";
    let after = "# Title\n<!-- corpora: begin -->\nnew\n<!-- corpora: end -->\nafter\n";
    assert_eq!(report::between(before, "new\n").unwrap(), after);
    assert_eq!(report::between("no marks", "new\n"), None);
}

#[test]
fn the_document_has_the_table_and_the_arguments_that_occur() {
    let text = [
        entry("field = 'address'\nours = '-'\ntheirs = '8'"),
        entry("field = 'unit'\nours = '-'\ntheirs = 'a|b'"),
    ];
    let agreed: Vec<Agreed> = agreed::parse(&text.concat()).unwrap();
    let mut sheet = sheet();
    sheet.skip("hl7", "python-hl7", "no package".to_owned());
    let settled = agreed::settle(&sheet, &agreed);
    let text = report::markdown(&sheet, &settled, &agreed);
    assert!(text.contains("| modbus | tshark | 1 | 4 | 1 | 0 | 2 | 1 | 1 |\n"), "{text}");
    assert!(
        text.contains("| hl7 | python-hl7 | 0 | not compared: no package | | | | | |\n"),
        "{text}"
    );
    assert!(text.contains("| `modbus/*` | tshark | 1 | address | `-` | `8` | ours |"), "{text}");
    assert!(!text.contains("unit"), "{text}");
}

//! What a message says, in the words of its standard; patient data and values stay where they are.

use std::borrow::Cow;

use cordon_core::inspect::Verdict;
use cordon_core::inspect::conversation::{Message, Record as Judged};
use cordon_model::Protocol;
use cordon_wire::classify::Guess;
use cordon_wire::hl7::MessageType;
use cordon_wire::modbus::{Adu, Request, Response, function_name, outline};
use cordon_wire::{Fault, Side, bacnet, dicom, hl7, http};

use super::record::{Bacnet, Detail, Wrong};

/// More bytes of a text that a peer chose are not repeated.
const TEXT_BYTES_MAX: usize = 128;

/// What a message says.
pub(super) struct Said {
    pub(super) protocol: &'static str,
    pub(super) kind: &'static str,
    pub(super) op: Option<String>,
    pub(super) error: Option<Wrong>,
    pub(super) detail: Detail,
}

/// Puts a message into words; none for a piece of one that passes.
pub(super) fn say(protocol: Protocol, side: Side, judged: &Judged<'_>) -> Option<Said> {
    let is_piece_shown = judged.judgement.verdict != Verdict::Pass;
    Some(match &judged.message {
        Message::Hl7 { payload, read } => say_hl7(payload, read.as_ref()),
        Message::Dicom(event) => return say_dicom(event, is_piece_shown),
        Message::Modbus { side, adu } => say_modbus(*side, adu),
        Message::Bacnet(packet) => say_bacnet(packet),
        Message::Http(part) => return say_http(part, is_piece_shown),
        Message::Unread(fault) => {
            let outline = (protocol == Protocol::Bacnet)
                .then(|| bacnet::Packet::outline(judged.bytes))
                .flatten();
            let mut said = match outline {
                Some(packet) => say_bacnet(&packet),
                None => Said::new(protocol.name(), kind(side), None, nothing(protocol)),
            };
            said.fault(*fault);
            said
        }
        Message::Foreign(guess) => {
            let (name, detail) = foreign(*guess);
            Said::new(name, "wrong-protocol", None, detail)
        }
        Message::Sealed => Said::new("tls", "sealed", None, Detail::None {}),
    })
}

impl Said {
    fn new(protocol: &'static str, kind: &'static str, op: Option<String>, detail: Detail) -> Self {
        Self { protocol, kind, op, error: None, detail }
    }

    /// Notes why it is nothing.
    fn fault(&mut self, fault: Fault) {
        let (kind, rule) = match fault {
            Fault::Incomplete { .. } => ("incomplete", "the stream ends within it"),
            Fault::Malformed { rule, .. } => ("malformed", rule),
            Fault::Unsupported { what, .. } => ("unsupported", what),
            Fault::OverLimit { limit, .. } => ("over-limit", limit.name),
        };
        self.kind = kind;
        self.error = Some(Wrong { at: fault.at(), rule });
    }
}

fn kind(side: Side) -> &'static str {
    match side {
        Side::Request => "request",
        Side::Response => "response",
    }
}

fn foreign(guess: Guess) -> (&'static str, Detail) {
    let of = |protocol: Protocol| (protocol.name(), nothing(protocol));
    match guess {
        Guess::Hl7 => of(Protocol::Hl7),
        Guess::Dicom => of(Protocol::Dicom),
        Guess::Modbus => of(Protocol::Modbus),
        Guess::Bacnet => of(Protocol::Bacnet),
        Guess::Http => of(Protocol::Http),
        Guess::Tls => ("tls", Detail::None {}),
        Guess::Unknown | Guess::NeedMore => ("unknown", Detail::None {}),
    }
}

/// Gives the fields of a protocol, all of them absent.
fn nothing(protocol: Protocol) -> Detail {
    match protocol {
        Protocol::Hl7 => hl7_detail(None),
        Protocol::Dicom => dicom_detail(None),
        Protocol::Modbus => Detail::Modbus {
            transaction_id: None,
            unit_id: None,
            function_code: None,
            exception_code: None,
            address: None,
            quantity: None,
        },
        Protocol::Bacnet => Detail::Bacnet(Box::default()),
        Protocol::Http
        | Protocol::Ntp
        | Protocol::Dns
        | Protocol::Dhcp
        | Protocol::Syslog
        | Protocol::Opaque => Detail::None {},
    }
}

/// Takes over a text that a peer chose, of a length that makes sense; none when it is empty.
fn text(bytes: &[u8]) -> Option<String> {
    let bytes = bytes.get(..TEXT_BYTES_MAX).unwrap_or(bytes);
    let text: Cow<'_, str> = String::from_utf8_lossy(bytes);
    (!text.is_empty()).then(|| text.into_owned())
}

/// Gives the fields of the header, if it is sound: one that has lost its end may hold anything.
fn hl7_detail(message: Option<&hl7::Message<'_>>) -> Detail {
    let message = message.filter(|message| {
        let version = message.version().component(1).bytes();
        version.len() <= 8 && version.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'.'))
    });
    Detail::Hl7 {
        message_type: message.and_then(|message| hl7_op(&message.message_type())),
        control_id: message.and_then(|message| text(message.control_id().bytes())),
        version: message.and_then(|message| text(message.version().bytes())),
        sending_application: message
            .and_then(|message| text(message.sending_application().component(1).bytes())),
    }
}

/// Names a type of message as HL7 does: `ORU^R01`; none when it cannot be one, for then it may be
/// anything that slipped into the field.
fn hl7_op(of: &MessageType<'_>) -> Option<String> {
    let is_code = |part: &[u8]| part.len() <= 3 && part.iter().all(u8::is_ascii_alphanumeric);
    if !is_code(of.code) || !is_code(of.trigger) {
        return None;
    }
    let (code, trigger) = (text(of.code)?, text(of.trigger));
    Some(trigger.map_or(code.clone(), |trigger| format!("{code}^{trigger}")))
}

fn say_hl7(payload: &[u8], read: Result<&hl7::Message<'_>, &Fault>) -> Said {
    match read {
        Ok(message) => {
            let is_answer = message.msa().is_some();
            let kind = kind(if is_answer { Side::Response } else { Side::Request });
            let op = hl7_op(&message.message_type());
            Said::new("hl7", kind, op, hl7_detail(Some(message)))
        }
        Err(fault) => {
            // What it is can often still be told, and an alarm passes by that alone.
            let op = hl7::peek_type(payload).and_then(|kind| hl7_op(&kind));
            let mut said = Said::new("hl7", "malformed", op, hl7_detail(None));
            said.fault(*fault);
            said
        }
    }
}

fn dicom_detail(pdu_type: Option<u8>) -> Detail {
    Detail::Dicom {
        pdu_type,
        calling_ae: None,
        called_ae: None,
        command: None,
        sop_class: None,
        status: None,
    }
}

fn say_dicom(event: &dicom::Event<'_>, is_piece_shown: bool) -> Option<Said> {
    use dicom::Event;
    let plain = |kind: Side, op: &str, pdu_type| {
        let kind = self::kind(kind);
        Some(Said::new("dicom", kind, Some(op.to_owned()), dicom_detail(Some(pdu_type))))
    };
    match event {
        Event::AssociateRq(associate) => {
            Some(say_associate(Side::Request, "A-ASSOCIATE-RQ", 1, associate))
        }
        Event::AssociateAc(associate) => {
            Some(say_associate(Side::Response, "A-ASSOCIATE-AC", 2, associate))
        }
        Event::AssociateRj(_) => plain(Side::Response, "A-ASSOCIATE-RJ", 3),
        Event::ReleaseRq => plain(Side::Request, "A-RELEASE-RQ", 5),
        Event::ReleaseRp => plain(Side::Response, "A-RELEASE-RP", 6),
        Event::Abort(_) => plain(Side::Request, "A-ABORT", 7).map(|mut said| {
            said.kind = "notification";
            said
        }),
        Event::Command { command, .. } => {
            let side = if command.is_response { Side::Response } else { Side::Request };
            let class = command.affected_class.or(command.requested_class);
            let detail = Detail::Dicom {
                pdu_type: Some(4),
                calling_ae: None,
                called_ae: None,
                command: Some(command.name()),
                sop_class: class.and_then(|class| text(class.as_bytes())),
                status: command.status,
            };
            Some(Said::new("dicom", kind(side), Some(command.name().to_owned()), detail))
        }
        Event::PData(_) | Event::Fragment(_) | Event::DatasetEnd { .. } | Event::Unread => {
            let said =
                || Said::new("dicom", "data", Some("P-DATA-TF".to_owned()), dicom_detail(Some(4)));
            is_piece_shown.then(said)
        }
    }
}

fn say_associate(side: Side, op: &str, pdu_type: u8, associate: &dicom::Associate<'_>) -> Said {
    let detail = Detail::Dicom {
        pdu_type: Some(pdu_type),
        calling_ae: text(associate.calling.as_bytes()),
        called_ae: text(associate.called.as_bytes()),
        command: None,
        sop_class: None,
        status: None,
    };
    Said::new("dicom", kind(side), Some(op.to_owned()), detail)
}

fn say_modbus(side: Side, adu: &Adu<'_>) -> Said {
    let outline = outline(adu.pdu, side);
    let name = outline.function.map(|function| {
        let number = || format!("function-{function}");
        function_name(function).map_or_else(number, str::to_owned)
    });
    let detail = Detail::Modbus {
        transaction_id: Some(adu.transaction_id),
        unit_id: Some(adu.unit_id),
        function_code: outline.function,
        exception_code: outline.exception,
        address: outline.address,
        quantity: outline.quantity,
    };
    let mut said = Said::new("modbus", kind(side), name, detail);
    let fault = match side {
        Side::Request => Request::read(adu.pdu).err(),
        Side::Response => Response::read(adu.pdu).err(),
    };
    if let Some(fault) = fault {
        // Offsets count from the first byte on the wire; the PDU follows seven others.
        said.fault(fault.after(7));
    }
    said
}

fn say_bacnet(packet: &bacnet::Packet<'_>) -> Said {
    use bacnet::{Apdu, Bvlc, NetworkMessage};
    let message = packet.npdu.and_then(|npdu| npdu.message);
    let (kind, op) = match (&packet.apdu, message) {
        (Some(apdu), _) => {
            let kind = match apdu {
                Apdu::UnconfirmedRequest { .. } if packet.is_broadcast() => "broadcast",
                Apdu::UnconfirmedRequest { .. } => "unconfirmed",
                Apdu::ConfirmedRequest { .. } => "request",
                Apdu::SimpleAck { .. }
                | Apdu::ComplexAck { .. }
                | Apdu::SegmentAck { .. }
                | Apdu::Error { .. }
                | Apdu::Reject { .. }
                | Apdu::Abort { .. } => "response",
            };
            let unnamed = || match apdu.service() {
                Some(service) => format!("service-{service}"),
                None => apdu.pdu_type().to_owned(),
            };
            (kind, packet.service_name().map_or_else(unnamed, str::to_owned))
        }
        (None, Some(message)) => {
            let unnamed = || format!("network-message-{}", message.kind);
            ("network", NetworkMessage::name(&message).map_or_else(unnamed, str::to_owned))
        }
        (None, None) => {
            let is_answer = matches!(
                packet.bvlc,
                Bvlc::Result { .. }
                    | Bvlc::ReadBroadcastTableAck { .. }
                    | Bvlc::ReadForeignTableAck { .. }
            );
            (if is_answer { "response" } else { "request" }, packet.bvlc.name().to_owned())
        }
    };
    let object = packet.object();
    let property = packet.property();
    let error = packet.error().ok().flatten();
    let detail = Detail::Bacnet(Box::new(Bacnet {
        bvlc_function: Some(packet.bvlc.function()),
        pdu_type: packet.apdu.map(|apdu| apdu.pdu_type()),
        service: packet.apdu.and_then(|apdu| apdu.service()),
        invoke_id: packet.invoke_id(),
        object: object.map(|object| object.to_string()),
        object_type: object.map(bacnet::ObjectId::object_type),
        object_instance: object.map(bacnet::ObjectId::instance),
        property: property.and_then(bacnet::property_name),
        property_id: property,
        error_class: error.map(|(class, _)| class),
        error_class_name: error.and_then(|(class, _)| bacnet::error_class_name(class)),
        error_code: error.map(|(_, code)| code),
        error_code_name: error.and_then(|(_, code)| bacnet::error_code_name(code)),
    }));
    let mut said = Said::new("bacnet", kind, Some(op), detail);
    match packet.service().err().or_else(|| packet.check().err()) {
        // A part of a message may end anywhere.
        Some(Fault::Incomplete { .. }) | None => {}
        Some(fault) => said.fault(fault),
    }
    said
}

/// The methods that are repeated; another may be any word.
/// # Source
/// RFC 9110 §9; RFC 5789 §2.
const METHODS: [&str; 9] =
    ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE"];

fn say_http(part: &http::Part<'_>, is_piece_shown: bool) -> Option<Said> {
    let said =
        |kind: &'static str, op: Option<String>| Said::new("http", kind, op, Detail::None {});
    match part {
        http::Part::Head(head) => Some(match head.method() {
            Some(method) if METHODS.contains(&method) => said("request", Some(method.to_owned())),
            Some(_) => said("request", None),
            None => said("response", head.status().map(|status| status.to_string())),
        }),
        http::Part::Body(_) | http::Part::Framing | http::Part::Opaque(_) => {
            is_piece_shown.then(|| said("data", None))
        }
    }
}

//! Messages as devices send them, made here so that they can be published.

use std::fmt::Write as _;

use cordon_core::inspect::Way;

/// A vital signs message of IHE PCD-01: an ORU^R01 of about 1.1 kB with twelve observations.
#[must_use]
pub fn oru_r01() -> Vec<u8> {
    let mut text = String::from(
        "MSH|^~\\&|BENCH_MONITOR^ACDE48234567ABCD^EUI-64|WARD_3|ENGINE|METRO|20261124120000+0000||\
         ORU^R01^ORU_R01|MSGID000001|P|2.6|||NE|AL|||||IHE_PCD_001^IHE PCD^1.3.6.1.4.1.19376.1.6.1.1.1^ISO\r\
         PID|||000042^^^METRO^PI||Doe^Jane||19700101|F\r\
         PV1||I|3^301^1^METRO\r\
         OBR|1|BENCH1^BENCH|BENCH1^BENCH|182777000^monitoring of patient^SCT|||20261124120000+0000\r",
    );
    for (number, (code, name, value, unit)) in OBSERVATIONS.iter().enumerate() {
        let number = number + 1;
        let _ =
            write!(text, "OBX|{number}|NM|{code}^{name}^MDC|1.1.1.{number}|{value}|{unit}|||||R\r");
    }
    text.into_bytes()
}

const OBSERVATIONS: [(&str, &str, &str, &str); 12] = [
    ("147842", "MDC_ECG_HEART_RATE", "72", "/min"),
    ("150456", "MDC_PULS_OXIM_SAT_O2", "98", "%"),
    ("149530", "MDC_PULS_OXIM_PULS_RATE", "71", "/min"),
    ("150021", "MDC_PRESS_BLD_NONINV_SYS", "121", "mm[Hg]"),
    ("150022", "MDC_PRESS_BLD_NONINV_DIA", "79", "mm[Hg]"),
    ("150023", "MDC_PRESS_BLD_NONINV_MEAN", "93", "mm[Hg]"),
    ("151562", "MDC_RESP_RATE", "14", "/min"),
    ("150344", "MDC_TEMP", "36.9", "Cel"),
    ("151708", "MDC_CONC_AWAY_CO2_ET", "38", "mm[Hg]"),
    ("150037", "MDC_PRESS_BLD_ART_MEAN", "88", "mm[Hg]"),
    ("150067", "MDC_PRESS_BLD_VEN_CENT", "6", "mm[Hg]"),
    ("131841", "MDC_ECG_AMPL_ST_I", "0.1", "mm"),
];

/// An A-ASSOCIATE-RQ of a modality with ten presentation contexts.
#[must_use]
pub fn associate_rq() -> Vec<u8> {
    let mut items = Vec::new();
    item(&mut items, 0x10, b"1.2.840.10008.3.1.1.1");
    for number in 0_u8..10 {
        let mut context = vec![number * 2 + 1, 0, 0, 0];
        item(&mut context, 0x30, format!("1.2.840.10008.5.1.4.1.1.{}", number + 1).as_bytes());
        for syntax in ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.4.70"] {
            item(&mut context, 0x40, syntax.as_bytes());
        }
        item(&mut items, 0x20, &context);
    }
    let mut user = Vec::new();
    item(&mut user, 0x51, &16_384_u32.to_be_bytes());
    item(&mut user, 0x52, b"1.2.826.0.1.3680043.9.3811.3.0");
    item(&mut user, 0x55, b"BENCH_300");
    item(&mut items, 0x50, &user);
    let mut body = vec![0, 1, 0, 0];
    body.extend_from_slice(b"METRO_PACS      BENCH_CT        ");
    body.extend_from_slice(&[0; 32]);
    body.extend_from_slice(&items);
    pdu(1, &body)
}

/// What comes before the images: an association for secondary capture, accepted, and a store.
#[must_use]
pub fn association() -> Vec<(Way, Vec<u8>)> {
    const IMAGE: &str = "1.2.840.10008.5.1.4.1.1.7";
    let syntax = "1.2.840.10008.1.2";
    let mut context = vec![1, 0, 0, 0];
    item(&mut context, 0x30, IMAGE.as_bytes());
    item(&mut context, 0x40, syntax.as_bytes());
    let mut accepted = vec![1, 0, 0, 0];
    item(&mut accepted, 0x40, syntax.as_bytes());
    let associate = |kind, item_kind, context: &[u8]| {
        let mut items = Vec::new();
        item(&mut items, 0x10, b"1.2.840.10008.3.1.1.1");
        item(&mut items, item_kind, context);
        let mut user = Vec::new();
        item(&mut user, 0x51, &0_u32.to_be_bytes());
        item(&mut user, 0x52, b"1.2.826.0.1.3680043.9.3811.3.0");
        item(&mut items, 0x50, &user);
        let mut body = vec![0, 1, 0, 0];
        body.extend_from_slice(b"METRO_PACS      BENCH_CT        ");
        body.extend_from_slice(&[0; 32]);
        body.extend_from_slice(&items);
        pdu(kind, &body)
    };
    vec![
        (Way::FromDevice, associate(1, 0x20, &context)),
        (Way::ToDevice, associate(2, 0x21, &accepted)),
        (Way::FromDevice, store(IMAGE)),
    ]
}

/// A C-STORE-RQ, whose data set then never ends.
fn store(class: &str) -> Vec<u8> {
    let mut elements = Vec::new();
    for (element, value) in [
        (0x0002_u16, class.as_bytes().to_vec()),
        (0x0100, 1_u16.to_le_bytes().to_vec()),
        (0x0110, 1_u16.to_le_bytes().to_vec()),
        (0x0700, 0_u16.to_le_bytes().to_vec()),
        (0x0800, 0_u16.to_le_bytes().to_vec()),
        (0x1000, b"1.2.3.4".to_vec()),
    ] {
        let mut value = value;
        value.resize(value.len().next_multiple_of(2), 0);
        elements.extend_from_slice(&[0, 0]);
        elements.extend_from_slice(&element.to_le_bytes());
        elements.extend_from_slice(&u32::try_from(value.len()).unwrap_or(0).to_le_bytes());
        elements.extend_from_slice(&value);
    }
    let mut command = vec![0, 0, 0, 0, 4, 0, 0, 0];
    command.extend_from_slice(&u32::try_from(elements.len()).unwrap_or(0).to_le_bytes());
    command.extend_from_slice(&elements);
    let mut body = u32::try_from(command.len() + 2).unwrap_or(0).to_be_bytes().to_vec();
    body.extend_from_slice(&[1, 3]);
    body.extend_from_slice(&command);
    pdu(4, &body)
}

/// A P-DATA-TF of 16 KiB of pixels in one PDV.
#[must_use]
pub fn p_data() -> Vec<u8> {
    let length = 16_384_usize - 6;
    let mut body = u32::try_from(length - 4).unwrap_or(0).to_be_bytes().to_vec();
    body.extend_from_slice(&[1, 0]);
    body.resize(length, 0x5a);
    pdu(4, &body)
}

fn pdu(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind, 0];
    bytes.extend_from_slice(&u32::try_from(body.len()).unwrap_or(0).to_be_bytes());
    bytes.extend_from_slice(body);
    bytes
}

fn item(out: &mut Vec<u8>, kind: u8, body: &[u8]) {
    out.extend_from_slice(&[kind, 0]);
    out.extend_from_slice(&u16::try_from(body.len()).unwrap_or(0).to_be_bytes());
    out.extend_from_slice(body);
}

/// A write of two holding registers, as an HVAC controller sends it.
pub const MODBUS_WRITE: [u8; 17] =
    [0, 7, 0, 0, 0, 11, 1, 0x10, 0x03, 0xe9, 0, 2, 4, 0, 215, 0, 190];

/// The answer to [`MODBUS_WRITE`].
pub const MODBUS_WRITTEN: [u8; 12] = [0, 7, 0, 0, 0, 6, 1, 0x10, 0x03, 0xe9, 0, 2];

/// A BACnet/IP ReadProperty of the present value of analog input 1.
pub const BACNET_READ: [u8; 17] =
    [0x81, 0x0a, 0, 17, 1, 4, 0, 5, 1, 12, 0x0c, 0, 0, 0, 1, 0x19, 85];

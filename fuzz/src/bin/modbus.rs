//! Units of Modbus TCP, read as requests and as answers.
#![no_main]

use cordon_fuzz::{Seen, whole_and_halves};
use cordon_wire::Unit;
use cordon_wire::modbus::{Adu, Reader, Request, Response, exception};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| whole_and_halves(input, |pieces| {
    let mut seen = Seen::default();
    let mut reader = Reader::new();
    let mut each = |unit: Unit<'_, Adu<'_>>| {
        seen.unit(unit.at, unit.bytes, &unit.value);
        if let Ok(adu) = unit.value {
            let (request, response) = (Request::read(adu.pdu), Response::read(adu.pdu));
            seen.unit(unit.at, adu.pdu, &(request, response));
            write_again(&adu, request.ok(), response.ok());
        }
    };
    for piece in pieces {
        reader.feed(piece, &mut each);
    }
    reader.finish(&mut each);
    seen
}));

/// What was read is written, and read again as the same.
fn write_again(adu: &Adu<'_>, request: Option<Request<'_>>, response: Option<Response<'_>>) {
    let mut out = Vec::new();
    if let Some(request) = request {
        assert_eq!(request.write(&mut out), Ok(()));
        assert_eq!(Request::read(&out), Ok(request));
    }
    out.clear();
    if let Some(response) = response {
        assert_eq!(response.write(&mut out), Ok(()));
        assert_eq!(Response::read(&out), Ok(response));
    }
    out.clear();
    assert_eq!(adu.write(&mut out), Ok(()));
    assert_eq!(Adu::read(&out), Ok((*adu, out.len())));
    out.clear();
    exception(adu, 1, &mut out);
    let refusal = Adu::read(&out).and_then(|(refusal, _)| Response::read(refusal.pdu));
    // There is no function 0, and so no exception of it.
    let is_refusal = matches!(refusal, Ok(Response::Exception { .. }));
    assert!(is_refusal || adu.function() == 0, "a refusal can be read");
}

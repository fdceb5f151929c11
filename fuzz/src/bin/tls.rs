//! The ClientHello at the front of a TLS stream, and its fingerprint.
#![no_main]

use cordon_fuzz::{Seen, whole_and_halves};
use cordon_wire::Unit;
use cordon_wire::tls::{Carrier, ClientHello, Reader, ja4};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| whole_and_halves(input, |pieces| {
    let mut seen = Seen::default();
    let mut reader = Reader::new();
    let mut each = |unit: Unit<'_, ClientHello<'_>>| {
        let asked = unit.value.map(|hello| {
            let prints = [Carrier::Tcp, Carrier::Quic].map(|carrier| ja4(&hello, carrier));
            (hello, prints, hello.version(), hello.key_share_groups().count())
        });
        seen.unit(unit.at, unit.bytes, &asked);
    };
    for piece in pieces {
        reader.feed(piece, &mut each);
    }
    reader.finish(&mut each);
    seen
}));

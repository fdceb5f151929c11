//! Datagrams of BACnet/IP.
#![no_main]

use cordon_wire::bacnet::{self, Apdu, Packet};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Ok(packet) = Packet::read(input) else { return };
    ask(&packet, input.len());
    let mut out = Vec::new();
    packet.write(&mut out);
    let again = Packet::read(&out);
    assert_eq!(again, Ok(packet), "what is written is what was read");
    refuse(&packet);
});

/// Asks for everything that can be asked for.
fn ask(packet: &Packet<'_>, length: usize) {
    let _checked = (packet.check(), packet.error(), packet.is_broadcast());
    let _named = (packet.service_name(), packet.object(), packet.property());
    match packet.service() {
        Ok(Some(service)) => {
            let _words = format!("{packet:?} {service:?}");
            let _about = (service.device(), service.reference());
            assert!(service.properties().into_iter().flatten().count() <= length, "bounded");
        }
        Ok(None) => {}
        Err(fault) => {
            let _reason = bacnet::reject_reason(packet, fault);
        }
    }
}

/// Appends a refusal; says whether there is one.
type Refusal<'a> = &'a dyn Fn(&mut Vec<u8>) -> bool;

/// A refusal can be read, is one, and is about the request.
fn refuse(packet: &Packet<'_>) {
    let refusals: [Refusal<'_>; 3] =
        [&|out| bacnet::reject(packet, 9, out), &|out| bacnet::abort(packet, 4, out), &|out| {
            bacnet::error(packet, 5, 0, out)
        }];
    for write in refusals {
        let mut out = Vec::new();
        if !write(&mut out) {
            assert!(out.is_empty(), "nothing is written when nothing can be refused");
            continue;
        }
        let refusal = Packet::read(&out);
        assert_eq!(refusal.map(|refusal| refusal.invoke_id()), Ok(packet.invoke_id()));
        let apdu = refusal.ok().and_then(|refusal| refusal.apdu);
        let is_refusal =
            matches!(apdu, Some(Apdu::Reject { .. } | Apdu::Abort { .. } | Apdu::Error { .. }));
        assert!(is_refusal, "never a positive answer");
    }
}

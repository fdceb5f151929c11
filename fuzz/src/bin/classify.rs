//! The guess by first bytes, which may be put off and never changes.
#![no_main]

use cordon_wire::classify::{Guess, Transport, first_bytes};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let _alone = first_bytes(input, Transport::Udp);
    let whole = first_bytes(input, Transport::Tcp);
    for end in 0..input.len() {
        let early = first_bytes(input.get(..end).unwrap_or_default(), Transport::Tcp);
        assert!(early == whole || early == Guess::NeedMore, "{early:?} at {end}, then {whole:?}");
    }
});

//! Fragments of IP datagrams whose content is known, in any order, of several datagrams at once.
#![no_main]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use cordon_fuzz::{Orders, known, stretch};
use cordon_wire::fragment::{DATAGRAMS, Fragment, Key, Outcome, Reassembly};
use libfuzzer_sys::fuzz_target;

/// The longest datagram there is.
const DATAGRAM_BYTES_MAX: usize = 65_535;

fuzz_target!(|input: &[u8]| {
    let mut orders = Orders(input);
    let mut reassembly = Reassembly::default();
    let mut now_ns = 0;
    while let Some((order, step_s)) = order(&mut orders) {
        now_ns += u64::from(step_s) * 1_000_000_000;
        let fragment = Fragment { bytes: &stretch(order.offset, order.count), ..order.fragment };
        match reassembly.add(now_ns, &fragment) {
            Outcome::Whole(datagram) => {
                assert!(datagram.len() <= DATAGRAM_BYTES_MAX);
                for (place, byte) in (0..).zip(&datagram) {
                    assert_eq!(*byte, known(place), "at {place}");
                }
            }
            Outcome::Kept => assert!(!fragment.is_cut, "what is cut is never whole"),
            Outcome::Dropped(_) => {}
        }
        assert!(reassembly.unfinished() <= DATAGRAMS.max, "what is kept is bounded");
    }
});

/// A fragment as the input orders it, without its bytes.
struct Order {
    fragment: Fragment<'static>,
    offset: u32,
    count: u32,
}

/// The next fragment, and how many seconds after the one before it comes.
fn order(orders: &mut Orders<'_>) -> Option<(Order, u8)> {
    let flags = orders.byte()?;
    let is_set = |bit: u8| flags >> bit & 1 == 1;
    let unit = if is_set(0) { 1 } else { 8 };
    let offset = u32::from(orders.word()?) * unit;
    let count = u32::from(orders.byte()?) * unit;
    let step_s = if is_set(1) { orders.byte()? } else { 0 };
    let [src, dst] = match is_set(2) {
        true => [IpAddr::V6(Ipv6Addr::LOCALHOST); 2],
        false => [IpAddr::V4(Ipv4Addr::LOCALHOST); 2],
    };
    let key = Key { src, dst, protocol: 17, identification: u32::from(flags >> 3 & 3) };
    let is_cut = is_set(5) && is_set(6);
    let fragment = Fragment { key, offset, more: is_set(7), bytes: &[], is_cut };
    Some((Order { fragment, offset, count }, step_s))
}

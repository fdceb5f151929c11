//! What no reader may mind: truncation, flipped bits, any split, repetition.

/// Feeds pieces of a stream to a fresh reader and writes down every unit that came out of it, by
/// `{:?}` or shorter, in order.
pub(crate) type Run<'a> = &'a dyn Fn(&[&[u8]]) -> Vec<String>;

/// Maltreats each stream; `run` must never panic, and must give the same units whatever the split.
/// # Panics
/// When it does not.
pub(crate) fn streams(vectors: &[Vec<u8>], run: Run<'_>) {
    for vector in vectors {
        let whole = run(&[vector]);
        for size in (1..=vector.len().min(64)).chain([100, 1_000, 1_460]) {
            let pieces: Vec<&[u8]> = vector.chunks(size).collect();
            assert_eq!(run(&pieces), whole, "in pieces of {size} bytes");
        }
        for end in 0..vector.len() {
            let cut = vector.get(..end).unwrap_or_default();
            let _units = run(&[cut]);
        }
        for bit in 0..vector.len() * 8 {
            let mut flipped = vector.clone();
            if let Some(byte) = flipped.get_mut(bit / 8) {
                *byte ^= 1 << (bit % 8);
            }
            let once = run(&[&flipped]);
            let halves = flipped.split_at(flipped.len() / 2);
            assert_eq!(run(&[halves.0, halves.1]), once, "bit {bit} flipped, in two halves");
        }
    }
    let all: Vec<u8> = vectors.concat();
    let _units = run(&[&all]);
    let doubled = [all.as_slice(), all.as_slice()].concat();
    let once = run(&[&doubled]);
    for size in [1, 7, 1_460] {
        let pieces: Vec<&[u8]> = doubled.chunks(size).collect();
        assert_eq!(run(&pieces), once, "everything twice, in pieces of {size} bytes");
    }
}

/// Maltreats each datagram; `run` must never panic.
/// # Panics
/// When it does.
pub(crate) fn datagrams(vectors: &[Vec<u8>], run: &dyn Fn(&[u8])) {
    for vector in vectors {
        run(vector);
        for end in 0..vector.len() {
            run(vector.get(..end).unwrap_or_default());
        }
        for bit in 0..vector.len() * 8 {
            let mut flipped = vector.clone();
            if let Some(byte) = flipped.get_mut(bit / 8) {
                *byte ^= 1 << (bit % 8);
            }
            run(&flipped);
        }
        run(&[vector.as_slice(), vector.as_slice()].concat());
    }
    run(&vectors.concat());
}

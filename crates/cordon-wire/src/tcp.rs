//! Puts the two streams of a TCP connection together from its segments.

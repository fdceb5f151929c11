//! Puts IP datagrams together from their fragments.

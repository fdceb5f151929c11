//! Which protocol the first bytes of a conversation speak.

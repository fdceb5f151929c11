//! HL7 v2 messages: segments, fields, and what an inspector must know of them.

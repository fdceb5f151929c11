//! MLLP framing, the envelope of HL7 v2 on a stream.

//! BACnet/IP (ASHRAE 135 Annex J): BVLC, NPDU and APDU.

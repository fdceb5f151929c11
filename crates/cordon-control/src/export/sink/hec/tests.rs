use super::*;

#[test]
fn tells_records_from_settings_and_both_from_outages() {
    for (status, code, expected) in [
        (200, Some(0), Ok(())),
        (400, Some(6), Err(Fault::Rejected("bad-record"))),
        (400, Some(12), Err(Fault::Rejected("bad-record"))),
        (400, None, Err(Fault::Rejected("bad-record"))),
        (413, None, Err(Fault::Rejected("too-large"))),
        (400, Some(7), Err(Fault::Refused("index"))),
        (400, Some(10), Err(Fault::Refused("channel"))),
        (400, Some(14), Err(Fault::Refused("acknowledgement-disabled"))),
        (401, Some(2), Err(Fault::Refused("token"))),
        (403, Some(4), Err(Fault::Refused("token"))),
        (404, None, Err(Fault::Refused("no-such-endpoint"))),
        (302, None, Err(Fault::Refused("unexpected-answer"))),
        (429, None, Err(Fault::Away("slow-down"))),
        (500, Some(8), Err(Fault::Away("server-error"))),
        (503, Some(9), Err(Fault::Away("busy"))),
    ] {
        assert_eq!(judge(status, code), expected, "{status} {code:?}");
    }
}

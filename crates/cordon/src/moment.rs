//! Times as people write them: RFC 3339 or dates, UTC where nothing else is said.

use cordon_model::WallMs;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::outcome::Failure;

/// The length of `2026-01-31`.
const DATE_BYTES: usize = 10;

/// Reads a time; a date means its beginning.
/// # Source
/// RFC 3339 §5.6.
pub(crate) fn read(text: &str) -> Result<WallMs, Failure> {
    let of_date = |date: Date| TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok();
    let moment = text.parse::<Timestamp>().ok();
    // A date that something follows is no date: what follows would be lost.
    let date = || Some(text).filter(|text| text.len() == DATE_BYTES)?.parse::<Date>().ok();
    let moment = moment.or_else(|| date().and_then(of_date));
    let ms = moment.and_then(|moment| u64::try_from(moment.as_millisecond()).ok());
    ms.map(WallMs).ok_or_else(|| {
        let help = "write 2026-01-31, or 2026-01-31T14:05:00Z with its zone";
        Failure::usage(format!("`{text}` is no time"), help)
    })
}

/// Writes a time, to the millisecond.
/// # Source
/// RFC 3339 §5.6.
pub(crate) fn write(at: WallMs) -> String {
    let moment = i64::try_from(at.0).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    moment.map_or_else(|| at.0.to_string(), |moment| format!("{moment:.3}"))
}

/// Makes the time of a record out of that of a capture.
pub(crate) fn of_seconds(ts_s: f64) -> WallMs {
    // A microsecond more: a time in binary is often a little less than the one that was meant.
    let since = std::time::Duration::try_from_secs_f64(ts_s + 0.000_001).unwrap_or_default();
    WallMs(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// Reads the clock of the machine.
pub(crate) fn now() -> WallMs {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    WallMs(since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX)))
}

/// A span of time: from the first moment on, before the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Span {
    pub(crate) from: Option<WallMs>,
    pub(crate) to: Option<WallMs>,
}

impl Span {
    pub(crate) fn read(from: Option<&str>, to: Option<&str>) -> Result<Self, Failure> {
        let span = Self { from: from.map(read).transpose()?, to: to.map(read).transpose()? };
        match (span.from, span.to) {
            (Some(from), Some(to)) if from >= to => {
                let message = format!("nothing lies between {} and {}", write(from), write(to));
                Err(Failure::usage(message, "--from is the first moment, --to the first after it"))
            }
            _ => Ok(span),
        }
    }

    pub(crate) fn contains(&self, at: WallMs) -> bool {
        self.from.is_none_or(|from| at >= from) && self.to.is_none_or(|to| at < to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        for (text, ms) in [
            ("1970-01-01", Some(0)),
            ("2026-01-01", Some(1_767_225_600_000)),
            ("2026-01-01T00:00:00Z", Some(1_767_225_600_000)),
            ("2026-01-01T01:00:00.5+01:00", Some(1_767_225_600_500)),
            ("2026-01-01T00:00:00", None),
            ("2026-01-01T14:05", None),
            ("1969-12-31", None),
            ("yesterday", None),
            ("", None),
        ] {
            assert_eq!(read(text).ok(), ms.map(WallMs), "{text}");
        }
        assert_eq!(write(WallMs(1_767_225_600_500)), "2026-01-01T00:00:00.500Z");
        assert_eq!(of_seconds(1.0625), WallMs(1_062));
        assert_eq!(of_seconds(1_793_520_000.1), WallMs(1_793_520_000_100));
        assert_eq!(of_seconds(f64::NAN), WallMs(0));
    }

    #[test]
    fn a_span_has_its_beginning_and_not_its_end() {
        let span = Span::read(Some("2026-01-01"), Some("2026-01-02")).unwrap_or_default();
        for (ms, is_in) in
            [(1_767_225_599_999, false), (1_767_225_600_000, true), (1_767_312_000_000, false)]
        {
            assert_eq!(span.contains(WallMs(ms)), is_in, "{ms}");
        }
        assert!(Span::default().contains(WallMs(0)));
        assert!(Span::read(Some("2026-01-02"), Some("2026-01-02")).is_err());
    }
}

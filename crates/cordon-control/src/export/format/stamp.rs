//! Moments as text: RFC 3339 in UTC, with milliseconds.
//!
//! Source: RFC 3339 §5.6; RFC 5424 §6.2.3.

use cordon_model::WallMs;

const DAY_MS: u64 = 86_400_000;

/// The first moment that has no text of four digits for its year: 10000-01-01T00:00:00Z.
const END_MS: u64 = 253_402_300_800_000;

/// Writes a moment, for example `2026-01-01T00:00:00.123Z`; nothing after the year 9999.
/// # Source
/// RFC 3339 §5.6; RFC 5424 §6.2.3.
#[must_use]
pub fn rfc3339(time: WallMs) -> Option<String> {
    if time.0 >= END_MS {
        return None;
    }
    let (year, month, day) = date(time.0 / DAY_MS);
    let ms = time.0 % DAY_MS;
    let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60);
    let rest = ms % 1_000;
    Some(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{rest:03}Z"))
}

/// The date of a day, counted from 1970-01-01.
///
/// Counts in eras of 400 years that begin on the first of March, so that a leap day is the last of
/// its year.
fn date(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_in_utc_with_milliseconds() {
        let cases = [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_767_225_600_123, "2026-01-01T00:00:00.123Z"),
            (4_107_542_399_999, "2100-02-28T23:59:59.999Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (END_MS - 1, "9999-12-31T23:59:59.999Z"),
        ];
        for (ms, text) in cases {
            assert_eq!(rfc3339(WallMs(ms)).as_deref(), Some(text));
        }
    }

    #[test]
    fn what_has_no_year_of_four_digits_has_no_text() {
        assert_eq!(rfc3339(WallMs(END_MS)), None);
        assert_eq!(rfc3339(WallMs(u64::MAX)), None);
    }
}

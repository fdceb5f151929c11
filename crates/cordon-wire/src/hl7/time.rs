//! The times that messages have.

/// How much of a time is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Precision {
    /// The year.
    Year,
    /// The month.
    Month,
    /// The day.
    Day,
    /// The hour.
    Hour,
    /// The minute.
    Minute,
    /// The second, and perhaps parts of it.
    Second,
}

/// A moment as a message says it: `YYYY[MM[DD[HH[MM[SS[.S[S[S[S]]]]]]]]][+/-ZZZZ]`.
/// # Source
/// HL7 v2.6 §2.A.22.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Moment {
    /// Since 1970-01-01T00:00:00Z; without a zone, as if it were UTC; what is not said is the least
    /// that it can be.
    /// # Units
    /// Seconds.
    pub seconds: i64,
    /// How far the zone is ahead of UTC, if it is said.
    /// # Units
    /// Minutes.
    pub zone_minutes: Option<i16>,
    /// How much is said.
    pub precision: Precision,
}

impl Moment {
    /// Reads a time; nothing when it is none.
    #[must_use]
    pub fn read(text: &[u8]) -> Option<Self> {
        let sign = text.iter().position(|byte| matches!(byte, b'+' | b'-'));
        let (time, zone) = text.split_at_checked(sign.unwrap_or(text.len()))?;
        let zone_minutes = if zone.is_empty() { None } else { Some(zone_minutes(zone)?) };
        let (digits, fraction) = match time.iter().position(|byte| *byte == b'.') {
            Some(dot) => (time.get(..dot)?, time.get(dot.checked_add(1)?..)),
            None => (time, None),
        };
        let precision = match digits.len() {
            4 => Precision::Year,
            6 => Precision::Month,
            8 => Precision::Day,
            10 => Precision::Hour,
            12 => Precision::Minute,
            14 => Precision::Second,
            _ => return None,
        };
        if let Some(fraction) = fraction {
            let is_fraction = (1..=4).contains(&fraction.len())
                && fraction.iter().all(u8::is_ascii_digit)
                && precision == Precision::Second;
            is_fraction.then_some(())?;
        }
        let year = number(digits.get(..4)?)?;
        let two = |from: usize, least: i64| match digits.get(from..from.saturating_add(2)) {
            Some(pair) => number(pair),
            None => Some(least),
        };
        let (month, day) = (two(4, 1)?, two(6, 1)?);
        let (hour, minute, second) = (two(8, 0)?, two(10, 0)?, two(12, 0)?);
        let is_time = (1..=12).contains(&month)
            && (1..=days_of(year, month)).contains(&day)
            && hour < 24
            && minute < 60
            && second < 60;
        is_time.then_some(())?;
        let days = days_since_1970(year, month, day);
        let local = days * 86_400 + hour * 3_600 + minute * 60 + second;
        let seconds = local - i64::from(zone_minutes.unwrap_or(0)) * 60;
        Some(Self { seconds, zone_minutes, precision })
    }
}

fn zone_minutes(zone: &[u8]) -> Option<i16> {
    let (sign, digits) = zone.split_first()?;
    let (hours, minutes) = (number(digits.get(..2)?)?, number(digits.get(2..)?)?);
    (digits.len() == 4 && hours <= 14 && minutes < 60).then_some(())?;
    let ahead = i16::try_from(hours * 60 + minutes).ok()?;
    Some(if *sign == b'-' { -ahead } else { ahead })
}

/// Reads at most four digits; none when there are more, or other signs.
fn number(digits: &[u8]) -> Option<i64> {
    (digits.len() <= 4).then_some(())?;
    digits.iter().try_fold(0_i64, |sum, digit| {
        digit.is_ascii_digit().then(|| sum * 10 + i64::from(digit - b'0'))
    })
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Counts days with years that begin in March, so that the day of the leap year is the last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Appends a time in UTC, to the second and without a zone.
pub(super) fn write(seconds: u64, out: &mut Vec<u8>) {
    let days = i64::try_from(seconds / 86_400).unwrap_or(0) + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march + 2) / 5 + 1;
    let month = if march < 10 { march + 3 } else { march - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    let text = format!("{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}");
    out.extend_from_slice(text.as_bytes());
}

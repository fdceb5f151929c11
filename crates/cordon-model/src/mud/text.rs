//! The texts of YANG that a MUD file uses.
//!
//! Source: RFC 6991 §3, §4.

use std::net::IpAddr;

/// Says whether the text is a URI.
/// # Source
/// RFC 3986 §2, §3.1.
pub(super) fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let scheme_ok = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    let rest_ok = rest.chars().all(|c| c.is_ascii_graphic() && !"\"<>\\^`{|}".contains(c));
    scheme_ok && rest_ok && !rest.is_empty()
}

/// Says whether the text is a URL that a device may emit.
/// # Source
/// RFC 8520 §6 (the scheme is `https`).
pub(super) fn is_mud_url(text: &str) -> bool {
    is_uri(text) && authority(text).is_some_and(|host| !host.is_empty() && !host.contains('@'))
}

/// Gives the authority of an `https` URL.
pub(super) fn authority(url: &str) -> Option<&str> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    scheme.eq_ignore_ascii_case("https").then_some(authority)
}

/// Reads a domain name, or an address, into lower case without the final period.
/// # Source
/// RFC 6991 §4, `host` and `domain-name`.
pub(super) fn host(text: &str) -> Option<String> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(address.to_string());
    }
    let name = text.strip_suffix('.').unwrap_or(text);
    let label_ok = |label: &str| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        (1..=63).contains(&label.len())
            && label.chars().all(allowed)
            && !label.starts_with('-')
            && label.ends_with(|c: char| c.is_ascii_alphanumeric())
    };
    (name.len() <= 253 && name.split('.').all(label_ok)).then(|| name.to_ascii_lowercase())
}

/// Says whether the text is a date and time.
/// # Source
/// RFC 6991 §3, `date-and-time`; RFC 3339 §5.6.
pub(super) fn is_date_and_time(text: &str) -> bool {
    let Some((date, rest)) = text.split_once('T') else { return false };
    let Some((time, zone)) = split_zone(rest) else { return false };
    let date: Vec<_> = date.split('-').collect();
    let (whole, fraction) = time.split_once('.').map_or((time, "0"), |(a, b)| (a, b));
    let time: Vec<_> = whole.split(':').collect();
    let ([year, month, day], [hour, minute, second]) = (date.as_slice(), time.as_slice()) else {
        return false;
    };
    let date_ok = match (digits(year, 4), digits(month, 2), digits(day, 2)) {
        (Some(year), Some(month), Some(day)) => (1..=days(year, month)).contains(&day),
        (_, _, _) => false,
    };
    let below = |text: &str, end: u32| digits(text, 2).is_some_and(|value| value < end);
    let fraction_ok = !fraction.is_empty() && fraction.bytes().all(|b| b.is_ascii_digit());
    let zone_ok = match zone.split_once(':') {
        Some((hours, minutes)) => below(hours, 24) && below(minutes, 60),
        None => zone.is_empty(),
    };
    date_ok && below(hour, 24) && below(minute, 60) && below(second, 61) && fraction_ok && zone_ok
}

/// Splits a time from its zone; the zone is empty for `Z`.
fn split_zone(text: &str) -> Option<(&str, &str)> {
    match text.strip_suffix('Z') {
        Some(time) => Some((time, "")),
        None => text.split_once(['+', '-']).filter(|(_, zone)| !zone.is_empty()),
    }
}

/// Reads exactly so many digits.
fn digits(text: &str, count: usize) -> Option<u32> {
    let all_digits = text.len() == count && text.bytes().all(|b| b.is_ascii_digit());
    all_digits.then(|| text.parse().ok()).flatten()
}

/// Counts the days of a month; none in a month that there is not.
fn days(year: u32, month: u32) -> u32 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        _ => 0,
    }
}

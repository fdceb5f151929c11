//! When makers stopped, or will stop, to mend operating systems that devices run on.
//!
//! Source: Microsoft product lifecycle pages; Ubuntu release cycle (standard support); Debian LTS;
//! CentOS end-of-life announcements. Paid extensions (ESM, ESU) are not counted.

use jiff::civil::{Date, date};

/// Words that all have to be there, the name, and the last day of support; the first entry whose
/// words are there counts, so narrower names stand before wider ones.
const SYSTEMS: [(&[&str], &str, Date); 48] = [
    (&["windows", "server", "2022"], "Windows Server 2022", date(2031, 10, 14)),
    (&["windows", "server", "2019"], "Windows Server 2019", date(2029, 1, 9)),
    (&["windows", "server", "2016"], "Windows Server 2016", date(2027, 1, 12)),
    (&["windows", "server", "2012"], "Windows Server 2012", date(2023, 10, 10)),
    (&["windows", "server", "2008"], "Windows Server 2008", date(2020, 1, 14)),
    (&["windows", "server", "2003"], "Windows Server 2003", date(2015, 7, 14)),
    (&["windows", "11", "ltsc"], "Windows 11 IoT Enterprise LTSC 2024", date(2034, 10, 10)),
    (
        &["windows", "10", "iot", "ltsc", "2021"],
        "Windows 10 IoT Enterprise LTSC 2021",
        date(2032, 1, 13),
    ),
    (&["windows", "10", "ltsc", "2021"], "Windows 10 Enterprise LTSC 2021", date(2027, 1, 12)),
    (&["windows", "10", "ltsc", "2019"], "Windows 10 Enterprise LTSC 2019", date(2029, 1, 9)),
    (&["windows", "10", "ltsc", "1809"], "Windows 10 Enterprise LTSC 2019", date(2029, 1, 9)),
    (&["windows", "10", "ltsb", "2016"], "Windows 10 Enterprise LTSB 2016", date(2026, 10, 13)),
    (&["windows", "10", "ltsb", "1607"], "Windows 10 Enterprise LTSB 2016", date(2026, 10, 13)),
    (&["windows", "10", "ltsb", "2015"], "Windows 10 Enterprise LTSB 2015", date(2025, 10, 14)),
    (&["windows", "10", "ltsc"], "Windows 10 Enterprise LTSC", date(2027, 1, 12)),
    (&["windows", "10", "ltsb"], "Windows 10 Enterprise LTSB", date(2026, 10, 13)),
    (&["windows", "10"], "Windows 10", date(2025, 10, 14)),
    (&["windows", "embedded", "8.1"], "Windows Embedded 8.1 Industry", date(2023, 7, 11)),
    (&["windows", "8.1"], "Windows 8.1", date(2023, 1, 10)),
    (&["windows", "embedded", "8"], "Windows Embedded 8 Standard", date(2023, 7, 11)),
    (&["windows", "8"], "Windows 8", date(2016, 1, 12)),
    (
        &["windows", "embedded", "compact", "2013"],
        "Windows Embedded Compact 2013",
        date(2023, 10, 10),
    ),
    (&["windows", "embedded", "compact", "7"], "Windows Embedded Compact 7", date(2021, 4, 13)),
    (&["posready", "7"], "Windows Embedded POSReady 7", date(2021, 10, 12)),
    (&["posready", "2009"], "Windows Embedded POSReady 2009", date(2019, 4, 9)),
    (&["windows", "embedded", "2009"], "Windows Embedded Standard 2009", date(2019, 1, 8)),
    (&["windows", "embedded", "7"], "Windows Embedded Standard 7", date(2020, 10, 13)),
    (&["windows", "7"], "Windows 7", date(2020, 1, 14)),
    (&["windows", "vista"], "Windows Vista", date(2017, 4, 11)),
    (&["windows", "xp", "embedded"], "Windows XP Embedded", date(2016, 1, 12)),
    (&["windows", "xp"], "Windows XP", date(2014, 4, 8)),
    (&["windows", "2000"], "Windows 2000", date(2010, 7, 13)),
    (&["windows", "nt"], "Windows NT 4.0", date(2004, 12, 31)),
    (&["windows", "ce", "6"], "Windows Embedded CE 6.0", date(2018, 4, 10)),
    (&["windows", "ce", "6.0"], "Windows Embedded CE 6.0", date(2018, 4, 10)),
    (&["windows", "ce", "5"], "Windows CE 5.0", date(2014, 10, 14)),
    (&["windows", "ce", "5.0"], "Windows CE 5.0", date(2014, 10, 14)),
    (&["ubuntu", "14.04"], "Ubuntu 14.04", date(2019, 4, 30)),
    (&["ubuntu", "16.04"], "Ubuntu 16.04", date(2021, 4, 30)),
    (&["ubuntu", "18.04"], "Ubuntu 18.04", date(2023, 5, 31)),
    (&["ubuntu", "20.04"], "Ubuntu 20.04", date(2025, 5, 31)),
    (&["centos", "6"], "CentOS 6", date(2020, 11, 30)),
    (&["centos", "7"], "CentOS 7", date(2024, 6, 30)),
    (&["centos", "8"], "CentOS 8", date(2021, 12, 31)),
    (&["debian", "8"], "Debian 8", date(2020, 6, 30)),
    (&["debian", "9"], "Debian 9", date(2022, 6, 30)),
    (&["debian", "10"], "Debian 10", date(2024, 6, 30)),
    (&["debian", "11"], "Debian 11", date(2026, 8, 31)),
];

/// Tokens after the version in which qualifiers such as `LTSC 2021` are looked for.
const QUALIFIER_WORDS_MAX: usize = 6;

/// Finds an operating system that a text names, with the last day of its support; of several
/// the one whose support ends first.
pub(super) fn named_in(text: &str) -> Option<(&'static str, Date)> {
    let text = text.to_lowercase();
    let words: Vec<&str> = text
        .split(|c: char| !(c.is_alphanumeric() || c == '.'))
        .map(|word| word.trim_matches('.'))
        .filter(|word| !word.is_empty())
        .collect();
    let at = |from: usize| {
        let rest = words.get(from..).unwrap_or_default();
        SYSTEMS.iter().find(|(wanted, _, _)| is_named(wanted, rest))
    };
    let found = (0..words.len()).filter_map(at).min_by_key(|(_, _, end)| *end)?;
    Some((found.1, found.2))
}

/// Says whether words begin with a system's name: up to its version in order and with no other
/// number between, what follows the version in any order.
fn is_named(wanted: &[&str], words: &[&str]) -> bool {
    let has_digit = |word: &str| word.contains(|c: char| c.is_ascii_digit());
    if wanted.first() != words.first() {
        return false;
    }
    let mut rest = words.get(1..).unwrap_or_default().iter();
    for (index, next) in wanted.iter().enumerate().skip(1) {
        let skipped = rest.clone().take_while(|word| *word != next).count();
        let is_clear = !rest.clone().take(skipped).any(|word| has_digit(word));
        if skipped == rest.len() || skipped > 2 || !is_clear {
            return false;
        }
        rest.nth(skipped);
        if has_digit(next) {
            let after: Vec<&&str> = rest.take(QUALIFIER_WORDS_MAX).collect();
            return wanted.iter().skip(index + 1).all(|word| after.contains(&word));
        }
    }
    true
}

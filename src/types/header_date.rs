//! The date of a message's header, as mail programs write it (RFC 5322 section 3.3).

use super::timestamp::{Date, Timestamp};

/// Parses `Wed, 17 Jul 1996 02:23:25 -0700 (PDT)`. The day of the week, seconds and zone (then UTC)
/// may be missing; two-digit years and named zones follow RFC 5322 section 4.3. `None` if it can't
/// be parsed.
pub(super) fn read(text: &[u8]) -> Option<Timestamp> {
    let text = String::from_utf8_lossy(text);
    let text = without_comments(&text);
    let is_gap = |c: char| c.is_ascii_whitespace() || c == ',';
    let mut all = text.split(is_gap).filter(|word| !word.is_empty()).peekable();
    if all.peek()?.starts_with(|c: char| c.is_ascii_alphabetic()) {
        all.next();
    }
    // Some programs write `17-Jul-1996`.
    let first = all.next()?;
    let (day, month, year) =
        match first.split_once('-').and_then(|(d, rest)| Some((d, rest.split_once('-')?))) {
            Some((day, (month, year))) => (day, month, year),
            None => (first, all.next()?, all.next()?),
        };
    let date = Date::new(full_year(year)?, month_number(month)?, number(day)?)?;
    let mut clock = all.next()?.split(':');
    let (hour, minute) = (number(clock.next()?)?, number(clock.next()?)?);
    let second = clock.next().map_or(Some(0), |second| number(second.split('.').next()?))?;
    let zone = zone(all.next());
    let (sign, zone) = (if zone < 0 { '-' } else { '+' }, zone.abs());
    let plain = format!("{date} {hour}:{minute}:{second} {sign}{:02}{:02}", zone / 60, zone % 60);
    Timestamp::read(plain.as_bytes())
}

fn number(text: &str) -> Option<u8> {
    let digits = (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

fn full_year(text: &str) -> Option<u16> {
    let year: u16 = text.parse().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit()))?;
    match (text.len(), year) {
        (2, ..=49) => Some(year + 2000),
        (2 | 3, _) => Some(year + 1900),
        (4, _) => Some(year),
        _ => None,
    }
}

fn month_number(text: &str) -> Option<u8> {
    const MONTHS: [&str; 12] =
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let name = text.get(..3)?.to_ascii_lowercase();
    u8::try_from(MONTHS.iter().position(|month| *month == name)? + 1).ok()
}

/// The offset east of Greenwich in minutes; 0 for unknown zones, as RFC 5322 section 4.3 demands.
fn zone(text: Option<&str>) -> i16 {
    let Some(text) = text else { return 0 };
    let hours = match text.to_ascii_uppercase().as_str() {
        "EDT" => -4,
        "EST" | "CDT" => -5,
        "CST" | "MDT" => -6,
        "MST" | "PDT" => -7,
        "PST" => -8,
        _ => 0,
    };
    let sign = match text.as_bytes() {
        [b'+', ..] => 1,
        [b'-', ..] => -1,
        _ => return hours * 60,
    };
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    match digits.parse::<i16>() {
        Ok(value) if digits.len() == 4 && value % 100 < 60 => sign * (value / 100 * 60 + value % 100),
        _ => 0,
    }
}

/// The text without comments in parentheses.
fn without_comments(text: &str) -> String {
    let mut depth = 0u32;
    let outside = |c: &char| {
        match c {
            '(' => depth = depth.saturating_add(1),
            ')' => {
                depth = depth.saturating_sub(1);
                return false;
            }
            _ => {}
        }
        depth == 0
    };
    text.chars().filter(outside).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_all_kinds() {
        for (text, shown) in [
            ("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)", "17-Jul-1996 02:23:25 -0700"),
            // RFC 5322 appendix A.6.2, A.6.3 and A.5.
            ("21 Nov 97 09:55:06 GMT", "21-Nov-1997 09:55:06 +0000"),
            ("Fri, 21 Nov 1997 09:55(comment):06 -0600", "21-Nov-1997 09:55:06 -0600"),
            (
                "Thu,\r\n\t13\r\n\tFeb\r\n\t1969\r\n\t23:32\r\n\t-0330 (Newfoundland Time)",
                "13-Feb-1969 23:32:00 -0330",
            ),
            ("1 Jan 2020 00:00:00", " 1-Jan-2020 00:00:00 +0000"),
            ("Mon, 1 January 2020 00:00:60 EST", " 1-Jan-2020 00:01:00 -0500"),
            ("Tue, 12 May 2015 16:17:18.5 +05:30", "12-May-2015 16:17:18 +0530"),
            ("17-Jul-1996 02:23:25 -0700", "17-Jul-1996 02:23:25 -0700"),
            ("Sat, 31 Feb 2015 10:00:00 +0000", ""),
            ("yesterday", ""),
            ("", ""),
            ("(((", ""),
            ("Wed, 17 Jul 1996 25:00:00 +0000", ""),
        ] {
            assert_eq!(read(text.as_bytes()).map(|t| t.to_string()).unwrap_or_default(), shown, "{text}");
        }
    }
}

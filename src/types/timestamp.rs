//! Dates and times in IMAP's format: `17-Jul-1996 02:44:25 -0700`, `1-Feb-1994`.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAY: i64 = 86_400;
/// The first and the last second with a four-digit year, in UTC.
const FIRST: i64 = -719_528 * DAY;
const LAST: i64 = 2_932_897 * DAY - 1;
/// `+9959`, the largest zone of four digits, in minutes.
const LARGEST_OFFSET: i16 = 99 * 60 + 59;

/// A moment, to the second, with a time zone (RFC 9051 section 9, `date-time`).
///
/// Ordered by the moment; the zone counts only between equal moments.
///
/// ```
/// use imap_duplex::types::Timestamp;
/// let t: Timestamp = "17-Jul-1996 02:44:25 -0700".parse().unwrap();
/// assert_eq!(t.seconds(), 837_596_665);
/// assert_eq!(t.offset_minutes(), -420);
/// assert_eq!(t.to_string(), "17-Jul-1996 02:44:25 -0700");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    /// The seconds since `EARLIEST`, then, in 16 bits, the offset raised by `OFFSET_ZERO`; never 0,
    /// so that an optional one takes 8 bytes too: a row of FETCH is smaller by that.
    packed: NonZeroU64,
}

/// Before every moment that can be expressed.
const EARLIEST: i64 = FIRST - 100 * 3600;
const OFFSET_BITS: u32 = 16;
const OFFSET_ZERO: i64 = 1 << (OFFSET_BITS - 1);

impl Timestamp {
    /// From a moment and an offset that `new` does not refuse.
    #[inline]
    fn pack(seconds: i64, offset: i16) -> Self {
        let packed = (seconds - EARLIEST) << OFFSET_BITS | (i64::from(offset) + OFFSET_ZERO);
        Self { packed: NonZeroU64::new(packed.cast_unsigned()).unwrap_or(NonZeroU64::MIN) }
    }

    /// The moment `seconds` after the beginning of 1970 (UTC), in a zone `offset_minutes` east of
    /// UTC. `None` outside the years 0 to 9999, or for a zone of 100 hours or more: IMAP can't
    /// express those.
    #[must_use]
    pub fn new(seconds: i64, offset_minutes: i16) -> Option<Self> {
        let local = seconds.checked_add(i64::from(offset_minutes) * 60)?;
        let fits = (FIRST..=LAST).contains(&local) && offset_minutes.abs() <= LARGEST_OFFSET;
        fits.then(|| Self::pack(seconds, offset_minutes))
    }

    /// Seconds since the beginning of 1970, UTC; negative before.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        (self.packed.get() >> OFFSET_BITS).cast_signed() + EARLIEST
    }

    /// The zone's offset east of UTC in minutes; negative to the west.
    #[must_use]
    pub const fn offset_minutes(self) -> i16 {
        let [.., high, low] = self.packed.get().to_be_bytes();
        // Without what it was raised by.
        i16::from_be_bytes([high ^ 0x80, low])
    }

    /// The day, in its zone.
    #[must_use]
    pub fn date(self) -> Date {
        Date::of_day(self.local().div_euclid(DAY))
    }

    /// Hour, minute and second, in its zone.
    #[must_use]
    pub fn time(self) -> (u8, u8, u8) {
        let second = self.local().rem_euclid(DAY);
        let small = |n: i64| u8::try_from(n).unwrap_or(0);
        (small(second / 3600), small(second / 60 % 60), small(second % 60))
    }

    fn local(self) -> i64 {
        self.seconds() + i64::from(self.offset_minutes()) * 60
    }

    /// Parses a `date-time` leniently: the day may have one digit, with or without a space before
    /// it; runs of spaces count as one; a missing zone is UTC.
    pub(crate) fn read(text: &[u8]) -> Option<Self> {
        let exact = text.try_into().ok().and_then(Self::read_exact);
        exact.or_else(|| Self::read_loosely(text))
    }

    /// Parses `17-Jul-1996 02:44:25 -0700`, as nearly all servers write it.
    pub(crate) fn read_exact(text: &[u8; 26]) -> Option<Self> {
        let [d1, d2, b'-', m1, m2, m3, b'-', y1, y2, y3, y4, b' ', clock @ ..] = text else { return None };
        let [h1, h2, b':', n1, n2, b':', s1, s2, b' ', sign, z1, z2, z3, z4] = clock else { return None };
        let mut all_digits = true;
        let mut two = |high: &u8, low: &u8| {
            let (high, low) = (high.wrapping_sub(b'0'), low.wrapping_sub(b'0'));
            all_digits &= high <= 9 && low <= 9;
            high.wrapping_mul(10).wrapping_add(low)
        };
        let month = match [m1, m2, m3] {
            [b'J', b'a', b'n'] => 1,
            [b'F', b'e', b'b'] => 2,
            [b'M', b'a', b'r'] => 3,
            [b'A', b'p', b'r'] => 4,
            [b'M', b'a', b'y'] => 5,
            [b'J', b'u', b'n'] => 6,
            [b'J', b'u', b'l'] => 7,
            [b'A', b'u', b'g'] => 8,
            [b'S', b'e', b'p'] => 9,
            [b'O', b'c', b't'] => 10,
            [b'N', b'o', b'v'] => 11,
            [b'D', b'e', b'c'] => 12,
            _ => return None,
        };
        let year = u16::from(two(y1, y2)) * 100 + u16::from(two(y3, y4));
        let day = two(if *d1 == b' ' { &b'0' } else { d1 }, d2);
        let (hour, minute, second) = (two(h1, h2), two(n1, n2), two(s1, s2));
        let (zone_hours, zone_minutes) = (two(z1, z2), two(z3, z4));
        // Rare (a leap second) or invalid values are left to the lenient parser.
        if !all_digits || hour > 23 || minute > 59 || second > 59 || zone_minutes > 59 {
            return None;
        }
        let date = Date::new(year, month, day)?;
        let offset = i16::from(zone_hours) * 60 + i16::from(zone_minutes);
        let offset = match sign {
            b'+' => offset,
            b'-' => -offset,
            _ => return None,
        };
        let clock = i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second);
        // A day of the years 0 to 9999 and a zone of four digits: `new` would not refuse it either.
        Some(Self::pack(date.day_number() * DAY + clock - i64::from(offset) * 60, offset))
    }

    fn read_loosely(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?;
        let mut words = text.split_ascii_whitespace();
        let date: Date = words.next()?.parse().ok()?;
        let mut clock = words.next()?.split(':').map(|n| digits(n, 2));
        let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
        let offset = words.next().map_or(Some(0), read_zone)?;
        // A leap second is written as 60; it counts as the following second.
        if hour > 23 || minute > 59 || second > 60 || clock.next().is_some() || words.next().is_some() {
            return None;
        }
        let local = date.day_number() * DAY + i64::from(hour * 3600 + minute * 60 + second);
        Self::new(local - i64::from(offset) * 60, offset)
    }
}

/// A number of one to `max` digits.
fn digits(text: &str, max: usize) -> Option<u32> {
    let fits = (1..=max).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if fits { text.parse().ok() } else { None }
}

/// `-0700` in minutes.
fn read_zone(zone: &str) -> Option<i16> {
    let (sign, rest) = match zone.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let number = i16::try_from(digits(rest, 4).filter(|_| rest.len() == 4)?).ok()?;
    (number % 100 < 60).then_some(sign * (number / 100 * 60 + number % 100))
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Timestamp({self})")
    }
}

impl fmt::Display for Timestamp {
    /// As on the wire, without the quotes: ` 7-Jul-1996 02:44:25 -0700`, a one-digit day after a
    /// space.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (date, (hour, minute, second)) = (self.date(), self.time());
        let offset = self.offset_minutes();
        let (sign, offset) = (if offset < 0 { '-' } else { '+' }, offset.abs());
        write!(
            f,
            "{:2}-{}-{:04} {hour:02}:{minute:02}:{second:02} {sign}{:02}{:02}",
            date.day,
            date.month_name(),
            date.year,
            offset / 60,
            offset % 60
        )
    }
}

/// A text is not a valid date, or date and time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no {what}")]
pub struct ParseTimeError {
    text: String,
    what: &'static str,
}

impl FromStr for Timestamp {
    type Err = ParseTimeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let what = "date and time such as 17-Jul-1996 02:44:25 -0700";
        Self::read(text.as_bytes()).ok_or_else(|| ParseTimeError { text: text.into(), what })
    }
}

impl From<SystemTime> for Timestamp {
    /// In UTC; a time outside the years 0 to 9999 becomes their first or last second.
    fn from(time: SystemTime) -> Self {
        let seconds = match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
            // Rounded down, as after 1970.
            Err(before) => {
                let before = before.duration();
                let whole = i64::try_from(before.as_secs()).unwrap_or(i64::MAX);
                whole.saturating_add(i64::from(before.subsec_nanos() > 0)).saturating_neg()
            }
        };
        Self::pack(seconds.clamp(FIRST, LAST), 0)
    }
}

impl From<Timestamp> for SystemTime {
    /// The zone is lost. A moment that the system can't represent becomes the beginning of 1970.
    fn from(time: Timestamp) -> Self {
        let distance = Duration::from_secs(time.seconds().unsigned_abs());
        let epoch = Self::UNIX_EPOCH;
        let moment =
            if time.seconds() < 0 { epoch.checked_sub(distance) } else { epoch.checked_add(distance) };
        moment.unwrap_or(epoch)
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Timestamp {
    /// In the format of RFC 3339, which programs can parse: `1996-07-17T02:44:25-07:00`.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (date, (hour, minute, second)) = (self.date(), self.time());
        let offset = self.offset_minutes();
        let (sign, offset) = (if offset < 0 { '-' } else { '+' }, offset.abs());
        serializer.collect_str(&format_args!(
            "{:04}-{:02}-{:02}T{hour:02}:{minute:02}:{second:02}{sign}{:02}:{:02}",
            date.year,
            date.month,
            date.day,
            offset / 60,
            offset % 60
        ))
    }
}

/// A day without a zone: the unit of SEARCH's dates (RFC 9051 section 9, `date`).
///
/// ```
/// use imap_duplex::types::Date;
/// assert_eq!(Date::new(1994, 2, 1).unwrap().to_string(), "1-Feb-1994");
/// assert_eq!(Date::new(1994, 2, 29), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

impl Date {
    /// The day of this year (0 to 9999), month and day of the month (from 1); `None` if there is no
    /// such day.
    #[must_use]
    pub fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        let last = match month {
            2 => 28 + u8::from(leap),
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return None,
        };
        (year <= 9999 && (1..=last).contains(&day)).then_some(Self { year, month, day })
    }

    /// The year, 0 to 9999.
    #[must_use]
    pub const fn year(self) -> u16 {
        self.year
    }

    /// The month, 1 to 12.
    #[must_use]
    pub const fn month(self) -> u8 {
        self.month
    }

    /// The day of the month, from 1.
    #[must_use]
    pub const fn day(self) -> u8 {
        self.day
    }

    fn month_name(self) -> &'static str {
        MONTHS.get(usize::from(self.month).wrapping_sub(1)).copied().unwrap_or("Jan")
    }

    /// Days since the beginning of 1970.
    fn day_number(self) -> i64 {
        // Years begin in March, so that the leap day is their last; 400 of them have 146,097 days.
        // Those 400 are added first, so that no number is negative.
        let (month, day) = (u32::from(self.month), u32::from(self.day));
        let year = u32::from(self.year) + 400 - u32::from(month <= 2);
        let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        i64::from(365 * year + year / 4 - year / 100 + year / 400 + of_year) - 146_097 - 719_468
    }

    /// The day with this number; one outside the years 0 to 9999 becomes the first day of 1970.
    fn of_day(number: i64) -> Self {
        let cycle = (number + 719_468).div_euclid(146_097);
        let day_of_cycle = (number + 719_468).rem_euclid(146_097);
        let year_of_cycle =
            (day_of_cycle - day_of_cycle / 1460 + day_of_cycle / 36_524 - day_of_cycle / 146_096) / 365;
        let of_year = day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
        let shifted = (5 * of_year + 2) / 153;
        let day = of_year - (153 * shifted + 2) / 5 + 1;
        let month = (shifted + 2) % 12 + 1;
        let year = year_of_cycle + cycle * 400 + i64::from(month <= 2);
        let fits = (u16::try_from(year), u8::try_from(month), u8::try_from(day));
        match fits {
            (Ok(year), Ok(month), Ok(day)) => Self::new(year, month, day),
            _ => None,
        }
        .unwrap_or(Self { year: 1970, month: 1, day: 1 })
    }
}

impl fmt::Display for Date {
    /// As on the wire: `1-Feb-1994`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{:04}", self.day, self.month_name(), self.year)
    }
}

impl FromStr for Date {
    type Err = ParseTimeError;

    /// Parses `1-Feb-1994`; case does not matter.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = || {
            let mut parts = text.split('-');
            let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?);
            let month = MONTHS.iter().position(|name| name.eq_ignore_ascii_case(month))? + 1;
            let year = digits(year, 4).filter(|_| year.len() == 4 && parts.next().is_none())?;
            Self::new(
                u16::try_from(year).ok()?,
                u8::try_from(month).ok()?,
                u8::try_from(digits(day, 2)?).ok()?,
            )
        };
        read().ok_or_else(|| ParseTimeError { text: text.into(), what: "date such as 1-Feb-1994" })
    }
}

impl From<SystemTime> for Date {
    /// The day in UTC.
    fn from(time: SystemTime) -> Self {
        Timestamp::from(time).date()
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Date {
    /// In the format of RFC 3339: `1994-02-01`.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:04}-{:02}-{:02}", self.year, self.month, self.day))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_and_written() {
        for text in [
            " 1-Jan-1970 00:00:00 +0000",
            "29-Feb-2000 23:59:59 +1400",
            "31-Dec-9999 23:59:59 -1200",
            " 1-Jan-0000 00:00:00 +0530",
            "17-Jul-1996 02:44:25 -0700",
        ] {
            let time: Timestamp = text.parse().unwrap();
            assert_eq!(time.to_string(), text);
        }
    }

    #[test]
    fn both_ways_of_reading_agree() {
        let (mut seconds, mut exact) = (-60_000_000_000i64, 0);
        while seconds < 250_000_000_000 {
            let offset = i16::try_from(seconds % 1440).unwrap();
            let text = Timestamp::new(seconds, offset).unwrap().to_string();
            assert_eq!(Timestamp::read_loosely(text.as_bytes()), Timestamp::new(seconds, offset));
            let read = Timestamp::read_exact(text.as_bytes().try_into().unwrap());
            assert_eq!(read, Timestamp::new(seconds, offset), "{text}");
            exact += 1;
            seconds += 987_654_321;
        }
        assert!(exact > 300);
        for text in ["17-Jul-1996 24:44:25 -0700", "17 Jul 1996 02:44:25 -0700", "31-Feb-1996 02:44:25 -0700"]
        {
            assert_eq!(Timestamp::read_exact(text.as_bytes().try_into().unwrap()), None);
        }
    }

    #[test]
    fn moments_are_read_leniently() {
        let usual: Timestamp = " 5-Nov-2020 14:19:28 +0000".parse().unwrap();
        for text in ["5-Nov-2020 14:19:28 +0000", "05-NOV-2020 14:19:28", " 5-nov-2020  14:19:28 -0000"] {
            assert_eq!(text.parse::<Timestamp>().unwrap(), usual, "{text:?}");
        }
        for text in
            ["", "5-Nov-2020", "31-Feb-2020 00:00:00 +0000", "5-Nov-2020 24:00:00 +0000", "5-Nov-20 1:1:1"]
        {
            assert!(text.parse::<Timestamp>().is_err(), "{text:?}");
        }
        assert!("5-Nov-2020 14:19:28 +0000 x".parse::<Timestamp>().is_err());
        assert!("5-Nov-2020 14:19:28 0000".parse::<Timestamp>().is_err());
    }

    #[test]
    fn every_day_is_itself_again() {
        for number in (FIRST / DAY..=LAST / DAY).step_by(13) {
            assert_eq!(Date::of_day(number).day_number(), number);
        }
        assert_eq!(Date::of_day(0), Date::new(1970, 1, 1).unwrap());
        assert_eq!(Date::of_day(FIRST / DAY), Date::new(0, 1, 1).unwrap());
        assert_eq!(Date::of_day(LAST / DAY), Date::new(9999, 12, 31).unwrap());
    }

    #[test]
    fn converts_to_system_time_and_back() {
        for seconds in [0, 837_596_665, -1, -86_401] {
            let time = Timestamp::new(seconds, 0).unwrap();
            assert_eq!(Timestamp::from(SystemTime::from(time)), time);
        }
        assert_eq!(Timestamp::new(LAST + 1, 0), None);
        assert_eq!(Timestamp::new(i64::MAX, 60), None);
        assert_eq!(Timestamp::new(0, i16::MIN + 1), None);
    }
}

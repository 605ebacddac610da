//! The smallest elements of the grammar: spaces, parentheses, words, numbers.

use crate::types::Limits;
use crate::wire::input::{Input, Parsed, fail};

/// One space or more.
pub(crate) fn space(i: Input<'_>) -> Parsed<'_, ()> {
    if i.peek() == Some(b' ') { Ok((spaces(i), ())) } else { fail(i, "a space") }
}

/// Any number of spaces.
#[inline]
pub(crate) fn spaces(mut i: Input<'_>) -> Input<'_> {
    while let [b' ', rest @ ..] = i.text {
        i.text = rest;
    }
    i
}

/// The gap between two values: spaces, or the parenthesis or literal that the second begins with.
#[inline]
pub(crate) fn gap(i: Input<'_>) -> Parsed<'_, ()> {
    match i.peek() {
        Some(b' ') => Ok((spaces(i), ())),
        Some(b'(' | b')' | b'{' | b'~') => Ok((i, ())),
        _ => fail(i, "a space"),
    }
}

/// The gap after a value of a list, and whether another value follows; if not, the list's `)` is
/// next.
#[inline(always)]
pub(crate) fn next(i: Input<'_>) -> Parsed<'_, bool> {
    // The usual case: one space and a value.
    if let [b' ', text @ ..] = i.text
        && let [first, ..] = text
        && !matches!(first, b' ' | b')')
    {
        return Ok((Input { text, ..i }, true));
    }
    if i.peek() == Some(b')') {
        return Ok((i, false));
    }
    next_other(i)
}

#[inline(never)]
fn next_other(i: Input<'_>) -> Parsed<'_, bool> {
    let (rest, ()) = gap(i)?;
    Ok((rest, rest.peek() != Some(b')')))
}

/// The given byte.
pub(crate) fn byte<'a>(i: Input<'a>, byte: u8, expected: &'static str) -> Parsed<'a, ()> {
    if i.peek() == Some(byte) { Ok((i.skip(1), ())) } else { fail(i, expected) }
}

/// `(`, and spaces after it.
pub(crate) fn open(i: Input<'_>) -> Parsed<'_, ()> {
    let (i, ()) = byte(i, b'(', "(")?;
    Ok((spaces(i), ()))
}

/// `)`, and spaces before it.
pub(crate) fn close(i: Input<'_>) -> Parsed<'_, ()> {
    byte(spaces(i), b')', ")")
}

/// The rest if a list's `)` is next, with or without spaces before it.
pub(crate) fn closed(i: Input<'_>) -> Option<Input<'_>> {
    match spaces(i) {
        Input { text: [b')', text @ ..], literals } => Some(Input { text, literals }),
        _ => None,
    }
}

/// The end of the response, with or without spaces before it.
pub(crate) fn end(i: Input<'_>) -> Parsed<'_, ()> {
    let i = spaces(i);
    if i.text.is_empty() { Ok((i, ())) } else { fail(i, "the end of the line") }
}

/// The bytes of names.
const NAME: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0u8;
    loop {
        table[byte as usize] =
            byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'/' | b':' | b'$');
        if byte == u8::MAX {
            break table;
        }
        byte += 1;
    }
};

/// The name of a response, an item or a code: letters, digits and `.-_/:$`, at least one.
pub(crate) fn name(i: Input<'_>) -> Parsed<'_, &[u8]> {
    let (rest, name) = i.run(|b| NAME[usize::from(b)]);
    if name.is_empty() { fail(i, "a name") } else { Ok((rest, name)) }
}

/// A word up to a space, a parenthesis or the end; at least one byte.
pub(crate) fn word(i: Input<'_>) -> Parsed<'_, &[u8]> {
    let (rest, word) = i.run(|b| !matches!(b, b' ' | b'(' | b')'));
    if word.is_empty() { fail(i, "a word") } else { Ok((rest, word)) }
}

/// The longest name that is looked up in a `match`.
const MAX_NAME_LEN: usize = 32;

/// A name in capitals.
pub(crate) enum Upper<'a> {
    /// The name as written, already in capitals.
    Same(&'a [u8]),
    Changed([u8; MAX_NAME_LEN], usize),
}

impl<'a> Upper<'a> {
    /// This name in capitals; empty if it is longer than any known one.
    #[inline]
    pub(crate) fn new(name: &'a [u8]) -> Self {
        if !name.iter().any(u8::is_ascii_lowercase) {
            return Self::Same(name);
        }
        let mut text = [0; MAX_NAME_LEN];
        let Some(place) = text.get_mut(..name.len()) else { return Self::Same(b"") };
        place.copy_from_slice(name);
        place.make_ascii_uppercase();
        Self::Changed(text, name.len())
    }

    #[inline]
    pub(crate) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Same(name) => name,
            Self::Changed(text, length) => text.get(..*length).unwrap_or_default(),
        }
    }
}

/// Whether this byte ends a word without quotes: a space, a control character, a parenthesis or a
/// quote. RFC 9051 section 9 has more specials, `]` among them, but servers write them all the
/// same; and an `astring` may contain `]`, so that `NIL]` is a word of four letters and not NIL.
#[inline]
pub(crate) fn ends_word(byte: u8) -> bool {
    matches!(byte, 0..=b' ' | b'(' | b')' | b'"' | 0x7f)
}

/// If the next value is NIL, the rest after it.
#[inline]
pub(crate) fn nil(i: Input<'_>) -> Option<Input<'_>> {
    let [b'N' | b'n', b'I' | b'i', b'L' | b'l', text @ ..] = i.text else { return None };
    text.first().is_none_or(|&b| ends_word(b)).then_some(Input { text, ..i })
}

/// A number of this many digits always fits 64 bits; a longer one is checked.
const MAX_DIGITS: usize = 19;

/// A number below 2^64.
#[inline]
pub(crate) fn number64(i: Input<'_>) -> Parsed<'_, u64> {
    let (mut value, mut length) = (0u64, 0);
    for byte in i.text.iter().take(MAX_DIGITS) {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        value = value * 10 + u64::from(digit);
        length += 1;
    }
    match length {
        0 => fail(i, "a number"),
        MAX_DIGITS => long_number(i),
        _ => Ok((i.skip(length), value)),
    }
}

#[cold]
fn long_number(i: Input<'_>) -> Parsed<'_, u64> {
    let (rest, digits) = i.run(|b| b.is_ascii_digit());
    if digits.len() > Limits::DIGITS {
        return fail(i, "a number within Limits::DIGITS");
    }
    let value = digits
        .iter()
        .try_fold(0u64, |value, digit| value.checked_mul(10)?.checked_add(u64::from(digit - b'0')));
    value.map_or_else(|| fail(i, "a number below 2^64"), |value| Ok((rest, value)))
}

/// A number below 2^32.
pub(crate) fn number(i: Input<'_>) -> Parsed<'_, u32> {
    let (rest, value) = number64(i)?;
    u32::try_from(value).map_or_else(|_| fail(i, "a number below 2^32"), |value| Ok((rest, value)))
}

/// The most digits of a count; beyond 64 bits it is unknown.
const MAX_COUNT_DIGITS: usize = 1000;

/// A count or a size, as servers write them: `-1` and `NIL` are unknown; a number in quotes, or
/// with a decimal point or exponent, is the nearest whole number. What is beyond 2^64 is unknown,
/// too.
pub(crate) fn count(i: Input<'_>) -> Parsed<'_, Option<u64>> {
    if let Ok((rest, value)) = number64(i)
        && !matches!(rest.peek(), Some(b'.' | b'e' | b'E'))
    {
        return Ok((rest, Some(value)));
    }
    if let Some(rest) = nil(i) {
        return Ok((rest, None));
    }
    let (rest, word) = word(i)?;
    let bare = word.strip_prefix(b"\"").and_then(|w| w.strip_suffix(b"\"")).unwrap_or(word);
    if bare.is_empty() && !word.is_empty() {
        return Ok((rest, None));
    }
    if bare.iter().all(u8::is_ascii_digit) {
        if bare.len() > MAX_COUNT_DIGITS {
            return fail(i, "a number within Limits::DIGITS");
        }
        return Ok((rest, number64(Input::new(bare, &[])).ok().map(|(_, value)| value)));
    }
    let is_number = bare.iter().all(|b| b.is_ascii_digit() || b"+-.eE".contains(b));
    if bare.len() > Limits::DIGITS + 5 {
        return fail(i, "a number within Limits::DIGITS");
    }
    match std::str::from_utf8(bare).ok().filter(|_| is_number).and_then(|text| text.parse::<f64>().ok()) {
        Some(value) => Ok((rest, whole(value))),
        None => fail(i, "a number"),
    }
}

/// The same below 2^32; unknown above.
pub(crate) fn small_count(i: Input<'_>) -> Parsed<'_, Option<u32>> {
    let (rest, value) = count(i)?;
    Ok((rest, value.and_then(|value| u32::try_from(value).ok())))
}

/// A float as a whole number, if it is not negative and exactly representable (below 2^53).
fn whole(value: f64) -> Option<u64> {
    let in_range = (0.0..9_007_199_254_740_992.0).contains(&value);
    // Checked above: neither negative, nor too large, nor NaN.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    in_range.then(|| value.round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on<'a, T>(text: &'a str, parser: impl Fn(Input<'a>) -> Parsed<'a, T>) -> Option<(T, &'a str)> {
        let (rest, value) = parser(Input::new(text.as_bytes(), &[])).ok()?;
        Some((value, std::str::from_utf8(rest.text).unwrap()))
    }

    #[test]
    fn numbers_stop_at_their_limit() {
        assert_eq!(on("4294967295 x", number), Some((u32::MAX, " x")));
        assert_eq!(on("4294967296", number), None);
        assert_eq!(on("18446744073709551615", number64), Some((u64::MAX, "")));
        assert_eq!(on("18446744073709551616", number64), None);
        assert_eq!(on("007", number), Some((7, "")));
        assert_eq!(on("00000000000000000007", number), Some((7, "")));
        assert_eq!(on("000000000000000000007", number), None, "of 21 digits");
        assert_eq!(on("x", number), None);
    }

    #[test]
    fn counts_are_read_as_servers_write_them() {
        assert_eq!(on("12)", count), Some((Some(12), ")")));
        assert_eq!(on("-1 ", count), Some((None, " ")));
        assert_eq!(on("NIL)", count), Some((None, ")")));
        assert_eq!(on("\"34\" ", count), Some((Some(34), " ")));
        assert_eq!(on("\"\" ", count), Some((None, " ")));
        assert_eq!(on("1.86931e+06 ", count), Some((Some(1_869_310), " ")));
        assert_eq!(on("1e400 ", count), Some((None, " ")));
        assert_eq!(on("18446744073709551616)", count), Some((None, ")")));
        assert_eq!(on("184467440737095516160000000)", count), Some((None, ")")));
        assert_eq!(on("\"18446744073709551615\" ", count), Some((Some(u64::MAX), " ")));
        assert_eq!(on("\"18446744073709551616\" ", count), Some((None, " ")));
        assert_eq!(on(&"1".repeat(MAX_COUNT_DIGITS + 1), count), None);
        assert_eq!(on("nan", count), None);
        assert_eq!(on("--", count), None);
        assert_eq!(on("", count), None);
    }

    #[test]
    fn nil_is_a_whole_word() {
        let rest = |text: &'static str| nil(Input::new(text.as_bytes(), &[])).map(|i| i.text.len());
        assert_eq!((rest("NIL"), rest("nil)"), rest("NIL\"")), (Some(0), Some(1), Some(1)));
        assert_eq!((rest("NILS"), rest("NI"), rest("NIL]")), (None, None, None));
    }
}

//! Lists of flags and of words.

use std::borrow::Cow;

use super::MOST_WORDS;
use super::string::quoted;
use super::token::{closed, nil, open, spaces};
use crate::types::{Flag, Flags};
use crate::wire::input::{Input, Parsed, fail};

/// `(\Seen $Forwarded)` (RFC 9051 section 9, `flag-list`).
pub(crate) fn flags(i: Input<'_>) -> Parsed<'_, Flags> {
    let mut all = Flags::new();
    let (rest, ()) = each(i, |name| {
        all.insert(Flag::new(&String::from_utf8_lossy(name)));
    })?;
    Ok((rest, all))
}

/// The same, as the server wrote them: the attributes of LIST.
pub(crate) fn attributes(i: Input<'_>) -> Parsed<'_, Vec<String>> {
    let mut all = Vec::new();
    let (rest, ()) = each(i, |name| all.push(String::from_utf8_lossy(name).into_owned()))?;
    Ok((rest, all))
}

fn each<'a>(i: Input<'a>, mut found: impl FnMut(&[u8])) -> Parsed<'a, ()> {
    if let Some(rest) = nil(i) {
        return Ok((rest, ()));
    }
    let (mut i, ()) = open(i)?;
    let mut count = 0;
    loop {
        if let Some(rest) = closed(i) {
            return Ok((rest, ()));
        }
        let (rest, name) = flag(i)?;
        if !matches!(&*name, b"" | b"\\") {
            found(&name);
        }
        count += 1;
        if count > MOST_WORDS {
            return fail(i, "fewer flags");
        }
        i = spaces(rest);
    }
}

/// One flag's name.
fn flag(i: Input<'_>) -> Parsed<'_, Cow<'_, [u8]>> {
    if i.peek() == Some(b'"') {
        return quoted(i).map(|(rest, name)| (rest, name.octets()));
    }
    let is_part = |b: u8| b > b' ' && !matches!(b, b'(' | b')' | b'"' | 0x7f);
    let (mut rest, name) = i.run(is_part);
    if name.is_empty() {
        return fail(i, "a flag");
    }
    // A bracket that opens in the flag and closes behind a space, on this side of the list's end.
    let opened = name.iter().rev().find(|b| matches!(b, b'[' | b']')) == Some(&b'[');
    let inside = |b: u8| b >= b' ' && !matches!(b, b'(' | b')' | b'"' | b'[' | b']');
    let (close, _) = rest.run(inside);
    if opened && close.peek() == Some(b']') {
        rest = close.run(is_part).0;
    }
    Ok((rest, Cow::Borrowed(i.until(rest))))
}

/// All words up to the end, whatever they are made of: `IMAP4rev1 LITERAL + IDLE`.
pub(crate) fn words<'a>(text: &'a [u8]) -> impl Iterator<Item = Cow<'a, str>> {
    text.split(|b| *b == b' ').filter(|w| !w.is_empty()).take(MOST_WORDS).map(String::from_utf8_lossy)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(String, usize)> {
        let (rest, flags) = flags(Input::new(text.as_bytes(), &[])).ok()?;
        Some((flags.to_string(), rest.text.len()))
    }

    #[test]
    fn usual_and_unusual_lists() {
        let cases = [
            ("()", "()"),
            ("(\\Seen \\FLAGGED)", "(\\Seen \\Flagged)"),
            ("( \\Answered \\* $Forwarded )", "(\\Answered \\* $Forwarded)"),
            ("(\\Seen \\ \\Deleted)", "(\\Seen \\Deleted)"),
            ("(OIB-Seen-[Some Mail]/All \\Seen)", "(\\Seen OIB-Seen-[Some Mail]/All)"),
            ("(a[b c)", "(a[b c)"),
            ("(\"$Junk\" {5})", "($Junk {5})"),
            ("NIL", "()"),
        ];
        for (text, flags) in cases {
            assert_eq!(read(text), Some((flags.to_owned(), 0)), "{text:?}");
        }
        for bad in ["(", "(\\Seen", "\\Seen)", "((a))"] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_list_without_end_is_refused() {
        let text = format!("({})", (0..=MOST_WORDS).map(|n| format!("k{n}")).collect::<Vec<_>>().join(" "));
        assert_eq!(read(&text), None);
    }
}

//! Strings: quoted, literal, or bare, and NIL.

use std::borrow::Cow;

use bytes::Bytes;

use super::token::{byte, closed, nil, open};
use crate::wire::LARGE_LITERAL;
use crate::wire::input::{Input, Parsed, fail};

/// A string as it stands in the frame.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Str<'a> {
    /// As it is.
    Plain(&'a [u8]),
    /// From quotes, with backslashes in it.
    Escaped(&'a [u8]),
    /// A large literal.
    Large(&'a Bytes),
}

impl<'a> Str<'a> {
    /// Its octets.
    pub(crate) fn octets(self) -> Cow<'a, [u8]> {
        match self {
            Self::Plain(text) => Cow::Borrowed(text),
            Self::Large(literal) => Cow::Borrowed(literal),
            Self::Escaped(text) => {
                let mut plain = Vec::with_capacity(text.len());
                let mut octets = text.iter().copied().peekable();
                while let Some(octet) = octets.next() {
                    let escaped = octets.next_if(|next| octet == b'\\' && matches!(next, b'"' | b'\\'));
                    plain.push(escaped.unwrap_or(octet));
                }
                Cow::Owned(plain)
            }
        }
    }

    /// Its octets, to keep: a large literal as it is, all else copied, so that nothing pins the frame.
    pub(crate) fn to_bytes(self) -> Bytes {
        match self {
            Self::Large(literal) => literal.clone(),
            _ => Bytes::from(self.octets().into_owned()),
        }
    }

    /// As text; what is not UTF-8 is shown as U+FFFD.
    pub(crate) fn to_text(self) -> String {
        String::from_utf8_lossy(&self.octets()).into_owned()
    }
}

/// `"…"` (RFC 9051 section 4.3).
pub(crate) fn quoted(i: Input<'_>) -> Parsed<'_, Str<'_>> {
    let (inside, ()) = byte(i, b'"', "\"")?;
    let (mut at, mut escaped) = (0, false);
    loop {
        let Some(found) = inside.text.get(at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) else {
            return fail(i, "a string with its closing quote");
        };
        at += found;
        let rest = inside.skip(at);
        if rest.peek() == Some(b'"') {
            let text = inside.until(rest);
            return Ok((rest.skip(1), if escaped { Str::Escaped(text) } else { Str::Plain(text) }));
        }
        escaped = true;
        at += 2;
    }
}

/// `{5}`, CRLF and five octets, or the next of the large literals (RFC 9051 section 4.3).
pub(crate) fn literal(i: Input<'_>) -> Parsed<'_, Str<'_>> {
    let start = if i.peek() == Some(b'~') { i.skip(1) } else { i };
    let (rest, ()) = byte(start, b'{', "a literal")?;
    let (rest, digits) = rest.run(|b| b.is_ascii_digit());
    let length = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse::<usize>().ok());
    let Some(length) = length else { return fail(i, "the length of a literal") };
    let rest = if rest.peek() == Some(b'+') { rest.skip(1) } else { rest };
    let (rest, ()) = byte(rest, b'}', "}")?;
    let rest = if rest.peek() == Some(b'\r') { rest.skip(1) } else { rest };
    let (rest, ()) = byte(rest, b'\n', "a line break behind {…}")?;
    if length >= LARGE_LITERAL {
        return match rest.literals.split_first() {
            Some((literal, literals)) => Ok((Input { literals, ..rest }, Str::Large(literal))),
            None => fail(i, "a literal's octets"),
        };
    }
    match rest.text.split_at_checked(length) {
        Some((octets, text)) => Ok((Input { text, ..rest }, Str::Plain(octets))),
        None => fail(i, "a literal's octets"),
    }
}

/// A string, quoted or literal.
pub(crate) fn string(i: Input<'_>) -> Parsed<'_, Str<'_>> {
    match i.peek() {
        Some(b'"') => quoted(i),
        Some(b'{' | b'~') => literal(i),
        _ => fail(i, "a string"),
    }
}

/// A string or NIL.
pub(crate) fn nstring(i: Input<'_>) -> Parsed<'_, Option<Str<'_>>> {
    match nil(i) {
        Some(rest) => Ok((rest, None)),
        None => string(i).map(|(rest, text)| (rest, Some(text))),
    }
}

/// A string or a bare word. It may have what an atom may not but for spaces, parentheses and quotes: a
/// server that means them ends the word there.
pub(crate) fn astring(i: Input<'_>) -> Parsed<'_, Str<'_>> {
    if let Ok(read) = string(i) {
        return Ok(read);
    }
    let (rest, word) = i.run(|b| b > b' ' && !b"()\"".contains(&b) && b != 0x7f);
    if word.is_empty() { fail(i, "a string") } else { Ok((rest, Str::Plain(word))) }
}

/// A string or NIL as servers write it: a bare word is a string, `()` is NIL.
pub(crate) fn loose(i: Input<'_>) -> Parsed<'_, Option<Str<'_>>> {
    match i.peek() {
        Some(b'"' | b'{' | b'~') => string(i).map(|(rest, text)| (rest, Some(text))),
        Some(b'(') => match open(i).ok().and_then(|(inside, ())| closed(inside)) {
            Some(rest) => Ok((rest, None)),
            None => fail(i, "a string"),
        },
        _ => match nil(i) {
            Some(rest) => Ok((rest, None)),
            None => astring(i).map(|(rest, text)| (rest, Some(text))),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<'a>(
        text: &'a [u8],
        parser: impl Fn(Input<'a>) -> Parsed<'a, Str<'a>>,
    ) -> Option<(String, usize)> {
        let (rest, value) = parser(Input::new(text, &[])).ok()?;
        Some((value.to_text(), rest.text.len()))
    }

    #[test]
    fn quotes_are_taken_off() {
        assert_eq!(read(br#""a b" c"#, quoted), Some(("a b".into(), 2)));
        assert_eq!(read(br#""" "#, quoted), Some((String::new(), 1)));
        assert_eq!(read(br#""a \"b\" \\ c:\d""#, quoted), Some((r#"a "b" \ c:\d"#.into(), 0)));
        assert_eq!(read(b"\"\xff\"", quoted), Some(("\u{fffd}".into(), 0)));
        for open in [&br#"""#[..], br#""a"#, br#""a\""#, br#""\"#] {
            assert_eq!(read(open, quoted), None);
        }
    }

    #[test]
    fn literals_are_counted() {
        assert_eq!(read(b"{3}\r\na\r\nb", literal), Some(("a\r\n".into(), 1)));
        assert_eq!(read(b"~{1+}\na)", literal), Some(("a".into(), 1)));
        assert_eq!(read(b"{0}\r\n)", literal), Some((String::new(), 1)));
        assert_eq!(read(b"{012}\r\n0123456789ab", literal), Some(("0123456789ab".into(), 0)));
        for bad in [
            &b"{3}\r\nab"[..],
            b"{}\r\n",
            b"{-1}\r\n",
            b"{99999999999999999999}\r\n",
            b"{3}ab",
            b"{5000}\r\n",
        ] {
            assert_eq!(read(bad, literal), None);
        }
    }

    #[test]
    fn a_large_literal_is_the_next_one_apart() {
        let large = [Bytes::from(vec![b'x'; 5000])];
        let (rest, text) = literal(Input::new(b"{5000}\r\n)", &large)).unwrap();
        assert_eq!((rest.text, rest.literals.len()), (&b")"[..], 0));
        assert_eq!(text.to_bytes().as_ptr(), large[0].as_ptr(), "kept, not copied");
    }

    #[test]
    fn loose_strings_are_read() {
        let read = |text: &'static str| {
            loose(Input::new(text.as_bytes(), &[])).ok().map(|(_, s)| s.map(Str::to_text))
        };
        assert_eq!(read("NIL "), Some(None));
        assert_eq!(read("( ) "), Some(None));
        assert_eq!(read("7BIT "), Some(Some("7BIT".into())));
        assert_eq!(read("\"NIL\" "), Some(Some("NIL".into())));
        assert_eq!(read("(\"a\")"), None);
    }
}

//! Strings: quoted, literal, or bare, and NIL.

use std::borrow::Cow;

use bytes::Bytes;

use super::token::{byte, closed, ends_word, nil, open};
use crate::types::text_arena::Writer;
use crate::wire::LARGE_LITERAL;
use crate::wire::input::{Input, Parsed, fail, too_much};

/// A string of the frame.
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
    /// The string's bytes.
    pub(crate) fn bytes(self) -> Cow<'a, [u8]> {
        match self {
            Self::Plain(text) => Cow::Borrowed(text),
            Self::Large(literal) => Cow::Borrowed(literal),
            Self::Escaped(text) => {
                let mut plain = Vec::with_capacity(text.len());
                unescaped(text).for_each(|piece| plain.extend_from_slice(piece));
                Cow::Owned(plain)
            }
        }
    }

    /// Packs the string without a copy in between.
    pub(crate) fn pack(self, out: &mut Writer) {
        let text = match self {
            Self::Plain(text) => return out.string(Some(text)),
            Self::Large(literal) => return out.string(Some(literal)),
            Self::Escaped(text) => text,
        };
        out.number(Some(unescaped(text).map(<[u8]>::len).sum::<usize>() as u64));
        unescaped(text).for_each(|piece| out.append(piece));
    }

    /// The string's bytes, to keep: a large literal is shared, all else copied, so that nothing
    /// keeps the frame alive.
    pub(crate) fn to_bytes(self) -> Bytes {
        match self {
            Self::Large(literal) => literal.clone(),
            _ => Bytes::from(self.bytes().into_owned()),
        }
    }

    /// As text; bytes that are not UTF-8 become U+FFFD.
    pub(crate) fn to_text(self) -> String {
        String::from_utf8_lossy(&self.bytes()).into_owned()
    }
}

/// The pieces of an escaped text, without the backslashes between them.
fn unescaped(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    // The rest, and how many of its first bytes begin no escape: the one after a backslash is
    // itself.
    let mut left = Some((text, 0));
    std::iter::from_fn(move || {
        let (text, escaped) = left.take()?;
        let mut pairs = text.windows(2).skip(escaped);
        let Some(at) = pairs.position(|pair| matches!(pair, [b'\\', b'"' | b'\\'])) else {
            return Some(text);
        };
        let (piece, rest) = text.split_at_checked(at + escaped)?;
        left = Some((rest.get(1..)?, 1));
        Some(piece)
    })
}

/// `"…"` (RFC 9051 section 4.3).
pub(crate) fn quoted(i: Input<'_>) -> Parsed<'_, Str<'_>> {
    let (inside, ()) = byte(i, b'"', "\"")?;
    let (mut at, mut escaped) = (0, false);
    loop {
        let rest = inside.text.get(at..).unwrap_or_default();
        let Some(found) = quote_or_backslash(rest) else {
            return fail(i, "a string with its closing quote");
        };
        at += found;
        if rest.get(found) == Some(&b'"') {
            let (text, behind) = inside.text.split_at_checked(at).unwrap_or_default();
            let text = if escaped { Str::Escaped(text) } else { Str::Plain(text) };
            return Ok((Input { text: behind.get(1..).unwrap_or_default(), ..inside }, text));
        }
        escaped = true;
        at += 2;
    }
}

/// The position of the first `"` or `\`. Looks at eight bytes at a time: most strings are short,
/// and a call to memchr would cost more than it saves.
#[inline]
fn quote_or_backslash(text: &[u8]) -> Option<usize> {
    let (chunks, tail) = text.as_chunks();
    for (n, chunk) in chunks.iter().enumerate() {
        if let Some(at) = quote_or_backslash_of(*chunk) {
            return Some(n * 8 + at);
        }
    }
    let at = tail.iter().position(|b| matches!(b, b'"' | b'\\'))?;
    Some(chunks.len() * 8 + at)
}

/// The same within eight bytes.
#[inline]
fn quote_or_backslash_of(bytes: [u8; 8]) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    // The highest bit of each byte that is 0. Bits above the lowest one set may be wrong, which
    // does not matter.
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;
    let word = u64::from_le_bytes(bytes);
    let found = zeros(word ^ (ONES * 0x22)) | zeros(word ^ (ONES * 0x5c));
    (found != 0).then(|| (found.trailing_zeros() / 8) as usize)
}

/// A quoted string without a backslash, as most are, if one is next.
#[inline]
pub(crate) fn plain(i: Input<'_>) -> Option<(Input<'_>, &[u8])> {
    let [b'"', inside @ ..] = i.text else { return None };
    let (text, behind) = inside.split_at_checked(quote_or_backslash(inside)?)?;
    let [b'"', rest @ ..] = behind else { return None };
    Some((Input { text: rest, ..i }, text))
}

/// Packs such a string and returns what follows it; packs nothing if the next value is something
/// else. It may refuse a string, which is then read in the general way.
#[inline]
pub(crate) fn pack_plain<'a>(text: &'a [u8], out: &mut Writer) -> Option<&'a [u8]> {
    let [b'"', inside @ ..] = text else { return None };
    let length = out.string_until(b'"', inside, quote_or_backslash_of)?;
    inside.get(length + 1..)
}

/// `{5}`, CRLF and five bytes, or the next large literal (RFC 9051 section 4.3) unless the large
/// literals exceed the bound of texts.
pub(crate) fn literal(i: Input<'_>) -> Parsed<'_, Str<'_>> {
    match any_literal(i)? {
        (_, Str::Large(_)) if i.has_data_alone() => too_much(i, "a text within Limits::line"),
        read => Ok(read),
    }
}

/// The same, however long it is: data of a message.
fn any_literal(i: Input<'_>) -> Parsed<'_, Str<'_>> {
    let start = if i.peek() == Some(b'~') { i.skip(1) } else { i };
    let (rest, ()) = byte(start, b'{', "a literal")?;
    let (rest, digits) = rest.run(|b| b.is_ascii_digit());
    let length = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse::<usize>().ok());
    let Some(length) = length else { return fail(i, "the length of a literal") };
    let rest = if rest.peek() == Some(b'+') { rest.skip(1) } else { rest };
    let (rest, ()) = byte(rest, b'}', "}")?;
    let rest = if rest.peek() == Some(b'\r') { rest.skip(1) } else { rest };
    let (rest, ()) = byte(rest, b'\n', "a line break after {…}")?;
    if length >= LARGE_LITERAL {
        return match rest.literals.split_first() {
            Some((literal, literals)) => Ok((Input { literals, ..rest }, Str::Large(literal))),
            None => fail(i, "a literal's bytes"),
        };
    }
    match rest.text.split_at_checked(length) {
        Some((bytes, text)) => Ok((Input { text, ..rest }, Str::Plain(bytes))),
        None => fail(i, "a literal's bytes"),
    }
}

/// Whether a string is next, well-formed or not. A tilde without a brace after it begins a word:
/// `~/Mail`.
pub(crate) fn begins_string(i: Input<'_>) -> bool {
    matches!(i.text, [b'"' | b'{', ..] | [b'~', b'{', ..])
}

/// A string, quoted or literal.
pub(crate) fn string(i: Input<'_>) -> Parsed<'_, Str<'_>> {
    match i.peek() {
        Some(b'"') => quoted(i),
        Some(b'{' | b'~') => literal(i),
        _ => fail(i, "a string"),
    }
}

/// A string that is data of a message, which may be as long as a response.
pub(crate) fn data(i: Input<'_>) -> Parsed<'_, Str<'_>> {
    if matches!(i.peek(), Some(b'{' | b'~')) { any_literal(i) } else { string(i) }
}

/// Such a string or NIL as servers write it.
pub(crate) fn loose_data(i: Input<'_>) -> Parsed<'_, Option<Str<'_>>> {
    if begins_string(i) { data(i).map(|(rest, text)| (rest, Some(text))) } else { loose(i) }
}

/// A string or NIL.
pub(crate) fn nstring(i: Input<'_>) -> Parsed<'_, Option<Str<'_>>> {
    match nil(i) {
        Some(rest) => Ok((rest, None)),
        None => string(i).map(|(rest, text)| (rest, Some(text))),
    }
}

/// A string or a bare word. The word may contain what an atom may not, except for spaces,
/// parentheses, quotes and control characters, which end it.
pub(crate) fn astring(i: Input<'_>) -> Parsed<'_, Str<'_>> {
    if let read @ (Ok(_) | Err(nom::Err::Failure(_))) = string(i) {
        return read;
    }
    let (rest, word) = i.run(|b| !ends_word(b));
    if word.is_empty() { fail(i, "a string") } else { Ok((rest, Str::Plain(word))) }
}

/// A string or NIL as servers write them: a bare word is a string, `()` is NIL.
pub(crate) fn loose(i: Input<'_>) -> Parsed<'_, Option<Str<'_>>> {
    match i.peek() {
        _ if begins_string(i) => string(i).map(|(rest, text)| (rest, Some(text))),
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
    fn quotes_are_removed() {
        assert_eq!(read(br#""a b" c"#, quoted), Some(("a b".into(), 2)));
        assert_eq!(read(br#""" "#, quoted), Some((String::new(), 1)));
        assert_eq!(read(br#""a \"b\" \\ c:\d""#, quoted), Some((r#"a "b" \ c:\d"#.into(), 0)));
        assert_eq!(read(b"\"\xff\"", quoted), Some(("\u{fffd}".into(), 0)));
        for open in [&br#"""#[..], br#""a"#, br#""a\""#, br#""\"#] {
            assert_eq!(read(open, quoted), None);
        }
    }

    #[test]
    fn quotes_are_found_at_any_place() {
        for length in 0..40 {
            for byte in [b'a', 0, 0x21, 0x23, 0x5b, 0x5d, 0x80, 0xa2, 0xdc, 0xff] {
                let mut text = vec![byte; length];
                assert_eq!(quote_or_backslash(&text), None);
                for at in 0..length {
                    for found in *b"\"\\" {
                        text[at] = found;
                        assert_eq!(quote_or_backslash(&text), Some(at));
                        text[length - 1] = b'"';
                        assert_eq!(quote_or_backslash(&text), Some(at));
                        text.fill(byte);
                    }
                }
            }
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
        assert_eq!(read("~/a "), Some(Some("~/a".into())));
        assert_eq!(read("~{1}\r\na "), Some(Some("a".into())));
        assert_eq!(read("~{9}\r\na "), None);
        assert_eq!(read("(\"a\")"), None);
    }
}

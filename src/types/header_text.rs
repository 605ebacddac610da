//! Header text as people read it: RFC 2047 words (`=?utf-8?q?caf=C3=A9?=`) decoded.
//!
//! In: the bytes of a field. Out: a [`HeaderText`], the text and the charsets that are unknown.
//! Words in an unknown charset stay in the text in their encoded form, so that they can't be
//! mistaken for decoded text.
//!
//! Common deviations from the RFC are accepted: words without spaces around them, spaces within a
//! word, a character cut in two by the end of a word, base64 without its padding or with several
//! pieces in one word, words in quotes, folded lines.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use encoding_rs::{Encoding, REPLACEMENT, UTF_8};

use super::text_arena::lossy;

/// Lenient: mail programs omit the padding, or cut a word in the middle of it.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The text of a header field, its RFC 2047 words decoded.
///
/// ```
/// use imap_duplex::types::HeaderText;
/// let text = HeaderText::decode(b"=?utf-8?q?caf=C3=A9?= =?x-klingon?q?Qapla'?=");
/// assert_eq!(text.as_str(), "café=?x-klingon?q?Qapla'?=");
/// assert_eq!(text.unknown_charsets().collect::<Vec<_>>(), ["x-klingon"]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderText<'a> {
    text: Cow<'a, str>,
    unknown: Vec<String>,
}

impl<'a> HeaderText<'a> {
    /// Decodes these bytes. Outside of words, bytes that are not UTF-8 become U+FFFD; so do those
    /// of a word that are invalid in its charset.
    #[must_use]
    pub fn decode(raw: &'a [u8]) -> Self {
        if memchr::memmem::find(raw, b"=?").is_none() && memchr::memchr2(b'\r', b'\n', raw).is_none() {
            return Self { text: lossy(raw), unknown: Vec::new() };
        }
        let raw = unfolded(raw);
        let mut decoder = Decoder::default();
        decoder.all(&raw);
        Self { text: Cow::Owned(decoder.text), unknown: decoder.unknown }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The text, by value.
    #[must_use]
    pub fn into_text(self) -> Cow<'a, str> {
        self.text
    }

    /// The charsets of the words left undecoded, as written; each once. Usually none.
    pub fn unknown_charsets(&self) -> impl Iterator<Item = &str> {
        self.unknown.iter().map(String::as_str)
    }
}

impl fmt::Display for HeaderText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Removes the line breaks of folding (RFC 5322 section 2.2.3).
fn unfolded(raw: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr2(b'\r', b'\n', raw).is_none() {
        return Cow::Borrowed(raw);
    }
    Cow::Owned(raw.iter().copied().filter(|b| !matches!(b, b'\r' | b'\n')).collect())
}

/// One encoded word.
struct Word<'a> {
    charset: &'a [u8],
    is_base64: bool,
    text: &'a [u8],
    /// The whole word.
    whole: &'a [u8],
}

/// The encoded word that begins here, if any: `=?charset*language?encoding?text?=` (RFC 2047
/// section 2, RFC 2231 section 5).
fn word<'a>(all: &'a [u8], at: usize, ends: &mut Ends) -> Option<Word<'a>> {
    let raw = all.get(at..)?;
    let inside = raw.strip_prefix(b"=?")?;
    let end = inside.iter().position(|&b| b == b'?' || b <= b' ')?;
    let (charset, rest) = inside.split_at_checked(end)?;
    let [b'?', encoding, b'?', rest @ ..] = rest else { return None };
    let is_base64 = match encoding {
        b'b' | b'B' => true,
        b'q' | b'Q' => false,
        _ => return None,
    };
    let length = ends.next(all, all.len() - rest.len())?;
    let text = rest.get(..length)?;
    let whole = raw.get(..raw.len() - rest.len() + length + 2)?;
    let charset = charset.split(|&b| b == b'*').next().unwrap_or_default();
    (!charset.is_empty()).then_some(Word { charset, is_base64, text, whole })
}

/// The ends of words. Many beginnings may share one end, or have none; each is searched for once.
#[derive(Default)]
struct Ends {
    /// Where the last search began, and the position that it found.
    found: Option<(usize, Option<usize>)>,
}

impl Ends {
    /// The distance to the next `?=` from here on.
    fn next(&mut self, all: &[u8], from: usize) -> Option<usize> {
        let known = self
            .found
            .filter(|(searched_from, end)| *searched_from <= from && end.is_none_or(|end| from <= end));
        let (_, end) = match known {
            Some(known) => known,
            None => {
                let length = memchr::memmem::find(all.get(from..)?, b"?=");
                *self.found.insert((from, length.map(|length| from + length)))
            }
        };
        Some(end? - from)
    }
}

/// The bytes of a word's text; `None` if it is not base64.
fn bytes(word: &Word<'_>) -> Option<Vec<u8>> {
    if !word.is_base64 {
        return Some(quoted(word.text));
    }
    let compact: Vec<u8> = word.text.iter().copied().filter(|b| !b.is_ascii_whitespace()).collect();
    if let Ok(bytes) = BASE64.decode(&compact) {
        return Some(bytes);
    }
    // Several pieces of base64 in a row, each with its padding.
    let mut all = Vec::new();
    for piece in compact.split(|&b| b == b'=').filter(|piece| !piece.is_empty()) {
        all.extend(BASE64.decode(piece).ok()?);
    }
    Some(all)
}

/// The Q encoding (RFC 2047 section 4.2): `_` is a space, `=E9` a byte.
fn quoted(text: &[u8]) -> Vec<u8> {
    let spaced: Vec<u8> = text.iter().map(|&b| if b == b'_' { b' ' } else { b }).collect();
    unescaped(&spaced, b'=')
}

/// Replaces `sign` and two hexadecimal digits by their byte. A sign without two digits stands for
/// itself.
fn unescaped(text: &[u8], sign: u8) -> Vec<u8> {
    let digit = |b: &u8| char::from(*b).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, behind)) = rest.split_first() {
        rest = behind;
        let mut byte = first;
        if first == sign
            && let [high, low, behind @ ..] = behind
            && let (Some(high), Some(low)) = (digit(high), digit(low))
        {
            byte = high << 4 | low;
            rest = behind;
        }
        bytes.push(byte);
    }
    bytes
}

/// The charset with this name; `None` if it is unknown.
pub(crate) fn charset(name: &[u8]) -> Option<&'static Encoding> {
    // Names that are missing from the WHATWG's list, which encoding_rs follows.
    let alias: &[u8] = match name.to_ascii_lowercase().as_slice() {
        b"cp932" => b"shift_jis",
        b"cp936" | b"ms936" => b"gbk",
        b"cp949" | b"ms949" => b"euc-kr",
        b"cp950" | b"ms950" => b"big5",
        b"iso-8859-1-windows-3.1-latin-1" => b"windows-1252",
        _ => name,
    };
    // The WHATWG's "replacement" marks charsets that browsers must not decode.
    Encoding::for_label(alias).filter(|found| *found != REPLACEMENT)
}

#[derive(Default)]
struct Decoder<'a> {
    text: String,
    unknown: Vec<String>,
    /// The same as a set, for looking them up.
    known_unknown: HashSet<&'a [u8]>,
    /// Bytes of words in this charset that are not yet decoded: a character may continue in the
    /// next word.
    waiting: Vec<u8>,
    charset: Option<&'static Encoding>,
}

impl<'a> Decoder<'a> {
    fn all(&mut self, raw: &'a [u8]) {
        let mut ends = Ends::default();
        // `rest` begins at `at`; from `plain` to `at` there is no word.
        let (mut plain, mut at) = (0, 0);
        let mut after_word = false;
        while let Some(found) = raw.get(at..).and_then(|rest| memchr::memmem::find(rest, b"=?")) {
            at += found;
            let Some(word) = word(raw, at, &mut ends) else {
                at += 2;
                continue;
            };
            let between = raw.get(plain..at).unwrap_or_default();
            // RFC 2047 section 6.2: spaces between words are not displayed.
            if !after_word || !between.iter().all(|b| matches!(b, b' ' | b'\t')) {
                self.plain(between);
            }
            at += word.whole.len();
            plain = at;
            after_word = true;
            self.word(&word);
        }
        self.plain(raw.get(plain..).unwrap_or_default());
    }

    fn plain(&mut self, text: &[u8]) {
        self.flush();
        self.text.push_str(&lossy(text));
    }

    fn word(&mut self, word: &Word<'a>) {
        let known = charset(word.charset);
        if known.is_none() && self.known_unknown.insert(word.charset) {
            self.unknown.push(lossy(word.charset).into_owned());
        }
        match known.zip(bytes(word)) {
            Some((charset, bytes)) => {
                if self.charset != Some(charset) {
                    self.flush();
                    self.charset = Some(charset);
                }
                self.waiting.extend(bytes);
            }
            None => self.plain(word.whole),
        }
    }

    fn flush(&mut self) {
        if let Some(charset) = self.charset.take() {
            let (text, _) = charset.decode_without_bom_handling(&self.waiting);
            self.text.push_str(&text);
            self.waiting.clear();
        }
    }
}

/// A parameter's value, from the pieces of RFC 2231, or from RFC 2047 words as some programs write
/// them: see [`BodyPart::file_name`](super::BodyPart::file_name). `params` are name and value;
/// `name` is in lower case.
pub(super) fn parameter<'a>(
    params: impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)>,
    name: &str,
) -> Option<String> {
    let mut plain = None;
    // Index and value of each piece, and whether it is percent-encoded.
    let mut pieces: Vec<(u32, bool, Cow<'a, str>)> = Vec::new();
    for (key, value) in params {
        let lower = key.to_ascii_lowercase();
        let Some(rest) = lower.strip_prefix(name) else { continue };
        if rest.is_empty() {
            plain = plain.or(Some(value));
        } else if let Some(rest) = rest.strip_prefix('*') {
            let (number, encoded) = match rest.strip_suffix('*') {
                Some(number) => (number, true),
                None => (rest, rest.is_empty()),
            };
            let number = if number.is_empty() { Some(0) } else { number.parse().ok() };
            pieces.extend(number.map(|number| (number, encoded, value)));
        }
    }
    if pieces.is_empty() {
        return plain.map(|value| HeaderText::decode(value.as_bytes()).into_text().into_owned());
    }
    pieces.sort_by_key(|(number, ..)| *number);
    Some(joined(&pieces))
}

/// Joins the pieces of `utf-8'en'caf%C3%A9` (RFC 2231 sections 3 and 4).
fn joined(pieces: &[(u32, bool, Cow<'_, str>)]) -> String {
    let (mut bytes, mut encoding) = (Vec::new(), UTF_8);
    for (i, (_, encoded, value)) in pieces.iter().enumerate() {
        let mut value = &**value;
        if i == 0
            && *encoded
            && let Some((name, rest)) = value.split_once('\'')
            && let Some((_, rest)) = rest.split_once('\'')
        {
            encoding = charset(name.as_bytes()).unwrap_or(UTF_8);
            value = rest;
        }
        if *encoded {
            bytes.extend(unescaped(value.as_bytes(), b'%'));
        } else {
            bytes.extend_from_slice(value.as_bytes());
        }
    }
    encoding.decode_without_bom_handling(&bytes).0.into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(raw: &str) -> String {
        HeaderText::decode(raw.as_bytes()).into_text().into_owned()
    }

    /// RFC 2047 section 8.
    #[test]
    fn examples_of_the_rfc() {
        for (raw, text) in [
            ("=?ISO-8859-1?Q?a?=", "a"),
            ("=?ISO-8859-1?Q?a?= b", "a b"),
            ("=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=", "ab"),
            ("=?ISO-8859-1?Q?a?=  \r\n  =?ISO-8859-1?Q?b?=", "ab"),
            ("=?ISO-8859-1?Q?a_b?=", "a b"),
            ("=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=", "a b"),
            ("=?US-ASCII?Q?Keith_Moore?=", "Keith Moore"),
            ("=?ISO-8859-1?Q?Keld_J=F8rn_Simonsen?=", "Keld Jørn Simonsen"),
            ("=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=", "If you can read this yo"),
            ("=?iso-8859-8?b?7eXs+SDv4SDp7Oj08A==?=", "םולש ןב ילטפנ"),
        ] {
            assert_eq!(decode(raw), text, "{raw}");
        }
    }

    #[test]
    fn what_is_no_word_is_text() {
        for text in
            ["", "plain", "a =? b", "=?utf-8?x?a?=", "=?utf-8?q?a", "=??q?a?=", "1 =?= 2", "=?a b?q?c?=", "é"]
        {
            assert_eq!(decode(text), text);
        }
        assert_eq!(HeaderText::decode(b"a\xff").as_str(), "a\u{fffd}");
        assert!(matches!(HeaderText::decode(b"plain").into_text(), Cow::Borrowed(_)));
    }

    #[test]
    fn what_mail_programs_do() {
        for (raw, text) in [
            ("Re:=?utf-8?q?caf=C3=A9?=!", "Re:café!"),
            ("=?utf-8?Q?a b?=", "a b"),
            // A character cut in two.
            ("=?utf-8?b?w6nD?= =?utf-8?b?qQ==?=", "éé"),
            ("=?UTF-8?B?w6k?=", "é"),
            ("=?UTF-8?B?w6k=w6k=?=", "éé"),
            ("=?utf-8*en?q?a=zz=?=", "a=zz="),
            ("\"=?utf-8?q?=22?=\"", "\"\"\""),
            ("=?iso-2022-jp?b?GyRCRnxLXBsoQg==?=", "日本"),
            ("=?gb2312?b?1tC5+g==?=", "中国"),
            ("=?cp949?q?=C7=D1?=", "한"),
            ("a\r\n b", "a b"),
        ] {
            assert_eq!(decode(raw), text, "{raw}");
        }
        // Invalid base64 stays as written.
        assert_eq!(decode("=?utf-8?b?a$$$?= x"), "=?utf-8?b?a$$$?= x");
    }

    #[test]
    fn unknown_charsets_are_listed() {
        let text = HeaderText::decode(b"=?x-one?q?a?= =?utf-8?q?b?= =?x-one?q?c?= =?hz-gb-2312?q?d?=");
        assert_eq!(text.to_string(), "=?x-one?q?a?=b=?x-one?q?c?==?hz-gb-2312?q?d?=");
        assert_eq!(text.unknown_charsets().collect::<Vec<_>>(), ["x-one", "hz-gb-2312"]);
        assert_eq!(HeaderText::decode(b"=?utf-8?q?b?=").unknown_charsets().count(), 0);
    }

    #[test]
    fn parameters_in_pieces() {
        let get = |params: &[(&'static str, &'static str)]| {
            let params = params.iter().map(|(a, b)| (Cow::Borrowed(*a), Cow::Borrowed(*b)));
            parameter(params, "filename")
        };
        assert_eq!(get(&[("FileName", "a.txt")]).as_deref(), Some("a.txt"));
        assert_eq!(get(&[("filename", "=?utf-8?q?caf=C3=A9?=")]).as_deref(), Some("café"));
        assert_eq!(get(&[("filename*", "utf-8'en'caf%C3%A9_=3D")]).as_deref(), Some("café_=3D"));
        let pieces = [
            ("filename*1", "b"),
            ("filename*0*", "iso-8859-1''%E9"),
            ("filename*2*", "%E8"),
            ("filename", "x"),
        ];
        assert_eq!(get(&pieces).as_deref(), Some("ébè"));
        assert_eq!(get(&[("filename2", "x"), ("name", "y")]), None);
    }

    /// No input makes it panic, or write much more than it read.
    #[test]
    fn any_bytes() {
        let pieces: [&[u8]; 14] = [
            b"=?",
            b"?=",
            b"?",
            b"q",
            b"b",
            b"utf-8",
            b"=",
            b"=E9",
            b" ",
            b"\r\n",
            b"\xff",
            b"_",
            b"YQ",
            b"iso-2022-jp",
        ];
        let mut state = 5u64;
        for _ in 0..30_000 {
            let mut raw = Vec::new();
            for _ in 0..state % 12 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                raw.extend_from_slice(pieces[usize::try_from(state >> 33).unwrap() % pieces.len()]);
            }
            assert!(HeaderText::decode(&raw).as_str().len() <= raw.len() * 3);
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        }
    }
}

//! Bytes to characters, by the charset that a message names, or by the one that it most likely
//! meant.
//!
//! In: bytes, a charset's name if there is one. Out: a string, and the charset.

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

use crate::types::charset;

/// How far into HTML a charset is looked for, as browsers do.
const HEAD: usize = 1024;

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Decoded {
    pub(super) text: String,
    pub(super) charset: &'static str,
    pub(super) is_damaged: bool,
}

/// Decodes a text; one that is cut may end within a character.
///
/// What is named is believed, US-ASCII aside, which is named for whatever a program had. Without a
/// name, or with an unknown one, it is UTF-8 if it can be, else windows-1252, which everything can
/// be.
pub(super) fn decode(bytes: &[u8], declared: Option<&str>, is_html: bool, is_cut: bool) -> Decoded {
    let declared = declared.map(|name| name.trim().trim_matches(['"', '\'']));
    if declared.is_some_and(|name| is_utf7(name) && !name.is_empty()) {
        return utf7(bytes);
    }
    let named = declared.filter(|name| !is_ascii(name)).and_then(|name| charset(name.as_bytes()));
    let named = named.or_else(|| if is_html { in_html(bytes) } else { None });
    let encoding = named.unwrap_or_else(|| if is_utf8(bytes, is_cut) { UTF_8 } else { WINDOWS_1252 });
    let (encoding, start) = Encoding::for_bom(bytes).unwrap_or((encoding, 0));
    let bytes = bytes.get(start..).unwrap_or_default();
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let mut text = String::with_capacity(decoder.max_utf8_buffer_length(bytes.len()).unwrap_or(bytes.len()));
    let (_, _, is_damaged) = decoder.decode_to_string(bytes, &mut text, !is_cut);
    text.shrink_to_fit();
    Decoded { text, charset: encoding.name(), is_damaged }
}

/// The names of US-ASCII; the WHATWG takes them for windows-1252.
fn is_ascii(name: &str) -> bool {
    let names =
        ["us-ascii", "ascii", "ansi_x3.4-1968", "iso-ir-6", "us", "ibm367", "cp367", "csascii", "646"];
    names.iter().any(|ascii| name.eq_ignore_ascii_case(ascii))
}

fn is_utf7(name: &str) -> bool {
    ["utf-7", "utf7", "unicode-1-1-utf-7", "x-unicode-2-0-utf-7"]
        .iter()
        .any(|utf7| name.eq_ignore_ascii_case(utf7))
}

/// UTF-7 (RFC 2152), which no browser knows any more, and old mail has.
fn utf7(bytes: &[u8]) -> Decoded {
    let text = mail_parser::decoders::charsets::map::charset_decoder(b"utf-7")
        .map_or_else(|| String::from_utf8_lossy(bytes).into_owned(), |decoder| decoder(bytes));
    let is_damaged = text.contains('\u{fffd}');
    Decoded { text, charset: "UTF-7", is_damaged }
}

/// Whether these bytes are UTF-8, up to a character that is cut.
fn is_utf8(bytes: &[u8], is_cut: bool) -> bool {
    match std::str::from_utf8(bytes) {
        Ok(_) => true,
        Err(error) => is_cut && error.error_len().is_none(),
    }
}

/// The charset that HTML names itself: `<meta charset="…">`, or `content="text/html; charset=…"`.
fn in_html(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = bytes.get(..bytes.len().min(HEAD))?.to_ascii_lowercase();
    let mut rest = head.as_slice();
    while let Some(at) = memchr::memmem::find(rest, b"<meta") {
        rest = rest.get(at + 5..)?;
        let end = rest.iter().position(|b| *b == b'>').unwrap_or(rest.len());
        let tag = rest.get(..end)?;
        let Some(at) = memchr::memmem::find(tag, b"charset") else { continue };
        let value =
            tag.get(at + 7..)?.trim_ascii_start().strip_prefix(b"=").unwrap_or_default().trim_ascii_start();
        let value = value.strip_prefix(b"\"").or_else(|| value.strip_prefix(b"'")).unwrap_or(value);
        let ends = |b: &u8| matches!(b, b'"' | b'\'' | b';' | b'/' | b' ' | b'\t' | b'\r' | b'\n');
        let end = value.iter().position(ends).unwrap_or(value.len());
        // A page that can say so in ASCII is in no form of UTF-16.
        return charset(value.get(..end)?)
            .map(|found| if found.is_ascii_compatible() { found } else { UTF_8 });
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(bytes: &[u8], declared: &str) -> (String, &'static str, bool) {
        let Decoded { text, charset, is_damaged } =
            decode(bytes, Some(declared).filter(|name| !name.is_empty()), false, false);
        (text, charset, is_damaged)
    }

    #[test]
    fn what_is_named_is_believed() {
        for (bytes, name, text, charset) in [
            ("café".as_bytes(), "utf-8", "café", "UTF-8"),
            (b"caf\xe9", "ISO-8859-1", "café", "windows-1252"),
            (b"caf\xe9 \x80", "\"windows-1252\"", "café €", "windows-1252"),
            (b"\x1b$BF|K\\\x1b(B", "iso-2022-jp", "日本", "ISO-2022-JP"),
            (b"\xd6\xd0\xb9\xfa", "gb2312", "中国", "GBK"),
            (b"\xc7\xd1", "cp949", "한", "EUC-KR"),
            (b"\xd0\xd2", " koi8-r ", "пр", "KOI8-R"),
            // What is named wrongly is wrong: nothing is guessed.
            ("é".as_bytes(), "iso-8859-1", "Ã©", "windows-1252"),
        ] {
            assert_eq!(decoded(bytes, name), (text.to_owned(), charset, false), "{name}");
        }
        assert_eq!(decoded(b"Hi +Jjo--!", "utf-7"), ("Hi \u{263a}-!".to_owned(), "UTF-7", false));
    }

    #[test]
    fn without_a_name_it_is_utf8_if_it_can_be() {
        for name in ["", "us-ascii", "x-unknown", "ANSI_X3.4-1968"] {
            assert_eq!(decoded("naïve €".as_bytes(), name), ("naïve €".to_owned(), "UTF-8", false), "{name}");
            assert_eq!(decoded(b"na\xefve", name), ("naïve".to_owned(), "windows-1252", false), "{name}");
        }
        assert_eq!(
            decoded(b"\xef\xbb\xbfx", "us-ascii"),
            ("x".to_owned(), "UTF-8", false),
            "a mark of order"
        );
        assert_eq!(decoded(b"\xff\xfeh\0i\0", "utf-16"), ("hi".to_owned(), "UTF-16LE", false));
        assert_eq!(decoded(b"a\xffb", "utf-8"), ("a\u{fffd}b".to_owned(), "UTF-8", true));
    }

    #[test]
    fn a_text_that_is_cut_ends_at_a_whole_character() {
        let cut = decode(&"aé".as_bytes()[..2], None, false, true);
        assert_eq!((cut.text.as_str(), cut.charset, cut.is_damaged), ("a", "UTF-8", false));
    }

    #[test]
    fn html_names_its_own_charset() {
        for head in [
            "<html><META CHARSET=koi8-r>",
            "<meta name=x><meta http-equiv=\"Content-Type\" content=\"text/html; charset=koi8-r\">",
            "<meta charset = 'KOI8-R' />",
        ] {
            let html = [head.as_bytes(), b"\xd0"].concat();
            let found = decode(&html, None, true, false);
            assert_eq!((found.charset, found.text.ends_with('п')), ("KOI8-R", true), "{head}");
            assert_eq!(decode(&html, Some("windows-1251"), true, false).charset, "windows-1251");
        }
        assert_eq!(decode(b"<meta charset=utf-16>\xc3\xa9", None, true, false).charset, "UTF-8");
        assert_eq!(decode(b"<meta charset", None, true, false).charset, "UTF-8");
    }
}

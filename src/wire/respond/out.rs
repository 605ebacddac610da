//! The elements of responses: words, numbers, strings, lists (RFC 9051 section 9).

use crate::types::{Flags, MailboxName};

/// The form of strings where the grammar leaves a choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strings {
    /// In quotes, where possible.
    Quoted,
    /// Always as literals.
    Literal,
    /// In quotes, including UTF-8, and mailbox names in UTF-8: for a client that has enabled
    /// UTF8=ACCEPT or IMAP4rev2 (RFC 6855 section 3, RFC 9051 section 5.1).
    Utf8,
}

/// A response while it is being written.
#[derive(Debug)]
pub(crate) struct Out {
    bytes: Vec<u8>,
    strings: Strings,
}

/// `ATOM-CHAR`, which excludes `atom-specials`.
fn is_atom_char(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'(' | b')' | b'{' | b'%' | b'*' | b'"' | b'\\' | b']')
}

/// The longest text that is written in quotes.
const MAX_QUOTED: usize = 1000;

impl Out {
    pub(super) fn new(strings: Strings) -> Self {
        Self { bytes: Vec::new(), strings }
    }

    pub(super) fn finish(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }

    /// Text of the grammar.
    pub(super) fn raw(&mut self, text: &str) -> &mut Self {
        self.bytes(text.as_bytes())
    }

    /// Raw bytes: values that were kept as a server wrote them.
    pub(super) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    pub(super) fn space(&mut self) -> &mut Self {
        self.raw(" ")
    }

    pub(super) fn number(&mut self, value: impl Into<u64>) -> &mut Self {
        self.raw(&value.into().to_string())
    }

    /// A number that a server may not know.
    pub(super) fn count(&mut self, value: Option<u64>) -> &mut Self {
        match value {
            Some(value) => self.number(value),
            None => self.raw("NIL"),
        }
    }

    /// Human text: anything but line ends and NUL.
    pub(super) fn text(&mut self, text: &[u8]) -> &mut Self {
        self.bytes.extend(text.iter().map(|&b| if matches!(b, b'\r' | b'\n' | 0) { b'?' } else { b }));
        self
    }

    /// A name, tag or flag.
    pub(super) fn word(&mut self, word: &str) -> &mut Self {
        self.text(word.as_bytes())
    }

    /// Each word after a space.
    pub(super) fn words(&mut self, words: impl IntoIterator<Item = impl AsRef<str>>) -> &mut Self {
        words.into_iter().for_each(|word| {
            self.space().word(word.as_ref());
        });
        self
    }

    /// `quoted`, whatever its content: also non-ASCII bytes, as in RFC 9051 section 4.3.
    pub(super) fn quoted(&mut self, text: &[u8]) -> &mut Self {
        self.raw("\"");
        for &byte in text {
            if matches!(byte, b'"' | b'\\') {
                self.raw("\\");
            }
            self.text(&[byte]);
        }
        self.raw("\"")
    }

    /// `string`. Text with NUL is written as a `literal8`, the only form that may contain it (RFC
    /// 9051 section 4.3).
    pub(super) fn string(&mut self, text: &[u8]) -> &mut Self {
        let fits = match self.strings {
            Strings::Quoted => text.is_ascii(),
            Strings::Utf8 => std::str::from_utf8(text).is_ok(),
            Strings::Literal => false,
        };
        let fits = fits && !text.iter().any(|b| matches!(b, 0 | b'\r' | b'\n'));
        if fits && text.len() <= MAX_QUOTED {
            return self.quoted(text);
        }
        if text.contains(&0) {
            self.raw("~");
        }
        self.raw(&format!("{{{}}}\r\n", text.len())).bytes(text)
    }

    /// `nstring`.
    pub(super) fn nstring(&mut self, text: Option<&[u8]>) -> &mut Self {
        match text {
            Some(text) => self.string(text),
            None => self.raw("NIL"),
        }
    }

    /// `astring`. The text NIL is written as a string, because the atom could be read as none.
    pub(super) fn astring(&mut self, text: &[u8]) -> &mut Self {
        let is_atom = !text.is_empty() && text.iter().all(|&b| is_atom_char(b) || b == b']');
        let is_nil = text.eq_ignore_ascii_case(b"NIL");
        if is_atom && !is_nil && self.strings != Strings::Literal {
            self.bytes(text)
        } else {
            self.string(text)
        }
    }

    /// The same without literals, for response codes: a status response is one line.
    pub(super) fn short_astring(&mut self, text: &[u8]) -> &mut Self {
        let is_atom = !text.is_empty() && text.iter().all(|&b| is_atom_char(b));
        if is_atom { self.bytes(text) } else { self.quoted(text) }
    }

    /// `(…)`, separated by spaces.
    pub(super) fn list<T>(
        &mut self,
        all: impl IntoIterator<Item = T>,
        mut write: impl FnMut(T, &mut Self) -> &mut Self,
    ) -> &mut Self {
        self.raw("(");
        for (i, one) in all.into_iter().enumerate() {
            if i > 0 {
                self.space();
            }
            write(one, self);
        }
        self.raw(")")
    }

    /// `flag-list`.
    pub(super) fn flags(&mut self, flags: &Flags) -> &mut Self {
        self.list(flags.iter(), |flag, out| out.word(flag.as_str()))
    }

    /// `sequence-set`. A server writes numbers, never `*`.
    pub(super) fn set(&mut self, ranges: impl IntoIterator<Item = (u32, u32)>) -> &mut Self {
        for (i, (first, last)) in ranges.into_iter().enumerate() {
            if i > 0 {
                self.raw(",");
            }
            self.number(first);
            if last != first {
                self.raw(":").number(last);
            }
        }
        self
    }

    /// `mailbox`: in modified UTF-7 (RFC 3501 section 5.1.3), unless it was received in another
    /// spelling or the client accepts UTF-8.
    pub(super) fn mailbox(&mut self, name: &MailboxName) -> &mut Self {
        match name.wire() {
            Some(written) => self.astring(written),
            None if self.strings == Strings::Utf8 => self.astring(name.as_str().as_bytes()),
            None => self.astring(&utf7(name.as_str())),
        }
    }
}

/// Modified UTF-7 (RFC 3501 section 5.1.3): printable ASCII is itself, `&` is `&-`, everything else
/// is UTF-16 in base64 between `&` and `-`.
pub(crate) fn utf7(name: &str) -> Vec<u8> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";
    let digit = |bits: u32| DIGITS.get(usize::from(u8::try_from(bits & 0x3f).unwrap_or(0))).copied();
    let (mut out, mut rest) = (Vec::new(), name.chars().peekable());
    while let Some(c) = rest.next() {
        match c {
            '&' => out.extend_from_slice(b"&-"),
            ' '..='~' => out.extend(u8::try_from(c)),
            _ => {
                out.push(b'&');
                let (mut bits, mut held) = (0u32, 0u32);
                let mut next = Some(c);
                while let Some(c) = next {
                    for unit in c.encode_utf16(&mut [0; 2]) {
                        (bits, held) = ((bits << 16) | u32::from(*unit), held + 16);
                        while held >= 6 {
                            held -= 6;
                            out.extend(digit(bits >> held));
                        }
                        bits &= (1 << held) - 1;
                    }
                    next = rest.next_if(|c| !matches!(c, ' '..='~'));
                }
                if held > 0 {
                    out.extend(digit(bits << (6 - held)));
                }
                out.push(b'-');
            }
        }
    }
    out
}

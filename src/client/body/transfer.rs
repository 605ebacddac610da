//! Transfer encodings, decoded piece by piece (RFC 2045 section 6).
//!
//! In: encoded bytes, cut anywhere. Out: decoded bytes; what can't be decoded yet is held, which is
//! at most [`HELD`] bytes.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use memchr::memchr3;

use crate::error::{Error, Result};

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// How much of a run of spaces is held until it is known whether it ends its line.
const HELD: usize = 1024;

/// A decoder of one encoding.
#[derive(Debug)]
pub(super) enum Transfer {
    /// The bytes as they are.
    Identity,
    /// The digits of an unfinished group of four.
    Base64(Vec<u8>),
    /// What may go on: the beginning of `=3D`, or spaces.
    QuotedPrintable(Vec<u8>),
}

/// Bytes that are here as a whole, decoded; an encoding that is not known leaves them as they are.
#[cfg(feature = "mime")]
pub(crate) fn decode_whole(bytes: Bytes, encoding: &str) -> Bytes {
    let mut transfer = Transfer::named(encoding).unwrap_or(Transfer::Identity);
    let start = transfer.decode(bytes);
    let rest = transfer.finish();
    if rest.is_empty() { start } else { [&*start, &*rest].concat().into() }
}

impl Transfer {
    /// The decoder of this encoding.
    pub(super) fn named(encoding: &str) -> Result<Self> {
        let name = encoding.trim().to_ascii_lowercase();
        match &*name {
            "" | "7bit" | "8bit" | "binary" => Ok(Self::Identity),
            "base64" => Ok(Self::Base64(Vec::new())),
            "quoted-printable" => Ok(Self::QuotedPrintable(Vec::new())),
            _ => Err(Error::unsupported(format!("the transfer encoding {encoding:?} is not known"))),
        }
    }

    /// What these bytes give.
    pub(super) fn decode(&mut self, bytes: Bytes) -> Bytes {
        match self {
            Self::Identity => bytes,
            Self::Base64(digits) => base64(digits, &bytes).into(),
            Self::QuotedPrintable(held) => {
                let joined = if held.is_empty() { bytes } else { [&**held, &bytes].concat().into() };
                let mut decoded = Vec::with_capacity(joined.len());
                let done = quoted_printable(&joined, &mut decoded, false);
                *held = joined.get(done..).unwrap_or_default().to_vec();
                decoded.into()
            }
        }
    }

    /// What is left at the end.
    pub(super) fn finish(&mut self) -> Bytes {
        let mut decoded = Vec::new();
        match self {
            Self::Identity => {}
            Self::Base64(digits) => end_group(digits, &mut decoded),
            Self::QuotedPrintable(held) => {
                quoted_printable(&std::mem::take(held), &mut decoded, true);
            }
        }
        decoded.into()
    }
}

/// Characters outside of the alphabet are skipped (RFC 2045 section 6.8). An `=` ends a group, and
/// another may follow: some programs encode a file in blocks, each with its padding.
fn base64(digits: &mut Vec<u8>, bytes: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(bytes.len() / 4 * 3 + 3);
    digits.reserve(bytes.len());
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/') {
            digits.push(byte);
        } else if byte == b'=' {
            end_group(digits, &mut decoded);
        }
    }
    let rest = digits.split_off(digits.len() / 4 * 4);
    end_group(digits, &mut decoded);
    *digits = rest;
    decoded
}

/// Decodes these digits. Of a last group of one, its six bits are no byte.
fn end_group(digits: &mut Vec<u8>, decoded: &mut Vec<u8>) {
    if digits.len() % 4 == 1 {
        digits.pop();
    }
    // They are digits, in a number that is possible.
    let whole = BASE64.decode_vec(&*digits, decoded);
    debug_assert!(whole.is_ok(), "{whole:?}");
    digits.clear();
}

/// RFC 2045 section 6.7: how many bytes of `text` have been decoded. An `=` that begins neither a
/// byte nor a soft line break stands for itself. `is_last`: nothing follows.
fn quoted_printable(text: &[u8], decoded: &mut Vec<u8>, is_last: bool) -> usize {
    let mut done = 0;
    while let Some(rest) = text.get(done..).filter(|rest| !rest.is_empty()) {
        let plain = memchr3(b'=', b' ', b'\t', rest).unwrap_or(rest.len());
        if let Some((plain_text, [first, behind @ ..])) = rest.split_at_checked(plain) {
            decoded.extend_from_slice(plain_text);
            done += plain;
            let token =
                if *first == b'=' { escape(behind) } else { spaces(rest.get(plain..).unwrap_or_default()) };
            match token {
                Token::Byte(byte) => {
                    decoded.push(byte);
                    done += 3;
                }
                Token::Nothing(length) => done += length,
                Token::Literal(length) => {
                    decoded.extend_from_slice(text.get(done..done + length).unwrap_or_default());
                    done += length;
                }
                Token::Open(end) if is_last => match end {
                    // Spaces at the end of the text, or a soft line break there.
                    End::Nothing => return text.len(),
                    End::Literal => {
                        decoded.extend_from_slice(text.get(done..=done).unwrap_or_default());
                        done += 1;
                    }
                },
                Token::Open(_) => return done,
            }
        } else {
            decoded.extend_from_slice(rest);
            done = text.len();
        }
    }
    done
}

/// What begins at an `=` or a space.
enum Token {
    /// `=3D`.
    Byte(u8),
    /// So many bytes that give nothing: a soft line break, or spaces at a line's end.
    Nothing(usize),
    /// So many bytes that stand for themselves.
    Literal(usize),
    /// More is needed to know; and what it is if nothing follows.
    Open(End),
}

enum End {
    Nothing,
    Literal,
}

/// What follows an `=`.
fn escape(behind: &[u8]) -> Token {
    let digit = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
    match *behind {
        [] => Token::Open(End::Nothing),
        [high] if digit(high).is_some() => Token::Open(End::Literal),
        [high, low, ..] if digit(high).is_some() && digit(low).is_some() => {
            Token::Byte(digit(high).unwrap_or_default() << 4 | digit(low).unwrap_or_default())
        }
        _ => match line_end(behind) {
            LineEnd::After(length) => Token::Nothing(1 + length),
            LineEnd::Open if behind.len() <= HELD => Token::Open(End::Nothing),
            LineEnd::OpenCr => Token::Open(End::Literal),
            LineEnd::Open | LineEnd::No => Token::Literal(1),
        },
    }
}

/// What spaces are: content, unless they end a line (rule 3).
fn spaces(text: &[u8]) -> Token {
    let length = text.iter().position(|b| !matches!(b, b' ' | b'\t')).unwrap_or(text.len());
    match line_end(text) {
        LineEnd::After(_) => Token::Nothing(length),
        LineEnd::Open if length <= HELD => Token::Open(End::Nothing),
        LineEnd::OpenCr => Token::Open(End::Literal),
        LineEnd::Open | LineEnd::No => Token::Literal(length),
    }
}

enum LineEnd {
    /// So many bytes later: spaces and a line end.
    After(usize),
    /// There are spaces alone so far.
    Open,
    /// A CR after them is the last byte so far.
    OpenCr,
    No,
}

/// Whether a line ends here, spaces aside.
fn line_end(text: &[u8]) -> LineEnd {
    let spaces = text.iter().position(|b| !matches!(b, b' ' | b'\t')).unwrap_or(text.len());
    match text.get(spaces..).unwrap_or_default() {
        [] => LineEnd::Open,
        [b'\r'] => LineEnd::OpenCr,
        [b'\n', ..] => LineEnd::After(spaces + 1),
        [b'\r', b'\n', ..] => LineEnd::After(spaces + 2),
        _ => LineEnd::No,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn decoded<'a>(encoding: &str, pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
        let mut transfer = Transfer::named(encoding).unwrap();
        let mut all = Vec::new();
        for piece in pieces {
            all.extend_from_slice(&transfer.decode(Bytes::copy_from_slice(piece)));
        }
        all.extend_from_slice(&transfer.finish());
        all
    }

    /// The same, whole, in two pieces cut anywhere, and byte by byte.
    fn check(encoding: &str, text: &[u8], expected: &[u8]) {
        let shown = text.escape_ascii();
        assert_eq!(decoded(encoding, [text]), expected, "{shown}");
        for cut in 0..=text.len() {
            let (one, two) = text.split_at(cut);
            assert_eq!(decoded(encoding, [one, two]), expected, "{shown}, cut at {cut}");
        }
        assert_eq!(decoded(encoding, text.chunks(1)), expected, "{shown}, byte by byte");
        assert_eq!(decoded(encoding, text.chunks(3)), expected, "{shown}, three by three");
    }

    #[test]
    fn base64_is_decoded_wherever_it_is_cut() {
        for (text, expected) in [
            (&b""[..], &b""[..]),
            (b"TWFu", b"Man"),
            (b"TWE=", b"Ma"),
            (b"TQ==", b"M"),
            (b"TWFu\r\nTWE=\r\n", b"ManMa"),
            // Padding that is missing, in between, or alone.
            (b"TWFuTQ", b"ManM"),
            (b"TQ==TWE=TWFu", b"MMaMan"),
            (b"=T=W=F=u", b""),
            // What is no digit is skipped; six bits are no byte.
            (b"T W!F-u\0T", b"Man"),
            (b"+/+/", &[0xfb, 0xff, 0xbf]),
            // Bits behind the last byte that are not zero.
            (b"TR==", b"M"),
        ] {
            check("BASE64", text, expected);
        }
    }

    #[test]
    fn quoted_printable_is_decoded_wherever_it_is_cut() {
        for (text, expected) in [
            (&b""[..], &b""[..]),
            (b"plain", b"plain"),
            (b"a=3Db=c3=A4", "a=b\u{e4}".as_bytes()),
            // Soft line breaks, with what was added in transit.
            (b"one =\r\ntwo=  \t\r\nthree=\nfour=", b"one twothreefour"),
            // Spaces at a line's end were added; in between they are content.
            (b"a b \t\r\n c  \n\td  ", b"a b\r\n c\n\td"),
            // What begins nothing stands for itself.
            (b"a=zb==3D=", b"a=zb=="),
            (b"=4", b"=4"),
            (b"==", b"="),
            (b"a=\rb \rc", b"a=\rb \rc"),
            (b"end \r", b"end \r"),
            (b"end =\r", b"end =\r"),
        ] {
            check("Quoted-Printable", text, expected);
        }
    }

    #[test]
    fn a_run_of_spaces_is_not_held_for_ever() {
        for text in [vec![b' '; 100_000], [b"=", &vec![b' '; 100_000][..]].concat()] {
            let mut transfer = Transfer::named("quoted-printable").unwrap();
            for piece in text.chunks(100) {
                transfer.decode(Bytes::copy_from_slice(piece));
                let Transfer::QuotedPrintable(held) = &transfer else { panic!() };
                assert!(held.len() <= HELD + 100, "{}", held.len());
            }
        }
    }

    #[test]
    fn other_encodings_are_the_bytes_themselves_or_refused() {
        for name in ["", "7BIT", " 8bit", "binary"] {
            check(name, b"a=3D \r\n", b"a=3D \r\n");
        }
        assert_eq!(Transfer::named("x-uuencode").unwrap_err().kind(), ErrorKind::Unsupported);
    }

    #[test]
    fn random_bytes_give_the_same_however_they_are_cut() {
        use proptest::prelude::*;
        let text = proptest::collection::vec(proptest::sample::select(b"=3Da \t\r\nZ+/".to_vec()), 0..40);
        proptest!(|(text in text, cut in 0..40_usize)| {
            for name in ["base64", "quoted-printable"] {
                let (one, two) = text.split_at(cut.min(text.len()));
                prop_assert_eq!(decoded(name, [&*text]), decoded(name, [one, two]));
            }
        });
    }
}

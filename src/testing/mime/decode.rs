//! Decodes transfer encodings and charsets (RFC 2045 section 6).

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use encoding_rs::UTF_8;

use super::UnknownEncoding;
use crate::types::charset;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A part's content, decoded from its Content-Transfer-Encoding, which is `encoding`.
pub(super) fn transfer<'a>(
    encoding: Option<&[u8]>,
    body: &'a [u8],
) -> Result<Cow<'a, [u8]>, UnknownEncoding> {
    let encoding = encoding.unwrap_or_default().trim_ascii().to_ascii_lowercase();
    match &*encoding {
        b"" | b"7bit" | b"8bit" | b"binary" => Ok(Cow::Borrowed(body)),
        b"quoted-printable" => Ok(Cow::Owned(quoted_printable(body))),
        b"base64" => Ok(Cow::Owned(base64(body))),
        _ => Err(UnknownEncoding),
    }
}

/// Characters outside of the alphabet are skipped, and `=` ends it (RFC 2045 section 6.8).
fn base64(body: &[u8]) -> Vec<u8> {
    let of_alphabet = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/');
    let mut digits: Vec<u8> = body.iter().copied().take_while(|b| *b != b'=').filter(of_alphabet).collect();
    if digits.len() % 4 == 1 {
        // Six bits are no byte.
        digits.pop();
    }
    BASE64.decode(digits).unwrap_or_default()
}

/// RFC 2045 section 6.7. An `=` without two digits stands for itself.
fn quoted_printable(body: &[u8]) -> Vec<u8> {
    let digit = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let mut decoded = Vec::with_capacity(body.len());
    for line in body.split_inclusive(|b| *b == b'\n') {
        let text = line.trim_ascii_end();
        // Spaces at a line's end were added in transit (rule 3).
        let (mut text, end) = match text.strip_suffix(b"=") {
            Some(soft) => (soft, &b""[..]),
            None => (
                text,
                line.iter()
                    .rposition(|b| !matches!(b, b'\r' | b'\n'))
                    .map_or(line, |last| line.get(last + 1..).unwrap_or_default()),
            ),
        };
        while let Some((&byte, rest)) = text.split_first() {
            text = rest;
            if byte == b'='
                && let [high, low, rest @ ..] = text
                && let (Some(high), Some(low)) = (digit(*high), digit(*low))
            {
                decoded.push(high << 4 | low);
                text = rest;
            } else {
                decoded.push(byte);
            }
        }
        decoded.extend_from_slice(end);
    }
    decoded
}

/// Text in this charset; UTF-8 if none is named or it is unknown, and in place of its subset
/// US-ASCII.
pub(super) fn text(name: Option<&[u8]>, bytes: &[u8]) -> String {
    let named = name.filter(|name| !name.eq_ignore_ascii_case(b"us-ascii"));
    let encoding = named.and_then(charset).unwrap_or(UTF_8);
    encoding.decode_without_bom_handling(bytes).0.into_owned()
}

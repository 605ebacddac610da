//! Splits the header of a message or a part into fields, each with its bytes in the message (RFC
//! 5322 section 2.2).
//!
//! A header consists of its fields, with continuation lines, and the blank line at its end if there
//! is one. A line without a colon is a field without a name, so that nothing of a malformed header
//! is lost.

use std::borrow::Cow;

use crate::types::HeaderFields;

/// One field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Field<'a> {
    /// The part before the colon, without spaces; empty if there is no colon.
    pub(super) name: &'a [u8],
    /// The part after the colon, still folded.
    pub(super) value: &'a [u8],
    /// The whole field with its line ends.
    pub(super) raw: &'a [u8],
}

/// The first line with its end; empty only at the end.
pub(super) fn line(text: &[u8]) -> &[u8] {
    let length = memchr::memchr(b'\n', text).map_or(text.len(), |at| at + 1);
    text.get(..length).unwrap_or_default()
}

/// Whether the line has nothing but its end.
pub(super) fn is_blank(line: &[u8]) -> bool {
    matches!(line, b"\r\n" | b"\n")
}

fn is_continued(line: &[u8]) -> bool {
    matches!(line.first(), Some(b' ' | b'\t'))
}

/// The fields up to the blank line.
pub(super) fn fields(header: &[u8]) -> impl Iterator<Item = Field<'_>> {
    let mut rest = header;
    std::iter::from_fn(move || {
        let first = line(rest);
        if first.is_empty() || is_blank(first) {
            return None;
        }
        let mut length = first.len();
        loop {
            let next = line(rest.get(length..).unwrap_or_default());
            if !is_continued(next) {
                break;
            }
            length += next.len();
        }
        let (raw, behind) = rest.split_at_checked(length)?;
        rest = behind;
        Some(field(raw, first))
    })
}

fn field<'a>(raw: &'a [u8], first: &[u8]) -> Field<'a> {
    let colon = memchr::memchr(b':', first).filter(|_| !is_continued(first));
    let (name, value) = match colon.and_then(|at| raw.split_at_checked(at)) {
        Some((name, value)) => (name.trim_ascii_end(), value.get(1..).unwrap_or_default()),
        None => (&b""[..], raw),
    };
    Field { name, value, raw }
}

/// The value of the first field of this name, unfolded.
pub(super) fn value<'a>(header: &'a [u8], name: &str) -> Option<Cow<'a, [u8]>> {
    let field = fields(header).find(|field| field.name.eq_ignore_ascii_case(name.as_bytes()))?;
    Some(unfolded(field.value))
}

/// The value on one line (RFC 5322 section 2.2.3), without surrounding spaces.
pub(super) fn unfolded(value: &[u8]) -> Cow<'_, [u8]> {
    let value = value.trim_ascii();
    if memchr::memchr2(b'\r', b'\n', value).is_none() {
        return Cow::Borrowed(value);
    }
    Cow::Owned(value.iter().copied().filter(|b| !matches!(b, b'\r' | b'\n')).collect())
}

/// `HEADER.FIELDS` and `HEADER.FIELDS.NOT`: these fields, and the blank line if there is one (RFC
/// 9051 section 6.4.5.1).
pub(super) fn selected(header: &[u8], which: &HeaderFields) -> Vec<u8> {
    let (mut selected, mut length) = (Vec::new(), 0);
    for field in fields(header) {
        length += field.raw.len();
        let is_named = which.names().any(|name| name.as_bytes().eq_ignore_ascii_case(field.name));
        if is_named != which.is_not() {
            selected.extend_from_slice(field.raw);
        }
    }
    selected.extend_from_slice(header.get(length..).unwrap_or_default());
    selected
}

//! Addresses of a header field, as an envelope lists them (RFC 9051 section 7.5.2, RFC 5322 section
//! 3.4).
//!
//! mail-parser parses them. It decodes RFC 2047 words and removes bytes that are not UTF-8, and an
//! envelope must do neither: so both are replaced by private-use characters before parsing, and
//! restored in the result.

use mail_parser::parsers::MessageStream;
use mail_parser::{Addr, Address, HeaderValue};

/// One entry of an envelope's list. A group begins with an entry without host, and ends with one
/// without host and mailbox.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: Option<Vec<u8>>,
    pub(super) mailbox: Option<Vec<u8>>,
    pub(super) host: Option<Vec<u8>>,
}

/// The host of an address without one: a missing host would begin a group. Dovecot writes the same.
const NO_HOST: &[u8] = b"MISSING_DOMAIN";

/// The addresses of an unfolded field.
pub(super) fn addresses(field: &[u8]) -> Vec<Entry> {
    let mut text = hidden(&without_comments(field)).into_bytes();
    text.push(b'\n');
    let mut all = Vec::new();
    match MessageStream::new(&text).parse_address() {
        HeaderValue::Address(Address::List(list)) => all.extend(list.iter().filter_map(entry)),
        HeaderValue::Address(Address::Group(groups)) => {
            for group in &groups {
                let name = group.name.as_deref().map(shown);
                let is_group = name.is_some();
                all.extend(name.map(|name| Entry { mailbox: Some(name), ..Entry::default() }));
                all.extend(group.addresses.iter().filter_map(entry));
                all.extend(is_group.then(Entry::default));
            }
        }
        _ => {}
    }
    all
}

fn entry(address: &Addr<'_>) -> Option<Entry> {
    let name = address.name.as_deref().map(shown).filter(|name| !name.is_empty());
    let Some(spec) = address.address.as_deref().map(shown) else {
        // A single word: a mailbox of the local host.
        return name.map(|word| Entry { name: None, mailbox: Some(word), host: Some(NO_HOST.into()) });
    };
    // The obsolete route (RFC 5322 section 4.4).
    let end = if spec.starts_with(b"@") { spec.iter().position(|b| *b == b':') } else { None };
    let spec = spec.get(end.map_or(0, |end| end + 1)..)?;
    let at = spec.iter().rposition(|b| *b == b'@').unwrap_or(spec.len());
    let (mailbox, host) = spec.split_at_checked(at)?;
    let host = host.get(1..).filter(|host| !host.is_empty()).unwrap_or(NO_HOST);
    Some(Entry { name, mailbox: Some(unquoted(mailbox)), host: Some(host.to_vec()) })
}

/// Removes quotes and escapes (RFC 9051 section 9, `addr-mailbox`).
fn unquoted(text: &[u8]) -> Vec<u8> {
    let Some(inside) = text.strip_prefix(b"\"").and_then(|text| text.strip_suffix(b"\"")) else {
        return text.to_vec();
    };
    let mut bytes = inside.iter();
    std::iter::from_fn(|| match bytes.next() {
        Some(b'\\') => bytes.next(),
        other => other,
    })
    .copied()
    .collect()
}

/// The first of the private-use characters that stand for bytes above ASCII.
const HIDDEN: u32 = 0xe000;
/// Separates the two characters that begin an RFC 2047 word.
const APART: char = '\u{e0ff}';

fn hidden(text: &[u8]) -> String {
    let mut hidden = String::with_capacity(text.len());
    let mut last = 0;
    for &byte in text {
        if (last, byte) == (b'=', b'?') {
            hidden.push(APART);
        }
        hidden.extend(match byte {
            0..0x80 => Some(char::from(byte)),
            // One more, so that none is the same as `APART`.
            _ => char::from_u32(HIDDEN + 0x100 + u32::from(byte)),
        });
        last = byte;
    }
    hidden
}

fn shown(text: &str) -> Vec<u8> {
    let byte = |c: char| match u32::from(c).checked_sub(HIDDEN + 0x100) {
        Some(byte) => u8::try_from(byte).ok(),
        None => u8::try_from(c).ok(),
    };
    text.chars().filter_map(byte).collect()
}

/// Removes comments, except those of addresses without `<`: there a comment is the name (RFC 5322
/// section 3.4 and appendix A.1.1).
fn without_comments(field: &[u8]) -> Vec<u8> {
    let (mut kept, mut address, mut comments) = (Vec::new(), Vec::new(), Vec::new());
    let (mut depth, mut in_quotes, mut has_angle) = (0u32, false, false);
    let mut bytes = field.iter().copied();
    while let Some(byte) = bytes.next() {
        let into = if depth > 0 || (byte == b'(' && !in_quotes) { &mut comments } else { &mut address };
        match byte {
            b'\\' if in_quotes || depth > 0 => {
                into.push(byte);
                into.extend(bytes.next());
                continue;
            }
            b'"' if depth == 0 => in_quotes = !in_quotes,
            b'(' if !in_quotes => depth = depth.saturating_add(1),
            b')' if !in_quotes && depth > 0 => depth -= 1,
            b'<' if !in_quotes && depth == 0 => has_angle = true,
            b',' | b';' if !in_quotes && depth == 0 => {
                kept.append(&mut address);
                if !has_angle {
                    kept.append(&mut comments);
                }
                comments.clear();
                has_angle = false;
                kept.push(byte);
                continue;
            }
            _ => {}
        }
        into.push(byte);
    }
    kept.append(&mut address);
    if !has_angle {
        kept.append(&mut comments);
    }
    kept
}

//! Addresses of a header field, as an envelope lists them (RFC 9051 section 7.5.2, RFC 5322 section
//! 3.4).
//!
//! mail-parser reads them. It decodes RFC 2047 words and takes octets that are not UTF-8 out, and
//! an envelope must do neither: so both are hidden from it behind characters that mean nothing, and
//! put back into what it gives.

use mail_parser::parsers::MessageStream;
use mail_parser::{Addr, Address, HeaderValue};

/// One entry of an envelope's list. A group is one without host at its beginning, and one with
/// neither host nor mailbox at its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: Option<Vec<u8>>,
    pub(super) mailbox: Option<Vec<u8>>,
    pub(super) host: Option<Vec<u8>>,
}

/// The host of an address that has none: without one it would begin a group. Dovecot writes the
/// same.
const NO_HOST: &[u8] = b"MISSING_DOMAIN";

/// What an unfolded field lists.
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
        // A lone word: a mailbox, as it was on one machine.
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

/// Without quotes and escapes (RFC 9051 section 9, `addr-mailbox`).
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

/// Where characters of private use begin that stand for octets above ASCII.
const HIDDEN: u32 = 0xe000;
/// Stands between the two characters that begin an RFC 2047 word.
const APART: char = '\u{e0ff}';

fn hidden(text: &[u8]) -> String {
    let mut hidden = String::with_capacity(text.len());
    let mut last = 0;
    for &octet in text {
        if (last, octet) == (b'=', b'?') {
            hidden.push(APART);
        }
        hidden.extend(match octet {
            0..0x80 => Some(char::from(octet)),
            // One more, so that none is the same as `APART`.
            _ => char::from_u32(HIDDEN + 0x100 + u32::from(octet)),
        });
        last = octet;
    }
    hidden
}

fn shown(text: &str) -> Vec<u8> {
    let octet = |c: char| match u32::from(c).checked_sub(HIDDEN + 0x100) {
        Some(octet) => u8::try_from(octet).ok(),
        None => u8::try_from(c).ok(),
    };
    text.chars().filter_map(octet).collect()
}

/// Without comments, but for those of addresses that have no `<`: there a comment is the name (RFC
/// 5322 section 3.4 and appendix A.1.1).
fn without_comments(field: &[u8]) -> Vec<u8> {
    let (mut kept, mut address, mut comments) = (Vec::new(), Vec::new(), Vec::new());
    let (mut depth, mut in_quotes, mut has_angle) = (0u32, false, false);
    let mut bytes = field.iter().copied();
    while let Some(octet) = bytes.next() {
        let into = if depth > 0 || (octet == b'(' && !in_quotes) { &mut comments } else { &mut address };
        match octet {
            b'\\' if in_quotes || depth > 0 => {
                into.push(octet);
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
                kept.push(octet);
                continue;
            }
            _ => {}
        }
        into.push(octet);
    }
    kept.append(&mut address);
    if !has_angle {
        kept.append(&mut comments);
    }
    kept
}

//! What a server tells of itself and of how it names and compares: NAMESPACE (RFC 2342), LANGUAGE and COMPARATOR
//! (RFC 5255), JMAPACCESS (RFC 9698), GENURLAUTH and URLFETCH (RFC 4467), METADATA (RFC 5464). What is behind
//! the keyword of each.

use bytes::Bytes;

use super::mailbox::{delimiter, mailbox_name, named_mailbox};
use super::rights::strings;
use super::room;
use super::string::{Str, astring, loose};
use super::token::{close, closed, gap, nil, open, spaces};
use super::value;
use crate::types::{Comparator, Metadata, MetadataEntry, MetadataValue, Namespace, Namespaces, UrlData};
use crate::wire::input::{Input, Parsed};

/// `(("" "/")) NIL (("Public Folders/" "/"))`: the user's own, other users', shared.
pub(crate) fn namespaces(i: Input<'_>) -> Parsed<'_, Namespaces> {
    let mut all = Namespaces::default();
    let mut i = spaces(i);
    for place in [&mut all.personal, &mut all.other_users, &mut all.shared] {
        if i.text.is_empty() {
            break;
        }
        let (rest, list) = namespace_list(i)?;
        *place = list;
        i = spaces(rest);
    }
    Ok((i, all))
}

fn namespace_list(i: Input<'_>) -> Parsed<'_, Vec<Namespace>> {
    let mut all = Vec::new();
    if let Some(rest) = nil(i) {
        return Ok((rest, all));
    }
    let (mut i, ()) = open(i)?;
    loop {
        if let Some(rest) = closed(i) {
            return Ok((rest, all));
        }
        let (rest, namespace) = namespace(i)?;
        room(i, all.len())?;
        all.push(namespace);
        i = spaces(rest);
    }
}

/// `("#mh/" "/" "X-PARAM" ("FLAG1" "FLAG2"))`.
fn namespace(i: Input<'_>) -> Parsed<'_, Namespace> {
    let (i, ()) = open(i)?;
    let (rest, prefix) = loose(i)?;
    let decoded = |text: Str<'_>| mailbox_name(&text.octets()).as_str().to_owned();
    // Not as the name of a mailbox: `INBOX` in another case of letters is another prefix.
    let mut namespace = Namespace::new(prefix.map(decoded).unwrap_or_default(), None);
    let mut i = spaces(rest);
    if closed(i).is_none() {
        let (rest, delimiter) = delimiter(i)?;
        namespace.delimiter = delimiter;
        i = spaces(rest);
    }
    loop {
        if let Some(rest) = closed(i) {
            return Ok((rest, namespace));
        }
        let (rest, name) = astring(i)?;
        let (rest, values) = string_list(spaces(rest))?;
        let name = name.to_text();
        room(i, namespace.extensions.len())?;
        match values.first() {
            // RFC 5255 section 3.4: in modified UTF-7, as the prefix is.
            Some(text) if name.eq_ignore_ascii_case("TRANSLATION") => {
                namespace.translation = Some(mailbox_name(text.as_bytes()).as_str().to_owned());
            }
            _ => namespace.extensions.push((name, values)),
        }
        i = spaces(rest);
    }
}

/// Strings in parentheses, or one without them.
pub(crate) fn string_list(i: Input<'_>) -> Parsed<'_, Vec<String>> {
    let Ok((mut i, ())) = open(i) else {
        let (rest, text) = astring(i)?;
        return Ok((rest, vec![text.to_text()]));
    };
    let mut all = Vec::new();
    loop {
        if let Some(rest) = closed(i) {
            return Ok((rest, all));
        }
        let (rest, text) = loose(i)?;
        room(i, all.len())?;
        all.extend(text.map(Str::to_text));
        i = spaces(rest);
    }
}

/// `(EN DE)` (RFC 5255 section 3.3).
pub(crate) fn languages(i: Input<'_>) -> Parsed<'_, Vec<String>> {
    let i = spaces(i);
    if open(i).is_ok() { string_list(i) } else { strings(i) }
}

/// `i;basic`, and all that fit (RFC 5255 section 4.8).
pub(crate) fn comparator(i: Input<'_>) -> Parsed<'_, Comparator> {
    let (rest, active) = astring(spaces(i))?;
    let rest = spaces(rest);
    let (rest, matching) = if rest.text.is_empty() { (rest, Vec::new()) } else { string_list(rest)? };
    Ok((rest, Comparator::new(active.to_text(), matching)))
}

/// `"https://jmap.example.com/.well-known/jmap"` (RFC 9698).
pub(crate) fn url(i: Input<'_>) -> Parsed<'_, String> {
    let (rest, url) = astring(spaces(i))?;
    Ok((rest, url.to_text()))
}

/// URLs, each with its data: a string, NIL, or a list of items with data among them (RFC 5524).
pub(crate) fn url_fetch(i: Input<'_>, depth: usize) -> Parsed<'_, Vec<UrlData>> {
    let mut all = Vec::new();
    let i = spaces(i);
    let (mut i, listed) = open(i).map_or((i, false), |(inside, ())| (inside, true));
    while !(i.text.is_empty() || listed && i.peek() == Some(b')')) {
        let (rest, url) = astring(i)?;
        let rest = spaces(rest);
        let mut found = UrlData::new(url.to_text(), None);
        i = if rest.peek() == Some(b'(') {
            url_items(rest, depth, &mut found)?.0
        } else {
            let (rest, data) = loose(rest)?;
            found.data = data.map(Str::to_bytes);
            rest
        };
        i = spaces(i);
        room(i, all.len())?;
        all.push(found);
    }
    let i = if listed { close(i)?.0 } else { i };
    Ok((i, all))
}

/// `(BODYPARTSTRUCTURE (…)) (BINARY {4}…)`.
fn url_items<'a>(i: Input<'a>, depth: usize, found: &mut UrlData) -> Parsed<'a, ()> {
    let mut i = i;
    while let Ok((inside, ())) = open(i) {
        let (rest, name) = astring(inside)?;
        let name = name.to_text();
        let (rest, ()) = gap(rest)?;
        let is_data = name.eq_ignore_ascii_case("BODY") || name.eq_ignore_ascii_case("BINARY");
        let rest = if is_data {
            let (rest, data) = loose(rest)?;
            found.data = data.map(Str::to_bytes);
            rest
        } else {
            let (rest, raw) = value::raw(rest, depth)?;
            room(rest, found.other.len())?;
            found.other.push((name, raw));
            rest
        };
        i = spaces(close(rest)?.0);
    }
    Ok((i, ()))
}

/// `"INBOX" (/shared/comment "Shared comment")`, or names alone (RFC 5464 section 4.4).
pub(crate) fn metadata(i: Input<'_>) -> Parsed<'_, Metadata> {
    let (rest, mailbox) = named_mailbox(i)?;
    // RFC 5464 section 4.4.1: an empty name is the server.
    let mailbox = Some(mailbox).filter(|name| !name.as_str().is_empty());
    let i = spaces(rest);
    let Ok((mut i, ())) = open(i) else {
        let (rest, names) = strings(i)?;
        let entries = names.into_iter().map(|name| MetadataEntry::new(name, MetadataValue::Changed));
        return Ok((rest, Metadata::new(mailbox, entries.collect())));
    };
    let mut entries = Vec::new();
    loop {
        if let Some(rest) = closed(i) {
            return Ok((rest, Metadata::new(mailbox, entries)));
        }
        let (rest, name) = astring(i)?;
        let rest = spaces(rest);
        let (rest, value) = if closed(rest).is_some() { (rest, None) } else { loose(rest)? };
        let value: Option<Bytes> = value.map(Str::to_bytes);
        let value = value.map_or(MetadataValue::Unset, MetadataValue::Set);
        room(i, entries.len())?;
        entries.push(MetadataEntry::new(name.to_text(), value));
        i = spaces(rest);
    }
}

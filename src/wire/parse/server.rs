//! The data of NAMESPACE (RFC 2342), LANGUAGE and COMPARATOR (RFC 5255), JMAPACCESS (RFC 9698),
//! GENURLAUTH and URLFETCH (RFC 4467) and METADATA (RFC 5464).

use bytes::Bytes;

use super::Rules;
use super::mailbox::{decoded, delimiter, listed_name, named_mailbox_until};
use super::rights::strings;
use super::string::{Str, astring, begins_string, loose, loose_data};
use super::token::{close, closed, gap, nil, open, spaces};
use super::value;
use crate::types::{Comparator, Metadata, MetadataEntry, MetadataValue, Namespace, Namespaces, UrlData};
use crate::wire::input::{Input, Parsed};

/// `(("" "/")) NIL (("Public Folders/" "/"))`: the user's own, other users', shared.
pub(crate) fn namespaces<'a>(i: Input<'a>, rules: &Rules) -> Parsed<'a, Namespaces> {
    let mut all = Namespaces::default();
    let mut i = spaces(i);
    for place in [&mut all.personal, &mut all.other_users, &mut all.shared] {
        if i.text.is_empty() {
            break;
        }
        let (rest, list) = namespace_list(i, rules)?;
        *place = list;
        i = spaces(rest);
    }
    // There are three kinds; further NILs are skipped.
    while let Some(rest) = nil(i) {
        i = spaces(rest);
    }
    Ok((i, all))
}

fn namespace_list<'a>(i: Input<'a>, rules: &Rules) -> Parsed<'a, Vec<Namespace>> {
    let mut all = Vec::new();
    if let Some(rest) = nil(i) {
        return Ok((rest, all));
    }
    let (inside, ()) = open(i)?;
    if !matches!(inside.peek(), Some(b'(' | b')')) {
        // A single one without its list's parentheses.
        return namespace(i, rules).map(|(rest, one)| (rest, vec![one]));
    }
    let mut i = inside;
    loop {
        if let Some(rest) = closed(i) {
            return Ok((rest, all));
        }
        let (rest, namespace) = namespace(i, rules)?;
        rules.room(i, all.len())?;
        all.push(namespace);
        i = spaces(rest);
    }
}

/// `("#mh/" "/" "X-PARAM" ("FLAG1" "FLAG2"))`.
fn namespace<'a>(i: Input<'a>, rules: &Rules) -> Parsed<'a, Namespace> {
    let (i, ()) = open(i)?;
    let (rest, prefix) = match loose(i) {
        // The parentheses belong to a name without quotes.
        Ok((rest, Some(_))) if !begins_string(i) && rest.peek() == Some(b'(') => {
            listed_name(i).map(|(rest, name)| (rest, Some(name)))?
        }
        read => read?,
    };
    let prefix = prefix.map(Str::bytes).unwrap_or_default();
    let mut namespace = Namespace::new(decoded(&prefix, rules).into_owned(), None);
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
        let (rest, values) = string_list(spaces(rest), rules)?;
        let name = name.to_text();
        rules.room(i, namespace.extensions.len())?;
        match values.first() {
            // RFC 5255 section 3.4: in modified UTF-7, as the prefix is.
            Some(text) if name.eq_ignore_ascii_case("TRANSLATION") => {
                namespace.translation = Some(decoded(text.as_bytes(), rules).into_owned());
            }
            _ => namespace.extensions.push((name, values)),
        }
        i = spaces(rest);
    }
}

/// Strings in parentheses, or one without them.
pub(crate) fn string_list<'a>(i: Input<'a>, rules: &Rules) -> Parsed<'a, Vec<String>> {
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
        rules.room(i, all.len())?;
        all.extend(text.map(Str::to_text));
        i = spaces(rest);
    }
}

/// `(EN DE)` (RFC 5255 section 3.3).
pub(crate) fn languages<'a>(i: Input<'a>, rules: &Rules) -> Parsed<'a, Vec<String>> {
    let i = spaces(i);
    if open(i).is_ok() { string_list(i, rules) } else { strings(i, rules) }
}

/// `i;basic`, and all that match (RFC 5255 section 4.8).
pub(crate) fn comparator<'a>(i: Input<'a>, rules: &Rules) -> Parsed<'a, Comparator> {
    let (rest, active) = astring(spaces(i))?;
    let rest = spaces(rest);
    let (rest, matching) = if rest.text.is_empty() { (rest, Vec::new()) } else { string_list(rest, rules)? };
    Ok((rest, Comparator::new(active.to_text(), matching)))
}

/// `"https://jmap.example.com/.well-known/jmap"` (RFC 9698).
pub(crate) fn url(i: Input<'_>) -> Parsed<'_, String> {
    let (rest, url) = astring(spaces(i))?;
    Ok((rest, url.to_text()))
}

/// URLs, each with its data: a string, NIL, or a list of items with data among them (RFC 5524).
pub(crate) fn url_fetch<'a>(i: Input<'a>, rules: &Rules) -> Parsed<'a, Vec<UrlData>> {
    let mut all = Vec::new();
    let i = spaces(i);
    let (mut i, listed) = open(i).map_or((i, false), |(inside, ())| (inside, true));
    while !(i.text.is_empty() || listed && i.peek() == Some(b')')) {
        let (rest, url) = astring(i)?;
        let rest = spaces(rest);
        let mut found = UrlData::new(url.to_text(), None);
        i = if rest.peek() == Some(b'(') {
            url_items(rest, rules, &mut found)?.0
        } else {
            let (rest, data) = loose_data(rest)?;
            found.data = data.map(Str::to_bytes);
            rest
        };
        i = spaces(i);
        rules.room(i, all.len())?;
        all.push(found);
    }
    let i = if listed { close(i)?.0 } else { i };
    Ok((i, all))
}

/// `(BODYPARTSTRUCTURE (…)) (BINARY {4}…)`, or all of them in one list.
fn url_items<'a>(i: Input<'a>, rules: &Rules, found: &mut UrlData) -> Parsed<'a, ()> {
    let mut i = i;
    while let Ok((inside, ())) = open(i) {
        let mut rest = url_item(inside, rules, found)?.0;
        while closed(rest).is_none() {
            rest = url_item(gap(rest)?.0, rules, found)?.0;
        }
        i = spaces(close(rest)?.0);
    }
    Ok((i, ()))
}

fn url_item<'a>(i: Input<'a>, rules: &Rules, found: &mut UrlData) -> Parsed<'a, ()> {
    let (rest, name) = astring(i)?;
    let name = name.to_text();
    let (rest, ()) = gap(rest)?;
    if name.eq_ignore_ascii_case("BODY") || name.eq_ignore_ascii_case("BINARY") {
        let (rest, data) = loose_data(rest)?;
        found.data = data.map(Str::to_bytes);
        return Ok((rest, ()));
    }
    let (rest, raw) = value::raw(rest, rules.depth)?;
    rules.room(rest, found.other.len())?;
    found.other.push((name, raw));
    Ok((rest, ()))
}

/// `"INBOX" (/shared/comment "Shared comment")`, or names alone (RFC 5464 section 4.4).
pub(crate) fn metadata<'a>(i: Input<'a>, rules: &Rules) -> Parsed<'a, Metadata> {
    // Without quotes the name may have spaces: entries begin with a slash, alone or in a list.
    let (rest, mailbox) = named_mailbox_until(i, rules, |rest| {
        matches!(rest.text, [b'/', ..] | [b'(', b'/' | b'"' | b' ' | b')' | b'{', ..])
    })?;
    // RFC 5464 section 4.4.1: the empty name stands for the server.
    let mailbox = Some(mailbox).filter(|name| !name.as_str().is_empty());
    let i = spaces(rest);
    let Ok((mut i, ())) = open(i) else {
        let (rest, names) = strings(i, rules)?;
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
        let (rest, value) = if closed(rest).is_some() { (rest, None) } else { loose_data(rest)? };
        let value: Option<Bytes> = value.map(Str::to_bytes);
        let value = value.map_or(MetadataValue::Unset, MetadataValue::Set);
        rules.room(i, entries.len())?;
        entries.push(MetadataEntry::new(name.to_text(), value));
        i = spaces(rest);
    }
}

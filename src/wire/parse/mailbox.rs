//! LIST, LSUB, XLIST and STATUS (RFC 9051 sections 7.3.1 and 7.3.4, RFC 3501 section 7.2).

use std::borrow::Cow;

use nom::Parser;
use nom::branch::alt;
use nom::combinator::map;
use nom::sequence::delimited;

use super::Rules;
use super::flags::attributes;
use super::server::string_list;
use super::string::{Str, begins_string, loose, string};
use super::token::{Upper, close, closed, count, end, gap, name, nil, open, spaces};
use super::value;
use crate::types::{ListEntry, MailboxName, MailboxStatus, ModSeq, Uid, UidValidity};
use crate::wire::input::{Input, Parsed, expected, fail};
use crate::wire::utf7;

/// A mailbox name; the server's spelling is kept if it could not be restored from the name.
pub(crate) fn mailbox_name(written: &[u8], rules: &Rules) -> MailboxName {
    let plain = rules.utf8 || !written.contains(&b'&');
    if let Some(name) = if plain { None } else { utf7::decode(written) } {
        // What is valid has one spelling.
        return MailboxName::exact(name);
    }
    let name = String::from_utf8_lossy(written);
    // Modified UTF-7 would write an ampersand, and what is not ASCII, in another way.
    let is_same = match rules.utf8 {
        true => matches!(name, Cow::Borrowed(_)),
        false => plain && written.is_ascii(),
    };
    if is_same { MailboxName::exact(name) } else { MailboxName::with_wire(&name, written) }
}

/// Text written in the encoding of mailbox names: UTF-8 if that is enabled, where `&` is an `&`
/// (RFC 6855 section 3, RFC 9051 section 5.1), else modified UTF-7 (RFC 3501 section 5.1.3).
/// Invalid text stands for itself; some servers write UTF-8 without being asked to.
pub(crate) fn decoded<'a>(written: &'a [u8], rules: &Rules) -> Cow<'a, str> {
    if rules.utf8 || !written.contains(&b'&') {
        return String::from_utf8_lossy(written);
    }
    utf7::decode(written).map_or_else(|| String::from_utf8_lossy(written), Cow::Owned)
}

/// A mailbox name that is followed by other data: quoted, a literal, or everything up to a space.
pub(crate) fn named_mailbox<'a>(i: Input<'a>, rules: &Rules) -> Parsed<'a, MailboxName> {
    let i = spaces(i);
    let (rest, written) = if begins_string(i) { string(i)? } else { plain_name(i, |b| b == b' ')? };
    Ok((rest, mailbox_name(&written.bytes(), rules)))
}

/// The same, but without quotes the name continues, across spaces too, up to the word where
/// `is_rest` accepts what is left. A string ends the search, because nothing after it belongs to a
/// name.
pub(crate) fn named_mailbox_until<'a>(
    i: Input<'a>,
    rules: &Rules,
    is_rest: impl Fn(Input<'_>) -> bool,
) -> Parsed<'a, MailboxName> {
    let i = spaces(i);
    let word = |i: Input<'a>| spaces(i.run(|b| b != b' ').0);
    let mut at = if begins_string(i) { i } else { word(i) };
    while !at.text.is_empty() {
        if at.text.len() < i.text.len() && is_rest(at) {
            let name = i.until(at).trim_ascii_end();
            return Ok((at, mailbox_name(name, rules)));
        }
        if begins_string(at) {
            break;
        }
        at = word(at);
    }
    named_mailbox(i, rules)
}

/// A name or similar text within a list: without quotes it ends at a space or at the list's end;
/// its own parentheses are in pairs.
pub(crate) fn listed_name(i: Input<'_>) -> Parsed<'_, Str<'_>> {
    if begins_string(i) {
        return string(i);
    }
    let mut open = 0usize;
    let mut ends = |b: u8| {
        open += usize::from(b == b'(');
        let is_end = b == b' ' || b == b')' && open == 0;
        open -= usize::from(b == b')' && open > 0);
        is_end
    };
    let length = i.text.iter().position(|&b| ends(b)).unwrap_or(i.text.len());
    if length == 0 { fail(i, "a name") } else { Ok((i.skip(length), Str::Plain(i.until(i.skip(length))))) }
}

/// A mailbox name of that form.
pub(crate) fn listed_mailbox<'a>(i: Input<'a>, rules: &Rules) -> Parsed<'a, MailboxName> {
    let (rest, written) = listed_name(spaces(i))?;
    Ok((rest, mailbox_name(&written.bytes(), rules)))
}

/// A name without quotes.
fn plain_name(i: Input<'_>, ends: impl Fn(u8) -> bool) -> Parsed<'_, Str<'_>> {
    let (rest, word) = i.run(|b| !ends(b));
    if word.is_empty() { fail(i, "a mailbox name") } else { Ok((rest, Str::Plain(word))) }
}

/// The data of `* LIST`.
pub(crate) fn list<'a>(i: Input<'a>, rules: &Rules) -> Parsed<'a, ListEntry> {
    let i = spaces(i);
    let (i, attributes) = if i.peek() == Some(b'"') { (i, Vec::new()) } else { attributes(i, rules.words)? };
    let (i, delimiter) = delimiter(spaces(i))?;
    let i = spaces(i);
    let (i, written) = match string(i) {
        // The empty name of no mailbox, sent only for its delimiter.
        _ if i.text.is_empty() => (i, Cow::Borrowed(i.text)),
        Ok((rest, written)) => match unescaped_name(i, rest, rules) {
            Some(whole) => (rest.skip(rest.text.len()), Cow::Borrowed(whole)),
            None => (rest, written.bytes()),
        },
        Err(_) if i.peek() != Some(b'"') => bare_name(i, rules)?,
        Err(error) => return Err(error),
    };
    let mut entry = ListEntry::new(mailbox_name(&written, rules));
    entry.attributes = attributes;
    entry.delimiter = delimiter;
    let i = spaces(i);
    let i = if i.peek() == Some(b'(') { extended(i, rules, &mut entry)?.0 } else { i };
    let (i, ()) = end(i)?;
    Ok((i, entry))
}

/// A quoted name with unescaped quotes in it: it ends at the last quote if that ends the line.
/// `rest` is after the quote that would end it otherwise.
fn unescaped_name<'a>(i: Input<'a>, rest: Input<'a>, rules: &Rules) -> Option<&'a [u8]> {
    let behind = spaces(rest);
    let is_list = |i| extended(i, rules, &mut ListEntry::new("")).and_then(|(i, ())| end(i)).is_ok();
    if behind.text.is_empty() || is_list(behind) {
        return None;
    }
    i.text.trim_ascii_end().strip_prefix(b"\"")?.strip_suffix(b"\"")
}

/// The hierarchy delimiter of a name.
pub(crate) fn delimiter(i: Input<'_>) -> Parsed<'_, Option<char>> {
    // An unescaped backslash: an escaped quote would be followed by another quote.
    if let [b'"', b'\\', b'"', b' ' | b')', ..] = i.text {
        return Ok((i.skip(3), Some('\\')));
    }
    let (rest, text) = loose(i)?;
    let text = text.map(Str::to_text).unwrap_or_default();
    let mut chars = text.chars();
    let delimiter = chars.next();
    if i.peek() != Some(b'"') && chars.next().is_some() {
        return fail(i, "a delimiter, which is one character");
    }
    // No name with a line end can be sent (RFC 9051 section 9, QUOTED-CHAR).
    if delimiter.is_some_and(|c| matches!(c, '\r' | '\n' | '\0')) {
        return fail(i, "a delimiter that a line can hold");
    }
    Ok((rest, delimiter))
}

/// A name without quotes: it continues to the end of the line, or to the list of extended data
/// there. Spaces at its end are not part of it.
fn bare_name<'a>(i: Input<'a>, rules: &Rules) -> Parsed<'a, Cow<'a, [u8]>> {
    let (rest, word) = i.run(|b| b != b' ');
    if word.is_empty() {
        return fail(i, "a mailbox name");
    }
    let behind = spaces(rest);
    let is_list = |i| extended(i, rules, &mut ListEntry::new("")).and_then(|(i, ())| end(i)).is_ok();
    if behind.text.is_empty() || is_list(behind) {
        return Ok((behind, Cow::Borrowed(word)));
    }
    let length = i.text.trim_ascii_end().len().max(word.len());
    let whole = i.text.get(..length).unwrap_or(word);
    Ok((i.skip(i.text.len()), Cow::Borrowed(whole)))
}

/// `("OLDNAME" ("old") "CHILDINFO" ("SUBSCRIBED"))` (RFC 9051 section 9, `mbox-list-extended`), or
/// with parentheses around each item, as some servers write it.
fn extended<'a>(i: Input<'a>, rules: &Rules, entry: &mut ListEntry) -> Parsed<'a, ()> {
    let (mut i, ()) = open(i)?;
    loop {
        if let Some(rest) = closed(i) {
            return Ok((rest, ()));
        }
        let (rest, pair) = match open(i) {
            Ok((rest, ())) => (rest, true),
            Err(_) => (i, false),
        };
        let (rest, label) = string_or_name(rest)?;
        let (rest, ()) = gap(rest)?;
        let label = label.to_text();
        let behind = if label.eq_ignore_ascii_case("OLDNAME") {
            let (rest, written) = delimited(open, listed_name, close).parse(rest)?;
            let written = written.bytes();
            // The same name, in UTF-8 first and here in modified UTF-7 (Stalwart).
            let is_same = rules.utf8 && utf7::decode(&written).as_deref() == Some(entry.name.as_str());
            entry.old_name = Some(if is_same { entry.name.clone() } else { mailbox_name(&written, rules) });
            rest
        } else if label.eq_ignore_ascii_case("CHILDINFO") {
            let (rest, criteria) = string_list(rest, rules)?;
            entry.child_info = criteria;
            rest
        } else {
            let (behind, raw) = value::raw(rest, rules.depth)?;
            rules.room(rest, entry.extended.len())?;
            entry.extended.push((label, String::from_utf8_lossy(&raw).into_owned()));
            behind
        };
        let (behind, ()) = if pair { close(behind)? } else { (behind, ()) };
        i = spaces(behind);
    }
}

fn string_or_name(i: Input<'_>) -> Parsed<'_, Str<'_>> {
    alt((string, map(name, Str::Plain))).parse(i)
}

/// The most parentheses in a name without quotes at which a list of items is looked for.
const MAX_LISTS_IN_NAME: usize = 16;

/// The data of `* STATUS`.
pub(crate) fn status<'a>(i: Input<'a>, rules: &Rules) -> Parsed<'a, MailboxStatus> {
    let i = spaces(i);
    if let Ok((rest, written)) = string(i) {
        if let Some(rest) = nothing(rest) {
            return Ok((rest, MailboxStatus::new(mailbox_name(&written.bytes(), rules))));
        }
        if gap(rest).is_ok() {
            let name = mailbox_name(&written.bytes(), rules);
            if let Ok(read) = status_items(spaces(rest), rules, MailboxStatus::new(name)) {
                return Ok(read);
            }
        }
        return match unescaped_status(i) {
            Some((rest, name)) => status_items(rest, rules, MailboxStatus::new(mailbox_name(name, rules))),
            None => {
                status_items(gap(rest)?.0, rules, MailboxStatus::new(mailbox_name(&written.bytes(), rules)))
            }
        };
    }
    // Without quotes, the name ends at the first list of items.
    let mut failed = None;
    // Such a list follows a space, or, with some servers, anything.
    let before = |at| i.text.get(..at).filter(|before: &&[u8]| !before.is_empty());
    let lists = || memchr::memchr_iter(b'(', i.text).filter_map(|at| Some((at, before(at)?)));
    let spaced = lists().filter(|(_, before)| before.ends_with(b" ")).take(MAX_LISTS_IN_NAME);
    // Each attempt parses the rest again, so without a bound the time would grow with the square of
    // the line's length.
    for (at, before) in spaced.chain(lists().take(MAX_LISTS_IN_NAME)) {
        match status_items(
            i.skip(at),
            rules,
            MailboxStatus::new(mailbox_name(before.trim_ascii_end(), rules)),
        ) {
            Ok(read) => return Ok(read),
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    Err(failed.unwrap_or_else(|| expected(i, "a mailbox name and a list")))
}

/// A quoted name with unescaped quotes in it: it ends at the last quote that a list follows.
fn unescaped_status(i: Input<'_>) -> Option<(Input<'_>, &[u8])> {
    let mut ends = memchr::memchr_iter(b'"', i.text).rev();
    let end = ends.find(|end| spaces(i.skip(end + 1)).peek() == Some(b'('))?;
    Some((spaces(i.skip(end + 1)), i.text.get(1..end)?))
}

/// The end of the line in place of a list, or NIL before it.
fn nothing(i: Input<'_>) -> Option<Input<'_>> {
    let i = spaces(i);
    end(nil(i).unwrap_or(i)).ok().map(|(rest, ())| rest)
}

/// `(MESSAGES 231 UIDNEXT 44292)`.
fn status_items<'a>(i: Input<'a>, rules: &Rules, mut status: MailboxStatus) -> Parsed<'a, MailboxStatus> {
    let (mut i, ()) = open(i)?;
    loop {
        if let Some(rest) = closed(i) {
            let (rest, ()) = end(rest)?;
            return Ok((rest, status));
        }
        let (rest, item) = name(i)?;
        let (rest, ()) = gap(rest)?;
        i = spaces(status_item(rest, item, rules, &mut status)?.0);
    }
}

fn status_item<'a>(i: Input<'a>, item: &[u8], rules: &Rules, status: &mut MailboxStatus) -> Parsed<'a, ()> {
    let small = |n: Option<u64>| n.and_then(|n| u32::try_from(n).ok());
    let upper = Upper::new(item);
    if !matches!(
        upper.as_bytes(),
        b"MESSAGES"
            | b"RECENT"
            | b"UIDNEXT"
            | b"UIDVALIDITY"
            | b"UNSEEN"
            | b"DELETED"
            | b"SIZE"
            | b"HIGHESTMODSEQ"
            | b"DELETED-STORAGE"
            | b"APPENDLIMIT"
    ) {
        if upper.as_bytes() == b"MAILBOXID" {
            let (rest, id) = object_id(i)?;
            status.mailbox_id = id;
            return Ok((rest, ()));
        }
        let (rest, raw) = value::raw(i, rules.depth)?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        rules.room(i, status.other.len())?;
        status.other.push((text(item), text(&raw)));
        return Ok((rest, ()));
    }
    let (rest, value) = match open(i) {
        // In parentheses, as FETCH sends a mod-sequence.
        Ok((inside, ())) => count(inside).and_then(|(rest, value)| Ok((close(rest)?.0, value)))?,
        Err(_) => count(i)?,
    };
    match upper.as_bytes() {
        b"MESSAGES" => status.messages = small(value),
        b"RECENT" => status.recent = small(value),
        b"UIDNEXT" => status.uid_next = small(value).and_then(Uid::new),
        b"UIDVALIDITY" => status.uid_validity = small(value).and_then(UidValidity::new),
        b"UNSEEN" => status.unseen = small(value),
        b"DELETED" => status.deleted = small(value),
        b"SIZE" => status.size = value,
        b"DELETED-STORAGE" => status.deleted_storage = value,
        b"APPENDLIMIT" => status.append_limit = value,
        _ => status.highest_mod_seq = value.and_then(ModSeq::new),
    }
    Ok((rest, ()))
}

/// `(F2212ea87-6097-4256-9d51-71338625)`, also without the parentheses, or NIL (RFC 8474 section
/// 7).
pub(crate) fn object_id(i: Input<'_>) -> Parsed<'_, Option<String>> {
    let (inside, listed) = open(i).map_or((i, false), |(inside, ())| (inside, true));
    if listed && let Some(rest) = closed(inside) {
        return Ok((rest, None));
    }
    let (rest, id) = loose(inside)?;
    let rest = if listed { close(rest)?.0 } else { rest };
    Ok((rest, id.map(Str::to_text)))
}

/// The data of `* ID`: `NIL`, or names and values (RFC 2971 section 3.2). Anything after the list
/// is skipped, because the response is only for people.
pub(crate) fn id<'a>(i: Input<'a>, rules: &Rules) -> Parsed<'a, Vec<(String, Option<String>)>> {
    let i = spaces(i);
    let mut fields = Vec::new();
    if let Some(rest) = nil(i) {
        return Ok((rest.skip(rest.text.len()), fields));
    }
    let mut i = open(i).map_or(i, |(inside, ())| inside);
    let ends = |i| closed(i).or_else(|| end(i).ok().map(|(rest, ())| rest));
    loop {
        if let Some(rest) = ends(i) {
            return Ok((rest.skip(rest.text.len()), fields));
        }
        let (rest, field) = loose(i)?;
        let value = spaces(rest);
        // A name without a value at the end has none; neither has one with a list.
        let (rest, text) = match value.peek() {
            _ if ends(rest).is_some() => (rest, None),
            Some(b'(') => (value::skip(value, rules.depth)?.0, None),
            _ => loose(value)?,
        };
        if let Some(field) = field {
            rules.room(i, fields.len())?;
            fields.push((field.to_text(), text.map(Str::to_text)));
        }
        i = spaces(rest);
    }
}

//! Items of FETCH that extensions define: OBJECTID (RFC 8474), SAVEDATE (RFC 8514), PREVIEW (RFC
//! 8970), BINARY (RFC 3516), ANNOTATE (RFC 5257), and Gmail's own.

use super::Rules;
use super::fetch::{data, other};
use super::flags::attributes;
use super::mailbox::{decoded, object_id};
use super::section::{origin, section};
use super::string::{Str, astring, loose, loose_data, nstring, string};
use super::token::{close, closed, count, gap, nil, open, spaces};
use crate::types::{Annotation, BodyData, Message, Section, Timestamp};
use crate::wire::input::{Fail, Input, Parsed};

/// Parses the value of the item with this name (in capitals) and returns the rest, or `None` if the
/// name is unknown.
pub(crate) fn item<'a>(
    i: Input<'a>,
    name: &[u8],
    rules: &Rules,
    message: &mut Message,
) -> Result<Option<Input<'a>>, nom::Err<Fail>> {
    let known = matches!(
        name,
        b"EMAILID" | b"THREADID" | b"SAVEDATE" | b"PREVIEW" | b"X-GM-MSGID" | b"X-GM-THRID" | b"X-GM-LABELS"
    );
    if !known {
        return Ok(None);
    }
    let (i, ()) = gap(i)?;
    let extras = message.extras_mut();
    let rest = match name {
        b"EMAILID" => put(object_id(i)?, &mut extras.email_id),
        b"THREADID" => put(object_id(i)?, &mut extras.thread_id),
        b"SAVEDATE" => {
            let (rest, text) = nstring(i)?;
            extras.save_date = Some(text.and_then(|text| Timestamp::read(&text.bytes())));
            rest
        }
        b"PREVIEW" => put(preview(i)?, &mut extras.preview),
        b"X-GM-MSGID" => {
            let (rest, id) = count(i)?;
            extras.gmail_msg_id = id;
            rest
        }
        b"X-GM-THRID" => {
            let (rest, id) = count(i)?;
            extras.gmail_thread_id = id;
            rest
        }
        _ => put(labels(i, rules)?, &mut extras.gmail_labels),
    };
    Ok(Some(rest))
}

fn put<'a, T>((rest, value): (Input<'a>, T), place: &mut Option<T>) -> Input<'a> {
    *place = Some(value);
    rest
}

/// A text or NIL (RFC 8970 section 6). Older servers write `(FUZZY "text")`.
fn preview(i: Input<'_>) -> Parsed<'_, Option<String>> {
    let (inside, listed) = open(i).map_or((i, false), |(inside, ())| (inside, true));
    if !listed {
        let (rest, text) = loose(i)?;
        return Ok((rest, text.map(Str::to_text)));
    }
    let (mut i, mut last) = (inside, None);
    while closed(i).is_none() {
        let (rest, text) = loose(i)?;
        last = text.map(Str::to_text);
        i = spaces(rest);
    }
    let (rest, ()) = close(i)?;
    Ok((rest, last))
}

/// `(\Inbox "Muy Importante" &AOk-)`, in modified UTF-7.
fn labels<'a>(i: Input<'a>, rules: &Rules) -> Parsed<'a, Vec<String>> {
    // A backslash is escaped within quotes, but not outside.
    if nil(i).is_some() {
        let (rest, none) = attributes(i, rules.words)?;
        return Ok((rest, none));
    }
    let Ok((mut i, ())) = open(i) else {
        let (rest, label) = string(i)?;
        return Ok((rest, vec![decoded(&label.bytes(), rules).into_owned()]));
    };
    let mut all = Vec::new();
    loop {
        if let Some(rest) = closed(i) {
            return Ok((rest, all));
        }
        let (rest, label) = loose(i)?;
        rules.room(i, all.len())?;
        all.extend(label.map(|label| decoded(&label.bytes(), rules).into_owned()));
        i = spaces(rest);
    }
}

/// `(/comment (value.priv "text" value.shared NIL))`, or names alone (RFC 5257 section 4.4). What is
/// not so is kept as it is.
pub(crate) fn annotations<'a>(
    start: Input<'a>,
    i: Input<'a>,
    rules: &Rules,
    message: &mut Message,
) -> Parsed<'a, ()> {
    match entries(spaces(i), rules) {
        Ok((rest, entries)) => {
            message.extras_mut().annotations.get_or_insert_default().extend(entries);
            Ok((rest, ()))
        }
        Err(nom::Err::Failure(error)) => Err(nom::Err::Failure(error)),
        Err(_) => other(start, i, rules, message),
    }
}

fn entries<'a>(i: Input<'a>, rules: &Rules) -> Parsed<'a, Vec<Annotation>> {
    let (mut i, ()) = open(i)?;
    let mut all = Vec::new();
    loop {
        if let Some(rest) = closed(i) {
            return Ok((rest, all));
        }
        let (rest, entry) = astring(i)?;
        rules.room(i, all.len())?;
        let rest = spaces(rest);
        let (rest, attributes) =
            if rest.peek() == Some(b'(') { attributes_of(rest, rules)? } else { (rest, Vec::new()) };
        all.push(Annotation::new(entry.to_text(), attributes));
        i = spaces(rest);
    }
}

type Attributes = Vec<(String, Option<bytes::Bytes>)>;

fn attributes_of<'a>(i: Input<'a>, rules: &Rules) -> Parsed<'a, Attributes> {
    let (mut i, ()) = open(i)?;
    let mut all = Vec::new();
    loop {
        if let Some(rest) = closed(i) {
            return Ok((rest, all));
        }
        let (rest, name) = astring(i)?;
        rules.room(i, all.len())?;
        let (rest, value) = loose_data(spaces(rest))?;
        all.push((name.to_text(), value.map(Str::to_bytes)));
        i = spaces(rest);
    }
}

/// `[1.2]<0> ~{4}…` (RFC 3516 section 4.2).
pub(crate) fn binary<'a>(
    start: Input<'a>,
    i: Input<'a>,
    rules: &Rules,
    message: &mut Message,
) -> Parsed<'a, ()> {
    let Ok((rest, section)) = part(i, rules) else { return other(start, i, rules, message) };
    let (rest, origin) = origin(rest)?;
    let (rest, data) = data(rest)?;
    let extras = message.extras_mut();
    rules.room(i, extras.binary.len())?;
    extras.binary.push(BodyData::new(section, origin, data.map(Str::to_bytes)));
    Ok((rest, ()))
}

/// `[1.2] 4096` (RFC 3516 section 4.2).
pub(crate) fn binary_size<'a>(
    start: Input<'a>,
    i: Input<'a>,
    rules: &Rules,
    message: &mut Message,
) -> Parsed<'a, ()> {
    let Ok((rest, section)) = part(i, rules) else { return other(start, i, rules, message) };
    let (rest, size) = count(gap(rest)?.0)?;
    let extras = message.extras_mut();
    rules.room(i, extras.binary_size.len())?;
    extras.binary_size.push((section, size));
    Ok((rest, ()))
}

/// A section that is a part or the whole message.
fn part<'a>(i: Input<'a>, rules: &Rules) -> Parsed<'a, Section> {
    let (rest, section) = section(i, rules)?;
    match section {
        Section::Full | Section::Part(_) => Ok((rest, section)),
        _ => crate::wire::input::fail(i, "a part's number"),
    }
}

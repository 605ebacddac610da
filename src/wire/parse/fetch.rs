//! FETCH and UIDFETCH (RFC 9051 section 7.5.2, RFC 9586): the data of one message.

use bytes::Bytes;

use super::body::body;
use super::envelope::envelope;
use super::extras;
use super::section::{origin, section};
use super::string::{self, Str, loose};
use super::token::{Upper, closed, count, gap, name, nil, number, number64, open, small_count, spaces};
use super::{Parser, Rules, usual, value};
use crate::types::text_arena::Writer;
use crate::types::{BodyData, BodyStructure, Envelope, Message, ModSeq, Section, Timestamp, Uid};
use crate::wire::input::{Input, Parsed, fail};

/// The list of items; the message's number, or its UID in UIDFETCH, has been parsed. Parentheses
/// around items have no meaning, and may surround any of them.
pub(crate) fn fetch<'a>(i: Input<'a>, parser: &mut Parser, message: &mut Message) -> Parsed<'a, ()> {
    let (mut i, ()) = open(spaces(i))?;
    let mut last = i;
    // The number of open parentheses.
    let mut depth = 1usize;
    loop {
        if let Some(rest) = closed(i) {
            depth -= 1;
            i = spaces(rest);
            if depth > 0 {
                continue;
            }
            return if i.text.is_empty() { Ok((i, ())) } else { after_end(i, parser, message) };
        }
        let start = i;
        if let Some(read) = usual::item(i.text, parser, message) {
            (last, i) = (start, i.skip(read));
            continue;
        }
        let rest = match packed_item(i, parser, message) {
            Some(read) => read?.0,
            None => match opened(i) {
                Some(inside) => {
                    depth += 1;
                    i = inside;
                    continue;
                }
                None if depth == 1 && i.text.is_empty() && ends_with_body(last, message) => {
                    return Ok((i, ()));
                }
                None => any(i, parser, message)?.0,
            },
        };
        (last, i) = (start, spaces(rest));
    }
}

/// The inside of parentheses, if they are next; no item begins with one.
fn opened(i: Input<'_>) -> Option<Input<'_>> {
    if i.peek() == Some(b'(') { Some(spaces(i.skip(1))) } else { None }
}

/// One item in any form.
pub(super) fn any<'a>(i: Input<'a>, parser: &mut Parser, message: &mut Message) -> Parsed<'a, ()> {
    let (rest, written) = name(i)?;
    item(i, rest, written, parser, message)
}

/// What follows a row's end: surplus parentheses, or items that belong to the row. Unparsable data
/// there must not cost a body that was parsed before, so it is kept as it is under the name `)`.
#[cold]
fn after_end<'a>(mut i: Input<'a>, parser: &mut Parser, message: &mut Message) -> Parsed<'a, ()> {
    while !i.text.is_empty() {
        if let Some(b'(' | b')') = i.peek() {
            i = spaces(i.skip(1));
            continue;
        }
        i = match any(i, parser, message) {
            Ok((rest, ())) => spaces(rest),
            Err(_) if message.sections().iter().any(|body| body.data.is_some()) => {
                message.extras_mut().other.push((")".to_owned(), Bytes::copy_from_slice(i.text)));
                i.skip(i.text.len())
            }
            Err(error) => return Err(error),
        };
    }
    Ok((i, ()))
}

/// Whether a row without its last parenthesis ends after a body; `last` is where its last item
/// begins. If the body ends in a parenthesis, the row's may have become part of it, because the
/// literal was announced too long.
#[cold]
fn ends_with_body(last: Input<'_>, message: &Message) -> bool {
    let is_body = name(last).is_ok_and(|(_, written)| {
        matches!(
            Upper::new(written).as_bytes(),
            b"BODY" | b"BODY.PEEK" | b"RFC822" | b"RFC822.HEADER" | b"RFC822.TEXT" | b"RFC822.PEEK"
        )
    });
    let data = message.sections().last().and_then(|body| body.data.as_deref()).unwrap_or_default();
    is_body && !data.is_empty() && !data.trim_ascii_end().ends_with(b")")
}

/// An item that is packed into one allocation, recognised by its first bytes, which costs less than
/// parsing its name.
#[inline]
fn packed_item<'a>(i: Input<'a>, parser: &mut Parser, message: &mut Message) -> Option<Parsed<'a, ()>> {
    let after = |name: &[u8]| i.text.starts_with(name).then(|| spaces(i.skip(name.len())));
    Some(match i.peek()? {
        b'E' => whole_envelope(after(b"ENVELOPE ")?, parser, message),
        b'B' => body_structure(after(b"BODYSTRUCTURE ")?, parser, message),
        _ => return None,
    })
}

/// One item: its name was `written` at `start`, and `i` is after it.
fn item<'a>(
    start: Input<'a>,
    i: Input<'a>,
    written: &[u8],
    parser: &mut Parser,
    message: &mut Message,
) -> Parsed<'a, ()> {
    let rules = &parser.rules;
    let upper = Upper::new(written);
    // Some servers write a space before the bracket, which begins no value.
    let i = if spaces(i).peek() == Some(b'[') { spaces(i) } else { i };
    match (upper.as_bytes(), i.peek()) {
        (b"BODY" | b"BODY.PEEK" | b"RFC822" | b"RFC822.PEEK", Some(b'[')) => {
            body_data(start, i, rules, message)
        }
        (b"RFC822.HEADER" | b"RFC822.HEADER.PEEK", Some(b'[')) if i.text.starts_with(b"[]") => {
            whole(i.skip(2), Section::Header, rules, message)
        }
        (b"RFC822.TEXT" | b"RFC822.TEXT.PEEK", Some(b'[')) if i.text.starts_with(b"[]") => {
            whole(i.skip(2), Section::Text, rules, message)
        }
        (b"BINARY" | b"BINARY.PEEK", Some(b'[')) => extras::binary(start, i, rules, message),
        (b"ANNOTATION", Some(b' ' | b'(')) => extras::annotations(start, i, rules, message),
        (b"BINARY.SIZE", Some(b'[')) => extras::binary_size(start, i, rules, message),
        (_, Some(b'[')) => other(start, i, rules, message),
        (b"UID", _) => uid(gap(i)?.0, message),
        (b"FLAGS", _) => flags(gap(i)?.0, parser, message),
        (b"MODSEQ", _) => mod_seq(gap(i)?.0, message),
        (b"INTERNALDATE", _) => internal_date(start, gap(i)?.0, rules, message),
        (b"RFC822.SIZE", _) => size(gap(i)?.0, message),
        (b"ENVELOPE", _) => whole_envelope(gap(i)?.0, parser, message),
        (b"BODY" | b"BODYSTRUCTURE", _) => body_structure(gap(i)?.0, parser, message),
        (b"RFC822" | b"RFC822.PEEK", _) => whole(i, Section::Full, rules, message),
        (b"RFC822.HEADER" | b"RFC822.HEADER.PEEK", _) => whole(i, Section::Header, rules, message),
        (b"RFC822.TEXT" | b"RFC822.TEXT.PEEK", _) => whole(i, Section::Text, rules, message),
        (name, _) => match extras::item(i, name, rules, message)? {
            Some(rest) => Ok((rest, ())),
            None => other(start, i, rules, message),
        },
    }
}

fn uid<'a>(i: Input<'a>, message: &mut Message) -> Parsed<'a, ()> {
    let (rest, value) = match number(i) {
        Ok((rest, value)) => (rest, Some(value)),
        Err(_) => small_count(i)?,
    };
    message.uid = value.and_then(Uid::new).or(message.uid);
    Ok((rest, ()))
}

fn flags<'a>(i: Input<'a>, parser: &mut Parser, message: &mut Message) -> Parsed<'a, ()> {
    let (rest, flags) = parser.flags.read(i)?;
    message.flags = Some(flags);
    Ok((rest, ()))
}

fn size<'a>(i: Input<'a>, message: &mut Message) -> Parsed<'a, ()> {
    let (rest, size) = count(i)?;
    message.size = size;
    Ok((rest, ()))
}

fn whole_envelope<'a>(i: Input<'a>, parser: &mut Parser, message: &mut Message) -> Parsed<'a, ()> {
    let out = room_to_pack(parser);
    let (rest, there) = envelope(i, out)?;
    if there {
        message.contents_mut().envelope = Some(Envelope::from_packed(packed(out)));
    } else if let Some(contents) = &mut message.contents {
        contents.envelope = None;
    }
    Ok((rest, ()))
}

/// How many bytes of the packing buffer are kept from one row to the next.
const KEPT: usize = 2048;

/// The packed values in an allocation of exactly their size. A large buffer is given to the result.
fn packed(out: &mut Writer) -> Bytes {
    if out.capacity() > KEPT { std::mem::take(out).finish() } else { out.to_bytes() }
}

/// The buffer to pack one envelope or body structure in.
fn room_to_pack(parser: &mut Parser) -> &mut Writer {
    if parser.scratch.capacity() > KEPT || parser.scratch.capacity() == 0 {
        parser.scratch = Writer::with_capacity(KEPT);
    }
    parser.scratch.clear();
    &mut parser.scratch
}

/// `(917162500)` (RFC 7162 section 3.1.4).
fn mod_seq<'a>(i: Input<'a>, message: &mut Message) -> Parsed<'a, ()> {
    let (inside, listed) = open(i).map_or((i, false), |(inside, ())| (inside, true));
    let (rest, value) = match number64(inside) {
        Ok((rest, value)) => (rest, Some(value)),
        Err(_) if closed(inside).is_some() => (inside, None),
        Err(_) => count(inside)?,
    };
    message.mod_seq = value.and_then(ModSeq::new);
    match closed(rest) {
        Some(rest) if listed => Ok((rest, ())),
        _ if listed => fail(rest, ")"),
        _ => Ok((rest, ())),
    }
}

fn internal_date<'a>(start: Input<'a>, i: Input<'a>, rules: &Rules, message: &mut Message) -> Parsed<'a, ()> {
    // The usual form: 26 bytes in quotes.
    if let Some([b'"', date @ .., b'"']) = i.text.first_chunk::<28>()
        && let Some(date) = Timestamp::read(date)
    {
        message.internal_date = Some(date);
        return Ok((i.skip(28), ()));
    }
    let (rest, text) = loose(i)?;
    match text.map(|text| Timestamp::read(&text.bytes())) {
        Some(Some(date)) => {
            message.internal_date = Some(date);
            Ok((rest, ()))
        }
        None => Ok((rest, ())),
        Some(None) => other(start, start.skip(b"INTERNALDATE".len()), rules, message),
    }
}

fn body_structure<'a>(i: Input<'a>, parser: &mut Parser, message: &mut Message) -> Parsed<'a, ()> {
    let empty = open(i).ok().and_then(|(inside, ())| closed(inside));
    if let Some(rest) = nil(i).or(empty) {
        return Ok((rest, ()));
    }
    let depth = parser.rules.depth;
    let out = room_to_pack(parser);
    let (rest, ()) = body(i, depth, out)?;
    message.contents_mut().body_structure = Some(BodyStructure::from_packed(packed(out)));
    Ok((rest, ()))
}

/// `[section]<origin> value` of BODY.
fn body_data<'a>(start: Input<'a>, i: Input<'a>, rules: &Rules, message: &mut Message) -> Parsed<'a, ()> {
    let Ok((rest, section)) = section(i, rules) else { return other(start, i, rules, message) };
    let (rest, origin) = origin(rest)?;
    let (rest, data) = data(rest)?;
    let body = &mut message.contents_mut().body;
    rules.room(i, body.len())?;
    body.push(BodyData::new(section, origin, data.map(Str::to_bytes)));
    Ok((rest, ()))
}

/// RFC822 and the like, which are sections too (RFC 3501 section 6.4.5).
fn whole<'a>(i: Input<'a>, section: Section, rules: &Rules, message: &mut Message) -> Parsed<'a, ()> {
    let (rest, data) = data(i)?;
    let body = &mut message.contents_mut().body;
    rules.room(i, body.len())?;
    body.push(BodyData::new(section, None, data.map(Str::to_bytes)));
    Ok((rest, ()))
}

/// The bytes of a section; NIL if nothing follows before the row's end.
pub(crate) fn data(i: Input<'_>) -> Parsed<'_, Option<Str<'_>>> {
    let i = spaces(i);
    match nil(i) {
        _ if i.peek() == Some(b')') => Ok((i, None)),
        Some(rest) => Ok((rest, None)),
        None => string::data(i).map(|(rest, data)| (rest, Some(data))),
    }
}

/// An item of any kind as the server wrote it: its name with brackets and origin, and its value.
pub(crate) fn other<'a>(
    start: Input<'a>,
    i: Input<'a>,
    rules: &Rules,
    message: &mut Message,
) -> Parsed<'a, ()> {
    let i = if i.peek() == Some(b'[') {
        let end = memchr::memchr3(b']', b'\r', b'\n', i.text).filter(|&end| i.text.get(end) == Some(&b']'));
        let Some(end) = end else { return fail(i, "a section with its closing bracket") };
        let behind = i.skip(end + 1);
        behind.run(|b| b == b'<' || b == b'>' || b == b'.' || b.is_ascii_digit()).0
    } else {
        i
    };
    let item = String::from_utf8_lossy(start.until(i)).into_owned();
    let (i, ()) = gap(i)?;
    // Only a section may lack its value: any other word may be left over from a literal that was
    // announced too short.
    let is_missing = i.peek() == Some(b')') && item.ends_with([']', '>']);
    let (rest, raw) = if is_missing { (i, Default::default()) } else { value::raw(i, rules.depth)? };
    let other = &mut message.extras_mut().other;
    rules.room(i, other.len())?;
    other.push((item, raw));
    Ok((rest, ()))
}

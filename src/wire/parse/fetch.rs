//! FETCH and UIDFETCH (RFC 9051 section 7.5.2, RFC 9586): what is told of one message.

use super::body::body;
use super::envelope::envelope;
use super::extras;
use super::flags::flags;
use super::room;
use super::section::{origin, section};
use super::string::{Str, nstring};
use super::token::{Upper, closed, count, gap, name, number, number64, open, spaces};
use super::value;
use crate::types::packed::Writer;
use crate::types::{BodyData, BodyStructure, Envelope, Message, ModSeq, Section, Timestamp, Uid};
use crate::wire::input::{Input, Parsed, fail};

/// The list of items. The message's number, or UID in UIDFETCH, has been read.
pub(crate) fn fetch<'a>(i: Input<'a>, depth: usize, message: &mut Message) -> Parsed<'a, ()> {
    let (mut i, ()) = open(spaces(i))?;
    loop {
        if let Some(rest) = closed(i) {
            return Ok((rest, ()));
        }
        let (rest, written) = name(i)?;
        i = spaces(item(i, rest, written, depth, message)?.0);
    }
}

/// One item: its name was `written` at `start`, and `i` is behind it.
fn item<'a>(
    start: Input<'a>,
    i: Input<'a>,
    written: &[u8],
    depth: usize,
    message: &mut Message,
) -> Parsed<'a, ()> {
    let upper = Upper::new(written);
    match (upper.as_bytes(), i.peek()) {
        (b"BODY" | b"BODY.PEEK", Some(b'[')) => body_data(start, i, depth, message),
        (b"BINARY" | b"BINARY.PEEK", Some(b'[')) => extras::binary(start, i, depth, message),
        (b"BINARY.SIZE", Some(b'[')) => extras::binary_size(start, i, depth, message),
        (_, Some(b'[')) => other(start, i, depth, message),
        (b"UID", _) => {
            let (rest, value) = number(gap(i)?.0)?;
            message.uid = Uid::new(value).or(message.uid);
            Ok((rest, ()))
        }
        (b"FLAGS", _) => {
            let (rest, flags) = flags(gap(i)?.0)?;
            message.flags = Some(flags);
            Ok((rest, ()))
        }
        (b"MODSEQ", _) => mod_seq(gap(i)?.0, message),
        (b"INTERNALDATE", _) => internal_date(start, gap(i)?.0, depth, message),
        (b"RFC822.SIZE", _) => {
            let (rest, size) = count(gap(i)?.0)?;
            message.size = size;
            Ok((rest, ()))
        }
        (b"ENVELOPE", _) => {
            let i = gap(i)?.0;
            let mut out = Writer::with_capacity(i.text.len().min(GUESS));
            let (rest, there) = envelope(i, &mut out)?;
            message.envelope = there.then(|| Envelope::from_packed(out.finish()));
            Ok((rest, ()))
        }
        (b"BODY" | b"BODYSTRUCTURE", _) => body_structure(gap(i)?.0, depth, message),
        (b"RFC822", _) => whole(i, Section::Full, message),
        (b"RFC822.HEADER", _) => whole(i, Section::Header, message),
        (b"RFC822.TEXT", _) => whole(i, Section::Text, message),
        (name, _) => match extras::item(i, name, message)? {
            Some(rest) => Ok((rest, ())),
            None => other(start, i, depth, message),
        },
    }
}

/// How much room an envelope or a body structure is given at first.
const GUESS: usize = 512;

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

fn internal_date<'a>(start: Input<'a>, i: Input<'a>, depth: usize, message: &mut Message) -> Parsed<'a, ()> {
    let (rest, text) = nstring(i)?;
    match text.map(|text| Timestamp::read(&text.octets())) {
        Some(Some(date)) => {
            message.internal_date = Some(date);
            Ok((rest, ()))
        }
        None => Ok((rest, ())),
        Some(None) => other(start, start.skip(b"INTERNALDATE".len()), depth, message),
    }
}

fn body_structure<'a>(i: Input<'a>, depth: usize, message: &mut Message) -> Parsed<'a, ()> {
    let empty = open(i).ok().and_then(|(inside, ())| closed(inside));
    if let Some(rest) = super::token::nil(i).or(empty) {
        return Ok((rest, ()));
    }
    let mut out = Writer::with_capacity(i.text.len().min(GUESS));
    let (rest, ()) = body(i, depth, &mut out)?;
    message.body_structure = Some(BodyStructure::from_packed(out.finish()));
    Ok((rest, ()))
}

/// `[section]<origin> value` of BODY.
fn body_data<'a>(start: Input<'a>, i: Input<'a>, depth: usize, message: &mut Message) -> Parsed<'a, ()> {
    let Ok((rest, section)) = section(i) else { return other(start, i, depth, message) };
    let (rest, origin) = origin(rest)?;
    let (rest, data) = data(rest)?;
    room(i, message.body.len())?;
    message.body.push(BodyData::new(section, origin, data.map(Str::to_bytes)));
    Ok((rest, ()))
}

/// RFC822 and its kin, which are sections too (RFC 3501 section 6.4.5).
fn whole<'a>(i: Input<'a>, section: Section, message: &mut Message) -> Parsed<'a, ()> {
    let (rest, data) = data(i)?;
    room(i, message.body.len())?;
    message.body.push(BodyData::new(section, None, data.map(Str::to_bytes)));
    Ok((rest, ()))
}

/// The octets of a section; NIL if there is nothing before the row's end.
pub(crate) fn data(i: Input<'_>) -> Parsed<'_, Option<Str<'_>>> {
    let i = spaces(i);
    if i.peek() == Some(b')') { Ok((i, None)) } else { nstring(i) }
}

/// An item of any kind: name with brackets and origin, and value, as the server wrote them.
pub(crate) fn other<'a>(
    start: Input<'a>,
    i: Input<'a>,
    depth: usize,
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
    let (rest, raw) = if i.peek() == Some(b')') { (i, Default::default()) } else { value::raw(i, depth)? };
    let other = &mut message.extras_mut().other;
    room(i, other.len())?;
    other.push((item, raw));
    Ok((rest, ()))
}

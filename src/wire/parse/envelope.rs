//! ENVELOPE (RFC 9051 section 7.5.2).

use super::string::{loose, plain};
use super::token::{closed, next, nil, open, spaces};
use super::value;
use crate::types::packed::Writer;
use crate::wire::input::{Input, Parsed, fail};

/// How many fields an envelope has.
const FIELDS: usize = 10;
/// How deep lists may nest in what stands behind them.
const LISTS: usize = 10;

/// Packs an envelope, in the order that [`Envelope`](crate::types::Envelope) wants; packs nothing and gives
/// `false` for none.
pub(crate) fn envelope<'a>(i: Input<'a>, out: &mut Writer) -> Parsed<'a, bool> {
    if let Some(rest) = nil(i) {
        return Ok((rest, false));
    }
    let (inside, ()) = open(i)?;
    if let Some(rest) = closed(inside) {
        return Ok((rest, false));
    }
    if inside.peek() != Some(b'(') {
        return fields(inside, out).map(|(rest, ())| (rest, true));
    }
    // Its first field is no list: this is the pair too many.
    let (rest, ()) = fields(open(inside)?.0, out)?;
    match closed(rest) {
        Some(rest) => Ok((rest, true)),
        None => fail(rest, "the envelope's second )"),
    }
}

/// The fields and the closing parenthesis.
fn fields<'a>(i: Input<'a>, out: &mut Writer) -> Parsed<'a, ()> {
    let (mut i, mut more) = (i, i.peek() != Some(b')'));
    for field in 0..FIELDS {
        if !more {
            // NIL, and the end of an empty list, are the same octet.
            out.nil();
            continue;
        }
        let (rest, ()) = if (2..8).contains(&field) { addresses(i, out)? } else { pack(i, out)? };
        (i, more) = next(rest)?;
    }
    while more {
        let (rest, ()) = value::skip(i, LISTS)?;
        (i, more) = next(rest)?;
    }
    Ok((i.skip(1), ()))
}

/// Packs a string or NIL.
#[inline]
pub(crate) fn pack<'a>(i: Input<'a>, out: &mut Writer) -> Parsed<'a, ()> {
    if let Some((rest, text)) = plain(i) {
        out.string(Some(text));
        return Ok((rest, ()));
    }
    if let Some(rest) = nil(i) {
        out.nil();
        return Ok((rest, ()));
    }
    pack_other(i, out)
}

fn pack_other<'a>(i: Input<'a>, out: &mut Writer) -> Parsed<'a, ()> {
    if i.peek() == Some(b'(') {
        return pack_list(i, out);
    }
    let (rest, text) = loose(i)?;
    match text {
        Some(text) => text.pack(out),
        None => out.nil(),
    }
    Ok((rest, ()))
}

/// Texts in parentheses where one text is due: packs them with spaces between; NIL for none.
fn pack_list<'a>(i: Input<'a>, out: &mut Writer) -> Parsed<'a, ()> {
    let (mut i, ()) = open(i)?;
    let mut all: Vec<u8> = Vec::new();
    loop {
        if let Some(rest) = closed(i) {
            out.string(Some(&all[..]).filter(|all| !all.is_empty()));
            return Ok((rest, ()));
        }
        let (rest, text) = loose(i)?;
        if let Some(text) = text {
            if !all.is_empty() {
                all.push(b' ');
            }
            all.extend_from_slice(&text.octets());
        }
        i = spaces(rest);
    }
}

/// A list of addresses: NIL, or addresses in parentheses.
fn addresses<'a>(i: Input<'a>, out: &mut Writer) -> Parsed<'a, ()> {
    let Ok((mut i, ())) = open(i) else {
        // NIL, or a text that tells no address.
        let (rest, _) = loose(i)?;
        out.mark(0);
        return Ok((rest, ()));
    };
    if is_single(i) {
        let (rest, ()) = address(i, out)?;
        out.mark(0);
        return Ok((rest, ()));
    }
    loop {
        i = spaces(i);
        i = match i.peek() {
            Some(b'(') => address(open(i)?.0, out)?.0,
            Some(b')') => break,
            _ => match nil(i) {
                Some(rest) => rest,
                None => return fail(i, "an address"),
            },
        };
    }
    out.mark(0);
    Ok((i.skip(1), ()))
}

/// Whether a list begins with the fields of an address and not with addresses: with a text, or with one
/// behind NILs.
fn is_single(mut i: Input<'_>) -> bool {
    while let Some(rest) = nil(i) {
        i = spaces(rest);
    }
    matches!(i.peek(), Some(b'"' | b'{'))
}

/// Name, route, mailbox, host and the closing parenthesis. The route is not kept: it is obsolete.
fn address<'a>(i: Input<'a>, out: &mut Writer) -> Parsed<'a, ()> {
    let (mut i, mut more) = (i, i.peek() != Some(b')'));
    out.mark(1);
    for field in 0..4 {
        let is_route = field == 1;
        if !more {
            if !is_route {
                out.nil();
            }
            continue;
        }
        let (rest, ()) = match nil(i) {
            Some(rest) if is_route => (rest, ()),
            None if is_route => loose(i).map(|(rest, _)| (rest, ()))?,
            _ => pack(i, out)?,
        };
        (i, more) = next(rest)?;
    }
    while more {
        let (rest, ()) = value::skip(i, LISTS)?;
        (i, more) = next(rest)?;
    }
    Ok((i.skip(1), ()))
}

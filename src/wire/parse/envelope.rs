//! ENVELOPE (RFC 9051 section 7.5.2).

use super::string::{loose, pack_plain, quoted};
use super::token::{closed, next, nil, open, spaces};
use super::value;
use crate::types::packed::Writer;
use crate::wire::input::{Input, Parsed, fail};

/// How many lists of addresses an envelope has.
const LISTS_OF_ADDRESSES: usize = 6;
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
    let more = i.peek() != Some(b')');
    let (i, more) = field(i, more, out)?;
    let (mut i, mut more) = field(i, more, out)?;
    for _ in 0..LISTS_OF_ADDRESSES {
        if more {
            (i, more) = next(addresses(i, out)?.0)?;
        } else {
            out.mark(0);
        }
    }
    last_two(i, more, out)
}

/// Packs the last two fields of a list, to its end; what there is too much is passed over.
#[inline]
fn last_two<'a>(i: Input<'a>, more: bool, out: &mut Writer) -> Parsed<'a, ()> {
    let (i, more) = field(i, more, out)?;
    let (mut i, mut more) = field(i, more, out)?;
    while more {
        let (rest, ()) = value::skip(i, LISTS)?;
        (i, more) = next(rest)?;
    }
    Ok((i.skip(1), ()))
}

/// Packs one field of a list, a string or NIL, if there is one more, and says whether another follows. One that is
/// missing is NIL.
#[inline(always)]
pub(crate) fn field<'a>(i: Input<'a>, more: bool, out: &mut Writer) -> Parsed<'a, bool> {
    if !more {
        out.nil();
        return Ok((i, false));
    }
    match pack_usual(i.text, out) {
        Some(text) => next(Input { text, ..i }),
        None => next(pack_other(i, out)?.0),
    }
}

/// Packs a string or NIL.
#[inline]
pub(crate) fn pack<'a>(i: Input<'a>, out: &mut Writer) -> Parsed<'a, ()> {
    match pack_usual(i.text, out) {
        Some(text) => Ok((Input { text, ..i }, ())),
        None => pack_other(i, out),
    }
}

/// Packs a string in quotes or NIL, if that is next, and gives what is behind it. A slice goes in and out in registers,
/// an [`Input`] does not, and this is done some forty times for a message.
#[inline(never)]
pub(crate) fn pack_usual<'a>(text: &'a [u8], out: &mut Writer) -> Option<&'a [u8]> {
    if let Some(rest) = pack_plain(text, out) {
        return Some(rest);
    }
    if let Some(rest) = nil(Input::new(text, &[])) {
        out.nil();
        return Some(rest.text);
    }
    pack_quoted(text, out)
}

/// Packs a string in quotes that is long or has backslashes.
#[cold]
fn pack_quoted<'a>(text: &'a [u8], out: &mut Writer) -> Option<&'a [u8]> {
    let (rest, text) = quoted(Input::new(text, &[])).ok()?;
    text.pack(out);
    Some(rest.text)
}

#[inline(never)]
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
    if let Some(rest) = nil(i) {
        out.mark(0);
        return Ok((rest, ()));
    }
    let Ok((mut i, ())) = open(i) else {
        // A text that tells no address.
        let (rest, _) = loose(i)?;
        out.mark(0);
        return Ok((rest, ()));
    };
    if i.peek() != Some(b'(') && is_single(i) {
        let (rest, ()) = address(i, out)?;
        out.mark(0);
        return Ok((rest, ()));
    }
    loop {
        i = match i.peek() {
            Some(b'(') => {
                let start = out.length();
                match usual_address(i.skip(1).text, out) {
                    Some(text) => Input { text, ..i },
                    None => {
                        out.truncate(start);
                        address(spaces(i.skip(1)), out)?.0
                    }
                }
            }
            Some(b')') => break,
            Some(b' ') => spaces(i),
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

/// An address as nearly all are: strings in quotes or NIL, one space apart, and no route. What it packed of another
/// has to be taken back.
#[inline]
fn usual_address<'a>(text: &'a [u8], out: &mut Writer) -> Option<&'a [u8]> {
    out.mark(1);
    let text = pack_usual(text, out)?.strip_prefix(b" NIL ")?;
    let text = pack_usual(text, out)?.strip_prefix(b" ")?;
    pack_usual(text, out)?.strip_prefix(b")")
}

/// Name, route, mailbox, host and the closing parenthesis. The route is not kept: it is obsolete.
fn address<'a>(i: Input<'a>, out: &mut Writer) -> Parsed<'a, ()> {
    out.mark(1);
    let (mut i, mut more) = field(i, i.peek() != Some(b')'), out)?;
    if more {
        let rest = match nil(i) {
            Some(rest) => rest,
            None => loose(i)?.0,
        };
        (i, more) = next(rest)?;
    }
    last_two(i, more, out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is packed of this, and how much is left.
    fn packed(text: &str) -> Option<(Vec<u8>, usize)> {
        let mut out = Writer::with_capacity(2000);
        let (rest, _) = envelope(Input::new(text.as_bytes(), &[]), &mut out).ok()?;
        Some((out.to_bytes().to_vec(), rest.text.len()))
    }

    #[test]
    fn addresses_in_any_spelling_are_packed_alike() {
        let with =
            |address: &str| packed(&format!("(NIL \"s\" (({address})) NIL NIL NIL NIL NIL NIL \"<i>\") x"));
        let usual = with(r#""A" NIL "b" "c""#);
        assert!(usual.is_some());
        for other in [
            r#""A" NIL "b" "c" "#,
            r#""A"  NIL "b" "c""#,
            r#""A" nil "b" "c""#,
            r#""A" "route" "b" "c""#,
            r#" "A" () "b" "c""#,
            "{1}\r\nA NIL \"b\" \"c\"",
            "A NIL b c",
            "\"A\" NIL {1}\r\nb \"c\"",
            "\"A\" NIL \"b\" {1}\r\nc",
        ] {
            assert_eq!(with(other), usual, "{other}");
        }
        assert_eq!(with(r#""A\"" NIL "b" "c""#), with("{2}\r\nA\" NIL \"b\" \"c\""));
        assert_eq!(with(r#""A" NIL "b""#), with(r#""A" NIL "b" NIL"#));
        assert_eq!(with(r#""A" NIL "b" "c" "d""#), usual, "what is too much is passed over");
    }
}

//! ENVELOPE (RFC 9051 section 7.5.2).

use super::string::{Str, begins_string, loose, pack_plain, quoted, string};
use super::token::{closed, next, nil, open, spaces};
use super::value;
use crate::types::text_arena::Writer;
use crate::wire::input::{Fail, Input, Parsed, expected, fail};

/// How many lists of addresses an envelope has.
const LISTS_OF_ADDRESSES: usize = 6;
/// How deep lists may nest in the fields after them.
const LISTS: usize = 10;

/// Packs an envelope in the order in which [`Envelope`](crate::types::Envelope) reads it; packs
/// nothing and returns `false` if there is none.
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
    // The first field is no list, so this is an additional pair of parentheses.
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

/// Packs the last two fields of a list and skips any others up to its end.
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

/// Packs one field of a list, a string or NIL, and returns whether another follows. A missing field
/// is NIL.
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

/// Packs a quoted string or NIL, if one is next, and returns what follows it. It works on a slice
/// because that is passed in registers, unlike an [`Input`], and this runs some forty times for
/// each message.
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

/// Packs a quoted string that is long or has backslashes.
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

/// Texts in parentheses in place of one text: packs them joined with spaces; NIL if there are none.
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
            all.extend_from_slice(&text.bytes());
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
        // A text, which stands for no address.
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

/// Whether a list begins with the fields of an address and not with addresses: with a text,
/// possibly after NILs.
fn is_single(mut i: Input<'_>) -> bool {
    while let Some(rest) = nil(i) {
        i = spaces(rest);
    }
    matches!(i.peek(), Some(b'"' | b'{'))
}

/// An address in its usual form: quoted strings or NIL, one space apart, and no route. For any
/// other form, the caller has to undo what was packed.
#[inline]
fn usual_address<'a>(text: &'a [u8], out: &mut Writer) -> Option<&'a [u8]> {
    out.mark(1);
    let text = pack_usual(text, out)?.strip_prefix(b" NIL ")?;
    let text = pack_usual(text, out)?.strip_prefix(b" ")?;
    pack_usual(text, out)?.strip_prefix(b")")
}

/// Name, route, mailbox, host and the closing parenthesis. The route is obsolete and not kept.
fn address<'a>(i: Input<'a>, out: &mut Writer) -> Parsed<'a, ()> {
    let start = out.length();
    match short_address(i, out) {
        Ok((rest, true)) => Ok((rest, ())),
        // More than four fields, or a malformed one.
        _ => {
            out.truncate(start);
            long_address(i, out)
        }
    }
}

/// An address of at most four fields; `false` if there are more.
fn short_address<'a>(i: Input<'a>, out: &mut Writer) -> Parsed<'a, bool> {
    out.mark(1);
    let (mut i, mut more) = field(i, i.peek() != Some(b')'), out)?;
    if more {
        let rest = match nil(i) {
            Some(rest) => rest,
            None => loose(i)?.0,
        };
        (i, more) = next(rest)?;
    }
    let (i, more) = field(i, more, out)?;
    let (i, more) = field(i, more, out)?;
    Ok((i.skip(1), !more))
}

/// An address of more than four fields. A name cut by a wrong literal length, or without its
/// quotes, continues after its field: then route, mailbox and host are the last three, and the
/// route is NIL, as it always is today. Otherwise everything after four fields is skipped.
#[cold]
fn long_address<'a>(i: Input<'a>, out: &mut Writer) -> Parsed<'a, ()> {
    let (behind_name, name) = loose(i)?;
    let second = spaces(behind_name);
    // The last three fields.
    let (mut last, mut count, mut at) = ([second; 3], 0usize, second);
    while at.peek() != Some(b')') {
        last = [last[1], last[2], at];
        count += 1;
        at = spaces(piece(at)?);
    }
    let [route, mailbox, host] = last;
    let is_usual = nil(second).is_some() && (nil(route).is_none() || nil(mailbox).is_some());
    if count < 3 || is_usual {
        let (rest, is_whole) = short_address(i, out)?;
        return Ok((if is_whole { rest } else { at.skip(1) }, ()));
    }
    out.mark(1);
    out.string(Some(&long_name(i, name, behind_name, route)[..]).filter(|name| !name.is_empty()));
    let (rest, ()) = pack(mailbox, out)?;
    let is_host = spaces(rest).text.len() == host.text.len();
    let (rest, ()) = pack(host, out)?;
    // Nothing may follow either of them that belongs to no field.
    if is_host && spaces(rest).text.len() == at.text.len() { Ok((at.skip(1), ())) } else { fail(rest, ")") }
}

/// A name that was sent as several fields, up to the `route`.
fn long_name(i: Input<'_>, name: Option<Str<'_>>, behind: Input<'_>, route: Input<'_>) -> Vec<u8> {
    let all = i.until(route).trim_ascii_end();
    if behind.peek() != Some(b' ')
        && let Some(inside) = all.strip_prefix(b"\"").and_then(|all| all.strip_suffix(b"\""))
    {
        // The name contains quotes that are not escaped.
        return inside.to_vec();
    }
    let surplus = behind.until(route).trim_ascii_end();
    let surplus = if surplus.trim_ascii().eq_ignore_ascii_case(b"NIL") { &[] } else { surplus };
    let whole = [&*name.map(Str::bytes).unwrap_or_default(), surplus].concat();
    whole.trim_ascii_start().to_vec()
}

/// The rest after one string, list or word of any bytes.
fn piece(i: Input<'_>) -> Result<Input<'_>, nom::Err<Fail>> {
    if begins_string(i) {
        match string(i) {
            Ok((rest, _)) => return Ok(rest),
            Err(error @ nom::Err::Failure(_)) => return Err(error),
            Err(_) => {}
        }
    }
    if i.peek() == Some(b'(') {
        return Ok(value::skip(i, LISTS)?.0);
    }
    let (rest, word) = i.run(|b| !matches!(b, b' ' | b'(' | b')' | b'\r' | b'\n'));
    if word.is_empty() { Err(expected(i, "an address")) } else { Ok(rest) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The packed form, and how many bytes are left.
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
        for more in [r#""A" NIL "b" "c" "d""#, r#""A" NIL "b" "c" NIL NIL"#, r#""A" NIL "b" "c" NIL (1 (2))"#]
        {
            assert_eq!(with(more), usual, "additional fields are skipped");
        }
        assert_eq!(with(r#""A" NIL "b" NIL NIL NIL"#), with(r#""A" NIL "b""#));
    }

    #[test]
    fn the_surplus_of_an_address_belongs_to_its_name() {
        let with =
            |address: &str| packed(&format!("(NIL \"s\" (({address})) NIL NIL NIL NIL NIL NIL \"<i>\") x"));
        for (address, name) in [
            ("{1}\r\nA \"B C\" 6 NIL \"b\" \"c\"", "{9}\r\nA \"B C\" 6"),
            ("{1}\r\nAB\" NIL \"b\" \"c\"", "{3}\r\nAB\""),
            ("A B NIL \"b\" \"c\"", "\"A B\""),
            ("\"A\" B C D NIL b c", "\"A B C D\""),
            ("\"A\" NIL NIL \"b\" \"c\"", "\"A\""),
            ("\"A \"B\" C\" NIL \"b\" \"c\"", "{7}\r\nA \"B\" C"),
            ("NIL \"A\" \"@r\" \"b\" \"c\"", "{3}\r\n\"A\""),
        ] {
            let usual = with(&format!("{name} NIL \"b\" \"c\""));
            assert!(usual.is_some());
            assert_eq!(with(address), usual, "{address}");
        }
        assert_eq!(with("\"A\" B \"b"), None);
    }
}

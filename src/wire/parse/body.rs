//! BODY and BODYSTRUCTURE (RFC 9051 section 7.5.2).

use super::envelope::{envelope, field, pack, pack_usual};
use super::string::{Str, loose, plain};
use super::token::{close, closed, count, next, nil, open, spaces};
use super::value;
use crate::types::text_arena::Writer;
use crate::types::{LEAF, MULTIPART};
use crate::wire::input::{Input, Parsed, fail};

/// How deep lists may nest within a part's own fields. The RFC's have two levels.
const LISTS: usize = 10;

/// Packs one body with everything in it, as [`BodyStructure`](crate::types::BodyStructure) reads
/// it. `depth` is how deep bodies may still nest.
pub(crate) fn body<'a>(i: Input<'a>, depth: usize, out: &mut Writer) -> Parsed<'a, ()> {
    let Some(depth) = depth.checked_sub(1) else { return fail(i, "parts nested within Limits::depth") };
    let (inside, ()) = open(i)?;
    let node = out.open();
    let (rest, ()) = match inside.peek() {
        Some(b'(') => multipart(inside, depth, out)?,
        _ => leaf(inside, depth, out)?,
    };
    out.close(node);
    match closed(rest) {
        Some(rest) => Ok((rest, ())),
        None => fail(rest, "the end of a part"),
    }
}

/// The rest after NIL or `()`, if one of them is next.
fn none(i: Input<'_>) -> Option<Input<'_>> {
    nil(i).or_else(|| open(i).ok().and_then(|(inside, ())| closed(inside)))
}

/// `(part)(part) "mixed" …`, without the outer parentheses.
fn multipart<'a>(i: Input<'a>, depth: usize, out: &mut Writer) -> Parsed<'a, ()> {
    out.mark(MULTIPART);
    let children = out.open();
    let mut i = i;
    while i.peek() == Some(b'(') {
        i = spaces(if let Some(rest) = none(i) { rest } else { body(i, depth, out)?.0 });
    }
    out.close(children);
    let (i, ()) = if i.peek() == Some(b')') { nothing(i, out) } else { pack(i, out)? };
    let (i, more) = next(i)?;
    multipart_fields(i, more, out)
}

/// A multipart's fields after its subtype, if `more` follow.
fn multipart_fields<'a>(i: Input<'a>, more: bool, out: &mut Writer) -> Parsed<'a, ()> {
    if !more {
        return extension(nothing(i, out).0, false, out);
    }
    let (i, more) = next(params(i, out)?.0)?;
    extension(i, more, out)
}

/// Packs NIL or an empty list, which are the same: one 0.
fn nothing<'a>(i: Input<'a>, out: &mut Writer) -> (Input<'a>, ()) {
    out.nil();
    (i, ())
}

/// A basic part, a text or a message, without the outer parentheses.
fn leaf<'a>(i: Input<'a>, depth: usize, out: &mut Writer) -> Parsed<'a, ()> {
    let (rest, media_type) = match plain(i) {
        Some((rest, text)) => (rest, Some(Str::Plain(text))),
        None => loose(i)?,
    };
    let (rest, more) = next(rest)?;
    let names = match rest.peek() {
        Some(b'"') if more => Names::Two,
        _ => names(media_type, rest, more)?,
    };
    if names == Names::Multipart {
        out.mark(MULTIPART);
        let children = out.open();
        out.close(children);
        out.string(media_type.map(Str::bytes).as_deref());
        return multipart_fields(rest, more, out);
    }
    let media_type = media_type.map(Str::bytes).unwrap_or_default();
    out.mark(LEAF);
    out.string(Some(&media_type));
    let (i, ()) = if more && names == Names::Two { pack(rest, out)? } else { nothing(rest, out) };

    // A part with one name has its parameters in place of the second.
    let (i, more) = if names == Names::Two { next(i)? } else { (i, more) };
    let (i, ()) = if more { params(i, out)? } else { nothing(i, out) };
    let (i, more) = next(i)?;
    let (i, more) = field(i, more, out)?;
    let (i, more) = field(i, more, out)?;
    let (i, more) = field(i, more, out)?;
    let (i, size) = if more { count(i)? } else { (i, None) };
    out.number(size);

    let (i, more) = next(i)?;
    let is_message = more && media_type.eq_ignore_ascii_case(b"message") && has_message(i);
    let (i, more) = if is_message {
        next(message(i, depth, out)?.0)?
    } else {
        out.mark(0);
        (i, more)
    };

    // Lines, which texts and messages have; a number in this place of any other part means the
    // same.
    let is_number = matches!(i.peek(), Some(b'0'..=b'9' | b'-'));
    let is_unknown = nil(i).is_some() && (is_message || media_type.eq_ignore_ascii_case(b"text"));
    let has_lines = more && (is_number || is_unknown);
    let (i, lines) = if has_lines { count(i)? } else { (i, None) };
    out.number(lines);

    // A list here is no MD5: that is missing, and this is the disposition.
    let (i, more) = if has_lines { next(i)? } else { (i, more) };
    let is_list = i.peek() == Some(b'(') && none(i).is_none();
    if more && !is_list {
        let (i, more) = next(pack(i, out)?.0)?;
        return extension(i, more, out);
    }
    out.nil();
    extension(i, more, out)
}

/// What the names at the beginning of a part without children mean.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Names {
    /// Type and subtype, as the grammar has it.
    Two,
    /// The type, or both in one; the parameters follow.
    One,
    /// The subtype of a multipart without parts.
    Multipart,
}

/// The types of parts (RFC 2046, RFC 6838 section 4.2); none of them is a multipart's subtype.
const TYPES: [&[u8]; 10] = [
    b"text",
    b"image",
    b"audio",
    b"video",
    b"application",
    b"message",
    b"multipart",
    b"model",
    b"font",
    b"haptics",
];

/// `("ALTERNATIVE")`, `("RELATED" NIL ("ATTACHMENT" NIL) NIL)` or `("X-ZIP" ("A" "b") NIL NIL
/// "base64" 4096)`: the meaning of a single media name, where the second is missing. A basic part
/// has parameters, id, description, encoding and then its size; a multipart has four fields after
/// its subtype, and no number among them.
fn names(
    first: Option<Str<'_>>,
    second: Input<'_>,
    more: bool,
) -> Result<Names, nom::Err<crate::wire::input::Fail>> {
    let Some(first) = first else { return Ok(Names::Two) };
    let is_list = second.peek() == Some(b'(');
    if more && !is_list && nil(second).is_none() {
        return Ok(Names::Two);
    }
    let first = first.bytes();
    let is_type = TYPES.iter().any(|known| first.eq_ignore_ascii_case(known));
    // Skips the fields from the second on, up to where a part with one name has its size.
    let (mut i, mut more, mut count) = (second, more, 0);
    while more && count < 4 {
        count += 1;
        (i, more) = next(value::skip(i, LISTS)?.0)?;
    }
    let is_size = more && is_whole_number(i);
    let has_params = is_list && none(second).is_none();
    Ok(match (is_size, has_params) {
        (true, _) => Names::One,
        (false, _) if !is_type && !first.is_empty() && !more => Names::Multipart,
        (false, true) => Names::One,
        (false, false) => Names::Two,
    })
}

/// Whether a number is next, and not a word that begins with one, such as `7BIT`.
fn is_whole_number(i: Input<'_>) -> bool {
    let (rest, digits) = i.run(|b| b.is_ascii_digit());
    !digits.is_empty() && matches!(rest.peek(), Some(b' ' | b')' | b'.')) || i.text.starts_with(b"-1")
}

/// Whether envelope, body and lines follow here, and not MD5, disposition and language. Servers
/// omit them for messages that they could not parse.
fn has_message(i: Input<'_>) -> bool {
    let Some(behind) = none(i) else { return i.peek() == Some(b'(') && !is_disposition(i) };
    let Ok((second, true)) = next(behind) else { return false };
    match none(second) {
        Some(behind) => next(behind).is_ok_and(|(i, _)| {
            // Lines, or NIL for lines and MD5 followed by a disposition, which could be nowhere
            // else.
            let disposition = || next(none(next(none(i)?).ok()?.0)?).ok();
            matches!(i.peek(), Some(b'0'..=b'9' | b'-'))
                || disposition().is_some_and(|(i, _)| is_disposition(i))
        }),
        // Without an envelope, the shape of a body distinguishes it from a disposition.
        None => second.peek() == Some(b'(') && is_body(second),
    }
}

/// Whether a list is a part and not a disposition: it begins with a part or with two texts, is a
/// single text, begins with the subtype of a known multipart, or has more than two values; and it
/// does not begin with the name of a disposition.
fn is_body(i: Input<'_>) -> bool {
    let Ok((inside, ())) = open(i) else { return false };
    if inside.peek() == Some(b'(') {
        return true;
    }
    if is_kind(inside) {
        return false;
    }
    let Ok((second, more)) = loose(inside).and_then(|(rest, _)| next(rest)) else { return false };
    let is_params = second.peek() == Some(b'(') || nil(second).is_some();
    // A name with parameters is taken for a disposition, unless it is that of a known multipart.
    !more
        || !is_params
        || is_multipart_kind(inside)
        || value::skip(second, LISTS).and_then(|(rest, ())| next(rest)).is_ok_and(|(_, more)| more)
}

/// Whether a list is a disposition and not an envelope: only a disposition has a list as its second
/// value.
fn is_disposition(i: Input<'_>) -> bool {
    let second = open(i).and_then(|(inside, ())| loose(inside)).map(|(rest, _)| spaces(rest));
    second.is_ok_and(|rest| rest.peek() == Some(b'(') && none(rest).is_none())
        || shape(i) == Shape::Disposition && open(i).is_ok_and(|(i, ())| is_kind(i))
}

/// Whether the next text is one of the two dispositions in use (RFC 2183 section 2).
fn is_kind(i: Input<'_>) -> bool {
    let Ok((_, Some(kind))) = loose(i) else { return false };
    let kind = kind.bytes();
    kind.eq_ignore_ascii_case(b"attachment") || kind.eq_ignore_ascii_case(b"inline")
}

/// Whether the next text is the subtype of a multipart in use (RFC 2046 section 5.1, RFC 6522).
fn is_multipart_kind(i: Input<'_>) -> bool {
    const KINDS: [&[u8]; 7] =
        [b"mixed", b"alternative", b"related", b"digest", b"parallel", b"signed", b"report"];
    let Ok((_, Some(kind))) = loose(i) else { return false };
    let kind = kind.bytes();
    KINDS.iter().any(|known| kind.eq_ignore_ascii_case(known))
}

/// Envelope and body of a part that is a message.
fn message<'a>(i: Input<'a>, depth: usize, out: &mut Writer) -> Parsed<'a, ()> {
    out.mark(1);
    let block = out.open();
    let fields = out.open();
    let (i, _) = envelope(i, out)?;
    out.close(fields);
    let (inner, more) = next(i)?;
    let i = match none(inner) {
        _ if !more => i,
        Some(rest) => rest,
        // The body is missing, and lines follow.
        None if inner.peek() != Some(b'(') => i,
        None => body(inner, depth, out)?.0,
    };
    out.close(block);
    Ok((i, ()))
}

/// `("CHARSET" "utf-8")`, NIL, or a text, which stands for no parameters.
fn params<'a>(i: Input<'a>, out: &mut Writer) -> Parsed<'a, ()> {
    let Ok((mut i, ())) = open(i) else {
        let (rest, _) = loose(i)?;
        return Ok(nothing(rest, out));
    };
    let mut more = i.peek() != Some(b')');
    while more {
        let start = out.length();
        if let Some(text) = usual_param(i.text, out) {
            (i, more) = next(Input { text, ..i })?;
            continue;
        }
        out.truncate(start);
        // Some servers put each pair in parentheses of its own.
        let (pair, ()) = if i.peek() == Some(b'(') { open(i)? } else { (i, ()) };
        let is_pair = pair.text.len() < i.text.len();
        let (rest, is_named) = param_name(pair, out)?;
        let (rest, has_value) = next(rest)?;
        (i, more) = match (has_value, rest.peek()) {
            (true, Some(b'(')) => {
                if is_named {
                    out.nil();
                }
                next(value::skip(rest, LISTS)?.0)?
            }
            (true, _) if !is_named => next(loose(rest)?.0)?,
            (false, _) if !is_named => (rest, false),
            (has_value, _) => field(rest, has_value, out)?,
        };
        if is_pair {
            (i, more) = next(close(i)?.0)?;
        }
    }
    out.mark(0);
    Ok((i.skip(1), ()))
}

/// A parameter in its usual form: two quoted strings. For any other form, the caller has to undo
/// what was packed.
#[inline]
fn usual_param<'a>(text: &'a [u8], out: &mut Writer) -> Option<&'a [u8]> {
    let [b'"', ..] = text else { return None };
    out.mark(1);
    let text = pack_usual(text, out)?.strip_prefix(b" ")?;
    pack_usual(text, out)
}

/// Packs a mark and a parameter's name; packs nothing and returns `false` for NIL.
fn param_name<'a>(i: Input<'a>, out: &mut Writer) -> Parsed<'a, bool> {
    let (rest, name) = loose(i)?;
    if let Some(name) = name {
        out.mark(1);
        name.pack(out);
    }
    Ok((rest, name.is_some()))
}

/// The shape of a value in the place of disposition or language.
#[derive(PartialEq)]
enum Shape {
    None,
    Disposition,
    Other,
}

fn shape(i: Input<'_>) -> Shape {
    if none(i).is_some() {
        return Shape::None;
    }
    let Ok((inside, ())) = open(i) else {
        return if is_kind(i) { Shape::Disposition } else { Shape::Other };
    };
    let Ok((rest, kind)) = loose(inside) else { return Shape::Other };
    let rest = spaces(rest);
    let has_params = rest.peek() == Some(b'(') || nil(rest).is_some();
    match kind {
        None if has_params || rest.peek() == Some(b')') => Shape::None,
        Some(_) if has_params || is_kind(inside) => Shape::Disposition,
        _ => Shape::Other,
    }
}

/// Disposition, language, location and further fields (RFC 9051 section 9, `body-ext-1part`), of
/// which the first is there if `more`. Some servers swap the first two; their shape distinguishes
/// them.
fn extension<'a>(first: Input<'a>, more: bool, out: &mut Writer) -> Parsed<'a, ()> {
    if !more {
        out.mark(0);
        out.mark(0);
        out.nil();
        out.nil();
        return Ok((first, ()));
    }
    // The usual case: neither.
    if let Some(behind) = nil(first)
        && let (second, true) = next(behind)?
        && let Some(rest) = nil(second)
    {
        out.mark(0);
        out.mark(0);
        return location(rest, out);
    }
    let (behind, ()) = value::skip(first, LISTS)?;
    let (second, more) = next(behind)?;
    let swapped = more && shape(second) == Shape::Disposition && shape(first) != Shape::Disposition;
    let i = if swapped {
        let (rest, ()) = disposition(second, out)?;
        language(first, out)?;
        rest
    } else {
        disposition(first, out)?;
        if more { language(second, out)?.0 } else { nothing(second, out).0 }
    };
    location(i, out)
}

/// Location and further fields; `i` is after the language, or at the end.
fn location<'a>(i: Input<'a>, out: &mut Writer) -> Parsed<'a, ()> {
    let (i, more) = next(i)?;
    let is_list = i.peek() == Some(b'(') && none(i).is_none();
    let (start, mut more) =
        if is_list { next(nothing(value::skip(i, LISTS)?.0, out).0)? } else { field(i, more, out)? };
    let (mut i, mut rest) = (start, start);
    while more {
        i = value::skip(rest, LISTS)?.0;
        (rest, more) = next(i)?;
    }
    out.string(Some(start.until(i)).filter(|more| !more.is_empty()));
    Ok((rest, ()))
}

/// `("attachment" ("filename" "a.txt"))`, a text for the type alone, or NIL.
fn disposition<'a>(i: Input<'a>, out: &mut Writer) -> Parsed<'a, ()> {
    let list = if shape(i) == Shape::None { None } else { open(i).ok() };
    let Some((inside, ())) = list else {
        let kind = if shape(i) == Shape::None { None } else { loose(i)?.1 };
        if let Some(kind) = kind {
            out.mark(1);
            out.string(Some(&kind.bytes()));
        }
        out.mark(0);
        return Ok((value::skip(i, LISTS)?.0, ()));
    };
    out.mark(1);
    let (rest, ()) = pack(inside, out)?;
    let (mut rest, mut more) = next(rest)?;
    if more {
        rest = params(rest, out)?.0;
        (rest, more) = next(rest)?;
    } else {
        out.mark(0);
    }
    while more {
        rest = value::skip(rest, LISTS)?.0;
        (rest, more) = next(rest)?;
    }
    Ok((rest.skip(1), ()))
}

/// `"en"`, `("en" "de")` or NIL.
fn language<'a>(i: Input<'a>, out: &mut Writer) -> Parsed<'a, ()> {
    let mut add = |text: Option<Str<'_>>| {
        if let Some(text) = text {
            out.mark(1);
            out.string(Some(&text.bytes()));
        }
    };
    let rest = if let Ok((mut i, ())) = open(i) {
        let mut more = i.peek() != Some(b')');
        while more {
            let (rest, text) = loose(i)?;
            add(text);
            (i, more) = next(rest)?;
        }
        i.skip(1)
    } else {
        let (rest, text) = loose(i)?;
        add(text);
        rest
    };
    out.mark(0);
    Ok((rest, ()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_in_any_spelling_are_packed_alike() {
        let packed = |text: &str| {
            let mut out = Writer::with_capacity(2000);
            let (rest, ()) = params(Input::new(text.as_bytes(), &[]), &mut out).ok()?;
            Some((out.to_bytes(), rest.text.len()))
        };
        let usual = packed(r#"("a" "b" "c" NIL) x"#);
        assert!(usual.is_some());
        for other in [
            r#"( "a" "b" "c" NIL ) x"#,
            r#"("a"  "b" "c" nil) x"#,
            r#"("a" "b" "c") x"#,
            r#"("a" "b" "c" ) x"#,
            r#"("a" "b" "c" ("d" "e")) x"#,
            r#"(a b c ()) x"#,
            r#"(NIL "x" "a" "b" "c" NIL) x"#,
            "(\"a\" {1}\r\nb {1}\r\nc NIL) x",
            r#"("a" "b" "c" NIL NIL) x"#,
        ] {
            assert_eq!(packed(other), usual, "{other}");
        }
        assert_eq!(packed(r#"("a" "\\") x"#), packed("(a {1}\r\n\\) x"));
    }
}

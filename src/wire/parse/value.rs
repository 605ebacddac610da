//! Values of unknown shape: skipped, or kept as the server wrote them.

use bytes::Bytes;

use super::string::{Str, data, plain};
use super::token::spaces;
use crate::wire::input::{Input, Parsed, fail};

/// Skips one value: a list with its contents, a string, or a word. Lists may nest `depth` deep.
pub(crate) fn skip(i: Input<'_>, depth: usize) -> Parsed<'_, ()> {
    walk(i, depth, |_, _| {})
}

/// One value as the server wrote it.
pub(crate) fn raw(i: Input<'_>, depth: usize) -> Parsed<'_, Bytes> {
    let mut large: Vec<(usize, &Bytes)> = Vec::new();
    let (rest, ()) = walk(i, depth, |at, literal| large.push((at, literal)))?;
    Ok((rest, join(i.until(rest), i.text.len(), &large)))
}

/// The whole response as the server wrote it, if the rest of it is a sequence of values.
pub(crate) fn raw_row<'a>(all: Input<'a>, i: Input<'a>, depth: usize) -> Parsed<'a, Bytes> {
    let mut large: Vec<(usize, &Bytes)> = Vec::new();
    let mut rest = spaces(i);
    while !rest.text.is_empty() {
        let (behind, ()) = walk(rest, depth, |at, literal| large.push((at, literal)))?;
        rest = spaces(behind);
    }
    Ok((rest, join(all.text, all.text.len(), &large)))
}

/// A copy of `text`, which began when `total` bytes were left, with each large literal in place.
/// Its position is given by how many bytes were left after its announcement.
pub(crate) fn join(text: &[u8], total: usize, large: &[(usize, &Bytes)]) -> Bytes {
    if large.is_empty() {
        return Bytes::copy_from_slice(text);
    }
    let mut whole = Vec::with_capacity(text.len() + large.iter().map(|(_, l)| l.len()).sum::<usize>());
    let mut from = 0;
    for &(left, literal) in large {
        let to = total.saturating_sub(left);
        whole.extend_from_slice(text.get(from..to).unwrap_or_default());
        whole.extend_from_slice(literal);
        from = to;
    }
    whole.extend_from_slice(text.get(from..).unwrap_or_default());
    Bytes::from(whole)
}

/// Walks over one value; passes each large literal to `large` with the number of bytes left after
/// its announcement.
fn walk<'a>(i: Input<'a>, depth: usize, mut large: impl FnMut(usize, &'a Bytes)) -> Parsed<'a, ()> {
    let (mut rest, mut open) = (i, 0usize);
    loop {
        match rest.peek() {
            Some(b'(') if open == depth => return fail(rest, "parentheses nested within Limits::depth"),
            Some(b'(') => {
                open += 1;
                rest = spaces(rest.skip(1));
                continue;
            }
            Some(b')') if open > 0 => {
                open -= 1;
                rest = rest.skip(1);
            }
            _ => {
                let (behind, text) = match plain(rest) {
                    Some((behind, _)) => (behind, None),
                    None => scalar(rest)?,
                };
                if let Some(Str::Large(literal)) = text {
                    large(behind.text.len(), literal);
                }
                rest = behind;
            }
        }
        if open == 0 {
            return Ok((rest, ()));
        }
        rest = spaces(rest);
    }
}

/// A string, or a word up to a space or a parenthesis. Brackets in a word may contain spaces and
/// lists (`BODY[HEADER.FIELDS (Date)]`).
fn scalar(i: Input<'_>) -> Parsed<'_, Option<Str<'_>>> {
    if matches!(i.peek(), Some(b'"' | b'{' | b'~')) {
        if let Ok((rest, text)) = data(i) {
            return Ok((rest, Some(text)));
        }
        if i.peek() != Some(b'~') {
            return fail(i, "a string");
        }
    }
    let (rest, word) = i.run(|b| !matches!(b, b' ' | b'(' | b')' | b'[' | b'"' | b'\r' | b'\n'));
    match bracketed(rest) {
        Some(rest) => {
            let (rest, _) = rest.run(|b| !matches!(b, b' ' | b'(' | b')' | b'"' | b'\r' | b'\n'));
            Ok((rest, None))
        }
        None if rest.peek() == Some(b'[') => {
            let (rest, _) = rest.run(|b| !matches!(b, b' ' | b'(' | b')' | b'"' | b'\r' | b'\n'));
            Ok((rest, None))
        }
        None if word.is_empty() => fail(i, "a value"),
        None => Ok((rest, None)),
    }
}

/// The rest after `[…]`, if that is next and closed on this line before another one opens, so that
/// no byte is looked at once per bracket before it.
fn bracketed(i: Input<'_>) -> Option<Input<'_>> {
    let inside = if i.peek() == Some(b'[') { i.skip(1) } else { return None };
    let rest = inside.skip(memchr::memchr3(b']', b'[', b'\n', inside.text)?);
    (rest.peek() == Some(b']')).then(|| rest.skip(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Option<(String, String)> {
        let (rest, raw) = raw(Input::new(text.as_bytes(), &[]), 5).ok()?;
        let text = |b: &[u8]| String::from_utf8(b.to_vec()).unwrap();
        Some((text(&raw), text(rest.text)))
    }

    #[test]
    fn one_value_is_taken() {
        for (text, first) in [
            ("NIL x", "NIL"),
            ("(a (b \"c)\") {1}\r\n)) x", "(a (b \"c)\") {1}\r\n))"),
            ("(()) x", "(())"),
            ("( a ) x", "( a )"),
            ("\\Seen x", "\\Seen"),
            ("BODY[HEADER.FIELDS (Date)]<0> x", "BODY[HEADER.FIELDS (Date)]<0>"),
            ("12:13,* x", "12:13,*"),
            ("[x x", "[x"),
        ] {
            assert_eq!(value(text), Some((first.to_owned(), " x".to_owned())), "{text:?}");
        }
        for bad in ["", ")", "(a", "\"a", "((((((a))))))", "{3}\r\nab"] {
            assert_eq!(value(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn large_literals_go_back_to_their_places() {
        let literals = [Bytes::from(vec![b'x'; 4096]), Bytes::from(vec![b'y'; 4097])];
        let text = b"({4096}\r\n a {4097}\r\n) b";
        let (rest, raw) = raw(Input::new(text, &literals), 5).unwrap();
        assert_eq!(rest.text, b" b");
        let expected = [b"({4096}\r\n", &literals[0][..], b" a {4097}\r\n", &literals[1][..], b")"].concat();
        assert_eq!(raw, expected);
        let all = Input::new(text, &literals);
        let (_, row) = raw_row(all, all, 5).unwrap();
        assert_eq!(row.len(), text.len() + 4096 + 4097);
        // Behind its keyword too.
        let text = [b"* XNEW ", &text[..]].concat();
        let all = Input::new(&text, &literals);
        let (_, row) = raw_row(all, all.skip(7), 5).unwrap();
        assert!(row.starts_with(b"* XNEW ({4096}\r\nxxx") && row.ends_with(b"yyy) b"), "{row:?}");
        assert_eq!(row.len(), text.len() + 4096 + 4097);
    }
}

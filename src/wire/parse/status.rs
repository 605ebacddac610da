//! Status responses: the data of OK, NO, BAD, BYE and PREAUTH. Parsing one never fails: a malformed
//! code is kept as it is, and brackets that are no code are text.

use super::Rules;
use super::code::code;
use super::token::{Upper, name, spaces};
use crate::types::{Code, Status, StatusResponse};
use crate::wire::input::Input;

/// The status that a response begins with.
pub(crate) fn status_word(word: &[u8]) -> Option<Status> {
    Some(match Upper::new(word).as_bytes() {
        b"OK" => Status::Ok,
        b"NO" => Status::No,
        b"BAD" => Status::Bad,
        b"BYE" => Status::Bye,
        b"PREAUTH" => Status::PreAuth,
        _ => return None,
    })
}

/// Code and text up to the end (RFC 9051 section 9, `resp-text`).
pub(crate) fn status_rest(i: Input<'_>, status: Status, rules: &Rules) -> StatusResponse {
    let i = spaces(i);
    let (rest, code) = bracketed(i, rules).map_or((i, None), |(rest, code)| (spaces(rest), Some(code)));
    StatusResponse::new(status, code, String::from_utf8_lossy(rest.text))
}

/// A code with its brackets, if one is next.
pub(crate) fn bracketed<'a>(i: Input<'a>, rules: &Rules) -> Option<(Input<'a>, Code)> {
    if i.peek() != Some(b'[') {
        return None;
    }
    let i = spaces(i.skip(1));
    let known = name(i).ok().and_then(|(rest, name)| code(rest, Upper::new(name).as_bytes(), rules));
    known.or_else(|| other(i))
}

/// A code of any kind, up to its closing bracket, as the server wrote it.
fn other(i: Input<'_>) -> Option<(Input<'_>, Code)> {
    let inside = i.text.get(..code_end(i.text)?)?;
    let rest = i.skip(inside.len() + 1);
    let inside = inside.trim_ascii();
    let split = inside.iter().position(|b| matches!(b, b' ' | b'=' | b'(')).unwrap_or(inside.len());
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (name, behind) = inside.split_at(split);
    let behind = behind.trim_ascii_start();
    Some((rest, Code::Other { name: text(name), text: (!behind.is_empty()).then(|| text(behind)) }))
}

/// The position of the code's closing bracket: brackets may nest and be quoted. If they are
/// unbalanced, the first one.
pub(crate) fn code_end(text: &[u8]) -> Option<usize> {
    let (mut open, mut quoted, mut escaped) = (0usize, false, false);
    for (at, byte) in text.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'[' if !quoted => open += 1,
            b']' if !quoted && open == 0 => return Some(at),
            b']' if !quoted => open -= 1,
            _ => {}
        }
    }
    memchr::memchr(b']', text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: Rules = Rules { depth: 10, words: 10, entries: 10, line: 10_000, utf8: false };

    fn read(text: &str) -> StatusResponse {
        status_rest(Input::new(text.as_bytes(), &[]), Status::Ok, &RULES)
    }

    fn other(name: &str, text: Option<&str>) -> Option<Code> {
        Some(Code::Other { name: name.into(), text: text.map(Into::into) })
    }

    #[test]
    fn text_and_code_may_each_be_missing() {
        assert_eq!(
            read(" [ALERT] Down at noon"),
            StatusResponse::new(Status::Ok, Some(Code::Alert), "Down at noon")
        );
        assert_eq!(read(" Still here"), StatusResponse::new(Status::Ok, None, "Still here"));
        assert_eq!(read(" [READ-ONLY]"), StatusResponse::new(Status::Ok, Some(Code::ReadOnly), ""));
        assert_eq!(read(""), StatusResponse::new(Status::Ok, None, ""));
        assert_eq!(read(" [open bracket").text, "[open bracket");
        assert_eq!(read(" retry after {5}").text, "retry after {5}");
    }

    #[test]
    fn unknown_codes_are_kept_as_they_are() {
        assert_eq!(read("[X-FOO] x").code, other("X-FOO", None));
        assert_eq!(read("[X-FOO a (b) \"c]\" [d]] x").code, other("X-FOO", Some("a (b) \"c]\" [d]")));
        let proxied =
            read("[Error=\"Store.WrongServer:No [access]\" Result=0 Proxy=A.EXAMPLE:1993:SSL] done.");
        let rest = "=\"Store.WrongServer:No [access]\" Result=0 Proxy=A.EXAMPLE:1993:SSL";
        assert_eq!((proxied.code, &*proxied.text), (other("Error", Some(rest)), "done."));
        assert_eq!(read("[X it's \"odd] x").code, other("X", Some("it's \"odd")));
        assert_eq!(read("[] x").code, other("", None));
        assert_eq!(read("[COPYUID soon] x").code, other("COPYUID", Some("soon")));
    }
}

//! The traffic in the log: target `imap_duplex::wire`, level `trace`.
//!
//! In: bytes as they are written, whole responses as they come. Out: a line of the log for each,
//! control characters escaped, long ones cut; `C:` is what the client sends. What has a secret in
//! it is left out whole, however it is divided into literals and writes; only how long it was is
//! said. What other commands and responses are about is in it: addresses, subjects, mail.

use std::fmt::Write as _;

/// How many bytes are shown of one piece.
const SHOWN: usize = 1024;

/// Whether anyone listens.
pub(crate) fn is_on() -> bool {
    tracing::enabled!(target: "imap_duplex::wire", tracing::Level::TRACE)
}

/// A piece is on its way that may be seen, or that has a secret in it; `opens` a line.
pub(super) fn sent(bytes: &[u8], hidden: bool, opens: bool) {
    if !is_on() {
        return;
    }
    let kept = if opens { seen_of_line(bytes, hidden) } else { hidden.then_some(0) };
    tracing::trace!(target: "imap_duplex::wire", "C: {}", shown(bytes, kept));
}

/// A response has come.
pub(super) fn received(bytes: &[u8], hidden: bool) {
    let kept = (hidden || is_bearer(bytes)).then_some(usize::from(bytes.starts_with(b"+")));
    tracing::trace!(target: "imap_duplex::wire", "S: {}", shown(bytes, kept));
}

/// How many bytes of a line with a secret may be seen: the tag, the command's name, and by which
/// mechanism it logs in. `None`: all of it.
fn seen_of_line(line: &[u8], hidden: bool) -> Option<usize> {
    let words: Vec<&[u8]> = line.trim_ascii_end().split(|byte| *byte == b' ').take(4).collect();
    let is = |name: &str| words.get(1).is_some_and(|word| word.eq_ignore_ascii_case(name.as_bytes()));
    let seen = match is("AUTHENTICATE") {
        true if words.len() <= 3 => return None,
        true => 3,
        false if hidden || is("LOGIN") || is_bearer(line) => 2,
        false => return None,
    };
    Some(words.iter().take(seen).map(|word| word.len() + 1).sum::<usize>() - 1)
}

/// Whether it has a URL in it that lets whoever knows it read a message (RFC 4467).
fn is_bearer(bytes: &[u8]) -> bool {
    let mark = b";URLAUTH=";
    bytes.windows(mark.len()).any(|part| part.eq_ignore_ascii_case(mark))
}

/// So many of the bytes as text, or the first of all.
fn shown(bytes: &[u8], kept: Option<usize>) -> String {
    let bytes = bytes.strip_suffix(b"\r\n").unwrap_or(bytes);
    let most = kept.unwrap_or(SHOWN).min(bytes.len());
    let mut text = String::with_capacity(most + 32);
    for c in String::from_utf8_lossy(&bytes[..most]).chars() {
        match c.is_control() {
            true => text.extend(c.escape_default()),
            false => text.push(c),
        }
    }
    let left = bytes.len() - most;
    if left > 0 {
        let space = if text.is_empty() { "" } else { " " };
        let what = if kept.is_some() { "left out" } else { "more" };
        let _ = write!(text, "{space}({left} bytes {what})");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_seen_of_a_line() {
        let line = |line: &str, hidden| shown(line.as_bytes(), seen_of_line(line.as_bytes(), hidden));
        for (sent, hidden, seen) in [
            ("A1 NOOP\r\n", false, "A1 NOOP"),
            ("A1 LOGIN a b\r\n", false, "A1 LOGIN (4 bytes left out)"),
            ("A1 login {1}\r\n", false, "A1 login (4 bytes left out)"),
            ("A1 AUTHENTICATE PLAIN\r\n", true, "A1 AUTHENTICATE PLAIN"),
            ("A1 AUTHENTICATE PLAIN AGEAYg==\r\n", false, "A1 AUTHENTICATE PLAIN (9 bytes left out)"),
            ("A1 XPASSWD s3cret\r\n", true, "A1 XPASSWD (7 bytes left out)"),
            ("A1 URLFETCH \"imap://x/;urlauth=a:internal:1\"\r\n", false, "A1 URLFETCH (33 bytes left out)"),
            ("A1 SELECT \"a\tb\"\r\n", false, "A1 SELECT \"a\\tb\""),
            ("", true, ""),
            ("A1", true, "A1"),
        ] {
            assert_eq!(line(sent, hidden), seen, "{sent:?}");
        }
        assert_eq!(shown(b"s3cret", Some(0)), "(6 bytes left out)");
        assert_eq!(shown(&[b'x'; SHOWN + 5], None), format!("{} (5 bytes more)", "x".repeat(SHOWN)));
        assert_eq!(shown(b"+ dj1rZ3I=\r\n", Some(1)), "+ (9 bytes left out)");
        assert_eq!(shown(b"* OK gr\xfcn\x1b[2J\r\n", None), "* OK gr\u{fffd}n\\u{1b}[2J");
    }
}

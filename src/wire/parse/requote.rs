//! The second attempt at a response that the grammar refuses, for servers that don't escape quotes
//! in quoted strings.
//!
//! In: the text of a frame. Out: the same text with its quoted strings written correctly, for the
//! grammar to parse again. The rule: a quote ends a string only before a space, a `)` or the end of
//! the line; any other is part of the string. This takes one pass over the text, and only after the
//! strict attempt has failed: well-formed lines never get here.
//!
//! An escaped quote stays escaped. Before a space or a `)` it is ambiguous, because some servers
//! write `"a\"` for a string that ends in a backslash: a line that could be parsed in both ways is
//! refused.

use memchr::memchr3;

use crate::wire::LARGE_LITERAL;
use crate::wire::frame::announced;

/// The meaning of an escaped quote where a string could end.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Escaped {
    /// Part of the string, as the RFC says.
    Inside,
    /// The string's end, after a backslash.
    End,
}

/// A text with correctly quoted strings.
pub(super) struct Requoted {
    pub(super) text: Vec<u8>,
    /// Whether it differs from the server's text.
    pub(super) changed: bool,
    /// Whether there is an escaped quote where a string could end.
    pub(super) ambiguous: bool,
}

/// Rewrites the quoted strings of a text; `None` if one of them has no end on its line.
pub(super) fn requoted(text: &[u8], escaped: Escaped) -> Option<Requoted> {
    let mut out = Requoted { text: Vec::with_capacity(text.len() + 16), changed: false, ambiguous: false };
    let mut rest = text;
    // Whether a quote here would begin a string, and not be part of a word.
    let mut begins = true;
    while let Some((&byte, behind)) = rest.split_first() {
        out.text.push(byte);
        rest = behind;
        if byte == b'"' && begins {
            rest = out.string(rest, escaped)?;
        } else if byte == b'\n' {
            // Within a frame a line ends only after the announcement of a literal, whose bytes are
            // copied.
            let read = text.get(..text.len() - rest.len()).unwrap_or_default();
            let (literal, behind) = rest.split_at_checked(inside(read))?;
            out.text.extend_from_slice(literal);
            rest = behind;
        }
        begins = matches!(byte, b' ' | b'(' | b')' | b'[' | b'\n');
    }
    Some(out)
}

impl Requoted {
    /// Copies a string after its opening quote, up to and including the closing one; returns the
    /// rest.
    fn string<'a>(&mut self, mut rest: &'a [u8], escaped: Escaped) -> Option<&'a [u8]> {
        loop {
            let (piece, at) = rest.split_at_checked(memchr3(b'"', b'\\', b'\n', rest)?)?;
            self.text.extend_from_slice(piece);
            match at {
                [b'\\', b'"', behind @ ..] => {
                    let may_end = ends_string(behind);
                    self.ambiguous |= may_end;
                    if may_end && escaped == Escaped::End {
                        self.changed = true;
                        self.text.extend_from_slice(br#"\\""#);
                        return Some(behind);
                    }
                    self.text.extend_from_slice(br#"\""#);
                    rest = behind;
                }
                [b'\\', b'\\', behind @ ..] => {
                    self.text.extend_from_slice(br"\\");
                    rest = behind;
                }
                [b'\\', behind @ ..] => {
                    self.text.push(b'\\');
                    rest = behind;
                }
                [b'"', behind @ ..] if ends_string(behind) => {
                    self.text.push(b'"');
                    return Some(behind);
                }
                [b'"', behind @ ..] => {
                    self.changed = true;
                    self.text.extend_from_slice(br#"\""#);
                    rest = behind;
                }
                // No quoted string continues on the next line.
                _ => return None,
            }
        }
    }
}

/// Whether a quote before this may be a string's last.
fn ends_string(behind: &[u8]) -> bool {
    matches!(behind, [] | [b' ' | b')', ..])
}

/// How many bytes of the literal follow this announcement in the text: those of a large one are
/// kept apart.
fn inside(line: &[u8]) -> usize {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let size = announced(line).and_then(|size| usize::try_from(size).ok());
    size.filter(|size| *size < LARGE_LITERAL).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(text: &str, escaped: Escaped) -> Option<String> {
        let out = requoted(text.as_bytes(), escaped)?;
        assert_eq!(out.changed, out.text != text.as_bytes(), "{text}");
        Some(String::from_utf8(out.text).unwrap())
    }

    #[test]
    fn a_quote_ends_a_string_only_where_a_value_can_end() {
        for (text, expected) in [
            (r#"("charset " " "utf-8"") x"#, r#"("charset " " \"utf-8\"") x"#),
            (r#"("a"" "b")"#, r#"("a\"" "b")"#),
            (r#"("""")"#, r#"("\"\"")"#),
            (r#"("") ("a") "b""#, r#"("") ("a") "b""#),
            (r#"(a"b "c"d")"#, r#"(a"b "c\"d")"#),
            (r#"("say \"hi\" a" "b"c")"#, r#"("say \"hi\" a" "b\"c")"#),
            (r#"("c:\d\\" "b"c")"#, r#"("c:\d\\" "b\"c")"#),
            ("({3}\r\n\"a\" \"b\"c\")", "({3}\r\n\"a\" \"b\\\"c\")"),
            ("(~{5000}\r\n \"b\"c\")", "(~{5000}\r\n \"b\\\"c\")"),
            (r#"((x)"a"b" 1)"#, r#"((x)"a\"b" 1)"#),
        ] {
            assert_eq!(rewritten(text, Escaped::Inside).as_deref(), Some(expected), "{text}");
        }
        for open in [r#"("a"#, r#"("a"b"#, r#"("a\""#, "(\"a {3}\r\nabc\" x)", "({9}\r\nab"] {
            assert_eq!(rewritten(open, Escaped::Inside), None, "{open}");
        }
    }

    #[test]
    fn an_escaped_quote_where_a_string_could_end_is_ambiguous() {
        let ambiguous = |text: &str| requoted(text.as_bytes(), Escaped::Inside).unwrap().ambiguous;
        assert!(ambiguous(r#"("a\" b")"#) && !ambiguous(r#"("a\"b")"#) && !ambiguous(r#"("a\\" b)"#));
        assert_eq!(rewritten(r#"("a\" b)"#, Escaped::End).as_deref(), Some(r#"("a\\" b)"#));
    }

    /// Measured by the length written, since each step writes a byte at least.
    #[test]
    fn quotes_without_end_cost_no_more_than_their_number() {
        for quotes in [10_000, 100_000] {
            let text = format!("(\"{}\")", "\"x ".repeat(quotes).replace(' ', "_"));
            let out = requoted(text.as_bytes(), Escaped::Inside).unwrap();
            assert_eq!(out.text.len(), text.len() + quotes);
        }
    }
}

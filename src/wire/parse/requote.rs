//! The second reading of a response that the grammar refuses, for servers that don't escape quotes in quoted strings.
//!
//! In: the text of a frame. Out: the same text with its quoted strings written as they should have been, for the grammar
//! to read once more. The rule: a quote ends a string only before a space, a `)` or the end of the line; any other is
//! part of the string. One pass over the text, and only where the strict reading has failed: a line that is well-formed
//! never comes here.
//!
//! An escaped quote stays escaped. Before a space or a `)` it is in doubt, because some servers write `"a\"` for a string
//! that ends in a backslash: where the line could be read that way too, it is not read at all.

use memchr::memchr3;

use crate::wire::LARGE_LITERAL;
use crate::wire::frame::announced;

/// What an escaped quote is where a string could end.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Escaped {
    /// Part of the string, as the RFC says.
    Inside,
    /// The string's end, behind a backslash.
    End,
}

/// A text whose quoted strings can be read.
pub(super) struct Requoted {
    pub(super) text: Vec<u8>,
    /// Whether it differs from what the server wrote.
    pub(super) changed: bool,
    /// Whether an escaped quote stands where a string could end.
    pub(super) doubtful: bool,
}

/// Rewrites the quoted strings of a text; `None` if one of them has no end on its line.
pub(super) fn requoted(text: &[u8], escaped: Escaped) -> Option<Requoted> {
    let mut out = Requoted { text: Vec::with_capacity(text.len() + 16), changed: false, doubtful: false };
    let mut rest = text;
    // Whether a quote would begin a string here, and not belong to a word.
    let mut begins = true;
    while let Some((&octet, behind)) = rest.split_first() {
        out.text.push(octet);
        rest = behind;
        if octet == b'"' && begins {
            rest = out.string(rest, escaped)?;
        } else if octet == b'\n' {
            // A line ends here only behind the announcement of a literal, whose bytes are what they are.
            let read = text.get(..text.len() - rest.len()).unwrap_or_default();
            let (literal, behind) = rest.split_at_checked(inside(read))?;
            out.text.extend_from_slice(literal);
            rest = behind;
        }
        begins = matches!(octet, b' ' | b'(' | b')' | b'[' | b'\n');
    }
    Some(out)
}

impl Requoted {
    /// Takes over a string behind its first quote, with its end; gives what is behind that.
    fn string<'a>(&mut self, mut rest: &'a [u8], escaped: Escaped) -> Option<&'a [u8]> {
        loop {
            let (piece, at) = rest.split_at_checked(memchr3(b'"', b'\\', b'\n', rest)?)?;
            self.text.extend_from_slice(piece);
            match at {
                [b'\\', b'"', behind @ ..] => {
                    let may_end = ends_string(behind);
                    self.doubtful |= may_end;
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
                // No quoted string goes on behind its line.
                _ => return None,
            }
        }
    }
}

/// Whether a quote before this may be a string's last.
fn ends_string(behind: &[u8]) -> bool {
    matches!(behind, [] | [b' ' | b')', ..])
}

/// How many bytes of a literal stand in the text behind this announcement: those of a large one stand apart.
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
    fn an_escaped_quote_where_a_string_could_end_is_in_doubt() {
        let doubtful = |text: &str| requoted(text.as_bytes(), Escaped::Inside).unwrap().doubtful;
        assert!(doubtful(r#"("a\" b")"#) && !doubtful(r#"("a\"b")"#) && !doubtful(r#"("a\\" b)"#));
        assert_eq!(rewritten(r#"("a\" b)"#, Escaped::End).as_deref(), Some(r#"("a\\" b)"#));
    }

    /// Counted by what is written, since each step writes a byte at least.
    #[test]
    fn quotes_without_end_cost_no_more_than_their_number() {
        for quotes in [10_000, 100_000] {
            let text = format!("(\"{}\")", "\"x ".repeat(quotes).replace(' ', "_"));
            let out = requoted(text.as_bytes(), Escaped::Inside).unwrap();
            assert_eq!(out.text.len(), text.len() + quotes);
        }
    }
}

//! The RFCs' examples as they stand there: what the client sends, what the server answers.
//!
//! ```text
//!   C: a042 ID NIL                     the command has to write this line
//!   S: * ID ("name" "Cyrus")           and takes this one for its own
//!   E: * 22 EXPUNGE                    but not this one, which is an event
//!   S: a042 OK ID command completed    and this is the end
//! ```
//!
//! A line without such a beginning goes on with the one before, behind a line's end: so literals
//! are written. The same line in another form is the same: words in small letters or capitals, an
//! atom in quotation marks or not, a literal that is waited for or not.

use super::{done, response};
use crate::command::{Command, Flow, Line, Session};
use crate::error::Result;
use crate::types::{Answer, Untagged};

/// What a command makes of the answers of an example, which has to write what the example has.
pub(super) fn example<C: Command>(command: C, can: &str, text: &str) -> C::Output {
    attempt(command, &super::session(can), text).expect("it succeeds")
}

/// The same in this session, and it may end with an error.
pub(super) fn attempt<C: Command>(mut command: C, session: &Session, text: &str) -> Result<C::Output> {
    let mut lines = pieces(text).into_iter();
    let (who, sent) = lines.next().expect("a line of the client");
    assert_eq!(who, 'C', "{text}");
    let (tag, sent) = sent.split_once(' ').expect("a tag");
    let written = written(&mut command, tag, session);
    assert!(is_same(&written, sent), "{written:?}, and the RFC has {sent:?}");
    let mut items = Vec::new();
    for (who, answer) in lines {
        if answer.starts_with("+ ") {
            continue;
        }
        if let Some(end) = answer.strip_prefix(tag) {
            return command.finish(done(end.trim_start()), items);
        }
        let answer = response(&answer);
        let is_mine = has_tag(&answer, tag) || command.claims(&answer) != crate::command::Claim::No;
        assert_eq!(is_mine, who == 'S', "{answer:?}");
        if is_mine {
            command.received(&answer);
            items.extend(C::item(answer));
        }
    }
    panic!("the example has no end: {text}");
}

/// ESEARCH names its command, which needs no claim then.
fn has_tag(answer: &Untagged, tag: &str) -> bool {
    matches!(answer.answer(), Answer::ESearch(found) if found.tag.as_deref() == Some(tag))
}

/// The one line of a command.
fn written(command: &mut impl Command, tag: &str, session: &Session) -> String {
    let mut line = Line::new(Some(tag), session);
    let flow = command.encode(&mut line, session).expect("it can be written");
    assert_eq!(flow, Flow::Last, "it has one line");
    let fragments = line.finish().expect("each argument can be written");
    let bytes: Vec<u8> = fragments.iter().flat_map(|piece| piece.as_bytes().to_vec()).collect();
    let text = String::from_utf8(bytes).expect("UTF-8");
    let text = text.strip_prefix(tag).and_then(|text| text.strip_prefix(' ')).expect("the tag");
    text.strip_suffix("\r\n").expect("a whole line").to_owned()
}

/// The lines of an example, and who says them.
fn pieces(text: &str) -> Vec<(char, String)> {
    let mut all: Vec<(char, String)> = Vec::new();
    for line in text.trim().lines() {
        match (line.get(..3), all.last_mut()) {
            (Some("C: " | "S: " | "E: "), _) => {
                all.push((line.chars().next().unwrap_or(' '), line[3..].to_owned()));
            }
            (_, Some((_, before))) => {
                before.push_str("\r\n");
                before.push_str(line);
            }
            _ => panic!("{text}"),
        }
    }
    all
}

fn is_same(one: &str, other: &str) -> bool {
    plain(one) == plain(other)
}

/// A line in the one form that all its forms have in common.
fn plain(line: &str) -> String {
    let (mut out, mut rest) = (String::new(), line);
    while let Some(next) = rest.chars().next() {
        if next == '"' {
            let end = end_of_quoted(rest);
            let (quoted, behind) = rest.split_at(end);
            let inside = quoted.trim_matches('"');
            let is_atom =
                |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'(' | b')' | b'{' | b'"' | b'\\');
            let is_atom =
                !inside.is_empty() && inside.bytes().all(is_atom) && !inside.eq_ignore_ascii_case("NIL");
            out.push_str(&if is_atom { inside.to_ascii_uppercase() } else { quoted.to_owned() });
            rest = behind;
        } else if next == '{'
            && let Some((size, behind)) = literal(rest)
        {
            out.push_str(&format!("{{{size}}}\r\n{}", &behind[..size]));
            rest = &behind[size..];
        } else {
            out.push(next.to_ascii_uppercase());
            rest = &rest[next.len_utf8()..];
        }
    }
    out
}

/// Where a quoted string ends, its quotation mark included.
fn end_of_quoted(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    panic!("no end: {text}")
}

/// The size of a literal that begins here, and what follows its announcement.
fn literal(text: &str) -> Option<(usize, &str)> {
    let (head, behind) = text.split_once("}\r\n")?;
    Some((head.trim_start_matches('{').trim_end_matches('+').parse().ok()?, behind))
}

#[test]
fn forms_of_one_line_are_the_same() {
    for (one, other) in [
        ("list \"\" \"*\"", "LIST \"\" *"),
        ("GETMETADATA \"INBOX\" /a", "getmetadata inbox /a"),
        ("SEARCH TEXT {3+}\r\na b", "SEARCH TEXT {3}\r\na b"),
    ] {
        assert!(is_same(one, other), "{one} {other}");
    }
    for (one, other) in [
        ("LIST \"\" *", "LIST * \"\""),
        ("CREATE \"a b\"", "CREATE a b"),
        ("SEARCH TEXT {3+}\r\na b", "SEARCH TEXT {3}\r\nA B"),
        ("ID \"NIL\"", "ID NIL"),
        ("SEARCH SUBJECT \"a b\"", "SEARCH SUBJECT \"A B\""),
    ] {
        assert!(!is_same(one, other), "{one} {other}");
    }
}

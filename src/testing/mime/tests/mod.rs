//! Known answers. `messages.txt` has messages, each with the sections to fetch; `answers.txt` the
//! FETCH items for them: each was checked against the RFCs, and compared with the answers of
//! Dovecot 2.3.19. Differences:
//!
//! - For a missing part Dovecot returns an empty string; here it is NIL. A part 1 within a part
//!   without parts is missing here.
//! - The line end after the last boundary of a multipart within another part belongs to the
//!   boundary that follows (RFC 2046 section 5.1.1); Dovecot counts it to the part.
//! - An unparsable type is text/plain (RFC 2045 section 5.2); Dovecot leaves it empty. No charset
//!   is added for a part that names its type and no charset.
//! - Of repeated header fields the first counts.
//! - Values stay as they are: case is not changed, pieces of RFC 2231 keep their names, tabs of
//!   folding stay.
//! - Routes of addresses are left out.

mod content;

use bytes::Bytes;

use super::Content;
use crate::testing::search::Collation;
use crate::types::{Answer, Message, Section, Seq, Untagged};
use crate::wire::Response;
use crate::wire::request::{Command, FetchItem, request};
use crate::wire::respond::{Strings, response};

/// A message as in `messages.txt`: lines end in LF, `\x` and two digits is a byte.
fn message(text: &str) -> Content {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("\\x") {
        bytes.extend_from_slice(before.as_bytes());
        bytes.push(u8::from_str_radix(&behind[..2], 16).unwrap());
        rest = &behind[2..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    let lines = bytes.split_inclusive(|b| *b == b'\n');
    let crlf = lines.flat_map(|line| match line.strip_suffix(b"\n") {
        Some(text) => [text, b"\r\n"].concat(),
        None => line.to_vec(),
    });
    Content::new(crlf.collect())
}

/// `2.HEADER.FIELDS.(subject.date)`, as a client would request it.
fn section(text: &str) -> Section {
    let (name, fields) = text.split_once(".(").unwrap_or((text, ""));
    let fields = if fields.is_empty() { String::new() } else { format!(" ({}", fields.replace('.', " ")) };
    let line = format!("a FETCH 1 BODY[{name}{fields}]");
    let Command::Fetch(fetch) = request(line.as_bytes(), false).unwrap().command else { panic!("{line}") };
    match fetch.items.as_slice() {
        [FetchItem::Section { section, .. }] => section.clone(),
        other => panic!("{other:?}"),
    }
}

/// The FETCH response with this content: literals in quotes, line ends in them as `\n`.
fn fetched(fill: impl FnOnce(&mut Message)) -> String {
    let mut row = Message { seq: Seq::new(1), ..Message::default() };
    fill(&mut row);
    let answer = Untagged::new("FETCH", Answer::Fetch(Box::new(row)), None);
    let bytes = response(&Response::Untagged(answer), Strings::Quoted);
    let text: String = bytes.iter().map(|b| char::from(*b)).collect();
    let mut rest = text.strip_prefix("* 1 FETCH (").unwrap().strip_suffix(")\r\n").unwrap();
    let mut shown = String::new();
    while let Some((before, behind)) = rest.split_once('{')
        && let Some((length, literal)) = behind.split_once("}\r\n")
        && let Ok(length) = length.parse::<usize>()
    {
        let end = literal.char_indices().nth(length).map_or(literal.len(), |(at, _)| at);
        let escaped = literal[..end].replace('\\', "\\\\").replace('"', "\\\"").replace("\r\n", "\\n");
        shown.push_str(&format!("{before}\"{escaped}\""));
        rest = &literal[end..];
    }
    shown + rest
}

fn answers() -> String {
    let mut all = String::new();
    for piece in include_str!("messages.txt").split("##### ").skip(1) {
        let (head, text) = piece.split_once('\n').unwrap();
        let (name, sections) = head.split_once(':').unwrap_or((head, ""));
        let content = message(text);
        let mut lines = vec![format!("##### {name}")];
        lines.push(fetched(|row| row.contents_mut().envelope = Some(content.envelope())));
        lines.push(fetched(|row| row.contents_mut().body_structure = Some(content.body(true))));
        lines.push(fetched(|row| row.contents_mut().body_structure = Some(content.body(false))));
        for section in ["HEADER", "TEXT"].into_iter().chain(sections.split_whitespace()).map(section) {
            let data = content.section(&section);
            lines.push(fetched(|row| {
                row.contents_mut().body.push(crate::types::BodyData::new(section, None, data));
            }));
        }
        all.extend(lines.iter().map(|line| format!("{line}\n")));
    }
    all
}

#[test]
fn answers_are_the_known_ones() {
    let (found, expected) = (answers(), include_str!("answers.txt"));
    for (found, expected) in found.lines().zip(expected.lines()) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.lines().count(), expected.lines().count());
}

/// Whatever a message contains, its parts match its body structure: each has the size stated there,
/// and all answers are parsable.
#[track_caller]
fn holds_together(bytes: Vec<u8>) {
    let content = Content::new(bytes.clone().into());
    let root = content.section(&Section::Header).unwrap();
    let text = content.section(&Section::Text).unwrap();
    assert!(bytes.starts_with(&root) || bytes.contains(&0));
    assert_eq!(root.len() + text.len(), bytes.len(), "{}", bytes.escape_ascii());
    let body = content.body(true);
    for part in body.parts() {
        let Some(number) = part.number() else { continue };
        let piece = content.section(&Section::Part(number.clone()));
        let piece: Bytes = piece.unwrap_or_else(|| panic!("{number} of {}", bytes.escape_ascii()));
        if let Some(size) = part.size() {
            assert_eq!(piece.len() as u64, size, "{number} of {}", bytes.escape_ascii());
        }
        let inner = content.section(&Section::PartHeader(number.clone()));
        assert_eq!(inner.is_some(), part.envelope().is_some());
        assert!(content.section(&Section::PartMime(number.clone())).is_some());
        let _ = content.binary(&Section::Part(number.clone()));
    }
    let _ = (content.envelope(), content.contains("x", true, Collation::default()), content.body(false));
    assert!(content.preview().chars().count() <= 200);
}

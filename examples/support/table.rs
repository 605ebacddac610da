//! Messages and mailboxes as people see them: messages in columns, header fields decoded, nothing that a terminal would obey.

use std::fmt::Write as _;

use imap_duplex::types::{ListEntry, Message};
use mail_parser::MessageParser;

/// How wide the columns of senders and subjects may be, in characters.
const FROM: usize = 28;
const SUBJECT: usize = 60;
/// How many mailboxes are named at the most.
const NAMES: usize = 12;

/// The newest messages in a table; unread ones have a star.
pub(crate) fn messages(messages: &[Message]) -> String {
    let mut text = format!("{:>10}    {:16}  {:FROM$}  SUBJECT", "UID", "RECEIVED", "FROM");
    for message in messages {
        let _ = write!(text, "\n{}", row(message).trim_end());
    }
    text
}

/// The names of the mailboxes that can be selected, as many as fit a line.
pub(crate) fn names(folders: &[ListEntry]) -> String {
    let names: Vec<_> = folders
        .iter()
        .filter(|folder| folder.is_selectable())
        .map(|folder| printable(folder.name.as_str()))
        .collect();
    let shown = names.iter().take(NAMES).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len().checked_sub(NAMES) {
        None | Some(0) => shown,
        Some(more) => format!("{shown} and {more} more"),
    }
}

fn row(message: &Message) -> String {
    let uid = message.uid().map_or_else(|| "?".into(), |uid| uid.to_string());
    let received = message.internal_date().map_or_else(String::new, |time| {
        let (date, (hour, minute, _)) = (time.date(), time.time());
        format!("{:04}-{:02}-{:02} {hour:02}:{minute:02}", date.year(), date.month(), date.day())
    });
    let envelope = message.envelope();
    let from = envelope.and_then(|envelope| {
        let first = envelope.from().next()?;
        let name = first.name().filter(|name| !name.trim().is_empty());
        Some(name.map_or_else(|| first.to_string(), |name| decoded(&name)))
    });
    let subject = envelope.and_then(|envelope| envelope.subject().map(|subject| decoded(&subject)));
    let (from, subject) = (from.unwrap_or_default(), subject.unwrap_or_default());
    let new = if message.flags().is_some_and(|flags| !flags.is_seen()) { '*' } else { ' ' };
    format!("{uid:>10} {new}  {received:16}  {:FROM$}  {}", short(&from, FROM), short(&subject, SUBJECT))
}

/// A header field's text with its RFC 2047 words decoded: `=?utf-8?q?caf=C3=A9?=` is `café`.
fn decoded(text: &str) -> String {
    if !text.contains("=?") {
        return text.to_owned();
    }
    // The parser reads whole messages; this is one of a subject alone.
    let message = format!("Subject: {}\r\n\r\n", text.replace(['\r', '\n'], " "));
    let subject = MessageParser::new().parse_headers(&message);
    subject.and_then(|message| message.subject().map(Into::into)).unwrap_or_else(|| text.to_owned())
}

/// At most so many characters, the last one `…` if there are more.
fn short(text: &str, most: usize) -> String {
    let text = printable(text);
    if text.chars().count() <= most {
        return text;
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

/// Without control characters.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

//! Messages and mailboxes as people see them: messages in columns, nothing that a terminal would
//! obey.

use std::fmt::Write as _;

use imap_duplex::types::{Envelope, ListEntry, Message};

/// How wide the columns of senders and subjects may be, in characters.
const FROM: usize = 28;
const SUBJECT: usize = 60;
/// How many mailboxes are named at most.
const NAMES: usize = 12;

/// The newest messages in a table; unread ones have a star.
pub(crate) fn messages(messages: &[Message]) -> String {
    let mut text = format!("{:>10}    {:16}  {:FROM$}  SUBJECT", "UID", "RECEIVED", "FROM");
    for message in messages {
        let _ = write!(text, "\n{}", row(message).trim_end());
    }
    text
}

/// A message in a few words: whose it is, and what it is about.
pub(crate) fn heading(envelope: &Envelope) -> String {
    let subject = envelope.subject().unwrap_or_default();
    format!("from {}: {}", short(&author(envelope).unwrap_or_default(), FROM), short(&subject, SUBJECT))
}

/// The names of the mailboxes that can be selected, as many as fit a line.
pub(crate) fn names(folders: &[ListEntry]) -> String {
    let names: Vec<_> = folders
        .iter()
        .filter(|folder| folder.is_selectable())
        .map(|folder| name(folder.name.as_str()))
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
    let from = envelope.and_then(author);
    let subject = envelope.and_then(|envelope| envelope.subject().map(std::borrow::Cow::into_owned));
    let (from, subject) = (from.unwrap_or_default(), subject.unwrap_or_default());
    let new = if message.flags().is_some_and(|flags| !flags.is_seen()) { '*' } else { ' ' };
    format!("{uid:>10} {new}  {received:16}  {:FROM$}  {}", short(&from, FROM), short(&subject, SUBJECT))
}

/// The name of whom it is from, or else the address.
fn author(envelope: &Envelope) -> Option<String> {
    let first = envelope.from().next()?;
    let name = first.name().filter(|name| !name.trim().is_empty());
    Some(name.map_or_else(|| first.to_string(), std::borrow::Cow::into_owned))
}

/// At most so many characters, the last one `…` if there are more.
fn short(text: &str, most: usize) -> String {
    let text = printable(text);
    if text.chars().count() <= most {
        return text;
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

/// How many of something there are, in words.
pub(crate) fn count(number: usize, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}

/// The name of a mailbox; an empty one as `""`, for a blank would be missed.
fn name(mailbox: &str) -> String {
    if mailbox.is_empty() { "\"\"".into() } else { printable(mailbox) }
}

/// Without control characters.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

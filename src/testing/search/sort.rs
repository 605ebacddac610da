//! The order of messages (RFC 5256 section 3, RFC 5957).
//!
//! Texts are compared in capitals (RFC 5256 section 4 demands `i;unicode-casemap`, whose
//! decomposition of letters is omitted here: `é` sorts after `z`), unless COMPARATOR chose
//! otherwise.

use std::cmp::Ordering;

use super::Candidate;
use super::collation::Collation;
use super::subject::base_subject;
use crate::wire::request::{SortBy, SortKey};

/// The value of one criterion.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Value {
    Number(i64),
    Text(String),
}

/// Sorts messages; equal ones stay in the order of their sequence numbers (RFC 5256 section 3).
pub(crate) fn sort(criteria: &[SortKey], by: Collation, messages: &mut [&dyn Candidate]) {
    messages.sort_by_cached_key(|message| {
        let of = |key: &SortKey| Directed { value: value(&key.by, by, *message), reverse: key.reverse };
        (criteria.iter().map(of).collect::<Vec<_>>(), message.seq())
    });
}

/// A value and its direction.
#[derive(Debug, PartialEq, Eq)]
struct Directed {
    value: Value,
    reverse: bool,
}

impl Ord for Directed {
    fn cmp(&self, other: &Self) -> Ordering {
        let order = self.value.cmp(&other.value);
        if self.reverse { order.reverse() } else { order }
    }
}

impl PartialOrd for Directed {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

fn value(by: &SortBy, collation: Collation, message: &dyn Candidate) -> Value {
    let content = message.content();
    let text = |text: Option<String>| Value::Text(collation.ordered(&text.unwrap_or_default()));
    let mailbox = |field| text(content.first_address(field).and_then(|[_, mailbox, _]| mailbox));
    match by {
        SortBy::Arrival => Value::Number(message.internal_date().seconds()),
        SortBy::Cc => mailbox("Cc"),
        SortBy::Date => {
            // RFC 5256 section 2.2: in UTC, and the internal date without a date in the header.
            Value::Number(content.envelope().sent().unwrap_or(message.internal_date()).seconds())
        }
        SortBy::From => mailbox("From"),
        SortBy::Size => Value::Number(content.size().into()),
        SortBy::Subject => text(content.fields(b"Subject").next().map(|subject| base_subject(&subject))),
        SortBy::To => mailbox("To"),
        // RFC 6203 section 6: the most relevant first.
        SortBy::Relevancy => Value::Number(-i64::from(message.relevancy())),
        SortBy::DisplayFrom => text(display("From", message)),
        SortBy::DisplayTo => text(display("To", message)),
        SortBy::Annotation(entry, scope) => {
            let value = message.notes().value(entry, *scope);
            text(value.map(|value| String::from_utf8_lossy(&value).into_owned()))
        }
    }
}

/// RFC 5957 section 3: the name, else the whole address, else the mailbox, which for a group is its
/// name.
fn display(field: &str, message: &dyn Candidate) -> Option<String> {
    let [name, mailbox, host] = message.content().first_address(field)?;
    let address = || match (mailbox, host) {
        (Some(mailbox), Some(host)) => Some(format!("{mailbox}@{host}")),
        (mailbox, _) => mailbox,
    };
    name.filter(|name| !name.is_empty()).or_else(address)
}

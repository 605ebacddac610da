//! The server's side: parses commands. A [`RequestFramer`] splits the bytes of a client into
//! commands, and [`request`] parses one of them into a [`Request`], or says what is wrong and
//! where.
//!
//! For tests, fuzzers and the embedded server, never for the client: this parses what the client
//! writes, so it uses none of the client's code. The forms are those of RFC 9051 section 9 (RFC
//! 3501 section 9 where that has more) and of the extensions named at each, and no others: a server
//! may be strict, and a test must be.

mod command;
mod cursor;
mod fetch;
mod frame;
mod line;
mod mailbox;
mod notify;
mod search;
mod sort;
mod value;

#[cfg(test)]
mod tests;

pub(crate) use command::*;
pub(crate) use fetch::section_of;
pub(crate) use frame::{RequestFrame, RequestFramer, TooLong};
pub(crate) use line::{SaslAnswer, is_done, sasl_answer};
pub(crate) use mailbox::value_as_mailbox;
pub(crate) use search::search_keys;
pub(crate) use value::{End, Numbers, Value};

use cursor::Cursor;

/// One command of a client (RFC 9051 section 2.2.1).
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Request {
    /// The tag of the response that ends the command.
    pub(crate) tag: String,
    /// The command and its arguments.
    pub(crate) command: Command,
}

/// A malformed command, to be answered with BAD.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{expected} was expected at byte {at}")]
pub(crate) struct BadRequest {
    /// Its tag, if it has one: an answer without it is of no use.
    pub(crate) tag: Option<String>,
    /// What was expected there.
    pub(crate) expected: &'static str,
    /// The offset in bytes from the command's beginning, including its literals.
    pub(crate) at: usize,
}

/// Parses one command: its lines with the literals in place, without the last line end. `utf8` says
/// whether UTF8=ACCEPT or IMAP4rev2 has been enabled, so that quoted strings and mailbox names may
/// be in UTF-8 (RFC 6855 section 3, RFC 9051 section 5.1); otherwise names are in modified UTF-7
/// (RFC 3501 section 5.1.3).
pub(crate) fn request(bytes: &[u8], utf8: bool) -> Result<Request, BadRequest> {
    let mut cursor = Cursor::new(bytes, utf8);
    let tag = cursor.tag();
    let known = tag.as_ref().ok().cloned();
    let bad = |(expected, left): (&'static str, usize)| BadRequest {
        tag: known.clone(),
        expected,
        at: bytes.len().saturating_sub(left),
    };
    let tag = tag.map_err(bad)?;
    let command = line::command(&mut cursor).map_err(bad)?;
    Ok(Request { tag, command })
}

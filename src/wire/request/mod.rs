//! The other direction: reads commands as a server would. In go the bytes of a client; the framer in `frame` cuts
//! them into commands, and [`request`] reads one of them into a [`Request`], or says what is wrong and where.
//!
//! For tests, fuzzers and the embedded server, never for the client: what the client writes is read here, so
//! nothing here uses its code. The forms are those of RFC 9051 section 9 (RFC 3501 section 9 where that has more)
//! and of the extensions named at each, and only those: a server may be strict, and a test must be.

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
pub(crate) use frame::{Heard, RequestFramer, TooLong};
pub(crate) use line::{SaslAnswer, is_done, sasl_answer};
pub(crate) use mailbox::value_as_mailbox;
pub(crate) use value::{End, Numbers, Value};

use cursor::Cursor;

/// One command of a client (RFC 9051 section 2.2.1).
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Request {
    /// What the client will know the answer by.
    pub(crate) tag: String,
    /// What it wants.
    pub(crate) command: Command,
}

/// A command that is none: answered with BAD.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{expected} was expected at octet {at}")]
pub(crate) struct BadRequest {
    /// Its tag, if it has one: an answer without it helps nobody.
    pub(crate) tag: Option<String>,
    /// What should have stood there.
    pub(crate) expected: &'static str,
    /// Where, in octets from the command's beginning, its literals among them.
    pub(crate) at: usize,
}

/// Reads one command: its lines with the literals in their places, without the last line's end. `utf8` says whether
/// UTF8=ACCEPT or IMAP4rev2 has been enabled, so that there may be UTF-8 in quotes, and mailbox names are in it (RFC
/// 6855 section 3, RFC 9051 section 5.1); else they are in modified UTF-7 (RFC 3501 section 5.1.3).
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

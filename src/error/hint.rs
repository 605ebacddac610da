//! What to do about a failure, by its kind and the server's code: one sentence for people.
//!
//! In: the data of an error. Out: a hint, or none where there is no general advice. Code with more
//! knowledge (the port, the kind of encryption) attaches a hint of its own.

use super::{ErrorKind, Remedy};
use crate::types::{CloseReason, Code};

const PASSWORD: &str =
    "are user and password right? Many providers want a password made for one program alone";

/// The hint for a failure of this kind.
pub(super) fn of(
    kind: ErrorKind,
    remedy: Option<Remedy>,
    code: Option<&Code>,
    reason: Option<&CloseReason>,
) -> Option<&'static str> {
    match kind {
        ErrorKind::No => of_code(code?),
        ErrorKind::Login => code.and_then(of_code).or(match remedy {
            Some(Remedy::Credentials) => Some(PASSWORD),
            Some(Remedy::Later { .. }) => Some("try again later"),
            _ => None,
        }),
        ErrorKind::Closed => of_end(code, reason?),
        ErrorKind::Partial => Some("request the rest: the messages below the last UID processed"),
        ErrorKind::Overrun => Some("read the result as a stream, or request less at once"),
        ErrorKind::QueueFull => Some("wait for room before more is submitted"),
        ErrorKind::SelectionEnded => Some("select the mailbox again, and submit through that selection"),
        ErrorKind::Resolve => Some("is the host's name right? Is there a network?"),
        ErrorKind::Insecure => Some("encrypt the connection: TLS on port 993, or STARTTLS"),
        ErrorKind::Certificate => {
            Some("a self-signed certificate, or a private authority, must be trusted explicitly")
        }
        _ => None,
    }
}

fn of_code(code: &Code) -> Option<&'static str> {
    match code {
        Code::TryCreate => Some("the mailbox does not exist: make it first"),
        Code::NonExistent => Some("the mailbox does not exist: is its name right?"),
        Code::AlreadyExists => Some("there is one of this name already"),
        Code::HasChildren => Some("delete the mailboxes below it first"),
        Code::OverQuota => Some("the account is full: delete something first"),
        Code::TooBig => Some("the message is larger than this server accepts"),
        Code::TooFew => Some("ask for ranges of more messages: each server makes those of 500"),
        Code::TooMany => Some("ask for a part of the ranges: each server looks at 100,000 messages at once"),
        Code::NoPerm | Code::AuthorizationFailed => Some("this user lacks the permission"),
        Code::AuthenticationFailed => Some(PASSWORD),
        Code::Expired => Some("the password has expired"),
        Code::PrivacyRequired => Some("the server requires encryption: TLS on port 993, or STARTTLS"),
        Code::ContactAdmin => Some("ask the server's administrator"),
        Code::InUse | Code::Limit | Code::ServerBug | Code::Unavailable => Some("try again later"),
        Code::ReadOnly => Some("the mailbox is open read-only"),
        _ => None,
    }
}

fn of_end(code: Option<&Code>, reason: &CloseReason) -> Option<&'static str> {
    match reason {
        CloseReason::Bye(_) => code.and_then(of_code).or(Some("connect again after a pause")),
        CloseReason::Eof | CloseReason::Io { .. } | CloseReason::Timeout { .. } => {
            Some("connect again after a pause")
        }
        _ => None,
    }
}

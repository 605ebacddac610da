//! What kinds of failure there are, and how much of a command had been sent: what an error and an
//! event tell alike.
//!
//! Shown to the user beside the error (`imap_duplex::ErrorKind`); here because an event tells them,
//! too.

/// What kind of failure an [`Error`](crate::Error) is.
///
/// | what to do | kinds |
/// |---|---|
/// | connect again after a pause, and go on | `Closed`, `Connect`, `Resolve`, `Timeout` |
/// | submit again | `QueueFull` once [`ready`](crate::Sender::ready); `SelectionEnded` through a new selection; `ReadOnly` through one made by [`select`](crate::Sender::select) |
/// | go on with the rest | `Partial`; `Overrun`, by a stream or in smaller pieces |
/// | ask a person | `Login`, `Insecure`, `Tls`, `Certificate` |
/// | look at [`code`](crate::Error::code) and text | `No`, `Login`: `UNAVAILABLE`, `INUSE`, `LIMIT` and `SERVERBUG` may pass, others do not |
/// | mend the program, or do without | `Bad`, `Invalid`, `Unsupported` |
///
/// Whether a command may be submitted again is told by [`sent`](crate::Error::sent).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum ErrorKind {
    /// The server answered NO: it understood, and would not or could not.
    No,
    /// The server answered BAD: it did not understand the command.
    Bad,
    /// The server's answer does not fit the command.
    Protocol,
    /// Some rows of the result could not be read; [`Error::unread`](crate::Error::unread) has their
    /// bytes. Or some may have gone to an older command that asked for the same and was refused.
    /// [`Error::answers`](crate::Error::answers) has what came of it.
    Incomplete,
    /// The server dealt with a part of the messages only and said OK: it does not do more at once
    /// (MESSAGELIMIT, RFC 9738). It begins with the newest;
    /// [`Error::resume_below`](crate::Error::resume_below) says how far it got,
    /// [`Error::answers`](crate::Error::answers) has what it answered.
    Partial,
    /// The result was read too slowly: more of it waited than
    /// [`Limits::unread`](crate::types::Limits::unread) allows, or than
    /// [`Limits::result`](crate::types::Limits::result) allows where it was awaited whole. What had
    /// come is there: rows come before it, [`Error::answers`](crate::Error::answers) has those of
    /// an awaited token. The rest was thrown away; the command itself ran on, and nothing else is
    /// hurt.
    Overrun,
    /// The source of a streamed upload failed, gave fewer or more octets than were announced, or
    /// nothing for too long, or the upload was cancelled: nothing was stored. If the connection had
    /// to be closed for it, [`Error::close_reason`](crate::Error::close_reason) says so. See
    /// [`Append`](crate::command::Append#streamed-uploads).
    Source,
    /// The connection has ended; [`Error::close_reason`](crate::Error::close_reason) says why.
    Closed,
    /// The command was not sent: as many as [`Limits::commands`](crate::types::Limits::commands)
    /// wait already.
    QueueFull,
    /// The command was not sent: the selection that it was meant for has ended.
    SelectionEnded,
    /// The command was not sent: it changes messages, and the mailbox is open for reading alone, by
    /// EXAMINE or because the server said `[READ-ONLY]`. Servers may say OK to it and do nothing.
    /// Of a command in several lines (a move without MOVE) it can be that the first lines had been
    /// sent.
    ReadOnly,
    /// It was cancelled or withdrawn before it was sent; of several messages that are appended one
    /// by one, before all were.
    Cancelled,
    /// The command was not sent: an argument can't be written in IMAP.
    Invalid,
    /// The command was not sent: the server can't do it, or the library would not let it pass.
    Unsupported,
    /// A step of connecting took longer than [`Timeouts`](crate::Timeouts) allow. A connection that
    /// falls silent later ends: that is `Closed`.
    Timeout,
    /// The host's name could not be resolved.
    Resolve,
    /// No connection could be made.
    Connect,
    /// TLS could not be agreed on.
    Tls,
    /// The server's certificate is not trusted: nobody that is trusted signed it
    /// ([`Config::trust_certificate`](crate::Config::trust_certificate) adds an authority), it is
    /// for another name, or it has expired.
    Certificate,
    /// The server refused user and password. [`Error::code`](crate::Error::code) may say why:
    /// [`Unavailable`](crate::types::Code::Unavailable) passes,
    /// [`AuthenticationFailed`](crate::types::Code::AuthenticationFailed) does not.
    Login,
    /// The password was not sent, because it could be read on the way: the connection is not
    /// encrypted ([`Config::allow_plaintext_login`](crate::Config::allow_plaintext_login) allows
    /// it), or the server does not take it so.
    Insecure,
}

/// How much of a command had been written when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Sent {
    /// Not a byte: it can safely be submitted again.
    No,
    /// Its beginning: a server that refuses a literal never gets the rest of the line, and of
    /// several lines that make up one command (a move without MOVE) the further ones were not sent;
    /// of a dialogue, such as a login by SASL, the last answer is missing. The server has not done
    /// it, or, of several lines, a part of it.
    Partly,
    /// All that the server needs to do it: the server may have done it. Of a dialogue that is the
    /// last answer, of IDLE its line (DONE only ends it).
    Fully,
}

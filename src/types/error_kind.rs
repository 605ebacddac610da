//! The kinds of failure, and how much of a command had been sent.
//!
//! Both belong to the error (`imap_duplex::ErrorKind`); they are defined here because events have
//! them, too.

/// What kind of failure an [`Error`](crate::Error) is.
///
/// | what to do | kinds |
/// |---|---|
/// | connect again after a pause, and go on | `Closed`, `Connect`, `Resolve`, `Timeout` of connecting |
/// | submit again | `QueueFull` once [`ready`](crate::Sender::ready); `SelectionEnded` through a new selection; `ReadOnly` through one made by [`select`](crate::Sender::select) |
/// | go on with the rest | `Partial`; `Overrun`, by a stream or in smaller pieces |
/// | ask a person | `Login`, `Insecure`, `Tls`, `Certificate` |
/// | look at [`code`](crate::Error::code) and text | `No`, `Login`: `UNAVAILABLE`, `INUSE`, `LIMIT` and `SERVERBUG` may pass, others do not |
/// | fix the program | `Bad`, `Invalid`, `Unsupported` |
///
/// For a connection that could not be made [`remedy`](crate::Error::remedy) says which of these it
/// is. [`sent`](crate::Error::sent) says whether a command may be submitted again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum ErrorKind {
    /// The server answered NO: it understood, and could not or would not.
    No,
    /// The server answered BAD: it did not understand the command.
    Bad,
    /// The server's answer does not fit the command.
    Protocol,
    /// Some rows of the result could not be parsed; [`Error::unparsed`](crate::Error::unparsed) has
    /// their bytes. Or some may have been routed to an earlier command that requested the same and
    /// was refused. [`Error::answers`](crate::Error::answers) has the rows received.
    Incomplete,
    /// The server processed only some of the messages and said OK, because of its limit for one
    /// command (MESSAGELIMIT, RFC 9738). It begins with the newest;
    /// [`Error::resume_below`](crate::Error::resume_below) says how far it got,
    /// [`Error::answers`](crate::Error::answers) has what it answered.
    Partial,
    /// The result was read too slowly: more of it waited than
    /// [`Limits::unread`](crate::types::Limits::unread) allows, or than
    /// [`Limits::result`](crate::types::Limits::result) allows for an awaited token. The rows
    /// received until then are not lost: a stream returns them before this error,
    /// [`Error::answers`](crate::Error::answers) has those of an awaited token. Later rows were
    /// dropped; the command itself ran on, and nothing else is affected.
    Overrun,
    /// The message whose body is read is not there, or no longer: it was expunged before all of it
    /// had been read. See [`Body`](crate::Body).
    Expunged,
    /// The source of a streamed upload failed, returned fewer or more bytes than announced, or
    /// nothing for too long, or the upload was cancelled: nothing was stored. If the connection had
    /// to be closed because of it, [`Error::close_reason`](crate::Error::close_reason) says so. See
    /// [`Append`](crate::command::Append#streamed-uploads).
    Source,
    /// The connection has ended; [`Error::close_reason`](crate::Error::close_reason) says why.
    Closed,
    /// The command was not sent: [`Limits::commands`](crate::types::Limits::commands) commands wait
    /// already.
    QueueFull,
    /// The command was not sent: the selection that it was meant for has ended.
    SelectionEnded,
    /// The command was not sent: it changes messages, and the mailbox is open read-only, by EXAMINE
    /// or because the server said `[READ-ONLY]`. Servers may say OK to such a command and do
    /// nothing. Of a command in several lines (a move without MOVE) the first lines may have been
    /// sent.
    ReadOnly,
    /// The command was cancelled before it was sent; or, of several messages appended one by one,
    /// before all were.
    Cancelled,
    /// The command was not sent: an argument can't be written in IMAP.
    Invalid,
    /// The command was not sent: the server lacks a capability that it needs, or the library does
    /// not permit it.
    Unsupported,
    /// A step of connecting took longer than [`Timeouts`](crate::Timeouts) allow, or a command
    /// longer than its token's [limit](crate::Token::timeout). A connection that falls silent later
    /// is `Closed`.
    Timeout,
    /// The host's name could not be resolved.
    Resolve,
    /// No connection could be made.
    Connect,
    /// The TLS handshake failed.
    Tls,
    /// The server's certificate is not trusted: its issuer is unknown
    /// ([`Config::trust_certificate`](crate::Config::trust_certificate) adds an authority), it is
    /// for another name, or it has expired.
    Certificate,
    /// The server refused user and password, or the token, or there is no mechanism to log in by
    /// ([`Error::remedy`](crate::Error::remedy) tells them apart).
    /// [`Error::code`](crate::Error::code) may say why:
    /// [`Unavailable`](crate::types::Code::Unavailable) is temporary,
    /// [`AuthenticationFailed`](crate::types::Code::AuthenticationFailed) is not.
    Login,
    /// The password, or the token, was not sent, because others could read it: the connection is
    /// not encrypted ([`Config::allow_plaintext_login`](crate::Config::allow_plaintext_login)
    /// permits it), or the server refuses plaintext logins.
    Insecure,
}

/// How much of a command had been written when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Sent {
    /// Not a byte: submitting it again is safe.
    No,
    /// Its beginning: of a line with a refused literal the rest is missing, of several lines that
    /// make up one command (a move without MOVE) the later ones, of a dialogue such as a SASL login
    /// the last answer. The server has not carried it out, or, of several lines, only some.
    Partly,
    /// All that the server needs to carry it out, so it may have done so. Of a dialogue that
    /// includes the last answer; of IDLE its line is enough (DONE only ends it).
    Fully,
}

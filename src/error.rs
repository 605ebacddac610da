//! The error of everything that can fail here: opaque, cheap to clone, with a kind to match on.
//!
//! Every layer above `types` makes it; users receive it from tokens and from `connect`.

mod hint;
mod remedy;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

pub use crate::types::error_kind::{ErrorKind, Sent};
use crate::types::{Answer, CloseReason, Code, EventKind, MailboxName, Status, StatusResponse, Uid};
pub use remedy::Remedy;

/// The result of an operation that can fail with an [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a command, or connecting, failed.
///
/// `Display` gives one line for people: the command, the mailbox, and the reason. The text of the
/// operating system or of another crate is in [`source`](std::error::Error::source) alone, the
/// advice in [`hint`](Error::hint). The alternate form `{error:#}` has all three: `no connection to
/// imap.example.org port 993: nothing listens there: Connection refused (os error 111) (is that the
/// server's port?)`.
///
/// Programs match on [`kind`](Error::kind), [`code`](Error::code) and [`sent`](Error::sent). An
/// error never shows a password or an argument marked secret.
/// ```
/// use imap_duplex::{Error, ErrorKind};
/// fn worth_trying_again(error: &Error) -> bool {
///     use ErrorKind::{Closed, Connect, Resolve, Timeout};
///     matches!(error.kind(), Closed | Connect | Resolve | Timeout)
/// }
/// ```
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    message: String,
    command: Option<String>,
    /// The selected mailbox in which the command was to run.
    place: Option<MailboxName>,
    /// The mailbox that the command names.
    named: Option<MailboxName>,
    status: Option<StatusResponse>,
    reason: Option<CloseReason>,
    sent: Sent,
    answers: Vec<Answer>,
    unread: Vec<Bytes>,
    resume_below: Option<Uid>,
    hint: Option<Cow<'static, str>>,
    remedy: Option<Remedy>,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Arc::new(Inner {
            kind,
            message: message.into(),
            command: None,
            place: None,
            named: None,
            status: None,
            reason: None,
            sent: Sent::No,
            answers: Vec::new(),
            unread: Vec::new(),
            resume_below: None,
            hint: None,
            remedy: None,
            source: None,
        }))
    }

    /// An argument that can't be written or makes no sense; also for users' own commands.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, message)
    }

    /// The server lacks what the command needs; also for users' own commands.
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unsupported, message)
    }

    /// The server's answer does not fit the command; also for users' own commands.
    pub fn protocol(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Protocol, message)
    }

    /// The tagged NO or BAD of a command.
    pub(crate) fn refused(status: StatusResponse) -> Self {
        let kind = if status.status == Status::No { ErrorKind::No } else { ErrorKind::Bad };
        let error = Self::new(kind, status.to_string()).with_sent(Sent::Fully);
        error.with(|inner| inner.status = Some(status))
    }

    pub(crate) fn closed(reason: &CloseReason) -> Self {
        let status = if let CloseReason::Bye(bye) = reason { Some(bye.clone()) } else { None };
        Self::new(ErrorKind::Closed, reason.to_string()).with(|inner| {
            inner.reason = Some(reason.clone());
            inner.status = status;
        })
    }

    /// A refusal whose cause is that the message has gone.
    pub(crate) fn of_expunged(self) -> Self {
        self.with(|inner| inner.kind = ErrorKind::Expunged)
    }

    /// The connection had to be closed because of this error.
    pub(crate) fn closed_by(self, reason: &CloseReason) -> Self {
        self.with(|inner| inner.reason = Some(reason.clone()))
    }

    /// The reason, without the command's name.
    pub(crate) fn message(&self) -> &str {
        &self.0.message
    }

    /// The text may be the server's, so control characters are escaped before a terminal shows
    /// them.
    fn printable(&self) -> String {
        self.0.message.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
    }

    /// The texts of the sources, each after a colon.
    fn causes(&self) -> String {
        let mut text = String::new();
        let mut source = std::error::Error::source(self);
        while let Some(cause) = source {
            text = format!("{text}: {cause}");
            source = cause.source();
        }
        text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
    }

    /// The event that reports this failure of a command.
    pub(crate) fn to_event(&self, command: String) -> EventKind {
        let Inner { kind, sent, .. } = *self.0;
        let reason = format!("{}{}", self.printable(), self.causes());
        EventKind::Failed { command, kind, sent, reason }
    }

    pub(crate) fn with_status(self, status: StatusResponse) -> Self {
        self.with(|inner| inner.status = Some(status))
    }

    pub(crate) fn with_sent(self, sent: Sent) -> Self {
        self.with(|inner| inner.sent = sent)
    }

    pub(crate) fn in_command(self, name: &str) -> Self {
        self.with(|inner| inner.command = Some(name.to_owned()))
    }

    pub(crate) fn add_answers(self, answers: impl IntoIterator<Item = Answer>) -> Self {
        // Collecting a `Vec` again reuses its allocation: there may be many answers.
        let mut answers: Vec<Answer> = answers.into_iter().collect();
        self.with(|inner| match inner.answers.is_empty() {
            true => inner.answers = answers,
            false => inner.answers.append(&mut answers),
        })
    }

    pub(crate) fn with_unread(self, unread: Vec<Bytes>) -> Self {
        self.with(|inner| inner.unread = unread)
    }

    pub(crate) fn partial(status: StatusResponse, resume_below: Option<Uid>) -> Self {
        let message = format!("the server processed only part of the messages: {status}");
        let error = Self::new(ErrorKind::Partial, message).with_status(status).with_sent(Sent::Fully);
        error.with(|inner| inner.resume_below = resume_below)
    }

    pub(crate) fn with_kind(self, kind: ErrorKind) -> Self {
        self.with(|inner| inner.kind = kind)
    }

    /// What to do about it, where the caller can say more than the kind does.
    pub(crate) fn advise(self, hint: impl Into<Cow<'static, str>>) -> Self {
        let hint = hint.into();
        self.with(|inner| inner.hint = Some(hint))
    }

    /// What to do about it, for programs, where the caller knows more than kind and status say.
    pub(crate) fn with_remedy(self, remedy: Remedy) -> Self {
        self.with(|inner| inner.remedy = Some(remedy))
    }

    /// The selected mailbox in which the command was to run, and the one that it names.
    pub(crate) fn about(self, place: Option<&MailboxName>, named: Option<MailboxName>) -> Self {
        if place.is_none() && named.is_none() {
            return self;
        }
        self.with(|inner| {
            inner.place = place.cloned().or(inner.place.take());
            inner.named = named.or(inner.named.take());
        })
    }

    /// The step that failed, put before the reason.
    pub(crate) fn while_doing(self, what: &str) -> Self {
        self.with(|inner| inner.message = format!("{what}: {}", inner.message))
    }

    /// More of the reason, put behind it.
    pub(crate) fn moreover(self, what: &str) -> Self {
        self.with(|inner| inner.message = format!("{}; {what}", inner.message))
    }

    pub(crate) fn because(self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.because_of(Arc::new(source))
    }

    pub(crate) fn because_of(self, source: Arc<dyn std::error::Error + Send + Sync>) -> Self {
        self.with(|inner| inner.source = Some(source))
    }

    fn with(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// The kind of failure, to match on.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The response code that the server gave, such as `OVERQUOTA`.
    #[must_use]
    pub fn code(&self) -> Option<&Code> {
        self.status()?.code.as_ref()
    }

    /// The server's whole NO, BAD or BYE; for a [`Partial`](ErrorKind::Partial) result its OK.
    #[must_use]
    pub fn status(&self) -> Option<&StatusResponse> {
        self.0.status.as_ref()
    }

    /// How much of the command had been written: whether the server may have carried it out.
    #[must_use]
    pub fn sent(&self) -> Sent {
        self.0.sent
    }

    /// The command that failed: `FETCH`.
    #[must_use]
    pub fn command(&self) -> Option<&str> {
        self.0.command.as_deref()
    }

    /// The mailbox concerned: the one that the command ran in, else the one that it names.
    #[must_use]
    pub fn mailbox(&self) -> Option<&MailboxName> {
        self.0.place.as_ref().or(self.0.named.as_ref())
    }

    /// What to do about it, where there is advice. It is for a program's users, and names no method
    /// of this library; a hint about a misuse of the library is for its programmers, and names the
    /// method to use instead.
    ///
    /// ```
    /// use imap_duplex::Error;
    /// fn report(error: &Error) -> String {
    ///     match error.hint() {
    ///         Some(hint) => format!("{error}. {hint}"),
    ///         None => error.to_string(),
    ///     }
    /// }
    /// ```
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        let general = || hint::of(self.0.kind, self.remedy(), self.code(), self.close_reason());
        self.0.hint.as_deref().or_else(general)
    }

    /// What to do about it, for programs: other credentials, the same later, or another set-up. It
    /// is known of failures to connect and to log in, and of what the server asks to try later;
    /// `None` where only [`kind`](Self::kind) and [`code`](Self::code) can say more.
    ///
    /// Where a server gives no code that says enough, its words decide, for large providers give
    /// only those: [`status`](Self::status) has them. A network that is down and a host that does
    /// not exist look the same, and are [`Later`](Remedy::Later).
    #[must_use]
    pub fn remedy(&self) -> Option<Remedy> {
        self.0.remedy.or_else(|| remedy::of(self.0.kind, self.status(), self.close_reason()))
    }

    /// Whether the same may succeed later, without anyone changing anything: the connection was
    /// lost, the server is away, overloaded, or has too many connections of this user.
    ///
    /// | what has happened | transient |
    /// |---|---|
    /// | the host can't be reached or looked up, a limit of [`Timeouts`](crate::Timeouts) has passed | yes |
    /// | EOF, a failed read or write, BYE (but one that names a lack of permission) | yes |
    /// | NO with INUSE, LIMIT (at login), SERVERBUG, UNAVAILABLE, or words that ask for time | yes |
    /// | refused credentials, permissions, certificates, a missing STARTTLS | no |
    /// | any other NO or BAD, an argument that is refused, a limit of [`Limits`](crate::types::Limits) | no |
    ///
    /// A command that may have been executed ([`sent`](Self::sent) is not [`Sent::No`]) is not to
    /// be repeated by this alone.
    ///
    /// ```
    /// # fn example(error: imap_duplex::Error) {
    /// if error.is_transient() {
    ///     println!("later: {error}");
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self.remedy(), Some(Remedy::Later { .. }))
    }

    /// Whether this NO may be about some of the messages that the command named: not if it says
    /// that the server as a whole can't answer now. SERVERBUG is Dovecot's for a damaged message.
    #[cfg(feature = "account")]
    pub(crate) fn refuses_messages(&self) -> bool {
        self.kind() == ErrorKind::No && (!self.is_transient() || self.code() == Some(&Code::ServerBug))
    }

    /// Why the connection ended, if that made the command fail, or the command made it end.
    #[must_use]
    pub fn close_reason(&self) -> Option<&CloseReason> {
        self.0.reason.as_ref()
    }

    /// What the server had answered before the command failed. Empty where the answers were read as
    /// a stream, which has returned them already. Of a result that was too large
    /// ([`Overrun`](ErrorKind::Overrun)) the first 1 MiB at most is kept. An answer that repeats a
    /// [secret](crate::command::Line::secret) of a command in flight is left out.
    #[must_use]
    pub fn answers(&self) -> &[Answer] {
        &self.0.answers
    }

    /// Where to go on after a [`Partial`](ErrorKind::Partial) result: of the messages that the
    /// command named, those with lower UIDs than this may not have been processed (RFC 9738 section
    /// 3.1). `None` if the server did not say.
    ///
    /// A MOVE or an EXPUNGE can simply be submitted again: the messages that it processed are
    /// expunged.
    ///
    /// ```
    /// use imap_duplex::{command::Store, types::UidSet, ErrorKind, Mailbox, Result};
    ///
    /// async fn add_everywhere(inbox: &Mailbox, mut uids: UidSet, change: Store) -> Result<()> {
    ///     loop {
    ///         match inbox.store(uids.clone(), change.clone()).await {
    ///             Err(error) if error.kind() == ErrorKind::Partial => {
    ///                 let Some(done) = error.resume_below() else { return Err(error) };
    ///                 uids = uids.difference(&(done..).into());
    ///             }
    ///             other => return other.map(drop),
    ///         }
    ///     }
    /// }
    /// ```
    #[must_use]
    pub fn resume_below(&self) -> Option<Uid> {
        self.0.resume_below
    }

    /// The bytes of unparsable responses that may have belonged to the result
    /// ([`ErrorKind::Incomplete`]).
    #[must_use]
    pub fn unparsed(&self) -> &[Bytes] {
        &self.0.unread
    }
}

/// The error of whatever needed the connection.
impl From<CloseReason> for Error {
    fn from(reason: CloseReason) -> Self {
        Self::closed(&reason)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { kind, command, place, named, sent, .. } = &*self.0;
        if let Some(command) = command {
            f.write_str(command)?;
            match (place, named) {
                (Some(place), Some(named)) if place != named => {
                    write!(f, " in {} to {}", place.shown(), named.shown())?;
                }
                (_, Some(named)) => write!(f, " {}", named.shown())?,
                (Some(place), None) => write!(f, " in {}", place.shown())?,
                (None, None) => {}
            }
            f.write_str(": ")?;
        }
        f.write_str(&self.printable())?;
        match (kind, sent) {
            (ErrorKind::Closed | ErrorKind::Timeout, Sent::No) if command.is_some() => {
                f.write_str(" (not sent)")?
            }
            (ErrorKind::Closed | ErrorKind::Timeout, Sent::Partly) => f.write_str(" (sent in part)")?,
            _ => {}
        }
        if f.alternate() {
            f.write_str(&self.causes())?;
            self.hint().map_or(Ok(()), |hint| write!(f, " ({hint})"))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("message", &self.0.message)
            .field("command", &self.0.command)
            .field("mailbox", &self.mailbox())
            .field("code", &self.code())
            .field("sent", &self.0.sent)
            .field("answers", &self.0.answers.len())
            .field("source", &self.0.source)
            .finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_has_the_command_and_how_much_was_sent() {
        let error = Error::closed(&CloseReason::Eof).in_command("FETCH").with_sent(Sent::Partly);
        assert_eq!(error.to_string(), "FETCH: the server closed the connection (sent in part)");
        assert_eq!(error.sent(), Sent::Partly);
    }

    #[test]
    fn an_event_has_the_same_reason_without_the_name_twice() {
        let error = Error::closed(&CloseReason::Eof).in_command("FETCH").with_sent(Sent::Partly);
        let EventKind::Failed { command, kind, sent, reason } = error.to_event("FETCH".into()) else {
            panic!()
        };
        assert_eq!((command.as_str(), kind, sent), ("FETCH", ErrorKind::Closed, Sent::Partly));
        assert_eq!(reason, "the server closed the connection");
    }

    #[test]
    fn shows_no_control_characters_of_the_server() {
        let status = StatusResponse::new(Status::No, None, "\u{1b}[2J no\r");
        assert!(!Error::refused(status).to_string().contains(['\u{1b}', '\r']));
    }
}

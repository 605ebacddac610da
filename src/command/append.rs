//! APPEND: putting a message into a mailbox (RFC 9051 section 6.3.12), from memory or from a stream.

use std::io;

use bytes::Bytes;
use futures_core::Stream;

use super::source::Source;
use super::{Class, Command, Flow, Line, Session};
use crate::error::{Error, Result};
use crate::types::{Code, Done, Flags, MailboxName, Timestamp, Uid, UidValidity};

/// A message to be put into a mailbox.
///
/// ```
/// use imap_duplex::command::Append;
/// use imap_duplex::types::Flag;
/// let draft = Append::new("Subject: hello\r\n\r\nNot sent yet.\r\n").flags([Flag::Draft]).to("Drafts");
/// # let _ = draft;
/// ```
///
/// # Streamed uploads
///
/// A message that is too large for memory comes from a reader or a stream (`Append::reader`, [`Append::stream`]), whose
/// size has to be known beforehand, since IMAP announces it (RFC 9051 section 4.3). It belongs to the connection's
/// driver once the command has been submitted: it is read as the server takes the octets, and no more than 200 KiB of
/// it are in memory (or one piece, if a stream's pieces are larger). Meanwhile nothing else can be sent, but all that
/// the server says is heard. So a source must not wait for the same connection, such as for the rows of a FETCH on it
/// that has not been sent yet: neither would get any further until the source has had its time. One that trickles keeps
/// the line for as long as it gives something now and then; what must not wait for it belongs on another connection.
///
/// - It is asked for nothing before the server wants the octets: a streamed message always waits for the server to say
///   so, which costs a round trip. If the server says NO instead (`TRYCREATE`: there is no such mailbox), the source is
///   untouched, and a clone of the `Append` can be submitted again. Some servers take all of the message before they
///   say NO. Clones share their source: one that has been read from can't be sent again, and says so with
///   [`Invalid`](crate::ErrorKind::Invalid), unsent.
/// - If the source fails, ends too early, has more octets than announced, has a NUL, or gives nothing for as long as
///   [`Timeouts::silence`](crate::Timeouts::silence), nothing is stored, and the token fails with
///   [`Source`](crate::ErrorKind::Source). Towards a server with MULTIAPPEND the connection goes on, if no more than 16
///   MiB are left to fill; else it has to be closed, for the server waits for the octets that it was promised. A
///   thousand pieces without an octet in a row, none of which had to be waited for, are a failure too.
/// - The source is polled in the connection's driver. If it panics, so does the driver, and the connection ends with
///   [`Dropped`](crate::types::CloseReason::Dropped).
/// - Dropping the token changes nothing, as with any command that has been sent: the upload goes on, and what was read
///   from the source is stored. [`Token::cancel`](crate::Token::cancel) gives it up, as if the source had failed; if
///   all octets have been given by then, it is stored.
/// - A server that refuses in the midst of it has to be given the announced number of octets all the same: they are
///   filled up, and the source is dropped. If more than 16 MiB are left, the connection is closed instead; the token
///   has the server's answer all the same.
#[derive(Clone, Debug)]
#[must_use]
pub struct Append {
    to: MailboxName,
    message: Content,
    flags: Flags,
    date: Option<Timestamp>,
}

#[derive(Clone, Debug)]
enum Content {
    Memory(Bytes),
    Stream(Source),
}

/// Where an appended message went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Appended {
    /// The era of the UID.
    pub uid_validity: Option<UidValidity>,
    /// The UID that the message was given; `None` if the server does not tell (it lacks UIDPLUS).
    pub uid: Option<Uid>,
}

impl Append {
    /// This message, as it is to be stored: header, empty line, body, with CRLF line ends. It goes to INBOX
    /// unless [`to`](Append::to) says otherwise.
    pub fn new(message: impl Into<Bytes>) -> Self {
        Self::of(Content::Memory(message.into()))
    }

    /// A message of so many octets, which come in pieces of any length. See [streamed
    /// uploads](Append#streamed-uploads).
    ///
    /// The stream has to end after `size` octets; it is asked for its end before the message counts as sent.
    pub fn stream(size: u64, bytes: impl Stream<Item = io::Result<Bytes>> + Send + 'static) -> Self {
        Self::of(Content::Stream(Source::new(size, bytes)))
    }

    fn of(message: Content) -> Self {
        Self { to: MailboxName::INBOX, message, flags: Flags::new(), date: None }
    }

    /// Into this mailbox. ([`Sender::append`](crate::Sender::append) sets it by itself.)
    pub fn to(mut self, mailbox: impl Into<MailboxName>) -> Self {
        self.to = mailbox.into();
        self
    }

    /// With these flags.
    pub fn flags(mut self, flags: impl Into<Flags>) -> Self {
        self.flags = flags.into();
        self
    }

    /// As if it had been received at this time.
    pub fn internal_date(mut self, date: Timestamp) -> Self {
        self.date = Some(date);
        self
    }

    /// How many octets the message has.
    pub(super) fn size(&self) -> u64 {
        match &self.message {
            Content::Memory(bytes) => bytes.len() as u64,
            Content::Stream(source) => source.size(),
        }
    }

    /// Whether the server is known not to take it: messages of this size in this mailbox (RFC 7889), or with a NUL, which is
    /// allowed in a literal8 alone (RFC 3516 section 4.4).
    pub(super) fn check(&self, to: &MailboxName, session: &Session) -> Result<()> {
        let size = self.size();
        if let Some(most) = session.append_limit_of(to).filter(|most| size > *most) {
            let why = format!("the message has {size} octets, and the server takes no more than {most}");
            return Err(Error::unsupported(why));
        }
        match &self.message {
            Content::Memory(bytes) if bytes.contains(&0) && !session.can("BINARY") => {
                Err(Error::invalid("the message holds a NUL, which only servers with BINARY take"))
            }
            _ => Ok(()),
        }
    }

    /// Flags, date and the message, as they follow the mailbox (RFC 3502, `append-message`).
    pub(super) fn write(&self, to: &MailboxName, line: &mut Line, session: &Session) -> Result<()> {
        self.check(to, session)?;
        if !self.flags.is_empty() {
            line.flags(&self.flags);
        }
        if let Some(date) = self.date {
            line.quoted(&date.to_string());
        }
        match &self.message {
            Content::Stream(source) => line.upload(source),
            Content::Memory(bytes) if bytes.contains(&0) => line.literal8(bytes.clone()),
            Content::Memory(bytes) => line.literal(bytes.clone()),
        };
        Ok(())
    }
}

macro_rules! from {
    ($($from:ty),*) => {$(
        impl From<$from> for Append {
            fn from(message: $from) -> Self {
                Self::new(message)
            }
        }
    )*};
}

from!(Bytes, Vec<u8>, String, &'static [u8], &'static str);

impl Command for Append {
    type Item = ();
    type Output = Appended;

    fn name(&self) -> &str {
        "APPEND"
    }

    fn mailbox(&self) -> Option<&MailboxName> {
        Some(&self.to)
    }

    fn class(&self) -> Class {
        Class::change().ours()
    }

    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
        line.word("APPEND").mailbox(&self.to);
        self.write(&self.to, line, session)?;
        Ok(Flow::Last)
    }

    fn finish(self, done: Done, _: Vec<()>) -> Result<Appended> {
        Ok(match done.status.code {
            Some(Code::AppendUid { uid_validity, uids }) => Appended { uid_validity, uid: uids.first() },
            _ => Appended::default(),
        })
    }
}

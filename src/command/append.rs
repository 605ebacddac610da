//! APPEND: putting a message into a mailbox (RFC 9051 section 6.3.12).

use bytes::Bytes;

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
#[derive(Clone, Debug)]
#[must_use]
pub struct Append {
    to: MailboxName,
    message: Bytes,
    flags: Flags,
    date: Option<Timestamp>,
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
        Self { to: MailboxName::INBOX, message: message.into(), flags: Flags::new(), date: None }
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

    fn class(&self) -> Class {
        Class::change().ours()
    }

    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
        line.word("APPEND").mailbox(&self.to);
        if !self.flags.is_empty() {
            line.flags(&self.flags);
        }
        if let Some(date) = self.date {
            line.quoted(&date.to_string());
        }
        if !self.message.contains(&0) {
            line.literal(self.message.clone());
        } else if session.can("BINARY") {
            // NUL is allowed in a literal8 alone (RFC 3516 section 4.4).
            line.literal8(self.message.clone());
        } else {
            return Err(Error::invalid("the message holds a NUL, which only servers with BINARY take"));
        }
        Ok(Flow::Last)
    }

    fn finish(self, done: Done, _: Vec<()>) -> Result<Appended> {
        Ok(match done.status.code {
            Some(Code::AppendUid { uid_validity, uids }) => Appended { uid_validity, uid: uids.first() },
            _ => Appended::default(),
        })
    }
}

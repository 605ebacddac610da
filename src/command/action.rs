//! Commands whose result is the server's OK alone.

use super::{Class, Command, Flow, Line, Messages, Session};
use crate::error::Result;
use crate::types::{Done, MailboxName};

/// A command of your own whose result is the server's OK alone: a [`Command`] that claims no
/// responses and gives `()`.
///
/// ```
/// use imap_duplex::command::{Action, Class, Flow, Line, Session};
/// use imap_duplex::{Error, MailboxName, Result};
///
/// /// `SETMETADATA` (RFC 5464) of one entry.
/// struct Comment { mailbox: MailboxName, text: String }
///
/// impl Action for Comment {
///     fn name(&self) -> &str { "SETMETADATA" }
///     fn mailbox(&self) -> Option<&MailboxName> { Some(&self.mailbox) }
///     fn class(&self) -> Class { Class::change() }
///     fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
///         if !session.can("METADATA") {
///             return Err(Error::unsupported("the server has no METADATA"));
///         }
///         line.atom("SETMETADATA").mailbox(&self.mailbox).open();
///         line.atom("/private/comment").string(&self.text).close();
///         Ok(Flow::Last)
///     }
/// }
///
/// # async fn example(imap: &imap_duplex::Sender) -> Result<()> {
/// imap.submit(Comment { mailbox: "INBOX".into(), text: "Grüße".into() }).await?;
/// # Ok(())
/// # }
/// ```
pub trait Action: Send + 'static {
    /// Its name, for errors and events: see [`Command::name`].
    fn name(&self) -> &str;

    /// The mailbox that it names, if it names one, for errors and traces.
    fn mailbox(&self) -> Option<&MailboxName> {
        None
    }

    /// What kind of command it is: see [`Command::class`].
    fn class(&self) -> Class {
        Class::barrier()
    }

    /// The messages that it names: see [`Command::messages`].
    fn messages(&mut self) -> Option<&mut Messages> {
        None
    }

    /// Writes one line, without tag and CRLF: see [`Command::encode`].
    ///
    /// # Errors
    /// An error ends the command; nothing of this line is sent.
    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow>;
}

impl<A: Action> Command for A {
    type Item = ();
    type Output = ();

    fn name(&self) -> &str {
        Action::name(self)
    }

    fn mailbox(&self) -> Option<&MailboxName> {
        Action::mailbox(self)
    }

    fn class(&self) -> Class {
        Action::class(self)
    }

    fn messages(&mut self) -> Option<&mut Messages> {
        Action::messages(self)
    }

    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
        Action::encode(self, line, session)
    }

    fn finish(self, _: Done, _: Vec<()>) -> Result<()> {
        Ok(())
    }
}

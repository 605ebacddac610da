//! CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE (RFC 9051 sections 6.3.4 to 6.3.8). Their OK is told as
//! an event, for the server tells nobody.

use super::{Class, Command, Effect, Flow, Line, Session};
use crate::error::Result;
use crate::types::{Done, MailboxName};

macro_rules! no_result {
    () => {
        fn finish(self, _: Done, _: Vec<()>) -> Result<()> {
            Ok(())
        }
    };
}

/// `CREATE`: makes a mailbox.
#[derive(Clone, Debug)]
#[must_use]
pub struct Create(MailboxName);

impl Create {
    /// Makes this mailbox.
    pub fn new(mailbox: impl Into<MailboxName>) -> Self {
        Self(mailbox.into())
    }
}

impl Command for Create {
    type Item = ();
    type Output = ();

    fn name(&self) -> &str {
        "CREATE"
    }

    fn class(&self) -> Class {
        Class::change().with_effect(Effect::Create(self.0.clone()))
    }

    fn encode(&mut self, line: &mut Line, _: &Session) -> Result<Flow> {
        line.word("CREATE").mailbox(&self.0);
        Ok(Flow::Last)
    }

    no_result!();
}

/// `DELETE`: removes a mailbox with all its messages.
#[derive(Clone, Debug)]
#[must_use]
pub struct Delete(MailboxName);

impl Delete {
    /// Removes this mailbox.
    pub fn new(mailbox: impl Into<MailboxName>) -> Self {
        Self(mailbox.into())
    }
}

impl Command for Delete {
    type Item = ();
    type Output = ();

    fn name(&self) -> &str {
        "DELETE"
    }

    fn class(&self) -> Class {
        Class::change().with_effect(Effect::Delete(self.0.clone()))
    }

    fn encode(&mut self, line: &mut Line, _: &Session) -> Result<Flow> {
        line.word("DELETE").mailbox(&self.0);
        Ok(Flow::Last)
    }

    no_result!();
}

/// `RENAME`: gives a mailbox another name.
#[derive(Clone, Debug)]
#[must_use]
pub struct Rename {
    from: MailboxName,
    to: MailboxName,
}

impl Rename {
    /// Gives the mailbox `from` the name `to`.
    pub fn new(from: impl Into<MailboxName>, to: impl Into<MailboxName>) -> Self {
        Self { from: from.into(), to: to.into() }
    }
}

impl Command for Rename {
    type Item = ();
    type Output = ();

    fn name(&self) -> &str {
        "RENAME"
    }

    fn class(&self) -> Class {
        Class::change().with_effect(Effect::Rename { from: self.from.clone(), to: self.to.clone() })
    }

    fn encode(&mut self, line: &mut Line, _: &Session) -> Result<Flow> {
        line.word("RENAME").mailbox(&self.from).mailbox(&self.to);
        Ok(Flow::Last)
    }

    no_result!();
}

/// `SUBSCRIBE` and `UNSUBSCRIBE`: whether a mailbox is among those that the user wants to see.
#[derive(Clone, Debug)]
#[must_use]
pub struct Subscribe {
    mailbox: MailboxName,
    subscribed: bool,
}

impl Subscribe {
    /// Subscribes to this mailbox.
    pub fn new(mailbox: impl Into<MailboxName>) -> Self {
        Self { mailbox: mailbox.into(), subscribed: true }
    }

    /// Unsubscribes from this mailbox.
    pub fn undo(mailbox: impl Into<MailboxName>) -> Self {
        Self { mailbox: mailbox.into(), subscribed: false }
    }
}

impl Command for Subscribe {
    type Item = ();
    type Output = ();

    fn name(&self) -> &str {
        if self.subscribed { "SUBSCRIBE" } else { "UNSUBSCRIBE" }
    }

    fn class(&self) -> Class {
        let (mailbox, subscribed) = (self.mailbox.clone(), self.subscribed);
        Class::change().with_effect(Effect::Subscribe { mailbox, subscribed })
    }

    fn encode(&mut self, line: &mut Line, _: &Session) -> Result<Flow> {
        line.word(self.name()).mailbox(&self.mailbox);
        Ok(Flow::Last)
    }

    no_result!();
}

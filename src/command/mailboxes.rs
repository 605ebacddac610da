//! CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE (RFC 9051 sections 6.3.4 to 6.3.8). Their OK is told as
//! an event, for the server tells nobody.

use std::collections::HashSet;

use super::{Class, Command, Effect, Flow, Line, Session};
use crate::error::Result;
use crate::types::{Done, MailboxName};

/// How many names are remembered, and how many octets they may have in all: more mailboxes nobody has.
const MOST_NAMES: usize = 1_000_000;
const MOST_OCTETS: usize = 32 << 20;

/// Names of mailboxes that the server has told, as many as are worth it: it could tell names without end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Names {
    names: HashSet<MailboxName>,
    octets: usize,
    /// There were more.
    and_others: bool,
}

impl Names {
    pub(crate) fn insert(&mut self, name: &MailboxName) {
        let octets = self.octets.saturating_add(name.as_str().len());
        if self.names.len() >= MOST_NAMES || octets > MOST_OCTETS {
            self.and_others |= !self.names.contains(name);
        } else if self.names.insert(name.clone()) {
            self.octets = octets;
        }
    }

    pub(crate) fn remove(&mut self, name: &MailboxName) {
        if self.names.remove(name) {
            self.octets -= name.as_str().len();
        }
    }

    /// Whether it is one that is remembered.
    pub(crate) fn contains(&self, name: &MailboxName) -> bool {
        self.names.contains(name)
    }

    /// Whether there are none, remembered or not.
    pub(crate) fn is_empty(&self) -> bool {
        self.names.is_empty() && !self.and_others
    }
}

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

    fn mailbox(&self) -> Option<&MailboxName> {
        Some(&self.0)
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

    fn mailbox(&self) -> Option<&MailboxName> {
        Some(&self.0)
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

    fn mailbox(&self) -> Option<&MailboxName> {
        Some(&self.from)
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

    fn mailbox(&self) -> Option<&MailboxName> {
        Some(&self.mailbox)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Contract line 13: a server can tell names without end.
    #[test]
    fn no_more_names_are_remembered_than_are_worth_it() {
        let mut names = Names::default();
        let long = |n: usize| MailboxName::new(format!("{n:04}").repeat(1 << 18));
        (0..40).for_each(|n| names.insert(&long(n)));
        assert!(names.octets <= MOST_OCTETS && names.names.len() == 32, "{}", names.octets);
        assert!(names.contains(&long(31)) && !names.contains(&long(32)));
        // There is room again, and still there may be others.
        (0..40).for_each(|n| names.remove(&long(n)));
        assert!(names.octets == 0 && names.names.is_empty() && !names.is_empty());
    }
}

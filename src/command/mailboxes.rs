//! CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE (RFC 9051 sections 6.3.4 to 6.3.8). Their OK is
//! reported as an event, because the server sends no untagged response for it.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::{Class, Command, Effect, Flow, Line, Session};
use crate::error::{Error, Result};
use crate::types::{Code, Done, MailboxName, SpecialUse};

/// How many names are remembered, about 12 bytes each: more mailboxes hardly anybody has.
const MAX_NAMES: usize = 100_000;

/// Names of mailboxes that the server has reported, up to a bound, since a server could send names
/// without end. Each is kept as a hash, so that none takes more than a few bytes, however long it
/// is; a collision is practically impossible.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct NameSet {
    names: HashSet<u64>,
    /// There were more.
    and_others: bool,
}

fn number_of(name: &MailboxName) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}

impl NameSet {
    pub(crate) fn insert(&mut self, name: &MailboxName) {
        let number = number_of(name);
        if self.names.len() >= MAX_NAMES {
            self.and_others |= !self.names.contains(&number);
        } else {
            self.names.insert(number);
        }
    }

    pub(crate) fn remove(&mut self, name: &MailboxName) {
        self.names.remove(&number_of(name));
    }

    /// Whether it is among the remembered names.
    pub(crate) fn contains(&self, name: &MailboxName) -> bool {
        self.names.contains(&number_of(name))
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
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub struct Create {
    mailbox: MailboxName,
    uses: Vec<SpecialUse>,
}

impl Create {
    /// Makes this mailbox.
    ///
    /// ```no_run
    /// # use imap_duplex::command::Create;
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// imap.submit(Create::new("Archive")).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(mailbox: impl Into<MailboxName>) -> Self {
        Self { mailbox: mailbox.into(), uses: Vec::new() }
    }

    /// For this use, and others named before (RFC 6154 section 3). Needs CREATE-SPECIAL-USE; a
    /// server that has no mailboxes for such a use answers NO with
    /// [`Code::UseAttr`].
    ///
    /// ```no_run
    /// # use imap_duplex::{command::Create, types::SpecialUse};
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// imap.create(Create::new("Sent Items").for_use(SpecialUse::Sent)).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias("USE", "CREATE-SPECIAL-USE"))]
    pub fn for_use(mut self, usage: impl Into<SpecialUse>) -> Self {
        self.uses.push(usage.into());
        self
    }
}

impl<N: Into<MailboxName>> From<N> for Create {
    fn from(mailbox: N) -> Self {
        Self::new(mailbox)
    }
}

/// What CREATE has made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Created {
    /// An identifier that the mailbox keeps when it is renamed, if the server has OBJECTID (RFC
    /// 8474 section 4.1).
    pub mailbox_id: Option<String>,
}

impl Command for Create {
    type Item = ();
    type Output = Created;

    fn name(&self) -> &str {
        "CREATE"
    }

    fn mailbox(&self) -> Option<&MailboxName> {
        Some(&self.mailbox)
    }

    fn class(&self) -> Class {
        Class::change().with_effect(Effect::Create(self.mailbox.clone()))
    }

    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
        line.word("CREATE").mailbox(&self.mailbox);
        if self.uses.is_empty() {
            return Ok(Flow::Last);
        }
        if !session.can("CREATE-SPECIAL-USE") {
            return Err(Error::unsupported("the server has no CREATE-SPECIAL-USE (RFC 6154)"));
        }
        line.open().word("USE").open();
        for usage in &self.uses {
            let attribute = usage.as_str();
            let is_letter = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
            let name = attribute.strip_prefix('\\').filter(|name| !name.is_empty());
            if !name.is_some_and(|name| name.bytes().all(is_letter)) {
                return Err(Error::invalid(format!("{attribute:?} is no special use, such as `\\Sent`")));
            }
            line.word(attribute);
        }
        line.close().close();
        Ok(Flow::Last)
    }

    fn finish(self, done: Done, _: Vec<()>) -> Result<Created> {
        let mailbox_id = match done.status.code {
            Some(Code::MailboxId(id)) => Some(id),
            _ => None,
        };
        Ok(Created { mailbox_id })
    }
}

/// `DELETE`: removes a mailbox with all its messages.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub struct Delete(MailboxName);

impl Delete {
    /// Removes this mailbox.
    ///
    /// ```no_run
    /// # use imap_duplex::command::Delete;
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// imap.submit(Delete::new("Archive")).await?;
    /// # Ok(())
    /// # }
    /// ```
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
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub struct Rename {
    from: MailboxName,
    to: MailboxName,
}

impl Rename {
    /// Gives the mailbox `from` the name `to`.
    ///
    /// ```no_run
    /// # use imap_duplex::command::Rename;
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// imap.submit(Rename::new("Archive", "Old")).await?;
    /// # Ok(())
    /// # }
    /// ```
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

/// `SUBSCRIBE` and `UNSUBSCRIBE`: whether a mailbox is among the user's subscriptions.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub struct Subscribe {
    mailbox: MailboxName,
    subscribed: bool,
}

impl Subscribe {
    /// Subscribes to this mailbox.
    ///
    /// ```no_run
    /// # use imap_duplex::command::Subscribe;
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// imap.submit(Subscribe::new("Archive")).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(mailbox: impl Into<MailboxName>) -> Self {
        Self { mailbox: mailbox.into(), subscribed: true }
    }

    /// Unsubscribes from this mailbox.
    ///
    /// ```no_run
    /// # use imap_duplex::command::Subscribe;
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// imap.submit(Subscribe::unsubscribe("Archive")).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn unsubscribe(mailbox: impl Into<MailboxName>) -> Self {
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
    use crate::command::testing::{answered, lines, refused, server};

    /// RFC 6154 section 5.3, RFC 8474 section 4.1.
    #[test]
    fn the_examples_of_create() {
        let session = server(&["CREATE-SPECIAL-USE", "SPECIAL-USE"]);
        let two = Create::new("MySpecial").for_use(SpecialUse::Drafts).for_use("\\Sent");
        assert_eq!(lines(two, &session), ["CREATE MySpecial (USE (\\Drafts \\Sent))"]);
        let all = || Create::new("Everything").for_use(SpecialUse::All);
        assert_eq!(lines(all(), &session), ["CREATE Everything (USE (\\All))"]);
        assert!(refused(all(), &server(&["SPECIAL-USE"])).contains("CREATE-SPECIAL-USE"));
        for odd in ["Sent", "\\", "\\Se nt", "\\Sent)\r\nx LOGOUT", "", "\\S*"] {
            assert!(refused(Create::new("x").for_use(odd), &session).contains("special use"), "{odd:?}");
        }
        let made = answered(Create::from("foo"), &[], "OK [MAILBOXID (F2212ea87-6097-4256-9d51)] done");
        assert_eq!(made.expect("OK").mailbox_id.as_deref(), Some("F2212ea87-6097-4256-9d51"));
        assert_eq!(answered(Create::new("foo"), &[], "OK done").expect("OK"), Created::default());
    }

    /// Promise 13 of the contract: a server can send names without end.
    #[test]
    fn no_more_names_are_remembered_than_are_worth_it() {
        let mut names = NameSet::default();
        let name = |n: usize| MailboxName::new(format!("box {n}"));
        (0..MAX_NAMES + 5).for_each(|n| names.insert(&name(n)));
        assert_eq!(names.names.len(), MAX_NAMES);
        assert!(names.contains(&name(0)) && names.contains(&name(MAX_NAMES - 1)));
        assert!(!names.contains(&name(MAX_NAMES)));
        // There is room again, and still there may be others.
        (0..MAX_NAMES + 5).for_each(|n| names.remove(&name(n)));
        assert!(names.names.is_empty() && !names.is_empty());
        // What is the same name is the same here, and two lists that remember the same are equal.
        names.insert(&"Inbox".into());
        assert!(names.contains(&MailboxName::INBOX));
        assert_eq!(names, names.clone());
    }
}

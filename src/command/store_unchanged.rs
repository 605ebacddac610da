//! STORE of messages that no other client has changed meanwhile: UNCHANGEDSINCE (RFC 7162
//! section 3.1.3).

use super::fetch::{join_rows, row_of};
use super::{Claim, Class, Command, Flow, Line, Messages, Report, Session, Store};
use crate::error::{Error, Result};
use crate::types::{Code, Done, Message, ModSeq, ModifiedSet, StatusResponse, UidSet, Untagged};

/// A change of flags, labels or annotations of those messages that have not changed since a
/// mod-sequence: from [`Store::unchanged_since`], [`StoreLabels::unchanged_since`] or
/// [`StoreAnnotations::unchanged_since`].
///
/// The messages that were left alone are [`Stored::modified`], and no failure. A server may answer
/// NO if it has found changed messages and others that are not there any more (RFC 7162 section
/// 3.1.3, example 10): then [`Error::code`](crate::Error::code) is `MODIFIED`.
///
/// [`StoreLabels::unchanged_since`]: super::StoreLabels::unchanged_since
/// [`StoreAnnotations::unchanged_since`]: super::StoreAnnotations::unchanged_since
#[derive(Clone, Debug)]
#[must_use]
pub struct StoreUnchanged<C = Store> {
    /// It writes its condition itself.
    store: C,
}

/// What a [`StoreUnchanged`] gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stored {
    /// The rows that the server answered with; none where the change was silent, or one of
    /// annotations.
    pub messages: Vec<Message>,
    /// The messages that have changed since the mod-sequence, and were left as they are: fetch
    /// their flags, and decide again.
    pub modified: UidSet,
}

impl<C> StoreUnchanged<C> {
    pub(super) fn new(store: C) -> Self {
        Self { store }
    }

    /// The same, with a result that lists which of the messages are not there: they are searched
    /// for in the same round trip. The messages are named by UID.
    ///
    /// ```no_run
    /// # use imap_duplex::{UidSet, command::Store, types::{Flag, ModSeq}};
    /// # async fn example(inbox: &imap_duplex::Mailbox, uids: UidSet, since: ModSeq) -> imap_duplex::Result<()> {
    /// let store = Store::add([Flag::Seen]).of(&uids).unchanged_since(since);
    /// let stored = inbox.submit(store.report()).await?;
    /// println!("{} others have changed, {} have gone", stored.result.modified, stored.absent);
    /// # Ok(())
    /// # }
    /// ```
    pub fn report(self) -> Report<Self> {
        Report::new(self)
    }
}

impl<C: Command> Command for StoreUnchanged<C> {
    type Item = Message;
    type Output = Stored;

    fn name(&self) -> &str {
        self.store.name()
    }

    fn class(&self) -> Class {
        // By UID, so that MODIFIED names UIDs.
        self.store.class().uid_only()
    }

    fn messages(&mut self) -> Option<&mut Messages> {
        self.store.messages()
    }

    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
        if !session.can("CONDSTORE") && !session.can("QRESYNC") {
            return Err(Error::unsupported("the server keeps no mod-sequences (CONDSTORE)"));
        }
        self.store.encode(line, session)
    }

    fn claims(&self, response: &Untagged) -> Claim {
        self.store.claims(response)
    }

    fn line_ended(&mut self, at: usize) {
        self.store.line_ended(at);
    }

    fn received(&mut self, response: &Untagged) {
        self.store.received(response);
    }

    fn item(response: Untagged) -> Option<Message> {
        row_of(response)
    }

    fn finish(self, done: Done, items: Vec<Message>) -> Result<Stored> {
        let mut modified = UidSet::new();
        for left in done.earlier.iter().chain([&done.status]).filter_map(left_alone) {
            modified.union_with(&left);
        }
        Ok(Stored { messages: join_rows(items), modified })
    }
}

/// `(UNCHANGEDSINCE n)`: it stands before what is changed.
pub(super) fn condition(line: &mut Line, unchanged_since: Option<ModSeq>) {
    if let Some(mod_seq) = unchanged_since {
        line.open().word("UNCHANGEDSINCE").number(mod_seq.get()).close();
    }
}

fn left_alone(status: &StatusResponse) -> Option<UidSet> {
    match &status.code {
        Some(Code::Modified(ModifiedSet::Numbers(set))) => Some(set.clone().into_uids()),
        Some(Code::Modified(ModifiedSet::Uids(set))) => Some(set.clone()),
        _ => None,
    }
}

//! STORE: changing flags (RFC 9051 section 6.4.6).

use super::fetch::{ReceivedRows, join_rows, row_of};
use super::messages::{Match, MessageChunks};
use super::store_unchanged::condition;
use super::{
    Claim, Class, Command, Effect, FlagUse, Flow, Line, Messages, Report, ResponseKinds, Session,
    StoreUnchanged, Streaming,
};
use crate::error::Result;
use crate::types::{Answer, Done, Flags, Message, ModSeq, Untagged};

/// A change of flags, and the messages that it is for.
///
/// ```
/// use imap_duplex::command::Store;
/// use imap_duplex::types::Flag;
/// let read = Store::add([Flag::Seen]);
/// let quietly = Store::remove([Flag::new("$Junk")]).silent();
/// # let _ = (read, quietly);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Store {
    pub(crate) which: Messages,
    action: Action,
    flags: Flags,
    silent: bool,
    /// On the condition that the messages have not changed since then.
    unchanged_since: Option<ModSeq>,
    pieces: MessageChunks,
    /// The messages that the server has answered for: a later row is an unsolicited change.
    received: ReceivedRows,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Add,
    Remove,
    Replace,
}

impl Store {
    fn new(action: Action, flags: Flags) -> Self {
        Self {
            which: Messages::default(),
            action,
            flags,
            silent: false,
            unchanged_since: None,
            pieces: MessageChunks::default(),
            received: ReceivedRows::default(),
        }
    }

    /// Adds these flags to those that each message has.
    ///
    /// ```no_run
    /// # use imap_duplex::{command::Store, types::Flag};
    /// # async fn example(inbox: &imap_duplex::Mailbox) -> imap_duplex::Result<()> {
    /// inbox.store(inbox.newest(1), Store::add([Flag::Seen])).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn add(flags: impl Into<Flags>) -> Self {
        Self::new(Action::Add, flags.into())
    }

    /// Removes these flags.
    ///
    /// ```no_run
    /// # use imap_duplex::{command::Store, types::Flag};
    /// # async fn example(inbox: &imap_duplex::Mailbox) -> imap_duplex::Result<()> {
    /// inbox.store(inbox.newest(1), Store::remove([Flag::Seen])).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn remove(flags: impl Into<Flags>) -> Self {
        Self::new(Action::Remove, flags.into())
    }

    /// Leaves each message with just these flags.
    ///
    /// ```no_run
    /// # use imap_duplex::{command::Store, types::Flag};
    /// # async fn example(inbox: &imap_duplex::Mailbox) -> imap_duplex::Result<()> {
    /// inbox.store(inbox.newest(1), Store::replace([Flag::Seen])).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn replace(flags: impl Into<Flags>) -> Self {
        Self::new(Action::Replace, flags.into())
    }

    /// Asks the server not to answer with the new flags; the library reports them itself after the
    /// server's OK. Of a saved result (`$`) the server answers all the same: it alone knows which
    /// messages these are.
    pub fn silent(mut self) -> Self {
        self.silent = true;
        self
    }

    /// Only of those messages that have not changed since this mod-sequence (RFC 7162 section
    /// 3.1.3); needs CONDSTORE. The others are named in the result. ([`Mailbox::store_unchanged`]
    /// does the same.)
    ///
    /// [`Mailbox::store_unchanged`]: crate::Mailbox::store_unchanged
    #[doc(alias = "UNCHANGEDSINCE")]
    pub fn unchanged_since(mut self, mod_seq: ModSeq) -> StoreUnchanged {
        self.unchanged_since = Some(mod_seq);
        StoreUnchanged::new(self)
    }

    /// The same, with a result that lists which of the messages are not there: they are searched
    /// for in the same round trip. The messages are named by UID.
    ///
    /// ```no_run
    /// # use imap_duplex::{UidSet, command::Store, types::Flag};
    /// # async fn example(inbox: &imap_duplex::Mailbox, uids: UidSet) -> imap_duplex::Result<()> {
    /// let stored = inbox.submit(Store::add([Flag::Seen]).of(&uids).report()).await?;
    /// println!("of {uids} there are no {}", stored.absent);
    /// # Ok(())
    /// # }
    /// ```
    pub fn report(self) -> Report<Self> {
        Report::new(self)
    }

    /// For these messages. ([`Mailbox::store`](crate::Mailbox::store) sets them by itself.)
    pub fn of(mut self, which: impl Into<Messages>) -> Self {
        self.which = which.into();
        self
    }

    pub(crate) fn is_silent(&self) -> bool {
        // If only the server can resolve the messages of a silent STORE, its effect could not be
        // reported.
        self.silent && !matches!(self.which, Messages::Saved(_))
    }

    /// The same change of flags, of no messages.
    pub(crate) fn of_none(&self) -> Self {
        Self::new(self.action, self.flags.clone())
    }

    /// The flags that a message has afterwards; `None` if that depends on unknown flags.
    pub(crate) fn apply(&self, before: Option<&Flags>) -> Option<Flags> {
        let mut flags = match self.action {
            Action::Replace => {
                let mut flags = self.flags.clone();
                // Clients can't change \Recent (RFC 3501 section 2.3.2).
                if before.is_some_and(|b| b.contains(&crate::types::Flag::Recent)) {
                    flags.insert(crate::types::Flag::Recent);
                }
                return Some(flags);
            }
            _ => before?.clone(),
        };
        for flag in self.flags.iter() {
            match self.action {
                Action::Remove => flags.remove(&flag),
                _ => flags.insert(flag),
            };
        }
        Some(flags)
    }
}

impl Command for Store {
    type Item = Message;
    type Output = Vec<Message>;

    fn name(&self) -> &str {
        "STORE"
    }

    fn class(&self) -> Class {
        let class = Class::change()
            .answered_by_kinds(ResponseKinds::FETCH)
            .about_messages()
            .with_flags(FlagUse::Writes);
        let class = if self.which.by_number() { class.expunge_free() } else { class };
        class.changing_messages().with_effect(Effect::Store(Box::new(self.clone())))
    }

    fn messages(&mut self) -> Option<&mut Messages> {
        Some(&mut self.which)
    }

    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
        let (piece, flow) = self.pieces.next(&self.which, session);
        line.command("STORE", &piece);
        condition(line, self.unchanged_since);
        let sign = match self.action {
            Action::Add => "+",
            Action::Remove => "-",
            Action::Replace => "",
        };
        line.word(&format!("{sign}FLAGS{}", if self.is_silent() { ".SILENT" } else { "" }));
        line.flags(&self.flags);
        Ok(flow)
    }

    fn claims(&self, response: &Untagged) -> Claim {
        let Answer::Fetch(row) = response.answer() else { return Claim::No };
        let Some(flags) = row.flags() else { return Claim::No };
        // A row whose flags don't show the change is an unsolicited one.
        let shows = self.apply(Some(flags)).as_ref() == Some(flags);
        // A row with more in it answers a FETCH.
        let alone = !row.has_data();
        if !alone || self.is_silent() || !shows || self.received.has(row) {
            return Claim::No;
        }
        match self.pieces.matches(&self.which, row) {
            Match::Surely => Claim::Whole,
            Match::Perhaps if matches!(self.which, Messages::Saved(_)) => Claim::Part,
            _ => Claim::No,
        }
    }

    fn line_ended(&mut self, at: usize) {
        self.pieces.line_ended(at);
    }

    fn received(&mut self, response: &Untagged) {
        if let Answer::Fetch(row) = response.answer() {
            self.received.add(row);
        }
    }

    fn item(response: Untagged) -> Option<Message> {
        row_of(response)
    }

    fn finish(self, _: Done, items: Vec<Message>) -> Result<Vec<Message>> {
        Ok(join_rows(items))
    }
}

impl Streaming for Store {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Flag;

    #[test]
    fn says_what_flags_a_message_has_afterwards() {
        let before = Flags::from([Flag::Seen, Flag::Recent]);
        let after = |store: Store| store.apply(Some(&before)).map(|f| f.to_string());
        assert_eq!(after(Store::add([Flag::Deleted])).unwrap(), r"(\Seen \Deleted \Recent)");
        assert_eq!(after(Store::remove([Flag::Seen])).unwrap(), r"(\Recent)");
        assert_eq!(after(Store::replace([Flag::Draft])).unwrap(), r"(\Draft \Recent)");
        assert_eq!(Store::add([Flag::Seen]).apply(None), None);
        assert_eq!(Store::replace([Flag::Seen]).apply(None), Some(Flags::from(Flag::Seen)));
    }
}

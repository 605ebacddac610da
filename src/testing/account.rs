//! A user's mail in the test's hands: what comes, goes and changes from the outside, and what there
//! truly is.

use bytes::Bytes;

use super::mailbox::{MailboxId, Message, NewMessage};
use super::world::{Shared, World};
use crate::types::{Flags, MailboxName, ModSeq, Timestamp, Uid, UidSet, UidValidity};
use crate::wire::request::Change;

/// One user's mailboxes, as something outside of IMAP changes them: mail is delivered, another
/// program is at work. The clients that are connected are told of it as of another client's doing.
///
/// Each change is done when the method returns, from whichever thread. A mailbox or a message that
/// there is not is the test's mistake: methods that name one panic.
#[derive(Clone, Debug)]
pub struct Account {
    shared: Shared,
    user: String,
}

/// A mailbox as it truly is at one moment, from [`Account::mailbox`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct StoredMailbox {
    /// Its name.
    pub name: MailboxName,
    /// The era of its UIDs.
    pub uid_validity: UidValidity,
    /// The UID that the next message will have.
    pub uid_next: Uid,
    /// Its newest mod-sequence.
    pub highest_mod_seq: ModSeq,
    /// Whether the user has subscribed to it.
    pub subscribed: bool,
    /// Its messages, by ascending UID.
    pub messages: Vec<StoredMessage>,
}

/// A message as it truly is at one moment.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct StoredMessage {
    /// Its UID.
    pub uid: Uid,
    /// Its flags, without `\Recent`.
    pub flags: Flags,
    /// When it was received.
    pub internal_date: Timestamp,
    /// The mod-sequence of its last change.
    pub mod_seq: ModSeq,
    /// All of its octets.
    pub bytes: Bytes,
}

impl StoredMessage {
    fn new(message: &Message) -> Self {
        Self {
            uid: Uid::new(message.uid).unwrap_or(Uid::MIN),
            flags: message.flags.clone(),
            internal_date: message.internal_date,
            mod_seq: ModSeq::new(message.mod_seq).unwrap_or(ModSeq::MIN),
            bytes: message.bytes().clone(),
        }
    }
}

impl StoredMailbox {
    /// The message with this UID.
    #[must_use]
    pub fn message(&self, uid: Uid) -> Option<&StoredMessage> {
        self.messages.iter().find(|message| message.uid == uid)
    }

    /// The UIDs of its messages.
    #[must_use]
    pub fn uids(&self) -> UidSet {
        self.messages.iter().map(|message| message.uid).collect()
    }
}

impl Account {
    pub(super) fn new(shared: Shared, user: String) -> Self {
        Self { shared, user }
    }

    /// The user's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.user
    }

    #[track_caller]
    fn id(&self, world: &World, name: &MailboxName) -> MailboxId {
        match world.find(&self.user, name) {
            Some(id) => id,
            None => panic!("{} has no mailbox {name}", self.user),
        }
    }

    /// Puts a message into a mailbox, which is made if it is not there, and gives its UID. Quotas
    /// do not count.
    ///
    /// # Panics
    /// The mailbox can't have such a name, or has no more UIDs.
    #[track_caller]
    pub fn deliver(&self, mailbox: impl Into<MailboxName>, message: impl Into<Bytes>) -> Uid {
        self.put(&mailbox.into(), message.into(), Flags::new(), None)
    }

    /// The same with flags, and a date other than now.
    ///
    /// # Panics
    /// As [`deliver`](Self::deliver).
    #[track_caller]
    pub fn deliver_with(
        &self,
        mailbox: impl Into<MailboxName>,
        message: impl Into<Bytes>,
        flags: impl Into<Flags>,
        date: Option<Timestamp>,
    ) -> Uid {
        self.put(&mailbox.into(), message.into(), flags.into(), date)
    }

    #[track_caller]
    fn put(&self, name: &MailboxName, bytes: Bytes, flags: Flags, date: Option<Timestamp>) -> Uid {
        let mut world = self.shared.lock();
        let id = match world.find(&self.user, name) {
            Some(id) => id,
            None => match world.create(&self.user, name, Vec::new(), None) {
                Ok(id) => id,
                Err(no) => panic!("{name}: {}", no.1),
            },
        };
        let new: NewMessage = world.message(&self.user, bytes, flags, date);
        match world.add(id, new, None).and_then(|message| Uid::new(message.uid)) {
            Some(uid) => uid,
            None => panic!("{name} has no more UIDs"),
        }
    }

    #[track_caller]
    fn change(&self, name: &MailboxName, uid: Uid, change: Change, flags: &Flags) {
        let mut world = self.shared.lock();
        let id = self.id(&world, name);
        let changed = world.change(id, &[uid.get()], (change, flags), None);
        assert!(!changed.is_empty(), "{name} has no message with the UID {uid}");
    }

    /// Gives a message these flags and no others.
    ///
    /// # Panics
    /// There is no such message.
    #[track_caller]
    pub fn set_flags(&self, mailbox: impl Into<MailboxName>, uid: Uid, flags: impl Into<Flags>) {
        self.change(&mailbox.into(), uid, Change::Replace, &flags.into());
    }

    /// Gives a message these flags as well.
    ///
    /// # Panics
    /// There is no such message.
    #[track_caller]
    pub fn add_flags(&self, mailbox: impl Into<MailboxName>, uid: Uid, flags: impl Into<Flags>) {
        self.change(&mailbox.into(), uid, Change::Add, &flags.into());
    }

    /// Takes these flags from a message.
    ///
    /// # Panics
    /// There is no such message.
    #[track_caller]
    pub fn remove_flags(&self, mailbox: impl Into<MailboxName>, uid: Uid, flags: impl Into<Flags>) {
        self.change(&mailbox.into(), uid, Change::Remove, &flags.into());
    }

    /// Removes messages for good, whatever flags they have; gives those that were there.
    ///
    /// # Panics
    /// There is no such mailbox.
    #[track_caller]
    pub fn expunge(&self, mailbox: impl Into<MailboxName>, uids: impl Into<UidSet>) -> UidSet {
        let (name, uids) = (mailbox.into(), uids.into());
        let mut world = self.shared.lock();
        let id = self.id(&world, &name);
        let wanted = |uid: &u32| Uid::new(*uid).is_some_and(|uid| uids.contains(uid));
        let all = world.mailboxes.get(&id).into_iter().flat_map(|held| held.messages.keys().copied());
        let there: Vec<u32> = all.filter(wanted).collect();
        world.remove(id, &there, None).iter().filter_map(|message| Uid::new(message.uid)).collect()
    }

    /// Makes a mailbox. Levels of its name are cut by `/`.
    ///
    /// # Panics
    /// It is there already, or can't have such a name.
    #[track_caller]
    pub fn create(&self, mailbox: impl Into<MailboxName>) {
        let name = mailbox.into();
        let made = self.shared.lock().create(&self.user, &name, Vec::new(), None);
        if let Err(no) = made {
            panic!("{name}: {}", no.1);
        }
    }

    /// Deletes a mailbox with its messages. A client that has it selected is disconnected, as other
    /// servers do.
    ///
    /// # Panics
    /// There is no such mailbox, or it is INBOX.
    #[track_caller]
    pub fn delete(&self, mailbox: impl Into<MailboxName>) {
        let name = mailbox.into();
        let gone = self.shared.lock().delete(&self.user, &name, None);
        if let Err(no) = gone {
            panic!("{name}: {}", no.1);
        }
    }

    /// Renames a mailbox and those below it. A client that has it selected goes on with it.
    ///
    /// # Panics
    /// There is no such mailbox, or there is one of the new name.
    #[track_caller]
    pub fn rename(&self, from: impl Into<MailboxName>, to: impl Into<MailboxName>) {
        let (from, to) = (from.into(), to.into());
        let renamed = self.shared.lock().rename(&self.user, (&from, &to), None);
        if let Err(no) = renamed {
            panic!("{from} to {to}: {}", no.1);
        }
    }

    /// Subscribes to a mailbox, or no longer.
    ///
    /// # Panics
    /// There is no such mailbox.
    #[track_caller]
    pub fn subscribe(&self, mailbox: impl Into<MailboxName>, subscribed: bool) {
        let name = mailbox.into();
        let done = self.shared.lock().subscribe(&self.user, &name, subscribed, None);
        if let Err(no) = done {
            panic!("{name}: {}", no.1);
        }
    }

    /// Gives a mailbox another UIDVALIDITY, and its messages new UIDs, as after a restore from a
    /// backup. A client that has it selected is disconnected: UIDs do not change within a session
    /// (RFC 9051 section 2.3.1.1).
    ///
    /// # Panics
    /// There is no such mailbox.
    #[track_caller]
    pub fn change_uid_validity(&self, mailbox: impl Into<MailboxName>, uid_validity: UidValidity) {
        let name = mailbox.into();
        let mut world = self.shared.lock();
        let id = self.id(&world, &name);
        world.renumber(id, uid_validity.get());
    }

    /// How many bytes of messages the user may keep; `None` for as much as there is memory. What is
    /// there already stays (RFC 9208). Clients read it in units of 1024 bytes, rounded up.
    pub fn set_quota_bytes(&self, bytes: Option<u64>) {
        if let Some(user) = self.shared.lock().users.get_mut(&self.user) {
            user.quota.bytes = bytes;
        }
    }

    /// How many messages the user may keep; `None` for as many as there is memory. What is there
    /// already stays (RFC 9208).
    pub fn set_quota_messages(&self, messages: Option<u64>) {
        if let Some(user) = self.shared.lock().users.get_mut(&self.user) {
            user.quota.messages = messages;
        }
    }

    /// The names of all mailboxes.
    #[must_use]
    pub fn mailboxes(&self) -> Vec<MailboxName> {
        let world = self.shared.lock();
        world.users.get(&self.user).map(|user| user.names.keys().cloned().collect()).unwrap_or_default()
    }

    /// A mailbox as it is at this moment; `None` if there is no such mailbox.
    #[must_use]
    pub fn mailbox(&self, mailbox: impl Into<MailboxName>) -> Option<StoredMailbox> {
        let name = mailbox.into();
        let world = self.shared.lock();
        let held = world.mailboxes.get(&world.find(&self.user, &name)?)?;
        Some(StoredMailbox {
            subscribed: world.users.get(&self.user)?.subscribed.contains(&name),
            name,
            uid_validity: UidValidity::new(held.uid_validity)?,
            uid_next: Uid::new(held.uid_next)?,
            highest_mod_seq: ModSeq::new(held.highest_mod_seq)?,
            messages: held.messages.values().map(|message| StoredMessage::new(message)).collect(),
        })
    }
}

//! A user's mail, controlled by the test: changes from outside of IMAP, and the true state.

use bytes::Bytes;

use super::mailbox::{MailboxId, Message, NewMessage};
use super::world::{Shared, Token, World};
use crate::types::{Flags, MailboxName, ModSeq, Timestamp, Uid, UidSet, UidValidity};
use crate::wire::request::Change;

/// One user's mailboxes, for changes from outside of IMAP, such as delivered mail or another
/// program. Connected clients are notified as of another client's changes.
///
/// Each change is complete when the method returns; any thread may call it. Naming a mailbox or
/// message that does not exist is an error of the test: such methods panic.
#[derive(Clone, Debug)]
pub struct Account {
    shared: Shared,
    user: String,
}

/// The true state of a mailbox at one moment, from [`Account::mailbox`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct StoredMailbox {
    /// Its name.
    pub name: MailboxName,
    /// Its UIDVALIDITY.
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

/// The true state of a message at one moment.
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
    /// Its whole content.
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

    /// Changes the password. Who is logged in stays so.
    pub fn set_password(&self, password: impl Into<String>) {
        if let Some(user) = self.shared.lock().users.get_mut(&self.user) {
            user.password = password.into();
        }
    }

    /// Sets the access token that XOAUTH2 and OAUTHBEARER take of this user, in place of another.
    pub fn set_token(&self, token: impl Into<String>) {
        if let Some(user) = self.shared.lock().users.get_mut(&self.user) {
            user.token = Some(Token { text: token.into(), is_expired: false });
        }
    }

    /// Makes the access token expire: it is refused from now on, with what servers say of such
    /// tokens in JSON (see [`Builder::token_failure`](super::Builder::token_failure)). Who is
    /// logged in stays so.
    pub fn expire_token(&self) {
        let mut world = self.shared.lock();
        if let Some(token) = world.users.get_mut(&self.user).and_then(|user| user.token.as_mut()) {
            token.is_expired = true;
        }
    }

    #[track_caller]
    fn id(&self, world: &World, name: &MailboxName) -> MailboxId {
        match world.find(&self.user, name) {
            Some(id) => id,
            None => panic!("{} has no mailbox {name}", self.user),
        }
    }

    /// Adds a message to a mailbox, which is created if missing, and returns its UID. Quotas do not
    /// apply.
    ///
    /// # Panics
    /// If the name is invalid, or the mailbox has no more UIDs.
    #[track_caller]
    pub fn deliver(&self, mailbox: impl Into<MailboxName>, message: impl Into<Bytes>) -> Uid {
        self.put(&mailbox.into(), message.into(), Flags::new(), None)
    }

    /// Adds a message with flags, and with another date than now.
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

    /// Replaces the flags of a message.
    ///
    /// # Panics
    /// If there is no such message.
    #[track_caller]
    pub fn set_flags(&self, mailbox: impl Into<MailboxName>, uid: Uid, flags: impl Into<Flags>) {
        self.change(&mailbox.into(), uid, Change::Replace, &flags.into());
    }

    /// Adds flags to a message.
    ///
    /// # Panics
    /// If there is no such message.
    #[track_caller]
    pub fn add_flags(&self, mailbox: impl Into<MailboxName>, uid: Uid, flags: impl Into<Flags>) {
        self.change(&mailbox.into(), uid, Change::Add, &flags.into());
    }

    /// Removes flags from a message.
    ///
    /// # Panics
    /// If there is no such message.
    #[track_caller]
    pub fn remove_flags(&self, mailbox: impl Into<MailboxName>, uid: Uid, flags: impl Into<Flags>) {
        self.change(&mailbox.into(), uid, Change::Remove, &flags.into());
    }

    /// Whether the server can't read the text of a message, as with a damaged file: FETCH of its
    /// text, structure or envelope ends at it with `NO [SERVERBUG]`, after the rows before it. Its
    /// copies can't be read either.
    ///
    /// # Panics
    /// If there is no such message.
    #[track_caller]
    pub fn set_unreadable(&self, mailbox: impl Into<MailboxName>, uid: Uid, unreadable: bool) {
        let (name, world) = (mailbox.into(), self.shared.lock());
        let id = self.id(&world, &name);
        match world.mailboxes.get(&id).and_then(|held| held.messages.get(&uid.get())) {
            Some(message) => message.content.set_unreadable(unreadable),
            None => panic!("{name} has no message with the UID {uid}"),
        }
    }

    /// Expunges messages, whatever flags they have; returns those that existed.
    ///
    /// # Panics
    /// If there is no such mailbox.
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

    /// Creates a mailbox. `/` separates the levels of its name.
    ///
    /// # Panics
    /// If it exists already, or the name is invalid.
    #[track_caller]
    pub fn create(&self, mailbox: impl Into<MailboxName>) {
        let name = mailbox.into();
        let made = self.shared.lock().create(&self.user, &name, Vec::new(), None);
        if let Err(no) = made {
            panic!("{name}: {}", no.1);
        }
    }

    /// Deletes a mailbox with its messages. Clients that have it selected are disconnected, as by
    /// other servers.
    ///
    /// # Panics
    /// If there is no such mailbox, or it is INBOX.
    #[track_caller]
    pub fn delete(&self, mailbox: impl Into<MailboxName>) {
        let name = mailbox.into();
        let result = self.shared.lock().delete(&self.user, &name, None);
        if let Err(no) = result {
            panic!("{name}: {}", no.1);
        }
    }

    /// Renames a mailbox and those below it. It stays selected in clients that have it selected.
    ///
    /// # Panics
    /// If there is no such mailbox, or the new name is taken.
    #[track_caller]
    pub fn rename(&self, from: impl Into<MailboxName>, to: impl Into<MailboxName>) {
        let (from, to) = (from.into(), to.into());
        let renamed = self.shared.lock().rename(&self.user, (&from, &to), None);
        if let Err(no) = renamed {
            panic!("{from} to {to}: {}", no.1);
        }
    }

    /// Subscribes to a mailbox, or unsubscribes from it.
    ///
    /// # Panics
    /// If there is no such mailbox.
    #[track_caller]
    pub fn subscribe(&self, mailbox: impl Into<MailboxName>, subscribed: bool) {
        let name = mailbox.into();
        let done = self.shared.lock().subscribe(&self.user, &name, subscribed, None);
        if let Err(no) = done {
            panic!("{name}: {}", no.1);
        }
    }

    /// Changes the UIDVALIDITY of a mailbox and the UIDs of its messages, as a restore from a
    /// backup does. Clients that have it selected are disconnected: UIDs do not change within a
    /// session (RFC 9051 section 2.3.1.1).
    ///
    /// # Panics
    /// If there is no such mailbox.
    #[track_caller]
    pub fn change_uid_validity(&self, mailbox: impl Into<MailboxName>, uid_validity: UidValidity) {
        let name = mailbox.into();
        let mut world = self.shared.lock();
        let id = self.id(&world, &name);
        world.renumber(id, uid_validity.get());
    }

    /// Restores a mailbox from a backup, under the same UIDVALIDITY: its messages, UIDNEXT and
    /// HIGHESTMODSEQ are those of then. Clients that have it selected are disconnected.
    ///
    /// ```
    /// # use imap_duplex::testing::Server;
    /// let server = Server::new();
    /// let backup = server.mailbox("INBOX").unwrap();
    /// server.deliver("INBOX", "Subject: lost\r\n\r\n");
    /// server.restore(&backup);
    /// assert_eq!(server.mailbox("INBOX").unwrap().messages.len(), 0);
    /// ```
    ///
    /// # Panics
    /// If there is no mailbox of this name.
    #[track_caller]
    pub fn restore(&self, backup: &StoredMailbox) {
        let mut world = self.shared.lock();
        let id = self.id(&world, &backup.name);
        let messages = backup.messages.iter().map(|message| world.restored(&self.user, message)).collect();
        world.restore(id, (backup.uid_next, backup.highest_mod_seq), messages);
    }

    /// Sets HIGHESTMODSEQ of a mailbox, whatever that of its messages is, as servers do that lose
    /// count.
    ///
    /// # Panics
    /// If there is no such mailbox.
    #[track_caller]
    pub fn set_highest_mod_seq(&self, mailbox: impl Into<MailboxName>, mod_seq: ModSeq) {
        let mut world = self.shared.lock();
        let id = self.id(&world, &mailbox.into());
        world.mailboxes.entry(id).and_modify(|held| held.highest_mod_seq = mod_seq.get());
    }

    /// Whether a mailbox has mod-sequences; each has. One without is selected with NOMODSEQ (RFC
    /// 7162 section 3.1.2.2).
    ///
    /// # Panics
    /// If there is no such mailbox.
    #[track_caller]
    pub fn keep_mod_seqs(&self, mailbox: impl Into<MailboxName>, keep: bool) {
        let mut world = self.shared.lock();
        let id = self.id(&world, &mailbox.into());
        world.mailboxes.entry(id).and_modify(|held| held.no_mod_seq = !keep);
    }

    /// Limits the bytes of messages that the user may store; `None` for no limit. Existing messages
    /// stay (RFC 9208). Clients see it in units of 1024 bytes, rounded up.
    pub fn set_quota_bytes(&self, bytes: Option<u64>) {
        if let Some(user) = self.shared.lock().users.get_mut(&self.user) {
            user.quota.bytes = bytes;
        }
    }

    /// Limits the count of messages that the user may store; `None` for no limit. Existing messages
    /// stay (RFC 9208).
    pub fn set_quota_messages(&self, messages: Option<u64>) {
        if let Some(user) = self.shared.lock().users.get_mut(&self.user) {
            user.quota.messages = messages;
        }
    }

    /// Limits how many mailboxes the user may have; `None` for no limit. Existing ones stay, and
    /// the limit does not apply to those that the test makes (RFC 9208 section 5.3).
    pub fn set_quota_mailboxes(&self, mailboxes: Option<u64>) {
        if let Some(user) = self.shared.lock().users.get_mut(&self.user) {
            user.quota.mailboxes = mailboxes;
        }
    }

    /// Limits the bytes of the annotations of all messages; `None` for no limit. Existing ones stay
    /// (RFC 9208 section 5.4). Clients see it in units of 1024 bytes, rounded up.
    pub fn set_quota_annotations(&self, bytes: Option<u64>) {
        if let Some(user) = self.shared.lock().users.get_mut(&self.user) {
            user.quota.annotations = bytes;
        }
    }

    /// The names of all mailboxes.
    #[must_use]
    pub fn mailboxes(&self) -> Vec<MailboxName> {
        let world = self.shared.lock();
        world.users.get(&self.user).map(|user| user.names.keys().cloned().collect()).unwrap_or_default()
    }

    /// The state of a mailbox at this moment; `None` if it does not exist.
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

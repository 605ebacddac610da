//! Changes of messages: their effect on the mailbox, and the sessions to notify.

use std::sync::Arc;

use bytes::Bytes;

use super::account::StoredMessage;
use super::annotations::Notes;
use super::mailbox::{Mailbox, MailboxId, Message, NewMessage};
use super::mime::Content;
use super::notification::{By, Notification};
use super::watch::Happened;
use super::world::{SessionId, World};
use crate::types::{
    Flags, MailboxName, MailboxStatus, Metadata, MetadataEntry, MetadataValue, ModSeq, Timestamp, Uid,
    UidValidity,
};
use crate::wire::request::Change;

impl World {
    /// A message with this content and new identifiers; its thread is that of the messages that it
    /// replies to.
    pub(crate) fn message(
        &mut self,
        user: &str,
        bytes: Bytes,
        flags: Flags,
        date: Option<Timestamp>,
    ) -> NewMessage {
        let content = Arc::new(Content::new(bytes));
        let number = self.next_id();
        let envelope = content.envelope();
        let ids = |text: Option<std::borrow::Cow<'_, str>>| -> Vec<String> {
            text.map(|text| text.split_whitespace().map(str::to_owned).collect()).unwrap_or_default()
        };
        let (own, answered) = (ids(envelope.message_id()), ids(envelope.in_reply_to()));
        let fresh: Arc<str> = format!("T{number}").into();
        let thread_id = match self.users.get_mut(user) {
            Some(user) => {
                let known = answered.iter().chain(&own).find_map(|id| user.threads.get(id)).cloned();
                let thread = known.unwrap_or(fresh);
                user.threads.extend(own.into_iter().map(|id| (id, thread.clone())));
                thread
            }
            None => fresh,
        };
        let internal_date = date.unwrap_or_else(|| self.now());
        let (email_id, notes) = (format!("M{number}").into(), Notes::default());
        NewMessage { flags, internal_date, email_id, thread_id, content, notes }
    }

    /// Adds a message to a mailbox.
    pub(crate) fn add(
        &mut self,
        mailbox: MailboxId,
        new: NewMessage,
        by: Option<SessionId>,
    ) -> Option<Arc<Message>> {
        let now = self.now();
        let held = self.mailboxes.get_mut(&mailbox)?;
        let known = held.known_flags().len();
        let message = held.add(new, now)?;
        let new_flags = held.known_flags().len() > known;
        let mut recent = held.recent_from <= message.uid;
        let mut taken = false;
        for (id, line) in &mut self.lines {
            if line.selected != Some(mailbox) {
                continue;
            }
            if new_flags {
                line.push(Notification::NewFlags { own: by == Some(*id) });
            }
            let first = recent && line.takes_recent;
            (recent, taken) = (recent && !first, taken || first);
            line.push(Notification::Arrived {
                message: message.clone(),
                recent: first,
                own: by == Some(*id),
            });
        }
        if taken && let Some(held) = self.mailboxes.get_mut(&mailbox) {
            held.recent_from = message.uid + 1;
        }
        self.notify_watchers(mailbox, Happened::New, by);
        Some(message)
    }

    /// Changes flags of messages. Returns those that exist.
    pub(crate) fn change(
        &mut self,
        mailbox: MailboxId,
        uids: &[u32],
        (change, flags): (Change, &Flags),
        by: Option<(SessionId, By)>,
    ) -> Vec<Arc<Message>> {
        let Some(held) = self.mailboxes.get_mut(&mailbox) else { return Vec::new() };
        let (all, new_flags) = held.change(uids, change, flags);
        if new_flags {
            let own = by.map(|(id, _)| id);
            self.notify_selected(mailbox, |id| Some(Notification::NewFlags { own: own == Some(id) }));
        }
        for (message, changed) in &all {
            self.notify_selected(mailbox, |id| {
                match by {
                    // A session's own STORE is answered for each message, changed or not (RFC 9051
                    // section 6.4.6).
                    Some((own, by)) if own == id => {
                        Some((by, *changed || matches!(by, By::Store | By::Conditional)))
                    }
                    _ => Some((By::Other, *changed)),
                }
                .filter(|(_, wanted)| *wanted)
                .map(|(by, _)| Notification::Changed { message: message.clone(), by })
            });
        }
        if all.iter().any(|(_, changed)| *changed) {
            self.notify_watchers(mailbox, Happened::Flags, by.map(|(id, _)| id));
        }
        all.into_iter().map(|(message, _)| message).collect()
    }

    /// Removes messages. Returns those that existed.
    pub(crate) fn remove(
        &mut self,
        mailbox: MailboxId,
        uids: &[u32],
        by: Option<SessionId>,
    ) -> Vec<Arc<Message>> {
        let Some(held) = self.mailboxes.get_mut(&mailbox) else { return Vec::new() };
        let (removed, _) = held.remove(uids);
        for message in &removed {
            self.notify_selected(mailbox, |id| {
                Some(Notification::Expunged { uid: message.uid, own: by == Some(id) })
            });
        }
        if !removed.is_empty() {
            self.notify_watchers(mailbox, Happened::Expunge, by);
        }
        removed
    }

    /// Copies messages; returns each UID with its copy's.
    pub(crate) fn copy(
        &mut self,
        from: MailboxId,
        uids: &[u32],
        to: MailboxId,
        by: Option<SessionId>,
    ) -> Vec<(u32, u32)> {
        let Some(held) = self.mailboxes.get(&from) else { return Vec::new() };
        let originals: Vec<_> = uids.iter().filter_map(|uid| held.messages.get(uid).cloned()).collect();
        let copy = |message: Arc<Message>| {
            let added = self.add(to, message.copied(), by)?;
            Some((message.uid, added.uid))
        };
        originals.into_iter().filter_map(copy).collect()
    }

    /// Changes UIDVALIDITY. The knowledge of sessions that have the mailbox selected becomes
    /// invalid, so these sessions end.
    pub(crate) fn renumber(&mut self, mailbox: MailboxId, uid_validity: u32) {
        self.note_uid_validity(uid_validity);
        if let Some(held) = self.mailboxes.get_mut(&mailbox) {
            held.renumber(uid_validity);
        }
        self.end_selected(mailbox, None, "The mailbox has another UIDVALIDITY");
        self.notify_watchers(mailbox, Happened::Flags, None);
    }

    /// A message of a backup.
    pub(crate) fn restored(&mut self, user: &str, stored: &StoredMessage) -> Message {
        let date = Some(stored.internal_date);
        let new = self.message(user, stored.bytes.clone(), stored.flags.clone(), date);
        Message {
            uid: stored.uid.get(),
            flags: new.flags,
            mod_seq: stored.mod_seq.get(),
            internal_date: new.internal_date,
            saved: self.now(),
            email_id: new.email_id,
            thread_id: new.thread_id,
            content: new.content,
            notes: new.notes,
        }
    }

    /// A mailbox is as it was when the backup was made.
    pub(crate) fn restore(&mut self, mailbox: MailboxId, next: (Uid, ModSeq), messages: Vec<Message>) {
        if let Some(held) = self.mailboxes.get_mut(&mailbox) {
            held.restore(next.0.get(), next.1.get(), messages);
        }
        self.end_selected(mailbox, None, "The mailbox was restored");
        self.notify_watchers(mailbox, Happened::New, None);
        self.notify_watchers(mailbox, Happened::Flags, None);
    }

    /// Notifies the other sessions that annotations of messages have changed.
    pub(crate) fn notify_annotated(
        &mut self,
        mailbox: MailboxId,
        uids: &[u32],
        entries: &[String],
        by: SessionId,
    ) {
        for uid in uids {
            self.notify_selected(mailbox, |id| {
                let changed = Notification::Annotated { uid: *uid, entries: entries.to_vec() };
                Some(changed).filter(|_| id != by)
            });
        }
        if !uids.is_empty() {
            self.notify_watchers(mailbox, Happened::Annotations, Some(by));
        }
    }

    /// Notifies the user's other sessions that annotations of a mailbox, or of the server, have
    /// changed (RFC 5464 section 4.4.2).
    pub(crate) fn notify_metadata(
        &mut self,
        user: &str,
        mailbox: Option<&MailboxName>,
        entries: &[String],
        by: SessionId,
    ) {
        let Some(held) = self.users.get(user) else { return };
        let what = if mailbox.is_some() { Happened::MailboxMetadata } else { Happened::ServerMetadata };
        let entry = |name: &String| MetadataEntry::new(name.clone(), MetadataValue::Changed);
        let changed = Metadata::new(mailbox.cloned(), entries.iter().map(entry).collect());
        let name = mailbox.cloned().unwrap_or(MailboxName::INBOX);
        for (id, line) in &mut self.lines {
            let Some(watch) = line.watch.clone() else { continue };
            let subscribed = |name: &MailboxName| held.subscribed.contains(name);
            let concerned = by != *id && line.user.as_deref() == Some(user);
            if concerned && watch.wants(what, &name, subscribed) {
                line.push(Notification::Metadata(Box::new(changed.clone())));
            }
        }
    }

    /// Notifies sessions of a change in a mailbox that they watch by NOTIFY and have not selected;
    /// not the session that caused it (RFC 5465 section 5).
    pub(crate) fn notify_watchers(&mut self, mailbox: MailboxId, what: Happened, by: Option<SessionId>) {
        if self.lines.values().all(|line| line.watch.is_none()) {
            return;
        }
        let Some((owner, name)) = self.place(mailbox) else { return };
        let (owner, name) = (owner.to_owned(), name.clone());
        let Some(user) = self.users.get(&owner) else { return };
        let Some(held) = self.mailboxes.get(&mailbox) else { return };
        for (id, line) in &mut self.lines {
            let Some(watch) = line.watch.clone() else { continue };
            let concerned = by != Some(*id)
                && line.selected != Some(mailbox)
                && line.user.as_ref() == Some(&owner)
                && watch.wants(what, &name, |name| user.subscribed.contains(name));
            if concerned {
                let status = status_of(held, &name, line.condstore, what);
                line.queue.retain(
                    |queued| !matches!(queued, Notification::Status(of) if of.name == name && !lacks_counts(of, &status)),
                );
                line.push(Notification::Status(Box::new(status)));
            }
        }
    }
}

/// Whether a status has counts that a later one lacks.
fn lacks_counts(before: &MailboxStatus, after: &MailboxStatus) -> bool {
    before.unseen.is_some() && after.unseen.is_none() || before.messages.is_some() && after.messages.is_none()
}

/// The STATUS for such a change (RFC 5465 sections 5.1 to 5.3).
pub(crate) fn status_of(
    held: &Mailbox,
    name: &MailboxName,
    condstore: bool,
    what: Happened,
) -> MailboxStatus {
    let mut status = MailboxStatus::new(name.clone());
    status.uid_validity = UidValidity::new(held.uid_validity);
    if condstore {
        status.highest_mod_seq = held.mod_seq();
    }
    if matches!(what, Happened::Flags | Happened::Annotations) {
        status.unseen = Some(held.count() - held.with_flag(&crate::types::Flag::Seen).0);
    } else {
        status.messages = Some(held.count());
        status.uid_next = Uid::new(held.uid_next);
    }
    status
}

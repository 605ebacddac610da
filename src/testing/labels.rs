//! Gmail's labels (X-GM-EXT-1): each mailbox is one, and a message has those of the mailboxes that
//! hold it, found by its EMAILID. In: a user's mailboxes. Out: labels; or labels, and copies made
//! and removed.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::mailbox::{Mailbox, MailboxId, Message};
use super::names::No;
use super::world::{SessionId, World};
use crate::types::{Code, Flag, Flags, MailboxName};
use crate::wire::request::Change;

/// Where all messages are, which is no label.
const ALL_MAIL: &str = "[Gmail]/All Mail";

/// The labels of Gmail's own mailboxes, by their special uses.
const BY_USE: [(&str, &str); 4] =
    [("\\Drafts", "\\Draft"), ("\\Junk", "\\Spam"), ("\\Sent", "\\Sent"), ("\\Trash", "\\Trash")];

/// The labels of a user's messages, by EMAILID.
#[derive(Clone, Debug, Default)]
pub(crate) struct Labels(HashMap<Arc<str>, BTreeSet<String>>);

impl Labels {
    /// Those of one message, which has these flags.
    pub(crate) fn of<'a>(&'a self, email_id: &str, flags: &Flags) -> impl Iterator<Item = &'a str> + use<'a> {
        let starred = flags.contains(&Flag::Flagged).then_some("\\Starred");
        self.0.get(email_id).into_iter().flatten().map(String::as_str).chain(starred)
    }
}

/// What a label stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Mailbox(MailboxName),
    /// The flag `\Flagged`.
    Starred,
    Important,
}

/// The label of the messages in this mailbox.
fn label_of(name: &MailboxName, held: &Mailbox) -> Option<String> {
    if name.is_inbox() {
        return Some("\\Inbox".to_owned());
    }
    let by_use = BY_USE.iter().find(|(special_use, _)| held.special_use.contains(special_use));
    match by_use {
        Some((_, label)) => Some((*label).to_owned()),
        None => Some(name.as_str().to_owned()).filter(|name| name != ALL_MAIL),
    }
}

impl World {
    /// The labels of all messages of a user, but for that of one mailbox.
    pub(crate) fn labels(&self, user: &str, but: Option<MailboxId>) -> Labels {
        let Some(user) = self.users.get(user) else { return Labels::default() };
        let mut labels: HashMap<_, BTreeSet<_>> = HashMap::new();
        for (name, id) in user.names.iter().filter(|(_, id)| Some(**id) != but) {
            let Some(held) = self.mailboxes.get(id) else { continue };
            let Some(label) = label_of(name, held) else { continue };
            for message in held.messages.values() {
                labels.entry(message.email_id.clone()).or_default().insert(label.clone());
            }
        }
        for email_id in &user.important {
            labels.entry(email_id.clone()).or_default().insert("\\Important".to_owned());
        }
        Labels(labels)
    }

    fn place_of_label(&self, user: &str, label: &str) -> Result<Place, No> {
        let is = |name: &&(&str, &str)| name.1.eq_ignore_ascii_case(label);
        if label.eq_ignore_ascii_case("\\Inbox") {
            return Ok(Place::Mailbox(MailboxName::INBOX));
        } else if label.eq_ignore_ascii_case("\\Starred") {
            return Ok(Place::Starred);
        } else if label.eq_ignore_ascii_case("\\Important") {
            return Ok(Place::Important);
        } else if !label.starts_with('\\') {
            return Ok(Place::Mailbox(MailboxName::exact(label)));
        }
        let missing = No(Some(Code::Cannot), "There is no such system label here");
        let (special_use, _) = BY_USE.iter().find(is).ok_or(missing.clone())?;
        let names = self.users.get(user).into_iter().flat_map(|user| &user.names);
        let is_for = |id| self.mailboxes.get(id).is_some_and(|held| held.special_use.contains(special_use));
        let mut found = names.filter(|(_, id)| is_for(*id)).map(|(name, _)| name.clone());
        found.next().map(Place::Mailbox).ok_or(missing)
    }

    /// Changes the labels of messages of this mailbox. The label of the mailbox itself stays where
    /// labels are replaced, as it is not shown either.
    pub(crate) fn change_labels(
        &mut self,
        user: &str,
        (mailbox, uids): (MailboxId, &[u32]),
        (change, labels): (Change, &[String]),
        by: SessionId,
    ) -> Result<(), No> {
        let named = labels.iter().map(|label| self.place_of_label(user, label));
        let named: Vec<Place> = named.collect::<Result<_, _>>()?;
        let Some(held) = self.mailboxes.get(&mailbox) else { return Ok(()) };
        let messages: Vec<Arc<Message>> =
            uids.iter().filter_map(|uid| held.messages.get(uid).cloned()).collect();
        let (added, removed) = match change {
            Change::Add => (named, Vec::new()),
            Change::Remove => (Vec::new(), named),
            Change::Replace => {
                let all = self.places(user, mailbox);
                let removed = all.into_iter().filter(|place| !named.contains(place)).collect();
                (named, removed)
            }
        };
        for place in added {
            self.put(user, (mailbox, &messages), &place, by)?;
        }
        for place in removed {
            self.take(user, (mailbox, &messages), &place, by);
        }
        self.archive(user, &messages, by)
    }

    /// All that a message may have a label of, but for this mailbox.
    fn places(&self, user: &str, but: MailboxId) -> Vec<Place> {
        let mut all = vec![Place::Starred, Place::Important];
        for (name, id) in self.users.get(user).into_iter().flat_map(|user| &user.names) {
            if *id != but && name.as_str() != ALL_MAIL {
                all.push(Place::Mailbox(name.clone()));
            }
        }
        all
    }

    fn put(
        &mut self,
        user: &str,
        (mailbox, messages): (MailboxId, &[Arc<Message>]),
        place: &Place,
        by: SessionId,
    ) -> Result<(), No> {
        match place {
            Place::Mailbox(name) => {
                let id = match self.find(user, name) {
                    Some(id) => id,
                    None => self.create(user, name, Vec::new(), Some(by))?,
                };
                for message in messages {
                    if self.copies(id, message).is_empty() {
                        self.add(id, message.copied(), Some(by));
                    }
                }
            }
            Place::Starred => self.star(mailbox, messages, Change::Add),
            Place::Important => {
                let ids = messages.iter().map(|message| message.email_id.clone());
                self.users.entry(user.to_owned()).and_modify(|user| user.important.extend(ids));
            }
        }
        Ok(())
    }

    fn take(
        &mut self,
        user: &str,
        (mailbox, messages): (MailboxId, &[Arc<Message>]),
        place: &Place,
        by: SessionId,
    ) {
        match place {
            Place::Mailbox(name) => {
                let Some(id) = self.find(user, name) else { return };
                let uids: Vec<u32> = messages.iter().flat_map(|message| self.copies(id, message)).collect();
                self.remove(id, &uids, Some(by));
            }
            Place::Starred => self.star(mailbox, messages, Change::Remove),
            Place::Important => {
                if let Some(user) = self.users.get_mut(user) {
                    user.important.retain(|id| messages.iter().all(|message| message.email_id != *id));
                }
            }
        }
    }

    fn star(&mut self, mailbox: MailboxId, messages: &[Arc<Message>], change: Change) {
        let uids: Vec<u32> = messages.iter().map(|message| message.uid).collect();
        self.change(mailbox, &uids, (change, &Flags::from(Flag::Flagged)), None);
    }

    /// The UIDs of a message in this mailbox.
    fn copies(&self, mailbox: MailboxId, message: &Message) -> Vec<u32> {
        let held = self.mailboxes.get(&mailbox).into_iter().flat_map(|held| held.messages.values());
        held.filter(|other| other.email_id == message.email_id).map(|other| other.uid).collect()
    }

    /// The messages of a mailbox that is a label; none of one whose messages are to go.
    pub(crate) fn labelled(&self, mailbox: Option<MailboxId>) -> Vec<Arc<Message>> {
        let held = mailbox.and_then(|id| self.mailboxes.get(&id));
        let stay = |held: &&Mailbox| !["\\Trash", "\\Junk"].iter().any(|one| held.special_use.contains(one));
        held.filter(stay).into_iter().flat_map(|held| held.messages.values().cloned()).collect()
    }

    /// What is in no mailbox any more goes to where all mail is.
    pub(crate) fn archive(&mut self, user: &str, messages: &[Arc<Message>], by: SessionId) -> Result<(), No> {
        for message in messages {
            let names = self.users.get(user).into_iter().flat_map(|user| user.names.values());
            if names.into_iter().any(|id| !self.copies(*id, message).is_empty()) {
                continue;
            }
            let all_mail = MailboxName::exact(ALL_MAIL);
            let id = match self.find(user, &all_mail) {
                Some(id) => id,
                None => self.create(user, &all_mail, vec!["\\All"], Some(by))?,
            };
            self.add(id, message.copied(), Some(by));
        }
        Ok(())
    }
}

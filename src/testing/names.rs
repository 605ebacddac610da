//! Mailboxes by name: created, deleted, renamed, subscribed, and their LIST entries (RFC 9051
//! sections 6.3.4 to 6.3.9). `/` separates the levels of names.

use super::changes::status_of;
use super::mailbox::{Mailbox, MailboxId};
use super::notification::Notification;
use super::watch::Happened;
use super::world::{SessionId, World};
use crate::types::{Code, ListEntry, MailboxName, MailboxStatus};

/// The hierarchy delimiter.
pub(crate) const DELIMITER: char = '/';

/// The special uses of RFC 6154 for mailboxes; `\All` and `\Flagged` are views of other mailboxes.
pub(crate) const SPECIAL_USES: [&str; 5] = ["\\Archive", "\\Drafts", "\\Junk", "\\Sent", "\\Trash"];

/// The reason why a command about a mailbox is answered NO.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct No(pub(crate) Option<Code>, pub(crate) &'static str);

/// The optional items of a LIST entry.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) children: bool,
    pub(crate) subscribed: bool,
    pub(crate) special_use: bool,
}

/// Only DELETE and RENAME answer with NONEXISTENT, as Dovecot does: a program must not rely on it.
const MISSING: No = No(Some(Code::NonExistent), "There is no such mailbox");
const TAKEN: No = No(Some(Code::AlreadyExists), "There is such a mailbox already");
const NO_NAME: No = No(Some(Code::Cannot), "No mailbox can have this name");

/// The name without a trailing delimiter, by which CREATE announces mailboxes below it (RFC 9051
/// section 6.3.4).
fn normal(name: &MailboxName) -> Result<MailboxName, No> {
    let text = name.as_str();
    let name = MailboxName::exact(text.strip_suffix(DELIMITER).unwrap_or(text));
    can_be(&name).map(|()| name)
}

/// Whether this is a valid mailbox name.
pub(crate) fn can_be(name: &MailboxName) -> Result<(), No> {
    let text = name.as_str();
    let wrong = text.split(DELIMITER).any(str::is_empty)
        || text.chars().any(|c| c.is_control() || matches!(c, '*' | '%'))
        || text.len() > 1000;
    if wrong { Err(NO_NAME) } else { Ok(()) }
}

/// The NO for opening, counting or subscribing to a missing mailbox.
pub(crate) fn missing(name: &MailboxName) -> No {
    can_be(name).err().unwrap_or(No(None, "There is no such mailbox"))
}

/// The name one level up.
pub(crate) fn parent(name: &str) -> Option<&str> {
    name.rsplit_once(DELIMITER).map(|(parent, _)| parent)
}

fn is_below(name: &str, of: &str) -> bool {
    name.strip_prefix(of).is_some_and(|rest| rest.starts_with(DELIMITER))
}

impl World {
    /// Adds a mailbox without notifying sessions.
    pub(crate) fn add_mailbox(&mut self, user: &str, name: &MailboxName) -> MailboxId {
        let id = self.next_id();
        // Each has another UIDVALIDITY, so that a reused name does not revive old UIDs.
        let uid_validity = self.next_uid_validity(id);
        self.mailboxes.insert(id, Mailbox::new(uid_validity, format!("F{id}")));
        if let Some(user) = self.users.get_mut(user) {
            user.names.insert(name.clone(), id);
        }
        id
    }

    /// CREATE. The parents need not exist: they are listed as names without a mailbox as long as
    /// there is something below them (RFC 9051 section 6.3.4).
    pub(crate) fn create(
        &mut self,
        user: &str,
        name: &MailboxName,
        special_use: Vec<&'static str>,
        by: Option<SessionId>,
    ) -> Result<MailboxId, No> {
        let name = normal(name)?;
        if self.find(user, &name).is_some() {
            return Err(TAKEN);
        }
        let id = self.add_mailbox(user, &name);
        if let Some(held) = self.mailboxes.get_mut(&id) {
            held.special_use = special_use;
        }
        self.notify_name(user, &name, None, by);
        Ok(id)
    }

    /// DELETE: without those below it. Sessions that have it selected end, as with other servers.
    pub(crate) fn delete(&mut self, user: &str, name: &MailboxName, by: Option<SessionId>) -> Result<(), No> {
        can_be(name)?;
        if name.is_inbox() {
            return Err(No(None, "INBOX can't be deleted"));
        }
        let held = self.users.get_mut(user).ok_or(MISSING)?;
        let id = held.names.remove(name).ok_or(MISSING)?;
        self.mailboxes.remove(&id);
        self.end_selected(id, by, "The selected mailbox was deleted");
        self.notify_name(user, name, None, by);
        Ok(())
    }

    /// RENAME, with all below it; INBOX moves its messages to a new mailbox and stays (RFC 9051
    /// section 6.3.6).
    pub(crate) fn rename(
        &mut self,
        user: &str,
        (from, to): (&MailboxName, &MailboxName),
        by: Option<SessionId>,
    ) -> Result<(), No> {
        can_be(from)?;
        can_be(to)?;
        let exists = self.list_entry(user, from, Wanted::default());
        if !exists.is_selectable() && !self.has_children(user, from) {
            return Err(MISSING);
        }
        if self.find(user, to).is_some() {
            return Err(TAKEN);
        }
        if is_below(to.as_str(), from.as_str()) && !from.is_inbox() {
            return Err(No(None, "A mailbox can't be below itself"));
        }
        if from.is_inbox() {
            let (Some(inbox), new) = (self.find(user, from), self.add_mailbox(user, to)) else {
                return Err(MISSING);
            };
            let uids: Vec<u32> =
                self.mailboxes.get(&inbox).into_iter().flat_map(|m| m.messages.keys().copied()).collect();
            self.copy(inbox, &uids, new, by);
            self.remove(inbox, &uids, by);
            self.notify_name(user, to, None, by);
            return Ok(());
        }
        let Some(held) = self.users.get_mut(user) else { return Err(MISSING) };
        let renamed = |name: &MailboxName| match name.as_str() {
            text if text == from.as_str() => to.clone(),
            text if is_below(text, from.as_str()) => {
                MailboxName::exact(format!("{to}{}", text.get(from.as_str().len()..).unwrap_or_default()))
            }
            _ => name.clone(),
        };
        // A name may have mailboxes below it without being one itself.
        let is_taken = |name: &MailboxName| {
            let new = renamed(name);
            new != *name && held.names.contains_key(&new)
        };
        if held.names.keys().any(is_taken) {
            return Err(TAKEN);
        }
        held.names = std::mem::take(&mut held.names).iter().map(|(name, id)| (renamed(name), *id)).collect();
        self.notify_name(user, to, Some(from), by);
        Ok(())
    }

    /// SUBSCRIBE and UNSUBSCRIBE. Only existing mailboxes can be subscribed to; any name can be
    /// unsubscribed.
    pub(crate) fn subscribe(
        &mut self,
        user: &str,
        name: &MailboxName,
        yes: bool,
        by: Option<SessionId>,
    ) -> Result<(), No> {
        let known = self.find(user, name).is_some();
        let held = self.users.get_mut(user).ok_or(MISSING)?;
        if yes {
            if !known {
                return Err(No(None, "There is no such mailbox"));
            }
            held.subscribed.insert(name.clone());
        } else {
            can_be(name)?;
            if !held.subscribed.remove(name) && !known {
                return Ok(());
            }
        }
        self.notify_list(user, name, None, Happened::Subscription, by);
        Ok(())
    }

    pub(crate) fn has_children(&self, user: &str, name: &MailboxName) -> bool {
        // In order, those below it begin there.
        let first = MailboxName::exact(format!("{name}{DELIMITER}"));
        let next = self.users.get(user).and_then(|user| user.names.range(first..).next());
        next.is_some_and(|(other, _)| is_below(other.as_str(), name.as_str()))
    }

    /// The LIST entry of this name.
    pub(crate) fn list_entry(&self, user: &str, name: &MailboxName, wanted: Wanted) -> ListEntry {
        let mut entry = ListEntry::new(name.clone());
        entry.delimiter = Some(DELIMITER);
        let mut attribute = |name: &str| entry.attributes.push(name.to_owned());
        let id = self.find(user, name);
        if id.is_none() {
            // \NonExistent belongs to LIST-EXTENDED, and implies \Noselect (RFC 5258 section 3).
            attribute(if self.has("LIST-EXTENDED") { "\\NonExistent" } else { "\\Noselect" });
        }
        if wanted.children {
            attribute(if self.has_children(user, name) { "\\HasChildren" } else { "\\HasNoChildren" });
        }
        let subscribed = self.users.get(user).is_some_and(|user| user.subscribed.contains(name));
        if wanted.subscribed && subscribed {
            attribute("\\Subscribed");
        }
        if let Some(held) = id.and_then(|id| self.mailboxes.get(&id)).filter(|_| wanted.special_use) {
            held.special_use.iter().for_each(|name| attribute(name));
        }
        entry
    }

    /// Notifies that a mailbox was created, deleted or renamed; the first two affect its parent as
    /// well, whether that exists or not (RFC 5465 section 5.4).
    fn notify_name(
        &mut self,
        user: &str,
        name: &MailboxName,
        old: Option<&MailboxName>,
        by: Option<SessionId>,
    ) {
        self.notify_list(user, name, old, Happened::Name, by);
        if let Some(above) = parent(name.as_str()).filter(|_| old.is_none()) {
            self.notify_list(user, &MailboxName::exact(above), None, Happened::Name, by);
        }
    }

    fn notify_list(
        &mut self,
        user: &str,
        name: &MailboxName,
        old: Option<&MailboxName>,
        what: Happened,
        by: Option<SessionId>,
    ) {
        if self.lines.values().all(|line| line.watch.is_none()) {
            return;
        }
        let wanted = Wanted { children: true, subscribed: true, special_use: false };
        let mut entry = self.list_entry(user, name, wanted);
        entry.old_name = old.cloned();
        // RFC 5465 section 5.4 demands this, whatever LIST returns.
        for attribute in entry.attributes.iter_mut().filter(|attribute| **attribute == "\\Noselect") {
            "\\NonExistent".clone_into(attribute);
        }
        let Some(held) = self.users.get(user) else { return };
        for (id, line) in &mut self.lines {
            let Some(watch) = line.watch.clone() else { continue };
            let is_subscribed = |name: &MailboxName| held.subscribed.contains(name);
            let wants = |name| watch.wants(what, name, is_subscribed);
            let concerned = by != Some(*id) && line.user.as_deref() == Some(user);
            if concerned && (wants(name) || old.is_some_and(wants)) {
                line.push(Notification::List(Box::new(entry.clone())));
            }
        }
    }

    /// The STATUS responses of NOTIFY … STATUS for each watched mailbox (RFC 5465 section 3.1).
    pub(crate) fn watched(&self, session: SessionId) -> Vec<MailboxStatus> {
        let Some(line) = self.lines.get(&session) else { return Vec::new() };
        let user = line.user.as_ref().and_then(|user| self.users.get(user));
        let (Some(watch), Some(user)) = (&line.watch, user) else { return Vec::new() };
        let subscribed = |name: &MailboxName| user.subscribed.contains(name);
        let status = |(name, id): (&MailboxName, &MailboxId)| {
            let held = self.mailboxes.get(id).filter(|_| line.selected != Some(*id))?;
            let new = watch.wants(Happened::New, name, subscribed);
            new.then(|| status_of(held, name, line.condstore, Happened::New))
        };
        user.names.iter().filter_map(status).collect()
    }
}

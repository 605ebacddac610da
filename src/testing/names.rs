//! Mailboxes by their names: made, deleted, renamed, subscribed, and what LIST tells of one (RFC
//! 9051 sections 6.3.4 to 6.3.9). Levels of names are cut by `/`.

use super::changes::status_of;
use super::mailbox::{Mailbox, MailboxId};
use super::responder::Responder;
use super::watch::Happened;
use super::world::{SessionId, World};
use crate::types::{Code, ListEntry, MailboxName, MailboxStatus};

/// What stands between the levels of a name.
pub(crate) const DELIMITER: char = '/';

/// The special uses of RFC 6154 that a mailbox of its own can have; `\All` and `\Flagged` are views
/// of others.
pub(crate) const SPECIAL_USES: [&str; 5] = ["\\Archive", "\\Drafts", "\\Junk", "\\Sent", "\\Trash"];

/// Why a command about a mailbox is answered NO.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct No(pub(crate) Option<Code>, pub(crate) &'static str);

/// What LIST is to tell of a mailbox.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) children: bool,
    pub(crate) subscribed: bool,
    pub(crate) special_use: bool,
}

/// NONEXISTENT is the word of DELETE and RENAME alone, as Dovecot has it: a program must do without
/// it.
const MISSING: No = No(Some(Code::NonExistent), "There is no such mailbox");
const TAKEN: No = No(Some(Code::AlreadyExists), "There is such a mailbox already");
const NO_NAME: No = No(Some(Code::Cannot), "No mailbox can have this name");

/// The name less a delimiter at its end, by which CREATE says that there will be others below (RFC
/// 9051 section 6.3.4).
fn normal(name: &MailboxName) -> Result<MailboxName, No> {
    let text = name.as_str();
    let name = MailboxName::new(text.strip_suffix(DELIMITER).unwrap_or(text));
    can_be(&name).map(|()| name)
}

/// Whether a mailbox can have this name.
pub(crate) fn can_be(name: &MailboxName) -> Result<(), No> {
    let text = name.as_str();
    let wrong = text.split(DELIMITER).any(str::is_empty)
        || text.chars().any(|c| c.is_control() || matches!(c, '*' | '%'))
        || text.len() > 1000;
    if wrong { Err(NO_NAME) } else { Ok(()) }
}

/// Why a mailbox that is not there can't be opened, counted or subscribed to.
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
    /// A new mailbox, of which nobody is told.
    pub(crate) fn add_mailbox(&mut self, user: &str, name: &MailboxName) -> MailboxId {
        let id = self.next_id();
        // Each has another UIDVALIDITY, so that a name that is used again does not bring old UIDs
        // back.
        let era = self.next_era(id);
        self.mailboxes.insert(id, Mailbox::new(era, format!("F{id}")));
        if let Some(user) = self.users.get_mut(user) {
            user.names.insert(name.clone(), id);
        }
        id
    }

    /// CREATE. Those above it need not be there: they are names without a mailbox then, listed as
    /// long as something is below them (RFC 9051 section 6.3.4).
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
        self.tell_name(user, &name, None, by);
        Ok(id)
    }

    /// DELETE: not those below it. Sessions that have it selected end, as they do with other
    /// servers.
    pub(crate) fn delete(&mut self, user: &str, name: &MailboxName, by: Option<SessionId>) -> Result<(), No> {
        can_be(name)?;
        if name.is_inbox() {
            return Err(No(None, "INBOX can't be deleted"));
        }
        let held = self.users.get_mut(user).ok_or(MISSING)?;
        let id = held.names.remove(name).ok_or(MISSING)?;
        self.mailboxes.remove(&id);
        self.end_selected(id, by, "The selected mailbox was deleted");
        self.tell_name(user, name, None, by);
        Ok(())
    }

    /// RENAME, with all below it; INBOX gives its messages to a new mailbox and stays (RFC 9051
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
            self.tell_name(user, to, None, by);
            return Ok(());
        }
        let Some(held) = self.users.get_mut(user) else { return Err(MISSING) };
        let renamed = |name: &MailboxName| match name.as_str() {
            text if text == from.as_str() => to.clone(),
            text if is_below(text, from.as_str()) => {
                MailboxName::new(format!("{to}{}", text.get(from.as_str().len()..).unwrap_or_default()))
            }
            _ => name.clone(),
        };
        // Something may be below a name that is no mailbox itself.
        let is_taken = |name: &MailboxName| {
            let new = renamed(name);
            new != *name && held.names.contains_key(&new)
        };
        if held.names.keys().any(is_taken) {
            return Err(TAKEN);
        }
        held.names = std::mem::take(&mut held.names).iter().map(|(name, id)| (renamed(name), *id)).collect();
        self.tell_name(user, to, Some(from), by);
        Ok(())
    }

    /// SUBSCRIBE and UNSUBSCRIBE. What is not there can't be subscribed to; whatever it is, it can
    /// be unsubscribed.
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
        self.tell_list(user, name, None, Happened::Subscription, by);
        Ok(())
    }

    pub(crate) fn has_children(&self, user: &str, name: &MailboxName) -> bool {
        let names = self.users.get(user).into_iter().flat_map(|user| user.names.keys());
        names.into_iter().any(|other| is_below(other.as_str(), name.as_str()))
    }

    /// What LIST tells of this name.
    pub(crate) fn list_entry(&self, user: &str, name: &MailboxName, wanted: Wanted) -> ListEntry {
        let mut entry = ListEntry::new(name.clone());
        entry.delimiter = Some(DELIMITER);
        let mut attribute = |name: &str| entry.attributes.push(name.to_owned());
        let id = self.find(user, name);
        if id.is_none() {
            // \NonExistent is a word of LIST-EXTENDED, and says \Noselect (RFC 5258 section 3).
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

    /// Tells that a mailbox was made, deleted or renamed; made or deleted, the one above it is
    /// affected as well, whether it is there or not (RFC 5465 section 5.4).
    fn tell_name(
        &mut self,
        user: &str,
        name: &MailboxName,
        old: Option<&MailboxName>,
        by: Option<SessionId>,
    ) {
        self.tell_list(user, name, old, Happened::Name, by);
        if let Some(above) = parent(name.as_str()).filter(|_| old.is_none()) {
            self.tell_list(user, &MailboxName::new(above), None, Happened::Name, by);
        }
    }

    fn tell_list(
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
        // RFC 5465 section 5.4 says so, whatever LIST says.
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
                line.push(Responder::List(Box::new(entry.clone())));
            }
        }
    }

    /// The STATUS that NOTIFY … STATUS answers for each mailbox that is watched (RFC 5465 section
    /// 3.1).
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

//! What our own commands do to mailboxes, where LIST tells it before their OK: under another name perhaps, which the server
//! has made of ours (OLDNAME, RFC 9051 sections 6.3.4 to 6.3.6), or because NOTIFY has it told.
//!
//! In: LIST of which nobody asked. Out: what fits a command in flight is kept until that has ended. After its OK it is the
//! command's doing, told once; after anything else it is news like any other, and so it is before the server tells something
//! else of the same mailbox: in doubt nobody's doing, and told once all the same.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::command::Effect;
use crate::engine::Engine;
use crate::engine::mailboxes::notify::made_as;
use crate::types::{CommandId, Event, EventKind, HeapSize, ListEntry, MailboxName, Place};

/// How many bytes of memory a LIST that is kept may hold.
const MOST_HELD: usize = 10_000;

/// What LIST has told that looks like the doing of a command in flight.
#[derive(Debug)]
pub(crate) struct DeferredList {
    entry: ListEntry,
    /// Its place among all that were kept.
    at: u64,
    /// It has been told as news, for something else of the mailbox was to be told behind it: and whether that was what became
    /// of the mailbox itself.
    told: Option<bool>,
}

impl Engine {
    /// Keeps what LIST tells, if it looks like the doing of a command in flight.
    pub(in crate::engine) fn keep_for_its_command(&mut self, entry: &ListEntry) -> bool {
        let is_its = |id: CommandId| match self.inflight.effect(id) {
            Some(Effect::Subscribe { .. }) if !self.notify.tells_subscription(entry) => false,
            Some(effect) => self.inflight.has_begun(id) && is_doing_of(effect, entry),
            None => false,
        };
        let named = entry.old_name.as_ref().unwrap_or(&entry.name);
        // As many as there are commands in flight are kept.
        let kept = entry.heap_size() <= MOST_HELD;
        let fits = |id: &CommandId| kept && !self.own_changes.deferred.contains_key(id) && is_its(*id);
        let Some(id) = self.own_changes.of(named).find(fits) else {
            self.tell_kept_of(named);
            if *named != entry.name {
                self.tell_kept_of(&entry.name);
            }
            return false;
        };
        self.own_changes.keep(id, entry);
        true
    }

    /// LIST tells something else of this mailbox: what it told before came before that.
    fn tell_kept_of(&mut self, mailbox: &MailboxName) {
        for id in self.own_changes.kept_of(mailbox) {
            self.release_deferred(id);
        }
    }

    /// Something is about to be told of this mailbox: first what LIST has told of it, which came before that. Whether it is
    /// subscribed to has nothing to do with it, and waits for the command's OK.
    pub(in crate::engine) fn flush_deferred(&mut self, mailbox: &MailboxName) {
        for id in self.own_changes.kept_of(mailbox) {
            let subscribes = matches!(self.inflight.effect(id), Some(Effect::Subscribe { .. }));
            let kept = self.own_changes.deferred.get(&id);
            let Some(kept) = kept.filter(|kept| kept.told.is_none() && !subscribes) else { continue };
            let entry = kept.entry.clone();
            let told = self.tell_listed(&entry, false);
            if let Some(kept) = self.own_changes.deferred.get_mut(&id) {
                kept.told = Some(told);
            }
        }
    }

    /// The same of an event that is about to be told.
    pub(in crate::engine) fn flush_deferred_of(&mut self, event: &Event) {
        if let Some(place) = event.place.as_ref().filter(|place| place.selection.is_none()) {
            self.flush_deferred(&place.mailbox);
        }
    }

    /// A command has failed: what looked like its doing was somebody else's.
    pub(in crate::engine) fn release_deferred(&mut self, id: CommandId) {
        if let Some(kept) = self.own_changes.release(id).filter(|kept| kept.told.is_none()) {
            self.tell_listed(&kept.entry, false);
        }
    }

    /// A command has changed a mailbox: under which name, and as what the server has told it.
    pub(in crate::engine) fn report_own_change(&mut self, id: CommandId, effect: Effect) {
        let kept = self.own_changes.release(id);
        let reported_unsolicited = kept.as_ref().and_then(|kept| kept.told);
        let told = kept.map(|kept| kept.entry);
        // The server need not tell it once more.
        let echoed =
            told.as_ref().is_some_and(|t| t.old_name.is_none() || matches!(effect, Effect::Rename { .. }));
        if let Some(told) = &told {
            self.notify.hear_of(told, false);
        }
        // A server may subscribe to what it makes, too.
        let subscribed = told.as_ref().is_some_and(|told| told.has("\\Subscribed"))
            && self.notify.asks_subscriptions()
            && reported_unsolicited.is_none()
            && !matches!(effect, Effect::Subscribe { .. });
        let named = |mailbox: MailboxName| told.as_ref().map_or(mailbox, |told| told.name.clone());
        let at = |mailbox: &MailboxName| Some(Place { mailbox: mailbox.clone(), selection: None });
        let event = match effect {
            Effect::Create(mailbox) => {
                let mut entry = told.unwrap_or_else(|| ListEntry::new(self.notify.made_by(&mailbox)));
                // It has another name, and never had this one.
                entry.old_name = None;
                let place = at(&entry.name);
                Event::new(EventKind::MailboxCreated(entry)).at(place)
            }
            Effect::Delete(mailbox) => Event::new(EventKind::MailboxDeleted).at(at(&named(mailbox))),
            // INBOX stays, and its messages are in a new mailbox (RFC 9051 section 6.3.6).
            Effect::Rename { from, to } if from.is_inbox() => {
                let entry = ListEntry::new(named(to));
                let place = at(&entry.name);
                Event::new(EventKind::MailboxCreated(entry)).at(place)
            }
            Effect::Rename { from, to } => Event::new(EventKind::MailboxRenamed { from }).at(at(&named(to))),
            Effect::Subscribe { mailbox, subscribed } => {
                let mailbox = named(mailbox);
                self.notify.subscription(&mailbox, subscribed);
                Event::new(EventKind::MailboxSubscribed { subscribed }).at(at(&mailbox))
            }
            _ => return,
        };
        self.notify.note_own_change(&event, echoed);
        if reported_unsolicited == Some(true) {
            return;
        }
        self.forget_limits(&event);
        let place = event.place.clone();
        self.report(event.caused_by(Some(id)));
        if let Some(place) = place.filter(|_| subscribed) {
            self.notify.subscription(&place.mailbox, true);
            let event = Event::new(EventKind::MailboxSubscribed { subscribed }).at(Some(place));
            self.report(event.caused_by(Some(id)));
        }
    }
}

/// Commands in flight that change which mailboxes there are, or which are subscribed to.
#[derive(Debug, Default)]
pub(in crate::engine) struct OwnChanges {
    /// By the name that they were given.
    commands: Names<CommandId>,
    /// Those for which something is kept, by the names in it, in the order in which it came.
    kept: Names<(u64, CommandId)>,
    /// What is kept for each.
    deferred: BTreeMap<CommandId, DeferredList>,
    /// How often something was kept.
    times: u64,
}

impl OwnChanges {
    pub(in crate::engine) fn add(&mut self, id: CommandId, effect: &Effect) {
        changed_by(effect).for_each(|mailbox| self.commands.add(&mailbox, id));
    }

    pub(in crate::engine) fn remove(&mut self, id: CommandId, effect: &Effect) {
        changed_by(effect).for_each(|mailbox| self.commands.remove(&mailbox, &id));
        self.release(id);
    }

    /// Those of this mailbox, the oldest first.
    fn of(&self, mailbox: &MailboxName) -> impl Iterator<Item = CommandId> {
        self.commands.of(mailbox).copied()
    }

    /// This is kept for that command.
    fn keep(&mut self, id: CommandId, entry: &ListEntry) {
        self.times += 1;
        named_in(entry).for_each(|mailbox| self.kept.add(mailbox, (self.times, id)));
        self.deferred.insert(id, DeferredList { entry: entry.clone(), at: self.times, told: None });
    }

    /// Takes what is kept for that command.
    fn release(&mut self, id: CommandId) -> Option<DeferredList> {
        let kept = self.deferred.remove(&id)?;
        named_in(&kept.entry).for_each(|mailbox| self.kept.remove(mailbox, &(kept.at, id)));
        Some(kept)
    }

    /// Those for which something of this mailbox is kept.
    fn kept_of(&self, mailbox: &MailboxName) -> Vec<CommandId> {
        self.kept.of(mailbox).map(|(_, id)| *id).collect()
    }

    /// All for which something is kept.
    pub(in crate::engine) fn all_kept(&self) -> Vec<CommandId> {
        let all: BTreeSet<_> = self.kept.0.values().flatten().copied().collect();
        all.into_iter().map(|(_, id)| id).collect()
    }
}

/// What there is of each mailbox.
#[derive(Debug)]
struct Names<T>(HashMap<MailboxName, BTreeSet<T>>);

impl<T> Default for Names<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T: Ord> Names<T> {
    fn add(&mut self, mailbox: &MailboxName, what: T) {
        self.0.entry(mailbox.clone()).or_default().insert(what);
    }

    fn remove(&mut self, mailbox: &MailboxName, what: &T) {
        if let Some(those) = self.0.get_mut(mailbox) {
            those.remove(what);
            if those.is_empty() {
                self.0.remove(mailbox);
            }
        }
    }

    fn of(&self, mailbox: &MailboxName) -> impl Iterator<Item = &T> {
        self.0.get(mailbox).into_iter().flatten()
    }
}

/// The names of which LIST may tell what this command does: that which the mailbox has before. Of INBOX, which stays, it is
/// that of the new mailbox (RFC 9051 section 6.3.6).
fn changed_by(effect: &Effect) -> impl Iterator<Item = MailboxName> {
    let names = match effect {
        Effect::Create(mailbox) => {
            // Whatever it ends with may be the delimiter.
            [Some(mailbox.clone()), made_as(mailbox, mailbox.as_str().chars().next_back())]
        }
        Effect::Delete(mailbox) | Effect::Subscribe { mailbox, .. } => [Some(mailbox.clone()), None],
        Effect::Rename { from, to } => {
            [Some(from.clone()), Some(to.clone()).filter(|to| from.is_inbox() && to != from)]
        }
        _ => [None, None],
    };
    names.into_iter().flatten()
}

/// The names in what LIST tells.
fn named_in(entry: &ListEntry) -> impl Iterator<Item = &MailboxName> {
    [Some(&entry.name), entry.old_name.as_ref()].into_iter().flatten()
}

/// Whether LIST tells what this command is to do.
fn is_doing_of(effect: &Effect, entry: &ListEntry) -> bool {
    let is_there = !entry.has("\\NonExistent");
    // By its name, or by the one that it was given for it.
    let is = |mailbox: &MailboxName| *entry.old_name.as_ref().unwrap_or(&entry.name) == *mailbox;
    match effect {
        Effect::Create(mailbox) => {
            is_there && (is(mailbox) || made_as(mailbox, entry.delimiter).as_ref().is_some_and(is))
        }
        Effect::Delete(mailbox) => !is_there && is(mailbox),
        Effect::Rename { from, to } => {
            is_there && (entry.old_name.as_ref() == Some(from) || from.is_inbox() && is(to))
        }
        Effect::Subscribe { mailbox, subscribed } => entry.has("\\Subscribed") == *subscribed && is(mailbox),
        _ => false,
    }
}

//! What our own commands do to mailboxes, where a LIST of it arrives before their OK: perhaps under another
//! name, which the server has made of ours (OLDNAME, RFC 9051 sections 6.3.4 to 6.3.6), or because NOTIFY asks
//! for it.
//!
//! In: unsolicited LIST. Out: what fits a command in flight is deferred until that has ended. After its OK it
//! is the command's change, reported once. After anything else it is a change like any other; and so it is
//! before another event of the same mailbox, which must not overtake it: in doubt it has no cause, and is
//! reported once all the same.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::command::{Effect, NotifyEvent};
use crate::engine::mailboxes::Mailboxes;
use crate::engine::mailboxes::registry::made_as;
use crate::types::{CommandId, Event, EventKind, HeapSize, ListEntry, MailboxName, Place};

/// How many bytes of memory a deferred LIST may hold.
const MAX_DEFERRED: usize = 10_000;

/// A LIST that looks like the change of a command in flight.
#[derive(Debug)]
struct DeferredList {
    entry: ListEntry,
    /// Its place among all that were deferred.
    at: u64,
    /// It has been reported, since another event of the mailbox was due: and whether that was what became of
    /// the mailbox itself.
    reported: Option<bool>,
}

/// A command in flight that changes mailboxes.
#[derive(Debug)]
struct OwnChange {
    effect: Effect,
    deferred: Option<DeferredList>,
}

impl OwnChange {
    fn is_subscription(&self) -> bool {
        matches!(self.effect, Effect::Subscribe { .. })
    }
}

impl Mailboxes {
    /// A command is about to be sent.
    pub(in crate::engine) fn command_started(&mut self, id: CommandId, effect: &Effect) {
        self.own_changes.add(id, effect);
    }

    /// A command has ended; what was deferred for it has been reported.
    pub(in crate::engine) fn command_ended(&mut self, id: CommandId) {
        self.own_changes.remove(id);
    }

    /// Whether a LIST is about nothing of this mailbox but its subscription.
    fn is_about_subscription(&self, entry: &ListEntry) -> bool {
        let known = !self.notify.asks(NotifyEvent::MailboxName) || self.registry.is_known(&entry.name);
        self.notify.asks_subscriptions() && known && !entry.has("\\NonExistent")
    }

    /// Defers a LIST, if it looks like the change of a command in flight.
    pub(super) fn defer(&mut self, entry: &ListEntry, has_begun: impl Fn(CommandId) -> bool) -> bool {
        let about_subscription = self.is_about_subscription(entry);
        let fits = |id: CommandId, own: &OwnChange| {
            own.deferred.is_none()
                && (about_subscription || !own.is_subscription())
                && explains(&own.effect, entry)
                && has_begun(id)
        };
        if entry.heap_size() <= MAX_DEFERRED && self.own_changes.defer(entry, fits) {
            return true;
        }
        let named = entry.old_name.as_ref().unwrap_or(&entry.name);
        self.release_all_of(named);
        if *named != entry.name {
            self.release_all_of(&entry.name);
        }
        false
    }

    /// LIST says something else of this mailbox: what it said before comes before that.
    fn release_all_of(&mut self, mailbox: &MailboxName) {
        for id in self.own_changes.deferred_of(mailbox) {
            self.command_failed(id);
        }
    }

    /// An event of this mailbox is due: first what LIST has said of it, which arrived before that. A
    /// subscription has nothing to do with it, and waits for the command's OK.
    pub(in crate::engine) fn before_event_of(&mut self, mailbox: &MailboxName) {
        for id in self.own_changes.deferred_of(mailbox) {
            let Some(own) = self.own_changes.commands.get(&id).filter(|own| !own.is_subscription()) else {
                continue;
            };
            let Some(list) = own.deferred.as_ref().filter(|list| list.reported.is_none()) else { continue };
            let entry = list.entry.clone();
            let reported = self.report_listed(&entry, false);
            if let Some(list) = self.own_changes.commands.get_mut(&id).and_then(|own| own.deferred.as_mut()) {
                list.reported = Some(reported);
            }
        }
    }

    /// A command has failed: a LIST that looked like its change has another cause.
    pub(in crate::engine) fn command_failed(&mut self, id: CommandId) {
        if let Some(list) = self.own_changes.take_deferred(id).filter(|list| list.reported.is_none()) {
            self.report_listed(&list.entry, false);
        }
    }

    /// The connection ends, and with it every command.
    pub(in crate::engine) fn connection_closed(&mut self) {
        for id in self.own_changes.all_deferred() {
            self.command_failed(id);
        }
    }

    /// A command has changed a mailbox; the event has the name and the attributes by which LIST knows it.
    pub(in crate::engine) fn command_succeeded(&mut self, id: CommandId, effect: Effect) {
        let list = self.own_changes.take_deferred(id);
        let reported = list.as_ref().and_then(|list| list.reported);
        let listed = list.map(|list| list.entry);
        // The server need not report it once more.
        let echoed =
            listed.as_ref().is_some_and(|l| l.old_name.is_none() || matches!(effect, Effect::Rename { .. }));
        if let Some(listed) = &listed {
            self.registry.note(listed, false);
        }
        // A server may subscribe to what it makes, too.
        let subscribed = listed.as_ref().is_some_and(|listed| listed.has("\\Subscribed"))
            && self.notify.asks_subscriptions()
            && reported.is_none()
            && !matches!(effect, Effect::Subscribe { .. });
        let asked = match effect {
            Effect::Subscribe { .. } => NotifyEvent::SubscriptionChange,
            _ => NotifyEvent::MailboxName,
        };
        let named = |mailbox: MailboxName| listed.as_ref().map_or(mailbox, |listed| listed.name.clone());
        let at = |mailbox: &MailboxName| Some(Place { mailbox: mailbox.clone(), selection: None });
        let event = match effect {
            Effect::Create(mailbox) => {
                let mut entry = listed.unwrap_or_else(|| ListEntry::new(self.registry.made_by(&mailbox)));
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
                self.registry.note_subscription(&mailbox, subscribed);
                Event::new(EventKind::MailboxSubscribed { subscribed }).at(at(&mailbox))
            }
            _ => return,
        };
        self.registry.note_own_change(&event, self.notify.asks(asked) && !echoed);
        if reported == Some(true) {
            return;
        }
        let place = event.place.clone();
        self.events.push(event.caused_by(Some(id)));
        if let Some(place) = place.filter(|_| subscribed) {
            self.registry.note_subscription(&place.mailbox, true);
            let event = Event::new(EventKind::MailboxSubscribed { subscribed }).at(Some(place));
            self.events.push(event.caused_by(Some(id)));
        }
    }
}

/// Commands in flight that change which mailboxes there are, or which are subscribed to.
#[derive(Debug, Default)]
pub(super) struct OwnChanges {
    commands: BTreeMap<CommandId, OwnChange>,
    /// By the name that they were given.
    by_name: Names<CommandId>,
    /// Those with a deferred LIST, by the names in it, in the order of arrival.
    deferred: Names<(u64, CommandId)>,
    /// How many LISTs were deferred.
    count: u64,
}

impl OwnChanges {
    fn add(&mut self, id: CommandId, effect: &Effect) {
        let mut names = changed_by(effect).peekable();
        if names.peek().is_some() {
            self.commands.insert(id, OwnChange { effect: effect.clone(), deferred: None });
            names.for_each(|mailbox| self.by_name.add(&mailbox, id));
        }
    }

    fn remove(&mut self, id: CommandId) {
        self.take_deferred(id);
        if let Some(own) = self.commands.remove(&id) {
            changed_by(&own.effect).for_each(|mailbox| self.by_name.remove(&mailbox, &id));
        }
    }

    /// Defers a LIST for the oldest command of that mailbox that it fits, one for each. Whether there is one.
    fn defer(&mut self, entry: &ListEntry, fits: impl Fn(CommandId, &OwnChange) -> bool) -> bool {
        let named = entry.old_name.as_ref().unwrap_or(&entry.name);
        let is_its = |id: &CommandId| self.commands.get(id).is_some_and(|own| fits(*id, own));
        let Some(id) = self.by_name.of(named).copied().find(is_its) else { return false };
        self.count += 1;
        named_in(entry).for_each(|mailbox| self.deferred.add(mailbox, (self.count, id)));
        if let Some(own) = self.commands.get_mut(&id) {
            own.deferred = Some(DeferredList { entry: entry.clone(), at: self.count, reported: None });
        }
        true
    }

    fn take_deferred(&mut self, id: CommandId) -> Option<DeferredList> {
        let list = self.commands.get_mut(&id)?.deferred.take()?;
        named_in(&list.entry).for_each(|mailbox| self.deferred.remove(mailbox, &(list.at, id)));
        Some(list)
    }

    /// Those with a deferred LIST of this mailbox.
    fn deferred_of(&self, mailbox: &MailboxName) -> Vec<CommandId> {
        self.deferred.of(mailbox).map(|(_, id)| *id).collect()
    }

    fn all_deferred(&self) -> Vec<CommandId> {
        let all: BTreeSet<_> = self.deferred.0.values().flatten().copied().collect();
        all.into_iter().map(|(_, id)| id).collect()
    }
}

/// Something of each mailbox.
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

/// The names under which LIST may report what this command does: that which the mailbox has before. Of INBOX,
/// which stays, it is that of the new mailbox (RFC 9051 section 6.3.6).
fn changed_by(effect: &Effect) -> impl Iterator<Item = MailboxName> {
    let names = match effect {
        Effect::Create(mailbox) => {
            // Its last character may be the delimiter.
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

/// The names in a LIST.
fn named_in(entry: &ListEntry) -> impl Iterator<Item = &MailboxName> {
    [Some(&entry.name), entry.old_name.as_ref()].into_iter().flatten()
}

/// Whether a LIST says what this command is to do.
fn explains(effect: &Effect, entry: &ListEntry) -> bool {
    let exists = !entry.has("\\NonExistent");
    // By its name, or by the one that the command has for it.
    let is = |mailbox: &MailboxName| *entry.old_name.as_ref().unwrap_or(&entry.name) == *mailbox;
    match effect {
        Effect::Create(mailbox) => {
            exists && (is(mailbox) || made_as(mailbox, entry.delimiter).as_ref().is_some_and(is))
        }
        Effect::Delete(mailbox) => !exists && is(mailbox),
        Effect::Rename { from, to } => {
            exists && (entry.old_name.as_ref() == Some(from) || from.is_inbox() && is(to))
        }
        Effect::Subscribe { mailbox, subscribed } => entry.has("\\Subscribed") == *subscribed && is(mailbox),
        _ => false,
    }
}

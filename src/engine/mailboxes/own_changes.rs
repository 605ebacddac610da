//! What our own commands do to mailboxes, where a LIST of it is received before their OK: perhaps
//! under another name, which the server has made of ours (OLDNAME, RFC 9051 sections 6.3.4 to
//! 6.3.6), or because NOTIFY asks for it.
//!
//! In: unsolicited LIST. Out: one that fits a command of ours in flight is deferred until that
//! ends. After OK it is reported once, with the command as its cause. After anything else, or if
//! another event of the mailbox comes first, which must not overtake it, it is reported once
//! without a cause.

use std::collections::{BTreeMap, BTreeSet};

use crate::command::Effect;
use crate::engine::mailboxes::Mailboxes;
use crate::engine::mailboxes::registry::{Change, without_delimiter};
use crate::types::{CommandId, HeapSize, ListEntry, MailboxName};

/// How many bytes of memory a deferred LIST may hold.
const MAX_DEFERRED: usize = 10_000;

/// Commands in flight that change which mailboxes exist, or which are subscribed to.
#[derive(Debug, Default)]
pub(super) struct OwnChanges {
    commands: BTreeMap<CommandId, OwnChange>,
    /// By the names that they were given, and those in their deferred LISTs.
    by_name: BTreeSet<(MailboxName, CommandId)>,
    /// How many LISTs were deferred.
    count: u64,
}

/// A command in flight that changes mailboxes.
#[derive(Debug)]
struct OwnChange {
    effect: Effect,
    deferred: Option<DeferredList>,
}

/// A LIST that looks like the change of a command in flight.
#[derive(Debug)]
struct DeferredList {
    entry: ListEntry,
    /// Its place among all that were deferred.
    at: u64,
    /// It has been reported, since another event of the mailbox was due: and whether that was what
    /// became of the mailbox itself.
    reported: Option<bool>,
}

impl Mailboxes {
    /// A command is about to be sent.
    pub(crate) fn command_started(&mut self, id: CommandId, effect: &Effect) {
        self.own_changes.add(id, effect);
    }

    /// A command has ended; what was deferred for it has been reported.
    pub(crate) fn command_ended(&mut self, id: CommandId) {
        self.own_changes.remove(id);
    }

    /// Defers a LIST, if it looks like the change of a command in flight.
    pub(super) fn defer(&mut self, entry: &ListEntry, has_begun: impl Fn(CommandId) -> bool) -> bool {
        let watched = self.notify.watched();
        let is_known = !watched.names || self.registry.exists(&entry.name);
        let about_subscription = watched.subscriptions && is_known && !entry.has("\\NonExistent");
        let fits = |id: CommandId, effect: &Effect| {
            (about_subscription || !matches!(effect, Effect::Subscribe { .. }))
                && explains(effect, entry)
                && has_begun(id)
        };
        if entry.heap_size() <= MAX_DEFERRED && self.own_changes.defer(entry, fits) {
            return true;
        }
        // LIST reports this mailbox otherwise: its earlier report precedes that.
        let names: BTreeSet<_> = [named(entry), &entry.name].into();
        for id in names.into_iter().flat_map(|name| self.own_changes.deferred(Some(name))).collect::<Vec<_>>()
        {
            self.command_failed(id);
        }
        false
    }

    /// An event of this mailbox is due: first what LIST has said of it, which was received before
    /// that. A subscription has nothing to do with it, and waits for the command's OK.
    pub(super) fn before_event_of(&mut self, mailbox: &MailboxName) {
        for id in self.own_changes.deferred(Some(mailbox)) {
            let Some(own) = self.own_changes.commands.get(&id) else { continue };
            let Some(list) = own.deferred.as_ref().filter(|list| list.reported.is_none()) else { continue };
            if matches!(own.effect, Effect::Subscribe { .. }) {
                continue;
            }
            let reported = self.report_listed(&list.entry.clone(), false);
            let list = self.own_changes.commands.get_mut(&id).and_then(|own| own.deferred.as_mut());
            list.into_iter().for_each(|list| list.reported = Some(reported));
        }
    }

    /// A command has failed: a LIST that looked like its change has another cause.
    pub(crate) fn command_failed(&mut self, id: CommandId) {
        if let Some(list) = self.own_changes.take_deferred(id).filter(|list| list.reported.is_none()) {
            self.report_listed(&list.entry, false);
        }
    }

    /// The connection ends, and with it every command.
    pub(crate) fn connection_closed(&mut self) {
        for id in self.own_changes.deferred(None) {
            self.command_failed(id);
        }
    }

    /// A command has changed a mailbox; the event has the name and the attributes of its LIST.
    pub(crate) fn command_succeeded(&mut self, id: CommandId, effect: Effect) {
        let watched = self.notify.watched();
        let list = self.own_changes.take_deferred(id);
        let (listed, reported) = list.map_or((None, None), |list| (Some(list.entry), list.reported));
        let renames = matches!(effect, Effect::Rename { .. });
        let (change, name, from) = match effect {
            Effect::Create(mailbox) => (Change::Created, self.registry.created_name(&mailbox), None),
            // INBOX stays, and its messages are in a new mailbox (RFC 9051 section 6.3.6).
            Effect::Rename { from, to } if from.is_inbox() => (Change::Created, to, None),
            Effect::Rename { from, to } => (Change::Renamed, to, Some(from)),
            Effect::Delete(mailbox) => (Change::Deleted, mailbox, None),
            Effect::Subscribe { mailbox, subscribed } => (Change::Subscribed(subscribed), mailbox, None),
            _ => return,
        };
        let is_subscription = matches!(change, Change::Subscribed(_));
        let is_watched = if is_subscription { watched.subscriptions } else { watched.names };
        // The server need not report it again.
        let confirmed = listed.as_ref().is_some_and(|listed| listed.old_name.is_none() || renames);
        // A server may subscribe to what it creates, too.
        let subscribes = watched.subscriptions
            && !is_subscription
            && listed.as_ref().is_some_and(|listed| listed.has("\\Subscribed"));
        listed.iter().for_each(|listed| self.registry.note_unsolicited(listed));
        let entry = ListEntry { old_name: from, ..listed.unwrap_or_else(|| ListEntry::new(name)) };
        self.registry.changed(change, &entry, is_watched && !confirmed);
        if reported == Some(true) {
            return;
        }
        self.events.push(change.event(&entry).caused_by(Some(id)));
        if subscribes && reported.is_none() {
            let change = Change::Subscribed(true);
            self.registry.changed(change, &entry, false);
            self.events.push(change.event(&entry).caused_by(Some(id)));
        }
    }
}

impl OwnChanges {
    fn add(&mut self, id: CommandId, effect: &Effect) {
        let names: Vec<_> = changed_by(effect).map(|mailbox| (mailbox, id)).collect();
        if !names.is_empty() {
            self.commands.insert(id, OwnChange { effect: effect.clone(), deferred: None });
            self.by_name.extend(names);
        }
    }

    fn remove(&mut self, id: CommandId) {
        self.take_deferred(id);
        if let Some(own) = self.commands.remove(&id) {
            for mailbox in changed_by(&own.effect) {
                self.by_name.remove(&(mailbox, id));
            }
        }
    }

    /// Commands that were given this name, or have a deferred LIST of it.
    fn named(&self, mailbox: &MailboxName) -> impl Iterator<Item = CommandId> {
        let range = (mailbox.clone(), CommandId(0))..=(mailbox.clone(), CommandId(u64::MAX));
        self.by_name.range(range).map(|(_, id)| *id)
    }

    /// Defers a LIST for the oldest command that it fits, one for each. Whether there is one.
    fn defer(&mut self, entry: &ListEntry, fits: impl Fn(CommandId, &Effect) -> bool) -> bool {
        let is_its = |id: &CommandId| {
            self.commands.get(id).is_some_and(|own| own.deferred.is_none() && fits(*id, &own.effect))
        };
        let Some(id) = self.named(named(entry)).find(is_its) else { return false };
        self.count += 1;
        let list = DeferredList { entry: entry.clone(), at: self.count, reported: None };
        self.commands.entry(id).and_modify(|own| own.deferred = Some(list));
        self.by_name.extend([(named(entry).clone(), id), (entry.name.clone(), id)]);
        true
    }

    fn take_deferred(&mut self, id: CommandId) -> Option<DeferredList> {
        let own = self.commands.get_mut(&id)?;
        let list = own.deferred.take()?;
        for mailbox in [named(&list.entry), &list.entry.name] {
            if changed_by(&own.effect).all(|name| name != *mailbox) {
                self.by_name.remove(&(mailbox.clone(), id));
            }
        }
        Some(list)
    }

    /// Commands with a deferred LIST, of this mailbox or of any, in the order of these.
    fn deferred(&self, of: Option<&MailboxName>) -> Vec<CommandId> {
        let ids: Vec<_> = match of {
            Some(mailbox) => self.named(mailbox).collect(),
            None => self.commands.keys().copied().collect(),
        };
        let deferred = ids.into_iter().filter_map(|id| {
            let DeferredList { entry, at, .. } = self.commands.get(&id)?.deferred.as_ref()?;
            let is_of = of.is_none_or(|mailbox| [named(entry), &entry.name].contains(&mailbox));
            is_of.then_some((*at, id))
        });
        let deferred: BTreeMap<_, _> = deferred.collect();
        deferred.into_values().collect()
    }
}

/// The names under which LIST may report what this command does: that which the mailbox has before.
/// Of INBOX, which stays, it is that of the new mailbox (RFC 9051 section 6.3.6).
fn changed_by(effect: &Effect) -> impl Iterator<Item = MailboxName> {
    let names = match effect {
        Effect::Create(mailbox) => {
            // Its last character may be the delimiter.
            [Some(mailbox.clone()), without_delimiter(mailbox, mailbox.as_str().chars().next_back())]
        }
        Effect::Delete(mailbox) | Effect::Subscribe { mailbox, .. } => [Some(mailbox.clone()), None],
        Effect::Rename { from, to } => {
            [Some(from.clone()), Some(to.clone()).filter(|to| from.is_inbox() && to != from)]
        }
        _ => [None, None],
    };
    names.into_iter().flatten()
}

/// The name that a LIST is about: its own, or the one that a command has for it.
fn named(entry: &ListEntry) -> &MailboxName {
    entry.old_name.as_ref().unwrap_or(&entry.name)
}

/// Whether a LIST says what this command is to do.
fn explains(effect: &Effect, entry: &ListEntry) -> bool {
    let exists = !entry.has("\\NonExistent");
    let is = |mailbox: &MailboxName| named(entry) == mailbox;
    match effect {
        Effect::Create(mailbox) => {
            exists && (is(mailbox) || without_delimiter(mailbox, entry.delimiter).as_ref().is_some_and(is))
        }
        Effect::Delete(mailbox) => !exists && is(mailbox),
        Effect::Rename { from, to } => {
            exists && (entry.old_name.as_ref() == Some(from) || from.is_inbox() && is(to))
        }
        Effect::Subscribe { mailbox, subscribed } => entry.has("\\Subscribed") == *subscribed && is(mailbox),
        _ => false,
    }
}

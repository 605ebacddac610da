//! What our own commands do to mailboxes, where LIST tells it before their OK: under another name perhaps, which the server
//! has made of ours (OLDNAME, RFC 9051 sections 6.3.4 to 6.3.6), or because NOTIFY has it told.
//!
//! In: LIST of which nobody asked. Out: what fits a command in flight is kept until that has ended. After its OK it is the
//! command's doing, told once; after anything else it is news like any other, and so it is before LIST tells something else of
//! the same mailbox.

use std::collections::{BTreeSet, HashMap};

use super::Engine;
use super::flight::Flight;
use crate::command::Effect;
use crate::types::{CommandId, Event, EventKind, ListEntry, MailboxName, Place};

/// How many octets of memory a LIST that is kept may hold.
const MOST_HELD: usize = 10_000;

impl Engine {
    /// Keeps what LIST tells, if it looks like the doing of a command in flight.
    pub(super) fn keep_for_its_command(&mut self, entry: &ListEntry) -> bool {
        let is_its = |flight: &Flight| match &flight.class.effect {
            Effect::Subscribe { .. } if !self.notify.tells_subscription(entry) => false,
            effect => flight.begun && is_doing_of(effect, entry),
        };
        let named = entry.old_name.as_ref().unwrap_or(&entry.name);
        // As many as there are commands in flight are kept.
        let kept = entry.held() <= MOST_HELD;
        let fits =
            |id: &CommandId| kept && self.flights.get(id).is_some_and(|f| f.told.is_none() && is_its(f));
        let Some(id) = self.roster.mailbox_changes.of(named).find(fits) else {
            self.tell_kept_of(named);
            if *named != entry.name {
                self.tell_kept_of(&entry.name);
            }
            return false;
        };
        if let Some(flight) = self.flights.get_mut(&id) {
            flight.told = Some(entry.clone());
        }
        true
    }

    /// LIST tells something else of this mailbox: what it told before came before that.
    fn tell_kept_of(&mut self, mailbox: &MailboxName) {
        let keeps = |id: &CommandId| self.flights.get(id).is_some_and(|f| f.told.is_some());
        let kept: Vec<CommandId> = self.roster.mailbox_changes.of(mailbox).filter(keeps).collect();
        kept.into_iter().for_each(|id| self.not_its_doing(id));
    }

    /// A command has failed: what looked like its doing was somebody else's.
    pub(super) fn not_its_doing(&mut self, id: CommandId) {
        if let Some(entry) = self.flights.get_mut(&id).and_then(|f| f.told.take()) {
            self.tell_listed(&entry, false);
        }
    }

    /// A command has changed a mailbox: under which name, and as what the server has told it.
    pub(super) fn tell_doing(&mut self, id: CommandId, effect: Effect) {
        let told = self.flights.get_mut(&id).and_then(|f| f.told.take());
        // The server need not tell it once more.
        let echoed =
            told.as_ref().is_some_and(|t| t.old_name.is_none() || matches!(effect, Effect::Rename { .. }));
        if let Some(told) = &told {
            self.notify.hear_of(told, false);
        }
        // A server may subscribe to what it makes, too.
        let subscribed = told.as_ref().is_some_and(|told| told.has("\\Subscribed"))
            && self.notify.asks_subscriptions()
            && !matches!(effect, Effect::Subscribe { .. });
        let named = |mailbox: MailboxName| told.as_ref().map_or(mailbox, |told| told.name.clone());
        let at = |mailbox: &MailboxName| Some(Place { mailbox: mailbox.clone(), selection: None });
        let event = match effect {
            Effect::Create(mailbox) => {
                let mut entry = told.unwrap_or_else(|| ListEntry::new(mailbox));
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
        self.notify.our_doing(&event, echoed);
        self.forget_limits(&event);
        let place = event.place.clone();
        self.tell(event.caused_by(Some(id)));
        if let Some(place) = place.filter(|_| subscribed) {
            self.notify.subscription(&place.mailbox, true);
            let event = Event::new(EventKind::MailboxSubscribed { subscribed }).at(Some(place));
            self.tell(event.caused_by(Some(id)));
        }
    }
}

/// Commands in flight that change which mailboxes there are, or which are subscribed to: by the name that they were given.
#[derive(Debug, Default)]
pub(super) struct MailboxChanges(HashMap<MailboxName, BTreeSet<CommandId>>);

impl MailboxChanges {
    pub(super) fn add(&mut self, id: CommandId, effect: &Effect) {
        if let Some(mailbox) = changed_by(effect) {
            self.0.entry(mailbox.clone()).or_default().insert(id);
        }
    }

    pub(super) fn remove(&mut self, id: CommandId, effect: &Effect) {
        if let Some(mailbox) = changed_by(effect)
            && let Some(those) = self.0.get_mut(mailbox)
        {
            those.remove(&id);
            if those.is_empty() {
                self.0.remove(mailbox);
            }
        }
    }

    /// Those of this mailbox, the oldest first.
    fn of(&self, mailbox: &MailboxName) -> impl Iterator<Item = CommandId> {
        self.0.get(mailbox).into_iter().flatten().copied()
    }

    /// All of them, the oldest first.
    pub(super) fn all(&self) -> BTreeSet<CommandId> {
        self.0.values().flatten().copied().collect()
    }
}

/// The mailbox that this command changes, by the name that it has before.
fn changed_by(effect: &Effect) -> Option<&MailboxName> {
    match effect {
        Effect::Create(mailbox) | Effect::Delete(mailbox) | Effect::Subscribe { mailbox, .. } => {
            Some(mailbox)
        }
        Effect::Rename { from, .. } => Some(from),
        _ => None,
    }
}

/// Whether LIST tells what this command is to do.
fn is_doing_of(effect: &Effect, entry: &ListEntry) -> bool {
    let is_there = !entry.has("\\NonExistent");
    // By its name, or by the one that it was given for it.
    let is = |mailbox: &MailboxName| *entry.old_name.as_ref().unwrap_or(&entry.name) == *mailbox;
    match effect {
        Effect::Create(mailbox) => is_there && is(mailbox),
        Effect::Delete(mailbox) => !is_there && is(mailbox),
        Effect::Rename { from, .. } => is_there && entry.old_name.as_ref() == Some(from),
        Effect::Subscribe { mailbox, subscribed } => entry.has("\\Subscribed") == *subscribed && is(mailbox),
        _ => false,
    }
}

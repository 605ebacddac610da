//! Which mailboxes there are and which are subscribed to, as far as the server has said, so that a LIST
//! is an event only where something has changed (RFC 5465 sections 5.4, 5.5 and 5.9).
//!
//! In: LIST, asked for or not; what our own commands changed. Out: events, and the question whether a
//! mailbox is still subscribed to.

use std::collections::{HashMap, HashSet, VecDeque};
use std::mem::{Discriminant, discriminant};

use crate::command::NotifyEvent;
use crate::engine::mailboxes::{Mailboxes, Request};
use crate::types::{CommandId, Event, EventKind, ListEntry, MailboxName, Place};

#[derive(Debug, Default)]
pub(super) struct Registry {
    /// Mailboxes that are known to be subscribed to: of these a LIST without `\Subscribed` may say that
    /// they no longer are.
    subscribed: HashSet<MailboxName>,
    /// Mailboxes of which LIST (SUBSCRIBED) is under way, and whether it has to be sent once more.
    looked_up: HashMap<MailboxName, bool>,
    /// What stands between the levels of names, by the last LIST.
    delimiter: Option<char>,
    existing: KnownMailboxes,
    /// The mailbox of the last unsolicited LIST, if it exists, and the delimiter of its name.
    last_reported: Option<(MailboxName, char)>,
    /// What our own commands did to mailboxes last, as long as the server may still report it.
    own: VecDeque<(MailboxName, Discriminant<EventKind>)>,
}

/// Mailboxes that exist, as far as that is known and kept.
#[derive(Debug, Default)]
struct KnownMailboxes {
    names: HashSet<MailboxName>,
    /// There were too many to keep them all.
    and_others: bool,
}

impl KnownMailboxes {
    fn note(&mut self, mailbox: &MailboxName, exists: bool) {
        if !exists {
            self.names.remove(mailbox);
        } else if is_short(mailbox) && self.names.len() < MAX_MAILBOXES {
            self.names.insert(mailbox.clone());
        } else {
            self.and_others = true;
        }
    }

    /// Whether it may be among them.
    fn may_hold(&self, mailbox: &MailboxName) -> bool {
        self.and_others || self.names.contains(mailbox)
    }
}

/// How many changes of our own are kept.
const MAX_OWN: usize = 100;
/// How many mailboxes are kept for each thing that is known of them, and how long their names may be.
const MAX_MAILBOXES: usize = 10_000;
const MAX_NAME: usize = 1000;

fn is_short(mailbox: &MailboxName) -> bool {
    mailbox.as_str().len() <= MAX_NAME
}

impl Registry {
    /// A command of ours has changed a mailbox. `echo_due` if the server will report it as well (RFC 5465
    /// section 5) and has not done so yet.
    pub(super) fn note_own_change(&mut self, event: &Event, echo_due: bool) {
        let is_subscription = matches!(event.kind, EventKind::MailboxSubscribed { .. });
        if let Some(mailbox) = event.mailbox().filter(|_| !is_subscription) {
            self.existing.note(mailbox, event.kind != EventKind::MailboxDeleted);
        }
        if let EventKind::MailboxRenamed { from } = &event.kind {
            self.existing.note(from, false);
        }
        if let Some(place) = event.place.as_ref().filter(|place| echo_due && is_short(&place.mailbox)) {
            self.own.retain(|(mailbox, _)| *mailbox != place.mailbox);
            if self.own.len() >= MAX_OWN {
                self.own.pop_front();
            }
            self.own.push_back((place.mailbox.clone(), discriminant(&event.kind)));
        }
    }

    /// What we did to the mailbox ourselves, if the server has not reported that yet. A later LIST is not
    /// about it.
    fn take_echo(&mut self, mailbox: &MailboxName) -> Option<Discriminant<EventKind>> {
        let at = self.own.iter().position(|(own, _)| own == mailbox)?;
        self.own.remove(at).map(|(_, done)| done)
    }

    /// This mailbox is subscribed to, or no longer. Whether it was known to be.
    pub(super) fn note_subscription(&mut self, mailbox: &MailboxName, subscribed: bool) -> bool {
        if !subscribed {
            return self.subscribed.remove(mailbox);
        }
        let kept = self.subscribed.len() < MAX_MAILBOXES && is_short(mailbox);
        kept && !self.subscribed.insert(mailbox.clone())
    }

    /// Whether LIST names something that is no mailbox, and as far as is known never was one: the parent of
    /// one that has just been made, which RFC 5465 section 5.4 wants reported as well. In doubt a mailbox
    /// has been deleted.
    fn never_existed(&self, entry: &ListEntry) -> bool {
        let parent = entry.has("\\HasChildren") || !entry.child_info.is_empty();
        let is_below = |(child, delimiter): &(MailboxName, char)| {
            let below = child.as_str().strip_prefix(entry.name.as_str());
            let name = below.and_then(|below| below.strip_prefix(*delimiter));
            name.is_some_and(|name| !name.is_empty() && !name.contains(*delimiter))
        };
        parent && !self.existing.may_hold(&entry.name) && self.last_reported.as_ref().is_some_and(is_below)
    }

    pub(super) fn is_known(&self, mailbox: &MailboxName) -> bool {
        self.existing.names.contains(mailbox)
    }

    /// The name of the mailbox that CREATE makes: without the delimiter behind it (RFC 9051 section 6.3.4).
    pub(super) fn made_by(&self, mailbox: &MailboxName) -> MailboxName {
        made_as(mailbox, self.delimiter).unwrap_or_else(|| mailbox.clone())
    }

    /// LIST has named this mailbox: as an answer, or else unsolicited.
    pub(super) fn note(&mut self, entry: &ListEntry, asked: bool) {
        let exists = !entry.has("\\NonExistent");
        self.existing.note(&entry.name, exists);
        if let Some(from) = entry.renamed_from() {
            self.existing.note(from, false);
        }
        self.delimiter = entry.delimiter.or(self.delimiter);
        if !asked {
            self.last_reported = entry.delimiter.filter(|_| exists).map(|d| (entry.name.clone(), d));
        }
    }
}

/// The name that LIST uses for what CREATE with this name has made, if it is another: less the delimiter.
pub(super) fn made_as(mailbox: &MailboxName, delimiter: Option<char>) -> Option<MailboxName> {
    let name = mailbox.as_str().strip_suffix(delimiter?)?;
    Some(MailboxName::new(name)).filter(|_| !name.is_empty())
}

impl Mailboxes {
    /// Whether a LIST is surely NOTIFY's report that a mailbox has been deleted: an answer has no name below
    /// which nothing is, unless the user has subscribed to it or it is one that could be made for a
    /// special use (RFC 9051 section 6.3.10).
    pub(in crate::engine) fn reports_deletion(&self, entry: &ListEntry) -> bool {
        let nothing_else = |attribute: &String| {
            let plain = ["\\NonExistent", "\\HasNoChildren", "\\Noselect", "\\NoInferiors"];
            plain.iter().any(|plain| attribute.eq_ignore_ascii_case(plain))
        };
        self.notify.asks(NotifyEvent::MailboxName)
            && entry.has("\\NonExistent")
            && entry.attributes.iter().all(nothing_else)
            && entry.child_info.is_empty()
    }

    /// LIST or LSUB has answered a command.
    pub(in crate::engine) fn listed_as_answer(&mut self, entry: &ListEntry, lsub: bool) {
        if !lsub {
            self.registry.note(entry, true);
        }
        if lsub || entry.has("\\Subscribed") {
            self.registry.note_subscription(&entry.name, true);
        }
    }

    /// An unsolicited LIST: a mailbox exists, has another name, is gone, or is subscribed to. `has_begun` says
    /// whether the server may have seen a command in flight.
    pub(in crate::engine) fn listed(
        &mut self,
        entry: &ListEntry,
        lsub: bool,
        has_begun: impl Fn(CommandId) -> bool,
    ) {
        let entry = ListEntry { name: self.as_named(&entry.name), ..entry.clone() };
        if lsub {
            self.before_event_of(&entry.name);
        }
        if lsub || !self.defer(&entry, has_begun) {
            self.report_listed(&entry, lsub);
        }
    }

    /// Reports a LIST that no command of ours explains. Whether it says what became of the mailbox itself.
    pub(super) fn report_listed(&mut self, entry: &ListEntry, lsub: bool) -> bool {
        // Renamed to what can't be seen here, it is gone (RFC 5465 section 5.4).
        let gone = entry.renamed_from().filter(|_| entry.has("\\NonExistent"));
        let place = Some(Place { mailbox: gone.unwrap_or(&entry.name).clone(), selection: None });
        let subscribed = lsub || entry.has("\\Subscribed");
        let existed = self.registry.existing.may_hold(&entry.name);
        // The same mailbox in another spelling: nothing has become of it, unless that is what was asked.
        let is_respelt = entry.old_name.is_some() && !self.notify.asks(NotifyEvent::MailboxName);
        let never_existed = entry.has("\\NonExistent") && self.registry.never_existed(entry);
        if !lsub {
            self.registry.note(entry, false);
        }
        if never_existed {
            return false;
        }
        let kind = if entry.has("\\NonExistent") {
            self.registry.note_subscription(gone.unwrap_or(&entry.name), false);
            Some(EventKind::MailboxDeleted)
        } else if let Some(from) = entry.renamed_from() {
            let from = self.as_named(from);
            self.registry.note_subscription(&from, false);
            Some(EventKind::MailboxRenamed { from })
        } else if entry.has("\\NoAccess") {
            Some(EventKind::MailboxNoAccess)
        } else if lsub || self.notify.asks_subscriptions_alone() || is_respelt {
            None
        } else {
            Some(EventKind::MailboxCreated(entry.clone()))
        };
        let exists = !matches!(kind, Some(EventKind::MailboxDeleted | EventKind::MailboxNoAccess));
        let echo = self.registry.take_echo(&entry.name);
        let subscription = discriminant(&EventKind::MailboxSubscribed { subscribed });
        // A mailbox that existed before is not made when we subscribe to it.
        let is_echo = |kind: &EventKind| {
            echo == Some(discriminant(kind))
                || echo == Some(subscription) && existed && matches!(kind, EventKind::MailboxCreated(_))
        };
        let kind = kind.filter(|kind| !is_echo(kind));
        let reported = kind.is_some();
        self.events.extend(kind.map(|kind| Event::new(kind).at(place.clone())));
        // LIST surely says whether it is subscribed to only where that was asked.
        if !exists || !lsub && !self.notify.asks_subscriptions() {
            return reported;
        }
        if !subscribed && !self.notify.asks_subscriptions_alone() {
            // Dovecot leaves it out of a mailbox that was made, so a known subscription is looked up.
            if self.registry.subscribed.contains(&entry.name) {
                self.look_up(&entry.name);
            }
            return reported;
        }
        self.registry.note_subscription(&entry.name, subscribed);
        if echo != Some(subscription) {
            self.events.push(Event::new(EventKind::MailboxSubscribed { subscribed }).at(place));
        }
        reported
    }

    /// The question whether this mailbox is still subscribed to has ended.
    pub(in crate::engine) fn subscription_looked_up(&mut self, mailbox: MailboxName, found: bool, ok: bool) {
        if self.registry.looked_up.remove(&mailbox) == Some(true) {
            // Another LIST of it arrived meanwhile, and which was first can't be known.
            self.look_up(&mailbox);
        } else if ok && !found && self.registry.note_subscription(&mailbox, false) {
            let place = Some(Place { mailbox, selection: None });
            self.events.push(Event::new(EventKind::MailboxSubscribed { subscribed: false }).at(place));
        }
    }

    /// Asks whether this mailbox is still subscribed to, once at a time.
    fn look_up(&mut self, mailbox: &MailboxName) {
        if let Some(again) = self.registry.looked_up.get_mut(mailbox) {
            *again = true;
            return;
        }
        self.registry.looked_up.insert(mailbox.clone(), false);
        self.requests.push(Request::Subscription(mailbox.clone()));
    }
}

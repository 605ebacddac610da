//! NOTIFY (RFC 5465): what the server was asked to tell of its own accord, saying it again when it was lost, and what the
//! server then says of other mailboxes.
//!
//! ```text
//!                 OK to a user's NOTIFY               [NOTIFICATIONOVERFLOW]
//!   nothing asked ─────────────────────> in force ──────────────────────────> lost ── said again ── OK ──> in force,
//!                                            ^                                 │                           compared
//!                                            └── the selected mailbox alone <──┘ NO, or again and again
//! ```
//!
//! SELECTED is whichever mailbox is selected (section 3.1), so nothing need be said again after a SELECT.

use std::collections::{HashMap, HashSet, VecDeque};
use std::mem::{Discriminant, discriminant};
use std::time::{Duration, Instant};

use crate::command::{Effect, List, Notify, NotifyEvent};
use crate::engine::Engine;
use crate::engine::submit::internal::InternalCommand;
use crate::types::{
    Answer, CommandId, Event, EventKind, ListEntry, MailboxName, MailboxStatus, Metadata, Place, Untagged,
    ViewSync,
};

/// What the server was asked to tell of.
#[derive(Debug, Default)]
pub(in crate::engine) struct NotifyState {
    /// What it said OK to last; what is said again while that is lost.
    asked: Option<Box<Notify>>,
    lost: Overflow,
    /// How often in a row it was lost, and when last.
    times: u8,
    last: Option<Instant>,
    /// Mailboxes that are known to be subscribed to: of these a LIST without `\Subscribed` may say that they no longer are.
    subscribed: HashSet<MailboxName>,
    /// Of which it is being looked up whether they still are, and whether that has to be looked up once more.
    looked_up: HashMap<MailboxName, bool>,
    /// What stands between the levels of names, as LIST told last.
    delimiter: Option<char>,
    /// Which mailboxes are there, as far as the server has told.
    there: KnownMailboxes,
    /// The mailbox that LIST told of last unasked, if it is there, and what stands between the levels of its name.
    last_reported: Option<(MailboxName, char)>,
    /// What our own commands did to mailboxes last, as long as the server may still tell it.
    ours: VecDeque<(MailboxName, Discriminant<EventKind>)>,
    /// A NOTIFY ended in a way that leaves open whether it holds, and it would let numbers move at any time.
    may_move_numbers: bool,
}

/// Mailboxes that are there, as far as that is known and kept.
#[derive(Debug, Default)]
struct KnownMailboxes {
    names: HashSet<MailboxName>,
    /// There were too many to keep them all.
    and_others: bool,
}

impl KnownMailboxes {
    fn received(&mut self, mailbox: &MailboxName, is_there: bool) {
        if !is_there {
            self.names.remove(mailbox);
        } else if mailbox.as_str().len() <= LONGEST_NAME && self.names.len() < MOST_KEPT {
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

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Overflow {
    #[default]
    No,
    /// It is being said again.
    QueryOutcome,
    /// It was lost while a NOTIFY was in flight: which of the two came first can't be known.
    Unclear,
}

/// How much of our own doing is kept in mind.
const MOST_OURS: usize = 100;
/// How many mailboxes are kept in mind, for each of the things that are known of them, and how long their names may be.
const MOST_KEPT: usize = 10_000;
const LONGEST_NAME: usize = 1000;
/// How often in a row it is said again in full; after that the selected mailbox is all that is asked for.
const MOST_IN_FULL: u8 = 3;
/// How often in a row it is said again at all.
const MOST_SAID: u8 = 20;
/// Losses that lie further apart than this are no row.
const APART: Duration = Duration::from_secs(60);

impl NotifyState {
    /// Whether numbers may move at any time (RFC 5465 section 5.3).
    pub(in crate::engine) fn moves_numbers(&self) -> bool {
        self.may_move_numbers || self.asked.as_ref().is_some_and(|asked| asked.moves_numbers())
    }

    /// Whether the server tells, or is not to tell, of the selected mailbox at any time.
    pub(in crate::engine) fn is_in_force(&self) -> bool {
        self.asked.is_some()
    }

    /// Whether other mailboxes are watched.
    fn watches(&self) -> bool {
        self.asked.as_ref().is_some_and(|asked| asked.watches())
    }

    /// Whether messages of this mailbox may be watched; and if so, whether their flags are, too.
    pub(in crate::engine) fn watches_messages_of(&self, mailbox: &MailboxName) -> Option<bool> {
        self.asked.as_ref()?.watches_messages_of(mailbox)
    }

    fn asks(&self, event: NotifyEvent) -> bool {
        self.asked.as_ref().is_some_and(|asked| asked.asks(event))
    }

    fn asks_subscriptions_alone(&self) -> bool {
        self.asks(NotifyEvent::SubscriptionChange) && !self.asks(NotifyEvent::MailboxName)
    }

    /// A command of ours has done this to a mailbox; the server may tell it to us once more (RFC 5465 section 5).
    /// If it has not done so already.
    pub(in crate::engine) fn note_own_change(&mut self, event: &Event, echoed: bool) {
        let is_subscription = matches!(event.kind, EventKind::MailboxSubscribed { .. });
        if let Some(mailbox) = event.mailbox().filter(|_| !is_subscription) {
            self.there.received(mailbox, event.kind != EventKind::MailboxDeleted);
        }
        if let EventKind::MailboxRenamed { from } = &event.kind {
            self.there.received(from, false);
        }
        let asked = if is_subscription { NotifyEvent::SubscriptionChange } else { NotifyEvent::MailboxName };
        let told = self.asks(asked) && !echoed;
        let is_short = |mailbox: &MailboxName| mailbox.as_str().len() <= LONGEST_NAME;
        if let Some(place) = event.place.as_ref().filter(|place| told && is_short(&place.mailbox)) {
            self.ours.retain(|(mailbox, _)| *mailbox != place.mailbox);
            if self.ours.len() >= MOST_OURS {
                self.ours.pop_front();
            }
            self.ours.push_back((place.mailbox.clone(), discriminant(&event.kind)));
        }
    }

    /// What we did to the mailbox ourselves, if the server has not told that yet. What comes after it is not ours.
    fn take_echo(&mut self, mailbox: &MailboxName) -> Option<Discriminant<EventKind>> {
        let at = self.ours.iter().position(|(ours, _)| ours == mailbox)?;
        self.ours.remove(at).map(|(_, done)| done)
    }

    /// This mailbox is subscribed to, or no longer. Whether it was known to be.
    pub(in crate::engine) fn subscription(&mut self, mailbox: &MailboxName, subscribed: bool) -> bool {
        if !subscribed {
            return self.subscribed.remove(mailbox);
        }
        let kept = self.subscribed.len() < MOST_KEPT && mailbox.as_str().len() <= LONGEST_NAME;
        kept && !self.subscribed.insert(mailbox.clone())
    }

    /// Whether LIST tells of a name that is no mailbox, and as far as is known never was one: it is the parent of one that
    /// has just been made, of which RFC 5465 section 5.4 has the server tell, too. In doubt a mailbox has been deleted.
    fn never_was(&self, entry: &ListEntry) -> bool {
        let parent = entry.has("\\HasChildren") || !entry.child_info.is_empty();
        let is_below = |(child, delimiter): &(MailboxName, char)| {
            let below = child.as_str().strip_prefix(entry.name.as_str());
            let name = below.and_then(|below| below.strip_prefix(*delimiter));
            name.is_some_and(|name| !name.is_empty() && !name.contains(*delimiter))
        };
        parent && !self.there.may_hold(&entry.name) && self.last_reported.as_ref().is_some_and(is_below)
    }

    /// Whether LIST tells nothing of this mailbox but whether it is subscribed to.
    pub(in crate::engine) fn tells_subscription(&self, entry: &ListEntry) -> bool {
        let known = !self.asks(NotifyEvent::MailboxName) || self.there.names.contains(&entry.name);
        self.asks(NotifyEvent::SubscriptionChange) && known && !entry.has("\\NonExistent")
    }

    /// Whether LIST says of each mailbox whether it is subscribed to.
    pub(in crate::engine) fn asks_subscriptions(&self) -> bool {
        self.asks(NotifyEvent::SubscriptionChange)
    }

    /// The name of the mailbox that CREATE makes: without the delimiter behind it (RFC 9051 section 6.3.4).
    pub(in crate::engine) fn made_by(&self, mailbox: &MailboxName) -> MailboxName {
        made_as(mailbox, self.delimiter).unwrap_or_else(|| mailbox.clone())
    }

    /// LIST has told of this mailbox: asked, or else by itself.
    pub(in crate::engine) fn hear_of(&mut self, entry: &ListEntry, asked: bool) {
        let is_there = !entry.has("\\NonExistent");
        self.there.received(&entry.name, is_there);
        if let Some(from) = entry.renamed_from() {
            self.there.received(from, false);
        }
        self.delimiter = entry.delimiter.or(self.delimiter);
        if !asked {
            self.last_reported = entry.delimiter.filter(|_| is_there).map(|d| (entry.name.clone(), d));
        }
    }
}

/// The name of which LIST tells what CREATE with this name has made, if it is another: less the delimiter.
pub(in crate::engine) fn made_as(mailbox: &MailboxName, delimiter: Option<char>) -> Option<MailboxName> {
    let name = mailbox.as_str().strip_suffix(delimiter?)?;
    Some(MailboxName::new(name)).filter(|_| !name.is_empty())
}

impl Engine {
    /// The server has said OK to NOTIFY.
    pub(in crate::engine) fn notifying(&mut self, id: CommandId, asked: Box<Notify>) {
        let own = self.inflight.internal(id).is_some();
        self.notify.may_move_numbers = false;
        self.notify.asked = Some(asked);
        if !own {
            self.notify.times = 0;
        }
        match self.notify.lost {
            Overflow::No => {}
            Overflow::Unclear => self.notify_again(),
            Overflow::QueryOutcome => {
                self.notify.lost = Overflow::No;
                // A user's has replaced what was to be said again.
                self.forget_notify();
                self.resync_selected();
            }
        }
    }

    /// NOTIFY has failed; `refused` if the server said so: then what it was asked before still holds.
    pub(in crate::engine) fn notify_failed(&mut self, id: CommandId, asked: &Notify, refused: bool) {
        let own = self.inflight.internal(id).is_some();
        self.notify.may_move_numbers |= !refused && asked.moves_numbers();
        match self.notify.lost {
            Overflow::Unclear => self.notify_again(),
            Overflow::QueryOutcome if own => {
                self.report(Event::new(EventKind::NotificationsLost { asked_again: false }));
                if asked.watches() {
                    self.queue_internal(InternalCommand::Notify, asked.selected_alone(), None);
                } else {
                    tracing::warn!(target: "imap_duplex", "the server will not tell of the selected mailbox any more");
                    self.notify.asked = None;
                    self.notify.lost = Overflow::No;
                }
            }
            Overflow::No | Overflow::QueryOutcome => {}
        }
    }

    /// `[NOTIFICATIONOVERFLOW]`: from now on the server tells nothing, not even of the selected mailbox (RFC 5465 section
    /// 5.8). Whether there was anything to lose.
    pub(in crate::engine) fn notifications_lost(&mut self, now: Instant) -> bool {
        // What came before its first byte was written is about the one before.
        let in_flight = self.inflight.find_begun(|effect| matches!(effect, Effect::Notify(_))).is_some();
        let had = self.notify.asked.as_ref().is_some_and(|asked| !asked.is_silent());
        if !had && !in_flight {
            return false;
        }
        if self.notify.lost != Overflow::No && !in_flight {
            // It waits to be said again.
            return true;
        }
        let in_a_row = self.notify.last.is_some_and(|last| now.duration_since(last) < APART);
        self.notify.times = if in_a_row { self.notify.times.saturating_add(1) } else { 1 };
        self.notify.last = Some(now);
        let asked_again = self.notify.times <= MOST_IN_FULL;
        self.report(Event::new(EventKind::NotificationsLost { asked_again }));
        if self.notify.times > MOST_SAID {
            (self.notify.asked, self.notify.lost) = (None, Overflow::No);
        } else if in_flight {
            self.notify.lost = Overflow::Unclear;
        } else {
            self.notify_again();
        }
        true
    }

    fn notify_again(&mut self) {
        let Some(asked) = &self.notify.asked else {
            self.notify.lost = Overflow::No;
            return;
        };
        let again = if self.notify.times <= MOST_IN_FULL { asked.again() } else { asked.selected_alone() };
        self.notify.lost = Overflow::QueryOutcome;
        self.queue_internal(InternalCommand::Notify, again, None);
    }

    /// Takes back what was to be said again.
    fn forget_notify(&mut self) {
        let own = &self.queued_internal;
        let at = self.queue.iter().position(|s| matches!(own.get(&s.id), Some(InternalCommand::Notify)));
        if let Some(next) = at.and_then(|at| self.queue.remove(at)) {
            self.queued_internal.remove(&next.id);
            self.shared.release(next.id);
        }
    }

    /// News of the selected mailbox may have been lost: what is known is compared with what is there.
    fn resync_selected(&mut self) {
        let Some(selection) = &mut self.selection else { return };
        if selection.filling.wanted == ViewSync::Off || self.opening.is_some() {
            return;
        }
        let exists = selection.view.len();
        selection.reset_view(exists, false);
        let id = selection.selection_handle.id;
        self.forget_internal(id);
        self.continue_sync();
    }

    /// LIST, of which nobody here asked, or perhaps somebody did.
    pub(in crate::engine) fn on_list(&mut self, entry: &ListEntry, response: Untagged) {
        // LIST tells of no name below which nothing is, unless the user has subscribed to it or it is one that could be made
        // for a special use (RFC 9051 section 6.3.10): this one has been deleted.
        let nothing_else = |attribute: &String| {
            let plain = ["\\NonExistent", "\\HasNoChildren", "\\Noselect", "\\NoInferiors"];
            plain.iter().any(|plain| attribute.eq_ignore_ascii_case(plain))
        };
        let news = entry.has("\\NonExistent")
            && entry.attributes.iter().all(nothing_else)
            && entry.child_info.is_empty();
        let lsub = response.name() == "LSUB";
        let listed = news && self.notify.asks(NotifyEvent::MailboxName) || {
            let (claimer, back) = self.route(response);
            let asker = claimer.and_then(|id| self.inflight.internal(id));
            // What is not subscribed to is no answer to the engine's own question what is.
            let is_none =
                matches!(asker, Some(InternalCommand::Subscription { .. })) && !entry.has("\\Subscribed");
            // A renaming is a change, whoever gets the row. (To who selects, it says what became of the name given.)
            let renamed =
                claimer.is_some_and(|id| self.inflight.opens(id).is_none()) && entry.renamed_from().is_some();
            back.is_some() || is_none && !lsub || renamed
        };
        if listed {
            self.listed(entry, lsub);
        } else {
            if !lsub {
                self.notify.hear_of(entry, true);
            }
            if lsub || entry.has("\\Subscribed") {
                self.notify.subscription(&entry.name, true);
            }
        }
    }

    /// What LIST says unasked: a mailbox is there, has another name, is gone, or is subscribed to (RFC 5465 sections 5.4, 5.5
    /// and 5.9).
    fn listed(&mut self, entry: &ListEntry, lsub: bool) {
        let entry = ListEntry { name: self.as_named(&entry.name), ..entry.clone() };
        if lsub {
            self.flush_deferred(&entry.name);
        }
        if lsub || !self.keep_for_its_command(&entry) {
            self.tell_listed(&entry, lsub);
        }
    }

    /// The same, of what is nobody's doing here. Whether it is told what became of the mailbox itself.
    pub(in crate::engine) fn tell_listed(&mut self, entry: &ListEntry, lsub: bool) -> bool {
        // Renamed to what can't be seen here, it is gone (RFC 5465 section 5.4).
        let gone = entry.renamed_from().filter(|_| entry.has("\\NonExistent"));
        let place = Some(Place { mailbox: gone.unwrap_or(&entry.name).clone(), selection: None });
        let subscribed = lsub || entry.has("\\Subscribed");
        let was_there = self.notify.there.may_hold(&entry.name);
        // The same mailbox in another spelling: nothing has become of it, unless that is what was asked.
        let is_respelt = entry.old_name.is_some() && !self.notify.asks(NotifyEvent::MailboxName);
        let never_was = entry.has("\\NonExistent") && self.notify.never_was(entry);
        if !lsub {
            self.notify.hear_of(entry, false);
        }
        if never_was {
            return false;
        }
        let kind = if entry.has("\\NonExistent") {
            self.notify.subscription(gone.unwrap_or(&entry.name), false);
            Some(EventKind::MailboxDeleted)
        } else if let Some(from) = entry.renamed_from() {
            let from = self.as_named(from);
            self.notify.subscription(&from, false);
            Some(EventKind::MailboxRenamed { from })
        } else if entry.has("\\NoAccess") {
            Some(EventKind::MailboxNoAccess)
        } else if lsub || self.notify.asks_subscriptions_alone() || is_respelt {
            None
        } else {
            Some(EventKind::MailboxCreated(entry.clone()))
        };
        let is_there = !matches!(kind, Some(EventKind::MailboxDeleted | EventKind::MailboxNoAccess));
        let echo = self.notify.take_echo(&entry.name);
        let subscription = discriminant(&EventKind::MailboxSubscribed { subscribed });
        // A mailbox that was there before is not made when we subscribe to it.
        let is_echo = |kind: &EventKind| {
            echo == Some(discriminant(kind))
                || echo == Some(subscription) && was_there && matches!(kind, EventKind::MailboxCreated(_))
        };
        let kind = kind.filter(|kind| !is_echo(kind));
        let told = kind.is_some();
        if let Some(kind) = kind {
            let event = Event::new(kind).at(place.clone());
            self.forget_limits(&event);
            self.report(event);
        }
        // Whether it is subscribed to is surely told only where that was asked.
        if !is_there || !lsub && !self.notify.asks(NotifyEvent::SubscriptionChange) {
            return told;
        }
        if !subscribed && !self.notify.asks_subscriptions_alone() {
            // Dovecot does not say it of a mailbox that was made, so who was known to be subscribed to is looked up.
            if self.notify.subscribed.contains(&entry.name) {
                self.look_subscription_up(&entry.name);
            }
            return told;
        }
        self.notify.subscription(&entry.name, subscribed);
        if echo != Some(subscription) {
            self.report(Event::new(EventKind::MailboxSubscribed { subscribed }).at(place));
        }
        told
    }

    /// A mailbox has come, gone or been renamed: how large its messages may be is not known any more.
    pub(in crate::engine) fn forget_limits(&mut self, event: &Event) {
        match (&event.kind, event.mailbox()) {
            (EventKind::MailboxCreated(_) | EventKind::MailboxDeleted, Some(mailbox)) => {
                self.session.forget_append_limit(mailbox);
            }
            (EventKind::MailboxRenamed { .. }, _) => self.session.forget_append_limits(),
            _ => {}
        }
    }

    /// Asks whether this mailbox is still subscribed to, once at a time.
    fn look_subscription_up(&mut self, mailbox: &MailboxName) {
        if let Some(again) = self.notify.looked_up.get_mut(mailbox) {
            *again = true;
            return;
        }
        self.notify.looked_up.insert(mailbox.clone(), false);
        let list = List::new(mailbox.as_str()).subscribed();
        self.queue_internal(
            InternalCommand::Subscription { mailbox: mailbox.clone(), found: false },
            list,
            None,
        );
    }

    /// It was asked whether this mailbox is still subscribed to.
    pub(in crate::engine) fn subscription_looked_up(&mut self, mailbox: MailboxName, found: bool, ok: bool) {
        if self.notify.looked_up.remove(&mailbox) == Some(true) {
            // More was told of it meanwhile, and which came first can't be known.
            self.look_subscription_up(&mailbox);
        } else if ok && !found && self.notify.subscription(&mailbox, false) {
            let place = Some(Place { mailbox, selection: None });
            self.report(Event::new(EventKind::MailboxSubscribed { subscribed: false }).at(place));
        }
    }

    /// The name of a mailbox that NOTIFY tells of. Dovecot writes it as it is, which is not how it wants it to be written.
    fn as_named(&self, name: &MailboxName) -> MailboxName {
        if self.notify.asked.is_some() { MailboxName::new(name.as_str()) } else { name.clone() }
    }

    /// STATUS, of which nobody here asked, or perhaps somebody did.
    pub(in crate::engine) fn on_status_response(&mut self, response: Untagged) {
        let Answer::MailboxStatus(status) = response.answer() else { return };
        let status = MailboxStatus { name: self.as_named(&status.name), ..status.clone() };
        // With NOTIFY it is an answer only if it holds all that was asked for.
        self.session.learn_append_limit(&status);
        let news = self.notify.watches() && !self.inflight.asks_for_status(&response);
        if news || self.route(response).1.is_some() {
            self.on_unsolicited_status(status);
        }
    }

    /// METADATA: annotations that somebody asked for, or that have changed (RFC 5464 section 4.4.2).
    pub(in crate::engine) fn on_metadata(&mut self, told: Metadata, response: Untagged) {
        let place = response.place().cloned();
        if self.route(response).1.is_some() {
            let event = Event::new(EventKind::MetadataChanged(told)).at(place);
            self.flush_deferred_of(&event);
            self.report(event);
        }
    }
}

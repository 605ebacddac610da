//! Mailboxes other than the selected one: NOTIFY, what our own commands change, what was
//! deselected.
//!
//! ```text
//!   LIST ──┬── fits a command in flight ──> own_changes ── OK ──> an event, with its cause
//!          │                                     └── NO, or another event of the mailbox is due ──┐
//!          └── else ──> registry <────────────────────────────────────────────────────────────────┘
//!                          └──> an event, if something has changed
//!   OK to NOTIFY, NOTIFICATIONOVERFLOW ──> notify ──> NOTIFY again
//!   a selection that ends ──> deselected_status ──> STATUS ──> an event, if something has changed
//! ```
//!
//! In: LIST and STATUS that no command claims; CREATE, DELETE, RENAME, SUBSCRIBE of ours;
//! selections that end. Out: one event a change, and commands for the engine to queue, both fetched
//! by [`Mailboxes::take_reports`] after each step.

mod deselected_status;
mod notify;
mod own_changes;
mod registry;

use self::deselected_status::DeselectedMailbox;
use self::notify::NotifyState;
use self::own_changes::OwnChanges;
use self::registry::{Change, Changes, Registry};
use crate::command::List;
use crate::engine::submit::{InternalCommand, InternalRequest};
use crate::types::{CommandId, Event, EventKind, ListEntry, MailboxName, MailboxStatus, Place, SelectionId};

/// What is known of other mailboxes, and what was asked of the server about them.
#[derive(Default)]
pub(crate) struct Mailboxes {
    notify: NotifyState,
    registry: Registry,
    own_changes: OwnChanges,
    deselected: Vec<DeselectedMailbox>,
    /// The mailbox that was deselected last, if NOTIFY did not watch it then. After BAD to a SELECT
    /// the server may still have it selected, and a NOTIFY accepted meanwhile watches it.
    unwatched: Option<(SelectionId, MailboxStatus)>,
    /// What has changed and is not reported yet.
    events: Vec<Event>,
    requests: Vec<InternalRequest>,
}

impl Mailboxes {
    /// What the last step leads to, for the engine to carry out.
    pub(crate) fn take_reports(&mut self) -> (Vec<Event>, Vec<InternalRequest>) {
        (std::mem::take(&mut self.events), std::mem::take(&mut self.requests))
    }

    /// This event is due: a LIST of the same mailbox that was deferred is reported before it.
    pub(crate) fn before_event(&mut self, event: &Event) {
        if let Some(place) = event.place.as_ref().filter(|place| place.selection.is_none()) {
            self.before_event_of(&place.mailbox);
        }
    }

    /// LIST or LSUB has answered a command.
    pub(crate) fn listed_as_answer(&mut self, entry: &ListEntry, lsub: bool) {
        self.registry.answered(entry, lsub);
    }

    /// An unsolicited LIST: a mailbox exists, has another name, is gone, or is subscribed to.
    /// `has_begun` says whether the server may have received a command in flight.
    pub(crate) fn listed(&mut self, entry: &ListEntry, lsub: bool, has_begun: impl Fn(CommandId) -> bool) {
        let old_name = entry.old_name.as_ref().map(|name| self.as_named(name));
        let entry = ListEntry { name: self.as_named(&entry.name), old_name, ..entry.clone() };
        if lsub {
            self.before_event_of(&entry.name);
        }
        if lsub || !self.defer(&entry, has_begun) {
            self.report_listed(&entry, lsub);
        }
    }

    /// Reports a LIST that no command of ours explains. Whether it says what became of the mailbox
    /// itself.
    fn report_listed(&mut self, entry: &ListEntry, lsub: bool) -> bool {
        let changes = self.registry.listed(entry, lsub, self.notify.watched());
        self.report(entry, changes);
        changes.change.is_some()
    }

    fn report(&mut self, entry: &ListEntry, Changes { change, subscribed, look_up }: Changes) {
        let changes = [change, subscribed.map(Change::Subscribed)];
        self.events.extend(changes.into_iter().flatten().map(|change| change.event(entry)));
        if look_up && self.registry.look_up(&entry.name) {
            let list = List::exact(entry.name.as_str().to_owned()).subscribed();
            let internal = InternalCommand::Subscription { mailbox: entry.name.clone(), found: false };
            self.requests.push(InternalRequest::new(internal, list, None));
        }
    }

    /// The question whether this mailbox is still subscribed to has ended.
    pub(crate) fn subscription_looked_up(&mut self, mailbox: MailboxName, found: bool, ok: bool) {
        let changes = self.registry.looked_up(&mailbox, found || !ok);
        self.report(&ListEntry::new(mailbox), changes);
    }

    /// An unsolicited STATUS of a mailbox that is not selected.
    pub(crate) fn counted(&mut self, status: MailboxStatus) {
        if !self.registry.repeats_counts(&status) {
            self.report_status(status);
        }
    }

    fn report_status(&mut self, status: MailboxStatus) {
        self.deselected.iter_mut().for_each(|mailbox| mailbox.note_reported(&status));
        self.before_event_of(&status.name);
        let place = Place { mailbox: status.name.clone(), selection: None };
        self.events.push(Event::new(EventKind::Status(status)).at(Some(place)));
    }
}

//! Mailboxes that were deselected under NOTIFY. What others did while one was selected, and the server had not
//! reported yet, it never reports: NOTIFY reports of other mailboxes what happens from then on (RFC 5465
//! section 5). So the engine asks.
//!
//! In: a selection that ends while NOTIFY watches its mailbox; its STATUS, asked for once the mailbox is not
//! selected any more. Out: what differs from what was known, as the event that NOTIFY's own STATUS would
//! have been.
//!
//! ```text
//!   selected ── SELECT of another, UNSELECT, CLOSE, NO to a SELECT ──> deselected ── nothing waits to be sent ──> STATUS
//!                                                                       └── selected again: dropped          └──> compared
//! ```

use std::collections::VecDeque;

use crate::command::{StatusCommand, StatusItems};
use crate::engine::mailboxes::{Mailboxes, Request};
use crate::engine::selection::select::Selection;
use crate::types::{Answer, Event, EventKind, MailboxName, MailboxStatus, Place, Seq, Uid};

/// A mailbox that was deselected.
#[derive(Debug)]
pub(crate) struct DeselectedMailbox {
    /// What was known of it then, or was reported since.
    known: MailboxStatus,
    /// Flags matter, not only messages that arrive or are removed.
    flags: bool,
    answer: Option<MailboxStatus>,
}

#[derive(Debug, Default)]
pub(super) struct DeselectedMailboxes {
    /// Those whose STATUS is still to be asked.
    waiting: VecDeque<DeselectedMailbox>,
    /// The answers that were reported last, as long as NOTIFY may report the same once more.
    reported: VecDeque<MailboxStatus>,
}

/// How many reported answers are kept.
const MAX_REPORTED: usize = 16;

impl DeselectedMailboxes {
    /// Whether NOTIFY says what has just been reported as the answer: the server had it under way.
    fn is_echo(&mut self, status: &MailboxStatus) -> bool {
        let Some(at) = self.reported.iter().position(|last| last.name.as_str() == status.name.as_str())
        else {
            return false;
        };
        // There is one echo at most.
        let last = self.reported.remove(at);
        last.is_some_and(|last| {
            status.messages.is_none_or(|messages| last.messages == Some(messages))
                && status.uid_next.is_none_or(|uid| last.uid_next == Some(uid))
                && status.uid_validity.is_none_or(|uid_validity| last.uid_validity == Some(uid_validity))
                && status.unseen.is_none_or(|unseen| last.unseen == Some(unseen))
                && status.highest_mod_seq.is_none_or(|mod_seq| last.highest_mod_seq == Some(mod_seq))
                && status.other.is_empty()
        })
    }
}

impl DeselectedMailbox {
    fn is(&self, mailbox: &MailboxName) -> bool {
        self.known.name.as_str() == mailbox.as_str()
    }

    /// Keeps the answer.
    pub(in crate::engine) fn received(&mut self, answer: &Answer) {
        if let Answer::MailboxStatus(status) = answer {
            let mut status = MailboxStatus { name: self.known.name.clone(), ..status.clone() };
            if let Some(earlier) = self.answer.take() {
                status.add_missing(earlier);
            }
            self.answer = Some(status);
        }
    }

    /// An event is about to report this: if it is about this mailbox, it is known from now on, and an earlier
    /// answer is out of date.
    pub(in crate::engine) fn note_reported(&mut self, status: &MailboxStatus) {
        if !self.is(&status.name) {
            return;
        }
        let known = MailboxStatus { name: self.known.name.clone(), ..status.clone() };
        let earlier = std::mem::replace(&mut self.known, known);
        self.known.add_missing(earlier);
        self.answer = None;
    }

    /// The answer, if there is something in it that was not known.
    fn difference(self) -> Option<MailboxStatus> {
        let Self { known, flags, answer } = self;
        let now = answer?;
        let differs = differs(known.messages, now.messages)
            || differs(known.uid_validity, now.uid_validity)
            || rose(known.uid_next, now.uid_next)
            || flags && differs(known.unseen, now.unseen)
            || flags && rose(known.highest_mod_seq, now.highest_mod_seq);
        differs.then_some(now)
    }
}

/// Whether both are known, and are not the same.
fn differs<T: PartialEq>(known: Option<T>, now: Option<T>) -> bool {
    known.zip(now).is_some_and(|(known, now)| known != now)
}

fn rose<T: PartialOrd>(known: Option<T>, now: Option<T>) -> bool {
    known.zip(now).is_some_and(|(known, now)| known < now)
}

/// What is known of a mailbox that is about to be deselected.
fn known_of(selection: &Selection) -> MailboxStatus {
    let Selection { selection_handle, view, uid_validity, .. } = selection;
    let last = Seq::new(view.len().saturating_add(1)).and_then(|end| view.uid_before(end));
    // UIDNEXT of the SELECT is out of date as soon as a message has arrived.
    let behind_last = last.and_then(|last| Uid::new(last.get().saturating_add(1)));
    let uid_next = selection_handle.get().uid_next;
    MailboxStatus {
        messages: Some(view.len()),
        uid_next: uid_next.map(|uid_next| behind_last.map_or(uid_next, |behind| behind.max(uid_next))),
        uid_validity: *uid_validity,
        unseen: selection.unseen(),
        highest_mod_seq: selection.in_step.so_far(),
        ..MailboxStatus::new(selection_handle.place.mailbox.clone())
    }
}

impl Mailboxes {
    /// A mailbox is deselected: if NOTIFY watches it, it will be asked what has changed unseen.
    pub(in crate::engine) fn deselected(&mut self, selection: &Selection) {
        let mailbox = &selection.selection_handle.place.mailbox;
        let Some(flags) = self.notify.watches_messages_of(mailbox) else { return };
        self.deselected.waiting.retain(|other| !other.is(mailbox));
        let known = known_of(selection);
        self.deselected.waiting.push_back(DeselectedMailbox { known, flags, answer: None });
    }

    pub(in crate::engine) fn has_deselected(&self) -> bool {
        !self.deselected.waiting.is_empty()
    }

    /// Asks for the STATUS of those that were deselected.
    pub(in crate::engine) fn ask_deselected(&mut self, selected: Option<&MailboxName>, mod_seqs: bool) {
        for mailbox in std::mem::take(&mut self.deselected.waiting) {
            // STATUS is not for the mailbox that is selected (RFC 9051 section 6.3.11), whose SELECT has said
            // what is there.
            if selected.is_some_and(|selected| mailbox.is(selected)) {
                continue;
            }
            let mut items = StatusItems::new().messages().uid_next().uid_validity();
            if mailbox.flags {
                items = items.unseen();
            }
            if mod_seqs {
                items = items.highest_mod_seq();
            }
            let status = StatusCommand::new(mailbox.known.name.clone(), items);
            self.requests.push(Request::Status(status, Box::new(mailbox)));
        }
    }

    /// That STATUS has ended: what it says, if it is new.
    pub(in crate::engine) fn deselected_answered(
        &mut self,
        asked: DeselectedMailbox,
        ok: bool,
    ) -> Option<MailboxStatus> {
        let status = asked.difference().filter(|_| ok)?;
        if self.deselected.reported.len() >= MAX_REPORTED {
            self.deselected.reported.pop_front();
        }
        self.deselected.reported.push_back(status.clone());
        Some(status)
    }

    /// Whether an unsolicited STATUS repeats what was reported as the answer to ours.
    pub(in crate::engine) fn is_status_echo(&mut self, status: &MailboxStatus) -> bool {
        self.deselected.is_echo(status)
    }

    /// Reports what the server says of a mailbox that is not selected.
    pub(in crate::engine) fn report_status(&mut self, status: MailboxStatus) {
        self.deselected.waiting.iter_mut().for_each(|mailbox| mailbox.note_reported(&status));
        self.before_event_of(&status.name);
        let place = Place { mailbox: status.name.clone(), selection: None };
        self.events.push(Event::new(EventKind::Status(status)).at(Some(place)));
    }
}

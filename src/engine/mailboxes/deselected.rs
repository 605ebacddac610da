//! Mailboxes that were left under NOTIFY. What others did while one was selected, and what the server had not told yet, it tells
//! never: NOTIFY tells of other mailboxes what happens from then on (RFC 5465 section 5). So the engine asks.
//!
//! In: a selection that ends while NOTIFY watches its mailbox; its STATUS, asked for once the mailbox is not selected any more.
//! Out: what differs from what was known, as the event that NOTIFY's own STATUS would have been.
//!
//! ```text
//!   selected ── SELECT of another, UNSELECT, CLOSE, NO to a SELECT ──> left ── nothing waits to be sent ──> STATUS
//!                                                                       └── selected again: dropped          └──> compared
//! ```

use std::collections::VecDeque;

use crate::command::{ResponseKinds, StatusCommand, StatusItems};
use crate::engine::Engine;
use crate::engine::selection::select::Selection;
use crate::engine::submit::internal::InternalCommand;
use crate::types::{Answer, Event, EventKind, MailboxName, MailboxStatus, Place, Seq, Uid};

/// A mailbox that was left.
#[derive(Debug)]
pub(crate) struct DeselectedMailbox {
    /// What was known of it then, or has been told since.
    known: MailboxStatus,
    /// Flags matter, not only messages that come and go.
    flags: bool,
    /// What the server has answered.
    told: Option<MailboxStatus>,
}

/// The mailboxes that were left.
#[derive(Debug, Default)]
pub(in crate::engine) struct DeselectedMailboxes {
    /// Of which it is to be asked what has come of them unseen.
    waiting: VecDeque<DeselectedMailbox>,
    /// What the answers were that have been told last, as long as NOTIFY may tell the same once more.
    told: VecDeque<MailboxStatus>,
}

/// How many answers are kept in mind.
const MOST_TOLD: usize = 16;

impl DeselectedMailboxes {
    /// Whether NOTIFY says what has just been told as the answer: the server had it under way.
    fn is_echo(&mut self, status: &MailboxStatus) -> bool {
        let Some(at) = self.told.iter().position(|told| told.name.as_str() == status.name.as_str()) else {
            return false;
        };
        // Whatever it says, it says it once.
        let told = self.told.remove(at);
        told.is_some_and(|told| {
            status.messages.is_none_or(|messages| told.messages == Some(messages))
                && status.uid_next.is_none_or(|uid| told.uid_next == Some(uid))
                && status.uid_validity.is_none_or(|uid_validity| told.uid_validity == Some(uid_validity))
                && status.unseen.is_none_or(|unseen| told.unseen == Some(unseen))
                && status.highest_mod_seq.is_none_or(|mod_seq| told.highest_mod_seq == Some(mod_seq))
                && status.other.is_empty()
        })
    }
}

impl DeselectedMailbox {
    pub(in crate::engine) fn is(&self, mailbox: &MailboxName) -> bool {
        self.known.name.as_str() == mailbox.as_str()
    }

    /// Keeps the answer.
    pub(in crate::engine) fn received(&mut self, answer: &Answer) {
        if let Answer::MailboxStatus(told) = answer {
            let mut told = MailboxStatus { name: self.known.name.clone(), ..told.clone() };
            if let Some(earlier) = self.told.take() {
                told.add_missing(earlier);
            }
            self.told = Some(told);
        }
    }

    /// An event has told this of it: it is known from now on, and what was answered before that is out of date.
    pub(in crate::engine) fn told(&mut self, told: &MailboxStatus) {
        let known = MailboxStatus { name: self.known.name.clone(), ..told.clone() };
        let earlier = std::mem::replace(&mut self.known, known);
        self.known.add_missing(earlier);
        self.told = None;
    }

    /// What the server has answered, if there is something in it that was not known.
    fn difference(self) -> Option<MailboxStatus> {
        let Self { known, flags, told } = self;
        let told = told?;
        let differs = differs(known.messages, told.messages)
            || differs(known.uid_validity, told.uid_validity)
            || rose(known.uid_next, told.uid_next)
            || flags && differs(known.unseen, told.unseen)
            || flags && rose(known.highest_mod_seq, told.highest_mod_seq);
        differs.then_some(told)
    }
}

/// Whether both are known, and are not the same.
fn differs<T: PartialEq>(known: Option<T>, told: Option<T>) -> bool {
    known.zip(told).is_some_and(|(known, told)| known != told)
}

fn rose<T: PartialOrd>(known: Option<T>, told: Option<T>) -> bool {
    known.zip(told).is_some_and(|(known, told)| known < told)
}

/// What was known of a mailbox when it was left.
fn known_of(selection: &Selection) -> MailboxStatus {
    let Selection { selection_handle, view, uid_validity, .. } = selection;
    let last = Seq::new(view.len().saturating_add(1)).and_then(|end| view.uid_before(end));
    // UIDNEXT that SELECT told is out of date as soon as a message has come.
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

impl Engine {
    /// A mailbox was left: if NOTIFY watches it, it will be asked what has come of it unseen.
    pub(in crate::engine) fn left(&mut self, selection: &Selection) {
        let mailbox = &selection.selection_handle.place.mailbox;
        let Some(flags) = self.notify.watches_messages_of(mailbox) else { return };
        self.left.waiting.retain(|left| !left.is(mailbox));
        self.left.waiting.push_back(DeselectedMailbox { known: known_of(selection), flags, told: None });
    }

    /// Asks of the mailboxes that were left, as soon as no SELECT is unanswered and nothing waits to be sent. Whether there is
    /// something to send by that.
    pub(in crate::engine) fn ask_left(&mut self) -> bool {
        if self.left.waiting.is_empty() {
            return false;
        }
        let may_be_asked = self.opening.is_none()
            && !self.server_may_have_selection
            && self.queue.is_empty()
            && self.ready_to_continue.is_empty()
            && !self.lifecycle.is_logging_out();
        if !may_be_asked {
            return false;
        }
        // Two that ask the same of one mailbox could take each other's answer for their own.
        if self.inflight.is_asked_by_users(ResponseKinds::STATUS) {
            return false;
        }
        let selected =
            self.selection.as_ref().map(|selection| selection.selection_handle.place.mailbox.clone());
        for left in std::mem::take(&mut self.left.waiting) {
            // STATUS is not for the mailbox that is selected (RFC 9051 section 6.3.11), whose SELECT has told what is there.
            if selected.as_ref().is_some_and(|selected| left.is(selected)) {
                continue;
            }
            let mut items = StatusItems::new().messages().uid_next().uid_validity();
            if left.flags {
                items = items.unseen();
            }
            if self.session.can("CONDSTORE") {
                items = items.highest_mod_seq();
            }
            let status = StatusCommand::new(left.known.name.clone(), items);
            self.queue_internal(InternalCommand::DeselectedMailbox(Box::new(left)), status, None);
        }
        !self.queue.is_empty()
    }

    /// The server has answered, or refused.
    pub(in crate::engine) fn left_answered(&mut self, left: DeselectedMailbox, ok: bool) {
        if let Some(status) = left.difference().filter(|_| ok) {
            if self.left.told.len() >= MOST_TOLD {
                self.left.told.pop_front();
            }
            self.left.told.push_back(status.clone());
            self.tell_status(status);
        }
    }

    /// The server has said this of a mailbox unasked.
    pub(in crate::engine) fn on_unsolicited_status(&mut self, status: MailboxStatus) {
        if !self.left.is_echo(&status) {
            self.tell_status(status);
        }
    }

    /// Tells what the server says of a mailbox that is not selected.
    fn tell_status(&mut self, status: MailboxStatus) {
        self.inflight.note_status(&status);
        self.left.waiting.iter_mut().filter(|left| left.is(&status.name)).for_each(|left| left.told(&status));
        let place = Place { mailbox: status.name.clone(), selection: None };
        let event = Event::new(EventKind::Status(status)).at(Some(place));
        self.flush_deferred_of(&event);
        self.report(event);
    }
}

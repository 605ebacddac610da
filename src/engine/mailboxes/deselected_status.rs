//! Mailboxes that were deselected under NOTIFY. What others did while one was selected, and the
//! server had not reported yet, it never reports: NOTIFY reports of other mailboxes what happens
//! from then on (RFC 5465 section 5). So the engine asks.
//!
//! In: a selection that ends while NOTIFY watches its mailbox; its STATUS, asked for once the
//! mailbox is not selected any more. Out: what differs from what was known, as the event that
//! NOTIFY's own STATUS would have been.
//!
//! ```text
//!   selected ── SELECT of another, UNSELECT, CLOSE, NO to a SELECT ──> deselected ── nothing waits to be sent ──> STATUS
//!      │                                                                └── selected again: dropped          └──> compared
//!      └── BAD to a SELECT ──> perhaps deselected ── STATUS, compared ── surely not selected ──> deselected
//! ```

use crate::command::{ResponseKinds, StatusCommand, StatusItems};
use crate::engine::inflight::InFlight;
use crate::engine::mailboxes::Mailboxes;
use crate::engine::selection::Selected;
use crate::engine::submit::{InternalCommand, InternalRequest};
use crate::types::{MailboxName, MailboxStatus, SelectionId};

/// A mailbox that was deselected.
#[derive(Debug)]
pub(super) struct DeselectedMailbox {
    /// The selection that has ended.
    selection: SelectionId,
    /// What was known of it then, or was reported since.
    known: MailboxStatus,
    /// Flags matter, not only messages that arrive or are removed.
    flags: bool,
    /// Its STATUS is in flight or about to be.
    is_asked: bool,
    /// The server may have had it selected still when it was asked: it is asked once more as soon
    /// as it surely is not.
    again: bool,
    answer: Option<MailboxStatus>,
}

impl DeselectedMailbox {
    fn is(&self, mailbox: &MailboxName) -> bool {
        self.known.name == *mailbox
    }

    /// Keeps the answer.
    fn answered(&mut self, status: &MailboxStatus) {
        let mut status = MailboxStatus { name: self.known.name.clone(), ..status.clone() };
        self.answer.take().into_iter().for_each(|earlier| status.add_missing(earlier));
        self.answer = Some(status);
    }

    /// An event is about to report this: if it is about this mailbox, it is known from now on, and
    /// an earlier answer is out of date.
    pub(super) fn note_reported(&mut self, status: &MailboxStatus) {
        if !self.is(&status.name) {
            return;
        }
        let known = MailboxStatus { name: self.known.name.clone(), ..status.clone() };
        let earlier = std::mem::replace(&mut self.known, known);
        self.known.add_missing(earlier);
        self.answer = None;
    }

    /// Whether it may be asked now.
    fn is_due(&self, is_orphaned: bool) -> bool {
        !(self.is_asked || self.again && is_orphaned)
    }

    /// The answer, if there is something in it that was not known.
    fn take_difference(&mut self) -> Option<MailboxStatus> {
        let now = self.answer.take()?;
        let Self { known, flags, .. } = self;
        let differs = differs(known.messages, now.messages)
            || differs(known.uid_validity, now.uid_validity)
            || may_have_risen(known.uid_next, now.uid_next)
            || *flags && differs(known.unseen, now.unseen)
            || *flags && rose(known.highest_mod_seq, now.highest_mod_seq);
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

/// Whether it is higher now, or was not known: one message may have arrived as another was
/// expunged.
fn may_have_risen<T: PartialOrd>(known: Option<T>, now: Option<T>) -> bool {
    now.is_some_and(|now| known.is_none_or(|known| known < now))
}

impl Mailboxes {
    /// A mailbox is deselected: if NOTIFY watches it, it will be asked what has changed unseen.
    /// `known`: what STATUS would have said of it.
    pub(crate) fn deselected(&mut self, selection: SelectionId, known: MailboxStatus) {
        self.deselected.retain(|other| other.is_asked || !other.is(&known.name));
        self.unwatched = Some((selection, known));
        self.watch_deselected();
    }

    /// If NOTIFY watches the mailbox that was deselected last, it will be asked what has changed.
    /// Also to be called when NOTIFY is accepted while the server may still have that mailbox
    /// selected: changes of it are reported as those of the selected one then, which no view takes.
    pub(crate) fn watch_deselected(&mut self) {
        let Some((selection, known)) = self.unwatched.take() else { return };
        match self.notify.watches_messages_of(&known.name) {
            Some(flags) => {
                let (is_asked, again, answer) = (false, false, None);
                self.deselected.push(DeselectedMailbox { selection, known, flags, is_asked, again, answer });
            }
            None => self.unwatched = Some((selection, known)),
        }
    }

    /// Nothing waits to be sent: asks for the STATUS of those that were deselected, unless a SELECT
    /// is unanswered.
    pub(crate) fn ask_deselected(&mut self, selected: &Selected, inflight: &InFlight, has_mod_seqs: bool) {
        let is_orphaned = selected.is_orphaned();
        if !self.deselected.iter().any(|mailbox| mailbox.is_due(is_orphaned))
            || selected.opening().is_some()
            // Two that ask the same of one mailbox could take each other's answer for their own.
            || inflight.is_asked_by_users(ResponseKinds::STATUS)
        {
            return;
        }
        let selected = selected.current().map(|open| &open.handle().place().mailbox);
        // STATUS is not for the mailbox that is selected (RFC 9051 section 6.3.11), whose SELECT
        // has said what is there. One that only the server may still have selected is asked: its
        // changes go into no view, and servers must answer.
        self.deselected.retain(|mailbox| mailbox.is_asked || !selected.is_some_and(|name| mailbox.is(name)));
        for mailbox in self.deselected.iter_mut().filter(|mailbox| mailbox.is_due(is_orphaned)) {
            (mailbox.is_asked, mailbox.again) = (true, is_orphaned);
            let mut items = StatusItems::new().messages().uid_next().uid_validity();
            if mailbox.flags {
                items = items.unseen();
            }
            if has_mod_seqs {
                items = items.highest_mod_seq();
            }
            let status = StatusCommand::new(mailbox.known.name.clone(), items);
            let internal = InternalCommand::DeselectedMailbox(mailbox.selection);
            self.requests.push(InternalRequest::new(internal, status, None));
        }
    }

    /// That STATUS is answered.
    pub(crate) fn deselected_answered(&mut self, selection: SelectionId, status: &MailboxStatus) {
        let mut asked = self.deselected.iter_mut();
        asked.find(|mailbox| mailbox.selection == selection).into_iter().for_each(|m| m.answered(status));
    }

    /// That STATUS has ended: reports what it says, if it is new.
    pub(crate) fn deselected_ended(&mut self, selection: SelectionId, ok: bool) {
        let Some(at) = self.deselected.iter().position(|mailbox| mailbox.selection == selection) else {
            return;
        };
        let mut asked = self.deselected.remove(at);
        let difference = asked.take_difference().filter(|_| ok);
        if ok && asked.again {
            asked.is_asked = false;
            self.deselected.push(asked);
        }
        if let Some(status) = difference {
            self.registry.counted(&status);
            self.report_status(status);
        }
    }
}

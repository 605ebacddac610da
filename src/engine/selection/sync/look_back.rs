//! Flags that changed between two IDLEs. Each time the connection leaves IDLE, if only to ask for the UID of a new message, there
//! is a gap; and some servers (Stalwart, go-imap's) do not look back when IDLE begins: what changed in the gap they never tell.
//!
//! In: an IDLE that is about to begin in a mailbox whose view is in step. Out: what goes before it, in the same write.
//!
//! | the server                          | what is asked                                                 | bytes, 100,000 messages |
//! |-------------------------------------|---------------------------------------------------------------|-------------------------|
//! | has CONDSTORE, mailbox has MODSEQ   | before each IDLE: `UID FETCH … (CHANGEDSINCE n)`              | 100, and 60 a change    |
//! | has not, or refuses that            | flags that are known, when `idle_renew` has passed            | 4.2 million             |
//! | the same, and has told all so far   | the same; a mailbox of several windows after 2, then 4 times  | 4.2 million             |
//! | the same, and has lost a change     | at each `idle_renew` again, and NOOP before each IDLE         | 4.2 million, and 40     |
//! | NOTIFY is in force                  | nothing: it tells of the selected mailbox at any time         | 0                       |
//!
//! With 100,000 messages and `idle_renew` of 10 minutes these are 6.3 million bytes an hour where the server reports all (a
//! comparison each 40 minutes), and 25 million where it has lost a change (one each 10 minutes).
//!
//! A refusal shows nothing. After NO the same is asked again the next time: CHANGEDSINCE before the next IDLE, a window of flags
//! at the next `idle_renew`; only BAD to CHANGEDSINCE is for good. Where that was refused the last two times, flags are compared.
//!
//! Each SELECT begins anew, though a connection that changes mailboxes more often than `idle_renew` then compares nothing: with
//! [`ViewSync::Flags`] each SELECT reads the flags of all messages, or what has changed since a state, and with [`ViewSync::Uids`] the
//! flags that are known are those that were read since. None is older than the selection.
//!
//! `n` is not what [`state`](crate::Mailbox::state) claims: a server that loses one change may tell a later one. It rises only
//! when the answer to such a question has been read whole. Flags are compared a window at a time, the newest first, and users'
//! commands go before each.

use std::time::{Duration, Instant};

use crate::command::{Fetch, Items, Messages, Noop};
use crate::engine::Engine;
use crate::engine::selection::sync::windows::newest_of;
use crate::engine::submit::internal::{InternalCommand, QueryOutcome};
use crate::engine::submit::selection_handle::SelectionHandle;
use crate::types::{Answer, Flags, ModSeq, SelectionId, Seq, Uid, UidSet, UidValidity, ViewSync};

/// How far apart two comparisons of a large mailbox may be, as a power of two of `idle_renew`.
const MAX_PATIENCE: u8 = 2;

/// What is known of the flags that the server may not have told of.
#[derive(Debug, Default)]
pub(in crate::engine) struct LookBack {
    of: Option<SelectionId>,
    uid_validity: Option<UidValidity>,
    /// Changes of flags up to this one have been asked for.
    mod_seq: Option<ModSeq>,
    /// The last message that there was then: flags of one that came later, and that are read for the first time, are no change.
    last: Option<Uid>,
    /// When the comparison of all flags last began; before the first one, since when there may be something to compare.
    compared: Option<Instant>,
    /// When flags were last asked for.
    asked: Option<Instant>,
    /// Messages whose flags are still to be compared.
    due: UidSet,
    /// Those of which the server has refused it.
    missed: UidSet,
    /// No window of the last comparison has been answered yet.
    unanswered: bool,
    /// How often in a row nothing was found.
    clean: u8,
    /// The server does not understand the question what has changed since.
    refused: bool,
    /// It has not answered that question the last time.
    failed: bool,
    /// The server has lost a change.
    loses: bool,
}

/// A question what has changed.
#[derive(Debug)]
pub(crate) struct Look {
    /// The answer tells all changes since an earlier one.
    since: bool,
    highest: Option<ModSeq>,
    /// The last message that was known when it was asked.
    last: Option<Uid>,
    before: Option<Uid>,
}

impl Look {
    /// Takes up a row of the answer.
    pub(in crate::engine) fn received(&mut self, answer: &Answer) {
        if let Answer::Fetch(row) = answer {
            self.highest = self.highest.max(row.mod_seq());
        }
    }

    /// Whether a row of the answer tells of a change.
    pub(in crate::engine) fn is_change(&self, uid: Option<Uid>, before: Option<&Flags>, now: &Flags) -> bool {
        match before {
            Some(before) => !before.is_same_but_recent(now),
            // Of one that came later they are read for the first time.
            None => self.since && uid.is_some_and(|uid| self.before.is_some_and(|last| uid <= last)),
        }
    }
}

impl LookBack {
    /// A mailbox was opened.
    pub(in crate::engine) fn begin(
        &mut self,
        of: SelectionId,
        uid_validity: Option<UidValidity>,
        mod_seq: Option<ModSeq>,
        uid_next: Option<Uid>,
    ) {
        let last = uid_next.and_then(|next| Uid::new(next.get() - 1));
        let (refused, loses) = (self.refused, self.loses);
        *self = Self { of: Some(of), uid_validity, mod_seq, last, refused, loses, ..Self::default() };
    }

    /// A change was found that the server had not told.
    pub(in crate::engine) fn found(&mut self) {
        (self.loses, self.clean, self.unanswered) = (true, 0, false);
    }

    /// Of some messages flags have been compared.
    fn answered(&mut self) {
        if std::mem::take(&mut self.unanswered) {
            self.clean = self.clean.saturating_add(1).min(MAX_PATIENCE);
        }
    }

    /// Whether there are still flags to be compared.
    fn goes_on(&self) -> bool {
        !self.due.is_empty()
    }
}

impl Engine {
    /// IDLE is about to begin: asks first for what the server may not tell. Whether IDLE may follow at once.
    pub(in crate::engine) fn look_back(&mut self, now: Instant) -> bool {
        let condstore = self.session.can("CONDSTORE") || self.session.can("QRESYNC");
        let Some(selection) = self.selected.now.current() else { return true };
        let is_in_step = selection.filling.is_in_step() && selection.filling.wanted != ViewSync::Off;
        if !is_in_step || self.mailboxes.is_notify_in_force() || selection.view.len() == 0 {
            return true;
        }
        if self.selected.look_back.of != Some(selection.selection_handle.id) {
            return true;
        }
        if self.selected.look_back.uid_validity != selection.uid_validity {
            // The mod-sequences have begun anew, too.
            self.selected.look_back.begin(selection.selection_handle.id, selection.uid_validity, None, None);
        }
        let compared = *self.selected.look_back.compared.get_or_insert(now);
        if self.selected.look_back.goes_on() {
            return self.compare_window();
        }
        if let Some(since) =
            self.selected.look_back.mod_seq.filter(|_| condstore && !self.selected.look_back.refused)
        {
            let selection_handle = selection.selection_handle.clone();
            let end = Seq::new(selection.view.len().saturating_add(1));
            let last = end.and_then(|end| selection.view.uid_before(end));
            let look = Look { since: true, highest: None, last, before: self.selected.look_back.last };
            let all = Uid::new(1).map(|first| UidSet::from(first..)).unwrap_or_default();
            let fetch = Fetch::new(all, Items::new().flags()).changed_since(since);
            self.queue_internal(InternalCommand::Look(look), fetch, Some(selection_handle));
            if !self.selected.look_back.failed {
                return true;
            }
        }
        if now.duration_since(compared) >= self.comparison_due() {
            (self.selected.look_back.compared, self.selected.look_back.asked) = (Some(now), Some(now));
            (self.selected.look_back.missed, self.selected.look_back.unanswered) = (UidSet::new(), true);
            let view = self.selected.now.current().map(|selection| &selection.view);
            self.selected.look_back.due =
                view.map(|view| view.uids().difference(&view.uids_without_flags())).unwrap_or_default();
            return self.compare_window();
        }
        let asked = self.selected.look_back.asked.unwrap_or(compared);
        if !self.selected.look_back.missed.is_empty() && now.duration_since(asked) >= self.settings.idle_renew
        {
            (self.selected.look_back.asked, self.selected.look_back.due) =
                (Some(now), std::mem::take(&mut self.selected.look_back.missed));
            return self.compare_window();
        }
        if self.selected.look_back.loses {
            self.queue_internal(InternalCommand::Poll, Noop, None);
        }
        true
    }

    /// After how long flags are compared again. A mailbox of one window costs next to nothing.
    fn comparison_due(&self) -> Duration {
        let len = self.selected.now.current().map_or(0, |selection| selection.view.len());
        let patience = if len > self.settings.windows.flags { self.selected.look_back.clean } else { 0 };
        self.settings.idle_renew.saturating_mul(1 << patience)
    }

    /// Asks for the flags of the next messages that are to be compared, one window at a time. Whether that was the last.
    fn compare_window(&mut self) -> bool {
        let is_look = |internal: &InternalCommand| matches!(internal, InternalCommand::Look(_));
        if self.scheduler.has_internal(is_look) || self.has_internal_in_flight(is_look) {
            return false;
        }
        let Some(selection_handle) =
            self.selected.now.current().map(|selection| selection.selection_handle.clone())
        else {
            return true;
        };
        let window = newest_of(&self.selected.look_back.due, self.at_once(self.settings.windows.flags));
        self.selected.look_back.due = self.selected.look_back.due.difference(&window);
        if !window.is_empty() {
            let look = Look { since: false, highest: None, last: None, before: None };
            self.queue_internal(
                InternalCommand::Look(look),
                Fetch::new(window, Items::new().flags()),
                Some(selection_handle),
            );
        }
        !self.selected.look_back.goes_on()
    }

    /// The answer has come, or a refusal.
    pub(in crate::engine) fn looked(
        &mut self,
        look: &Look,
        selection_handle: Option<&SelectionHandle>,
        asked: &QueryOutcome,
    ) {
        if selection_handle.map(|selection_handle| selection_handle.id) != self.selected.look_back.of {
            return;
        }
        if look.since {
            self.changes_answered(look, asked);
        } else {
            self.window_compared(asked);
        }
    }

    fn changes_answered(&mut self, look: &Look, asked: &QueryOutcome) {
        if asked.ok {
            self.selected.look_back.mod_seq = self.selected.look_back.mod_seq.max(look.highest);
            (self.selected.look_back.last, self.selected.look_back.failed) = (look.last, false);
            // Nothing is left to compare.
            (self.selected.look_back.due, self.selected.look_back.missed, self.selected.look_back.compared) =
                (UidSet::new(), UidSet::new(), None);
        } else if !asked.unread {
            self.selected.look_back.refused |= asked.bad;
            self.selected.look_back.failed = true;
        }
    }

    fn window_compared(&mut self, asked: &QueryOutcome) {
        let Some(Messages::Uids(window)) = &asked.messages else { return };
        // What can't be read now could not be read the next time either.
        let rest = match asked.from {
            Some(_) => window.difference(&asked.dealt_with(window)),
            None if asked.ok || asked.unread => UidSet::new(),
            None => window.clone(),
        };
        if rest == *window {
            self.selected.look_back.missed.union_with(&rest);
        } else {
            self.selected.look_back.answered();
            self.selected.look_back.due.union_with(&rest);
        }
    }
}

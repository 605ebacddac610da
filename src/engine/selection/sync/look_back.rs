//! Asks, before IDLE begins, for changes of flags that some servers would never report. Each time
//! the connection leaves IDLE, if only to ask for the UID of a new message, there is a gap; and
//! some servers (Stalwart, go-imap's) do not look back when IDLE begins.
//!
//! In: an IDLE that is about to begin in a mailbox whose view is in step. Out: what is sent before
//! it, in the same write.
//!
//! | the server                         | what is asked                                      | bytes, 100,000 messages |
//! |------------------------------------|----------------------------------------------------|-------------------------|
//! | has CONDSTORE, mailbox has MODSEQ  | before each IDLE: `UID FETCH … (CHANGEDSINCE n)`   | 100, and 60 a change    |
//! | has not, or refuses that           | known flags, when `idle_renew` has passed          | 4.2 million             |
//! | has not, has reported all so far   | the same; of several windows after 2, then 4 times | 4.2 million             |
//! | has not, has lost a change         | each `idle_renew` again, and NOOP before each IDLE | 4.2 million, and 40     |
//! | NOTIFY is in force, or no IDLE     | what is reported and not confirmed                 | 0, or 100               |
//!
//! With 100,000 messages and `idle_renew` of 10 minutes these are 6.3 million bytes an hour where
//! the server reports all (a comparison each 40 minutes), and 25 million where it has lost a change
//! (one each 10 minutes).
//!
//! A refusal shows nothing. After NO the same is asked again the next time: CHANGEDSINCE before the
//! next IDLE, a window of flags at the next `idle_renew`; only BAD to CHANGEDSINCE is final. Where
//! that was refused the last two times, flags are compared.
//!
//! Each SELECT begins again, though a connection that changes mailboxes more often than
//! `idle_renew` then compares nothing: with [`ViewSync::Flags`](crate::types::ViewSync::Flags) each
//! SELECT reads the flags of all messages, or what has changed since a state, and with
//! [`ViewSync::Uids`](crate::types::ViewSync::Uids) the known flags are those that were read since.
//! None is older than the selection.
//!
//! A server that loses one change may report a later one: so `n`, which is `confirmed` in
//! `mod_sequences.rs`, rises only when the answer to such a query has been read whole, and
//! [`state`](crate::Mailbox::state) claims no more. Flags are
//! compared a window at a time, the newest first, and users' commands are sent before each.

use std::time::{Duration, Instant};

use super::plan::changed_since;
use super::windows::newest_of;
use super::{Selected, Selection, SyncFacts};
use crate::command::{Fetch, Items, Messages, Noop};
use crate::engine::selection::Now;
use crate::engine::selection::mod_sequences::ModSeqTracker;
use crate::engine::submit::{InternalCommand, InternalRequest, Look, Query, QueryFacts};
use crate::types::{SelectionId, Seq, Uid, UidSet, UidValidity};
use crate::view::View;

/// How far apart two comparisons of a large mailbox may be, as a power of two of `idle_renew`.
const MAX_PATIENCE: u8 = 2;

/// What is known of the flags whose changes the server may not have reported.
#[derive(Debug, Default)]
pub(in crate::engine::selection) struct LookBack {
    of: Option<SelectionId>,
    uid_validity: Option<UidValidity>,
    /// The last message that there was then: flags of one that arrived later, and that are read for
    /// the first time, are no change.
    last: Option<Uid>,
    /// When the last comparison of all flags began; before the first one, when the mailbox came
    /// into step.
    compared: Option<Instant>,
    /// When flags were last asked for.
    asked: Option<Instant>,
    /// Messages whose flags are still to be compared.
    due: UidSet,
    /// Messages whose comparison the server refused: asked for again after the interval.
    missed: UidSet,
    /// No window of the last comparison has been answered yet.
    unanswered: bool,
    /// How often in a row nothing was found.
    clean: u8,
    /// The server does not understand the question what has changed since.
    refused: bool,
    /// The last CHANGEDSINCE query was refused.
    failed: bool,
    /// The server has lost a change.
    loses: bool,
}

/// What decides whether flags are asked for before IDLE.
pub(crate) struct LookBackFacts {
    pub(crate) sync: SyncFacts,
    pub(crate) now: Instant,
    /// The server reports of the selected mailbox: NOTIFY is in force, or NOOP is sent. Only what
    /// is not confirmed is asked.
    pub(crate) is_reported: bool,
    /// Such a query waits or is in flight.
    pub(crate) is_looking: bool,
    /// After how long flags are compared again.
    pub(crate) interval: Duration,
}

impl LookBack {
    /// A mailbox was opened.
    pub(in crate::engine::selection) fn begin(
        &mut self,
        of: SelectionId,
        uid_validity: Option<UidValidity>,
        uid_next: Option<Uid>,
    ) {
        let last = uid_next.and_then(|next| Uid::new(next.get() - 1));
        let (refused, loses) = (self.refused, self.loses);
        *self = Self { of: Some(of), uid_validity, last, refused, loses, ..Self::default() };
    }

    /// A change was found that the server had not reported.
    pub(in crate::engine::selection) fn found(&mut self) {
        (self.loses, self.clean, self.unanswered) = (true, 0, false);
    }

    /// Of some messages flags have been compared.
    fn answered(&mut self) {
        if std::mem::take(&mut self.unanswered) {
            self.clean = self.clean.saturating_add(1).min(MAX_PATIENCE);
        }
    }

    /// What has changed since the last time, if the server can say so.
    fn changes(&self, view: &View, known: &ModSeqTracker, condstore: bool) -> Option<(Look, Fetch)> {
        let since = known.confirmed().filter(|_| condstore && !self.refused)?;
        let last = Seq::new(view.len().saturating_add(1)).and_then(|end| view.uid_before(end));
        Some((Look::since(self.last, last, known.so_far()), changed_since(since)))
    }

    /// Whether flags are to be compared, all or those for which it was refused. Then they are due.
    fn begin_comparison(&mut self, view: &View, facts: &LookBackFacts) -> bool {
        let now = facts.now;
        let compared = *self.compared.get_or_insert(now);
        // A mailbox of one window costs next to nothing.
        let patience = if view.len() > facts.sync.windows.flags { self.clean } else { 0 };
        if now.duration_since(compared) >= facts.interval.saturating_mul(1 << patience) {
            (self.compared, self.asked) = (Some(now), Some(now));
            (self.missed, self.unanswered) = (UidSet::new(), true);
            self.due = view.uids().difference(&view.uids_without_flags());
            return true;
        }
        let asked = self.asked.unwrap_or(compared);
        let again = !self.missed.is_empty() && now.duration_since(asked) >= facts.interval;
        if again {
            (self.asked, self.due) = (Some(now), std::mem::take(&mut self.missed));
        }
        again
    }

    /// An answer was received, or a refusal.
    fn on_answer(&mut self, look: &Look, asked: &QueryFacts, known: &mut ModSeqTracker) {
        if !look.is_since() {
            return self.on_window(asked);
        }
        if asked.ok {
            known.confirm(look.highest());
            (self.last, self.failed) = (look.last(), false);
            // Nothing is left to compare.
            (self.due, self.missed, self.compared) = (UidSet::new(), UidSet::new(), None);
        } else if !asked.unread {
            self.refused |= asked.bad;
            self.failed = true;
        }
    }

    fn on_window(&mut self, asked: &QueryFacts) {
        let Some(Messages::Uids(window)) = &asked.messages else { return };
        // What can't be read now could not be read the next time either.
        let rest = match asked.from {
            Some(_) => window.difference(&asked.dealt_with(window)),
            None if asked.ok || asked.unread => UidSet::new(),
            None => window.clone(),
        };
        if rest == *window {
            self.missed.union_with(&rest);
        } else {
            self.answered();
            self.due.union_with(&rest);
        }
    }
}

impl Selected {
    /// IDLE is about to begin: asks first for what the server may not report. Whether IDLE may
    /// follow at once.
    pub(crate) fn look_back(&mut self, facts: &LookBackFacts) -> bool {
        let Now::Open(open) = &mut self.now else { return true };
        let look_back = &mut self.look_back;
        let is_due = open.sync.is_in_step() && !open.is_view_off() && open.view.len() > 0;
        if !is_due || look_back.of != Some(open.id()) {
            return true;
        }
        if look_back.uid_validity != open.uid_validity {
            // The mod-sequences have begun again, too.
            look_back.begin(open.id(), open.uid_validity, None);
        }
        if facts.is_reported {
            let is_asked = open.mod_seqs.is_unconfirmed() && !facts.is_looking;
            let changes = look_back.changes(&open.view, &open.mod_seqs, facts.sync.condstore);
            if let Some((look, fetch)) = changes.filter(|_| is_asked) {
                open.look(look, fetch);
            }
            return true;
        }
        look_back.compared.get_or_insert(facts.now);
        let mut is_looking = facts.is_looking;
        if look_back.due.is_empty() {
            if let Some((look, fetch)) = look_back.changes(&open.view, &open.mod_seqs, facts.sync.condstore) {
                open.look(look, fetch);
                if !look_back.failed {
                    return true;
                }
                is_looking = true;
            }
            if !look_back.begin_comparison(&open.view, facts) {
                if look_back.loses {
                    open.requests.push(InternalRequest::new(InternalCommand::Poll, Noop, None));
                }
                return true;
            }
        }
        // One window at a time.
        if is_looking {
            return false;
        }
        let window = newest_of(&look_back.due, facts.sync.at_once(facts.sync.windows.flags));
        look_back.due = look_back.due.difference(&window);
        if !window.is_empty() {
            open.look(Look::default(), Fetch::new(window, Items::new().flags()));
        }
        look_back.due.is_empty()
    }

    /// A query for changes between two IDLEs has ended, in this selection.
    pub(super) fn on_looked_back(&mut self, look: &Look, asked: &QueryFacts) {
        let Self { look_back, now: Now::Open(open), .. } = self else { return };
        if look_back.of == asked.selection {
            look_back.on_answer(look, asked, &mut open.mod_seqs);
        }
    }
}

impl Selection {
    fn look(&mut self, look: Look, fetch: Fetch) {
        self.requests.push(InternalRequest::query(Query::LookBack(look), fetch, &self.handle));
    }
}

//! What the view of the selected mailbox lacks, and the queries that are sent for it.
//!
//! ```text
//!   opened, grown, reset ──> plan: next query ──> command ──> apply: answer into the view ──┐
//!                              ^                                                            │
//!                              └────────────────────────────────────────────────────────────┘
//! ```
//!
//! In: a mailbox that was opened or has grown, answers to queries. Out: queries, one at a time,
//! behind what users have submitted; then the view is complete.

mod after_store;
mod apply;
pub(crate) mod look_back;
mod plan;
mod resume;
mod windows;

use self::resume::PriorState;
use super::{Selected, Selection};
use crate::command::{Messages, Session};
use crate::engine::BatchSizes;
use crate::engine::events::Output;
use crate::types::{EventKind, ModSeq, Seq, Uid, UidSet, ViewSync};
use crate::view::View;

/// How often in a row UIDs may be refused, until a message arrives or is expunged.
const MAX_REFUSALS: u8 = 2;

/// What decides how queries are sent.
pub(crate) struct SyncFacts {
    /// A query for what the view lacks waits or is in flight.
    pub(crate) asked: bool,
    /// A command is in flight whose changes of flags are in the view only when it ends.
    pub(crate) silent_change: bool,
    /// There are no sequence numbers (RFC 9586 section 3).
    pub(crate) uid_only: bool,
    /// Sequence numbers may change at any time (RFC 5465 section 5.3).
    pub(crate) numbers_move: bool,
    pub(crate) condstore: bool,
    /// How many messages the server deals with at once (RFC 9738 section 3).
    pub(crate) message_limit: Option<u32>,
    pub(crate) windows: BatchSizes,
}

impl SyncFacts {
    /// What the session says of it.
    pub(crate) fn of(session: &Session) -> Self {
        let limit = session.capabilities().value("MESSAGELIMIT");
        Self {
            asked: false,
            silent_change: false,
            uid_only: session.is_enabled("UIDONLY"),
            numbers_move: false,
            // QRESYNC contains CONDSTORE (RFC 7162 section 3.2.3).
            condstore: session.can("CONDSTORE") || session.can("QRESYNC"),
            message_limit: limit.and_then(|limit| limit.parse().ok()),
            windows: BatchSizes::default(),
        }
    }

    /// The window of one query: `window`, or the server's MESSAGELIMIT if that is lower.
    fn at_once(&self, window: u32) -> u32 {
        self.message_limit.map_or(window, |limit| window.min(limit.max(1)))
    }
}

/// How much of the view is known.
#[derive(Debug, Default)]
pub(super) struct SyncState {
    /// How much is wanted.
    wanted: ViewSync,
    /// What was known before this view, to be compared with it once all UIDs are known.
    prior: Option<Box<PriorState>>,
    /// What has changed since then is to be asked.
    changes_since: Option<ModSeq>,
    /// Messages may be there from this UID on though nothing was reported.
    unsure_from: Option<Uid>,
    /// Whether changes that are found happened before the selection.
    while_disconnected: bool,
    /// All that was to be asked has been: from now on what the server reports keeps the view in
    /// step.
    complete: bool,
    /// How often in a row asking was refused.
    refusals: u8,
    /// The last answer to a search could not be used: rows are asked for.
    uids_by_rows: bool,
    /// Rows of new messages could not be read: a search is to find their UIDs.
    unparsed_rows: bool,
    /// From this number on the server reports no UIDs: of messages that are gone, which it may not
    /// have reported yet. To be asked again once a message arrives or is expunged.
    withheld_from: Option<Seq>,
    /// Messages whose flags are to be asked.
    flags_due: UidSet,
    /// Messages whose flags were asked for and not reported: to be asked again once a message
    /// arrives or is expunged.
    flags_withheld: UidSet,
    /// Messages whose flags could not be read.
    unreadable: UnreadableFlags,
    /// Queries in flight or queued for flags after a STORE whose effect is not known.
    open_doubts: u32,
    /// The UIDs that those queries ask for: their flags in the view may be older than the STORE.
    doubtful: UidSet,
    /// Of those queries, by number, so many could not be sent or answered: they are sent again by
    /// UID.
    deferred_doubts: u32,
}

/// Messages whose flags can't be read: each is asked for a few times, and then no more.
#[derive(Debug, Default)]
struct UnreadableFlags {
    once: UidSet,
    twice: UidSet,
    given_up: UidSet,
}

impl UnreadableFlags {
    /// The flags of these could not be read. Which of them are to be asked for again, and which no
    /// more.
    fn again(&mut self, lacking: &UidSet) -> (UidSet, UidSet) {
        let enough = lacking.intersection(&self.twice);
        let again = lacking.difference(&enough);
        self.twice.union_with(&again.intersection(&self.once));
        self.once.union_with(&again);
        self.given_up.union_with(&enough);
        (again, enough)
    }
}

impl SyncState {
    pub(super) fn new(wanted: ViewSync) -> Self {
        Self { wanted, ..Self::default() }
    }

    /// All is asked again; what this view knew is compared, and what was still to be compared.
    pub(super) fn reset(&mut self, view: Option<&View>) {
        let Self { wanted, prior, changes_since, while_disconnected, complete, .. } = std::mem::take(self);
        self.wanted = wanted;
        if let Some(view) = view {
            self.prior = prior.or_else(|| PriorState::of(view, complete).map(Box::new));
            (self.changes_since, self.while_disconnected) = (changes_since, while_disconnected);
        }
    }

    /// Whether what is known is what the server has reported, so that a later selection can resume
    /// from it.
    pub(super) fn is_in_step(&self) -> bool {
        self.complete && !self.is_in_doubt()
    }

    /// Whether flags after a STORE are still being asked for.
    pub(super) fn is_in_doubt(&self) -> bool {
        self.open_doubts > 0
    }

    /// A query for the flags of these messages after a STORE is sent.
    fn doubt(&mut self, asked: &Messages) {
        self.open_doubts += 1;
        if let Messages::Uids(uids) = asked {
            self.doubtful.union_with(uids);
        }
    }

    /// Whether such a query is open for this message; without a UID it may be any.
    fn is_doubtful(&self, uid: Option<Uid>) -> bool {
        self.is_in_doubt() && uid.is_none_or(|uid| self.doubtful.contains(uid))
    }

    /// One query for flags after a STORE is settled.
    fn settle_doubt(&mut self) {
        self.open_doubts = self.open_doubts.saturating_sub(1);
        if self.open_doubts == 0 {
            self.doubtful = UidSet::new();
        }
    }

    /// Whether the server has refused so often that it is not asked, until a message arrives or is
    /// expunged.
    fn has_given_up(&self) -> bool {
        self.refusals >= MAX_REFUSALS
    }

    /// Whether there is nothing that is to be asked.
    fn lacks_nothing(&self, view: &View) -> bool {
        let flags = self.wanted != ViewSync::Flags || view.flags_unknown() == 0;
        let due = self.prior.is_some() || self.changes_since.is_some() || !self.flags_due.is_empty();
        self.complete && flags && !due && self.deferred_doubts == 0 && view.unknown().is_none()
    }
}

impl Selected {
    /// Whether anything is to be asked. Checked at each EXPUNGE, and nearly always not so.
    pub(crate) fn lacks_something(&self) -> bool {
        self.current().is_some_and(|open| !open.sync.lacks_nothing(&open.view) || open.is_behind())
    }

    /// A message has arrived, or was expunged: what could not be reported before may be reported
    /// now.
    pub(crate) fn on_count_changed(&mut self) {
        if let Some(open) = self.current_mut() {
            (open.sync.withheld_from, open.sync.refusals) = (None, 0);
            open.sync.flags_withheld = UidSet::new();
            open.handle.set_stalled(false);
        }
    }
}

impl Selection {
    /// Whether no UIDs and flags are wanted.
    pub(crate) fn is_view_off(&self) -> bool {
        self.sync.wanted == ViewSync::Off
    }

    /// The view may have become complete: then whoever waits for it is woken.
    pub(super) fn report_ready(&mut self, out: &mut Output) {
        if !self.is_view_off() && !self.sync.is_in_step() {
            return;
        }
        if !std::mem::replace(&mut self.ready, true) {
            self.report(EventKind::Ready { exists: self.view.len() }, out);
        }
        // Who is woken finds the event in the queue, and the view published.
        if !self.handle.get().ready {
            self.publish();
            self.handle.update(|facts| (facts.ready, facts.refused) = (true, false));
        }
    }
}

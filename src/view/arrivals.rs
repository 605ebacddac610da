//! Which messages are *fresh*: arrived after the mailbox was opened, and not yet reported.
//!
//! As long as each removal has a sequence number, numbers tell old and fresh messages apart: EXISTS
//! adds new messages at the end, where they are fresh until their UID is known. A removal that has
//! only a UID leaves open whether an old or a fresh message was expunged, and a view that was reset
//! has no earlier numbers. There UIDNEXT decides: the server sent it when the mailbox was opened,
//! and no message that arrives later has a lower UID (RFC 9051 section 2.3.1.1).
//!
//! ```text
//!   numbers    1 .. old | fresh ..        UIDs    .. < UIDNEXT | UIDNEXT .. >
//! ```

use std::ops::Range;

use super::View;
use super::entry::PackedMessage;
use crate::types::{Uid, UidSet};

/// The part of the boundary between old and fresh messages that depends on UIDs.
#[derive(Clone, Debug, Default)]
pub(super) struct Boundary {
    /// UIDNEXT of the opening.
    first_new: Option<Uid>,
    /// The view was reset, and no earlier numbers are left: each message without UID counts as
    /// fresh until its UID decides.
    by_uid: bool,
    /// In this case: new messages whose arrival was reported before the reset.
    reported: UidSet,
}

impl Boundary {
    /// Whether every message without UID counts as fresh.
    pub(super) fn is_by_uid(&self) -> bool {
        self.by_uid
    }

    /// Whether a fresh message whose UID is now known arrived after the opening and is unreported.
    pub(super) fn is_new(&self, uid: Uid) -> bool {
        !self.by_uid || self.first_new.is_none_or(|first| uid >= first) && !self.reported.contains(uid)
    }

    /// How many old messages are among `count` that were expunged from a run of `old` old and
    /// `fresh` fresh ones. `named` are the UIDs of the removal; `count` is at most the length of
    /// the run. Without UIDNEXT they count as old: a message may then be reported as new that is
    /// not, but no new one is lost.
    pub(super) fn old_ones(&self, named: &UidSet, count: usize, old: usize, fresh: usize) -> usize {
        let below = match self.first_new {
            Some(first) => Uid::new(first.get() - 1).map_or(0, |last| named.within(Uid::MIN, last).len()),
            None => named.len(),
        };
        let below = usize::try_from(below).unwrap_or(usize::MAX);
        below.clamp(count.saturating_sub(fresh), count.min(old))
    }
}

impl View {
    /// Sets UIDNEXT of the opening: no message that arrives later has a lower UID.
    pub(crate) fn begins_at(&mut self, first_new: Option<Uid>) {
        self.boundary.first_new = first_new;
    }

    /// The boundary for the view that replaces this one after a reset. If UIDs decide, arrivals
    /// that were reported are not reported again; without UIDNEXT nothing can decide.
    pub(super) fn boundary_after_reset(&self, by_uid: bool) -> Boundary {
        let Some(first_new) = self.boundary.first_new.filter(|_| by_uid) else {
            return Boundary { first_new: self.boundary.first_new, ..Boundary::default() };
        };
        let known = self.mirror.messages.iter().filter(|entry| !entry.is_fresh());
        let mut reported: UidSet =
            known.filter_map(PackedMessage::uid).filter(|uid| *uid >= first_new).collect();
        reported.union_with(&self.boundary.reported);
        Boundary { first_new: Some(first_new), by_uid: true, reported }
    }

    /// The position of the first fresh message in a run of messages without UIDs; fresh ones are
    /// last.
    pub(super) fn fresh_from(&self, run: &Range<usize>) -> usize {
        let is_fresh = |at: usize| self.mirror.messages.get(at).is_some_and(PackedMessage::is_fresh);
        let (mut from, mut to) = (run.start, run.end);
        while from < to {
            let middle = from + (to - from) / 2;
            if is_fresh(middle) {
                to = middle;
            } else {
                from = middle + 1;
            }
        }
        from
    }
}

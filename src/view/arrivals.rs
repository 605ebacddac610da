//! The line between the messages that were there when the mailbox was opened and those that came
//! after it.
//!
//! By number the line is known as long as each removal has one: EXISTS adds new messages behind the
//! others, where they are *fresh* until their UID has been told. Removals that tell UIDs alone
//! leave it open on which side of the line a message has gone, and a view that is begun anew has no
//! numbers from before. There UIDNEXT decides: it was told with the opening, and no message that
//! came later has a UID below it (RFC 9051 section 2.3.1.1).
//!
//! ```text
//!   numbers    1 .. old | fresh ..        UIDs    .. < UIDNEXT | UIDNEXT .. >
//! ```

use std::ops::Range;

use super::View;
use super::entry::PackedMessage;
use crate::types::{Uid, UidSet};

/// What UIDs say of the line.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    /// UIDNEXT as it was told with the opening.
    first_new: Option<Uid>,
    /// The view was begun anew, and nothing is left of the numbers: all that is not known is fresh,
    /// and its UID decides.
    by_uid: bool,
    /// With that: new messages whose coming was told before.
    told: UidSet,
}

impl Line {
    /// Whether all that is not known is fresh.
    pub(super) fn is_by_uid(&self) -> bool {
        self.by_uid
    }

    /// Whether a fresh message, whose UID has become known, came after the opening, and nobody has
    /// been told.
    pub(super) fn is_new(&self, uid: Uid) -> bool {
        !self.by_uid || self.first_new.is_none_or(|first| uid >= first) && !self.told.contains(uid)
    }

    /// Of messages that have gone from a run of this many old and this many fresh ones: how many
    /// were old. `named` are their UIDs, and `count` is how many of them were there: no more than
    /// the run has. Where nothing decides they were old: then a message may be told as new that is
    /// not, but none that is new is lost.
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
    /// No message that comes from now on has a UID below this, as the server told when the mailbox
    /// was opened.
    pub(crate) fn begins_at(&mut self, first_new: Option<Uid>) {
        self.line.first_new = first_new;
    }

    /// The line for a view that is begun anew after this one. If UIDs are to decide, whose coming
    /// has been told is not told again; without UIDNEXT nothing can decide.
    pub(super) fn line_anew(&self, by_uid: bool) -> Line {
        let Some(first_new) = self.line.first_new.filter(|_| by_uid) else {
            return Line { first_new: self.line.first_new, ..Line::default() };
        };
        let known = self.mirror.messages.iter().filter(|entry| !entry.is_fresh());
        let mut told: UidSet = known.filter_map(PackedMessage::uid).filter(|uid| *uid >= first_new).collect();
        told.union_with(&self.line.told);
        Line { first_new: Some(first_new), by_uid: true, told }
    }

    /// Where in a run of messages without UIDs the fresh ones begin; they are its last ones.
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

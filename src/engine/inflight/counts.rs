//! How many commands of each sort are in flight.
//!
//! In: commands as they go out and as they end. Out: the counts that admission decides by.

use crate::command::{Effect, Messages, ResponseKinds};
use crate::engine::inflight::command::InFlightCommand;

/// What is in flight, counted by what matters to admission, so that ten thousand commands cost no
/// more than ten.
#[derive(Debug, Default)]
pub(crate) struct InFlightCounts {
    pub(crate) all: usize,
    pub(crate) alone: usize,
    pub(crate) lets_expunge_through: usize,
    pub(crate) in_mailbox: usize,
    pub(crate) selects: usize,
    pub(crate) deselects: usize,
    pub(crate) idles: usize,
    pub(crate) searches: usize,
    sorts: usize,
    threads: usize,
    pub(crate) fetches: usize,
    pub(crate) lists: usize,
    pub(crate) of_saved: usize,
    pub(crate) by_number: usize,
}

impl InFlightCounts {
    /// Whether a SORT is in flight.
    pub(crate) fn has_sorts(&self) -> bool {
        self.sorts > 0
    }

    /// Whether a THREAD is.
    pub(crate) fn has_threads(&self) -> bool {
        self.threads > 0
    }

    pub(super) fn add(&mut self, flight: &InFlightCommand) {
        self.count(flight, |n| *n += 1);
    }

    pub(super) fn remove(&mut self, flight: &InFlightCommand) {
        self.count(flight, |n| *n -= 1);
    }

    fn count(&mut self, flight: &InFlightCommand, step: impl Fn(&mut usize)) {
        let class = &flight.submission.class;
        // The server may send EXPUNGE while any command runs but FETCH, STORE and SEARCH by number
        // (RFC 9051 section 7.5.1).
        let expunge = class.may_expunge || !by_number(flight.messages.as_ref());
        let saves = matches!(class.effect, Effect::Save(_));
        let counts = [
            (true, &mut self.all),
            (class.alone, &mut self.alone),
            (expunge, &mut self.lets_expunge_through),
            (flight.submission.selection_handle.is_some(), &mut self.in_mailbox),
            (matches!(class.effect, Effect::Select { .. }), &mut self.selects),
            (matches!(class.effect, Effect::Deselect), &mut self.deselects),
            (matches!(class.effect, Effect::Idle), &mut self.idles),
            (class.answered_by.overlaps(ResponseKinds::SEARCH), &mut self.searches),
            (class.answered_by.overlaps(ResponseKinds::SORT), &mut self.sorts),
            (class.answered_by.overlaps(ResponseKinds::THREAD), &mut self.threads),
            (class.answered_by.overlaps(ResponseKinds::FETCH), &mut self.fetches),
            (class.answered_by.overlaps(ResponseKinds::LIST), &mut self.lists),
            (saves || matches!(flight.messages, Some(Messages::Saved(_))), &mut self.of_saved),
            (by_number(flight.messages.as_ref()), &mut self.by_number),
        ];
        counts.into_iter().filter(|(counts, _)| *counts).for_each(|(_, n)| step(n));
    }
}

/// Whether a command names messages by number.
pub(crate) fn by_number(messages: Option<&Messages>) -> bool {
    matches!(messages, Some(Messages::Seqs(_)))
}

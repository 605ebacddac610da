//! What a slow reader misses: events that were left out, counted by a `Lagged` at their place.
//! Which events may be left out is decided in `queue.rs`.
//!
//! In: events that there is no room for, and events that wait. Out: the `Lagged` that counts them.
//! The list of mailboxes in all of them together is bounded, in number and in length of names, so
//! that what was left out can't grow itself.

use crate::types::{Event, EventKind, Lagged, MailboxName};

/// How many mailboxes one `Lagged` names.
const MAX_NAMED: usize = 100;

/// How many all of them name that wait.
const MAX_NAMED_IN_ALL: usize = 1000;

/// How long the name of one may be: a server may make them as long as a literal.
const MAX_NAME_LEN: usize = 1000;

/// The `Lagged` events that wait.
#[derive(Debug, Default)]
pub(crate) struct LagCounter {
    /// How many mailboxes they name.
    named: usize,
}

impl LagCounter {
    /// There was no room for this event.
    pub(crate) fn count(&mut self, lag: &mut Lagged, event: Event) {
        lag.events += 1;
        if let Some(place) = event.place {
            self.name(lag, place.mailbox);
        }
    }

    /// Nothing stands between the two any more: the earlier one counts for both.
    pub(crate) fn join(&mut self, earlier: &mut Lagged, later: Lagged) {
        self.taken(&later);
        earlier.events += later.events;
        earlier.others |= later.others;
        later.mailboxes.into_iter().for_each(|name| self.name(earlier, name));
    }

    /// This one waits no more.
    pub(crate) fn taken(&mut self, lag: &Lagged) {
        self.named = self.named.saturating_sub(lag.mailboxes.len());
    }

    #[cfg(test)]
    pub(crate) fn named(&self) -> usize {
        self.named
    }

    fn name(&mut self, lag: &mut Lagged, name: MailboxName) {
        if lag.mailboxes.contains(&name) {
            return;
        }
        let room = lag.mailboxes.len() < MAX_NAMED && self.named < MAX_NAMED_IN_ALL;
        if room && name.as_str().len() <= MAX_NAME_LEN {
            self.named += 1;
            lag.mailboxes.push(name);
        } else {
            lag.others = true;
        }
    }
}

/// The count of events left out, if this event is a `Lagged`.
pub(crate) fn lag_of(event: &mut Event) -> Option<&mut Lagged> {
    match &mut event.kind {
        EventKind::Lagged(lag) => Some(lag),
        _ => None,
    }
}

//! The mailboxes that are to be looked into, in the order in which that is due.
//!
//! In: when each of them is due, as that changes. Out: which one is next, and when. Each costs a
//! search in a tree, however many there are.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::account::MailboxKey;

/// How often mailboxes are looked into though their counts are the same.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Those without mod-sequences, or whose mod-sequences stand still, for their flags, if these
    /// are watched; and those without UIDNEXT, in which one message may have come for another.
    pub(crate) compared: Duration,
    pub(crate) flags: bool,
    /// Those of which the server does not say the counts.
    pub(crate) uncounted: Duration,
}

/// Why equal counts don't say all of a mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unsure {
    /// There are none.
    Uncounted,
    /// There is neither UIDNEXT nor a mod-sequence.
    Messages,
    /// There is no mod-sequence, or none that can be believed.
    Flags,
}

impl Pace {
    /// How long after a look the next one is due.
    fn of(self, unsure: Unsure) -> Option<Duration> {
        match unsure {
            Unsure::Uncounted => Some(self.uncounted),
            Unsure::Messages => Some(self.compared),
            Unsure::Flags => self.flags.then_some(self.compared),
        }
    }
}

/// When a mailbox is to be looked into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    Now,
    /// Some time after its last look.
    After(Unsure, Instant),
    Never,
}

/// Where a mailbox stands in the queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Place {
    #[default]
    Nowhere,
    Now(u64),
    After(Unsure, Instant),
}

#[derive(Debug, Default)]
pub(super) struct DueQueue {
    /// In the order in which they have become due: one that changes all the time holds up none.
    now: BTreeSet<(u64, MailboxKey)>,
    /// By their last looks.
    uncounted: BTreeSet<(Instant, MailboxKey)>,
    messages: BTreeSet<(Instant, MailboxKey)>,
    flags: BTreeSet<(Instant, MailboxKey)>,
    next: u64,
}

impl DueQueue {
    /// From this place to that where it belongs now.
    pub(super) fn moved(&mut self, key: &MailboxKey, from: Place, due: Due) -> Place {
        let to = match (from, due) {
            (Place::Now(_), Due::Now) => from,
            (_, Due::Now) => {
                self.next += 1;
                Place::Now(self.next)
            }
            (_, Due::After(unsure, at)) => Place::After(unsure, at),
            (_, Due::Never) => Place::Nowhere,
        };
        if from == to {
            return to;
        }
        match from {
            Place::Nowhere => {}
            Place::Now(at) => remove(&mut self.now, at, key),
            Place::After(unsure, at) => remove(self.after(unsure), at, key),
        }
        match to {
            Place::Nowhere => {}
            Place::Now(at) => _ = self.now.insert((at, key.clone())),
            Place::After(unsure, at) => _ = self.after(unsure).insert((at, key.clone())),
        }
        to
    }

    fn after(&mut self, unsure: Unsure) -> &mut BTreeSet<(Instant, MailboxKey)> {
        match unsure {
            Unsure::Uncounted => &mut self.uncounted,
            Unsure::Messages => &mut self.messages,
            Unsure::Flags => &mut self.flags,
        }
    }

    /// Whether any is due because something has changed.
    #[cfg(feature = "store")]
    pub(super) fn has_now(&self) -> bool {
        !self.now.is_empty()
    }

    pub(super) fn first_now(&self) -> Option<&MailboxKey> {
        self.now.first().map(|(_, key)| key)
    }

    /// The next one, and whether that is only because time has passed.
    pub(super) fn next(&self, pace: Pace, now: Instant) -> Option<(&MailboxKey, bool)> {
        if let Some((_, key)) = self.now.first() {
            return Some((key, false));
        }
        self.first_after(pace).filter(|(at, _)| *at <= now).map(|(_, key)| (key, true))
    }

    /// When one is due that is not due now.
    pub(super) fn next_after(&self, pace: Pace) -> Option<Instant> {
        self.first_after(pace).map(|(at, _)| at)
    }

    fn first_after(&self, pace: Pace) -> Option<(Instant, &MailboxKey)> {
        let all = [
            (Unsure::Uncounted, &self.uncounted),
            (Unsure::Messages, &self.messages),
            (Unsure::Flags, &self.flags),
        ];
        let first = all.into_iter().filter_map(|(unsure, queue)| {
            let ((looked_at, key), pause) = queue.first().zip(pace.of(unsure))?;
            Some((*looked_at + pause, key))
        });
        first.min()
    }
}

fn remove<T: Ord>(queue: &mut BTreeSet<(T, MailboxKey)>, at: T, key: &MailboxKey) {
    queue.remove(&(at, key.clone()));
    if queue.is_empty() {
        // An empty tree keeps its last node, of which a process may have one for each account.
        *queue = BTreeSet::new();
    }
}

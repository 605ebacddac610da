//! Back-pressure: while results are read more slowly than they come, the server waits too, within reason.
//!
//! In: what comes for a reader and what it takes, by weight; the time. Out: whether the socket is to be read.
//!
//! ```text
//!              more than Limits::backlog waits              nothing taken for Limits::hold
//!  reading ──────────────────────────────────────> holding ────────────────────────────────> reading on
//!     ^      and no other command is there            │ ^                                        │ │
//!     ├───────── half has been taken, or another <────┘ └─────────── something was taken ────────┘ │
//!     └───────── command has come, or it has ended <───────────────────────────────────────────────┘
//! ```
//!
//! Reading on, a result is kept up to [`Limits::unread`](crate::types::Limits::unread) and ends there. (Contract
//! line 10.)

use std::time::{Duration, Instant};

use crate::engine::Engine;
use crate::types::{CommandId, Limits};

/// How much must wait unread before the server waits: less than may be kept, so that it can be kept when a hold is over.
pub(in crate::engine) fn mark(limits: &Limits) -> usize {
    limits.backlog.min(limits.unread / 2)
}

/// How much waits for a reader.
#[derive(Debug, Default)]
pub(in crate::engine) struct Backlog {
    bytes: usize,
    /// How often something was taken.
    taken: u64,
    /// It is too much, until no more than this waits.
    low: Option<usize>,
}

impl Backlog {
    pub(in crate::engine) fn bytes(&self) -> usize {
        self.bytes
    }

    /// So much more waits, and past the mark it is too much.
    pub(in crate::engine) fn add(&mut self, weight: usize, mark: usize) {
        self.bytes += weight;
        if self.bytes > mark {
            self.low.get_or_insert(mark / 2);
        }
    }

    /// So much has been taken. Whether by this there is room again.
    pub(in crate::engine) fn take(&mut self, weight: usize) -> bool {
        self.bytes = self.bytes.saturating_sub(weight);
        self.taken += 1;
        let relieved = self.low.is_some_and(|low| self.bytes <= low);
        if relieved {
            self.low = None;
        }
        relieved
    }

    /// So much waits no more, and nobody has taken it.
    pub(in crate::engine) fn drop_unread(&mut self, weight: usize) {
        self.bytes = self.bytes.saturating_sub(weight);
    }

    /// Nothing waits any more.
    pub(in crate::engine) fn clear(&mut self) {
        *self = Self { taken: self.taken + 1, ..Self::default() };
    }

    /// Too much waits: gives how often something was taken, which tells whether anyone reads.
    pub(in crate::engine) fn is_full(&self) -> Option<u64> {
        self.low.map(|_| self.taken)
    }
}

/// A reader that is waited for.
#[derive(Debug)]
pub(in crate::engine) struct Hold {
    id: CommandId,
    taken: u64,
    /// Since when nothing has been taken, as far as is known; never later than it is true while the socket is held.
    since: Instant,
    /// When that was looked at last.
    looked: Instant,
    /// Whether the socket is held back now.
    on: bool,
}

/// How often in the time of a hold it is looked at whether the reader reads.
const LOOKS: u32 = 16;

impl Hold {
    fn end(&self, hold: Duration) -> Option<Instant> {
        self.since.checked_add(hold)
    }
}

impl Engine {
    /// Whether nothing is to be read from the server now: a result waits unread, and nothing else is wanted of the
    /// connection. Ask again at the [`deadline`](Self::deadline), or when the driver is woken.
    pub(crate) fn holds(&mut self, now: Instant) -> bool {
        let Some((id, taken)) = self.backed_up() else {
            self.hold = None;
            return false;
        };
        let limit = self.settings.limits.hold;
        let new = || Hold { id, taken, since: now, looked: now, on: true };
        let hold = self.hold.take().filter(|hold| hold.id == id);
        let mut hold = hold.unwrap_or_else(new);
        if hold.taken != taken {
            // It was taken at some time since the last look: no hold lasts longer than it may.
            hold.since = if hold.on { hold.looked } else { now };
            hold.taken = taken;
        }
        hold.looked = now;
        hold.on = hold.end(limit).is_none_or(|end| now < end);
        let on = hold.on;
        self.hold = Some(hold);
        on
    }

    /// Whether the server is kept from being heard.
    pub(in crate::engine) fn is_holding(&self) -> bool {
        self.hold.as_ref().is_some_and(|hold| hold.on)
    }

    pub(in crate::engine) fn hold_deadline(&self) -> Option<Instant> {
        let hold = self.hold.as_ref().filter(|hold| hold.on)?;
        let limit = self.settings.limits.hold;
        let look = hold.looked.checked_add((limit / LOOKS).max(Duration::from_millis(1)));
        [hold.end(limit), look].into_iter().flatten().min()
    }

    /// The one command that there is, if more of its result waits than is good.
    fn backed_up(&self) -> Option<(CommandId, u64)> {
        // After the server's BYE only what it has said already is left.
        if !self.queue.is_empty() || !self.behind.is_empty() || self.lifecycle.is_ending() {
            return None;
        }
        self.inflight.backed_up(&self.shared.events)
    }
}

//! Backpressure: while results are read more slowly than they are received, the server waits too,
//! within reason.
//!
//! In: how much waits for a reader and how often it reads; the time. Out: whether the socket is to
//! be read.
//!
//! ```text
//!              more than Limits::backlog waits              nothing taken for Limits::hold
//!  reading ──────────────────────────────────────> holding ────────────────────────────────> reading on
//!     ^      and no other command is there            │ ^                                        │ │
//!     ├───────── half has been taken, or another <────┘ └─────────── something was taken ────────┘ │
//!     └───────── command was submitted, or it has ended <──────────────────────────────────────────┘
//! ```
//!
//! While it reads on, a result is kept up to [`Limits::unread`](crate::types::Limits::unread) and
//! ends there. (Contract, promise 10.)

use std::time::{Duration, Instant};

use crate::types::CommandId;

/// Whether the server is made to wait for a reader.
#[derive(Debug, Default)]
pub(super) struct Backpressure {
    hold: Option<Hold>,
}

/// A reader that is waited for.
#[derive(Debug)]
struct Hold {
    id: CommandId,
    taken: u64,
    /// Since when nothing has been taken, as far as is known; never later than it is true while the
    /// socket is held.
    since: Instant,
    /// When that was looked at last.
    looked: Instant,
    /// Whether the socket is held back now.
    on: bool,
}

/// How often in the time of a hold it is looked at whether the reader reads.
const LOOKS: u32 = 16;

impl Hold {
    fn end(&self, limit: Duration) -> Option<Instant> {
        self.since.checked_add(limit)
    }
}

impl Backpressure {
    /// Whether nothing is to be read now, for `limit` at most. `backed_up`: the command of whose
    /// result too much waits unread, and how often something of it was taken.
    pub(super) fn holds(
        &mut self,
        now: Instant,
        backed_up: Option<(CommandId, u64)>,
        limit: Duration,
    ) -> bool {
        let Some((id, taken)) = backed_up else {
            self.hold = None;
            return false;
        };
        let new = || Hold { id, taken, since: now, looked: now, on: true };
        let mut hold = self.hold.take().filter(|hold| hold.id == id).unwrap_or_else(new);
        if hold.taken != taken {
            // It was taken at some time since the last look: no hold lasts longer than it may.
            hold.since = if hold.on { hold.looked } else { now };
            hold.taken = taken;
        }
        hold.looked = now;
        hold.on = hold.end(limit).is_none_or(|end| now < end);
        self.hold.insert(hold).on
    }

    /// Whether the socket is held back.
    pub(super) fn is_on(&self) -> bool {
        self.hold.as_ref().is_some_and(|hold| hold.on)
    }

    /// When the reader is to be looked at again.
    pub(super) fn deadline(&self, limit: Duration) -> Option<Instant> {
        let hold = self.hold.as_ref().filter(|hold| hold.on)?;
        let look = hold.looked.checked_add((limit / LOOKS).max(Duration::from_millis(1)));
        [hold.end(limit), look].into_iter().flatten().min()
    }
}

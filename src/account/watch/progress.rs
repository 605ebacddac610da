//! Whether all mailboxes of a watch are in step, for whoever shows it or waits for it.
//!
//! In: what the watch's task finds to be left to do, how much it delivers, how much the program
//! reads. Out: the latest of it, to be read or awaited.

use std::fmt;

use crate::account::latest::{Latest, LatestReader};

/// How far a watch is: from [`Changes::status`](super::Changes::status).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WatchStatus {
    /// How many mailboxes are watched, as the last sweep has found them.
    pub mailboxes: usize,
    /// How many of them have changes that may not have been delivered yet: they differ from what is
    /// known, are being looked into for a change, or are not followed again yet after a connection
    /// was lost. A mailbox that the server has refused twice in a row is not counted until it can
    /// be read.
    pub behind: usize,
    /// All mailboxes are in step, and the program has read all changes: what it has read is what
    /// there was at the last sweep, or later. Not before the first sweep; and once the connection
    /// of a mailbox that is followed was lost, or the server could not be reached, not before
    /// another sweep.
    pub in_step: bool,
}

#[derive(Debug, Default)]
struct State {
    mailboxes: usize,
    behind: usize,
    is_swept: bool,
    delivered: u64,
    read: u64,
    has_ended: bool,
}

impl State {
    fn status(&self) -> WatchStatus {
        let in_step = self.is_swept && self.behind == 0 && self.read >= self.delivered && !self.has_ended;
        WatchStatus { mailboxes: self.mailboxes, behind: self.behind, in_step }
    }
}

/// What the watch's task and the reader of the changes say of it.
#[derive(Debug)]
pub(super) struct Progress {
    state: Latest<State>,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self { state: Latest::new(State::default()) }
    }

    fn update(&self, change: impl FnOnce(&mut State)) {
        self.state.update(|state| {
            let before = (state.status(), state.has_ended);
            change(state);
            before != (state.status(), state.has_ended)
        });
    }

    /// What is left to do. `is_swept`: a sweep has ended that began after the last loss.
    pub(super) fn publish(&self, mailboxes: usize, behind: usize, is_swept: bool) {
        self.update(|state| {
            (state.mailboxes, state.behind, state.is_swept) = (mailboxes, behind, is_swept);
        });
    }

    /// One more change is on its way.
    pub(super) fn delivered(&self) {
        self.update(|state| state.delivered += 1);
    }

    /// The program has read one more.
    pub(super) fn read(&self) {
        self.update(|state| state.read += 1);
    }

    /// Nothing more comes.
    pub(super) fn end(&self) {
        self.update(|state| state.has_ended = true);
    }
}

/// How far a watch is, as it changes; from [`Changes::status`](super::Changes::status). Cheap to
/// clone.
#[derive(Clone)]
pub struct WatchStatusReceiver {
    state: LatestReader<State>,
    seen: WatchStatus,
}

impl WatchStatusReceiver {
    pub(super) fn new(progress: &Progress) -> Self {
        let state = progress.state.reader();
        let seen = state.read(State::status);
        Self { state, seen }
    }

    /// How far it is now.
    #[must_use]
    pub fn now(&self) -> WatchStatus {
        self.state.read(State::status)
    }

    /// Waits until it differs from what this method returned last (at first, from what it was when
    /// the receiver was made; [`now`](Self::now) doesn't count), and returns it; `None` once the
    /// watch has ended. What changes quickly may be skipped. Cancel-safe.
    pub async fn changed(&mut self) -> Option<WatchStatus> {
        let seen = self.seen;
        self.seen = self.until(|now| now != seen).await?;
        Some(self.seen)
    }

    /// Waits until all mailboxes are in step and the program has read all changes: so these have to
    /// be read meanwhile. Whether that came to be: `false` if the watch has ended. Cancel-safe.
    pub async fn in_step(&self) -> bool {
        self.until(|now| now.in_step).await.is_some()
    }

    async fn until(&self, is_wanted: impl Fn(WatchStatus) -> bool) -> Option<WatchStatus> {
        let find = |state: &State| {
            let status = state.status();
            (state.has_ended || is_wanted(status)).then_some((!state.has_ended).then_some(status))
        };
        self.state.find(find).await?
    }
}

impl fmt::Debug for WatchStatusReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WatchStatusReceiver").field("now", &self.now()).finish()
    }
}

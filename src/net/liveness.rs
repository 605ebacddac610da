//! Whether the server is still there, when a program asks (`Sender::check`), or when the machine
//! has been asleep.
//!
//! In: a request, beside a NOOP that goes out; bytes that come. Out: whether nothing has come for
//! too long. The check is over once the engine waits for no response any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// The program's side: cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct CheckRequest(Arc<AtomicBool>);

impl CheckRequest {
    /// From now on silence counts. The driver has to be woken.
    pub(crate) fn begin(&self) {
        self.0.store(true, Ordering::Release);
    }
}

/// The driver's side.
#[derive(Debug)]
pub(super) struct Check {
    request: CheckRequest,
    limit: Duration,
    /// While one runs: when it began, or when bytes came last.
    since: Option<Instant>,
    /// It was not a program that asked.
    slept: bool,
}

impl Check {
    pub(super) fn new(limit: Duration) -> Self {
        Self { request: CheckRequest::default(), limit, since: None, slept: false }
    }

    pub(super) fn request(&self) -> CheckRequest {
        self.request.clone()
    }

    /// The machine has been asleep.
    pub(super) fn on_sleep(&mut self) {
        self.slept = true;
        self.request.begin();
    }

    /// Whether a check runs, or is asked for: else there is nothing to look at.
    pub(super) fn is_on(&self) -> bool {
        self.since.is_some() || self.request.0.load(Ordering::Relaxed)
    }

    /// Whether the server has been silent for too long. `awaits`: a response is due; `held`: the
    /// socket is not read now.
    pub(super) fn is_dead(&mut self, awaits: bool, held: bool, now: Instant) -> bool {
        if self.request.0.swap(false, Ordering::AcqRel) {
            self.since = Some(now);
        }
        if !awaits {
            (self.since, self.slept) = (None, false);
        } else if held {
            self.since = self.since.map(|_| now);
        }
        self.since.is_some_and(|since| now.duration_since(since) >= self.limit)
    }

    /// Bytes have come.
    pub(super) fn on_bytes(&mut self, now: Instant) {
        self.since = self.since.map(|_| now);
    }

    /// What has not come.
    pub(super) fn waiting_for(&self) -> String {
        let why = if self.slept { "since the machine has been asleep" } else { "which was asked for one" };
        format!("a sign of the server, {why}: nothing came for {:?}", self.limit)
    }

    /// When it will have been silent for too long.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.since?.checked_add(self.limit)
    }
}

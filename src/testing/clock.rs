//! The server's time: starts with the system's and advances with tokio's, so that a test in paused
//! time has a server in paused time.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use crate::types::Timestamp;

/// A clock with a start time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    began: SystemTime,
    at: Instant,
}

impl Clock {
    /// A clock that starts with the system's time.
    pub(crate) fn now_on() -> Self {
        Self::start(SystemTime::now())
    }

    pub(crate) fn start(began: SystemTime) -> Self {
        Self { began, at: Instant::now() }
    }

    /// How long it has been going.
    pub(crate) fn running_for(&self) -> Duration {
        Instant::now().saturating_duration_since(self.at)
    }

    pub(crate) fn now(&self) -> Timestamp {
        let passed = Instant::now().saturating_duration_since(self.at);
        self.began.checked_add(passed).unwrap_or(self.began).into()
    }
}

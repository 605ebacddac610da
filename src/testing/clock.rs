//! What time it is: the system's, going on as tokio's does, so that a test in paused time has a
//! server in paused time.

use std::time::SystemTime;

use tokio::time::Instant;

use crate::types::Timestamp;

/// A clock that began at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    began: SystemTime,
    at: Instant,
}

impl Clock {
    /// One that is right.
    pub(crate) fn now_on() -> Self {
        Self::start(SystemTime::now())
    }

    pub(crate) fn start(began: SystemTime) -> Self {
        Self { began, at: Instant::now() }
    }

    pub(crate) fn now(&self) -> Timestamp {
        let passed = Instant::now().saturating_duration_since(self.at);
        self.began.checked_add(passed).unwrap_or(self.began).into()
    }
}

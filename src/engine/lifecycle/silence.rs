//! Whether the server has been silent for too long while a response is due, or has not closed the
//! connection after BYE or a failed write.
//!
//! In: what is waited for, bytes received and written. Out: whether that has lasted too long, and
//! when it will have.

use std::time::{Duration, Instant};

use crate::engine::lifecycle::Lifecycle;

/// What the connection waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waiting {
    /// Nothing, or nothing that the server has to send.
    Nothing,
    /// A response, but the socket is not read now: the silence begins when it is read again.
    Reader,
    Response,
}

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    Nothing,
    /// The server has been silent for too long.
    Silence,
    /// The server has not closed after its BYE, or after a write has failed.
    DrainOver,
}

impl Lifecycle {
    /// Bytes have been received or written, or a command has ended: the connection is alive.
    /// Uploads count too, since the server takes their bytes.
    pub(crate) fn on_activity(&mut self, now: Instant) {
        self.last_activity = self.last_activity.map(|_| now);
    }

    /// What is due by now, if the connection waits for this.
    pub(crate) fn check_time(&mut self, now: Instant, waiting: Waiting, silence: Duration) -> Due {
        self.last_activity = match waiting {
            Waiting::Nothing => None,
            Waiting::Reader => Some(now),
            Waiting::Response => self.last_activity.or(Some(now)),
        };
        if self.last_activity.is_some_and(|since| now.duration_since(since) >= silence) {
            Due::Silence
        } else if self.drain_deadline().is_some_and(|deadline| now >= deadline) {
            Due::DrainOver
        } else {
            Due::Nothing
        }
    }

    /// Whether a response of the server is due, as of the last [`check_time`](Self::check_time).
    pub(crate) fn awaits_response(&self) -> bool {
        self.last_activity.is_some()
    }

    /// When something is due at the earliest.
    pub(crate) fn deadline(&self, silence: Duration) -> Option<Instant> {
        let silent = self.last_activity.and_then(|since| since.checked_add(silence));
        silent.into_iter().chain(self.drain_deadline()).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_counts_from_the_last_activity_while_a_response_is_due() {
        let (mut lifecycle, start) = (Lifecycle::default(), Instant::now());
        let (at, silence) = (|s| start + Duration::from_secs(s), Duration::from_secs(10));
        lifecycle.on_activity(at(0));
        assert_eq!(lifecycle.deadline(silence), None, "no response is due");
        for (second, waiting, due) in [
            (100, Waiting::Response, Due::Nothing),
            (109, Waiting::Response, Due::Nothing),
            (110, Waiting::Response, Due::Silence),
            (111, Waiting::Reader, Due::Nothing),
            (120, Waiting::Response, Due::Nothing),
            (121, Waiting::Response, Due::Silence),
            (122, Waiting::Nothing, Due::Nothing),
        ] {
            assert_eq!(lifecycle.check_time(at(second), waiting, silence), due, "after {second} s");
        }
        assert_eq!(lifecycle.deadline(silence), None);
        lifecycle.check_time(at(130), Waiting::Response, silence);
        lifecycle.on_activity(at(135));
        assert_eq!(lifecycle.deadline(silence), Some(at(145)));
    }
}

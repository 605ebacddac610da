//! How long the server has been silent while a response of it is due.
//!
//! In: what is waited for, bytes received and written. Out: whether that has lasted too long, and when
//! it will have.

use std::time::{Duration, Instant};

/// What the connection waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Waiting {
    /// Nothing, or nothing that the server has to send.
    Nothing,
    /// A response, but the socket is not read now: the silence begins when it is read again.
    Reader,
    Response,
}

#[derive(Debug, Default)]
pub(in crate::engine) struct Timeouts {
    /// When a byte was last received or written while a response was due, or when it became due.
    last_activity: Option<Instant>,
}

impl Timeouts {
    /// Uploads count too: the server takes their bytes.
    pub(super) fn on_activity(&mut self, now: Instant) {
        self.last_activity = self.last_activity.map(|_| now);
    }

    /// Whether the server has been silent for `silence`.
    pub(super) fn check(&mut self, now: Instant, waiting: Waiting, silence: Duration) -> bool {
        self.last_activity = match waiting {
            Waiting::Nothing => None,
            Waiting::Reader => Some(now),
            Waiting::Response => self.last_activity.or(Some(now)),
        };
        self.last_activity.is_some_and(|since| now.duration_since(since) >= silence)
    }

    pub(super) fn deadline(&self, silence: Duration) -> Option<Instant> {
        self.last_activity?.checked_add(silence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_counts_from_the_last_activity_while_a_response_is_due() {
        let (mut timeouts, start) = (Timeouts::default(), Instant::now());
        let (at, silence) = (|s| start + Duration::from_secs(s), Duration::from_secs(10));
        timeouts.on_activity(at(0));
        assert_eq!(timeouts.deadline(silence), None, "no response is due");
        assert!(!timeouts.check(at(100), Waiting::Response, silence), "it begins now");
        assert_eq!(timeouts.deadline(silence), Some(at(110)));
        timeouts.on_activity(at(105));
        assert!(!timeouts.check(at(114), Waiting::Response, silence));
        assert!(timeouts.check(at(115), Waiting::Response, silence));
        assert!(!timeouts.check(at(116), Waiting::Reader, silence));
        assert!(!timeouts.check(at(125), Waiting::Response, silence));
        assert!(timeouts.check(at(126), Waiting::Response, silence));
        assert!(!timeouts.check(at(127), Waiting::Nothing, silence));
        assert_eq!(timeouts.deadline(silence), None);
    }
}

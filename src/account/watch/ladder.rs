//! How changes of mailboxes that are not selected are found, and how far NOTIFY is trusted.
//!
//! ```text
//!   off ── OK to NOTIFY ──> asked ── a report ──> trusted: swept rarely
//!                            ^  └──────┬─────────────┘
//!                            │         │ a sweep finds what was not reported
//!                            └─ 10 ──< doubted: swept as often as without it
//! ```
//!
//! Some servers advertise NOTIFY and never notify, others lose the last changes of a burst. So a
//! sweep is never given up, and its pace follows from what NOTIFY has been seen to do.
//!
//! In: what becomes of NOTIFY, its reports, what sweeps find. Out: the pause between two sweeps. No
//! clock, no I/O.

use std::time::Duration;

/// How many sweeps pass before NOTIFY is given another chance.
const DOUBTED_FOR: u32 = 10;
/// How much rarer sweeps are while NOTIFY is trusted.
const RARER: u32 = 5;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Notify {
    #[default]
    Off,
    Asked,
    Trusted,
    /// For so many sweeps more.
    Doubted(u32),
}

#[derive(Debug, Default)]
pub(super) struct Ladder {
    notify: Notify,
}

impl Ladder {
    /// The server reports from now on, or no more.
    pub(super) fn on_notify(&mut self, in_force: bool) {
        self.notify = if in_force { Notify::Asked } else { Notify::Off };
    }

    /// The server has reported that a mailbox has changed.
    pub(super) fn on_report(&mut self) {
        if self.notify == Notify::Asked {
            self.notify = Notify::Trusted;
        }
    }

    /// A sweep has ended; `missed`: it has found a change that was not reported.
    pub(super) fn on_swept(&mut self, missed: bool) {
        self.notify = match (self.notify, missed) {
            (Notify::Off, _) => Notify::Off,
            (_, true) => Notify::Doubted(DOUBTED_FOR),
            (Notify::Doubted(0 | 1), false) => Notify::Asked,
            (Notify::Doubted(left), false) => Notify::Doubted(left - 1),
            (other, false) => other,
        };
    }

    /// The pause between two sweeps, of what the user wants at most without NOTIFY.
    pub(super) fn interval(&self, wanted: Duration) -> Duration {
        if self.notify == Notify::Trusted { wanted.saturating_mul(RARER) } else { wanted }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notify_is_trusted_once_it_reports_and_until_it_does_not() {
        let minute = Duration::from_secs(60);
        let mut ladder = Ladder::default();
        ladder.on_report();
        assert_eq!(ladder.interval(minute), minute, "nothing was asked for");
        ladder.on_notify(true);
        ladder.on_swept(false);
        assert_eq!(ladder.interval(minute), minute, "it may be one that never notifies");
        ladder.on_report();
        ladder.on_swept(false);
        assert_eq!(ladder.interval(minute), minute * 5);
        ladder.on_swept(true);
        for _ in 0..10 {
            ladder.on_report();
            assert_eq!(ladder.interval(minute), minute, "it has lost a change");
            ladder.on_swept(false);
        }
        ladder.on_report();
        assert_eq!(ladder.interval(minute), minute * 5);
        ladder.on_notify(false);
        assert_eq!(ladder.interval(minute), minute, "its connection has ended");
    }
}

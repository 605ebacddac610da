//! When an account dials: at once, after a pause, or no more until something has changed.
//!
//! ```text
//!                     lived stable_after ──> failures = 0
//!   dial ── failed, lived less ──> a pause ──> dial         random, up to min_backoff × 2^n
//!     │                                                     not before the server's own hint
//!     │                                                     at most max_redials in redial_window
//!     ├── credentials refused ──> refusal_pause ──> dial    max_refusals times
//!     │                              └── once more ──> parked ── new credentials ──> dial
//!     └── wrong set-up ──> max_backoff ──> dial             a certificate may be renewed
//! ```
//!
//! In: dials, failures and ends of connections, with their times; a random number for each pause.
//! Out: whether to dial now, when, or not at all. No clock, no I/O.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::Policy;
use crate::error::{Error, Remedy};

/// Why a connection could not be made, or ended too early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// It may be otherwise later; not before this has passed, if the server says so.
    Later(Option<Duration>),
    /// The server has refused the credentials.
    Credentials,
    /// Another host, port, encryption or mechanism is needed.
    Setup,
}

impl Failure {
    pub(super) fn of(error: &Error) -> Self {
        match error.remedy() {
            Some(Remedy::Credentials) => Self::Credentials,
            Some(Remedy::Setup) => Self::Setup,
            Some(Remedy::Later { after }) => Self::Later(after),
            None => Self::Later(None),
        }
    }
}

/// What to do about a connection that is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Dial,
    Wait(Instant),
    Parked,
}

/// The failures of one account, and what follows from them.
#[derive(Debug)]
pub(super) struct Redial {
    policy: Policy,
    /// Failures in a row, without a stable connection between them.
    failures: u32,
    /// The last dial has failed, or the last connection ended too early: what follows repeats it.
    broken: bool,
    /// The server has taken the credentials since the last failure, and they are the same.
    proven: bool,
    /// Refusals of credentials in a row.
    refusals: u32,
    /// All that there were.
    all_refusals: u64,
    /// No dial before this.
    not_before: Option<Instant>,
    /// The server's own hint: nothing but time ends it.
    hinted: Option<Instant>,
    /// The last dials that followed a failure.
    redials: VecDeque<Instant>,
    failed_at: Option<Instant>,
}

impl Redial {
    pub(super) fn new(policy: Policy) -> Self {
        Self {
            policy,
            failures: 0,
            broken: false,
            proven: false,
            refusals: 0,
            all_refusals: 0,
            not_before: None,
            hinted: None,
            redials: VecDeque::new(),
            failed_at: None,
        }
    }

    pub(super) fn is_parked(&self) -> bool {
        self.refusals > self.policy.max_refusals
    }

    /// How often credentials have been refused: which of several dials that were under way at the
    /// same time has found it out is one.
    pub(super) fn refusals(&self) -> u64 {
        self.all_refusals
    }

    /// Whether a connection that is wanted is to be dialled.
    pub(super) fn verdict(&self, now: Instant) -> Verdict {
        if self.is_parked() {
            return Verdict::Parked;
        }
        match [self.not_before, self.hinted, self.window_end()].into_iter().flatten().max() {
            Some(at) if at > now => Verdict::Wait(at),
            _ => Verdict::Dial,
        }
    }

    /// When the account may dial again after a failure, if it has done so too often.
    fn window_end(&self) -> Option<Instant> {
        let first = self.redials.len().checked_sub(self.policy.max_redials)?;
        // Without any repetition the window begins with the failure.
        let at = self.redials.get(first).copied().or(self.failed_at)?;
        self.broken.then(|| at + self.policy.redial_window)
    }

    /// Whether a provider of credentials may be asked for fresh ones if the server refuses those
    /// that it has: once for all refusals in a row.
    pub(super) fn may_refresh(&self) -> bool {
        self.refusals == 0
    }

    /// A dial begins. Growth of the pool is no repetition: only what follows a failure counts.
    pub(super) fn on_dial(&mut self, now: Instant) {
        if !self.broken {
            return;
        }
        self.redials.push_back(now);
        while self.redials.len() > self.policy.max_redials {
            self.redials.pop_front();
        }
    }

    /// The server has taken the credentials: the pool may grow.
    pub(super) fn on_login(&mut self) {
        (self.broken, self.proven, self.refusals, self.not_before) = (false, true, 0, None);
    }

    /// Whether several dials at once may be expected to succeed. Until then one at a time is
    /// enough: each of several would be refused, and some servers lock users out after a few
    /// refusals.
    pub(super) fn is_proven(&self) -> bool {
        self.proven
    }

    /// Whether the next dial repeats one that has failed.
    pub(super) fn is_broken(&self) -> bool {
        self.broken
    }

    /// A dial has failed, or a connection ended; `random` from 0 to 1.
    pub(super) fn on_failure(&mut self, now: Instant, failure: Failure, random: f64) {
        let policy = &self.policy;
        let pause = match failure {
            Failure::Later(hint) => {
                self.hinted = self.hinted.max(hint.map(|hint| now + hint));
                // The first repetition comes at once: most connections break for no reason that
                // lasts.
                let bound = match self.failures {
                    0 => Duration::ZERO,
                    n => policy.min_backoff.saturating_mul(1 << (n - 1).min(20)).min(policy.max_backoff),
                };
                bound.mul_f64(random.clamp(0.0, 1.0))
            }
            Failure::Credentials => {
                self.refusals += 1;
                self.all_refusals += 1;
                policy.refusal_pause
            }
            Failure::Setup => policy.max_backoff,
        };
        self.failures = self.failures.saturating_add(1);
        (self.broken, self.proven, self.failed_at) = (true, false, Some(now));
        self.not_before = self.not_before.max(Some(now + pause));
    }

    /// A connection has ended that had lived so long; `failure` if the end was not asked for.
    pub(super) fn on_end(&mut self, now: Instant, lived: Duration, failure: Option<Failure>, random: f64) {
        if lived >= self.policy.stable_after {
            (self.failures, self.broken, self.not_before) = (0, false, None);
            self.redials.clear();
            if let Some(Failure::Later(hint)) = failure {
                self.hinted = self.hinted.max(hint.map(|hint| now + hint));
            }
            return;
        }
        if let Some(failure) = failure {
            self.on_failure(now, failure, random);
        }
    }

    /// The network is another one, or the machine was asleep: pauses of before mean nothing. What
    /// the server asked for does, and so do the limits on repetition.
    pub(super) fn wake(&mut self) {
        self.not_before = None;
    }

    /// There are other credentials: what follows repeats nothing that has failed. What the server
    /// asked for stays.
    pub(super) fn credentials_changed(&mut self) {
        (self.broken, self.proven, self.refusals, self.not_before) = (false, false, 0, None);
        self.redials.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn later() -> Failure {
        Failure::Later(None)
    }

    /// How long to wait, in seconds; 0: dial.
    fn wait(redial: &Redial, now: Instant) -> u64 {
        match redial.verdict(now) {
            Verdict::Dial => 0,
            Verdict::Wait(at) => (at - now).as_secs(),
            Verdict::Parked => u64::MAX,
        }
    }

    fn lenient() -> Policy {
        Policy { max_redials: 1000, ..Policy::default() }
    }

    #[test]
    fn the_first_repetition_is_sent_at_once_and_then_pauses_double() {
        let (mut redial, now) = (Redial::new(lenient()), Instant::now());
        assert_eq!(redial.verdict(now), Verdict::Dial);
        for bound in [0, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300] {
            redial.wake();
            redial.on_failure(now, later(), 1.0);
            assert_eq!(wait(&redial, now), bound);
        }
        redial.wake();
        redial.on_failure(now, later(), 0.5);
        assert_eq!(wait(&redial, now), 150, "the pause is random below the bound");
    }

    #[test]
    fn only_a_stable_connection_makes_up_for_failures() {
        let (mut redial, now) = (Redial::new(lenient()), Instant::now());
        for _ in 0..4 {
            redial.on_end(now, SECOND * 59, Some(later()), 1.0);
        }
        assert_eq!(wait(&redial, now), 8);
        redial.on_end(now, SECOND * 60, Some(later()), 1.0);
        assert_eq!(redial.verdict(now), Verdict::Dial);
        // A planned end is no failure, however short the connection was.
        redial.on_end(now, SECOND, None, 1.0);
        assert_eq!(redial.verdict(now), Verdict::Dial);
    }

    #[test]
    fn two_repetitions_in_two_minutes_and_growth_does_not_count() {
        let (mut redial, start) = (Redial::new(Policy::default()), Instant::now());
        for _ in 0..10 {
            redial.on_dial(start);
        }
        assert_eq!(redial.verdict(start), Verdict::Dial, "growth of the pool");
        let mut dials = Vec::new();
        let mut now = start;
        while now < start + SECOND * 600 {
            if redial.verdict(now) == Verdict::Dial {
                redial.on_dial(now);
                dials.push((now - start).as_secs());
                redial.on_failure(now, later(), 0.0);
            }
            now += SECOND;
        }
        // The first of them follows no failure yet.
        assert_eq!(dials, [0, 1, 2, 121, 122, 241, 242, 361, 362, 481, 482]);
    }

    #[test]
    fn without_repetitions_a_failure_is_followed_by_a_window() {
        let policy = Policy { max_redials: 0, ..Policy::default() };
        let (mut redial, start) = (Redial::new(policy), Instant::now());
        let mut dials = Vec::new();
        for second in 0..300 {
            let now = start + SECOND * second;
            if redial.verdict(now) == Verdict::Dial {
                redial.on_dial(now);
                dials.push(second);
                redial.on_failure(now + SECOND * 5, later(), 0.0);
            }
            redial.wake();
        }
        assert_eq!(dials, [0, 125, 250]);
    }

    #[test]
    fn refused_credentials_are_tried_thrice_more_and_then_parked_until_they_change() {
        let (mut redial, now) = (Redial::new(lenient()), Instant::now());
        for _ in 0..3 {
            redial.on_failure(now, Failure::Credentials, 1.0);
            assert_eq!(wait(&redial, now), 60);
        }
        redial.on_failure(now, Failure::Credentials, 1.0);
        assert_eq!(redial.verdict(now + SECOND * 100_000), Verdict::Parked);
        redial.wake();
        assert!(!redial.may_refresh(), "they have been fetched once for this episode");
        assert_eq!(redial.verdict(now), Verdict::Parked, "another network is no other password");
        redial.credentials_changed();
        assert!(redial.may_refresh());
        assert_eq!(redial.verdict(now), Verdict::Dial);
        for _ in 0..2 {
            redial.on_failure(now, Failure::Credentials, 1.0);
            redial.on_login();
        }
        redial.wake();
        assert_eq!(redial.verdict(now), Verdict::Dial, "a login between them makes up for refusals");
    }

    #[test]
    fn a_server_that_is_away_or_full_never_parks() {
        let (mut redial, now) = (Redial::new(lenient()), Instant::now());
        for _ in 0..100 {
            redial.on_failure(now, later(), 1.0);
            redial.on_failure(now, Failure::Setup, 1.0);
        }
        assert_eq!(wait(&redial, now), 300);
    }

    #[test]
    fn the_hint_of_a_server_is_obeyed_whatever_else_happens() {
        let (mut redial, now) = (Redial::new(lenient()), Instant::now());
        redial.on_failure(now, Failure::Later(Some(SECOND * 900)), 0.0);
        redial.wake();
        assert_eq!(wait(&redial, now), 900);
        redial.on_end(now, SECOND * 3600, Some(Failure::Later(Some(SECOND * 1000))), 0.0);
        redial.credentials_changed();
        assert_eq!(wait(&redial, now), 1000);
        assert_eq!(redial.verdict(now + SECOND * 1000), Verdict::Dial);
    }
}

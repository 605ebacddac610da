//! The gate of a host: all accounts of the process pass it before they dial, so that ten thousand
//! of them don't arrive at once, and a host that is away is not hammered.
//!
//! In: accounts that are about to dial, and how the dials went. Out: one after the other, at most
//! so many at the same time.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until};

use super::Policy;

/// The gates by host and port. A gate goes with the last account that uses it.
static GATES: LazyLock<Mutex<HashMap<String, Weak<Gate>>>> = LazyLock::new(Mutex::default);

/// The largest pause between two dials to one host.
const MAX_SPACING: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Gate {
    places: Arc<Semaphore>,
    pace: Mutex<Pace>,
}

/// When the next dial may begin.
#[derive(Debug)]
struct Pace {
    next: Option<Instant>,
    spacing: Duration,
    min_spacing: Duration,
    /// No dial is put off for longer: as many as there are places have a time.
    max_delay: Duration,
}

impl Pace {
    fn new(policy: &Policy) -> Self {
        let (spacing, min_spacing) = (policy.host_spacing, policy.host_spacing);
        let places = u32::try_from(policy.host_dials.max(1)).unwrap_or(u32::MAX);
        let max_delay = MAX_SPACING.max(spacing).saturating_mul(places);
        Self { next: None, spacing, min_spacing, max_delay }
    }

    /// The time of one more dial.
    fn take(&mut self, now: Instant) -> Instant {
        // A later time is of another clock: tests that run beside each other in virtual time have
        // one each, and may use one host name.
        let at = self.next.map_or(now, |next| next.clamp(now, now + self.max_delay));
        self.next = Some(at + self.spacing);
        at
    }

    fn on_dialled(&mut self, ok: bool) {
        self.spacing = match ok {
            true => self.min_spacing,
            false => (self.spacing * 2).min(MAX_SPACING.max(self.min_spacing)),
        };
    }
}

/// A dial that is under way.
pub(super) struct Passage {
    gate: Arc<Gate>,
    _place: Option<OwnedSemaphorePermit>,
}

impl Passage {
    /// The dial has ended; `ok`: the host is there, whatever it said.
    pub(super) fn end(self, ok: bool) {
        self.gate.pace.lock().unwrap_or_else(PoisonError::into_inner).on_dialled(ok);
    }
}

impl Gate {
    /// The gate of this host; the policy of the first account that uses it decides.
    pub(super) fn of(host: &str, policy: &Policy) -> Arc<Self> {
        let mut gates = GATES.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(gate) = gates.get(host).and_then(Weak::upgrade) {
            return gate;
        }
        gates.retain(|_, gate| gate.strong_count() > 0);
        let gate = Arc::new(Self {
            places: Arc::new(Semaphore::new(policy.host_dials.max(1))),
            pace: Mutex::new(Pace::new(policy)),
        });
        gates.insert(host.to_owned(), Arc::downgrade(&gate));
        gate
    }

    /// Waits for this account's turn.
    pub(super) async fn pass(self: &Arc<Self>) -> Passage {
        // The semaphore is never closed: without a place there would be no limit, and no hang.
        let place = self.places.clone().acquire_owned().await.ok();
        let at = self.pace.lock().unwrap_or_else(PoisonError::into_inner).take(Instant::now());
        sleep_until(at).await;
        Passage { gate: self.clone(), _place: place }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_thousand_accounts_arrive_one_after_the_other() {
        let policy = Policy { host_dials: 4, ..Policy::default() };
        let gate = Gate::of("a-thousand.example:993", &policy);
        let start = Instant::now();
        let dials: Vec<_> = (0..1000)
            .map(|_| {
                let gate = gate.clone();
                tokio::spawn(async move {
                    let passage = gate.pass().await;
                    let at = start.elapsed();
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    passage.end(true);
                    at
                })
            })
            .collect();
        let mut times = Vec::new();
        for dial in dials {
            times.push(dial.await.unwrap());
        }
        times.sort_unstable();
        assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= Duration::from_millis(20)));
        assert!(
            times[999] >= Duration::from_secs(19) && times[999] < Duration::from_secs(25),
            "{:?}",
            times[999]
        );
    }

    #[test]
    fn a_host_that_is_away_is_dialled_once_a_second() {
        let mut pace = Pace::new(&Policy::default());
        for _ in 0..20 {
            pace.on_dialled(false);
        }
        let now = Instant::now();
        assert_eq!((pace.take(now), pace.take(now)), (now, now + MAX_SPACING));
        pace.on_dialled(true);
        assert_eq!(pace.spacing, Duration::from_millis(20));
    }

    #[test]
    fn a_time_of_another_clock_puts_nothing_off() {
        let mut pace = Pace::new(&Policy::default());
        let now = Instant::now();
        pace.take(now + Duration::from_secs(3600));
        assert_eq!(pace.take(now), now + MAX_SPACING * 8);
        assert_eq!(pace.take(now), now + MAX_SPACING * 8, "nor anything behind it");
    }

    #[test]
    fn accounts_of_one_host_share_its_gate() {
        let policy = Policy::default();
        let gate = Gate::of("shared.example:993", &policy);
        assert!(Arc::ptr_eq(&gate, &Gate::of("shared.example:993", &policy)));
        assert!(!Arc::ptr_eq(&gate, &Gate::of("shared.example:143", &policy)));
    }
}

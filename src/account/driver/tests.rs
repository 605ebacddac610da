//! What the account's task does when time is not what it seems.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::DuplexStream;
use tokio::time::sleep;

use crate::account::{Account, Policy};
use crate::net::{Config, WallClock};

/// An account whose pauses are endless, at a server that is away; how often it has dialled, and the
/// wall clock in seconds.
fn paused() -> (Account, Arc<AtomicUsize>, Arc<AtomicU64>) {
    let (dials, seconds) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicU64::new(0)));
    let endless = Duration::from_secs(100 * 365 * 86_400);
    let policy =
        Policy { min_backoff: endless, max_backoff: endless, max_redials: 1000, ..Policy::default() };
    let mut config =
        Config::new("asleep.example.org").plaintext().allow_plaintext_login(true).login("a", "b");
    let wall = seconds.clone();
    config.wall = WallClock::by(move || Duration::from_secs(wall.load(Ordering::Relaxed)));
    let count = dials.clone();
    let account = Account::builder(config).policy(policy).connector(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
        async { Err::<DuplexStream, _>(io::ErrorKind::ConnectionRefused.into()) }
    });
    (account.open(), dials, seconds)
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_has_been_asleep_dials_at_once() {
    let (account, dials, wall) = paused();
    let waiting = account.clone();
    tokio::spawn(async move { waiting.session().await.map(drop) });
    let mut expected = 2;
    for slept in [0, 1, 8, 3600] {
        // Timers stand still while it sleeps, and the wall clock goes on.
        wall.fetch_add(slept, Ordering::Relaxed);
        for _ in 0..60 {
            sleep(Duration::from_secs(5)).await;
            wall.fetch_add(5, Ordering::Relaxed);
        }
        expected += usize::from(slept > 10);
        assert_eq!(dials.load(Ordering::Relaxed), expected, "{slept} s asleep");
    }
    account.network_changed();
    sleep(Duration::from_secs(1)).await;
    assert_eq!(dials.load(Ordering::Relaxed), expected + 1);
}

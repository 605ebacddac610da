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

#[cfg(feature = "testing")]
mod wrong_clocks {
    //! A wall clock that is set by hand while all goes on.

    use tokio::time::timeout;

    use super::*;
    use crate::account::{Changes, MemoryStore, Watch};
    use crate::testing::Server;

    const HOUR: u64 = 3600;
    const DAY: u64 = 24 * HOUR;

    /// A wall clock that goes on by itself, and how far it has been set, from a day in 1970 on.
    fn wall() -> (WallClock, Arc<AtomicU64>) {
        let (start, set) = (tokio::time::Instant::now(), Arc::new(AtomicU64::new(1000 * DAY)));
        let read = set.clone();
        (WallClock::by(move || start.elapsed() + Duration::from_secs(read.load(Ordering::Relaxed))), set)
    }

    /// What becomes of the clock, and whether that wakes.
    type Setting = (&'static str, fn(&AtomicU64), bool);

    const SETTINGS: [Setting; 3] = [
        ("back by an hour", |set| _ = set.fetch_sub(HOUR, Ordering::Relaxed), false),
        ("ahead by a day", |set| _ = set.fetch_add(DAY, Ordering::Relaxed), true),
        ("back by two days", |set| _ = set.fetch_sub(2 * DAY, Ordering::Relaxed), false),
    ];

    /// Each test has a host of its own, and by that a gate.
    fn config(server: &Server, host: &str, wall: WallClock) -> Config {
        let mut config = Config::new(host).plaintext().allow_plaintext_login(true);
        config = config.login(server.user(), server.password());
        config.wall = wall;
        config
    }

    /// A pause ends when it was to end, or at once where the clock is set ahead; and then no more
    /// is dialled than else.
    #[tokio::test(start_paused = true)]
    async fn a_pause_is_as_long_as_it_was() {
        let (server, (wall, set), dials) = (Server::new(), wall(), Arc::new(AtomicUsize::new(0)));
        let pause = Duration::from_secs(40 * 60);
        // The hint of the server is what all keep to; the pause of the account's own can be ended.
        let policy = Policy { refusal_pause: pause, max_refusals: 1000, ..Policy::default() };
        let count = dials.clone();
        let config = config(&server, "pause.example.org", wall).login(server.user(), "wrong");
        let dial = move |_| {
            count.fetch_add(1, Ordering::Relaxed);
            std::future::ready(Ok(server.connect()))
        };
        let account = Account::builder(config).policy(policy).connector(dial).open();
        let waiting = account.clone();
        tokio::spawn(async move { waiting.session().await.map(drop) });
        sleep(pause / 2).await;
        let mut expected = dials.load(Ordering::Relaxed);
        assert_eq!(expected, 1);
        for (what, change, wakes) in SETTINGS {
            // In the middle of a pause.
            change(&set);
            sleep(Duration::from_secs(60)).await;
            expected += usize::from(wakes);
            assert_eq!(dials.load(Ordering::Relaxed), expected, "{what}");
            // The end of this pause, or of the one after it, and no other.
            sleep(pause - Duration::from_secs(60)).await;
            expected += usize::from(!wakes);
            assert_eq!(dials.load(Ordering::Relaxed), expected, "{what}");
            sleep(if wakes { pause / 2 + Duration::from_secs(60) } else { Duration::ZERO }).await;
            expected += usize::from(wakes);
            assert_eq!(dials.load(Ordering::Relaxed), expected, "{what}");
        }
    }

    /// How often the server has received this command.
    fn received(server: &Server, name: &str) -> usize {
        server.received().iter().filter(|logged| logged.name == name).count()
    }

    /// A connection is asked once where the clock is set ahead, and left alone else.
    #[tokio::test(start_paused = true)]
    async fn a_connection_is_asked_and_stays() {
        let (server, (wall, set), dials) = (Server::new(), wall(), Arc::new(AtomicUsize::new(0)));
        let (count, dialled) = (dials.clone(), server.clone());
        let dial = move |_| {
            count.fetch_add(1, Ordering::Relaxed);
            std::future::ready(Ok(dialled.connect()))
        };
        let account =
            Account::builder(config(&server, "connection.example.org", wall)).connector(dial).open();
        let inbox = account.mailbox("INBOX").await.expect("it is there");
        sleep(Duration::from_secs(120)).await;
        for (what, change, wakes) in SETTINGS {
            let before = (received(&server, "NOOP"), received(&server, "IDLE"));
            change(&set);
            sleep(Duration::from_secs(120)).await;
            let asked = received(&server, "NOOP") - before.0;
            assert_eq!(asked, usize::from(wakes), "{what}");
            assert!(received(&server, "IDLE") - before.1 <= 1, "{what}");
            server.deliver("INBOX", "Subject: new\r\n\r\n");
            sleep(Duration::from_secs(1)).await;
            let there = server.mailbox("INBOX").map_or(0, |inbox| inbox.uids().len());
            assert_eq!(u64::from(inbox.exists()), there);
        }
        assert_eq!(dials.load(Ordering::Relaxed), 1, "it stays");
    }

    /// Seconds until the next message is delivered.
    async fn until_next(changes: &mut Changes) -> u64 {
        let start = tokio::time::Instant::now();
        loop {
            let change = timeout(Duration::from_secs(DAY), changes.next()).await.expect("within a day");
            let change = change.expect("it goes on").expect("no error");
            changes.ack(&change).await.expect("a store in memory");
            if change.uid().is_some() {
                return start.elapsed().as_secs();
            }
        }
    }

    /// A watch goes on, whatever the wall clock says: it sweeps as often as else, and finds as soon
    /// what comes.
    #[tokio::test(start_paused = true)]
    async fn a_watch_is_neither_hasty_nor_late() {
        let (server, (wall, set)) = (Server::builder().without(["NOTIFY"]).start(), wall());
        server.create("Work");
        server.deliver("INBOX", "Subject: old\r\n\r\n");
        let dialled = server.clone();
        let account = Account::builder(config(&server, "watch.example.org", wall))
            .connector(move |_| std::future::ready(Ok(dialled.connect())))
            .open();
        let mut changes = account.watch(Watch::all(), MemoryStore::new()).await.expect("a store in memory");
        sleep(Duration::from_secs(600)).await;
        for (what, change, wakes) in SETTINGS {
            let before = server.received().len();
            sleep(Duration::from_secs(HOUR)).await;
            let usual = server.received().len() - before;
            change(&set);
            server.deliver("INBOX", "Subject: followed\r\n\r\n");
            assert!(until_next(&mut changes).await <= 1, "{what}");
            server.deliver("Work", "Subject: swept\r\n\r\n");
            let seconds = until_next(&mut changes).await;
            // A machine that was asleep looks at all at once: sooner than a sweep is due.
            assert!(seconds <= if wakes { 20 } else { 62 }, "{what}: {seconds}");
            sleep(Duration::from_secs(400)).await;
            let before = server.received().len();
            sleep(Duration::from_secs(HOUR)).await;
            let commands = server.received().len() - before;
            assert!(commands.abs_diff(usual) <= 4, "{what}: {commands} commands in an hour, {usual} before");
        }
    }
}

//! Whether the machine has been asleep, by its clocks: a connection may be dead then, and nothing
//! says so.
//!
//! ```text
//!   wall clock  ──────────┬─ asleep ─┬──────>   ahead by more than a step: suspended
//!   timers      ──────────┘          └──────>   (where they stand still meanwhile: Linux, macOS)
//!   tick                             ^ late     (where they don't: Windows)
//! ```
//!
//! In: the time of the driver's timers, and the wall clock beside it. Out: whether one has got away
//! from the other, and when to look again. A wall clock that is set forward looks the same, and
//! costs a NOOP.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// How far the clocks may part without a sleep: the wall clock is corrected now and then, and a
/// busy machine is late.
const STEP: Duration = Duration::from_secs(10);
/// How often the clocks are looked at, at most.
const PAUSE: Duration = Duration::from_secs(1);

/// The time of day, as since 1970; it goes on while the machine is asleep.
#[derive(Clone)]
pub(crate) struct WallClock(Arc<dyn Fn() -> Duration + Send + Sync>);

impl Default for WallClock {
    fn default() -> Self {
        Self(Arc::new(|| SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()))
    }
}

#[cfg(all(test, feature = "account"))]
impl WallClock {
    pub(crate) fn by(clock: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self(Arc::new(clock))
    }
}

impl fmt::Debug for WallClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WallClock")
    }
}

/// Looks at the clocks.
#[derive(Debug)]
pub(crate) struct Suspend {
    wall: WallClock,
    every: Duration,
    /// When they were looked at last, by both.
    last: Option<(Instant, Duration)>,
}

impl Suspend {
    /// It is to look as often as `every`; zero: never.
    pub(crate) fn new(wall: WallClock, every: Duration) -> Self {
        Self { wall, every, last: None }
    }

    /// Whether the machine has been asleep since the last look.
    pub(crate) fn has_slept(&mut self, now: Instant) -> bool {
        if self.every.is_zero() || self.last.is_some_and(|(at, _)| now.duration_since(at) < PAUSE) {
            return false;
        }
        let wall = (self.wall.0)();
        let Some((at, wall_then)) = self.last.replace((now, wall)) else { return false };
        let passed = now.duration_since(at);
        let is_ahead = wall.saturating_sub(wall_then) > passed.saturating_add(STEP);
        is_ahead || passed > self.every.saturating_add(STEP)
    }

    /// When to look again.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.last?.0.checked_add(self.every)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

    use super::*;
    use crate::{Config, ErrorKind};

    /// A wall clock that is set by hand, in seconds.
    fn by_hand() -> (Arc<AtomicU64>, WallClock) {
        let seconds = Arc::new(AtomicU64::new(1_000_000));
        let read = seconds.clone();
        (seconds, WallClock(Arc::new(move || Duration::from_secs(read.load(Ordering::Relaxed)))))
    }

    #[test]
    fn a_wall_clock_that_gets_ahead_or_a_look_that_comes_late_is_a_sleep() {
        let (seconds, wall) = by_hand();
        let mut suspend = Suspend::new(wall.clone(), Duration::from_secs(15));
        let start = Instant::now();
        // By the timers, by the wall, and what that means.
        for (at, wall, slept) in [
            (0, 0, false),
            (15, 15, false),
            (16, 3600, true),
            (31, 3615, false),
            (46, 3640, false),
            (61, 3666, true),
            (76, 10, false),
            (91, 25, false),
            (116, 50, false),
            (142, 76, true),
        ] {
            seconds.store(1_000_000 + wall, Ordering::Relaxed);
            assert_eq!(suspend.has_slept(start + Duration::from_secs(at)), slept, "{at} s, {wall} s");
        }
        assert_eq!(suspend.deadline(), Some(start + Duration::from_secs(157)));
        let mut off = Suspend::new(wall, Duration::ZERO);
        for at in [0, 10_000] {
            assert!(!off.has_slept(start + Duration::from_secs(at)));
        }
        assert_eq!(off.deadline(), None);
    }

    /// A client that idles, its server, and its wall clock.
    async fn idling() -> (crate::Sender, crate::Receiver, BufReader<tokio::io::DuplexStream>, Arc<AtomicU64>)
    {
        let (seconds, wall) = by_hand();
        let mut config = Config::new("server.test").plaintext().id(None);
        config.wall = wall;
        let (stream, server) = tokio::io::duplex(4096);
        let mut server = BufReader::new(server);
        server.write_all(b"* PREAUTH [CAPABILITY IMAP4rev1 IDLE] hello\r\n").await.unwrap();
        let (imap, events) = config.connect_over(stream).await.unwrap();
        assert_eq!(line(&mut server).await, "A1 IDLE");
        server.write_all(b"+ idling\r\n").await.unwrap();
        tokio::time::sleep(Duration::from_secs(40)).await;
        (imap, events, server, seconds)
    }

    async fn line(server: &mut BufReader<tokio::io::DuplexStream>) -> String {
        let mut line = String::new();
        server.read_line(&mut line).await.unwrap();
        line.trim_end().to_owned()
    }

    #[tokio::test(start_paused = true)]
    async fn behind_a_sleep_the_server_is_asked_and_a_dead_connection_ends_within_25_seconds() {
        let (_imap, mut events, mut server, seconds) = idling().await;
        let woken = Instant::now();
        seconds.fetch_add(8 * 3600, Ordering::Relaxed);
        assert_eq!(line(&mut server).await, "DONE");
        assert!(woken.elapsed() <= Duration::from_secs(15), "{:?}", woken.elapsed());
        // There is no answer.
        let mut last = None;
        while let Some(event) = events.next().await {
            last = Some(event.to_string());
        }
        assert!(woken.elapsed() <= Duration::from_secs(25), "{:?}", woken.elapsed());
        assert!(last.as_ref().is_some_and(|last| last.contains("asleep")), "{last:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_command_of_a_user_behind_a_sleep_finds_out_too() {
        let (imap, _events, mut server, seconds) = idling().await;
        tokio::time::sleep(Duration::from_secs(3)).await;
        seconds.fetch_add(8 * 3600, Ordering::Relaxed);
        let (asked, noop) = (Instant::now(), imap.noop());
        let (end, done) = tokio::join!(noop, line(&mut server));
        assert_eq!((done.as_str(), end.expect_err("no answer").kind()), ("DONE", ErrorKind::Closed));
        assert!(asked.elapsed() <= Duration::from_secs(10), "{:?}", asked.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_answers_loses_nothing() {
        let (imap, mut events, mut server, seconds) = idling().await;
        seconds.fetch_add(8 * 3600, Ordering::Relaxed);
        assert_eq!(line(&mut server).await, "DONE");
        server.write_all(b"A1 OK done\r\n").await.unwrap();
        assert_eq!(line(&mut server).await, "A2 NOOP");
        server.write_all(b"A2 OK done\r\n").await.unwrap();
        assert_eq!(line(&mut server).await, "A3 IDLE");
        server.write_all(b"+ idling\r\n").await.unwrap();
        tokio::time::sleep(Duration::from_secs(300)).await;
        assert_eq!(imap.in_flight(), 0);
        while let Ok(event) = tokio::time::timeout(Duration::ZERO, events.next()).await {
            assert!(event.is_some(), "the connection goes on");
        }
    }
}

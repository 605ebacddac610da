//! What the integration tests share: a private Dovecot ([`dovecot`]), a proxy that cuts connections
//! ([`cutter`]), a second IMAP session that knows nothing of this library ([`other`]), examples as
//! programs ([`program`]), streams that tests look into ([`wire`]), recorded sessions
//! ([`recording`]), and a bound on the time a test may take ([`within`]).
//!
//! In: `mod support;` at the top of a test file. Nothing here uses the library's own code, so that
//! a misunderstanding of IMAP in the library is not repeated by what tests it.
#![allow(dead_code, unused_imports, unreachable_pub, reason = "each test file uses another part of it")]

pub mod certificate;
pub mod cutter;
pub mod dovecot;
pub mod other;
pub mod program;
pub mod recording;
pub mod wire;

use std::panic::Location;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// The password of every user of the tests' Dovecot.
pub const PASSWORD: &str = "secret";

/// Gives what `test` gives, or panics, naming the caller's line, once `limit` is over.
///
/// The limit is one of tokio's clock, so it works in paused time as well. A test that never yields
/// to tokio cannot be stopped like this; a thread of its own ends the whole process then, a while
/// after the limit, rather than let it run for ever.
#[track_caller]
pub fn within<F: Future>(limit: Duration, test: F) -> impl Future<Output = F::Output> {
    let place = Location::caller();
    async move {
        let _watchdog = Watchdog::start(limit.saturating_mul(2) + Duration::from_secs(20), place);
        match tokio::time::timeout(limit, test).await {
            Ok(output) => output,
            Err(_) => panic!("not done within {limit:?}: {place}"),
        }
    }
}

/// Ends the process if it is not dropped in time.
struct Watchdog(#[allow(dead_code, reason = "its drop is the signal")] mpsc::Sender<()>);

impl Watchdog {
    fn start(limit: Duration, place: &'static Location<'static>) -> Self {
        let (alive, over) = mpsc::channel::<()>();
        thread::spawn(move || {
            if over.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Timeout) {
                #[allow(clippy::print_stderr, reason = "the last words of the process")]
                {
                    eprintln!("a test is stuck and does not yield; the process ends here: {place}");
                }
                std::process::exit(101);
            }
        });
        Self(alive)
    }
}

/// A user name that no other test of this process has: `alice-1`, `alice-2`, …
///
/// Every name is a user of the tests' Dovecot, with [`PASSWORD`]; a fresh one has an empty INBOX.
pub fn fresh_user() -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(1);
    format!("alice-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

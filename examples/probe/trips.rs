//! Round trips, counted where they take place: in the traffic, as the library logs it.
//!
//! In: what goes to servers and what comes from them, over all connections. Out: how often the
//! client had to wait, that is, how often an answer came after something had been sent. What is
//! under way at once takes one round trip; a command that is sent in several steps takes several.
//!
//! The first line of a server, its greeting, is kept: it may hold the name by which the server
//! goes.

use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::Registry;

/// Whether something has been sent since an answer came last.
static SENT: AtomicBool = AtomicBool::new(false);
/// How many there were since [`take`] was called last.
static COUNT: AtomicU32 = AtomicU32::new(0);
/// The first line that a server has sent.
static GREETING: OnceLock<String> = OnceLock::new();

struct Counter;

/// Counts them from the beginning of the program on.
pub(crate) fn counter() -> Box<dyn Layer<Registry> + Send + Sync> {
    Counter.with_filter(Targets::new().with_target("imap_duplex::wire", Level::TRACE)).boxed()
}

/// How many there were since this was called last.
pub(crate) fn take() -> u32 {
    COUNT.swap(0, Ordering::Relaxed)
}

/// The same, and they go on counting.
pub(crate) fn so_far() -> u32 {
    COUNT.load(Ordering::Relaxed)
}

/// What looks like a name of a host in the greeting.
pub(crate) fn names_in_greeting() -> Vec<String> {
    GREETING.get().map_or_else(Vec::new, |greeting| hosts_in(greeting))
}

fn hosts_in(greeting: &str) -> Vec<String> {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    let is_host = |word: &&str| {
        word.starts_with(|c: char| c.is_ascii_alphabetic())
            && word.ends_with(|c: char| c.is_ascii_alphanumeric())
            && (word.contains('.') || *word == "localhost")
    };
    let words = greeting.split_whitespace().map(|word| word.trim_matches(|c| "[](),;:<>.".contains(c)));
    words.filter(|word| word.chars().all(is_of_name)).filter(is_host).map(str::to_owned).collect()
}

impl<S: Subscriber> Layer<S> for Counter {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        event.record(&mut Direction);
    }
}

/// Reads who has sent a piece of the traffic: `C:`, the client, or `S:`, the server.
struct Direction;

impl Visit for Direction {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() != "message" {
            return;
        }
        let text = format!("{value:?}");
        if text.starts_with("C:") {
            SENT.store(true, Ordering::Relaxed);
            return;
        }
        if GREETING.get().is_none() {
            let _ = GREETING.set(text);
        }
        if SENT.swap(false, Ordering::Relaxed) {
            COUNT.fetch_add(1, Ordering::Relaxed);
        }
    }
}

//! What a server can make us work: no construct of its bytes costs more than in proportion to its length, however often it
//! is repeated. (Contract line 13.)
//!
//! In: a construct, repeated 10,000 and 100,000 times. Out: a panic if ten times as much takes more than fifteen times the
//! work: sorting is allowed, looking through all that came before for each is not.
//!
//! Work is the processor time of this thread alone, as Linux counts it, so that a busy machine does not matter; elsewhere it
//! is time by the clock. What the caches or a neighbour do to a measurement is told from a real excess by the median of
//! three, and by measuring anew before anything is called too much.

mod grammar;
mod values;

use std::fmt::Write;
use std::time::{Duration, Instant};

/// How often a construct is repeated.
const SMALL: usize = 10_000;
/// And how often then.
const LARGE: usize = 100_000;
/// How much more work that may be.
const MOST: u32 = 15;
/// What takes so long for the small count won't be tried with the large one.
const TOO_LONG: Duration = Duration::from_secs(2);
/// Less than this is not measured by one run.
const GRAIN: Duration = Duration::from_millis(1);
/// How often the whole is measured before it is called too much.
const ATTEMPTS: usize = 5;

/// How long this thread has worked.
fn worked(since: Instant) -> Duration {
    // The count is brought up to date when the scheduler is entered.
    std::thread::yield_now();
    let counted = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let counted = counted.and_then(|text| text.split(' ').next()?.parse().ok()).filter(|nanos| *nanos > 0);
    counted.map_or_else(|| since.elapsed(), Duration::from_nanos)
}

/// How much work one run is, of as many as it takes to see it.
fn run<T>(count: usize, prepare: &impl Fn(usize) -> T, work: &impl Fn(T)) -> Duration {
    let since = Instant::now();
    let mut runs = 1;
    loop {
        let prepared: Vec<T> = (0..runs).map(|_| prepare(count)).collect();
        let before = worked(since);
        prepared.into_iter().for_each(work);
        let took = worked(since).saturating_sub(before);
        if took >= GRAIN || runs >= 64 {
            return (took / runs).max(Duration::from_nanos(1));
        }
        runs *= 4;
    }
}

/// The median of three.
fn median(mut run: impl FnMut() -> Duration) -> Duration {
    let mut all = [run(), run(), run()];
    all.sort_unstable();
    all[1]
}

/// Constructs that were measured, and what was wrong with them.
#[derive(Default)]
pub(crate) struct Report {
    measured: usize,
    excesses: String,
}

impl Report {
    /// Measures this: what is worked on is made beforehand.
    pub(crate) fn measure<T>(&mut self, name: &str, prepare: impl Fn(usize) -> T, work: impl Fn(T)) {
        self.measured += 1;
        let mut excess = String::new();
        for attempt in 0..ATTEMPTS {
            // One run that is within bounds is enough; else the median of three says whether they are passed.
            let of = |count| match attempt {
                0 => run(count, &prepare, &work),
                _ => median(|| run(count, &prepare, &work)),
            };
            let small = of(SMALL);
            if small > TOO_LONG {
                excess = format!("{name}: {small:?} for {SMALL}\n");
                break;
            }
            let large = of(LARGE);
            if large <= small * MOST {
                return;
            }
            excess = format!("{name}: {small:?} for {SMALL}, {large:?} for {LARGE}\n");
            if large > TOO_LONG * MOST {
                break;
            }
        }
        self.excesses.push_str(&excess);
    }

    /// Nothing is passed over in silence.
    pub(crate) fn end(self, measured: usize) {
        assert_eq!(self.measured, measured, "so many constructs were to be measured");
        assert!(self.excesses.is_empty(), "more than in proportion:\n{}", self.excesses);
    }
}

/// A text with a piece for each number.
fn repeated(before: &str, count: usize, piece: impl Fn(usize) -> String, after: &str) -> String {
    let mut text = before.to_owned();
    for n in 0..count {
        let _ = text.write_str(&piece(n));
    }
    text.push_str(after);
    text
}

#[test]
fn what_grows_with_the_square_is_seen_and_what_does_not_is_not() {
    let mut report = Report::default();
    let numbers = |count: usize| (0..count).collect::<Vec<_>>();
    report.measure("sorting", numbers, |mut all| {
        all.sort_by_key(|n| std::hint::black_box(n.wrapping_mul(7_919) % 100_003));
    });
    assert_eq!(report.excesses, "");
    // A thousandth of the square, so that it does not take long.
    report.measure("looking through", numbers, |all| {
        for n in all.iter().step_by(1000) {
            std::hint::black_box(all.iter().rposition(|other| other == n));
        }
    });
    assert_ne!(report.excesses, "");
}

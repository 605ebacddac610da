//! The work that a server can cause: no construct of its bytes costs more than in proportion to its
//! length, however often it is repeated. (Contract, promise 13.)
//!
//! In: a construct, repeated 10,000 and 100,000 times. Out: a panic if ten times as much takes more
//! than thirty times the work. Sorting takes some twelve times, searching all earlier elements for
//! each a hundred times; the bound lies between the two by a wide margin, since caches that other
//! programs share make the larger run slower.
//!
//! Work is the processor time of this thread alone, as Unix counts it, so that waiting for a busy
//! processor does not matter; elsewhere it is wall-clock time. Medians of three are compared, and
//! the measurement is repeated before it fails.

mod grammar;
mod values;

use std::fmt::Write;
use std::time::{Duration, Instant};

/// The smaller number of repetitions.
const SMALL: usize = 10_000;
/// The larger number of repetitions.
const LARGE: usize = 100_000;
/// The most work for the larger number, as a multiple of that for the smaller.
const MAX_RATIO: u32 = 30;
/// If the smaller number takes longer than this, the larger is not tried.
const TOO_LONG: Duration = Duration::from_secs(2);
/// Anything shorter takes more than one run to measure.
const GRAIN: Duration = Duration::from_millis(1);
/// How often a construct is measured before it fails.
const ATTEMPTS: usize = 5;

/// The processor time of this thread.
#[cfg(unix)]
fn worked(_since: Instant) -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    let part = |number: i64| u64::try_from(number).expect("not negative");
    Duration::from_secs(part(time.tv_sec)) + Duration::from_nanos(part(time.tv_nsec))
}

/// The time that has passed, where no other is known.
#[cfg(not(unix))]
fn worked(since: Instant) -> Duration {
    since.elapsed()
}

/// The work of one run, averaged over as many runs as it takes to measure it.
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

/// The least work of a few runs: other programs can only add to it.
pub(crate) fn least(run: impl Fn()) -> Duration {
    let once = || {
        let since = Instant::now();
        let before = worked(since);
        run();
        worked(since).saturating_sub(before)
    };
    (0..5).map(|_| once()).min().unwrap_or_default()
}

/// The median of three.
fn median(mut run: impl FnMut() -> Duration) -> Duration {
    let mut all = [run(), run(), run()];
    all.sort_unstable();
    all[1]
}

/// The number of constructs measured, and those that failed.
#[derive(Default)]
pub(crate) struct Report {
    measured: usize,
    excesses: String,
}

impl Report {
    /// Measures `work` on what `prepare` makes, which is not measured.
    pub(crate) fn measure<T>(&mut self, name: &str, prepare: impl Fn(usize) -> T, work: impl Fn(T)) {
        self.measured += 1;
        let mut excess = String::new();
        for attempt in 0..ATTEMPTS {
            // One run within the bound is enough; otherwise the median of three decides.
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
            if large <= small * MAX_RATIO {
                return;
            }
            excess = format!("{name}: {small:?} for {SMALL}, {large:?} for {LARGE}\n");
            if large > TOO_LONG * MAX_RATIO {
                break;
            }
        }
        self.excesses.push_str(&excess);
    }

    /// Fails if any construct exceeded the bound, or if not all of them were measured.
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
fn quadratic_work_is_found_and_other_work_is_not() {
    let mut report = Report::default();
    let numbers = |count: usize| (0..count).collect::<Vec<_>>();
    report.measure("sorting", numbers, |mut all| {
        all.sort_by_key(|n| std::hint::black_box(n.wrapping_mul(7_919) % 100_003));
    });
    assert_eq!(report.excesses, "");
    // A part of the square: a smaller part takes so little for the smaller number that noise
    // could triple it.
    report.measure("looking through", numbers, |all| {
        for n in all.iter().step_by(250) {
            std::hint::black_box(all.iter().rposition(|other| other == n));
        }
    });
    assert_ne!(report.excesses, "");
}

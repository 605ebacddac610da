//! A worker that stops itself at the worst moment: after it has checked that it may publish, and
//! before it does. Nothing outside a process can aim that well.
//!
//! In: the variable `FLEET_STOP_BEFORE_PUBLISH=N` of the environment. Out: SIGSTOP before the Nth
//! publish of this process, until somebody sends SIGCONT.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::process::{Signal, getpid, kill_process};

/// Counts a publish, and stops before the one that was asked for.
pub(crate) fn before_publish() {
    static LEFT: OnceLock<Option<AtomicU64>> = OnceLock::new();
    let left = LEFT.get_or_init(|| {
        let number = std::env::var("FLEET_STOP_BEFORE_PUBLISH").ok()?.parse().ok()?;
        Some(AtomicU64::new(number))
    });
    // It goes on below zero, and never comes to one again.
    if left.as_ref().is_some_and(|left| left.fetch_sub(1, Ordering::Relaxed) == 1) {
        tracing::warn!("stopped before a publish");
        if let Err(error) = kill_process(getpid(), Signal::STOP) {
            tracing::error!(%error, "the process could not stop itself");
        }
    }
}

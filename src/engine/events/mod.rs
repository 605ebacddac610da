//! Events on their way to the `Receiver`: the bounded queue, and what happens at its bound.
//!
//! ```text
//!   part ── report ──> output ── push ──> queue ──> Receiver
//!                                         │ full: coalesce (a later event supersedes an earlier one)
//!                                         └ still full: leave out behind one `Lagged` (lag)
//! ```
//!
//! In: events in wire order, with what each holds in memory. Out: the same order.

pub(in crate::engine) mod backlog;
pub(in crate::engine) mod blocks;
pub(in crate::engine) mod coalesce;
pub(in crate::engine) mod excerpt;
pub(in crate::engine) mod lag;
pub(in crate::engine) mod output;
pub(in crate::engine) mod queue;

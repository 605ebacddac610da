//! Events on their way to the `Receiver`: the bounded queue, and what happens at its bound.
//!
//! ```text
//!   part ── report ──> output ── push ──> queue ──> Receiver
//!                                         │ full: coalesce (a later event supersedes an earlier one)
//!                                         └ still full: leave out behind one `Lagged` (lag)
//! ```
//!
//! In: events in wire order, with what each holds in memory. Out: the same order.

mod backlog;
mod blocks;
mod coalesce;
mod excerpt;
mod lag;
mod output;
mod queue;

pub(crate) use self::backlog::{Backlog, mark};
pub(crate) use self::blocks::Blocks;
pub(crate) use self::excerpt::{LEFT_OUT, data_event, excerpt};
pub(crate) use self::output::Output;
pub(crate) use self::queue::EventQueue;

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
mod block_queue;
mod coalesce;
mod data_event;
mod lag;
mod output;
mod queue;

pub(crate) use self::backlog::{Backlog, mark};
pub(crate) use self::block_queue::BlockQueue;
pub(crate) use self::data_event::{LEFT_OUT, data_event, excerpt};
pub(crate) use self::output::Output;
pub(crate) use self::queue::EventQueue;

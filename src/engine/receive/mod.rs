//! Untagged responses in wire order: the view learns them first, then they are routed, then
//! reported.
//!
//! ```text
//!   response ──> dispatch ──┬── FETCH: fetch
//!                           ├── EXPUNGE, VANISHED: expunge
//!                           ├── LIST, STATUS, METADATA: mailbox_data
//!                           └── status responses, …
//! ```
//!
//! In: parsed responses, and the bytes of those that can't be parsed. Out: changes of the view,
//! answers to `inflight`, events.

pub(in crate::engine) mod dispatch;
pub(in crate::engine) mod expunge;
pub(in crate::engine) mod fetch;
mod mailbox_data;

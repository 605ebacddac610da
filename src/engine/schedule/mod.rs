//! When a command may be sent: admission, sequence numbers turned into UIDs, and withdrawal.
//!
//! ```text
//!   submission ──> resolve (numbers to UIDs) ──> admission: go │ wait │ fail ──> write
//!                        └── cancel, before its first byte
//! ```
//!
//! In: the command at the head of the queue, what is in flight. Out: a verdict.

pub(in crate::engine) mod admission;
pub(in crate::engine) mod cancel;
pub(in crate::engine) mod resolve;
pub(in crate::engine) mod start;

//! Commands in flight: what is kept of each, whose answer a response is, and how a command ends.
//!
//! ```text
//!   started ──> entry ── untagged: route (claim_index, message_index, ambiguous) ──> slot
//!                 │      unparsed: marked incomplete
//!                 └───── tagged: completion ──> Ok, No, Bad, Partial, Incomplete
//! ```
//!
//! In: commands that were started, responses that the view has learnt. Out: results into slots,
//! effects of an OK. The indexes answer what admission asks without a walk over all commands.

pub(in crate::engine) mod ambiguous;
pub(in crate::engine) mod claim_index;
pub(in crate::engine) mod completion;
pub(in crate::engine) mod entry;
pub(in crate::engine) mod index;
pub(in crate::engine) mod message_index;
pub(in crate::engine) mod route;
pub(in crate::engine) mod unparsed;

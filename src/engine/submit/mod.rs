//! What the halves and the engine share: commands that were submitted, and where their results go.
//!
//! ```text
//!   Sender, Mailbox ── submission ──> shared (queue, tag table) ──> Engine
//!   Token, Rows     <── slot <──────────────────────────────────────┘
//!   Mailbox         <── selection_handle (what is published of its selection)
//! ```
//!
//! In: commands of any task, internal commands of the engine. Out: submissions in the order of the
//! calls; results, errors, the causes of ends. Each lock is held for a few moves, never across I/O,
//! a wake or a user's code.

mod counters;
mod ended;
mod erased_command;
mod given_up;
mod internal_command;
mod lease_scope;
mod literal_channel;
mod overrun;
mod query;
#[cfg(feature = "account")]
mod reassign;
mod selection_end_cause;
mod selection_handle;
mod shared;
mod slot;
mod tag;

#[cfg(feature = "compress")]
pub(crate) use self::counters::Counters;
pub(crate) use self::ended::Ended;
pub(crate) use self::given_up::GivenUp;
pub(crate) use self::internal_command::{InternalCommand, InternalRequest, QueuePlace};
pub(crate) use self::lease_scope::Scope;
pub(crate) use self::literal_channel::LiteralChannel;
pub(crate) use self::query::{Look, Query, QueryFacts};
#[cfg(feature = "account")]
pub(crate) use self::reassign::{Moving, move_on};
pub(crate) use self::selection_end_cause::EndCause;
pub(crate) use self::selection_handle::{
    HandleFacts, ReadyOutcome, SelectOptions, SelectionHandle, SubmitFacts, ViewFacts,
};
pub(crate) use self::shared::{Origin, Shared, Submission};
#[cfg(test)]
pub(crate) use self::slot::PLACE;
pub(crate) use self::slot::{ResultSlot, Submitted};
pub(crate) use self::tag::Tag;

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
mod end_cause;
mod ended;
mod erased_command;
mod given_up;
mod internal_command;
mod literal;
#[cfg(feature = "account")]
mod moving;
mod overrun;
mod query;
mod scope;
mod selection_handle;
mod shared;
mod slot;
mod tag;

#[cfg(feature = "compress")]
pub(crate) use self::counters::Counters;
pub(crate) use self::end_cause::EndCause;
pub(crate) use self::ended::Ended;
pub(crate) use self::given_up::GivenUp;
pub(crate) use self::internal_command::{InternalCommand, InternalRequest, QueuePlace};
pub(crate) use self::literal::LiteralChannel;
#[cfg(feature = "account")]
pub(crate) use self::moving::{Moving, move_on};
pub(crate) use self::query::{Look, Query, QueryFacts};
pub(crate) use self::scope::Scope;
pub(crate) use self::selection_handle::{
    HandleFacts, ReadyOutcome, SelectOptions, SelectionHandle, SubmitFacts, ViewFacts,
};
pub(crate) use self::shared::{Origin, Shared, Submission};
#[cfg(test)]
pub(crate) use self::slot::PLACE;
pub(crate) use self::slot::{ResultSlot, Submitted};
pub(crate) use self::tag::Tag;

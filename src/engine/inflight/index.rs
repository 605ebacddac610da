//! The commands in flight by what is asked of them, so that no look-up goes through them all.
//!
//! In: commands as they go out and as they end. Out: counts for admission, who may claim what,
//! whose flags may clash.

use std::collections::BTreeSet;

use crate::command::{Effect, FlagUse};
use crate::engine::inflight::claim_index::ClaimIndex;
use crate::engine::inflight::command::InFlightCommand;
use crate::engine::inflight::counts::InFlightCounts;
use crate::engine::inflight::message_index::MessageIndex;
use crate::types::CommandId;

/// The commands in flight by what matters of them.
#[derive(Debug, Default)]
pub(super) struct InFlightIndex {
    /// Counted for admission.
    pub(super) counts: InFlightCounts,
    /// By what they may claim.
    pub(super) claimers: ClaimIndex,
    /// Those that read or write flags.
    pub(super) flag_users: MessageIndex,
    /// Those whose changes are not in the view before they end.
    pub(super) silent: BTreeSet<CommandId>,
    /// The engine's own.
    pub(super) own: BTreeSet<CommandId>,
    /// How many want the bytes of responses.
    pub(super) raw_listeners: usize,
}

impl InFlightIndex {
    /// A command is sent; its place and its messages are settled.
    pub(super) fn add(&mut self, id: CommandId, flight: &InFlightCommand) {
        self.counts.add(flight);
        self.claimers.add(id, flight);
        if flight.submission.class.flags != FlagUse::None {
            self.flag_users.add((flight.order, id), flight.messages.as_ref());
        }
        if is_silent_change(flight) {
            self.silent.insert(id);
        }
        if flight.is_internal() {
            self.own.insert(id);
        }
        self.raw_listeners += usize::from(flight.submission.class.raw);
    }

    /// It has ended, and is as it was when it was added.
    pub(super) fn remove(&mut self, id: CommandId, flight: &InFlightCommand) {
        self.counts.remove(flight);
        self.claimers.remove(id, flight);
        self.flag_users.remove((flight.order, id), flight.messages.as_ref());
        self.silent.remove(&id);
        self.own.remove(&id);
        self.raw_listeners -= usize::from(flight.submission.class.raw);
    }
}

/// Whether what this command changes is in the view only when it ends: of a silent STORE, and of a
/// MOVE by steps, which has one.
fn is_silent_change(flight: &InFlightCommand) -> bool {
    match &flight.submission.class.effect {
        Effect::Store(store) => store.is_silent(),
        Effect::Move => true,
        _ => false,
    }
}

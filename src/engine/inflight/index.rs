//! The commands in flight by what others have to know of them, so that nobody has to look through them all.
//!
//! In: commands as they go out and as they end. Out: counts for admission, who may claim what, whose flags may clash.

use std::collections::BTreeSet;

use crate::command::FlagUse;
use crate::engine::inflight::claim_index::ClaimIndex;
use crate::engine::inflight::entry::InFlightCommand;
use crate::engine::inflight::message_index::MessageIndex;
use crate::engine::mailboxes::own_changes::OwnChanges;
use crate::engine::schedule::admission::InFlightCounts;
use crate::engine::selection::mod_sequences::is_silent_change;
use crate::types::CommandId;

/// The commands in flight by what matters of them.
#[derive(Debug, Default)]
pub(in crate::engine) struct InFlightIndex {
    /// Counted for admission.
    pub(in crate::engine) load: InFlightCounts,
    /// By what they may claim.
    pub(in crate::engine) claimers: ClaimIndex,
    /// Those that read or write flags.
    pub(in crate::engine) flag_users: MessageIndex,
    /// Those that change mailboxes.
    pub(in crate::engine) mailbox_changes: OwnChanges,
    /// Those whose changes are not in the view before they end.
    pub(in crate::engine) silent: BTreeSet<CommandId>,
    /// The engine's own.
    pub(in crate::engine) own: BTreeSet<CommandId>,
    /// How many want the bytes of responses.
    pub(in crate::engine) raw_listeners: usize,
}

impl InFlightIndex {
    /// A command goes out; its place and its messages are settled.
    pub(in crate::engine) fn add(&mut self, id: CommandId, flight: &InFlightCommand) {
        self.load.add(flight);
        self.claimers.add(id, flight);
        if flight.class.flags != FlagUse::None {
            self.flag_users.add((flight.order, id), flight.messages.as_ref());
        }
        if is_silent_change(flight) {
            self.silent.insert(id);
        }
        if flight.own.is_some() {
            self.own.insert(id);
        }
        self.mailbox_changes.add(id, &flight.class.effect);
        self.raw_listeners += usize::from(flight.class.raw);
    }

    /// It has ended, and is as it was when it was added.
    pub(in crate::engine) fn remove(&mut self, id: CommandId, flight: &InFlightCommand) {
        self.load.remove(flight);
        self.claimers.remove(id, flight);
        self.flag_users.remove((flight.order, id), flight.messages.as_ref());
        self.silent.remove(&id);
        self.own.remove(&id);
        self.mailbox_changes.remove(id, &flight.class.effect);
        self.raw_listeners -= usize::from(flight.class.raw);
    }
}

//! The commands in flight by what others have to know of them, so that nobody has to look through them all.
//!
//! In: commands as they go out and as they end. Out: counts for admission, who may claim what, whose flags may clash.

use std::collections::BTreeSet;

use super::admission::Load;
use super::by_message::ByMessage;
use super::claimers::Claimers;
use super::doings::MailboxChanges;
use super::flight::Flight;
use super::in_step::changes_silently;
use crate::command::FlagUse;
use crate::types::CommandId;

/// The commands in flight by what matters of them.
#[derive(Debug, Default)]
pub(super) struct Roster {
    /// Counted for admission.
    pub(super) load: Load,
    /// By what they may claim.
    pub(super) claimers: Claimers,
    /// Those that read or write flags.
    pub(super) flag_users: ByMessage,
    /// Those that change mailboxes.
    pub(super) mailbox_changes: MailboxChanges,
    /// Those whose changes are not in the view before they end.
    pub(super) silent: BTreeSet<CommandId>,
    /// The engine's own.
    pub(super) own: BTreeSet<CommandId>,
    /// How many want the bytes of responses.
    pub(super) raw_listeners: usize,
}

impl Roster {
    /// A command goes out; its place and its messages are settled.
    pub(super) fn add(&mut self, id: CommandId, flight: &Flight) {
        self.load.add(flight);
        self.claimers.add(id, flight);
        if flight.class.flags != FlagUse::None {
            self.flag_users.add((flight.order, id), flight.messages.as_ref());
        }
        if changes_silently(flight) {
            self.silent.insert(id);
        }
        if flight.own.is_some() {
            self.own.insert(id);
        }
        self.mailbox_changes.add(id, &flight.class.effect);
        self.raw_listeners += usize::from(flight.class.raw);
    }

    /// It has ended, and is as it was when it was added.
    pub(super) fn remove(&mut self, id: CommandId, flight: &Flight) {
        self.load.remove(flight);
        self.claimers.remove(id, flight);
        self.flag_users.remove((flight.order, id), flight.messages.as_ref());
        self.silent.remove(&id);
        self.own.remove(&id);
        self.mailbox_changes.remove(id, &flight.class.effect);
        self.raw_listeners -= usize::from(flight.class.raw);
    }
}

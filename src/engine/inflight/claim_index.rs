//! Who may claim a response: the commands in flight by what their classes claim, so that routing
//! costs no more with ten thousand of them than with ten.
//!
//! In: commands as they go out and as they end; a response. Out: sets of those that have to be
//! asked for their claim, each in the order of sending. The rest would say no.

use std::collections::hash_map::Entry as Slot;
use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

use crate::command::{ClaimScope, Messages, ResponseKinds};
use crate::engine::inflight::entry::InFlightCommand;
use crate::engine::inflight::message_index::{Entry, MessageIndex};
use crate::types::{Answer, Code, CommandId, Uid, UidSet, Untagged};

/// Commands in flight by what they may claim.
#[derive(Debug, Default)]
pub(super) struct ClaimIndex {
    /// By kind of response.
    kinds: [Kind; ResponseKinds::KINDS],
    /// By a keyword that a user's command names.
    names: HashMap<&'static str, BTreeSet<Entry>>,
}

#[derive(Debug, Default)]
struct Kind {
    /// Whose answers can be about any message or mailbox.
    any: BTreeSet<Entry>,
    messages: MessageIndex,
    /// By the mailbox's name in small letters and one spelling, for servers that have their own
    /// mind about these.
    mailboxes: HashMap<String, BTreeSet<Entry>>,
}

impl ClaimIndex {
    pub(super) fn add(&mut self, id: CommandId, flight: &InFlightCommand) {
        self.put(id, flight, true);
    }

    pub(super) fn remove(&mut self, id: CommandId, flight: &InFlightCommand) {
        self.put(id, flight, false);
    }

    fn put(&mut self, id: CommandId, flight: &InFlightCommand, is_in: bool) {
        let entry = (flight.order, id);
        for kind in flight.class.answered_by.kinds() {
            let Some(kind) = self.kinds.get_mut(kind) else { continue };
            match &flight.class.about {
                ClaimScope::Anything if is_in => drop(kind.any.insert(entry)),
                ClaimScope::Anything => drop(kind.any.remove(&entry)),
                ClaimScope::Messages if is_in => kind.messages.add(entry, flight.messages.as_ref()),
                ClaimScope::Messages => kind.messages.remove(entry, flight.messages.as_ref()),
                ClaimScope::Mailbox(name) => put_under(&mut kind.mailboxes, name.folded(), entry, is_in),
            }
        }
        for name in flight.class.keywords {
            put_under(&mut self.names, name, entry, is_in);
        }
    }

    /// Gives those that may have removed some of these messages.
    pub(super) fn of_removed(&self, uids: &UidSet, mut route: impl FnMut(&BTreeSet<Entry>)) {
        let messages = Messages::Uids(uids.clone());
        for kind in ResponseKinds::EXPUNGE.kinds().filter_map(|kind| self.kinds.get(kind)) {
            kind.messages.overlapping(Some(&messages), &mut route);
        }
    }

    /// Gives those that listen for this kind of response, or for one of this name.
    pub(super) fn of(
        &self,
        kinds: ResponseKinds,
        response: &Untagged,
        mut route: impl FnMut(&BTreeSet<Entry>),
    ) {
        for kind in kinds.kinds() {
            let Some(kind) = self.kinds.get(kind) else { continue };
            route(&kind.any);
            if !kind.mailboxes.is_empty() {
                match response.answer() {
                    Answer::MailboxStatus(status) => {
                        let name = status.name.folded();
                        kind.mailboxes.get(&name).into_iter().for_each(&mut route);
                    }
                    _ => kind.mailboxes.values().for_each(&mut route),
                }
            }
            match response.answer() {
                Answer::Fetch(row) => kind.messages.about(row.seq(), row.uid(), &mut route),
                Answer::Expunge { seq, uid } => kind.messages.about(Some(*seq), *uid, &mut route),
                // A command that claims these names all of them, so the first one among them.
                Answer::Vanished { uids, .. } => kind.messages.about(None, uids.first(), &mut route),
                Answer::Status(status) => kind.messages.about(None, copied(status.code.as_ref()), &mut route),
                _ => kind.messages.about(None, None, &mut route),
            }
        }
        self.names.get(response.name()).into_iter().for_each(route);
    }
}

/// One of the messages that a COPYUID names.
fn copied(code: Option<&Code>) -> Option<Uid> {
    if let Some(Code::CopyUid(reported)) = code { reported.from().first() } else { None }
}

fn put_under<K: Hash + Eq>(sets: &mut HashMap<K, BTreeSet<Entry>>, key: K, entry: Entry, is_in: bool) {
    match sets.entry(key) {
        Slot::Occupied(mut set) if !is_in => {
            set.get_mut().remove(&entry);
            if set.get().is_empty() {
                set.remove();
            }
        }
        set => drop(set.or_default().insert(entry)),
    }
}

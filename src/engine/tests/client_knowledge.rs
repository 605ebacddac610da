//! What the client has read of what the model server said, as the server knows it.
//!
//! In: the pieces of the server's speech, each with what it means. Out: what the client may be
//! expected to know.

use std::collections::BTreeMap;

use super::commands::Cmd;
use super::notify_server::Counts;
use super::server::Server;
use crate::types::CommandId;

/// What a piece of the server's speech means to the client once it has read it whole.
#[derive(Clone, Debug)]
pub(super) enum Note {
    Nothing,
    /// EXISTS: these came.
    Grew(Vec<u32>),
    Expunged(u32),
    Vanished(Vec<u32>),
    /// The tagged OK of SELECT: these are there.
    Opened(CommandId, usize, Vec<u32>),
    /// No mailbox is selected any more.
    DeselectedMailbox,
    Tagged(CommandId, String, &'static str, bool),
    /// A row with flags: mailbox, UID, flags.
    Flags(usize, u32, u8),
    /// The client may write again: `+`, or a tagged response in place of it.
    Unblocked,
    /// A notice.
    Notice,
    Bye,
    /// Counts of another mailbox: its name, messages, UIDNEXT.
    Counts(Counts),
    /// The same as the answer to a STATUS, the engine's own among them.
    Answered(Counts),
}

/// What the client has read, as the server knows it.
#[derive(Debug, Default)]
pub(super) struct ClientKnowledge {
    /// The mailbox that it takes for selected, and its UIDs by number.
    pub(super) view: Option<(usize, Vec<u32>)>,
    /// The SELECT that opened it, and with which UIDs those ended that were opened before.
    opener: Option<CommandId>,
    ended: BTreeMap<CommandId, Vec<u32>>,
    /// What each SELECT opened.
    pub(super) opened: Vec<(CommandId, Vec<u32>)>,
    pub(super) flags: Vec<(usize, u32, u8)>,
    pub(super) removed: Vec<u32>,
    /// What has come since the mailbox was opened.
    pub(super) grew: Vec<u32>,
    pub(super) notices: usize,
    pub(super) bye: bool,
    pub(super) counts: Vec<Counts>,
    pub(super) answered: Vec<Counts>,
    /// NOTIFY reports other mailboxes.
    watches: bool,
    /// The mailboxes that were left since then, with the UIDs of which the client knew.
    pub(super) left_behind: BTreeMap<usize, Vec<u32>>,
}

impl ClientKnowledge {
    /// The UIDs of the mailbox that this SELECT opened: those of now, or of when it was left.
    pub(super) fn uids_of(&self, select: CommandId) -> &[u32] {
        let now = self.view.as_ref().filter(|_| self.opener == Some(select)).map(|(_, uids)| uids);
        now.or(self.ended.get(&select)).map_or(&[], Vec::as_slice)
    }

    fn left(&mut self) {
        if let (Some(select), Some((folder, uids))) = (self.opener.take(), self.view.take()) {
            if self.watches {
                self.left_behind.insert(folder, uids.clone());
            }
            self.ended.insert(select, uids);
        }
    }
}

impl Server {
    /// The client has read the whole of a piece.
    pub(super) fn was_read(&mut self, note: Note) {
        let response = &mut self.response;
        match note {
            Note::Nothing => {}
            Note::Notice => response.notices += 1,
            Note::Bye => response.bye = true,
            Note::Counts(counts) => response.counts.push(counts),
            Note::Answered(counts) => response.answered.push(counts),
            Note::Grew(uids) => {
                if let Some((_, view)) = &mut response.view {
                    response.grew.extend(&uids);
                    view.extend(uids);
                }
            }
            Note::Expunged(seq) => {
                if let Some((_, view)) = &mut response.view {
                    let uid = view.remove(seq as usize - 1);
                    response.removed.push(uid);
                }
            }
            Note::Vanished(uids) => {
                if let Some((_, view)) = &mut response.view {
                    view.retain(|uid| !uids.contains(uid));
                    response.removed.extend(uids);
                }
            }
            Note::Opened(id, folder, uids) => {
                response.left();
                response.opened.push((id, uids.clone()));
                response.grew.clear();
                response.left_behind.remove(&folder);
                (response.opener, response.view) = (Some(id), Some((folder, uids)));
            }
            Note::DeselectedMailbox => {
                response.left();
                // Whatever SELECT is answered now, it can't be the old mailbox any more.
                self.open.values_mut().for_each(|(_, _, selected)| *selected = false);
            }
            Note::Flags(folder, uid, flags) => response.flags.push((folder, uid, flags)),
            Note::Unblocked => self.blocked = false,
            Note::Tagged(id, tag, how, unblocks) => {
                self.outcomes.entry(id).or_default().ends.push(how);
                if let (Some((_, Cmd::Notify { others, .. }, _)), "OK") = (self.open.remove(&tag), how) {
                    // It replaces the one before, with what that had still to report.
                    response.watches = others;
                    response.left_behind.clear();
                }
                if unblocks {
                    self.blocked = false;
                }
            }
        }
    }
}

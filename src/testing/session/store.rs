//! STORE (RFC 9051 section 6.4.6), on condition with CONDSTORE (RFC 7162 section 3.1.3).

use crate::testing::notification::By;
use crate::testing::world::World;
use crate::types::{Code, Flag, Flags, ModifiedSet, Seq, SeqSet};
use crate::wire::request::Store;

use super::Session;
use super::find::limit_reached;
use super::reply::{Allows, Done, Reply};
use super::snapshot::{Snapshot, uid_set};

/// Whether clients may set these: of flags with a backslash only the five of RFC 9051 section
/// 2.3.2, and keywords by the grammar of section 9. Some servers send others.
pub(super) fn can_be_set(flags: &Flags) -> Result<(), Reply> {
    for flag in flags.iter() {
        if let Flag::Keyword(name) = &flag {
            if name.starts_with('\\') {
                return Err(Reply::bad(format!("There is no system flag {name}")));
            }
            if name.contains(']') {
                return Err(Reply::no(Some(Code::Cannot), "A keyword can't have a bracket"));
            }
        }
    }
    Ok(())
}

/// The answer to a STORE on condition that has left messages as they are: their places and UIDs.
pub(super) fn left_alone(modified: &[(usize, u32)], uid: bool) -> Option<Reply> {
    if modified.is_empty() {
        return None;
    }
    let set = if uid {
        ModifiedSet::Uids(uid_set(modified.iter().map(|(_, uid)| *uid)))
    } else {
        let seqs: SeqSet = modified.iter().filter_map(|(at, _)| Seq::new(Snapshot::seq(*at))).collect();
        ModifiedSet::Seqs(seqs)
    };
    Some(Reply::ok_with(Code::Modified(set), "Some were changed by others"))
}

impl Session {
    /// A STORE on condition is refused without CONDSTORE, and enables it (RFC 7162 section 3.1).
    pub(super) fn begin_condition(&mut self, world: &mut World, since: Option<u64>) -> Result<(), Reply> {
        if since.is_some() {
            if !world.has("CONDSTORE") {
                return Err(Reply::bad("UNCHANGEDSINCE is not known here"));
            }
            self.enable_condstore(world);
        }
        Ok(())
    }

    pub(super) fn store(&mut self, world: &mut World, command: &Store) -> Done {
        self.begin_condition(world, command.unchanged_since)?;
        let places = self.places(world, &command.which, command.uid)?;
        let Some(snapshot) = &self.selected else { return Err(Reply::bad("Select a mailbox first")) };
        if snapshot.read_only {
            // As Dovecot does, so that a client that ignores READ-ONLY is not helped by the test
            // server. Other servers answer NO.
            return Ok(Reply::ok("Store ignored with read-only mailbox"));
        }
        can_be_set(&command.flags)?;
        let mailbox = snapshot.mailbox;
        let (places, limited) = self.limited(world, places);
        let (places, modified) = snapshot.unchanged_since(places, command.unchanged_since);
        let (mut uids, mut expunged) = (Vec::new(), false);
        for row in places.into_iter().filter_map(|at| snapshot.row(at)) {
            if row.expunged {
                expunged = true;
            } else {
                uids.push(row.message.uid);
            }
        }
        let by = match (command.silent, command.unchanged_since) {
            (false, _) => By::Store,
            (true, None) => By::Silent,
            (true, Some(_)) => By::Conditional,
        };
        world.change(mailbox, &uids, (command.change, &command.flags), Some((self.id, by)));
        self.flush(world, Allows::by(command.uid));
        if let Some(reply) = left_alone(&modified, command.uid) {
            return Ok(reply);
        }
        if expunged && !command.uid {
            // The answer of RFC 2180 section 4.2.
            return Err(Reply::no(Some(Code::ExpungeIssued), "Some of the messages are expunged"));
        }
        Ok(limited.map_or_else(|| Reply::ok("Stored"), limit_reached))
    }
}

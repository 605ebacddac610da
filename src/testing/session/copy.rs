//! COPY and MOVE (RFC 9051 sections 6.4.7 and 6.4.8): all of the messages, or none.

use crate::testing::names::can_be;
use crate::testing::world::World;
use crate::types::{Code, CopyUid, MailboxName, Status, Uid, UidValidity};
use crate::wire::request::Numbers;

use super::Session;
use super::find::limit_reached;
use super::reply::{Allows, Done, Reply};

impl Session {
    pub(super) fn copy(
        &mut self,
        world: &mut World,
        (which, uid): (&Numbers, bool),
        to: &MailboxName,
        moving: bool,
    ) -> Done {
        let places = self.places(world, which, uid)?;
        let user = self.user();
        can_be(to)?;
        let Some(snapshot) = &self.selected else { return Err(Reply::bad("Select a mailbox first")) };
        let from = snapshot.mailbox;
        let is_gone = |at: &usize| snapshot.row(*at).is_none_or(|row| row.expunged);
        if !uid && places.iter().any(is_gone) {
            // RFC 2180 section 4.4.1: expunged messages can't be copied, and COPY is all or
            // nothing.
            return Err(Reply::no(Some(Code::ExpungeIssued), "Some of the messages are expunged"));
        }
        let there: Vec<usize> = places.into_iter().filter(|at| !is_gone(at)).collect();
        if there.is_empty() {
            return Ok(Reply::ok("No messages found"));
        }
        let (mut there, limited) = self.limited(world, there);
        there.sort_unstable();
        if let Some(code) = limited.clone().filter(|_| !moving) {
            // RFC 9738 section 3.1: COPY is all or nothing.
            return Err(Reply::no(Some(code), "Too many messages to copy"));
        }
        let uids = snapshot.uids(&there);
        let size: u64 = there.iter().filter_map(|at| snapshot.row(*at)).map(|row| row.message.size()).sum();
        let Some(id) = world.find(&user, to) else {
            return Err(Reply::no(Some(Code::TryCreate), "There is no such mailbox"));
        };
        if !moving && !world.has_room(&user, size, u64::try_from(uids.len()).unwrap_or(u64::MAX)) {
            return Err(Reply::no(Some(Code::OverQuota), "There is no room for it"));
        }
        let noted = there.iter().filter_map(|at| snapshot.row(*at)).map(|row| row.message.notes.size()).sum();
        if !moving && !world.has_room_for_notes(&user, noted) {
            return Err(Reply::no(Some(Code::OverQuota), "There is no room for the annotations"));
        }
        let pairs = world.copy(from, &uids, id, Some(self.id));
        let text = if moving { "Moved" } else { "Copied" };
        let uid_validity = world.mailboxes.get(&id).and_then(|held| UidValidity::new(held.uid_validity));
        let code = (world.has("UIDPLUS") && !pairs.is_empty()).then(|| copied(uid_validity, &pairs));
        if !moving {
            return Ok(code.map_or_else(|| Reply::ok(text), |code| Reply::ok_with(code, text)));
        }
        // RFC 6851 section 4.3: before the messages are expunged.
        if let Some(code) = code {
            self.status(Status::Ok, Some(code), "Moved");
        }
        let expunged: Vec<u32> = pairs.iter().map(|(from, _)| *from).collect();
        world.remove(from, &expunged, Some(self.id));
        self.flush(world, Allows::All);
        Ok(match limited {
            Some(code) => limit_reached(code),
            None if expunged.is_empty() => Reply::ok(text),
            None => Reply::ok(text).with_mod_seq(),
        })
    }
}

/// COPYUID, in ranges where both sides have them (RFC 4315 section 3).
fn copied(uid_validity: Option<UidValidity>, pairs: &[(u32, u32)]) -> Code {
    let ranges = |numbers: Vec<u32>| {
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        for number in numbers {
            match ranges.last_mut() {
                Some(last) if last.1.checked_add(1) == Some(number) => last.1 = number,
                _ => ranges.push((number, number)),
            }
        }
        let range = |(a, b)| Some(Uid::new(a)?..=Uid::new(b)?);
        ranges.into_iter().filter_map(range).collect()
    };
    let (from, to) = pairs.iter().copied().unzip();
    Code::CopyUid(CopyUid::new(uid_validity, ranges(from), ranges(to)))
}

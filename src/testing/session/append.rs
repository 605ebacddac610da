//! APPEND (RFC 9051 section 6.3.12), of several messages with MULTIAPPEND (RFC 3502), all or
//! nothing, also put together of pieces (CATENATE, RFC 4469); REPLACE (RFC 8508).

use crate::testing::annotations::Notes;
use crate::testing::names::can_be;
use crate::testing::world::World;
use crate::types::{Code, MailboxName, Status, UidValidity};
use crate::wire::request::{AppendMessage, Numbers};

use super::Session;
use super::annotations::{changes, refusal};
use super::reply::{Allows, Done, Reply};
use super::snapshot::uid_set;
use super::store::can_be_set;

/// The total size of the messages.
fn bytes(messages: &[AppendMessage]) -> u64 {
    messages.iter().map(|message| u64::try_from(message.data.len()).unwrap_or(u64::MAX)).sum()
}

impl Session {
    pub(super) fn append(
        &mut self,
        world: &mut World,
        name: &MailboxName,
        messages: Vec<AppendMessage>,
    ) -> Done {
        let user = self.user();
        if messages.iter().any(|message| message.binary) && !world.has("BINARY") {
            return Err(Reply::bad("A literal8 is not taken here"));
        }
        if messages.iter().any(|message| !message.pieces.is_empty()) && !world.has("CATENATE") {
            return Err(Reply::bad("Messages are not put together here"));
        }
        let annotated = messages.iter().any(|message| !message.annotations.is_empty());
        if annotated && !world.has("ANNOTATE-EXPERIMENT-1") {
            return Err(Reply::bad("Messages have no annotations here"));
        }
        for message in &messages {
            Notes::default().check(&changes(&message.annotations)?).map_err(refusal)?;
        }
        if messages.iter().any(|message| message.utf8) && !self.enabled.utf8 {
            return Err(Reply::bad("UTF8 has not been enabled"));
        }
        can_be(name)?;
        messages.iter().try_for_each(|message| can_be_set(&message.flags))?;
        // RFC 3502 section 3: a client cancels the APPEND by an empty message.
        let nothing = || Err(Reply::no(None, "A message is empty: nothing was appended"));
        if messages.iter().any(|message| message.data.is_empty() && message.pieces.is_empty()) {
            return nothing();
        }
        let many = u32::try_from(messages.len()).unwrap_or(u32::MAX);
        if let Some(limit) = world.settings.message_limit.filter(|limit| many > *limit) {
            let code = Code::MessageLimit { limit, uid: None };
            return Err(Reply::no(Some(code), "Too many messages at once"));
        }
        let Some(id) = world.find(&user, name) else {
            return Err(Reply::no(Some(Code::TryCreate), "There is no such mailbox"));
        };
        let put_together = |message: AppendMessage| match &message.pieces[..] {
            [] => Ok(message),
            _ => self.catenated(world, message),
        };
        let messages: Vec<_> = messages.into_iter().map(put_together).collect::<Result<_, _>>()?;
        if messages.iter().any(|message| message.data.is_empty()) {
            return nothing();
        }
        if messages.iter().any(|message| message.data.len() > world.settings.append_limit) {
            return Err(Reply::no(Some(Code::TooBig), "The message is too large"));
        }
        if !world.has_room(&user, bytes(&messages), u64::try_from(messages.len()).unwrap_or(u64::MAX)) {
            return Err(Reply::no(Some(Code::OverQuota), "There is no room for it"));
        }
        let mut noted = 0;
        for message in &messages {
            noted += Notes::default().size_after(&changes(&message.annotations)?);
        }
        if !world.has_room_for_notes(&user, noted) {
            return Err(Reply::no(Some(Code::OverQuota), "There is no room for its annotations"));
        }
        let mut uids = Vec::new();
        for AppendMessage { flags, date, data, annotations, .. } in messages {
            let new = world.message(&user, data, flags, date);
            new.notes.change(&changes(&annotations)?);
            uids.extend(world.add(id, new, Some(self.id)).map(|message| message.uid));
        }
        let uid_validity = world.mailboxes.get(&id).and_then(|held| UidValidity::new(held.uid_validity));
        Ok(if world.has("UIDPLUS") {
            Reply::ok_with(Code::AppendUid { uid_validity, uids: uid_set(uids) }, "Appended")
        } else {
            Reply::ok("Appended")
        })
    }

    /// RFC 8508: the new message is reported before the old one is removed.
    pub(super) fn replace(
        &mut self,
        world: &mut World,
        (old, uid): (&Numbers, bool),
        to: &MailboxName,
        message: AppendMessage,
    ) -> Done {
        let places = self.places(world, old, uid)?;
        let Some(snapshot) = &self.selected else { return Err(Reply::bad("Select a mailbox first")) };
        if snapshot.read_only {
            return Err(Reply::no(Some(Code::NoPerm), "The mailbox is open read-only"));
        }
        let mailbox = snapshot.mailbox;
        let there = |at: &usize| snapshot.row(*at).is_some_and(|row| !row.expunged);
        let [place] = &places[..] else { return Err(Reply::no(None, "There is no such message")) };
        if !there(place) {
            return Err(Reply::no(Some(Code::ExpungeIssued), "The message is expunged"));
        }
        let gone = snapshot.uids(&[*place]);
        let appended = self.append(world, to, vec![message])?;
        self.status(Status::Ok, appended.status.code, "The new message is stored");
        world.remove(mailbox, &gone, Some(self.id));
        self.flush(world, Allows::All);
        Ok(Reply::ok("Replaced").with_mod_seq())
    }
}

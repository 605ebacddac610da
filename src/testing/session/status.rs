//! STATUS (RFC 9051 section 6.3.11), with the items of CONDSTORE, STATUS=SIZE, APPENDLIMIT,
//! OBJECTID and QUOTA.

use crate::testing::names::missing;
use crate::testing::world::World;
use crate::types::{Answer, Code, Flag, MailboxName, MailboxStatus, Uid, UidValidity};

use super::Session;
use super::reply::{Done, Reply};

impl Session {
    pub(super) fn status_of(&mut self, world: &mut World, name: &MailboxName, items: &[String]) -> Done {
        let counts = self.counts(world, name, items)?;
        match counts {
            Some(counts) => {
                self.answer("STATUS", Answer::MailboxStatus(Box::new(counts)));
                let id = world.find(&self.user(), name);
                let is_selected = self.selected.as_ref().is_some_and(|snapshot| Some(snapshot.mailbox) == id);
                // RFC 9051 section 6.3.11: STATUS should not be used on the selected mailbox.
                Ok(if is_selected {
                    Reply::ok_with(Code::ClientBug, "Status returned, of the selected mailbox")
                } else {
                    Reply::ok("Status returned")
                })
            }
            None => Err(missing(name).into()),
        }
    }

    /// Whether this item is supported.
    pub(super) fn has_count(&self, world: &World, item: &str) -> bool {
        match item {
            "MESSAGES" | "UIDNEXT" | "UIDVALIDITY" | "UNSEEN" => true,
            "RECENT" => !self.enabled.rev2,
            "DELETED" => world.has("IMAP4rev2") || world.has("QUOTA"),
            "SIZE" => world.has("STATUS=SIZE"),
            "HIGHESTMODSEQ" => world.has("CONDSTORE"),
            "DELETED-STORAGE" => world.has("QUOTA"),
            "APPENDLIMIT" => world.has("APPENDLIMIT"),
            "MAILBOXID" => world.has("OBJECTID"),
            _ => false,
        }
    }

    /// These items of a mailbox; `None`: there is no such mailbox. `Err`: an unknown item.
    pub(super) fn counts(
        &mut self,
        world: &mut World,
        name: &MailboxName,
        items: &[String],
    ) -> Result<Option<MailboxStatus>, Reply> {
        if items.iter().any(|item| item == "HIGHESTMODSEQ") && world.has("CONDSTORE") {
            self.enable_condstore(world);
        }
        let limit = u64::try_from(world.settings.append_limit).unwrap_or(u64::MAX);
        let held = world.find(&self.user(), name).and_then(|id| world.mailboxes.get(&id));
        let mut counts = MailboxStatus::new(name.clone());
        for item in items {
            if !self.has_count(world, item) {
                return Err(Reply::bad(format!("An item of STATUS that is not known: {item}")));
            }
            let Some(held) = held else { continue };
            match &**item {
                "MESSAGES" => counts.messages = Some(held.count()),
                "RECENT" => counts.recent = Some(recent(held)),
                "UIDNEXT" => counts.uid_next = Uid::new(held.uid_next),
                "UIDVALIDITY" => counts.uid_validity = UidValidity::new(held.uid_validity),
                "UNSEEN" => counts.unseen = Some(held.count() - held.with_flag(&Flag::Seen).0),
                "DELETED" => counts.deleted = Some(held.with_flag(&Flag::Deleted).0),
                "SIZE" => counts.size = Some(held.size()),
                "HIGHESTMODSEQ" => counts.highest_mod_seq = held.mod_seq(),
                "DELETED-STORAGE" => counts.deleted_storage = Some(held.with_flag(&Flag::Deleted).1),
                "APPENDLIMIT" => counts.append_limit = Some(limit),
                _ => counts.mailbox_id = Some(held.object_id.clone()),
            }
        }
        Ok(held.is_some().then_some(counts))
    }
}

/// The count of messages that no session has had as recent.
fn recent(held: &crate::testing::mailbox::Mailbox) -> u32 {
    u32::try_from(held.messages.range(held.recent_from..).count()).unwrap_or(u32::MAX)
}

//! CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE, NAMESPACE (RFC 9051 sections 6.3.4 to 6.3.8 and
//! 6.3.10).

use crate::testing::names::{DELIMITER, No, SPECIAL_USES};
use crate::testing::world::World;
use crate::types::{Answer, Code, MailboxName, Namespace, Namespaces};
use crate::wire::request::Value;

use super::Session;
use super::reply::{Done, Reply};

impl From<No> for Reply {
    fn from(No(code, text): No) -> Self {
        Reply::no(code, text)
    }
}

impl Session {
    /// The logged-in user; commands that need one are not executed before login.
    pub(super) fn user(&self) -> String {
        self.user.clone().unwrap_or_default()
    }

    /// CREATE, with `(USE (\Sent))` (RFC 6154 section 3).
    pub(super) fn create(&mut self, world: &mut World, name: &MailboxName, params: &[Value]) -> Done {
        let mut uses = Vec::new();
        let mut params = params.iter();
        while let Some(param) = params.next() {
            let (Value::Word(word), Some(Value::List(values))) = (param, params.next()) else {
                return Err(Reply::bad("USE and a list were expected"));
            };
            if !word.eq_ignore_ascii_case("USE") || !world.has("CREATE-SPECIAL-USE") {
                return Err(Reply::bad("A parameter of CREATE that is not known"));
            }
            for value in values {
                let Value::Word(wanted) = value else { return Err(Reply::bad("A special use was expected")) };
                match SPECIAL_USES.iter().find(|known| known.eq_ignore_ascii_case(wanted)) {
                    Some(known) => uses.push(*known),
                    None => {
                        return Err(Reply::no(Some(Code::UseAttr), "No mailbox can be made for this use"));
                    }
                }
            }
        }
        let user = self.user();
        if world.find(&user, name).is_none() && !world.has_room_for_mailbox(&user) {
            return Err(Reply::no(Some(Code::OverQuota), "There are too many mailboxes"));
        }
        let id = world.create(&user, name, uses, Some(self.id))?;
        let object = world.mailboxes.get(&id).filter(|_| world.has("OBJECTID")).map(|m| m.object_id.clone());
        Ok(match object {
            // RFC 8474 section 4.1.
            Some(object) => Reply::ok_with(Code::MailboxId(object), "Created"),
            None => Reply::ok("Created"),
        })
    }

    pub(super) fn delete(&mut self, world: &mut World, name: &MailboxName) -> Done {
        let (user, id) = (self.user(), world.find(&self.user(), name));
        let labelled = if world.has("X-GM-EXT-1") { world.labelled(id) } else { Vec::new() };
        world.delete(&user, name, Some(self.id))?;
        // Gmail: with the label, its messages lose no more than that.
        world.archive(&user, &labelled, self.id)?;
        if self.selected.as_ref().is_some_and(|snapshot| Some(snapshot.mailbox) == id) {
            self.unselect(world);
        }
        Ok(Reply::ok("Deleted"))
    }

    pub(super) fn rename(&mut self, world: &mut World, from: &MailboxName, to: &MailboxName) -> Done {
        let user = self.user();
        // RFC 9051 section 6.3.6: INBOX stays, and the other is a new one.
        if from.is_inbox() && !world.has_room_for_mailbox(&user) {
            return Err(Reply::no(Some(Code::OverQuota), "There are too many mailboxes"));
        }
        world.rename(&user, (from, to), Some(self.id))?;
        Ok(Reply::ok("Renamed"))
    }

    pub(super) fn subscribe(&mut self, world: &mut World, name: &MailboxName, yes: bool) -> Done {
        world.subscribe(&self.user(), name, yes, Some(self.id))?;
        Ok(Reply::ok(if yes { "Subscribed" } else { "Unsubscribed" }))
    }

    pub(super) fn namespace(&mut self) -> Reply {
        let mut all = Namespaces::default();
        all.personal.push(Namespace::new(String::new(), Some(DELIMITER)));
        self.answer("NAMESPACE", Answer::Namespace(Box::new(all)));
        Reply::ok("Namespaces listed")
    }
}

//! GETACL, SETACL, DELETEACL, LISTRIGHTS, MYRIGHTS (RFC 4314). Rights are kept and returned, not
//! enforced: each user's mailboxes are their own, with all rights.

use crate::testing::names::missing;
use crate::testing::world::World;
use crate::types::{Acl, Answer, ListRights, MailboxName, MyRights, Rights};
use crate::wire::request::{Value, value_as_mailbox};

use super::Session;
use super::reply::{Done, Reply};

/// All rights of RFC 4314 section 2.1.
pub(crate) const ALL_RIGHTS: &str = "lrswipkxtea";

/// A text among the arguments.
pub(super) fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::Word(word) => Some(word.clone()),
        Value::String(bytes) => String::from_utf8(bytes.to_vec()).ok(),
        Value::List(_) => None,
    }
}

impl Session {
    pub(super) fn acl(&mut self, world: &mut World, name: &str, arguments: &[Value]) -> Done {
        let bad = || Reply::bad("A mailbox and who has which rights were expected");
        let (first, rest) = arguments.split_first().ok_or_else(bad)?;
        let mailbox = value_as_mailbox(first, self.enabled.utf8).ok_or_else(bad)?;
        let rest: Vec<String> = rest.iter().map(text_of).collect::<Option<_>>().ok_or_else(bad)?;
        let id = world.find(&self.user(), &mailbox).ok_or_else(|| Reply::from(missing(&mailbox)))?;
        let Some(held) = world.mailboxes.get_mut(&id) else { return Err(bad()) };
        match (name, &*rest) {
            ("GETACL", []) => {
                let owner = (self.user(), Rights::new(ALL_RIGHTS));
                let others = held.rights.iter().map(|(who, rights)| (who.clone(), Rights::new(&**rights)));
                let entries = [owner].into_iter().chain(others).collect();
                self.answer("ACL", Answer::Acl(Box::new(Acl::new(mailbox, entries))));
            }
            ("SETACL", [who, rights]) => {
                let (change, letters) = match rights.strip_prefix(['+', '-']) {
                    Some(letters) => (rights.chars().next(), letters),
                    None => (None, rights.as_str()),
                };
                if let Some(odd) = letters.chars().find(|letter| !ALL_RIGHTS.contains(*letter)) {
                    return Err(Reply::bad(format!("There is no right {odd}")));
                }
                let known = held.rights.get(who).cloned().unwrap_or_default();
                let keeps = |letter: &char| match change {
                    Some('+') => known.contains(*letter) || letters.contains(*letter),
                    Some(_) => known.contains(*letter) && !letters.contains(*letter),
                    None => letters.contains(*letter),
                };
                held.rights.insert(who.clone(), ALL_RIGHTS.chars().filter(keeps).collect());
            }
            ("DELETEACL", [who]) => drop(held.rights.remove(who)),
            ("LISTRIGHTS", [who]) => {
                let optional = ALL_RIGHTS.chars().map(Rights::new).collect();
                let rights = ListRights::new(mailbox, who.clone(), Rights::default(), optional);
                self.answer("LISTRIGHTS", Answer::ListRights(Box::new(rights)));
            }
            ("MYRIGHTS", []) => self.my_rights(mailbox),
            _ => return Err(bad()),
        }
        Ok(Reply::ok("Done"))
    }

    /// `* MYRIGHTS` of one of the user's own.
    pub(super) fn my_rights(&mut self, mailbox: MailboxName) {
        self.answer("MYRIGHTS", Answer::MyRights(Box::new(MyRights::new(mailbox, Rights::new(ALL_RIGHTS)))));
    }
}

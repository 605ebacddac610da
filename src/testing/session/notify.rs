//! NOTIFY (RFC 5465): the notifications sent from now on.

use std::sync::Arc;

use crate::testing::watch::{Watch, events};
use crate::testing::world::World;
use crate::types::{Answer, Code};
use crate::wire::request::{Notify, NotifyGroup};

use super::Session;
use super::reply::{Allows, Done, Reply};

impl Session {
    pub(super) fn notify(&mut self, world: &mut World, command: Option<Notify>) -> Done {
        // RFC 5465 section 3.1: NONE requests nothing for any mailbox, including the selected one.
        let none = || Notify { status: false, groups: Vec::<NotifyGroup>::new() };
        let supported = events(|name| world.has(name));
        let Ok(watch) = Watch::new(command.unwrap_or_else(none), &supported) else {
            // RFC 5465 section 3.1: all supported events are named.
            let known = supported.into_iter().map(str::to_owned).collect();
            return Err(Reply::no(Some(Code::BadEvent(known)), "Not all of these events are supported"));
        };
        if let Some(unknown) = watch.selected.items.iter().find(|item| !self.has_item(world, item)) {
            return Err(Reply::bad(format!("An item of FETCH that is not known: {unknown:?}")));
        }
        let status = watch.status();
        // Earlier changes are reported by the previous rules: an implicit NOOP.
        self.flush(world, Allows::All);
        if let Some(line) = world.line(self.id) {
            line.watch = Some(Arc::new(watch));
        }
        if status {
            for status in world.watched(self.id) {
                self.answer("STATUS", Answer::MailboxStatus(Box::new(status)));
            }
        }
        Ok(Reply::ok("Notify set"))
    }
}

//! What programs watch changes while they run: by subscriptions, uses and names.

use std::collections::BTreeSet;

use imap_duplex::types::MailboxName;

use super::Model;
use crate::rewritten::as_it_is;

impl Model {
    /// What there is, and what each program takes of it.
    pub(super) fn taken(&self) -> (usize, Vec<BTreeSet<MailboxName>>) {
        let (there, tags) = (self.world.server.mailboxes(), &self.tags);
        let taken = self.programs.iter().map(|program| program.taken(&there, tags)).collect();
        (there.len(), taken)
    }

    /// A mailbox that was there before is watched from now on: where nothing is delivered of what
    /// is in it, it has to be looked into before anything else happens to it.
    pub(super) async fn settle(&mut self, (count, before): &(usize, Vec<BTreeSet<MailboxName>>)) {
        let (there, now) = self.taken();
        let withholds = self.lie.is_some_and(|lie| lie.withholds);
        let mut is_one = false;
        for (at, program) in self.programs.iter_mut().enumerate() {
            let more = now[at].difference(&before[at]).cloned();
            is_one |= there == *count && program.may_begin_with(more);
        }
        if !is_one {
            return;
        }
        if withholds {
            // It can't begin before the server says all.
            self.note("what the server says: as it is");
            self.world.rewrite(as_it_is);
            self.lie = None;
        }
        self.read(withholds).await;
        for program in &mut self.programs {
            program.begin_with_rest(&self.world.server, &self.tags);
        }
    }
}

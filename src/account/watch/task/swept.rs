//! What a sweep has found: which mailboxes are new, renamed or gone, and how far NOTIFY is trusted.
//!
//! In: a listing. Out: changes of mailboxes; records of those that were there before.

use std::collections::HashSet;

use tokio::time::Instant;

use super::{Delivered, SOON, WatchTask};
use crate::account::watch::change::ChangeKind;
use crate::account::watch::key::MailboxKey;
use crate::account::watch::ledger::{Delta, Ledger};
use crate::account::watch::plan::Difference;
use crate::account::watch::sweep::Swept;
use crate::types::MailboxName;

impl WatchTask {
    pub(super) async fn on_swept(&mut self, swept: Swept) -> Delivered {
        let is_first_sweep = !std::mem::replace(&mut self.has_swept, true);
        let is_first = is_first_sweep && self.is_first_run;
        self.is_swept = self.sweep_counts;
        if !self.is_swept {
            self.next_sweep = self.next_sweep.min(Instant::now() + SOON);
        }
        if let Some(outside) = swept.outside {
            let plan = &self.plan;
            self.outside.learn(outside, is_first_sweep, |key, name| plan.is_known(key, name));
        }
        let differences = self.plan.sweep(swept.found);
        self.ladder.on_swept(self.plan.has_missed());
        self.next_sweep = self.next_sweep.min(Instant::now() + self.ladder.interval(self.watch.interval));
        self.compare_followed();
        if !differences.is_empty() {
            self.renew_notify();
        }
        let mut known = Vec::new();
        for difference in differences {
            let (key, kind) = match difference {
                Difference::Created(key) if is_first || self.was_there(&key, &swept.added) => {
                    known.push(key);
                    continue;
                }
                Difference::Created(key) => (key, ChangeKind::Created),
                Difference::Renamed(key, from) => (key, ChangeKind::Renamed { from }),
                Difference::Deleted(key) => (key, ChangeKind::Deleted),
            };
            self.deliver(&key, Delta::Change(kind, None)).await?;
        }
        self.know(known).await?;
        self.before = None;
        let saved = self.unless_ended(self.shared.save_selection(&self.watch.selection)).await?;
        match saved {
            // Once is enough: it is saved after another sweep.
            Err(error) if is_first_sweep => self.report(error).await,
            _ => Ok(()),
        }
    }

    /// Whether a mailbox that is watched from now on was there before, and what is in it is not to
    /// be delivered: the last run did not watch it, or this one did not until now.
    fn was_there(&mut self, key: &MailboxKey, added: &HashSet<MailboxName>) -> bool {
        let Some(name) = self.plan.name(key).filter(|_| !self.watch.from_start) else { return false };
        self.outside.take(key, name) || added.contains(name)
    }

    /// These were there before: they are stored without a state, and so begin with what they have
    /// at the first look.
    async fn know(&mut self, known: Vec<MailboxKey>) -> Delivered {
        if known.is_empty() {
            return Ok(());
        }
        let known: Vec<_> =
            known.into_iter().filter_map(|key| Some((self.plan.name(&key).cloned()?, key))).collect();
        let know =
            |ledger: &mut Ledger| known.into_iter().map(|(name, key)| ledger.know(key, name)).collect();
        self.store::<Vec<_>>(know).await
    }
}

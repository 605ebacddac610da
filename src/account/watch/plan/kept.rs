//! What the local store asks of the plan besides: it keeps counts beyond a run, changes mailboxes
//! itself, and answers who waits until all is in step.
//!
//! In: counts of an earlier run, mailboxes that were changed. Out: whether anything is due.

use super::{Counts, Difference, Plan};
use crate::account::MailboxKey;
use crate::types::MailboxName;

impl Difference {
    pub(crate) fn key(&self) -> &MailboxKey {
        match self {
            Self::Created(key) | Self::Renamed(key, _) | Self::Deleted(key) => key,
        }
    }
}

impl Plan {
    /// A mailbox that is known from an earlier run, and the counts at its last look, if those say
    /// all.
    pub(crate) fn know_looked(
        &mut self,
        key: MailboxKey,
        name: MailboxName,
        found: Counts,
        looked: Option<Counts>,
    ) {
        self.know(key.clone(), name, found);
        // Whether a look is needed is known, so the first sweep does not decide it.
        self.change(&key, |tracked| (tracked.looked, tracked.is_swept) = (looked, true));
    }

    /// There is no such mailbox any more; one of its name is another.
    pub(crate) fn on_gone(&mut self, key: &MailboxKey) {
        if self.forget(key) {
            self.index_names();
        }
    }

    /// It has changed: it is looked into once no other look at it is under way.
    pub(crate) fn mark(&mut self, key: &MailboxKey) {
        self.change(key, |tracked| (tracked.looked, tracked.failed) = (None, false));
    }

    /// Mailboxes of which equal counts say little.
    pub(crate) fn mark_without_mod_seq(&mut self) {
        let keys: Vec<MailboxKey> = self.mailboxes.keys().cloned().collect();
        for key in keys {
            self.change(&key, |tracked| tracked.looked.take_if(|_| !tracked.found.has_mod_seq()));
        }
    }

    pub(crate) fn busy(&self) -> Vec<MailboxKey> {
        let busy = self.mailboxes.iter().filter(|(_, tracked)| tracked.busy);
        busy.map(|(key, _)| key.clone()).collect()
    }

    /// Whether a look is due because something has changed.
    pub(crate) fn has_due(&self) -> bool {
        self.due.has_now()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::account::watch::plan::{Before, Found, Pace};
    use crate::types::{ModSeq, Uid, UidValidity};

    const PACE: Pace =
        Pace { compared: Duration::from_secs(600), flags: true, uncounted: Duration::from_secs(600) };

    fn counts(mod_seq: Option<u64>) -> Counts {
        Counts {
            uid_validity: UidValidity::new(7),
            uid_next: Uid::new(5),
            messages: Some(4),
            unseen: Some(0),
            highest_mod_seq: mod_seq.and_then(ModSeq::new),
        }
    }

    /// A plan that knows a mailbox from an earlier run, after a sweep that finds these counts.
    fn swept(looked: Option<Counts>, now: Counts, id: Option<&str>) -> (Plan, Vec<Difference>) {
        let mut plan = Plan::default();
        plan.know_looked(MailboxKey::of_name(&"Work".into(), 0), "Work".into(), counts(Some(9)), looked);
        let (name, mailbox_id, before) = ("Work".into(), id.map(str::to_owned), Before::NotCompared);
        let differences = plan.sweep(vec![Found { name, mailbox_id, counts: Some(now), before }]);
        (plan, differences)
    }

    #[test]
    fn a_mailbox_is_due_after_a_run_unless_its_last_look_said_all() {
        let kept = counts(Some(9));
        assert!(!swept(Some(kept.clone()), kept.clone(), None).0.has_due());
        assert!(swept(Some(kept.clone()), counts(Some(10)), None).0.has_due());
        assert!(swept(None, kept, None).0.has_due(), "its first look had not come to its end");
    }

    #[test]
    fn a_server_that_has_got_mailboxid_has_the_same_mailboxes() {
        let (plan, differences) = swept(None, counts(Some(9)), Some("M1"));
        assert_eq!(differences, []);
        assert_eq!(plan.key(&"Work".into()), Some(&MailboxKey::of_name(&"Work".into(), 0)));
    }

    #[test]
    fn what_is_marked_is_due_once_no_look_is_under_way() {
        let (mut plan, _) = swept(Some(counts(None)), counts(None), None);
        let now = Instant::now();
        assert!(!plan.has_due());
        plan.mark_without_mod_seq();
        let key = plan.next_look(PACE, now).expect("due");
        assert_eq!(plan.busy(), std::slice::from_ref(&key));
        plan.mark(&key);
        assert!(!plan.has_due(), "a look is under way");
        plan.on_looked(&key, true);
        assert!(plan.has_due(), "it was marked meanwhile");
    }
}

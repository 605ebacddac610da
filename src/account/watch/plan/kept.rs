//! What the local store asks of the plan besides: it keeps counts beyond a run, changes mailboxes
//! itself, and answers who waits until all is in step.
//!
//! In: counts of an earlier run, mailboxes that were changed. Out: whether anything is due.

use super::{Counts, Difference, Due, Pace, Plan};
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
        if let Some(tracked) = self.mailboxes.get_mut(&key) {
            // Whether a look is needed is known, so the first sweep does not decide it.
            (tracked.looked, tracked.is_swept) = (looked, true);
        }
    }

    /// It has changed: it is looked into once no other look at it is under way.
    pub(crate) fn mark(&mut self, key: &MailboxKey) {
        if let Some(tracked) = self.mailboxes.get_mut(key) {
            (tracked.looked, tracked.failed) = (None, false);
        }
    }

    /// Mailboxes of which equal counts say little.
    pub(crate) fn mark_without_mod_seq(&mut self) {
        for (_, tracked) in self.mailboxes.iter_mut() {
            if !tracked.found.has_mod_seq() {
                tracked.looked = None;
            }
        }
    }

    pub(crate) fn busy(&self) -> Vec<MailboxKey> {
        let busy = self.mailboxes.iter().filter(|(_, tracked)| tracked.busy);
        busy.map(|(key, _)| key.clone()).collect()
    }

    /// Whether a look is due because something has changed.
    pub(crate) fn has_due(&self, pace: Pace) -> bool {
        self.mailboxes.values().any(|tracked| tracked.due(pace) == Due::Now)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::account::watch::plan::{Before, Found};
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
        plan.know_looked(MailboxKey::numbered(1), "Work".into(), counts(Some(9)), looked);
        let (name, mailbox_id, before) = ("Work".into(), id.map(str::to_owned), Before::NotCompared);
        let differences = plan.sweep(vec![Found { name, mailbox_id, counts: Some(now), before }]);
        (plan, differences)
    }

    #[test]
    fn a_mailbox_is_due_after_a_run_unless_its_last_look_said_all() {
        let kept = counts(Some(9));
        assert!(!swept(Some(kept.clone()), kept.clone(), None).0.has_due(PACE));
        assert!(swept(Some(kept.clone()), counts(Some(10)), None).0.has_due(PACE));
        assert!(swept(None, kept, None).0.has_due(PACE), "its first look had not come to its end");
    }

    #[test]
    fn a_server_that_has_got_mailboxid_has_the_same_mailboxes() {
        let (plan, differences) = swept(None, counts(Some(9)), Some("M1"));
        assert_eq!(differences, []);
        assert_eq!(plan.key(&"Work".into()), Some(&MailboxKey::numbered(1)));
    }

    #[test]
    fn what_is_marked_is_due_once_no_look_is_under_way() {
        let (mut plan, _) = swept(Some(counts(None)), counts(None), None);
        let now = Instant::now();
        assert!(!plan.has_due(PACE));
        plan.mark_without_mod_seq();
        let key = plan.next_look(PACE, now).expect("due");
        assert_eq!(plan.busy(), std::slice::from_ref(&key));
        plan.mark(&key);
        assert!(!plan.has_due(PACE), "a look is under way");
        plan.on_looked(&key, true);
        assert!(plan.has_due(PACE), "it was marked meanwhile");
    }
}

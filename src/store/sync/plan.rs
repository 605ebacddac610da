//! Which mailbox to look into next.
//!
//! ```text
//!   new, or its counts differ from those of the last look ──> due ──> looked into ──> counts noted
//!                                                              ^            │ failed
//!                                                              └── later ───┘
//! ```
//!
//! In: the mailboxes and their counts, as LIST and STATUS report them; looks that end. Out: the
//! mailbox to look into, and the mailboxes that are new, renamed or gone. No clock, no I/O.

use std::collections::BTreeMap;

use super::key::MailboxKey;
use crate::types::{MailboxName, MailboxStatus, ModSeq, Uid, UidValidity};

/// What STATUS says of a mailbox; any difference is a reason to look.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Counts {
    uid_validity: Option<UidValidity>,
    uid_next: Option<Uid>,
    messages: Option<u32>,
    unseen: Option<u32>,
    highest_mod_seq: Option<ModSeq>,
}

impl Counts {
    pub(super) fn of(status: &MailboxStatus) -> Self {
        Self {
            uid_validity: status.uid_validity,
            uid_next: status.uid_next,
            messages: status.messages,
            unseen: status.unseen,
            highest_mod_seq: status.highest_mod_seq,
        }
    }
}

impl Counts {
    /// Whether these may be of one mailbox, which has had another name before.
    fn may_be_same(&self, now: &Self) -> bool {
        // A mailbox in which nothing has ever been is like any other.
        let is_empty = self.messages.is_none_or(|messages| messages == 0);
        let uid_next = self.uid_next.is_none_or(|uid_next| Some(uid_next) == now.uid_next);
        let rest = (self.uid_validity, self.messages) == (now.uid_validity, now.messages);
        self.uid_validity.is_some() && !is_empty && uid_next && rest
    }
}

/// A mailbox as a sweep has found it.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) name: MailboxName,
    pub(super) mailbox_id: Option<String>,
    /// `None` where the server refuses to say: then there is nothing to go by.
    pub(super) counts: Option<Counts>,
}

#[derive(Debug)]
struct Tracked {
    name: MailboxName,
    /// The counts at the sweep before the last look.
    looked: Option<Counts>,
    /// The counts of the last sweep.
    found: Counts,
    /// It is being looked into, or followed.
    busy: bool,
    /// Its look has failed: not before the next sweep.
    failed: bool,
}

/// What a sweep has found to be different.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Difference {
    Created(MailboxKey),
    Renamed(MailboxKey, MailboxName),
    Deleted(MailboxKey),
}

#[derive(Debug, Default)]
pub(super) struct Plan {
    mailboxes: BTreeMap<MailboxKey, Tracked>,
    next_key: u64,
}

impl Difference {
    pub(super) fn key(&self) -> &MailboxKey {
        match self {
            Self::Created(key) | Self::Renamed(key, _) | Self::Deleted(key) => key,
        }
    }
}

impl Counts {
    /// Whether equal counts mean that nothing has changed.
    pub(super) fn has_mod_seq(&self) -> bool {
        self.highest_mod_seq.is_some()
    }
}

/// For who keeps the plan beyond a run, and changes mailboxes.
impl Plan {
    /// A mailbox that is known from an earlier run, and the counts at its last look, if those say
    /// all.
    pub(super) fn know_looked(
        &mut self,
        key: MailboxKey,
        name: MailboxName,
        found: Counts,
        looked: Option<Counts>,
    ) {
        self.know(key.clone(), name, found);
        if let Some(tracked) = self.mailboxes.get_mut(&key) {
            tracked.looked = looked;
        }
    }

    pub(super) fn counts(&self, key: &MailboxKey) -> Option<&Counts> {
        Some(&self.mailboxes.get(key)?.found)
    }

    /// It has changed: it is looked into once no other look at it is under way.
    pub(super) fn mark(&mut self, key: &MailboxKey) {
        if let Some(tracked) = self.mailboxes.get_mut(key) {
            (tracked.looked, tracked.failed) = (None, false);
        }
    }

    /// Mailboxes of which equal counts say little.
    pub(super) fn mark_without_mod_seq(&mut self) {
        for tracked in self.mailboxes.values_mut().filter(|tracked| !tracked.found.has_mod_seq()) {
            tracked.looked = None;
        }
    }

    pub(super) fn busy(&self) -> Vec<MailboxKey> {
        let busy = self.mailboxes.iter().filter(|(_, tracked)| tracked.busy);
        busy.map(|(key, _)| key.clone()).collect()
    }

    /// Whether a look is due, or under way where the mailbox is not followed.
    pub(super) fn has_due(&self) -> bool {
        self.mailboxes.values().any(is_due)
    }
}

fn is_due(tracked: &Tracked) -> bool {
    !tracked.busy && !tracked.failed && tracked.looked.as_ref() != Some(&tracked.found)
}

impl Plan {
    /// A mailbox that is known from an earlier run.
    pub(super) fn know(&mut self, key: MailboxKey, name: MailboxName, found: Counts) {
        self.next_key = self.next_key.max(key.number().map_or(0, |number| number.saturating_add(1)));
        self.mailboxes.insert(key, Tracked { name, looked: None, found, busy: false, failed: false });
    }

    pub(super) fn name(&self, key: &MailboxKey) -> Option<&MailboxName> {
        self.mailboxes.get(key).map(|tracked| &tracked.name)
    }

    pub(super) fn key(&self, name: &MailboxName) -> Option<&MailboxKey> {
        self.mailboxes.iter().find(|(_, tracked)| tracked.name == *name).map(|(key, _)| key)
    }

    /// A whole listing: what is not in it is gone.
    pub(super) fn sweep(&mut self, found: Vec<Found>) -> Vec<Difference> {
        let mut differences = Vec::new();
        let mut missing: Vec<MailboxKey> = self.mailboxes.keys().cloned().collect();
        let mut unplaced = Vec::new();
        for found in found {
            match self.same(&found) {
                Some(key) => {
                    missing.retain(|other| *other != key);
                    differences.extend(self.update(key, found));
                }
                None => unplaced.push(found),
            }
        }
        // Without MAILBOXID a rename shows by the UIDs: the same UIDVALIDITY, the same next UID.
        for found in unplaced {
            let renamed = missing.iter().position(|key| self.may_be_renamed(key, &found));
            let key = match renamed {
                Some(at) => missing.remove(at),
                None => self.create(&found, &mut differences),
            };
            differences.extend(self.update(key, found));
        }
        for key in missing {
            self.mailboxes.remove(&key);
            differences.push(Difference::Deleted(key));
        }
        differences
    }

    /// The mailbox that this is for sure: by its MAILBOXID, else by its name.
    fn same(&self, found: &Found) -> Option<MailboxKey> {
        match &found.mailbox_id {
            Some(id) => Some(MailboxKey::of_id(id)).filter(|key| self.mailboxes.contains_key(key)),
            None => self.key(&found.name).cloned(),
        }
    }

    fn may_be_renamed(&self, key: &MailboxKey, found: &Found) -> bool {
        let before = self.mailboxes.get(key).map(|tracked| &tracked.found);
        found.mailbox_id.is_none()
            && before.zip(found.counts.as_ref()).is_some_and(|(before, now)| before.may_be_same(now))
    }

    fn create(&mut self, found: &Found, differences: &mut Vec<Difference>) -> MailboxKey {
        let key = match &found.mailbox_id {
            Some(id) => MailboxKey::of_id(id),
            None => {
                self.next_key += 1;
                MailboxKey::numbered(self.next_key)
            }
        };
        self.know(key.clone(), found.name.clone(), Counts::default());
        differences.push(Difference::Created(key.clone()));
        key
    }

    fn update(&mut self, key: MailboxKey, found: Found) -> Option<Difference> {
        let tracked = self.mailboxes.get_mut(&key)?;
        tracked.failed = found.counts.is_none();
        tracked.found = found.counts.unwrap_or_default();
        let before = std::mem::replace(&mut tracked.name, found.name);
        (before != tracked.name).then_some(Difference::Renamed(key, before))
    }

    /// The next mailbox to look into; it is busy from then on.
    pub(super) fn next_look(&mut self) -> Option<MailboxKey> {
        let (key, tracked) = self.mailboxes.iter_mut().find(|(_, tracked)| is_due(tracked))?;
        tracked.busy = true;
        // What happens from now on makes other counts.
        tracked.looked = Some(tracked.found.clone());
        Some(key.clone())
    }

    /// It is followed as it changes: no looks are needed meanwhile. Whether it can be: not after a
    /// failure, until the next sweep.
    pub(super) fn follow(&mut self, key: &MailboxKey) -> bool {
        let tracked = self.mailboxes.get_mut(key).filter(|tracked| !tracked.busy && !tracked.failed);
        tracked.map(|tracked| tracked.busy = true).is_some()
    }

    /// A look has ended, or the mailbox is not followed any more.
    pub(super) fn on_looked(&mut self, key: &MailboxKey, ok: bool) {
        if let Some(tracked) = self.mailboxes.get_mut(key) {
            tracked.busy = false;
            if !ok {
                (tracked.looked, tracked.failed) = (None, true);
            }
        }
    }

    /// To be looked into again at once, whatever its counts are.
    pub(super) fn look_again(&mut self, key: &MailboxKey) {
        if let Some(tracked) = self.mailboxes.get_mut(key) {
            (tracked.busy, tracked.looked) = (false, None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str, id: Option<&str>, uid_next: u32) -> Found {
        let counts = Counts {
            uid_validity: UidValidity::new(7),
            uid_next: Uid::new(uid_next),
            messages: Some(uid_next - 1),
            ..Counts::default()
        };
        Found { name: name.into(), mailbox_id: id.map(str::to_owned), counts: Some(counts) }
    }

    #[test]
    fn a_mailbox_is_due_when_any_count_differs_and_only_then() {
        let mut plan = Plan::default();
        plan.sweep(vec![found("INBOX", None, 5)]);
        let key = plan.next_look().expect("new");
        assert_eq!(plan.next_look(), None, "it is being looked into");
        plan.on_looked(&key, true);
        assert_eq!(plan.sweep(vec![found("INBOX", None, 5)]), []);
        assert_eq!(plan.next_look(), None, "nothing has changed");
        // A server that was restored from a backup counts backwards.
        for uid_next in [6, 3] {
            plan.sweep(vec![found("INBOX", None, uid_next)]);
            assert_eq!(plan.next_look().as_ref(), Some(&key));
            plan.on_looked(&key, true);
        }
        // What changes while it is looked into is seen by the next sweep.
        plan.sweep(vec![found("INBOX", None, 9)]);
        plan.next_look().expect("due");
        plan.sweep(vec![found("INBOX", None, 10)]);
        plan.on_looked(&key, true);
        assert!(plan.next_look().is_some());
    }

    #[test]
    fn a_look_that_fails_is_repeated_after_the_next_sweep() {
        let mut plan = Plan::default();
        plan.sweep(vec![found("INBOX", None, 5)]);
        let key = plan.next_look().expect("new");
        plan.on_looked(&key, false);
        assert_eq!(plan.next_look(), None);
        plan.sweep(vec![found("INBOX", None, 5)]);
        assert_eq!(plan.next_look(), Some(key));
    }

    #[test]
    fn a_rename_keeps_the_mailbox() {
        for id in [Some("M1"), None] {
            let mut plan = Plan::default();
            plan.sweep(vec![found("INBOX", Some("M0"), 2), found("Work", id, 5)]);
            let key = plan.key(&"Work".into()).cloned().expect("known");
            let differences = plan.sweep(vec![found("INBOX", Some("M0"), 2), found("Job", id, 5)]);
            assert_eq!(differences, [Difference::Renamed(key.clone(), "Work".into())]);
            assert_eq!(plan.name(&key), Some(&"Job".into()));
        }
    }

    #[test]
    fn what_is_not_listed_is_gone_and_a_new_one_of_its_name_is_another() {
        let mut plan = Plan::default();
        plan.sweep(vec![found("Work", Some("M1"), 5)]);
        let differences = plan.sweep(vec![found("Work", Some("M2"), 5)]);
        assert_eq!(
            differences,
            [Difference::Created(MailboxKey::of_id("M2")), Difference::Deleted(MailboxKey::of_id("M1"))]
        );
        // Without MAILBOXID an empty mailbox is no renamed one.
        let mut plan = Plan::default();
        plan.sweep(vec![found("Empty", None, 1)]);
        let differences = plan.sweep(vec![found("Other", None, 1)]);
        assert!(
            matches!(&differences[..], [Difference::Created(_), Difference::Deleted(_)]),
            "{differences:?}"
        );
    }

    #[test]
    fn numbers_of_an_earlier_run_are_not_given_again() {
        let mut plan = Plan::default();
        plan.know(MailboxKey::numbered(41), "Work".into(), Counts::default());
        plan.sweep(vec![found("Work", None, 5), found("New", None, 9)]);
        assert_ne!(plan.key(&"New".into()), plan.key(&"Work".into()));
        assert_eq!(plan.key(&"New".into()).map(ToString::to_string).as_deref(), Some("n:43"));
    }
}

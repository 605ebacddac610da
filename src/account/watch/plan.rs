//! Which mailbox to look into next.
//!
//! ```text
//!   new, reported, or its counts differ from those of the last look ──> due ──> looked into ──> counts noted
//!        ^                                                               ^          │ failed
//!        └── some time after a look, where counts don't tell all         └── later ─┘
//! ```
//!
//! In: the mailboxes and their counts, as LIST and STATUS report them; what NOTIFY reports; looks
//! that end; time. Out: the mailbox to look into, and the mailboxes that are new, renamed or gone.
//! No clock, no I/O.

#[cfg(feature = "store")]
mod kept;

use std::time::{Duration, Instant};

use super::counts::Counts;
use super::few::FewMap;
use super::key::MailboxKey;
use crate::types::{MailboxName, UidValidity};

/// After so many looks in a row that failed, the program is to know of it, and nobody waits for the
/// mailbox.
const GIVEN_UP: u32 = 2;

/// How often mailboxes are looked into though their counts are the same.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Those without mod-sequences, for their flags, if these are watched; and those without UIDNEXT,
    /// in which one message may have come for another.
    pub(crate) compared: Duration,
    pub(crate) flags: bool,
    /// Those of which the server does not say the counts.
    pub(crate) uncounted: Duration,
}

/// A mailbox as a sweep has found it.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) name: MailboxName,
    pub(crate) mailbox_id: Option<String>,
    /// `None` where the server refuses to say: then it is looked into now and then.
    pub(crate) counts: Option<Counts>,
    pub(crate) before: Before,
}

/// Which mailbox this was, if its name is new and the server has no MAILBOXID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Before {
    /// Its messages have not been compared.
    NotCompared,
    /// None of those that are gone.
    None,
    Mailbox(MailboxKey),
}

#[derive(Debug)]
struct Tracked {
    name: MailboxName,
    /// The counts at the sweep before the last look.
    looked: Option<Counts>,
    looked_at: Option<Instant>,
    /// The counts that were found last, or of what an earlier run knew.
    found: Counts,
    /// The last sweep has found counts.
    is_counted: bool,
    is_swept: bool,
    /// NOTIFY has reported a change since the last sweep.
    is_reported: bool,
    /// It is being looked into, or followed.
    busy: bool,
    /// It is looked into because time has passed, and nothing was found yet.
    is_routine: bool,
    /// Its look has failed: not before the next sweep.
    failed: bool,
    /// How many looks in a row have failed.
    failures: u32,
}

/// When a mailbox is to be looked into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    Now,
    At(Instant),
    Never,
}

impl Tracked {
    fn due(&self, pace: Pace) -> Due {
        if self.busy || self.failed {
            return Due::Never;
        }
        if self.looked.as_ref() != Some(&self.found) {
            return Due::Now;
        }
        let every = match self.is_counted {
            false => Some(pace.uncounted),
            true if self.found.highest_mod_seq.is_some() => None,
            true => Some(pace.compared).filter(|_| pace.flags || self.found.uid_next.is_none()),
        };
        every.zip(self.looked_at).map_or(Due::Never, |(every, at)| Due::At(at + every))
    }
}

/// What a sweep has found to be different.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Difference {
    Created(MailboxKey),
    Renamed(MailboxKey, MailboxName),
    Deleted(MailboxKey),
}

#[derive(Debug, Default)]
pub(crate) struct Plan {
    mailboxes: FewMap<MailboxKey, Box<Tracked>>,
    next_key: u64,
    /// The last sweep has found a change that NOTIFY had not reported.
    missed: bool,
}

impl Plan {
    /// A mailbox that is known from an earlier run.
    pub(crate) fn know(&mut self, key: MailboxKey, name: MailboxName, found: Counts) {
        self.next_key = self.next_key.max(key.number().map_or(0, |number| number.saturating_add(1)));
        let tracked = Tracked {
            name,
            looked: None,
            looked_at: None,
            found,
            is_counted: true,
            is_swept: false,
            is_reported: false,
            busy: false,
            is_routine: false,
            failed: false,
            failures: 0,
        };
        self.mailboxes.insert(key, Box::new(tracked));
    }

    /// How many mailboxes there are.
    pub(super) fn len(&self) -> usize {
        self.mailboxes.len()
    }

    /// How many of those that are not followed may have changes that were not delivered: one that
    /// has been refused again and again is left out.
    pub(super) fn behind(&self, pace: Pace, is_followed: impl Fn(&MailboxKey) -> bool) -> usize {
        let is_behind = |key: &MailboxKey, tracked: &Tracked| match tracked.busy {
            true => !tracked.is_routine && !is_followed(key),
            false => tracked.failed || tracked.due(pace) == Due::Now,
        };
        let few = |tracked: &Tracked| tracked.failures < GIVEN_UP;
        self.mailboxes.iter().filter(|(key, tracked)| few(tracked) && is_behind(key, tracked)).count()
    }

    /// A look has found something. Whether nobody had expected that.
    pub(super) fn has_changed(&mut self, key: &MailboxKey) -> bool {
        self.mailboxes.get_mut(key).is_some_and(|tracked| std::mem::take(&mut tracked.is_routine))
    }

    pub(crate) fn name(&self, key: &MailboxKey) -> Option<&MailboxName> {
        self.mailboxes.get(key).map(|tracked| &tracked.name)
    }

    /// The counts that were found last, if the last sweep has found any.
    pub(crate) fn counts(&self, key: &MailboxKey) -> Option<&Counts> {
        self.mailboxes.get(key).filter(|tracked| tracked.is_counted).map(|tracked| &tracked.found)
    }

    /// Its UIDVALIDITY at the last sweep.
    pub(super) fn uid_validity(&self, key: &MailboxKey) -> Option<UidValidity> {
        self.mailboxes.get(key)?.found.uid_validity
    }

    pub(crate) fn key(&self, name: &MailboxName) -> Option<&MailboxKey> {
        self.mailboxes.iter().find(|(_, tracked)| tracked.name == *name).map(|(key, _)| key)
    }

    /// Whether the last sweep has found a change that NOTIFY had not reported.
    pub(super) fn has_missed(&self) -> bool {
        self.missed
    }

    /// A whole listing: what is not in it is gone. What is different, in an order in which each name
    /// is free before another mailbox gets it.
    pub(crate) fn sweep(&mut self, found: Vec<Found>) -> Vec<Difference> {
        self.missed = false;
        let mut created = Vec::new();
        let mut renamed = Vec::new();
        let mut missing: Vec<MailboxKey> = self.mailboxes.keys().cloned().collect();
        let mut unplaced = Vec::new();
        for found in found {
            match self.same(&found) {
                Some(key) => {
                    missing.retain(|other| *other != key);
                    renamed.extend(self.update(key, found));
                }
                None => unplaced.push(found),
            }
        }
        // Without MAILBOXID, and without messages to compare, a rename shows by the UIDs.
        for found in unplaced {
            let before = missing.iter().position(|key| self.may_be_renamed(key, &found));
            let key = match before {
                Some(at) => missing.remove(at),
                None => self.create(&found, &mut created),
            };
            renamed.extend(self.update(key, found));
        }
        for key in &missing {
            self.mailboxes.remove(key);
        }
        let deleted = missing.into_iter().map(Difference::Deleted);
        deleted.chain(self.in_order(renamed)).chain(created).collect()
    }

    /// Renames, those first whose new name no other one has yet.
    fn in_order(&self, mut renamed: Vec<(MailboxKey, MailboxName)>) -> Vec<Difference> {
        let mut ordered = Vec::new();
        while !renamed.is_empty() {
            let is_free = |(key, _): &(MailboxKey, MailboxName)| {
                let to = self.name(key);
                !renamed.iter().any(|(other, from)| other != key && Some(from) == to)
            };
            // Names that were exchanged leave no order.
            let at = renamed.iter().position(is_free).unwrap_or(0);
            let (key, from) = renamed.remove(at);
            ordered.push(Difference::Renamed(key, from));
        }
        ordered
    }

    /// The mailbox that this is for sure: by its MAILBOXID, its messages, or its name.
    fn same(&self, found: &Found) -> Option<MailboxKey> {
        let key = match (&found.mailbox_id, &found.before) {
            (Some(id), _) => Some(MailboxKey::of_id(id)),
            (None, Before::Mailbox(key)) => Some(key.clone()),
            (None, _) => self.key(&found.name).cloned(),
        };
        let by_name = || self.key(&found.name).filter(|key| key.number().is_some()).cloned();
        // The server may have got MAILBOXID since an earlier run.
        key.filter(|key| self.mailboxes.contains_key(key)).or_else(by_name)
    }

    fn may_be_renamed(&self, key: &MailboxKey, found: &Found) -> bool {
        let before = self.mailboxes.get(key).map(|tracked| &tracked.found);
        found.mailbox_id.is_none()
            && found.before == Before::NotCompared
            && before.zip(found.counts.as_ref()).is_some_and(|(before, now)| before.may_be_same(now))
    }

    fn create(&mut self, found: &Found, created: &mut Vec<Difference>) -> MailboxKey {
        let key = match &found.mailbox_id {
            Some(id) => MailboxKey::of_id(id),
            None => {
                self.next_key += 1;
                MailboxKey::numbered(self.next_key)
            }
        };
        self.know(key.clone(), found.name.clone(), Counts::default());
        created.push(Difference::Created(key.clone()));
        key
    }

    /// What it was called before, if that was otherwise.
    fn update(&mut self, key: MailboxKey, found: Found) -> Option<(MailboxKey, MailboxName)> {
        let tracked = self.mailboxes.get_mut(&key)?;
        (tracked.failed, tracked.is_counted) = (false, found.counts.is_some());
        if let Some(counts) = found.counts {
            let has_changed = tracked.is_swept && counts != tracked.found;
            self.missed |= has_changed && !tracked.is_reported && !tracked.busy;
            if !tracked.is_swept && tracked.found.is_all_of(&counts) {
                // Nothing has changed since an earlier run.
                tracked.looked = Some(counts.clone());
            }
            tracked.found = counts;
        }
        (tracked.is_swept, tracked.is_reported) = (true, false);
        let before = std::mem::replace(&mut tracked.name, found.name);
        (before != tracked.name).then_some((key, before))
    }

    /// NOTIFY has reported that this mailbox has changed. Whether it is known.
    pub(super) fn on_report(&mut self, name: &MailboxName) -> bool {
        let Some(key) = self.key(name).cloned() else { return false };
        if let Some(tracked) = self.mailboxes.get_mut(&key) {
            (tracked.looked, tracked.is_reported) = (None, true);
        }
        true
    }

    /// The next mailbox to look into; it is busy from then on.
    pub(crate) fn next_look(&mut self, pace: Pace, now: Instant) -> Option<MailboxKey> {
        let is_due = |tracked: &Tracked| match tracked.due(pace) {
            Due::Now => true,
            Due::At(at) => at <= now,
            Due::Never => false,
        };
        let (key, tracked) = self.mailboxes.iter_mut().find(|(_, tracked)| is_due(tracked))?;
        tracked.is_routine = tracked.due(pace) != Due::Now;
        (tracked.busy, tracked.looked_at) = (true, Some(now));
        tracked.looked = Some(tracked.found.clone());
        Some(key.clone())
    }

    /// When a mailbox is due next that is not due now.
    pub(super) fn next_due(&self, pace: Pace) -> Option<Instant> {
        let later = self.mailboxes.values().filter_map(|tracked| match tracked.due(pace) {
            Due::At(at) => Some(at),
            Due::Now | Due::Never => None,
        });
        later.min()
    }

    /// It is followed as it changes: no looks are needed meanwhile. Whether it can be: not after a
    /// failure, until the next sweep.
    pub(crate) fn follow(&mut self, key: &MailboxKey) -> bool {
        let tracked = self.mailboxes.get_mut(key).filter(|tracked| !tracked.busy && !tracked.failed);
        tracked.map(|tracked| tracked.busy = true).is_some()
    }

    /// A look has ended, or the mailbox is not followed any more.
    pub(crate) fn on_looked(&mut self, key: &MailboxKey, ok: bool) {
        if let Some(tracked) = self.mailboxes.get_mut(key) {
            tracked.busy = false;
            tracked.failures = if ok { 0 } else { tracked.failures.saturating_add(1) };
            if !ok {
                (tracked.looked, tracked.failed) = (None, true);
            }
        }
    }

    /// Whether the program is to know that looks into this mailbox fail: a sweep has found it since
    /// the first failure, so it is not just gone; and once is enough.
    pub(super) fn is_failing(&self, key: &MailboxKey) -> bool {
        self.mailboxes.get(key).is_some_and(|tracked| tracked.failures == GIVEN_UP)
    }

    /// To be looked into again at once, whatever its counts are.
    pub(crate) fn look_again(&mut self, key: &MailboxKey) {
        if let Some(tracked) = self.mailboxes.get_mut(key) {
            (tracked.busy, tracked.looked) = (false, None);
        }
    }
}

#[cfg(test)]
mod tests;

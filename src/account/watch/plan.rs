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

mod due;
#[cfg(feature = "store")]
mod kept;
mod listing;

use std::time::Instant;

pub(crate) use self::due::Pace;
use self::due::{Due, DueQueue, Place, Unsure};
use super::counts::Counts;
use super::few::FewMap;
use super::key::MailboxKey;
use crate::types::{MailboxName, UidValidity};

/// After so many looks in a row that failed, the program is to know of it, and no one waits for the
/// mailbox.
const GIVEN_UP: u32 = 2;

/// Once mod-sequences have stood still so often though counts changed, those of no mailbox are
/// believed: once may be a server that was restored.
const STANDS_STILL: u32 = 2;

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
    /// The counts up to which nothing is left to look for; `None`: it is looked into in any case.
    looked: Option<Counts>,
    looked_at: Option<Instant>,
    /// The counts that were found last, or of what an earlier run knew.
    found: Counts,
    /// No sweep has found it without counts.
    is_counted: bool,
    is_swept: bool,
    /// NOTIFY has reported a change since the last sweep.
    is_reported: bool,
    /// It is being looked into, or followed.
    busy: bool,
    is_followed: bool,
    /// It is looked into because time has passed, or because its connection had been lent, and
    /// nothing was found yet.
    is_routine: bool,
    /// It was in step when its connection was lent, and nothing tells of a change since.
    is_left: bool,
    /// Its look has failed: not before the next sweep or [`mark`](Plan::mark).
    failed: bool,
    /// How many looks in a row have failed.
    failures: u32,
    /// How often in a row its counts have changed, and its mod-sequence has not.
    stood_still: u32,
    /// An earlier run has not believed its mod-sequence.
    was_doubted: bool,
    /// Where it stands among those that are to be looked into.
    place: Place,
}

impl Tracked {
    /// Its counts are to become these.
    fn judge_mod_seq(&mut self, now: &Counts) {
        let before = &self.found;
        let is_same = self.is_swept && now.uid_validity == before.uid_validity;
        if !self.is_swept && self.was_doubted && now.highest_mod_seq.is_some() {
            self.stood_still = 1;
        } else if now.highest_mod_seq != before.highest_mod_seq {
            self.stood_still = 0;
        } else if is_same && now.highest_mod_seq.is_some() && now.has_changed_since(before) {
            self.stood_still = self.stood_still.saturating_add(1).min(STANDS_STILL);
        }
    }

    /// `is_suspect`: mod-sequences of this server don't tell all.
    fn due(&self, is_suspect: bool) -> Due {
        if self.busy || self.failed {
            return Due::Never;
        }
        if self.looked.as_ref() != Some(&self.found) {
            return Due::Now;
        }
        let unsure = match self.is_counted {
            false => Unsure::Uncounted,
            true if self.stood_still > 0 || is_suspect => Unsure::Flags,
            true if self.found.highest_mod_seq.is_some() => return Due::Never,
            true if self.found.uid_next.is_none() => Unsure::Messages,
            true => Unsure::Flags,
        };
        match self.looked_at {
            Some(at) => Due::After(unsure, at),
            // Its counts were there, and are not any more.
            None if unsure == Unsure::Uncounted => Due::Now,
            None => Due::Never,
        }
    }

    /// Whether it may have changes that were not delivered: one that has been refused again and
    /// again is left out, and one that is followed says so itself.
    fn is_behind(&self) -> bool {
        let is_behind = match self.busy {
            true => !self.is_routine && !self.is_followed,
            false => self.failed || self.due(false) == Due::Now && !self.is_left,
        };
        is_behind && self.failures < GIVEN_UP
    }
}

/// What a sweep has found to be different.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Difference {
    Created(MailboxKey),
    Renamed(MailboxKey, MailboxName),
    Deleted(MailboxKey),
}

#[derive(Debug)]
struct Entry(Box<Tracked>);

impl std::ops::Deref for Entry {
    type Target = Tracked;

    fn deref(&self) -> &Tracked {
        #[cfg(test)]
        steps::count();
        &self.0
    }
}

impl std::ops::DerefMut for Entry {
    fn deref_mut(&mut self) -> &mut Tracked {
        #[cfg(test)]
        steps::count();
        &mut self.0
    }
}

#[derive(Debug, Default)]
pub(crate) struct Plan {
    mailboxes: FewMap<MailboxKey, Entry>,
    /// The first mailbox of each name.
    names: FewMap<MailboxName, MailboxKey>,
    /// For those that need no look at first.
    begun: Option<Instant>,
    due: DueQueue,
    /// How many mailboxes are behind.
    behind: usize,
    /// The last sweep has found a change that NOTIFY had not reported.
    missed: bool,
    /// How often mod-sequences of all mailboxes have stood still, each as it counts that.
    stood_still: u32,
    /// So often that those of other mailboxes can't be believed either.
    is_suspect: bool,
}

impl Plan {
    /// Adds a mailbox: with what an earlier run knew of it, or a new one.
    pub(crate) fn know(&mut self, key: MailboxKey, name: MailboxName, found: Counts) {
        if self.forget(&key) {
            self.index_names();
        }
        if self.names.get(&name).is_none_or(|first| key < *first) {
            self.names.insert(name.clone(), key.clone());
        }
        let tracked = Tracked {
            name,
            looked: None,
            looked_at: self.begun,
            found,
            is_counted: true,
            is_swept: false,
            is_reported: false,
            busy: false,
            is_followed: false,
            is_routine: false,
            is_left: false,
            failed: false,
            failures: 0,
            stood_still: 0,
            was_doubted: false,
            place: self.due.moved(&key, Place::Nowhere, Due::Now),
        };
        self.behind += 1;
        self.mailboxes.insert(key, Entry(Box::new(tracked)));
    }

    /// Changes what is known of this mailbox. When it is due follows from that.
    fn change<R>(&mut self, key: &MailboxKey, change: impl FnOnce(&mut Tracked) -> R) -> Option<R> {
        let tracked: &mut Tracked = self.mailboxes.get_mut(key)?;
        let (was_behind, had_stood) = (usize::from(tracked.is_behind()), tracked.stood_still);
        let result = change(tracked);
        self.behind = (self.behind + usize::from(tracked.is_behind())).saturating_sub(was_behind);
        self.stood_still = (self.stood_still + tracked.stood_still).saturating_sub(had_stood);
        tracked.place = self.due.moved(key, tracked.place, tracked.due(self.is_suspect));
        Some(result)
    }

    /// Whether it was known.
    fn forget(&mut self, key: &MailboxKey) -> bool {
        let Some(tracked) = self.mailboxes.remove(key) else { return false };
        let tracked: &Tracked = &tracked;
        self.behind = self.behind.saturating_sub(usize::from(tracked.is_behind()));
        self.stood_still = self.stood_still.saturating_sub(tracked.stood_still);
        self.due.moved(key, tracked.place, Due::Never);
        true
    }

    /// After names have changed.
    fn index_names(&mut self) {
        self.names = FewMap::default();
        for (key, tracked) in self.mailboxes.iter() {
            if !self.names.contains_key(&tracked.name) {
                self.names.insert(tracked.name.clone(), key.clone());
            }
        }
    }

    /// How many mailboxes there are.
    pub(super) fn len(&self) -> usize {
        self.mailboxes.len()
    }

    /// How many of those that are not followed may have changes that were not delivered: one that
    /// has been refused again and again is left out.
    pub(super) fn behind(&self) -> usize {
        self.behind
    }

    /// A look has found something. Whether no one had expected that.
    pub(super) fn has_changed(&mut self, key: &MailboxKey) -> bool {
        self.change(key, |tracked| std::mem::take(&mut tracked.is_routine)).unwrap_or(false)
    }

    pub(crate) fn name(&self, key: &MailboxKey) -> Option<&MailboxName> {
        self.mailboxes.get(key).map(|tracked| &tracked.name)
    }

    /// In the order of their keys.
    pub(super) fn names(&self) -> impl Iterator<Item = (&MailboxKey, &MailboxName)> {
        self.mailboxes.iter().map(|(key, tracked)| (key, &tracked.name))
    }

    /// Which one has been due for the longest time because something has changed.
    pub(super) fn first_due(&self) -> Option<&MailboxKey> {
        self.due.first_now()
    }

    /// Whether the mod-sequence of this mailbox can't be believed: all its flags are to be
    /// compared.
    pub(crate) fn doubts_mod_seq(&self, key: &MailboxKey) -> bool {
        self.is_suspect || self.mailboxes.get(key).is_some_and(|tracked| tracked.stood_still > 0)
    }

    /// What an earlier run knew of this mailbox is without its mod-sequence: if it has one, that
    /// was not believed.
    pub(super) fn was_doubted(&mut self, key: &MailboxKey) {
        self.change(key, |tracked| tracked.was_doubted = true);
    }

    /// After a sweep: whether mod-sequences stand still at this server.
    fn judge_server(&mut self) {
        let is_suspect = self.stood_still >= STANDS_STILL;
        if std::mem::replace(&mut self.is_suspect, is_suspect) != is_suspect {
            for key in self.mailboxes.keys().cloned().collect::<Vec<_>>() {
                self.change(&key, |_| ());
            }
        }
    }

    /// They are looked into from this time on.
    pub(super) fn begin(&mut self, now: Instant) {
        self.begun = Some(now);
    }

    /// The counts that were found last; `None` if a sweep has found none since.
    pub(crate) fn counts(&self, key: &MailboxKey) -> Option<&Counts> {
        self.mailboxes.get(key).filter(|tracked| tracked.is_counted).map(|tracked| &tracked.found)
    }

    /// Its UIDVALIDITY at the last sweep.
    pub(super) fn uid_validity(&self, key: &MailboxKey) -> Option<UidValidity> {
        self.mailboxes.get(key)?.found.uid_validity
    }

    pub(crate) fn key(&self, name: &MailboxName) -> Option<&MailboxKey> {
        self.names.get(name)
    }

    /// Whether this mailbox, or one of this name, was there at the last sweep.
    pub(super) fn is_known(&self, key: &MailboxKey, name: &MailboxName) -> bool {
        self.mailboxes.contains_key(key) || self.key(name).is_some()
    }

    /// Whether the last sweep has found a change that NOTIFY had not reported.
    pub(super) fn has_missed(&self) -> bool {
        self.missed
    }

    /// NOTIFY has reported that this mailbox has changed. Whether it is known.
    pub(super) fn on_report(&mut self, name: &MailboxName) -> bool {
        let Some(key) = self.key(name).cloned() else { return false };
        self.change(&key, |tracked| {
            (tracked.looked, tracked.is_reported, tracked.is_left) = (None, true, false);
        })
        .is_some()
    }

    /// The next mailbox to look into; it is busy from then on.
    pub(crate) fn next_look(&mut self, pace: Pace, now: Instant) -> Option<MailboxKey> {
        let (key, is_routine) = self.due.next(pace, now)?;
        let key = key.clone();
        self.change(&key, |tracked| {
            tracked.is_routine = is_routine || std::mem::take(&mut tracked.is_left);
            (tracked.busy, tracked.looked_at) = (true, Some(now));
            tracked.looked = Some(tracked.found.clone());
        })?;
        Some(key)
    }

    /// When a mailbox is due next that waits only for time to pass.
    pub(super) fn next_due(&self, pace: Pace) -> Option<Instant> {
        self.due.next_after(pace)
    }

    /// It is followed as it changes: no looks are needed meanwhile. Whether it can be: not while it
    /// is looked into or followed, nor after a failure until the next sweep.
    pub(crate) fn follow(&mut self, key: &MailboxKey) -> bool {
        if !self.mailboxes.get(key).is_some_and(|tracked| !tracked.busy && !tracked.failed) {
            return false;
        }
        self.change(key, |tracked| (tracked.busy, tracked.is_followed) = (true, true)).is_some()
    }

    /// A look has ended, or the mailbox is not followed any more.
    pub(crate) fn on_looked(&mut self, key: &MailboxKey, ok: bool) {
        self.change(key, |tracked| {
            (tracked.busy, tracked.is_followed, tracked.is_left) = (false, false, false);
            tracked.failures = if ok { 0 } else { tracked.failures.saturating_add(1) };
            if !ok {
                (tracked.looked, tracked.failed) = (None, true);
            }
        });
    }

    /// Whether the program is to know that looks into this mailbox fail: a sweep has found it since
    /// the first failure, so it is not just gone; and once is enough.
    pub(super) fn is_failing(&self, key: &MailboxKey) -> bool {
        self.mailboxes.get(key).is_some_and(|tracked| tracked.failures == GIVEN_UP)
    }

    /// To be looked into again at once, whatever its counts are.
    pub(crate) fn look_again(&mut self, key: &MailboxKey) {
        self.change(key, |tracked| {
            (tracked.busy, tracked.is_followed, tracked.looked) = (false, false, None);
            tracked.is_left = false;
        });
    }

    /// The same of one that was followed and in step: its connection is lent, and nothing tells of
    /// a change.
    pub(super) fn leave(&mut self, key: &MailboxKey) {
        self.look_again(key);
        self.change(key, |tracked| tracked.is_left = true);
    }

    /// Whether that is so still.
    pub(super) fn is_left(&self, key: &MailboxKey) -> bool {
        self.mailboxes.get(key).is_some_and(|tracked| tracked.is_left)
    }
}

#[cfg(test)]
mod steps;
#[cfg(test)]
mod tests;

//! Which mailbox of those that are known each one is that a sweep has found.
//!
//! ```text
//!   found ──> its MAILBOXID, or its messages ──> its name ──> its UIDs ──> else it is new
//! ```
//!
//! In: a whole listing. Out: what is different. The work for each mailbox is a search in a tree or
//! a table, so that ten thousand of them cost ten times as much as a thousand.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};

use super::{Before, Counts, Difference, Found, MailboxKey, Plan};
use crate::account::watch::counts::Contents;
use crate::types::MailboxName;

/// Mailboxes that have lost their names, by what is in them.
#[derive(Default)]
struct Nameless(HashMap<Contents, VecDeque<MailboxKey>>);

impl Nameless {
    /// One of these may be this mailbox, which has another name now.
    fn take(&mut self, found: &Found) -> Option<MailboxKey> {
        if found.mailbox_id.is_some() || found.before != Before::NotCompared {
            return None;
        }
        let contents = found.counts.as_ref()?.contents()?;
        let first = |contents: &Contents| Some((self.0.get(contents)?.front()?.clone(), *contents));
        // Of some UIDNEXT is not known.
        let both = [first(&contents), first(&contents.without_uid_next())];
        let (_, contents) = both.into_iter().flatten().min_by(|(one, _), (other, _)| one.cmp(other))?;
        self.0.get_mut(&contents)?.pop_front()
    }
}

impl Plan {
    /// A whole listing: what is not in it is gone. What is different, in an order in which each
    /// name is free before another mailbox gets it.
    pub(crate) fn sweep(&mut self, found: Vec<Found>) -> Vec<Difference> {
        self.missed = false;
        let mut created = Vec::new();
        let mut renamed = Vec::new();
        let mut missing: BTreeSet<MailboxKey> = self.mailboxes.keys().cloned().collect();
        let mut unplaced = distinct(found);
        // What is sure goes first: then a name that is left is no other mailbox's.
        for same in [Self::surely_same, Self::same_by_name] {
            for found in std::mem::take(&mut unplaced) {
                match same(self, &found).filter(|key| missing.remove(key)) {
                    Some(key) => renamed.extend(self.update(key, found)),
                    None => unplaced.push(found),
                }
            }
        }
        // Without MAILBOXID, and without messages to compare, a rename shows by the UIDs.
        let mut nameless = if unplaced.is_empty() { Nameless::default() } else { self.nameless(&missing) };
        for found in unplaced {
            let key = match nameless.take(&found) {
                Some(key) => {
                    missing.remove(&key);
                    key
                }
                None => self.create(&found, &mut created),
            };
            renamed.extend(self.update(key, found));
        }
        for key in &missing {
            self.forget(key);
        }
        self.judge_server();
        if !(missing.is_empty() && renamed.is_empty()) {
            self.index_names();
        }
        let deleted = missing.into_iter().map(Difference::Deleted);
        deleted.chain(self.in_order(renamed)).chain(created).collect()
    }

    fn nameless(&self, missing: &BTreeSet<MailboxKey>) -> Nameless {
        let mut nameless = Nameless::default();
        for key in missing {
            let contents = self.mailboxes.get(key).and_then(|tracked| tracked.found.contents());
            if let Some(contents) = contents {
                nameless.0.entry(contents).or_default().push_back(key.clone());
            }
        }
        nameless
    }

    /// The mailbox that this is by its MAILBOXID, or by its messages.
    fn surely_same(&self, found: &Found) -> Option<MailboxKey> {
        let key = match (&found.mailbox_id, &found.before) {
            (Some(id), _) => MailboxKey::of_id(id),
            (None, Before::Mailbox(key)) => key.clone(),
            (None, _) => return None,
        };
        self.mailboxes.contains_key(&key).then_some(key)
    }

    fn same_by_name(&self, found: &Found) -> Option<MailboxKey> {
        // The server may have got MAILBOXID since an earlier run.
        let may_be = |key: &&MailboxKey| found.mailbox_id.is_none() || key.is_ours();
        self.key(&found.name).filter(may_be).cloned()
    }

    fn create(&mut self, found: &Found, created: &mut Vec<Difference>) -> MailboxKey {
        let key = match &found.mailbox_id {
            Some(id) => MailboxKey::of_id(id),
            None => self.key_by_name(&found.name),
        };
        self.know(key.clone(), found.name.clone(), Counts::default());
        created.push(Difference::Created(key.clone()));
        key
    }

    /// A key that no mailbox has, not even one that is gone by this listing.
    fn key_by_name(&mut self, name: &MailboxName) -> MailboxKey {
        let mut others = 0;
        loop {
            let key = MailboxKey::of_name(name, others);
            if !self.mailboxes.contains_key(&key) {
                return key;
            }
            others += 1;
        }
    }

    /// What it was called before, if that was otherwise.
    fn update(&mut self, key: MailboxKey, found: Found) -> Option<(MailboxKey, MailboxName)> {
        let (before, has_missed) = self.change(&key, |tracked| {
            let mut has_missed = false;
            (tracked.failed, tracked.is_counted) = (false, found.counts.is_some());
            if let Some(counts) = found.counts {
                tracked.judge_mod_seq(&counts);
                let has_changed = tracked.is_swept && counts != tracked.found;
                has_missed = has_changed && !tracked.is_reported && !tracked.busy;
                if !tracked.is_swept && tracked.found.is_all_of(&counts) {
                    // Nothing has changed since an earlier run.
                    tracked.looked = Some(counts.clone());
                }
                tracked.is_left &= counts == tracked.found;
                tracked.found = counts;
            }
            (tracked.is_swept, tracked.is_reported) = (true, false);
            let has_other = tracked.name != found.name;
            let before = std::mem::replace(&mut tracked.name, found.name);
            (has_other.then_some(before), has_missed)
        })?;
        self.missed |= has_missed;
        before.map(|before| (key, before))
    }

    /// Renames, those first whose new name no other one has yet.
    fn in_order(&self, renamed: Vec<(MailboxKey, MailboxName)>) -> Vec<Difference> {
        let had: HashMap<&MailboxName, usize> =
            renamed.iter().enumerate().map(|(at, (_, from))| (from, at)).collect();
        let waits_for: Vec<Option<usize>> =
            renamed.iter().map(|(key, _)| had.get(self.name(key)?).copied()).collect();
        let mut waiting: Vec<Option<Difference>> =
            renamed.into_iter().map(|(key, from)| Some(Difference::Renamed(key, from))).collect();
        let (mut ordered, mut chain) = (Vec::new(), Vec::new());
        for first in 0..waiting.len() {
            let mut next = Some(first);
            // Names that were exchanged leave no order: then this ends where it began.
            while let Some(at) = next
                && let Some(difference) = waiting.get_mut(at).and_then(Option::take)
            {
                chain.push(difference);
                next = waits_for.get(at).copied().flatten();
            }
            ordered.extend(chain.drain(..).rev());
        }
        ordered
    }
}

/// Without what contradicts itself: a name that is listed twice is one mailbox, and what is given
/// to two mailboxes is no identifier.
fn distinct(mut found: Vec<Found>) -> Vec<Found> {
    let mut names = HashSet::new();
    found.retain(|found| names.insert(found.name.clone()));
    let (mut ids, mut shared) = (HashSet::new(), HashSet::new());
    for id in found.iter().filter_map(|found| found.mailbox_id.as_ref()) {
        if !ids.insert(id) {
            shared.insert(id.clone());
        }
    }
    for found in &mut found {
        found.mailbox_id.take_if(|id| shared.contains(id));
    }
    found
}

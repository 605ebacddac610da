//! VANISHED: messages expunged by UID (RFC 7162 section 3.2.10), known or not.

use std::ops::Range;

use super::entry::PackedMessage;
use super::mirror::seq_at;
use super::{MAX_REMOVALS, Vanished, View};
use crate::types::{Uid, UidSet};

/// The messages to remove, collected in ascending order of positions.
#[derive(Default)]
struct Leaving {
    /// Their positions, as ranges that don't touch.
    places: Vec<Range<usize>>,
    expunged: Vec<Vanished>,
    /// Runs of messages without UID some of which are expunged: which ones is unknown.
    unsure: Vec<Range<usize>>,
}

impl Leaving {
    fn add(&mut self, places: Range<usize>) {
        match self.places.last_mut() {
            Some(last) if last.end == places.start => last.end = places.end,
            _ => self.places.push(places),
        }
    }
}

impl View {
    /// VANISHED: removes these messages and returns them, the last one first, with the sequence
    /// number that each had then. UIDs that fit no message are skipped: such a message arrived and
    /// was expunged unreported.
    ///
    /// Between two known UIDs there may be messages without UID. It is known how many of them are
    /// expunged, but not which ones: their sequence numbers are not reported, and what was recorded
    /// of the others by number, slots included, is forgotten rather than guessed.
    ///
    /// With the view off the count drops by the count of UIDs: each UID of a VANISHED is one
    /// message.
    ///
    /// O(log n) for each range of UIDs and each stretch of messages that it meets, and O(1) for
    /// each expunged message.
    pub(crate) fn vanished(&mut self, uids: &UidSet) -> Vec<Vanished> {
        if let Some(count) = self.mirror.counted {
            return self.vanished_uncharted(count, uids);
        }
        let mut leaving = Leaving::default();
        let mut from = Uid::new(1);
        while let Some((first, last)) = from.and_then(|from| next_range(uids, from)) {
            from = self.vanished_from(first, last, uids, &mut leaving);
        }
        let Leaving { places, mut expunged, unsure } = leaving;
        if expunged.is_empty() {
            return Vec::new();
        }
        for run in &unsure {
            let slot = |at: usize| self.mirror.messages.get(at).map_or(0, |entry| entry.slot);
            let (first, last) = (slot(run.start), slot(run.end - 1));
            self.mirror.messages.update_range(run.clone(), |_, entry| entry.forget());
            self.mirror.invalidate_slots(first, last);
        }
        let numbers = places.iter().rev().flat_map(|range| range.clone().rev());
        self.removals.extend(numbers.map(|at| u32::try_from(at + 1).unwrap_or(u32::MAX)));
        self.mirror.messages.remove_ranges(&places);
        self.generation += 1;
        if !unsure.is_empty() || self.removals.len() > MAX_REMOVALS {
            self.invalidate_removals();
        }
        expunged.reverse();
        expunged
    }

    /// Only the count is known.
    fn vanished_uncharted(&mut self, count: u32, uids: &UidSet) -> Vec<Vanished> {
        let named = uids.len();
        let fewer = u32::try_from(named).unwrap_or(u32::MAX).min(count);
        if fewer == 0 {
            return Vec::new();
        }
        self.mirror.counted = Some(count - fewer);
        self.generation += 1;
        self.invalidate_removals();
        let sure = named == u64::from(fewer);
        uids.iter()
            .rev()
            .take(fewer as usize)
            .map(|uid| Vanished { seq: None, uid: Some(uid).filter(|_| sure) })
            .collect()
    }

    /// Earlier sequence numbers can no longer be translated.
    pub(super) fn invalidate_removals(&mut self) {
        self.forgotten = self.removed() + 1;
        self.removals.clear();
    }

    /// Collects the named messages between the known UIDs around `first`, then the stretch of known
    /// messages up to `last`. Returns the UID to continue from.
    fn vanished_from(&self, first: Uid, last: Uid, uids: &UidSet, leaving: &mut Leaving) -> Option<Uid> {
        let messages = &self.mirror.messages;
        let at = self.mirror.find(first).unwrap_or_else(|at| at);
        let after = messages.get(at).and_then(PackedMessage::uid);
        if after != Some(first) {
            let before = messages.before(at).last_uid;
            self.vanished_in(self.mirror.behind(before)..at, before, after, uids, leaving);
        }
        // No message from `at` on has a known UID: nothing is left to do.
        let after = after?;
        if after > last {
            return Some(after);
        }
        let unknown = messages.before(at).without_uid;
        let end = messages.find(|totals| totals.without_uid > unknown).unwrap_or(messages.len());
        let mut to = at;
        for (place, entry) in (at..end).zip(messages.range(at..end)) {
            let Some(uid) = entry.uid().filter(|uid| *uid <= last) else { break };
            leaving.expunged.push(Vanished { seq: seq_at(place), uid: Some(uid) });
            to = place + 1;
        }
        leaving.add(at..to);
        let highest = messages.get(to - 1).and_then(PackedMessage::uid)?;
        Uid::new(highest.get().checked_add(1)?)
    }

    /// Collects the expunged messages of a run without UIDs.
    fn vanished_in(
        &self,
        run: Range<usize>,
        before: u32,
        after: Option<Uid>,
        uids: &UidSet,
        leaving: &mut Leaving,
    ) {
        let (Some(first), Some(last)) =
            (Uid::new(before.saturating_add(1)), Uid::new(after.map_or(u32::MAX, |uid| uid.get() - 1)))
        else {
            return;
        };
        if run.is_empty() || first > last {
            return;
        }
        let named = uids.within(first, last);
        let count = usize::try_from(named.len()).unwrap_or(usize::MAX).min(run.len());
        if count == 0 {
            return;
        }
        let sure = count == run.len();
        // With more UIDs than messages it is unknown which of the UIDs existed.
        let exact = named.len() == count as u64;
        let mut uids = named.iter();
        // These messages are indistinguishable, except that those that arrived after the opening
        // are the last ones.
        let fresh_from = self.fresh_from(&run);
        let (old, fresh) = (fresh_from - run.start, run.end - fresh_from);
        let old_ones = self.boundary.old_ones(&named, count, old, fresh);
        for places in [fresh_from - old_ones..fresh_from, run.end - (count - old_ones)..run.end] {
            for i in places.clone() {
                let uid = if exact { uids.next() } else { None };
                leaving.expunged.push(Vanished { seq: if sure { seq_at(i) } else { None }, uid });
            }
            if !places.is_empty() {
                leaving.add(places);
            }
        }
        if !sure {
            leaving.unsure.push(run);
        }
    }
}

/// The first UID of the set that is at least `from`, and the end of its range.
fn next_range(uids: &UidSet, from: Uid) -> Option<(Uid, Uid)> {
    let ranges = uids.raw();
    let &(first, last) = ranges.get(ranges.partition_point(|range| range.1 < from.get()))?;
    Some((Uid::new(first)?.max(from), Uid::new(last)?))
}

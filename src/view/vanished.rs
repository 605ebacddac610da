//! VANISHED: messages that go by UID (RFC 7162 section 3.2.10), known or not.

use std::ops::Range;

use super::entry::PackedMessage;
use super::mirror::seq_at;
use super::{MOST_REMOVALS, Vanished, View};
use crate::types::{Uid, UidSet};

/// What goes, collected in ascending order of places.
#[derive(Default)]
struct Leaving {
    /// Where, as ranges that don't touch.
    places: Vec<Range<usize>>,
    gone: Vec<Vanished>,
    /// Runs of untold messages some of which go: which ones can't be known.
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
    /// VANISHED: takes these messages out, and tells which, the last one first, with the number
    /// that each had then. UIDs that the mailbox can't hold are passed over: such a message came
    /// and went untold.
    ///
    /// Between two known UIDs there may be messages whose UID has not been told. That some of them
    /// are gone can be counted, but which ones can't be known: their numbers are not told, and what
    /// was known by number of the others is forgotten rather than guessed, their slots included.
    ///
    /// With the view off the count goes down by as many as are named: each UID of a VANISHED is one
    /// message less.
    ///
    /// O(log n) for each range of UIDs and each stretch of messages that it meets, and O(1) for
    /// each that goes.
    pub(crate) fn vanished(&mut self, uids: &UidSet) -> Vec<Vanished> {
        if let Some(count) = self.mirror.counted {
            return self.vanished_uncharted(count, uids);
        }
        let mut leaving = Leaving::default();
        let mut from = Uid::new(1);
        while let Some((first, last)) = from.and_then(|from| next_range(uids, from)) {
            from = self.vanished_from(first, last, uids, &mut leaving);
        }
        let Leaving { places, mut gone, unsure } = leaving;
        if gone.is_empty() {
            return Vec::new();
        }
        for run in &unsure {
            let slot = |at: usize| self.mirror.messages.get(at).map_or(0, |entry| entry.slot);
            let (first, last) = (slot(run.start), slot(run.end - 1));
            self.mirror.messages.update_range(run.clone(), |_, entry| entry.forget());
            self.mirror.lose(first, last);
        }
        let numbers = places.iter().rev().flat_map(|range| range.clone().rev());
        self.removals.extend(numbers.map(|at| u32::try_from(at + 1).unwrap_or(u32::MAX)));
        self.mirror.messages.remove_ranges(&places);
        self.generation += 1;
        if !unsure.is_empty() || self.removals.len() > MOST_REMOVALS {
            self.void_removals();
        }
        gone.reverse();
        gone
    }

    /// Nothing is known but the count.
    fn vanished_uncharted(&mut self, count: u32, uids: &UidSet) -> Vec<Vanished> {
        let named = uids.len();
        let fewer = u32::try_from(named).unwrap_or(u32::MAX).min(count);
        if fewer == 0 {
            return Vec::new();
        }
        self.mirror.counted = Some(count - fewer);
        self.generation += 1;
        self.void_removals();
        let sure = named == u64::from(fewer);
        uids.iter()
            .rev()
            .take(fewer as usize)
            .map(|uid| Vanished { seq: None, uid: Some(uid).filter(|_| sure) })
            .collect()
    }

    /// Numbers given before can't be corrected any more.
    pub(super) fn void_removals(&mut self) {
        self.forgotten = self.removed() + 1;
        self.removals.clear();
    }

    /// What goes between the known UIDs around `first`, which is named, and then the stretch of
    /// known messages up to `last`, all of which are named. Gives the UID to go on from.
    fn vanished_from(&self, first: Uid, last: Uid, uids: &UidSet, leaving: &mut Leaving) -> Option<Uid> {
        let messages = &self.mirror.messages;
        let at = self.mirror.find(first).unwrap_or_else(|at| at);
        let after = messages.get(at).and_then(PackedMessage::uid);
        if after != Some(first) {
            let before = messages.before(at).last_uid;
            self.vanished_in(self.mirror.behind(before)..at, before, after, uids, leaving);
        }
        // Nothing is known from `at` on: that was the last of it.
        let after = after?;
        if after > last {
            return Some(after);
        }
        let untold = messages.before(at).untold;
        let end = messages.find(|totals| totals.untold > untold).unwrap_or(messages.len());
        let mut to = at;
        for (place, entry) in (at..end).zip(messages.range(at..end)) {
            let Some(uid) = entry.uid().filter(|uid| *uid <= last) else { break };
            leaving.gone.push(Vanished { seq: seq_at(place), uid: Some(uid) });
            to = place + 1;
        }
        leaving.add(at..to);
        let highest = messages.get(to - 1).and_then(PackedMessage::uid)?;
        Uid::new(highest.get().checked_add(1)?)
    }

    /// How many of a run of untold messages have vanished, and that they have.
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
        // More UIDs than messages: which of them were there is not known.
        let exact = named.len() == count as u64;
        let mut told = named.iter();
        // The messages can't be told from each other, but those that came after the opening from
        // those that did not.
        let fresh_from = self.fresh_from(&run);
        let (old, fresh) = (fresh_from - run.start, run.end - fresh_from);
        let old_ones = self.line.old_ones(&named, count, old, fresh);
        for places in [fresh_from - old_ones..fresh_from, run.end - (count - old_ones)..run.end] {
            for i in places.clone() {
                let uid = if exact { told.next() } else { None };
                leaving.gone.push(Vanished { seq: if sure { seq_at(i) } else { None }, uid });
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

/// The first UID of the set that is not below `from`, and the end of its range.
fn next_range(uids: &UidSet, from: Uid) -> Option<(Uid, Uid)> {
    let ranges = uids.raw();
    let &(first, last) = ranges.get(ranges.partition_point(|range| range.1 < from.get()))?;
    Some((Uid::new(first)?.max(from), Uid::new(last)?))
}

//! Setting UIDs: for all messages, in windows, or from rows without sequence numbers.

use std::ops::Range;

use super::entry::PackedMessage;
use super::mirror::{index, seq_at};
use super::{Contradiction, View};
use crate::types::{Flags, Seq, Uid, UidSet};

/// The gap that the last row with a new UID was in, for the next one: rows come in order.
#[derive(Debug, Default)]
pub(super) struct Gap {
    /// The positions without UID.
    places: Range<usize>,
    /// The UID behind them, which is known; or one more than there can be.
    after: u64,
    /// The gap is as it was as long as these are.
    generation: u64,
    without_uid: u32,
}

impl View {
    /// Sets the UIDs of all messages, in order, if their count is the mailbox's. With the view off
    /// nothing is stored.
    pub(crate) fn fill(&mut self, uids: &UidSet) -> Result<(), Contradiction> {
        if uids.len() != u64::from(self.len()) {
            return Err(Contradiction);
        }
        self.take_over(0..self.mirror.messages.len(), uids)
    }

    /// Sets the UIDs of the messages with these sequence numbers, in order, if their count is
    /// right, they agree with those already known, and they fit between the known ones before and
    /// after. Else nothing changes. With the view off nothing is stored.
    pub(crate) fn fill_window(&mut self, first: Seq, last: Seq, uids: &UidSet) -> Result<(), Contradiction> {
        let count = (u64::from(last.get()) + 1).saturating_sub(u64::from(first.get()));
        if last.get() > self.len() || uids.len() != count {
            return Err(Contradiction);
        }
        let end = (index(last) + 1).min(self.mirror.messages.len());
        self.take_over(index(first)..end, uids)
    }

    fn take_over(&mut self, places: Range<usize>, uids: &UidSet) -> Result<(), Contradiction> {
        let (Some(first), Some(last)) = (uids.first(), uids.last()) else { return Ok(()) };
        if self.mirror.counted.is_some() {
            return Ok(());
        }
        let (min, max) = self.mirror.room(places.start, places.end);
        let mut pairs = self.mirror.messages.range(places.clone()).zip(uids.iter());
        if u64::from(first.get()) < min
            || u64::from(last.get()) > max
            || !pairs.all(|(entry, uid)| entry.uid().is_none_or(|known| known == uid))
        {
            return Err(Contradiction);
        }
        let mut uids = uids.iter();
        self.mirror.messages.update_range(places, |_, entry| {
            if let Some(uid) = uids.next() {
                entry.set_uid(uid);
            }
        });
        Ok(())
    }

    /// Messages that arrived after the opening and whose UID was set by [`fill`](Self::fill), each
    /// once. O(log n) for each of them.
    pub(crate) fn take_fresh(&mut self) -> Vec<(Seq, Uid, Option<Flags>)> {
        let mut fresh = Vec::new();
        while let Some(at) = self.mirror.messages.find(|totals| totals.arrived > 0) {
            let entry = self.mirror.messages.update(at, |entry| {
                entry.take_fresh();
                *entry
            });
            if let (Some(seq), Some(entry)) = (seq_at(at), entry)
                && let Some(uid) = entry.uid().filter(|uid| self.boundary.is_new(*uid))
            {
                fresh.push((seq, uid, self.mirror.flags_of(&entry)));
            }
        }
        fresh
    }

    /// Whether this UID fits between the known neighbours: UIDs ascend with the sequence numbers
    /// (RFC 9051 section 2.3.1.1). `previous`: the message before, if there is one.
    pub(super) fn could_be(&mut self, place: usize, previous: Option<PackedMessage>, uid: Uid) -> bool {
        let room = self.room_behind_known(place, previous);
        let (min, max) = room.unwrap_or_else(|| self.mirror.room(place, place + 1));
        (min..=max).contains(&u64::from(uid.get()))
    }

    /// The same as [`Mirror::room`](super::Mirror::room) of one message without UID, where that of
    /// the one before is known: as while rows come in order.
    fn room_behind_known(&mut self, place: usize, previous: Option<PackedMessage>) -> Option<(u64, u64)> {
        let before = previous.map_or(Some(0), |previous| Some(previous.uid()?.get()))?;
        let is_as_it_was = (self.gap.generation, self.gap.without_uid)
            == (self.generation, self.mirror.totals().without_uid);
        if !is_as_it_was || !self.gap.places.contains(&place) {
            self.gap = self.gap_at(place, before)?;
        }
        let between = self.gap.places.end.checked_sub(place + 1)? as u64;
        Some((u64::from(before) + 1, (self.gap.after - 1).saturating_sub(between)))
    }

    /// The gap that begins here, behind the message with the UID `before`.
    fn gap_at(&self, place: usize, before: u32) -> Option<Gap> {
        let messages = &self.mirror.messages;
        let (end, after) = match messages.find_item(|totals| totals.last_uid > before) {
            Some((at, next)) => (at, u64::from(next.uid()?.get())),
            None => (messages.len(), 1 << 32),
        };
        let without_uid = self.mirror.totals().without_uid;
        Some(Gap { places: place..end, after, generation: self.generation, without_uid })
    }

    /// The first message of the gap is about to get its UID.
    pub(super) fn narrow_gap(&mut self, place: usize) {
        if self.gap.places.start == place && !self.gap.places.is_empty() {
            self.gap.places.start += 1;
            self.gap.without_uid = self.gap.without_uid.saturating_sub(1);
        }
    }

    /// The position of the message with this UID, for a row without sequence number (RFC 9586
    /// section 3.4): where the UID is known, or where no other position fits. Between two known
    /// UIDs, each earlier message needs a lower UID, and each later one a higher UID; if only one
    /// position meets that, it is the right one.
    pub(super) fn place_of(&self, uid: Uid) -> Option<usize> {
        let end = match self.mirror.find(uid) {
            Ok(at) => return Some(at),
            Err(end) => end,
        };
        let messages = &self.mirror.messages;
        let before = messages.before(end).last_uid;
        let start = self.mirror.behind(before);
        let after =
            messages.get(end).and_then(|entry| entry.uid()).map_or(1 << 32, |uid| u64::from(uid.get()));
        let last = (end - start).checked_sub(1)?;
        let (lower, higher) = (u64::from(uid.get() - before - 1), after - u64::from(uid.get()) - 1);
        let at_least = last.saturating_sub(usize::try_from(higher).unwrap_or(usize::MAX));
        let at_most = last.min(usize::try_from(lower).unwrap_or(usize::MAX));
        (at_least == at_most).then_some(start + at_least)
    }
}

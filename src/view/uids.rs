//! Setting UIDs: for all messages, in windows, or from rows without sequence numbers.

use std::ops::Range;

use super::entry::PackedMessage;
use super::mirror::{index, seq_at};
use super::{Contradiction, View};
use crate::types::{Flags, Seq, Uid, UidSet};

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
    pub(super) fn could_be(&self, place: usize, previous: Option<&PackedMessage>, uid: Uid) -> bool {
        let room = self.room_behind_known(place, previous);
        let (min, max) = room.unwrap_or_else(|| self.mirror.room(place, place + 1));
        (min..=max).contains(&u64::from(uid.get()))
    }

    /// The same as [`Mirror::room`](super::Mirror::room) of one message without UID, where that of
    /// the one before is known: as while rows come in order.
    fn room_behind_known(&self, place: usize, previous: Option<&PackedMessage>) -> Option<(u64, u64)> {
        let messages = &self.mirror.messages;
        let before = previous.map_or(Some(0), |previous| Some(previous.uid()?.get()))?;
        let (end, after) = match messages.find(|totals| totals.last_uid > before) {
            Some(at) => (at, u64::from(messages.get(at)?.uid()?.get())),
            None => (messages.len(), 1 << 32),
        };
        let between = end.checked_sub(place + 1)? as u64;
        Some((u64::from(before) + 1, (after - 1).saturating_sub(between)))
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

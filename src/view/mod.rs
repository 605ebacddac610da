//! The view: the state of the selected mailbox, sequence number <-> UID <-> flags.
//!
//! In: the content of untagged responses, in the order received (RFC 9051 section 7.5.1 for
//! numbers, RFC 7162 section 3.2.10 for VANISHED). Out: the changes, for events; look-ups, for
//! claims and commands; snapshots, for users. It depends on no socket and no event; of commands it
//! uses only the sets of messages that they name.
//!
//! ```text
//! EXISTS grows it ──> entries without UID ("fresh") ── a row with UID, fill ──> arrived
//!
//!   View ── Mirror ── tree (a counted B-tree) of entry (20 bytes)      Snapshot: a Mirror at one moment
//!             └────── keywords (sets of them by number)
//! ```
//!
//! Every operation is O(log n), however many messages have known UIDs, and a snapshot is O(1). A
//! view that is *off* counts the messages and stores nothing else.

mod arrivals;
#[cfg(feature = "__bench")]
pub mod bench;
mod diff;
mod entry;
mod keywords;
mod mirror;
mod prior_flags;
mod renumber;
mod snapshot;
mod tree;
mod uids;
mod vanished;

use std::cmp::Ordering;

use arrivals::Boundary;
pub use diff::{Changed, Diff};
use entry::PackedMessage;
use keywords::Interner;
pub(crate) use mirror::Entry;
#[cfg(test)]
pub(crate) use mirror::MessageKey;
use mirror::{Mirror, index, seq_at};
pub(crate) use renumber::renumber;
pub use snapshot::{Snapshot, SnapshotIter, SnapshotMessage};
use uids::Gap;

use crate::types::{Flags, Message, ModSeq, Place, Seq, SeqSet, SnapshotRange, Uid, UidSet, UidValidity};

/// The view of one selection of a mailbox.
#[derive(Debug, Default)]
pub(crate) struct View {
    mirror: Mirror,
    interner: Interner,
    /// Determines which messages are new.
    boundary: Boundary,
    /// The last slot assigned; slots begin with 1.
    last_slot: u32,
    /// Grows with each change of sequence numbers or of the count, so that an outdated query can be
    /// recognised.
    generation: u64,
    /// The sequence numbers removed, in order, for commands submitted before the removals.
    removals: Vec<u32>,
    /// The count of removals before the first of `removals`.
    forgotten: u64,
    gap: Gap,
}

/// The changes made by a FETCH row.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct FetchUpdate {
    /// The row's sequence number was beyond the count: the mailbox has grown.
    pub(crate) grown: bool,
    /// The UID, now known, of a message that arrived after the opening.
    pub(crate) arrived: Option<Uid>,
    /// The flags before, where the row has flags that differ or were not known: `Some(None)` for
    /// the latter.
    pub(crate) flags: Option<Option<Flags>>,
    /// The row has a newer mod-sequence without the flags that belong to it: the known flags may be
    /// older.
    pub(crate) ahead: bool,
    /// The row contradicts the view.
    pub(crate) contradiction: bool,
}

/// An expunged message: its former sequence number and its UID, where they are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Vanished {
    pub(crate) seq: Option<Seq>,
    pub(crate) uid: Option<Uid>,
}

/// A response contradicts the view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Contradiction;

/// How many removals are stored. Beyond it, earlier sequence numbers can't be translated.
const MAX_REMOVALS: usize = 1 << 20;

/// How far beyond the count a FETCH row may point; beyond that the row is a contradiction.
const MAX_BEYOND: usize = 1000;

impl View {
    /// A mailbox just opened with this many messages; nothing else is known of them.
    pub(crate) fn opened(exists: u32) -> Self {
        let mut view = Self { mirror: Mirror::new(None), ..Self::default() };
        view.grow(exists, false);
        view
    }

    /// A view that only counts. EXISTS, EXPUNGE and VANISHED update the count, and earlier sequence
    /// numbers can be translated until the first VANISHED; UIDs, flags and slots are never known,
    /// and no UIDs are to be queried.
    pub(crate) fn off(exists: u32) -> Self {
        Self { mirror: Mirror::new(Some(exists)), generation: 1, ..Self::default() }
    }

    /// The view of the same mailbox after a contradiction. Messages that arrived after the opening
    /// and are unreported are recognised by their UIDs, unless the caller compares the old view
    /// with the new one itself.
    pub(crate) fn reopened(&self, exists: u32, compared: bool) -> Self {
        let mut view = Self::off(exists);
        if self.mirror.counted.is_none() {
            let boundary = self.boundary_after_reset(!compared);
            view = Self { mirror: Mirror::new(None), ..Self::default() };
            view.grow(exists, boundary.is_by_uid());
            view.boundary = boundary;
        }
        // Earlier sequence numbers are invalid, so that no earlier removal can be requested.
        Self { forgotten: self.removed() + 1, generation: self.generation + 1, ..view }
    }

    /// The current state: O(1), and unaffected by later changes.
    pub(crate) fn snapshot(
        &self,
        place: Place,
        uid_validity: Option<UidValidity>,
        highest_mod_seq: Option<ModSeq>,
    ) -> Snapshot {
        Snapshot { mirror: self.mirror.clone(), place, uid_validity, highest_mod_seq }
    }

    /// The count of messages.
    pub(crate) fn len(&self) -> u32 {
        self.mirror.len()
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// EXISTS. Returns whether the count grew.
    ///
    /// A smaller count is a contradiction: only EXPUNGE and VANISHED reduce it (RFC 9051 section
    /// 7.4.1).
    pub(crate) fn exists(&mut self, count: u32) -> Result<bool, Contradiction> {
        match count.cmp(&self.len()) {
            Ordering::Less => Err(Contradiction),
            Ordering::Equal => Ok(false),
            Ordering::Greater => {
                self.grow(count, true);
                Ok(true)
            }
        }
    }

    fn grow(&mut self, count: u32, fresh: bool) {
        self.generation += 1;
        let more = count - self.len().min(count);
        if let Some(counted) = &mut self.mirror.counted {
            *counted = count;
            return;
        }
        if self.last_slot.checked_add(more).is_none() {
            self.renumber_slots();
        }
        let slots = self.last_slot + 1..=self.last_slot.saturating_add(more);
        self.last_slot = *slots.end();
        self.mirror.messages.extend(slots.map(|slot| PackedMessage::new(slot, fresh)));
    }

    /// Assigns new slots and invalidates all earlier ones: 2³² messages have arrived in this
    /// selection.
    fn renumber_slots(&mut self) {
        let mut slots = 1..;
        self.mirror.messages.update_range(0..self.mirror.messages.len(), |_, entry| {
            entry.slot = slots.next().unwrap_or(u32::MAX);
        });
        self.last_slot = self.len();
        self.mirror.invalidate_all_slots();
    }

    /// EXPUNGE: removes the message with this sequence number.
    pub(crate) fn expunge(&mut self, seq: Seq) -> Result<Entry, Contradiction> {
        let entry = match &mut self.mirror.counted {
            Some(count) if seq.get() <= *count => {
                *count -= 1;
                Entry::default()
            }
            Some(_) => return Err(Contradiction),
            None => {
                let packed = self.mirror.messages.remove(index(seq)).ok_or(Contradiction)?;
                self.mirror.unpacked(&packed)
            }
        };
        self.generation += 1;
        self.removals.push(seq.get());
        if self.removals.len() > MAX_REMOVALS {
            self.invalidate_removals();
        }
        Ok(entry)
    }

    /// FETCH: applies a row.
    ///
    /// A row without a sequence number (RFC 9586) is applied if its UID is known or fits only one
    /// message. With the view off each row's flags count as changed.
    pub(crate) fn learn(&mut self, row: &Message) -> FetchUpdate {
        let mut update = FetchUpdate::default();
        let place = match (row.seq(), row.uid()) {
            (Some(seq), _) => {
                // Some servers send the row before its EXISTS. A number far beyond the count is no
                // such row: it would make a server's mistake take all memory.
                let beyond = (seq.get() as usize).saturating_sub(self.len() as usize);
                if beyond > MAX_BEYOND {
                    return FetchUpdate { contradiction: true, ..update };
                }
                if beyond > 0 {
                    self.grow(seq.get(), true);
                    update.grown = true;
                }
                Some(index(seq))
            }
            (None, Some(uid)) => self.place_of(uid),
            (None, None) => None,
        };
        if self.mirror.counted.is_some() {
            update.flags = row.flags().map(|_| None);
            return update;
        }
        let Some(place) = place else { return update };
        let Some((&entry, previous)) = self.mirror.messages.seek(place) else { return update };
        let previous = previous.copied();
        let new_uid = match (entry.uid(), row.uid()) {
            (None, Some(uid)) if self.could_be(place, previous, uid) => Some(uid),
            (known, uid) if uid.is_none() || known == uid => None,
            _ => return FetchUpdate { contradiction: true, ..update },
        };
        let flags = row.flags().map(|flags| (flags, self.mirror.flags_of(&entry)));
        let flags = flags.filter(|(now, before)| before.as_ref() != Some(*now));
        let mut now = entry;
        if let Some(uid) = new_uid {
            now.set_uid(uid);
            self.narrow_gap(place);
            update.arrived = (now.take_fresh() && self.boundary.is_new(uid)).then_some(uid);
        }
        if let Some(mod_seq) = row.mod_seq() {
            now.raise_mod_seq(mod_seq);
            update.ahead =
                row.flags().is_none() && entry.flags().is_some() && now.mod_seq() > entry.mod_seq();
        }
        if let Some((flags, before)) = flags {
            // First, as it may renumber the sets.
            let keywords = self.keywords_of(flags);
            now.set_flags(keywords.map(|keywords| (flags, keywords)));
            update.flags = Some(before);
        } else if now == entry {
            return update;
        }
        self.mirror.messages.update(place, |entry| *entry = now);
        update
    }

    /// The number of these flags' keyword set: 0 for none; `None` if the table is full.
    fn keywords_of(&mut self, flags: &Flags) -> Option<u32> {
        let Some(names) = flags.shared_keywords() else { return Some(0) };
        if let Some(number) = self.interner.known(names) {
            return Some(number);
        }
        let Mirror { messages, keywords, .. } = &mut self.mirror;
        if self.interner.is_due(messages.len()) {
            self.interner.sweep(keywords, messages);
        }
        self.interner.add(keywords, names)
    }

    /// The known state of the message with this sequence number.
    pub(crate) fn get(&self, seq: Seq) -> Option<Entry> {
        self.mirror.get(seq)
    }

    /// The UID of the message with this sequence number, if known.
    pub(crate) fn uid(&self, seq: Seq) -> Option<Uid> {
        self.mirror.packed(seq)?.uid()
    }

    /// The sequence number of the message with this UID.
    pub(crate) fn seq(&self, uid: Uid) -> Option<Seq> {
        self.mirror.seq(uid)
    }

    /// The slot of the message with this sequence number, which names it as long as it exists.
    #[cfg(test)]
    pub(crate) fn slot(&self, seq: Seq) -> Option<MessageKey> {
        self.mirror.slot(seq)
    }

    /// The sequence number of the message with this slot. `None` if it is expunged, or may be.
    #[cfg(test)]
    pub(crate) fn seq_of_slot(&self, slot: MessageKey) -> Option<Seq> {
        self.mirror.seq_of_slot(slot)
    }

    /// The current sequence numbers of these messages, without those expunged. `None` if slots
    /// among them were invalidated.
    pub(crate) fn seqs_of_slots(&self, slots: &SnapshotRange) -> Option<SeqSet> {
        self.mirror.seqs_of_slots(slots)
    }

    /// Sets the flags of a message; returns those before if they differ. With the view off they
    /// always count as different.
    pub(crate) fn set_flags(&mut self, seq: Seq, flags: Flags) -> Option<Option<Flags>> {
        if self.mirror.counted.is_some() {
            return (seq.get() <= self.len()).then_some(None);
        }
        let before = self.mirror.flags_of(self.mirror.packed(seq)?);
        if before.as_ref() == Some(&flags) {
            return None;
        }
        let keywords = self.keywords_of(&flags);
        let flags = keywords.map(|keywords| (&flags, keywords));
        self.mirror.messages.update(index(seq), |entry| entry.set_flags(flags));
        Some(before)
    }

    /// The first and the last message without UID. None with the view off, which stores no UIDs.
    pub(crate) fn unknown(&self) -> Option<(Seq, Seq)> {
        let messages = &self.mirror.messages;
        let without_uid = self.mirror.totals().without_uid;
        let first = messages.find(|totals| totals.without_uid > 0)?;
        let last = messages.find(|totals| totals.without_uid >= without_uid)?;
        seq_at(first).zip(seq_at(last))
    }

    /// The highest known UID of the messages before this sequence number.
    pub(crate) fn uid_before(&self, seq: Seq) -> Option<Uid> {
        Uid::new(self.mirror.messages.before(index(seq)).last_uid)
    }

    /// Whether any UID is known.
    pub(crate) fn has_uids(&self) -> bool {
        self.mirror.totals().last_uid > 0
    }

    /// Whether one of these messages is known to exist. O(log n) for each range.
    pub(crate) fn has_any_of(&self, uids: &UidSet) -> bool {
        uids.ranges().any(|range| match self.mirror.find(*range.start()) {
            Ok(_) => true,
            Err(at) => seq_at(at).and_then(|seq| self.uid(seq)).is_some_and(|uid| uid <= *range.end()),
        })
    }

    /// Whether one of these messages may exist: it is known to, or its UID lies where some are not
    /// known. O(log n) for each range.
    pub(crate) fn may_have_any_of(&self, uids: &UidSet) -> bool {
        let may_be_unknown = |(first, last): (Seq, Seq)| {
            let after = Seq::new(last.get().saturating_add(1)).and_then(|seq| self.uid(seq));
            let (above, below) =
                (self.uid_before(first).map_or(0, Uid::get), after.map_or(u32::MAX, Uid::get));
            uids.ranges().any(|range| range.end().get() > above && range.start().get() < below)
        };
        self.has_any_of(uids) || self.unknown().is_some_and(may_be_unknown)
    }

    /// The count of removals since the mailbox was opened.
    pub(crate) fn removed(&self) -> u64 {
        self.forgotten + self.removals.len() as u64
    }

    /// How many messages there have been, those that have been removed included.
    pub(crate) fn ever(&self) -> u64 {
        u64::from(self.len()) + self.removed()
    }

    /// The sequence numbers removed since there had been `then` removals, in order; `None` if they
    /// are no longer stored.
    pub(crate) fn removed_since(&self, then: u64) -> Option<&[u32]> {
        self.removals.get(usize::try_from(then.checked_sub(self.forgotten)?).ok()?..)
    }

    /// Drops the stored removals, once no earlier command needs them.
    pub(crate) fn forget_removals(&mut self) {
        self.forgotten = self.removed();
        self.removals.clear();
    }
}

#[cfg(test)]
mod tests;

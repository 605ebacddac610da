//! The view: the mirror of the selected mailbox, sequence number <-> UID <-> flags.
//!
//! In: what untagged responses say, in the order of their coming (RFC 9051 section 7.5.1 for
//! numbers, RFC 7162 section 3.2.10 for VANISHED). Out: what changed by it, for the events; the
//! look-ups that claims and commands need; and snapshots for anyone. It knows no sockets, no
//! commands and no events.
//!
//! ```text
//!   EXISTS grows it ──> entries without UID ("fresh") ── a row with UID, fill ──> arrived
//!   EXPUNGE n, VANISHED uids take entries out; those behind move up by one
//!
//!   View ── Mirror ── tree (a counted B-tree) of entry (20 bytes)      Snapshot: a Mirror of one moment
//!             └────── keywords (sets of them by number)
//! ```
//!
//! Every operation is O(log n), whatever is known and whatever is not, and a snapshot is O(1). A
//! view that is *off* counts the messages and keeps nothing else.

mod arrivals;
#[cfg(feature = "__bench")]
pub mod bench;
mod diff;
mod entry;
mod keywords;
mod mirror;
mod prior_flags;
mod snapshot;
mod tree;
mod uids;
mod vanished;

use std::cmp::Ordering;

use arrivals::Line;
pub use diff::{Changed, Diff};
use entry::PackedMessage;
use keywords::Interner;
pub(crate) use mirror::Entry;
#[cfg(test)]
pub(crate) use mirror::MessageKey;
use mirror::{Mirror, index, seq_at};
pub use snapshot::{Snapshot, SnapshotMessage};

use crate::types::{Flags, Message, ModSeq, Place, Seq, SeqSet, SnapshotRange, Uid, UidSet, UidValidity};

/// The mirror of one selection of a mailbox.
#[derive(Debug, Default)]
pub(crate) struct View {
    mirror: Mirror,
    interner: Interner,
    /// Which messages are new.
    line: Line,
    /// The last slot that was given; slots begin with 1.
    last_slot: u32,
    /// Grows whenever numbers shift or the count does, so that an answer asked for earlier can be
    /// seen to be stale.
    generation: u64,
    /// The numbers that were removed, in order, for commands that were submitted before they went.
    removals: Vec<u32>,
    /// How many removals came before the first of `removals`.
    forgotten: u64,
}

/// What a FETCH row changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct FetchUpdate {
    /// The row named a message beyond the count: the mailbox has grown.
    pub(crate) grown: bool,
    /// The UID of a message that came after the opening is known now.
    pub(crate) arrived: Option<Uid>,
    /// The flags before, where the row told flags that differ or were not known: `Some(None)` for
    /// the latter.
    pub(crate) flags: Option<Option<Flags>>,
    /// The row told a newer mod-sequence, and not the flags that go with it: those that are known
    /// may be older.
    pub(crate) ahead: bool,
    /// The row can't be true of the mailbox as the view knows it.
    pub(crate) contradiction: bool,
}

/// A message that vanished: the number that it had, and its UID, where these can be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Vanished {
    pub(crate) seq: Option<Seq>,
    pub(crate) uid: Option<Uid>,
}

/// A response that can't be true of the mailbox as the view knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Contradiction;

/// How many removals are remembered. Past it, numbers from before mean nothing any more.
const MOST_REMOVALS: usize = 1 << 20;

/// How far beyond the count a FETCH row may point; past it the row contradicts what is known.
const MOST_BEYOND: usize = 1000;

impl View {
    /// A mailbox just opened, with this many messages; nothing else is known of them.
    pub(crate) fn opened(exists: u32) -> Self {
        let mut view = Self { mirror: Mirror::new(None), ..Self::default() };
        view.grow(exists, false);
        view
    }

    /// A view that only counts. EXISTS, EXPUNGE and VANISHED keep the count, and numbers given
    /// before can be corrected as long as no VANISHED comes; UIDs, flags and slots are never known,
    /// and nothing is to be filled in.
    pub(crate) fn off(exists: u32) -> Self {
        Self { mirror: Mirror::new(Some(exists)), generation: 1, ..Self::default() }
    }

    /// The same mailbox, begun anew because what was known of it can't be true. Messages that came
    /// after the opening, and whose coming has not been told, are found by their UIDs, unless
    /// whoever has this view compares what was known itself.
    pub(crate) fn reopened(&self, exists: u32, compared: bool) -> Self {
        let mut view = Self::off(exists);
        if self.mirror.counted.is_none() {
            let line = self.line_anew(!compared);
            view = Self { mirror: Mirror::new(None), ..Self::default() };
            view.grow(exists, line.is_by_uid());
            view.line = line;
        }
        // Numbers given before mean nothing any more: no removal can be asked for.
        Self { forgotten: self.removed() + 1, generation: self.generation + 1, ..view }
    }

    /// What it knows at this moment: O(1), and untouched by what comes later.
    pub(crate) fn snapshot(
        &self,
        place: Place,
        uid_validity: Option<UidValidity>,
        highest_mod_seq: Option<ModSeq>,
    ) -> Snapshot {
        Snapshot { mirror: self.mirror.clone(), place, uid_validity, highest_mod_seq }
    }

    /// How many messages there are.
    pub(crate) fn len(&self) -> u32 {
        self.mirror.len()
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// EXISTS. Whether the count grew.
    ///
    /// A smaller count than known can't be: only EXPUNGE and VANISHED make it smaller (RFC 9051
    /// section 7.4.1).
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
            self.give_slots_anew();
        }
        let slots = self.last_slot + 1..=self.last_slot.saturating_add(more);
        self.last_slot = *slots.end();
        self.mirror.messages.extend(slots.map(|slot| PackedMessage::new(slot, fresh)));
    }

    /// Four thousand million messages have come in this selection. The slots begin anew, and those
    /// from before are void.
    fn give_slots_anew(&mut self) {
        let mut slots = 1..;
        self.mirror.messages.update_range(0..self.mirror.messages.len(), |_, entry| {
            entry.slot = slots.next().unwrap_or(u32::MAX);
        });
        self.last_slot = self.len();
        self.mirror.lose_all();
    }

    /// EXPUNGE: takes the message with this number out.
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
        if self.removals.len() > MOST_REMOVALS {
            self.void_removals();
        }
        Ok(entry)
    }

    /// FETCH: what the row tells of its message.
    ///
    /// A row without a number (RFC 9586) is taken if the place of its UID is known or can be no
    /// other. With the view off each row's flags are news.
    pub(crate) fn learn(&mut self, row: &Message) -> FetchUpdate {
        let mut learned = FetchUpdate::default();
        let place = match (row.seq(), row.uid()) {
            (Some(seq), _) => {
                // Some servers send the row before the EXISTS that it belongs to. A number far
                // beyond is no such row: it would make memory out of nothing.
                let beyond = (seq.get() as usize).saturating_sub(self.len() as usize);
                if beyond > MOST_BEYOND {
                    return FetchUpdate { contradiction: true, ..learned };
                }
                if beyond > 0 {
                    self.grow(seq.get(), true);
                    learned.grown = true;
                }
                Some(index(seq))
            }
            (None, Some(uid)) => self.place_of(uid),
            (None, None) => None,
        };
        if self.mirror.counted.is_some() {
            learned.flags = row.flags().map(|_| None);
            return learned;
        }
        let Some((place, entry)) = place.and_then(|place| Some((place, *self.mirror.messages.get(place)?)))
        else {
            return learned;
        };
        let told = match (entry.uid(), row.uid()) {
            (None, Some(told)) if self.could_be(place, told) => Some(told),
            (known, told) if told.is_none() || known == told => None,
            _ => return FetchUpdate { contradiction: true, ..learned },
        };
        let flags = row.flags().map(|flags| (flags, self.mirror.flags_of(&entry)));
        let flags = flags.filter(|(now, before)| before.as_ref() != Some(*now));
        let mut now = entry;
        if let Some(told) = told {
            now.set_uid(told);
            learned.arrived = (now.take_fresh() && self.line.is_new(told)).then_some(told);
        }
        if let Some(mod_seq) = row.mod_seq() {
            now.raise_mod_seq(mod_seq);
            learned.ahead =
                row.flags().is_none() && entry.flags().is_some() && now.mod_seq() > entry.mod_seq();
        }
        if let Some((flags, before)) = flags {
            // First, as it may sweep the numbers of the sets.
            let keywords = self.keywords_of(flags);
            now.set_flags(keywords.map(|keywords| (flags, keywords)));
            learned.flags = Some(before);
        } else if now == entry {
            return learned;
        }
        self.mirror.messages.update(place, |entry| *entry = now);
        learned
    }

    /// The number of these flags' set of keywords: 0 for none; `None` if there is no room for it.
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

    /// What is known of the message with this number.
    pub(crate) fn get(&self, seq: Seq) -> Option<Entry> {
        self.mirror.get(seq)
    }

    /// The UID of the message with this number, if it has been told.
    pub(crate) fn uid(&self, seq: Seq) -> Option<Uid> {
        self.mirror.packed(seq)?.uid()
    }

    /// The number of the message with this UID.
    pub(crate) fn seq(&self, uid: Uid) -> Option<Seq> {
        self.mirror.seq(uid)
    }

    /// The slot of the message with this number: names it until it goes, whatever its number is
    /// then.
    #[cfg(test)]
    pub(crate) fn slot(&self, seq: Seq) -> Option<MessageKey> {
        self.mirror.slot(seq)
    }

    /// The number of the message with this slot. `None` if it is gone, or may be.
    #[cfg(test)]
    pub(crate) fn seq_of_slot(&self, slot: MessageKey) -> Option<Seq> {
        self.mirror.seq_of_slot(slot)
    }

    /// The numbers that these messages have now, of those that are there. `None` if they can't be
    /// told from others.
    pub(crate) fn seqs_of_slots(&self, slots: &SnapshotRange) -> Option<SeqSet> {
        self.mirror.seqs_of_slots(slots)
    }

    /// Changes the flags of a message; gives those before if that makes a difference. With the view
    /// off it always does.
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

    /// The first and the last message whose UID has not been told. None with the view off: there is
    /// nothing to learn.
    pub(crate) fn unknown(&self) -> Option<(Seq, Seq)> {
        let messages = &self.mirror.messages;
        let untold = self.mirror.totals().untold;
        let first = messages.find(|totals| totals.untold > 0)?;
        let last = messages.find(|totals| totals.untold >= untold)?;
        seq_at(first).zip(seq_at(last))
    }

    /// The highest UID that has been told of a message before this number.
    pub(crate) fn uid_before(&self, seq: Seq) -> Option<Uid> {
        Uid::new(self.mirror.messages.before(index(seq)).last_uid)
    }

    /// Whether any UID has been told.
    pub(crate) fn knows_uids(&self) -> bool {
        self.mirror.totals().last_uid > 0
    }

    /// Whether one of these is known to be there. O(log n) for each range.
    pub(crate) fn has_any_of(&self, uids: &UidSet) -> bool {
        uids.ranges().any(|range| match self.mirror.find(*range.start()) {
            Ok(_) => true,
            Err(at) => seq_at(at).and_then(|seq| self.uid(seq)).is_some_and(|uid| uid <= *range.end()),
        })
    }

    /// How many messages have been removed since the mailbox was opened.
    pub(crate) fn removed(&self) -> u64 {
        self.forgotten + self.removals.len() as u64
    }

    /// The numbers that were removed since there had been `then` removals, in order; `None` if that
    /// is too long ago to be known.
    pub(crate) fn removed_since(&self, then: u64) -> Option<&[u32]> {
        self.removals.get(usize::try_from(then.checked_sub(self.forgotten)?).ok()?..)
    }

    /// Forgets the removals, once nobody can ask for them any more.
    pub(crate) fn forget_removals(&mut self) {
        self.forgotten = self.removed();
        self.removals.clear();
    }
}

#[cfg(test)]
mod tests;

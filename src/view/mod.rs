//! The view: the mirror of the selected mailbox, sequence number <-> UID <-> flags.
//!
//! In: what untagged responses say, in the order of their coming (RFC 9051 section 7.5.1 for numbers,
//! RFC 7162 section 3.2.10 for VANISHED). Out: what changed by it, for the events, and the look-ups that
//! claims and commands need. It knows no sockets, no commands and no events. For now a plain `Vec`: O(n)
//! to remove, O(log n) to look up.
//!
//! ```text
//!   EXISTS grows it ──> entries without UID ("fresh") ── a row with UID ──> arrived
//!   EXPUNGE n, VANISHED uids take entries out; those behind move up by one
//! ```

#[allow(dead_code, unused_imports, reason = "the view is put on it by the next change")]
mod tree;

use std::cmp::Ordering;

use crate::types::{Flags, Message, ModSeq, Seq, Uid, UidSet};

/// One message as the view knows it. `None` is "not told", never "empty".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) uid: Option<Uid>,
    pub(crate) flags: Option<Flags>,
    pub(crate) mod_seq: Option<ModSeq>,
    /// Came after the mailbox was opened, and nobody has been told of its UID yet.
    fresh: bool,
}

/// The mirror of one selection of a mailbox.
#[derive(Debug, Default)]
pub(crate) struct View {
    entries: Vec<Entry>,
    /// How many entries have no UID yet: none, and look-ups need no second thought.
    unknown: usize,
    /// Grows whenever numbers shift or the count does, so that an answer asked for earlier can be seen to
    /// be stale.
    generation: u64,
    /// The numbers that were removed, in order, for commands that were submitted before they went.
    removals: Vec<u32>,
    /// How many removals came before the first of `removals`.
    forgotten: u64,
}

/// What a FETCH row changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Learned {
    /// The row named a message beyond the count: the mailbox has grown.
    pub(crate) grown: bool,
    /// The UID of a message that came after the opening is known now.
    pub(crate) arrived: Option<Uid>,
    /// The flags before, where the row told flags that differ or were not known: `Some(None)` for the
    /// latter.
    pub(crate) flags: Option<Option<Flags>>,
    /// The row can't be true of the mailbox as the view knows it.
    pub(crate) contradiction: bool,
}

/// A message that vanished: the number that it had, and its UID, where these can be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gone {
    pub(crate) seq: Option<Seq>,
    pub(crate) uid: Option<Uid>,
}

/// A response that can't be true of the mailbox as the view knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Contradiction;

/// How far beyond the count a FETCH row may point; past it the row contradicts what is known.
const MOST_BEYOND: usize = 1000;

impl View {
    /// A mailbox just opened, with this many messages; nothing else is known of them.
    pub(crate) fn opened(exists: u32) -> Self {
        let mut view = Self::default();
        view.grow(exists as usize, false);
        view
    }

    /// The same mailbox, begun anew because what was known of it can't be true.
    pub(crate) fn reopened(exists: u32, removed: u64, generation: u64) -> Self {
        let view = Self::opened(exists);
        // Numbers given before mean nothing any more: no removal can be asked for.
        Self { forgotten: removed + 1, generation: generation + 1, ..view }
    }

    /// How many messages there are.
    pub(crate) fn len(&self) -> u32 {
        u32::try_from(self.entries.len()).unwrap_or(u32::MAX)
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// EXISTS. Whether the count grew.
    ///
    /// A smaller count than known can't be: only EXPUNGE and VANISHED make it smaller (RFC 9051 section
    /// 7.4.1).
    pub(crate) fn exists(&mut self, count: u32) -> Result<bool, Contradiction> {
        match count.cmp(&self.len()) {
            Ordering::Less => Err(Contradiction),
            Ordering::Equal => Ok(false),
            Ordering::Greater => {
                self.grow(count as usize, true);
                Ok(true)
            }
        }
    }

    fn grow(&mut self, count: usize, fresh: bool) {
        self.unknown += count.saturating_sub(self.entries.len());
        self.entries.resize_with(count, || Entry { fresh, ..Entry::default() });
        self.generation += 1;
    }

    /// EXPUNGE: takes the message with this number out.
    pub(crate) fn expunge(&mut self, seq: Seq) -> Result<Entry, Contradiction> {
        if index(seq) >= self.entries.len() {
            return Err(Contradiction);
        }
        Ok(self.remove(index(seq)))
    }

    fn remove(&mut self, index: usize) -> Entry {
        let entry = self.entries.remove(index);
        self.unknown -= usize::from(entry.uid.is_none());
        self.generation += 1;
        self.removals.push(u32::try_from(index + 1).unwrap_or(u32::MAX));
        entry
    }

    /// VANISHED: takes these messages out, and tells which, the last one first, with the number that each had
    /// then. UIDs that the mailbox can't hold are passed over: such a message came and went untold.
    ///
    /// Between two known UIDs there may be messages whose UID has not been told. That some of them are gone can be
    /// counted, but which ones can't be known: their numbers are not told, and what was known by number of the others
    /// is forgotten rather than guessed.
    pub(crate) fn vanished(&mut self, uids: &UidSet) -> Vec<Gone> {
        let mut gone: Vec<(usize, Gone)> = Vec::new();
        let mut unsure = false;
        let mut run = 0..0;
        for i in 0..=self.entries.len() {
            match self.entries.get(i).map(|e| e.uid) {
                Some(None) => run.end = i + 1,
                known => {
                    unsure |= self.vanished_in(run, known.flatten(), uids, &mut gone);
                    run = i + 1..i + 1;
                    if let Some(uid) = known.flatten().filter(|uid| uids.contains(*uid)) {
                        gone.push((i, Gone { seq: seq_at(i), uid: Some(uid) }));
                    }
                }
            }
        }
        if gone.is_empty() {
            return Vec::new();
        }
        let mut out = gone.iter().map(|(i, _)| *i).peekable();
        let mut i = 0;
        self.entries.retain(|_| {
            i += 1;
            out.next_if_eq(&(i - 1)).is_none()
        });
        self.unknown = self.entries.iter().filter(|e| e.uid.is_none()).count();
        self.generation += 1;
        self.removals.extend(gone.iter().rev().map(|(i, _)| u32::try_from(i + 1).unwrap_or(u32::MAX)));
        if unsure {
            // Numbers given before can't be corrected any more.
            self.forgotten = self.removed() + 1;
            self.removals.clear();
        }
        gone.into_iter().rev().map(|(_, gone)| gone).collect()
    }

    /// How many of a run of untold messages have vanished, and that they have. Whether it is not known which.
    fn vanished_in(
        &mut self,
        run: std::ops::Range<usize>,
        after: Option<Uid>,
        uids: &UidSet,
        gone: &mut Vec<(usize, Gone)>,
    ) -> bool {
        if run.is_empty() {
            return false;
        }
        let before = run.start.checked_sub(1).and_then(|i| self.entries[i].uid).map_or(0, Uid::get);
        let (Some(first), Some(last)) =
            (Uid::new(before.saturating_add(1)), Uid::new(after.map_or(u32::MAX, |uid| uid.get() - 1)))
        else {
            return false;
        };
        if first > last {
            return false;
        }
        let named = uids.within(first, last);
        let count = usize::try_from(named.len()).unwrap_or(usize::MAX).min(run.len());
        if count == 0 {
            return false;
        }
        let sure = count == run.len();
        // More UIDs than messages: which of them were there is not known.
        let exact = named.len() == count as u64;
        let mut told = named.iter();
        for i in run.end - count..run.end {
            let uid = if exact { told.next() } else { None };
            gone.push((i, Gone { seq: if sure { seq_at(i) } else { None }, uid }));
        }
        if !sure {
            for entry in &mut self.entries[run] {
                (entry.flags, entry.mod_seq) = (None, None);
            }
        }
        !sure
    }

    /// FETCH: what the row tells of its message.
    pub(crate) fn learn(&mut self, row: &Message) -> Learned {
        let mut learned = Learned::default();
        let index = match (row.seq(), row.uid()) {
            (Some(seq), _) => {
                // Some servers send the row before the EXISTS that it belongs to. A number far beyond is
                // no such row: it would make memory out of nothing.
                let beyond = (index(seq) + 1).saturating_sub(self.entries.len());
                if beyond > MOST_BEYOND {
                    return Learned { contradiction: true, ..learned };
                }
                if beyond > 0 {
                    self.grow(index(seq) + 1, true);
                    learned.grown = true;
                }
                index(seq)
            }
            (None, Some(uid)) => match self.find(uid) {
                Ok(index) => index,
                Err(_) => return learned,
            },
            (None, None) => return learned,
        };
        let known = self.entries[index].uid;
        if let Some(told) = row.uid()
            && (known.is_some_and(|known| known != told) || known.is_none() && !self.could_be(index, told))
        {
            return Learned { contradiction: true, ..learned };
        }
        let entry = &mut self.entries[index];
        if let (None, Some(told)) = (known, row.uid()) {
            entry.uid = Some(told);
            self.unknown -= 1;
            learned.arrived = std::mem::take(&mut entry.fresh).then_some(told);
        }
        if let Some(flags) = row.flags().filter(|flags| entry.flags.as_ref() != Some(flags)) {
            learned.flags = Some(entry.flags.replace(flags.clone()));
        }
        entry.mod_seq = row.mod_seq().max(entry.mod_seq);
        learned
    }

    /// UIDs ascend with the numbers (RFC 9051 section 2.3.1.1): the neighbours, where known, leave room.
    fn could_be(&self, index: usize, uid: Uid) -> bool {
        let before = index.checked_sub(1).and_then(|i| self.entries[i].uid);
        let after = self.entries.get(index + 1).and_then(|e| e.uid);
        before.is_none_or(|before| before < uid) && after.is_none_or(|after| uid < after)
    }

    /// Takes over the UIDs of all messages, in order, if their count is the mailbox's.
    pub(crate) fn fill(&mut self, uids: &UidSet) -> Result<(), Contradiction> {
        let mut pairs = self.entries.iter().zip(uids.iter());
        if uids.len() != u64::from(self.len())
            || !pairs.all(|(e, uid)| e.uid.is_none_or(|known| known == uid))
        {
            return Err(Contradiction);
        }
        for (entry, uid) in self.entries.iter_mut().zip(uids.iter()) {
            entry.uid = Some(uid);
        }
        self.unknown = 0;
        Ok(())
    }

    /// Messages that came after the opening and whose UID has become known by [`fill`](Self::fill), each once.
    pub(crate) fn take_fresh(&mut self) -> Vec<(Seq, Uid, Option<Flags>)> {
        let known = self.entries.iter_mut().enumerate().filter(|(_, e)| e.fresh && e.uid.is_some());
        known
            .filter_map(|(i, entry)| {
                entry.fresh = false;
                Some((seq_at(i)?, entry.uid?, entry.flags.clone()))
            })
            .collect()
    }

    /// What is known of the message with this number.
    pub(crate) fn get(&self, seq: Seq) -> Option<&Entry> {
        self.entries.get(index(seq))
    }

    /// The UID of the message with this number, if it has been told.
    pub(crate) fn uid(&self, seq: Seq) -> Option<Uid> {
        self.get(seq)?.uid
    }

    /// The number of the message with this UID.
    pub(crate) fn seq(&self, uid: Uid) -> Option<Seq> {
        seq_at(self.find(uid).ok()?)
    }

    /// Its place; else the place of the first message that is known to have a higher UID (or the end).
    fn find(&self, uid: Uid) -> Result<usize, usize> {
        if self.unknown == 0 {
            return self.entries.binary_search_by_key(&Some(uid), |e| e.uid);
        }
        for (i, entry) in self.entries.iter().enumerate() {
            match entry.uid {
                Some(known) if known == uid => return Ok(i),
                Some(known) if known > uid => return Err(i),
                _ => {}
            }
        }
        Err(self.entries.len())
    }

    /// Changes the flags of a message; gives those before if that makes a difference.
    pub(crate) fn set_flags(&mut self, seq: Seq, flags: Flags) -> Option<Option<Flags>> {
        let entry = self.entries.get_mut(index(seq))?;
        (entry.flags.as_ref() != Some(&flags)).then(|| entry.flags.replace(flags))
    }

    /// The first and the last message whose UID has not been told.
    pub(crate) fn unknown(&self) -> Option<(Seq, Seq)> {
        if self.unknown == 0 {
            return None;
        }
        let first = self.entries.iter().position(|e| e.uid.is_none())?;
        let last = self.entries.iter().rposition(|e| e.uid.is_none())?;
        seq_at(first).zip(seq_at(last))
    }

    /// The highest UID that has been told of a message before this number.
    pub(crate) fn uid_before(&self, seq: Seq) -> Option<Uid> {
        self.entries.iter().take(index(seq)).rev().find_map(|e| e.uid)
    }

    /// How many messages have been removed since the mailbox was opened.
    pub(crate) fn removed(&self) -> u64 {
        self.forgotten + self.removals.len() as u64
    }

    /// The numbers that were removed since there had been `then` removals, in order; `None` if that is too
    /// long ago to be known.
    pub(crate) fn removed_since(&self, then: u64) -> Option<&[u32]> {
        self.removals.get(usize::try_from(then.checked_sub(self.forgotten)?).ok()?..)
    }

    /// Forgets the removals, once nobody can ask for them any more.
    pub(crate) fn forget_removals(&mut self) {
        self.forgotten = self.removed();
        self.removals.clear();
    }
}

fn index(seq: Seq) -> usize {
    seq.get() as usize - 1
}

fn seq_at(index: usize) -> Option<Seq> {
    Seq::new(u32::try_from(index + 1).ok()?)
}

#[cfg(test)]
mod tests;

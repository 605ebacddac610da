//! What responses about messages do to the view, and how it is reported.
//!
//! In: FETCH, EXISTS, EXPUNGE, VANISHED, codes. Out: the view brought up to date, and events.

use super::{Selected, Selection};
use crate::engine::events::output::Output;
use crate::types::{EventKind, Message, Seq, Uid, UidSet};
use crate::view::{Contradiction, Entry, FetchUpdate, Vanished};

impl Selected {
    /// The server has not reported a change that looking back has found.
    pub(in crate::engine) fn note_lost_change(&mut self) {
        self.look_back.found();
    }
}

impl Selection {
    /// A row of FETCH. It gets the number and the UID that it lacks, unless it contradicts the view.
    pub(in crate::engine) fn learn(&mut self, row: &mut Message) -> FetchUpdate {
        let mut learned = self.view.learn(row);
        self.unpublished = true;
        if learned.contradiction {
            return learned;
        }
        let seq = row.seq().or_else(|| self.view.seq(row.uid()?));
        if seq.is_none() && row.uid().and(row.flags()).is_some() && self.view.unknown().is_some() {
            // A row without a number (RFC 9586 section 3) of a message that has no place yet: there is
            // nothing to compare its flags with, so they are a change.
            learned.flags.get_or_insert(None);
        }
        row.uid = row.uid().or_else(|| self.view.uid(seq?));
        row.seq = seq;
        learned
    }

    /// Reports what such a row has added.
    pub(in crate::engine) fn report_learned(
        &mut self,
        learned: &FetchUpdate,
        row: &Message,
        out: &mut Output,
    ) {
        if learned.grown {
            self.report(EventKind::Exists { count: self.view.len() }, out);
        }
        if let Some(uid) = learned.arrived {
            self.sync.note_arrival(uid);
            self.report(EventKind::Arrived { seq: row.seq(), uid, flags: row.flags().cloned() }, out);
        }
        if let (Some(_), Some(uid), Some(_)) = (row.seq(), row.uid(), row.flags()) {
            self.mod_seqs.has_flags(uid);
        }
    }

    /// EXISTS. Whether the count has grown.
    pub(in crate::engine) fn exists(&mut self, count: u32) -> Result<bool, Contradiction> {
        let grown = self.view.exists(count)?;
        self.unpublished |= grown;
        Ok(grown)
    }

    /// EXPUNGE.
    pub(in crate::engine) fn expunge(&mut self, seq: Seq) -> Result<Entry, Contradiction> {
        let entry = self.view.expunge(seq)?;
        self.unpublished = true;
        self.note_removal(entry.uid);
        Ok(entry)
    }

    /// VANISHED, which names these.
    pub(in crate::engine) fn vanished(&mut self, uids: &UidSet) -> Vec<Vanished> {
        let gone = self.view.vanished(uids);
        self.unpublished = true;
        gone.iter().for_each(|gone| self.note_removal(gone.uid));
        if gone.iter().any(|gone| gone.seq.is_none()) {
            // What was reported by number of flags is dropped: those of before may be older than that.
            self.sync.compare_flags();
        }
        gone
    }

    /// The removal of this message was reported: it did not happen unseen before.
    fn note_removal(&mut self, uid: Option<Uid>) {
        if let Some(uid) = uid {
            self.mod_seqs.has_flags(uid);
            self.sync.note_removal(uid);
        }
    }

    /// Removals are no longer needed: no command waits that was submitted before one.
    pub(in crate::engine) fn forget_removals(&mut self) {
        self.view.forget_removals();
    }

    /// UIDNEXT, and how many messages there have been by now.
    pub(in crate::engine) fn set_uid_next(&self, reported: Option<Uid>) {
        self.handle.set_uid_next(reported, Some(self.ever()));
    }

    /// Messages that have arrived, and whose UIDs are known now.
    pub(super) fn report_arrivals(&mut self, out: &mut Output) {
        for (seq, uid, flags) in self.view.take_fresh() {
            self.sync.note_arrival(uid);
            self.report(EventKind::Arrived { seq: Some(seq), uid, flags }, out);
        }
    }
}

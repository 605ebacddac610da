//! Up to which mod-sequence all changes are in the view, so that a later selection can resume from
//! there (RFC 7162 section 6).
//!
//! In: mod-sequences as they are reported, and what they cover that the view does not hold yet.
//! Out: the mod-sequence that may be claimed: a selection that resumes from it gets all later
//! changes, and no others.
//!
//! ```text
//!   HIGHESTMODSEQ, rows ─> reported ─ a tagged response ─> settled ─┐
//!                                                                   ├─ lower, not held down ─> claimed
//!   SELECT, FETCH (CHANGEDSINCE) answered ─────────────> confirmed ─┘
//!
//!   held down while   a command is in flight whose changes show in the view at its end only
//!                     a message's UID is not known: no state that names UIDs has the message
//!                     a message's mod-sequence was reported without its flags: they are fetched if
//!                     the view has flags of it
//!   from then on if   a row could not be read: it is to be reported again the next time
//! ```
//!
//! A tagged response is the quiet point: before it rows may be received in any order, and removals
//! may be delayed. What a server reports by itself proves nothing of what it does not: Dovecot
//! hides from a session a change of flags that another one makes while a FETCH of the first ends,
//! and says its HIGHESTMODSEQ all the same. So only an answer to the question what has changed
//! confirms a mod-sequence; `look_back.rs` has when that is asked. What is held down is not
//! forgotten; it is claimed at the first quiet point at which nothing holds it. So a claim may be
//! lower than what is known, which costs that a change is reported once more, and never higher,
//! which would lose one.

use super::{Selected, Selection};
use crate::engine::inflight::InFlight;
use crate::types::{CommandId, Flag, IncrementalSet, ModSeq, Seq, Uid, UidSet};

/// What may be claimed, and what holds it down.
#[derive(Debug, Default)]
pub(super) struct ModSeqTracker {
    /// All changes up to this are in the view.
    claimed: Option<ModSeq>,
    /// All changes of flags up to this were asked for, and answered.
    confirmed: Option<ModSeq>,
    /// All changes up to this had been reported at the last tagged response.
    settled: Option<ModSeq>,
    /// HIGHESTMODSEQ since the last tagged response; it counts even if rows had higher
    /// mod-sequences.
    reported: Option<ModSeq>,
    /// The highest mod-sequence of unsolicited rows since the last tagged response.
    seen: Option<ModSeq>,
    /// Messages whose flags are older than their mod-sequence.
    ahead: IncrementalSet<Uid>,
    /// A change may have been reported that could not be read: what follows is not all that there
    /// is.
    stays: bool,
}

impl ModSeqTracker {
    /// Of a mailbox at its opening. Without a mod-sequence then the server keeps none.
    pub(super) fn new(highest: Option<ModSeq>) -> Self {
        Self { claimed: highest, confirmed: highest, settled: highest, ..Self::default() }
    }

    /// All changes up to this are in the view.
    pub(super) fn claimed(&self) -> Option<ModSeq> {
        self.claimed
    }

    /// All changes of flags up to this were asked for, and answered.
    pub(super) fn confirmed(&self) -> Option<ModSeq> {
        self.confirmed
    }

    /// All changes of flags up to this were asked for, and answered now.
    pub(super) fn confirm(&mut self, mod_seq: Option<ModSeq>) {
        self.confirmed = self.confirmed.map(|known| mod_seq.map_or(known, |now| now.max(known)));
    }

    /// Whether more is reported than is confirmed.
    pub(super) fn is_unconfirmed(&self) -> bool {
        self.confirmed.is_some() && self.so_far() > self.confirmed
    }

    /// The newest that has been reported, whatever of it is in the view.
    pub(super) fn so_far(&self) -> Option<ModSeq> {
        self.settled.max(self.reported).max(self.seen)
    }

    /// A change could not be read: it is to be reported again the next time.
    pub(super) fn stay(&mut self) {
        self.stays = true;
    }

    /// A tagged response was received.
    fn settle(&mut self) {
        let (reported, seen) = (self.reported.take(), self.seen.take());
        self.settled =
            self.settled.map(|known| reported.unwrap_or_else(|| seen.map_or(known, |seen| seen.max(known))));
    }

    /// Claims what is settled, unless something holds it down. Whether that makes a difference.
    fn claim(&mut self, held: bool) -> bool {
        if held || self.stays || !self.ahead.is_empty() {
            return false;
        }
        let now = self.settled.zip(self.confirmed).map(|(settled, confirmed)| settled.min(confirmed));
        std::mem::replace(&mut self.claimed, now) != now
    }

    /// Whether this is beyond what is claimed, where anything is.
    fn is_beyond(&self, mod_seq: Option<ModSeq>) -> bool {
        self.claimed.is_some() && mod_seq > self.claimed
    }

    /// The flags of this message are older than its mod-sequence.
    fn lacks_flags(&mut self, uid: Uid) {
        self.ahead.insert(uid);
    }

    /// The flags of this message are those of its mod-sequence, or it has gone.
    pub(super) fn has_flags(&mut self, uid: Uid) {
        // Nearly always there are none.
        if !self.ahead.is_empty() {
            self.ahead.remove(uid);
        }
    }

    /// The same of all these.
    pub(super) fn have_flags(&mut self, uids: &UidSet) {
        if !self.ahead.is_empty() {
            let rest = self.ahead.to_set().difference(uids);
            self.ahead = IncrementalSet::default();
            rest.iter().for_each(|uid| self.ahead.insert(uid));
        }
    }

    /// The messages whose flags are to be asked.
    pub(super) fn behind(&self) -> UidSet {
        self.ahead.to_set()
    }

    /// All flags are asked for again.
    pub(super) fn resync(&mut self) {
        self.ahead = IncrementalSet::default();
    }
}

impl Selected {
    /// A tagged response was received, which may be its command's last.
    pub(crate) fn on_tagged(&mut self, inflight: &InFlight) {
        self.settle(None, inflight);
        self.current_mut().into_iter().for_each(Selection::decay_contradictions);
    }

    /// The quiet point of a tagged response. `ended`: a command that it has ended, so that its
    /// changes are in the view.
    pub(crate) fn settle(&mut self, ended: Option<CommandId>, inflight: &InFlight) {
        let held = inflight.has_silent_change(ended);
        if let Some(selection) = self.current_mut() {
            selection.mod_seqs.settle();
            selection.claim_mod_seq(held);
        }
    }
}

impl Selection {
    /// What held a claim down may be in the view now. `held`: a command is in flight whose changes
    /// are in the view only when it ends.
    pub(super) fn claim_mod_seq(&mut self, held: bool) {
        self.unpublished |= self.mod_seqs.claim(held || self.view.unknown().is_some());
    }

    /// A change was reported with this mod-sequence: it counts towards what is known up to (RFC
    /// 7162 section 6).
    pub(super) fn note_mod_seq(&mut self, mod_seq: Option<ModSeq>) {
        self.mod_seqs.seen = self.mod_seqs.seen.max(mod_seq);
    }

    /// HIGHESTMODSEQ, or NOMODSEQ.
    pub(super) fn set_highest_mod_seq(&mut self, reported: Option<ModSeq>) {
        self.mod_seqs.reported = reported.or(self.mod_seqs.reported);
        self.unpublished = true;
        self.handle.update(|facts| facts.highest_mod_seq = reported);
    }

    /// A row has a newer mod-sequence of a message whose flags are known, and not the flags that go
    /// with it. `marks_as_seen`: a FETCH in flight may have set `\\Seen`; `held`: as in
    /// [`claim_mod_seq`](Self::claim_mod_seq).
    pub(super) fn mark_behind(
        &mut self,
        (seq, uid): (Option<Seq>, Option<Uid>),
        mod_seq: Option<ModSeq>,
        marks_as_seen: impl FnOnce() -> bool,
        held: bool,
    ) {
        // Servers report the flags with the body, and the mod-sequence after it (Dovecot).
        let flags = seq.and_then(|seq| self.view.flags(seq));
        let is_seen = flags.is_some_and(|flags| flags.contains(&Flag::Seen));
        if !self.mod_seqs.is_beyond(mod_seq) || is_seen && marks_as_seen() {
            return;
        }
        match (uid, seq) {
            (Some(uid), _) => self.mod_seqs.lacks_flags(uid),
            // They are reported with the UIDs, if they are not those that a STORE makes.
            (None, Some(seq)) => {
                if !held {
                    self.view.forget_flags_at(seq);
                }
                self.sync.compare_flags();
            }
            (None, None) => {}
        }
    }

    /// Whether flags that are older than their messages' mod-sequences are to be asked.
    pub(crate) fn is_behind(&self) -> bool {
        !self.mod_seqs.ahead.is_empty()
    }
}

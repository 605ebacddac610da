//! What the server reports contradicts what is known: that is thrown away, and asked for again.
//!
//! In: a contradiction, another UIDVALIDITY, or NOTIFY in force again after an overflow. Out: an
//! empty view, events; an end of the connection, if it happens again and again.

use super::mod_sequences::ModSeqTracker;
use super::{Selected, Selection};
use crate::engine::events::Output;
use crate::types::{CloseReason, EventKind, SelectionId, UidValidity};

/// How often a server may contradict itself in one selection; each time all is asked again.
const MAX_CONTRADICTIONS: u32 = 20;

/// After so many commands without a contradiction one of them is forgotten: a connection lasts for
/// weeks.
const CALM: u32 = 100;

impl Selected {
    /// What is known is thrown away, unless the next SELECT is on its way: without `[CLOSED]` an
    /// EXISTS of this mailbox may have been taken for the next one's, and this selection ends with
    /// the answer. The selection of which all is to be asked again.
    pub(crate) fn resync(
        &mut self,
        what: String,
        exists: u32,
        uid_validity: Option<UidValidity>,
        out: &mut Output,
    ) -> Result<Option<SelectionId>, CloseReason> {
        let is_opening = self.is_opening();
        let Some(open) = self.current_mut().filter(|_| !is_opening) else { return Ok(None) };
        (open.contradictions, open.calm) = (open.contradictions + 1, 0);
        if open.contradictions > MAX_CONTRADICTIONS {
            return Err(CloseReason::Protocol(format!("it contradicts itself again and again: {what}")));
        }
        let mailbox = &open.handle.place().mailbox;
        tracing::warn!(target: "imap_duplex", %mailbox, what, "the server contradicts itself");
        open.reset_view(exists, uid_validity.is_some());
        if uid_validity.is_some() {
            // The mod-sequences begin again, too.
            (open.uid_validity, open.mod_seqs) = (uid_validity, ModSeqTracker::default());
            open.handle.update(|facts| facts.highest_mod_seq = None);
            open.report(EventKind::UidValidityChanged { uid_validity }, out);
        }
        open.report(EventKind::Contradiction { what }, out);
        open.report(EventKind::Exists { count: exists }, out);
        Ok(Some(open.id()))
    }

    /// Changes may have been lost: what is known is compared with what is there. The selection of
    /// which all is to be asked again.
    pub(crate) fn compare_again(&mut self) -> Option<SelectionId> {
        let is_replaced = self.next.is_some();
        let selection = self.current_mut().filter(|open| !is_replaced && !open.is_view_off())?;
        selection.reset_view(selection.view.len(), false);
        Some(selection.id())
    }
}

impl Selection {
    /// A command has ended, and nothing was contradicted.
    pub(super) fn decay_contradictions(&mut self) {
        self.calm += 1;
        if self.calm >= CALM {
            (self.calm, self.contradictions) = (0, self.contradictions.saturating_sub(1));
        }
    }

    /// A removal could not be read. Whether all is to be asked again for that.
    pub(super) fn on_unparsed(&mut self, is_removal: bool) -> bool {
        let again = is_removal && self.contradictions < MAX_CONTRADICTIONS;
        if !again {
            self.mod_seqs.stay();
        }
        again
    }

    /// Throws away what is known, for it to be asked for again; and compared with this, unless the
    /// UIDVALIDITY is another.
    fn reset_view(&mut self, exists: u32, is_uid_validity_changed: bool) {
        self.sync.reset((!is_uid_validity_changed).then_some(&self.view));
        self.view = self.view.reopened(exists, is_uid_validity_changed || self.sync.has_prior());
        if is_uid_validity_changed {
            self.view.begins_at(None);
        }
        self.mod_seqs.resync();
        self.handle.update(|facts| {
            // Messages may have arrived unreported since UIDNEXT; with a new UIDVALIDITY it means
            // nothing.
            (facts.ready, facts.ever_below) = (false, None);
            facts.uid_next = facts.uid_next.filter(|_| !is_uid_validity_changed);
        });
        self.unpublished = true;
    }
}

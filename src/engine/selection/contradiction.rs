//! What the server reports contradicts what is known: that is thrown away, and asked for again.
//!
//! In: a contradiction, or another UIDVALIDITY. Out: an empty view, events; an end of the connection, if
//! it happens again and again.

use super::Selection;
use super::mod_sequences::ModSeqTracker;
use crate::engine::events::output::Output;
use crate::types::{CloseReason, EventKind, UidValidity};

/// How often a server may contradict itself in one selection; each time all is asked again.
const MAX_CONTRADICTIONS: u32 = 20;

/// After so many commands without a contradiction one of them is forgotten: a connection lasts for weeks.
const CALM: u32 = 100;

impl Selection {
    /// A command has ended, and nothing was contradicted.
    pub(in crate::engine) fn decay_contradictions(&mut self) {
        self.calm += 1;
        if self.calm >= CALM {
            (self.calm, self.contradictions) = (0, self.contradictions.saturating_sub(1));
        }
    }

    /// A removal could not be read. Whether all is to be asked again for that.
    pub(in crate::engine) fn on_unparsed(&mut self, is_removal: bool) -> bool {
        let again = is_removal && self.contradictions < MAX_CONTRADICTIONS;
        if !again {
            self.mod_seqs.stay();
        }
        again
    }

    /// What is known is thrown away; with a new UIDVALIDITY the mod-sequences begin again, too.
    pub(in crate::engine) fn resync(
        &mut self,
        what: String,
        exists: u32,
        uid_validity: Option<UidValidity>,
        out: &mut Output,
    ) -> Result<(), CloseReason> {
        (self.contradictions, self.calm) = (self.contradictions + 1, 0);
        if self.contradictions > MAX_CONTRADICTIONS {
            return Err(CloseReason::Protocol(format!("it contradicts itself again and again: {what}")));
        }
        let mailbox = &self.handle.place().mailbox;
        tracing::warn!(target: "imap_duplex", %mailbox, what, "the server contradicts itself");
        self.reset_view(exists, uid_validity.is_some());
        if uid_validity.is_some() {
            (self.uid_validity, self.mod_seqs) = (uid_validity, ModSeqTracker::default());
            self.handle.set_highest_mod_seq(None);
            self.report(EventKind::UidValidityChanged { uid_validity }, out);
        }
        self.report(EventKind::Contradiction { what }, out);
        self.report(EventKind::Exists { count: exists }, out);
        Ok(())
    }

    /// Changes may have been lost: all is asked again, and compared. Whether there is anything to ask.
    pub(in crate::engine) fn compare_again(&mut self) -> bool {
        if !self.is_view_off() {
            self.reset_view(self.view.len(), false);
        }
        !self.is_view_off()
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
        self.handle.on_resync(is_uid_validity_changed);
        self.unpublished = true;
    }
}

//! The row that is streamed at the moment: its head has been routed, its literal is still coming.
//!
//! In: a row as far as it goes up to a literal, then the literal's pieces. Out: to the one command
//! whose row it provably is, if that wants it streamed. The row's end belongs to the same command.

use bytes::Bytes;

use super::InFlight;
use crate::command::ResponseKinds;
use crate::types::{CommandId, Limits};
use crate::view::View;
use crate::wire::RowHead;

impl InFlight {
    /// A literal of this size begins: whether it is read while it comes.
    pub(crate) fn begin_literal(
        &mut self,
        head: RowHead,
        size: u64,
        view: Option<&View>,
        limits: &Limits,
    ) -> bool {
        let Some(id) = self.row_of.or_else(|| self.sole_claimer(&head, view)) else { return false };
        let begins =
            self.entries.get_mut(&id).is_some_and(|f| f.submission.job.begin_literal(head, size, limits));
        if begins {
            self.row_of = Some(id);
            self.note_fed(id);
        }
        begins
    }

    /// The next bytes of the literal that has begun.
    pub(crate) fn literal_piece(&mut self, piece: Bytes, is_last: bool, limits: &Limits) {
        let Some(id) = self.row_of else { return };
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.submission.job.literal_piece(piece, is_last, limits);
            self.note_fed(id);
        }
    }

    /// The row has come to its end: whose it is, if it had such a literal.
    #[inline]
    pub(crate) fn end_row(&mut self) -> Option<CommandId> {
        self.row_of.take()
    }

    /// The command whose row this is, whatever else will stand in it: what a row lacks yet can make
    /// it another's only if that claims it already. Of several the one that asked for all of it so
    /// far, unless another has asked for as much: that may have a better claim once the row is
    /// whole and has its UID, or an item that it still lacks.
    fn sole_claimer(&self, head: &RowHead, view: Option<&View>) -> Option<CommandId> {
        let mut fits = Vec::new();
        self.index.claimers.of(ResponseKinds::FETCH, &head.row, |set| {
            let those = set.iter().filter_map(|(_, id)| Some((*id, self.entries.get(id)?)));
            fits.extend(those.filter_map(|(id, f)| {
                let asked = f.submission.job.items_of(&head.row).asked.data();
                Some((f.fit_of(&head.row, view)?, asked, id))
            }));
        });
        if let [(_, _, only)] = fits[..] {
            return Some(only);
        }
        let (_, all, id) = *fits.iter().find(|(fit, ..)| fit.is_whole())?;
        let asked_as_much = fits.iter().filter(|(_, asked, _)| *asked >= all);
        (asked_as_much.count() == 1).then_some(id)
    }
}

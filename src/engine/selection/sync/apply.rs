//! The answers to queries: what they change in the view, and in what is still to be asked.
//!
//! In: a query that has ended, and what it has yielded. Out: the view brought up to date, events.
//!
//! | query        | its answer is taken if                                | else                         |
//! |--------------|-------------------------------------------------------|------------------------------|
//! | Uids         | OK, it adds up, and nothing arrived or was removed    | rows are asked for           |
//! | Rows         | each row by itself, as it was received                | refused twice: stalled       |
//! | ChangesSince | OK                                                    | all flags are asked for      |
//! | MissingFlags | OK; what was not reported is withheld                 | asked again, at most 3 times |
//! | VerifyStore  | OK                                                    | in doubt until asked by UID  |
//! | LookBack     | see `look_back.rs`                                    | see `look_back.rs`           |

use super::windows::unknown_of;
use super::{Selected, Selection, SyncState};
use crate::command::{Messages, Store};
use crate::engine::events::Output;
use crate::engine::inflight::InFlight;
use crate::engine::submit::{Query, QueryFacts};
use crate::types::{CommandId, Seq, UidSet};
use crate::view::View;

impl Selected {
    /// A query has ended. Whether what the view lacks may be another by that.
    pub(crate) fn apply(
        &mut self,
        query: Query,
        asked: &QueryFacts,
        uid_only: bool,
        out: &mut Output,
    ) -> bool {
        if let Query::LookBack(look) = &query {
            self.on_looked_back(look, asked);
            return false;
        }
        // What one was answered of another selection is of no use.
        let open = self.current_mut().filter(|open| Some(open.id()) == asked.selection);
        open.is_some_and(|open| open.apply(query, asked, uid_only, out))
    }

    /// What a query has yielded is in the view, and what is lacking then has been asked.
    pub(crate) fn on_query_applied(&mut self, inflight: &InFlight, out: &mut Output) {
        let held = inflight.has_silent_change(None);
        if let Some(selection) = self.current_mut() {
            selection.claim_mod_seq(held);
            selection.report_ready(out);
        }
    }
}

impl Selection {
    fn apply(&mut self, query: Query, asked: &QueryFacts, uid_only: bool, out: &mut Output) -> bool {
        self.unpublished = true;
        match query {
            Query::Uids(found) => self.on_uids(&found.finish(), asked, uid_only, out),
            Query::Rows => self.sync.on_rows(&self.view, asked),
            Query::ChangesSince => self.sync.on_changes(&self.view, asked.ok),
            Query::MissingFlags(reported) => self.on_missing_flags(&reported.to_set(), asked),
            Query::VerifyStore(cause, reported) => {
                return self.on_store_verified(cause, &reported.to_set(), asked);
            }
            Query::LookBack(_) => return false,
        }
        true
    }

    fn on_uids(&mut self, uids: &UidSet, asked: &QueryFacts, uid_only: bool, out: &mut Output) {
        let unchanged = asked.generation == self.view.generation();
        let filled = fill(&mut self.view, uids, asked);
        self.sync.uids_by_rows = !filled;
        self.sync.unparsed_rows &= !filled;
        // Without numbers there is no other way to ask; and an answer that does not add up is no
        // success either, or it could go on for ever.
        let in_vain = unchanged && uid_only || !asked.ok;
        self.sync.refusals = if filled { 0 } else { self.sync.refusals + u8::from(in_vain) };
        if filled {
            self.report_arrivals(out);
        }
    }

    fn on_missing_flags(&mut self, reported: &UidSet, asked: &QueryFacts) {
        let got_on = asked.unread || !reported.is_empty();
        self.sync.refusals = if got_on { 0 } else { self.sync.refusals_after(asked) };
        let Some(Messages::Uids(window)) = &asked.messages else { return };
        if asked.ok {
            return self.mod_seqs.have_flags(window);
        }
        let mut again = window.difference(reported);
        if asked.unread {
            let unread = asked.dealt_with(&again);
            again = again.difference(&unread);
            again.union_with(&self.on_unreadable(&unread));
        }
        self.sync.flags_due.union_with(&again);
    }

    /// The flags of these messages could not be read. Those that are to be asked for again; of the
    /// others they are not known.
    fn on_unreadable(&mut self, lacking: &UidSet) -> UidSet {
        let (again, enough) = self.sync.unreadable.again(lacking);
        if !enough.is_empty() {
            tracing::warn!(target: "imap_duplex", uids = %enough, "their flags can't be read, and are not asked for any more");
            self.view.forget_flags(&enough);
            self.mod_seqs.have_flags(&enough);
        }
        again
    }

    fn on_store_verified(
        &mut self,
        cause: Option<(CommandId, Box<Store>)>,
        reported: &UidSet,
        asked: &QueryFacts,
    ) -> bool {
        match &asked.messages {
            // What can't be read is not known, and asked for with the others if that is wanted.
            Some(Messages::Uids(which)) if asked.unread => {
                let lacking = asked.dealt_with(&which.difference(reported));
                self.sync.flags_withheld = self.sync.flags_withheld.difference(&lacking);
                self.view.forget_flags(&lacking);
                match asked.from {
                    None => self.sync.settle_doubt(),
                    Some(_) => _ = self.ask_flags_below(cause, reported, asked),
                }
                true
            }
            // A refusal leaves the doubt.
            _ if asked.ok => {
                self.sync.settle_doubt();
                false
            }
            _ => self.ask_flags_below(cause, reported, asked),
        }
    }
}

impl SyncState {
    fn refusals_after(&self, asked: &QueryFacts) -> u8 {
        if asked.ok { 0 } else { self.refusals + 1 }
    }

    fn on_rows(&mut self, view: &View, asked: &QueryFacts) {
        // A server's limit refuses nothing, if there were rows: next are those below.
        self.refusals = if asked.got_on(view) { 0 } else { self.refusals_after(asked) };
        (self.uids_by_rows, self.unparsed_rows) = (false, asked.unread);
        if asked.ok && asked.generation == view.generation() {
            self.withheld_from = unknown_of(view, asked.messages.as_ref()).or(self.withheld_from);
        }
    }

    fn on_changes(&mut self, view: &View, ok: bool) {
        self.changes_since = None;
        if !ok {
            // Then all that may have changed is asked and compared.
            self.flags_due = view.uids();
        }
    }
}

/// Fills UIDs into the view, if they are of the mailbox as it is: nothing arrived or was removed.
fn fill(view: &mut View, uids: &UidSet, asked: &QueryFacts) -> bool {
    let unchanged = asked.generation == view.generation();
    match &asked.messages {
        // MESSAGELIMIT cut the answer short: these are the UIDs of the last messages.
        None if asked.from.is_some() && !asked.unread && unchanged && !uids.is_empty() => {
            view.unknown().is_some_and(|(_, last)| {
                let first = u64::from(last.get()) + 1 - uids.len().min(last.get().into());
                let first = u32::try_from(first).ok().and_then(Seq::new);
                first.is_some_and(|first| view.fill_window(first, last, uids).is_ok())
            })
        }
        _ if !asked.ok => false,
        Some(Messages::Seqs(window)) if asked.removed == view.removed() => {
            let ends = window.first().zip(window.last());
            ends.is_some_and(|(first, last)| view.fill_window(first, last, uids).is_ok())
        }
        Some(Messages::Seqs(_)) => false,
        _ if !unchanged => false,
        // All of them, or without numbers those from the first unknown one on.
        _ => match view.unknown().zip(Seq::new(view.len())) {
            Some(((first, unknown), last)) if uids.len() < u64::from(last.get()) => {
                [unknown, last].into_iter().any(|last| view.fill_window(first, last, uids).is_ok())
            }
            _ => view.fill(uids).is_ok(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{SeqSet, Uid};

    fn uids(set: &str) -> UidSet {
        set.parse().unwrap_or_default()
    }

    /// An answer about these messages, as the view is at first.
    fn answer(ok: bool, messages: Option<&str>) -> QueryFacts {
        let messages = messages.map(|set| set.parse::<SeqSet>().unwrap().into());
        let (selection, from) = (None, None);
        QueryFacts { selection, messages, generation: 0, removed: 0, ok, bad: false, unread: false, from }
    }

    #[test]
    fn uids_are_taken_if_they_add_up_and_nothing_has_changed() {
        let below = QueryFacts { from: Uid::new(8), ..answer(false, None) };
        let rows = [
            ("all", "1,5,9", answer(true, None), "1,5,9"),
            ("one is missing", "1,5", answer(true, None), ""),
            ("a window", "8:9", answer(true, Some("2:3")), "8:9"),
            ("a window of which one is missing", "9", answer(true, Some("2:3")), ""),
            ("refused", "1,5,9", answer(false, None), ""),
            ("as far as the limit goes", "8:9", below, "8:9"),
            ("another generation", "1,5,9", QueryFacts { generation: 7, ..answer(true, None) }, ""),
            ("one was removed", "8:9", QueryFacts { removed: 1, ..answer(true, Some("2:3")) }, ""),
        ];
        for (name, found, mut asked, known) in rows {
            let mut view = View::opened(3);
            asked.generation += view.generation();
            assert_eq!(fill(&mut view, &uids(found), &asked), !known.is_empty(), "{name}");
            assert_eq!(view.uids(), uids(known), "{name}");
        }
    }

    #[test]
    fn rows_that_are_withheld_are_not_asked_for_again() {
        let view = View::opened(3);
        let (refused, withheld, none) = ((1, None), (0, Seq::new(2)), (0, None));
        let unread = QueryFacts { unread: true, ..answer(false, Some("2:3")) };
        let rows = [
            ("OK", answer(true, Some("2:3")), withheld),
            (
                "OK, and a message has arrived",
                QueryFacts { generation: 9, ..answer(true, Some("2:3")) },
                none,
            ),
            ("NO", answer(false, Some("2:3")), refused),
            ("unread", unread, refused),
        ];
        for (name, mut asked, expected) in rows {
            let mut sync = SyncState { uids_by_rows: true, ..SyncState::default() };
            asked.generation += view.generation();
            sync.on_rows(&view, &asked);
            assert_eq!((sync.refusals, sync.withheld_from), expected, "{name}");
            assert_eq!((sync.uids_by_rows, sync.unparsed_rows), (false, asked.unread), "{name}");
        }
    }
}

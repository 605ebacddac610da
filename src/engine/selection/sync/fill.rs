//! Filling the view in: which UIDs the messages have, and their flags if these are wanted.
//!
//! In: a mailbox that was opened, that grew, or of which the server said what can't be. Out: commands of the engine's own,
//! one at a time, behind what users have submitted.
//!
//! ```text
//!              ┌─ numbers without UID ─────────────────────────────────────────┐
//!   opened ────┤   all of few: UID SEARCH ALL        new ones: UID FETCH n:… (FLAGS)
//!   grown      │   many: UID SEARCH a:b, the newest window first               │
//!              │   its answer is void: FETCH a:b (UID)                         │
//!              └─ all UIDs are known ──> compare with what was known before ───┴─> changes, flags ──> in step
//! ```

use std::sync::Arc;

use crate::command::{Fetch, Items, Messages, ResolveUids, Search};
use crate::engine::Engine;
use crate::engine::selection::sync::resume::PriorState;
use crate::engine::selection::sync::windows::{newest, newest_of, unknown_of};
use crate::engine::submit::internal::{InternalCommand, QueryOutcome};
use crate::engine::submit::selection_handle::SelectionHandle;
use crate::types::{
    Event, EventKind, IncrementalSet, ModSeq, RangeCollector, Seq, SeqSet, Uid, UidSet, ViewSync,
};
use crate::view::View;

/// How often UIDs may be refused, until something has come or gone.
const MAX_REFUSALS: u8 = 2;

/// How far a view has been filled in.
#[derive(Debug, Default)]
pub(in crate::engine) struct SyncState {
    /// How much is wanted.
    pub(in crate::engine) wanted: ViewSync,
    /// What was known before this view, to be compared with it once all UIDs are known.
    pub(in crate::engine) before: Option<PriorState>,
    /// What has changed since then is to be asked.
    pub(in crate::engine) changes_since: Option<ModSeq>,
    /// Messages whose flags are to be asked.
    pub(in crate::engine) flags_due: UidSet,
    /// Whether changes that are found happened before the selection.
    pub(in crate::engine) while_disconnected: bool,
    /// Messages whose flags were asked for, though the server told none: to be asked again once something has come or gone.
    flags_withheld: UidSet,
    /// How many questions are open what flags messages have after a STORE that left that in doubt.
    pub(in crate::engine) open_doubts: u32,
    /// Which those are, while such questions are open: what the view has of them may be from before the change.
    doubtful: UidSet,
    /// All that was to be asked has been: from now on what the server tells keeps the view in step.
    pub(in crate::engine) done: bool,
    /// The last answer to a search was void: rows are asked for.
    uids_by_rows: bool,
    /// From this number on the server tells no UIDs: of messages that are gone, and whose going it may not tell yet. To be
    /// asked again once something has come or gone.
    skip: Option<Seq>,
    /// So many questions for flags in doubt, by number, could not be asked or have no answer: to be asked by UID.
    pub(in crate::engine) lost: u32,
    /// How often in a row asking was refused.
    refused: u8,
    /// Rows that told of new messages could not be read: a search is to find their UIDs.
    unparsed_rows: bool,
    /// Messages whose flags could not be read.
    unreadable: UnreadableFlags,
}

/// Messages whose flags the server tells in a way that can't be read: each is asked for a few times, and then no more.
#[derive(Debug, Default)]
struct UnreadableFlags {
    once: UidSet,
    twice: UidSet,
    given_up: UidSet,
}

impl UnreadableFlags {
    /// The flags of these could not be read. Which of them are to be asked for again, and which no more.
    fn again(&mut self, lacking: &UidSet) -> (UidSet, UidSet) {
        let enough = lacking.intersection(&self.twice);
        let again = lacking.difference(&enough);
        self.twice.union_with(&again.intersection(&self.once));
        self.once.union_with(&again);
        self.given_up.union_with(&enough);
        (again, enough)
    }
}

impl SyncState {
    /// Whether what is known is what the server has told, so that a later selection can go on from it.
    pub(in crate::engine) fn is_in_step(&self) -> bool {
        self.done && self.open_doubts == 0
    }

    /// What flags these messages have is asked.
    pub(in crate::engine) fn doubt(&mut self, asked: &Messages) {
        self.open_doubts += 1;
        if let Messages::Uids(uids) = asked {
            self.doubtful.union_with(uids);
        }
    }

    /// Whether it is being asked what flags this message has; without a UID there is no telling which it is.
    pub(in crate::engine) fn is_doubtful(&self, uid: Option<Uid>) -> bool {
        self.open_doubts > 0 && uid.is_none_or(|uid| self.doubtful.contains(uid))
    }

    /// One such question has found its answer.
    pub(in crate::engine) fn settle_doubt(&mut self) {
        self.open_doubts = self.open_doubts.saturating_sub(1);
        if self.open_doubts == 0 {
            self.doubtful = UidSet::new();
        }
    }

    /// Whether the server has refused so often that it is not asked, until something comes or goes.
    pub(in crate::engine) fn has_given_up(&self) -> bool {
        self.refused >= MAX_REFUSALS
    }

    /// Whether there is nothing that is to be asked.
    fn lacks_nothing(&self, view: &View) -> bool {
        let flags = self.wanted != ViewSync::Flags || view.flags_unknown() == 0;
        let due = self.before.is_some() || self.changes_since.is_some() || !self.flags_due.is_empty();
        self.done && flags && !due && self.lost == 0 && view.unknown().is_none()
    }

    pub(in crate::engine) fn new(wanted: ViewSync, before: Option<PriorState>) -> Self {
        Self { wanted, before, ..Self::default() }
    }

    /// For the same mailbox, of which this view can't be true: what was known is to be compared, and what was still to be asked
    /// is.
    pub(in crate::engine) fn begun_anew(self, view: &View) -> Self {
        let before = self.before.or_else(|| PriorState::of(view, self.done));
        let (changes_since, while_disconnected) = (self.changes_since, self.while_disconnected);
        Self { changes_since, while_disconnected, ..Self::new(self.wanted, before) }
    }
}

impl Engine {
    /// Asks for what the view lacks, unless that has been asked already.
    pub(in crate::engine) fn continue_sync(&mut self) {
        let Some(selection) = self.selected.current() else { return };
        // Asked at each EXPUNGE, and nearly always so: before all that is in flight is looked through.
        let behind = selection.in_step.is_behind() && !self.inflight.has_silent_change(None);
        if selection.filling.lacks_nothing(&selection.view) && !behind
            || self.scheduler.has_sync_query()
            || self.has_internal_in_flight(InternalCommand::fills)
        {
            // The end of what is asked already will look again.
            return;
        }
        let (view, filling) = (&selection.view, &selection.filling);
        if filling.wanted == ViewSync::Off {
            return self.report_ready();
        }
        if filling.has_given_up() {
            self.filling_refused(true);
            return self.tell_changed_by_number();
        }
        let selection_handle = selection.selection_handle.clone();
        let unknown = view.unknown_before(filling.skip);
        if unknown.is_none() && view.unknown().is_some() {
            return self.filling_refused(true);
        }
        match unknown {
            // There are no numbers to ask by (RFC 9586 section 3).
            Some((first, last)) if self.session.is_enabled("UIDONLY") => {
                self.ask_by_uid(first, last, selection_handle)
            }
            Some((first, last)) => {
                match newest(view, last, filling.done, self.at_once(self.settings.windows.flags)) {
                    Some(from) if !filling.unparsed_rows => {
                        let fetch = Fetch::new(from.., Items::new().flags());
                        self.queue_internal(InternalCommand::Learn, fetch, Some(selection_handle));
                    }
                    // None that stay what they are (RFC 5465 section 5.3).
                    _ if self.mailboxes.moves_numbers() => self.ask_by_uid(first, last, selection_handle),
                    _ => self.ask_window(first, last, selection_handle),
                }
            }
            None => self.filled(selection_handle),
        }
    }

    /// Asks for the UIDs of these messages, without a number in the question.
    fn ask_by_uid(&mut self, first: Seq, last: Seq, selection_handle: Arc<SelectionHandle>) {
        let Some(selection) = self.selected.current() else { return };
        let before = selection.view.uid_before(first).map_or(0, Uid::get);
        let from = Uid::new(before.saturating_add(1));
        let after = Seq::new(last.get().saturating_add(1)).and_then(|seq| selection.view.uid(seq));
        match from.zip(after) {
            // Those after them have been told: the server's limit stopped it there.
            Some((from, after)) => {
                let most = Uid::new(after.get() - 1).map_or(from, |most| most.max(from));
                if selection.filling.uids_by_rows && !self.session.is_enabled("UIDONLY") {
                    self.queue_internal(
                        InternalCommand::Learn,
                        Fetch::new(from..=most, Items::new()),
                        Some(selection_handle),
                    );
                } else {
                    self.queue_internal(
                        InternalCommand::FindUids(RangeCollector::default()),
                        Search::uids(from..=most),
                        Some(selection_handle),
                    );
                }
            }
            None => self.ask_up_to_the_last(from, before, selection_handle),
        }
    }

    fn ask_up_to_the_last(&mut self, from: Option<Uid>, before: u32, selection_handle: Arc<SelectionHandle>) {
        let Some(selection) = self.selected.current() else { return };
        match from {
            // A search was void; rows tell their numbers, where there are any.
            Some(from) if selection.filling.uids_by_rows && !self.session.is_enabled("UIDONLY") => {
                self.queue_internal(
                    InternalCommand::Learn,
                    Fetch::new(from.., Items::new()),
                    Some(selection_handle),
                );
            }
            Some(from) if before > 0 => {
                self.queue_internal(
                    InternalCommand::FindUids(RangeCollector::default()),
                    Search::uids(from..),
                    Some(selection_handle),
                );
            }
            _ => self.queue_internal(
                InternalCommand::FindUids(RangeCollector::default()),
                Search::all(),
                Some(selection_handle),
            ),
        }
    }

    /// Asks for the UIDs of the last of these numbers.
    fn ask_window(&mut self, first: Seq, last: Seq, selection_handle: Arc<SelectionHandle>) {
        let Some(selection) = self.selected.current() else { return };
        let len = selection.view.len();
        let uids_by_rows = selection.filling.uids_by_rows;
        let most = self.at_once(self.settings.windows.uids);
        let all = first.get() == 1 && last.get() == len && len <= most;
        let from = Seq::new(last.get().saturating_sub(most - 1)).map_or(first, |from| from.max(first));
        let window = SeqSet::from(from..=last);
        if uids_by_rows {
            // Each row tells its own number, and none can shift meanwhile (RFC 9051 section 7.5.1).
            self.queue_in_background(
                InternalCommand::Learn,
                Fetch::new(window, Items::new()),
                selection_handle,
            );
        } else if all {
            self.queue_internal(
                InternalCommand::FindUids(RangeCollector::default()),
                Search::all(),
                Some(selection_handle),
            );
        } else {
            self.queue_in_background(
                InternalCommand::FindUids(RangeCollector::default()),
                ResolveUids::new(window),
                selection_handle,
            );
        }
    }

    /// How many messages to ask of, if it were so many but for the server's own limit (RFC 9738 section 3).
    pub(in crate::engine) fn at_once(&self, window: u32) -> u32 {
        let limit = self.session.capabilities().value("MESSAGELIMIT").and_then(|limit| limit.parse().ok());
        limit.map_or(window, |limit: u32| window.min(limit.max(1)))
    }

    /// All UIDs are known: what else is there to know?
    fn filled(&mut self, selection_handle: Arc<SelectionHandle>) {
        self.compare_with_before();
        self.retry_flag_query();
        let window = self.at_once(self.settings.windows.flags);
        let Some(selection) = self.selected.current_mut() else { return };
        let filling = &mut selection.filling;
        if let Some(since) = filling.changes_since {
            let all = Uid::new(1).map(|first| UidSet::from(first..)).unwrap_or_default();
            let fetch = Fetch::new(all, Items::new().flags()).changed_since(since);
            return self.queue_internal(InternalCommand::Changes, fetch, Some(selection_handle));
        }
        let look = filling.flags_due.is_empty() || filling.flags_withheld.is_empty();
        if filling.wanted == ViewSync::Flags && look && selection.view.flags_unknown() > 0 {
            let untold = selection.view.uids_without_flags();
            let due = untold.difference(&filling.flags_withheld).difference(&filling.unreadable.given_up);
            filling.flags_due.union_with(&due);
            filling.flags_withheld = untold;
        }
        if filling.flags_due.is_empty() && !self.inflight.has_silent_change(None) {
            filling.flags_due = selection.in_step.behind();
        }
        if filling.flags_due.is_empty() {
            let done = std::mem::replace(&mut filling.done, true);
            filling.while_disconnected = false;
            selection.changed |= !done;
            if !done && selection.selection_handle.plan.resume.is_some() {
                let place = Some(selection.selection_handle.place.clone());
                let kind = EventKind::Resumed { exists: selection.view.len() };
                self.report(Event::new(kind).at(place));
            }
            return self.report_ready();
        }
        // The newest first: they are the ones that are looked at.
        let window: UidSet = newest_of(&filling.flags_due, window);
        filling.flags_due = filling.flags_due.difference(&window);
        let items = Items::new().flags();
        self.queue_in_background(
            InternalCommand::FillFlags(IncrementalSet::default()),
            Fetch::new(window, items),
            selection_handle,
        );
    }

    /// One of the engine's own commands has ended.
    pub(in crate::engine) fn internal_ended(
        &mut self,
        own: InternalCommand,
        selection_handle: Option<&SelectionHandle>,
        asked: &QueryOutcome,
    ) {
        let own = match own {
            InternalCommand::Subscription { mailbox, found } => {
                self.mailboxes.subscription_looked_up(mailbox, found, asked.ok);
                return self.report_mailboxes();
            }
            own => own,
        };
        let Some(selection) = self.selected.current_mut() else { return };
        if selection_handle
            .is_some_and(|selection_handle| selection_handle.id != selection.selection_handle.id)
        {
            // What it heard is of another selection.
            return;
        }
        selection.changed = true;
        let (view, filling) = (&mut selection.view, &mut selection.filling);
        let refused = if asked.ok { 0 } else { filling.refused + 1 };
        let still = asked.generation == view.generation();
        match own {
            InternalCommand::FindUids(uids) => {
                let uids = uids.finish();
                // Taken only if it speaks of the mailbox as it is: nothing came or went in between.
                let filled = match &asked.messages {
                    // The last of them, as far as the server went.
                    None if asked.from.is_some() && !asked.unread && still && !uids.is_empty() => {
                        view.unknown().is_some_and(|(_, last)| {
                            let first = u64::from(last.get()) + 1 - uids.len().min(last.get().into());
                            let first = u32::try_from(first).ok().and_then(Seq::new);
                            first.is_some_and(|first| view.fill_window(first, last, &uids).is_ok())
                        })
                    }
                    _ if !asked.ok => false,
                    Some(Messages::Seqs(window)) => {
                        let ends = window.first().zip(window.last());
                        let still = asked.removed == view.removed();
                        still && ends.is_some_and(|(a, b)| view.fill_window(a, b, &uids).is_ok())
                    }
                    _ if !still => false,
                    // All of them, or without numbers those from the first unknown one on.
                    _ => match view.unknown().zip(Seq::new(view.len())) {
                        Some(((first, unknown), last)) if uids.len() < u64::from(last.get()) => {
                            let up_to = |last| view.fill_window(first, last, &uids).is_ok();
                            [unknown, last].into_iter().any(up_to)
                        }
                        _ => view.fill(&uids).is_ok(),
                    },
                };
                filling.uids_by_rows = !filled;
                // Without numbers there is no other way to ask.
                let in_vain = still && !filled && self.session.is_enabled("UIDONLY");
                filling.refused = match filled {
                    true => 0,
                    // One that does not add up is no success either: it could go on for ever.
                    false => filling.refused + u8::from(in_vain || !asked.ok),
                };
                filling.unparsed_rows &= !filled;
                if filled {
                    self.report_arrivals();
                }
                self.continue_sync();
            }
            InternalCommand::Learn => {
                // A server's limit refuses nothing, if rows came: next it is those below.
                (filling.uids_by_rows, filling.refused) =
                    (false, if asked.got_on(view) { 0 } else { refused });
                filling.unparsed_rows = asked.unread;
                if still && asked.ok {
                    filling.skip = unknown_of(view, asked.messages.as_ref()).or(filling.skip);
                }
                self.continue_sync();
            }
            InternalCommand::Changes => {
                filling.changes_since = None;
                if !asked.ok {
                    // Then all that may have changed is asked and compared.
                    filling.flags_due = view.uids();
                }
                self.continue_sync();
            }
            InternalCommand::FillFlags(reported) => {
                let reported = reported.to_set();
                if let Some(Messages::Uids(window)) = asked.messages.as_ref().filter(|_| asked.ok) {
                    selection.in_step.have_flags(window);
                }
                filling.refused = if asked.unread || !reported.is_empty() { 0 } else { refused };
                if let Some(Messages::Uids(window)) = asked.messages.as_ref().filter(|_| !asked.ok) {
                    let lacking = window.difference(&reported);
                    let again = if asked.unread {
                        let unread = asked.dealt_with(&lacking);
                        let mut again = lacking.difference(&unread);
                        again.union_with(&self.unreadable(&unread));
                        again
                    } else {
                        lacking
                    };
                    if let Some(selection) = self.selected.current_mut() {
                        selection.filling.flags_due.union_with(&again);
                    }
                }
                self.continue_sync();
            }
            InternalCommand::Flags(doing, reported) => match (&asked.messages, reported.to_set()) {
                // What can't be read is not known, and asked for with the others if that is wanted.
                (Some(Messages::Uids(which)), reported) if asked.unread => {
                    let lacking = asked.dealt_with(&which.difference(&reported));
                    filling.flags_withheld = filling.flags_withheld.difference(&lacking);
                    view.forget_flags(&lacking);
                    match asked.from {
                        None => filling.settle_doubt(),
                        Some(_) => self.ask_flags_below(doing, &reported, asked),
                    }
                    self.continue_sync();
                }
                // A refusal leaves the doubt.
                _ if asked.ok => filling.settle_doubt(),
                (_, reported) => self.ask_flags_below(doing, &reported, asked),
            },
            InternalCommand::Idle
            | InternalCommand::Poll
            | InternalCommand::Notify
            | InternalCommand::Subscription { .. }
            | InternalCommand::DeselectedMailbox(_)
            | InternalCommand::Look(_)
            | InternalCommand::Logout => {}
        }
        self.claim_mod_seq(None);
        self.report_ready();
    }

    /// The flags of these messages could not be read. Those that are to be asked for again; of the others they are not known.
    fn unreadable(&mut self, lacking: &UidSet) -> UidSet {
        let Some(selection) = self.selected.current_mut() else { return UidSet::new() };
        let (again, enough) = selection.filling.unreadable.again(lacking);
        if !enough.is_empty() {
            tracing::warn!(target: "imap_duplex", uids = %enough, "their flags can't be read, and are not asked for any more");
            selection.view.forget_flags(&enough);
            selection.in_step.have_flags(&enough);
        }
        again
    }

    /// Messages have come or gone: what could not be told before may be told now.
    pub(in crate::engine) fn on_count_changed(&mut self) {
        if let Some(selection) = self.selected.current_mut() {
            (selection.filling.skip, selection.filling.refused) = (None, 0);
            selection.filling.flags_withheld = UidSet::new();
            self.filling_refused(false);
            self.continue_sync();
        }
    }
}

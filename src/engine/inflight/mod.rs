//! Commands in flight: what is kept of each, whose answer a response is, and how a command ends.
//!
//! ```text
//!   started ──> command ── untagged: route (claim_index, message_index, ambiguous) ──> slot
//!                  │       unparsed: marked incomplete
//!                  └────── tagged ──> Ok, No, Bad, Partial, Incomplete
//! ```
//!
//! In: commands that were started, responses that the view has learnt. Out: results into slots,
//! effects of an OK. The indexes answer what admission asks without a walk over all commands.

mod ambiguous;
mod claim_index;
mod command;
mod counts;
mod flag_updates;
mod index;
mod line_state;
mod message_index;
mod message_limit;
mod named_messages;
mod route;
mod streamed_row;
mod tagged;
mod unparsed;

pub(crate) use self::command::AtStart;
use self::counts::InFlightCounts;
pub(crate) use self::counts::by_number;
pub(crate) use self::line_state::Cancellation;
pub(crate) use self::route::{Routed, vanished};
pub(crate) use self::tagged::{Reply, Written};

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use self::command::InFlightCommand;
use self::index::InFlightIndex;
use self::message_limit::MessageLimits;
use self::unparsed::UnparsedLines;
use crate::command::{Class, Effect, FlagUse, Messages, ResponseKinds, SavedSearch, SelectParams};
use crate::engine::events::Output;
use crate::engine::metrics;
use crate::engine::submit::{Ended, InternalCommand, SelectionHandle, Submission, SubmitFacts};
use crate::error::{Error, Sent};
use crate::types::{Answer, CloseReason, CommandId, Progress, SelectionId, Status, UidSet, UidValidity};

/// The commands in flight.
#[derive(Default)]
pub(crate) struct InFlight {
    entries: BTreeMap<CommandId, Box<InFlightCommand>>,
    /// The same by what others ask of them.
    index: InFlightIndex,
    /// How many commands have been started.
    started: u64,
    limits: MessageLimits,
    unparsed: UnparsedLines,
    /// Commands that were given something of which their readers are still to be woken.
    fed: Vec<CommandId>,
    /// Whose row it is that has come as far as a literal which is read while it comes.
    row_of: Option<CommandId>,
}

impl InFlight {
    /// A command is sent; its messages are those that its line will name.
    pub(crate) fn start(&mut self, submission: Box<Submission>, at_start: AtStart) {
        self.started += 1;
        let id = submission.id;
        let entry = Box::new(InFlightCommand::new(submission, self.started, at_start));
        self.index.add(id, &entry);
        self.entries.insert(id, entry);
    }

    /// Some of a command's line has been written, or all of it.
    pub(crate) fn on_written(&mut self, id: CommandId, count: usize, whole: bool, now: Instant) {
        let Some(entry) = self.entries.get_mut(&id) else { return };
        entry.sent_bytes += count;
        if !entry.begun {
            (entry.begun, entry.missed_from) = (true, self.unparsed.mark());
            entry.since = Some(now);
        }
        entry.whole |= whole;
    }

    /// Takes a command out that has ended.
    fn take(&mut self, id: CommandId) -> Option<Box<InFlightCommand>> {
        let entry = self.entries.remove(&id)?;
        self.index.remove(id, &entry);
        Some(entry)
    }

    /// Takes a command out that is to be sent again.
    fn take_for_retry(&mut self, id: CommandId) -> Option<Box<Submission>> {
        let entry = self.take(id)?;
        let sent_before = entry.sent();
        let mut submission = entry.submission;
        submission.then = SubmitFacts::default();
        (submission.named, submission.sent_before) = (None, sent_before);
        Some(submission)
    }

    /// Whether the line of this SELECT has parameters.
    pub(crate) fn has_params(&self, id: CommandId) -> bool {
        self.entries.get(&id).is_some_and(|entry| entry.has_params)
    }

    /// What the success of this SELECT says of its parameters: it has some, or is sent again
    /// without.
    pub(crate) fn select_params(&self, id: CommandId) -> Option<SelectParams> {
        let entry = self.entries.get(&id)?;
        let taken = entry.has_params.then_some(SelectParams::Taken);
        if entry.submission.sent_before == Sent::No { taken } else { Some(SelectParams::Refused) }
    }

    /// Takes all out: the connection has ended, for this reason.
    pub(crate) fn close(&mut self, reason: &CloseReason) -> Vec<Ended> {
        let all = std::mem::take(self).entries.into_iter();
        let ended = all.map(|(id, entry)| {
            let (place, error) = (entry.submission.place(), Error::closed(reason).with_sent(entry.sent()));
            metrics::ended(entry.submission.job.name(), Some(&error), None);
            // What the earlier lines of a series achieved is not lost.
            let done = entry.replies.into_iter().filter(|reply| reply.status == Status::Ok);
            let error = error.add_answers(done.map(|status| Answer::Status(Box::new(status))));
            Ended::new(id, entry.submission.job, place, Err(error)).reporting_failure(!entry.quiet)
        });
        ended.collect()
    }

    /// Whether a user's command is in flight that changes something.
    #[cfg(feature = "account")]
    pub(crate) fn has_changes(&self) -> bool {
        let mut all = self.entries.values().map(|entry| &entry.submission);
        all.any(|submission| submission.origin.is_user() && !submission.class.reads_only)
    }

    pub(crate) fn has(&self, id: CommandId) -> bool {
        self.entries.contains_key(&id)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn counts(&self) -> &InFlightCounts {
        &self.index.counts
    }

    pub(crate) fn class(&self, id: CommandId) -> Option<&Class> {
        self.entries.get(&id).map(|entry| &entry.submission.class)
    }

    /// What the command's OK changes.
    pub(crate) fn effect(&self, id: CommandId) -> Option<&Effect> {
        self.class(id).map(|class| &class.effect)
    }

    /// The messages that it names, as they were sent.
    pub(crate) fn messages(&self, id: CommandId) -> Option<&Messages> {
        self.entries.get(&id)?.messages.as_ref()
    }

    /// Whether such a command of the engine's own is in flight in this selection, or without one.
    pub(crate) fn has_internal(
        &self,
        selection: Option<SelectionId>,
        is: impl Fn(&InternalCommand) -> bool,
    ) -> bool {
        self.internals().any(|(internal, of)| (of.is_none() || of == selection) && is(internal))
    }

    /// How often capabilities had been reported when it was sent.
    pub(crate) fn capabilities_epoch(&self, id: CommandId) -> Option<u64> {
        self.entries.get(&id).map(|entry| entry.at_start.capabilities_epoch)
    }

    /// The selection in which it works.
    pub(crate) fn selection_handle(&self, id: CommandId) -> Option<&Arc<SelectionHandle>> {
        self.entries.get(&id)?.submission.selection_handle.as_ref()
    }

    /// The selection that it makes.
    pub(crate) fn opens(&self, id: CommandId) -> Option<&Arc<SelectionHandle>> {
        self.entries.get(&id)?.submission.opens.as_ref()
    }

    /// What it is for, if it is one of the engine's own.
    pub(crate) fn internal(&self, id: CommandId) -> Option<&InternalCommand> {
        self.entries.get(&id)?.submission.origin.internal()
    }

    /// The engine's own commands, each with the selection in which it works.
    pub(crate) fn internals(&self) -> impl Iterator<Item = (&InternalCommand, Option<SelectionId>)> {
        let all = self.index.own.iter().filter_map(|id| self.entries.get(id));
        all.filter_map(|entry| {
            Some((
                entry.submission.origin.internal()?,
                entry.submission.selection_handle.as_ref().map(|s| s.id()),
            ))
        })
    }

    /// Whether some of it has been written.
    pub(crate) fn has_begun(&self, id: CommandId) -> bool {
        self.entries.get(&id).is_some_and(|entry| entry.begun)
    }

    /// A command with such an effect of which some has been written.
    pub(crate) fn find_begun(&self, is: impl Fn(&Effect) -> bool) -> Option<CommandId> {
        let mut all = self.entries.iter();
        all.find(|(_, entry)| entry.begun && is(&entry.submission.class.effect)).map(|(id, _)| *id)
    }

    /// Whether only IDLE is in flight, if anything.
    pub(crate) fn only_idles(&self) -> bool {
        self.entries.values().all(|entry| matches!(entry.submission.class.effect, Effect::Idle))
    }

    /// The name of the oldest command that waits for an answer, but for those for which that may
    /// take as long as it likes.
    pub(crate) fn awaited(&self, may_wait: impl Fn(CommandId) -> bool) -> Option<&str> {
        let mut all = self.entries.iter();
        let awaited = all.find(|(id, entry)| !entry.tags.is_empty() && !may_wait(**id));
        awaited.map(|(_, entry)| entry.submission.job.name())
    }

    /// Whether the bytes of responses are wanted.
    pub(crate) fn wants_raw(&self) -> bool {
        self.index.raw_listeners > 0
    }

    /// Whether a command names messages by number.
    pub(crate) fn has_numbers(&self) -> bool {
        self.index.counts.by_number > 0
    }

    /// Whether a command other than this one makes changes that are in the view only when it ends.
    pub(crate) fn has_silent_change(&self, except: Option<CommandId>) -> bool {
        self.index.silent.iter().any(|id| Some(*id) != except)
    }

    /// Whether a user's command may claim responses of these kinds.
    pub(crate) fn is_asked_by_users(&self, kinds: ResponseKinds) -> bool {
        self.entries
            .values()
            .any(|entry| !entry.is_internal() && entry.submission.class.answered_by.overlaps(kinds))
    }

    /// Whether a command and one in flight use flags of the same messages, and one of them changes
    /// them.
    pub(crate) fn flags_conflict(&self, next: &Class, messages: Option<&Messages>) -> bool {
        let conflicts = |other: &InFlightCommand| {
            let changes = match (next.flags, other.submission.class.flags) {
                (FlagUse::None, _) | (_, FlagUse::None) | (FlagUse::Reads, FlagUse::Reads) => false,
                (FlagUse::Writes, _) | (_, FlagUse::Writes) => true,
            };
            let overlap = || messages.zip(other.messages.as_ref()).is_none_or(|(a, b)| a.may_overlap(b));
            changes && overlap()
        };
        let mut any = false;
        self.index.flag_users.overlapping(messages, |set| {
            any = any || set.iter().filter_map(|(_, id)| self.entries.get(id)).any(|other| conflicts(other));
        });
        any
    }

    /// Whether the answers of a command could be taken for those of one in flight.
    pub(crate) fn is_ambiguous(&self, next: &Class, messages: Option<&Messages>) -> bool {
        let names_same = |id: CommandId| {
            messages.zip(self.messages(id)).is_none_or(|(mine, others)| mine.may_overlap(others))
        };
        self.index.claimers.is_ambiguous(next, messages, names_same)
    }

    /// The commands for which `is` holds.
    fn ids_where(&self, is: impl Fn(&InFlightCommand) -> bool) -> Vec<CommandId> {
        self.entries.iter().filter(|(_, entry)| is(entry)).map(|(id, _)| *id).collect()
    }

    /// The commands that use this saved result.
    pub(crate) fn users_of(&self, saved: &SavedSearch) -> Vec<CommandId> {
        self.ids_where(|entry| matches!(&entry.messages, Some(Messages::Saved(of)) if of == saved))
    }

    /// The commands that work in this selection.
    pub(crate) fn in_selection(&self, selection: SelectionId) -> Vec<CommandId> {
        self.ids_where(|f| f.submission.selection_handle.as_ref().is_some_and(|s| s.id() == selection))
    }

    /// Users' commands of which nothing has been written and for which `why` returns an error.
    pub(crate) fn unsent_where(
        &self,
        why: impl Fn(Option<&Messages>, &Class) -> Option<Error>,
    ) -> Vec<(CommandId, Error)> {
        let unsent = self.entries.iter().filter(|(_, entry)| !entry.begun && !entry.is_internal());
        unsent
            .filter_map(|(id, entry)| Some((*id, why(entry.messages.as_ref(), &entry.submission.class)?)))
            .collect()
    }

    /// SELECT has reported the UIDVALIDITY under which what was sent behind it names UIDs.
    pub(crate) fn set_uid_validity(&mut self, selection: SelectionId, reported: Option<UidValidity>) {
        for id in self.in_selection(selection) {
            let Some(entry) = self.entries.get_mut(&id) else { continue };
            entry.at_start.uid_validity = entry.at_start.uid_validity.or(reported);
        }
    }

    /// Whether a command names the messages that it removes, so that it surely removed them.
    pub(crate) fn names_messages(&self, id: CommandId) -> bool {
        self.entries.get(&id).is_some_and(|entry| entry.messages.is_some() && !entry.uses_saved())
    }

    /// Of the messages that vanished, those that each command which may have removed them names.
    pub(crate) fn named_of_removed(&self, uids: &UidSet) -> Vec<UidSet> {
        let mut named = std::collections::BTreeSet::new();
        self.index.claimers.of_removed(uids, |set| named.extend(set.iter().copied()));
        let set_of = |id| match self.messages(id)? {
            Messages::Uids(set) => Some(set.intersection(uids)),
            _ => None,
        };
        named.into_iter().filter_map(|(_, id)| set_of(id)).collect()
    }

    /// The one command in flight, if more of its result waits unread than is good, and how often it
    /// was read.
    pub(crate) fn backed_up(&self, out: &Output) -> Option<(CommandId, u64)> {
        let (id, entry) = self.entries.first_key_value().filter(|_| self.len() == 1)?;
        Some((*id, entry.submission.job.backed_up(out)?))
    }

    /// This command was given something.
    fn note_fed(&mut self, id: CommandId) {
        if self.fed.last() != Some(&id) {
            self.fed.push(id);
        }
    }

    /// Wakes the readers of what has been given since the last time.
    pub(crate) fn hand_over(&mut self) {
        for id in self.fed.drain(..) {
            self.entries.get(&id).into_iter().for_each(|entry| entry.submission.job.hand_over());
        }
    }

    /// A line could not be read; it begins with this keyword, which is of this kind.
    pub(crate) fn note_unparsed(&mut self, kind: ResponseKinds, keyword: &str, bytes: &Bytes) {
        self.unparsed.add(kind, keyword, bytes);
    }

    /// The server has said how far a command has come. Whether it is in flight.
    pub(crate) fn progress(&self, id: CommandId, progress: &Progress) -> bool {
        self.entries.get(&id).is_some_and(|entry| {
            entry.submission.job.progress(progress);
            true
        })
    }
}

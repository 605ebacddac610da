//! Commands in flight: what is kept of each, whose answer a response is, and how a command ends.
//!
//! ```text
//!   started ──> entry ── untagged: route (claim_index, message_index, ambiguous) ──> slot
//!                 │      unparsed: marked incomplete
//!                 └───── tagged: completion ──> Ok, No, Bad, Partial, Incomplete
//! ```
//!
//! In: commands that were started, responses that the view has learnt. Out: results into slots,
//! effects of an OK. The indexes answer what admission asks without a walk over all commands.

mod ambiguous;
mod claim_index;
pub(in crate::engine) mod completion;
pub(in crate::engine) mod counts;
pub(in crate::engine) mod entry;
pub(in crate::engine) mod flag_updates;
mod index;
pub(in crate::engine) mod lines;
mod message_index;
mod message_limit;
pub(in crate::engine) mod route;
mod unparsed;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use self::counts::InFlightCounts;
use self::entry::{AtStart, InFlightCommand};
use self::index::InFlightIndex;
use self::message_limit::MessageLimits;
use self::unparsed::UnparsedLines;
use crate::command::{Class, Effect, FlagUse, Messages, ResponseKinds, SavedSearch};
use crate::engine::events::output::Output;
use crate::engine::submit::ended::Ended;
use crate::engine::submit::internal::InternalCommand;
use crate::engine::submit::selection_handle::{SelectionHandle, SubmitFacts};
use crate::engine::submit::shared::{Origin, Submission};
use crate::error::{Error, Sent};
use crate::types::{Answer, CloseReason, CommandId, Progress, SelectionId, Status, UidSet, UidValidity};

/// The commands in flight.
#[derive(Default)]
pub(in crate::engine) struct InFlight {
    entries: BTreeMap<CommandId, InFlightCommand>,
    /// The same by what others ask of them.
    index: InFlightIndex,
    /// How many commands have been started.
    started: u64,
    limits: MessageLimits,
    unparsed: UnparsedLines,
}

impl InFlight {
    /// A command is sent; its messages are those that its line will name.
    pub(in crate::engine) fn start(&mut self, submission: Submission, at_start: AtStart) {
        self.started += 1;
        let id = submission.id;
        let entry = InFlightCommand::new(submission, self.started, at_start);
        self.index.add(id, &entry);
        self.entries.insert(id, entry);
    }

    /// Some of a command's line has been written, or all of it.
    pub(in crate::engine) fn on_written(&mut self, id: CommandId, whole: bool, now: Instant) {
        let Some(entry) = self.entries.get_mut(&id) else { return };
        if !entry.begun {
            (entry.begun, entry.missed_from) = (true, self.unparsed.mark());
            entry.since = Some(now);
        }
        entry.whole |= whole;
    }

    /// Takes a command out that has ended.
    fn take(&mut self, id: CommandId) -> Option<InFlightCommand> {
        let entry = self.entries.remove(&id)?;
        self.index.remove(id, &entry);
        Some(entry)
    }

    /// Takes a command out that is to be sent again.
    fn take_for_retry(&mut self, id: CommandId) -> Option<Submission> {
        let entry = self.take(id)?;
        let sent_before = entry.sent();
        let InFlightCommand { job, class, selection_handle, opens, .. } = entry;
        let (origin, then, named) = (Origin::User, SubmitFacts::default(), None);
        Some(Submission { id, job, class, selection_handle, opens, origin, then, named, sent_before })
    }

    /// Whether the server has refused the parameters of this SELECT, and whether it was sent any.
    pub(in crate::engine) fn select_params(&self, id: CommandId) -> (bool, bool) {
        self.entries.get(&id).map_or((false, false), |f| (f.sent_before != Sent::No, f.has_params))
    }

    /// Takes all out: the connection has ended, for this reason.
    pub(in crate::engine) fn close(&mut self, reason: &CloseReason) -> Vec<Ended> {
        let all = std::mem::take(self).entries.into_iter();
        let ended = all.map(|(id, entry)| {
            let (place, error) = (entry.place(), Error::closed(reason).with_sent(entry.sent()));
            // What the earlier lines of a series achieved is not lost.
            let done = entry.replies.into_iter().filter(|reply| reply.status == Status::Ok);
            let error = error.add_answers(done.map(Answer::Status));
            Ended::new(id, entry.job, place, Err(error)).reporting_failure(!entry.quiet)
        });
        ended.collect()
    }

    pub(in crate::engine) fn has(&self, id: CommandId) -> bool {
        self.entries.contains_key(&id)
    }

    pub(in crate::engine) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(in crate::engine) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(in crate::engine) fn counts(&self) -> &InFlightCounts {
        &self.index.counts
    }

    pub(in crate::engine) fn class(&self, id: CommandId) -> Option<&Class> {
        self.entries.get(&id).map(|entry| &entry.class)
    }

    /// What the command's OK changes.
    pub(in crate::engine) fn effect(&self, id: CommandId) -> Option<&Effect> {
        self.class(id).map(|class| &class.effect)
    }

    /// The messages that it names, as they were sent.
    pub(in crate::engine) fn messages(&self, id: CommandId) -> Option<&Messages> {
        self.entries.get(&id)?.messages.as_ref()
    }

    /// Whether such a command of the engine's own is in flight in this selection, or without one.
    pub(in crate::engine) fn has_internal(
        &self,
        selection: Option<SelectionId>,
        is: impl Fn(&InternalCommand) -> bool,
    ) -> bool {
        self.internals().any(|(internal, of)| (of.is_none() || of == selection) && is(internal))
    }

    /// How often capabilities had been reported when it was sent.
    pub(in crate::engine) fn capabilities_epoch(&self, id: CommandId) -> Option<u64> {
        self.entries.get(&id).map(|entry| entry.at_start.capabilities_epoch)
    }

    /// The selection in which it works.
    pub(in crate::engine) fn selection_handle(&self, id: CommandId) -> Option<&Arc<SelectionHandle>> {
        self.entries.get(&id)?.selection_handle.as_ref()
    }

    /// The selection that it makes.
    pub(in crate::engine) fn opens(&self, id: CommandId) -> Option<&Arc<SelectionHandle>> {
        self.entries.get(&id)?.opens.as_ref()
    }

    /// What it is for, if it is one of the engine's own.
    pub(in crate::engine) fn internal(&self, id: CommandId) -> Option<&InternalCommand> {
        self.entries.get(&id)?.own.as_ref()
    }

    /// The engine's own commands, each with the selection in which it works.
    pub(in crate::engine) fn internals(
        &self,
    ) -> impl Iterator<Item = (&InternalCommand, Option<SelectionId>)> {
        let all = self.index.own.iter().filter_map(|id| self.entries.get(id));
        all.filter_map(|entry| Some((entry.own.as_ref()?, entry.selection_handle.as_ref().map(|s| s.id()))))
    }

    /// Whether some of it has been written.
    pub(in crate::engine) fn has_begun(&self, id: CommandId) -> bool {
        self.entries.get(&id).is_some_and(|entry| entry.begun)
    }

    /// A command with such an effect of which some has been written.
    pub(in crate::engine) fn find_begun(&self, is: impl Fn(&Effect) -> bool) -> Option<CommandId> {
        let mut all = self.entries.iter();
        all.find(|(_, entry)| entry.begun && is(&entry.class.effect)).map(|(id, _)| *id)
    }

    /// Whether only IDLE is in flight, if anything.
    pub(in crate::engine) fn only_idles(&self) -> bool {
        self.entries.values().all(|entry| matches!(entry.class.effect, Effect::Idle))
    }

    /// The name of the oldest command that waits for an answer, but for those for which that may
    /// take as long as it likes.
    pub(in crate::engine) fn awaited(&self, may_wait: impl Fn(CommandId) -> bool) -> Option<&str> {
        let mut all = self.entries.iter();
        let awaited = all.find(|(id, entry)| !entry.tags.is_empty() && !may_wait(**id));
        awaited.map(|(_, entry)| entry.job.name())
    }

    /// Whether the bytes of responses are wanted.
    pub(in crate::engine) fn wants_raw(&self) -> bool {
        self.index.raw_listeners > 0
    }

    /// Whether a command names messages by number.
    pub(in crate::engine) fn has_numbers(&self) -> bool {
        self.index.counts.by_number > 0
    }

    /// Whether a command other than this one makes changes that are in the view only when it ends.
    pub(in crate::engine) fn has_silent_change(&self, except: Option<CommandId>) -> bool {
        self.index.silent.iter().any(|id| Some(*id) != except)
    }

    /// Whether a user's command may claim responses of these kinds.
    pub(in crate::engine) fn is_asked_by_users(&self, kinds: ResponseKinds) -> bool {
        self.entries.values().any(|entry| entry.own.is_none() && entry.class.answered_by.overlaps(kinds))
    }

    /// Whether a command and one in flight use flags of the same messages, and one of them changes
    /// them.
    pub(in crate::engine) fn flags_conflict(&self, next: &Class, messages: Option<&Messages>) -> bool {
        let conflicts = |other: &InFlightCommand| {
            let changes = match (next.flags, other.class.flags) {
                (FlagUse::None, _) | (_, FlagUse::None) | (FlagUse::Reads, FlagUse::Reads) => false,
                (FlagUse::Writes, _) | (_, FlagUse::Writes) => true,
            };
            let overlap = || messages.zip(other.messages.as_ref()).is_none_or(|(a, b)| a.may_overlap(b));
            changes && overlap()
        };
        let mut any = false;
        self.index.flag_users.overlapping(messages, |set| {
            any = any || set.iter().filter_map(|(_, id)| self.entries.get(id)).any(conflicts);
        });
        any
    }

    /// Whether the answers of a command could be taken for those of one in flight.
    pub(in crate::engine) fn is_ambiguous(&self, next: &Class, messages: Option<&Messages>) -> bool {
        let names_same = |id: CommandId| {
            messages.zip(self.messages(id)).is_none_or(|(mine, others)| mine.may_overlap(others))
        };
        self.index.claimers.is_ambiguous(next, messages, names_same)
    }

    /// The commands that use this saved result.
    pub(in crate::engine) fn users_of(&self, saved: &SavedSearch) -> Vec<CommandId> {
        let uses =
            |entry: &InFlightCommand| matches!(&entry.messages, Some(Messages::Saved(of)) if of == saved);
        self.entries.iter().filter(|(_, entry)| uses(entry)).map(|(id, _)| *id).collect()
    }

    /// The commands that work in this selection.
    pub(in crate::engine) fn in_selection(&self, selection: SelectionId) -> Vec<CommandId> {
        let is_in = |entry: &InFlightCommand| {
            entry.selection_handle.as_ref().is_some_and(|handle| handle.id() == selection)
        };
        self.entries.iter().filter(|(_, entry)| is_in(entry)).map(|(id, _)| *id).collect()
    }

    /// The users' commands of which nothing has been written and for which there is such an error.
    pub(in crate::engine) fn unsent_where(
        &self,
        why: impl Fn(Option<&Messages>, &Class) -> Option<Error>,
    ) -> Vec<(CommandId, Error)> {
        let unsent = self.entries.iter().filter(|(_, entry)| !entry.begun && entry.own.is_none());
        unsent.filter_map(|(id, entry)| Some((*id, why(entry.messages.as_ref(), &entry.class)?))).collect()
    }

    /// SELECT has reported the UIDVALIDITY under which what was sent behind it names UIDs.
    pub(in crate::engine) fn set_uid_validity(
        &mut self,
        selection: SelectionId,
        reported: Option<UidValidity>,
    ) {
        for id in self.in_selection(selection) {
            let Some(entry) = self.entries.get_mut(&id) else { continue };
            entry.at_start.uid_validity = entry.at_start.uid_validity.or(reported);
        }
    }

    /// Whether a command names the messages that it removes, so that it surely removed them.
    pub(in crate::engine) fn names_messages(&self, id: CommandId) -> bool {
        self.entries.get(&id).is_some_and(|entry| entry.messages.is_some() && !entry.uses_saved())
    }

    /// Of the messages that vanished, those that each command which may have removed them names.
    pub(in crate::engine) fn named_of_removed(&self, uids: &UidSet) -> Vec<UidSet> {
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
    pub(in crate::engine) fn backed_up(&self, out: &Output) -> Option<(CommandId, u64)> {
        let (id, entry) = self.entries.first_key_value().filter(|_| self.len() == 1)?;
        Some((*id, entry.job.backed_up(out)?))
    }

    /// A line could not be read; it begins with this keyword, which is of this kind.
    pub(in crate::engine) fn note_unparsed(&mut self, kind: ResponseKinds, keyword: &str, bytes: &Bytes) {
        self.unparsed.add(kind, keyword, bytes);
    }

    /// The server has said how far a command has come. Whether it is in flight.
    pub(in crate::engine) fn progress(&self, id: CommandId, progress: &Progress) -> bool {
        self.entries.get(&id).is_some_and(|entry| {
            entry.job.progress(progress);
            true
        })
    }
}

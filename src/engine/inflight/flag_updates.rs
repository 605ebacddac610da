//! Flags that the server reports while commands that read or change them are in flight: whose
//! change is it?
//!
//! In: a FETCH response with flags, and the command that claimed it. Out: whether it is a change,
//! and which command surely made it; for a silent STORE, which messages' flags were reported
//! meanwhile.

use crate::command::{Effect, FlagUse, Match, Messages, ResponseKinds, Store};
use crate::engine::inflight::InFlight;
use crate::engine::inflight::command::InFlightCommand;
use crate::engine::inflight::named_messages::NamedMessages;
use crate::engine::submit::{InternalCommand, Query};
use crate::types::{CommandId, Flag, Flags, Seq, Uid};

/// What flags that differ from those known before mean.
pub(crate) struct FlagChangeFacts {
    /// They are a change and no answer.
    pub(crate) report: bool,
    /// The command that surely made it.
    pub(crate) cause: Option<CommandId>,
    /// A query for what an earlier selection lacks yielded them.
    pub(crate) caught_up: bool,
    /// A query for what the server may not have reported did.
    pub(crate) looked_back: bool,
}

impl InFlight {
    /// The server has reported this message's flags: what a silent STORE of it makes of them is not
    /// known any more.
    pub(crate) fn note_flag_update(&mut self, seq: Seq, uid: Option<Uid>) {
        if self.index.silent.is_empty() {
            return;
        }
        let entries = &mut self.entries;
        self.index.flag_users.about(Some(seq), uid, |set| {
            for (_, id) in set {
                let Some(entry) = entries.get_mut(id).filter(|entry| entry.begun) else { continue };
                let Effect::Store(store) = &entry.submission.class.effect else { continue };
                let named = match &entry.messages {
                    Some(Messages::Seqs(set)) => set.is_open() || set.contains(seq),
                    Some(Messages::Uids(set)) => set.names_last() || uid.is_none_or(|uid| set.contains(uid)),
                    Some(Messages::SnapshotRange(_) | Messages::Saved(_)) | None => false,
                };
                if named && store.is_silent() {
                    entry.flag_updates.get_or_insert_default().insert(Some(seq), uid);
                }
            }
        });
    }

    /// Takes the messages whose flags were reported while this STORE was in flight.
    pub(crate) fn take_flag_updates(&mut self, id: CommandId) -> NamedMessages {
        self.entries
            .get_mut(&id)
            .and_then(|entry| entry.flag_updates.take())
            .map(|all| *all)
            .unwrap_or_default()
    }

    /// What flags mean that `claimer` received and that differ from those known before.
    /// `was_there`: whether the message was there when the state was taken from which the selection
    /// resumes.
    pub(crate) fn flag_change(
        &self,
        claimer: Option<CommandId>,
        uid: Option<Uid>,
        before: Option<&Flags>,
        now: &Flags,
        was_there: impl FnOnce() -> bool,
    ) -> FlagChangeFacts {
        let known_before = before.is_some();
        // \Recent is the session's, not the message's: another one in an answer is no change.
        let differs = before.is_some_and(|before| !before.is_same_but_recent(now));
        // More than it changes, or something else, is not surely caused by it: others change flags,
        // too.
        let explains = |store: &Store| match before {
            Some(before) => store.apply(Some(before)).is_some_and(|after| after.is_same_but_recent(now)),
            None => true,
        };
        let change = |report, cause| FlagChangeFacts { report, cause, caught_up: false, looked_back: false };
        let Some((id, entry)) = claimer.and_then(|id| Some((id, self.entries.get(&id)?))) else {
            return change(true, None);
        };
        match (entry.submission.origin.internal(), &entry.submission.class.effect) {
            (Some(InternalCommand::Query(query)), _) => match query {
                Query::VerifyStore(cause, _) => {
                    let cause = cause.as_ref().filter(|(_, store)| explains(store));
                    change(true, cause.map(|(id, _)| *id))
                }
                // Of a message that is new since then its arrival is the change.
                Query::ChangesSince => {
                    FlagChangeFacts { caught_up: true, ..change(known_before || was_there(), None) }
                }
                Query::LookBack(look) => {
                    FlagChangeFacts { looked_back: true, ..change(look.is_change(uid, before, now), None) }
                }
                Query::MissingFlags(_) => FlagChangeFacts { caught_up: true, ..change(differs, None) },
                Query::Uids(_) | Query::Rows => change(differs, None),
            },
            (_, Effect::Store(store)) => {
                change(true, Some(id).filter(|_| !entry.uses_saved() && explains(store)))
            }
            // It asked for flags that were unknown: an answer, no change.
            (Some(_), _) => change(known_before, None),
            _ if entry.submission.class.flags == FlagUse::Reads => change(known_before, None),
            // A FETCH that marks what it reads as seen.
            _ if entry.submission.class.flags == FlagUse::Writes => {
                change(true, Some(id).filter(|_| explains(&Store::add([Flag::Seen]))))
            }
            _ => change(true, None),
        }
    }

    /// Whether a FETCH in flight surely marks this message as seen.
    pub(crate) fn marks_as_seen(&self, seq: Option<Seq>, uid: Option<Uid>) -> bool {
        self.has_flag_user(seq, uid, |entry, named| {
            named == Match::Surely
                && !entry.is_internal()
                && entry.submission.class.flags == FlagUse::Writes
                && !matches!(entry.submission.class.effect, Effect::Store(_))
        })
    }

    /// Whether a FETCH in flight may ask for the mod-sequence of this message; or for the flags
    /// that came with it: one that marks messages as seen may do both.
    pub(crate) fn may_ask_for_mod_seq(
        &self,
        (seq, uid): (Option<Seq>, Option<Uid>),
        with_flags: bool,
    ) -> bool {
        self.has_flag_user(seq, uid, |entry, named| {
            let class = &entry.submission.class;
            named != Match::No
                && (with_flags || class.flags == FlagUse::Reads)
                && class.answered_by.overlaps(ResponseKinds::FETCH)
                && matches!(class.effect, Effect::None)
        })
    }

    /// Whether `is` holds for a command in flight that reads or writes flags; it is given how
    /// surely the command names this message.
    fn has_flag_user(
        &self,
        seq: Option<Seq>,
        uid: Option<Uid>,
        is: impl Fn(&InFlightCommand, Match) -> bool,
    ) -> bool {
        let named = |entry: &InFlightCommand| {
            let names = match &entry.messages {
                Some(Messages::Seqs(set)) => seq.map(|seq| set.contains(seq)),
                Some(Messages::Uids(set)) => uid.map(|uid| set.contains(uid)),
                _ => None,
            };
            names.map_or(Match::Perhaps, |names| if names { Match::Surely } else { Match::No })
        };
        let mut has = false;
        self.index.flag_users.about(seq, uid, |set| {
            let mut all = set.iter().filter_map(|(_, id)| self.entries.get(id));
            has |= all.any(|entry| entry.begun && is(entry, named(entry)));
        });
        has
    }
}

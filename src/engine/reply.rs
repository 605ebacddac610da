//! Tagged responses: how a command ends, and what its OK changes.
//!
//! In: a tag and a status response. Out: the session and the view first, then the events, then the token;
//! so that whoever awaits the token finds all that came before it told already.

use std::time::Instant;

use bytes::Bytes;

use super::fill::Asked;
use super::flight::{Flight, Next};
use super::own::Own;
use super::selection::Selection;
use super::send::LineOwner;
use super::shared::{Seat, Submission};
use super::{Engine, excerpt};
use crate::command::{Class, Effect, Fetch, Items, Messages, Standing, Store};
use crate::error::{Error, ErrorKind, Result};
use crate::types::{
    Answer, CloseReason, Code, CommandId, Done, Event, EventKind, Fill, Flag, ModifiedSet, Seq, SeqSet,
    Status, StatusResponse, Uid, UidSet,
};

impl Engine {
    pub(super) fn handle_tagged(&mut self, tag: &str, status: StatusResponse, now: Instant) {
        let Some(id) = self.answered_by(tag) else {
            // The server ended IDLE as our DONE was under way, and takes DONE for a command.
            if !(status.status == Status::Bad && tag.eq_ignore_ascii_case("DONE") && self.idle.forgive_done())
            {
                let bytes = Bytes::from(format!("{tag} {status}"));
                let error = "no command that has been sent has this tag".to_owned();
                self.tell(Event::new(EventKind::Unparsed { bytes: excerpt(&bytes), error }));
            }
            return;
        };
        if self.flights.get(&id).is_some_and(|f| !f.begun) {
            // What it says is no answer, and the command must not go out behind it, for it ends here.
            return self.unsend(id, Error::protocol("the server answered it before it was sent"), false);
        }
        self.shared.release_tag(tag);
        let void = self.flights.get(&id).is_some_and(|f| match f.class.effect {
            // It would count removals that were never told (RFC 7162 section 3.2.8 forbids it for that).
            Effect::Deselect => matches!(status.code, Some(Code::HighestModSeq(_))),
            // What was told before it is of the new mailbox all the same.
            Effect::Select { .. } => status.status == Status::Ok && status.code == Some(Code::Closed),
            _ => false,
        });
        if !void {
            self.hear_code(&status);
        }
        if let Some(selection) = &mut self.selection {
            selection.changed |= selection.in_step.settle();
            selection.calm_down();
        }
        let mut cut_short = false;
        if self.line.as_ref().is_some_and(|owner| owner.is_ended_by(id, tag)) {
            // It came in place of a `+`, or before it was due: what was to follow is not sent.
            cut_short = matches!(self.line, Some(LineOwner::Literal { .. } | LineOwner::Upload(_)));
            if cut_short {
                self.opening_cut_short(id);
            }
            match &self.line {
                Some(LineOwner::Upload(_)) => self.upload_answered(),
                _ => self.line = None,
            }
        }
        let Some(flight) = self.flights.get_mut(&id) else { return };
        flight.tags.retain(|t| !t.eq_ignore_ascii_case(tag));
        if !cut_short && flight.next == Next::Nothing && !self.outbox.holds(id) {
            flight.whole = true;
        }
        // Some servers say BYE in place of LOGOUT's OK.
        let bye = status.status == Status::Bye && matches!(flight.class.effect, Effect::Logout);
        let ok = status.status == Status::Ok || bye;
        if ok && cut_short {
            // Whatever it has done, it is not what it was asked for.
            let sent = flight.sent();
            flight.next = Next::Nothing;
            flight.failure.get_or_insert_with(|| {
                let error = Error::protocol("the server said OK before it had been sent the whole command");
                error.with_status(status.clone()).in_command(flight.job.name()).sent(sent)
            });
        }
        if ok && flight.next == Next::LineAfterReply && flight.tags.is_empty() && flight.failure.is_none() {
            flight.next = Next::Line;
            flight.replies.push(status);
            self.lines_due.push_back(id);
            return;
        }
        if status.status == Status::Bad && flight.failure.is_none() && !cut_short && self.select_barely(id) {
            if let Some(flight) = self.flights.get_mut(&id) {
                flight.next = Next::Line;
                self.lines_due.push_back(id);
            }
            return;
        }
        let Some(flight) = self.flights.get_mut(&id) else { return };
        if !ok {
            flight.next = Next::Nothing;
            // Refused in place of a `+`, it has been sent in part.
            let sent = flight.sent();
            flight.failure.get_or_insert_with(|| {
                Error::refused(status.clone()).in_command(flight.job.name()).sent(sent)
            });
        }
        let expunge_issued = status.code == Some(Code::ExpungeIssued);
        flight.replies.push(status);
        if !flight.tags.is_empty() || flight.next == Next::Line {
            return;
        }
        self.take_limit(id, expunge_issued);
        let Some(flight) = self.flights.get_mut(&id) else { return };
        if matches!(flight.class.effect, Effect::Idle) {
            self.idle.ended(id, ok, &mut self.outbox, now);
        }
        let result = match (flight.failure.take(), flight.replies.pop()) {
            (None, Some(status)) => {
                let selection = flight.seat.as_ref().or(flight.opens.as_ref()).map(|seat| seat.id);
                Ok(Done { status, earlier: std::mem::take(&mut flight.replies), selection })
            }
            // What its earlier lines achieved is not lost.
            (Some(error), last) => {
                let replies = flight.replies.drain(..).chain(last).filter(|reply| reply.status == Status::Ok);
                Err(error.add_answers(replies.map(Answer::Status)))
            }
            (None, None) => Err(Error::protocol("the command ended without a response")),
        };
        self.finish(id, result, now);
    }

    /// The command that a line with this tag answers. What has not begun to be written can't have been read: a guess at a tag
    /// ends no command, which would go out all the same.
    pub(super) fn answered_by(&self, tag: &str) -> Option<CommandId> {
        let begun = |id: &CommandId| self.flights.get(id).is_none_or(|f| f.begun);
        self.shared.owner(tag).filter(|id| begun(id) && !self.outbox.has_yet_to_begin(*id, tag))
    }

    /// A limit that was told apart is of the command whose OK had to hold another code (RFC 9738 section 3.1); if there is no
    /// such, of the last that may have met it.
    fn take_limit(&mut self, id: CommandId, expunge_issued: bool) {
        let Some(flight) = self.flights.get(&id).filter(|f| f.may_be_limited()) else { return };
        // One that was sent after it was told is not meant.
        let Some(at) = self.limits_told.iter().position(|(_, sent)| flight.order <= *sent) else { return };
        // A server may say it twice.
        let says_itself =
            flight.replies.iter().any(|reply| matches!(reply.code, Some(Code::MessageLimit { .. })));
        let may_be_meant =
            |(other, f): &(&CommandId, &Flight)| **other != id && f.begun && f.may_be_limited();
        let alone = !self.flights.iter().any(|other| may_be_meant(&other));
        if expunge_issued || says_itself || alone {
            let told = self.limits_told.remove(at).map(|(status, _)| status);
            if let Some(flight) = self.flights.get_mut(&id) {
                flight.limited = told;
            }
        }
        if alone {
            self.limits_told.clear();
        }
    }

    /// A tagged response that is none: whatever it was to say, the command has ended.
    pub(super) fn handle_unreadable_end(&mut self, tag: &str, now: Instant) {
        if let Some(flight) = self.answered_by(tag).and_then(|id| self.flights.get_mut(&id)) {
            let sent = flight.sent();
            flight.failure.get_or_insert_with(|| {
                let error =
                    Error::protocol("the server's answer can't be read: whether it was done is not known");
                error.in_command(flight.job.name()).sent(sent)
            });
        }
        self.handle_tagged(tag, StatusResponse::new(Status::Bad, None, "the answer can't be read"), now);
    }

    /// A command has had its last tagged response.
    fn finish(&mut self, id: CommandId, result: Result<Done>, now: Instant) {
        let effect = self.flights.get(&id).map(|f| f.class.effect.clone()).unwrap_or_default();
        match (&result, effect) {
            // Before what went out behind it can end.
            (Err(error), Effect::Save(saved)) => self.saving_ended(&saved, Some(error)),
            (Ok(done), effect) => self.apply(id, effect, done),
            (Err(error), Effect::Select { .. }) => self.opening_failed(error.kind()),
            // RFC 3501 section 6.4.6: a NO may leave some messages changed; what they have now must be asked.
            (Err(_), Effect::Store(store)) if store.is_silent() => self.ask_flags_of(id, &store),
            // Of one done by steps, the silent STORE may have been the last that succeeded.
            (Err(_), Effect::Move) if !self.session.can("MOVE") => {
                self.ask_flags_of(id, &Store::add([Flag::Deleted]));
            }
            (Err(error), Effect::Notify(asked)) => {
                let refused = matches!(error.kind(), ErrorKind::No | ErrorKind::Bad);
                self.notify_failed(id, &asked, refused);
            }
            (Err(_), _) => self.not_its_doing(id),
        }
        let logged_out = self.flights.get(&id).is_some_and(|f| matches!(f.class.effect, Effect::Logout));
        let result = result.and_then(|done| self.complete(id, done));
        self.end_flight(id, result);
        if logged_out {
            self.close(CloseReason::Logout);
        }
        self.waiting_since = self.waiting_since.map(|_| now);
    }

    /// Rows that could not be read make a result incomplete, and so does a server's limit.
    fn complete(&mut self, id: CommandId, done: Done) -> Result<Done> {
        // With SELECT, the mailbox is selected all the same; what could not be read has been told.
        let Some(flight) = self.flights.get_mut(&id).filter(|f| f.opens.is_none()) else {
            return Ok(done);
        };
        flight.ended = Some(done.status.clone());
        let lacking = self.missed.since(flight.missed_from, &flight.class);
        if let Some((status, below)) = flight.cut_short(&done) {
            let error = Error::partial(status.clone(), below).in_command(flight.job.name());
            return Err(error.with_unread(lacking.lines));
        }
        if lacking.is_nothing() {
            return self.robbed(id).map_or(Ok(done), Err);
        }
        let more = if lacking.and_more { " or more" } else { "" };
        let message = format!("{}{more} of the server's responses could not be read", lacking.lines.len());
        let error = Error::new(ErrorKind::Incomplete, message).in_command(flight.job.name());
        Err(error.sent(crate::error::Sent::Fully).with_unread(lacking.lines))
    }

    /// Takes a command out of the tables and gives its token the result.
    pub(super) fn end_flight(&mut self, id: CommandId, result: Result<Done>) {
        let Some(mut flight) = self.flights.remove(&id) else { return };
        self.roster.remove(id, &flight);
        flight.tags.iter().for_each(|tag| self.shared.release_tag(tag));
        if !flight.quiet {
            let kind = completion(&flight, &result);
            let place = flight.place();
            if let Some(limit) = flight.limited.take().filter(|_| flight.job.detached()) {
                // Its end does not say it, and no token will.
                self.tell(Event::new(EventKind::Notice(limit)).at(place.clone()).caused_by(Some(id)));
            }
            self.tell(Event::new(kind).at(place).caused_by(Some(id)));
        }
        if result.is_err() {
            failed_for_good(&flight.class, flight.opens.as_deref());
        }
        let own = flight.own.take();
        let asked = Asked {
            messages: flight.messages.take(),
            generation: flight.generation,
            removed: flight.removed,
            ok: result.is_ok(),
            unread: result.as_ref().is_err_and(|error| error.kind() == ErrorKind::Incomplete),
            from: result.as_ref().err().and_then(Error::resume_below),
        };
        self.publish();
        // Room first, so that who awaits the token finds it.
        self.shared.release(id);
        flight.job.end(result.clone());
        if let Some(own) = own {
            self.own_ended(own, flight.seat.as_deref(), &asked);
        }
    }

    /// What a command's OK changes.
    fn apply(&mut self, id: CommandId, effect: Effect, done: &Done) {
        match effect {
            Effect::None | Effect::Idle | Effect::Logout | Effect::Move => {}
            Effect::StartTls => self.tls_due = true,
            Effect::Login => {
                let told = self.flights.get(&id).is_some_and(|f| f.capabilities != self.capabilities_told);
                if !told {
                    self.forget_capabilities();
                }
            }
            Effect::Select { .. } => self.opened(id, done),
            Effect::Deselect => {
                self.stray_selection = false;
                self.end_selection(Some(id));
            }
            Effect::Store(store) => self.stored(id, &store, done),
            Effect::Save(saved) => {
                // A part of the result is none to build on (RFC 9738 section 3.4).
                let cut = self.flights.get(&id).and_then(|f| f.cut_short(done));
                let cut = cut.map(|(status, below)| Error::partial(status.clone(), below));
                self.saving_ended(&saved, cut.as_ref());
            }
            Effect::Notify(asked) => self.notifying(id, asked),
            Effect::Create(_) | Effect::Delete(_) | Effect::Rename { .. } | Effect::Subscribe { .. } => {
                self.tell_doing(id, effect);
            }
        }
    }

    /// A STORE has succeeded. If it was silent, nobody else will say what it changed.
    fn stored(&mut self, id: CommandId, store: &Store, done: &Done) {
        if !store.is_silent() || self.is_view_off() {
            return;
        }
        if self.flights.get(&id).is_some_and(|f| f.cut_short(done).is_some()) {
            // Which of them it has changed is not said.
            return self.ask_flags_of(id, store);
        }
        let messages = self.flights.get(&id).and_then(|f| f.messages.clone());
        let (Some(messages), Some(selection)) = (messages, &mut self.selection) else { return };
        // Messages that a conditional STORE left alone (RFC 7162 section 3.1.3).
        let left: Vec<ModifiedSet> = done
            .earlier
            .iter()
            .chain([&done.status])
            .filter_map(|status| match &status.code {
                Some(Code::Modified(set)) => Some(set.clone()),
                _ => None,
            })
            .collect();
        let disturbed =
            self.flights.get_mut(&id).map(|f| std::mem::take(&mut f.disturbed)).unwrap_or_default();
        let mut untold = Untold::default();
        // Flags that were told meanwhile may be those from before the change or from after it; and to flags that are being
        // asked, because of an earlier STORE, nothing can be added.
        let mut in_doubt = Untold::default();
        let mut events = Vec::new();
        for seq in selection.which(&messages) {
            let uid = selection.view.uid(seq);
            if left.iter().any(|set| names(set, &messages, seq, uid)) {
                continue;
            }
            let exact = store.apply(None).is_some();
            if uid.is_none() && selection.filling.before.is_some() {
                // What they were before hangs on the UID, which comes with the flags.
                untold.add(seq, uid);
                continue;
            }
            if disturbed.has(seq, uid) || !exact && selection.filling.is_doubtful(uid) {
                in_doubt.add(seq, uid);
                continue;
            }
            let before = selection.view.get(seq).and_then(|entry| entry.flags.clone());
            match store.apply(before.as_ref()) {
                Some(flags) => {
                    if let Some(before) = selection.view.set_flags(seq, flags.clone()) {
                        let kind =
                            EventKind::FlagsChanged { seq: Some(seq), uid, flags, before, mod_seq: None };
                        let place = Some(selection.seat.place.clone());
                        events.push((uid, Event::new(kind).at(place).caused_by(Some(id))));
                    }
                }
                None => untold.add(seq, uid),
            }
        }
        untold.add_unplaced(selection, &messages);
        selection.changed = true;
        for (uid, event) in events {
            self.told_flags(uid);
            self.tell(event);
        }
        self.ask_flags(untold, Some((id, store)));
        self.ask_flags(in_doubt, None);
    }

    fn is_view_off(&self) -> bool {
        self.selection.as_ref().is_some_and(|s| s.filling.wanted == Fill::Off)
    }

    /// Asks what flags these messages have now.
    pub(super) fn ask_flags_of(&mut self, id: CommandId, store: &Store) {
        if self.is_view_off() {
            return;
        }
        let Some(selection) = &self.selection else { return };
        let messages =
            self.flights.get(&id).and_then(|f| f.messages.clone()).unwrap_or_else(|| store.which.clone());
        let mut untold = Untold::default();
        for seq in selection.which(&messages) {
            untold.add(seq, selection.view.uid(seq));
        }
        untold.add_unplaced(selection, &messages);
        self.ask_flags(untold, Some((id, store)));
    }

    /// One question for flags that were in doubt has found its answer.
    pub(super) fn flags_settled(&mut self) {
        if let Some(selection) = &mut self.selection {
            selection.filling.settle_doubt();
            selection.changed = true;
        }
    }

    fn ask_flags(&mut self, untold: Untold, cause: Option<(CommandId, &Store)>) {
        let Some(seat) = self.selection.as_ref().map(|s| s.seat.clone()) else { return };
        for which in [Messages::Uids(untold.uids), Messages::Seqs(untold.seqs)] {
            if !which.is_empty() {
                if let Some(selection) = &mut self.selection {
                    selection.filling.doubt(&which);
                    selection.changed = true;
                }
                let fetch = Fetch::new(which, Items::new().flags());
                let cause = cause.map(|(id, store)| (id, Box::new(store.of_none())));
                let own = Own::Flags(cause, UidSet::new());
                let submission = self.own_submission(own, fetch, Some(seat.clone()));
                // Behind what ends the selection it would never be asked.
                let ends =
                    |f: &Submission| matches!(f.class.effect, Effect::Select { .. } | Effect::Deselect);
                let at = self.queue.iter().position(ends).unwrap_or(self.queue.len());
                self.queue.insert(at, submission);
            }
        }
    }

    /// Codes that change the session, wherever they stand.
    pub(super) fn hear_code(&mut self, status: &StatusResponse) {
        match &status.code {
            Some(Code::Alert) => self.tell(Event::new(EventKind::Alert { text: status.text.clone() })),
            Some(Code::Capability(all)) => self.learn_capabilities(all.clone()),
            Some(Code::Closed) => self.selection_closed(),
            Some(Code::HighestModSeq(told)) if !self.is_opening() => {
                if let Some(selection) = &mut self.selection {
                    selection.in_step.told(*told);
                    selection.changed = true;
                    selection.seat.update(|p| p.highest_mod_seq = *told);
                }
            }
            Some(Code::MessageLimit { .. }) => {
                if let Some(opening) = &mut self.opening {
                    opening.earlier.miss();
                }
            }
            _ => {}
        }
    }
}

/// What rests on this command fails as well: the selection that it was to make, the result that was to be remembered.
pub(super) fn failed_for_good(class: &Class, opens: Option<&Seat>) {
    if let Some(seat) = opens {
        seat.update(|p| p.ended = true);
    }
    if let Effect::Save(saved) = &class.effect {
        saved.settle(Standing::Failed);
    }
}

/// Messages whose flags are to be asked, by number where the UID is not known.
#[derive(Clone, Debug, Default)]
pub(super) struct Untold {
    uids: UidSet,
    seqs: SeqSet,
}

impl Untold {
    pub(super) fn add(&mut self, seq: Seq, uid: Option<Uid>) {
        match uid {
            Some(uid) => self.uids.insert(uid),
            None => self.seqs.insert(seq),
        }
    }

    /// UIDs that the view can't place yet: their messages may be there all the same.
    fn add_unplaced(&mut self, selection: &Selection, messages: &Messages) {
        if let Messages::Uids(set) = messages
            && selection.view.unknown().is_some()
        {
            self.uids.extend_from(set);
        }
    }
}

/// Whether a MODIFIED code names this message; its numbers are of the kind that the STORE used.
fn names(set: &ModifiedSet, messages: &Messages, seq: Seq, uid: Option<Uid>) -> bool {
    match (set, messages) {
        (ModifiedSet::Uids(set), _) => uid.is_some_and(|uid| set.contains(uid)),
        (ModifiedSet::Seqs(set), _) => set.contains(seq),
        (ModifiedSet::Numbers(set), Messages::Uids(_) | Messages::Saved(_)) => {
            uid.is_some_and(|uid| set.clone().into_uids().contains(uid))
        }
        (ModifiedSet::Numbers(set), Messages::Seqs(_)) => set.clone().into_seqs().contains(seq),
        (ModifiedSet::Numbers(_), Messages::Slots(_)) => false,
    }
}

fn completion(flight: &Flight, result: &Result<Done>) -> EventKind {
    let command = flight.job.name().to_owned();
    let overrun = flight.job.overrun_detached();
    if let Some(error) = overrun.as_ref().or(result.as_ref().err().filter(|_| flight.misled)) {
        return error.to_event(command);
    }
    let status = match result {
        Ok(done) => done.status.clone(),
        // A limit that was told apart, or a row that could not be read, is not how the command ended.
        Err(error) => match flight.ended.as_ref().or(error.status()) {
            Some(status) => status.clone(),
            None => return error.to_event(command),
        },
    };
    EventKind::Completed { command, status, detached: flight.job.detached() }
}

/// Whether a response is only of use as an answer to a question.
pub(super) fn is_change(answer: &Answer) -> bool {
    matches!(answer, Answer::Exists(_) | Answer::Expunge { .. } | Answer::Vanished { earlier: false, .. })
}

//! Sending: from the queue through admission to lines in the outbox, and the dialogues in which one
//! command has the line for itself.
//!
//! ```text
//!              ┌── Literal ── `+` ──> the literal, the rest of the line ──┐
//!              ├── Upload ── octets of its source ──> the rest of the line ┤
//!   line free ─┼── Challenge ── `+` ──> an answer ── … ── tagged ─────────┼─> line free
//!              └── Idle ── `+` ──> idling ── DONE ────────────────────────┘
//!                          (a tagged OK, NO or BAD ends any of them)
//! ```

use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;

use crate::command::{Effect, Flow, Line, Messages};
use crate::engine::inflight::completion::failed_for_good;
use crate::engine::inflight::entry::{Flight, Next};
use crate::engine::log;
use crate::engine::schedule::admission::{Selections, Verdict, admit, flags_conflict};
use crate::engine::schedule::cancel::is_withdrawn;
use crate::engine::schedule::resolve::other_era;
use crate::engine::selection::access::{read_only, refusal_of_verb};
use crate::engine::selection::select::{Opening, Selection};
use crate::engine::submit::end_cause::EndedBy;
use crate::engine::submit::selection_handle::Seat;
use crate::engine::submit::shared::Submission;
use crate::engine::write::reserved;
use crate::engine::write::upload::{Piece, Upload, pieces};
use crate::engine::{Engine, Own};
use crate::error::{Error, Sent};
use crate::types::{Answer, CommandId, Done, Event, EventKind, Status, StatusResponse};
use crate::wire::encode::Fragment;

/// Who has the line for itself, and what it waits for.
pub(in crate::engine) enum LineOwner {
    /// A literal that waits for its `+`: it, and what comes after it (RFC 9051 section 4.3).
    Literal { id: CommandId, tag: Option<String>, rest: VecDeque<Piece>, last: bool },
    /// A literal that comes from its source.
    Upload(Upload),
    /// A SASL exchange.
    Challenge { id: CommandId },
    /// IDLE, from its line to our DONE.
    Idle { id: CommandId },
}

impl LineOwner {
    /// Whether the response with this tag ends it.
    pub(in crate::engine) fn is_ended_by(&self, id: CommandId, tag: &str) -> bool {
        match self {
            Self::Literal { tag: Some(mine), .. } => mine.eq_ignore_ascii_case(tag),
            Self::Upload(upload) => upload.is_of(tag),
            _ => self.id() == id,
        }
    }

    pub(in crate::engine) fn id(&self) -> CommandId {
        match self {
            Self::Literal { id, .. } | Self::Challenge { id } | Self::Idle { id } => *id,
            Self::Upload(upload) => upload.id(),
        }
    }
}

/// How many commands may overtake one that stays behind them.
const MOST_OVERTAKEN: u32 = 32;

/// How much may wait to be written before no further line is made.
const SOFT_LIMIT: usize = 64 << 10;

impl Engine {
    /// Sends what may go.
    pub(in crate::engine) fn send(&mut self) {
        loop {
            let dying = self.bye.is_some() || self.write_failure.is_some() || self.closed.is_some();
            if dying || self.outbox.len() >= SOFT_LIMIT {
                return;
            }
            if !self.queue.is_empty() || !self.lines_due.is_empty() || !self.behind.is_empty() {
                self.leave_idle();
            }
            if self.line.is_some() {
                return;
            }
            if let Some(at) = self.lines_due.iter().position(|id| self.next_line_may_go(*id)) {
                if let Some(id) = self.lines_due.remove(at) {
                    self.write_line(id);
                }
                continue;
            }
            if !self.lines_due.is_empty() {
                return;
            }
            if !self.start_next() {
                return;
            }
        }
    }

    /// Starts one of the engine's own that stay behind users' commands, if there are none of those or too many have
    /// gone before it. `None`: users' commands are next.
    fn start_behind(&mut self) -> Option<bool> {
        let its_turn = self.overtaken >= MOST_OVERTAKEN;
        if self.logging_out || !self.queue.is_empty() && !its_turn {
            return None;
        }
        let mut next = self.behind.pop_front()?;
        match self.verdict(&mut next) {
            Verdict::Go => {
                self.overtaken = 0;
                self.start(next);
            }
            Verdict::Wait => {
                self.behind.push_front(next);
                // Now the others wait for it, else it might never go.
                return its_turn.then_some(false);
            }
            Verdict::Ended | Verdict::OtherEra | Verdict::ReadOnly => self.withdraw(next),
        }
        Some(true)
    }

    /// Starts the command that waits first, if it may go. Whether anything was done.
    fn start_next(&mut self) -> bool {
        if let Some(done) = self.start_behind() {
            return done;
        }
        if self.logging_out {
            // What was submitted after LOGOUT ends with the connection, for the same cause (contract line 11).
            return false;
        }
        let Some(mut next) = self.queue.pop_front() else { return false };
        if is_withdrawn(&next) {
            self.withdraw(next);
            return true;
        }
        if self.needs_unknown_uids(&mut next) {
            // Those that ask for something else ask for UIDs when that has ended.
            let asks = |s: &Submission| self.own_queued.get(&s.id).is_some_and(Own::fills);
            let queued = self.queue.iter().position(asks);
            let behind = self.behind.iter().position(asks);
            let mut flying = self.roster.own.iter().filter_map(|id| self.flights.get(id)?.own.as_ref());
            let asked = self.opening.is_some() || flying.any(Own::fills);
            let asking = queued
                .and_then(|at| self.queue.remove(at))
                .or_else(|| behind.and_then(|at| self.behind.remove(at)));
            if asking.is_some() || asked {
                self.queue.push_front(next);
                let go_on = asking.is_some();
                asking.into_iter().for_each(|asking| self.queue.push_front(asking));
                return go_on;
            }
        }
        match self.verdict(&mut next) {
            Verdict::Go => {
                self.overtaken += u32::from(!self.behind.is_empty());
                self.start(next);
            }
            Verdict::Wait => {
                self.queue.push_front(next);
                return false;
            }
            Verdict::Ended => {
                self.own_queued.remove(&next.id);
                let error = next.seat.as_deref().map_or_else(|| EndedBy::Unknown.error(), Seat::ended_error);
                self.fail_unsent(next, error);
            }
            Verdict::OtherEra => {
                self.own_queued.remove(&next.id);
                self.fail_unsent(next, other_era());
            }
            Verdict::ReadOnly => {
                if let Some(seat) = next.seat.clone() {
                    self.fail_unsent(next, read_only(&seat));
                }
            }
        }
        true
    }

    fn verdict(&self, next: &mut Submission) -> Verdict {
        if matches!(next.class.effect, Effect::Logout) {
            // It keeps its place, and waits for no answer but those on which further lines of a command hang.
            let goes_on = self.flights.values().any(|f| f.next != Next::Nothing);
            return if goes_on { Verdict::Wait } else { Verdict::Go };
        }
        let messages = self.named_now(next);
        let selections = Selections {
            open: self.selection.as_ref().map(|s| &*s.seat),
            opening: self.opening.as_ref().map(|o| &*o.seat),
            may_be_selected: self.selection.is_some() || self.stray_selection,
            takes_params: self.session.select_params,
            rev2: self.session.is_rev2(),
            esearch: self.session.can("ESEARCH"),
            out_of_order: self.session.out_of_order,
            idles_left: if self.own_queued.contains_key(&next.id) { self.idle.left() } else { 0 },
        };
        let flags_clash = || {
            let mut clash = false;
            self.roster.flag_users.overlapping(messages.as_ref(), |set| {
                let mut others = set.iter().filter_map(|(_, id)| self.flights.get(id));
                clash = clash || others.any(|other| flags_conflict(&next.class, messages.as_ref(), other));
            });
            clash
        };
        match admit(next, messages.as_ref(), &selections, &self.roster.load, flags_clash) {
            Verdict::Go if self.is_refused_as_read_only(next) => Verdict::ReadOnly,
            Verdict::Go if self.waits_for_saved(next, messages.as_ref()) => Verdict::Wait,
            Verdict::Go => self.era_verdict(next),
            verdict => verdict,
        }
    }

    pub(in crate::engine) fn fail_unsent(&mut self, submission: Submission, error: Error) {
        let place = submission.place();
        log::not_sent(&submission, &error);
        let Submission { id, job, class, quiet, opens, .. } = submission;
        let named = place.as_ref().map(|place| &place.mailbox);
        let error = error.in_command(job.name()).about(named, None).sent(Sent::No);
        failed_for_good(&class, opens.as_deref(), &error);
        if !quiet && job.wanted() {
            self.tell_failed(id, job.name(), &error, place);
        }
        self.shared.release(id);
        job.end(Err(error));
    }

    fn start(&mut self, mut next: Submission) {
        let id = next.id;
        let own = self.own_queued.remove(&id);
        let asks_by_number = own.as_ref().is_some_and(Own::fills)
            && next.job.messages().is_some_and(|messages| messages.by_number());
        let settled = self.settle_numbers(&mut next);
        let messages = next.job.messages().cloned();
        // A question for UIDs whose numbers could be made UIDs has its answer.
        let answered = asks_by_number && matches!(messages, Some(Messages::Uids(_)));
        let nothing_left = answered || messages.as_ref().is_some_and(Messages::is_empty);
        if settled.is_err() || nothing_left {
            match settled {
                Err(error) => self.fail_unsent(next, error),
                // All that it named have gone meanwhile: nothing is left to do.
                Ok(()) => self.complete_unsent(next),
            }
            match own {
                // They have gone, and their flags with them.
                Some(Own::Flags(..)) if nothing_left => self.flags_settled(),
                Some(Own::Flags(..)) => self.question_lost(),
                Some(own) if own.fills() => self.fill_on(),
                _ => {}
            }
            return;
        }
        if own.is_none() {
            self.idle.users_speak();
        }
        let mut flight = Flight::new(next, own);
        self.sent_so_far += 1;
        flight.order = self.sent_so_far;
        flight.messages = messages;
        let view = self.selection.as_ref().map(|s| &s.view);
        flight.ever = self.selection.as_ref().map_or(0, Selection::ever);
        (flight.generation, flight.removed) = view.map_or((0, 0), |view| (view.generation(), view.removed()));
        flight.era = match (&self.selection, &self.opening) {
            (Some(selection), _) => selection.uid_validity,
            (None, opening) => opening.as_ref().and_then(Opening::era),
        };
        flight.capabilities = self.capabilities_told;
        self.roster.add(id, &flight);
        self.flights.insert(id, flight);
        self.write_line(id);
        if self.flights.contains_key(&id) {
            self.started(id);
        }
    }

    /// What has to be known as soon as a command is under way.
    fn started(&mut self, id: CommandId) {
        let Some(flight) = self.flights.get(&id) else { return };
        match (&flight.class.effect, flight.opens.clone()) {
            (Effect::Select { read_only, .. }, Some(seat)) => self.begin_opening(id, seat, *read_only),
            (Effect::Logout, _) => self.logging_out = true,
            (Effect::Save(saved), _) => {
                let saved = saved.clone();
                self.saving(saved);
            }
            (Effect::Idle, _) => {
                self.line = Some(LineOwner::Idle { id });
                let behind = self.flights.len() > 1;
                self.idle.sent(id, self.selection.is_some(), behind);
            }
            _ => {
                if flight.class.dialogue && self.line.is_none() {
                    self.line = Some(LineOwner::Challenge { id });
                }
            }
        }
    }

    fn complete_unsent(&mut self, submission: Submission) {
        let place = submission.place();
        let Submission { id, job, quiet, .. } = submission;
        let status = StatusResponse::new(Status::Ok, None, "none of the messages is there");
        if !quiet {
            let (command, detached) = (job.name().to_owned(), job.detached());
            let kind = EventKind::Completed { command, status: status.clone(), detached };
            self.tell(Event::new(kind).at(place).caused_by(Some(id)));
        }
        self.shared.release(id);
        job.end(Ok(Done::new(status)));
    }

    /// Makes and queues the next line of a command in flight.
    fn write_line(&mut self, id: CommandId) {
        let refused = self.flights.get(&id).and_then(|f| self.refusal_of_line(f));
        let Some(flight) = self.flights.get_mut(&id).filter(|f| f.next == Next::Line) else { return };
        let tag = self.shared.tag(id);
        let mut line = Line::new(Some(&tag), &self.session);
        // A mailbox that is selected by now is none of its business.
        let ended = flight.seat.as_ref().is_some_and(|seat| seat.has_ended());
        // And its UIDs may be other messages' by now.
        let stale = self.selection.as_ref().is_some_and(|s| {
            let its = flight.seat.as_ref().is_some_and(|seat| seat.id == s.seat.id);
            its && flight.era.is_some() && flight.era != s.uid_validity
        });
        let encoded = if stale && flight.begun {
            Err(other_era())
        } else if let Some(refused) = refused {
            Err(refused)
        } else if ended {
            let error =
                flight.seat.as_ref().map_or_else(|| EndedBy::Unknown.error(), |seat| seat.ended_error());
            Err(error.while_doing("between two of its lines"))
        } else {
            flight.job.encode(&mut line, &self.session)
        };
        let made = encoded.and_then(|flow| {
            let sources = line.take_sources();
            self.secrets.add(id, line.take_secrets());
            let fragments = line.finish()?;
            let verb = verb_of(&fragments);
            if !flight.class.ours && !is_name(&verb) {
                // Some servers take a tab for a space, and a quoted string for the atom.
                return Err(Error::invalid("it does not begin with a command's name"));
            }
            if !flight.class.ours {
                reserved::check(&verb)?;
            }
            if !flight.class.ours
                && let Some(refused) = self.selection.as_ref().and_then(|s| refusal_of_verb(&s.seat, &verb))
            {
                return Err(refused);
            }
            if !flight.class.ours && matches!(&*verb, "SEARCH" | "ESEARCH" | "SORT" | "THREAD") {
                // It may save its own result in place of ours (RFC 5182 section 2.1).
                self.remembered.forget();
            }
            Ok((flow, pieces(fragments, sources)))
        });
        match made {
            Ok((flow, pieces)) => {
                log::sending(id, &tag, flight);
                flight.tags.push(tag.clone());
                flight.next = match flow {
                    Flow::Last => Next::Nothing,
                    Flow::More => Next::Line,
                    Flow::AfterReply => Next::LineAfterReply,
                };
                if flight.next == Next::Line {
                    self.lines_due.push_front(id);
                }
                let last = flow == Flow::Last && !flight.job.awaits_challenge();
                self.outbox.open_line();
                self.push_pieces(id, Some(tag), pieces, last);
            }
            Err(error) => {
                self.shared.release_tag(&tag);
                let error = error.in_command(flight.job.name()).sent(flight.sent());
                flight.next = Next::Nothing;
                if flight.tags.is_empty() {
                    // What its earlier lines achieved is not lost.
                    let done: Vec<_> = flight.replies.drain(..).map(Answer::Status).collect();
                    if flight.begun {
                        self.failed(id, &error);
                    }
                    self.end_flight(id, Err(error.add_answers(done)));
                } else {
                    flight.failure.get_or_insert(error);
                }
            }
        }
    }

    /// Puts a line in the outbox, up to the first literal that must wait or that comes from elsewhere.
    pub(in crate::engine) fn push_pieces(
        &mut self,
        id: CommandId,
        tag: Option<String>,
        mut rest: VecDeque<Piece>,
        last: bool,
    ) {
        while let Some(piece) = rest.pop_front() {
            match piece {
                Piece::Octets(octets) => self.outbox.push(id, octets, last && rest.is_empty()),
                Piece::Wait => {
                    self.line = Some(LineOwner::Literal { id, tag, rest, last });
                    return;
                }
                Piece::Upload(source) => {
                    self.line = Some(LineOwner::Upload(Upload::new(id, tag, source, rest, last)));
                    return;
                }
            }
        }
    }

    /// A `+` has come.
    pub(in crate::engine) fn handle_continuation(&mut self, text: &Bytes, now: Instant) {
        // Of an IDLE that was given up it is but our DONE that may still be there to write.
        let unwritten = |id| self.outbox.holds(id) && !self.idle.has_given_up(id);
        let heard_too_early = self.line.as_ref().is_some_and(|owner| unwritten(owner.id()));
        match self.line.take() {
            // What it answers has not been written yet, or nothing waits for it.
            Some(owner) if heard_too_early => {
                self.line = Some(owner);
                self.tell_stray_continuation(text);
            }
            None => self.tell_stray_continuation(text),
            Some(owner @ LineOwner::Upload(_)) => {
                self.line = Some(owner);
                self.tell_stray_continuation(text);
            }
            Some(LineOwner::Literal { id, tag, rest, last }) => {
                self.push_pieces(id, tag, rest, last);
                if self.line.is_none() && self.flights.get(&id).is_some_and(|f| f.class.dialogue) {
                    self.line = Some(LineOwner::Challenge { id });
                }
            }
            Some(LineOwner::Challenge { id }) => {
                self.line = Some(LineOwner::Challenge { id });
                self.answer_challenge(id, text);
            }
            Some(LineOwner::Idle { id }) => {
                self.line = Some(LineOwner::Idle { id });
                if !self.idle.accepted(id, now) {
                    self.tell_stray_continuation(text);
                }
            }
        }
    }

    fn answer_challenge(&mut self, id: CommandId, text: &Bytes) {
        let Some(flight) = self.flights.get_mut(&id) else { return };
        if flight.failure.is_some() {
            // It has been given up, and the server has not listened.
            return self.outbox.push(id, Bytes::from_static(b"*\r\n"), false);
        }
        let mut line = Line::new(None, &self.session);
        let made = flight.job.challenge(text, &mut line).and_then(|()| {
            self.secrets.add(id, line.take_secrets());
            line.finish()
        });
        // The server wants more of it than it has.
        flight.whole = false;
        match made {
            Ok(fragments) => {
                let last = !flight.job.awaits_challenge();
                self.push_pieces(id, None, pieces(fragments, Vec::new()), last);
            }
            Err(error) => {
                // `*` gives the exchange up; the tagged BAD that follows ends the command (RFC 9051 section 6.2.2).
                flight.failure.get_or_insert(error.in_command(flight.job.name()).sent(Sent::Partly));
                self.outbox.push(id, Bytes::from_static(b"*\r\n"), false);
            }
        }
    }

    fn tell_stray_continuation(&mut self, text: &Bytes) {
        let bytes = self.excerpt_without_secrets(&Bytes::from([b"+ ", &text[..]].concat()));
        let error = "no command waits for a continuation".to_owned();
        self.tell(Event::new(EventKind::Unparsed { bytes, error }));
    }
}

/// Whether this is a command's name: an atom (RFC 9051 section 9, ATOM-CHAR).
fn is_name(verb: &str) -> bool {
    let is_special = |byte: u8| br#"(){%*"\]"#.contains(&byte);
    !verb.is_empty() && verb.bytes().all(|byte| byte.is_ascii_graphic() && !is_special(byte))
}

/// The command's name as the server will read it, in capitals, `UID` aside.
fn verb_of(fragments: &[Fragment]) -> String {
    let first = fragments.first().map(Fragment::as_bytes).unwrap_or_default();
    let mut words = first.split(|byte| matches!(byte, b' ' | b'\r' | b'\n')).skip(1);
    let word = |word: Option<&[u8]>| String::from_utf8_lossy(word.unwrap_or_default()).to_ascii_uppercase();
    match word(words.next()) {
        uid if uid == "UID" => word(words.next()),
        verb => verb,
    }
}

//! Tagged responses: what they mean for their command, and how it ends.
//!
//! In: a tag and a status response. Out: the next line, a SELECT that is to be sent again, or the
//! result; `end` then removes the command, for its token, once all that its end changes has been
//! done.

use std::time::Instant;

use crate::command::Effect;
use crate::engine::inflight::InFlight;
use crate::engine::inflight::command::{InFlightCommand, Next};
use crate::engine::log;
use crate::engine::submit::{Ended, InternalCommand, Origin, QueryFacts, Shared, Submission};
use crate::error::{Error, ErrorKind, Result, Sent};
use crate::types::{Answer, Code, CommandId, Done, Status, StatusResponse};
use crate::view::View;

/// How much of a command had been written when a tagged response to it was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    All,
    /// Some of it waits to be written.
    Partly,
    /// The response came in place of a `+`: what was to follow is not sent.
    CutShort,
}

/// What a tagged response means for its command.
pub(crate) enum Reply {
    /// Others are to follow.
    More,
    /// Its next line has waited for this.
    NextLine,
    /// It is sent again: a SELECT whose parameters the server does not understand.
    Retry(Box<Submission>),
    /// It was the last, and this is the result; `ok`: the server said so.
    End { ok: bool, result: Result<Done> },
}

impl InFlight {
    /// How much of it has been written.
    pub(crate) fn sent(&self, id: CommandId) -> Sent {
        self.entries.get(&id).map_or(Sent::No, |entry| entry.sent())
    }

    /// Whether the code of this tagged response means something else than it says.
    pub(crate) fn ignores_code(&self, id: CommandId, status: &StatusResponse) -> bool {
        match self.effect(id) {
            // It would count removals that were never reported (RFC 7162 section 3.2.8 forbids it
            // for that).
            Some(Effect::Deselect) => matches!(status.code, Some(Code::HighestModSeq(_))),
            // What was reported before it is of the new mailbox all the same.
            Some(Effect::Select { .. }) => status.status == Status::Ok && status.code == Some(Code::Closed),
            _ => false,
        }
    }

    /// A tagged response with one of its tags was received. `may_retry`: a SELECT may be sent
    /// again.
    pub(crate) fn on_tagged(
        &mut self,
        id: CommandId,
        tag: &str,
        status: StatusResponse,
        written: Written,
        may_retry: bool,
        now: Instant,
    ) -> Reply {
        let Some(entry) = self.entries.get_mut(&id) else { return Reply::More };
        if let Some(at) = entry.tags.iter().position(|t| t.as_str().eq_ignore_ascii_case(tag)) {
            entry.tags.remove(at);
            entry.submission.job.line_ended(at);
            if entry.lost.is_some() {
                self.note_line_ended(id);
            }
        }
        let Some(entry) = self.entries.get_mut(&id) else { return Reply::More };
        let all_said = entry.next == Next::Nothing && !entry.submission.job.awaits_challenge();
        entry.whole |= all_said && written == Written::All;
        let cut_short = written == Written::CutShort;
        // Some servers say BYE in place of LOGOUT's OK.
        let bye = status.status == Status::Bye && matches!(entry.submission.class.effect, Effect::Logout);
        let ok = status.status == Status::Ok || bye;
        // One line of several, without whose answer there is a result.
        let is_tolerated =
            !ok && !cut_short && entry.failure.is_none() && entry.submission.job.tolerates(&status);
        if ok && cut_short {
            // Whatever it has done, it is not what it was asked for.
            entry.next = Next::Nothing;
            let error = Error::protocol("the server said OK before it had been sent the whole command");
            entry.fail(error.with_status(status.clone()).with_sent(entry.sent()));
        } else if ok {
            let waited = entry.next == Next::LineAfterReply && entry.tags.is_empty();
            if waited && entry.failure.is_none() {
                let Some(limit) = self.limit_of_step(id, &status) else { return self.go_on(id, status) };
                self.end_series(id, &limit, &status);
            }
        } else if !is_tolerated {
            let is_first = status.status == Status::Bad && entry.failure.is_none() && !cut_short;
            if is_first && may_retry && entry.has_params {
                return self.take_for_retry(id).map_or(Reply::More, Reply::Retry);
            }
            entry.next = Next::Nothing;
            // Refused in place of a `+`, it has been sent in part.
            entry.fail(Error::refused(status.clone()).with_sent(entry.sent()));
        }
        let Some(entry) = self.entries.get_mut(&id) else { return Reply::More };
        let expunge_issued = status.code == Some(Code::ExpungeIssued);
        if !is_tolerated {
            entry.replies.push(status);
        } else if entry.replies.is_empty() && entry.tags.is_empty() {
            // It has done what it was for.
            entry.replies.push(StatusResponse { status: Status::Ok, ..status });
        }
        if !entry.tags.is_empty() || entry.next == Next::Line {
            return Reply::More;
        }
        self.take_limit(id, expunge_issued);
        let Some(entry) = self.entries.get_mut(&id) else { return Reply::More };
        entry.took = entry.since.map(|since| now.duration_since(since));
        Reply::End { ok, result: entry.result() }
    }

    /// The next line of a series follows.
    fn go_on(&mut self, id: CommandId, status: StatusResponse) -> Reply {
        let Some(entry) = self.entries.get_mut(&id) else { return Reply::More };
        entry.next = Next::Line;
        entry.replies.push(status);
        Reply::NextLine
    }

    /// A step of a series was cut short by this limit, though the server has said OK: no further
    /// line is sent. Where to go on can't be said, since none of the steps has been done in full.
    fn end_series(&mut self, id: CommandId, limit: &StatusResponse, ok: &StatusResponse) {
        let Some(entry) = self.entries.get_mut(&id) else { return };
        entry.next = Next::Nothing;
        entry.fail(Error::partial(limit.clone(), None).with_sent(entry.sent()));
        entry.ended = Some(ok.clone());
    }

    /// The result after OK: `Partial` at a server's limit, `Incomplete` if lines could not be
    /// parsed or were left out, `Protocol` if the server answered out of order.
    pub(crate) fn complete(&mut self, id: CommandId, done: Done, view: Option<&View>) -> Result<Done> {
        let Some(error) = self.flaw(id, &done, view) else { return Ok(done) };
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.ended = Some(done.status);
        }
        Err(error)
    }

    /// Why the result after OK is an error, if it is.
    fn flaw(&mut self, id: CommandId, done: &Done, view: Option<&View>) -> Option<Error> {
        // With SELECT, the mailbox is selected all the same; what could not be read has been
        // reported.
        let entry = self.entries.get_mut(&id).filter(|entry| entry.submission.opens.is_none())?;
        let lacking = self.unparsed.since(entry.missed_from, &entry.submission.class);
        if let Some((status, below)) = entry.cut_short(done) {
            return Some(Error::partial(status.clone(), below).with_unread(lacking.lines));
        }
        let incomplete = |why: String| Error::new(ErrorKind::Incomplete, why).with_sent(Sent::Fully);
        if !lacking.is_nothing() {
            let more = if lacking.and_more { " or more" } else { "" };
            let count = lacking.lines.len();
            let error = incomplete(format!("{count}{more} of the server's responses could not be read"));
            return Some(error.with_unread(lacking.lines));
        }
        if entry.left_out {
            let why = "a response with a password or another secret in it is left out of its events";
            return Some(incomplete(why.to_owned()));
        }
        self.check_diverted(id, view)
    }

    /// Takes a command out that has ended; and what it was for, if it was the engine's own.
    pub(crate) fn end(
        &mut self,
        id: CommandId,
        result: Result<Done>,
        shared: &Shared,
    ) -> Option<(Ended, Option<(InternalCommand, QueryFacts)>)> {
        let entry = self.take(id)?;
        log::ended(&entry.submission, &result, entry.took, entry.sent_bytes, &entry.span);
        entry.tags.iter().for_each(|tag| shared.release_tag(tag.as_str()));
        let InFlightCommand { submission, messages, at_start, quiet, .. } = *entry;
        let place = submission.place();
        let Submission { job, class, selection_handle, opens, origin, .. } = *submission;
        let error = result.as_ref().err();
        let facts = QueryFacts {
            selection: selection_handle.map(|handle| handle.id()),
            messages,
            generation: at_start.generation,
            removed: at_start.removed,
            ok: error.is_none(),
            bad: error.is_some_and(|error| error.kind() == ErrorKind::Bad),
            // A limit may have cut it short as well.
            unread: error.is_some_and(|e| e.kind() == ErrorKind::Incomplete || !e.unparsed().is_empty()),
            from: error.and_then(Error::resume_below),
        };
        let mut ended = Ended::new(id, job, place, result).with_dependents(class.effect, opens);
        if !quiet {
            ended = ended.reporting_end(entry.ended, entry.invalid_source, entry.limited);
        }
        let internal = if let Origin::Internal(internal) = origin { Some((internal, facts)) } else { None };
        Some((ended, internal))
    }
}

impl InFlightCommand {
    fn result(&mut self) -> Result<Done> {
        match (self.failure.take(), self.replies.pop()) {
            (None, Some(status)) => {
                let handle = self.submission.selection_handle.as_ref().or(self.submission.opens.as_ref());
                let selection = handle.map(|handle| handle.id());
                Ok(Done { status, earlier: std::mem::take(&mut self.replies), selection })
            }
            // What its earlier lines achieved is not lost.
            (Some(error), last) => {
                let replies = self.replies.drain(..).chain(last).filter(|reply| reply.status == Status::Ok);
                Err(error.add_answers(replies.map(|status| Answer::Status(Box::new(status)))))
            }
            (None, None) => Err(Error::protocol("the command ended without a response")),
        }
    }
}

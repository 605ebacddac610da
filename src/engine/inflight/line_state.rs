//! The state of a command's lines: which is due, what has been sent, and why no more is.
//!
//! In: the session, a server's challenge, a cancelled token. Out: a line's bytes, or the error with
//! which the command ends.

use crate::command::{Effect, Flow, Line, SelectParams, Session};
use crate::engine::inflight::InFlight;
use crate::engine::inflight::command::{InFlightCommand, Next};
use crate::engine::log;
use crate::engine::submit::Tag;
use crate::error::{Error, ErrorKind, Result, Sent};
use crate::types::{CommandId, Place, UidValidity};

/// What a dropped or cancelled token asks for.
pub(crate) enum Cancellation {
    /// It continues.
    Ignored,
    /// Nothing of it has been written: it is taken back.
    Withdraw,
    /// An IDLE that has begun.
    EndIdle,
    /// Another command that has begun: an upload or a series stops.
    Stop,
}

impl InFlight {
    /// Whether a line of it is to be written now.
    pub(crate) fn is_line_due(&self, id: CommandId) -> bool {
        self.entries.get(&id).is_some_and(|entry| entry.next == Next::Line)
    }

    /// Whether a command has lines that have not been written.
    pub(crate) fn has_more_lines(&self) -> bool {
        self.entries.values().any(|entry| entry.next != Next::Nothing)
    }

    /// Whether all are the engine's own, let others go beside them, and have been written.
    pub(crate) fn may_be_idled_behind(&self) -> bool {
        let may =
            |f: &InFlightCommand| f.is_internal() && !f.submission.class.alone && f.next == Next::Nothing;
        self.entries.values().all(|entry| may(entry))
    }

    /// Whether its first line named UIDs under another UIDVALIDITY than the mailbox has now.
    pub(crate) fn is_stale(&self, id: CommandId, now: Option<UidValidity>) -> bool {
        let is_stale = |uid_validity: Option<UidValidity>| uid_validity.is_some() && uid_validity != now;
        self.entries.get(&id).is_some_and(|entry| entry.begun && is_stale(entry.at_start.uid_validity))
    }

    /// Writes its next line.
    pub(crate) fn encode(&mut self, id: CommandId, line: &mut Line, session: &Session) -> Result<Flow> {
        let gone = || Error::protocol("the command has ended");
        let entry = self.entries.get_mut(&id).ok_or_else(gone)?;
        if entry.submission.sent_before == Sent::No {
            return entry.submission.job.encode(line, session);
        }
        entry
            .submission
            .job
            .encode(line, &Session { select_params: SelectParams::Refused, ..session.clone() })
    }

    /// Its line is on its way, with this tag. Whether nothing of it will be left to write after
    /// that.
    pub(crate) fn line_made(&mut self, id: CommandId, tag: Tag, flow: Flow, has_params: bool) -> bool {
        let Some(entry) = self.entries.get_mut(&id) else { return true };
        log::sending(&entry.submission, tag.as_str(), &mut entry.span);
        // Most commands have one line.
        entry.tags.reserve_exact(1);
        entry.tags.push(tag);
        entry.has_params = has_params;
        entry.next = match flow {
            Flow::Last => Next::Nothing,
            Flow::More => Next::Line,
            Flow::AfterReply => Next::LineAfterReply,
        };
        flow == Flow::Last && !entry.submission.job.awaits_challenge()
    }

    /// In which mailbox it works, for the log: of one that names none.
    pub(crate) fn log_mailbox(&self, id: CommandId, place: Option<Place>) {
        if let Some((entry, place)) = self.entries.get(&id).zip(place) {
            log::in_mailbox(&entry.span, &place.mailbox);
        }
    }

    /// Its next line can't be made. The error with which it ends, unless earlier lines have not
    /// been answered.
    pub(crate) fn line_failed(&mut self, id: CommandId, error: Error) -> Option<Error> {
        let entry = self.entries.get_mut(&id)?;
        let sent = entry.sent();
        entry.end_lines(error.with_sent(sent))
    }

    /// Answers a challenge of the server; whether that is the last answer. An error if it has
    /// failed before, too.
    pub(crate) fn answer_challenge(
        &mut self,
        id: CommandId,
        text: &[u8],
        line: &mut Line,
    ) -> Option<Result<bool>> {
        let entry = self.entries.get_mut(&id)?;
        // The server wants more of it than it has.
        entry.whole = false;
        if let Some(error) = &entry.failure {
            return Some(Err(error.clone()));
        }
        Some(entry.submission.job.challenge(text, line).map(|()| !entry.submission.job.awaits_challenge()))
    }

    /// Why it fails, however the server answers; unless it has failed before.
    pub(crate) fn fail(&mut self, id: CommandId, error: Error) {
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.fail(error);
        }
    }

    /// What it named has turned out to be something else: whatever the server answers, this is its
    /// result.
    pub(crate) fn invalidate(&mut self, id: CommandId, error: Error) {
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.fail(error.with_sent(Sent::Fully));
            entry.invalid_source = true;
        }
    }

    /// No further line of it is sent.
    pub(crate) fn stop_lines(&mut self, id: CommandId) {
        self.entries.get_mut(&id).into_iter().for_each(|entry| entry.next = Next::Nothing);
    }

    /// What the token's end means for the command.
    pub(crate) fn cancellation(&self, id: CommandId) -> Cancellation {
        let Some(entry) = self.entries.get(&id) else { return Cancellation::Ignored };
        let cancelled = entry.submission.job.cancelled();
        match entry.sent() != Sent::No {
            true if !cancelled => Cancellation::Ignored,
            true if matches!(entry.submission.class.effect, Effect::Idle) => Cancellation::EndIdle,
            true => Cancellation::Stop,
            false if cancelled || entry.submission.class.reads_only && !entry.submission.is_wanted() => {
                Cancellation::Withdraw
            }
            false => Cancellation::Ignored,
        }
    }

    /// A command's time has ended: of one that has begun the token fails, and it runs to its end,
    /// an IDLE aside. What is to be done about it.
    pub(crate) fn expire(&mut self, id: CommandId, error: &Error) -> Cancellation {
        let Some(entry) = self.entries.get(&id) else { return Cancellation::Ignored };
        if entry.sent() == Sent::No {
            let taken_back = entry.submission.expire(error.clone());
            return if taken_back { Cancellation::Withdraw } else { Cancellation::Ignored };
        }
        let place = entry.submission.place();
        let error = error.clone().in_command(entry.submission.job.name());
        let error = error.about(place.as_ref().map(|place| &place.mailbox), None).with_sent(entry.sent());
        match entry.submission.job.expire(error) {
            true if matches!(entry.submission.class.effect, Effect::Idle) => Cancellation::EndIdle,
            _ => Cancellation::Ignored,
        }
    }

    /// A command that has begun is cancelled: if its lines are independent, no further one is sent.
    /// Returns the error with which it ends now, unless a line is under way.
    pub(crate) fn stop_series(&mut self, id: CommandId) -> Option<Error> {
        let entry = self.entries.get_mut(&id)?;
        if !entry.submission.class.line_by_line || entry.next == Next::Nothing {
            return None;
        }
        let error = Error::new(ErrorKind::Cancelled, "cancelled between two of its lines");
        entry.end_lines(error.with_sent(Sent::Partly))
    }

    /// Its end is not reported.
    pub(crate) fn silence(&mut self, id: CommandId) {
        self.entries.get_mut(&id).into_iter().for_each(|entry| entry.quiet = true);
    }

    /// Whether someone may still read its result.
    pub(crate) fn has_reader(&self, id: CommandId) -> bool {
        self.entries.get(&id).is_some_and(|entry| entry.submission.job.wanted())
    }
}

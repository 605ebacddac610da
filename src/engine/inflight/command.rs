//! A command in flight, or one that waits for its next line.
//!
//! In: a submission that starts. Out: its record: messages, tags, replies, what has been written,
//! why it fails.

use std::time::{Duration, Instant};

use tracing::Span;

use crate::command::{Messages, ResponseKinds};
use crate::engine::inflight::ambiguous::{Contested, DivertedAnswers};
use crate::engine::inflight::named_messages::NamedMessages;
use crate::engine::submit::{Submission, Tag};
use crate::error::{Error, Sent};
use crate::types::{Answer, Code, Done, StatusResponse, Uid, UidValidity};
use crate::view::View;

pub(super) struct InFlightCommand {
    pub(super) submission: Box<Submission>,
    /// The messages that it names, as they were sent.
    pub(super) messages: Option<Messages>,
    /// Its end is not reported.
    pub(super) quiet: bool,
    /// The tags that have not been answered yet.
    pub(super) tags: Vec<Tag>,
    /// The tagged responses so far.
    pub(super) replies: Vec<StatusResponse>,
    /// What follows the line that was written last.
    pub(super) next: Next,
    /// Why no further line is sent.
    pub(super) failure: Option<Error>,
    /// Unparsed lines from this number on may have been answers to this command.
    pub(super) missed_from: u64,
    /// How the server said that it has ended, where its result is an error for another reason.
    pub(super) ended: Option<StatusResponse>,
    /// Some of its answers were left out, since it is detached and they have a secret in them.
    pub(super) left_out: bool,
    /// The server has done something else than what was asked.
    pub(super) invalid_source: bool,
    /// The server reported apart from its OK that it has dealt with a part of the messages only.
    pub(super) limited: Option<StatusResponse>,
    /// A response that looked like its answer was routed to an older command.
    pub(super) lost: Option<Box<DivertedAnswers>>,
    /// The younger ones that had asked for what it got.
    pub(super) contested: Option<Contested>,
    /// Messages of a silent STORE whose flags were reported while it ran.
    pub(super) flag_updates: Option<Box<NamedMessages>>,
    /// Some of it has been written.
    pub(super) begun: bool,
    /// All has been written that the server needs to carry it out: the last byte of its last line,
    /// literals and all, and of a dialogue the last answer; of IDLE its line. A `+` that asks for
    /// more takes it back until that has been written.
    pub(super) whole: bool,
    /// Its place among all that were sent: answers come in this order.
    pub(super) order: u64,
    pub(super) at_start: AtStart,
    /// Its line has parameters of SELECT.
    pub(super) has_params: bool,
    /// When its first byte was written, and how long it took from there to its end.
    pub(super) since: Option<Instant>,
    pub(super) took: Option<Duration>,
    /// How many bytes of it have been written.
    pub(super) sent_bytes: usize,
    /// For the log, from its first line to its end.
    pub(super) span: Span,
}

/// How the selection and the session were when a command was sent.
#[derive(Debug, Default)]
pub(crate) struct AtStart {
    /// How many messages there had been in the selection.
    pub(super) ever: u64,
    /// The view's generation.
    pub(super) generation: u64,
    /// How many messages had gone from the view.
    pub(super) removed: u64,
    /// The UIDVALIDITY then, or that SELECT reported after it.
    pub(super) uid_validity: Option<UidValidity>,
    /// How often capabilities had been reported.
    pub(super) capabilities_epoch: u64,
}

impl AtStart {
    pub(crate) fn new(
        view: Option<&View>,
        uid_validity: Option<UidValidity>,
        capabilities_epoch: u64,
    ) -> Self {
        let (generation, removed) = view.map_or((0, 0), |view| (view.generation(), view.removed()));
        Self { ever: view.map_or(0, View::ever), generation, removed, uid_validity, capabilities_epoch }
    }
}

/// What follows a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing.
    Nothing,
    /// Another line at once.
    Line,
    /// Another line after this one's OK.
    LineAfterReply,
}

impl InFlightCommand {
    pub(super) fn new(mut submission: Box<Submission>, order: u64, at_start: AtStart) -> Self {
        Self {
            messages: submission.job.messages().cloned(),
            quiet: !submission.origin.is_user(),
            submission,
            tags: Vec::new(),
            replies: Vec::new(),
            next: Next::Line,
            failure: None,
            missed_from: 0,
            ended: None,
            left_out: false,
            invalid_source: false,
            limited: None,
            lost: None,
            contested: None,
            flag_updates: None,
            begun: false,
            whole: false,
            order,
            at_start,
            has_params: false,
            since: None,
            took: None,
            sent_bytes: 0,
            span: Span::none(),
        }
    }

    /// How much of it has been written.
    pub(super) fn sent(&self) -> Sent {
        match (self.begun, self.whole) {
            (false, _) => self.submission.sent_before,
            (true, false) => Sent::Partly,
            (true, true) => Sent::Fully,
        }
    }

    /// Why no further line of it is sent, unless there is a reason already.
    pub(super) fn fail(&mut self, error: Error) {
        let name = self.submission.job.name();
        self.failure.get_or_insert_with(|| error.in_command(name));
    }

    /// No further line is sent, for this reason. Returns the error with which it ends now, unless
    /// earlier lines have not been answered.
    pub(super) fn end_lines(&mut self, error: Error) -> Option<Error> {
        self.next = Next::Nothing;
        if !self.tags.is_empty() {
            self.fail(error);
            return None;
        }
        // What its earlier lines achieved is not lost.
        Some(
            error
                .in_command(self.submission.job.name())
                .add_answers(self.replies.drain(..).map(|status| Answer::Status(Box::new(status)))),
        )
    }

    /// Whether it is one of the engine's own.
    pub(super) fn is_internal(&self) -> bool {
        self.submission.origin.internal().is_some()
    }

    /// Whether it names messages by what a search saved at the server.
    pub(super) fn uses_saved(&self) -> bool {
        matches!(self.messages, Some(Messages::Saved(_)))
    }

    /// Whether it has more than one line, those that are answered or not written yet among them.
    pub(super) fn has_several_lines(&self) -> bool {
        self.tags.len() + self.replies.len() > 1 || self.next != Next::Nothing
    }

    /// Whether a server may deal with a part of the messages only (RFC 9738 section 3).
    pub(super) fn may_be_limited(&self) -> bool {
        let finds = ResponseKinds::SEARCH.and(ResponseKinds::SORT).and(ResponseKinds::THREAD);
        self.messages.is_some() || self.submission.class.answered_by.overlaps(finds)
    }

    /// What the server said of having dealt with a part of the messages only, if it did; and from
    /// which UID on it has.
    pub(super) fn cut_short<'a>(&'a self, done: &'a Done) -> Option<(&'a StatusResponse, Option<Uid>)> {
        let all = done.earlier.iter().chain([&done.status]).chain(&self.limited);
        // Each line of a command may have got so far: below the highest of them all may be lacking.
        let cut = all.filter_map(|status| match status.code {
            Some(Code::MessageLimit { uid, .. }) => Some((status, uid)),
            _ => None,
        });
        cut.max_by_key(|(_, uid)| *uid)
    }
}

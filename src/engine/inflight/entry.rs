//! A command in flight, or one that waits for its next line.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::command::{Class, Messages, ResponseKinds};
use crate::engine::inflight::ambiguous::{Contested, DivertedAnswers};
use crate::engine::mailboxes::own_changes::DeferredList;
use crate::engine::receive::fetch::ConcurrentFlagUpdates;
use crate::engine::submit::internal::InternalCommand;
use crate::engine::submit::selection_handle::SelectionHandle;
use crate::engine::submit::shared::Submission;
use crate::engine::submit::slot::ErasedCommand;
use crate::error::{Error, Sent};
use crate::types::{Code, Done, Place, StatusResponse, Uid, UidValidity};

pub(crate) struct InFlightCommand {
    pub(crate) job: Box<dyn ErasedCommand>,
    pub(crate) class: Class,
    /// The messages that it names, as they were sent.
    pub(crate) messages: Option<Messages>,
    pub(crate) selection_handle: Option<Arc<SelectionHandle>>,
    pub(crate) opens: Option<Arc<SelectionHandle>>,
    pub(crate) quiet: bool,
    pub(crate) own: Option<InternalCommand>,
    /// The tags that have not been answered yet.
    pub(crate) tags: Vec<String>,
    /// The tagged responses so far.
    pub(crate) replies: Vec<StatusResponse>,
    /// What follows the line that was written last.
    pub(crate) next: Next,
    /// Why no further line goes out.
    pub(crate) failure: Option<Error>,
    /// What could not be read from here on may have been its own.
    pub(crate) missed_from: u64,
    /// How the server said that it has ended, where its result is an error for another reason.
    pub(crate) ended: Option<StatusResponse>,
    /// Some of its answers could be told to nobody, since it is detached and they have a secret in them.
    pub(crate) left_out: bool,
    /// The server has done something else than what was asked.
    pub(crate) invalid_source: bool,
    /// The server told apart from its OK that it has dealt with a part of the messages only.
    pub(crate) limited: Option<StatusResponse>,
    /// What LIST has told that looks like its doing.
    pub(crate) told: Option<DeferredList>,
    /// What looked like its answer, and went to an older command.
    pub(crate) lost: Option<Box<DivertedAnswers>>,
    /// The younger ones that had asked for what it got.
    pub(crate) contested: Option<Contested>,
    /// Messages of a silent STORE whose flags were told while it ran.
    pub(crate) flag_updates: ConcurrentFlagUpdates,
    /// Some of it has been written.
    pub(crate) begun: bool,
    /// All has been written that the server needs to carry it out: the last byte of its last line, literals and all, and of
    /// a dialogue the last answer; of IDLE its line. A `+` that asks for more takes it back until that has been written.
    pub(crate) whole: bool,
    /// Its place among all that were sent: answers come in this order.
    pub(crate) order: u64,
    /// How many messages there had been in the selection when it was sent.
    pub(crate) ever: u64,
    /// The view's generation when it was sent.
    pub(crate) generation: u64,
    /// The era of the UIDs when it was sent, or that SELECT told after that.
    pub(crate) uid_validity: Option<UidValidity>,
    /// How many messages had gone from the view when it was sent.
    pub(crate) removed: u64,
    /// When its first byte was written, and how long it took from there to its end.
    pub(crate) since: Option<Instant>,
    pub(crate) took: Option<Duration>,
    /// How often capabilities had been told when it was sent.
    pub(crate) capabilities: u64,
}

/// What follows a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Nothing.
    Nothing,
    /// Another line at once.
    Line,
    /// Another line after this one's OK.
    LineAfterReply,
}

impl InFlightCommand {
    pub(crate) fn new(submission: Submission, own: Option<InternalCommand>) -> Self {
        let Submission { job, class, selection_handle, opens, quiet, .. } = submission;
        Self {
            job,
            class,
            messages: None,
            selection_handle,
            opens,
            quiet,
            own,
            tags: Vec::new(),
            replies: Vec::new(),
            next: Next::Line,
            failure: None,
            missed_from: 0,
            ended: None,
            left_out: false,
            invalid_source: false,
            limited: None,
            told: None,
            lost: None,
            contested: None,
            flag_updates: ConcurrentFlagUpdates::default(),
            begun: false,
            whole: false,
            order: 0,
            ever: 0,
            generation: 0,
            uid_validity: None,
            removed: 0,
            since: None,
            took: None,
            capabilities: 0,
        }
    }

    /// How much of it has been written.
    pub(crate) fn sent(&self) -> Sent {
        match (self.begun, self.whole) {
            (false, _) => Sent::No,
            (true, false) => Sent::Partly,
            (true, true) => Sent::Fully,
        }
    }

    /// Whether it has more than one line, those that are answered or not written yet among them.
    pub(crate) fn has_several_lines(&self) -> bool {
        self.tags.len() + self.replies.len() > 1 || self.next != Next::Nothing
    }

    /// The mailbox that it is about.
    pub(crate) fn place(&self) -> Option<Place> {
        self.selection_handle
            .as_ref()
            .or(self.opens.as_ref())
            .map(|selection_handle| selection_handle.place.clone())
    }

    /// Whether a server may deal with a part of the messages only (RFC 9738 section 3).
    pub(crate) fn may_be_limited(&self) -> bool {
        self.messages.is_some() || self.class.answered_by.overlaps(ResponseKinds::SEARCH)
    }

    /// What the server said of having dealt with a part of the messages only, if it did; and from which UID on it has.
    pub(crate) fn cut_short<'a>(&'a self, done: &'a Done) -> Option<(&'a StatusResponse, Option<Uid>)> {
        let all = done.earlier.iter().chain([&done.status]).chain(&self.limited);
        // Each line of a command may have got so far: below the highest of them all may be lacking.
        let cut = all.filter_map(|status| match status.code {
            Some(Code::MessageLimit { uid, .. }) => Some((status, uid)),
            _ => None,
        });
        cut.max_by_key(|(_, uid)| *uid)
    }

    /// Whether anyone still has a use for it.
    pub(crate) fn is_wanted(&self) -> bool {
        self.own.is_some()
            || self.job.wanted()
            || self.opens.as_ref().is_some_and(|selection_handle| selection_handle.is_wanted())
    }
}

//! A command that has ended: what is reported of it, and the result that its token is to be given.
//!
//! In: commands that were answered, that could not be sent, or that the connection's end has met.
//! Out: events, then the result; whoever awaits the token finds the events in the queue.

use std::sync::Arc;

use crate::command::{Effect, SaveState, SavedSearch};
use crate::engine::metrics;
use crate::engine::submit::erased_command::ErasedCommand;
use crate::engine::submit::selection_end_cause::EndCause;
use crate::engine::submit::selection_handle::SelectionHandle;
use crate::engine::submit::shared::Submission;
use crate::error::{Error, ErrorKind, Result};
use crate::types::{CloseReason, CommandId, Done, Event, EventKind, Place, Status, StatusResponse};

/// A command that has ended, and whose token is still to be given the result.
#[must_use]
pub(crate) struct Ended {
    id: CommandId,
    job: Box<dyn ErasedCommand>,
    place: Option<Place>,
    result: Result<Done>,
    /// What is reported of it, in this order.
    events: [Option<EventKind>; 2],
    /// What rests on it: the selection that it was to make, the result that was to be remembered.
    opens: Option<Arc<SelectionHandle>>,
    saves: Option<SavedSearch>,
}

impl Ended {
    pub(crate) fn new(
        id: CommandId,
        job: Box<dyn ErasedCommand>,
        place: Option<Place>,
        result: Result<Done>,
    ) -> Self {
        let mailbox = place.as_ref().map(|place| &place.mailbox);
        let result = result.map_err(|error| error.in_command(job.name()).about(mailbox, None));
        Self { id, job, place, result, events: [None, None], opens: None, saves: None }
    }

    pub(crate) fn id(&self) -> CommandId {
        self.id
    }

    /// If it has failed, so does what rests on it.
    pub(crate) fn with_dependents(mut self, effect: Effect, opens: Option<Arc<SelectionHandle>>) -> Self {
        self.opens = opens;
        if let Effect::Save(saved) = effect {
            self.saves = Some(saved);
        }
        self
    }

    /// Reports its failure, if that is wanted.
    pub(crate) fn reporting_failure(mut self, wanted: bool) -> Self {
        let error = self.result.as_ref().err().filter(|_| wanted);
        self.events[0] = error.map(|error| error.to_event(self.job.name().to_owned()));
        self
    }

    /// Reports how a command has ended that was sent. `said`: how the server said so, where the
    /// result is an error for another reason; `is_invalid`: it was not what was asked for that the
    /// server has done; `limit`: the server has reported apart that it has dealt with a part of the
    /// messages only.
    pub(crate) fn reporting_end(
        mut self,
        said: Option<StatusResponse>,
        is_invalid: bool,
        limit: Option<StatusResponse>,
    ) -> Self {
        let (command, detached) = (self.job.name().to_owned(), self.job.detached());
        let overrun = self.job.overrun_detached();
        // Of a detached command no token says that something is missing, or how far it has come.
        let may_lack = |e: &&Error| matches!(e.kind(), ErrorKind::Incomplete | ErrorKind::Protocol);
        let is_failure = |e: &&Error| is_invalid || detached && may_lack(e);
        let error = self.result.as_ref().err();
        let failure = overrun.as_ref().or(error.filter(is_failure));
        // A limit that was reported apart, or a row that could not be read, is not how it ended.
        let status = match &self.result {
            Ok(done) => Some(done.status.clone()),
            Err(error) => said.or(error.status().cloned()),
        };
        let end = match (failure.or(error.filter(|_| status.is_none())), status) {
            (Some(error), _) => Some(error.to_event(command)),
            (None, status) => status.map(|status| EventKind::Completed { command, status, detached }),
        };
        self.events = [limit.filter(|_| detached).map(EventKind::Notice), end];
        self
    }

    pub(crate) fn take_events(&mut self) -> impl Iterator<Item = Event> {
        let (place, cause) = (self.place.take(), Some(self.id));
        let events = std::mem::take(&mut self.events).into_iter().flatten();
        events.map(move |kind| Event::new(kind).at(place.clone()).caused_by(cause))
    }

    /// Gives the token its result.
    pub(crate) fn give(self) {
        if let Err(error) = &self.result {
            self.opens.iter().for_each(|handle| handle.refuse(error));
            self.saves.iter().for_each(|saved| saved.settle(SaveState::Failed));
        }
        self.job.end(self.result);
    }
}

impl Submission {
    /// It ends without having been sent.
    pub(crate) fn fail(self, error: Error) -> Ended {
        let place = self.place();
        let Self { id, job, class, origin, opens, sent_before, .. } = self;
        let is_reported = origin.is_user() && job.wanted();
        let ended = Ended::new(id, job, place, Err(error.with_sent(sent_before)));
        ended.with_dependents(class.effect, opens).reporting_failure(is_reported)
    }

    /// All that it names has gone meanwhile: it has nothing to do.
    pub(crate) fn complete(self) -> Ended {
        let place = self.place();
        let status = StatusResponse::new(Status::Ok, None, "none of the messages is there");
        let (command, detached) = (self.job.name().to_owned(), self.job.detached());
        let kind = EventKind::Completed { command, status: status.clone(), detached };
        let is_reported = self.origin.is_user();
        let mut ended = Ended::new(self.id, self.job, place, Ok(Done::new(status)));
        ended.events[0] = is_reported.then_some(kind);
        ended
    }

    /// The connection has ended. `stays`: why it can't be submitted elsewhere, if it is asked for.
    pub(crate) fn close(self, reason: &CloseReason, stays: Option<&str>) -> Ended {
        let handles = [&self.selection_handle, &self.opens].into_iter().flatten();
        handles.for_each(|handle| handle.end(EndCause::Connection));
        let (place, error) = (self.place(), Error::closed(reason).with_sent(self.sent_before));
        let error = stays.map_or(error.clone(), |why| error.moreover(why));
        metrics::ended(self.job.name(), Some(&error), None);
        Ended::new(self.id, self.job, place, Err(error)).reporting_failure(self.origin.is_user())
    }
}

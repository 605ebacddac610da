//! What the halves share: the submissions that the driver has not taken yet, and the tag table.
//!
//! In: commands from any task. Out: to the driver, submissions in the order of the calls and
//! cancelled tokens; to the senders, the capabilities, and whether there is room. One lock, held
//! for a few moves: never across I/O, a user's code or a wake.

#[cfg(feature = "account")]
mod reassigned;
mod submitting;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use crate::command::{Class, Command, Noop};
use crate::engine::events::EventQueue;
use crate::engine::submit::counters::Counters;
use crate::engine::submit::erased_command::ErasedCommand;
use crate::engine::submit::given_up::{GivenUp, TimeLimits};
use crate::engine::submit::internal_command::{InternalCommand, InternalRequest};
use crate::engine::submit::literal_channel::WantedLiterals;
use crate::engine::submit::query::Query;
use crate::engine::submit::selection_handle::{SelectOptions, SelectionHandle, SubmitFacts};
use crate::engine::submit::slot::Submitted;
use crate::engine::submit::tag::Tag;
use crate::error::{Error, ErrorKind, Result, Sent};
use crate::types::{
    Capabilities, CloseReason, CommandId, Done, Event, EventKind, Limits, MailboxName, Place, SelectionId,
    UidSet,
};

/// Who submitted a command.
#[derive(Debug)]
pub(crate) enum Origin {
    User,
    /// The handshake, which waits for its commands and needs no events.
    Handshake,
    /// The engine, for this.
    Internal(InternalCommand),
}

impl Origin {
    /// Whether events report the command, and the limit of commands counts it.
    pub(crate) fn is_user(&self) -> bool {
        matches!(self, Self::User)
    }

    pub(crate) fn internal(&self) -> Option<&InternalCommand> {
        match self {
            Self::Internal(internal) => Some(internal),
            _ => None,
        }
    }
}

/// A command that has been submitted. It is in a box all the way from there to its end, since it is
/// large.
pub(crate) struct Submission {
    pub(crate) id: CommandId,
    pub(crate) job: Box<dyn ErasedCommand>,
    pub(crate) class: Class,
    /// The selection through which it was submitted.
    pub(crate) selection_handle: Option<Arc<SelectionHandle>>,
    /// The selection that it makes.
    pub(crate) opens: Option<Arc<SelectionHandle>>,
    pub(crate) origin: Origin,
    /// The mailbox as it was then, for sequence numbers.
    pub(crate) then: SubmitFacts,
    /// The UIDs that its numbers stand for, and the view's generation of which that is true.
    pub(crate) named: Option<(u64, UidSet)>,
    /// How much of it has been written before: a SELECT whose parameters the server has refused is
    /// sent once more without them.
    pub(crate) sent_before: Sent,
}

impl Submission {
    /// It is submitted now, through this selection, or to make one.
    fn new(
        id: CommandId,
        job: Box<dyn ErasedCommand>,
        class: Class,
        [selection_handle, opens]: [Option<Arc<SelectionHandle>>; 2],
        origin: Origin,
    ) -> Self {
        let then = selection_handle.as_ref().map(|handle| handle.then()).unwrap_or_default();
        let (named, sent_before) = (None, Sent::No);
        Self { id, job, class, selection_handle, opens, origin, then, named, sent_before }
    }

    /// A command of the engine's own.
    pub(crate) fn internal(id: CommandId, request: InternalRequest) -> Self {
        let InternalRequest { internal, job, class, handle, .. } = request;
        Self::new(id, job, class, [handle, None], Origin::Internal(internal))
    }

    /// Whether it asks for what the view lacks.
    pub(crate) fn is_sync_query(&self) -> bool {
        self.origin.internal().is_some_and(InternalCommand::fills)
    }

    /// Whether it asks what flags messages have after a STORE.
    pub(crate) fn verifies_store(&self) -> bool {
        matches!(self.origin, Origin::Internal(InternalCommand::Query(Query::VerifyStore(..))))
    }

    /// Whether it was submitted through this selection.
    pub(crate) fn is_in(&self, handle: &SelectionHandle) -> bool {
        self.selection_handle.as_ref().is_some_and(|mine| mine.id() == handle.id())
    }

    /// Whether it is not to be sent: it is cancelled, or it only reads and its token has been
    /// dropped.
    pub(crate) fn is_withdrawn(&self) -> bool {
        self.sent_before == Sent::No && (self.job.cancelled() || self.class.reads_only && !self.is_wanted())
    }

    /// Its time has ended before it was sent. Whether it is to be taken back: not if it is detached
    /// by now, and not a SELECT through whose mailbox handle something has been submitted; that
    /// one's token fails, and it is sent.
    pub(crate) fn expire(&self, error: Error) -> bool {
        if self.job.detached() {
            return false;
        }
        let is_used = self.opens.as_ref().is_some_and(|handle| handle.is_wanted());
        if is_used || self.sent_before != Sent::No {
            self.job.expire(error.in_command(self.job.name()).with_sent(self.sent_before));
            return false;
        }
        true
    }

    /// Whether anyone still has a use for it.
    pub(crate) fn is_wanted(&self) -> bool {
        self.job.wanted() || self.opens.as_ref().is_some_and(|handle| handle.is_wanted())
    }

    /// The mailbox that it is about.
    pub(crate) fn place(&self) -> Option<Place> {
        self.selection_handle.as_ref().or(self.opens.as_ref()).map(|handle| handle.place().clone())
    }
}

/// The error of a command that is refused at once.
fn blame(error: Error, job: &dyn ErasedCommand, selection_handle: Option<&SelectionHandle>) -> Error {
    error
        .in_command(job.name())
        .about(selection_handle.map(|handle| &handle.place().mailbox), job.mailbox().cloned())
}

pub(crate) struct Shared {
    inner: Mutex<Inner>,
    events: Arc<EventQueue>,
    counters: Arc<Counters>,
    literals: WantedLiterals,
    most: usize,
    largest_literal: usize,
}

#[derive(Default)]
struct Inner {
    submissions: VecDeque<Box<Submission>>,
    table: TagTable,
    next_id: u64,
    next_selection: u64,
    /// Tokens that were dropped or cancelled.
    given_up: Vec<CommandId>,
    /// The last handle has gone.
    abandoned: bool,
    closed: Option<CloseReason>,
    capabilities: Capabilities,
    driver: Option<Waker>,
    waiting_for_room: Vec<Waker>,
    /// Commands that go on elsewhere.
    #[cfg(feature = "account")]
    moved: reassigned::Moved,
}

impl Inner {
    /// The error of a command that is submitted beyond the bound.
    fn refusal(&self, selection_handle: Option<&SelectionHandle>, most: usize) -> Option<Error> {
        if let Some(reason) = &self.closed {
            Some(Error::closed(reason))
        } else if self.table.users >= most {
            Some(Error::new(ErrorKind::QueueFull, format!("{most} commands wait already")))
        } else {
            selection_handle.filter(|handle| handle.has_ended()).map(SelectionHandle::ended_error)
        }
    }
}

/// The commands from submission to end, and the tags of those in flight.
#[derive(Default)]
struct TagTable {
    commands: BTreeMap<CommandId, Record>,
    tags: BTreeMap<u64, CommandId>,
    next_tag: u64,
    /// How many of them are users'.
    users: usize,
    /// Those whose tokens have a time limit.
    limits: TimeLimits,
}

struct Record {
    /// Counted in [`TagTable::users`].
    is_user: bool,
}

/// What the driver takes at once.
#[derive(Default)]
pub(crate) struct Drained {
    pub(crate) submissions: VecDeque<Box<Submission>>,
    pub(crate) given_up: GivenUp,
    pub(crate) abandoned: bool,
}

impl Shared {
    pub(crate) fn new(limits: &Limits) -> Arc<Self> {
        Arc::new(Self {
            inner: Mutex::default(),
            events: Arc::new(EventQueue::new(limits)),
            counters: Arc::default(),
            literals: WantedLiterals::default(),
            most: limits.commands.max(1),
            // With room for the rest of its row, and for what it is converted into.
            largest_literal: limits.literal.min(limits.response / 2).min(limits.result / 2),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn literals(&self) -> &WantedLiterals {
        &self.literals
    }

    /// Asks the server whether it is there, by a NOOP that no token is for.
    pub(crate) fn poll_server(&self) {
        let (noop, class) = (Submitted::internal(Noop), Noop.class());
        self.submit(Box::new(noop), class, None, None, Origin::Internal(InternalCommand::Poll));
    }

    /// A handle for a mailbox that is to be selected.
    pub(crate) fn selection_handle(&self, mailbox: MailboxName, plan: SelectOptions) -> Arc<SelectionHandle> {
        let mut inner = self.lock();
        inner.next_selection += 1;
        let id = SelectionId(inner.next_selection);
        drop(inner);
        Arc::new(SelectionHandle::new(Place { mailbox, selection: Some(id) }, id, plan))
    }

    /// Ends a command that names no messages: OK, unsent. Gives the error if it would have been
    /// refused with messages, too.
    pub(crate) fn submit_nothing(
        &self,
        job: Box<dyn ErasedCommand>,
        done: Done,
        selection_handle: Option<&SelectionHandle>,
    ) -> (CommandId, Option<Error>) {
        let mut inner = self.lock();
        inner.next_id += 1;
        let id = CommandId(inner.next_id);
        let refused = inner.refusal(selection_handle, usize::MAX);
        drop(inner);
        if let Some(error) = refused {
            return (id, Some(blame(error, &*job, selection_handle)));
        }
        let (command, status) = (job.name().to_owned(), done.status.clone());
        let kind = EventKind::Completed { command, status, detached: false };
        // A completion can be left out, so there is no overrun to care about.
        let place = selection_handle.map(|handle| handle.place().clone());
        self.events.push_quietly(Event::new(kind).at(place).caused_by(Some(id)));
        self.events.wake();
        job.end(Ok(done));
        (id, None)
    }

    /// The server's capabilities, as reported last.
    pub(crate) fn capabilities(&self) -> Capabilities {
        self.lock().capabilities.clone()
    }

    pub(crate) fn set_capabilities(&self, all: &Capabilities) {
        self.lock().capabilities = all.clone();
    }

    /// A number for a command of the engine's own, and its place in the tag table; with what was
    /// submitted before it.
    pub(crate) fn register_own(&self) -> (CommandId, VecDeque<Box<Submission>>) {
        let mut inner = self.lock();
        inner.next_id += 1;
        let id = CommandId(inner.next_id);
        inner.table.commands.insert(id, Record { is_user: false });
        (id, std::mem::take(&mut inner.submissions))
    }

    /// A fresh tag for a line of this command.
    pub(crate) fn tag(&self, id: CommandId) -> Tag {
        let mut inner = self.lock();
        inner.table.next_tag += 1;
        let tag = inner.table.next_tag;
        inner.table.tags.insert(tag, id);
        Tag::new(tag)
    }

    /// The command that this tag is of.
    pub(crate) fn owner(&self, tag: &str) -> Option<CommandId> {
        self.lock().table.tags.get(&Tag::number_of(tag)?).copied()
    }

    /// This tag has been answered.
    pub(crate) fn release_tag(&self, tag: &str) {
        if let Some(number) = Tag::number_of(tag) {
            self.lock().table.tags.remove(&number);
        }
    }

    /// This command has ended.
    pub(crate) fn release(&self, id: CommandId) {
        let mut inner = self.lock();
        let Some(record) = inner.table.commands.remove(&id) else { return };
        inner.table.limits.remove(id);
        if !record.is_user {
            return;
        }
        inner.table.users -= 1;
        let waiting = std::mem::take(&mut inner.waiting_for_room);
        drop(inner);
        waiting.into_iter().for_each(Waker::wake);
    }

    /// The largest literal that can be asked for without exceeding a limit.
    pub(crate) fn largest_literal(&self) -> usize {
        self.largest_literal
    }

    /// Why the connection has ended, if it has.
    pub(crate) fn closed(&self) -> Option<CloseReason> {
        self.lock().closed.clone()
    }

    /// How many users' commands wait or are in flight.
    pub(crate) fn in_flight(&self) -> usize {
        self.lock().table.users
    }

    /// Ready when there is room for another command.
    pub(crate) fn poll_ready(&self, cx: &Context<'_>) -> Poll<Result<()>> {
        let mut inner = self.lock();
        if let Some(reason) = &inner.closed {
            return Poll::Ready(Err(Error::closed(reason)));
        }
        if inner.table.users < self.most {
            return Poll::Ready(Ok(()));
        }
        if !inner.waiting_for_room.iter().any(|waker| waker.will_wake(cx.waker())) {
            inner.waiting_for_room.push(cx.waker().clone());
        }
        Poll::Pending
    }

    /// When the time of the next command ends that has a limit.
    pub(crate) fn next_limit(&self) -> Option<Instant> {
        self.lock().table.limits.next()
    }

    /// The last handle has gone: nothing more will be submitted.
    pub(crate) fn abandon(&self) {
        self.lock().abandoned = true;
        self.wake_driver();
    }

    /// The next event.
    pub(crate) fn poll_event(&self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        self.events.poll_next(cx, || self.wake_driver())
    }

    /// The reader of events has gone.
    pub(crate) fn silence_events(&self) {
        self.events.silence();
        self.wake_driver();
    }

    /// Something has been read for which the server had to wait.
    pub(crate) fn wake_driver(&self) {
        let driver = self.lock().driver.take();
        if let Some(driver) = driver {
            driver.wake();
        }
    }

    /// What has come since the last time.
    pub(crate) fn take(&self, now: Instant) -> Drained {
        let mut inner = self.lock();
        let dropped = std::mem::take(&mut inner.given_up);
        Drained {
            submissions: std::mem::take(&mut inner.submissions),
            given_up: GivenUp::new(dropped, &mut inner.table.limits, now),
            abandoned: inner.abandoned,
        }
    }

    /// Wakes the driver at the next submission. To be called before [`take`](Self::take), so that
    /// nothing slips in between.
    pub(crate) fn set_driver(&self, waker: &Waker) {
        let mut inner = self.lock();
        match &mut inner.driver {
            Some(old) => old.clone_from(waker),
            None => inner.driver = Some(waker.clone()),
        }
    }

    /// The connection has ended: nothing is taken up any more; gives what the driver had not taken
    /// yet.
    pub(crate) fn close(&self, reason: &CloseReason) -> VecDeque<Box<Submission>> {
        let mut inner = self.lock();
        inner.closed.get_or_insert_with(|| reason.clone());
        let table = std::mem::take(&mut inner.table);
        // Limits go with commands that move to another connection.
        inner.table = TagTable { next_tag: table.next_tag, limits: table.limits, ..TagTable::default() };
        let left = std::mem::take(&mut inner.submissions);
        let waiting = std::mem::take(&mut inner.waiting_for_room);
        drop(inner);
        waiting.into_iter().for_each(Waker::wake);
        left
    }

    /// What the connection has done so far.
    pub(crate) fn counters(&self) -> &Arc<Counters> {
        &self.counters
    }

    /// How many submissions the driver has not taken yet.
    pub(crate) fn not_taken(&self) -> usize {
        self.lock().submissions.len()
    }

    pub(crate) fn events(&self) -> &Arc<EventQueue> {
        &self.events
    }
}

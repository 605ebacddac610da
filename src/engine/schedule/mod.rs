//! When a command may be sent: the queues, admission, sequence numbers turned into UIDs.
//!
//! ```text
//!   users, engine ──> queue ───────┐
//!                                  ├──> resolve (numbers to UIDs) ──> admission: go │ wait │ fail
//!   engine ─────────> background ──┘                                              │
//!                                                                      line ──> `ready_to_continue`
//! ```
//!
//! The queue keeps the order of submission. Background commands start when the queue is empty, or
//! when too many have started before them. A command in flight with further lines precedes both.
//!
//! In: submissions, what is in flight. Out: which command is next, and whether it may start.

mod admission;
mod resolve;
mod start;

pub(crate) use self::resolve::{other_uids, outside_mailbox, shifted_numbers};
pub(crate) use self::start::{Start, StartFacts, withdrawn};

use std::collections::VecDeque;
use std::sync::Arc;

use crate::command::Effect;
use crate::engine::selection::Selected;
use crate::engine::submit::{InternalCommand, InternalRequest, QueuePlace, Shared, Submission};
use crate::types::{CommandId, SelectionId};

/// How many commands may start before the first in the background.
const MAX_STARVATION: u32 = 32;

/// Commands that wait for their first line, and commands in flight that wait for their next.
pub(crate) struct Scheduler {
    /// Where the halves submit.
    shared: Arc<Shared>,
    queue: VecDeque<Box<Submission>>,
    background: VecDeque<Box<Submission>>,
    /// How many commands have started before the first in the background.
    starvation_count: u32,
    /// How many of those that wait ask for what the view lacks. Ten thousand users' commands are
    /// not searched for one after each EXPUNGE.
    sync_query_count: usize,
    /// Commands in flight that may write their next line.
    ready_to_continue: VecDeque<CommandId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Queue {
    Users,
    Background,
}

impl Scheduler {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            queue: VecDeque::new(),
            background: VecDeque::new(),
            starvation_count: 0,
            sync_query_count: 0,
            ready_to_continue: VecDeque::new(),
        }
    }

    /// What the engine and the halves share: tags, and room for commands.
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Whether no command waits but in the background.
    pub(crate) fn queue_is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// How many commands wait for their first line.
    pub(crate) fn len(&self) -> usize {
        self.queue.len() + self.background.len()
    }

    /// Whether any command waits for its first line.
    pub(crate) fn has_submissions(&self) -> bool {
        !self.queue.is_empty() || !self.background.is_empty()
    }

    /// Whether any command waits for a line, its first or its next.
    pub(crate) fn has_work(&self) -> bool {
        self.has_submissions() || self.has_lines_due()
    }

    /// Whether nothing waits for a line but in the background.
    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty() && !self.has_lines_due()
    }

    /// Whether what asks for what the view lacks waits.
    pub(crate) fn has_sync_query(&self) -> bool {
        self.sync_query_count > 0
    }

    /// Whether such a command of the engine's own waits.
    pub(crate) fn has_internal(&self, is: impl Fn(&InternalCommand) -> bool) -> bool {
        self.queue.iter().chain(&self.background).any(|s| s.origin.internal().is_some_and(&is))
    }

    pub(crate) fn extend(&mut self, submissions: VecDeque<Box<Submission>>) {
        self.queue.extend(submissions);
    }

    /// Queues a command again that was refused, before all others.
    pub(crate) fn resubmit(&mut self, submission: Box<Submission>) {
        self.queue.push_front(submission);
    }

    /// Queues a command of the engine's own.
    pub(crate) fn push_internal(&mut self, request: InternalRequest) {
        // Users' earlier submissions are first, so that numbers and the order of sending agree.
        let (id, before) = self.shared.register_own();
        self.extend(before);
        let place = request.place();
        let submission = Box::new(Submission::internal(id, request));
        self.sync_query_count += usize::from(submission.is_sync_query());
        let ends = |s: &Submission| matches!(s.class.effect, Effect::Select { .. } | Effect::Deselect);
        match place {
            QueuePlace::Back => self.queue.push_back(submission),
            QueuePlace::BeforeSelectionEnds => {
                let at = self.queue.iter().position(|s| ends(s)).unwrap_or(self.queue.len());
                self.queue.insert(at, submission);
            }
            QueuePlace::Background => self.background.push_back(submission),
        }
    }

    /// Queues what is to be asked of the selected mailbox.
    pub(crate) fn queue_requests(&mut self, selected: &mut Selected) {
        for request in selected.take_requests() {
            self.push_internal(request);
        }
    }

    /// Takes a NOTIFY of the engine's own out of the queue.
    pub(crate) fn forget_notify(&mut self) {
        if let Some(next) = self.take_internal(|internal| matches!(internal, InternalCommand::Notify)) {
            self.shared.release(next.id);
        }
    }

    /// Takes the command that is next, from the background if it is its turn. One that may not
    /// start is [put back](Self::put_back).
    fn next(&mut self) -> Option<(Box<Submission>, Queue)> {
        let starved = self.starvation_count >= MAX_STARVATION && !self.background.is_empty();
        let from = if self.queue.is_empty() || starved { Queue::Background } else { Queue::Users };
        let next = self.of(from).pop_front()?;
        Some((self.taken(next), from))
    }

    fn put_back(&mut self, next: Box<Submission>, from: Queue) {
        self.sync_query_count += usize::from(next.is_sync_query());
        self.of(from).push_front(next);
    }

    fn on_start(&mut self, from: Queue) {
        self.starvation_count = match from {
            Queue::Users => self.starvation_count + u32::from(!self.background.is_empty()),
            Queue::Background => 0,
        };
    }

    fn of(&mut self, queue: Queue) -> &mut VecDeque<Box<Submission>> {
        match queue {
            Queue::Users => &mut self.queue,
            Queue::Background => &mut self.background,
        }
    }

    /// Takes out users' commands whose tokens have been dropped or cancelled, or whose time has
    /// ended.
    pub(crate) fn take_withdrawn(
        &mut self,
        overdue: impl Fn(&Submission) -> bool,
    ) -> VecDeque<Box<Submission>> {
        // In one pass: ten thousand tokens may have been dropped at once.
        let goes = |s: &Submission| s.is_withdrawn() || overdue(s);
        let (go, stay) = std::mem::take(&mut self.queue).into_iter().partition(|s| goes(s));
        self.queue = stay;
        go
    }

    /// Takes out the first of the engine's own commands that is such.
    fn take_internal(&mut self, is: impl Fn(&InternalCommand) -> bool) -> Option<Box<Submission>> {
        let is = |s: &Submission| s.origin.internal().is_some_and(&is);
        let taken = match self.queue.iter().position(|s| is(s)) {
            Some(at) => self.queue.remove(at),
            None => self.background.iter().position(|s| is(s)).and_then(|at| self.background.remove(at)),
        }?;
        Some(self.taken(taken))
    }

    /// Takes out what the engine wanted to ask of a selection: what is queued, and the background.
    pub(crate) fn take_internal_of(&mut self, selection: SelectionId) -> VecDeque<Box<Submission>> {
        let of_it = |s: &Submission| {
            let handle = s.selection_handle.as_ref().filter(|_| s.origin.internal().is_some());
            handle.is_some_and(|handle| handle.id() == selection)
        };
        let (mut go, stay): (VecDeque<_>, _) =
            std::mem::take(&mut self.queue).into_iter().partition(|s| of_it(s));
        self.queue = stay;
        go.append(&mut self.background);
        self.sync_query_count = self.queue.iter().filter(|s| s.is_sync_query()).count();
        self.starvation_count = 0;
        go
    }

    /// Takes out what the engine wanted to ask, of whichever mailbox.
    pub(crate) fn take_questions(&mut self) -> VecDeque<Box<Submission>> {
        let is_question = |s: &Submission| {
            s.origin.internal().is_some_and(|internal| !matches!(internal, InternalCommand::Logout))
        };
        let (mut go, stay): (VecDeque<_>, _) =
            std::mem::take(&mut self.queue).into_iter().partition(|s| is_question(s));
        self.queue = stay;
        go.append(&mut self.background);
        (self.starvation_count, self.sync_query_count) = (0, 0);
        go
    }

    /// Takes out all that waits, at the end of the connection.
    pub(crate) fn take_all(&mut self) -> VecDeque<Box<Submission>> {
        self.background.clear();
        self.ready_to_continue.clear();
        (self.starvation_count, self.sync_query_count) = (0, 0);
        std::mem::take(&mut self.queue)
    }

    fn taken(&mut self, submission: Box<Submission>) -> Box<Submission> {
        self.sync_query_count -= usize::from(submission.is_sync_query());
        submission
    }

    /// Whether a command in flight waits for its next line.
    fn has_lines_due(&self) -> bool {
        !self.ready_to_continue.is_empty()
    }

    /// Takes the first command in flight that waits for its next line.
    pub(crate) fn next_line(&mut self) -> Option<CommandId> {
        self.ready_to_continue.pop_front()
    }

    /// The reply to a command's line allows it to write the next.
    pub(crate) fn continue_after_reply(&mut self, id: CommandId) {
        self.ready_to_continue.push_back(id);
    }

    /// A command has another line, which follows the one before at once.
    pub(crate) fn continue_at_once(&mut self, id: CommandId) {
        self.ready_to_continue.push_front(id);
    }

    /// A command writes its next line, or will write none.
    pub(crate) fn remove_line(&mut self, id: CommandId) {
        self.ready_to_continue.retain(|due| *due != id);
    }
}

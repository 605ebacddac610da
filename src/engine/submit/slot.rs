//! The slot of a token: where the driver puts a command's responses and its end, and where the task
//! with the token takes the result. And `Submitted`, a command as the driver holds it.
//!
//! ```text
//!              receive(untagged) ─> items ──> item() ──> stream, or finish()
//!   driver ──┤                                                            ├── token's task
//!              end(done | error) ─────────> command.finish(done, items)
//! ```
//!
//! A slot has a lock of its own, held for a few moves and never across a wake or a user's code.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::command::{Claim, Command, Flow, Line, Messages, RowItems, Session};
use crate::engine::events::{Backlog, BlockQueue, EventQueue, Output, data_event, mark};
use crate::engine::submit::erased_command::ErasedCommand;
use crate::engine::submit::overrun::{kept, overrun};
use crate::engine::submit::scope::InScope;
use crate::error::{Error, ErrorKind, Result, Sent};
use crate::types::{
    CommandId, Done, Event, EventKind, Limits, MailboxName, Progress, Status, StatusResponse, Untagged,
};

/// How many bytes of memory the place of a row takes.
pub(crate) const PLACE: usize = size_of::<Untagged>();

/// What became of the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TokenState {
    /// Someone may read it.
    Held,
    /// Its data becomes events.
    Detached,
    /// The token was dropped.
    Dropped,
    /// The token was cancelled: the command is not to be sent if it still can be withheld.
    Cancelled,
    /// Its time has ended, and it has failed: what its command still brings is dropped.
    Expired,
}

pub(crate) struct ResultSlot<C> {
    state: Mutex<SlotState<C>>,
}

struct SlotState<C> {
    items: BlockQueue<Untagged>,
    /// What they hold.
    backlog: Backlog,
    cut: Truncation,
    end: Option<End<C>>,
    fate: TokenState,
    /// It was refused before the driver ever saw it.
    refused: bool,
    /// It is read piece by piece: each piece wakes the reader, and too many unread hold the server
    /// back; otherwise only the end wakes it.
    streaming: bool,
    /// Its progress, as the server reported last.
    progress: Option<Progress>,
    reader: Option<Waker>,
}

/// Whether more was received than may be kept: later rows are dropped then.
enum Truncation {
    No,
    /// It has not been reported yet.
    Due(Error),
    Reported,
}

enum End<C> {
    Done(C, Done),
    Failed(Error),
    /// The result has been given out.
    Taken,
}

impl<C: Command> ResultSlot<C> {
    fn lock(&self) -> MutexGuard<'_, SlotState<C>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn new() -> Arc<Self> {
        let state = SlotState {
            items: BlockQueue::default(),
            backlog: Backlog::default(),
            cut: Truncation::No,
            end: None,
            fate: TokenState::Held,
            refused: false,
            streaming: false,
            progress: None,
            reader: None,
        };
        Arc::new(Self { state: Mutex::new(state) })
    }

    fn finish(&self, end: End<C>) {
        let mut state = self.lock();
        if state.fate == TokenState::Expired {
            drop(state);
            return drop(end);
        }
        // What a reader will never take is dropped outside the lock: it may be a user's code.
        let unread = matches!(state.fate, TokenState::Dropped | TokenState::Cancelled)
            .then(|| std::mem::take(&mut state.items));
        let old = state.end.replace(end);
        let reader = state.reader.take();
        drop(state);
        drop((unread, old));
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    /// The whole result.
    pub(crate) fn poll_result(&self, cx: &mut Context<'_>) -> Poll<Result<C::Output>> {
        let mut state = self.lock();
        match state.take_end() {
            None => {
                set_reader(&mut state.reader, cx);
                Poll::Pending
            }
            Some(end) => {
                let items = std::mem::take(&mut state.items);
                state.backlog.clear();
                drop(state);
                Poll::Ready(match end {
                    End::Done(command, done) => finish(command, done, collect::<C>(items)),
                    End::Failed(error) => {
                        let answers = kept(&error, items);
                        Err(error.add_answers(answers))
                    }
                    End::Taken => {
                        Err(Error::new(ErrorKind::Invalid, "the token's result has been taken already"))
                    }
                })
            }
        }
    }

    /// How far it has come, if the server has said.
    pub(crate) fn progress(&self) -> Option<Progress> {
        self.lock().progress.clone()
    }

    /// It will be read piece by piece.
    pub(crate) fn set_streaming(&self) {
        self.lock().streaming = true;
    }

    /// The next piece of the result; an error that ended it is the last. `relieved` is called when
    /// there is room again.
    pub(crate) fn poll_item(
        &self,
        cx: &mut Context<'_>,
        relieved: impl Fn(),
    ) -> Poll<Option<Result<C::Item>>> {
        loop {
            let mut state = self.lock();
            if let Some(response) = state.items.pop_front() {
                let room = state.backlog.take(response.weight());
                drop(state);
                if room {
                    relieved();
                }
                match C::item(response) {
                    Some(item) => return Poll::Ready(Some(Ok(item))),
                    None => continue,
                }
            }
            return match state.take_end() {
                None => {
                    set_reader(&mut state.reader, cx);
                    Poll::Pending
                }
                Some(end) => {
                    drop(state);
                    Poll::Ready(match end {
                        End::Done(command, done) => finish(command, done, Vec::new()).err().map(Err),
                        End::Failed(error) => Some(Err(error)),
                        End::Taken => None,
                    })
                }
            };
        }
    }

    /// Moves what it has collected to the events, where its later data goes too.
    pub(crate) fn detach(&self, id: CommandId, events: &EventQueue) {
        let mut state = self.lock();
        state.fate = TokenState::Detached;
        // Under the slot's lock, so that what the driver adds meanwhile follows it.
        for response in std::mem::take(&mut state.items) {
            // Changes are events already.
            let fits =
                response.answer().is_change() || events.push_row_quietly(data_event(response, Some(id)));
            if !fits && matches!(state.cut, Truncation::No) {
                state.cut = Truncation::Due(overrun("unread", events.unread()));
            }
        }
        state.backlog.clear();
        let refused = std::mem::take(&mut state.refused);
        let (end, cut) = (state.end.take(), state.cut.error());
        drop(state);
        let limit = match &end {
            // The incompleteness is reported apart, after the end that was reported already.
            Some(End::Failed(error)) if error.kind() == ErrorKind::Partial => error.status(),
            _ => None,
        };
        if let Some(limit) = limit.filter(|limit| limit.status != Status::Ok) {
            let event = Event::new(EventKind::Notice(limit.clone())).caused_by(Some(id));
            events.push_quietly(event);
        }
        let error = match (end, cut) {
            // A command refused at submission never reached the driver, which reports all others.
            (Some(End::Failed(error)), _) if refused => Some(error),
            // Its end has been reported, but not that the result is incomplete.
            (Some(End::Done(command, _)), Some(error)) => Some(error.in_command(command.name())),
            (Some(End::Failed(failed)), Some(error)) => {
                Some(error.in_command(failed.command().unwrap_or_default()))
            }
            _ => None,
        };
        if let Some(error) = error {
            let command = error.command().unwrap_or_default().to_owned();
            let kind = error.to_event(command);
            events.push_quietly(Event::new(kind).caused_by(Some(id)));
        }
        events.wake();
    }

    /// Drops the reader. Whether the command was still running.
    pub(crate) fn abandon(&self, cancel: bool) -> bool {
        let mut state = self.lock();
        if state.fate == TokenState::Held {
            state.fate = if cancel { TokenState::Cancelled } else { TokenState::Dropped };
        }
        let items = std::mem::take(&mut state.items);
        state.backlog.clear();
        let under_way = state.end.is_none();
        state.reader = None;
        drop(state);
        drop(items);
        under_way
    }

    /// Fails at once, before the driver ever sees it.
    pub(crate) fn refuse(&self, error: Error) {
        self.lock().refused = true;
        self.finish(End::Failed(error));
    }
}

impl Truncation {
    /// What is still to be reported.
    fn error(&self) -> Option<Error> {
        if let Self::Due(error) = self { Some(error.clone()) } else { None }
    }
}

impl<C> SlotState<C> {
    /// How it ended, once; `None` while it runs.
    fn take_end(&mut self) -> Option<End<C>> {
        match std::mem::replace(&mut self.cut, Truncation::Reported) {
            Truncation::Due(error) => return Some(End::Failed(error)),
            Truncation::Reported => return Some(End::Taken),
            Truncation::No => self.cut = Truncation::No,
        }
        let end = self.end.take()?;
        self.end = Some(End::Taken);
        Some(end)
    }
}

/// All pieces of a result, for its command; each is freed as it is read.
fn collect<C: Command>(items: BlockQueue<Untagged>) -> Vec<C::Item> {
    let mut all = Vec::with_capacity(items.len());
    all.extend(items.into_iter().filter_map(C::item));
    all
}

/// The result of a command that the server has said OK to.
fn finish<C: Command>(command: C, done: Done, items: Vec<C::Item>) -> Result<C::Output> {
    let (name, mailbox) = (command.name().to_owned(), command.mailbox().cloned());
    let blame = |error: Error| error.in_command(&name).about(None, mailbox).with_sent(Sent::Fully);
    command.finish(done, items).map_err(blame)
}

fn set_reader(reader: &mut Option<Waker>, cx: &Context<'_>) {
    match reader {
        Some(old) => old.clone_from(cx.waker()),
        None => *reader = Some(cx.waker().clone()),
    }
}

/// A command with the slot of its token; the engine's own have no token.
pub(crate) struct Submitted<C: Command> {
    command: C,
    slot: Option<Arc<ResultSlot<C>>>,
    /// The lease through which it was submitted: that is in use until the command has ended.
    scope: Option<InScope>,
}

impl<C: Command> Submitted<C> {
    pub(crate) fn new(command: C) -> (Self, Arc<ResultSlot<C>>) {
        let slot = ResultSlot::new();
        (Self { command, slot: Some(slot.clone()), scope: None }, slot)
    }

    /// The same, submitted through a lease.
    pub(crate) fn in_scope(self, scope: Option<InScope>) -> Self {
        Self { scope, ..self }
    }

    /// One of the engine's own.
    pub(crate) fn internal(command: C) -> Self {
        Self { command, slot: None, scope: None }
    }

    /// What has become of its token; one of the engine's own is always wanted.
    fn fate(&self) -> TokenState {
        self.slot.as_ref().map_or(TokenState::Held, |slot| slot.lock().fate)
    }
}

impl<C: Command> ErasedCommand for Submitted<C> {
    fn name(&self) -> &str {
        self.command.name()
    }

    fn mailbox(&self) -> Option<&MailboxName> {
        self.command.mailbox()
    }

    fn messages(&mut self) -> Option<&mut Messages> {
        self.command.messages()
    }

    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
        self.command.encode(line, session)
    }

    fn claims(&self, response: &Untagged) -> Claim {
        self.command.claims(response)
    }

    fn challenge(&mut self, text: &[u8], line: &mut Line) -> Result<()> {
        self.command.challenge(text, line)
    }

    fn awaits_challenge(&self) -> bool {
        self.command.awaits_challenge()
    }

    fn items_of(&self, response: &Untagged) -> RowItems {
        self.command.items_of(response)
    }

    fn line_ended(&mut self, at: usize) {
        self.command.line_ended(at);
    }

    fn trim(&self, response: &mut Untagged) -> bool {
        self.command.trim(response)
    }

    fn tolerates(&self, status: &StatusResponse) -> bool {
        self.command.tolerates(status)
    }

    fn receive(&mut self, response: Untagged, limits: &Limits, sent: Sent) -> Option<Untagged> {
        self.command.received(&response);
        let slot = self.slot.as_ref()?;
        let mut state = slot.lock();
        match state.fate {
            TokenState::Held if matches!(state.cut, Truncation::No) => {
                let (limit, most, item) = if state.streaming {
                    ("unread", limits.unread, 0)
                } else {
                    // All are made items before it is given out.
                    ("result", limits.result, size_of::<C::Item>())
                };
                let weight = PLACE + item + response.heap_size();
                // A piece that is larger than the whole room still passes, alone.
                if state.items.is_empty() || state.backlog.bytes() + weight <= most {
                    state.items.push_back(response);
                    if let Some(response) = state.items.back_mut() {
                        response.set_weight(weight);
                    }
                    state.backlog.add(weight, mark(limits));
                } else {
                    drop(state);
                    let error = overrun(limit, most).in_command(self.command.name()).with_sent(sent);
                    state = slot.lock();
                    // If it has been detached meanwhile, this row is lacking all the same.
                    state.cut = Truncation::Due(error);
                }
                // A reader that awaits the whole is woken by its end alone.
                let over = state.streaming || !matches!(state.cut, Truncation::No);
                let reader = if over { state.reader.take() } else { None };
                drop(state);
                if let Some(reader) = reader {
                    reader.wake();
                }
                None
            }
            TokenState::Detached if matches!(state.cut, Truncation::No) => Some(response),
            _ => None,
        }
    }

    fn progress(&self, progress: &Progress) {
        if let Some(slot) = &self.slot {
            slot.lock().progress = Some(progress.clone());
        }
    }

    fn overrun(&mut self, limits: &Limits) {
        let error = overrun("unread", limits.unread).in_command(self.command.name());
        if let Some(slot) = &self.slot {
            slot.lock().cut = Truncation::Due(error);
        }
    }

    fn overrun_detached(&self) -> Option<Error> {
        let state = self.slot.as_ref()?.lock();
        state.cut.error().filter(|_| state.fate == TokenState::Detached)
    }

    fn backed_up(&self, out: &Output) -> Option<u64> {
        let state = self.slot.as_ref()?.lock();
        match state.fate {
            TokenState::Held if state.streaming && matches!(state.cut, Truncation::No) => {
                state.backlog.is_full()
            }
            TokenState::Detached if matches!(state.cut, Truncation::No) => out.is_full(),
            _ => None,
        }
    }

    fn wanted(&self) -> bool {
        matches!(self.fate(), TokenState::Held | TokenState::Detached)
    }

    fn cancelled(&self) -> bool {
        self.fate() == TokenState::Cancelled
    }

    fn expire(&self, error: Error) -> bool {
        let Some(slot) = &self.slot else { return false };
        let mut state = slot.lock();
        if state.fate != TokenState::Held || !matches!(state.cut, Truncation::No) {
            return false;
        }
        state.fate = TokenState::Expired;
        state.end = Some(End::Failed(error.about(None, self.command.mailbox().cloned())));
        let reader = state.reader.take();
        drop(state);
        if let Some(reader) = reader {
            reader.wake();
        }
        true
    }

    fn detached(&self) -> bool {
        self.fate() == TokenState::Detached
    }

    fn end(self: Box<Self>, result: Result<Done>) {
        let Self { command, slot: Some(slot), scope: _scope } = *self else { return };
        slot.finish(match result {
            Ok(done) => End::Done(command, done),
            Err(error) => End::Failed(error.about(None, command.mailbox().cloned())),
        });
    }
}

//! The slot of a token: where the driver puts a command's responses and its end, and where the task
//! with the token takes the result.
//!
//! ```text
//!              receive(untagged) ─> items ──> item() ──> stream, or finish()
//!   driver ──┤                                                            ├── token's task
//!              end(done | error) ─────────> command.finish(done, items)
//! ```
//!
//! What the driver calls is in `slot/submitted.rs`. A slot has a lock of its own, held briefly and
//! never across a wake or a user's code.

mod submitted;

#[cfg(test)]
pub(crate) use self::submitted::PLACE;
pub(crate) use self::submitted::Submitted;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::command::Command;
use crate::engine::events::{Backlog, BlockQueue, EventQueue, data_event};
use crate::engine::submit::literal_channel::{LiteralChannel, Literals};
use crate::engine::submit::overrun::{kept, overrun};
use crate::error::{Error, ErrorKind, Result, Sent};
use crate::types::{CommandId, Done, Event, EventKind, Progress, Status, Untagged};

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
    /// What waits unread: here, and of what a reader of rows has taken all at once.
    backlog: Backlog,
}

struct SlotState<C> {
    items: BlockQueue<Untagged>,
    /// All of one read is there: a reader of rows may take them. It never takes them one by one
    /// while the driver adds to them, since then each would wait for the other's lock.
    handed_over: bool,
    cut: Truncation,
    end: Option<End<C>>,
    fate: TokenState,
    /// It was refused before the driver ever saw it.
    refused: bool,
    /// It is read piece by piece: each piece wakes the reader, and too many unread hold the server
    /// back; otherwise only the end wakes it.
    streaming: bool,
    /// Its long literals, if they are read while they come.
    literals: Option<Box<Literals>>,
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
            handed_over: false,
            cut: Truncation::No,
            end: None,
            fate: TokenState::Held,
            refused: false,
            streaming: false,
            literals: None,
            progress: None,
            reader: None,
        };
        Arc::new(Self { state: Mutex::new(state), backlog: Backlog::default() })
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
                drop(state);
                self.backlog.clear();
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

    /// The same, and literals of its rows that are so long while they come.
    pub(crate) fn set_streaming_literals(&self, from: u64) {
        let mut state = self.lock();
        (state.streaming, state.literals) = (true, Some(Box::new(Literals::new(from))));
    }

    /// The literal whose beginning has been read next among the rows.
    pub(crate) fn next_literal(&self) -> Option<Arc<LiteralChannel>> {
        self.lock().literals.as_mut()?.next()
    }

    /// The next piece of the result; an error that ended it is the last. `taken` are pieces that
    /// were taken before; `relieved` is called when there is room again.
    pub(crate) fn poll_item(
        &self,
        taken: &mut BlockQueue<Untagged>,
        cx: &mut Context<'_>,
        relieved: impl Fn(),
    ) -> Poll<Option<Result<C::Item>>> {
        self.poll_piece(taken, cx, relieved, C::item)
    }

    /// The same, of what `make` makes of it.
    #[inline]
    pub(crate) fn poll_piece<T>(
        &self,
        taken: &mut BlockQueue<Untagged>,
        cx: &mut Context<'_>,
        relieved: impl Fn(),
        make: impl Fn(Untagged) -> Option<T>,
    ) -> Poll<Option<Result<T>>> {
        loop {
            while let Some(response) = taken.pop_front() {
                if self.backlog.take(response.weight()) {
                    relieved();
                }
                if let Some(item) = make(response) {
                    return Poll::Ready(Some(Ok(item)));
                }
            }
            let mut state = self.lock();
            if !state.items.is_empty() {
                if state.may_be_taken() {
                    state.handed_over = false;
                    std::mem::swap(taken, &mut state.items);
                    continue;
                }
                set_reader(&mut state.reader, cx);
                return Poll::Pending;
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
        self.backlog.clear();
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
        state.literals.iter_mut().for_each(|literals| literals.abandon());
        self.backlog.clear();
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
    /// Whether a reader of rows may take what is there.
    fn may_be_taken(&self) -> bool {
        self.handed_over || self.end.is_some() || !matches!(self.cut, Truncation::No)
    }

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

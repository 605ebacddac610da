//! A streamed literal: the driver puts pieces in, one reader takes them out.
//!
//! ```text
//!   begin ─> heads ──> RowParts ──> RowLiteral ─────────────────┐
//!   pieces ─> LiteralChannel ── no more than Limits::unread ──> bytes, and then the end, or why not
//! ```
//!
//! All literals of a result have one [`Backlog`]: however many of them are left unread, they hold
//! the server back, and are cut, together. A channel has a lock of its own, held for a few moves.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;

use super::overrun::overrun;
use crate::engine::events::{Backlog, mark};
use crate::error::Result;
use crate::types::{Limits, Section, Seq, Uid};
use crate::wire::frame::SHARED_PIECE;

/// How much of literals waits before the server does, or half of
/// [`Limits::backlog`](crate::types::Limits::backlog) if that is less: two reads.
const MAX_AHEAD: usize = 128 << 10;
/// How much memory the place of a piece takes.
const PLACE: usize = size_of::<Bytes>() + 16;

/// Which literals of rows anyone wants to read while they come: those of at least this size.
#[derive(Debug)]
pub(crate) struct WantedLiterals(AtomicU64);

impl Default for WantedLiterals {
    fn default() -> Self {
        Self(AtomicU64::new(u64::MAX))
    }
}

impl WantedLiterals {
    pub(crate) fn from(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Literals of this size are wanted, too.
    pub(crate) fn want(&self, size: u64) {
        self.0.fetch_min(size, Ordering::Relaxed);
    }
}

/// What a literal is.
#[derive(Debug)]
pub(crate) struct LiteralFacts {
    pub(crate) seq: Option<Seq>,
    pub(crate) uid: Option<Uid>,
    pub(crate) section: Section,
    pub(crate) origin: Option<u64>,
    pub(crate) is_binary: bool,
    pub(crate) size: u64,
}

/// The literals of one result.
pub(super) struct Literals {
    /// Those of this size and longer are read while they come.
    from: u64,
    /// What waits unread of all of them.
    backlog: Arc<Backlog>,
    /// Those that the reader of rows has not come to yet.
    heads: VecDeque<Arc<LiteralChannel>>,
    /// The one that comes now, or came last.
    current: Option<Arc<LiteralChannel>>,
}

impl Literals {
    pub(super) fn new(from: u64) -> Self {
        Self { from, backlog: Arc::default(), heads: VecDeque::new(), current: None }
    }

    pub(super) fn wants(&self, size: u64) -> bool {
        size >= self.from
    }

    /// One begins, for the reader of rows; without facts it has none, and is thrown away.
    pub(super) fn begin(&mut self, facts: Option<LiteralFacts>) {
        self.current = facts.map(|facts| Arc::new(LiteralChannel::new(facts, self.backlog.clone())));
        self.heads.extend(self.current.clone());
    }

    /// The one that comes now.
    pub(super) fn current(&self) -> Option<&Arc<LiteralChannel>> {
        self.current.as_ref()
    }

    /// The next one for the reader of rows.
    pub(super) fn next(&mut self) -> Option<Arc<LiteralChannel>> {
        self.heads.pop_front()
    }

    /// The reader of rows is gone: what it has not come to is thrown away.
    pub(super) fn abandon(&mut self) {
        self.heads.drain(..).for_each(|channel| _ = channel.abandon());
    }

    pub(super) fn backlog(&self) -> &Backlog {
        &self.backlog
    }
}

/// One literal on its way.
pub(crate) struct LiteralChannel {
    facts: LiteralFacts,
    backlog: Arc<Backlog>,
    state: Mutex<ChannelState>,
}

#[derive(Default)]
struct ChannelState {
    pieces: VecDeque<Bytes>,
    /// No more comes; why, if it is not whole.
    end: Option<Result<()>>,
    /// It has no reader.
    abandoned: bool,
    reader: Option<Waker>,
}

/// How much memory a piece takes: one that is handed out as it was read keeps the memory of that
/// read.
fn weight(piece: &Bytes) -> usize {
    PLACE + if piece.len() < SHARED_PIECE { piece.len() } else { 2 * piece.len() }
}

impl LiteralChannel {
    fn new(facts: LiteralFacts, backlog: Arc<Backlog>) -> Self {
        Self { facts, backlog, state: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, ChannelState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn facts(&self) -> &LiteralFacts {
        &self.facts
    }

    /// The next bytes of it. If there is no room for them, it ends here.
    pub(super) fn push(&self, piece: Bytes, limits: &Limits) {
        let mut state = self.lock();
        if state.abandoned || state.end.is_some() {
            return;
        }
        let (weight, waiting) = (weight(&piece), self.backlog.bytes());
        if waiting > 0 && waiting.saturating_add(weight) > limits.unread {
            state.end = Some(Err(overrun("unread", limits.unread)));
        } else {
            state.pieces.push_back(piece);
            self.backlog.add(weight, mark(limits).min(MAX_AHEAD));
        }
    }

    /// All of it has come; or no more does, and why.
    pub(super) fn finish(&self, end: Result<()>) {
        let mut state = self.lock();
        state.end.get_or_insert(end);
        drop(state);
        self.hand_over();
    }

    /// Wakes its reader.
    pub(super) fn hand_over(&self) {
        let reader = self.lock().reader.take();
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    /// The next piece; an error is the last. `relieved` is called when there is room again.
    pub(crate) fn poll_piece(
        &self,
        cx: &mut Context<'_>,
        relieved: impl Fn(),
    ) -> Poll<Option<Result<Bytes>>> {
        let mut state = self.lock();
        if let Some(piece) = state.pieces.pop_front() {
            drop(state);
            if self.backlog.take(weight(&piece)) {
                relieved();
            }
            return Poll::Ready(Some(Ok(piece)));
        }
        match &state.end {
            Some(Ok(())) => Poll::Ready(None),
            Some(Err(error)) => Poll::Ready(Some(Err(error.clone()))),
            None => {
                match &mut state.reader {
                    Some(reader) => reader.clone_from(cx.waker()),
                    none => *none = Some(cx.waker().clone()),
                }
                Poll::Pending
            }
        }
    }

    /// Its reader is gone. Whether that makes room again.
    pub(crate) fn abandon(&self) -> bool {
        let mut state = self.lock();
        state.abandoned = true;
        let (unread, reader) = (std::mem::take(&mut state.pieces), state.reader.take());
        drop(state);
        drop(reader);
        let relieved = unread.iter().filter(|piece| self.backlog.take(weight(piece))).count();
        relieved > 0
    }
}

//! What is submitted through one lease of a connection: whether more may be, and when all of it is
//! done.
//!
//! ```text
//!   open ── enter ──> one command more ── its end ──> one less
//!     └── end ──> ended: nothing enters ── the last command has ended ──> done
//! ```
//!
//! In: commands that are submitted, their ends, the end of the lease. Out: whether a command may
//! enter, and a wake when the next lessee may have the connection.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
#[cfg(feature = "account")]
use std::task::{Context, Poll};

/// A lease, as its senders and mailbox handles share it.
#[derive(Debug, Default)]
pub(crate) struct Scope {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    ended: bool,
    /// Commands that have entered and not ended.
    open: usize,
    waker: Option<Waker>,
}

/// A command is in its scope until this is dropped.
#[derive(Debug)]
pub(crate) struct InScope(Arc<Scope>);

impl Scope {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One command more, unless the lease has ended.
    pub(crate) fn enter(self: &Arc<Self>) -> Option<InScope> {
        let mut state = self.lock();
        if state.ended {
            return None;
        }
        state.open += 1;
        Some(InScope(self.clone()))
    }

    /// The lease has ended: nothing more enters.
    #[cfg(feature = "account")]
    pub(crate) fn end(&self) {
        self.lock().ended = true;
    }

    /// Ready when all commands have ended.
    #[cfg(feature = "account")]
    pub(crate) fn poll_done(&self, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        if state.open == 0 {
            return Poll::Ready(());
        }
        state.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for InScope {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.open -= 1;
        let waker = if state.open == 0 { state.waker.take() } else { None };
        drop(state);
        waker.into_iter().for_each(Waker::wake);
    }
}

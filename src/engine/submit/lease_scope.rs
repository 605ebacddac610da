//! What is submitted through one lease of a connection: whether more may be, and when all of it is
//! done.
//!
//! ```text
//!   open ── enter ──> one command more ── its end ──> one less
//!     └── end ──> ended: nothing enters ── the last command has ended ──> done
//! ```
//!
//! In: commands that are submitted, their ends, the end of the lease; those that were not encoded
//! when the connection ended. Out: whether a command may enter, a wake when the next lessee may
//! have the connection, and to the heir of the lease (`reassign.rs`) what is to be submitted
//! elsewhere.

#[cfg(feature = "account")]
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
#[cfg(feature = "account")]
use std::task::{Context, Poll};

#[cfg(feature = "account")]
use crate::engine::submit::reassign::Moving;

/// A lease, as its senders and mailbox handles share it.
#[derive(Debug, Default)]
pub(crate) struct Scope {
    state: Mutex<State>,
    #[cfg(feature = "account")]
    heir: Option<Heir>,
}

/// Who takes over the commands that were not encoded when their connection ended.
#[cfg(feature = "account")]
struct Heir(Box<dyn Fn(Vec<Moving>) + Send + Sync>);

#[cfg(feature = "account")]
impl fmt::Debug for Heir {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Heir")
    }
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

    /// A lease whose commands are taken over by `heir` if they were not encoded when their
    /// connection ended. It is called once a connection, without a lock.
    #[cfg(feature = "account")]
    pub(crate) fn with_heir(heir: impl Fn(Vec<Moving>) + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { state: Mutex::default(), heir: Some(Heir(Box::new(heir))) })
    }

    #[cfg(feature = "account")]
    pub(crate) fn has_heir(&self) -> bool {
        self.heir.is_some()
    }

    #[cfg(feature = "account")]
    pub(crate) fn hand_over(&self, moving: Vec<Moving>) {
        // Without an heir they are dropped, and fail by that.
        if let Some(Heir(take)) = &self.heir {
            take(moving);
        }
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

impl InScope {
    #[cfg(feature = "account")]
    pub(crate) fn scope(&self) -> &Arc<Scope> {
        &self.0
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

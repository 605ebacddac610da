//! What the watch's task wants of a mailbox that is followed, and what it has to know of it.
//!
//! In: what a sweep has found, whether the connection is needed. Out: when to ask once more, when
//! to leave; and NOTIFY's end with the selection.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify as Signal;

use crate::client::Mailbox;
use crate::command::Notify;
use crate::types::ModSeq;

/// What the watch's task and a mailbox that is followed share.
#[derive(Debug, Default)]
pub(in super::super) struct Control {
    rechecked: Signal,
    /// Changes since this are to be asked for; without one, all is to be compared.
    since: Mutex<Option<ModSeq>>,
    /// The highest mod-sequence that the server had reported at the last state.
    reported: Mutex<Option<ModSeq>>,
    /// NOTIFY is in force on this connection.
    pub(in super::super) notified: AtomicBool,
    /// All that happened before it was selected has been reported.
    pub(in super::super) caught_up: AtomicBool,
}

impl Control {
    /// The server has something that it has not reported: changes since then, or anything.
    pub(in super::super) fn recheck(&self, since: Option<ModSeq>) {
        *self.since.lock().unwrap_or_else(PoisonError::into_inner) = since;
        self.rechecked.notify_one();
    }

    /// The highest mod-sequence that the server had reported at the last state.
    pub(in super::super) fn reported(&self) -> Option<ModSeq> {
        *self.reported.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_reported(&self, reported: Option<ModSeq>) {
        *self.reported.lock().unwrap_or_else(PoisonError::into_inner) = reported;
    }

    /// The connection is needed for other things.
    pub(in super::super) fn give_up(&self) {
        self.recheck(None);
    }
}

/// Waits until the mailbox is to be asked for changes, since then, or to be looked into again.
pub(super) async fn recheck(control: Option<&Control>) -> Option<ModSeq> {
    match control {
        Some(control) => {
            control.rechecked.notified().await;
            *control.since.lock().unwrap_or_else(PoisonError::into_inner)
        }
        None => std::future::pending().await,
    }
}

/// The end of a selection: the next lessee of its connection is not to be notified.
pub(super) struct Leaving<'a> {
    mailbox: &'a Mailbox,
    control: Option<&'a Control>,
}

impl<'a> Leaving<'a> {
    pub(super) fn of(mailbox: &'a Mailbox, control: Option<&'a Control>) -> Self {
        Self { mailbox, control }
    }
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        if self.control.is_some_and(|control| control.notified.load(Ordering::Relaxed)) {
            self.mailbox.sender().notify(Notify::set()).detach();
        }
    }
}

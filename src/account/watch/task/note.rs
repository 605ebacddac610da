//! What the tasks of a watch report to the one that delivers.
//!
//! In: what sweeps, looks and mailboxes that are followed find. Out: the same in one queue.

use crate::account::queue::QueueSender;
use crate::account::watch::follow::Ended;
use crate::account::watch::key::MailboxKey;
use crate::account::watch::ledger::Delta;
use crate::account::watch::output::Place;
use crate::account::watch::sweep::Swept;
use crate::client::Sender;
use crate::error::Result;
use crate::types::{MailboxName, MailboxState};

/// What a task of the watch reports.
pub(in super::super) enum Note {
    Delta(MailboxKey, Delta),
    /// The same of a change, and the room that its message takes.
    Delivered(MailboxKey, Delta, Option<Place>),
    /// What a mailbox has at the first look: what happens from there on is delivered.
    Known(MailboxKey, MailboxState),
    /// A look has ended, or a mailbox is not followed any more.
    Ended(MailboxKey, Ended),
    /// A mailbox is followed on this connection, and up to date.
    Followed(MailboxKey, Sender),
    /// Whether the NOTIFY of this number is in force.
    Notified(u64, bool),
    Swept(Result<Swept>),
    /// A mailbox has changed, as the server has reported unasked; `None`: which there are.
    Reported(Option<MailboxName>),
}

/// Where the tasks of a watch report to. In boxes, so that the places of the queue are small.
#[derive(Clone)]
pub(in super::super) struct Notes(pub(in super::super) QueueSender<Box<Note>>);

impl Notes {
    /// Whether the watch's task is there.
    pub(in super::super) async fn send(&self, note: Note) -> bool {
        self.0.send(Box::new(note)).await
    }
}

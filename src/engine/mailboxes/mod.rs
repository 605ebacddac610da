//! Mailboxes other than the selected one: NOTIFY, what our own commands change, what was deselected.
//!
//! ```text
//!   LIST ──┬── fits a command in flight ──> own_changes ── OK ──> an event, with its cause
//!          │                                     └── NO, or another event of the mailbox is due ──┐
//!          └── else ──> registry <────────────────────────────────────────────────────────────────┘
//!                          └──> an event, if something has changed
//!   OK to NOTIFY, NOTIFICATIONOVERFLOW ──> notify ──> NOTIFY again
//!   a selection that ends ──> deselected ──> STATUS ──> an event, if something has changed
//! ```
//!
//! In: LIST and STATUS that no command claims; CREATE, DELETE, RENAME, SUBSCRIBE of ours; selections
//! that end. Out: one event a change, and commands for the engine to queue, both fetched by
//! [`Mailboxes::take_reports`] after each step.

pub(in crate::engine) mod deselected;
mod notify;
mod own_changes;
mod registry;

use self::deselected::{DeselectedMailbox, DeselectedMailboxes};
use self::notify::NotifyState;
use self::own_changes::OwnChanges;
use self::registry::Registry;
use crate::command::{Notify, StatusCommand};
use crate::types::{Event, MailboxName};

/// What is known of other mailboxes, and what was asked of the server about them.
#[derive(Debug, Default)]
pub(in crate::engine) struct Mailboxes {
    notify: NotifyState,
    registry: Registry,
    own_changes: OwnChanges,
    deselected: DeselectedMailboxes,
    /// What has changed and is not reported yet.
    events: Vec<Event>,
    requests: Vec<Request>,
}

/// A command that the engine is to send.
#[derive(Debug)]
pub(in crate::engine) enum Request {
    Notify(Notify),
    /// Whether this mailbox is still subscribed to.
    Subscription(MailboxName),
    Status(StatusCommand, Box<DeselectedMailbox>),
}

impl Mailboxes {
    /// What the last step leads to, for the engine to carry out.
    pub(in crate::engine) fn take_reports(&mut self) -> (Vec<Event>, Vec<Request>) {
        (std::mem::take(&mut self.events), std::mem::take(&mut self.requests))
    }
}

//! Notifications that a session has yet to send: each change by others, or by itself, queued until
//! it may be reported.
//!
//! A notification is both: the change of the session's snapshot, and the untagged response that
//! reports it. Until then the session's sequence numbers hold, whatever the mailbox contains by now
//! (RFC 9051 sections 5.5 and 7.5.1).

use std::sync::Arc;

use bytes::Bytes;

use super::mailbox::Message;
use crate::types::{ListEntry, MailboxStatus, Metadata};

/// One notification.
#[derive(Clone, Debug)]
pub(crate) enum Notification {
    /// The selected mailbox has one more message: EXISTS.
    Arrived {
        message: Arc<Message>,
        /// This session is the first to be notified: `\Recent`.
        recent: bool,
        /// This session added it.
        own: bool,
    },
    /// The flags of a message changed: FETCH.
    Changed { message: Arc<Message>, by: By },
    /// A message was expunged: EXPUNGE, or VANISHED.
    Expunged { uid: u32, own: bool },
    /// Flags that are new to the mailbox: FLAGS and PERMANENTFLAGS.
    NewFlags { own: bool },
    /// Another mailbox has changed: STATUS (RFC 5465 section 5).
    Status(Box<MailboxStatus>),
    /// A mailbox was created, renamed, deleted or subscribed: LIST (RFC 5465 section 5.4).
    List(Box<ListEntry>),
    /// Annotations of a mailbox or of the server have changed: METADATA (RFC 5465 sections 5.6 and
    /// 5.7).
    Metadata(Box<Metadata>),
    /// Annotations of a message have changed: FETCH (RFC 5465 section 5.1).
    Annotated { uid: u32, entries: Vec<String> },
}

/// A notification that does not wait. These have a queue of their own, so that a session with many
/// other notifications waiting need not be searched each time.
#[derive(Clone, Debug)]
pub(crate) enum Urgent {
    /// Bytes from a test, sent as they are.
    Raw(Bytes),
    /// The session ends.
    Bye(String),
}

/// The originator of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// Another session, or the test.
    Other,
    /// This session's STORE, which is answered.
    Store,
    /// This session's STORE with .SILENT: only the mod-sequence is unknown to the client.
    Silent,
    /// The same with a condition: its mod-sequence is reported in any case (RFC 7162 section
    /// 3.1.3).
    Conditional,
    /// This session's FETCH, which set `\Seen`.
    Fetch,
}

impl Notification {
    /// Whether it concerns the selected mailbox, so that it becomes obsolete with the selection.
    pub(crate) fn is_of_selected(&self) -> bool {
        matches!(
            self,
            Self::Arrived { .. }
                | Self::Changed { .. }
                | Self::Expunged { .. }
                | Self::NewFlags { .. }
                | Self::Annotated { .. }
        )
    }

    /// Whether this session caused it, so that it is part of a command's answer.
    pub(crate) fn is_own(&self) -> bool {
        match self {
            Self::Arrived { own, .. } | Self::Expunged { own, .. } | Self::NewFlags { own } => *own,
            Self::Changed { by, .. } => *by != By::Other,
            _ => true,
        }
    }
}

//! What a session has yet to be told: each change that others, or itself, made, waiting until it
//! may be spoken.
//!
//! A responder is both: the change of the session's snapshot, and the untagged response that tells
//! it. Until then the session's numbers hold, whatever the mailbox looks like by now (RFC 9051
//! section 5.5 and 7.5.1).

use std::sync::Arc;

use bytes::Bytes;

use super::mailbox::Message;
use crate::types::{ListEntry, MailboxStatus};

/// One thing to tell.
#[derive(Clone, Debug)]
pub(crate) enum Responder {
    /// The selected mailbox has one more message: EXISTS.
    Arrived {
        message: Arc<Message>,
        /// This session is the first to know of it: `\Recent`.
        recent: bool,
        /// This session put it there.
        own: bool,
    },
    /// A message has these flags now: FETCH.
    Changed { message: Arc<Message>, by: By },
    /// A message is gone: EXPUNGE, or VANISHED.
    Gone { uid: u32, own: bool },
    /// Flags that the mailbox has not known before: FLAGS and PERMANENTFLAGS.
    NewFlags { own: bool },
    /// Another mailbox has changed: STATUS (RFC 5465 section 5).
    Status(Box<MailboxStatus>),
    /// A mailbox was made, renamed, deleted, subscribed: LIST (RFC 5465 section 5.4).
    List(Box<ListEntry>),
}

/// What does not wait for its moment. It has a queue of its own, so that a silent client's other
/// news, of which there may be many, need not be looked through each time.
#[derive(Clone, Debug)]
pub(crate) enum Urgent {
    /// Octets that a test wants said, as they are.
    Raw(Bytes),
    /// The session ends.
    Bye(String),
}

/// Whose change it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// Another session, or the test.
    Other,
    /// This session's STORE, which is answered.
    Store,
    /// This session's STORE with .SILENT: what the client can't know is its mod-sequence alone.
    Silent,
    /// The same on a condition: its mod-sequence is told in any case (RFC 7162 section 3.1.3).
    Conditional,
    /// This session's FETCH, which set `\Seen`.
    Fetch,
}

impl Responder {
    /// Whether it is about the selected mailbox, so that it ends with the selection.
    pub(crate) fn is_of_selected(&self) -> bool {
        matches!(
            self,
            Self::Arrived { .. } | Self::Changed { .. } | Self::Gone { .. } | Self::NewFlags { .. }
        )
    }

    /// Whether this session caused it, so that it is part of a command's answer.
    pub(crate) fn is_own(&self) -> bool {
        match self {
            Self::Arrived { own, .. } | Self::Gone { own, .. } | Self::NewFlags { own } => *own,
            Self::Changed { by, .. } => *by != By::Other,
            _ => true,
        }
    }
}

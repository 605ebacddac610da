//! Why a connection ended: in the last event, and in the errors of all tokens.

use std::fmt;
use std::io;

use super::status::StatusResponse;

/// Why a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CloseReason {
    /// The program logged out.
    Logout,
    /// The server said BYE.
    Bye(StatusResponse),
    /// The server closed the connection without a BYE.
    Eof,
    /// Reading or writing failed.
    #[non_exhaustive]
    Io {
        /// The operating system's kind of failure.
        kind: io::ErrorKind,
        /// Its text.
        text: String,
    },
    /// The server sent bytes after which nothing can be read any more: the framing is lost, or the
    /// server announced something longer than [`Limits`](super::Limits) allow. The text says what,
    /// and names the limit.
    Protocol(String),
    /// A mailbox has more messages than [`Limits::messages`](super::Limits::messages), or a slow
    /// reader left more events unread that may not be dropped than
    /// [`Limits::unread`](super::Limits::unread) allows. The text says which.
    Limit(String),
    /// The server sent nothing for too long.
    #[non_exhaustive]
    Timeout {
        /// What the library was waiting for.
        waiting_for: String,
    },
    /// The source of a streamed upload failed midway through a message, and the protocol offers no
    /// other way to abort it; or the server refused a message with too much of it left to pad
    /// ([`Append`](crate::command::Append#streamed-uploads)). The text says which.
    Upload(String),
    /// The driver was dropped, with its runtime or by hand.
    Dropped,
}

impl CloseReason {
    /// A failure to read or write.
    pub(crate) fn io(error: &io::Error) -> Self {
        Self::Io { kind: error.kind(), text: error.to_string() }
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Logout => f.write_str("logged out"),
            Self::Bye(bye) if bye.text.is_empty() => f.write_str("the server said BYE"),
            Self::Bye(bye) => write!(f, "the server said BYE: {}", bye.text),
            Self::Eof => f.write_str("the server closed the connection"),
            Self::Io { text, .. } => write!(f, "the connection failed: {text}"),
            Self::Protocol(text) => write!(f, "the server's data can no longer be parsed: {text}"),
            Self::Limit(text) => write!(f, "a limit was exceeded: {text}"),
            Self::Timeout { waiting_for } => {
                write!(f, "timed out waiting for {waiting_for}")
            }
            Self::Upload(why) => write!(f, "an upload could not be finished: {why}"),
            Self::Dropped => f.write_str("the driver was dropped"),
        }
    }
}

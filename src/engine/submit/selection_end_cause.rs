//! Why a selection is over, for the error of what was still to be done in it.

use crate::error::{Error, ErrorKind};

/// Why a selection is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EndCause {
    Unknown,
    /// Another mailbox was selected.
    Another,
    /// CLOSE or UNSELECT.
    Closing,
    /// UNAUTHENTICATE.
    LoggedOut,
    /// The server, of its own accord.
    Server,
    /// Its SELECT failed, or was taken back.
    NotOpened,
    Connection,
}

impl EndCause {
    pub(crate) fn error(self) -> Error {
        let why = match self {
            Self::Unknown => "the selection has ended",
            Self::Another => "the selection has ended: a mailbox has been selected since",
            Self::Closing => "the selection has ended: the mailbox was closed",
            Self::LoggedOut => "the selection has ended: its user has been logged out",
            Self::Server => "the selection has ended: the server closed the mailbox",
            Self::NotOpened => "the mailbox could not be opened",
            Self::Connection => "the selection has ended with the connection",
        };
        Error::new(ErrorKind::SelectionEnded, why)
    }
}

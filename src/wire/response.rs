//! What one frame from the server is, once it has been read.

use bytes::Bytes;

use crate::types::{StatusResponse, Untagged};

/// One response of the server (RFC 9051 section 2.2.2).
#[derive(Clone, Debug)]
pub(crate) enum Response {
    /// `+ text`: go on with the command that is being written.
    Continuation {
        /// What stands behind the `+` and its space; may be empty.
        text: Bytes,
    },
    /// `A1 OK …`: the end of the command with this tag.
    Tagged {
        /// The tag, as the server wrote it.
        tag: String,
        /// How the command ended: OK, NO or BAD; BYE from servers that end LOGOUT so.
        status: StatusResponse,
    },
    /// `* …`: all else. A greeting is an untagged status response.
    Untagged(Untagged),
}

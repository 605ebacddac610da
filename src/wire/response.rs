//! A parsed frame from the server.

use bytes::Bytes;

use crate::types::{StatusResponse, Untagged};

/// One response of the server (RFC 9051 section 2.2.2).
#[derive(Clone, Debug)]
pub(crate) enum Response {
    /// `+ text`: the server asks for the rest of the command that is being written.
    Continuation {
        /// The text after the `+` and its space; may be empty.
        text: Bytes,
    },
    /// `A1 OK …`: the end of the command with this tag.
    Tagged {
        /// The tag, as the server wrote it.
        tag: String,
        /// How the command ended: OK, NO or BAD; BYE from servers that end LOGOUT with it.
        status: StatusResponse,
    },
    /// `* …`: everything else. A greeting is an untagged status response.
    Untagged(Untagged),
}

//! What of a response may be kept in an event or an error: its beginning, and nothing of one that
//! has a secret in it.

use bytes::Bytes;

use crate::types::{EventKind, Untagged};

/// What stands in place of what the server said.
pub(in crate::engine) const LEFT_OUT: &str = "(left out: it has a password or another secret in it)";

/// The beginning of a response that could not be read, as far as it is worth keeping.
pub(in crate::engine) fn excerpt(bytes: &Bytes) -> Bytes {
    const MAX_EXCERPT: usize = 16 << 10;
    if bytes.len() <= MAX_EXCERPT { bytes.clone() } else { Bytes::copy_from_slice(&bytes[..MAX_EXCERPT]) }
}

/// The event in place of a response that has a secret in it.
pub(in crate::engine) fn left_out(response: &Untagged) -> Option<EventKind> {
    let (bytes, error) = (Bytes::from_static(LEFT_OUT.as_bytes()), "not kept".to_owned());
    response.has_secret().then_some(EventKind::Unparsed { bytes, error })
}

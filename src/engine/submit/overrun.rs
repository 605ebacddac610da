//! The end of a result that is larger than its bound: its error, and the answers that the error
//! keeps.
//!
//! In: a limit that was exceeded, or an error and the rows received. Out: the error, or the answers
//! that it keeps.

use crate::engine::events::BlockQueue;
use crate::error::{Error, ErrorKind};
use crate::types::{Answer, Untagged};

/// Bytes of answers that the error of an overrun keeps: enough to see what they are.
const MAX_OVERRUN: usize = 1 << 20;

/// The answers that an error keeps: all that fit its bound and have no secret, but few of an
/// overrun.
pub(super) fn kept(error: &Error, items: BlockQueue<Untagged>) -> Vec<Answer> {
    let mut left = if error.kind() == ErrorKind::Overrun { MAX_OVERRUN } else { usize::MAX };
    let mut fits = |response: &&Untagged| {
        let room = left.checked_sub(response.weight());
        left = room.unwrap_or(0);
        room.is_some()
    };
    let count = items.iter().take_while(|response| fits(response)).count();
    let mut answers = Vec::with_capacity(count);
    let response = items.into_iter().take(count);
    answers.extend(response.filter(|response| !response.has_secret()).map(Untagged::into_answer));
    answers
}

/// More of a result came than may be kept.
pub(super) fn overrun(limit: &str, bytes: usize) -> Error {
    let message = format!("read too slowly: more than Limits::{limit} ({bytes} bytes) of the result waited");
    Error::new(ErrorKind::Overrun, message)
}

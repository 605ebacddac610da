//! How a response becomes an event: typed data whole, what is unknown or unreadable by its first 16
//! KiB (whole for a detached command that claims it), what repeats a secret not at all.

use bytes::Bytes;

use crate::types::{Answer, CommandId, Event, EventKind, Untagged};

/// What stands in place of what the server said.
pub(crate) const LEFT_OUT: &str = "(left out: it has a password or another secret in it)";

/// The beginning of a response that could not be read, as far as it is worth keeping.
pub(crate) fn excerpt(bytes: &Bytes) -> Bytes {
    const MAX_EXCERPT: usize = 16 << 10;
    if bytes.len() <= MAX_EXCERPT { bytes.clone() } else { Bytes::copy_from_slice(&bytes[..MAX_EXCERPT]) }
}

/// The event that data becomes: of the detached command that has claimed it, or of no command.
pub(crate) fn data_event(response: Untagged, claimer: Option<CommandId>) -> Event {
    let place = response.place().cloned();
    let kind = if response.has_secret() {
        let (bytes, error) = (Bytes::from_static(LEFT_OUT.as_bytes()), "not kept".to_owned());
        EventKind::Unparsed { bytes, error }
    } else if matches!(response.answer(), Answer::Other) {
        let bytes = response.raw().cloned().unwrap_or_default();
        let bytes = if claimer.is_some() { bytes } else { excerpt(&bytes) };
        EventKind::Unknown { name: response.name().to_owned(), bytes }
    } else {
        match response.into_answer() {
            // Annotations that have changed (RFC 5464 section 4.4.2).
            Answer::Metadata(changed) if claimer.is_none() => EventKind::MetadataChanged(*changed),
            answer => EventKind::Data(answer),
        }
    };
    Event::new(kind).at(place).caused_by(claimer)
}

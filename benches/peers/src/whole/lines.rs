//! What clients are given as text to ask.

pub const FLAGS: &str = "(UID FLAGS INTERNALDATE RFC822.SIZE)";
pub const ENVELOPES: &str = "(UID FLAGS ENVELOPE BODYSTRUCTURE)";
pub const BODIES: &str = "(UID BODY.PEEK[])";

/// The items of this work's FETCH.
pub fn items(work: &str) -> Option<&'static str> {
    match work {
        "W1" => Some(FLAGS),
        "W2" => Some(ENVELOPES),
        "W3" | "W4" => Some(BODIES),
        _ => None,
    }
}

//! What is checked of a server's SCRAM messages before rsasl reads them (RFC 5802 section 7): it
//! takes any number of iterations, panics at attributes that are too short, and leaves extensions
//! out of what is signed.
//!
//! In: the server's messages. Out: an error, a signature to check, or the word of a refusal; names
//! and passwords by SASLprep.

use crate::error::{Error, Result};

/// So many iterations at most are computed for a server: they keep the connection's task busy for
/// a second or so. Servers ask for 4,096 to 600,000.
const MAX_ITERATIONS: u32 = 1_000_000;

/// Checks the server's first message.
pub(super) fn check_first(message: &[u8]) -> Result<()> {
    let mut parts = message.split(|byte| *byte == b',');
    let mut attribute = |name: &[u8]| parts.next().and_then(|part| part.strip_prefix(name));
    let (Some(_), Some(_), Some(iterations)) = (attribute(b"r="), attribute(b"s="), attribute(b"i=")) else {
        return Err(Error::protocol("the server's first message of SCRAM makes no sense"));
    };
    if parts.next().is_some() {
        // They belong to what is signed (RFC 5802 section 3), and rsasl leaves them out of it.
        let error = Error::unsupported("the server's first message of SCRAM has extensions");
        return Err(error.advise("another mechanism has to be named"));
    }
    let number = std::str::from_utf8(iterations).ok().and_then(|text| text.parse::<u64>().ok());
    match number {
        Some(number) if number > MAX_ITERATIONS.into() => {
            let what = format!("the server asks for {number} iterations of SCRAM");
            Err(Error::protocol(format!("{what}, more than the {MAX_ITERATIONS} that are computed for it")))
        }
        Some(number) if number > 0 => Ok(()),
        _ => Err(Error::protocol("the server's count of iterations of SCRAM is no number")),
    }
}

/// The server's last message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Last {
    /// Its signature, to be checked.
    Signature,
    /// It refuses, with this word.
    Refusal(String),
}

/// Looks at the server's last message.
pub(super) fn last(message: &[u8]) -> Result<Last> {
    match message.strip_prefix(b"e=") {
        Some(why) => {
            let why = why.split(|byte| *byte == b',').next().unwrap_or_default();
            // Words like these are registered; others may be anything.
            let is_word =
                why.len() <= 64 && why.iter().all(|byte| byte.is_ascii_lowercase() || *byte == b'-');
            let why = if is_word && !why.is_empty() { why } else { b"other-error" };
            Ok(Last::Refusal(String::from_utf8_lossy(why).into_owned()))
        }
        None if message.starts_with(b"v=") => Ok(Last::Signature),
        None => Err(Error::protocol("the server's last message of SCRAM makes no sense")),
    }
}

/// Whether a refusal says that the server can't use the binding, so that a login without one may
/// succeed.
pub(super) fn lacks_binding(word: &str) -> bool {
    matches!(word, "unsupported-channel-binding-type" | "channel-binding-not-supported")
}

/// Whether a refusal says that someone is in between: the two ends have another binding, or the
/// server has offered what we have not seen.
pub(super) fn is_intercepted(word: &str) -> bool {
    matches!(word, "channel-bindings-dont-match" | "server-does-support-channel-binding")
}

/// User and password as SCRAM has them (RFC 5802 section 2.2, SASLprep), as they are if they can't
/// be had so: then the server has them as they are, too, or there is no way to use them.
pub(super) fn prepared(text: &str) -> String {
    stringprep::saslprep(text).map_or_else(|_| text.to_owned(), Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_message_is_checked() {
        for good in ["r=a,s=QQ==,i=4096", "r=,s=,i=1", "r=a,s=QQ==,i=1000000"] {
            assert!(check_first(good.as_bytes()).is_ok(), "{good}");
        }
        for bad in [
            "",
            ",",
            "r",
            "r=a",
            "r=a,s",
            "r=a,s=QQ==",
            "r=a,s=QQ==,i",
            "r=a,s=QQ==,",
            "s=QQ==,r=a,i=1",
            "m=x,r=a,s=b,i=1",
            "r=a,s=QQ==,i=",
            "r=a,s=QQ==,i=0",
            "r=a,s=QQ==,i=-1",
            "r=a,s=QQ==,i=1000001",
            "r=a,s=QQ==,i=99999999999999999999",
            "r=a,s=QQ==,i=4294967297",
            "r=a,s=QQ==,i=4096,x=y",
            "r=a,s=QQ==,i=4096,",
        ] {
            assert!(check_first(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_last_message_is_a_signature_or_a_refusal() {
        assert_eq!(last(b"v=abc").unwrap(), Last::Signature);
        assert_eq!(last(b"e=invalid-proof,x=y").unwrap(), Last::Refusal("invalid-proof".into()));
        assert_eq!(last(b"e=what \x1b[2J").unwrap(), Last::Refusal("other-error".into()));
        assert_eq!(last(b"e=").unwrap(), Last::Refusal("other-error".into()));
        for bad in [&b""[..], b"v", b"x=", b"r=a,s=b,i=1"] {
            assert!(last(bad).is_err(), "{bad:?}");
        }
        assert!(lacks_binding("unsupported-channel-binding-type"));
        assert!(
            !lacks_binding("channel-bindings-dont-match") && is_intercepted("channel-bindings-dont-match")
        );
        assert!(!lacks_binding("invalid-proof") && !is_intercepted("invalid-proof"));
    }

    #[test]
    fn what_is_typed_in_two_ways_is_the_same() {
        assert_eq!(prepared("pencil"), "pencil");
        // RFC 4013 section 3, and a decomposed letter.
        assert_eq!(prepared("I\u{ad}X"), "IX");
        assert_eq!(prepared("\u{2168}"), "IX");
        assert_eq!(prepared("gru\u{308}n"), "gr\u{fc}n");
        assert_eq!(prepared("bell\u{7}"), "bell\u{7}", "as it is");
    }
}

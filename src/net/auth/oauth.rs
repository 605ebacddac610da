//! Access tokens of OAuth 2.0: the message that has one, and what servers answer to those that they
//! refuse.
//!
//! OAUTHBEARER is made here, since rsasl's fails at answers whose JSON is not of one form, and
//! does not end an exchange that has failed as RFC 7628 section 3.2.3 wants it (a byte of 1).

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::error::{Error, Result};

/// How much of a server's words about a token is kept, in bytes.
const MAX_WORDS: usize = 600;

/// So many bytes of a token give it away.
const PART: usize = 8;

/// What ends an exchange of OAUTHBEARER that has failed.
pub(super) const END: u8 = 1;

/// What a server says of a token that it refuses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Verdict {
    /// Its words, as a rule JSON; none if they repeat the token.
    pub(super) words: Option<String>,
    /// Another token may be taken: this one has expired or been withdrawn.
    pub(super) is_stale: bool,
    /// No token of this kind will be taken: it lacks the scope, or the request is wrong.
    pub(super) is_unfit: bool,
}

impl Verdict {
    /// Reads a challenge that reports a failure (RFC 7628 section 3.2.2; Google's and Microsoft's
    /// XOAUTH2).
    pub(super) fn read(challenge: &[u8], token: &str) -> Self {
        let words = (!repeats(challenge, token)).then(|| {
            String::from_utf8_lossy(challenge.get(..MAX_WORDS).unwrap_or(challenge)).trim().to_owned()
        });
        let json: Option<Value> = serde_json::from_slice(challenge).ok();
        let text = |name: &str| {
            let value = json.as_ref()?.get(name)?;
            Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        };
        let status = text("status").or_else(|| text("error")).unwrap_or_default();
        Self {
            words: words.filter(|words| !words.is_empty()),
            is_stale: matches!(&*status, "400" | "401" | "invalid_token"),
            is_unfit: matches!(&*status, "403" | "insufficient_scope" | "invalid_request"),
        }
    }
}

/// Whether a text has a part of a token in it: as it is, or in base64, in capitals or not.
fn repeats(text: &[u8], token: &str) -> bool {
    let text = text.to_ascii_lowercase();
    // At whichever offset base64 encodes it: the characters before it differ, and are cut off.
    let encoded = [(0, 0), (1, 2), (2, 3)].map(|(before, others)| {
        let padded = Zeroizing::new([&[0; 2][..before], token.as_bytes()].concat());
        let whole = Zeroizing::new(BASE64.encode(&*padded));
        Zeroizing::new(whole.get(others..).unwrap_or_default().to_ascii_lowercase())
    });
    let is_in = |form: &str| {
        let length = form.len().clamp(1, PART);
        let parts: HashSet<&[u8]> = form.as_bytes().windows(length).collect();
        text.windows(length).any(|part| parts.contains(part))
    };
    let itself = Zeroizing::new(token.to_ascii_lowercase());
    is_in(&itself) || encoded.iter().filter(|form| form.len() > PART).any(|form| is_in(form))
}

/// A token as it may be in a message.
pub(super) fn check_token(token: &str) -> Result<()> {
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        let error = Error::invalid("the token is empty, or has a character that no token has");
        return Err(error.advise("an access token is wanted, without Bearer and without line ends"));
    }
    Ok(())
}

/// The client's message (RFC 7628 section 3.1).
pub(super) fn bearer(user: &str, token: &str, host: &str, port: u16) -> Zeroizing<Vec<u8>> {
    let user = user.replace('=', "=3D").replace(',', "=2C");
    let header = format!("n,a={user},\x01host={host}\x01port={port}\x01auth=Bearer ");
    // In one piece: a buffer that grows leaves copies behind.
    let mut message = Zeroizing::new(Vec::with_capacity(header.len() + token.len() + 2));
    for part in [header.as_bytes(), token.as_bytes(), b"\x01\x01"] {
        message.extend_from_slice(part);
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(json: &str) -> (bool, bool) {
        let verdict = Verdict::read(json.as_bytes(), "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg");
        assert_eq!(verdict.words.as_deref(), Some(json));
        (verdict.is_stale, verdict.is_unfit)
    }

    #[test]
    fn what_servers_say_is_understood() {
        let google = r#"{"status":"400","schemes":"Bearer","scope":"https://mail.google.com/"}"#;
        assert_eq!(verdict(google), (true, false));
        assert_eq!(verdict(r#"{"status":"401","schemes":"bearer mac","scope":"x"}"#), (true, false));
        assert_eq!(verdict(r#"{"status":401}"#), (true, false));
        assert_eq!(
            verdict(r#"{"status":"invalid_token","openid-configuration":"https:\/\/example.org"}"#),
            (true, false)
        );
        assert_eq!(verdict(r#"{"error":"invalid_token"}"#), (true, false));
        assert_eq!(verdict(r#"{"status":"insufficient_scope","scope":"imap"}"#), (false, true));
        assert_eq!(verdict(r#"{"status":"invalid_request"}"#), (false, true));
        assert_eq!(verdict("not JSON"), (false, false));
        assert_eq!(verdict("[1, 2]"), (false, false));
        assert_eq!(Verdict::read(b"", "x"), Verdict::default());
    }

    #[test]
    fn what_repeats_the_token_is_not_kept() {
        let token = "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg";
        let verdict = Verdict::read(br#"{"status":"401","token":"ya29.vF9dft4qmTc2Nv"}"#, token);
        assert_eq!((verdict.words, verdict.is_stale), (None, true));
        for form in [
            format!("<{}>", token.to_uppercase()),
            BASE64.encode(token),
            BASE64.encode(format!("ab{token}c")),
        ] {
            assert_eq!(Verdict::read(form.as_bytes(), token).words, None, "{form}");
        }
        assert!(Verdict::read(b"{\"status\":\"401\"}", "abc").words.is_some());
        assert!(Verdict::read(b"no abc", "abc").words.is_none());
        let long = format!("é{}", "é".repeat(2000));
        assert!(Verdict::read(long.as_bytes(), token).words.unwrap().len() <= MAX_WORDS + 2);
    }

    #[test]
    fn the_message_is_that_of_the_rfc() {
        // RFC 7628 section 4.1.
        let message = bearer(
            "user@example.com",
            "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==",
            "server.example.com",
            143,
        );
        let wanted = "n,a=user@example.com,\x01host=server.example.com\x01port=143\x01\
            auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\x01\x01";
        assert_eq!(*message, wanted.as_bytes());
        assert!(bearer("a,b=c", "t", "h", 1).starts_with(b"n,a=a=2Cb=3Dc,\x01"));
    }

    #[test]
    fn a_token_is_one_word() {
        assert!(check_token("vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==").is_ok());
        for bad in ["", "a b", "a\r\n", "a\x01auth=", "grün"] {
            assert!(check_token(bad).is_err(), "{bad}");
        }
    }
}

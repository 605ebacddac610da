//! What a server's TLS alert says about the client's certificate.
//!
//! In TLS 1.3 the client is done before the server has looked at its certificate, so that a refusal
//! comes as the first thing that is read, long after the handshake.

use crate::error::{Error, ErrorKind};

/// Turns an error whose text has an alert about certificates into one that says what to do about
/// it; `text` is that of the TLS library.
pub(in crate::net) fn about_client_certificates(error: Error, text: &str, has_one: bool) -> Error {
    let text = text.to_ascii_lowercase();
    let words = ["certificate", "unknown ca", "unknownca", "access denied", "accessdenied"];
    // Of a signature that does not fit what the server knows by that name.
    let of_ours = has_one && ["decrypt error", "decrypterror"].iter().any(|word| text.contains(word));
    if !text.contains("alert") || !(of_ours || words.iter().any(|word| text.contains(word))) {
        return error;
    }
    let (what, hint) = if has_one {
        (
            "the server does not accept the client's certificate",
            "was it issued for this server, and is it valid?",
        )
    } else {
        (
            "the server asks for a certificate of the client, and there is none",
            "give one with its private key",
        )
    };
    error.with_kind(ErrorKind::Tls).while_doing(what).advise(hint)
}

//! What a login that failed means: its error, and whether other credentials may help.
//!
//! In: the error of a login, the exchange's notes. Out: the same with remedy and hint, and why to
//! ask for other credentials.

use std::time::Duration;

use super::credentials::CredentialReason;
use super::exchange::Notes;
use super::mechanism::Material;
use super::scram_check;
use crate::error::{Error, ErrorKind, Remedy};
use crate::types::Code;

/// Why a login failed.
#[derive(Debug)]
pub(in crate::net) struct Refusal {
    pub(in crate::net) error: Error,
    /// Why to ask for other credentials, if they may help.
    pub(in crate::net) reason: Option<CredentialReason>,
}

/// It was not refused: something else is wrong.
impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self { error, reason: None }
    }
}

const STALE: &str = "the token has expired or was withdrawn: a new one is needed";
const UNFIT: &str =
    "the token is not meant for IMAP, or lacks the scope for it: ask for that when it is made";
const INTERCEPTED: &str = "someone decrypts the connection on the way to the server: do not log in over it";
const TOKEN: &str = "is the token still valid, is it this user's, and has it the scope for IMAP?";

/// Sorts the error of a login by what to do about it. `whom` is the server, `who` the user.
pub(super) fn sort(error: Error, notes: &Notes, material: Material, whom: &str, who: &str) -> Refusal {
    match error.kind() {
        ErrorKind::No | ErrorKind::Bad => {}
        ErrorKind::Unsupported | ErrorKind::Invalid | ErrorKind::Login => {
            let error =
                error.with_kind(ErrorKind::Login).while_doing(&format!("{who} can't log in at {whom}"));
            return error.with_remedy(Remedy::Setup).into();
        }
        _ => return error.into(),
    }
    let mut error = error.with_kind(ErrorKind::Login).while_doing(&format!("{whom} refuses {who}"));
    let verdict = notes.verdict().unwrap_or_default();
    if let Some(words) = &verdict.words {
        error = error.moreover(&format!("of the token it says {words}"));
    }
    if let Some(word) = notes.word() {
        error = error.moreover(&format!("it gives the reason {word}"));
        if scram_check::is_intercepted(&word) {
            return error.with_remedy(Remedy::Setup).advise(INTERCEPTED).into();
        }
    }
    let is_expired = matches!(error.code(), Some(Code::Expired));
    if verdict.is_unfit {
        return error.with_remedy(Remedy::Setup).advise(UNFIT).into();
    }
    match error.remedy() {
        Some(Remedy::Credentials) if material == Material::Token => {
            let is_stale = verdict.is_stale || is_expired;
            let reason = if is_stale { CredentialReason::Expired } else { CredentialReason::Refused };
            Refusal { error: error.advise(if is_stale { STALE } else { TOKEN }), reason: Some(reason) }
        }
        Some(Remedy::Credentials) if matches!(material, Material::Password | Material::Own) => {
            let reason = if is_expired { CredentialReason::Expired } else { CredentialReason::Refused };
            Refusal { error, reason: Some(reason) }
        }
        // There are none to be changed.
        Some(Remedy::Credentials) => {
            let hint =
                "the server does not take whom the connection shows: is it the right client certificate?";
            let hint = if material == Material::Nothing { "it does not take anonymous users" } else { hint };
            error.with_remedy(Remedy::Setup).advise(hint).into()
        }
        Some(Remedy::Later { after }) => error.advise(later(after)).into(),
        _ => error.into(),
    }
}

fn later(after: Option<Duration>) -> String {
    match after {
        Some(after) => format!("try again in {after:?}"),
        None => "try again later".to_owned(),
    }
}

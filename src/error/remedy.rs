//! What to do about a failure to get in, for programs: other credentials, later, or another set-up.
//!
//! In: the data of an error. Out: a [`Remedy`], or none where there is no general one. A code
//! decides where there is one that says enough (RFC 5530). Many servers say why in words alone, so
//! words that the large providers are known to use are looked for; code with more knowledge (what a
//! server says of a token) attaches a remedy of its own.

use std::time::Duration;

use super::ErrorKind;
use crate::types::{CloseReason, Code, StatusResponse};

/// What to do about a connection that could not be made, or a login that failed; from
/// [`Error::remedy`](crate::Error::remedy).
///
/// ```
/// use std::time::Duration;
/// use imap_duplex::{Error, Remedy};
/// /// How long to wait until the next attempt; `None`: not before the user has changed something.
/// fn pause(error: &Error) -> Option<Duration> {
///     match error.remedy()? {
///         Remedy::Later { after } => Some(after.unwrap_or(Duration::from_secs(60))),
///         _ => None,
///     }
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Remedy {
    /// Other credentials: the password is wrong, the token has expired. The same ones will fail
    /// again, and may lock the account.
    Credentials,
    /// The same again, later: the server is overloaded or away, or has too many connections of this
    /// user.
    Later {
        /// How long to wait, where the server says so; a day at most.
        after: Option<Duration>,
    },
    /// Another set-up: another host, port, encryption or mechanism, or something that has to be
    /// allowed at the server. Neither time nor another password will help.
    Setup,
}

/// No server is waited for longer than this, whatever it says.
const MAX_PAUSE: Duration = Duration::from_secs(24 * 60 * 60);

/// The remedy for a failure of this kind.
pub(super) fn of(
    kind: ErrorKind,
    status: Option<&StatusResponse>,
    reason: Option<&CloseReason>,
) -> Option<Remedy> {
    let after = status.and_then(|status| pause(&status.text));
    if after.is_some() {
        return Some(Remedy::Later { after });
    }
    let later = Some(Remedy::Later { after: None });
    match kind {
        ErrorKind::Login => Some(status.map_or(Remedy::Credentials, of_refusal)),
        ErrorKind::No => match status?.code {
            Some(Code::InUse | Code::ServerBug | Code::Unavailable) => later,
            _ => None,
        },
        ErrorKind::Closed => match reason {
            Some(CloseReason::Bye(bye)) if is_setup(bye.code.as_ref()) => Some(Remedy::Setup),
            Some(
                CloseReason::Bye(_) | CloseReason::Eof | CloseReason::Io { .. } | CloseReason::Timeout { .. },
            ) => later,
            _ => None,
        },
        ErrorKind::Connect | ErrorKind::Resolve | ErrorKind::Timeout => later,
        ErrorKind::Certificate | ErrorKind::Insecure | ErrorKind::Tls => Some(Remedy::Setup),
        _ => None,
    }
}

fn is_setup(code: Option<&Code>) -> bool {
    matches!(
        code,
        Some(
            Code::AuthorizationFailed
                | Code::Cannot
                | Code::ContactAdmin
                | Code::NoPerm
                | Code::PrivacyRequired
        )
    )
}

/// Of a login that the server has refused.
fn of_refusal(status: &StatusResponse) -> Remedy {
    match &status.code {
        Some(Code::AuthenticationFailed | Code::Expired) => Remedy::Credentials,
        Some(Code::InUse | Code::Limit | Code::ServerBug | Code::Unavailable) => {
            Remedy::Later { after: None }
        }
        code if is_setup(code.as_ref()) => Remedy::Setup,
        _ => of_words(&status.text),
    }
}

/// By words: of Gmail, Microsoft, Yahoo, Yandex, Zoho and others, who give ALERT or no code at all.
fn of_words(text: &str) -> Remedy {
    const LATER: [&str; 12] = [
        "backoff",
        "busy",
        "in use",
        "maximum number of connections",
        "overload",
        "rate limit",
        "temporar",
        "throttl",
        "too many",
        "try again",
        "unavailable",
        "later",
    ];
    const CREDENTIALS: [&str; 6] = ["credential", "expired", "incorrect", "invalid", "password", "wrong"];
    const SETUP: [&str; 9] = [
        "admin",
        "blocked",
        "browser",
        "disabled",
        "encrypt",
        "not allowed",
        "not enabled",
        "not permitted",
        "tls",
    ];
    let text = text.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    match () {
        () if has(&LATER) => Remedy::Later { after: None },
        () if has(&CREDENTIALS) => Remedy::Credentials,
        () if has(&SETUP) => Remedy::Setup,
        () => Remedy::Credentials,
    }
}

/// How long to wait, as a text says: `Suggested Backoff Time: 92415 milliseconds`.
fn pause(text: &str) -> Option<Duration> {
    let text = text.to_ascii_lowercase();
    ["backoff time", "try again in", "try again after", "retry in", "retry after"].iter().find_map(|mark| {
        let (_, rest) = text.split_once(mark)?;
        let rest = rest.trim_start_matches([':', ' ']);
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (number, unit) = rest.split_at(digits);
        let number = if digits == 0 { return None } else { number.parse::<u64>().unwrap_or(u64::MAX) };
        let unit = unit.trim_start();
        let milliseconds = match () {
            () if unit.starts_with("millisecond") || unit.starts_with("ms") => 1,
            () if unit.starts_with("minute") => 60_000,
            () if unit.starts_with("hour") => 3_600_000,
            () if unit.starts_with('s') => 1000,
            () => return None,
        };
        Some(Duration::from_millis(number.saturating_mul(milliseconds)).min(MAX_PAUSE))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Status;

    const LATER: Remedy = Remedy::Later { after: None };

    fn refused(code: Option<Code>, text: &str) -> Remedy {
        of(ErrorKind::Login, Some(&StatusResponse::new(Status::No, code, text)), None).unwrap()
    }

    #[test]
    fn codes_decide() {
        for (code, remedy) in [
            (Code::AuthenticationFailed, Remedy::Credentials),
            (Code::Expired, Remedy::Credentials),
            (Code::AuthorizationFailed, Remedy::Setup),
            (Code::PrivacyRequired, Remedy::Setup),
            (Code::ContactAdmin, Remedy::Setup),
            (Code::Unavailable, LATER),
            (Code::Limit, LATER),
            (Code::InUse, LATER),
        ] {
            assert_eq!(refused(Some(code.clone()), "no"), remedy, "{code}");
        }
        assert_eq!(refused(Some(Code::AuthenticationFailed), "too many words"), Remedy::Credentials);
    }

    #[test]
    fn words_decide_where_no_code_does() {
        for (text, remedy) in [
            ("Too many simultaneous connections. (Failure)", LATER),
            ("Invalid credentials (Failure)", Remedy::Credentials),
            ("Application-specific password required: https://example.org (Failure)", Remedy::Credentials),
            ("Please log in via your web browser: https://example.org (Failure)", Remedy::Setup),
            ("Your account is not enabled for IMAP use. Please visit your settings", Remedy::Setup),
            ("IMAP access is disabled for your domain", Remedy::Setup),
            ("LOGIN failed.", Remedy::Credentials),
            ("", Remedy::Credentials),
            ("Server busy, try again", LATER),
        ] {
            assert_eq!(refused(Some(Code::Alert), text), remedy, "{text}");
            assert_eq!(refused(None, text), remedy, "{text}");
        }
    }

    #[test]
    fn a_pause_is_read_with_its_unit() {
        for (text, milliseconds) in [
            ("Request is throttled. Suggested Backoff Time: 92415 milliseconds", Some(92_415)),
            ("suggested backoff time:10 ms.", Some(10)),
            ("Too many attempts, try again in 5 minutes", Some(300_000)),
            ("retry after 30 seconds", Some(30_000)),
            ("retry in 2 hours", Some(7_200_000)),
            ("Backoff Time: 99999999999999999999 milliseconds", Some(86_400_000)),
            ("Backoff Time: 5", None),
            ("Backoff Time: soon", None),
            ("try again in a minute", None),
            ("5 seconds", None),
        ] {
            assert_eq!(pause(text), milliseconds.map(Duration::from_millis), "{text}");
        }
        let after = Some(Duration::from_millis(92_415));
        let text = "Request is throttled. Suggested Backoff Time: 92415 milliseconds";
        assert_eq!(refused(Some(Code::AuthenticationFailed), text), Remedy::Later { after });
        let bye = StatusResponse::new(Status::Bye, None, text);
        let reason = CloseReason::Bye(bye.clone());
        assert_eq!(of(ErrorKind::Closed, Some(&bye), Some(&reason)), Some(Remedy::Later { after }));
    }

    #[test]
    fn a_failure_of_connecting_has_a_remedy_and_one_of_a_command_as_a_rule_none() {
        assert_eq!(of(ErrorKind::Connect, None, None), Some(LATER));
        assert_eq!(of(ErrorKind::Certificate, None, None), Some(Remedy::Setup));
        assert_eq!(of(ErrorKind::Closed, None, Some(&CloseReason::Eof)), Some(LATER));
        assert_eq!(of(ErrorKind::Closed, None, Some(&CloseReason::Logout)), None);
        let no = |code| StatusResponse::new(Status::No, code, "no");
        assert_eq!(of(ErrorKind::No, Some(&no(Some(Code::TryCreate))), None), None);
        assert_eq!(of(ErrorKind::No, Some(&no(Some(Code::InUse))), None), Some(LATER));
        assert_eq!(of(ErrorKind::Invalid, None, None), None);
    }
}

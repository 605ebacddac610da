//! Why an example ends early, in one line for people: what happened, and what to do about it.

use std::{fmt, io};

use imap_duplex::types::Code;
use imap_duplex::{Error, ErrorKind};

/// What happened, and a hint if there is one to give.
pub(crate) struct Failure {
    what: String,
    hint: Option<String>,
    quiet: bool,
}

impl Failure {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), hint: None, quiet: false }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Whether it is none to be told: nobody reads the output any more.
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// A connection that could not be made.
    pub(crate) fn connecting(error: &Error, tls: bool, own_authority: bool) -> Self {
        let hint = match (error.kind(), error.code()) {
            (ErrorKind::Login, Some(Code::AuthenticationFailed)) => "are user and password right?",
            // Refused here, before any command.
            (ErrorKind::Insecure, _) if error.command().is_none() => {
                "imaps:// encrypts; if the password may be read on the way, say --insecure-clear-text"
            }
            (ErrorKind::Insecure, _) if !tls => "imaps:// encrypts from the start",
            (ErrorKind::Resolve, _) => "is the host's name in the URL right?",
            (ErrorKind::Connect, _) if tls => {
                "imaps:// is port 993 unless the URL says another; is that the server's?"
            }
            (ErrorKind::Connect, _) => {
                "imap:// is port 143 unless the URL says another; is that the server's?"
            }
            (ErrorKind::Certificate, _) if !own_authority => {
                "a private certificate or its authority is named by --ca FILE"
            }
            (ErrorKind::Certificate, _) => {
                "is it the server's certificate, or its authority, that --ca names?"
            }
            (ErrorKind::Tls, _) if tls => "a port without TLS from the start is for imap://",
            (ErrorKind::Timeout, _) if !tls => "a port that speaks TLS from the start is for imaps://",
            _ => return Self::new(error.to_string()),
        };
        Self::new(error.to_string()).hint(hint)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::new(error.to_string())
    }
}

/// Of the standard output.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        let quiet = error.kind() == io::ErrorKind::BrokenPipe;
        Self { quiet, ..Self::new(format!("the output can't be written: {error}")) }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, " ({hint})"))
    }
}

//! Why an example ends early, in one line for people: what happened, and what to do about it.

use std::{fmt, io};

use imap_duplex::store::StoreError;
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

    /// Whether it needs no report: the reader of the output is gone.
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// A connection that could not be made: the library's hint, or that of the option that helps.
    pub(crate) fn connecting(error: &Error, tls: bool, own_authority: bool) -> Self {
        let failure = Self::from(error);
        let option = match error.kind() {
            ErrorKind::Insecure if !tls => {
                "imaps:// encrypts from the start; if the password may be read on the way, say --insecure-clear-text"
            }
            ErrorKind::Certificate if !own_authority => "--ca FILE names what is to be trusted",
            ErrorKind::Certificate => "is it the server's certificate, or its authority, that --ca names?",
            ErrorKind::Tls if tls => "imap:// is for a port without TLS from the start",
            ErrorKind::Timeout if !tls => "imaps:// is for a port with TLS from the start",
            ErrorKind::Connect if tls => "imaps:// is port 993 unless the URL says another",
            ErrorKind::Connect => "imap:// is port 143 unless the URL says another",
            _ => return failure,
        };
        let hint = failure.hint.as_deref().map_or(option.to_owned(), |hint| format!("{hint}; {option}"));
        failure.hint(hint)
    }
}

/// The library's error, causes and all, and its hint.
impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        let mut what = error.to_string();
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            what = format!("{what}: {cause}");
            source = cause.source();
        }
        Self { hint: error.hint().map(str::to_owned), ..Self::new(what) }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::from(&error)
    }
}

/// The server's failure, if it was that.
impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        error.imap().map_or_else(|| Self::new(error.to_string()), Self::from)
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

//! What can go wrong, with what to do about it.
//!
//! In: errors of the database, of NATS, of IMAP, of files. Out: one type.

use std::io;

/// The result of what a fleet does.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What has gone wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// PostgreSQL refuses a statement or can't be reached.
    #[error("PostgreSQL: {0}")]
    Database(String),
    /// NATS refuses a request or can't be reached.
    #[error("NATS: {0}")]
    Nats(String),
    /// What was given can't work; the text says what to change.
    #[error("{0}")]
    Invalid(String),
    /// The lease of an account is another worker's by now.
    #[error("the lease of account {0} was lost to another worker")]
    LeaseLost(i64),
    /// The worker's own row has run out: another worker may have its accounts.
    #[error("this worker has not renewed its leases in time; it starts over")]
    Retired,
    /// IMAP.
    #[error(transparent)]
    Imap(#[from] imap_duplex::Error),
    /// A file, a socket or a process.
    #[error("{0}: {1}")]
    Io(String, #[source] io::Error),
}

impl Error {
    pub(crate) fn invalid(text: impl Into<String>) -> Self {
        Self::Invalid(text.into())
    }

    pub(crate) fn nats(error: impl std::fmt::Display) -> Self {
        Self::Nats(error.to_string())
    }

    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |error| Self::Io(what, error)
    }
}

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        // Its own text is only `db error`.
        let text = match error.as_db_error() {
            Some(refused) => format!("{} ({})", refused.message(), refused.code().code()),
            None => with_causes(&error),
        };
        let hint = if is_about_certificate(&error) {
            "; its authority can be named by `database_ca`, and `?sslmode=disable` goes without TLS"
        } else {
            ""
        };
        Self::Database(text + hint)
    }
}

impl From<deadpool_postgres::PoolError> for Error {
    fn from(error: deadpool_postgres::PoolError) -> Self {
        match error {
            deadpool_postgres::PoolError::Backend(error) => error.into(),
            other => Self::Database(other.to_string()),
        }
    }
}

/// Whether TLS has failed for the server's certificate.
fn is_about_certificate(error: &tokio_postgres::Error) -> bool {
    use std::error::Error as _;
    let cause = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
    let cause = cause.and_then(io::Error::get_ref).and_then(|cause| cause.downcast_ref::<rustls::Error>());
    matches!(cause, Some(rustls::Error::InvalidCertificate(_)))
}

/// The text of an error and of what it stems from.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        next = cause.source();
    }
    text
}

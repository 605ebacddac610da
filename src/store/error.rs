//! What can go wrong with a store, and what to do about it.
//!
//! In: failures of the file system, of SQLite, of the server. Out: an opaque error with a kind to
//! match on.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use rusqlite::ErrorCode;

/// The result of an operation on a store.
pub type StoreResult<T> = Result<T, StoreError>;

/// Why an operation on a store failed. Cheap to clone.
///
/// `Display` gives one line for people; the text of SQLite or of the system is in
/// [`source`](std::error::Error::source).
#[derive(Clone)]
pub struct StoreError {
    kind: StoreErrorKind,
    message: String,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

/// What kind of failure it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// Another program, or another part of this one, has the store open.
    Owned,
    /// A newer version of this library has written the file.
    Newer,
    /// The file is damaged, or is no store: [`Store::rebuild`](super::Store::rebuild).
    Corrupt,
    /// There is no room, or the file can't be written for now: nothing was changed, and it can be
    /// tried again.
    Full,
    /// There is no such mailbox, message or operation, or no longer.
    NotFound,
    /// The operation makes no sense here, such as a move out of a mailbox that is read-only.
    Invalid,
    /// The store was opened for reading alone.
    ReadOnly,
    /// What is asked for is not in the store, and the server can't be asked now.
    Offline,
    /// The server, or the way to it, failed.
    Server,
    /// The file can't be read or written.
    Io,
}

impl StoreError {
    pub(super) fn new(kind: StoreErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    pub(super) fn not_found(what: impl Into<String>) -> Self {
        Self::new(StoreErrorKind::NotFound, what)
    }

    pub(super) fn invalid(what: impl Into<String>) -> Self {
        Self::new(StoreErrorKind::Invalid, what)
    }

    pub(super) fn because(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }

    pub(super) fn io(what: &str, path: &Path, error: io::Error) -> Self {
        Self::new(StoreErrorKind::Io, format!("{}: {what}", path.display())).because(error)
    }

    /// The failure of the server, or of the way to it, if it was that.
    #[must_use]
    pub fn imap(&self) -> Option<&crate::error::Error> {
        self.source.as_ref()?.downcast_ref()
    }

    /// Whether the server, or the way to it, has failed in a way that may pass by itself.
    pub(super) fn is_transient(&self) -> bool {
        self.imap().is_some_and(crate::error::Error::is_transient)
    }

    /// What kind of failure it was.
    #[must_use]
    pub fn kind(&self) -> StoreErrorKind {
        self.kind
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreError")
            .field("kind", &self.kind)
            .field("message", &self.message)
            .field("source", &self.source)
            .finish()
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl From<crate::error::Error> for StoreError {
    fn from(error: crate::error::Error) -> Self {
        Self::new(StoreErrorKind::Server, error.to_string()).because(error)
    }
}

/// A failure within a transaction, which is rolled back then.
///
/// Apart from [`StoreError`], so that no type of rusqlite is in the public interface.
#[derive(Debug)]
pub(super) enum Fault {
    Sql(rusqlite::Error),
    Store(StoreError),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Extended codes of SQLite: a write failed (SQLITE_IOERR_WRITE), a file could not be made longer
/// (SQLITE_IOERR_TRUNCATE, SQLITE_IOERR_SHMSIZE).
const NOT_WRITTEN: [i32; 3] = [778, 1546, 4874];

fn extended(error: &rusqlite::Error) -> i32 {
    error.sqlite_error().map_or(0, |error| error.extended_code)
}

impl Fault {
    /// The error of an operation on the store in this file.
    pub(super) fn into_error(self, path: &Path) -> StoreError {
        let error = match self {
            Self::Store(error) => return error,
            Self::Sql(error) => error,
        };
        let path = path.display();
        let (kind, message) = match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                let what = "the file is damaged, or is no store; close it: `Store::rebuild` makes a new one of what was \
                            queued in it, to be filled from the server, and keeps the old one under another name";
                (StoreErrorKind::Corrupt, format!("{path}: {what}"))
            }
            Some(ErrorCode::DiskFull) => {
                (StoreErrorKind::Full, format!("{path}: no room; nothing was changed"))
            }
            // SQLite says of a full disk alone that it is full.
            _ if NOT_WRITTEN.contains(&extended(&error)) => {
                let what = "can't be written, by a quota, a limit for this program, or a disk that fails; nothing was \
                            changed";
                (StoreErrorKind::Full, format!("{path}: {what}"))
            }
            Some(ErrorCode::ReadOnly) => (StoreErrorKind::ReadOnly, format!("{path}: is read-only")),
            _ if matches!(error, rusqlite::Error::QueryReturnedNoRows) => {
                (StoreErrorKind::NotFound, "no such mailbox, message or operation".to_owned())
            }
            _ => (StoreErrorKind::Io, format!("{path}: can't be read or written")),
        };
        StoreError::new(kind, message).because(error)
    }
}

impl StoreError {
    /// Whether it is about the file as a whole, and may not name it yet.
    pub(super) fn is_about_file(&self) -> bool {
        matches!(self.kind, StoreErrorKind::Newer | StoreErrorKind::Corrupt) && self.source.is_none()
    }

    pub(super) fn about_file(mut self, path: &Path) -> Self {
        self.message = format!("{}: {}", path.display(), self.message);
        self
    }
}

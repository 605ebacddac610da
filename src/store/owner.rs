//! One owner for a store: a lock of the system on a file beside it.
//!
//! In: the path of a store. Out: a guard; the lock ends with it, or with the process, however that
//! ends.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use fs4::{FileExt, TryLockError};

use super::error::{StoreError, StoreErrorKind, StoreResult};

/// The store is ours until this is dropped.
#[derive(Debug)]
pub(super) struct Owner {
    _locked: File,
}

impl Owner {
    /// Not a lock on the store itself: SQLite has locks of its own there.
    pub(super) fn of(store: &Path) -> StoreResult<Self> {
        let path = beside(store, ".lock");
        let open = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let file = open.map_err(|error| StoreError::io("can't be opened", &path, error))?;
        // Not the method of the standard library, which is newer than this crate's Rust.
        match FileExt::try_lock(&file) {
            Ok(()) => Ok(Self { _locked: file }),
            Err(TryLockError::WouldBlock) => {
                let what = "is open in another program, or a second time in this one; close that first, or open it \
                            by `Store::read`";
                Err(StoreError::new(StoreErrorKind::Owned, format!("{}: {what}", store.display())))
            }
            Err(TryLockError::Error(error)) => Err(StoreError::io("can't be locked", &path, error)),
        }
    }
}

/// Makes a file that only the user can read, if there is none: mail is in it. SQLite gives the
/// files beside it the same rights. One that is there keeps those that it has.
pub(super) fn make_private(path: &Path) -> std::io::Result<()> {
    match private().open(path) {
        // It is not even opened: closing it would end the locks of SQLite in this process.
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        made => made.map(drop),
    }
}

/// How such a file is made.
pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// The path with this behind it.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

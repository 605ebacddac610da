//! The handle of a store, as a user holds it.
//!
//! In: the path of a file. Out: the store in it, opened by one owner or for reading alone.

use std::fmt;
use std::path::{Path, PathBuf};

use super::database::Database;
use super::error::StoreResult;

/// The mailboxes of accounts in one file. Cheap to clone.
///
/// One program owns a store, and others may read it at the same time. The file, its `-wal` and its
/// `-shm` belong together; they must be on a local disk.
///
/// ```no_run
/// # async fn example() -> imap_duplex::store::StoreResult<()> {
/// use imap_duplex::store::Store;
/// let store = Store::open("mail.store").await?;
/// # let _ = store;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Store {
    pub(super) database: Database,
}

impl Store {
    /// Opens the store in this file, or makes it; its folder has to be there. Until the last handle
    /// is dropped this program is its only owner; dropping it waits for the transaction that is
    /// under way. A new file can be read by its user alone.
    ///
    /// # Errors
    /// [`Owned`](super::StoreErrorKind::Owned) if it is open already;
    /// [`Newer`](super::StoreErrorKind::Newer) if a newer version of this library has written it;
    /// [`Corrupt`](super::StoreErrorKind::Corrupt) if it is damaged or no store. In each case it
    /// stays as it is. An older version is upgraded.
    pub async fn open(path: impl Into<PathBuf>) -> StoreResult<Self> {
        Ok(Self { database: Database::open(path.into()).await? })
    }

    /// Opens a store for reading alone, whether another program owns it or not.
    ///
    /// # Errors
    /// If there is no such file; [`Newer`](super::StoreErrorKind::Newer) if a newer version of this
    /// library has written it; [`Corrupt`](super::StoreErrorKind::Corrupt) if it is damaged or no
    /// store.
    ///
    /// ```no_run
    /// # async fn example() -> imap_duplex::store::StoreResult<()> {
    /// use imap_duplex::store::Store;
    /// let store = Store::read("mail.store").await?;
    /// # let _ = store;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn read(path: impl Into<PathBuf>) -> StoreResult<Self> {
        Ok(Self { database: Database::read_only(path.into()).await? })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.database.path()
    }

    /// Whether it was opened for reading alone.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.database.is_read_only()
    }

    /// Reads the whole file and checks it: for some seconds for each million messages.
    ///
    /// # Errors
    /// [`Corrupt`](super::StoreErrorKind::Corrupt) if it is damaged.
    pub async fn verify(&self) -> StoreResult<()> {
        self.database.verify().await
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("path", &self.path()).finish_non_exhaustive()
    }
}

//! A damaged file, replaced by a new one that has what was queued.
//!
//! ```text
//!   read what is queued ──> FILE.rebuilding ──> whole, on the disk ──> FILE.rebuilt
//!                                                                          │ FILE gets a second name,
//!                                                                          │ its -wal and -shm go
//!                                                                          └──> FILE
//! ```
//!
//! A crash at any point leaves the damaged file, or `FILE.rebuilt`, which the next start takes.
//!
//! In: a file of which something can't be read. Out: a store of the operations and of the messages
//! that they name; the server has the rest.

mod salvage;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};
use serde::Serialize;

use self::salvage::Salvaged;
use super::database::blocking;
use super::error::{Fault, StoreError, StoreErrorKind, StoreResult};
use super::handle::Store;
use super::migrate::{APPLICATION, migrate};
use super::owner::{Owner, beside, make_private, private};
use super::schema;

/// What [`Store::rebuild`] has done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Rebuilt {
    /// How many operations are in the new store.
    pub operations: usize,
    /// Whether all that were in the old one could be read.
    pub is_whole: bool,
    /// Where the old file is now; `None` if an earlier rebuild, which was cut off, has been
    /// finished.
    pub damaged: Option<PathBuf>,
}

impl Store {
    /// Replaces a damaged store by a new one with all that is queued in it, as far as that can be
    /// read: [`attach`](Self::attach) fills it from the server again. The old file stays, under
    /// another name. If it is cut off at whatever point, it can be called again, or the store be
    /// opened.
    ///
    /// # Errors
    /// [`Owned`](StoreErrorKind::Owned) if the store is open; [`Newer`](StoreErrorKind::Newer) if a
    /// newer version of this library has written it; [`Corrupt`](StoreErrorKind::Corrupt) if it is
    /// a file of another program. Then it stays as it is. [`Full`](StoreErrorKind::Full) or
    /// [`Io`](StoreErrorKind::Io) if the new one can't be written.
    ///
    /// ```no_run
    /// # async fn example() -> imap_duplex::store::StoreResult<()> {
    /// use imap_duplex::store::{Store, StoreErrorKind};
    /// let store = match Store::open("mail.store").await {
    ///     Err(error) if error.kind() == StoreErrorKind::Corrupt => {
    ///         let rebuilt = Store::rebuild("mail.store").await?;
    ///         println!("{} operations were kept", rebuilt.operations);
    ///         Store::open("mail.store").await?
    ///     }
    ///     opened => opened?,
    /// };
    /// # let _ = store;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn rebuild(path: impl Into<PathBuf>) -> StoreResult<Rebuilt> {
        let path: PathBuf = path.into();
        blocking(move || {
            let _owner = Owner::of(&path)?;
            rebuild(&path)
        })
        .await
    }
}

fn rebuild(path: &Path) -> StoreResult<Rebuilt> {
    let done = beside(path, ".rebuilt");
    if done.exists() {
        let operations = count(&done).map_err(|fault| fault.into_error(&done))?;
        finish(path)?;
        return Ok(Rebuilt { operations, is_whole: true, damaged: None });
    }
    if !path.exists() {
        return Err(StoreError::not_found(format!("{}: there is no such file", path.display())));
    }
    let salvaged = salvage(path)?;
    let new = beside(path, ".rebuilding");
    remove_all(&new)?;
    make_private(&new).map_err(|error| StoreError::io("can't be made", &new, error))?;
    build(&new, &salvaged).map_err(|fault| fault.into_error(&new))?;
    // What is renamed is on the disk before its name.
    let synced = File::options().write(true).open(&new).and_then(|file| file.sync_all());
    synced.map_err(|error| StoreError::io("can't be written", &new, error))?;
    rename(&new, &done)?;
    let damaged = put_away(path)?;
    finish(path)?;
    let (operations, is_whole) = (salvaged.operations(), salvaged.is_whole);
    Ok(Rebuilt { operations, is_whole, damaged: Some(damaged) })
}

/// A rebuild that was cut off is finished; `path` is that of the store.
pub(super) fn finish(path: &Path) -> StoreResult<()> {
    let done = beside(path, ".rebuilt");
    if !done.exists() {
        return Ok(());
    }
    // SQLite would take the log of the old file for that of the new one.
    remove(&beside(path, "-wal"))?;
    remove(&beside(path, "-shm"))?;
    rename(&done, path)
}

/// What can be read. A file that can't be opened at all has nothing.
fn salvage(path: &Path) -> StoreResult<Salvaged> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let Ok(file) = Connection::open_with_flags(path, flags) else { return Ok(Salvaged::default()) };
    let number = |name| file.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    if let (Ok(application), Ok(version)) = (number("application_id"), number("user_version")) {
        let known = i64::try_from(schema::STEPS.len()).unwrap_or(i64::MAX);
        let (kind, what) = if application != APPLICATION {
            (StoreErrorKind::Corrupt, "this SQLite file is of another program: name another one")
        } else if version > known {
            (StoreErrorKind::Newer, "a newer version of this program has written the store; use that one")
        } else {
            return Ok(Salvaged::read(&file));
        };
        return Err(StoreError::new(kind, format!("{}: {what}", path.display())));
    }
    Ok(Salvaged::default())
}

/// Without a log beside it: the file is one, and can be renamed.
fn build(path: &Path, salvaged: &Salvaged) -> Result<(), Fault> {
    let mut file = Connection::open(path)?;
    migrate(&mut file, schema::STEPS)?;
    let transaction = file.transaction()?;
    salvaged.write(&transaction)?;
    transaction.commit()?;
    Ok(())
}

fn count(path: &Path) -> Result<usize, Fault> {
    let file = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let count: i64 = file.query_row("SELECT count(*) FROM operation", [], |row| row.get(0))?;
    Ok(usize::try_from(count).unwrap_or_default())
}

/// Gives the damaged file a second name, and its log, which belongs to it.
fn put_away(path: &Path) -> StoreResult<PathBuf> {
    for number in 1..10_000 {
        let away = beside(path, &format!(".damaged-{number}"));
        match fs::hard_link(path, &away).or_else(|error| copy_if_new(error, path, &away)) {
            Ok(()) => {
                let log = beside(path, "-wal");
                if log.exists() {
                    let copied = fs::copy(&log, beside(&away, "-wal"));
                    copied.map_err(|error| StoreError::io("can't be copied", &log, error))?;
                }
                return Ok(away);
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(StoreError::io("can't be put away", path, error)),
        }
    }
    Err(StoreError::invalid(format!("{}: too many damaged files beside it", path.display())))
}

/// Some file systems have no hard links.
fn copy_if_new(error: std::io::Error, path: &Path, away: &Path) -> std::io::Result<()> {
    if error.kind() == std::io::ErrorKind::AlreadyExists {
        return Err(error);
    }
    let mut from = File::open(path)?;
    let mut to = private().open(away)?;
    std::io::copy(&mut from, &mut to).map(|_| ())
}

fn remove(path: &Path) -> StoreResult<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(StoreError::io("can't be removed", path, error))
        }
        _ => Ok(()),
    }
}

/// A file with what SQLite keeps beside it.
fn remove_all(path: &Path) -> StoreResult<()> {
    ["", "-journal", "-wal", "-shm"].iter().try_for_each(|suffix| remove(&beside(path, suffix)))
}

fn rename(from: &Path, to: &Path) -> StoreResult<()> {
    fs::rename(from, to).map_err(|error| StoreError::io("can't be renamed", from, error))?;
    // The name, too, is to survive a loss of power; where a folder can't be opened it does.
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if let Ok(folder) = File::open(folder) {
        // Some systems can't do this to a folder.
        _ = folder.sync_all();
    }
    Ok(())
}

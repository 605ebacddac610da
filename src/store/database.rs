//! The file: one connection that writes, a few that read.
//!
//! ```text
//!   write ──> queue (first come, first served) ──> the writer ──> one transaction, committed ──> changes are announced
//!   read  ──> a free reader ──> one snapshot
//! ```
//!
//! Windows of a sync are written behind: one of them at a time is in the queue.
//!
//! What runs here waits for the disk, so it runs on tokio's threads for that, one job of the writer
//! at a time; readers are never held up by it (WAL). A job whose caller has gone is either not
//! begun or done in full: it can't be interrupted in between.
//!
//! In: jobs, each on one transaction. Out: their results, once they are in the file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use tokio::sync::{Mutex as AsyncMutex, Semaphore, watch};

use super::error::{Fault, StoreError, StoreErrorKind, StoreResult};
use super::migrate::{checked_version, migrate};
use super::owner::{Owner, make_private};
use super::rebuild;
use super::schema;
use crate::account::Account;

/// How many read at the same time.
const MAX_READERS: usize = 4;
/// How long SQLite waits for a lock: only programs that read may hold one, for a moment.
const PATIENCE: Duration = Duration::from_secs(10);
/// Statements that are kept compiled, for each connection.
const MAX_STATEMENTS: usize = 128;
/// Rows of the log of changes that are kept: who is further behind reads all again.
const MAX_CHANGES: i64 = 100_000;
/// Bodies that were read, of which is known in which order.
const MAX_USED: usize = 10_000;
/// Bytes of bodies that are kept, unless a policy says otherwise.
const DEFAULT_BODY_BYTES: i64 = 1 << 30;

/// What a transaction has to survive once it is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Durability {
    /// The end of the process. After a loss of power the last ones may be missing, in order: the
    /// server has it all.
    Process,
    /// A loss of power, too: only the user knows it.
    Power,
}

/// A store's file, open. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Database {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    /// `None`: for reading alone.
    writer: Option<Arc<AsyncMutex<Writer>>>,
    /// Held by who writes what nobody waits for.
    behind: AsyncMutex<()>,
    readers: Arc<Mutex<Vec<Connection>>>,
    free_readers: Arc<Semaphore>,
    /// The number of the last change.
    last_change: watch::Sender<i64>,
    /// Counts what was queued for the server.
    queued: watch::Sender<u64>,
    /// The accounts that are attached.
    engaged: Arc<Mutex<BTreeMap<i64, Account>>>,
    max_body_bytes: AtomicI64,
    /// Bodies that were read since room was last made.
    used_bodies: Mutex<Vec<i64>>,
    // Last: given up once all connections are closed.
    _owner: Option<Owner>,
}

#[derive(Debug)]
struct Writer {
    connection: Connection,
    durability: Durability,
}

impl Database {
    /// Opens the file, or makes it, as its only owner.
    pub(super) async fn open(path: PathBuf) -> StoreResult<Self> {
        blocking(move || {
            let owner = Owner::of(&path)?;
            rebuild::finish(&path)?;
            make_private(&path).map_err(|error| StoreError::io("can't be made", &path, error))?;
            let opened =
                Writer::open(&path).and_then(|writer| Ok((last_change(&writer.connection)?, writer)));
            let (last, writer) = opened.map_err(|fault| in_file(fault, &path))?;
            Ok(Self::of(path, Some(writer), last, Some(owner)))
        })
        .await
    }

    /// Opens a file that another program may own, for reading alone.
    pub(super) async fn read_only(path: PathBuf) -> StoreResult<Self> {
        blocking(move || {
            let last = Self::open_reader(&path).and_then(|reader| {
                checked_version(&reader, schema::STEPS.len())?;
                last_change(&reader)
            });
            let last = last.map_err(|fault| in_file(fault, &path))?;
            Ok(Self::of(path, None, last, None))
        })
        .await
    }

    fn of(path: PathBuf, writer: Option<Writer>, last: i64, owner: Option<Owner>) -> Self {
        let inner = Inner {
            path,
            writer: writer.map(|writer| Arc::new(AsyncMutex::new(writer))),
            behind: AsyncMutex::default(),
            readers: Arc::default(),
            free_readers: Arc::new(Semaphore::new(MAX_READERS)),
            last_change: watch::channel(last).0,
            queued: watch::channel(0).0,
            engaged: Arc::default(),
            max_body_bytes: AtomicI64::new(DEFAULT_BODY_BYTES),
            used_bodies: Mutex::default(),
            _owner: owner,
        };
        Self { inner: Arc::new(inner) }
    }

    fn open_reader(path: &Path) -> Result<Connection, Fault> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        set_up(&connection)?;
        Ok(connection)
    }

    pub(super) fn path(&self) -> &Path {
        &self.inner.path
    }

    pub(super) fn is_read_only(&self) -> bool {
        self.inner.writer.is_none()
    }

    /// The number of the last change, and a way to wait for the next.
    pub(super) fn last_change(&self) -> watch::Receiver<i64> {
        self.inner.last_change.subscribe()
    }

    /// Changes when something was queued for the server.
    pub(super) fn queued(&self) -> watch::Receiver<u64> {
        self.inner.queued.subscribe()
    }

    pub(super) fn announce_queued(&self) {
        self.inner.queued.send_modify(|count| *count += 1);
    }

    /// An account is attached until the guard is dropped; `None` if it is already.
    pub(super) fn engage(&self, id: i64, account: &Account) -> Option<Engaged> {
        let engaged = self.inner.engaged.clone();
        let mut accounts = engaged.lock().unwrap_or_else(PoisonError::into_inner);
        if accounts.contains_key(&id) {
            return None;
        }
        accounts.insert(id, account.clone());
        drop(accounts);
        Some(Engaged { id, engaged })
    }

    /// The account with this number, if it is attached.
    pub(super) fn engaged(&self, id: i64) -> Option<Account> {
        self.inner.engaged.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }

    /// How many bytes of bodies are kept.
    pub(super) fn max_body_bytes(&self) -> i64 {
        self.inner.max_body_bytes.load(Ordering::Relaxed)
    }

    pub(super) fn set_max_body_bytes(&self, bytes: i64) {
        self.inner.max_body_bytes.store(bytes, Ordering::Relaxed);
    }

    /// A body was read. It is written down before room is made, not now: who reads does not wait for
    /// the writer.
    pub(super) fn note_used(&self, body: i64) {
        let mut used = self.inner.used_bodies.lock().unwrap_or_else(PoisonError::into_inner);
        if used.last() != Some(&body) && used.len() < MAX_USED {
            used.push(body);
        }
    }

    /// The bodies that were read, in their order.
    pub(super) fn take_used(&self) -> Vec<i64> {
        std::mem::take(&mut self.inner.used_bodies.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Does this in one transaction; after an error of the job nothing is changed.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        durability: Durability,
        job: impl FnOnce(&Transaction<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> StoreResult<T> {
        let Some(writer) = self.inner.writer.clone() else {
            let what = format!("{}: the store was opened for reading alone", self.path().display());
            return Err(StoreError::new(StoreErrorKind::ReadOnly, what));
        };
        let mut writer = writer.lock_owned().await;
        let inner = self.inner.clone();
        blocking(move || {
            let (value, last) = writer.run(durability, job).map_err(|fault| in_file(fault, &inner.path))?;
            inner.last_change.send_if_modified(|known| std::mem::replace(known, last) != last);
            Ok(value)
        })
        .await
    }

    /// The same for what the server can say again, may take long, and nobody waits for: of such
    /// transactions one at a time is in the queue, so that whoever else writes waits for one at most.
    pub(super) async fn write_behind<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Transaction<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> StoreResult<T> {
        let _turn = self.inner.behind.lock().await;
        self.write(Durability::Process, job).await
    }

    /// Reads one snapshot of the file.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Transaction<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> StoreResult<T> {
        // It is never closed.
        let permit = self.inner.free_readers.clone().acquire_owned().await.ok();
        let inner = self.inner.clone();
        blocking(move || {
            let _permit = permit;
            let idle = || inner.readers.lock().unwrap_or_else(PoisonError::into_inner);
            let spare = idle().pop();
            let read = || -> Result<T, Fault> {
                let mut connection = match spare {
                    Some(connection) => connection,
                    None => Self::open_reader(&inner.path)?,
                };
                let value = job(&connection.transaction()?);
                idle().push(connection);
                value
            };
            read().map_err(|fault| in_file(fault, &inner.path))
        })
        .await
    }
}

/// An account is attached.
#[derive(Debug)]
pub(super) struct Engaged {
    id: i64,
    engaged: Arc<Mutex<BTreeMap<i64, Account>>>,
}

impl Drop for Engaged {
    fn drop(&mut self) {
        self.engaged.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

impl Database {
    /// Reads the whole file and checks it.
    pub(super) async fn verify(&self) -> StoreResult<()> {
        let path = self.path().to_owned();
        blocking(move || {
            // By a connection of its own: the check takes what one that has searched remembers of the
            // index for what is in the file, and reports damage once others have written.
            let check = || -> Result<(), Fault> {
                let file = Self::open_reader(&path)?;
                let found: String = file.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
                if found == "ok" { Ok(()) } else { Err(damaged(&found).into()) }
            };
            check().map_err(|fault| in_file(fault, &path))
        })
        .await
    }
}

fn damaged(what: &str) -> StoreError {
    StoreError::new(StoreErrorKind::Corrupt, format!("the file is damaged: {what}"))
}

impl Writer {
    fn open(path: &Path) -> Result<Self, Fault> {
        let mut connection = Connection::open(path)?;
        set_up(&connection)?;
        // Before WAL, which writes: a file of another program stays as it is.
        checked_version(&connection, schema::STEPS.len())?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", "full")?;
        // What a large transaction has made of the log is given back.
        connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
        migrate(&mut connection, schema::STEPS)?;
        Ok(Self { connection, durability: Durability::Power })
    }

    /// The result of the job, and the number of the last change.
    fn run<T>(
        &mut self,
        durability: Durability,
        job: impl FnOnce(&Transaction<'_>) -> Result<T, Fault>,
    ) -> Result<(T, i64), Fault> {
        if durability != self.durability {
            let level = if durability == Durability::Power { "full" } else { "normal" };
            self.connection.pragma_update(None, "synchronous", level)?;
            self.durability = durability;
        }
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let value = job(&transaction)?;
        let last = last_change(&transaction)?;
        transaction.prepare_cached("DELETE FROM change WHERE seq <= ?")?.execute([last - MAX_CHANGES])?;
        transaction.commit()?;
        Ok((value, last))
    }
}

fn set_up(connection: &Connection) -> Result<(), Fault> {
    connection.busy_timeout(PATIENCE)?;
    connection.set_prepared_statement_cache_capacity(MAX_STATEMENTS);
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "temp_store", "memory")?;
    Ok(())
}

fn last_change(connection: &Connection) -> Result<i64, Fault> {
    Ok(connection
        .prepare_cached("SELECT ifnull(max(seq), 0) FROM change")?
        .query_row([], |row| row.get(0))?)
}

/// The error, which names the file.
fn in_file(fault: Fault, path: &Path) -> StoreError {
    match fault {
        Fault::Store(error) if error.is_about_file() => error.about_file(path),
        fault => fault.into_error(path),
    }
}

/// Runs what waits for the disk where it holds nothing up.
pub(super) async fn blocking<T: Send + 'static>(
    job: impl FnOnce() -> StoreResult<T> + Send + 'static,
) -> StoreResult<T> {
    tokio::task::spawn_blocking(job).await.unwrap_or_else(|error| {
        let what = "the runtime ended before the store had done this";
        Err(StoreError::new(StoreErrorKind::Io, what).because(error))
    })
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// A window is being written, two more are to come, and a user writes.
    #[tokio::test]
    async fn a_user_waits_for_one_window_at_most() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = Database::open(folder.path().join("mail.store")).await.expect("a store");
        let order: Arc<Mutex<Vec<&str>>> = Arc::default();
        let (begun, wait_begun) = mpsc::channel();
        let (go_on, wait) = mpsc::channel::<()>();
        let note = |what: &'static str| {
            let order = order.clone();
            move || order.lock().expect("whole").push(what)
        };
        let first = note("first");
        let slow = file.write_behind(move |_| {
            begun.send(()).expect("somebody waits");
            // Until the others wait, too.
            wait.recv().expect("it comes");
            first();
            Ok(())
        });
        let (second, third, own) = (note("second"), note("third"), note("own"));
        let behind = |job: Box<dyn FnOnce() + Send>| {
            file.write_behind(move |_| {
                job();
                Ok(())
            })
        };
        let users = async {
            tokio::task::spawn_blocking(move || wait_begun.recv()).await.expect("it ends").expect("it began");
            let write = file.write(Durability::Power, move |_| {
                own();
                Ok(())
            });
            let release = async {
                // All of them have been polled by now.
                tokio::task::yield_now().await;
                go_on.send(()).expect("it waits");
                Ok(())
            };
            tokio::try_join!(write, release)
        };
        let windows = async { tokio::try_join!(slow, behind(Box::new(second)), behind(Box::new(third))) };
        let (windows, users) = tokio::join!(windows, users);
        windows.map(|_| ()).and(users.map(|_| ())).expect("written");
        assert_eq!(*order.lock().expect("whole"), ["first", "own", "second", "third"]);
    }
}

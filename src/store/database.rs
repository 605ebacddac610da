//! The file: one connection that writes, a few that read.
//!
//! ```text
//!   write ──> the writer, a thread of its own: one transaction at a time
//!   read  ──> a free reader, on a thread of tokio's for what waits: one snapshot
//! ```
//!
//! Windows of a sync are written behind: one of them at a time is in the writer's queue. Readers
//! are never held up by the writer (WAL).
//!
//! In: jobs, each on one transaction. Out: their results, once they are in the file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, OpenFlags, Transaction};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::{Mutex as AsyncMutex, Semaphore, watch};

use super::connection::{in_file, last_change, set_up};
use super::error::{Fault, StoreError, StoreErrorKind, StoreResult};
use super::migrate::checked_version;
use super::owner::{Owner, make_private};
use super::rebuild;
use super::schema;
use super::structure::Structure;
pub(super) use super::writer::Durability;
use super::writer::Writer;
use crate::account::Account;

/// How many read at the same time.
const MAX_READERS: usize = 4;
/// Bodies that were read, of which is known in which order.
const MAX_USED: usize = 10_000;
/// Bytes of bodies that are kept, unless a policy says otherwise.
const DEFAULT_BODY_BYTES: i64 = 1 << 30;

/// Keys of mailboxes that are not as their rows are.
pub(super) type Doubts = UnboundedSender<String>;

/// A store's file, open. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Database {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    // First: its thread ends before all else is given up. `None`: for reading alone.
    writer: Option<Writer>,
    path: PathBuf,
    /// Held by who writes what no one waits for.
    behind: AsyncMutex<()>,
    readers: Arc<Mutex<Vec<Connection>>>,
    free_readers: Arc<Semaphore>,
    /// The number of the last change.
    last_change: Arc<watch::Sender<i64>>,
    /// Counts what was queued for the server.
    queued: watch::Sender<u64>,
    /// The accounts that are attached.
    engaged: Arc<Mutex<BTreeMap<i64, (Account, Doubts)>>>,
    structures: Mutex<BTreeMap<i64, Arc<Structure>>>,
    max_body_bytes: AtomicI64,
    /// Bodies that were read since room was last made.
    used_bodies: Mutex<Vec<i64>>,
    // Last: given up once all connections are closed.
    _owner: Option<Owner>,
}

impl Database {
    /// Opens the file, or makes it, as its only owner.
    pub(super) async fn open(path: PathBuf) -> StoreResult<Self> {
        blocking(move || {
            let owner = Owner::of(&path)?;
            rebuild::finish(&path)?;
            make_private(&path).map_err(|error| StoreError::io("can't be made", &path, error))?;
            let last = Arc::new(watch::channel(0).0);
            let writer = Writer::open(&path, last.clone())?;
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
            Ok(Self::of(path, None, Arc::new(watch::channel(last).0), None))
        })
        .await
    }

    fn of(
        path: PathBuf,
        writer: Option<Writer>,
        last_change: Arc<watch::Sender<i64>>,
        owner: Option<Owner>,
    ) -> Self {
        let inner = Inner {
            writer,
            path,
            behind: AsyncMutex::default(),
            readers: Arc::default(),
            free_readers: Arc::new(Semaphore::new(MAX_READERS)),
            last_change,
            queued: watch::channel(0).0,
            engaged: Arc::default(),
            structures: Mutex::default(),
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
    /// Mailboxes that are to be looked into go to `doubts`.
    pub(super) fn engage(&self, id: i64, account: &Account, doubts: Doubts) -> Option<Engaged> {
        let engaged = self.inner.engaged.clone();
        let mut accounts = engaged.lock().unwrap_or_else(PoisonError::into_inner);
        if accounts.contains_key(&id) {
            return None;
        }
        accounts.insert(id, (account.clone(), doubts));
        drop(accounts);
        Some(Engaged { id, engaged })
    }

    /// The account with this number, if it is attached.
    pub(super) fn engaged(&self, id: i64) -> Option<Account> {
        let engaged = self.inner.engaged.lock().unwrap_or_else(PoisonError::into_inner);
        engaged.get(&id).map(|(account, _)| account.clone())
    }

    /// The mailboxes of this account, which either are looked into or change.
    pub(super) fn structure(&self, account: i64) -> Arc<Structure> {
        let mut structures = self.inner.structures.lock().unwrap_or_else(PoisonError::into_inner);
        structures.entry(account).or_default().clone()
    }

    /// The mailbox with this key is not as its rows are: it is looked into, if its account is
    /// attached.
    pub(super) fn doubt(&self, account: i64, key: String) {
        let engaged = self.inner.engaged.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, doubts)) = engaged.get(&account) {
            _ = doubts.send(key);
        }
    }

    /// How many bytes of bodies are kept.
    pub(super) fn max_body_bytes(&self) -> i64 {
        self.inner.max_body_bytes.load(Ordering::Relaxed)
    }

    pub(super) fn set_max_body_bytes(&self, bytes: i64) {
        self.inner.max_body_bytes.store(bytes, Ordering::Relaxed);
    }

    /// A body was read. It is written down before room is made, not now: who reads does not wait
    /// for the writer.
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
        let Some(writer) = &self.inner.writer else {
            let what = format!("{}: the store was opened for reading alone", self.path().display());
            return Err(StoreError::new(StoreErrorKind::ReadOnly, what));
        };
        writer.run(durability, job).await
    }

    /// The same for what the server can say again, may take long, and no one waits for: of such
    /// transactions one at a time is in the queue, so that whoever else writes waits for one at
    /// most.
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
    engaged: Arc<Mutex<BTreeMap<i64, (Account, Doubts)>>>,
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
            // By a connection of its own: the check takes what one that has searched remembers of
            // the index for what is in the file, and reports damage once others have written.
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

/// Runs what waits for the disk where it holds nothing up.
pub(super) async fn blocking<T: Send + 'static>(
    job: impl FnOnce() -> StoreResult<T> + Send + 'static,
) -> StoreResult<T> {
    tokio::task::spawn_blocking(job).await.unwrap_or_else(|error| {
        let what = match error.is_panic() {
            true => "this was not done, because of a mistake in this library (its panic is on stderr)",
            false => "the runtime ended before the store had done this",
        };
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

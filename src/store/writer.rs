//! The writer: a thread of its own that has the one connection that writes.
//!
//! ```text
//!   caller ──> queue (first come, first served) ──> thread: one transaction, committed ──> caller
//!                                                     └──> changes are announced
//! ```
//!
//! A job whose caller has gone is either not begun or done in full. One that panics is rolled back,
//! and the next one is done. When the handle is dropped, what is queued and still wanted has no
//! caller any more; the thread ends with the job that it does, and the handle waits for that: then
//! the file is closed.
//!
//! In: jobs, each on one transaction. Out: their results, once they are in the file.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::{mpsc, oneshot, watch};

use super::connection::{in_file, last_change, set_up};
use super::error::{Fault, StoreError, StoreErrorKind, StoreResult};
use super::migrate::{checked_version, migrate};
use super::schema;

/// Jobs that are in the queue; who comes then waits for a place, in the same order.
const MAX_QUEUED: usize = 32;
/// Rows of the log of changes that are kept: who is further behind reads all again.
const MAX_CHANGES: i64 = 100_000;
/// Linux shows the first 15 letters.
const NAME: &str = "imap-store";

/// What a transaction has to survive once it is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Durability {
    /// The end of the process. After a loss of power the last ones may be missing, in order: the
    /// server has it all.
    Process,
    /// A loss of power, too: only the user knows it.
    Power,
}

type Job = Box<dyn FnOnce(&mut Connected) + Send>;

/// The thread. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Writer {
    path: PathBuf,
    // Both are there until it is dropped.
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Opens the file, or makes it, and upgrades it; changes are announced by this sender.
    pub(super) fn open(path: &Path, last_change: Arc<watch::Sender<i64>>) -> StoreResult<Self> {
        let mut connected = Connected::open(path, last_change).map_err(|fault| in_file(fault, path))?;
        let (jobs, mut queue) = mpsc::channel::<Job>(MAX_QUEUED);
        let run = move || {
            while let Some(job) = queue.blocking_recv() {
                job(&mut connected);
            }
        };
        let thread = thread::Builder::new().name(NAME.to_owned()).spawn(run);
        let thread = thread.map_err(|error| StoreError::io("there is no thread to write it", path, error))?;
        Ok(Self { path: path.to_owned(), jobs: Some(jobs), thread: Some(thread) })
    }

    /// Does this in one transaction; after an error of the job nothing is changed.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        durability: Durability,
        job: impl FnOnce(&Transaction<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> StoreResult<T> {
        let (reply, answer) = oneshot::channel();
        // Gone with the caller, in whichever way it waits.
        let caller = Arc::new(());
        let is_wanted = Arc::downgrade(&caller);
        let job: Job = Box::new(move |writer| {
            if is_wanted.strong_count() > 0 {
                _ = reply.send(writer.run(durability, job));
            }
        });
        let ended = |_| self.ended();
        self.jobs.as_ref().ok_or_else(|| self.ended())?.send(job).await.map_err(|_| self.ended())?;
        let answer = match is_time_virtual() {
            false => answer.await.map_err(ended)?,
            // It stands still as long as a thread of tokio's works.
            true => tokio::task::spawn_blocking(move || answer.blocking_recv())
                .await
                .map_or_else(|_| Err(self.ended()), |answer| answer.map_err(ended))?,
        };
        answer.map_err(|fault| in_file(fault, &self.path))
    }

    fn ended(&self) -> StoreError {
        let what = format!("{}: the thread that writes it has ended", self.path.display());
        StoreError::new(StoreErrorKind::Io, what)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        // A job might own the last handle.
        if let Some(thread) =
            self.thread.take().filter(|thread| thread.thread().id() != thread::current().id())
        {
            _ = thread.join();
        }
    }
}

/// Whether tests have stopped the time: a runtime without work then leaps to the next timer, and
/// knows nothing of this thread.
fn is_time_virtual() -> bool {
    let before = std::time::Instant::now();
    let now = tokio::time::Instant::now().into_std();
    now < before || now > std::time::Instant::now()
}

/// What the thread has.
#[derive(Debug)]
struct Connected {
    connection: Connection,
    durability: Durability,
    /// The number of the last change.
    last_change: Arc<watch::Sender<i64>>,
}

impl Connected {
    fn open(path: &Path, last: Arc<watch::Sender<i64>>) -> Result<Self, Fault> {
        let mut connection = Connection::open(path)?;
        set_up(&connection)?;
        // Before WAL, which writes: a file of another program stays as it is.
        checked_version(&connection, schema::STEPS.len())?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", "full")?;
        // What a large transaction has made of the log is given back.
        connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
        migrate(&mut connection, schema::STEPS)?;
        last.send_replace(last_change(&connection)?);
        Ok(Self { connection, durability: Durability::Power, last_change: last })
    }

    fn run<T>(
        &mut self,
        durability: Durability,
        job: impl FnOnce(&Transaction<'_>) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        // The transaction is rolled back on the way out: the connection is as before.
        let done = catch_unwind(AssertUnwindSafe(|| self.transact(durability, job)));
        let (value, last) = done.unwrap_or_else(|_| Err(panicked().into()))?;
        self.last_change.send_if_modified(|known| std::mem::replace(known, last) != last);
        Ok(value)
    }

    /// The result of the job, and the number of the last change.
    fn transact<T>(
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

fn panicked() -> StoreError {
    StoreError::new(
        StoreErrorKind::Io,
        "this was not done, because of a mistake in this library (its panic is on stderr); nothing was changed",
    )
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc as std_mpsc;
    use std::time::Duration;

    use tempfile::TempDir;
    use tokio::time::{sleep, timeout};

    use super::*;

    fn open(folder: &TempDir) -> Writer {
        Writer::open(&folder.path().join("mail.store"), Arc::new(watch::channel(0).0)).expect("a store")
    }

    fn count(writer: &Writer) -> impl Future<Output = StoreResult<i64>> + '_ {
        writer.run(Durability::Process, |file| {
            Ok(file.query_row("SELECT count(*) FROM account", [], |row| row.get(0))?)
        })
    }

    fn add(file: &Transaction<'_>, name: &str) -> Result<(), Fault> {
        file.execute("INSERT INTO account (identity) VALUES (?)", [name])?;
        Ok(())
    }

    /// One is under way, two wait, and the first of these is given up.
    #[tokio::test]
    async fn a_job_whose_caller_has_gone_is_not_begun_or_done_in_full() {
        let folder = tempfile::tempdir().expect("a folder");
        let writer = open(&folder);
        let (begun, wait_begun) = std_mpsc::channel();
        let (go_on, wait) = std_mpsc::channel::<()>();
        let under_way = timeout(
            Duration::from_millis(100),
            writer.run(Durability::Process, move |file| {
                begun.send(()).expect("somebody waits");
                wait.recv().expect("it comes");
                add(file, "under way")
            }),
        );
        under_way.await.expect_err("it takes longer");
        wait_begun.try_recv().expect("it has begun");
        let given_up =
            timeout(Duration::from_millis(20), writer.run(Durability::Process, |file| add(file, "given up")));
        given_up.await.expect_err("it waits");
        go_on.send(()).expect("it waits");
        assert_eq!(count(&writer).await.expect("readable"), 1);
    }

    #[tokio::test]
    async fn a_panic_changes_nothing_and_holds_up_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let writer = open(&folder);
        let failed = writer.run(Durability::Power, |file| -> Result<(), Fault> {
            add(file, "lost")?;
            panic!("as it is meant to be");
        });
        let error = failed.await.expect_err("a panic");
        assert!(error.to_string().contains("a mistake in this library"), "{error}");
        assert_eq!(count(&writer).await.expect("it goes on"), 0);
    }

    /// Whoever opens the file then is alone.
    #[tokio::test]
    async fn dropping_waits_for_what_is_under_way() {
        let folder = tempfile::tempdir().expect("a folder");
        let writer = open(&folder);
        let slow = writer.run(Durability::Process, |file| {
            thread::sleep(Duration::from_millis(200));
            add(file, "slow")
        });
        timeout(Duration::from_millis(50), slow).await.expect_err("it takes longer");
        drop(writer);
        assert_eq!(count(&open(&folder)).await.expect("readable"), 1);
    }

    /// Else what waits for long would be given up because a disk is slow.
    #[tokio::test(start_paused = true)]
    async fn virtual_time_stands_still_while_it_writes() {
        let folder = tempfile::tempdir().expect("a folder");
        let writer = open(&folder);
        let slow = || {
            let slow = writer.run(Durability::Process, |_| {
                thread::sleep(Duration::from_millis(50));
                Ok(())
            });
            timeout(Duration::from_millis(1), slow)
        };
        for done in <[_; 3]>::from(tokio::join!(slow(), slow(), slow())) {
            done.expect("no time has passed").expect("written");
        }
        assert!(is_time_virtual());
        sleep(Duration::from_secs(60)).await;
        assert!(is_time_virtual());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn time_is_real_otherwise() {
        for _ in 0..10_000 {
            assert!(!is_time_virtual());
        }
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn no_thread_is_left_behind() {
        let is_ours = |entry: std::io::Result<std::fs::DirEntry>| {
            let name = entry.and_then(|entry| std::fs::read_to_string(entry.path().join("comm")));
            name.is_ok_and(|name| name.trim() == NAME)
        };
        let folder = tempfile::tempdir().expect("a folder");
        for _ in 0..200 {
            assert_eq!(count(&open(&folder)).await.expect("readable"), 0);
        }
        let left = std::fs::read_dir("/proc/self/task").expect("Linux").map(is_ours);
        // Those of other tests are among them.
        assert!(left.filter(|is_ours| *is_ours).count() < 100);
    }
}

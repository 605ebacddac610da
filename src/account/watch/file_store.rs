//! A store in one file, and a journal beside it.
//!
//! ```text
//!   state.json       a generation, which mailboxes were selected, all records: written beside
//!                    the old one, made durable, renamed
//!   state.json.log   that generation; then a line for each acknowledgement, made durable before
//!                    it counts
//! ```
//!
//! In: one record a mailbox. Out: files from which what was acknowledged can be read at any moment:
//! a line that is not whole was not, and a journal of another generation is in the records already.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::key::MailboxKey;
use super::ledger::StoredMailbox;
use super::store::{StateStore, StoreFuture};

/// The form of the files; a newer one is refused.
const VERSION: u32 = 2;
/// A journal is begun again once it is as large as the records, and at least this.
const MIN_JOURNAL: u64 = 64 * 1024;

/// A [`StateStore`] in a JSON file and a journal beside it (its name, and `.log`), which survive
/// `kill -9` at any moment: each acknowledgement adds a line to the journal and waits until that is
/// on the disk. Once the journal is larger than the file, that is written beside the old one and
/// renamed. The file has a few hundred bytes for each mailbox.
///
/// Two programs must not use one file at the same time.
#[derive(Debug)]
pub struct FileStore {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    state: Mutex<State>,
    /// What is to be written, in its order: a write may begin after one that was asked for later.
    waiting: Mutex<Changed>,
}

#[derive(Debug, Default)]
struct State {
    records: Records,
    selection: Option<String>,
    generation: u64,
    /// Bytes of the file.
    size: u64,
    /// The journal, and its whole lines; without it the next write is of all records.
    journal: Option<(File, u64)>,
    is_loaded: bool,
}

type Records = BTreeMap<MailboxKey, StoredMailbox>;
/// What one line of the journal replaces or removes.
type Changed = Vec<(MailboxKey, Option<StoredMailbox>)>;

#[derive(serde::Deserialize)]
struct Contents {
    version: u32,
    #[serde(default)]
    generation: u64,
    #[serde(default)]
    selection: Option<String>,
    mailboxes: Records,
}

#[derive(serde::Serialize)]
struct ContentsRef<'a> {
    version: u32,
    generation: u64,
    selection: Option<&'a str>,
    mailboxes: &'a Records,
}

impl FileStore {
    /// The store in this file, which need not exist yet; its folder has to.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            inner: Arc::new(Inner { path: path.into(), state: Mutex::default(), waiting: Mutex::default() }),
        }
    }
}

impl StateStore for FileStore {
    fn load(&self) -> StoreFuture<'_, BTreeMap<MailboxKey, StoredMailbox>> {
        let inner = self.inner.clone();
        Box::pin(async move { blocking(move || inner.load()).await })
    }

    fn save(&self, key: MailboxKey, record: Option<StoredMailbox>) -> StoreFuture<'_, ()> {
        self.save_all(vec![(key, record)])
    }

    fn save_all(&self, records: Vec<(MailboxKey, Option<StoredMailbox>)>) -> StoreFuture<'_, ()> {
        let inner = self.inner.clone();
        Box::pin(async move {
            inner.queue(records);
            // It goes on if no one waits for it any more.
            blocking(move || inner.write_waiting()).await
        })
    }

    fn load_selection(&self) -> StoreFuture<'_, Option<String>> {
        let inner = self.inner.clone();
        Box::pin(async move { blocking(move || inner.load_selection()).await })
    }

    fn save_selection(&self, selection: String) -> StoreFuture<'_, ()> {
        let inner = self.inner.clone();
        Box::pin(async move { blocking(move || inner.save_selection(selection)).await })
    }
}

/// Runs what waits for the disk where it holds nothing up.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(io::Error::other(error)))
}

impl Inner {
    fn load(&self) -> io::Result<Records> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        *state = State::read(&self.path)?;
        Ok(state.records.clone())
    }

    /// Held while it is written: a later state is never replaced by an earlier one.
    fn loaded(&self) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !state.is_loaded {
            *state = State::read(&self.path)?;
        }
        Ok(state)
    }

    fn load_selection(&self) -> io::Result<Option<String>> {
        Ok(self.loaded()?.selection.clone())
    }

    /// With all records, since it seldom changes.
    fn save_selection(&self, selection: String) -> io::Result<()> {
        let mut state = self.loaded()?;
        state.selection = Some(selection);
        state.journal = None;
        state.write(&self.path)
    }

    fn queue(&self, changed: Changed) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).extend(changed);
    }

    /// Writes all that waits, unless a write that was asked for later has done so.
    fn write_waiting(&self) -> io::Result<()> {
        let mut state = self.loaded()?;
        let changed = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        if changed.is_empty() && state.journal.is_some() {
            return Ok(());
        }
        let line = serde_json::to_vec(&changed).map_err(io::Error::other)?;
        // What can't be written is written with what comes next.
        apply(&mut state.records, changed);
        match state.journal.take() {
            Some(journal) if journal.1 < state.size.max(MIN_JOURNAL) => {
                state.journal = Some(append(journal, line)?);
                Ok(())
            }
            _ => state.write(&self.path),
        }
    }
}

fn apply(records: &mut Records, changed: Changed) {
    for (key, record) in changed {
        match record {
            Some(record) => _ = records.insert(key, record),
            None => _ = records.remove(&key),
        }
    }
}

/// One line more.
fn append((mut file, at): (File, u64), mut line: Vec<u8>) -> io::Result<(File, u64)> {
    line.push(b'\n');
    file.write_all(&line)?;
    file.sync_data()?;
    Ok((file, at + line.len() as u64))
}

impl State {
    fn read(path: &Path) -> io::Result<Self> {
        let mut state = Self { is_loaded: true, ..Self::default() };
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(state),
            Err(error) => return Err(error),
        };
        let contents = parse(&bytes, path)?;
        (state.records, state.generation, state.size) =
            (contents.mailboxes, contents.generation, bytes.len() as u64);
        state.selection = contents.selection;
        state.read_journal(&beside(path, ".log"))?;
        Ok(state)
    }

    /// Takes what the journal has, if it is of these records, and goes on behind its last whole
    /// line.
    fn read_journal(&mut self, path: &Path) -> io::Result<()> {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        let mut lines = bytes.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n"));
        let Some(first) = lines.next() else { return Ok(()) };
        if serde_json::from_slice::<u64>(first).ok() != Some(self.generation) {
            return Ok(());
        }
        let mut end = first.len();
        for line in lines {
            let Ok(changed) = serde_json::from_slice(line) else { break };
            apply(&mut self.records, changed);
            end += line.len();
        }
        let mut file = OpenOptions::new().write(true).open(path)?;
        file.set_len(end as u64)?;
        file.seek(io::SeekFrom::End(0))?;
        self.journal = Some((file, end as u64));
        Ok(())
    }

    /// Writes all records, and begins a journal of them.
    fn write(&mut self, path: &Path) -> io::Result<()> {
        // One that no journal has, not even one whose file was removed.
        let generation = RandomState::new().hash_one(0_u8);
        let (selection, mailboxes) = (self.selection.as_deref(), &self.records);
        let contents = ContentsRef { version: VERSION, generation, selection, mailboxes };
        let bytes = serde_json::to_vec(&contents).map_err(io::Error::other)?;
        replace(path, &bytes)?;
        (self.generation, self.size) = (generation, bytes.len() as u64);
        // Until it is there the one of before is of no use, and each write is of all records.
        let file = File::create(beside(path, ".log"))?;
        let journal = append((file, 0), generation.to_string().into_bytes())?;
        sync_folder(path)?;
        self.journal = Some(journal);
        Ok(())
    }
}

fn parse(bytes: &[u8], path: &Path) -> io::Result<Contents> {
    let broken =
        |what: String| io::Error::new(io::ErrorKind::InvalidData, format!("{}: {what}", path.display()));
    let contents: Contents =
        serde_json::from_slice(bytes).map_err(|error| broken(format!("no state of a watch: {error}")))?;
    if contents.version > VERSION {
        return Err(broken(format!(
            "version {} is newer than {VERSION}, which this program knows",
            contents.version
        )));
    }
    Ok(contents)
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut beside = path.as_os_str().to_owned();
    beside.push(end);
    PathBuf::from(beside)
}

/// Replaces the file as a whole.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = beside(path, ".new");
    let mut file = File::create(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    sync_folder(path)
}

/// A file's name is on the disk once its folder is.
fn sync_folder(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        File::open(folder)?.sync_all()?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{MailboxName, MailboxState, UidValidity};

    fn record(number: u64) -> (MailboxKey, StoredMailbox) {
        let name = MailboxName::from(format!("Mailbox {number}"));
        let mut state = MailboxState::new(UidValidity::new(7).expect("not zero"));
        state.uids = "1:300,302:900".parse().expect("UIDs");
        state.flags = vec![([crate::types::Flag::Seen].into(), "1:300,302:880".parse().expect("UIDs"))];
        (MailboxKey::of_name(&name, 0), StoredMailbox { state: Some(state), ..StoredMailbox::new(name) })
    }

    fn save(store: &FileStore, number: u64, batch: u64) {
        let (key, record) = record(number);
        save_all(store, vec![(key, Some(StoredMailbox { batch, ..record }))]);
    }

    fn save_all(store: &FileStore, changed: Changed) {
        store.inner.queue(changed);
        store.inner.write_waiting().expect("it can be written");
    }

    /// An acknowledgement that is not waited for any more may find a thread later than the next
    /// one.
    #[test]
    fn an_earlier_record_never_replaces_a_later_one() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("state.json");
        let store = FileStore::new(&path);
        save(&store, 1, 1);
        for batch in [2, 3] {
            let (key, record) = record(1);
            store.inner.queue(vec![(key, Some(StoredMailbox { batch, ..record }))]);
        }
        let size = || fs::metadata(beside(&path, ".log")).expect("it is there").len();
        store.inner.write_waiting().expect("it can be written");
        let written = (read(&path), size());
        store.inner.write_waiting().expect("there is nothing left to write");
        assert_eq!(((read(&path), size()), written.0.clone()), (written, vec![3]));
    }

    /// It is dropped where its write has been asked for, and nothing waits for that.
    #[tokio::test]
    async fn an_acknowledgement_that_is_dropped_is_written_in_its_turn() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("state.json");
        let store = FileStore::new(&path);
        let of = |batch| {
            let (key, record) = record(1);
            store.save(key, Some(StoredMailbox { batch, ..record }))
        };
        for round in 0..50 {
            let mut first = of(2 * round + 1);
            let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
            assert!(first.as_mut().poll(&mut cx).is_pending());
            drop(first);
            of(2 * round + 2).await.expect("it can be written");
            // Once all threads are done.
            let records = store.load().await.expect("it can be read");
            assert_eq!(batches(&records), [2 * round + 2]);
        }
    }

    fn batches(records: &Records) -> Vec<u64> {
        records.values().map(|record| record.batch).collect()
    }

    fn read(path: &Path) -> Vec<u64> {
        batches(&FileStore::new(path).inner.load().expect("it can be read"))
    }

    /// Wherever a program is killed, what was acknowledged is there, and it goes on from there.
    #[test]
    fn a_journal_that_ends_anywhere_has_all_lines_that_are_whole() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("state.json");
        let log = beside(&path, ".log");
        let store = FileStore::new(&path);
        (0..4).for_each(|batch| save(&store, 1, batch));
        save_all(&store, vec![(record(2).0, None)]);
        let whole = fs::read(&log).expect("it is there");
        let generation = store.inner.state.lock().expect("no panic").generation;
        let lines = |bytes: &[u8]| bytes.iter().filter(|byte| **byte == b'\n').count();
        assert_eq!(lines(&whole), 5, "its generation, and all but the first, which is in the file");
        for end in 0..=whole.len() {
            fs::write(&log, &whole[..end]).expect("it can be written");
            let expected = (lines(&whole[..end]).saturating_sub(1) as u64).min(3);
            let again = FileStore::new(&path);
            assert_eq!(batches(&again.inner.load().expect("it can be read")), [expected], "{end}");
            save(&again, 1, 9);
            assert_eq!(read(&path), [9], "{end}: it goes on");
            // As it was.
            fs::write(
                &path,
                serde_json::to_vec(&ContentsRef {
                    version: VERSION,
                    generation,
                    selection: None,
                    mailboxes: &[record(1)].into(),
                })
                .expect("JSON"),
            )
            .expect("it can be written");
        }
        // Power that fails may leave anything behind the last line.
        let mut garbage = whole.clone();
        garbage.extend([0; 100]);
        garbage.extend(b"\n[]\n");
        fs::write(&log, garbage).expect("it can be written");
        assert_eq!(read(&path), [3]);
    }

    #[test]
    fn a_journal_of_other_records_counts_for_nothing() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("state.json");
        let store = FileStore::new(&path);
        save(&store, 1, 1);
        save(&store, 1, 2);
        let old = fs::read(beside(&path, ".log")).expect("it is there");
        // It is written as a whole, and the program is killed before the journal is begun again.
        store.inner.state.lock().expect("no panic").journal = None;
        save(&store, 1, 3);
        fs::write(beside(&path, ".log"), old).expect("it can be written");
        assert_eq!(read(&path), [3]);
        fs::remove_file(beside(&path, ".log")).expect("it is there");
        assert_eq!(read(&path), [3]);
        // A file of before there was a journal.
        fs::write(&path, b"{\"version\":1,\"mailboxes\":{}}").expect("it can be written");
        let store = FileStore::new(&path);
        save(&store, 1, 4);
        save(&store, 2, 5);
        assert_eq!(read(&path), [4, 5]);
    }

    /// The file was removed and the journal was not, and the program is killed before that is begun
    /// again.
    #[test]
    fn a_journal_of_a_file_that_was_removed_counts_for_nothing() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("state.json");
        let store = FileStore::new(&path);
        save(&store, 1, 1);
        save(&store, 1, 2);
        let old = fs::read(beside(&path, ".log")).expect("it is there");
        fs::remove_file(&path).expect("it is there");
        assert!(read(&path).is_empty());
        save(&FileStore::new(&path), 1, 0);
        fs::write(beside(&path, ".log"), old).expect("it can be written");
        assert_eq!(read(&path), [0]);
    }

    /// An acknowledgement costs what it changes: among a thousand mailboxes as much as with one.
    #[test]
    fn what_is_written_does_not_grow_with_the_mailboxes() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("state.json");
        let store = FileStore::new(&path);
        let all = (0..1000).map(record).map(|(key, record)| (key, Some(record))).collect();
        save_all(&store, all);
        let size = || fs::metadata(beside(&path, ".log")).expect("it is there").len();
        let (mut generations, mut written) = (0, 0);
        for batch in 0..2000 {
            let before = (store.inner.state.lock().expect("no panic").generation, size());
            save(&store, batch % 1000, batch);
            let now = store.inner.state.lock().expect("no panic").generation;
            match now == before.0 {
                true => written += size() - before.1,
                false => generations += 1,
            }
        }
        assert!(written < 2000 * 1000, "{written} bytes");
        assert!((1..=4).contains(&generations), "{generations} times all");
        assert!(size() < 2 * fs::metadata(&path).expect("it is there").len());
        let again = FileStore::new(&path).inner.load().expect("it can be read");
        assert_eq!((again.len(), batches(&again).iter().sum::<u64>()), (1000, (1000..2000).sum()));
    }
}

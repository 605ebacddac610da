//! A store in one file.
//!
//! In: one record a mailbox. Out: a JSON file that is whole at any moment: it is written beside the
//! old one, made durable, and renamed.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::key::MailboxKey;
use super::ledger::StoredMailbox;
use super::store::{StateStore, StoreFuture};

/// The form of the file; a newer one is refused.
const VERSION: u32 = 1;

/// A [`StateStore`] in one JSON file, which survives `kill -9` at any moment: each acknowledgement
/// writes the file anew beside the old one and renames it once it is on the disk. For accounts of
/// some thousand mailboxes; the file has a few hundred bytes for each.
///
/// Two programs must not use one file at the same time.
#[derive(Debug)]
pub struct FileStore {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    records: Mutex<BTreeMap<MailboxKey, StoredMailbox>>,
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Contents {
    version: u32,
    mailboxes: BTreeMap<MailboxKey, StoredMailbox>,
}

impl FileStore {
    /// The store in this file, which need not exist yet; its folder has to.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { inner: Arc::new(Inner { path: path.into(), records: Mutex::default() }) }
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
        Box::pin(async move { blocking(move || inner.save(records)).await })
    }
}

/// Runs what waits for the disk where it holds nothing up.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(io::Error::other(error)))
}

impl Inner {
    fn load(&self) -> io::Result<BTreeMap<MailboxKey, StoredMailbox>> {
        let contents = match fs::read(&self.path) {
            Ok(bytes) => read(&bytes, &self.path)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(error),
        };
        self.records.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&contents);
        Ok(contents)
    }

    fn save(&self, changed: Vec<(MailboxKey, Option<StoredMailbox>)>) -> io::Result<()> {
        // Held while the file is written: a later state is never replaced by an earlier one.
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, record) in changed {
            match record {
                Some(record) => _ = records.insert(key, record),
                None => _ = records.remove(&key),
            }
        }
        let contents = Contents { version: VERSION, mailboxes: records.clone() };
        write(&self.path, &serde_json::to_vec(&contents).map_err(io::Error::other)?)
    }
}

fn read(bytes: &[u8], path: &Path) -> io::Result<BTreeMap<MailboxKey, StoredMailbox>> {
    let broken =
        |what: String| io::Error::new(io::ErrorKind::InvalidData, format!("{}: {what}", path.display()));
    let contents: Contents =
        serde_json::from_slice(bytes).map_err(|error| broken(format!("no state of a watch: {error}")))?;
    if contents.version != VERSION {
        return Err(broken(format!(
            "version {} is not {VERSION}, which this program knows",
            contents.version
        )));
    }
    Ok(contents.mailboxes)
}

/// Replaces the file as a whole.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    let mut file = File::create(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    // The rename is on the disk once its folder is.
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

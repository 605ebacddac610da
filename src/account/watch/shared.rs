//! What the task of a watch and its handle share: the ledger, and the store of what was
//! acknowledged.
//!
//! In: acknowledgements, and what is known of mailboxes before any. Out: their records, in the
//! store; those that it has not taken are stored with the next ones.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Mutex as AsyncMutex, Notify as Signal};

use super::cursor::Place;
use super::key::MailboxKey;
use super::ledger::Ledger;
use super::progress::Progress;
use super::selection::Selection;
use super::store::StateStore;
use crate::error::{Error, ErrorKind, Result};

/// What the task shares with the handle of the watch.
pub(super) struct Shared {
    ledger: Mutex<Ledger>,
    store: Box<dyn StateStore>,
    /// Mailboxes whose records the store may not have as they are.
    unsaved: AsyncMutex<BTreeSet<MailboxKey>>,
    /// Which mailboxes were watched by the last run that the store knows of.
    selection: Mutex<Option<Box<str>>>,
    pub(super) acknowledged: Signal,
    pub(super) progress: Progress,
}

impl Shared {
    pub(super) fn new(ledger: Ledger, store: Box<dyn StateStore>, selection: Option<String>) -> Arc<Self> {
        let (acknowledged, progress) = (Signal::new(), Progress::new());
        Arc::new(Self {
            ledger: Mutex::new(ledger),
            store,
            unsaved: AsyncMutex::default(),
            selection: Mutex::new(selection.map(String::into_boxed_str)),
            acknowledged,
            progress,
        })
    }

    pub(super) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stores the records of the mailboxes that this returns, and those that were not stored
    /// before: the ledger has moved on, though the store has failed or a caller has not waited for
    /// it.
    pub(super) async fn save<K>(&self, change: impl FnOnce(&mut Ledger) -> K) -> Result<()>
    where
        K: IntoIterator<Item = MailboxKey>,
    {
        // One after the other, so that an earlier record never replaces a later one.
        let mut unsaved = self.unsaved.lock().await;
        let records: Vec<_> = {
            let mut ledger = self.ledger();
            unsaved.extend(change(&mut ledger));
            unsaved.iter().map(|key| (key.clone(), ledger.acknowledged(key).cloned())).collect()
        };
        if !records.is_empty() {
            self.store.save_all(records).await.map_err(not_stored)?;
            unsaved.clear();
        }
        Ok(())
    }

    /// Which mailboxes were watched by the last run.
    pub(super) fn selection(&self) -> Option<Selection> {
        let selection = self.selection.lock().unwrap_or_else(PoisonError::into_inner);
        selection.as_deref().map(Selection::from_text)
    }

    /// These mailboxes are watched, and what is known of them at first is stored.
    pub(super) async fn save_selection(&self, selection: &Selection) -> Result<()> {
        let text = selection.to_text();
        let is_same = |before: &Option<Box<str>>| before.as_deref() == Some(text.as_str());
        if is_same(&self.selection.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(());
        }
        // What was not stored goes before it.
        self.save(|_| []).await?;
        let _one_at_a_time = self.unsaved.lock().await;
        self.store.save_selection(text.clone()).await.map_err(not_stored)?;
        *self.selection.lock().unwrap_or_else(PoisonError::into_inner) = Some(text.into());
        Ok(())
    }

    /// The changes that stand there are acknowledged: stores the last record of each mailbox.
    pub(super) async fn acknowledge<'a>(&self, places: impl IntoIterator<Item = Place<'a>>) -> Result<()> {
        self.save(|ledger| {
            let keys = acknowledge(ledger, places);
            self.acknowledged.notify_one();
            keys
        })
        .await
    }
}

/// The mailboxes whose records these acknowledgements change.
fn acknowledge<'a>(ledger: &mut Ledger, places: impl IntoIterator<Item = Place<'a>>) -> Vec<MailboxKey> {
    // A record may be large, and the last change of a mailbox covers all of it.
    let mut last: BTreeMap<&MailboxKey, Place<'_>> = BTreeMap::new();
    for place in places.into_iter().filter(|place| ledger.has_delivered(*place)) {
        let last = last.entry(place.key).or_insert(place);
        if last.number < place.number {
            *last = place;
        }
    }
    let moved = last.into_iter().filter(|(_, place)| ledger.acknowledge(*place));
    let mut keys: Vec<_> = moved.map(|(key, _)| key.clone()).collect();
    if keys.iter().any(|key| ledger.acknowledged(key).is_some_and(|record| record.is_gone)) {
        keys.extend(ledger.forget_gone());
    }
    keys
}

/// The error of a store that has failed.
fn not_stored(error: std::io::Error) -> Error {
    Error::new(ErrorKind::Invalid, "the state of the watch could not be stored").because(error)
}

//! The task that sends what is queued, one command at a time, in an order that keeps what depends
//! on each other.
//!
//! In: the queue in the file, an account. Out: commands; rows that say what has become of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rusqlite::{OptionalExtension as _, Transaction};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use super::schedule::{self, Operation};
use super::{Action, queue};
use crate::account::Account;
use crate::error::{Error, ErrorKind};
use crate::store::database::{Database, Durability};
use crate::store::error::{Fault, StoreError, StoreErrorKind};
use crate::store::ids::{MailboxId, MessageId, OperationId, RowIds as _};
use crate::store::sync::{Either, Note, race};
use crate::types::{Code, MailboxName, Uid, UidValidity};

/// How many messages one command names.
const MAX_BATCH: usize = 500;
/// How often an operation is tried that fails by itself.
const MAX_FAILURES: u32 = 8;
/// The pause after a failure; each further one doubles it.
const MIN_PAUSE: Duration = Duration::from_secs(1);
const MAX_PAUSE: Duration = Duration::from_secs(5 * 60);

/// Why an operation could not be done now.
#[derive(Debug)]
pub(super) enum Trouble {
    Server(Error),
    Store(StoreError),
    /// The rows are behind the server: a look comes first.
    Behind,
    /// The message waits for its UID: a look brings it.
    Waiting,
    /// The server may still be at what was sent on a connection that is lost: what has become of it
    /// is looked for again then.
    Underway(Instant),
}

impl Trouble {
    /// Whether it is that of all operations: the server can't be reached, or the file not written.
    fn is_general(&self) -> bool {
        match self {
            Self::Server(error) => !is_refusal(error) && !is_about_these(error),
            Self::Store(_) => true,
            Self::Behind | Self::Waiting | Self::Underway(_) => false,
        }
    }

    /// Whether it may pass by itself, after whatever time.
    fn may_pass(&self) -> bool {
        match self {
            Self::Server(error) => error.is_transient(),
            Self::Store(_) | Self::Waiting | Self::Underway(_) => true,
            Self::Behind => false,
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Server(error) => error.to_string(),
            Self::Store(error) => error.to_string(),
            Self::Behind => "the mailbox is another one at the server than here".to_owned(),
            Self::Waiting => {
                "the mailbox has other UIDs, and not all of its messages are here yet".to_owned()
            }
            Self::Underway(_) => "sent, and not answered: the server may still be at it".to_owned(),
        }
    }
}

/// An operation that failed by itself, and is not tried again before its time.
#[derive(Debug, Default)]
struct Held {
    failures: u32,
    until: Option<Instant>,
    /// A look brings what it lacks.
    is_behind: bool,
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Server(error)
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

pub(super) type Tried<T> = Result<T, Trouble>;

/// A mailbox, as an operation needs it.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) id: MailboxId,
    pub(super) key: Option<String>,
    /// At the server; `None`: it is not there.
    pub(super) name: Option<MailboxName>,
    pub(super) uid_validity: Option<UidValidity>,
}

impl Place {
    pub(super) fn name(&self) -> Tried<MailboxName> {
        let what = || StoreError::new(StoreErrorKind::Invalid, "the mailbox is not at the server any more");
        self.name.clone().ok_or_else(|| Trouble::Store(what()))
    }

    /// The row of a mailbox.
    pub(super) fn read(file: &Transaction<'_>, id: Option<MailboxId>) -> Result<Option<Self>, Fault> {
        let Some(id) = id else { return Ok(None) };
        let mut find = file.prepare_cached("SELECT key, name, uid_validity FROM mailbox WHERE id = ?")?;
        let row = find.query_row([id.0], |row| {
            Ok(Self {
                id,
                key: row.get(0)?,
                name: row.get::<_, Option<String>>(1)?.map(MailboxName::exact),
                uid_validity: row.get::<_, Option<u32>>(2)?.and_then(UidValidity::new),
            })
        });
        Ok(row.optional()?)
    }
}

/// Sends what is queued for one account.
pub(in crate::store) struct Executor {
    pub(super) account: Account,
    pub(super) account_id: i64,
    pub(super) database: Database,
    notes: UnboundedSender<Note>,
    /// Whether something is on its way; what it changes is announced before it is not.
    busy: Arc<AtomicBool>,
    /// Up to this one each is sent by itself: one of them was refused among others.
    singly_up_to: OperationId,
    held: BTreeMap<OperationId, Held>,
    /// How long the server may be at a command whose connection is lost.
    repeat_after: Duration,
    /// Operations that may be underway at the server, and until when they are not sent again.
    underway: BTreeMap<OperationId, Instant>,
}

impl Executor {
    pub(in crate::store) fn new(
        account: Account,
        account_id: i64,
        database: Database,
        notes: UnboundedSender<Note>,
        busy: Arc<AtomicBool>,
        repeat_after: Duration,
    ) -> Self {
        let (singly_up_to, held, underway) = (OperationId(0), BTreeMap::new(), BTreeMap::new());
        Self { account, account_id, database, notes, busy, singly_up_to, held, repeat_after, underway }
    }

    /// Runs until the account ends or the task is aborted, at whatever point.
    pub(in crate::store) async fn run(mut self) {
        let mut queued = self.database.queued();
        let mut failures = 0;
        let account = self.account_id;
        if let Ok(operations) = self.database.read(move |file| schedule::all(file, account)).await {
            self.lost(operations.iter().filter(|operation| operation.is_in_doubt()));
        }
        loop {
            queued.borrow_and_update();
            self.busy.store(true, Ordering::SeqCst);
            let batch = match self.database.read(move |file| schedule::all(file, account)).await {
                Ok(operations) => self.choose(&operations),
                Err(_) => Vec::new(),
            };
            if batch.is_empty() {
                self.busy.store(false, Ordering::SeqCst);
                // Who waits for that looks again.
                _ = self.notes.send(Note::Operated { mailboxes: BTreeSet::new(), listing: false });
                if !self.wait(&mut queued).await {
                    return;
                }
                continue;
            }
            match self.perform(&batch).await {
                Ok(()) => {
                    failures = 0;
                    for operation in &batch {
                        self.held.remove(&operation.id);
                        self.underway.remove(&operation.id);
                    }
                }
                Err(Trouble::Server(error))
                    if error.kind() == ErrorKind::Closed && self.account.has_ended() =>
                {
                    return;
                }
                Err(trouble) if trouble.is_general() => {
                    sleep(pause(failures)).await;
                    failures += 1;
                }
                Err(trouble) => self.hold(&batch, &trouble).await,
            }
        }
    }

    /// Waits until something is queued, or one that is held may be tried again; `false`: never.
    async fn wait(&mut self, queued: &mut watch::Receiver<u64>) -> bool {
        let first = self.held.values().filter_map(|held| held.until).min();
        let Some(first) = first else { return queued.changed().await.is_ok() };
        if let Either::First(changed) = race(queued.changed(), sleep_until(first)).await {
            // A look may have ended, which brings what they lacked.
            self.held.values_mut().filter(|held| held.is_behind).for_each(|held| held.until = None);
            return changed.is_ok();
        }
        let now = Instant::now();
        self.held.values_mut().for_each(|held| held.until = held.until.filter(|until| *until > now));
        true
    }

    /// These have failed by themselves: others go first. What fails again and again is parked, so
    /// that the user learns of it.
    async fn hold(&mut self, batch: &[Operation], trouble: &Trouble) {
        let mut given_up = Vec::new();
        for operation in batch {
            let held = self.held.entry(operation.id).or_default();
            if let Trouble::Underway(until) = trouble {
                held.until = Some(*until);
                continue;
            }
            held.until = Some(Instant::now() + pause(held.failures));
            held.failures += 1;
            held.is_behind = matches!(trouble, Trouble::Waiting);
            if held.failures >= MAX_FAILURES && !trouble.may_pass() {
                given_up.push(operation.clone());
            }
        }
        if given_up.is_empty() {
            return;
        }
        let why = format!("given up after {MAX_FAILURES} attempts: {}", trouble.text());
        if self.park(&given_up, &why).await.is_ok() {
            given_up.iter().for_each(|operation| _ = self.held.remove(&operation.id));
        }
    }

    fn choose(&self, operations: &[Operation]) -> Vec<Operation> {
        let is_held = |id: OperationId| self.held.get(&id).is_some_and(|held| held.until.is_some());
        let batch = schedule::next(operations, is_held, MAX_BATCH);
        if batch.first().is_some_and(|first| first.id <= self.singly_up_to) {
            return batch.into_iter().take(1).collect();
        }
        batch
    }

    /// Does these, which go together; an error: they are to be tried again.
    async fn perform(&mut self, batch: &[Operation]) -> Tried<()> {
        let Some(first) = batch.first() else { return Ok(()) };
        let names = self.names(first).await?;
        let structure = self.database.structure(self.account_id);
        let changing = match first.is_structural() {
            true => {
                // Without a connection those that hold it wait, too.
                drop(self.account.session().await?);
                Some(structure.change().await)
            }
            false => None,
        };
        let tried =
            if first.is_in_doubt() { self.settle(first).await.map(|_| ()) } else { self.send(batch).await };
        drop(changing);
        match tried {
            Ok(()) => {}
            Err(Trouble::Server(error)) if is_refusal(&error) => {
                if self.is_elsewhere(first, &names).await? {
                    self.announce(batch, true).await;
                    return Err(Trouble::Behind);
                }
                if is_missing(&error) && !first.is_structural() {
                    // It is listed, so it was away for a moment: others have renamed it and back.
                    return Err(Trouble::Server(error));
                }
                self.refused(batch, &error).await?;
            }
            Err(Trouble::Store(error)) if error.kind() == StoreErrorKind::Invalid => {
                self.park(batch, &error.to_string()).await?;
            }
            Err(trouble) => {
                if !first.is_in_doubt() {
                    self.lost(batch);
                }
                // What was not sent is not in doubt.
                if let Trouble::Server(error) = &trouble {
                    let what = error.to_string();
                    self.note_error(batch, what).await?;
                }
                self.announce(batch, false).await;
                return Err(trouble);
            }
        }
        self.announce(batch, false).await;
        Ok(())
    }

    /// The answer to these is lost, and the server may be at them for a while.
    fn lost<'a>(&mut self, operations: impl IntoIterator<Item = &'a Operation>) {
        let until = Instant::now() + self.repeat_after;
        self.underway.extend(operations.into_iter().map(|operation| (operation.id, until)));
    }

    /// Whether the server is no more at this one.
    pub(super) fn check_ended(&self, operation: &Operation) -> Tried<()> {
        match self.underway.get(&operation.id) {
            Some(until) if *until > Instant::now() => Err(Trouble::Underway(*until)),
            _ => Ok(()),
        }
    }

    /// The server has refused a command for good.
    async fn refused(&mut self, batch: &[Operation], error: &Error) -> Tried<()> {
        let what = error.to_string();
        let mut refused = Vec::new();
        for operation in batch {
            // It may have been done in part.
            match self.settle(operation).await {
                Ok(true) => {}
                Ok(false) => refused.push(operation.clone()),
                Err(Trouble::Server(why)) if is_refusal(&why) => {
                    let what = format!("{what}; whether it is done can't be found out: {why}");
                    self.park(std::slice::from_ref(operation), &what).await?;
                }
                Err(trouble) => return Err(trouble),
            }
        }
        match (batch, refused.as_slice()) {
            (_, []) => Ok(()),
            ([_], [one]) => self.park(std::slice::from_ref(one), &what).await,
            (batch, _) => {
                self.singly_up_to = batch.last().map_or(OperationId(0), |last| last.id);
                Ok(())
            }
        }
    }

    async fn park(&self, batch: &[Operation], why: &str) -> Tried<()> {
        let ids: Vec<OperationId> = batch.iter().map(|operation| operation.id).collect();
        let why = why.to_owned();
        let job = move |file: &Transaction<'_>| queue::set_state(file, &ids, "parked", Some(&why));
        Ok(self.database.write(Durability::Power, job).await?)
    }

    async fn note_error(&self, batch: &[Operation], why: String) -> Tried<()> {
        let ids: Vec<OperationId> = batch.iter().map(|operation| operation.id).collect();
        let job = move |file: &Transaction<'_>| {
            let mut update = file.prepare_cached("UPDATE operation SET error = ?2 WHERE id = ?1")?;
            ids.iter().try_for_each(|id| update.execute(rusqlite::params![id.0, why]).map(|_| ()))?;
            Ok(())
        };
        Ok(self.database.write(Durability::Process, job).await?)
    }

    /// Whether a mailbox of this operation is not at the server under the name that it had: another
    /// client has renamed it, or one above it. The next listing shows it here, if none has yet.
    async fn is_elsewhere(&self, operation: &Operation, names: &[MailboxName]) -> Tried<bool> {
        if matches!(operation.action, Action::Create { .. } | Action::Rename { .. } | Action::Delete) {
            return Ok(false);
        }
        let listed = self.account.session().await?.list("*").await?;
        let is_listed =
            |name: &MailboxName| listed.iter().any(|entry| entry.name == *name && entry.is_selectable());
        Ok(!names.iter().all(is_listed))
    }

    /// The names of the mailboxes of this operation at the server.
    async fn names(&self, operation: &Operation) -> Tried<Vec<MailboxName>> {
        let ids: Vec<MailboxId> = operation.mailbox.into_iter().chain(operation.target).collect();
        let places = self.database.read(move |file| {
            ids.into_iter().map(|id| Place::read(file, Some(id))).collect::<Result<Vec<_>, _>>()
        });
        Ok(places.await?.into_iter().flatten().filter_map(|place| place.name).collect())
    }

    /// The mailboxes concerned are to be looked into; and their list, if `listing`.
    async fn announce(&self, batch: &[Operation], listing: bool) {
        let ids: BTreeSet<MailboxId> = batch
            .iter()
            .flat_map(|operation| operation.mailbox.into_iter().chain(operation.target))
            .collect();
        let is_structural = |operation: &Operation| {
            matches!(operation.action, Action::Create { .. } | Action::Rename { .. } | Action::Delete)
        };
        let listing = listing || batch.iter().any(is_structural);
        let sources: Vec<MessageId> = batch
            .iter()
            .filter_map(|operation| match operation.action {
                Action::Copy { source } => Some(source),
                _ => None,
            })
            .collect();
        let keys = self.database.read(move |file| {
            let mut find = file.prepare_cached("SELECT mailbox FROM message WHERE id = ?")?;
            let mut all = ids;
            for source in sources {
                let mailbox = find.query_row([source.0], |row| row.optional_id::<MailboxId>(0)).optional()?;
                all.extend(mailbox.flatten());
            }
            all.into_iter().map(|id| Place::read(file, Some(id))).collect::<Result<Vec<_>, _>>()
        });
        let keys = keys.await.unwrap_or_default();
        // A mailbox without an identifier is to be found first.
        let listing = listing || keys.iter().flatten().any(|place| place.key.is_none());
        let mailboxes = keys.into_iter().flatten().filter_map(|place| place.key).collect();
        _ = self.notes.send(Note::Operated { mailboxes, listing });
    }

    /// Where the server has a message; `None`: nowhere, as far as is known. The mailbox is as it
    /// was at the same moment: under another UIDVALIDITY the UID would be another message's.
    pub(super) async fn locate(&self, message: Option<MessageId>) -> Tried<Option<(Place, Uid)>> {
        let Some(message) = message else { return Ok(None) };
        let find = move |file: &Transaction<'_>| {
            let row = file
                .prepare_cached("SELECT mailbox, uid FROM message WHERE id = ?")?
                .query_row([message.0], |row| {
                    Ok((row.optional_id::<MailboxId>(0)?, row.get::<_, Option<u32>>(1)?))
                })
                .optional()?;
            let Some((mailbox, uid)) = row else { return Ok(None) };
            Ok(Place::read(file, mailbox)?.map(|place| (place, uid)))
        };
        match self.database.read(find).await? {
            Some((place, Some(uid))) => Ok(Uid::new(uid).map(|uid| (place, uid))),
            Some((_, None)) => Err(Trouble::Waiting),
            None => Ok(None),
        }
    }

    pub(super) async fn place(&self, id: Option<MailboxId>) -> Tried<Place> {
        let place = self.database.read(move |file| Place::read(file, id)).await?;
        let what = || StoreError::new(StoreErrorKind::Invalid, "the mailbox is gone");
        place.ok_or_else(|| Trouble::Store(what()))
    }
}

/// The pause after so many failures.
fn pause(failures: u32) -> Duration {
    MIN_PAUSE.saturating_mul(1 << failures.min(10)).min(MAX_PAUSE)
}

/// Whether it is about what the command named, though it may succeed later: others may be done now.
fn is_about_these(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::No | ErrorKind::Incomplete | ErrorKind::Partial | ErrorKind::Protocol)
}

/// Whether a mailbox that was named is not there.
fn is_missing(error: &Error) -> bool {
    matches!(error.code(), Some(Code::NonExistent | Code::TryCreate))
}

/// Whether the same will be refused again.
fn is_refusal(error: &Error) -> bool {
    let for_good = matches!(
        error.kind(),
        ErrorKind::No
            | ErrorKind::Bad
            | ErrorKind::Invalid
            | ErrorKind::Unsupported
            | ErrorKind::ReadOnly
            | ErrorKind::Expunged
    );
    for_good && !error.is_transient()
}

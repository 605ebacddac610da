//! The watch's task: it sweeps over the mailboxes, looks into those that differ, follows the most
//! wanted one, and delivers what has changed.
//!
//! ```text
//!   sweep (LIST, STATUS) ──> plan ──> look ── deltas ──> ledger ── changes ──> Changes::next
//!        ^                     └────> follow ──┘  └── hints (NOTIFY) ──> sweep soon
//!        └── interval
//! ```
//!
//! In: notes of the tasks that sweep, look and follow; time. Out: changes, in order for each
//! mailbox.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::sync::mpsc::{Receiver as ChannelReceiver, Sender as ChannelSender};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::Watch;
use super::change::{Change, ChangeKind};
use super::follow::{Ended, Follow, follow};
use super::key::MailboxKey;
use super::ledger::{Delta, Ledger, StoredMailbox};
use super::plan::{Counts, Difference, Found, Plan};
use super::store::StateStore;
use super::sweep::sweep;
use crate::account::Account;
use crate::error::{Error, ErrorKind, Result};
use crate::types::{MailboxName, ModSeq};

/// How many mailboxes are looked into at the same time.
const MAX_LOOKS: usize = 2;
/// How soon a sweep follows a hint that something has changed.
const SOON: Duration = Duration::from_secs(1);
/// How soon a sweep follows one that was cut off.
const SOON_AGAIN: Duration = Duration::from_secs(10);

/// What a task of the watch reports.
pub(super) enum Note {
    Delta(MailboxKey, Option<ModSeq>, Delta),
    /// A look has ended, or a mailbox is not followed any more.
    Ended(MailboxKey, Ended),
    Swept(Result<Vec<Found>>),
    /// Another mailbox has changed.
    Hint,
}

/// What the task shares with the handle of the watch.
pub(super) struct Shared {
    ledger: Mutex<Ledger>,
    pub(super) store: Box<dyn StateStore>,
    pub(super) acknowledged: Notify,
}

impl Shared {
    pub(super) fn new(ledger: Ledger, store: Box<dyn StateStore>) -> Arc<Self> {
        Arc::new(Self { ledger: Mutex::new(ledger), store, acknowledged: Notify::new() })
    }

    pub(super) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) struct WatchTask {
    account: Account,
    watch: Watch,
    shared: Arc<Shared>,
    changes: ChannelSender<Result<Change>>,
    notes: ChannelReceiver<Note>,
    own: ChannelSender<Note>,
    plan: Plan,
    tasks: JoinSet<()>,
    looks: usize,
    /// The mailbox that is followed.
    followed: Option<MailboxKey>,
    sweeping: bool,
    next_sweep: Instant,
    has_swept: bool,
    /// Nothing was stored: the mailboxes that are there now are not new.
    is_first_run: bool,
}

/// The program has dropped the watch, or the account has ended.
struct Dropped;

type Delivered = std::result::Result<(), Dropped>;

impl WatchTask {
    pub(super) fn new(
        account: Account,
        watch: Watch,
        shared: Arc<Shared>,
        changes: ChannelSender<Result<Change>>,
        (own, notes): (ChannelSender<Note>, ChannelReceiver<Note>),
    ) -> Self {
        let mut plan = Plan::default();
        let is_first_run = shared.ledger().is_empty();
        for (key, head) in shared.ledger().heads() {
            let counts = head.state.as_ref().map(Counts::of_state).unwrap_or_default();
            plan.know(key.clone(), head.name.clone(), counts);
        }
        Self {
            account,
            watch,
            shared,
            changes,
            notes,
            own,
            plan,
            tasks: JoinSet::new(),
            looks: 0,
            followed: None,
            sweeping: false,
            next_sweep: Instant::now(),
            has_swept: false,
            is_first_run,
        }
    }

    /// Runs until the handle of the watch is dropped.
    pub(super) async fn run(mut self) {
        loop {
            self.start(Instant::now());
            while self.tasks.try_join_next().is_some() {}
            let at = if self.sweeping { Instant::now() + self.watch.interval } else { self.next_sweep };
            // A program that has dropped the watch is noticed at the next sweep at the latest.
            let note = match timeout_at(at, self.notes.recv()).await {
                Ok(Some(note)) => note,
                Ok(None) => return,
                Err(_) if self.changes.is_closed() => return,
                Err(_) => continue,
            };
            if self.handle(note).await.is_err() {
                return;
            }
        }
    }

    /// Starts what is due.
    fn start(&mut self, now: Instant) {
        if !self.sweeping && self.next_sweep <= now {
            self.sweeping = true;
            self.tasks.spawn(sweep(self.account.clone(), self.watch.clone(), self.own.clone()));
        }
        if !self.has_swept {
            return;
        }
        if let (None, Some(wanted)) = (&self.followed, &self.watch.followed)
            && let Some(key) = self.plan.key(wanted).cloned()
            && self.account.max_connections() > 1
            && self.plan.follow(&key)
        {
            self.followed = Some(key.clone());
            self.spawn(key, true);
        }
        while self.looks < MAX_LOOKS
            && let Some(key) = self.plan.next_look()
        {
            self.looks += 1;
            self.spawn(key, false);
        }
    }

    fn spawn(&mut self, key: MailboxKey, stays: bool) {
        let Some(name) = self.plan.name(&key).cloned() else { return };
        let mut ledger = self.shared.ledger();
        let is_new = |head: &StoredMailbox| head.state.is_none() && (self.watch.from_start || head.is_new);
        if ledger.head(&key).is_some_and(is_new)
            && let Some(uid_validity) = self.plan.uid_validity(&key)
        {
            // From an empty state on, all its messages arrive.
            ledger.push(&key, &name, None, Delta::Begin(uid_validity));
        }
        let state = ledger.head(&key).and_then(|head| head.state.clone());
        drop(ledger);
        let what = Follow { state, flags: self.watch.flags, key, name, stays };
        self.tasks.spawn(follow(self.account.clone(), what, self.own.clone()));
    }

    async fn handle(&mut self, note: Note) -> Delivered {
        match note {
            Note::Delta(key, mod_seq, delta) => self.deliver(&key, mod_seq, delta).await?,
            Note::Hint => self.next_sweep = self.next_sweep.min(Instant::now() + SOON),
            Note::Ended(key, ended) => self.on_ended(&key, ended).await?,
            Note::Swept(result) => {
                self.sweeping = false;
                self.next_sweep = Instant::now() + self.watch.interval;
                match result {
                    Ok(found) => self.on_swept(found).await?,
                    Err(error) if has_ended(&error) => return Err(Dropped),
                    // The account connects again by itself, when it may.
                    Err(error) if error.is_transient() => {
                        self.next_sweep = Instant::now() + SOON_AGAIN.min(self.watch.interval);
                    }
                    Err(error) => self.report(error).await?,
                }
            }
        }
        Ok(())
    }

    async fn on_ended(&mut self, key: &MailboxKey, ended: Ended) -> Delivered {
        if self.followed.as_ref() == Some(key) {
            self.followed = None;
        } else {
            self.looks = self.looks.saturating_sub(1);
        }
        match ended {
            Ended::InStep => self.plan.on_looked(key, true),
            Ended::Again => self.plan.look_again(key),
            Ended::Later => self.plan.on_looked(key, false),
            Ended::Failed(error) if has_ended(&error) => return Err(Dropped),
            // The server refuses it for now: not again before the next sweep.
            Ended::Failed(error) if error.is_transient() && error.kind() == ErrorKind::No => {
                self.plan.on_looked(key, false);
            }
            Ended::Failed(error) if error.is_transient() => self.plan.look_again(key),
            Ended::Failed(error) => {
                self.plan.on_looked(key, false);
                self.report(error).await?;
            }
        }
        Ok(())
    }

    async fn on_swept(&mut self, found: Vec<Found>) -> Delivered {
        let is_first = !std::mem::replace(&mut self.has_swept, true) && self.is_first_run;
        for difference in self.plan.sweep(found) {
            match difference {
                Difference::Created(key) if is_first => self.know(key).await?,
                Difference::Created(key) => {
                    self.deliver(&key, None, Delta::Change(ChangeKind::Created)).await?
                }
                Difference::Renamed(key, from) => {
                    self.deliver(&key, None, Delta::Change(ChangeKind::Renamed { from })).await?;
                }
                Difference::Deleted(key) => {
                    self.deliver(&key, None, Delta::Change(ChangeKind::Deleted)).await?
                }
            }
        }
        Ok(())
    }

    /// A mailbox that was there before the watch began for the first time.
    async fn know(&mut self, key: MailboxKey) -> Delivered {
        let Some(name) = self.plan.name(&key).cloned() else { return Ok(()) };
        let record = self.shared.ledger().know(key.clone(), name);
        match self.shared.store.save(key, Some(record)).await {
            Ok(()) => Ok(()),
            Err(error) => self.report(not_stored(error)).await,
        }
    }

    async fn deliver(&mut self, key: &MailboxKey, mod_seq: Option<ModSeq>, delta: Delta) -> Delivered {
        while self.shared.ledger().pending() >= self.watch.max_unacknowledged {
            self.shared.acknowledged.notified().await;
            if self.changes.is_closed() {
                return Err(Dropped);
            }
        }
        let name: Option<MailboxName> = self
            .plan
            .name(key)
            .cloned()
            .or_else(|| self.shared.ledger().head(key).map(|head| head.name.clone()));
        let Some(name) = name else { return Ok(()) };
        let change = self.shared.ledger().push(key, &name, mod_seq, delta);
        match change {
            Some(change) => self.changes.send(Ok(change)).await.map_err(|_| Dropped),
            None => Ok(()),
        }
    }

    async fn report(&mut self, error: Error) -> Delivered {
        self.changes.send(Err(error)).await.map_err(|_| Dropped)
    }
}

/// Whether this is the end of the account, not of one of its connections.
fn has_ended(error: &Error) -> bool {
    error.kind() == ErrorKind::Closed && error.close_reason().is_none()
}

/// The error of a store that has failed.
pub(super) fn not_stored(error: std::io::Error) -> Error {
    Error::new(ErrorKind::Invalid, "the state of the watch could not be stored").because(error)
}

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

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use self::followed::{Followed, Notified};
pub(super) use self::note::{Note, Notes};
use super::Watch;
use super::change::Change;
use super::counts::Counts;
use super::few::FewMap;
use super::follow::{Control, Ended, Follow, follow};
use super::key::MailboxKey;
use super::ladder::Ladder;
use super::ledger::{Delta, Ledger, StoredMailbox};
use super::output::{Output, Place};
use super::outside::Outside;
use super::plan::{Pace, Plan};
use super::selection::Selection;
use super::shared::Shared;
use super::sweep::Sweep;
use crate::account::queue::{QueueReceiver, QueueSender};
use crate::account::stay::Stay;
use crate::account::tasks::TaskGroup;
use crate::account::{Account, AccountState};
use crate::error::{Error, ErrorKind, Result};
use crate::types::{CloseReason, MailboxName};

/// How many mailboxes are looked into at the same time.
const MAX_LOOKS: usize = 2;
/// How soon a sweep follows a hint that something has changed.
const SOON: Duration = Duration::from_secs(1);
/// How soon a sweep follows one that was cut off, or that contradicts what was reported.
const SOON_AGAIN: Duration = Duration::from_secs(10);

pub(super) struct WatchTask {
    account: Account,
    watch: Watch,
    shared: Arc<Shared>,
    changes: Output,
    notes: QueueReceiver<Box<Note>>,
    own: Notes,
    plan: Plan,
    tasks: TaskGroup,
    looks: usize,
    /// Mailboxes that are followed; and leave to do so, which is kept while the only connection is
    /// lent, so that another watch does not take it.
    followed: FewMap<MailboxKey, Followed>,
    stays: Vec<Stay>,
    /// The only connection is not taken back before this.
    next_follow: Instant,
    notified: Option<Notified>,
    /// How often NOTIFY was asked for.
    notifies: u64,
    ladder: Ladder,
    /// The counts because of which a mailbox that is followed was compared, and how many messages
    /// were known then.
    compared: FewMap<MailboxKey, (Counts, u64)>,
    sweeping: bool,
    next_sweep: Instant,
    has_swept: bool,
    /// A sweep has ended that began after the last loss of a connection; and the one that is under
    /// way did so.
    is_swept: bool,
    sweep_counts: bool,
    /// Nothing was stored: the mailboxes that are there now are not new.
    is_first_run: bool,
    /// What the last run has watched, until a sweep has ended.
    before: Option<Selection>,
    /// Mailboxes that are there and are not watched.
    outside: Outside,
    is_connected: bool,
    /// The program has been given the error for which the account is parked.
    has_reported: bool,
}

/// The program has dropped the watch, or the account has ended.
struct Dropped;

type Delivered = std::result::Result<(), Dropped>;

impl WatchTask {
    pub(super) fn new(
        account: Account,
        watch: Watch,
        shared: Arc<Shared>,
        changes: Output,
        (own, notes): (QueueSender<Box<Note>>, QueueReceiver<Box<Note>>),
    ) -> Self {
        let mut plan = Plan::default();
        plan.begin(Instant::now().into_std());
        let (before, selection) = (shared.selection(), watch.selection.to_text());
        let is_first_run = before.is_none() && shared.ledger().has_not_begun();
        for (key, head) in shared.ledger().heads() {
            let counts =
                head.state.as_ref().map(|state| Counts::of_state(state, watch.flags)).unwrap_or_default();
            plan.know(key.clone(), head.name.clone(), counts);
            if head.state.as_ref().is_some_and(|state| state.highest_mod_seq.is_none()) {
                plan.was_doubted(key);
            }
        }
        Self {
            tasks: TaskGroup::new(account.tasks()),
            account,
            watch,
            shared,
            changes,
            notes,
            own: Notes(own),
            plan,
            looks: 0,
            followed: FewMap::default(),
            stays: Vec::new(),
            next_follow: Instant::now(),
            notified: None,
            notifies: 0,
            ladder: Ladder::default(),
            compared: FewMap::default(),
            sweeping: false,
            next_sweep: Instant::now(),
            has_swept: false,
            is_swept: false,
            sweep_counts: false,
            is_first_run,
            before: before.filter(|before| before.to_text() != selection),
            outside: Outside::default(),
            is_connected: false,
            has_reported: false,
        }
    }

    /// Runs until the handle of the watch is dropped, or the account is shut down.
    pub(super) async fn run(mut self: Box<Self>) {
        let mut status = self.account.status();
        let mut wakes = self.account.wakes();
        loop {
            self.start(Instant::now());
            self.publish();
            let at = self.deadline();
            let note = tokio::select! {
                note = self.notes.recv() => note,
                () = sleep_until(at) => continue,
                () = self.changes.closed() => return,
                () = wakes.next() => {
                    self.on_wake();
                    continue;
                }
                status = status.changed() => match status.map(|status| status.state) {
                    // The leases of the watch end, so that their connections can log out.
                    None | Some(AccountState::Closing | AccountState::Closed) => return,
                    Some(state) => {
                        self.on_state(&state);
                        continue;
                    }
                },
            };
            // In a box: most of the time there is none.
            if Box::pin(self.handle(*note)).await.is_err() {
                return;
            }
        }
    }

    /// When something is due though nothing has happened.
    fn deadline(&self) -> Instant {
        let idle = Instant::now() + self.watch.interval;
        let sweep = if self.sweeping { idle } else { self.next_sweep };
        let has_room = self.has_swept && self.looks < self.max_looks();
        let look = self.plan.next_due(self.pace()).filter(|_| has_room).map(Instant::from_std);
        let follow = Some(self.next_follow).filter(|at| *at > Instant::now());
        [look, follow].into_iter().flatten().fold(sweep, Instant::min)
    }

    fn pace(&self) -> Pace {
        let (compared, flags) = (self.watch.compare_flags, self.watch.flags);
        Pace { compared, flags, uncounted: self.watch.interval }
    }

    /// How many mailboxes are looked into at the same time: one connection at least is left to
    /// others, if there are so many.
    fn max_looks(&self) -> usize {
        let free = Stay::others(&self.account);
        free.saturating_sub(1).clamp(1, MAX_LOOKS)
    }

    /// Starts what is due.
    fn start(&mut self, now: Instant) {
        if !self.sweeping && self.next_sweep <= now {
            (self.sweeping, self.sweep_counts) = (true, true);
            let sweep = Sweep {
                account: self.account.clone(),
                via: self.followed.values().find_map(|followed| followed.sender.clone()),
                selection: self.watch.selection.clone(),
                before: self.before.clone(),
                is_first: !self.has_swept,
                shared: self.shared.clone(),
            };
            self.tasks.spawn(sweep.run(self.own.clone()));
        }
        if !self.has_swept {
            return;
        }
        self.follow_wanted(now);
        while self.looks < self.max_looks()
            && let Some(key) = self.plan.next_look(self.pace(), now.into_std())
        {
            self.looks += 1;
            self.spawn(key, None);
        }
    }

    fn spawn(&mut self, key: MailboxKey, stays: Option<Arc<Control>>) {
        let Some(name) = self.plan.name(&key).cloned() else { return };
        let mut ledger = self.shared.ledger();
        let is_new = |head: &StoredMailbox| head.state.is_none() && (self.watch.from_start || head.is_new);
        if ledger.head(&key).is_some_and(is_new)
            && let Some(uid_validity) = self.plan.uid_validity(&key)
        {
            // From an empty state on, all its messages arrive.
            ledger.push(&key, &name, Delta::Begin(uid_validity));
        }
        let mut state = ledger.head(&key).and_then(|head| head.state.clone());
        if self.plan.doubts_mod_seq(&key) {
            // Without it all is compared.
            state.iter_mut().for_each(|state| state.highest_mod_seq = None);
        }
        let sample = ledger.head(&key).filter(|_| key.is_ours()).map(|head| head.sample.clone());
        let (flags, items) = (self.watch.flags, self.watch.items.clone());
        let whole = state.is_none() && ledger.head(&key).is_some_and(is_new);
        drop(ledger);
        let what = Box::new(Follow {
            key,
            name,
            state,
            whole,
            flags,
            items,
            sample,
            stays,
            room: self.changes.room().clone(),
            notes: AtomicU64::new(0),
        });
        self.tasks.spawn(follow(self.account.clone(), what, self.own.clone()));
    }

    async fn handle(&mut self, note: Note) -> Delivered {
        match note {
            Note::Delta(key, delta) => {
                self.on_delta(&key, matches!(delta, Delta::InStep(..)));
                self.deliver(&key, delta).await?;
            }
            Note::Delivered(key, delta, place) => {
                self.on_delta(&key, false);
                self.deliver_with(&key, delta, place).await?;
            }
            // Before any change of it is delivered: one that is lost with this program comes again.
            Note::Known(key, state) => self.store(|ledger| ledger.begin(key, state)).await?,
            Note::Reported(mailbox) => self.on_reported(mailbox),
            Note::Followed(key, sender) => self.on_followed(key, sender),
            Note::Notified(number, ok) => self.on_notified(number, ok),
            Note::Ended(key, ended) => self.on_ended(&key, ended).await?,
            Note::Swept(result) => {
                self.sweeping = false;
                self.next_sweep = Instant::now() + self.ladder.interval(self.watch.interval);
                match result {
                    Ok(found) => self.on_swept(found).await?,
                    Err(error) if has_ended(&error) => return Err(Dropped),
                    // The account connects again by itself, when it may.
                    Err(error) if error.is_transient() => {
                        self.next_sweep = Instant::now() + SOON_AGAIN.min(self.watch.interval);
                    }
                    Err(_) if self.has_reported => {}
                    Err(error) => {
                        self.has_reported =
                            matches!(self.account.status().now().state, AccountState::Parked { .. });
                        self.report(error).await?;
                    }
                }
            }
        }
        Ok(())
    }

    /// NOTIFY has reported something.
    fn on_reported(&mut self, mailbox: Option<MailboxName>) {
        if self.notified.is_some() {
            self.ladder.on_report();
        }
        let needs_sweep = match mailbox {
            Some(mailbox) => !self.plan.on_report(&mailbox) && self.watch.selection.may_take(&mailbox),
            None => true,
        };
        if needs_sweep {
            self.next_sweep = self.next_sweep.min(Instant::now() + SOON);
        }
    }

    async fn on_ended(&mut self, key: &MailboxKey, ended: Ended) -> Delivered {
        let mut was_in_step = false;
        if let Some(followed) = self.followed.remove(key) {
            was_in_step = followed.is_in_step();
            // One that was never up to date, as it is refused, has lost nothing.
            if followed.sender.is_some() && !matches!(ended, Ended::Yielded) {
                self.on_lost();
            }
            if self.notified.take_if(|notified| notified.is_of(key)).is_some() {
                self.ladder.on_notify(false);
            }
        } else {
            self.looks = self.looks.saturating_sub(1);
        }
        match ended {
            Ended::InStep => self.plan.on_looked(key, true),
            Ended::Yielded if was_in_step => self.plan.leave(key),
            Ended::Again | Ended::Yielded => self.plan.look_again(key),
            Ended::Later => self.plan.on_looked(key, false),
            Ended::Failed(error) if has_ended(&error) => return Err(Dropped),
            // The server refuses it for now: not again before the next sweep.
            Ended::Failed(error) if error.is_transient() && error.kind() == ErrorKind::No => {
                self.plan.on_looked(key, false);
            }
            Ended::Failed(error) if error.is_transient() => self.plan.look_again(key),
            Ended::Failed(error) => {
                self.plan.on_looked(key, false);
                if self.plan.is_failing(key) {
                    self.report(error).await?;
                }
            }
        }
        Ok(())
    }

    /// Stores the records of the mailboxes that this returns.
    async fn store<K>(&mut self, change: impl FnOnce(&mut Ledger) -> K) -> Delivered
    where
        K: IntoIterator<Item = MailboxKey>,
    {
        match self.unless_ended(self.shared.save(change)).await? {
            Ok(()) => Ok(()),
            // It is stored with the next acknowledgement.
            Err(error) => self.report(error).await,
        }
    }

    /// What this comes to, unless the account ends before.
    async fn unless_ended<T>(&self, work: impl Future<Output = T>) -> std::result::Result<T, Dropped> {
        tokio::select! {
            biased;
            done = work => Ok(done),
            () = end(&self.account) => Err(Dropped),
        }
    }

    async fn deliver(&mut self, key: &MailboxKey, delta: Delta) -> Delivered {
        self.deliver_with(key, delta, None).await
    }

    async fn deliver_with(&mut self, key: &MailboxKey, mut delta: Delta, place: Option<Place>) -> Delivered {
        if let Delta::InStep(state, _) = &mut delta
            && self.plan.doubts_mod_seq(key)
        {
            // Nor is it for the next run.
            state.highest_mod_seq = None;
        }
        while self.shared.ledger().pending() >= self.watch.max_unacknowledged {
            tokio::select! {
                () = self.shared.acknowledged.notified() => {}
                () = end(&self.account) => return Err(Dropped),
            }
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
        let change = self.shared.ledger().push(key, &name, delta);
        match change {
            Some(mut change) => {
                // Of a mailbox that is new nothing else says which one of its name it is.
                change.uid_validity = change.uid_validity.or_else(|| self.plan.uid_validity(key));
                self.send(Ok(change), place).await
            }
            None => Ok(()),
        }
    }

    async fn report(&mut self, error: Error) -> Delivered {
        self.send(Err(error), None).await
    }

    async fn send(&self, change: Result<Change>, place: Option<Place>) -> Delivered {
        self.shared.progress.delivered();
        let is_read = tokio::select! {
            biased;
            is_read = self.changes.send(change, place) => is_read,
            () = end(&self.account) => false,
        };
        if is_read { Ok(()) } else { Err(Dropped) }
    }
}

impl Drop for WatchTask {
    fn drop(&mut self) {
        self.shared.progress.end();
    }
}

/// Waits until the account ends, while the program keeps the watch waiting: its leases are to end.
async fn end(account: &Account) {
    let mut status = account.status();
    while !matches!(status.now().state, AccountState::Closing | AccountState::Closed)
        && status.changed().await.is_some()
    {}
}

/// Whether this is the end of the account, not of one of its connections.
fn has_ended(error: &Error) -> bool {
    let by_account = error.close_reason().is_none_or(|reason| *reason == CloseReason::Dropped);
    error.kind() == ErrorKind::Closed && by_account
}

mod followed;
mod note;
mod swept;

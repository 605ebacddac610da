//! The task that keeps the file in step: it sweeps over the mailboxes, looks into those that
//! differ, and follows the most wanted one.
//!
//! In: notes of its children and of the handle; time. Out: looks, rows of mailboxes, answers to who
//! waits until all is in step.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rusqlite::Transaction;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::attachment::SyncPolicy;
use super::listing::{self, Listing};
use super::look::{Look, Outcome, look};
use crate::account::{Account, MailboxKey, Pace, Plan, Stay};
use crate::error::{ErrorKind, Result};
use crate::store::bodies;
use crate::store::database::{Database, Durability};
use crate::store::error::{StoreError, StoreResult};
use crate::store::operations::{self, Executor};
use crate::store::rows::content::json;
use crate::store::rows::{mailbox, message};
use crate::types::UidValidity;

/// How many mailboxes are looked into at the same time.
const MAX_LOOKS: usize = 1;
/// How soon a sweep follows a hint that something has changed.
const SOON: Duration = Duration::from_millis(500);
/// How soon a sweep follows one that was cut off.
const SOON_AGAIN: Duration = Duration::from_secs(10);
/// How often contents are asked for again that did not come in several looks.
const ASK_AGAIN: Duration = Duration::from_secs(60 * 60);
/// So often in a row something fails that does not pass by itself before who waits gets the error.
const MAX_FAILURES: u32 = 5;
/// After so many intervals mailboxes without mod-sequences are looked into, whatever their counts
/// are.
const NOW_AND_THEN: u32 = 10;

/// What happens to the task.
pub(in crate::store) enum Note {
    /// A look has ended, or a mailbox is not followed any more.
    Ended(MailboxKey, Outcome),
    Swept(Result<Listing>),
    /// Mailboxes may have changed.
    Hint,
    /// The followed mailbox is in step as of this request.
    Rounded(u64),
    /// Operations were sent that change mailboxes with these keys, or these are not as their rows
    /// are; and perhaps the list of them.
    Operated {
        mailboxes: BTreeSet<String>,
        listing: bool,
    },
    /// Somebody waits until all is in step.
    InStep(oneshot::Sender<StoreResult<()>>),
    /// Look at all, now.
    SyncNow,
    /// Nothing more is wanted.
    Stop,
}

/// Somebody who waits until all is in step.
struct Waiter {
    /// Once so many sweeps have ended.
    sweep: u64,
    /// How often something has failed meanwhile that does not pass by itself.
    failures: u32,
    reply: oneshot::Sender<StoreResult<()>>,
}

pub(super) struct SyncTask {
    account: Account,
    account_id: i64,
    database: Database,
    policy: SyncPolicy,
    notes: UnboundedReceiver<Note>,
    own: UnboundedSender<Note>,
    plan: Plan,
    tasks: JoinSet<()>,
    looks: usize,
    followed: Option<MailboxKey>,
    /// Leave to keep a connection for that, which watches of the account want, too.
    stay: Option<Stay>,
    rounds: watch::Sender<u64>,
    rounded: u64,
    sweeping: bool,
    next_sweep: Instant,
    sweeps_begun: u64,
    sweeps_done: u64,
    waiters: Vec<Waiter>,
    /// Whether operations are on their way.
    operating: Arc<AtomicBool>,
    /// What the structure of mailboxes had counted when the sweep began.
    swept_structure: u64,
    /// Mailboxes in which a look has found another UIDVALIDITY than the listing has, and how many
    /// sweeps had begun by then.
    unlisted: BTreeMap<MailboxKey, (UidValidity, u64)>,
    /// When contents that did not come were last asked for again.
    asked_again: Instant,
    /// Mailboxes of which the last look has failed: they are not in step.
    failed: BTreeSet<MailboxKey>,
    /// Mailboxes that the server has refused, since it let them be read.
    refused: BTreeSet<MailboxKey>,
}

/// What is not as its rows are is looked into.
async fn look_into(mut doubted: UnboundedReceiver<String>, notes: UnboundedSender<Note>) {
    while let Some(key) = doubted.recv().await {
        _ = notes.send(Note::Operated { mailboxes: BTreeSet::from([key]), listing: false });
    }
}

impl SyncTask {
    pub(super) fn new(
        account: Account,
        account_id: i64,
        database: Database,
        policy: SyncPolicy,
        (own, notes): (UnboundedSender<Note>, UnboundedReceiver<Note>),
        doubted: UnboundedReceiver<String>,
    ) -> Self {
        let mut tasks = JoinSet::new();
        tasks.spawn(look_into(doubted, own.clone()));
        Self {
            account,
            account_id,
            database,
            policy,
            notes,
            own,
            plan: Plan::default(),
            tasks,
            looks: 0,
            followed: None,
            stay: None,
            rounds: watch::channel(0).0,
            rounded: 0,
            sweeping: false,
            next_sweep: Instant::now(),
            sweeps_begun: 0,
            sweeps_done: 0,
            waiters: Vec::new(),
            operating: Arc::default(),
            swept_structure: 0,
            unlisted: BTreeMap::new(),
            asked_again: Instant::now(),
            failed: BTreeSet::new(),
            refused: BTreeSet::new(),
        }
    }

    /// Runs until the account ends or the task is aborted, at whatever point.
    pub(super) async fn run(mut self) {
        match listing::plan(&self.database, self.account_id).await {
            Ok(plan) => self.plan = plan,
            Err(error) => return self.end(&error),
        }
        let executor = Executor::new(
            self.account.clone(),
            self.account_id,
            self.database.clone(),
            self.own.clone(),
            self.operating.clone(),
            self.policy.repeat_after,
        );
        self.tasks.spawn(executor.run());
        let bodies = bodies::Keeper::new(self.account.clone(), self.account_id, self.database.clone());
        self.tasks.spawn(bodies.run(self.policy.bodies.clone()));
        loop {
            while self.tasks.try_join_next().is_some() {}
            self.start().await;
            self.answer().await;
            // A sweep may wait for the connection that is to be left.
            let until = if self.sweeping { Instant::now() + SOON_AGAIN } else { self.next_sweep };
            let note = timeout_at(until, self.notes.recv()).await;
            match note {
                Ok(Some(note)) => {
                    if self.take(note).await.is_err() {
                        return self.tasks.shutdown().await;
                    }
                }
                Ok(None) => return,
                Err(_) if self.sweeping => {}
                Err(_) => self.sweep(),
            }
        }
    }

    fn end(&mut self, error: &StoreError) {
        for waiter in self.waiters.drain(..) {
            _ = waiter.reply.send(Err(error.clone()));
        }
    }

    fn sweep(&mut self) {
        (self.sweeping, self.sweeps_begun) = (true, self.sweeps_begun + 1);
        self.swept_structure = self.structure();
        // A hint that comes meanwhile makes it sooner.
        self.next_sweep = Instant::now() + self.policy.interval;
        let (database, notes) = (self.database.clone(), self.own.clone());
        let (account, id) = (self.account.clone(), self.account_id);
        self.tasks.spawn(async move {
            _ = notes.send(Note::Swept(listing::fetch(&database, &account, id).await));
        });
    }

    fn structure(&self) -> u64 {
        self.database.structure(self.account_id).changes()
    }

    fn sweep_by(&mut self, when: Instant) {
        self.next_sweep = self.next_sweep.min(when);
    }

    /// How often mailboxes are looked into of which the counts don't tell everything.
    fn pace(&self) -> Pace {
        let now_and_then = self.policy.interval.saturating_mul(NOW_AND_THEN);
        Pace { compared: now_and_then, flags: true, uncounted: now_and_then }
    }

    /// Starts looks at what is due.
    async fn start(&mut self) {
        let is_only = self.account.max_connections() == 1;
        if self.stay.is_some() && (is_only || Stay::are_too_many(&self.account)) {
            // The server takes fewer connections than it did: this one ends.
            self.stay = None;
            let round = *self.rounds.borrow();
            self.rounds = watch::channel(round).0;
        }
        let wanted = self.policy.follow.clone().filter(|_| !is_only);
        if self.followed.is_none()
            && let Some(key) = wanted.and_then(|name| self.plan.key(&name).cloned())
            && self.may_stay()
            && self.plan.follow(&key)
        {
            let rounds = Some(self.rounds.subscribe());
            if self.look(&key, rounds).await {
                self.followed = Some(key);
            }
        }
        while self.looks < MAX_LOOKS {
            let Some(key) = self.plan.next_look(self.pace(), Instant::now().into_std()) else { break };
            if self.look(&key, None).await {
                self.looks += 1;
            }
        }
    }

    fn may_stay(&mut self) -> bool {
        if self.stay.is_none() {
            self.stay = Stay::one_of(&self.account);
        }
        self.stay.is_some()
    }

    /// Whether it has begun.
    async fn look(&mut self, key: &MailboxKey, rounds: Option<watch::Receiver<u64>>) -> bool {
        let (account, text) = (self.account_id, key.to_string());
        let kept = match self.database.read(move |file| mailbox::by_key(file, account, &text)).await {
            Ok(Some(kept)) => kept,
            Ok(None) => {
                // Its row is gone: the next sweep has what is there under its name as a new one.
                self.plan.on_gone(key);
                self.sweep_by(Instant::now() + SOON);
                return false;
            }
            Err(error) => {
                self.failed(key, error);
                return false;
            }
        };
        let counts = self.plan.counts(key).map(json);
        // A listing that began later says otherwise all the same: then this is believed.
        let unlisted = self.unlisted.get(key).filter(|(_, begun)| self.sweeps_done > *begun);
        let believed = unlisted.map(|(uid_validity, _)| *uid_validity);
        let it = Look {
            account: self.account.clone(),
            database: self.database.clone(),
            account_id: self.account_id,
            key: key.clone(),
            kept,
            counts,
            believed,
            rounds,
            notes: self.own.clone(),
            is_whole: true,
            awaited: 0,
        };
        self.tasks.spawn(look(it));
        true
    }

    /// A mailbox could not be brought in step: it is looked into again after the next sweep, which
    /// comes soon if somebody waits for it.
    fn failed(&mut self, key: &MailboxKey, error: StoreError) {
        self.plan.on_looked(key, false);
        self.failed.insert(key.clone());
        self.has_failed(&error);
    }

    /// The server does not let a mailbox be read. It may just be gone, which the next sweep says:
    /// so only then it is left out.
    fn refused(&mut self, key: MailboxKey) {
        self.plan.on_looked(&key, false);
        if self.refused.insert(key.clone()) {
            self.failed.insert(key);
            self.sweep_by(Instant::now() + SOON);
        }
    }

    /// Something has failed: who waits for it gets the error, if it does not seem to pass.
    fn has_failed(&mut self, error: &StoreError) {
        if self.waiters.is_empty() {
            return;
        }
        self.sweep_by(Instant::now() + SOON_AGAIN);
        if error.is_transient() {
            return;
        }
        for mut waiter in std::mem::take(&mut self.waiters) {
            waiter.failures += 1;
            if waiter.failures < MAX_FAILURES {
                self.waiters.push(waiter);
            } else {
                _ = waiter.reply.send(Err(error.clone()));
            }
        }
    }

    /// An error: the account has ended.
    async fn take(&mut self, note: Note) -> std::result::Result<(), ()> {
        match note {
            Note::Ended(key, outcome) => {
                if self.followed.take_if(|followed| *followed == key).is_none() {
                    self.looks = self.looks.saturating_sub(1);
                }
                self.failed.remove(&key);
                match outcome {
                    Outcome::InStep => {
                        self.refused.remove(&key);
                        self.unlisted.remove(&key);
                        self.plan.on_looked(&key, true);
                    }
                    Outcome::Again => self.plan.look_again(&key),
                    Outcome::Unlisted(found) => {
                        self.plan.on_looked(&key, false);
                        self.failed.insert(key.clone());
                        self.unlisted.insert(key, (found, self.sweeps_begun));
                        self.sweep_by(Instant::now() + SOON);
                    }
                    Outcome::Failed(error) => self.failed(&key, error),
                    Outcome::Refused => self.refused(key),
                    Outcome::Closed => return Err(()),
                }
            }
            Note::Swept(Ok(listing)) => self.swept(listing).await,
            Note::Swept(Err(error)) => {
                if error.kind() == ErrorKind::Closed && self.account.has_ended() {
                    self.end(&error.into());
                    return Err(());
                }
                (self.sweeping, self.next_sweep) = (false, Instant::now() + SOON_AGAIN);
                self.has_failed(&error.into());
            }
            Note::Hint => self.sweep_by(Instant::now() + SOON),
            Note::Rounded(round) => {
                self.rounded = round;
                if let Some(key) = &self.followed {
                    self.failed.remove(key);
                    self.refused.remove(key);
                }
            }
            Note::Operated { mailboxes, listing } => {
                for key in mailboxes {
                    let key = MailboxKey::from_text(&key);
                    if self.followed.as_ref() == Some(&key) {
                        self.rounds.send_modify(|round| *round += 1);
                    } else {
                        self.plan.mark(&key);
                    }
                }
                if listing {
                    self.sweep_by(Instant::now());
                }
            }
            Note::InStep(reply) => {
                self.rounds.send_modify(|round| *round += 1);
                self.sweep_by(Instant::now());
                // One that is under way may have passed what has changed.
                let sweep = self.sweeps_begun + 1;
                self.waiters.push(Waiter { sweep, failures: 0, reply });
            }
            Note::Stop => return Err(()),
            Note::SyncNow => {
                self.rounds.send_modify(|round| *round += 1);
                self.sweep_by(Instant::now());
            }
        }
        Ok(())
    }

    async fn swept(&mut self, listing: Listing) {
        self.sweeping = false;
        // A listing that one of our own renames overtook would have its mailboxes as gone.
        let structure = self.structure();
        if structure != self.swept_structure || structure % 2 == 1 {
            self.sweep_by(Instant::now() + SOON);
            return;
        }
        let again = self.waiters.iter().any(|waiter| waiter.sweep > self.sweeps_begun);
        self.sweep_by(Instant::now() + if again { Duration::ZERO } else { self.policy.interval });
        let known = (&mut self.plan, &mut self.policy.follow);
        match listing::take(&self.database, self.account_id, known, listing).await {
            Ok(()) => self.sweeps_done = self.sweeps_begun,
            // The plan is ahead of the file: it begins again from there.
            Err(error) => {
                self.has_failed(&error);
                self.next_sweep = Instant::now() + SOON_AGAIN;
                if let Ok(plan) = listing::plan(&self.database, self.account_id).await {
                    let busy = self.plan.busy();
                    self.plan = plan;
                    busy.iter().for_each(|key| _ = self.plan.follow(key));
                }
            }
        }
        self.ask_again().await;
        self.failed.retain(|key| self.plan.name(key).is_some());
        self.unlisted.retain(|key, _| self.plan.name(key).is_some());
        self.refused.retain(|key| self.plan.name(key).is_some());
        // Equal counts don't prove there that flags are the same.
        if self.waiters.iter().any(|waiter| waiter.sweep <= self.sweeps_done) {
            self.plan.mark_without_mod_seq();
        }
    }

    /// Contents that did not come are asked for again now and then: the server may have been
    /// mended.
    async fn ask_again(&mut self) {
        if self.asked_again.elapsed() < ASK_AGAIN {
            return;
        }
        self.asked_again = Instant::now();
        let account = self.account_id;
        let job = move |file: &Transaction<'_>| message::ask_again(file, account);
        // Without room for it the next time does.
        for key in self.database.write(Durability::Process, job).await.unwrap_or_default() {
            let key = MailboxKey::from_text(&key);
            if self.followed.as_ref() == Some(&key) {
                self.rounds.send_modify(|round| *round += 1);
            } else {
                self.plan.mark(&key);
            }
        }
    }

    /// Whether the server has done what was queued, and looks have shown it; of mailboxes that the
    /// server has refused there are none.
    async fn is_operated(&self) -> bool {
        if self.operating.load(Ordering::SeqCst) {
            return false;
        }
        let account = self.account_id;
        let read = move |file: &Transaction<'_>| {
            Ok((operations::unsent(file, account)?, operations::mailboxes_of_sent(file, account)?))
        };
        let left = self.database.read(read).await;
        let is_left_out = |key: &String| self.refused.contains(&MailboxKey::from_text(key));
        left.is_ok_and(|(unsent, sent)| unsent == 0 && sent.iter().all(is_left_out))
    }

    /// Answers who waits until all is in step, if it is.
    async fn answer(&mut self) {
        let is_busy = self.sweeping || self.looks > 0 || self.plan.has_due();
        if self.waiters.is_empty() || is_busy || !self.failed.is_empty() {
            return;
        }
        if !self.is_operated().await {
            return;
        }
        // What was left out of the followed mailbox while something was on its way there comes with
        // the round after that.
        if self.followed.is_some() && self.rounded < *self.rounds.borrow() {
            return;
        }
        let done = self.sweeps_done;
        let is_due = |waiter: &Waiter| waiter.sweep <= done;
        let (due, rest) = std::mem::take(&mut self.waiters).into_iter().partition(is_due);
        self.waiters = rest;
        let due: Vec<Waiter> = due;
        for waiter in due {
            _ = waiter.reply.send(Ok(()));
        }
    }
}

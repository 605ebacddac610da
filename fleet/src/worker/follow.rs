//! One account that is followed: from its watch to JetStream, and from there to its cursors.
//!
//! ```text
//!   Changes::next ──> Order ──run──> Outbox::put ──> Publish::publish ──acknowledged──> Order
//!        │                                                   cursor <── Changes::ack <──┘
//!        └── not read while too many wait
//! ```
//!
//! In: a lease. Out: events; and in the end why the account is not followed any more.

use std::time::Duration;

use imap_duplex::account::{Account, AccountState, Change, Changes, MailboxKey};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::order::{Covered, Order, Run};
use crate::cursor::CursorStore;
use crate::database::Database;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::lease::{Claimed, Lease};
use crate::outbox::Outbox;
use crate::publish::Publish;

/// How long a published change waits for others before the cursor moves.
const ACKNOWLEDGE_AFTER: Duration = Duration::from_millis(200);
/// How many changes of one account wait at most: beyond that its watch is not read.
const MAX_WAITING: usize = 256;
/// How long the end of an account may take.
const END: Duration = Duration::from_secs(5);

/// Why an account is not followed any more.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It was asked to end; its lease is to be released.
    Stopped,
    /// It can't be followed until someone changes something.
    Parked(String),
    /// Its lease is another worker's.
    Lost,
    /// Something failed that may work next time; its lease is to be released.
    Failed(Error),
}

/// What publishing the changes of one account takes.
#[derive(Clone)]
struct Line {
    name: String,
    lease: Lease,
    outbox: Outbox,
    publish: Publish,
}

struct Follow {
    line: Line,
    changes: Changes,
    order: Order,
    /// Tasks of their own: each may have one of the few connections to the database, which is given
    /// back also while this account waits for one.
    under_way: JoinSet<Result<Run>>,
    /// When the cursors of what was published move at the latest.
    due: Option<Instant>,
}

pub(super) async fn follow(claimed: Claimed, shared: &Shared, stop: CancellationToken) -> Outcome {
    let Claimed { lease, account } = claimed;
    let settings = &account.settings;
    let config = match settings.config(&account.name, account.credential.clone(), shared.key.clone()) {
        Ok(config) => config.program("imap-duplex-fleet", env!("CARGO_PKG_VERSION")),
        Err(error) => return Outcome::Parked(error.to_string()),
    };
    let database = Database::new(shared.pool.clone(), shared.watchdog.clone());
    let outbox = Outbox::new(database.clone(), lease);
    let store = CursorStore::new(database, lease, outbox.clone());
    let line = Line { name: account.name.clone(), lease, outbox, publish: shared.publisher.account(lease) };
    // What the last worker has begun comes first.
    let finished = tokio::select! {
        () = stop.cancelled() => return Outcome::Stopped,
        finished = line.outbox.finish(&line.name, &line.publish, &store) => finished,
    };
    if let Err(error) = finished {
        return ended(error);
    }
    let imap = Account::builder(config).policy(settings.policy.clone()).open();
    let outcome = match imap.watch(settings.watch(), store).await {
        Ok(changes) => {
            let (order, under_way) = (Order::default(), JoinSet::new());
            let mut follow = Follow { line, changes, order, under_way, due: None };
            let outcome = follow.run(&imap, &stop).await;
            if matches!(outcome, Outcome::Stopped) { follow.finish().await } else { outcome }
        }
        Err(error) => Outcome::Failed(error.into()),
    };
    imap.shutdown(END).await;
    outcome
}

impl Line {
    /// Publishes a run: first it is in the outbox, then each change is an event.
    async fn publish(self, run: Run) -> Result<Run> {
        self.outbox.put(&run.changes, run.first).await?;
        for change in &run.changes {
            // Kinds that this version knows nothing of are no events, and the cursor passes them.
            if let Some(event) = Event::of(self.lease.account, &self.name, change) {
                self.publish.publish(&event).await?;
            }
        }
        Ok(run)
    }
}

impl Follow {
    async fn run(&mut self, imap: &Account, stop: &CancellationToken) -> Outcome {
        let mut status = imap.status();
        loop {
            let may_read = self.order.waiting() < MAX_WAITING;
            let due = self.due;
            tokio::select! {
                biased;
                () = stop.cancelled() => return Outcome::Stopped,
                Some(published) = self.under_way.join_next() => match joined(published) {
                    Ok(run) => self.published(run),
                    Err(error) => return ended(error),
                },
                () = async { sleep_until(due.unwrap_or_else(Instant::now)).await }, if due.is_some() => {
                    if let Err(outcome) = self.acknowledge(true).await {
                        return outcome;
                    }
                }
                now = status.changed() => match now.map(|now| now.state) {
                    Some(AccountState::Parked { error, .. }) => return Outcome::Parked(error.to_string()),
                    Some(_) => {}
                    None => return Outcome::Failed(Error::invalid("the account has ended by itself")),
                },
                next = self.changes.next(), if may_read => match next {
                    Some(Ok(change)) => self.take(change),
                    // The account goes on by itself, or parks, which its status says.
                    Some(Err(error)) => {
                        tracing::warn!(account = %self.line.name, %error, "the watch has a problem");
                    }
                    None => return Outcome::Failed(Error::invalid("the watch has ended by itself")),
                },
            }
            if self.order.is_due()
                && let Err(outcome) = self.acknowledge(false).await
            {
                return outcome;
            }
        }
    }

    fn take(&mut self, change: Change) {
        let key = change.mailbox_key().clone();
        self.order.push(change);
        self.start(&key);
    }

    /// Publishes the next run of this mailbox, if none of it is under way.
    fn start(&mut self, key: &MailboxKey) {
        if let Some(run) = self.order.next(key) {
            self.under_way.spawn(self.line.clone().publish(run));
        }
    }

    fn published(&mut self, run: Run) {
        let key = run.changes.first().map(|change| change.mailbox_key().clone());
        self.order.published(run);
        self.due.get_or_insert_with(|| Instant::now() + ACKNOWLEDGE_AFTER);
        if let Some(key) = key {
            self.start(&key);
        }
    }

    /// Moves the cursors of what was published.
    async fn acknowledge(&mut self, all: bool) -> Result<(), Outcome> {
        for Covered { change, number } in self.order.take_covered(all) {
            self.line.outbox.cover(change.mailbox_key(), number);
            if let Err(error) = self.changes.ack(&change).await {
                // If the lease is another's, the release that follows changes nothing. Else the
                // next claim goes on from what is stored.
                return Err(Outcome::Failed(error.into()));
            }
        }
        self.due = self.order.has_published().then(|| Instant::now() + ACKNOWLEDGE_AFTER);
        Ok(())
    }

    /// What is under way comes to its end, and the cursors move.
    async fn finish(&mut self) -> Outcome {
        let rest = async {
            while let Some(published) = self.under_way.join_next().await {
                match joined(published) {
                    Ok(run) => self.order.published(run),
                    Err(error) => return ended(error),
                }
            }
            match self.acknowledge(true).await {
                Ok(()) => Outcome::Stopped,
                Err(outcome) => outcome,
            }
        };
        // What is cut off here is in the outbox.
        timeout(END, rest).await.unwrap_or(Outcome::Stopped)
    }
}

/// What a task has come to.
fn joined(published: std::result::Result<Result<Run>, JoinError>) -> Result<Run> {
    published.unwrap_or_else(|error| Err(Error::invalid(format!("a task has failed: {error}"))))
}

/// Why publishing has ended.
fn ended(error: Error) -> Outcome {
    match error {
        Error::LeaseLost(_) | Error::Retired => Outcome::Lost,
        error => Outcome::Failed(error),
    }
}

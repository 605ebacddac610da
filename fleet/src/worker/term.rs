//! One term of a worker: from its registration until it is stopped or retired.
//!
//! In: time, how many accounts and workers there are, accounts that end. Out: claims, releases,
//! accounts that are started and stopped.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt as _;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::balance::{SHED_INTERVAL, Step, step};
use super::follow::{Outcome, follow};
use super::heart::beat;
use crate::config::FleetConfig;
use crate::error::{Error, Result};
use crate::lease::{Claimed, Lease, WorkerId};

/// How long all accounts together have to end when the worker is stopped.
const DRAIN: Duration = Duration::from_secs(20);
/// How long an account that has failed is left to others.
const LEFT_TO_OTHERS: Duration = Duration::from_secs(2);

/// How a term has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Stopped,
    Retired,
}

struct Running {
    lease: Lease,
    revision: i64,
    stop: CancellationToken,
}

/// The task of the beats. A term that is dropped beats no more: its leases run out.
struct Heart(JoinHandle<()>);

impl Drop for Heart {
    fn drop(&mut self) {
        self.0.abort();
    }
}

pub(super) struct Term {
    id: WorkerId,
    config: FleetConfig,
    shared: Shared,
    accounts: HashMap<i64, Running>,
    tasks: JoinSet<(Lease, Outcome)>,
    heart: Heart,
    draining: watch::Sender<bool>,
    last_compared: Instant,
    last_shed: Instant,
    /// No account is claimed before this, since the last one has failed.
    not_before: Instant,
}

impl Term {
    pub(super) fn new(id: WorkerId, config: FleetConfig, shared: Shared) -> Self {
        let (draining, is_draining) = watch::channel(false);
        let heart = Heart(tokio::spawn(beat(id, config.clone(), shared.clone(), is_draining)));
        Self {
            id,
            config,
            shared,
            accounts: HashMap::new(),
            tasks: JoinSet::new(),
            heart,
            draining,
            last_compared: Instant::now(),
            last_shed: Instant::now(),
            not_before: Instant::now(),
        }
    }

    pub(super) async fn run(&mut self, stop: &CancellationToken) -> End {
        let mut ticks = interval(self.config.heartbeat().min(Duration::from_secs(2)) / 2);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let end = loop {
            tokio::select! {
                () = stop.cancelled() => break End::Stopped,
                // The heart stops only when the database has said so.
                _ = &mut self.heart.0 => break End::Retired,
                Some(Ok(ended)) = self.tasks.join_next() => self.on_ended(ended).await,
                _ = ticks.tick() => match self.tick().await {
                    Ok(()) => {}
                    Err(Error::Retired) => break End::Retired,
                    Err(error) => tracing::warn!(%error, "the worker can't ask the database"),
                },
            }
        };
        match end {
            End::Stopped => self.drain().await,
            End::Retired => self.drop_all().await,
        }
        end
    }

    async fn tick(&mut self) -> Result<()> {
        self.shared.leases.retire_expired().await?;
        // Reads a row for each account of this worker: as often as it beats, and no more.
        if self.last_compared.elapsed() >= self.config.heartbeat() {
            self.last_compared = Instant::now();
            self.compare().await?;
        }
        let census = self.shared.leases.census().await?;
        metrics::gauge!("fleet_accounts").set(self.accounts.len() as f64);
        let may_shed = self.last_shed.elapsed() >= SHED_INTERVAL;
        match step(census, self.accounts.len(), self.config.max_accounts, may_shed) {
            Step::Claim(count) if self.not_before <= Instant::now() => {
                for claimed in self.shared.leases.claim(self.id, count).await? {
                    self.start(claimed);
                }
            }
            Step::Shed(count) => {
                self.last_shed = Instant::now();
                for running in
                    self.accounts.values().filter(|running| !running.stop.is_cancelled()).take(count)
                {
                    running.stop.cancel();
                }
            }
            Step::Claim(_) | Step::Stay => {}
        }
        Ok(())
    }

    fn start(&mut self, claimed: Claimed) {
        let (lease, revision) = (claimed.lease, claimed.account.revision);
        let stop = CancellationToken::new();
        let (shared, stopped) = (self.shared.clone(), stop.clone());
        self.tasks.spawn(async move {
            // Else its lease would be held, and no one would follow it.
            let outcome = AssertUnwindSafe(follow(claimed, &shared, stopped)).catch_unwind().await;
            (lease, outcome.unwrap_or_else(|_| Outcome::Failed(Error::invalid("its task has panicked"))))
        });
        self.accounts.insert(lease.account, Running { lease, revision, stop });
    }

    /// Accounts that were removed, parked or changed by hand are stopped; the changed ones come
    /// back with the next claim.
    async fn compare(&mut self) -> Result<()> {
        let held: HashMap<i64, (i64, i64)> = self
            .shared
            .leases
            .held(self.id)
            .await?
            .into_iter()
            .map(|(lease, revision)| (lease.account, (lease.token, revision)))
            .collect();
        for (account, running) in &self.accounts {
            if held.get(account) != Some(&(running.lease.token, running.revision)) {
                running.stop.cancel();
            }
        }
        // Claimed by a statement whose answer was lost: nothing follows them.
        let orphans: Vec<Lease> = held
            .iter()
            .filter(|(account, _)| !self.accounts.contains_key(account))
            .map(|(&account, &(token, _))| Lease { account, worker: self.id, token })
            .collect();
        if !orphans.is_empty() {
            self.shared.leases.release(&orphans).await?;
        }
        Ok(())
    }

    async fn on_ended(&mut self, (lease, outcome): (Lease, Outcome)) {
        if self.accounts.get(&lease.account).is_some_and(|running| running.lease == lease) {
            self.accounts.remove(&lease.account);
        }
        let leases = &self.shared.leases;
        let result = match outcome {
            Outcome::Stopped => leases.release(&[lease]).await.map(|_| ()),
            Outcome::Parked(reason) => {
                tracing::info!(account = lease.account, reason, "parked");
                leases.park(lease, &reason).await
            }
            Outcome::Lost => Ok(()),
            Outcome::Failed(error) => {
                tracing::warn!(account = lease.account, %error, "an account is given back");
                self.not_before = Instant::now() + LEFT_TO_OTHERS;
                leases.release(&[lease]).await.map(|_| ())
            }
        };
        if let Err(error) = result {
            tracing::warn!(account = lease.account, %error, "a lease could not be given back; it is later");
        }
    }

    /// All accounts end in order, and are free for others at once.
    async fn drain(&mut self) {
        self.draining.send_replace(true);
        for running in self.accounts.values() {
            running.stop.cancel();
        }
        let all = async {
            // None of them is aborted before.
            while let Some(Ok(ended)) = self.tasks.join_next().await {
                self.on_ended(ended).await;
            }
        };
        if timeout(DRAIN, all).await.is_err() {
            tracing::warn!(accounts = self.tasks.len(), "accounts did not end in time");
        }
        // From here on nothing is published, and what is left is free.
        self.shared.watchdog.retire();
        self.heart.0.abort();
        self.tasks.shutdown().await;
        if let Err(error) = self.shared.leases.retire(self.id).await {
            tracing::warn!(%error, "the worker's leases run out by themselves");
        }
    }

    async fn drop_all(&mut self) {
        self.shared.watchdog.retire();
        self.heart.0.abort();
        self.tasks.shutdown().await;
        self.accounts.clear();
    }
}

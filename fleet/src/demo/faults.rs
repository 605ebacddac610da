//! What is done to the fleet while it runs.
//!
//! ```text
//!   kill     a worker is killed (-9) and started again
//!   freeze   a worker stands still for longer than its leases last, and goes on (SIGSTOP, SIGCONT)
//!   restart  a worker is asked to end and started again, as in a rolling update
//!   cut      a worker's wire to PostgreSQL or to NATS is cut for a while
//!   postgres, nats   the server is killed and started again
//! ```
//!
//! In: which of these, how often. Out: how many there were, and how long the accounts of a killed
//! worker had none.

use std::time::Duration;

use ring::rand::SystemRandom;
use tokio::time::{Instant, sleep};

use super::mail::Random;
use super::proxy::Wire;
use super::workers::WorkerProcess;
use crate::error::Result;
use crate::services::{Nats, Postgres};

/// Something that is done to the fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Kill,
    Freeze,
    Restart,
    Cut,
    Postgres,
    Nats,
}

/// All kinds.
pub(super) const ALL: [Fault; 6] =
    [Fault::Kill, Fault::Freeze, Fault::Restart, Fault::Cut, Fault::Postgres, Fault::Nats];

/// A worker and its wires.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) process: WorkerProcess,
    pub(super) to_postgres: Wire,
    pub(super) to_nats: Wire,
}

/// The parts of the fleet.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) postgres: Postgres,
    pub(super) nats: Nats,
    pub(super) nodes: Vec<Node>,
    pub(super) pool: deadpool_postgres::Pool,
    pub(super) ttl: Duration,
}

/// What has been done.
#[derive(Clone, Debug, Default)]
pub(super) struct Done {
    pub(super) kills: u64,
    pub(super) others: u64,
    /// How long each time until all accounts had a worker again, after a kill.
    pub(super) takeovers: Vec<Duration>,
}

impl Done {
    /// The median, in milliseconds.
    pub(super) fn takeover_ms(&self) -> u64 {
        let mut sorted = self.takeovers.clone();
        sorted.sort();
        sorted.get(sorted.len() / 2).map_or(0, |median| u64::try_from(median.as_millis()).unwrap_or(u64::MAX))
    }
}

impl Parts {
    /// Does these things in turn, with pauses, until the future is dropped.
    pub(super) async fn torment(&mut self, faults: &[Fault], pause: Duration, done: &mut Done) -> Result<()> {
        let random = Random(SystemRandom::new());
        let mut turn = 0;
        loop {
            sleep(pause).await;
            let node = random.below(self.nodes.len());
            let Some(fault) = faults.get(turn % faults.len().max(1)) else {
                std::future::pending::<()>().await;
                return Ok(());
            };
            turn += 1;
            tracing::info!(?fault, worker = self.nodes[node].process.name(), "fault");
            self.inflict(*fault, node, &random, done).await?;
        }
    }

    async fn inflict(&mut self, fault: Fault, node: usize, random: &Random, done: &mut Done) -> Result<()> {
        done.others += u64::from(fault != Fault::Kill);
        let ttl = self.ttl;
        match fault {
            Fault::Kill => {
                done.kills += 1;
                let held = self.held(self.nodes[node].process.name()).await.unwrap_or_default();
                self.nodes[node].process.kill().await;
                let killed = Instant::now();
                if self.nodes.iter().any(|other| other.process.is_running())
                    && self.until_taken_over(&held, ttl * 10).await
                {
                    done.takeovers.push(killed.elapsed());
                }
                self.nodes[node].process.start()?;
            }
            Fault::Freeze => {
                self.nodes[node].process.freeze();
                sleep(ttl + ttl / 2).await;
                self.nodes[node].process.thaw();
            }
            Fault::Restart => {
                self.nodes[node].process.end().await;
                self.nodes[node].process.start()?;
            }
            Fault::Cut => {
                let node = &self.nodes[node];
                let wire = if random.below(2) == 0 { &node.to_postgres } else { &node.to_nats };
                wire.cut(true);
                sleep(ttl + ttl / 2).await;
                wire.cut(false);
            }
            Fault::Postgres => {
                self.postgres.kill();
                sleep(Duration::from_secs(1)).await;
                self.postgres.start_again()?;
            }
            Fault::Nats => {
                self.nats.kill();
                sleep(Duration::from_secs(1)).await;
                self.nats.start_again()?;
            }
        }
        Ok(())
    }

    /// The leases of the worker of this name: accounts and tokens.
    async fn held(&self, worker: &str) -> Result<Vec<(i64, i64)>> {
        let client = self.pool.get().await?;
        let rows = client
            .query(
                "select a.id, a.token from fleet.account a join fleet.worker w on w.id = a.worker
                 where w.name = $1",
                &[&worker],
            )
            .await?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    }

    /// Waits until all these leases are others'; `false` if the time is over first.
    async fn until_taken_over(&self, held: &[(i64, i64)], limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        while Instant::now() < deadline {
            sleep(Duration::from_millis(50)).await;
            if self.left(held).await.is_ok_and(|left| left == 0) {
                return true;
            }
        }
        false
    }

    /// How many of these leases are not another worker's yet.
    async fn left(&self, held: &[(i64, i64)]) -> Result<i64> {
        let (accounts, tokens): (Vec<i64>, Vec<i64>) = held.iter().copied().unzip();
        let client = self.pool.get().await?;
        let row = client
            .query_one(
                "select count(*) from unnest($1::bigint[], $2::bigint[]) as l(account, token)
                 join fleet.account a on a.id = l.account
                 where a.state = 'active' and (a.worker is null or a.token = l.token)",
                &[&accounts, &tokens],
            )
            .await?;
        Ok(row.get(0))
    }

    /// All servers and workers run, and no wire is cut.
    pub(super) async fn mend(&mut self) -> Result<()> {
        self.postgres.ensure_running()?;
        self.nats.ensure_running()?;
        for node in &mut self.nodes {
            node.to_postgres.cut(false);
            node.to_nats.cut(false);
            node.process.thaw();
            if !node.process.is_running() {
                node.process.start()?;
            }
        }
        Ok(())
    }
}

//! Leases: which worker follows which account, decided by the database and its clock alone.
//!
//! ```text
//!   worker:  registered ──renew──> valid ──(valid_until passes)──> retired          (never back)
//!   account: free ──claim: token + 1──> held by a worker ──release, or its worker retired──> free
//! ```
//!
//! Three rules make it safe, whatever stops at whatever moment:
//!
//! 1. A worker is retired once, by whoever notices that its `valid_until` has passed, and never
//!    comes back: a renewal needs a row that is not retired. A process whose row is retired
//!    registers a new one and begins without accounts.
//! 2. A claim locks the row of its own worker (`for share`), and retirement changes that row first
//!    and frees the accounts by a second statement: so each claim is either seen by the retirement
//!    that frees it, or sees that its worker is retired and takes nothing.
//! 3. Each claim adds one to the account's token. Cursors are written and leases released only with
//!    the token of the last claim (see cursor.rs), so a worker that was overtaken moves nothing.
//!
//! In: a worker's beats, its wish for more or fewer accounts. Out: leases with tokens.

use std::fmt;
use std::time::Duration;

use deadpool_postgres::Pool;
use tokio_postgres::Client;

use crate::account::StoredAccount;
use crate::error::{Error, Result};

/// The number of a worker's row; a process that has lost its leases gets another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkerId(pub i64);

impl fmt::Display for WorkerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The right to follow an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The account's number.
    pub account: i64,
    /// Whose it is.
    pub worker: WorkerId,
    /// The number of the claim: what is written for the account is written with it.
    pub token: i64,
}

/// An account that was claimed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Claimed {
    /// The right to follow it.
    pub lease: Lease,
    /// The account.
    pub account: StoredAccount,
}

/// What a worker reports with each beat, for the page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Beat {
    /// The events that JetStream has acknowledged.
    pub events: i64,
    /// Those of them that it had already.
    pub duplicates: i64,
    /// The events that wait for it.
    pub waiting: i64,
    /// The worker takes no more accounts.
    pub draining: bool,
}

/// How many free accounts are counted at most: many more than are claimed at once.
const MAX_FREE: i64 = 10_000;

/// How many accounts and workers there are, as one worker sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Census {
    /// Accounts that are not parked. The number may be a third of the `ttl` old.
    pub active: u64,
    /// Those of them that no worker has; 10,000 stands for any more.
    pub free: u64,
    /// Workers that are valid and not draining.
    pub workers: u64,
}

/// The leases, in the database.
#[derive(Clone, Debug)]
pub struct LeaseTable {
    pool: Pool,
    ttl: Duration,
}

impl LeaseTable {
    /// Those of this database. All workers use the same `ttl`.
    #[must_use]
    pub fn new(pool: Pool, ttl: Duration) -> Self {
        Self { pool, ttl }
    }

    fn ttl(&self) -> f64 {
        self.ttl.as_secs_f64()
    }

    /// A row for a worker, valid from now on.
    ///
    /// # Errors
    /// If the database can't be asked.
    pub async fn register(&self, name: &str, max_accounts: u32) -> Result<WorkerId> {
        let max_accounts = i32::try_from(max_accounts).unwrap_or(i32::MAX);
        let row = self
            .pool
            .get()
            .await?
            .query_one(
                "insert into fleet.worker (name, max_accounts, valid_until)
                 values ($1, $2, clock_timestamp() + make_interval(secs => $3)) returning id",
                &[&name, &max_accounts, &self.ttl()],
            )
            .await?;
        Ok(WorkerId(row.get(0)))
    }

    /// Renews all leases of a worker, on a connection of its own that no other statement holds up.
    ///
    /// # Errors
    /// [`Retired`](Error::Retired) if its time has passed: another worker may have its accounts.
    pub async fn renew(&self, client: &Client, worker: WorkerId, beat: Beat) -> Result<()> {
        let renewed = client
            .execute(
                "update fleet.worker set renewed = clock_timestamp(),
                     valid_until = clock_timestamp() + make_interval(secs => $2),
                     events = $3, duplicates = $4, waiting = $5, draining = $6
                 where id = $1 and not retired and valid_until > clock_timestamp()",
                &[&worker.0, &self.ttl(), &beat.events, &beat.duplicates, &beat.waiting, &beat.draining],
            )
            .await?;
        if renewed == 1 { Ok(()) } else { Err(Error::Retired) }
    }

    /// Retires workers whose time has passed, and frees their accounts. Says how many were freed.
    ///
    /// # Errors
    /// If the database can't be asked.
    pub async fn retire_expired(&self) -> Result<u64> {
        let condition = "valid_until <= clock_timestamp()";
        self.retire_where(condition, &[]).await
    }

    /// Retires this worker, as the last thing that it does: what it still has is free at once.
    ///
    /// # Errors
    /// If the database can't be asked.
    pub async fn retire(&self, worker: WorkerId) -> Result<u64> {
        self.retire_where("id = $1", &[&worker.0]).await
    }

    async fn retire_where(
        &self,
        condition: &str,
        parameters: &[&(dyn tokio_postgres::types::ToSql + Sync)],
    ) -> Result<u64> {
        let mut client = self.pool.get().await?;
        let transaction = client.transaction().await?;
        let statement = format!("update fleet.worker set retired = true where not retired and {condition}");
        if transaction.execute(&statement, parameters).await? == 0 {
            return Ok(0);
        }
        // A statement of its own, with a snapshot of its own: it sees each claim that came before.
        let freed = transaction
            .execute(
                "update fleet.account set worker = null
                 where worker in (select id from fleet.worker where retired)",
                &[],
            )
            .await?;
        transaction
            .execute(
                "delete from fleet.worker where retired and valid_until < clock_timestamp() - interval '1 hour'",
                &[],
            )
            .await?;
        transaction.commit().await?;
        Ok(freed)
    }

    /// How many accounts and workers there are.
    ///
    /// All accounts are counted once in a third of the `ttl`, by whichever worker asks first, since
    /// that reads a row for each. Free ones are counted each time, up to 10,000.
    ///
    /// # Errors
    /// If the database can't be asked.
    pub async fn census(&self) -> Result<Census> {
        let client = self.pool.get().await?;
        client
            .execute(
                "with due as (
                     select from fleet.census
                     where counted < clock_timestamp() - make_interval(secs => $1) for update skip locked)
                 update fleet.census set counted = clock_timestamp(),
                     active = (select count(*) from fleet.account where state = 'active')
                 where exists (select from due)",
                &[&(self.ttl() / 3.0)],
            )
            .await?;
        let row = client
            .query_one(
                "select (select active from fleet.census),
                        (select count(*) from (
                             select from fleet.account where state = 'active' and worker is null limit $1) free),
                        (select count(*) from fleet.worker
                         where not retired and not draining and valid_until > clock_timestamp())",
                &[&MAX_FREE],
            )
            .await?;
        let count = |column| u64::try_from(row.get::<_, i64>(column)).unwrap_or(0);
        Ok(Census { active: count(0), free: count(1), workers: count(2) })
    }

    /// Claims up to this many free accounts. Workers that claim at the same time get different
    /// ones, and none waits for another.
    ///
    /// # Errors
    /// [`Retired`](Error::Retired) if the worker's time has passed.
    pub async fn claim(&self, worker: WorkerId, most: u32) -> Result<Vec<Claimed>> {
        let mut client = self.pool.get().await?;
        let transaction = client.transaction().await?;
        // Rule 2 of the head: held until the claim is there for everyone.
        let valid = transaction
            .query_opt(
                "select from fleet.worker
                 where id = $1 and not retired and valid_until > clock_timestamp() for share",
                &[&worker.0],
            )
            .await?;
        if valid.is_none() {
            return Err(Error::Retired);
        }
        let statement = format!(
            "with free as (
                 select id from fleet.account where worker is null and state = 'active'
                 order by id limit $2 for update skip locked)
             update fleet.account a set worker = $1, token = a.token + 1 from free where a.id = free.id
             returning {}, a.token",
            StoredAccount::COLUMNS
        );
        let rows = transaction.query(&statement, &[&worker.0, &i64::from(most)]).await?;
        transaction.commit().await?;
        let mut claimed = Vec::with_capacity(rows.len());
        for row in &rows {
            let lease = Lease { account: row.get(0), worker, token: row.get(5) };
            match StoredAccount::of(row) {
                Ok(account) => claimed.push(Claimed { lease, account }),
                // It would come back with each claim.
                Err(error) => self.park(lease, &error.to_string()).await?,
            }
        }
        Ok(claimed)
    }

    /// Gives leases back. Those that are another's by now stay with it.
    ///
    /// # Errors
    /// If the database can't be asked: then they run out.
    pub async fn release(&self, leases: &[Lease]) -> Result<u64> {
        let accounts: Vec<i64> = leases.iter().map(|lease| lease.account).collect();
        let tokens: Vec<i64> = leases.iter().map(|lease| lease.token).collect();
        let client = self.pool.get().await?;
        let released = client
            .execute(
                "update fleet.account a set worker = null
                 from unnest($1::bigint[], $2::bigint[]) as l(account, token)
                 where a.id = l.account and a.token = l.token",
                &[&accounts, &tokens],
            )
            .await?;
        Ok(released)
    }

    /// Parks an account, if the lease still holds.
    ///
    /// # Errors
    /// If the database can't be asked.
    pub async fn park(&self, lease: Lease, reason: &str) -> Result<()> {
        self.pool
            .get()
            .await?
            .execute(
                "update fleet.account set state = 'parked', reason = $3, worker = null
                 where id = $1 and token = $2",
                &[&lease.account, &lease.token, &reason],
            )
            .await?;
        Ok(())
    }

    /// The accounts of a worker with the tokens and revisions that they have now. Those that are
    /// missing are not its own any more.
    ///
    /// # Errors
    /// If the database can't be asked.
    pub async fn held(&self, worker: WorkerId) -> Result<Vec<(Lease, i64)>> {
        let rows = self
            .pool
            .get()
            .await?
            .query(
                "select id, token, revision from fleet.account where worker = $1 and state = 'active'",
                &[&worker.0],
            )
            .await?;
        let lease = |row: &tokio_postgres::Row| {
            (Lease { account: row.get(0), worker, token: row.get(1) }, row.get(2))
        };
        Ok(rows.iter().map(lease).collect())
    }

    /// Whether the lease holds.
    ///
    /// # Errors
    /// If the database can't be asked.
    pub async fn holds(&self, lease: Lease) -> Result<bool> {
        let row = self
            .pool
            .get()
            .await?
            .query_opt(
                "select from fleet.account a join fleet.worker w on w.id = a.worker
                 where a.id = $1 and a.token = $2 and a.worker = $3
                   and not w.retired and w.valid_until > clock_timestamp()",
                &[&lease.account, &lease.token, &lease.worker.0],
            )
            .await?;
        Ok(row.is_some())
    }
}

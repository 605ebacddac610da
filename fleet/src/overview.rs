//! The fleet at one moment, for the page and for `fleet status`.
//!
//! In: the tables. Out: counts, workers, parked accounts.

use std::collections::BTreeMap;

use deadpool_postgres::Pool;
use serde::Serialize;

use crate::error::Result;

/// How many parked accounts are named.
const MAX_PARKED: i64 = 100;

/// The fleet at one moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Overview {
    /// All accounts.
    pub accounts: i64,
    /// Those that a worker follows.
    pub leased: i64,
    /// Those that wait for a worker.
    pub free: i64,
    /// Those that wait for someone to change something.
    pub parked: i64,
    /// The events that all workers that are there have published.
    pub events: i64,
    /// Those of them that JetStream had already.
    pub duplicates: i64,
    /// The events that wait for JetStream.
    pub waiting: i64,
    /// The workers that are valid.
    pub workers: Vec<WorkerLine>,
    /// Accounts that are parked, at most a hundred.
    pub parked_accounts: Vec<AccountLine>,
}

/// A worker.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct WorkerLine {
    /// The number of its row.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// How many accounts it has.
    pub accounts: i64,
    /// How many events it has published.
    pub events: i64,
    /// How many wait.
    pub waiting: i64,
    /// Seconds since it was renewed.
    pub renewed: f64,
    /// It takes no more accounts.
    pub draining: bool,
}

/// An account.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct AccountLine {
    /// Its name.
    pub name: String,
    /// `active` or `parked`.
    pub state: String,
    /// Why it is parked.
    pub reason: Option<String>,
    /// Which worker has it.
    pub worker: Option<String>,
}

impl Overview {
    /// As it is now.
    ///
    /// # Errors
    /// If the database can't be asked.
    pub async fn read(pool: &Pool) -> Result<Self> {
        let client = pool.get().await?;
        let row = client
            .query_one(
                "select count(*), count(*) filter (where worker is not null),
                        count(*) filter (where worker is null and state = 'active'),
                        count(*) filter (where state = 'parked') from fleet.account",
                &[],
            )
            .await?;
        let held: BTreeMap<i64, i64> = client
            .query("select worker, count(*) from fleet.account where worker is not null group by 1", &[])
            .await?
            .iter()
            .map(|row| (row.get(0), row.get(1)))
            .collect();
        let workers: Vec<WorkerLine> = client
            .query(
                "select id, name, events, waiting, draining,
                        extract(epoch from clock_timestamp() - renewed)::float8, duplicates
                 from fleet.worker where not retired and valid_until > clock_timestamp() order by name, id",
                &[],
            )
            .await?
            .iter()
            .map(|row| WorkerLine {
                id: row.get(0),
                name: row.get(1),
                accounts: held.get(&row.get::<_, i64>(0)).copied().unwrap_or(0),
                events: row.get(2),
                waiting: row.get(3),
                draining: row.get(4),
                renewed: row.get(5),
            })
            .collect();
        let sums = client
            .query_one(
                "select coalesce(sum(events), 0)::bigint, coalesce(sum(duplicates), 0)::bigint from fleet.worker",
                &[],
            )
            .await?;
        let parked_accounts = Self::accounts_where(&client, "a.state = 'parked'", MAX_PARKED).await?;
        Ok(Self {
            accounts: row.get(0),
            leased: row.get(1),
            free: row.get(2),
            parked: row.get(3),
            events: sums.get(0),
            duplicates: sums.get(1),
            waiting: workers.iter().map(|worker| worker.waiting).sum(),
            workers,
            parked_accounts,
        })
    }

    /// All accounts by name, at most this many.
    ///
    /// # Errors
    /// If the database can't be asked.
    pub async fn list(pool: &Pool, most: i64) -> Result<Vec<AccountLine>> {
        Self::accounts_where(&pool.get().await?, "true", most).await
    }

    async fn accounts_where(
        client: &deadpool_postgres::Client,
        condition: &str,
        most: i64,
    ) -> Result<Vec<AccountLine>> {
        let statement = format!(
            "select a.name, a.state, a.reason, w.name from fleet.account a
             left join fleet.worker w on w.id = a.worker where {condition} order by a.name limit $1"
        );
        let rows = client.query(&statement, &[&most]).await?;
        let line = |row: &tokio_postgres::Row| AccountLine {
            name: row.get(0),
            state: row.get(1),
            reason: row.get(2),
            worker: row.get(3),
        };
        Ok(rows.iter().map(line).collect())
    }
}

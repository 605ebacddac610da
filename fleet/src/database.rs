//! Statements for an account: tried again while the database is away and the worker's leases may
//! still hold, so that a restart of PostgreSQL costs no connection to an IMAP server.
//!
//! In: a statement that can be done twice. Out: its rows; or that the worker is retired.

use std::time::Duration;

use deadpool_postgres::Pool;
use tokio::time::sleep;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::error::{Error, Result};
use crate::watchdog::Watchdog;

const MIN_PAUSE: Duration = Duration::from_millis(50);
const MAX_PAUSE: Duration = Duration::from_secs(2);

/// The database, as the accounts of a worker use it.
#[derive(Clone, Debug)]
pub(crate) struct Database {
    pool: Pool,
    watchdog: Watchdog,
}

impl Database {
    pub(crate) fn new(pool: Pool, watchdog: Watchdog) -> Self {
        Self { pool, watchdog }
    }

    /// The rows of a statement.
    ///
    /// # Errors
    /// [`Retired`](Error::Retired), or if the database refuses the statement.
    pub(crate) async fn read(&self, statement: &str, values: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>> {
        let mut pause = MIN_PAUSE;
        loop {
            match self.once(statement, values).await {
                Ok(rows) => return Ok(rows),
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::Away(error)) if self.watchdog.is_retired() => {
                    tracing::debug!(%error, "the worker was retired while the database was away");
                    return Err(Error::Retired);
                }
                Err(Failure::Away(error)) => {
                    tracing::debug!(%error, "a statement is tried again");
                    sleep(pause).await;
                    pause = (pause * 2).min(MAX_PAUSE);
                }
            }
        }
    }

    /// A statement that writes if the lease holds, and has a row if it does.
    ///
    /// # Errors
    /// [`LeaseLost`](Error::LeaseLost), and as [`read`](Self::read).
    pub(crate) async fn write(
        &self,
        account: i64,
        statement: &str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<()> {
        let held = self.read(statement, values).await?;
        if held.is_empty() { Err(Error::LeaseLost(account)) } else { Ok(()) }
    }

    async fn once(&self, text: &str, values: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, Failure> {
        let client = self.pool.get().await.map_err(|error| Failure::Away(error.into()))?;
        let statement = client.prepare_cached(text).await.map_err(Failure::of)?;
        client.query(&statement, values).await.map_err(Failure::of)
    }
}

enum Failure {
    /// The database can't be reached now, or is being shut down or started.
    Away(Error),
    /// It refuses the statement.
    Final(Error),
}

impl Failure {
    fn of(error: tokio_postgres::Error) -> Self {
        // Classes of SQLSTATE: connections (08), resources (53), an operator (57), the system (58),
        // and transactions that were rolled back for others' sake (40).
        let is_away = match error.code() {
            Some(code) => ["08", "40", "53", "57", "58"].iter().any(|class| code.code().starts_with(class)),
            None => true,
        };
        if is_away { Self::Away(error.into()) } else { Self::Final(error.into()) }
    }
}

//! A worker: it holds leases on a fair share of the accounts and follows them.
//!
//! ```text
//!   registered ──> beats and balances ──stop──> draining ──> retired
//!        ^                │ not renewed in time
//!        └──── accounts dropped, a new row ────┘
//! ```
//!
//! In: a [`FleetConfig`], until it is asked to stop. Out: events of its accounts.

mod balance;
mod follow;
mod heart;
mod order;
mod term;

use deadpool_postgres::Pool;
use tokio_util::sync::CancellationToken;

use self::term::{End, Term};
use crate::config::FleetConfig;
use crate::connect::Connector;
use crate::credential::SealingKey;
use crate::error::{Error, Result};
use crate::lease::LeaseTable;
use crate::publish::Publisher;
use crate::schema;
use crate::stream::{EventStream, REQUEST};
use crate::watchdog::Watchdog;

/// What the accounts of one term of a worker share.
#[derive(Clone, Debug)]
pub(super) struct Shared {
    pub(super) pool: Pool,
    /// The heartbeat's connections.
    pub(super) connector: Connector,
    pub(super) leases: LeaseTable,
    pub(super) publisher: Publisher,
    pub(super) watchdog: Watchdog,
    pub(super) key: Option<SealingKey>,
}

/// A worker.
#[derive(Debug)]
pub struct Worker {
    config: FleetConfig,
    connector: Connector,
    pool: Pool,
    stream: EventStream,
    key: Option<SealingKey>,
}

/// Connections to the database of this set-up. None is made yet.
///
/// # Errors
/// If its address or the certificates of `database_ca` can't be read.
pub fn pool(config: &FleetConfig) -> Result<Pool> {
    Connector::new(config)?.pool(config)
}

impl Worker {
    /// Connects to database and NATS, and checks that they can be worked with.
    ///
    /// # Errors
    /// If they can't be reached, the tables are of another version, or the key can't be read.
    pub async fn open(config: FleetConfig) -> Result<Self> {
        config.check()?;
        let key = config.key_file.as_deref().map(SealingKey::read).transpose()?;
        let connector = Connector::new(&config)?;
        let pool = connector.pool(&config)?;
        schema::check(&*pool.get().await?).await?;
        let stream = EventStream::open(&config).await?;
        Ok(Self { config, connector, pool, stream, key })
    }

    /// The connections to the database.
    #[must_use]
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Follows accounts until `stop` is cancelled, then gives them back. Failures of database and
    /// NATS are waited out. When the future is dropped, its leases run out.
    pub async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            match self.term().await {
                Ok(mut term) => match term.run(&stop).await {
                    End::Stopped => return,
                    End::Retired => tracing::warn!("{}", Error::Retired),
                },
                Err(error) => {
                    tracing::warn!(%error, "the worker can't register; it tries again");
                    tokio::select! {
                        () = stop.cancelled() => return,
                        () = tokio::time::sleep(self.config.heartbeat().min(REQUEST)) => {}
                    }
                }
            }
        }
    }

    async fn term(&self) -> Result<Term> {
        let leases = LeaseTable::new(self.pool.clone(), self.config.ttl());
        let sent = tokio::time::Instant::now();
        let id = leases.register(&self.config.name, self.config.max_accounts).await?;
        let watchdog = Watchdog::new(self.config.ttl(), sent);
        let publisher =
            Publisher::new(self.stream.clone(), leases.clone(), watchdog.clone(), self.config.window);
        let shared = Shared {
            pool: self.pool.clone(),
            connector: self.connector.clone(),
            leases,
            publisher,
            watchdog,
            key: self.key.clone(),
        };
        tracing::info!(worker = %id, name = self.config.name, "registered");
        Ok(Term::new(id, self.config.clone(), shared))
    }
}

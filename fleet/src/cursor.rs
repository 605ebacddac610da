//! The cursors of an account in PostgreSQL: where its watch goes on.
//!
//! In: what the watch stores after an acknowledgement. Out: the same for the next worker. Each
//! write checks the lease's token and clears the outbox in the statement that writes: whoever was
//! overtaken writes nothing.

use std::collections::BTreeMap;
use std::io;

use imap_duplex::account::{MailboxKey, StateStore, StoreFuture, StoredMailbox};
use tokio_postgres::types::{Json, ToSql};

use crate::database::Database;
use crate::error::Result;
use crate::lease::Lease;
use crate::outbox::Outbox;

// `for share` waits for a claim that is under way and then sees its token; a claim that comes later
// waits for this statement.
const SAVE: &str = "
with held as (select from fleet.account where id = $1 and token = $2 for share),
done as (delete from fleet.outbox using held where account = $1 and mailbox = $3 and number <= $4),
saved as (
    insert into fleet.cursor (account, mailbox, record) select $1, $3, $5 from held
    on conflict (account, mailbox) do update set record = excluded.record)
select from held";

const REMOVE: &str = "
with held as (select from fleet.account where id = $1 and token = $2 for share),
done as (delete from fleet.outbox using held where account = $1 and mailbox = $3 and number <= $4),
gone as (delete from fleet.cursor using held where account = $1 and mailbox = $3)
select from held";

const SELECT: &str = "
with held as (select from fleet.account where id = $1 and token = $2 for share),
saved as (
    insert into fleet.selection (account, selection) select $1, $3 from held
    on conflict (account) do update set selection = excluded.selection)
select from held";

/// The cursors of one account, for as long as a lease holds.
#[derive(Clone, Debug)]
pub(crate) struct CursorStore {
    database: Database,
    lease: Lease,
    outbox: Outbox,
}

impl CursorStore {
    /// Those of the account that this lease is for.
    pub(crate) fn new(database: Database, lease: Lease, outbox: Outbox) -> Self {
        Self { database, lease, outbox }
    }

    /// All of them.
    pub(crate) async fn read(&self) -> Result<BTreeMap<MailboxKey, StoredMailbox>> {
        let statement = "select to_jsonb(mailbox), record from fleet.cursor where account = $1";
        let rows = self.database.read(statement, &[&self.lease.account]).await?;
        let mut records = BTreeMap::new();
        for row in rows {
            let (Json(key), Json(record)) = (row.try_get(0)?, row.try_get(1)?);
            records.insert(key, record);
        }
        Ok(records)
    }

    /// Which mailboxes were watched when that was written last.
    pub(crate) async fn selection(&self) -> Result<Option<String>> {
        let statement = "select selection from fleet.selection where account = $1";
        let rows = self.database.read(statement, &[&self.lease.account]).await?;
        Ok(rows.first().map(|row| row.try_get(0)).transpose()?)
    }

    /// Writes which mailboxes are watched.
    ///
    /// # Errors
    /// `LeaseLost` if the account is another's by now.
    pub(crate) async fn select(&self, selection: &str) -> Result<()> {
        let (account, token) = (self.lease.account, self.lease.token);
        self.database.write(account, SELECT, &[&account, &token, &selection]).await
    }

    /// Writes a cursor, or removes it.
    ///
    /// # Errors
    /// `LeaseLost` if the account is another's by now.
    pub(crate) async fn write(&self, key: &MailboxKey, record: Option<StoredMailbox>) -> Result<()> {
        let covered = self.outbox.take_covered(key);
        let (account, token, key) = (self.lease.account, self.lease.token, key.to_string());
        match record {
            Some(record) => {
                let values: &[&(dyn ToSql + Sync)] = &[&account, &token, &key, &covered, &Json(record)];
                self.database.write(account, SAVE, values).await
            }
            None => self.database.write(account, REMOVE, &[&account, &token, &key, &covered]).await,
        }
    }
}

impl StateStore for CursorStore {
    fn load(&self) -> StoreFuture<'_, BTreeMap<MailboxKey, StoredMailbox>> {
        Box::pin(async { self.read().await.map_err(io::Error::other) })
    }

    fn save(&self, key: MailboxKey, record: Option<StoredMailbox>) -> StoreFuture<'_, ()> {
        Box::pin(async move { self.write(&key, record).await.map_err(io::Error::other) })
    }

    fn load_selection(&self) -> StoreFuture<'_, Option<String>> {
        Box::pin(async { self.selection().await.map_err(io::Error::other) })
    }

    fn save_selection(&self, selection: String) -> StoreFuture<'_, ()> {
        Box::pin(async move { self.select(&selection).await.map_err(io::Error::other) })
    }
}

#[cfg(all(test, feature = "demo"))]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::*;
    use crate::config::FleetConfig;
    use crate::error::Error;
    use crate::lease::WorkerId;
    use crate::schema::migrate;
    use crate::services::Postgres;
    use crate::watchdog::Watchdog;
    use crate::worker::pool;

    #[tokio::test]
    async fn which_mailboxes_are_watched_is_kept_by_whoever_holds_the_lease() {
        let postgres = Postgres::start().expect("PostgreSQL; `tests/run fleet` installs it");
        let config = FleetConfig { database: postgres.url(), ..FleetConfig::default() };
        let pool = pool(&config).expect("an address");
        let mut client = pool.get().await.expect("a connection");
        migrate(&mut client).await.expect("the tables");
        let insert =
            "insert into fleet.account (name, settings, credential, token) values ('a', '{}', '{}', 7)
                      returning id";
        let account = client.query_one(insert, &[]).await.expect("an account").get(0);
        let watchdog = Watchdog::new(Duration::from_secs(60), Instant::now());
        let database = Database::new(pool.clone(), watchdog);
        let store = |token| {
            let lease = Lease { account, worker: WorkerId(1), token };
            CursorStore::new(database.clone(), lease, Outbox::new(database.clone(), lease))
        };
        let (current, old) = (store(7), store(6));
        assert_eq!(current.load_selection().await.expect("nothing yet"), None);
        for text in ["name INBOX", "all \nuse \\\\Sent"] {
            current.save_selection(text.to_owned()).await.expect("stored");
            assert_eq!(old.load_selection().await.expect("it is read").as_deref(), Some(text));
        }
        let refused = old.select("all ").await.expect_err("the account is another's");
        assert!(matches!(refused, Error::LeaseLost(_)), "{refused}");
        assert_ne!(current.selection().await.expect("it is read").as_deref(), Some("all "));
    }
}

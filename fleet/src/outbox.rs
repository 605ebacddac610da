//! The outbox of an account: changes that were handed to the publisher and whose cursor has not
//! moved yet.
//!
//! ```text
//!   change ──put──> outbox ──publish──> JetStream ──ack──> cursor moves, outbox cleared (one statement)
//!
//!   a new claim: outbox ──published once more, same identities, same order──> cursor moves ──> watch
//! ```
//!
//! Without it a worker that dies between a publish and its cursor would leave the consumers with a
//! change that may never be taken back: a message that arrived and is gone by the next look, say.
//! So the next worker finishes what the last one had begun, and compares from there.
//!
//! It also bounds what an overtaken worker can still do: it can put nothing in, so all that it may
//! publish late was here when its successor claimed the account, and was published by it before
//! anything newer: JetStream knows its identity, or refuses its sequence.
//!
//! In: changes of a lease. Out: the same after a claim, in the order of each mailbox.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use imap_duplex::account::{Change, MailboxKey, StoredMailbox};
use tokio_postgres::types::Json;

use crate::cursor::CursorStore;
use crate::database::Database;
use crate::error::Result;
use crate::event::Event;
use crate::lease::Lease;
use crate::publish::Publish;

// Once more if the answer was lost: then the rows are there already.
const PUT: &str = "
with held as (select from fleet.account where id = $1 and token = $2 for share),
put as (
    insert into fleet.outbox (account, mailbox, number, change)
    select $1, l.mailbox, l.number, l.change from held,
        unnest($3::text[], $4::bigint[], $5::jsonb[]) as l(mailbox, number, change)
    on conflict do nothing)
select from held";

/// The outbox of one account, for as long as a lease holds. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Outbox {
    database: Database,
    lease: Lease,
    /// Of each mailbox: up to which number the next write of its cursor covers its changes.
    covered: Arc<Mutex<BTreeMap<MailboxKey, i64>>>,
}

/// A change that was in the outbox at a claim.
struct Leftover {
    number: i64,
    change: Change,
}

impl Outbox {
    pub(crate) fn new(database: Database, lease: Lease) -> Self {
        Self { database, lease, covered: Arc::default() }
    }

    /// Puts changes of one mailbox in, numbered from this one on.
    ///
    /// # Errors
    /// `LeaseLost` if the account is another's by now.
    pub(crate) async fn put(&self, changes: &[Change], first: i64) -> Result<()> {
        let mailboxes: Vec<String> = changes.iter().map(|change| change.mailbox_key().to_string()).collect();
        let numbers: Vec<i64> = (first..).take(changes.len()).collect();
        let changes: Vec<Json<&Change>> = changes.iter().map(Json).collect();
        let (account, token) = (self.lease.account, self.lease.token);
        self.database.write(account, PUT, &[&account, &token, &mailboxes, &numbers, &changes]).await
    }

    /// The next write of this mailbox's cursor covers its changes up to this number.
    pub(crate) fn cover(&self, key: &MailboxKey, number: i64) {
        self.covered.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone(), number);
    }

    /// Up to which number that was, for the write itself.
    pub(crate) fn take_covered(&self, key: &MailboxKey) -> i64 {
        self.covered.lock().unwrap_or_else(PoisonError::into_inner).remove(key).unwrap_or(0)
    }

    /// Finishes what the worker before has begun: publishes what is here, and moves the cursors
    /// past it.
    ///
    /// # Errors
    /// Those of publishing, of the database, and `LeaseLost`.
    pub(crate) async fn finish(&self, account: &str, publish: &Publish, store: &CursorStore) -> Result<()> {
        let leftovers = self.leftovers().await?;
        if leftovers.is_empty() {
            return Ok(());
        }
        let mut records = store.read().await?;
        for (key, changes) in leftovers {
            let mut record: Option<StoredMailbox> = records.remove(&key);
            let mut last = 0;
            for Leftover { number, change } in changes {
                if let Some(event) = Event::of(self.lease.account, account, &change) {
                    publish.publish(&event).await?;
                }
                record = StoredMailbox::after(record, &change);
                last = number;
            }
            self.cover(&key, last);
            store.write(&key, record).await?;
        }
        Ok(())
    }

    async fn leftovers(&self) -> Result<BTreeMap<MailboxKey, Vec<Leftover>>> {
        let statement = "select number, change from fleet.outbox where account = $1 order by number";
        let rows = self.database.read(statement, &[&self.lease.account]).await?;
        let mut leftovers: BTreeMap<MailboxKey, Vec<Leftover>> = BTreeMap::new();
        for row in rows {
            let Json(change): Json<Change> = row.try_get(1)?;
            let leftover = Leftover { number: row.get(0), change };
            leftovers.entry(leftover.change.mailbox_key().clone()).or_default().push(leftover);
        }
        Ok(leftovers)
    }
}

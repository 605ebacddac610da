//! Bodies that are fetched without being asked for, and how many are kept.

use std::collections::BTreeMap;
use std::time::Duration;

use rusqlite::{Transaction, params};
use tokio::time::{Instant, sleep, sleep_until};

use super::fetch::fetch_content;
use crate::account::Account;
use crate::error::ErrorKind;
use crate::store::database::Database;
use crate::store::error::{Fault, StoreError, StoreErrorKind, StoreResult};
use crate::store::rows::content::json;
use crate::store::sync::{Either, race};
use crate::types::MailboxName;

/// How many are looked for at a time.
const BATCH: i64 = 50;
/// The pause after a failure, or until one is asked for again that the server can send later.
const PAUSE: Duration = Duration::from_secs(30);
/// How soon one is asked for again that the server has refused: it may have been mended.
const ASK_AGAIN: Duration = Duration::from_secs(60 * 60);
/// So many in a row are put off; then it is the server that has to wait.
const MAX_PUT_OFF: u32 = 5;
const DAY: i64 = 24 * 60 * 60;

/// Which bodies are fetched without being asked for, and how many bytes are kept.
///
/// ```
/// use imap_duplex::store::BodyPolicy;
/// let policy = BodyPolicy::newest_days(30).max_bytes(2 << 30);
/// # let _ = policy;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct BodyPolicy {
    which: Which,
    max_bytes: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Which {
    None,
    Days(u32),
    Mailboxes(Vec<MailboxName>),
    All,
}

impl Default for BodyPolicy {
    fn default() -> Self {
        Self::on_demand()
    }
}

impl BodyPolicy {
    /// None: a body comes when it is asked for.
    pub fn on_demand() -> Self {
        Self { which: Which::None, max_bytes: 1 << 30 }
    }

    /// Those of messages that the server received in so many days before the newest of them, once
    /// each mailbox has been listed. (Not before today: a clock may be wrong.)
    pub fn newest_days(days: u32) -> Self {
        Self { which: Which::Days(days), ..Self::on_demand() }
    }

    /// All of these mailboxes.
    pub fn mailboxes<N: Into<MailboxName>>(names: impl IntoIterator<Item = N>) -> Self {
        let names = names.into_iter().map(Into::into).collect();
        Self { which: Which::Mailboxes(names), ..Self::on_demand() }
    }

    /// All.
    pub fn all() -> Self {
        Self { which: Which::All, ..Self::on_demand() }
    }

    /// How many bytes of bodies the store keeps: beyond that those least recently used are removed,
    /// except what has not been sent yet; and none is fetched in advance. 1 GiB.
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = bytes;
        self
    }
}

/// Contents that are not asked for before this time.
type PutOff = BTreeMap<i64, Instant>;

/// Fetches bodies in advance.
pub(in crate::store) struct Keeper {
    account: Account,
    account_id: i64,
    database: Database,
}

impl Keeper {
    pub(in crate::store) fn new(account: Account, account_id: i64, database: Database) -> Self {
        Self { account, account_id, database }
    }

    /// Runs until the account ends or the task is aborted, at whatever point.
    pub(in crate::store) async fn run(self, policy: BodyPolicy) {
        self.database.set_max_body_bytes(i64::try_from(policy.max_bytes).unwrap_or(i64::MAX));
        if policy.which == Which::None {
            return;
        }
        let mut changes = self.database.last_change();
        let mut put_off = PutOff::new();
        loop {
            changes.borrow_and_update();
            match self.fetch_some(&policy.which, &mut put_off).await {
                Ok(true) => {}
                Ok(false) => {
                    let is_open = match put_off.values().min() {
                        None => changes.changed().await.is_ok(),
                        Some(first) => match race(changes.changed(), sleep_until(*first)).await {
                            Either::First(changed) => changed.is_ok(),
                            Either::Second(()) => true,
                        },
                    };
                    if !is_open {
                        return;
                    }
                }
                Err(()) => return,
            }
        }
    }

    /// Whether some were lacking; an error: the account has ended.
    async fn fetch_some(&self, which: &Which, put_off: &mut PutOff) -> Result<bool, ()> {
        put_off.retain(|_, until| *until > Instant::now());
        let lacking = self.lacking(which, put_off).await.unwrap_or_default();
        let (some, mut in_a_row) = (!lacking.is_empty(), 0);
        for content in lacking {
            let error = match fetch_content(&self.database, &self.account, self.account_id, content).await {
                Ok(()) => {
                    in_a_row = 0;
                    continue;
                }
                Err(_) if self.account.has_ended() => return Err(()),
                Err(error) => error,
            };
            if is_general(&error) {
                sleep(PAUSE).await;
                continue;
            }
            // One that does not come keeps back no others.
            let is_passing =
                error.imap().is_some_and(|error| error.is_transient() && !error.refuses_messages());
            put_off.insert(content, Instant::now() + if is_passing { PAUSE } else { ASK_AGAIN });
            in_a_row += u32::from(is_passing);
            if in_a_row >= MAX_PUT_OFF {
                sleep(PAUSE).await;
                in_a_row = 0;
            }
        }
        Ok(some)
    }

    /// The newest contents without a body, other than these, as long as there is room.
    async fn lacking(&self, which: &Which, but: &PutOff) -> StoreResult<Vec<i64>> {
        let (account, which, max_bytes) = (self.account_id, which.clone(), self.database.max_body_bytes());
        let but = json(&but.keys().collect::<Vec<_>>());
        self.database
            .read(move |file| {
                let bytes: i64 = file.query_row("SELECT bytes FROM bodies", [], |row| row.get(0))?;
                if bytes >= max_bytes {
                    return Ok(Vec::new());
                }
                lacking(file, account, &which, (max_bytes - bytes, &but))
            })
            .await
    }
}

/// Whether it fails for all others as well: there is no connection, or no room.
fn is_general(error: &StoreError) -> bool {
    matches!(error.kind(), StoreErrorKind::Full | StoreErrorKind::Offline)
        || error.imap().is_some_and(|error| {
            error.kind() == ErrorKind::Closed || error.is_transient() && error.kind() != ErrorKind::No
        })
}

fn lacking(
    file: &Transaction<'_>,
    account: i64,
    which: &Which,
    (room, but): (i64, &str),
) -> Result<Vec<i64>, Fault> {
    let (since, names) = match which {
        Which::None => return Ok(Vec::new()),
        Which::Days(days) => {
            // Until each mailbox has been listed, the newest message may be still to come.
            let sql = "SELECT EXISTS (SELECT 1 FROM mailbox WHERE account = ? AND key IS NOT NULL AND listed = 0 \
                 AND failure IS NULL)";
            if file.query_row(sql, [account], |row| row.get(0))? {
                return Ok(Vec::new());
            }
            let sql = "SELECT ifnull(max(m.date), 0) FROM message m JOIN mailbox b ON b.id = m.place WHERE b.account = ?";
            let newest: i64 = file.query_row(sql, [account], |row| row.get(0))?;
            (newest.saturating_sub(i64::from(*days) * DAY), None)
        }
        Which::Mailboxes(names) => {
            let names: Vec<&str> = names.iter().map(MailboxName::as_str).collect();
            (i64::MIN, Some(json(&names)))
        }
        Which::All => (i64::MIN, None),
    };
    let mut find = file.prepare_cached(
        "SELECT DISTINCT m.content FROM message m JOIN mailbox b ON b.id = m.mailbox \
         JOIN content c ON c.id = m.content \
         WHERE b.account = ?1 AND m.uid IS NOT NULL AND m.date >= ?2 AND ifnull(c.size, 0) <= ?3 \
         AND (?4 IS NULL OR b.name IN (SELECT value FROM json_each(?4))) \
         AND NOT EXISTS (SELECT 1 FROM body WHERE content = m.content AND section = '' AND complete = 1) \
         AND m.content NOT IN (SELECT value FROM json_each(?5)) ORDER BY m.date DESC LIMIT ?6",
    )?;
    let rows = find.query_map(params![account, since, room, names, but, BATCH], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

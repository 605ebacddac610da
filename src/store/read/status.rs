//! How far a store is, for progress bars.

use rusqlite::params;
use serde::Serialize;

use crate::store::error::StoreResult;
use crate::store::handle::Store;
use crate::store::ids::AccountId;

/// How far a store is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct StoreStatus {
    /// Each account.
    pub accounts: Vec<AccountProgress>,
    /// Bytes of bodies in the store.
    pub body_bytes: u64,
}

/// How far an account is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AccountProgress {
    /// Its number.
    pub id: AccountId,
    /// User and host.
    pub identity: String,
    /// Whether it is attached to this handle's store.
    pub attached: bool,
    /// How many mailboxes the server has.
    pub mailboxes: u64,
    /// How many of them are listed: all their messages are known.
    pub mailboxes_listed: u64,
    /// How many messages the server has in all of them.
    pub messages: u64,
    /// How many of them are in the store with their content.
    pub messages_stored: u64,
    /// Operations that are on their way.
    pub queued: u64,
    /// Operations that the server has refused.
    pub parked: u64,
}

impl Store {
    /// How far the store is.
    ///
    /// # Errors
    /// If the store can't be read.
    pub async fn status(&self) -> StoreResult<StoreStatus> {
        let database = self.database.clone();
        self.database
            .read(move |file| {
                let mut find = file.prepare_cached("SELECT id, identity FROM account ORDER BY id")?;
                let rows = find.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))?;
                let rows: Vec<(i64, String)> = rows.collect::<Result<_, _>>()?;
                let mut accounts = Vec::new();
                for (id, identity) in rows {
                    let count = |sql: &str| -> rusqlite::Result<u64> {
                        let count: i64 =
                            file.prepare_cached(sql)?.query_row(params![id], |row| row.get(0))?;
                        Ok(u64::try_from(count).unwrap_or_default())
                    };
                    let of = "FROM mailbox WHERE account = ? AND key IS NOT NULL";
                    let bare = "SELECT count(*) FROM message m JOIN mailbox b ON b.id = m.mailbox \
                                WHERE b.account = ? AND m.content IS NULL";
                    let known = "SELECT count(*) FROM message m JOIN mailbox b ON b.id = m.mailbox \
                                 WHERE b.account = ?";
                    let operations = "FROM operation WHERE account = ? AND state";
                    let known = count(known)?;
                    accounts.push(AccountProgress {
                        id: AccountId(id),
                        identity,
                        attached: database.engaged(id).is_some(),
                        mailboxes: count(&format!("SELECT count(*) {of}"))?,
                        mailboxes_listed: count(&format!("SELECT count(*) {of} AND listed = 1"))?,
                        messages: count(&format!("SELECT ifnull(sum(at_server), 0) {of}"))?.max(known),
                        messages_stored: known - count(bare)?,
                        queued: count(&format!("SELECT count(*) {operations} IN ('queued', 'sending')"))?,
                        parked: count(&format!("SELECT count(*) {operations} = 'parked'"))?,
                    });
                }
                let bytes: i64 = file.query_row("SELECT bytes FROM bodies", [], |row| row.get(0))?;
                Ok(StoreStatus { accounts, body_bytes: u64::try_from(bytes).unwrap_or_default() })
            })
            .await
    }
}

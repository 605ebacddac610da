//! The mailboxes of a store, as the user sees them.

use rusqlite::{OptionalExtension as _, Row, Transaction};
use serde::Serialize;

use crate::store::error::{Fault, StoreError, StoreResult};
use crate::store::handle::Store;
use crate::store::ids::{AccountId, MailboxId, RowIds as _};
use crate::types::MailboxName;

/// A mailbox of a store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct MailboxInfo {
    /// Its number.
    pub id: MailboxId,
    /// Its account.
    pub account: AccountId,
    /// Its name, with what is queued.
    pub name: MailboxName,
    /// What separates its name from those below it.
    pub delimiter: Option<String>,
    /// Its attributes, such as `\Sent`, as the server wrote them.
    pub attributes: Vec<String>,
    /// How many messages the user sees in it.
    pub messages: u64,
    /// How many of them are unread.
    pub unseen: u64,
    /// How many messages the server had at the last look.
    pub at_server: u64,
    /// Whether all of them are known; their contents may still be under way.
    pub listed: bool,
    /// Whether the server has it; else it is still to be made.
    pub exists: bool,
    /// Why it is not in step.
    pub failure: Option<String>,
}

impl MailboxInfo {
    /// Whether it can hold messages: else it is a mere name above others.
    #[must_use]
    pub fn is_selectable(&self) -> bool {
        !self.attributes.iter().any(|attribute| {
            attribute.eq_ignore_ascii_case("\\Noselect") || attribute.eq_ignore_ascii_case("\\NonExistent")
        })
    }
}

const COLUMNS: &str = "SELECT id, account, shown_name, delimiter, attributes, total, unseen, at_server, listed, \
                       name IS NOT NULL, failure FROM mailbox";

fn info(row: &Row<'_>) -> rusqlite::Result<MailboxInfo> {
    let count = |at: usize| row.get::<_, i64>(at).map(|count| u64::try_from(count).unwrap_or_default());
    Ok(MailboxInfo {
        id: row.id(0)?,
        account: row.id(1)?,
        name: MailboxName::exact(row.get::<_, String>(2)?),
        delimiter: row.get(3)?,
        attributes: serde_json::from_str(row.get_ref(4)?.as_str()?).unwrap_or_default(),
        messages: count(5)?,
        unseen: count(6)?,
        at_server: count(7)?,
        listed: row.get(8)?,
        exists: row.get(9)?,
        failure: row.get(10)?,
    })
}

/// A mailbox of a store, to be read; from [`Store::mailbox`].
#[derive(Clone, Debug)]
pub struct LocalMailbox {
    pub(super) store: Store,
    pub(super) id: MailboxId,
}

impl LocalMailbox {
    /// Its number.
    #[must_use]
    pub fn id(&self) -> MailboxId {
        self.id
    }

    /// What it is now.
    ///
    /// # Errors
    /// [`NotFound`](crate::store::StoreErrorKind::NotFound) if it is gone.
    pub async fn info(&self) -> StoreResult<MailboxInfo> {
        let id = self.id;
        let found = self.store.database.read(move |file| find(file, id)).await?;
        found.ok_or_else(|| StoreError::not_found(format!("there is no mailbox {id}, or no longer")))
    }
}

fn find(file: &Transaction<'_>, id: MailboxId) -> Result<Option<MailboxInfo>, Fault> {
    let sql = format!("{COLUMNS} WHERE id = ? AND shown_name IS NOT NULL");
    Ok(file.prepare_cached(&sql)?.query_row([id.0], info).optional()?)
}

impl Store {
    /// All mailboxes of all accounts, by account and name.
    ///
    /// # Errors
    /// If the store can't be read.
    pub async fn mailboxes(&self) -> StoreResult<Vec<MailboxInfo>> {
        self.database
            .read(|file| {
                let sql = format!("{COLUMNS} WHERE shown_name IS NOT NULL ORDER BY account, shown_name");
                let mut find = file.prepare_cached(&sql)?;
                Ok(find.query_map([], info)?.collect::<Result<_, _>>()?)
            })
            .await
    }

    /// A mailbox, to be read.
    #[must_use]
    pub fn mailbox(&self, id: MailboxId) -> LocalMailbox {
        LocalMailbox { store: self.clone(), id }
    }

    /// The mailbox of this name; with several accounts, that of the first that has one.
    ///
    /// # Errors
    /// [`NotFound`](crate::store::StoreErrorKind::NotFound) if there is none.
    pub async fn mailbox_named(&self, name: impl Into<MailboxName>) -> StoreResult<LocalMailbox> {
        let name = name.into();
        let wanted = name.as_str().to_owned();
        let found = self
            .database
            .read(move |file| {
                let sql = "SELECT id FROM mailbox WHERE shown_name = ? ORDER BY account LIMIT 1";
                Ok(file.prepare_cached(sql)?.query_row([wanted], |row| row.id(0)).optional()?)
            })
            .await?;
        let id = found.ok_or_else(|| StoreError::not_found(format!("there is no mailbox {name}")))?;
        Ok(self.mailbox(id))
    }
}
